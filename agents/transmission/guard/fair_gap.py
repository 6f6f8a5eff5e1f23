"""When we and the market are far apart, one of us has misread something."""

from __future__ import annotations

import numpy as np

from agents.transmission.limits import Limit
from agents.transmission.offers import Offer
from agents.transmission.standing import Standing
from core.settings import Settings
from core.units import MICRO, IntArray

HALF = 0.5


def fair_gap(standing: Standing, asks: Offer, size: IntArray, settings: Settings) -> Limit:
    """Halve the size where fair value and mid are further apart than `fair_gap` [USD per share]."""
    gap = np.abs(standing.targets.fair[standing.own] - asks.mid)
    limit = np.full_like(gap, settings.weather.fair_gap)
    halved = np.floor(size * HALF) / MICRO
    return Limit(gap, limit, np.where(np.isnan(gap) | (size == 0), np.nan, np.where(gap > limit, halved, np.inf)))
