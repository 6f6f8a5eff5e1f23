"""Scores of forecasts against what settled, and how well calibrated they were."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from core.units import BoolArray, FloatArray, IntArray, total

LOG_FLOOR = 0.002  # a probability below counts as this much, and is counted (SCIENCE 3.1)


def ranked_probability_score(pmf: FloatArray, outcome: IntArray) -> FloatArray:
    """Return the ranked probability score of each forecast; 0 is perfect.

    Distance between cumulative steps: a miss by one reading costs less than a miss by three.
    On the whole-degree grid it equals the continuous ranked probability score.

    Args:
        pmf: probability of each attainable reading [1], shape (..., n_readings), sums to 1.
        outcome: index of the reading that settled, shape (...).

    Returns:
        Score [readings], shape (...).

    Raises:
        ValueError: `outcome` does not have the batch shape of `pmf`, or names no reading.

    Source: Epstein (1969), J. Appl. Meteor. 8, 985-987.
    """
    outcome = _checked(pmf, outcome)
    settled = np.arange(pmf.shape[-1]) >= outcome[..., None]
    score: FloatArray = np.square(np.cumsum(pmf, axis=-1) - settled).sum(axis=-1)
    return score


def threshold_weighted_score(pmf: FloatArray, outcome: IntArray, weight: FloatArray) -> FloatArray:
    """Return the ranked probability score with each threshold weighted: where the money stands counts more.

    Args:
        pmf: probability of each attainable reading [1], shape (..., n_readings), sums to 1.
        outcome: index of the reading that settled, shape (...).
        weight: of the threshold between each reading and the next [1], at least 0, shape broadcasts to `pmf`; all 1 is
            `ranked_probability_score`, 1 at edges of live brackets and 0 elsewhere is the score of the ladder.

    Returns:
        Score [readings], shape (...).

    Raises:
        ValueError: `outcome` does not have the batch shape of `pmf`, or names no reading.

    Source: Gneiting, Ranjan (2011), J. Bus. Econ. Stat. 29, 411-422.
    """
    outcome = _checked(pmf, outcome)
    settled = np.arange(pmf.shape[-1]) >= outcome[..., None]
    return total(weight * np.square(np.cumsum(pmf, axis=-1) - settled))


def skill_score(score: FloatArray, reference: FloatArray) -> float:
    """Return by how much mean scores fall below a reference's on the same events [1]; 1 is perfect, NaN without a reference.

    Args:
        score, reference: scores of which 0 is perfect, same unit, shape (n,).

    Raises:
        ValueError: shapes differ.

    Source: SCIENCE 3.1.
    """
    if np.shape(score) != np.shape(reference):
        raise ValueError(f"score has shape {np.shape(score)}, reference {np.shape(reference)}")
    least = float(np.sum(reference))
    return 1.0 - float(np.sum(score)) / least if least > 0 else float("nan")


def log_score(pmf: FloatArray, outcome: IntArray, floor: float = LOG_FLOOR) -> FloatArray:
    """Return minus the logarithm of the probability given to what settled [nats]; 0 is perfect.

    Args:
        pmf: probability of each bracket or reading [1], shape (..., n), sums to 1.
        outcome: index of what settled, shape (...).
        floor: least probability that is charged, so that one surprise cannot outweigh a year.

    Returns:
        Score [nats], shape (...).

    Raises:
        ValueError: `outcome` does not have the batch shape of `pmf`, or names none of its entries.
    """
    return -np.log(np.maximum(settled_probability(pmf, outcome), floor))


def floor_hits(pmf: FloatArray, outcome: IntArray, floor: float = LOG_FLOOR) -> BoolArray:
    """Return where `log_score` was spared by its floor: reported beside every mean log score."""
    hits: BoolArray = settled_probability(pmf, outcome) < floor
    return hits


def brier(pmf: FloatArray, outcome: IntArray) -> FloatArray:
    """Return the multi-category Brier score of each forecast, 0 to 2; 0 is perfect.

    Args:
        pmf: probability of each bracket or reading [1], shape (..., n), sums to 1.
        outcome: index of what settled, shape (...).

    Returns:
        Score [1], shape (...).

    Raises:
        ValueError: `outcome` does not have the batch shape of `pmf`, or names none of its entries.

    Source: Brier (1950), Mon. Wea. Rev. 78, 1-3.
    """
    outcome = _checked(pmf, outcome)
    settled = np.arange(pmf.shape[-1]) == outcome[..., None]
    score: FloatArray = np.square(pmf - settled).sum(axis=-1)
    return score


def settled_probability(pmf: FloatArray, outcome: IntArray) -> FloatArray:
    """Return the probability that was given to what settled [1], shape (...)."""
    outcome = _checked(pmf, outcome)
    probability: FloatArray = np.take_along_axis(pmf, outcome[..., None], axis=-1)[..., 0]
    return probability


def integral_transform(pmf: FloatArray, outcome: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the span (P(Y < y), P(Y <= y)) over which the probability integral transform is spread evenly.

    Drawing one value V of that span would let the seed move the answer; the functions below integrate V out.
    """
    probability = settled_probability(pmf, outcome)
    reached = np.take_along_axis(np.cumsum(pmf, axis=-1), np.asarray(outcome)[..., None], axis=-1)[..., 0]
    upper = np.clip(reached, 0.0, 1.0)
    return np.clip(upper - probability, 0.0, 1.0), upper


