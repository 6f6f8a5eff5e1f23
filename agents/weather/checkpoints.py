"""Which checkpoint's record counts at a look."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import numpy as np

from agents.weather.listed import Listed
from core.checkpoints import CHECKPOINTS
from core.units import InstantArray, IntArray, micros


def bucket_of(looks: InstantArray, events: Sequence[Listed]) -> IntArray:
    """Return which checkpoint's record counts at each look, shape (n_looks, n_events): the last one that is past, else the first."""
    found = np.zeros((len(looks), len(events)), np.int64)
    for column, listed in enumerate(events):
        at = _instants(listed.station.tz, listed.event.event_day)
        found[:, column] = np.maximum(at.searchsorted(looks, "right") - 1, 0)
    return found


@lru_cache(maxsize=4_096)
def _instants(tz: str, event_day: date) -> InstantArray:
    return np.array([micros(each.at(tz, event_day)) for each in CHECKPOINTS], np.int64)
