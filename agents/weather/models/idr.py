"""Isotonic distributional regression on the forecast, smoothed: the audit that assumes no shape.

SCIENCE 1.7. For each threshold the chance of settling at or below it falls with the forecast; the fit is optimal for every
proper score and has nothing to tune but the smoothing, without which a step function puts no mass between its steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from agents.weather.cases import Cases, Prior
from agents.weather.intraday import running_law
from agents.weather.law import Features, Law, where
from agents.weather.models import residual
from agents.weather.models.lessons import lead_ratio, least_sd
from core.settings import Settings
from core.units import FloatArray

LEAST_CASES = 300
DAYS = 730
SMOOTHING = 1.06  # of the normal reference rule: sd n^(-1/5)


@dataclass(frozen=True, slots=True)
class Steps:
    """P(settled = threshold | forecast) at the distinct forecasts of the cases; `width` smooths it."""

    forecast: FloatArray  # (n,), ascending
    threshold: FloatArray  # (m,), ascending
    mass: FloatArray  # (n, m)
    width: float


def fit(forecast: FloatArray, settled: FloatArray, width: float = 0.0) -> Steps:
    """Return the isotonic fit.

    Args:
        forecast: [any unit], shape (n_cases,).
        settled: what came, shape (n_cases,).
        width: sd of the kernel that smooths it, 0: none.

    Source: Henzi, Ziegel, Gneiting (2021), J. R. Stat. Soc. B 83, 963-993.
    """
    places, which, counts = np.unique(forecast, return_inverse=True, return_counts=True)
    threshold = np.unique(settled)
    below = np.zeros((len(threshold), len(places)))
    for row, value in enumerate(threshold):
        share = np.bincount(which, settled <= value, len(places)) / counts
        below[row] = isotonic_regression(share, weights=counts, increasing=False).x
    mass = np.diff(below, axis=0, prepend=0.0)
    return Steps(places, threshold, np.maximum(mass, 0.0).T.copy(), width)


def mass_at(steps: Steps, forecast: FloatArray) -> FloatArray:
    """Return the mass at each threshold for some forecasts, shape (..., m): between two fitted ones a mean of theirs."""
    last = len(steps.forecast) - 1
    place = np.clip(np.searchsorted(steps.forecast, forecast, "right") - 1, 0, max(last - 1, 0))
    low, high = steps.forecast[place], steps.forecast[np.minimum(place + 1, last)]
    share = np.clip((forecast - low) / np.where(high > low, high - low, 1.0), 0.0, 1.0)[..., None]
    return (1.0 - share) * steps.mass[place] + share * steps.mass[np.minimum(place + 1, last)]


def learn(cases: Cases, prior: Prior) -> Steps | None:
    """Return the fit; None below LEAST_CASES."""
    n = len(cases)
    if n < LEAST_CASES:
        return None
    width = SMOOTHING * float(cases.residual.std()) * float(np.power(float(n), -0.2))
    return fit(cases.centre, cases.settled, float(least_sd(np.array(width * width))))


def law(features: Features, settings: Settings) -> Law:
    """Return the law of the extreme; that of `residual` where too little is known.

    A forecast beyond all that were seen has the law of the furthest one, moved along.
    """
    forecast, guidance = features.forecast, features.guidance
    which = np.where(np.isnan(forecast), -1, guidance.lesson)
    n = max((len(steps.threshold) for steps in guidance.lessons), default=1)
    weight, location, sd = np.zeros((*forecast.shape, n)), np.zeros((*forecast.shape, n)), np.ones((*forecast.shape, n))
    for number, steps in enumerate(guidance.lessons):
        mine, m = which == number, len(steps.threshold)
        within = np.clip(forecast[mine], steps.forecast[0], steps.forecast[-1])
        weight[mine, :m] = mass_at(steps, within)
        location[mine, :m] = steps.threshold + (forecast[mine] - within)[..., None]
        sd[mine, :m] = steps.width
    known = Law(weight, location, sd, np.full(sd.shape, np.inf))
    ratio, mean = lead_ratio(features)[..., None], known.mean[..., None]
    issued = Law(weight, mean + ratio * (location - mean), ratio * sd, known.df)
    return where(which >= 0, running_law(features, issued), residual.law(features, settings))
