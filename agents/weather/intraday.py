"""The running day: what may still come, from what is left of the curve and how it has been doing."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from agents.weather.law import Features, Law, checkpoint_sd, peak_sd
from core.units import FloatArray

MEMORY_HOURS = 6.0  # after which two thirds of an error are forgotten; SCIENCE 2.1
FRESH_HOURS = 1.25
TURNS_TOGETHER = 0.5  # correlation of the errors at two turns of one curve, six hours apart or more
SHAPE_COUNTS = 2.0  # a cloudy day is flat and cool at once; from Miami before 2024-08-16
TOGETHER = 0.7  # correlation of the errors of the issued law and the one of the running day


def running_law(features: Features, issued: Law) -> Law:
    """Return the law of the remaining extreme where the day runs, the issued law elsewhere.

    F = A + bias + beta (e - bias): what is left of the curve, and the present error, which returns to the learned bias
    with the time to the peak. An error is one of reports: where the settled extreme lies beyond those, it counts so much
    more. Where the curve is a climatology the error says as much of the day's extreme as that differs from its shape's
    own whims: the sd of both share it out. The laws of the issued forecast and of the running
    day are mixed with the weight of least variance. What was observed so far is not in it: the discretiser censors.
    """
    far = np.maximum(features.hours_to_peak, 0.0) + np.maximum(features.error_age_hours - FRESH_HOURS, 0.0)
    told = _told_share(features, issued.sd)
    beta = np.where(np.isnan(features.error), 0.0, told * np.exp(-np.where(np.isnan(far), 0.0, far) / MEMORY_HOURS))
    seen = np.where(np.isnan(features.error), features.bias, features.error + features.excess)
    remaining = features.remaining + features.bias + beta * (seen - features.bias)
    sd = np.sqrt(np.square(_remaining_sd(features)) + np.square((1.0 - told) * issued.sd))
    weight = least_variance_weight(issued.sd, sd)
    location = weight * remaining + (1.0 - weight) * issued.location
    mixed = np.square(weight * sd) + np.square((1.0 - weight) * issued.sd)
    mixed = mixed + 2.0 * TOGETHER * weight * sd * (1.0 - weight) * issued.sd
    use = features.running & np.isfinite(location) & np.isfinite(mixed)
    return Law(np.where(use, location, issued.location), np.where(use, np.sqrt(mixed), issued.sd), issued.df)


def _told_share(features: Features, issued_sd: FloatArray) -> FloatArray:
    """Return which part of an error is one of the day's extreme, not of the curve's shape: 1 of an hourly forecast."""
    level, shape = np.square(issued_sd), np.square(features.shape_sd)
    usable = np.isfinite(shape) & (level > 0)
    return np.where(usable, level / np.where(usable, level + SHAPE_COUNTS * shape, 1.0), 0.0)


def least_variance_weight(issued_sd: FloatArray, running_sd: FloatArray) -> FloatArray:
    """Return the weight of the running day's law in the mix of least variance, between 0 and 1."""
    shared = TOGETHER * issued_sd * running_sd
    spread = np.square(issued_sd) + np.square(running_sd) - 2.0 * shared
    usable = spread > 0
    weight = (np.square(issued_sd) - shared) / np.where(usable, spread, 1.0)
    return np.where(usable, np.clip(weight, 0.0, 1.0), 1.0)


def _remaining_sd(features: Features) -> FloatArray:
    """Return the sd of the remaining extreme: the table, scaled as the station's residuals compare with theirs.

    Without a fresh observation the curve stands alone, and the table's hours are counted from the last one. A night has
    two ends: where the curve turns again hours later and nearly as far, the error of that turn counts with the chance
    that it becomes the extreme. What two turns add to the mean is in the learned bias already.
    """
    stale = np.where(np.isnan(features.error), FRESH_HOURS, np.maximum(features.error_age_hours - FRESH_HOURS, 0.0))
    own = features.spread / checkpoint_sd(features.n_models)
    first = peak_sd(features.hours_to_peak + stale, features.n_models) * own
    second = peak_sd(features.hours_to_second + stale, features.n_models) * own
    apart = np.sqrt(np.square(first) + np.square(second) - 2.0 * TURNS_TOGETHER * first * second)
    usable = np.isfinite(features.second_gap) & (apart > 0)
    chance = ndtr(-np.where(usable, features.second_gap, 0.0) / np.where(usable, apart, 1.0))
    mixed = np.sqrt((1.0 - chance) * np.square(first) + chance * np.square(second))
    return np.where(usable, mixed, first)
