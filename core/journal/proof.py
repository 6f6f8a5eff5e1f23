"""The money alone, computed again from fills, settlements and conversions, then compared with all that the journal says of it.

Shares no function with the code that writes: SQL, whole numbers, and its own reading of the rules.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from core.journal.reader import JournalReader
from core.journal.recount import Ask, Count, counted

_DONE = (6, 7, 8, 9)  # FILLED, CANCELLED, REJECTED, EXPIRED
_FILLED, _CANCEL = 6, 4
MOST_FAULTS = 50  # of one kind: a wholly damaged table is said once, not a million times


@dataclass(frozen=True, slots=True)
class Proof:
    """What was counted, and every fault; proven when there is none."""

    desk: str
    faults: tuple[str, ...]
    fills: int
    settlements: int
    ledger_lines: int
    cash_micro: tuple[int, ...]  # per run, computed again
    realised_micro: tuple[int, ...]
    fees_micro: tuple[int, ...]

    @property
    def proven(self) -> bool:
        return not self.faults


def prove(journal: JournalReader | Connection, desk: str) -> Proof:
    """Return what a desk's money comes to and everything in the journal that contradicts it."""
    with _opened(journal) as connection:
        ask = Ask(connection, desk)
        count = counted(ask)
        faults = list(count.faults)
        for check in CHECKS:
            faults += islice(_told(check(ask, count)), MOST_FAULTS)
        sizes = {name: ask(f"SELECT count(*) FROM {name} WHERE desk = ?")[0][0] for name in ("fills", "settlements", "ledger")}
    runs = [count.runs[run] for run in sorted(count.runs)]
    return Proof(
        desk, tuple(faults), sizes["fills"], sizes["settlements"], sizes["ledger"],
        cash_micro=tuple(r.cash for r in runs), realised_micro=tuple(r.realised for r in runs),
        fees_micro=tuple(r.fees for r in runs),
    )  # fmt: skip


def _told(faults: Iterator[str]) -> Iterator[str]:
    try:
        yield from faults
    except (ValueError, KeyError, IndexError, TypeError) as error:  # a row so damaged that it cannot be compared
        yield f"a row cannot be read: {error!r}"


@contextmanager
def _opened(journal: JournalReader | Connection) -> Iterator[Connection]:
    if isinstance(journal, Connection):
        yield journal
    else:
        with journal.connection() as connection:
            yield connection


def _ledger_sums(ask: Ask, _: Count) -> Iterator[str]:
    for tx, run, total in ask(
        "SELECT tx, run, sum(amount_micro) FROM ledger WHERE desk = ? GROUP BY tx, run HAVING sum(amount_micro) <> 0"
    ):
        yield f"ledger: transaction {tx}, run {run}, sums to {total}, not 0"


def _ledger_lines(ask: Ask, count: Count) -> Iterator[str]:
    said: dict[tuple[str, int, str, str], int] = defaultdict(int)
    for tx, run, token, account, amount in ask(
        "SELECT tx, run, token, account, sum(amount_micro) FROM ledger WHERE desk = ? GROUP BY tx, run, token, account"
    ):
        # Which of several lines met the empty cash is not asked: balances and risk rows tell cash and debt apart.
        said[tx, run, token, "cash" if account == "owed" else account] += int(amount)
    for key in sorted({*said, *count.due}):
        if said.get(key, 0) != count.due.get(key, 0):
            tx, run, token, account = key
            made = count.due.get(key, 0)
            yield f"ledger: {tx}, run {run}, {account} {token} is {said.get(key, 0)}, fills and settlements make {made}"


def _ledger_instants(ask: Ask, _: Count) -> Iterator[str]:
    for tx, at, filled_at in ask(
        "SELECT l.tx, l.at, f.at FROM ledger l JOIN fills f ON f.execution_id = l.tx WHERE l.desk = ? AND l.at <> f.at"
    ):
        yield f"ledger: {tx} is booked at {at}, its fill is of {filled_at}"


def _identity(_: Ask, count: Count) -> Iterator[str]:
    for run, money in count.runs.items():
        if money.net + sum(money.cost.values()) != money.start + money.realised - money.fees:
            yield f"run {run}: cash less debt and open cost are not start + realised - fees"


