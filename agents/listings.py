"""Which events are known, what was said of each last, and what changed in what is said."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import unified_diff
from typing import Any

from core.errors import LadderError, RuleError
from core.events import event_of
from core.model.event import Event
from core.model.record import Kind
from core.store.archive import Stack, View
from core.units import Columns

_MEMORY = 1_024
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_MEANING = ("station", "source", "statistic", "unit", "precision", "rounding", "window", "fallback_source", "no_data", "grade")
_decoded: OrderedDict[int, tuple[Mapping[str, Any], Event | None, str]] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Listing:
    """The newest listing of one event; `refusal` says why it must not be traded.

    `event` is the newest that is understood: what is held of an event whose listing became unreadable still settles.
    None: it never was understood.
    """

    event_id: str
    venue: str
    received_at: int  # microseconds
    facts: Mapping[str, Any]
    event: Event | None
    refusal: str


def newest_listings(view: View, since: datetime, *, without: Collection[str] = ()) -> tuple[Listing, ...]:
    """Return the newest listing of each event listed in [since, last instant], by event id, but for some events."""
    found = []
    for event_id in view.subjects(Kind.EVENTS, since):
        if event_id in without:
            continue
        stack = view.newest(Kind.EVENTS, event_id, since)
        if len(stack):
            facts = stack.facts[0]
            event, refusal = decoded(facts, stack.columns)
            if event is None:
                event = _understood(view.stack(Kind.EVENTS, event_id, since))
            found.append(Listing(event_id, stack.source[0], int(stack.received_at[0]), facts, event, refusal))
    return tuple(found)


def _understood(stack: Stack) -> Event | None:
    """Return the newest event of a stack of listings that is understood, None: there is none."""
    events = (decoded(stack.facts[index], stack.rows(index))[0] for index in range(len(stack) - 1, -1, -1))
    return next((event for event in events if event is not None), None)


def decoded(facts: Mapping[str, Any], rows: Columns) -> tuple[Event | None, str]:
    """Return the event of a record, or why there is none; remembered for as long as the record is."""
    remembered = _decoded.get(id(facts))
    if remembered is not None and remembered[0] is facts:
        _decoded.move_to_end(id(facts))
        return remembered[1], remembered[2]
    try:
        event, refusal = event_of(facts, rows), ""
    except (RuleError, LadderError) as error:
        event, refusal = None, str(error)
    _decoded[id(facts)] = facts, event, refusal
    if len(_decoded) > _MEMORY:
        _decoded.popitem(last=False)
    return event, refusal


def statements(facts: Mapping[str, Any], rows: Columns) -> tuple[str, ...]:
    """Return all that a listing says and that must not change, in lines: the sentences, what they mean, brackets and fees."""
    told = [part.strip() for part in _SENTENCE_END.split(str(facts["text"])) if part.strip()]
    rule = facts["rule"] or {}
    told += [f"{name}: {rule[name]}" for name in _MEANING if name in rule]
    told += [f"event day: {facts['event_day']}", f"refusal: {facts['refusal'] or 'none'}"]
    fees = facts["fees"] or {}
    told += [f"fees: {', '.join(f'{name} {fees[name]}' for name in sorted(fees))}"]
    columns = [rows[name].tolist() for name in ("label", "lower", "upper", "market_id") if name in rows]
    told += [
        f"bracket {label}: {lower} to {upper}, market {market}" for label, lower, upper, market in zip(*columns, strict=True)
    ]
    return tuple(told)


def difference(before: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    """Return the lines of a unified difference, without what is equal; empty: nothing changed."""
    return tuple(unified_diff(before, after, "before", "after", lineterm="", n=0))
