"""What was seen but does not bind: a report that stands alone, and the reports of a neighbour.

Three extremes are kept apart: the raw one of all reports, the corroborated one, which others vouch for and which alone is
a hard floor, and the settled one, which is the venue's word. Nothing is deleted: a rule that takes the highest report
takes a spike too, unless a correction comes, so that it counts with 0.9; a climate report is checked by a person, who has
believed such a spike (Seattle, 2026-09-02) and passed one over (New York, 2026-08-27): 0.6. Both once a later report has
not come near: of 1,604 reports that set a new maximum alone (six American stations, 2022 to 2024-08-15) the next ones
vouched for 1,599, after noon for 121 of 122, so that until then it counts with 0.99.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from agents.weather.discretise import Lattice
from agents.weather.observations import Seen
from core.units import BoolArray, FloatArray

OPEN_COUNTS, LISTED_COUNTS, OFFICIAL_COUNTS = 0.99, 0.9, 0.6
NEIGHBOUR_ERRS = 0.02  # a neighbour never makes anything impossible


def soft_floor(lattice: Lattice, seen: Seen) -> FloatArray | None:
    """Return the chance that what was seen without binding leaves each reading possible; None where there is nothing.

    Of a highest temperature the chance that the running maximum lies at or below a reading, of a lowest one that the
    running minimum lies above it: factors of P(M <= r) and of P(M > r), shape (n_looks, n_events, n_readings).
    """
    spiked, near = _spiked(lattice, seen), np.isfinite(seen.near) & np.isnan(seen.raw)
    if not spiked.any() and not near.any():
        return None
    high = lattice.high[:, None]
    raw, centre, sd = (part[..., None] for part in (seen.raw, seen.near, seen.near_sd))
    within = np.where(high, lattice.readings >= raw, lattice.readings < raw)
    factor = np.where(spiked[..., None] & ~within, _doubt(lattice, seen)[..., None], 1.0)
    z = (lattice.upper - np.where(near[..., None], centre, 0.0)) / np.where(near[..., None], sd, 1.0)
    told = NEIGHBOUR_ERRS + (1.0 - NEIGHBOUR_ERRS) * ndtr(np.where(high, z, -z))
    found: FloatArray = np.where(near[..., None], factor * told, factor)
    return found


def stands(lattice: Lattice, seen: Seen) -> FloatArray:
    """Return the chance that the floor is not passed already by a report that stands alone, shape (n_looks, n_events)."""
    chance: FloatArray = np.where(_spiked(lattice, seen), _doubt(lattice, seen), 1.0)
    return chance


def _doubt(lattice: Lattice, seen: Seen) -> FloatArray:
    """Return the chance that a report which stands alone does not count, (n_looks, n_events)."""
    counts = np.where(lattice.official, OFFICIAL_COUNTS, LISTED_COUNTS)
    doubt: FloatArray = 1.0 - np.where(seen.raw_open, OPEN_COUNTS, counts)
    return doubt


def _spiked(lattice: Lattice, seen: Seen) -> BoolArray:
    """Return where a report stands beyond all that others vouch for, (n_looks, n_events)."""
    inside = np.where(lattice.high, seen.raw <= seen.floor, seen.raw >= seen.floor)
    return np.isfinite(seen.raw) & ~inside
