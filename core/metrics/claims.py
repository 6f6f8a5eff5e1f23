"""What may be said of a record: enough events on enough dates, and a Sharpe ratio that is more than luck."""

from __future__ import annotations

import math

import numpy as np

from core.metrics.events import Events
from core.metrics.inference import Claim, sufficiency
from core.metrics.returns import Daily, kurtosis, skew
from core.metrics.trading import deflated_sharpe, probabilistic_sharpe
from core.units import FloatArray

SURE = 0.95
LEAST_DATES = 4  # for a kurtosis


def by_date(events: Events) -> FloatArray:
    """Return the sum of the results of each event day on which anything was decided, oldest first [R], shape (n_dates,)."""
    _, rank = np.unique(events.ordinal, return_inverse=True)
    added: FloatArray = np.bincount(rank, weights=events.r).astype(np.float64) if len(events) else np.empty(0)
    return added


def sharpe_of_dates(events: Events, trials: int = 1, variance: float = 0.0) -> float | None:
    """Return the probability that the Sharpe ratio by dates is more than the luck of the best of some trials; None if flat.

    Args:
        trials: how many variants were tried before this one was kept; 1: nothing was chosen, the rival is 0.
        variance: of the ratios of the trials, per date.

    Source: SCIENCE 5.4 (PSR and DSR).
    """
    results = by_date(events)
    n = len(results)
    if n < LEAST_DATES or not np.ptp(results) > 0:
        return None
    ratio = float(results.mean() / results.std(ddof=1))
    days = Daily(np.arange(n, dtype=np.int64), results)
    lean, tails = skew(days), kurtosis(days)
    if lean is None or tails is None or 1.0 - lean * ratio + (tails + 2.0) / 4.0 * ratio * ratio <= 0.0:
        return None
    found = (
        deflated_sharpe(ratio, n, lean, tails + 3.0, variance, trials)
        if trials > 1
        else probabilistic_sharpe(ratio, 0.0, n, lean, tails + 3.0)
    )
    return found if math.isfinite(found) else None


def claim_of_return(events: Events, trials: int = 1, variance: float = 0.0) -> str:
    """Return "enough", or what is missing before a return may be claimed: events, dates, or a Sharpe ratio above luck."""
    told = sufficiency(Claim.RETURN, len(events), events.n_dates)
    if not told.enough:
        return told.text
    found = sharpe_of_dates(events, trials, variance)
    if found is None:
        return "no Sharpe ratio: every date alike"
    return "enough" if found > SURE else f"not told from luck (deflated Sharpe {found:.2f}, needed {SURE})"
