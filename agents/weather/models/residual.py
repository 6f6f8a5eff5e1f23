"""A recursive normal-inverse-gamma filter of forecast residuals, with Student-t tails: the desk's own model.

SCIENCE 1.3. One state is kept per series of events, at the checkpoint of 17:45 standard time on the day before; its sd is
carried to other leads by the ratio of the table in `law`. Bias is taken as the same at every lead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.weather.intraday import running_law
from agents.weather.law import CHECKPOINT_LEAD_HOURS, Features, Law, lead_sd
from core.settings import Settings
from core.units import FloatArray, IntArray

FORGETTING = 0.95  # per day
PRIOR_MEAN_DAYS = 1.0  # k0
PRIOR_SPREAD_DAYS = 10.0  # nu0
MOST_DF = 8.0
WINSOR = 4.0  # sds beyond which a residual counts as that far off
ROUNDING_VARIANCE = 1.0 / 12.0  # of a settled whole degree; the discretiser adds it again
LEAST_VARIANCE = 0.1
_KEPT = np.power(FORGETTING, np.arange(400, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class State:
    """Discounted sums of residuals: how many, their sum, the sum of their squares."""

    n: float = 0.0
    first: float = 0.0
    second: float = 0.0


@dataclass(frozen=True, slots=True)
class Predictive:
    """Mean and scale of the next residual and its degrees of freedom before any cap; `scale` is read as the sd."""

    mean: float
    scale: float
    df: float


def updated(state: State, residual: float, days: int, prior_variance: float, prior_mean: float = 0.0) -> State:
    """Return the state after one more residual, `days` after the one before; far outliers are drawn in first."""
    known = predictive(state, prior_variance, prior_mean)
    drawn_in = min(max(residual, known.mean - WINSOR * known.scale), known.mean + WINSOR * known.scale)
    kept = float(_KEPT[min(max(days, 0), len(_KEPT) - 1)])
    return State(state.n * kept + 1.0, state.first * kept + drawn_in, state.second * kept + drawn_in * drawn_in)


def filtered(days: IntArray, residuals: FloatArray, prior_variance: float, prior_mean: float = 0.0) -> State:
    """Return the state after residuals of ascending days (ordinals)."""
    state, before = State(), int(days[0]) if len(days) else 0
    for day, residual in zip(days.tolist(), residuals.tolist(), strict=True):
        state = updated(state, residual, day - before, prior_variance, prior_mean)
        before = day
    return state


def predictive(state: State, prior_variance: float, prior_mean: float = 0.0) -> Predictive:
    """Return what a state says of the next residual."""
    if state.n <= 0:
        return Predictive(prior_mean, float(np.sqrt(prior_variance * (1.0 + 1.0 / PRIOR_MEAN_DAYS))), PRIOR_SPREAD_DAYS)
    certainty = PRIOR_MEAN_DAYS + state.n
    mean = (PRIOR_MEAN_DAYS * prior_mean + state.first) / certainty
    own = state.first / state.n
    around = max(state.second - state.first * own, 0.0)
    shifted = around + PRIOR_MEAN_DAYS * state.n / certainty * (own - prior_mean) * (own - prior_mean)
    df = PRIOR_SPREAD_DAYS + state.n
    variance = (PRIOR_SPREAD_DAYS * prior_variance + shifted) / df * (certainty + 1.0) / certainty
    return Predictive(mean, float(np.sqrt(variance)), df)


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
    return Law(features.forecast + features.bias, features.spread * ratio, np.full(features.forecast.shape, MOST_DF))


def law(features: Features, settings: Settings) -> Law:
    """Return the law of the extreme, on the running day that of what may still come."""
    return running_law(features, issued_law(features))
