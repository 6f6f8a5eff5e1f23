"""A change as rows of the tables: pure, the same for every writer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from core.journal.changes import Change, Closing, Conversion, Execution, Intention, Obedience, Payout, Risk
from core.journal.entries import ACCOUNTS, Booked, Entry, Fill, Swap
from core.journal.state import numbers_of
from core.journal.text import json_text
from core.model.account import Account
from core.model.activity import Activity
from core.model.cycle import Cycle
from core.model.decision import Decision
from core.model.event import Instrument
from core.model.orders import Orders
from core.model.settlement import Settlement
from core.units import micros

Row = tuple[object, ...]
INTENDED, EXECUTED, COMPLETE = "intended", "executed", "complete"


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to insert by table, each in the table's column order, and what changes in rows that are there."""

    inserts: Mapping[str, Sequence[Row]]
    words: Sequence[Row] = field(default=())  # (status, filled_micro, reason, order_id)
    heard: Sequence[Row] = field(default=())  # (heard_at, desk, scheduled_at)
    closed: Sequence[Row] = field(default=())  # (desk, scheduled_at)
    cancels: Sequence[Row] = field(default=())  # (cancel_at, order_id)


def rows_of(cycle: Cycle, before: Account, change: Change, booked: Booked, *, version: int, line: int) -> Rows:
    """Return the rows of a change; `version` is the newest activity row, `line` the number of bookings of this cycle so far."""
    at, key = micros(cycle.scheduled_at), (cycle.desk, micros(cycle.scheduled_at))
    described = {instrument.token: instrument for instrument in before.instruments}
    inserts: dict[str, Sequence[Row]] = {}
    heard: list[Row] = []
    closed: list[Row] = []
    match change:
        case Intention():
            described |= {instrument.token: instrument for instrument in change.instruments}
            inserts["cycles"] = [_cycle(cycle)]
            inserts["instruments"] = [_instrument(instrument) for instrument in change.instruments]
            inserts["decisions"] = list(_decisions(change.decisions, key, described))
            inserts["orders"] = list(_orders(change.orders, key, described))
            inserts["risk"] = list(_risk(change.risk, key, before)) if change.risk else []
        case Execution():
            heard.append((change.at or micros(cycle.fill_at), *key))
            inserts["fills"] = [_fill(fill, key, line + i, described) for i, fill in enumerate(booked.fills)]
        case Payout():
            inserts["settlements"] = [_settlement(change.settlement, key, micros(cycle.sealed_at), line)]
        case Conversion():
            described |= {instrument.token: instrument for instrument in change.instruments}
            inserts["instruments"] = [_instrument(instrument) for instrument in change.instruments]
            inserts["conversions"] = [_conversion(swap, change, key, line, described) for swap in booked.swaps]
        case Obedience():
            pass
        case Closing():
            closed.append(key)
    opening = _opening(before, at) if before.seq == 0 else ()
    # An execution has one desk, but two desks may be paid by the same word about an event.
    prefix = f"{cycle.desk}/" if isinstance(change, Payout) else ""
    inserts["ledger"] = [*opening, *_ledger(cycle.desk, prefix, booked.entries)]
    inserts["activity"] = list(_activity(cycle, change, version))
    words = [(word.status, word.filled_micro, word.reason, word.order_id) for word in booked.words]
    cancels = [(micros(cycle.fill_at), order_id) for order_id in change.cancels] if isinstance(change, Intention) else ()
    return Rows(inserts, words, heard, closed, cancels)


def _cycle(cycle: Cycle) -> Row:
    return (
        cycle.desk, micros(cycle.scheduled_at), cycle.number, str(cycle.cause), json_text(cycle.subjects),
        micros(cycle.sealed_at), micros(cycle.fill_at), None, INTENDED,
    )  # fmt: skip


def _instrument(instrument: Instrument) -> Row:
    return (
        instrument.token, instrument.venue, instrument.event_id, instrument.station, instrument.city,
        instrument.event_day.isoformat(), str(instrument.extreme), instrument.bracket, instrument.label, instrument.lower,
        instrument.upper, str(instrument.unit), str(instrument.side), instrument.market_id, instrument.settlement_source,
        instrument.region,
    )  # fmt: skip


def _place(token: str, described: Mapping[str, Instrument]) -> Row:
    instrument = described[token]
    return (token, instrument.venue, instrument.event_id, instrument.station, instrument.event_day.isoformat())