def coverage(pmf: FloatArray, outcome: IntArray, level: float) -> FloatArray:
    """Return how much of each outcome lies in the central interval of its forecast; the mean should be `level`.

    Args:
        pmf: probability of each reading [1], shape (..., n_readings), sums to 1.
        outcome: index of the reading that settled, shape (...).
        level: probability of the central interval, between 0 and 1.

    Returns:
        Covered part [1], 0 to 1, shape (...): the randomisation of a discrete forecast integrated out, not drawn.

    Raises:
        ValueError: `level` is not between 0 and 1, or `outcome` does not fit `pmf`.

    Source: SCIENCE 3.2; Czado, Gneiting, Held (2009), Biometrics 65, 1254-1261.
    """
    return covered(*integral_transform(pmf, outcome), level)


def covered(lower: FloatArray, upper: FloatArray, level: float) -> FloatArray:
    """Return how much of each span of `integral_transform` lies in the central interval of probability `level` [1].

    Raises:
        ValueError: `level` is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level is {level}, needs to lie between 0 and 1")
    return _share(lower, upper, (1 - level) / 2, (1 + level) / 2)


def integral_histogram(pmf: FloatArray, outcome: IntArray, bins: int = 10) -> FloatArray:
    """Return the share of outcomes in each bin of the probability integral transform; flat is calibrated.

    Args:
        pmf: probability of each reading [1], shape (n_events, n_readings), sums to 1.
        outcome: index of the reading that settled, shape (n_events,).
        bins: number of equal bins of [0, 1].

    Returns:
        Shares [1], shape (bins,), sum to 1; NaN without any event.

    Raises:
        ValueError: `outcome` does not fit `pmf`.
    """
    return histogram(*integral_transform(pmf, outcome), bins)


def histogram(lower: FloatArray, upper: FloatArray, bins: int = 10) -> FloatArray:
    """Return the share of the spans of `integral_transform`, shape (n_events,), in each equal bin of [0, 1], shape (bins,)."""
    if lower.size == 0:
        return np.full(bins, np.nan)
    shares: FloatArray = bin_parts(lower, upper, bins).mean(axis=1)
    return shares


def bin_parts(lower: FloatArray, upper: FloatArray, bins: int = 10) -> FloatArray:
    """Return the part of each span in each equal bin of [0, 1], shape (bins, n_events); each event's parts sum to 1."""
    cuts = np.linspace(0.0, 1.0, bins + 1).tolist()
    return np.array([_share(lower, upper, low, high, last=high == 1.0) for low, high in pairwise(cuts)])


def _share(lower: FloatArray, upper: FloatArray, low: float, high: float, *, last: bool = True) -> FloatArray:
    """Return the part of each span [lower, upper] that lies in [low, high]; an empty span is in or out."""
    width = upper - lower
    inside = (lower >= low) & ((lower <= high) if last else (lower < high))
    overlap = np.clip(np.minimum(upper, high) - np.maximum(lower, low), 0.0, None)
    return np.where(width > 0, overlap / np.where(width > 0, width, 1.0), inside)


def _checked(pmf: FloatArray, outcome: IntArray) -> IntArray:
    outcome = np.asarray(outcome, np.int64)
    if outcome.shape != pmf.shape[:-1]:
        raise ValueError(f"outcome has shape {outcome.shape}, pmf needs {pmf.shape[:-1]}")
    if ((outcome < 0) | (outcome >= pmf.shape[-1])).any():
        raise ValueError(f"outcome names an entry outside 0..{pmf.shape[-1] - 1}")
    return outcome