def _balances(ask: Ask, count: Count) -> Iterator[str]:
    """Compare the balances that the database keeps with the ledger, and with the recount."""
    kept = ask("SELECT run, account, amount_micro FROM balances WHERE desk = ?")
    lines = ask("SELECT run, account, sum(amount_micro) FROM ledger WHERE desk = ? GROUP BY run, account")
    said, made = ({(run, account): int(amount) for run, account, amount in rows} for rows in (kept, lines))
    for key in sorted({*said, *made}):
        if said.get(key) != made.get(key):
            yield f"balances: run {key[0]}, {key[1]} is {said.get(key)}, the lines of the ledger make {made.get(key)}"
    for run, money in count.runs.items():
        found = said.get((run, "cash"), 0), -said.get((run, "owed"), 0)
        if found != (money.cash, money.owed):
            yield f"balances: run {run} has and owes {found}, fills and settlements make {(money.cash, money.owed)}"


def _negative(_: Ask, count: Count) -> Iterator[str]:
    for run, money in count.runs.items():
        for token, held in money.held.items():
            if held < 0 or money.cost[token] < 0 or (held == 0 and money.cost[token]):
                yield f"run {run} holds {held} micro-shares of {token} at a cost of {money.cost[token]}"


def _fills(ask: Ask, _: Count) -> Iterator[str]:
    for execution_id, order_id in ask(
        "SELECT f.execution_id, f.order_id FROM fills f LEFT JOIN orders o ON o.order_id = f.order_id WHERE f.desk = ? AND "
        "(o.order_id IS NULL OR o.desk <> f.desk OR o.run <> f.run OR o.token <> f.token OR o.event_id <> f.event_id "
        "OR o.venue <> f.venue OR o.station <> f.station OR o.event_day <> f.event_day "
        "OR (o.size_micro > 0) <> (f.size_micro > 0) OR f.size_micro = 0 OR f.notional_micro < 0)"
    ):
        yield f"fills: {execution_id} does not fit its order {order_id}"
    for execution_id, size, notional, levels in ask(
        "SELECT execution_id, size_micro, notional_micro, levels FROM fills WHERE desk = ? AND levels <> '[]'"
    ):
        taken = json.loads(levels)
        if sum(level[2] for level in taken) != abs(size):
            yield f"fills: the levels of {execution_id} do not make its size {size}"
        if sum(level[0] * level[2] for level in taken) // 1_000_000 != notional:
            yield f"fills: the levels of {execution_id} do not make its cost {notional}"


def _orders(ask: Ask, _: Count) -> Iterator[str]:
    for order_id, size, status, role, filled, booked in ask(
        "SELECT o.order_id, o.size_micro, o.status, o.role, o.filled_micro, coalesce(sum(abs(f.size_micro)), 0) FROM orders o "
        "LEFT JOIN fills f ON f.order_id = o.order_id WHERE o.desk = ? "
        "GROUP BY o.order_id, o.size_micro, o.status, o.role, o.filled_micro"
    ):
        if filled != booked or booked > abs(size):
            yield f"orders: {order_id} of {abs(size)} is said to be filled with {filled}, its fills are {booked}"
        if status == _FILLED and booked != abs(size) and role != _CANCEL:
            yield f"orders: {order_id} is FILLED with {booked} of {abs(size)}"


def _decisions(ask: Ask, _: Count) -> Iterator[str]:
    for order_id, decision_id in ask(
        "SELECT o.order_id, o.decision_id FROM orders o LEFT JOIN decisions d ON d.decision_id = o.decision_id "
        "WHERE o.desk = ? AND o.decision_id <> '' AND (d.decision_id IS NULL OR d.desk <> o.desk OR d.run <> o.run "
        "OR d.token <> o.token OR d.scheduled_at <> o.scheduled_at OR d.event_id <> o.event_id "
        "OR (o.parent = '' AND o.role IN (0, 3) AND d.order_micro <> o.size_micro))"
    ):
        yield f"decisions: order {order_id} is not what decision {decision_id} says"
    for (decision_id,) in ask(
        "SELECT d.decision_id FROM decisions d WHERE d.desk = ? AND d.order_micro <> 0 "
        "AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.decision_id = d.decision_id)"
    ):
        yield f"decisions: {decision_id} led to no order"