def _decisions(decisions: Sequence[Decision], key: Row, described: Mapping[str, Instrument]) -> Iterator[Row]:
    known: dict[int, str] = {}  # most checks of a cycle are the very same: each is written out once
    for decision in decisions:
        texts = [known.get(id(check)) or known.setdefault(id(check), json_text(check)) for check in decision.checks]
        yield (
            decision.decision_id, *key, int(decision.run), *_place(decision.token, described), int(decision.held_micro),
            int(decision.wanted_micro), int(decision.allowed_micro), int(decision.order_micro), decision.reason_code,
            f"[{','.join(texts)}]", json_text(decision.belief),
        )  # fmt: skip


def _orders(orders: Orders, key: Row, described: Mapping[str, Instrument]) -> Iterator[Row]:
    columns = (
        orders.run, orders.role, orders.parent, orders.size_micro, orders.limit_micro, orders.reference_micro,
        orders.status, orders.filled_micro, orders.placed_at,
    )  # fmt: skip
    late = zip(orders.fair_micro.tolist(), orders.good_until.tolist(), orders.cancel_at.tolist(), strict=True)
    numbers = zip(*(column.tolist() for column in columns), strict=True)
    for row, ((run, role, parent, *sizes), life) in enumerate(zip(numbers, late, strict=True)):
        yield (
            orders.order_id[row], orders.decision_id[row], *key, run, *_place(orders.token[row], described), role,
            "" if parent < 0 else orders.order_id[parent], *sizes, "", *life,
        )  # fmt: skip


def _risk(risk: Risk, key: Row, account: Account) -> Iterator[Row]:
    columns = (
        risk.equity_micro, risk.unit_r_micro, risk.day_start_micro, risk.week_start_micro, risk.high_water_micro,
        risk.tripped, account.cash_micro, account.realised_micro, account.fees_micro,
        account.owed_micro,
    )  # fmt: skip
    for run, numbers in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        yield (*key, run, int(risk.desk_day), *numbers, json_text(numbers_of(risk.governor, run)))


def _fill(fill: Fill, key: Row, line: int, described: Mapping[str, Instrument]) -> Row:
    levels = [[level.price_micro, level.shown_micro, level.taken_micro] for level in fill.levels]
    return (
        fill.execution_id, fill.order_id, *key, line, fill.run, *_place(fill.token, described), fill.at, fill.size_micro,
        fill.notional_micro, fill.fee_micro, json_text(levels),
    )  # fmt: skip


def _settlement(word: Settlement, key: Row, at: int, line: int) -> Row:
    desk, scheduled_at = key
    return (
        desk, word.settlement_id, at, scheduled_at, line, word.venue, word.event_id, word.station,
        word.event_day.isoformat(), str(word.finality), word.revision, word.winner, word.winner_label,
        None if word.reading is None or word.reading != word.reading else float(word.reading), json_text(word.evidence),
    )  # fmt: skip


def _conversion(swap: Swap, change: Conversion, key: Row, line: int, described: Mapping[str, Instrument]) -> Row:
    given, taken = json_text(list(swap.given)), json_text(list(swap.taken))
    return (
        swap.conversion_id, *key, line, swap.run, *_place(swap.given[0], described)[1:], swap.at, given, taken,
        swap.size_micro, change.fee_bips, swap.fee_micro, swap.freed_micro,
    )  # fmt: skip


def _opening(account: Account, at: int) -> Iterator[Row]:
    tx = f"opening/{account.desk}"
    for run, start in enumerate(account.start_micro.tolist()):
        yield (tx, 2 * run, account.desk, run, at, "cash", "", start)
        yield (tx, 2 * run + 1, account.desk, run, at, "opening", "", -start)


def _ledger(desk: str, prefix: str, entries: Iterable[Entry]) -> Iterator[Row]:
    lines: dict[str, int] = {}
    for entry in entries:
        tx = prefix + entry.tx
        for account in ACCOUNTS:
            if amount := getattr(entry, account):
                line = lines.get(tx, 0)
                lines[tx] = line + 1
                yield (tx, line, desk, entry.run, entry.at, account, entry.token, amount)


def _activity(cycle: Cycle, change: Change, version: int) -> Iterator[Row]:
    command_id = change.command_id if isinstance(change, Obedience) else ""
    place = (cycle.desk, cycle.number, micros(cycle.scheduled_at))
    at = {moment: micros(moment) for moment in {said.at for said in change.activity}}  # nearly all lines share one
    for seq, said in enumerate(change.activity, version + 1):
        data = {"command_id": command_id, **said.data} if command_id else said.data
        yield (
            seq, at[said.at], *place, *_said(said), command_id, said.message, json_text(data),
            json_text(said.measured) if said.measured else "{}",
        )  # fmt: skip


def _said(said: Activity) -> Row:
    return (
        str(said.action), str(said.severity), said.type, said.station,
        said.event_day.isoformat() if said.event_day else "", said.event_id,
    )  # fmt: skip
