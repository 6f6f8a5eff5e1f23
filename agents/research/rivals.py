"""The fixed rivals of the model a day ahead: what the forecasts say by themselves, with the error they have had for a year.

Fixed before any score was seen (SCIENCE 6.3): they are there to be beaten, not to be good.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.special import ndtr

from core.units import FloatArray, IntArray

GRID = np.arange(-80, 141)  # whole degrees Fahrenheit on which distributions are compared
TRAILING_DAYS = 365
EMBARGO_DAYS = 2
LEAST_RESIDUALS = 30  # below, a rival has no sd


@dataclass(frozen=True, slots=True)
class Truth:
    """What was forecast for each day and what came, oldest first; degrees Fahrenheit."""

    day: tuple[date, ...]
    sources: FloatArray  # (n_days, n_sources), NaN where a source was silent
    official: FloatArray  # (n_days,), NaN where no value was published
    settles: bool = False  # the venue names no value, but these are known to be what settled

    @property
    def mean(self) -> FloatArray:
        """Return the equal-weight mean of every source that spoke."""
        spoke = np.isfinite(self.sources)
        count = spoke.sum(-1)
        added = np.where(spoke, self.sources, 0.0).sum(-1)
        mean: FloatArray = np.where(count > 0, added / np.maximum(count, 1), np.nan)
        return mean

    def value(self, day: date) -> float:
        """Return the official value of a day, NaN where there is none."""
        return float(self.official[self.day.index(day)]) if day in self.day else float("nan")


@dataclass(frozen=True, slots=True)
class Rival:
    """Normal laws, one a day; NaN where there is none."""

    mean: FloatArray
    sd: FloatArray


@dataclass(frozen=True, slots=True)
class Rivals:
    """The raw mean with its root-mean-square error, and the mean less its bias with the spread that is left."""

    day: tuple[date, ...]
    raw: Rival
    corrected: Rival

    def pmfs(self, day: date) -> tuple[FloatArray, FloatArray] | None:
        """Return the mass of each degree of `GRID` under both, None for a day without a law."""
        if day not in self.day:
            return None
        row = self.day.index(day)
        raw, corrected = (gaussian_pmf(float(law.mean[row]), float(law.sd[row])) for law in (self.raw, self.corrected))
        return (raw, corrected) if np.isfinite(raw).all() and np.isfinite(corrected).all() else None


def rivals_of(truth: Truth) -> Rivals:
    """Return the laws of the rivals: each day from the residuals of a year that ends two days before."""
    mean = truth.mean
    residual = truth.official - mean
    ordinal = np.array([day.toordinal() for day in truth.day], np.int64)
    rows = [_trailing(ordinal, residual, each) for each in ordinal.tolist()]
    enough = [row if len(row) >= LEAST_RESIDUALS else np.array([np.nan]) for row in rows]
    rmse = np.array([np.sqrt(np.mean(np.square(row))) for row in enough])
    bias, spread = np.array([row.mean() for row in enough]), np.array([row.std() for row in enough])
    return Rivals(truth.day, Rival(mean, rmse), Rival(mean + bias, spread))


def _trailing(ordinal: IntArray, residual: FloatArray, day: int) -> FloatArray:
    last = day - EMBARGO_DAYS
    trailing: FloatArray = residual[(ordinal <= last) & (ordinal > last - TRAILING_DAYS) & np.isfinite(residual)]
    return trailing


def gaussian_pmf(mean: float, sd: float) -> FloatArray:
    """Return the mass of each whole degree of `GRID` under a rounded normal law; the tails belong to the ends."""
    cdf = ndtr((GRID[:-1] + 0.5 - mean) / sd)
    pmf: FloatArray = np.diff(np.r_[0.0, cdf, 1.0])
    return pmf
