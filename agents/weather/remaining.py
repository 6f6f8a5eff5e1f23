"""What settled days teach of the running day: how the rest of a day compared with its law, by hours to the peak.

A regression of the remaining extreme on the present error, on whether it grows, and on what was forecast the day before
(SCIENCE 2.1), as a correction of the law that holds before anything was learned: with few cases that law stands. All is in
units of its sd, so that places and seasons can be compared. Of a day whose extreme was observed already, the rest is known
only to lie at or below it: such cases enter with their mean and variance under the law as learned so far, again and again
(expectation and maximisation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from agents.weather.excess import at_most
from core.units import FloatArray, IntArray, total

BUCKETS = np.arange(-4.0, 13.0)  # hours from the newest report to the peak
N_TERMS = 4  # bias; error; its growth; the issued law's centre
NEIGHBOUR = 0.5  # weight of the cases of the hour before and after
FORGETTING = 0.99  # per day
PRIOR_CASES = 50.0  # days that the law before learning is worth, each as far off as one sd in every term
PRIOR_SPREAD_CASES = 25.0
SWEEPS = 12  # of expectation and maximisation; more change no third digit
LEAST_FACTOR, MOST_FACTOR = 0.3, 2.0
FURTHEST = 4.0  # sds: what lies further out counts as that far
_SMALL = 1e-12


@dataclass(frozen=True, slots=True)
class Cases:
    """Looks at settled days, each (n_days, n_buckets); NaN: no look. Temperatures count upwards for lows, too: signed."""

    location: FloatArray  # of the law before learning
    sd: FloatArray
    terms: FloatArray  # (n_days, n_buckets, N_TERMS - 1) error, growth, centre of the issued law less `location`, by the sd
    settled: FloatArray  # signed reading
    floor: FloatArray  # signed reading observed so far; -inf: none
    loose: FloatArray  # signed extreme of the reports alone; NaN: none
    half: FloatArray  # (n_days, n_buckets) half of a reading's width


@dataclass(frozen=True, slots=True)
class Correction:
    """By how much the law of the running day is corrected, by bucket, in units of its sd."""

    terms: FloatArray  # (n_buckets, N_TERMS)
    factor: FloatArray  # (n_buckets,) on the sd
    n: FloatArray  # (n_buckets,) discounted cases behind it


NONE = Correction(np.zeros((len(BUCKETS), N_TERMS)), np.ones(len(BUCKETS)), np.zeros(len(BUCKETS)))


def learned_correction(cases: Cases, age_days: IntArray) -> Correction:
    """Return what settled days say of the law before learning.

    Args:
        cases: of one series.
        age_days: of each day, shape (n_days,).
    """
    usable = np.isfinite(cases.location) & (cases.sd > 0) & np.isfinite(cases.settled) & (cases.settled >= cases.floor)
    if not usable.any():
        return NONE
    weight = np.where(usable, np.power(FORGETTING, age_days.astype(np.float64))[:, None], 0.0)
    sd = np.where(usable, cases.sd, 1.0)
    design = np.concatenate([np.ones((*sd.shape, 1)), cases.terms], axis=-1)
    design = np.where(usable[..., None] & np.isfinite(design), design, 0.0)
    lower, upper = (np.where(usable, (cases.settled + side * cases.half - cases.location) / sd, 0.0) for side in (-1.0, 1.0))
    known = np.where(usable & (cases.settled > cases.floor), 1.0, 0.0)  # else: at or below
    came_unseen = at_most(cases.settled - cases.loose) - at_most(cases.settled - cases.loose - 2.0 * cases.half)
    came_unseen = np.where(np.isnan(cases.loose), 0.0, came_unseen)
    not_beyond = np.where(np.isnan(cases.loose), 1.0, at_most(cases.settled - cases.loose))
    gram = _near(total((weight[..., None, None] * design[..., :, None] * design[..., None, :]).transpose(1, 2, 3, 0)))
    gram = gram + PRIOR_CASES * np.eye(N_TERMS)
    n = _near(total(weight.T))
    terms: FloatArray = np.zeros((len(BUCKETS), N_TERMS))
    factor: FloatArray = np.ones(len(BUCKETS))
    for _ in range(SWEEPS):
        centre = total(design * terms)
        mean, variance = _expected(centre, factor, lower, upper, known, came_unseen, not_beyond)
        moment = _near(total((weight[..., None] * design * mean[..., None]).transpose(1, 2, 0)))
        terms = np.asarray(np.linalg.solve(gram, moment[..., None])[..., 0], np.float64)
        off = np.square(mean - total(design * terms)) + variance
        spread = _near(total((weight * off).T)) + PRIOR_CASES * total(np.square(terms)) + PRIOR_SPREAD_CASES
        factor = np.clip(np.sqrt(spread / (n + PRIOR_SPREAD_CASES)), LEAST_FACTOR, MOST_FACTOR)
    return Correction(terms, factor, n)


def _near(by_bucket: FloatArray) -> FloatArray:
    """Return sums by bucket (first axis) with those of the neighbouring hours, at less weight."""
    spread = by_bucket.copy()
    spread[1:] += NEIGHBOUR * by_bucket[:-1]
    spread[:-1] += NEIGHBOUR * by_bucket[1:]
    return spread


def _expected(
    centre: FloatArray, factor: FloatArray, lower: FloatArray, upper: FloatArray, known: FloatArray, came_unseen: FloatArray,
    not_beyond: FloatArray,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Return mean and variance of each remaining extreme under a normal law, given what settled, in units of the sd.

    Where more settled than was observed, it came after the look, or it came unseen before it and the rest lies below.
    """
    low, high = (lower - centre) / factor, (upper - centre) / factor
    inside = np.maximum(ndtr(high) - ndtr(low), _SMALL)
    within, within_square = _moments(low, high, inside)
    under = np.where(known > 0, low, high)
    below = np.maximum(ndtr(under), _SMALL)
    beneath, beneath_square = _moments(np.full_like(under, -np.inf), under, below)
    told = known * inside * not_beyond
    unseen = np.where(known > 0, below * came_unseen, 1.0)
    share = told / np.maximum(told + unseen, _SMALL)
    mean = share * within + (1.0 - share) * beneath
    square = share * within_square + (1.0 - share) * beneath_square
    variance = np.maximum(square - np.square(mean), 0.0)
    return centre + factor * np.clip(mean, -2 * FURTHEST, 2 * FURTHEST), np.square(factor) * variance


