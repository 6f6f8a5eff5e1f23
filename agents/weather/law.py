"""What a model is given and what it answers, and the tables of errors that hold before anything was learned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.units import BoolArray, FloatArray

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


@dataclass(frozen=True, slots=True)
class Law:
    """Student's t by its centre and standard deviation [rule's unit]; `df` inf is the normal law. Shape (n_instants, n_events)."""

    location: FloatArray
    sd: FloatArray
    df: FloatArray


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