def _cycles(ask: Ask, _: Count) -> Iterator[str]:
    for table in ("decisions", "orders", "risk"):
        for (at,) in ask(
            f"SELECT DISTINCT t.scheduled_at FROM {table} t LEFT JOIN cycles c ON c.desk = t.desk "
            "AND c.scheduled_at = t.scheduled_at WHERE t.desk = ? AND c.desk IS NULL"
        ):
            yield f"cycles: {table} has rows of {at}, a cycle that is not there"
    # What was heard stands, also where the process died before the cycle that heard it could intend anything.
    for (execution_id,) in ask(
        "SELECT f.execution_id FROM fills f JOIN orders o ON o.order_id = f.order_id LEFT JOIN cycles c ON c.desk = f.desk "
        "AND c.scheduled_at = f.scheduled_at WHERE f.desk = ? AND (f.scheduled_at < o.scheduled_at "
        "OR (c.desk IS NULL AND f.scheduled_at = o.scheduled_at))"
    ):
        yield f"cycles: {execution_id} was heard before its order, or in a cycle that is not there"
    for (at,) in ask(
        "SELECT scheduled_at FROM cycles c WHERE desk = ? AND (phase NOT IN ('intended', 'executed', 'complete') "
        "OR (phase = 'executed' AND heard_at IS NULL) OR (phase = 'intended' AND heard_at IS NOT NULL) "
        # orders of an earlier cycle may be filled by what is heard before this one intends anything
        "OR ((phase = 'intended' OR heard_at IS NULL) AND EXISTS (SELECT 1 FROM fills f JOIN orders o ON o.order_id = f.order_id "
        "WHERE f.desk = c.desk AND f.scheduled_at = c.scheduled_at AND o.scheduled_at = c.scheduled_at)))"
    ):
        yield f"cycles: the phase of {at} does not fit what happened in it"


def _instruments(ask: Ask, _: Count) -> Iterator[str]:
    for table in ("decisions", "orders", "fills"):
        for token, event_id in ask(
            f"SELECT DISTINCT t.token, t.event_id FROM {table} t LEFT JOIN instruments i ON i.token = t.token WHERE t.desk = ? "
            "AND (i.token IS NULL OR i.event_id <> t.event_id OR i.venue <> t.venue OR i.station <> t.station "
            "OR i.event_day <> t.event_day)"
        ):
            yield f"instruments: {table} knows {token} of {event_id} otherwise"


def _settlements(ask: Ask, _: Count) -> Iterator[str]:
    newest: dict[tuple[str, str], int] = {}
    for settlement_id, event_id, finality, revision, winner in ask(
        "SELECT settlement_id, event_id, finality, revision, winner FROM settlements WHERE desk = ? ORDER BY scheduled_at, line"
    ):
        if settlement_id != f"{event_id}/{finality}/{revision}" or revision <= newest.get((event_id, finality), -1):
            yield f"settlements: {settlement_id} is not the next {finality} word about {event_id}"
        if finality == "final" and not winner:
            yield f"settlements: {settlement_id} names no winner"
        newest[event_id, finality] = revision


def _risk(ask: Ask, count: Count) -> Iterator[str]:
    question = "SELECT scheduled_at, cash_micro, realised_micro, fees_micro, owed_micro FROM risk WHERE desk = ? AND run = ? ORDER BY 1"
    for run, money in count.runs.items():
        known, place, now = count.known[run], 0, [money.start, 0, 0, 0]
        for at, *said in ask(question, ask.desk, run):
            possible = []
            while place < len(known) and known[place][0] <= at:
                if known[place][0] == at:  # money may move before and after the mark of a cycle
                    possible.append(now)
                now = list(known[place][1:])
                place += 1
            if said not in (*possible, now):
                yield f"risk: run {run} at {at} says cash, realised, fees and debt {said}, which were {now}"


def _activity(ask: Ask, _: Count) -> Iterator[str]:
    first, last, rows = ask("SELECT coalesce(min(seq), 1), coalesce(max(seq), 0), count(*) FROM activity")[0]
    if first != 1 or last != rows:
        yield f"activity: {rows} rows run from {first} to {last}, a row is missing"


def _schema(ask: Ask, _: Count) -> Iterator[str]:
    worlds = [row[0] for row in ask("SELECT world FROM schema")]
    for desk, state in ask("SELECT desk, state FROM accounts WHERE desk = ?"):
        if worlds != [json.loads(state)["world"]]:
            yield f"schema: the account of {desk} belongs to {json.loads(state)['world']}, the journal to {worlds}"


def _account(ask: Ask, count: Count) -> Iterator[str]:
    rows = ask("SELECT seq, state FROM accounts WHERE desk = ?")
    if not rows:
        if count.runs:
            yield "accounts: there is money, but no account"
        return
    state = json.loads(rows[0][1])
    if state["desk"] != ask.desk or state["seq"] != rows[0][0]:
        yield f"accounts: the state is of desk {state['desk']} and change {state['seq']}, its row of {rows[0][0]}"
    yield from _account_money(state, count)
    yield from _account_holdings(state, count)
    yield from _account_instruments(ask, state)
    yield from _account_orders(ask, state)
    yield from _account_outcomes(state, count)
    yield from _account_risk(ask, state)


