"""The last look at an order before it leaves, with nothing but its own numbers."""

from __future__ import annotations

import numpy as np

from agents.transmission.guard.draft import Draft
from agents.transmission.limits import Limit, pass_or_refuse
from core.settings import Settings
from core.units import MICRO

_NOISE = 0.01  # [USD]: a lot's rounding


def fat_finger(draft: Draft, settings: Settings) -> Limit:
    """Refuse an order whose size x limit price is above the dollar cap of one bracket [USD]; no cap before it lets one through.

    Dollars, not shares: counts of YES and NO differ twenty-fold for the same risk.
    """
    dollars = draft.size / MICRO * (draft.asks.limit / MICRO)
    limit = settings.per_market_cap_usd
    allowed = np.where(draft.size > 0, pass_or_refuse(dollars <= limit + _NOISE), np.nan)
    return Limit(dollars, np.full(dollars.shape, limit), allowed)
