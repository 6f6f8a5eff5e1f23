"""The running day: what may still come, from what is left of the curve and how it has been doing."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from agents.weather.law import Features, Law, checkpoint_sd, peak_sd
from agents.weather.remaining import FURTHEST, with_bias
from agents.weather.vintages import HOUR
from core.units import BoolArray, FloatArray, InstantArray, total

MEMORY_HOURS = 6.0  # after which two thirds of an error are forgotten; SCIENCE 2.1
FRESH_HOURS = 1.25
TURNS_TOGETHER = 0.5  # correlation of the errors at two turns of one curve, six hours apart or more
SHAPE_COUNTS = 2.0  # a cloudy day is flat and cool at once; from Miami before 2024-08-16
TOGETHER = 0.7  # correlation of the errors of the issued law and the one of the running day
# Where the curve is a climatology, by hours from the newest report to its peak: fitted by maximum likelihood, what settled at
# the floor taken as censored, on Miami (2022 to 2023-12-24), and on Chicago and New York (2022 to 2024-08-15; the forecasts
# are those of a neighbour, so that four hours before the peak and earlier Miami counts alone), each half; bias and sd as
# parts of the sd of the issued law. After the peak the rest is mostly far below the floor, and now and then just above it: a
# low centre and a wide sd say so.
SHAPE_HOURS = np.arange(-4.0, 10.0)
SHAPE_BIAS = np.array([-1.75, -2.18, -1.94, -1.20, -0.70, -0.41, -0.25, -0.15, -0.05, 0.0, 0.0, 0.0, 0.0, 0.0])
SHAPE_BETA = np.array([0.39, 0.26, 0.32, 0.50, 0.58, 0.56, 0.49, 0.36, 0.20, 0.08, 0.03, 0.0, 0.0, 0.0])
SHAPE_GROWTH = np.array([0.68, 0.38, 0.34, 0.43, 0.58, 0.72, 0.80, 0.72, 0.52, 0.27, 0.10, 0.0, 0.0, 0.0])
SHAPE_SD = np.array([1.50, 1.64, 1.44, 1.06, 0.89, 0.84, 0.86, 0.90, 0.95, 0.98, 1.0, 1.0, 1.0, 1.0])


def running_law(features: Features, issued: Law) -> Law:
    """Return the law of the remaining extreme where the day runs, the issued law elsewhere.

    It starts from a law that holds for every place, one for a curve that is a forecast and one for a climatology, and is
    corrected by what settled days taught (see `remaining`). What was observed so far is not in it: the discretiser censors.
    """
    location, sd = base_law(features, issued)
    terms, factor = features.progress.terms[..., None, :], features.progress.factor[..., None]
    corrected = location + sd * total(terms * with_bias(terms_of(features, issued.location, location, sd)))
    use = features.running[..., None] & np.isfinite(corrected) & np.isfinite(sd)
    return Law(issued.weight, np.where(use, corrected, issued.location), np.where(use, sd * factor, issued.sd), issued.df)


def base_law(features: Features, issued: Law) -> tuple[FloatArray, FloatArray]:
    """Return location and sd of the remaining extreme before anything was learned of it, (n_instants, n_events, n_components)."""
    hourly, shaped = _of_forecast_curve(features, issued), _of_climatology(features, issued)
    known = (np.isfinite(shaped[0]) & (features.shape_sd > 0)[..., None]) & features.progress.high[..., None]
    return np.where(known, shaped[0], hourly[0]), np.where(known, shaped[1], hourly[1])


def hours_to_peak(peak_at: InstantArray, rest_peak_at: InstantArray, looks: InstantArray, climatology: BoolArray) -> FloatArray:
    """Return the hours to the peak that counts; all of one shape.

    Once the peak is over, a second turn that is still to come is the one that counts: the evening of a cold night. Of the
    climatology of a highest temperature the peak is the middle of its high hours.
    """
    to_peak, to_rest = (peak_at - looks) / HOUR, (rest_peak_at - looks) / HOUR
    hours: FloatArray = np.where((to_peak < 0) & (to_rest > 1.0) & ~climatology, to_rest, to_peak)
    return hours


def hours_from_newest(features: Features) -> FloatArray:
    """Return the hours from the newest report to the forecast peak."""
    hours: FloatArray = features.hours_to_peak + np.where(np.isnan(features.error_age_hours), 0.0, features.error_age_hours)
    return hours


def terms_of(features: Features, issued: FloatArray, location: FloatArray, sd: FloatArray) -> FloatArray:
    """Return what a correction looks at, in units of the sd and kept within bounds, (..., n_components, 3): never NaN."""
    error, growth = features.error[..., None], np.broadcast_to(features.progress.growth, features.error.shape)[..., None]
    each = np.stack(np.broadcast_arrays(error, growth, issued - location), axis=-1) / np.where(sd > 0, sd, np.nan)[..., None]
    bounded: FloatArray = np.where(np.isnan(each), 0.0, np.clip(each, -FURTHEST, FURTHEST))
    return bounded


def _of_climatology(features: Features, issued: Law) -> tuple[FloatArray, FloatArray]:
    """Return the law where the curve is how such days run: measured on settled days, by hours to the peak.

    F = A + (bias) sd + beta e + (growth of e) gamma: A is what is left of the curve when it reaches the issued centre. A day
    that warms faster than such days do ends warmer.
    """
    bias, beta, growing, ratio = (
        np.interp(hours_from_newest(features), SHAPE_HOURS, part)[..., None]
        for part in (SHAPE_BIAS, SHAPE_BETA, SHAPE_GROWTH, SHAPE_SD)
    )
    raised = issued.location - features.forecast[..., None]
    error = (features.error + features.excess)[..., None] - raised
    growth = np.broadcast_to(features.progress.growth, features.error.shape)[..., None]
    ahead = np.broadcast_to(features.progress.ahead, features.error.shape)[..., None] + raised
    return ahead + bias * issued.spread[..., None] + beta * error + growing * growth, ratio * issued.sd


def _of_forecast_curve(features: Features, issued: Law) -> tuple[FloatArray, FloatArray]:
    """Return the law where the curve is a forecast of its own, or one of which nothing is known.

    F = A + bias + beta (e - bias): what is left of the curve, and the present error, which returns to the learned bias
    with the time to the peak. An error is one of reports: where the settled extreme lies beyond those, it counts so much
    more. Where the curve is a climatology the error says as much of the day's extreme as that differs from its shape's
    own whims: the sd of both share it out. The laws of the issued forecast and of the running day are mixed with the weight
    of least variance; components of the issued one stay as far apart as its weight leaves them.
    """
    far = np.maximum(features.hours_to_peak, 0.0) + np.maximum(features.error_age_hours - FRESH_HOURS, 0.0)
    issued_sd = issued.spread  # of all of it: a component alone knows nothing of how far apart they lie
    told = _told_share(features.shape_sd, issued_sd)
    beta = np.where(np.isnan(features.error), 0.0, told * np.exp(-np.where(np.isnan(far), 0.0, far) / MEMORY_HOURS))
    seen = np.where(np.isnan(features.error), features.bias, features.error + features.excess)
    remaining = features.remaining + features.bias + beta * (seen - features.bias)
    sd = np.sqrt(np.square(_remaining_sd(features)) + np.square((1.0 - told) * issued_sd))
    weight = least_variance_weight(issued_sd, sd)
    location = (weight * remaining)[..., None] + (1.0 - weight)[..., None] * issued.location
    mixed = np.square(weight * sd)[..., None] + np.square((1.0 - weight)[..., None] * issued.sd)
    shared = 2.0 * TOGETHER * weight * sd * (1.0 - weight) * issued_sd
    return location, np.sqrt(mixed + shared[..., None])


def _told_share(shape_sd: FloatArray, issued_sd: FloatArray) -> FloatArray:
    """Return which part of an error is one of the day's extreme, not of the curve's shape: 1 of an hourly forecast."""
    level, shape = np.square(issued_sd), np.square(shape_sd)
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
