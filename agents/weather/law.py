"""What a model is given and what it answers, and the tables of errors that hold before anything was learned."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from core.units import BoolArray, FloatArray, IntArray, total

FAHRENHEIT_PER_CELSIUS = 1.8
CHECKPOINT_LEAD_HOURS = 6.25  # 17:45 of the day before, to local midnight: where residuals are taken

# Standard deviation of a forecast maximum [degrees Fahrenheit]: one raw model, and a mean of several. SCIENCE 1.9; the
# row beyond three days continues its slope.
LEAD_HOURS = np.array([-6.0, 6.0, 30.0, 54.0, 78.0])
LEAD_SD = (np.array([3.0, 3.5, 3.9, 4.3, 4.7]), np.array([2.0, 2.4, 2.9, 3.4, 3.9]))
# Of the remaining maximum, by hours to the forecast peak.
PEAK_HOURS = np.array([-4.0, -2.0, 0.0, 3.0, 6.0, 9.0, 12.0])
PEAK_SD = (np.array([0.4, 0.6, 1.1, 1.9, 2.6, 3.0, 3.2]), np.array([0.25, 0.35, 0.7, 1.2, 1.7, 2.0, 2.2]))


@dataclass(frozen=True, slots=True)
class Guidance:
    """What a model that learns may need besides: each forecast apart, and what was learned of the event's series.

    Shape (n_instants, n_events, n_models or n_members), NaN-padded, and (n_instants, n_events).
    """

    models: tuple[str, ...] = ()
    extremes: FloatArray = field(default_factory=lambda: np.zeros((1, 1, 0)))  # by model [rule's unit]
    members: FloatArray = field(default_factory=lambda: np.zeros((1, 1, 0)))  # of ensembles [rule's unit]
    lessons: tuple[Any, ...] = ()  # what the chosen model learned, each once
    lesson: IntArray = field(default_factory=lambda: np.full((1, 1), -1))  # which of them counts; -1: too little is known

    def first(self, n: int) -> Guidance:
        """Return that of the first `n` instants."""
        return replace(self, extremes=self.extremes[:n], members=self.members[:n], lesson=self.lesson[:n])


@dataclass(frozen=True, slots=True)
class Progress:
    """How a running day has been doing besides its error, and what settled days taught of the rest of such days.

    Shape (n_instants, n_events) or one that broadcasts to it; temperatures in the rule's unit. NaN where not known.
    """

    growth: FloatArray = field(default_factory=lambda: np.full((1, 1), np.nan))  # newest error less the mean of the last ones
    ahead: FloatArray = field(default_factory=lambda: np.full((1, 1), np.nan))  # forecast extreme from the newest report on
    high: BoolArray = field(default_factory=lambda: np.ones((1, 1), np.bool_))  # False: a lowest temperature
    terms: FloatArray = field(default_factory=lambda: np.zeros((1, 1, 4)))  # of the correction, see `remaining`
    factor: FloatArray = field(default_factory=lambda: np.ones((1, 1)))  # on the sd
    stands: FloatArray = field(default_factory=lambda: np.full((1, 1), np.nan))  # habitual chance that the floor stands
    stands_most: FloatArray = field(default_factory=lambda: np.ones((1, 1)))  # bound of any chance that it does

    def first(self, n: int) -> Progress:
        """Return that of the first `n` instants."""
        return Progress(
            self.growth[:n],
            self.ahead[:n],
            self.high[:n],
            self.terms[:n],
            self.factor[:n],
            self.stands[:n],
            self.stands_most[:n],
        )


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of each event at each instant; temperatures in the rule's unit, shape (n_instants, n_events).

    NaN where something is not known. For a lowest temperature `remaining` is the minimum that may still come.
    """

    forecast: FloatArray  # of the extreme, centre of the models
    n_models: FloatArray
    disagreement: FloatArray  # sd of the models
    curve_sd: FloatArray  # of the hourly curve over the window
    lead_hours: FloatArray  # from when the forecast was first received to the start of the window
    bias: FloatArray  # learned mean of settled - forecast at the checkpoint
    spread: FloatArray  # learned sd of it
    n_residuals: FloatArray
    running: BoolArray  # the day has begun and its station reports
    remaining: FloatArray  # forecast extreme of what is left of the day
    hours_to_peak: FloatArray
    second_gap: FloatArray  # by how much the next best turn of the curve falls short of `remaining`; NaN: there is none
    hours_to_second: FloatArray
    error: FloatArray  # mean of the last observations - forecast; NaN: none fresh enough
    error_age_hours: FloatArray
    excess: FloatArray  # of the settled extreme over that of the reports, on the mean; below 0 of a lowest one
    shape_sd: FloatArray  # how far the shape of the curve varies from day to day: 0 of an hourly forecast
    degree: FloatArray  # (n_events,) the rule's degrees in one degree Fahrenheit
    guidance: Guidance = field(default_factory=Guidance)
    progress: Progress = field(default_factory=Progress)


