"""An edge that is spent on getting in is no edge."""

from __future__ import annotations

import numpy as np

from agents.transmission.guard.draft import Draft
from agents.transmission.limits import Limit, pass_or_refuse
from core.settings import Settings
from core.units import MICRO

_NOISE = 1e-9


def estimated_cost(draft: Draft, settings: Settings) -> Limit:
    """Refuse where half spread and walk cost more than half of the gross edge, fair value - mid [USD per share]: of a view."""
    cost = draft.asks.average(draft.size) / MICRO - draft.asks.mid
    limit = settings.weather.max_cost_share * (draft.fair - draft.asks.mid)
    allowed = pass_or_refuse(cost <= limit + _NOISE)
    nothing = draft.asks.prints | (draft.size == 0) | ~draft.standing.targets.view[draft.standing.own]
    return Limit(cost, np.broadcast_to(limit, cost.shape), np.where(nothing, np.nan, allowed))
