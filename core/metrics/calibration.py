"""Whether stated probabilities come true: spread of the integral transform, coverage, reliability.

The integral transform of a forecast of whole degrees is a span (`core.metrics.scores.integral_transform`), over which its
randomisation is integrated out instead of drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import bdtr, entr, xlog1py, xlogy

from core.metrics.inference import design_effect
from core.metrics.scores import LOG_FLOOR, bin_parts, covered
from core.units import FloatArray, IntArray, total

LEVELS = (0.5, 0.8, 0.9)
BINS = 10
CONFIDENCE = 0.95  # of every band


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many outcomes lay in the central interval of probability `level`, and the band in which that is no surprise."""

    level: float
    share: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        return self.low <= self.share <= self.high


@dataclass(frozen=True, slots=True)
class Flatness:
    """Share of the transforms in each bin, all judged together: `flat` if none is further from 1 / bins than `half_width`."""

    shares: tuple[float, ...]
    half_width: float
    flat: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration of `n` forecasts on `n_dates` dates."""

    n: int
    n_dates: int
    mean: float  # of the transform; 0.5 is unbiased, above: outcomes above the forecasts
    spread: float  # 12 times its variance; 1 is right, above: over-confident
    flatness: Flatness
    coverage: tuple[Coverage, ...]  # of LEVELS


@dataclass(frozen=True, slots=True)
class Decomposition:
    """A mean score = miscalibration - discrimination + uncertainty, all in its unit."""

    score: float
    miscalibration: float
    discrimination: float
    uncertainty: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """How often an event came true at each stated probability, made monotone; the curve's points ascend."""

    stated: FloatArray  # (k,) [1]
    realised: FloatArray  # (k,) [1]
    count: IntArray  # (k,) events
    brier: Decomposition  # [1], of the event alone: half of the score over event and complement
    log: Decomposition  # [nats]


def calibration(lower: FloatArray, upper: FloatArray, ordinal: IntArray) -> Calibration | None:
    """Return the calibration of some forecasts; None without any.

    Args:
        lower, upper: span of each integral transform [1], shape (n,).
        ordinal: date of each event as a day number, shape (n,); events of a date are not independent.

    Source: SCIENCE 3.2.
    """
    n = len(lower)
    if n == 0:
        return None
    return Calibration(
        n, len(np.unique(ordinal)), *transform_moments(lower, upper), flatness(lower, upper, ordinal),
        tuple(coverage_verdict(lower, upper, ordinal, level) for level in LEVELS),
    )  # fmt: skip


def transform_moments(lower: FloatArray, upper: FloatArray) -> tuple[float, float]:
    """Return mean (0.5) and 12 times variance (1) of the integral transform, spread evenly over each span.

    A span's mean is its middle, its mean square (l^2 + l u + u^2) / 3.

    Source: SCIENCE 3.2; Czado, Gneiting, Held (2009), Biometrics 65, 1254-1261.
    """
    mean = float(((lower + upper) / 2).mean())
    square = float(((np.square(lower) + lower * upper + np.square(upper)) / 3).mean())
    return mean, 12 * (square - mean * mean)


def flatness(lower: FloatArray, upper: FloatArray, ordinal: IntArray, bins: int = BINS) -> Flatness:
    """Return the histogram of the integral transform with one verdict over all bins."""
    parts = bin_parts(lower, upper, bins)
    effect = float(np.mean([design_effect(part, ordinal) for part in parts]))
    shares, half_width = parts.mean(axis=1), joint_half_width(len(lower), effect, bins)
    return Flatness(tuple(shares.tolist()), half_width, bool(np.abs(shares - 1 / bins).max() <= half_width))


def joint_half_width(n: int, effect: float = 1.0, bins: int = BINS, confidence: float = CONFIDENCE) -> float:
    """Return how far any of `bins` shares may lie from 1 / bins before a perfect forecaster would wonder [1].

    Exact binomial for each bin, the doubt shared among them (Bonferroni): 0.066 at n = 175, as simulated in SCIENCE 3.2.

    Args:
        n: events.
        effect: design effect; n / effect independent events tell as much.
        bins: number of bins judged together.
        confidence: that a perfect forecaster passes, at least.
    """
    n = max(math.floor(n / effect), 1)
    count = np.arange(n + 1)
    distance = np.abs(count - n / bins)
    order = np.argsort(distance, kind="stable")
    within = np.cumsum(_binomial(n, 1 / bins)[order])
    return float(distance[order][np.searchsorted(within, 1 - (1 - confidence) / bins)]) / n


def coverage_verdict(lower: FloatArray, upper: FloatArray, ordinal: IntArray, level: float) -> Coverage:
    """Return the coverage of the central interval of probability `level` with its band."""
    inside = covered(lower, upper, level)
    return Coverage(level, float(inside.mean()), *coverage_band(level, len(lower), design_effect(inside, ordinal)))


