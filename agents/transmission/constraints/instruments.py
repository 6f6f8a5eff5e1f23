"""What a person lets the desk buy."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache

import numpy as np

from agents.transmission.limits import NOTHING, Limit, pass_or_refuse
from agents.transmission.standing import Standing
from core.settings import Settings
from core.units import IntArray

PARTS = 3  # station, venue, event


def instruments(standing: Standing, size: IntArray, settings: Settings) -> Limit:
    """Refuse what no pattern `station/venue/event` fits; value 1: it fits."""
    if not settings.rules.instruments:
        return NOTHING
    patterns = patterns_of(settings.rules.instruments)
    axis = [standing.axis.instruments[column] for column in standing.own.tolist()]
    names = [f"{each.station}/{each.venue}/{each.event_id}" for each in axis]
    fits = np.array([any(fnmatchcase(name, pattern) for pattern in patterns) for name in names], np.bool_)
    return Limit(fits.astype(np.float64), np.ones(len(fits)), pass_or_refuse(fits))


@lru_cache(maxsize=64)
def patterns_of(text: str) -> tuple[str, ...]:
    """Return the patterns of a text with commas; what a pattern leaves out at its end is anything."""
    stripped = (part.strip() for part in text.split(",") if part.strip())
    return tuple("/".join([*part.split("/"), *["*"] * PARTS][:PARTS]) for part in stripped)
