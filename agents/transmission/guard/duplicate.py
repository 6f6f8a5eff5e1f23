"""The same order twice is the first order."""

from __future__ import annotations

import numpy as np

from agents.transmission.guard.draft import Draft
from agents.transmission.identity import order_id
from agents.transmission.limits import Limit, pass_or_refuse
from core.settings import Settings


def duplicate(draft: Draft, settings: Settings) -> Limit:
    """Refuse an order that this cycle has already placed."""
    standing, cycle = draft.standing, draft.cycle
    working = standing.account.working
    placed = np.zeros(draft.size.shape, np.bool_)
    places = {standing.axis.instruments[int(column)].token: i for i, column in enumerate(standing.own)}
    for i in range(len(working)):
        run, token = int(working.run[i]), working.token[i]
        if token in places and working.order_id[i] == order_id(cycle.desk, cycle.scheduled_at, run, token):
            placed[run, places[token]] = True
    return Limit(placed.astype(np.float64), np.zeros(placed.shape), pass_or_refuse(~placed))
