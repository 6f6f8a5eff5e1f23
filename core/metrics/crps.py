"""Continuous ranked probability score of each kind of law: the integral of (G(x) - 1{y <= x})^2 over x.

All arguments broadcast over leading axes; scores have the unit of the outcome, and 0 is perfect.
"""

from __future__ import annotations

import numpy as np
from scipy.special import beta, log_expit, ndtr, stdtr

from core.units import FloatArray, total

_ROOT_2, _ROOT_PI = float(np.sqrt(2.0)), float(np.sqrt(np.pi))
_ZERO = np.zeros(())
_FAR = 1e100  # stands for an infinite bound: its square is still a number


def normal(mean: FloatArray, sd: FloatArray, outcome: FloatArray) -> FloatArray:
    """Return the score of a normal law [unit of outcome], shape (...).

    Source: Gneiting, Raftery, Westveld, Goldman (2005), Mon. Wea. Rev. 133, 1098-1118; SCIENCE 1.1.
    """
    z = (outcome - mean) / sd
    return sd * (_below(z) + _below(-z))


def student_t(df: FloatArray, location: FloatArray, scale: FloatArray, outcome: FloatArray) -> FloatArray:
    """Return the score of a Student t law with `df` > 1 [unit of outcome], shape (...); `scale` is not its sd.

    Source: Jordan, Krueger, Lerch (2019), J. Stat. Softw. 90(12), appendix A.
    """
    df, z = np.asarray(df, np.float64), (outcome - location) / scale
    half = beta(0.5, df / 2)
    density = (1 + np.square(z) / df) ** (-(df + 1) / 2) / (np.sqrt(df) * half)
    apart = np.sqrt(df) * beta(0.5, df - 0.5) / np.square(half)
    score: FloatArray = scale * (z * (2 * stdtr(df, z) - 1) + 2 / (df - 1) * (density * (df + np.square(z)) - apart))
    return score


def logistic(location: FloatArray, scale: FloatArray, outcome: FloatArray) -> FloatArray:
    """Return the score of a logistic law [unit of outcome], shape (...).

    Source: Jordan, Krueger, Lerch (2019), appendix A.
    """
    z = (outcome - location) / scale
    score: FloatArray = scale * (z - 2 * log_expit(z) - 1)
    return score


def two_piece_normal(location: FloatArray, sd_below: FloatArray, sd_above: FloatArray, outcome: FloatArray) -> FloatArray:
    """Return the score of two half normals joined at their mode [unit of outcome], shape (...).

    Source: Gneiting, Thorarinsdottir (2010), arXiv 1010.2318; here as the integral over each half.
    """
    away = outcome - location
    return _half(sd_below, sd_above, np.minimum(away, 0.0)) + _half(sd_above, sd_below, np.minimum(-away, 0.0))


def truncated_normal(mean: FloatArray, sd: FloatArray, lower: FloatArray, upper: FloatArray, outcome: FloatArray) -> FloatArray:
    """Return the score of a normal law restricted to [lower, upper] [unit of outcome], shape (...); NaN where it has no mass.

    Bounds may be infinite; an outcome outside costs its distance besides.

    Source: Thorarinsdottir, Gneiting (2010), J. R. Stat. Soc. A 173, 371-388; Jordan, Krueger, Lerch (2019).
    """
    low, high, z, outside = _bounded(mean, sd, lower, upper, outcome)
    mass = ndtr(high) - ndtr(low)
    squares = _between(low, z) + _between(-high, -z)
    return np.where(mass > 0, sd * squares / np.square(np.where(mass > 0, mass, 1.0)) + outside, np.nan)


def censored_normal(mean: FloatArray, sd: FloatArray, lower: FloatArray, upper: FloatArray, outcome: FloatArray) -> FloatArray:
    """Return the score of a normal law whose mass beyond a bound stands on the bound [unit of outcome], shape (...).

    With `upper` infinite it is the law of the day's maximum, given the maximum so far and a normal remaining one.
    An outcome outside the bounds costs its distance besides.

    Source: Thorarinsdottir, Gneiting (2010); SCIENCE 1.4.
    """
    low, high, z, outside = _bounded(mean, sd, lower, upper, outcome)
    return sd * (_below(z) - _below(low) + _below(-z) - _below(-high)) + outside


def normal_mixture(weight: FloatArray, mean: FloatArray, sd: FloatArray, outcome: FloatArray) -> FloatArray:
    """Return the score of a mixture of normal laws [unit of outcome].

    Args:
        weight, mean, sd: components on the last axis, shape (..., n); weights sum to 1.
        outcome: shape (...).

    Source: Grimit, Gneiting, Berrocal, Johnson (2006), Q. J. R. Meteorol. Soc. 132, 2925-2942.
    """
    weight, mean, sd = np.broadcast_arrays(weight, mean, sd)
    distance = total(weight * _distance(np.asarray(outcome)[..., None] - mean, sd))
    spread = np.sqrt(np.square(sd[..., :, None]) + np.square(sd[..., None, :]))
    pairs = weight[..., :, None] * weight[..., None, :] * _distance(mean[..., :, None] - mean[..., None, :], spread)
    return distance - total(total(pairs)) / 2


