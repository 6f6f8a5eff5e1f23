"""How the temperature of a station runs over a day: the fall below the maximum by hour, from its own reports.

For forecasters that give the maximum alone. A day counts once its outcome is known, as for the residuals.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from core.units import FloatArray, InstantArray, IntArray

DAYS = 30  # settled days whose mean is the shape
LEAST_DAYS = 5
LEAST_REPORTS = 18
HOUR = 3_600_000_000
EMBARGO_DAYS = 2


class Shape(NamedTuple):
    """How a station's day runs, by hour of standard time [kelvin], each (24,); number 0 and None: not known."""

    number: int = 0
    fall: FloatArray | None = None
    fall_sd: FloatArray | None = None  # from day to day


UNKNOWN = Shape()


def fall_of(valid_at: InstantArray, celsius: FloatArray, settled: float, start: int, offset: int) -> FloatArray | None:
    """Return the fall below the settled maximum by hour of standard time [kelvin], shape (24,); None with too few reports.

    Args:
        valid_at: of the day's reports, ascending, shape (n,).
        celsius: temperatures, shape (n,).
        settled: what the source printed of the day [degrees Celsius], mostly a little above the highest report.
        start: of the settlement window [microseconds].
        offset: of standard time at the station [microseconds].
    """
    if len(valid_at) < LEAST_REPORTS:
        return None
    hours = start + HOUR * np.arange(24, dtype=np.int64)
    fall = np.empty(24)
    fall[((hours + offset) // HOUR) % 24] = settled - np.interp(hours, valid_at, celsius)
    return fall


class ClimateMemory:
    """The falls of each station's settled days."""

    def __init__(self) -> None:
        self._days: dict[str, dict[int, tuple[int, FloatArray]]] = {}
        self._shapes: dict[tuple[str, int, int], Shape] = {}

    def add(self, station: str, day: int, since: int, fall: FloatArray | None) -> None:
        """Take in a day (ordinal) whose outcome was received at `since`; of several events of a day the first counts."""
        days = self._days.setdefault(station, {})
        if fall is not None and (day not in days or since < days[day][0]):
            days[day] = since, fall
            self._shapes = {key: shape for key, shape in self._shapes.items() if key[0] != station}

    def shapes(self, station: str, event_day: date, looks: InstantArray) -> tuple[IntArray, tuple[Shape, ...]]:
        """Return which shape counts for an event at each look, and the shapes; number 0 is none of its own."""
        last = event_day.toordinal() - EMBARGO_DAYS
        days = {day: found for day, found in self._days.get(station, {}).items() if day <= last}
        received = np.sort(np.array([since for since, _ in days.values()], np.int64))
        known = np.searchsorted(received, looks, "right")
        counts, place = np.unique(known, return_inverse=True)
        shapes = []
        for count in counts.tolist():
            until = int(received[count - 1]) if count else 0
            shapes.append(self._shape(station, (last, count), until, days))
        return place.reshape(-1), tuple(shapes)

    def _shape(self, station: str, number: tuple[int, int], until: int, days: dict[int, tuple[int, FloatArray]]) -> Shape:
        key = (station, *number)
        if key not in self._shapes:
            chosen = [days[day][1] for day in sorted(days) if days[day][0] <= until][-DAYS:]
            self._shapes[key] = _shape_of(number[0] * 1_000 + number[1], chosen)
        return self._shapes[key]


def _shape_of(number: int, falls: Sequence[FloatArray]) -> Shape:
    if len(falls) < LEAST_DAYS:
        return UNKNOWN
    each = np.stack(falls)
    mean = each.mean(axis=0)
    return Shape(number, mean, np.sqrt(np.square(each - mean).mean(axis=0)))
