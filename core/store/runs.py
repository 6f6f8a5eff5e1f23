"""Runs of equal content: since when a source says what it says. A function of the records alone, wherever they lie."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

DAY_MICROS = 86_400_000_000
LOOK_BACK_DAYS = 14  # a source that was silent for longer begins anew
Thread = tuple[str, str, bool]  # subject, source, whether it answered


class Run(NamedTuple):
    """The newest record of a thread so far, and when its run of equal content began."""

    received_at: int
    tie: int
    content: str
    first_at: int


class HotRecord(NamedTuple):
    """A record of the index and what is noted of its run."""

    seq: int
    received_at: int
    tie: int
    content: str
    first_at: int


_Hot = Mapping[Thread, Sequence[HotRecord]]


def begun(before: Run | None, received_at: int, content: str) -> int:
    """Return when the run began to which a record belongs that follows on another."""
    if before is None or before.content != content:
        return received_at
    return before.first_at if received_at // DAY_MICROS - before.received_at // DAY_MICROS <= LOOK_BACK_DAYS else received_at


class Runs:
    """Goes through the records of some threads in their order; hot records take their places between closed ones."""

    def __init__(self, before: Callable[[Thread, int], Run | None], hot: _Hot | None = None) -> None:
        """Begin; `before` tells how a thread stood before its first record here, which was received at an instant."""
        self._before = before
        self._hot = {thread: deque(records) for thread, records in (hot or {}).items()}
        self.ends: dict[Thread, Run | None] = {}
        self.changed: list[tuple[int, int]] = []  # first_at and number of hot records that are noted wrongly

    def go_on(self, thread: Thread, received_at: int, tie: int, content: str) -> int:
        """Take in a closed record and return when its run began."""
        self._catch_up(thread, (received_at, tie))
        return self._step(thread, received_at, tie, content)

    def finish(self) -> None:
        """Take in the hot records that come after all closed ones."""
        for thread in self._hot:
            self._catch_up(thread, (2**62, 0))

    def _catch_up(self, thread: Thread, order: tuple[int, int]) -> None:
        waiting = self._hot.get(thread)
        while waiting and waiting[0][1:3] <= order:
            record = waiting.popleft()
            first_at = self._step(thread, *record[1:4])
            if first_at != record.first_at:
                self.changed.append((first_at, record.seq))

    def _step(self, thread: Thread, received_at: int, tie: int, content: str) -> int:
        if thread not in self.ends:
            self.ends[thread] = self._before(thread, received_at)
        first_at = begun(self.ends[thread], received_at, content)
        self.ends[thread] = Run(received_at, tie, content, first_at)
        return first_at
