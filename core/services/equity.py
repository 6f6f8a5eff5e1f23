"""The equity of a desk, or of all together, at the end of each desk day: read once, and extended by the days since."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from core.metrics.returns import Daily
from core.services.journal_rows import JournalRows
from core.units import IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Equity:
    """Equity at the end of consecutive days, the last of which still runs, and the money that the first began with."""

    first: int  # day number
    end_micro: IntArray  # (n_days,)
    start_micro: int

    def __len__(self) -> int:
        return len(self.end_micro)

    @property
    def daily(self) -> Daily:
        """Returns of the days that are over; a day without a cycle is a day without a return."""
        before = np.concatenate([[self.start_micro], self.end_micro[:-1]]) if len(self) else self.end_micro
        value = self.end_micro / np.maximum(before, 1) - 1.0
        days = np.arange(self.first, self.first + len(self), dtype=np.int64)
        return Daily(days[:-1], value[:-1])

    def on(self) -> Mapping[date, int]:
        """Return the equity by day."""
        return {date.fromordinal(self.first + i): int(end) for i, end in enumerate(self.end_micro.tolist())}


class EquityBook:
    """The last marks of each desk day of one opened journal."""

    def __init__(self, journal: JournalRows) -> None:
        self._journal, self._lock = journal, threading.Lock()
        self._days: dict[str, dict[int, int]] = {}

    def equity(self, desk: str | None = None) -> Equity | None:
        """Return the equity of a desk, or of all together; None before the first mark."""
        with self._lock:
            for name in self._journal.desks():
                self._extend(name)
            days = {name: dict(found) for name, found in self._days.items() if desk in (None, name) and found}
        if not days:
            return None
        starts = {one.desk: int(one.start_micro[0]) for one in self._journal.accounts() if desk in (None, one.desk)}
        first, last = min(min(each) for each in days.values()), max(max(each) for each in days.values())
        ends = [_filled(days.get(name, {}), start, first, last) for name, start in starts.items()]
        total: IntArray = np.sum(ends, axis=0)
        return Equity(first, total, sum(starts.values()))

    def _extend(self, desk: str) -> None:
        known = self._days.setdefault(desk, {})
        known |= self._journal.equities_since(desk, max(known, default=0))


def _filled(days: Mapping[int, int], start: int, first: int, last: int) -> IntArray:
    """Return the equity of each day: where none was marked, that of the day before."""
    found, equity = [], start
    for day in range(first, last + 1):
        equity = days.get(day, equity)
        found.append(equity)
    return np.array(found, np.int64)
