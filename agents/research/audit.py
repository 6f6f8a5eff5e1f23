"""The audit that assumes no shape: isotonic distributional regression on the model's own mean, learned as days went by.

SCIENCE 1.7: a law that scores worse than this by more than two parts in a hundred has the wrong shape or the wrong width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.special import ndtr

from agents.research.rivals import GRID
from agents.weather.models.idr import SMOOTHING, fit, mass_at
from agents.weather.track import Scored, place_of
from core.metrics.scores import ranked_probability_score
from core.units import FloatArray, Unit

LEAST_CASES = 300
EMBARGO_DAYS = 2
REFIT_DAYS = 7
ALLOWED = 2.0  # per cent


@dataclass(frozen=True, slots=True)
class Audit:
    """Mean ranked probability scores on whole degrees Fahrenheit over `n` days; `gap` above 0: the model is worse [%]."""

    n: int
    model: float
    isotonic: float

    @property
    def gap(self) -> float:
        return 100.0 * (self.model / self.isotonic - 1.0)


def audit(scored: Sequence[Scored], first: date, last: date) -> Audit | None:
    """Return the audit at the first checkpoint over the days of a span; None where too few days lie before them.

    Args:
        scored: settled events of several stations, of the span and of the days before it.
        first, last: of the span.
    """
    place = place_of(0)
    known = sorted(
        (each for each in scored if each.unit is Unit.FAHRENHEIT and np.isfinite(each.rps[0]) and np.isfinite(each.mean[place])),
        key=lambda each: (each.event_day, each.station),
    )  # fmt: skip
    day = np.array([each.event_day.toordinal() for each in known], np.int64)
    mean, reading = np.array([each.mean[place] for each in known]), np.array([each.reading for each in known])
    ours, theirs = [], []
    for begin in range(first.toordinal(), last.toordinal() + 1, REFIT_DAYS):
        before = day <= begin - EMBARGO_DAYS
        asked = np.flatnonzero((day >= begin) & (day < begin + REFIT_DAYS) & (day <= last.toordinal()))
        if before.sum() < LEAST_CASES or not len(asked):
            continue
        pmf = _isotonic(mean[before], reading[before], mean[asked])
        outcome = np.rint(reading[asked]).astype(np.int64) - GRID[0]
        theirs += ranked_probability_score(pmf, outcome).tolist()
        ours += [float(known[i].rps[0]) for i in asked.tolist()]
    return Audit(len(ours), float(np.mean(ours)), float(np.mean(theirs))) if ours else None


def _isotonic(mean: FloatArray, reading: FloatArray, asked: FloatArray) -> FloatArray:
    """Return the mass of each degree of GRID under the smoothed fit, shape (n_asked, n_degrees)."""
    steps = fit(mean, reading)
    width = SMOOTHING * float((reading - mean).std()) * float(np.power(float(len(mean)), -0.2))
    within = np.clip(asked, steps.forecast[0], steps.forecast[-1])
    place = steps.threshold[None, :] + (asked - within)[:, None]
    edges = np.concatenate([[-np.inf], GRID[:-1] + 0.5, [np.inf]])
    below = ndtr((edges[None, :, None] - place[:, None, :]) / width)
    pmf: FloatArray = np.diff((below * mass_at(steps, within)[:, None, :]).sum(axis=-1), axis=-1)
    return pmf
