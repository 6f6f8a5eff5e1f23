"""Which events there are at each look, and what their newest listing says."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from agents.listings import decoded
from core.days import settlement_window
from core.events import rule_of
from core.model.event import Event, Fees
from core.model.record import Kind
from core.model.rule import Extreme, Grade
from core.model.station import Station
from core.store.archive import Stack, View
from core.units import BoolArray, Columns, FloatArray, InstantArray, IntArray, instant, micros, parse_iso

LOOKBACK = timedelta(days=10)
LOOKBACK_MICRO = LOOKBACK // timedelta(microseconds=1)
AFTERLIFE = 86_400_000_000  # [us] after its window for which an event stays on the axis: what is held of it is marked until the final word
_NEVER = 2**62
_FORGOTTEN_TOGETHER = 64
_ROW = ("version", "accepting", "liquidity", "tick", "minimum", "closes_at")
GOOD, UNREADABLE, CHANGED, INFERRED = 0, 1, 2, 3  # what can be said of the newest listing


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """An event as it was first listed with a rule and a ladder that are understood; else as it could be read.

    A block knows the rest of its day: what is told of one of its instants is what `at` that instant could be read.
    """

    event: Event
    station: Station
    start: int  # settlement window [start, end), microseconds
    end: int
    known_from: int = 0  # where that was not at its first listing [microseconds]
    before: Listed | None = None  # what could be read of it until then
    flaws: tuple[tuple[int, str], ...] = ()  # what is wrong with a listing that is not understood, since when [microseconds]

    def at(self, instant: int) -> Listed | None:
        """Return what could be read of it at an instant, None where that was nothing."""
        if instant >= self.known_from:
            return self
        return self.before.at(instant) if self.before else None

    def flaw(self, instant: int) -> str:
        """Return what is wrong with its listing at an instant, "" where it is understood."""
        return next((flaw for since, flaw in reversed(self.flaws) if since <= instant), "")


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
    rows: list[tuple[float, ...]] = field(default_factory=list)  # see _ROW
    versions: list[tuple[Event | None, str]] = field(default_factory=list)
    number: dict[tuple[Any, ...], int] = field(default_factory=dict)
    shell: Event | None = None  # rule without a sound ladder
    shell_at: int = 0  # [microseconds]
    arrays: tuple[InstantArray, FloatArray] | None = None  # `received` and `rows`, until one more comes
    listed: Listed | None = None  # as it was found last
    trust: list[int] = field(default_factory=list)  # of each version against `listed`


class ListingMemory:
    """Reads each listing once. What it answers follows from the view alone."""

    def __init__(self, stations: Mapping[str, Station]) -> None:
        self._stations = stations
        self._logs: dict[str, _Log] = {}
        self._ends: dict[str, tuple[str, int]] = {}
        self._span = (_NEVER, -1)  # of receipt, of which every listing was read

    def read(self, view: View, looks: InstantArray) -> tuple[tuple[Listed, ...], Listings]:
        """Return the events of our stations whose window is not long over at the earliest instant, and their listings."""
        first, since = int(view.instants[0]), int(looks.min()) - LOOKBACK_MICRO
        found = sorted(self._open(view, since, first), key=lambda each: _order(each[0]))
        return tuple(listed for listed, _, _ in found), _said_at(found, looks)

    def ended(self, view: View, looks: InstantArray) -> Iterator[tuple[str, str, int]]:
        """Yield event, venue and end of window of every listed event of ours that is over; to be asked after `read`."""
        now = int(view.instants[-1])
        for event_id in view.subjects(Kind.EVENTS, instant(int(looks.min())) - LOOKBACK):
            venue, end = self._ends.get(event_id, ("", now + 1))
            if end <= now:
                yield event_id, venue, end

    def listed(self, stack: Stack) -> Listed | None:
        """Return the event of a stack of listings; None when no rule of ours stands in it."""
        log = _Log()
        _extend(log, stack, 0)
        return self._listed_of(log, 0, len(log.rows))

    def alone(self, stack: Stack, looks: InstantArray) -> tuple[tuple[Listed, ...], Listings]:
        """Return the event of a stack of listings, none when no rule of ours stands in it, and what they said at each look."""
        log = _Log()
        _extend(log, stack, 0)
        listed = self._listed_of(log, 0, len(log.rows))
        found = [] if listed is None else [(listed, log, 0)]
        return tuple(each for each, _, _ in found), _said_at(found, looks)

    def _open(self, view: View, since: int, first: int) -> Iterator[tuple[Listed, _Log, int]]:
        until = int(view.instants[-1])
        goes_on = self._span[0] <= since and self._span[1] <= until
        news: dict[str, Stack | None] = dict.fromkeys(view.subjects(Kind.EVENTS, instant(since))) if not goes_on else {}
        if goes_on:
            news.update((stack.subject, stack) for stack in view.received(Kind.EVENTS, instant(max(since, self._span[1]))))
        known = (event_id for event_id, log in self._logs.items() if log.received and log.received[-1] >= since)
        for event_id in list(dict.fromkeys((*known, *news))) if goes_on else news:
            if self._ends.get(event_id, ("", first + 1))[1] + AFTERLIFE <= first:
                self._logs.pop(event_id, None)
                continue
            if event_id not in news:
                log = self._logs[event_id]
            elif (stack := news[event_id]) is not None and event_id in self._logs:
                log = self._logged(stack)
            else:
                log = self._logged(view.stack(Kind.EVENTS, event_id, instant(since)))
            begun = bisect_left(log.received, since)
            listed = self._listed_of(log, begun, bisect_right(log.received, until))
            if listed is None:
                continue
            self._ends[event_id] = listed.event.venue, listed.end
            if listed.end + AFTERLIFE > first:
                yield listed, log, begun
        self._span = (min(self._span[0], since) if goes_on else since, until)
        old = [event_id for event_id, log in self._logs.items() if log.received and log.received[-1] < since]
        if len(old) > _FORGOTTEN_TOGETHER:  # events of stations that are not ours have no end
            self._span = since, until
            for event_id in old:
                del self._logs[event_id]

    def _logged(self, stack: Stack) -> _Log:
        log = self._logs.setdefault(stack.subject, _Log())
        if len(stack) and log.received and int(stack.received_at[0]) < log.received[0]:
            log = self._logs[stack.subject] = _Log()  # an earlier view than any before
        begin = int(np.searchsorted(stack.received_at, log.received[-1], "right")) if log.received else 0
        _extend(log, stack, begin)
        return log

    def _listed_of(self, log: _Log, begun: int, until: int) -> Listed | None:
        understood = ((log.versions[int(log.rows[i][0])][0], i) for i in range(begun, until))
        event, first = next(((event, i) for event, i in understood if event is not None), (None, until))
        known, at_once = log.listed, first == begun and event is not None
        if at_once and known is not None and (known.event, known.known_from) == (event, 0):
            return known
        found = None if at_once else self._shell_of(log, begun, first)
        if event is not None and event.rule.station in self._stations:
            found = self._windowed(event, 0 if at_once else log.received[first], found)
        if found is None or (known is not None and _state(known) == _state(found)):
            return found and known
        log.listed, log.trust = found, []
        return found

    def _shell_of(self, log: _Log, begun: int, until: int) -> Listed | None:
        """Return what stands in the listings of an event before one is understood, None where no rule of ours does."""
        if until == begun or log.shell is None or log.shell_at > log.received[until - 1]:
            return None
        if log.shell.rule.station not in self._stations:
            return None
        flaws: list[tuple[int, str]] = []
        for i in range(begun, until):
            flaw = log.versions[int(log.rows[i][0])][1]
            if not flaws or flaws[-1][1] != flaw:
                flaws.append((log.received[i], flaw))
        return replace(self._windowed(log.shell, log.shell_at, None), flaws=tuple(flaws))

    def _windowed(self, event: Event, known_from: int, before: Listed | None) -> Listed:
        station = self._stations[event.rule.station]
        start, end = settlement_window(event.rule, station.tz, event.event_day)
        return Listed(event, station, micros(start), micros(end), known_from, before)


def _state(listed: Listed) -> tuple[object, ...]:
    return listed.event, listed.known_from, listed.flaws, listed.before.flaws if listed.before else None


def _order(listed: Listed) -> tuple[date, str, str]:
    return listed.event.event_day, listed.event.rule.station, listed.event.event_id


def _extend(log: _Log, stack: Stack, begin: int) -> None:
    for index in range(begin, len(stack)):
        _append(log, int(stack.received_at[index]), stack.facts[index], stack.rows(index))


def _append(log: _Log, received_at: int, facts: Mapping[str, Any], rows: Columns) -> None:
    fees = facts["fees"] or {}
    key = (facts["sha256"], facts["refusal"], facts["event_day"], tuple(sorted(fees.items())), *_ladder_key(rows))
    if key not in log.number:
        log.number[key] = len(log.versions)
        log.versions.append(decoded(facts, rows))
        if log.shell is None and log.versions[-1][0] is None and facts["rule"]:
            log.shell, log.shell_at = _without_ladder(facts), received_at
    closes_at = micros(parse_iso(facts["closes_at"])) if facts["closes_at"] else 0
    liquidity = np.nan if facts["liquidity_usd"] is None else float(facts["liquidity_usd"])
    log.arrays = None
    log.received.append(received_at)
    log.rows.append((
        log.number[key], bool(facts["accepting"]), liquidity, int(facts["tick_micro"] or 0), int(facts["min_size_micro"] or 0),
        closes_at,
    ))  # fmt: skip


def _ladder_key(rows: Columns) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(rows[name].tolist()) for name in ("market_id", "yes", "no", "lower", "upper") if name in rows)


def _without_ladder(facts: Mapping[str, Any]) -> Event:
    return Event(
        venue=facts["venue"], event_id=facts["event_id"], title=facts["title"], city=facts["city"],
        event_day=date.fromisoformat(facts["event_day"]), extreme=Extreme(facts["extreme"]), rule=rule_of(facts["rule"]),
        ladder=(), fees=Fees(0.0), tick_micro=0, min_size_micro=0, liquidity_usd=None, opens_at=None, closes_at=None,
        accepting=False,
    )  # fmt: skip


def _said_at(found: Sequence[tuple[Listed, _Log, int]], looks: InstantArray) -> Listings:
    """Return what the newest listing of each event said at each look; `found`: event, its listings, the first that counts."""
    shape = (len(looks), len(found))
    known, received = np.zeros(shape, np.bool_), np.zeros(shape, np.int64)
    rows, trust = np.zeros((*shape, len(_ROW))), np.full(shape, UNREADABLE)
    for column, (listed, log, begun) in enumerate(found):
        if log.arrays is None:
            log.arrays = np.array(log.received, np.int64), np.array(log.rows, np.float64)
        log.trust.extend(_trust(event, listed) for event, _ in log.versions[len(log.trust) :])
        index = np.searchsorted(log.arrays[0], looks, "right") - 1
        known[:, column] = index >= begun
        received[:, column], rows[:, column] = log.arrays[0][index], log.arrays[1][index]
        trust[:, column] = [log.trust[int(version)] for version in rows[:, column, 0].tolist()]
    _, accepting, liquidity, tick, minimum, closes_at = np.moveaxis(rows, -1, 0)
    whole = (np.where(known, part, 0).astype(np.int64) for part in (tick, minimum, closes_at, received))
    return Listings(
        known, np.where(known, trust, UNREADABLE), known & (accepting > 0), np.where(known, liquidity, np.nan), *whole
    )


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