def coverage_band(level: float, n: int, effect: float = 1.0, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return between which shares a perfect forecaster's coverage lies, exact binomial [1]: 0.74 to 0.86 for 80 % at n = 175.

    Args:
        level: probability of the central interval.
        n: events.
        effect: design effect; n / effect independent events tell as much.
        confidence: probability of the band, at least.

    Source: SCIENCE 3.2.
    """
    n = max(math.floor(n / effect), 1)
    cumulative = bdtr(np.arange(n + 1), n, level)
    low, high = np.searchsorted(cumulative, ((1 - confidence) / 2, (1 + confidence) / 2))
    return float(low) / n, float(high) / n


def central_width(edges: FloatArray, cumulative: FloatArray, level: float = 0.8) -> FloatArray:
    """Return the distance between the ends of the central interval of probability `level` [unit of edges].

    Args:
        edges: ascending values, shape (n,).
        cumulative: P(Y <= edge) [1], straight between edges, from 0 to 1, shape (..., n).
        level: probability of the interval.

    Returns:
        Width, shape (...); NaN where an end lies outside the edges or the law is NaN.
    """
    return _quantile(edges, cumulative, (1 + level) / 2) - _quantile(edges, cumulative, (1 - level) / 2)


def entropy(pmf: FloatArray) -> FloatArray:
    """Return how undecided each forecast is [nats], 0 to ln(n), shape (...)."""
    return total(entr(pmf))


def reliability(probability: FloatArray, came_true: FloatArray, floor: float = LOG_FLOOR) -> Reliability:
    """Return the reliability curve without bins, and what miscalibration costs.

    Args:
        probability: stated for each event, say each bracket of each ladder [1], shape (n,), n > 0.
        came_true: 1 where it did, else 0, shape (n,).
        floor: least and, below 1, largest probability that the log score charges.

    Source: Dimitriadis, Gneiting, Jordan (2021), Proc. Natl. Acad. Sci. 118(8) (CORP).
    """
    stated, rank, count = np.unique(probability, return_inverse=True, return_counts=True)
    realised = monotone(np.bincount(rank, came_true) / count, count)
    recalibrated, usual = realised[rank], np.full(len(rank), float(np.mean(came_true)))
    charged = np.clip(probability, floor, 1 - floor)
    return Reliability(
        stated, realised, count.astype(np.int64),
        _decomposed(*(_brier(each, came_true) for each in (probability, recalibrated, usual))),
        _decomposed(*(_log(each, came_true) for each in (charged, recalibrated, usual))),
    )  # fmt: skip


def consistency_band(
    stated: FloatArray, count: IntArray, level: float = 0.9, resamples: int = 200, seed: int = 20_240_816
) -> tuple[FloatArray, FloatArray]:
    """Return where the curve of `reliability` would lie if every stated probability were right, low and high, both (k,).

    Args:
        stated, count: points of the curve, shape (k,).
        level: probability of the band, at each point by itself.
        resamples: how often outcomes are drawn.
        seed: of the draw.

    Source: Dimitriadis, Gneiting, Jordan (2021); Broecker, Smith (2007), Wea. Forecasting 22, 651-661.
    """
    drawn = np.random.default_rng(seed).binomial(count, stated, (resamples, len(stated)))
    curves = np.array([monotone(row / count, count) for row in drawn])
    low, high = np.quantile(curves, ((1 - level) / 2, (1 + level) / 2), axis=0)
    return low, high


def monotone(values: FloatArray, weight: IntArray) -> FloatArray:
    """Return the not falling sequence nearest to `values` (weighted squares, pool adjacent violators), shape (k,)."""
    fitted: FloatArray = isotonic_regression(values, weights=weight).x
    return fitted


def murphy(probability: FloatArray, came_true: FloatArray, bins: int = BINS) -> Decomposition:
    """Return the binned decomposition of the Brier score, for display only: its parts depend on the bins.

    The parts add up to the score where all probabilities of a bin are equal.

    Source: Murphy (1973), J. Appl. Meteor. 12, 595-600; SCIENCE 3.2.
    """
    bin_of = np.minimum((np.asarray(probability) * bins).astype(np.int64), bins - 1)
    count = np.bincount(bin_of, minlength=bins)
    filled = count > 0
    stated, realised = (np.bincount(bin_of, each, bins)[filled] / count[filled] for each in (probability, came_true))
    share, usual = count[filled] / len(bin_of), float(np.mean(came_true))
    return Decomposition(
        _brier(probability, came_true), float((share * np.square(stated - realised)).sum()),
        float((share * np.square(realised - usual)).sum()), usual * (1 - usual),
    )  # fmt: skip


def _decomposed(stated: float, recalibrated: float, usual: float) -> Decomposition:
    """Return the parts from the scores of three forecasts: stated, made monotone, and always the base rate."""
    return Decomposition(stated, stated - recalibrated, usual - recalibrated, usual)


def _brier(probability: FloatArray, came_true: FloatArray) -> float:
    return float(np.square(probability - came_true).mean())


def _log(probability: FloatArray, came_true: FloatArray) -> float:
    return float(-(xlogy(came_true, probability) + xlog1py(1 - came_true, -probability)).mean())


def _quantile(edges: FloatArray, cumulative: FloatArray, probability: float) -> FloatArray:
    """Return the first value at which `cumulative` reaches `probability`, shape (...); NaN where none does."""
    after = np.clip((cumulative < probability).sum(axis=-1), 1, len(edges) - 1)
    low, high = (np.take_along_axis(cumulative, rank[..., None], axis=-1)[..., 0] for rank in (after - 1, after))
    reached = (low < probability) & (probability <= high)
    share = (probability - low) / np.where(reached, high - low, 1.0)
    return np.where(reached, edges[after - 1] + (edges[after] - edges[after - 1]) * share, np.nan)


def _binomial(n: int, p: float) -> FloatArray:
    """Return the probability of each number of hits, shape (n + 1,)."""
    mass: FloatArray = np.diff(bdtr(np.arange(n + 1), n, p), prepend=0.0)
    return mass
