"""When desks look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from agents.wakes import Wake
from core.clock import Clock
from core.model.cycle import Cause, Cycle

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def first_tick(at: datetime, every: timedelta) -> datetime:
    """Return the first instant of the grid at or after `at`; the grid is anchored at 1970, so restarts agree on it."""
    return EPOCH - ((EPOCH - at) // every) * every


def last_tick(at: datetime, every: timedelta) -> datetime:
    """Return the last instant of the grid at or before `at`."""
    return EPOCH + (at - EPOCH) // every * every


class LiveSchedule:
    """Fixed-rate ticks; a missed tick is skipped, never made up for; a wake-up adds a look between two ticks.

    `resume` is the last cycle that the journal holds: the next tick comes after it. `wakes` is asked between waits and
    answers why to look now and about which stations, or None. A wait is cut into slices of `slice_seconds`; 0 waits in one piece.
    """

    def __init__(
        self,
        clock: Clock,
        desk: str,
        every: timedelta,
        *,
        resume: Cycle | None = None,
        stopping: Callable[[], bool],
        wakes: Callable[[], Wake | None] = lambda: None,
        waiting: Callable[[datetime], None] = lambda due: None,
        slice_seconds: float = 5.0,
        at_once: bool = False,
    ) -> None:
        self._clock, self._desk, self._every, self._resume = clock, desk, every, resume
        self._stopping, self._wakes, self._waiting = stopping, wakes, waiting
        self._slice, self._at_once = timedelta(seconds=slice_seconds), at_once

    def __iter__(self) -> Iterator[Cycle]:
        number = self._resume.number if self._resume else 0
        due = first_tick(self._clock.now(), self._every)
        if self._resume and due <= self._resume.scheduled_at:
            due = first_tick(self._resume.scheduled_at + timedelta(microseconds=1), self._every)
        if self._at_once:
            number += 1
            yield self._cycle(self._clock.now(), number, Cause.COMMAND)
        while True:
            found = self._wait(due)
            if found is None:
                return
            at, wake = found
            number += 1
            yield self._cycle(at, number, *wake)
            due = max(due + self._every if at >= due else due, last_tick(self._clock.now(), self._every))

    def _wait(self, due: datetime) -> tuple[datetime, Wake] | None:
        """Return when and why to look, or None when the engine stops.

        A tick that comes while the wakes are asked, or while a wake's own look lasts, goes before them: looks stay in the
        order of their instants, and each begins within an interval of its own.
        """
        while not self._stopping():
            if self._clock.now() >= due:
                return due, (Cause.SCHEDULE, ())
            wake = self._wakes()
            now = self._clock.now()
            if now >= due:
                continue
            if wake is not None:
                return now, wake
            self._waiting(due)
            self._clock.wait_until(min(due, now + self._slice) if self._slice else due)
        return None

    def _cycle(self, at: datetime, number: int, cause: Cause, subjects: tuple[str, ...] = ()) -> Cycle:
        return Cycle(self._desk, at, number, cause, subjects, at, at)


class GridSchedule:
    """A backtest's cycles: [start, end) at a fixed distance; nothing is collected, so a cycle is sealed as it is due."""

    def __init__(self, desk: str, start: datetime, end: datetime, every: timedelta, latency: timedelta) -> None:
        self._desk, self._start, self._end, self._every, self._latency = desk, start, end, every, latency

    def __iter__(self) -> Iterator[Cycle]:
        at, number = self._start, 0
        while at < self._end:
            number += 1
            yield Cycle(self._desk, at, number, Cause.SCHEDULE, (), at, at + self._latency)
            at += self._every
