"""The free rivals of the model a day ahead: what anyone can make of the forecasts, the season or yesterday.

Fixed before any score was seen (SCIENCE 6.3): they are there to be beaten, not to be good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.special import ndtr

from core.units import FloatArray, IntArray

GRID = np.arange(-80, 141)  # whole degrees Fahrenheit on which distributions are compared
TRAILING_DAYS = 365
EMBARGO_DAYS = 2
LEAST_RESIDUALS = 30  # below, a rival has no sd
SEASON_DAYS, YEAR = 15, 365.2425  # to both sides of the day, of all years known
RAW, CORRECTED, SOURCE, SEASON, YESTERDAY = "raw mean", "bias-corrected mean", "best source", "climatology", "persistence"


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
    """Laws by the names above."""

    day: tuple[date, ...]
    laws: Mapping[str, Rival]

    def pmfs(self, day: date) -> Mapping[str, FloatArray]:
        """Return the mass of each degree of `GRID` under every rival that has a law for a day."""
        if day not in self.day:
            return {}
        row = self.day.index(day)
        found = {name: gaussian_pmf(float(law.mean[row]), float(law.sd[row])) for name, law in self.laws.items()}
        return {name: pmf for name, pmf in found.items() if np.isfinite(pmf).all()}


def rivals_of(truth: Truth) -> Rivals:
    """Return the laws of the rivals: each day from what a year that ends two days before shows.

    The raw mean has the root-mean-square error of that year, the bias-corrected one its mean error taken out. The best
    source is the one of least spread in that year, its own mean error taken out. The climatology is the mean and spread of
    the season's days before, and persistence the last value known.
    """
    ordinal = np.array([day.toordinal() for day in truth.day], np.int64)
    mean = truth.mean
    bias, spread, rmse = _trailing(ordinal, truth.official - mean)
    each = [_trailing(ordinal, truth.official - source) for source in truth.sources.T]
    laws = {RAW: Rival(mean, rmse), CORRECTED: Rival(mean + bias, spread)}
    if each:
        shift, spreads, _ = (np.stack(part, axis=-1) for part in zip(*each, strict=True))
        spreads = np.where(np.isfinite(truth.sources), spreads, np.nan)
        best = np.argmin(np.where(np.isnan(spreads), np.inf, spreads), axis=-1)[:, None]
        laws[SOURCE] = Rival(*(np.take_along_axis(part, best, -1)[:, 0] for part in (truth.sources + shift, spreads)))
    last = _last_known(ordinal, truth.official)
    _, _, drift = _trailing(ordinal, truth.official - last)
    return Rivals(truth.day, {**laws, SEASON: Rival(*_season(ordinal, truth.official)), YESTERDAY: Rival(last, drift)})


def _trailing(ordinal: IntArray, residual: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mean, spread and root-mean-square of the residuals known a year back from each day; NaN with too few."""
    found = np.full((3, len(ordinal)), np.nan)
    for i, day in enumerate(ordinal.tolist()):
        last = day - EMBARGO_DAYS
        known = residual[(ordinal <= last) & (ordinal > last - TRAILING_DAYS) & np.isfinite(residual)]
        if len(known) >= LEAST_RESIDUALS:
            found[:, i] = known.mean(), known.std(), np.sqrt(np.mean(np.square(known)))
    return found[0], found[1], found[2]


def _season(ordinal: IntArray, official: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and spread of all days before that lie near each day in the year; NaN with too few."""
    found = np.full((2, len(ordinal)), np.nan)
    for i, day in enumerate(ordinal.tolist()):
        apart = np.abs((ordinal - day + YEAR / 2) % YEAR - YEAR / 2)
        known = official[(ordinal <= day - EMBARGO_DAYS) & (apart <= SEASON_DAYS) & np.isfinite(official)]
        if len(known) >= LEAST_RESIDUALS:
            found[:, i] = known.mean(), known.std()
    return found[0], found[1]


def _last_known(ordinal: IntArray, official: FloatArray) -> FloatArray:
    """Return, for each day, the newest value that was known by the evening before it: that of EMBARGO_DAYS earlier or older."""
    known = np.flatnonzero(np.isfinite(official))
    place = np.searchsorted(ordinal[known], ordinal - EMBARGO_DAYS, "right") - 1
    return np.where(place >= 0, official[known[np.maximum(place, 0)]] if len(known) else np.nan, np.nan)


def gaussian_pmf(mean: float, sd: float) -> FloatArray:
    """Return the mass of each whole degree of `GRID` under a rounded normal law; the tails belong to the ends."""
    cdf = ndtr((GRID[:-1] + 0.5 - mean) / sd)
    pmf: FloatArray = np.diff(np.r_[0.0, cdf, 1.0])
    return pmf