def _account_money(state: dict[str, Any], count: Count) -> Iterator[str]:
    if len(state["cash_micro"]) != len(count.runs):
        yield f"accounts: {len(state['cash_micro'])} runs, the ledger opens {len(count.runs)}"
        return
    names = (
        ("cash_micro", "cash"), ("owed_micro", "owed"), ("realised_micro", "realised"), ("fees_micro", "fees"),
        ("start_micro", "start"),
    )  # fmt: skip
    for name, attribute in names:
        found = [getattr(count.runs[run], attribute) for run in sorted(count.runs)]
        if state[name] != found:
            yield f"accounts: {name} is {state[name]}, fills and settlements make {found}"


def _account_holdings(state: dict[str, Any], count: Count) -> Iterator[str]:
    tokens = [instrument["token"] for instrument in state["instruments"]]
    for run, (held, cost) in enumerate(zip(state["held_micro"], state["cost_micro"], strict=True)):
        said = {token: (h, c) for token, h, c in zip(tokens, held, cost, strict=True) if h or c}
        money = count.runs[run]
        found = {
            token: (money.held[token], money.cost[token]) for token in money.held if money.held[token] or money.cost[token]
        }
        for token in sorted({*said, *found}):
            if said.get(token) != found.get(token):
                yield f"accounts: run {run} holds {said.get(token)} of {token}, fills and settlements make {found.get(token)}"


def _account_instruments(ask: Ask, state: dict[str, Any]) -> Iterator[str]:
    names = ("token", "venue", "event_id", "station", "event_day", "bracket", "label", "side", "market_id")
    for instrument in state["instruments"]:
        rows = ask(f"SELECT {', '.join(names)} FROM instruments WHERE token = ?", instrument["token"])
        if [tuple(row) for row in rows] != [tuple(instrument[name] for name in names)]:
            yield f"instruments: {instrument['token']} is not what the account holds"


def _account_orders(ask: Ask, state: dict[str, Any]) -> Iterator[str]:
    working = state["working"]
    names = ("order_id", "run", "token", "size_micro", "status", "filled_micro", "limit_micro", "placed_at")
    said = {row[0]: row for row in zip(*(working[name] for name in names), strict=True)}
    done = ", ".join(str(status) for status in _DONE)
    kept = {
        row[0]: tuple(row) for row in ask(f"SELECT {', '.join(names)} FROM orders WHERE desk = ? AND status NOT IN ({done})")
    }
    for order_id in sorted({*said, *kept}):
        if said.get(order_id) != kept.get(order_id):
            yield f"orders: {order_id} works as {said.get(order_id)} in the account, as {kept.get(order_id)} in its row"


def _account_outcomes(state: dict[str, Any], count: Count) -> Iterator[str]:
    for outcome in state["outcomes"]:
        word = outcome["settlement"]
        if word["finality"] != "final":
            continue
        event_id = word["event_id"]
        if (count.words.get(event_id), count.winners.get(event_id)) != (word["settlement_id"], word["winner"]):
            by = count.words.get(event_id)
            yield f"settlements: {event_id} ended by {word['settlement_id']} in the account, by {by} in its row"
        tokens = [instrument["token"] for instrument in outcome["instruments"]]
        said = {
            (run, token): (h, c)
            for run, (held, cost) in enumerate(zip(outcome["held_micro"], outcome["cost_micro"], strict=True))
            for token, h, c in zip(tokens, held, cost, strict=True)
            if h or c
        }
        if said != count.paid.get(event_id, {}):
            yield f"accounts: what {event_id} paid is {said}, fills and settlements make {count.paid.get(event_id, {})}"


def _account_risk(ask: Ask, state: dict[str, Any]) -> Iterator[str]:
    names = ("equity_micro", "unit_r_micro", "day_start_micro", "week_start_micro", "high_water_micro")
    rows = ask(
        f"SELECT run, desk_day, {', '.join(names)} FROM risk WHERE desk = ? AND scheduled_at = "
        "(SELECT max(scheduled_at) FROM risk WHERE desk = ?) ORDER BY run"
    )
    for run, desk_day, *said in rows:
        if [desk_day, *said] != [state["desk_day"], *(state[name][run] for name in names)]:
            yield f"risk: the newest state of run {run} is not the account's"


CHECKS: tuple[Callable[[Ask, Count], Iterator[str]], ...] = (
    _schema, _ledger_sums, _ledger_lines, _ledger_instants, _balances, _identity, _negative, _fills, _orders, _decisions, _cycles,
    _instruments, _settlements, _risk, _activity, _account,
)  # fmt: skip
"""Every check says what it finds wrong."""