def ensemble(members: FloatArray, outcome: FloatArray, *, fair: bool = False) -> FloatArray:
    """Return the score of a finite ensemble [unit of outcome].

    Args:
        members: shape (..., n), in any order.
        outcome: shape (...).
        fair: score the law that the members are drawn from, so that ensembles of different size compare.

    Raises:
        ValueError: `fair` with a single member.

    Source: Ferro (2014), Q. J. R. Meteorol. Soc. 140, 1917-1923; SCIENCE 3.1.
    """
    n = np.shape(members)[-1]
    if fair and n == 1:
        raise ValueError("a fair score needs two members or more")
    error = np.sort(members - np.asarray(outcome)[..., None], axis=-1)
    pairs = 2 * total((2 * np.arange(n) - n + 1) * error)  # sum of |x_i - x_j| over all ordered pairs
    score: FloatArray = total(np.abs(error)) / n - pairs / (2 * n * (n - 1 if fair else n))
    return score


def gridded(points: FloatArray, cumulative: FloatArray, outcome: FloatArray) -> FloatArray:
    """Return the score of any law whose cumulative probability is known on a grid, exact for straight lines between.

    Args:
        points: ascending values [unit of outcome], shape (..., n); a value twice in a row is a step: point mass.
        cumulative: P(Y <= point) [1], not falling, shape (..., n); counts as 0 before the first point, 1 after the last.
        outcome: shape (...).

    Returns:
        Score [unit of outcome], shape (...).
    """
    outcome = np.asarray(outcome)[..., None]
    width, before, after = np.diff(points), cumulative[..., :-1], cumulative[..., 1:]
    passed = np.clip((outcome - points[..., :-1]) / np.where(width > 0, width, 1.0), 0.0, 1.0)
    there = before + passed * (after - before)
    inside = passed * _square(before, there) + (1 - passed) * _square(1 - there, 1 - after)
    outside = np.maximum(points[..., 0] - outcome[..., 0], 0.0) + np.maximum(outcome[..., 0] - points[..., -1], 0.0)
    score: FloatArray = total(width * inside) + outside
    return score


def _below(x: FloatArray) -> FloatArray:
    """Return the integral of Phi^2 from minus infinity to x, h(x) of SCIENCE 1.4."""
    cumulative: FloatArray = ndtr(x)
    area: FloatArray = x * np.square(cumulative) + 2 * cumulative * _density(x) - ndtr(_ROOT_2 * x) / _ROOT_PI
    return area


def _once(x: FloatArray) -> FloatArray:
    """Return the integral of Phi from minus infinity to x."""
    area: FloatArray = x * ndtr(x) + _density(x)
    return area


def _density(x: FloatArray) -> FloatArray:
    density: FloatArray = np.exp(-np.square(x) / 2) / (_ROOT_2 * _ROOT_PI)
    return density


def _between(low: FloatArray, x: FloatArray) -> FloatArray:
    """Return the integral of (Phi - Phi(low))^2 from low to x."""
    base: FloatArray = ndtr(low)
    return _below(x) - _below(low) - 2 * base * (_once(x) - _once(low)) + np.square(base) * (x - low)


def _half(sd: FloatArray, other_sd: FloatArray, away: FloatArray) -> FloatArray:
    """Return what the lower half of a two-piece law adds, for an outcome `away` <= 0 from the mode."""
    part, z = 2 * sd / (sd + other_sd), away / sd
    return sd * (np.square(part) * _below(_ZERO) - z + 2 * part * (_once(z) - _once(_ZERO)))


def _bounded(
    mean: FloatArray, sd: FloatArray, lower: FloatArray, upper: FloatArray, outcome: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return bounds and outcome in standard deviations, the outcome moved inside, and how far it was outside."""
    low, high = (np.clip((bound - mean) / sd, -_FAR, _FAR) for bound in (np.asarray(lower), np.asarray(upper)))
    kept = np.clip(outcome, lower, upper)
    return low, high, (kept - mean) / sd, np.abs(outcome - kept)


def _distance(difference: FloatArray, sd: FloatArray) -> FloatArray:
    """Return the mean of |X| for X normal around `difference`."""
    z = difference / sd
    mean: FloatArray = 2 * sd * _density(z) + difference * (2 * ndtr(z) - 1)
    return mean


def _square(first: FloatArray, last: FloatArray) -> FloatArray:
    """Return the mean square of a straight line from `first` to `last`."""
    mean: FloatArray = (np.square(first) + first * last + np.square(last)) / 3
    return mean
