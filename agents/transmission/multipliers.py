"""What scales a size: the regime, the distance from the market, what the record has earned.

Each answers with the position that is left of `size`; a holding above that is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from agents.transmission.guard.fair_gap import fair_gap
from agents.transmission.limits import Limit
from agents.transmission.offers import Offer
from agents.transmission.standing import Standing
from core.settings import Settings
from core.units import MICRO, IntArray


def regime(standing: Standing, asks: Offer, size: IntArray, settings: Settings) -> Limit:
    """Scale by the regime of the event; 0 refuses."""
    multiplier = standing.targets.multiplier[standing.own]
    multiplier = np.clip(np.where(np.isnan(multiplier), 0.0, multiplier), 0.0, 1.0)
    return Limit(multiplier, np.ones_like(multiplier), np.where(multiplier < 1, np.floor(size * multiplier) / MICRO, np.inf))


def earned_size(standing: Standing, asks: Offer, size: IntArray, settings: Settings) -> Limit:
    """Scale to what the record has earned: nothing, a probe, or all.

    A probe is a tenth of normal size, or the venue's minimum where that is cheap, else nothing. The minimum is never more
    than normal size would be: a size that risk has cut to less is not raised to it.
    """
    risk = settings.risk
    minimum = standing.targets.min_size_micro[standing.own]
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
    "earned_size": earned_size,
}
