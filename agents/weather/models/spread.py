"""The old model that takes the spread of the hourly curve for its error; kept to be beaten. SCIENCE 0.5 says why it fails."""

from __future__ import annotations

import numpy as np

from agents.weather.law import Features, Law, single
from core.settings import Settings

LEAST_SD = 1.0  # degrees Fahrenheit
FLAT_SD = 4.0  # where there is no hourly curve


def law(features: Features, settings: Settings) -> Law:
    """Return a normal law around the forecast, as wide as the temperature moves over the day."""
    wide = np.where(np.isnan(features.curve_sd), FLAT_SD * features.degree, features.curve_sd)
    sd = np.where(np.isnan(features.forecast), np.nan, np.maximum(wide, LEAST_SD * features.degree))
    return single(features.forecast, sd, np.full(sd.shape, np.inf))
