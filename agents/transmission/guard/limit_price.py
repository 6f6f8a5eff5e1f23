"""An order says the worst price it accepts, and nothing is sent that cannot meet it."""

from __future__ import annotations

import numpy as np

from agents.transmission.guard.draft import Draft
from agents.transmission.limits import Limit, pass_or_refuse
from agents.transmission.standing import Standing
from core.settings import Settings
from core.units import MICRO, FloatArray


def highest_price(standing: Standing, settings: Settings) -> FloatArray:
    """Return the highest price of an entry, fee apart: the desk's own, and for a view never above fair value less `EDGE_MIN`.

    A leg that hedges others, or completes a set that pays more than it costs, has no edge of its own to keep.
    """
    targets, own = standing.targets, standing.own
    limit = targets.limit_price[own]
    return np.where(targets.view[own], np.minimum(limit, targets.fair[own] - settings.edge_min), limit)


def limit_price(draft: Draft, settings: Settings) -> Limit:
    """Refuse where the best price on offer is already beyond the limit price."""
    limit = draft.asks.limit / MICRO
    best = draft.asks.best
    reached = np.rint(np.where(np.isnan(best), 2.0, best) * MICRO) <= draft.asks.limit
    return Limit(best, limit, pass_or_refuse(reached & (draft.asks.limit > 0)))
