"""Members of the ensembles, corrected for bias and dressed with a kernel that makes up for what their spread lacks.

SCIENCE 1.5: h^2 = max(0, Var r - mean S^2). For days with two answers, a sea breeze or a front in time or late. Without
archived ensembles the models are the members, each corrected for its own bias.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.weather.cases import Cases, Prior
from agents.weather.intraday import running_law
from agents.weather.law import Features, Law, where
from agents.weather.models import residual
from agents.weather.models.lessons import corrected, gathered, lead_ratio, least_sd, side_by_side
from core.settings import Settings
from core.units import BoolArray, FloatArray, IntArray

LEAST_CASES = 20
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Kernels:
    """What was learned of a series; NaN: of that too little was seen."""

    members_bias: float
    members_sd: float  # of the kernel
    models: tuple[str, ...]
    bias: FloatArray  # of each model
    models_sd: float

    def numbers(self) -> FloatArray:
        """Return the biases of the models, shape (1, n_models)."""
        return self.bias[None, :]


def learn(cases: Cases, prior: Prior) -> Kernels | None:
    """Return biases and kernels of ensemble members and of models; None where both were seen too seldom."""
    members_bias, members_sd = _dressed(
        cases.ordinal, cases.settled - cases.ensemble_mean, np.square(cases.ensemble_spread), prior.mean, prior.sd
    )
    each = corrected(cases, prior)
    shared, models_sd = _dressed(cases.ordinal, each.miss, each.apart, 0.0, prior.sd)
    known = Kernels(members_bias, members_sd, cases.models, each.rows.mean[-1] + shared, models_sd)
    return None if np.isnan(members_sd) and np.isnan(models_sd) else known


def _dressed(ordinal: IntArray, off: FloatArray, variance: FloatArray, mean: float, sd: float) -> tuple[float, float]:
    """Return what is left of a bias and the sd of the kernel."""
    known = np.isfinite(off) & np.isfinite(variance)
    if known.sum() < LEAST_CASES:
        return NAN, NAN
    found = residual.predictive(residual.filtered(ordinal[known], off[known], sd * sd, mean), sd * sd, mean)
    lacking = found.scale * found.scale - float(variance[known].mean())
    return found.mean, float(least_sd(np.array(lacking)))


def law(features: Features, settings: Settings) -> Law:
    """Return the law of the extreme; that of `residual` where too little is known or nobody speaks."""
    guidance, shape = features.guidance, features.forecast.shape
    kernels: list[Kernels] = list(guidance.lessons)
    shared = gathered(guidance, [np.array([one.members_bias, one.members_sd, one.models_sd]) for one in kernels], 3)
    members, models = (np.broadcast_to(part, (*shape, part.shape[-1])) for part in (guidance.members, guidance.extremes))
    by_members = _law(members, np.broadcast_to(shared[..., :1], members.shape), shared[..., 1], features)
    by_models = _law(models, np.broadcast_to(side_by_side(kernels, guidance, 1)[0], models.shape), shared[..., 2], features)
    best = where(_speaks(by_members), by_members, by_models)
    return running_law(features, where(_speaks(best), best, residual.issued_law(features)))


def _law(values: FloatArray, bias: FloatArray, sd: FloatArray, features: Features) -> Law:
    """Return an equal mixture around the members that speak, with the weight of none where nobody does."""
    usable = np.isfinite(values + bias + sd[..., None] + features.forecast[..., None])
    weight = np.where(usable, 1.0 / np.maximum(usable.sum(axis=-1, keepdims=True), 1), 0.0)
    location, wide = np.where(usable, values + bias, 0.0), (sd * lead_ratio(features))[..., None]
    return Law(weight, location, np.where(usable, wide, 1.0), np.full(values.shape, np.inf))


def _speaks(law: Law) -> BoolArray:
    there: BoolArray = np.asarray((law.weight > 0).any(axis=-1))
    return there
