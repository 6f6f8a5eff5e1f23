"""A wide spread says that nobody knows."""

from __future__ import annotations

import numpy as np

from agents.transmission.limits import Limit, pass_or_refuse
from core.model.quotes import Quotes
from core.settings import Settings

MID_SHARE = 0.25
_NOISE = 1e-9  # 0.54 - 0.50 is a little more than 0.04 in binary


def spread(quotes: Quotes, settings: Settings) -> Limit:
    """Refuse a spread above `max_spread` or a quarter of the mid, whichever is more [USD]; no bid is a bid of nothing."""
    ask, bid = quotes.ask_price[..., 0], quotes.bid_price[..., 0]
    bid = np.where(np.isnan(bid), 0.0, bid)
    limit = np.maximum(settings.weather.max_spread, MID_SHARE * (ask + bid) / 2.0)
    allowed = np.where(quotes.prints_only, np.nan, pass_or_refuse(ask - bid <= limit + _NOISE))
    return Limit(ask - bid, limit, allowed)
