"""The desk's own model: the residual filter on the best mean of the forecasts that there are.

Each forecast weighs by how little it has missed lately, its own bias apart. The errors of weather models are alike, and of
forecasts that err together the better one deserves more than the ratio of variances: the weight falls with the variance
squared (best on the days before 2024-08-16; see docs/verification.md). Where too little is settled all weigh the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from agents.weather.cases import Cases, Prior
from agents.weather.law import Features, Law
from agents.weather.models import residual
from agents.weather.models.residual import filtered, learned_spread
from core.settings import Settings
from core.units import FloatArray, total

LEAST_CASES = 10
STEEPNESS = 2.0  # power of the variance by which a weight falls


@dataclass(frozen=True, slots=True)
class Weighting:
    """What was learned of the forecasts of a series [rule's unit]."""

    models: tuple[str, ...]
    weight: FloatArray  # (n_models,), sums to 1
    offset: FloatArray  # (n_models,) bias of each, for a day on which another is missing
    bias: float  # of the weighted mean
    sd: float


def learn(cases: Cases, prior: Prior) -> Weighting | None:
    """Return the weights, and bias and sd of the mean that they make; None with too few cases or one forecast alone."""
    if len(cases) < LEAST_CASES or len(cases.models) < 2:
        return None
    told = [_state(cases, column, prior) for column in range(len(cases.models))]
    offset, sd = (np.array(part) for part in zip(*told, strict=True))
    weight = np.power(sd, -2.0 * STEEPNESS)
    weight = weight / float(total(weight))
    mean = _mean(cases.extremes, weight, offset, float(total(weight * offset)))
    known = np.isfinite(mean)
    if not known.any():
        return None
    variance = prior.sd * prior.sd
    state = filtered(cases.ordinal[known], (cases.settled - mean)[known], variance, prior.mean)
    return Weighting(cases.models, weight, offset, *learned_spread(state, variance, prior.mean))


def _state(cases: Cases, column: int, prior: Prior) -> tuple[float, float]:
    """Return bias and sd of one forecast; all have the prior of a mean, so that the prior prefers none."""
    off = cases.settled - cases.extremes[:, column]
    known = np.isfinite(off)
    variance = prior.sd * prior.sd
    return learned_spread(filtered(cases.ordinal[known], off[known], variance, prior.mean), variance, prior.mean)


def _mean(extremes: FloatArray, weight: FloatArray, offset: FloatArray, usual: FloatArray | float) -> FloatArray:
    """Return the weighted mean of the forecasts that speak, as if the others had said the same of their own biases, shape (...).

    NaN where nobody speaks.

    Args:
        extremes: (..., n_models), NaN: silent.
        weight, offset: of each, same shape or (n_models,).
        usual: weighted mean of the offsets when all speak, shape (...).
    """
    there = np.isfinite(extremes) & (weight > 0)
    share = np.where(there, weight, 0.0)
    summed = total(share)
    corrected = total(np.where(there, share * (np.where(there, extremes, 0.0) + offset), 0.0))
    return np.where(summed > 0, corrected / np.where(summed > 0, summed, 1.0) - usual, np.nan)


def law(features: Features, settings: Settings) -> Law:
    """Return the law of the extreme, on the running day that of what may still come."""
    return residual.law(weighted(features), settings)


def weighted(features: Features) -> Features:
    """Return features whose bias leads from the plain mean to the weighted one and its bias, and whose sd is that one's."""
    guidance = features.guidance
    if not guidance.models or not guidance.lessons:
        return features
    n = len(guidance.models)
    weight, offset = np.zeros((2, len(guidance.lessons) + 1, n))
    bias, sd = np.full((2, len(guidance.lessons) + 1), np.nan)
    place = {name: i for i, name in enumerate(guidance.models)}
    for row, lesson in enumerate(guidance.lessons):
        bias[row], sd[row] = lesson.bias, lesson.sd
        for name, share, off in zip(lesson.models, lesson.weight.tolist(), lesson.offset.tolist(), strict=True):
            if name in place:
                weight[row, place[name]], offset[row, place[name]] = share, off
    which = guidance.lesson
    extremes = np.broadcast_to(guidance.extremes, (*features.forecast.shape, n))
    usual = np.array([*(float(total(each.weight * each.offset)) for each in guidance.lessons), np.nan])[which]
    centre = _mean(extremes, weight[which], offset[which], usual)
    use = np.isfinite(centre)
    moved = centre + bias[which] - features.forecast
    return replace(features, bias=np.where(use, moved, features.bias), spread=np.where(use, sd[which], features.spread))
