"""The old model with one fixed error for each day of lead; kept to be beaten."""

from __future__ import annotations

import numpy as np

from agents.weather.law import Features, Law, single
from core.settings import Settings

BANDS = ((0.0, 2.0), (24.0, 3.0), (48.0, 4.0), (np.inf, 5.0))  # lead up to [hours], sd [degrees Fahrenheit]


def law(features: Features, settings: Settings) -> Law:
    """Return a normal law around the forecast with the sd of its band."""
    sd = np.full(features.forecast.shape, np.nan)
    for longest, band in reversed(BANDS):
        sd = np.where(features.lead_hours <= longest, band * features.degree, sd)
    return single(features.forecast, sd, np.full(sd.shape, np.inf))
