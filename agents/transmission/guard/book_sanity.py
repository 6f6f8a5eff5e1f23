"""A book that is empty, crossed or full of placeholders is no book."""

from __future__ import annotations

import numpy as np

from agents.transmission.limits import Limit, pass_or_refuse
from core.model.quotes import Quotes
from core.settings import Settings


def book_sanity(quotes: Quotes, settings: Settings) -> Limit:
    """Refuse unless there is an ask strictly between 0 and 1 USD and above the bid."""
    ask, bid = quotes.ask_price[..., 0], quotes.bid_price[..., 0]
    sound = quotes.sane & (ask > 0.0) & (ask < 1.0) & ~(bid >= ask)
    allowed = np.where(quotes.prints_only, np.nan, pass_or_refuse(sound))
    return Limit(ask, np.ones_like(ask), allowed)
