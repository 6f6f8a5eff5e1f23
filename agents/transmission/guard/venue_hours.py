"""An order that a venue will not take at that time of the week is not sent."""

from __future__ import annotations

import numpy as np

from agents.market_rules import pausing
from agents.transmission.guard.draft import Draft
from agents.transmission.limits import Limit, pass_or_refuse
from core.registry import Pausing
from core.settings import Settings


def venue_hours(draft: Draft, settings: Settings) -> Limit:
    """Refuse while a venue is halted, or takes only what rests; value: 1 where it takes less than everything."""
    standing = draft.standing
    venues = [standing.axis.instruments[int(column)].venue for column in standing.own]
    states = {venue: pausing(venue, draft.cycle.fill_at) for venue in set(venues)}
    paused = np.array([states[venue] is not None for venue in venues], np.bool_)
    rests = np.zeros(standing.n, np.bool_) if draft.rests is None else draft.rests
    taken = ~paused | (rests & np.array([states[venue] is Pausing.POST_ONLY for venue in venues], np.bool_))
    return Limit(paused.astype(np.float64), np.zeros(standing.n), pass_or_refuse(taken))