def _moments(low: FloatArray, high: FloatArray, mass: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the first two moments of a standard normal law between two bounds that hold `mass`; in the far tail, the bound."""
    density_low, density_high = _density(low), _density(high)
    tail = mass <= _SMALL
    near = np.where(np.abs(np.where(np.isinf(low), high, low)) < np.abs(high), np.where(np.isinf(low), high, low), high)
    mean = np.where(tail, near, (density_low - density_high) / mass)
    edges = np.where(np.isinf(low), 0.0, np.where(np.isinf(low), 0.0, low) * density_low) - high * density_high
    square = np.where(tail, np.square(near), 1.0 + edges / mass)
    return mean, np.maximum(square, np.square(mean))


def _density(value: FloatArray) -> FloatArray:
    finite = np.where(np.isinf(value), 0.0, value)
    return np.where(np.isinf(value), 0.0, np.exp(-0.5 * np.square(finite)) / np.sqrt(2.0 * np.pi))


def with_bias(terms: FloatArray) -> FloatArray:
    """Return terms with the constant 1 before them, on the last axis."""
    extended: FloatArray = np.concatenate([np.ones((*terms.shape[:-1], 1)), terms], axis=-1)
    return extended


def bucket_at(hours: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the bucket at or below some hours to the peak, and how far (0 to 1) they lie towards the next; clipped."""
    clipped = np.clip(np.where(np.isnan(hours), BUCKETS[0], hours), BUCKETS[0], BUCKETS[-1])
    place = np.minimum(np.floor(clipped - BUCKETS[0]), len(BUCKETS) - 2)
    share: FloatArray = clipped - BUCKETS[0] - place
    return place.astype(np.int64), share


def at_hours(by_bucket: FloatArray, hours: FloatArray) -> FloatArray:
    """Return values given by bucket (first axis) at some hours to the peak, linear in between."""
    place, share = bucket_at(hours)
    share = share.reshape(*share.shape, *(1,) * (by_bucket.ndim - 1))
    between: FloatArray = (1.0 - share) * by_bucket[place] + share * by_bucket[place + 1]
    return between
