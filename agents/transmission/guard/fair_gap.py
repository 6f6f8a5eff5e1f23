"""When we and the market are far apart, one of us has misread something: half the size, and the two usual suspects again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from agents.transmission.limits import NOTHING, Limit, pass_or_refuse
from agents.transmission.offers import Offer
from agents.transmission.standing import Standing
from core.settings import Settings
from core.units import MICRO, BoolArray, IntArray

HALF = 0.5
RULE_REASONS = frozenset({"rule_unreadable", "listing_changed", "rule_inferred"})
"""Why the rule of an event is not trusted, in the words of the desk."""


def fair_gap(standing: Standing, asks: Offer, size: IntArray, settings: Settings) -> Limit:
    """Halve the size where fair value and mid are further apart than `fair_gap` [USD per share]."""
    gap = np.abs(standing.targets.fair[standing.own] - asks.mid)
    limit = np.full_like(gap, settings.weather.fair_gap)
    halved = np.floor(size * HALF) / MICRO
    return Limit(gap, limit, np.where(np.isnan(gap) | (size == 0), np.nan, np.where(gap > limit, halved, np.inf)))


def gap_rule(standing: Standing, asks: Offer, size: IntArray, settings: Settings) -> Limit:
    """Where the two are far apart, ask again whether the rule of the event is trusted; value 1: it is."""
    asked = _asked(standing, asks, size, settings)
    if not asked.any():
        return NOTHING
    trusted = np.full(len(asked), np.nan)
    for place in np.flatnonzero(asked).tolist():
        reason = _belief(standing, place).get("regime_reason")
        if isinstance(reason, str):
            trusted[place] = float(reason not in RULE_REASONS)
    return Limit(trusted, np.ones_like(trusted), np.where(np.isnan(trusted), np.nan, pass_or_refuse(trusted > 0)))


def gap_metar(standing: Standing, asks: Offer, size: IntArray, settings: Settings) -> Limit:
    """Where the two are far apart, ask again whether the newest report of a running day is fresh [s]."""
    asked = _asked(standing, asks, size, settings)
    if not asked.any():
        return NOTHING
    age, limit = np.full(len(asked), np.nan), np.full(len(asked), np.nan)
    for place in np.flatnonzero(asked).tolist():
        belief = _belief(standing, place)
        said = belief.get("metar_age"), belief.get("metar_age_limit")
        if belief.get("floor") is not None and isinstance(said[0], int | float) and isinstance(said[1], int | float):
            age[place], limit[place] = said
    return Limit(age, limit, np.where(np.isnan(age), np.nan, pass_or_refuse(age <= limit)))


def _asked(standing: Standing, asks: Offer, size: IntArray, settings: Settings) -> BoolArray:
    gap = np.abs(standing.targets.fair[standing.own] - asks.mid)
    asked: BoolArray = (gap > settings.weather.fair_gap) & (size > 0).any(axis=0)
    return asked


def _belief(standing: Standing, place: int) -> Mapping[str, object]:
    return standing.targets.belief[int(standing.own[place])]
