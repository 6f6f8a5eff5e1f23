"""What a cycle says of itself: the lines that people read and the messages of the stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from agents.listings import decoded, difference, statements
from agents.transmission.reasons import AS_WANTED, ON_TARGET
from core.model.account import Account
from core.model.activity import Action, Activity, Severity
from core.model.cycle import Cycle
from core.model.decision import Decision
from core.model.orders import Reports
from core.model.record import Kind
from core.store.archive import Heard, Stack, View
from core.units import MICRO, Columns, decimal_of, instant, micros

MOST_QUARANTINED = 20  # sentences kept in one line
QUIET = frozenset({AS_WANTED, ON_TARGET})  # reasons that need no word
LISTED_BEFORE = timedelta(days=12)  # how long ago the listing before the newest may have come
ASKED = (
    Kind.EVENTS, Kind.BOOKS, Kind.PRINTS, Kind.OUTCOMES, Kind.FORECAST, Kind.ENSEMBLE, Kind.METAR, Kind.CLIMATE,
)  # fmt: skip


def warnings(cycle: Cycle, view: View, since: datetime) -> tuple[Activity, ...]:
    """Return what went wrong outside after `since`, up to the end of collection."""
    heard = {kind: view.heard(kind, since) for kind in ASKED}
    relisted = _relisted(view, heard[Kind.EVENTS], since)
    return (*failures(cycle, heard), *refusals(cycle, relisted, since), *changes(cycle, relisted, since))


def failures(cycle: Cycle, heard: Mapping[Kind, Sequence[Heard]]) -> tuple[Activity, ...]:
    """Return one line for each source and kind that failed to answer, and one for each that said what cannot be."""
    failed: dict[tuple[str, str], list[str]] = {}
    aside: dict[tuple[str, str], list[str]] = {}
    for kind, found in heard.items():
        for each in found:
            if each.error:
                failed.setdefault((each.source, str(kind)), []).append(f"{each.subject}: {each.error}")
            if each.quarantined:
                aside.setdefault((each.source, str(kind)), []).extend(each.quarantined)
    return (*_unanswered(cycle, failed), *_set_aside(cycle, aside))


def _unanswered(cycle: Cycle, failed: Mapping[tuple[str, str], Sequence[str]]) -> Iterator[Activity]:
    return (
        Activity(
            at=cycle.sealed_at, action=Action.ERROR, severity=Severity.WARNING, type="source_error",
            message=f"{source} {kind}: {len(errors)} unanswered, first {errors[0]}",
            data={"source": source, "kind": kind, "count": len(errors)},
        )
        for (source, kind), errors in sorted(failed.items())
    )  # fmt: skip


def _set_aside(cycle: Cycle, aside: Mapping[tuple[str, str], Sequence[str]]) -> Iterator[Activity]:
    return (
        Activity(
            at=cycle.sealed_at, action=Action.ERROR, severity=Severity.WARNING, type="source_quarantine",
            message=f"{source} {kind}: {len(told)} set aside, first {told[0]}",
            data={"source": source, "kind": kind, "count": len(told), "quarantined": list(told[:MOST_QUARANTINED])},
        )
        for (source, kind), told in sorted(aside.items())
    )  # fmt: skip


def refusals(cycle: Cycle, relisted: Sequence[Stack], since: datetime) -> tuple[Activity, ...]:
    """Return one line for each event whose newest listing must not be traded, when its reason is new."""
    lines = []
    for stack in relisted:
        event_id, newest = stack.subject, len(stack) - 1
        if newest < 0 or int(stack.received_at[newest]) <= micros(since):
            continue
        now, before = (decoded(stack.facts[i], stack.rows(i))[1] if i >= 0 else "" for i in (newest, newest - 1))
        if now and now != before:
            lines.append(
                Activity(
                    at=cycle.sealed_at, action=Action.ERROR, severity=Severity.WARNING, type="event_refused",
                    message=f"not traded: {now}", event_id=event_id, data={"event_id": event_id, "refusal": now},
                )
            )  # fmt: skip
    return tuple(lines)


def _relisted(view: View, heard: Sequence[Heard], since: datetime) -> tuple[Stack, ...]:
    """Return the listings of the events of which one was received after `since` that is not the one before, word by word."""
    known = micros(since)
    events = dict.fromkeys(each.subject for each in heard if each.first_at > known)
    return tuple(view.stack(Kind.EVENTS, event_id, since - LISTED_BEFORE) for event_id in events)


def changes(cycle: Cycle, relisted: Sequence[Stack], since: datetime) -> tuple[Activity, ...]:
    """Return one line for each event whose listing says something else than the one before: text, meaning, brackets or fees."""
    lines = []
    for stack in relisted:
        first = max(int(np.searchsorted(stack.received_at, micros(since), "right")), 1)
        for index in range(first, len(stack)):
            if stack.facts[index] is stack.facts[index - 1]:
                continue
            before, after = (statements(stack.facts[i], stack.rows(i)) for i in (index - 1, index))
            if before != after:
                lines.append(_change(cycle, stack.subject, stack.facts[index], before, after))
    return tuple(lines)


def _change(cycle: Cycle, event_id: str, facts: Mapping[str, Any], before: Sequence[str], after: Sequence[str]) -> Activity:
    told = difference(before, after)
    changed = sum(1 for line in told if line.startswith("+") and not line.startswith("+++"))
    return Activity(
        at=cycle.sealed_at, action=Action.ERROR, severity=Severity.WARNING, type="listing_changed",
        message=f"{facts['title'] or event_id}: the listing changed in {changed} statements; no new trades where it differs "
        "from the first",
        station=str((facts["rule"] or {}).get("station", "")), event_day=date.fromisoformat(facts["event_day"]), event_id=event_id,
        data={"event_id": event_id, "before": "\n".join(before), "after": "\n".join(after), "difference": list(told)},
    )  # fmt: skip


def look(cycle: Cycle, outlooks: Columns, brackets: Columns, decisions: Sequence[Decision]) -> tuple[Activity, ...]:
    """Return the lines of one look: cycle start, then each event with its brackets."""
    n_events = len(outlooks["event_id"])
    ordered = sum(1 for decision in decisions if decision.order_micro)
    start = Activity(
        at=cycle.sealed_at, action=Action.CYCLE, type="cycle_start",
        message=f"cycle #{cycle.number}: {n_events} events, {len(brackets['event_id'])} brackets evaluated, {ordered} orders",
        data={"number": cycle.number, "cause": str(cycle.cause), "events": n_events},
    )  # fmt: skip
    owner = brackets["event_id"]
    bounds = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]]) if len(owner) else np.empty(0, np.int64)
    ends = np.r_[bounds[1:], len(owner)][: len(bounds)]
    spans = {owner[a]: (int(a), int(b)) for a, b in zip(bounds, ends, strict=True)}
    refused = {each.token: each.reason_code for each in decisions if not each.order_micro and each.reason_code not in QUIET}
    sizes = {each.token: _size_usd(each) for each in decisions if each.order_micro > 0}
    lines = (
        _event_line(cycle, outlooks, i, brackets, spans.get(outlooks["event_id"][i]), refused, sizes) for i in range(n_events)
    )
    return (start, *(line for line in lines if line))


def _event_line(
    cycle: Cycle,
    outlooks: Columns,
    index: int,
    brackets: Columns,
    span: tuple[int, int] | None,
    refused: Mapping[str, str],
    sizes: Mapping[str, float],
) -> Activity | None:
    if span is None:
        return None
    rows = slice(*span)
    edges = brackets["edge"][rows]
    wanted = brackets["decision"][rows] == "trade"
    best = float(np.nanmax(edges)) if np.isfinite(edges).any() else None
    event_id, city, day = (outlooks[name][index] for name in ("event_id", "city", "event_day"))
    forecast, unit, regime = outlooks["forecast"][index], outlooks["unit"][index], outlooks["regime"][index]
    high = f"{forecast:.1f}°{unit}" if np.isfinite(forecast) else "no forecast"
    reasons = Counter(refused[token] for side in ("yes", "no") for token in brackets[side][rows] if token in refused)
    refusal = "".join(f", {code} refuses {n}" for code, n in sorted(reasons.items()))
    bought = [sizes[token] for side in ("yes", "no") for token in brackets[side][rows] if token in sizes]
    edge = "no price" if best is None else f"best edge {_cents(best)}"
    return Activity(
        at=cycle.sealed_at, action=Action.DECISION, type="edges_updated",
        message=f"{city} {day}: forecast {high}, {edge}, {int(wanted.sum())} to trade, {regime}{refusal}",
        station=str(outlooks["station"][index]), event_day=date.fromisoformat(str(day)), event_id=str(event_id),
        data={
            "station_code": str(outlooks["station"][index]), "event_day": str(day), "edges_count": int(wanted.sum()),
            "max_edge_pct": None if best is None else round(100 * best, 4), "regime": str(regime),
            "summary": {"trade_count": len(bought), "total_size_usd": round(sum(bought), 2)},
        },
    )  # fmt: skip


def _size_usd(decision: Decision) -> float:
    """Return what an order may cost at the price that was decided on [USD]."""
    price = decision.belief.get("price")
    return decision.order_micro / MICRO * price if isinstance(price, float) else 0.0


def _cents(usd: float) -> str:
    """Return signed cents with a true minus, and zero without a sign."""
    cents = round(100 * usd, 1)
    return f"{abs(cents):.1f}¢" if cents == 0 else f"{'+' if cents > 0 else '−'}{abs(cents):.1f}¢"


def trades(cycle: Cycle, account: Account, reports: Reports) -> tuple[Activity, ...]:
    """Return one line for each execution of an order that works; what a venue repeats is no second trade."""
    column = account.column()
    token_of = dict(zip(account.working.order_id, account.working.token, strict=True))
    sign_of = dict(zip(account.working.order_id, np.sign(account.working.size_micro).tolist(), strict=True))
    lines, told = [], set[str]()
    for i in range(len(reports)):
        size, execution = int(reports.size_micro[i]), reports.execution_id[i]
        if not size or execution in told or reports.order_id[i] not in token_of:
            continue
        told.add(execution)
        instrument = account.instruments[column[token_of[reports.order_id[i]]]]
        shares, fee = decimal_of(size), decimal_of(int(reports.fee_micro[i]))
        price = decimal_of(int(reports.notional_micro[i]) * MICRO // size)
        verb = "bought" if sign_of[reports.order_id[i]] > 0 else "sold"
        lines.append(
            Activity(
                at=instant(int(reports.at[i])), action=Action.TRADE, type="trade_placed",
                message=f"{instrument.city} {instrument.event_day}: {verb} {shares.normalize():f} {instrument.side} "
                f"{instrument.label} at {100 * price:.1f}¢, fee {fee:.2f} $",
                station=instrument.station, event_day=instrument.event_day, event_id=instrument.event_id,
                data={
                    "trade_id": reports.execution_id[i], "station_code": instrument.station,
                    "event_day": instrument.event_day.isoformat(), "bracket": instrument.label, "side": str(instrument.side),
                    "action": verb, "price": str(price), "shares": str(shares), "fee_usd": str(fee),
                    "size_usd": str(decimal_of(int(reports.notional_micro[i]))),
                },
            )
        )  # fmt: skip
    return tuple(lines)


def complete(cycle: Cycle, account: Account, measured: Mapping[str, object]) -> tuple[Activity, ...]:
    """Return the line that ends a cycle."""
    equity = decimal_of(int(account.equity_micro[0]))
    return (
        Activity(
            at=cycle.sealed_at, action=Action.CYCLE, type="cycle_complete",
            message=f"cycle #{cycle.number} complete, equity {equity:.2f} $",
            data={"cycle_number": cycle.number, "cause": str(cycle.cause), "equity_usd": str(equity)}, measured=measured,
        ),
    )  # fmt: skip
