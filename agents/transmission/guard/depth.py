"""A displayed size is a promise to the first who comes: take a quarter of it, and count what we took."""

from __future__ import annotations

import numpy as np

from agents.transmission.guard.draft import Draft
from agents.transmission.limits import Limit
from agents.transmission.offers import Offer
from core.settings import Settings
from core.units import MICRO, FloatArray, IntArray

MOST = 0.5
"""Above this part of the shown size nothing is sent, whatever the setting says."""


def depth(draft: Draft, settings: Settings) -> Limit:
    """Shrink to `max_depth_share` of what is shown within the limit price, less what we took from it."""
    return depth_limit(draft.asks, draft.size, settings)


def depth_limit(offer: Offer, size: IntArray, settings: Settings) -> Limit:
    """Return what an order may take of one side of the books; value and limit are shares of the shown size."""
    shown, taken = offer.shown_within(), offer.taken_within()
    share = min(settings.weather.max_depth_share, MOST)
    room = np.maximum(np.floor(shown * share).astype(np.int64) - taken, 0)
    value: FloatArray = (taken + size) / np.maximum(shown, 1)
    allowed = np.where(offer.prints, np.nan, room / MICRO)
    return Limit(np.where(offer.prints, np.nan, value), np.full_like(value, share), allowed)
