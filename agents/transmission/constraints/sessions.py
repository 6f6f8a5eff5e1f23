"""Hours in which a person lets the desk buy."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from agents.transmission.guard.draft import Draft
from agents.transmission.limits import Limit, pass_or_refuse
from core.days import in_session, parse_sessions
from core.settings import Settings


def sessions(draft: Draft, settings: Settings) -> Limit:
    """Refuse an order that would be filled outside every session; value 1: inside."""
    inside = np.array([not outside(settings, draft.cycle.fill_at)])
    return Limit(inside.astype(np.float64), np.ones(1), pass_or_refuse(inside))


def outside(settings: Settings, at: datetime) -> bool:
    """Return whether an instant lies outside every session."""
    return not in_session(parse_sessions(settings.rules.sessions), at)
