"""Worst-case loss by group: one function, one row per group.

A cap is asked twice. First of a flat desk: what is wanted shares the cap pro rata, whatever is held, so that a half-filled
order changes nobody's share. Then of the desk as it is: what is held and working counts in full, and only what is left can
be added. What is held is never sold by a cap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from agents.transmission.limits import Limit
from agents.transmission.standing import Standing
from core.settings import Settings
from core.units import MICRO, FloatArray, IntArray

Money = Callable[[Standing, Settings], FloatArray]


@dataclass(frozen=True, slots=True)
class Cap:
    """Most at risk in each group of one kind [micro-USD per run]; `unit` divides it for people."""

    name: str
    group: str  # of `axis.GROUPS`
    most: Money
    unit: Money


def _dollars(standing: Standing, settings: Settings) -> FloatArray:
    return np.full(standing.account.n_runs, float(MICRO))


def _r0(standing: Standing, settings: Settings) -> FloatArray:
    return standing.account.unit_r_micro.astype(np.float64)


def _in_r(limit_r: Callable[[Settings], float]) -> Money:
    return lambda standing, settings: limit_r(settings) * _r0(standing, settings)


def _in_dollars(limit_usd: Callable[[Settings], float]) -> Money:
    return lambda standing, settings: np.full(standing.account.n_runs, limit_usd(settings) * MICRO)


def _equity(standing: Standing, settings: Settings) -> FloatArray:
    return np.maximum(standing.account.equity_micro, 0).astype(np.float64)


CAPS: tuple[Cap, ...] = (
    Cap("bracket", "bracket", _in_r(lambda s: s.risk.bracket_r), _r0),
    Cap("city_day", "city_day", _in_r(lambda s: s.risk.city_day_r), _r0),
    Cap("region_day", "region_day", _in_r(lambda s: s.risk.region_day_r), _r0),
    Cap("desk_day", "event_day", _in_r(lambda s: s.risk.desk_day_r), _r0),
    Cap("open_risk", "all", _in_r(lambda s: s.risk.open_r), _r0),
    Cap("source", "source", _in_r(lambda s: s.risk.source_r), _r0),
    Cap("market_cap", "bracket", _in_dollars(lambda s: s.per_market_cap_usd), _dollars),
    Cap("bankroll", "event_day", _in_dollars(lambda s: s.daily_bankroll_cap_usd), _dollars),
    Cap("kelly_cap", "event", lambda standing, s: s.kelly_cap * _equity(standing, s), _equity),
)


def flat_share(standing: Standing, size: IntArray, cap: Cap, settings: Settings) -> Limit:
    """Return each position's share of the cap, had the desk to buy all that it wants anew."""
    most = np.floor(cap.most(standing, settings)).astype(np.int64)[:, None]
    entering = standing.entering
    sums = standing.sums(cap.group)
    wanted = standing.cost_of(np.where(entering, size, 0))
    kept = standing.existing.copy()
    kept[:, : standing.n] = np.where(entering, 0, kept[:, : standing.n])
    need, kept = sums.each(wanted)[:, : standing.n], sums.each(kept)[:, : standing.n]
    room = np.maximum(most - kept, 0)
    share = room / np.maximum(need, 1)
    allowed = np.where(need <= room, np.inf, np.floor(size * share) / MICRO)
    return _limit(cap, standing, settings, kept + need, most, allowed)


def headroom(standing: Standing, size: IntArray, cap: Cap, settings: Settings) -> Limit:
    """Return what may be held when only the rest of the cap can be added."""
    more = np.where(standing.entering, np.maximum(size - standing.base, 0), 0)
    most, there, need = _asked(standing, more, cap, settings)
    room = np.maximum(most - there, 0)
    share = room / np.maximum(need, 1)
    allowed = np.where(need <= room, np.inf, (standing.base + np.floor(more * share)) / MICRO)
    return _limit(cap, standing, settings, there + need, most, allowed)


def dearest(standing: Standing, more: IntArray, settings: Settings) -> FloatArray:
    """Return, in times of its price, what each purchase may come to cost before a cap is passed, (n_runs, n).

    The book that fills an order is a later one, and a long order walks it: sizes come from the price of now, and the limit
    price of an order keeps what is paid within the caps.
    """
    times = np.full(more.shape, np.inf)
    for cap in CAPS:
        most, there, need = _asked(standing, more, cap, settings)
        times = np.where(need > 0, np.minimum(times, np.maximum(most - there, 0) / np.maximum(need, 1)), times)
    least: FloatArray = np.maximum(times, 1.0)
    return least


def _asked(standing: Standing, more: IntArray, cap: Cap, settings: Settings) -> tuple[IntArray, IntArray, IntArray]:
    """Return the cap, what is at risk already and what would be added, for the group of each column."""
    most = np.floor(cap.most(standing, settings)).astype(np.int64)[:, None]
    sums = standing.sums(cap.group)
    need = sums.each(standing.cost_of(more))[:, : standing.n]
    there = sums.each(standing.existing)[:, : standing.n]
    return most, there, need


def _limit(cap: Cap, standing: Standing, settings: Settings, value: IntArray, most: IntArray, allowed: FloatArray) -> Limit:
    unit = np.maximum(cap.unit(standing, settings)[:, None], 1.0)
    return Limit(value / unit, np.broadcast_to(most / unit, value.shape), allowed)
