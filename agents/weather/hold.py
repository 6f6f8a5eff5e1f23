"""The chance that the highest temperature so far is the last word, by the hour of the station's clock, and what it moves.

After the peak of the forecast the law of what may still come says how likely the floor stands. How often it did stand at that
hour says it too, without looking at the weather: WEIGHT of the chance is the habit's, the rest the law's. (On Miami, Chicago
and New York before 2024-08-16 that gains as much as mixing logits; unlike that it never makes a reading less likely to be
reached from a higher floor.) The habit is measured for some stations
(data/registry/hold.csv), a mean of them for all others, and each station's own settled days count against PRIOR_DAYS of it. It
speaks of what still comes: what an official extreme went beyond the reports unseen is the discretiser's.
Of lowest temperatures nothing was measured: they have the bound alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from agents.weather.vintages import HOUR
from core.days import zone
from core.registry import load_hold
from core.units import BoolArray, FloatArray, InstantArray, instant

WEIGHT = 0.15  # of the habit against the law
PRIOR_DAYS = 30.0  # that the table is worth
EVENING = 20.0  # hour of the station's clock
MOST, MOST_AT_EVENING = 0.995, 0.998  # a warm front or a clearing sky may always come; SCIENCE 2.1
MIDNIGHT = 24.0
_CLOCK = np.arange(MIDNIGHT + 1.0)
_NOTHING_LEFT = 1e-9
ANY = ""  # the row of the table for stations without one


@dataclass(frozen=True, slots=True)
class Hold:
    """What is known besides the law of whether the floor stands, shape (n_instants, n_events)."""

    chance: FloatArray  # NaN: nothing
    most: FloatArray  # of any chance; 1: no bound


def local_hours(looks: InstantArray, tz: str) -> FloatArray:
    """Return the hour of the station's clock at each look, 0 to 24."""
    offsets = np.array([_civil_offset(tz, each) for each in (looks // HOUR).tolist()], np.int64)
    hours: FloatArray = ((looks + offsets) % (24 * HOUR)) / HOUR
    return hours


@lru_cache(maxsize=65_536)
def _civil_offset(tz: str, hour: int) -> int:
    offset = instant(hour * HOUR).astimezone(zone(tz)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds()) * 1_000_000


def habit(station: str, hours: FloatArray, days: FloatArray | None = None, stood: FloatArray | None = None) -> FloatArray:
    """Return the chance that the floor stands at some hours of the station's clock; NaN before the first hour known.

    Args:
        station: its code.
        hours: any shape.
        days: settled days known, by whole hour of the clock, shape (24,).
        stood: on how many of them the floor stood, same shape.
    """
    begins, prior = _prior(station)
    posterior = np.ones(len(_CLOCK))  # the last is midnight's
    posterior[:-1] = (PRIOR_DAYS * prior + (0.0 if stood is None else stood)) / (PRIOR_DAYS + (0.0 if days is None else days))
    return np.where(hours < begins, np.nan, np.interp(hours, _CLOCK, posterior))


@lru_cache(maxsize=4_096)
def _prior(station: str) -> tuple[float, FloatArray]:
    """Return the first hour that the table knows of a station, and its chance at each whole hour, (24,)."""
    table = _table()
    places, chances = table.get(station, table[ANY])
    return float(places[0]), np.interp(_CLOCK[:-1], np.append(places, MIDNIGHT), np.append(chances, 1.0))


@lru_cache(maxsize=1)
def _table() -> Mapping[str, tuple[FloatArray, FloatArray]]:
    return {code: (np.array(rows)[:, 0], np.array(rows)[:, 1]) for code, rows in load_hold().items()}


def hold_of(chance: FloatArray, hours: FloatArray, past_peak: BoolArray) -> Hold:
    """Return what counts at hours of the station's clock, all of one shape; nothing before the peak of the forecast."""
    most = np.where(hours < EVENING, MOST, MOST_AT_EVENING)
    return Hold(np.where(past_peak, chance, np.nan), np.where(past_peak, most, 1.0))


def standing(law: FloatArray, hold: Hold) -> FloatArray:
    """Return the chance that the floor stands by law and habit, kept within the bound."""
    together = np.where(np.isnan(hold.chance), law, law + WEIGHT * (hold.chance - law))
    return np.minimum(together, hold.most)


def held(cdf: FloatArray, at_floor: BoolArray, high: BoolArray, hold: Hold) -> FloatArray:
    """Return P(reading <= r) with the chance of the floor moved; what lies beyond keeps its proportions.

    Args:
        cdf: at each reading, nothing on the wrong side of the floor, shape (n_instants, n_events, n_readings).
        at_floor: which reading is the floor, same shape; none: nothing is moved.
        high: False: a lowest temperature, beyond is below; shape (n_events,).
        hold: what moves it.
    """
    reached = np.maximum.accumulate(at_floor, axis=-1)
    high = high[:, None]
    beyond = np.where(high, 1.0 - cdf, cdf)  # chance of a reading further out: than this one, or of this one of a lowest
    further = np.where(high, reached, ~reached)
    left = np.where(np.where(high, at_floor, further), beyond, 0.0).max(axis=-1)
    target = 1.0 - standing(1.0 - left, hold)
    moving = at_floor.any(axis=-1) & (target != left)
    some = left > _NOTHING_LEFT
    scaled = beyond * (target / np.where(some, left, 1.0))[..., None]
    # Next to nothing is left: then it is the next reading's.
    next_one = np.where(high, at_floor, further & np.append(at_floor[..., 1:], np.zeros_like(at_floor[..., :1]), axis=-1))
    moved = np.where(some[..., None], scaled, np.where(next_one, target[..., None], 0.0))
    return np.where(further & moving[..., None], np.where(high, 1.0 - moved, moved), cdf)