@dataclass(frozen=True, slots=True)
class Law:
    """A mixture of Student's t laws by their centres and standard deviations [rule's unit]; `df` inf is the normal law.

    Shape (n_instants, n_events, n_components). Weights sum to 1; a component that an event does not have weighs 0 and counts
    nowhere, whatever else stands there. No opinion: the location of the first component is NaN.
    """

    weight: FloatArray
    location: FloatArray
    sd: FloatArray
    df: FloatArray

    @property
    def mean(self) -> FloatArray:
        """Return the mean [rule's unit], shape (n_instants, n_events)."""
        return total(np.where(self.weight > 0, self.weight * self.location, 0.0)) + 0.0 * self.location[..., 0]

    @property
    def spread(self) -> FloatArray:
        """Return the standard deviation [rule's unit], shape (n_instants, n_events): exactly that of a single component."""
        there = self.weight > 0
        from_mean = self.location - self.mean[..., None]
        second = total(np.where(there, self.weight * (np.square(self.sd) + np.square(from_mean)), 0.0))
        alone = total(np.where(there, self.sd, 0.0)) + 0.0 * self.location[..., 0]
        return np.where(there.sum(axis=-1) == 1, alone, np.sqrt(second))


def single(location: FloatArray, sd: FloatArray, df: FloatArray) -> Law:
    """Return the law of one component from arrays of shape (n_instants, n_events)."""
    location, sd, df = (np.broadcast_to(part, np.shape(location))[..., None] for part in (location, sd, df))
    return Law(np.ones(location.shape), location, sd, df)


def where(chosen: BoolArray, law: Law, other: Law) -> Law:
    """Return `law` where chosen, shape (n_instants, n_events), else `other`."""
    n = max(law.weight.shape[-1], other.weight.shape[-1])
    return Law(*(np.where(chosen[..., None], *pair) for pair in zip(_widened(law, n), _widened(other, n), strict=True)))


def _widened(law: Law, n: int) -> tuple[FloatArray, ...]:
    """Return the four arrays with components that weigh nothing up to a number of `n`."""
    more = ((0, 0),) * (law.weight.ndim - 1) + ((0, n - law.weight.shape[-1]),)
    filled = ((law.weight, 0.0), (law.location, 0.0), (law.sd, 1.0), (law.df, np.inf))
    return tuple(np.pad(part, more, constant_values=fill) if more[-1][1] else part for part, fill in filled)


def lead_sd(lead_hours: FloatArray, n_models: FloatArray) -> FloatArray:
    """Return the sd of a forecast extreme [degrees Fahrenheit] by lead: of a mean when there are several models."""
    return _of_table(lead_hours, n_models, LEAD_HOURS, LEAD_SD)


def peak_sd(hours_to_peak: FloatArray, n_models: FloatArray) -> FloatArray:
    """Return the sd of the remaining extreme [degrees Fahrenheit] by hours to the forecast peak."""
    return _of_table(hours_to_peak, n_models, PEAK_HOURS, PEAK_SD)


def checkpoint_sd(n_models: FloatArray) -> FloatArray:
    """Return the sd [degrees Fahrenheit] at the checkpoint where residuals are taken."""
    return lead_sd(np.full(np.shape(n_models), CHECKPOINT_LEAD_HOURS), n_models)


def _of_table(hours: FloatArray, n_models: FloatArray, places: FloatArray, table: tuple[FloatArray, FloatArray]) -> FloatArray:
    alone, several = (np.interp(hours, places, column) for column in table)
    return np.where(n_models >= 2, several, alone)
