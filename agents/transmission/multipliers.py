"""What scales a size: the regime, the distance from the market, what the record has earned.

Each answers with the position that is left of `size`; a holding above that is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from agents.market_rules import least_sizes
from agents.transmission.guard.fair_gap import fair_gap, gap_metar, gap_rule
from agents.transmission.limits import Limit
from agents.transmission.offers import Offer
from agents.transmission.standing import Standing
from core.model.governor import FULL_DIAL
from core.settings import Settings
from core.units import MICRO, IntArray

DIAL_MICRO = np.array([250_000, 500_000, 750_000, 900_000, 1_000_000], np.int64)
"""What a dial of 1 to 5 leaves of a size."""


def regime(standing: Standing, asks: Offer, size: IntArray, settings: Settings) -> Limit:
    """Scale by the regime of the event; 0 refuses."""
    multiplier = standing.targets.multiplier[standing.own]
    multiplier = np.clip(np.where(np.isnan(multiplier), 0.0, multiplier), 0.0, 1.0)
    return Limit(multiplier, np.ones_like(multiplier), np.where(multiplier < 1, np.floor(size * multiplier) / MICRO, np.inf))


def step(standing: Standing, asks: Offer, size: IntArray, settings: Settings) -> Limit:
    """Scale to what the desk's own results have left of its size."""
    return _scaled(standing.account.governor.step_micro, size)


def operator_dial(standing: Standing, asks: Offer, size: IntArray, settings: Settings) -> Limit:
    """Scale to what a person has dialled."""
    return _scaled(DIAL_MICRO[np.clip(standing.account.governor.dial, 1, FULL_DIAL) - 1], size)


def _scaled(share_micro: IntArray, size: IntArray) -> Limit:
    share = (share_micro / MICRO)[:, None]
    return Limit(share, np.ones_like(share), np.where(share < 1, np.floor(size * share) / MICRO, np.inf))


def earned_size(standing: Standing, asks: Offer, size: IntArray, settings: Settings) -> Limit:
    """Scale to what the record has earned: nothing, a probe, or all.

    A probe is a tenth of normal size, or the venue's minimum where that is cheap, else nothing. The minimum is never more
    than normal size would be: a size that risk has cut to less is not raised to it.
    """
    risk = settings.risk
    venues = [standing.axis.instruments[int(column)].venue for column in standing.own]
    best = np.rint(np.where(np.isnan(asks.best), 0.0, asks.best) * MICRO).astype(np.int64)
    minimum = least_sizes(venues, best, standing.targets.min_size_micro[standing.own])  # a better price wants more shares
    earned = np.array([0.0, risk.probe_share, 1.0])[standing.targets.earned[standing.own]]
    probe = np.floor(size * risk.probe_share).astype(np.int64)
    cheap = np.ceil(minimum * standing.loss).astype(np.int64) <= risk.probe_minimum_r * standing.account.unit_r_micro[:, None]
    raised = np.where(cheap & (size >= minimum), minimum, 0)
    allowed = np.where(earned >= 1, size, np.where(earned <= 0, 0, np.where(probe >= minimum, probe, raised)))
    share = np.where(size > 0, allowed / np.maximum(size, 1), earned)
    return Limit(
        share, np.broadcast_to(earned, share.shape), np.where(earned < 1, np.where(size > 0, allowed / MICRO, np.nan), np.inf)
    )


MULTIPLIERS: Mapping[str, Callable[[Standing, Offer, IntArray, Settings], Limit]] = {
    "regime": regime,
    "fair_gap": fair_gap,
    "gap_rule": gap_rule,
    "gap_metar": gap_metar,
    "step": step,
    "operator_dial": operator_dial,
    "earned_size": earned_size,
}
