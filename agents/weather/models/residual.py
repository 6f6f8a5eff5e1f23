"""A recursive normal-inverse-gamma filter of forecast residuals, with Student-t tails: the desk's own model.

SCIENCE 1.3. One state is kept per series of events, at the checkpoint of 17:45 standard time on the day before; its sd is
carried to other leads by the ratio of the table in `law`. Bias is taken as the same at every lead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from agents.weather.intraday import running_law
from agents.weather.law import CHECKPOINT_LEAD_HOURS, Features, Law, lead_sd, single
from core.settings import Settings
from core.units import FloatArray, IntArray, total

FORGETTING = 0.95  # per day
PRIOR_MEAN_DAYS = 1.0  # k0
PRIOR_SPREAD_DAYS = 10.0  # nu0
MOST_DF = 8.0
WINSOR = 4.0  # sds beyond which a residual counts as that far off
ROUNDING_VARIANCE = 1.0 / 12.0  # of a settled whole degree; the discretiser adds it again
LEAST_VARIANCE = 0.1
POOL_WINSOR = 8.0  # sds of the tables: what lies further out is a broken instrument, what lies nearer is the width asked for
POOL_CASES = 100.0  # cases that the tables are worth beside those of other series
_KEPT = np.power(FORGETTING, np.arange(400, dtype=np.float64))


class State(NamedTuple):
    """Discounted sums of residuals: how many, their sum, the sum of their squares."""

    n: float = 0.0
    first: float = 0.0
    second: float = 0.0


class Predictive(NamedTuple):
    """Mean and scale of the next residual and its degrees of freedom before any cap; `scale` is read as the sd."""

    mean: float
    scale: float
    df: float


class Sums(NamedTuple):
    """Fading sums of one series: how many cases, their sum, squares about their own mean, and their degrees of freedom."""

    n: float
    first: float
    within: float
    freedom: float


class Pool(NamedTuple):
    """What many series say of one that is not known yet; `share` of it comes from them, the rest from the tables."""

    mean: float
    variance: float  # within a series
    share: float


def fading_sums(days: IntArray, values: FloatArray, last: int) -> Sums:
    """Return the sums of one series up to a last day; values beyond POOL_WINSOR count as that far off."""
    weight = _KEPT[np.minimum(last - days, len(_KEPT) - 1)]
    if not len(days):
        return Sums(0.0, 0.0, 0.0, 0.0)
    drawn_in = np.clip(values, -POOL_WINSOR, POOL_WINSOR)
    n, first, squares = (float(total(part)) for part in (weight, weight * drawn_in, np.square(weight)))
    within = float(total(weight * np.square(drawn_in - first / n)))
    return Sums(n, first, within, n - squares / n)


def pooled(series: Sequence[Sums]) -> Pool:
    """Return mean and variance within a series, as multiples of the tables' own; SCIENCE 1.3.

    Without any series that is 0 and 1: what the tables say.
    """
    n, first, within, freedom = (float(sum(part)) for part in zip(*series, strict=True)) if series else (0.0,) * 4
    return Pool(first / (n + POOL_CASES), (POOL_CASES + within) / (POOL_CASES + freedom), n / (n + POOL_CASES))


def filtered(days: IntArray, residuals: FloatArray, prior_variance: float, prior_mean: float = 0.0) -> State:
    """Return the state after residuals of ascending days (ordinals)."""
    sums = (0.0, 0.0, 0.0)
    kept = _KEPT[np.clip(np.diff(days, prepend=days[:1]), 0, len(_KEPT) - 1)]
    for residual, part in zip(residuals.tolist(), kept.tolist(), strict=True):
        sums = _step(*sums, residual, part, prior_variance, prior_mean)
    return State(*sums)


def _step(
    n: float, first: float, second: float, residual: float, kept: float, prior_variance: float, prior_mean: float
) -> tuple[float, float, float]:
    mean, variance, _ = _moments(n, first, second, prior_variance, prior_mean)
    off = residual - mean
    if off * off > WINSOR * WINSOR * variance:
        residual = mean + float(np.copysign(WINSOR * np.sqrt(variance), off))
    return n * kept + 1.0, first * kept + residual, second * kept + residual * residual


def predictive(state: State, prior_variance: float, prior_mean: float = 0.0) -> Predictive:
    """Return what a state says of the next residual."""
    mean, variance, df = _moments(*state, prior_variance, prior_mean)
    return Predictive(mean, float(np.sqrt(variance)), df)


def _moments(n: float, first: float, second: float, prior_variance: float, prior_mean: float) -> tuple[float, float, float]:
    """Return mean, variance and degrees of freedom of the next residual; the uncertain mean counts with (k + 1) / k."""
    if n <= 0:
        return prior_mean, prior_variance * (1.0 + 1.0 / PRIOR_MEAN_DAYS), PRIOR_SPREAD_DAYS
    certainty, df, own = PRIOR_MEAN_DAYS + n, PRIOR_SPREAD_DAYS + n, first / n
    around = max(second - first * own, 0.0)
    shifted = around + PRIOR_MEAN_DAYS * n / certainty * (own - prior_mean) * (own - prior_mean)
    variance = (PRIOR_SPREAD_DAYS * prior_variance + shifted) / df * (certainty + 1.0) / certainty
    return (PRIOR_MEAN_DAYS * prior_mean + first) / certainty, variance, df


@dataclass(frozen=True, slots=True)
class Rows:
    """Predictive laws of many series day by day, shape (n_days, n_series); `scale` is read as the sd, `n` counts the cases."""

    mean: FloatArray
    scale: FloatArray
    df: FloatArray
    n: FloatArray


def filter_rows(
    residual: FloatArray, ordinal: IntArray, prior_variance: FloatArray, prior_mean: FloatArray, *, embargo: int
) -> Rows:
    """Return what the filter says of each day's residual from cases at least `embargo` days older, many series at once.

    Args:
        residual: settled - forecast [any unit], shape (n_days, n_series); NaN: no case.
        ordinal: of the days, ascending, shape (n_days,).
        prior_variance: as known on each day, broadcasts to (n_days, n_series).
        prior_mean: as known on each day, broadcasts to (n_days, n_series).
        embargo: days between a case and the first law that may know it, at least 1.
    """
    if embargo < 1:
        raise ValueError(f"embargo is {embargo} days; a law that knows its own day is none")
    shape = residual.shape
    variances, means = np.broadcast_to(prior_variance, shape), np.broadcast_to(prior_mean, shape)
    sums: tuple[FloatArray, ...] = (np.zeros(shape[1:]),) * 3
    newest, cases = np.full(shape[1:], ordinal[0] if len(ordinal) else 0), np.zeros(shape[1:])
    out, taken = np.empty((4, *shape)), 0
    for day, until in enumerate(np.searchsorted(ordinal, ordinal - embargo, "right").tolist()):
        for row in range(taken, until):
            there = ~np.isnan(residual[row])
            known_mean, known_scale, _ = _predictives(sums, variances[row], means[row])
            drawn_in = np.clip(residual[row], known_mean - WINSOR * known_scale, known_mean + WINSOR * known_scale)
            kept = _KEPT[np.minimum(ordinal[row] - newest, len(_KEPT) - 1)]
            more = (1.0, drawn_in, drawn_in * drawn_in)
            sums = tuple(np.where(there, old * kept + new, old) for old, new in zip(sums, more, strict=True))
            newest, cases = np.where(there, ordinal[row], newest), cases + there
        taken = max(taken, until)
        out[:3, day], out[3, day] = _predictives(sums, variances[day], means[day]), cases
    return Rows(*out)


def _predictives(
    sums: tuple[FloatArray, ...], prior_variance: FloatArray, prior_mean: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mean, scale and degrees of freedom of many states, as `predictive` does of one."""
    n, first, second = sums
    certainty = PRIOR_MEAN_DAYS + n
    mean = (PRIOR_MEAN_DAYS * prior_mean + first) / certainty
    own = first / np.where(n > 0, n, 1.0)
    around = np.maximum(second - first * own, 0.0)
    shifted = around + PRIOR_MEAN_DAYS * n / certainty * (own - prior_mean) * (own - prior_mean)
    df = PRIOR_SPREAD_DAYS + n
    variance = (PRIOR_SPREAD_DAYS * prior_variance + shifted) / df * (certainty + 1.0) / certainty
    return mean, np.sqrt(variance), df


def learned_spread(state: State, prior_variance: float, prior_mean: float = 0.0) -> tuple[float, float]:
    """Return bias and sd of a state, without what rounding of the settled values put into the sd.

    Before the first residual the sd is the table's own: it already is that of a forecast without a known bias.
    """
    if state.n <= 0:
        return prior_mean, float(np.sqrt(prior_variance))
    known = predictive(state, prior_variance, prior_mean)
    rounded = state.n / known.df * ROUNDING_VARIANCE
    return known.mean, float(np.sqrt(max(known.scale * known.scale - rounded, LEAST_VARIANCE)))


def issued_law(features: Features) -> Law:
    """Return the law as if nothing of the day had been observed: the forecast less its bias, its sd carried to the lead."""
    here = np.full(np.shape(features.n_models), CHECKPOINT_LEAD_HOURS)
    ratio = lead_sd(features.lead_hours, features.n_models) / lead_sd(here, features.n_models)
    return single(features.forecast + features.bias, features.spread * ratio, np.full(features.forecast.shape, MOST_DF))


def law(features: Features, settings: Settings) -> Law:
    """Return the law of the extreme, on the running day that of what may still come."""
    return running_law(features, issued_law(features))
