"""Time as an argument: the only module that asks the system what time it is."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What a process may know of time."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...

    def wait_until(self, instant: datetime) -> None:
        """Return when `instant` has come, or earlier when `interrupt` was called."""
        ...

    def interrupt(self) -> None:
        """End a wait that is under way; safe from a signal handler or another thread."""
        ...


class SystemClock:
    """The clock of the machine."""

    def __init__(self) -> None:
        self._woken = threading.Event()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait_until(self, instant: datetime) -> None:
        remaining = (instant - self.now()).total_seconds()
        if remaining > 0 and self._woken.wait(remaining):
            self._woken.clear()

    def interrupt(self) -> None:
        self._woken.set()


class SteppedClock:
    """Simulated time: stands still while a cycle works, moves only in `wait_until`.

    `speed` paces the move: simulated seconds for each second of the wall, less the time
    that was spent working since the last wait; 0 moves at once.
    """

    def __init__(self, start: datetime, speed: float = 0.0) -> None:
        if start.tzinfo is None:
            raise ValueError(f"{start!r} has no time zone")
        self._now = start.astimezone(UTC)
        self._speed = speed
        self._released = time.monotonic()
        self._woken = threading.Event()

    def now(self) -> datetime:
        return self._now

    def wait_until(self, instant: datetime) -> None:
        if instant <= self._now:
            return
        if self._speed > 0:
            due = self._released + (instant - self._now).total_seconds() / self._speed
            if self._woken.wait(max(0.0, due - time.monotonic())):
                self._woken.clear()
                return
            self._released = max(due, time.monotonic() - 1.0)
        self._now = instant

    def interrupt(self) -> None:
        self._woken.set()


class FollowingClock:
    """A face's clock on a simulated world: the engine's last beat carried on by its speed, never past `limit`."""

    def __init__(self, anchor: datetime, wall_anchor: datetime, speed: float, limit: datetime) -> None:
        self._anchor, self._wall_anchor, self._speed, self._limit = anchor, wall_anchor, speed, limit

    def now(self) -> datetime:
        passed = (datetime.now(UTC) - self._wall_anchor).total_seconds() * self._speed
        return min(self._anchor + timedelta(seconds=max(0.0, passed)), max(self._limit, self._anchor))

    def wait_until(self, instant: datetime) -> None:
        raise NotImplementedError("a face does not wait for simulated time")

    def interrupt(self) -> None:
        """Nothing waits on this clock."""


def monotonic_seconds() -> float:
    """Return seconds on a clock that never steps back: for durations, never for instants."""
    return time.monotonic()


def wall_now() -> datetime:
    """Return the machine's instant: for heartbeats and process logs, never for a decision."""
    return datetime.now(UTC)
