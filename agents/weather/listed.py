"""Which events there are at each look, and what their newest listing says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from core.days import settlement_window
from core.errors import LadderError, RuleError
from core.events import event_of, rule_of
from core.model.event import Event, Fees
from core.model.record import Kind
from core.model.rule import Extreme, Grade
from core.model.station import Station
from core.store.archive import Stack, View
from core.units import BoolArray, Columns, FloatArray, InstantArray, IntArray, instant, micros, parse_iso

LOOKBACK = timedelta(days=10)
AFTERLIFE = 86_400_000_000  # [us] after its window for which an event stays on the axis: what is held of it is marked until the final word
GOOD, UNREADABLE, CHANGED, INFERRED = 0, 1, 2, 3  # what can be said of the newest listing


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """An event as it was first listed with a rule and a ladder that are understood; `flaw` says what is wrong otherwise."""

    event: Event
    station: Station
    start: int  # settlement window [start, end), microseconds
    end: int
    flaw: str


@dataclass(frozen=True, slots=True)
class Listings:
    """What the newest listing says, shape (n_looks, n_events)."""

    known: BoolArray
    trust: IntArray  # GOOD, UNREADABLE, CHANGED, INFERRED
    accepting: BoolArray
    liquidity_usd: FloatArray  # NaN: the venue does not say
    tick_micro: IntArray
    min_size_micro: IntArray
    closes_at: InstantArray  # 0: no moment that can be trusted
    received_at: InstantArray  # 0: not known


@dataclass(slots=True)
class _Log:
    """Every listing of one event that was read so far, oldest first."""

    received: list[int] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)  # version, accepting, liquidity, tick, minimum, closes_at
    versions: list[tuple[Event | None, str]] = field(default_factory=list)
    number: dict[tuple[Any, ...], int] = field(default_factory=dict)
    shell: Event | None = None  # rule without a sound ladder


class ListingMemory:
    """Reads each listing once. What it answers follows from the view alone."""

    def __init__(self, stations: Mapping[str, Station]) -> None:
        self._stations = stations
        self._logs: dict[str, _Log] = {}
        self._ends: dict[str, tuple[str, int]] = {}

    def read(self, view: View, looks: InstantArray) -> tuple[tuple[Listed, ...], Listings]:
        """Return the events of our stations whose window is not long over at the earliest instant, and their listings."""
        first = int(view.instants[0])
        since = instant(int(looks.min())) - LOOKBACK
        found = sorted(self._open(view, since, first), key=lambda each: _order(each[0]))
        columns = [_columns(log, begun, looks, listed) for listed, log, begun in found]
        return tuple(listed for listed, _, _ in found), _joined(columns, len(looks))

    def ended(self, view: View, looks: InstantArray) -> Iterator[tuple[str, str, int]]:
        """Yield event, venue and end of window of every listed event of ours that is over; to be asked after `read`."""
        now = int(view.instants[-1])
        for event_id in view.subjects(Kind.EVENTS, instant(int(looks.min())) - LOOKBACK):
            venue, end = self._ends.get(event_id, ("", now + 1))
            if end <= now:
                yield event_id, venue, end

    def listed(self, stack: Stack) -> Listed | None:
        """Return the event of a stack of listings; None when no rule of ours stands in it."""
        log = self._logged(stack)
        return self._listed_of(log, _begun(log, stack))

    def _open(self, view: View, since: Any, first: int) -> Iterator[tuple[Listed, _Log, int]]:
        for event_id in view.subjects(Kind.EVENTS, since):
            if self._ends.get(event_id, ("", first + 1))[1] + AFTERLIFE <= first:
                continue
            stack = view.stack(Kind.EVENTS, event_id, since)
            log = self._logged(stack)
            begun = _begun(log, stack)
            listed = self._listed_of(log, begun)
            if listed is None:
                continue
            self._ends[event_id] = listed.event.venue, listed.end
            if listed.end + AFTERLIFE > first:
                yield listed, log, begun

    def _logged(self, stack: Stack) -> _Log:
        log = self._logs.setdefault(stack.subject, _Log())
        if len(stack) and log.received and int(stack.received_at[0]) < log.received[0]:
            log = self._logs[stack.subject] = _Log()  # an earlier view than any before
        begin = int(np.searchsorted(stack.received_at, log.received[-1], "right")) if log.received else 0
        for index in range(begin, len(stack)):
            _append(log, int(stack.received_at[index]), stack.facts[index], stack.rows(index))
        return log

    def _listed_of(self, log: _Log, begun: int) -> Listed | None:
        until = len(log.rows)
        good = (log.versions[log.rows[i][0]] for i in range(begun, until))
        event, flaw = next(((event, "") for event, _ in good if event is not None), (log.shell, ""))
        if event is None or event.rule.station not in self._stations:
            return None
        if not event.ladder:
            flaw = log.versions[log.rows[-1][0]][1]
        station = self._stations[event.rule.station]
        start, end = settlement_window(event.rule, station.tz, event.event_day)
        return Listed(event, station, micros(start), micros(end), flaw)


def _order(listed: Listed) -> tuple[date, str, str]:
    return listed.event.event_day, listed.event.rule.station, listed.event.event_id


def _begun(log: _Log, stack: Stack) -> int:
    return int(np.searchsorted(np.array(log.received, np.int64), stack.received_at[0], "left")) if len(stack) else len(log.rows)


def _append(log: _Log, received_at: int, facts: Mapping[str, Any], rows: Columns) -> None:
    fees = facts["fees"] or {}
    key = (facts["sha256"], facts["refusal"], facts["event_day"], tuple(sorted(fees.items())), *_ladder_key(rows))
    if key not in log.number:
        log.number[key] = len(log.versions)
        log.versions.append(_decoded(log, facts, rows))
    closes_at = micros(parse_iso(facts["closes_at"])) if facts["closes_at"] else 0
    liquidity = np.nan if facts["liquidity_usd"] is None else float(facts["liquidity_usd"])
    log.received.append(received_at)
    log.rows.append((
        log.number[key], bool(facts["accepting"]), liquidity, int(facts["tick_micro"] or 0), int(facts["min_size_micro"] or 0),
        closes_at,
    ))  # fmt: skip


def _ladder_key(rows: Columns) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(rows[name].tolist()) for name in ("market_id", "yes", "no", "lower", "upper") if name in rows)


def _decoded(log: _Log, facts: Mapping[str, Any], rows: Columns) -> tuple[Event | None, str]:
    try:
        return event_of(facts, rows), ""
    except (RuleError, LadderError) as error:
        if facts["rule"] and log.shell is None:
            log.shell = _without_ladder(facts)
        return None, str(error)


def _without_ladder(facts: Mapping[str, Any]) -> Event:
    return Event(
        venue=facts["venue"], event_id=facts["event_id"], title=facts["title"], city=facts["city"],
        event_day=date.fromisoformat(facts["event_day"]), extreme=Extreme(facts["extreme"]), rule=rule_of(facts["rule"]),
        ladder=(), fees=Fees(0.0), tick_micro=0, min_size_micro=0, liquidity_usd=None, opens_at=None, closes_at=None,
        accepting=False,
    )  # fmt: skip


def _columns(log: _Log, begun: int, looks: InstantArray, listed: Listed) -> Listings:
    received = np.array(log.received, np.int64)
    index = np.searchsorted(received, looks, "right") - 1
    known = index >= begun
    place = np.maximum(index, 0)
    version, accepting, liquidity, tick, minimum, closes_at = (
        np.array(column)[place] for column in zip(*log.rows, strict=True)
    )
    trust = np.array([_trust(event, listed) for event, _ in log.versions], np.int64)[version]
    return Listings(
        known, np.where(known, trust, UNREADABLE), known & accepting.astype(bool), np.where(known, liquidity, np.nan),
        tick.astype(np.int64), minimum.astype(np.int64), np.where(known, closes_at, 0).astype(np.int64),
        np.where(known, received[place], 0),
    )  # fmt: skip


def _trust(event: Event | None, listed: Listed) -> int:
    if event is None or not listed.event.ladder:
        return UNREADABLE
    if _said(event) != _said(listed.event):
        return CHANGED
    return INFERRED if event.rule.grade is Grade.INFERRED else GOOD


def _said(event: Event) -> Event:
    """Return an event without what a venue may change from hour to hour."""
    return replace(
        event, title="", liquidity_usd=None, opens_at=None, closes_at=None, accepting=True, tick_micro=0, min_size_micro=0
    )


def _joined(columns: list[Listings], n_looks: int) -> Listings:
    if not columns:
        nothing = np.zeros((n_looks, 0), np.int64)
        return Listings(
            nothing.astype(bool), nothing, nothing.astype(bool), nothing.astype(np.float64), nothing, nothing, nothing, nothing
        )
    return Listings(*(np.stack([getattr(each, name) for each in columns], axis=1) for name in Listings.__slots__))
