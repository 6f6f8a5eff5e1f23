"""What the models that learn share: their lessons side by side, each forecast corrected, and an sd carried to other leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from agents.weather.cases import Cases, Prior
from agents.weather.law import CHECKPOINT_LEAD_HOURS, Features, Guidance, lead_sd
from agents.weather.models.residual import LEAST_VARIANCE, ROUNDING_VARIANCE, Rows, filter_rows
from core.units import FloatArray, total

EMBARGO = 2  # days


@dataclass(frozen=True, slots=True)
class Corrected:
    """Each forecast of past cases less the bias that was known of it then; the last row of `rows` is what is known now."""

    rows: Rows  # (n_cases + 1, n_models)
    off: FloatArray  # settled - forecast, (n_cases, n_models)
    miss: FloatArray  # settled - mean of the corrected forecasts, (n_cases,)
    apart: FloatArray  # variance of the corrected forecasts around their mean, (n_cases,); 0 of one alone


class OfModels(Protocol):
    """A lesson that has numbers for each of some models."""

    @property
    def models(self) -> tuple[str, ...]: ...

    def numbers(self) -> FloatArray:
        """Return them, shape (n_numbers, n_models)."""


def corrected(cases: Cases, prior: Prior) -> Corrected:
    """Return the forecasts of past cases as the filter would have corrected them on the day."""
    off = cases.settled[:, None] - cases.extremes
    ordinal = np.append(cases.ordinal, prior.last_day + EMBARGO)
    told = np.concatenate([off, np.full((1, off.shape[1]), np.nan)])
    rows = filter_rows(told, ordinal, np.array(prior.sd_alone * prior.sd_alone), np.array(prior.mean), embargo=EMBARGO)
    left = off - rows.mean[:-1]
    miss = mean_of(left)
    return Corrected(rows, off, miss, mean_of(np.square(left - miss[:, None])))


def mean_of(values: FloatArray) -> FloatArray:
    """Return the mean along the last axis of what is there; NaN of nothing."""
    there = np.isfinite(values)
    n = there.sum(axis=-1)
    added = total(np.where(there, values, 0.0)) if values.shape[-1] else np.zeros(values.shape[:-1])
    return np.where(n > 0, added / np.maximum(n, 1), np.nan)


def side_by_side(lessons: Sequence[OfModels], guidance: Guidance, n_numbers: int) -> FloatArray:
    """Return the numbers of each model at each look, (n_numbers, n_instants, n_events, n_models); NaN: nothing is known."""
    place = {name: column for column, name in enumerate(guidance.models)}
    table = np.full((n_numbers, len(lessons) + 1, len(guidance.models)), np.nan)
    for row, lesson in enumerate(lessons):
        numbers = lesson.numbers()
        for source, name in enumerate(lesson.models):
            if name in place:
                table[:, row, place[name]] = numbers[:, source]
    found: FloatArray = table[:, guidance.lesson]
    return found


def gathered(guidance: Guidance, lessons: Sequence[FloatArray], width: int) -> FloatArray:
    """Return lessons of `width` numbers at each look, shape (n_instants, n_events, width); NaN where there is none."""
    table = np.array([*lessons, np.full(width, np.nan)])
    found: FloatArray = table[guidance.lesson]
    return found


def lead_ratio(features: Features) -> FloatArray:
    """Return how much wider the law is at this lead than at the checkpoint, by the table."""
    here = np.full(np.shape(features.n_models), CHECKPOINT_LEAD_HOURS)
    return lead_sd(features.lead_hours, features.n_models) / lead_sd(here, features.n_models)


def carried(sd: FloatArray, features: Features) -> FloatArray:
    """Return an sd of the checkpoint at the lead of each look."""
    return sd * lead_ratio(features)


def least_sd(variance: FloatArray) -> FloatArray:
    """Return the sd without what the rounding of settled values put into a variance; the discretiser adds it again."""
    return np.sqrt(np.maximum(variance - ROUNDING_VARIANCE, LEAST_VARIANCE))
