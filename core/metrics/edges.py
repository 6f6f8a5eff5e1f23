"""What of a claimed edge was realised, and how prices moved after we traded."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.metrics.inference import Interval, ratio_interval
from core.metrics.trading import wilson_lower_bound, wilson_upper_bound
from core.units import BoolArray, FloatArray, IntArray

FILL_STEPS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True, slots=True)
class FillStep:
    """Resting orders of like stated probability: how often they were filled, with Wilson's 95 % interval."""

    low: float
    high: float
    stated: float
    filled: float
    low_filled: float
    high_filled: float
    n: int


def realised_slope(claimed: FloatArray, realised: FloatArray) -> tuple[float, int]:
    """Return the slope through the origin of realised on claimed edge (NaN: nothing was claimed) and over how many events.

    Through the origin, because the slope is to multiply a claim: a claim of nothing is worth nothing.

    Args:
        claimed, realised: of each event, any unit, the same for both, shape (n,); pairs that are not finite are left out.

    Source: SCIENCE 4.6.
    """
    known = np.isfinite(claimed) & np.isfinite(realised)
    weight = float(np.square(claimed[known]).sum())
    return (float((claimed * realised)[known].sum()) / weight if weight > 0.0 else np.nan), int(known.sum())


def slope_interval(claimed: FloatArray, realised: FloatArray, ordinal: IntArray) -> Interval | None:
    """Return the slope of `realised_slope` with its 90 % interval, by dates; None below 30 of them.

    Args:
        ordinal: day of each event, shape (n,).
    """
    known = np.isfinite(claimed) & np.isfinite(realised)
    if not np.square(claimed[known]).sum() > 0.0:
        return None
    found = ratio_interval((claimed * realised)[known], np.square(claimed)[known], ordinal[known])
    if found is None:
        return None
    mean, low, high = (1.0 + each / 100.0 for each in (found.mean, found.low, found.high))
    return Interval(mean, low, high, found.n, found.n_dates)


def moved(price: FloatArray, later: FloatArray, bought: BoolArray) -> FloatArray:
    """Return by how much a price moved our way after a trade [USD per share]: up after a purchase, down after a sale.

    Args:
        price: of a share in the trade, fees apart [USD], shape (n,).
        later: mid of the same token later on [USD]; NaN where there was none, shape (n,).
        bought: False for a sale, shape (n,).
    """
    return np.where(bought, later - price, price - later)


def moved_logit(price: FloatArray, later: FloatArray, bought: BoolArray, least: float = 0.001) -> FloatArray:
    """Return the same move in log odds [nats], prices kept `least` away from 0 and 1."""

    def odds(value: FloatArray) -> FloatArray:
        kept = np.clip(value, least, 1.0 - least)
        found: FloatArray = np.log(kept) - np.log1p(-kept)
        return found

    return moved(odds(price), odds(later), bought)


def moved_degrees(
    mean: FloatArray, later: FloatArray, lower: FloatArray, upper: FloatArray, gains: BoolArray
) -> FloatArray:  # fmt: skip
    """Return by how much the mean that the books imply moved the way that a trade wanted [°F]; NaN where it wanted none.

    The way is the sign of dq/dmean, q being the probability of the bracket under the normal law that the books imply at
    entry: a bracket that lies above the mean gains when the mean rises, one below it when the mean falls. A YES bought or a
    NO sold gains with its bracket, a NO bought or a YES sold against it. Within a bracket that holds the mean the sign turns
    at its middle: no way is wanted there, and the trade is left out and counted.

    Args:
        mean: implied at entry [°F]; NaN where there was none, shape (n,).
        later: implied at the checkpoint [°F]; NaN where there was none, shape (n,).
        lower, upper: edges of the bracket, half a reading beyond its first and its last [°F]; infinite where it is open,
            shape (n,).
        gains: True for YES bought and NO sold, shape (n,).

    Source: SCIENCE 3.3, 5.4.
    """
    rising = np.where(lower >= mean, 1.0, np.where(upper <= mean, -1.0, np.nan))
    return np.where(gains, rising, -rising) * (later - mean)


def fill_calibration(stated: FloatArray, filled: BoolArray) -> tuple[FillStep, ...]:
    """Return how often resting orders were filled at each stated probability of being filled; steps without orders are absent.

    Args:
        stated: probability that the order said [1], shape (n,).
        filled: whether anything of it was filled before its life ended, shape (n,).
    """
    steps = []
    for low, high in pairwise(FILL_STEPS):
        inside = (stated >= low) & ((stated < high) | ((high == 1.0) & (stated <= 1.0)))
        n, hits = int(inside.sum()), int(filled[inside].sum())
        bounds = wilson_lower_bound(hits, n), wilson_upper_bound(hits, n)
        if bounds[0] is not None and bounds[1] is not None:
            steps.append(FillStep(low, high, float(stated[inside].mean()), hits / n, *(bounds[0], bounds[1]), n))
    return tuple(steps)
