"""Figures of what was lost from the highest point so far; the curve starts at 1, before the first day."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from core.metrics.returns import Daily, cagr, shortfall, total_return
from core.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Spell:
    """A stretch below the high: first and last place, and how far below at worst [of the curve's unit, below 0]."""

    first: int
    last: int
    depth: float

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def below_high(daily: Daily) -> FloatArray:
    """Return how far each day's end lies below the highest point so far [fraction, 0 or below], shape (n,)."""
    curve = 1.0 + (np.cumprod(1.0 + daily.value) - 1.0)
    high = np.maximum.accumulate(np.concatenate([[1.0], curve]))[1:]
    below: FloatArray = curve / high - 1.0
    return below


def spells(below: FloatArray) -> tuple[Spell, ...]:
    """Return the stretches below the high, oldest first; the last one may still run."""
    under: BoolArray = np.concatenate([[False], below < 0, [False]])
    edges: IntArray = np.flatnonzero(under[1:] != under[:-1])
    pairs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return tuple(Spell(first, end - 1, float(below[first:end].min())) for first, end in pairs)


def max_drawdown(daily: Daily) -> float | None:
    """Return the deepest fall below the highest point so far, the start included [fraction, 0 or below]."""
    return min(0.0, float(below_high(daily).min())) if len(daily) else None


def current_drawdown(daily: Daily) -> float | None:
    """Return how far the last day ends below the highest point so far [fraction, 0 or below]."""
    return float(below_high(daily)[-1]) if len(daily) else None


def longest_drawdown_days(daily: Daily) -> float | None:
    """Return the most days in a row below the high [days]."""
    return float(max((each.length for each in spells(below_high(daily))), default=0)) if len(daily) else None


def average_drawdown(daily: Daily) -> float | None:
    """Return the mean of the deepest points of all stretches below the high [fraction]."""
    found = spells(below_high(daily))
    return float(np.mean([each.depth for each in found])) if found else None


def average_drawdown_days(daily: Daily) -> float | None:
    """Return the mean length of the stretches below the high [days]."""
    found = spells(below_high(daily))
    return float(np.mean([each.length for each in found])) if found else None


def time_under_water(daily: Daily) -> float | None:
    """Return the share of days that end below the high [fraction]."""
    return float((below_high(daily) < 0).mean()) if len(daily) else None


def calmar(daily: Daily) -> float | None:
    """Return the yearly compounded return over the size of the deepest drawdown."""
    grown, fallen = cagr(daily), max_drawdown(daily)
    return None if grown is None or not fallen else grown / abs(fallen)


def ulcer_index(daily: Daily) -> float | None:
    """Return the root of the sum of squared drawdowns of all days over n − 1 [fraction]."""
    n = len(daily)
    return math.sqrt(float(np.square(below_high(daily)).sum()) / (n - 1)) if n > 1 else None


def ulcer_performance_index(daily: Daily) -> float | None:
    """Return the total return over the ulcer index."""
    grown, ulcer = total_return(daily), ulcer_index(daily)
    return None if grown is None or not ulcer else grown / ulcer


def serenity_index(daily: Daily) -> float | None:
    """Return the sum of returns over ulcer index times pitfall: the drawdowns' shortfall over the returns' spread."""
    ulcer, deep = ulcer_index(daily), shortfall(below_high(daily))
    spread = float(daily.value.std(ddof=1)) if len(daily) > 1 and bool((daily.value != daily.value[0]).any()) else 0.0
    if not ulcer or not deep or not spread:
        return None
    return float(daily.value.sum()) / (ulcer * -deep / spread)


def recovery_factor(daily: Daily) -> float | None:
    """Return the size of the sum of returns over the size of the deepest drawdown."""
    fallen = max_drawdown(daily)
    return abs(float(daily.value.sum())) / abs(fallen) if fallen else None
