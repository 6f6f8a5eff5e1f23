"""One filtered law for each forecast, mixed by how well each has spoken lately.

SCIENCE 1.5: for days on which forecasts disagree. The weights are half equal and half by the fading log scores. A mixture of
honest laws is too wide: each is narrowed so that misses of the mean are as wide as the mixture said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from agents.weather.cases import Cases, Prior
from agents.weather.intraday import running_law
from agents.weather.law import Features, Law, where
from agents.weather.models import residual
from agents.weather.models.lessons import Corrected, corrected, lead_ratio, mean_of, side_by_side
from agents.weather.models.residual import FORGETTING, LEAST_VARIANCE, MOST_DF, ROUNDING_VARIANCE
from core.settings import Settings
from core.units import BoolArray, FloatArray, total

LEAST_CASES = 20
EQUAL = 0.5  # of the weight
NARROWEST = 0.25  # part of the variance of each law that is left at least
COUNTED = 0.75  # of what is too much: misses of an equal mean are wider than those of the better heard; set before 2024-08-16


@dataclass(frozen=True, slots=True)
class Voices:
    """What was learned of each forecast of a series, shape (n_models,)."""

    models: tuple[str, ...]
    bias: FloatArray
    sd: FloatArray
    score: FloatArray  # fading sum of log scores, less those of the others on the same days

    def numbers(self) -> FloatArray:
        """Return bias, sd and score, shape (3, n_models)."""
        return np.stack([self.bias, self.sd, self.score])


def learn(cases: Cases, prior: Prior) -> Voices | None:
    """Return bias, sd and score of each forecast; None below LEAST_CASES."""
    if len(cases) < LEAST_CASES or not cases.models:
        return None
    each = corrected(cases, prior)
    rows = each.rows
    rounded = rows.n[-1] / rows.df[-1] * ROUNDING_VARIANCE
    variance = np.square(rows.scale[-1]) * _narrowed(each) - rounded
    sd = np.sqrt(np.maximum(variance, LEAST_VARIANCE))
    return Voices(cases.models, rows.mean[-1], sd, _scores(each, np.power(FORGETTING, prior.last_day - cases.ordinal)))


def _narrowed(each: Corrected) -> float:
    """Return which part of each law's variance is left: the spread-adjusted linear pool of Gneiting and Ranjan (2013)."""
    within = mean_of(np.where(np.isfinite(each.off), np.square(each.rows.scale[:-1]), np.nan))
    known = np.isfinite(each.miss)
    lacking = total((np.square(each.miss) - each.apart)[known]) / total(within[known])
    return float(np.clip(1.0 - COUNTED * (1.0 - lacking), NARROWEST, 1.0))


def _scores(each: Corrected, fading: FloatArray) -> FloatArray:
    """Return the fading sum of how much better each forecast scored than all did on the same days, (n_models,)."""
    df = np.minimum(each.rows.df[:-1], MOST_DF)
    scale = each.rows.scale[:-1] * np.sqrt((df - 2.0) / df)
    told = log_density((each.off - each.rows.mean[:-1]) / scale, df) - np.log(scale)
    apart: FloatArray = np.where(np.isfinite(told), told - mean_of(told)[:, None], 0.0) * fading[:, None]
    return total(apart.T)


def log_density(z: FloatArray, df: FloatArray) -> FloatArray:
    """Return the log density of Student's t."""
    norm = gammaln((df + 1.0) / 2.0) - gammaln(df / 2.0) - 0.5 * np.log(df * np.pi)
    density: FloatArray = norm - (df + 1.0) / 2.0 * np.log1p(np.square(z) / df)
    return density


def law(features: Features, settings: Settings) -> Law:
    """Return the law of the extreme; that of `residual` where too little is known or nobody speaks."""
    guidance = features.guidance
    extremes = np.broadcast_to(guidance.extremes, (*features.forecast.shape, guidance.extremes.shape[-1]))
    if not guidance.models or not guidance.lessons:
        return residual.law(features, settings)
    bias, sd, score = side_by_side(guidance.lessons, guidance, 3)
    known = np.isfinite(bias)
    there = np.isfinite(extremes) & (guidance.lesson >= 0)[..., None]
    weight = _weights(np.where(known, score, 0.0), there)
    location = np.where(there, extremes + np.where(known, bias, features.bias[..., None]), 0.0)
    wide = np.where(known, sd, features.spread[..., None]) * lead_ratio(features)[..., None]
    issued = Law(weight, location, np.where(there, wide, 1.0), np.full(weight.shape, MOST_DF))
    return running_law(features, where(np.asarray(there.any(axis=-1)), issued, residual.issued_law(features)))


def _weights(score: FloatArray, there: BoolArray) -> FloatArray:
    best = np.where(there, score, -np.inf).max(axis=-1, keepdims=True)
    earned = np.where(there, np.exp(score - np.where(np.isfinite(best), best, 0.0)), 0.0)
    n = there.sum(axis=-1, keepdims=True)
    share = earned / np.where(n > 0, total(earned)[..., None], 1.0)
    return np.where(there, EQUAL / np.maximum(n, 1) + (1.0 - EQUAL) * share, 0.0)
