"""What of a claimed edge was realised: of the events that were traded, which are those whose edge looked largest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.metrics.edges import realised_slope, slope_interval
from core.metrics.inference import Interval
from core.units import FloatArray, IntArray

# The prior says that claims hold: slope 1. A settled contract at .3 misses its fair value by about .46 USD; with a claimed
# edge of .08 the slope of k events is known to .46 / (.08 sqrt(k)): 100 of them leave .58, so that the prior by itself
# allows anything from 0 to 2, and 300 losing trades halve every size.
PRIOR_SLOPE = 1.0
PSEUDO_TRADES = 100.0
LEAST_TRADES = 100  # events; fewer: the claim stands


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """Slope of realised on claimed edge over `n` traded events; `factor` multiplies a claimed edge."""

    slope: float  # NaN: nothing was claimed
    n: int
    interval: Interval | None  # of the slope, 90 %, by dates; None on fewer than 30
    factor: float


def shrinkage(claimed: FloatArray, realised: FloatArray, ordinal: IntArray) -> Shrinkage:
    """Return the slope through the origin of realised on claimed edge, and the factor with the prior mixed in.

    Through the origin, because the factor multiplies: a claim of nothing is worth nothing. Only what was traded counts:
    the best-looking of many noisy claims are too high, however honest each one is (the winner's curse).

    Args:
        claimed: fair value less all-in price at the decision, summed over the legs of each traded event, shape (n,);
            any unit, the same as `realised`; pairs that are not finite are left out.
        realised: what came of it, shape (n,).
        ordinal: day of each event, shape (n,).

    Source: SCIENCE 4.6 and 6.4; Smith, Winkler (2006), Management Sci. 52, 311-322 (the optimizer's curse).
    """
    slope, n = realised_slope(claimed, realised)
    if np.isnan(slope):
        return Shrinkage(slope, n, None, PRIOR_SLOPE)
    mixed = (n * slope + PSEUDO_TRADES * PRIOR_SLOPE) / (n + PSEUDO_TRADES)
    factor = min(max(mixed, 0.0), 1.0) if n >= LEAST_TRADES else PRIOR_SLOPE
    return Shrinkage(slope, n, slope_interval(claimed, realised, ordinal), factor)
