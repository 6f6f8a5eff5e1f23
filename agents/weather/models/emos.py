"""Nonhomogeneous regression: a normal law whose mean and variance follow the forecast and the disagreement of models.

SCIENCE 1.1: mu = a + b (x - centre), sigma^2 = c^2 + d^2 S^2, fitted to the least mean CRPS. The reference to be beaten.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtr

from agents.weather.cases import Cases, Prior
from agents.weather.intraday import running_law
from agents.weather.law import Features, Law, single, where
from agents.weather.models import residual
from agents.weather.models.lessons import carried, gathered, least_sd
from core.settings import Settings
from core.units import FloatArray

LEAST_CASES = 40
DAYS = 365
SQRT_PI = float(np.sqrt(np.pi))
LEAST_SD = 0.05


@dataclass(frozen=True, slots=True)
class Coefficients:
    """mu = a + b (x - centre), sigma^2 = c^2 + d^2 S^2."""

    a: float
    b: float
    c: float
    d: float
    centre: float

    def mean(self, forecast: FloatArray) -> FloatArray:
        """Return the mean of the law."""
        return self.a + self.b * (forecast - self.centre)

    def sd(self, variance: FloatArray) -> FloatArray:
        """Return the standard deviation of the law, given the variance of the forecasts."""
        return np.sqrt(self.c * self.c + self.d * self.d * variance)


def fit(forecast: FloatArray, variance: FloatArray, settled: FloatArray) -> Coefficients:
    """Return the coefficients of the least mean CRPS.

    Args:
        forecast: mean of the forecasts [any unit], shape (n_cases,).
        variance: of the forecasts [unit squared], shape (n_cases,).
        settled: what came, shape (n_cases,).

    Source: Gneiting, Raftery, Westveld, Goldman (2005), Mon. Wea. Rev. 133, 1098-1118.
    """
    centre, level = float(forecast.mean()), float(settled.mean())
    apart, usual = forecast - centre, float(np.sqrt(variance.mean())) or 1.0
    scaled = variance / (usual * usual)
    off = float(np.sqrt(np.square(settled - level - apart).mean()))
    start = np.array([0.0, 1.0, max(off, LEAST_SD), 0.5 * off])
    found = minimize(
        mean_score, start, (apart, scaled, settled - level), jac=True, method="L-BFGS-B",
        bounds=((None, None), (0.0, None), (LEAST_SD, None), (0.0, None)),
    )  # fmt: skip
    a, b, c, d = (float(part) for part in found.x)
    return Coefficients(level + a, b, c, d / usual, centre)


def mean_score(parts: FloatArray, apart: FloatArray, variance: FloatArray, settled: FloatArray) -> tuple[float, FloatArray]:
    """Return the mean CRPS of a normal regression and its gradient by a, b, c and d; arguments as of `fit`, `apart` centred."""
    a, b, c, d = parts
    sd = np.sqrt(c * c + d * d * variance)
    z = (settled - a - b * apart) / sd
    below, density = ndtr(z), np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    score = sd * (z * (2.0 * below - 1.0) + 2.0 * density - 1.0 / SQRT_PI)
    of_mean, of_sd = 1.0 - 2.0 * below, 2.0 * density - 1.0 / SQRT_PI
    gradient = (of_mean, of_mean * apart, of_sd * c / sd, of_sd * d * variance / sd)
    return float(score.mean()), np.array([part.mean() for part in gradient])


def learn(cases: Cases, prior: Prior) -> FloatArray | None:
    """Return a, b, c, d, centre and the usual variance of the models; None below LEAST_CASES."""
    if len(cases) < LEAST_CASES:
        return None
    variance = np.square(cases.disagreement)
    usual = float(variance[~np.isnan(variance)].mean()) if not np.isnan(variance).all() else 0.0
    found = fit(cases.centre, np.where(np.isnan(variance), usual, variance), cases.settled)
    return np.array([found.a, found.b, found.c, found.d, found.centre, usual])


def law(features: Features, settings: Settings) -> Law:
    """Return the law of the extreme; that of `residual` where too little is known."""
    a, b, c, d, centre, usual = np.moveaxis(gathered(features.guidance, features.guidance.lessons, 6), -1, 0)
    location = a + b * (features.forecast - centre)
    variance = np.where(np.isnan(features.disagreement), usual, np.square(features.disagreement))
    sd = least_sd(c * c + d * d * variance)
    own = replace(features, bias=location - features.forecast, spread=sd)
    issued = single(location, carried(sd, features), np.full(sd.shape, np.inf))
    return where(np.isfinite(location), running_law(own, issued), residual.law(features, settings))
