"""An order says the worst price it accepts, and nothing is sent that cannot meet it."""

from __future__ import annotations

import numpy as np

from agents.transmission.guard.draft import Draft
from agents.transmission.limits import Limit, pass_or_refuse
from agents.transmission.standing import Standing
from core.settings import Settings
from core.units import MICRO, FloatArray


def highest_price(standing: Standing, settings: Settings) -> FloatArray:
    """Return the highest price of an entry, fee apart: the desk's own, and never above fair value less `EDGE_MIN`."""
    own = standing.own
    return np.minimum(standing.targets.limit_price[own], standing.targets.fair[own] - settings.edge_min)


def limit_price(draft: Draft, settings: Settings) -> Limit:
    """Refuse where the best price on offer is already beyond the limit price."""
    limit = draft.asks.limit / MICRO
    best = draft.asks.best
    reached = np.rint(np.where(np.isnan(best), 2.0, best) * MICRO) <= draft.asks.limit
    return Limit(best, limit, pass_or_refuse(reached & (draft.asks.limit > 0)))
