"""The running day as a path: residuals of the hourly curve as an autoregression, and the chance that none of it goes beyond.

A cross-check of the regression, not the default (SCIENCE 2.2): forward recursion of the density of the residual on a grid, of
which at each hour the part is kept that stays below. No random numbers. Of a lowest temperature everything is negated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from core.units import FloatArray, total

GRID_POINTS = 321
REACH = 5.0  # of the grid, in marginal sds on either side
PHI, LEAST_PHI, MOST_PHI = 0.88, 0.3, 0.98  # of an hour; SCIENCE 2.2
PRIOR_HOURS = 240.0  # that PHI is worth where a station's own is fitted
_GRID = np.linspace(-REACH, REACH, GRID_POINTS)
_WIDTH = float(_GRID[1] - _GRID[0])
_EDGES = np.concatenate([[-np.inf], _GRID[:-1] + 0.5 * _WIDTH, [np.inf]])


@dataclass(frozen=True, slots=True)
class Autoregression:
    """How residuals of an hourly curve go on: X' = bias + phi (X - bias) + noise, of the marginal sd of each hour."""

    phi: float
    bias: float
    sd: FloatArray  # (n_hours,) by hour of the curve


def fitted(residuals: FloatArray) -> Autoregression:
    """Return the autoregression of settled days, shape (n_days, n_hours), NaN: no report; two days or more."""
    known = np.isfinite(residuals)
    count = np.maximum(known.sum(axis=0), 1)
    bias = float(np.where(known, residuals, 0.0).sum() / max(int(known.sum()), 1))
    apart = np.where(known, residuals - bias, 0.0)
    sd = np.sqrt(np.square(apart).sum(axis=0) / count)
    sd = np.where(sd > 0, sd, 1.0)
    unit = apart / sd
    both = known[:, 1:] & known[:, :-1]
    product, square = (unit[:, 1:] * unit[:, :-1])[both].sum(), np.square(unit[:, :-1])[both].sum()
    phi = (product + PRIOR_HOURS * PHI) / (square + PRIOR_HOURS)
    return Autoregression(float(np.clip(phi, LEAST_PHI, MOST_PHI)), bias, sd)


def below_path(
    curve: FloatArray, start: FloatArray, threshold: FloatArray, phi: float, sd: FloatArray, bias: float = 0.0
) -> FloatArray:
    """Return P(every hour of curve + residual lies below each threshold), shape (..., n_thresholds).

    Args:
        curve: forecast of the hours ahead, the first one hour from now, shape (..., n_hours).
        start: residual now, observed less forecast, shape (...,).
        threshold: shape (..., n_thresholds).
        phi: part of a residual that is left after an hour, in (0, 1).
        sd: marginal, of each hour ahead, shape (..., n_hours), above 0; that of now counts as the first one's.
        bias: to which residuals return.
    """
    noise = np.sqrt(1.0 - phi * phi)
    kernel = np.diff(ndtr((_EDGES - phi * _GRID[:, None]) / noise), axis=-1)  # (from, to)
    unit = (start - bias) / sd[..., 0]
    first = np.diff(ndtr((_EDGES - phi * unit[..., None]) / noise), axis=-1)
    top = (threshold[..., None, :] - curve[..., None] - bias) / sd[..., None]  # (..., n_hours, n_thresholds)
    mass = first[..., None, :] * _share_below(top[..., 0, :])
    for hour in range(1, curve.shape[-1]):
        mass = _moved(mass, kernel) * _share_below(top[..., hour, :])
    return total(mass)


def _share_below(top: FloatArray) -> FloatArray:
    """Return which part of each cell of the grid lies below, shape (..., n_thresholds, GRID_POINTS)."""
    share: FloatArray = np.clip((top[..., None] - _GRID) / _WIDTH + 0.5, 0.0, 1.0)
    return share


def _moved(mass: FloatArray, kernel: FloatArray) -> FloatArray:
    """Return the mass an hour later, added up cell by cell: company does not change a bit."""
    later = np.zeros_like(mass)
    for cell in range(GRID_POINTS):
        later += mass[..., cell, None] * kernel[cell]
    return later


def path_law(
    curve: FloatArray, start: FloatArray, phi: float, sd: FloatArray, bias: float = 0.0, *, n_thresholds: int = 161
) -> tuple[FloatArray, FloatArray]:
    """Return mean and sd of the highest hour of the path, shape (...,): what a law of one component takes.

    Args:
        curve, start, phi, sd, bias: as for `below_path`.
        n_thresholds: at which the distribution is found.
    """
    widest = REACH * sd.max(axis=-1) + np.abs(start - bias)
    middle = curve.max(axis=-1) + bias
    threshold = middle[..., None] + widest[..., None] * np.linspace(-1.5, 1.2, n_thresholds)
    summed = below_path(curve, start, threshold, phi, sd, bias)
    mass = np.diff(np.concatenate([np.zeros_like(summed[..., :1]), summed], axis=-1), axis=-1)
    step = threshold[..., 1:2] - threshold[..., :1]
    place = threshold - 0.5 * step
    mean = total(mass * place) / total(mass)
    variance = total(mass * np.square(place - mean[..., None])) / total(mass) - np.square(step[..., 0]) / 12.0
    return mean, np.sqrt(np.maximum(variance, 0.0))
