"""What a fill needs to know of an event: the listing that was valid at its moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from agents.market_rules import fees_on
from core.events import fees_of
from core.model.event import Fees
from core.model.record import Kind
from core.store.archive import View
from core.store.stack import Stack
from core.units import Columns, instant, micros, parse_iso

LISTED_WITHIN = timedelta(days=12)


@dataclass(frozen=True, slots=True)
class Listed:
    """One listing."""

    venue: str
    fees: Fees
    tick_micro: int
    min_size_micro: int
    tokens: tuple[str, ...]
    closes_at: int | None
    closed: frozenset[str]  # markets that take no orders


def listed_of(view: View, event_id: str) -> Listed | None:
    """Return the newest listing of an event, or None."""
    stack = view.newest(Kind.EVENTS, event_id, instant(int(view.instants[-1])) - LISTED_WITHIN)
    return _listed(stack, 0) if len(stack) else None


class Listings:
    """The listings of one look, each event read once."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._newest: dict[str, Stack] = {}
        self._all: dict[str, Stack] = {}
        self._read: dict[tuple[str, int], Listed] = {}

    def at(self, event_id: str, at: int) -> Listed | None:
        """Return the newest listing received by an instant, else the first that there is; None: there is none."""
        newest = self._newest.get(event_id)
        if newest is None:
            newest = self._newest[event_id] = self._view.newest(Kind.EVENTS, event_id, self._since())
        if not len(newest) or int(newest.received_at[0]) <= at:
            return self._one(newest, 0) if len(newest) else None
        stack = self._stack(event_id)
        return self._one(stack, max(int(np.searchsorted(stack.received_at, at, "right")) - 1, 0))

    def closing(self, event_id: str, market_id: str, after: int) -> int | None:
        """Return when a market was first known, later than `after`, to take no more orders; None: it still takes them."""
        found = []
        stack = self._stack(event_id)
        for index in range(int(np.searchsorted(stack.received_at, after, "right")), len(stack)):
            if market_id in _closed(stack.facts[index], stack.rows(index)):
                found.append(int(stack.received_at[index]))
                break
        newest = self.at(event_id, int(self._view.instants[-1]))
        if newest is not None and newest.closes_at is not None and after < newest.closes_at <= int(self._view.instants[-1]):
            found.append(newest.closes_at)
        return min(found, default=None)

    def _one(self, stack: Stack, index: int) -> Listed:
        key = stack.subject, int(stack.received_at[index])
        if key not in self._read:
            self._read[key] = _listed(stack, index)
        return self._read[key]

    def _stack(self, event_id: str) -> Stack:
        if event_id not in self._all:
            self._all[event_id] = self._view.stack(Kind.EVENTS, event_id, self._since())
        return self._all[event_id]

    def _since(self) -> datetime:
        return instant(int(self._view.instants[-1])) - LISTED_WITHIN


def _listed(stack: Stack, index: int) -> Listed:
    facts, rows = stack.facts[index], stack.rows(index)
    venue = str(facts["venue"])
    told = facts.get("fees")
    return Listed(
        venue=venue,
        fees=fees_of(told) if told else fees_on(venue, instant(int(stack.received_at[index]))),
        tick_micro=int(facts["tick_micro"]),
        min_size_micro=int(facts["min_size_micro"]),
        tokens=(*map(str, rows["yes"]), *map(str, rows["no"])),
        closes_at=micros(parse_iso(facts["closes_at"])) if facts.get("closes_at") else None,
        closed=_closed(facts, rows),
    )


def _closed(facts: Mapping[str, Any], rows: Columns) -> frozenset[str]:
    """Return the markets that a listing says take no orders; what it does not speak of is open."""
    shut = (
        ~np.asarray(rows["accepting"], np.bool_) if facts.get("accepting", True) else np.ones(len(rows["accepting"]), np.bool_)
    )
    return frozenset(map(str, rows["market_id"][shut]))
