"""A figure with what it rests on: value or the reason why there is none, n, interval; and the rows of a table of figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from core.metrics.inference import LEAST_DATES, RESAMPLES, SEED, resampled_dates, widening
from core.units import FloatArray, IntArray

Sample = TypeVar("Sample")
LEVEL = 0.9
UNDEFINED = "no number"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure over `n` observations; `value` None: `reason` says why. `low` and `high`: interval, where there is one."""

    name: str
    label: str
    unit: str
    value: float | None
    reason: str
    n: int
    least: int
    low: float | None = None
    high: float | None = None
    level: float = LEVEL
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Row(Generic[Sample]):
    """One row of a table of figures: the first line of its function is its definition.

    `otherwise` is said where enough observations still give no figure; `quantstats` says what that library answers there.
    """

    of: Callable[[Sample], float | None]
    label: str
    unit: str
    least: int  # observations below which nothing is said
    otherwise: str = UNDEFINED
    interval: Callable[[Sample], tuple[float, float] | None] | None = None
    level: float = LEVEL
    quantstats: str = ""

    @property
    def name(self) -> str:
        return self.of.__name__

    @property
    def definition(self) -> str:
        return (self.of.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ")


def figure(row: Row[Sample], sample: Sample, n: int, counted: str = "events") -> Figure:
    """Return the figure of a row over a sample of `n` observations."""
    value, reason = None, not_enough(n, row.least, counted) if n < row.least else ""
    if not reason:
        with np.errstate(all="ignore"):
            value = finite(row.of(sample))
        reason = row.otherwise if value is None else ""
    low, high = (row.interval(sample) if row.interval and value is not None else None) or (None, None)
    return Figure(
        row.name, row.label, row.unit, value, reason, n, row.least, low, high, row.level, row.definition
    )  # fmt: skip


def figures(rows: Sequence[Row[Sample]], sample: Sample, n: int, counted: str = "events") -> tuple[Figure, ...]:
    """Return the figures of a table."""
    return tuple(figure(row, sample, n, counted) for row in rows)


def not_enough(n: int, needed: int, counted: str = "events") -> str:
    """Return in words that there are too few observations."""
    return f"not enough data ({n} of {needed} {counted})"


def finite(value: float | None) -> float | None:
    """Return a number, None for what is no finite number."""
    return None if value is None or not math.isfinite(value) else float(value)


def ratio_by_dates(
    above: FloatArray, below: FloatArray, ordinal: IntArray, level: float = LEVEL
) -> tuple[float, float] | None:  # fmt: skip
    """Return the interval of sum of `above` / sum of `below`, dates drawn in blocks; None below 30 dates.

    Also None where the ratio stands on so few dates that some draws leave nothing to divide by.

    Args:
        above, below: one figure per event, same unit, shape (n,).
        ordinal: date of each event as a day number, shape (n,).

    Source: as `core.metrics.inference.date_interval`.
    """
    dates, rank = np.unique(ordinal, return_inverse=True)
    n_dates = len(dates)
    if n_dates < LEAST_DATES:
        return None
    block = min(7.0, n_dates / 2)
    tops, bottoms = np.bincount(rank, above), np.bincount(rank, below)
    picked = resampled_dates(n_dates, block, RESAMPLES, SEED)
    drawn = bottoms[picked].sum(axis=1)
    if bottoms.sum() <= 0.0 or drawn.min() <= 0.0:
        return None
    return around(float(tops.sum() / bottoms.sum()), tops[picked].sum(axis=1) / drawn, n_dates, block, level)


def around(mean: float, drawn: FloatArray, n_dates: int, block: float, level: float) -> tuple[float, float]:
    """Return the interval of a figure from its draws, widened for the blocks, shape (resamples,)."""
    away = (drawn - mean) * widening(n_dates, block, level)
    low, high = np.quantile(away, ((1 - level) / 2, (1 + level) / 2))
    return mean + float(low), mean + float(high)
