"""How the temperature of a station runs over a day: its distance from the day's extreme by hour, from its own reports.

For forecasters that give the extreme alone: highs know how far below the maximum each hour is, lows how far above the
minimum. A day counts once its outcome is known, as for the residuals.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from core.model.rule import Extreme
from core.units import FloatArray, InstantArray, IntArray, total

DAYS = 60  # whose settled ones make the mean that is the shape; on Miami, New York and Chicago before 2024-08-16 better than 30
LEAST_DAYS = 5
LEAST_REPORTS = 18
HOUR = 3_600_000_000
EMBARGO_DAYS = 2

Place = tuple[str, Extreme]  # station, and which extreme of its days


class Shape(NamedTuple):
    """How a station's day runs, by hour of standard time [kelvin], each (24,); number 0 and None: not known."""

    number: int = 0
    distance: FloatArray | None = None  # from the day's extreme, to the other side of which it never lies; smoothed
    distance_sd: FloatArray | None = None  # from day to day


UNKNOWN = Shape()


def distance_of(
    valid_at: InstantArray, celsius: FloatArray, settled: float, start: int, offset: int, extreme: Extreme
) -> FloatArray | None:
    """Return the distance from the settled extreme by hour of standard time [kelvin], shape (24,); None with too few reports.

    Args:
        valid_at: of the day's reports, ascending, shape (n,).
        celsius: temperatures, shape (n,).
        settled: what the source printed of the day [degrees Celsius], mostly a little beyond the reports.
        start: of the settlement window [microseconds].
        offset: of standard time at the station [microseconds].
        extreme: of a highest temperature the fall below it, of a lowest one the rise above it.
    """
    if len(valid_at) < LEAST_REPORTS:
        return None
    hours = start + HOUR * np.arange(24, dtype=np.int64)
    at_hours = np.interp(hours, valid_at, celsius)
    distance = np.empty(24)
    distance[((hours + offset) // HOUR) % 24] = settled - at_hours if extreme is Extreme.HIGH else at_hours - settled
    return distance


class ClimateMemory:
    """The distances of each station's settled days, of highs and of lows."""

    def __init__(self) -> None:
        self._days: dict[Place, dict[int, tuple[int, FloatArray]]] = {}
        self._shapes: dict[tuple[Place, int, int], Shape] = {}

    def add(self, place: Place, day: int, since: int, distance: FloatArray | None) -> None:
        """Take in a day (ordinal) whose outcome was received at `since`; of several events of a day the first counts."""
        days = self._days.setdefault(place, {})
        if distance is not None and (day not in days or since < days[day][0]):
            days[day] = since, distance
            self._shapes = {key: shape for key, shape in self._shapes.items() if key[0] != place}

    def shapes(self, place: Place, event_day: date, looks: InstantArray) -> tuple[IntArray, tuple[Shape, ...]]:
        """Return which shape counts for an event at each look, and the shapes; number 0 is none of its own."""
        last = event_day.toordinal() - EMBARGO_DAYS
        days = {day: found for day, found in self._days.get(place, {}).items() if last - DAYS < day <= last}
        received = np.sort(np.array([since for since, _ in days.values()], np.int64))
        known = np.searchsorted(received, looks, "right")
        counts, where = np.unique(known, return_inverse=True)
        shapes = []
        for count in counts.tolist():
            until = int(received[count - 1]) if count else 0
            shapes.append(self._shape(place, (last, count), until, days))
        return where.reshape(-1), tuple(shapes)

    def _shape(self, place: Place, number: tuple[int, int], until: int, days: dict[int, tuple[int, FloatArray]]) -> Shape:
        key = (place, *number)
        if key not in self._shapes:
            chosen = [days[day][1] for day in sorted(days) if days[day][0] <= until]
            self._shapes[key] = _shape_of(number[0] * 1_000 + number[1], chosen)
        return self._shapes[key]


def _shape_of(number: int, distances: Sequence[FloatArray]) -> Shape:
    if len(distances) < LEAST_DAYS:
        return UNKNOWN
    each = np.stack(distances)
    mean = each.mean(axis=0)
    return Shape(number, _smoothed(mean), np.sqrt(np.square(each - mean).mean(axis=0)))


def _smoothed(by_hour: FloatArray) -> FloatArray:
    """Return values with a quarter of each neighbour's: the hour of the peak must not jump with each day."""
    padded = np.concatenate([by_hour[:1], by_hour, by_hour[-1:]])
    smooth: FloatArray = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    return smooth


def middle_of_peak(hours: InstantArray, curve: FloatArray, near: float) -> int:
    """Return the hour about which a climatological curve is highest: the highest one itself jumps from day to day.

    Args:
        hours: ascending, shape (n,).
        curve: at each of them.
        near: what lies so far below the highest counts nothing, and what is higher the more.
    """
    weight = np.maximum(near - (curve.max() - curve), 0.0)
    return int(hours[int(np.floor(total(weight * np.arange(len(hours))) / total(weight) + 0.5))])
