"""Whether anything may be opened at all."""

from __future__ import annotations

import numpy as np

from agents.transmission.limits import Limit, pass_or_refuse
from agents.transmission.standing import Standing
from core.model.settlement import Finality
from core.settings import Settings
from core.units import IntArray


def open_event(standing: Standing, size: IntArray, settings: Settings) -> Limit:
    """Refuse where the desk says that nothing may be opened, and where the venue has spoken its final word."""
    final = {
        event_id for event_id, outcome in standing.account.outcomes.items() if outcome.settlement.finality is Finality.FINAL
    }
    settled = np.array([standing.axis.instruments[int(i)].event_id in final for i in standing.own], np.bool_)
    may = standing.targets.open[standing.own] & ~settled
    return Limit(may.astype(np.float64), np.ones(len(may)), pass_or_refuse(may))


def priced(standing: Standing, size: IntArray, settings: Settings) -> Limit:
    """Refuse what has no executable price or no fair value."""
    price, fair = standing.targets.price[standing.own], standing.targets.fair[standing.own]
    return Limit(price, fair, pass_or_refuse(~np.isnan(price) & ~np.isnan(fair)))
