"""Statistics of closed trades, in units of risk (R) so that they compare across sizes."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri

from core.units import FloatArray

EULER = 0.5772156649015329


def result_in_r(result_usd: FloatArray, risk_usd: FloatArray) -> FloatArray:
    """Return each result as a multiple of what the trade could lose at most [R]."""
    return result_usd / risk_usd


def expected_r(result_r: FloatArray) -> float | None:
    """Return the mean result of a trade [R]; None without trades."""
    return float(result_r.mean()) if result_r.size else None


def profit_factor(result_r: FloatArray) -> float | None:
    """Return gains over losses; None while there is no loss to divide by.

    Args:
        result_r: result of each closed trade [R], shape (n_trades,).

    Returns:
        Sum of gains / sum of losses [1]; 0 without any gain.
    """
    losses = -float(result_r[result_r < 0].sum())
    return float(result_r[result_r > 0].sum()) / losses if losses > 0 else None


def win_rate(result_r: FloatArray) -> float | None:
    """Return the share of trades that gained; None without trades."""
    return float((result_r > 0).mean()) if result_r.size else None


def curve_drawdown(results: FloatArray) -> float:
    """Return the deepest fall of a curve of summed results, which starts at 0 before the first [their unit, 0 or below]."""
    curve = np.concatenate([[0.0], np.cumsum(results)])
    return float((curve - np.maximum.accumulate(curve)).min())


def wilson_lower_bound(wins: int, n: int, z: float = 1.96) -> float | None:
    """Return the lower end of Wilson's interval of a win rate; None without trades.

    Args:
        wins: trades that gained.
        n: all closed trades.
        z: standard normal quantile; 1.96 for 95 % two-sided.

    Raises:
        ValueError: `wins` does not lie between 0 and `n`.

    Source: Wilson (1927), J. Am. Stat. Assoc. 22, 209-212; SCIENCE 5.4.
    """
    if not 0 <= wins <= n:
        raise ValueError(f"{wins} wins of {n} trades")
    if n == 0:
        return None
    p, spread = wins / n, z * z / n
    return (p + spread / 2 - z * math.sqrt(p * (1 - p) / n + spread / (4 * n))) / (1 + spread)


def wilson_upper_bound(wins: int, n: int, z: float = 1.96) -> float | None:
    """Return the upper end of Wilson's interval of a win rate; None without trades."""
    mirrored = wilson_lower_bound(n - wins, n, z)
    return None if mirrored is None else 1 - mirrored


def probabilistic_sharpe(sharpe: float, rival: float, n: int, skew: float, kurtosis: float) -> float:
    """Return the probability that the true Sharpe ratio of a series lies above a rival's.

    Args:
        sharpe, rival: ratios per period.
        n: periods.
        skew, kurtosis: of the returns; 3 is the kurtosis of a normal law.

    Source: Bailey, Lopez de Prado (2012), J. Risk 15(2), 3-44; SCIENCE 5.4.
    """
    spread = math.sqrt(1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe)
    return float(ndtr((sharpe - rival) * math.sqrt(n - 1.0) / spread))


def luckiest_sharpe(variance: float, trials: int) -> float:
    """Return the Sharpe ratio that the best of some trials without any skill is expected to show, per period.

    Args:
        variance: of the ratios of the trials, per period.
        trials: at least 2.

    Source: Bailey, Lopez de Prado (2014), J. Portfolio Management 40(5), 94-107; SCIENCE 5.4.
    """
    best, next_best = float(ndtri(1.0 - 1.0 / trials)), float(ndtri(1.0 - 1.0 / (trials * math.e)))
    return math.sqrt(variance) * ((1.0 - EULER) * best + EULER * next_best)


def deflated_sharpe(sharpe: float, n: int, skew: float, kurtosis: float, variance: float, trials: int) -> float:
    """Return the probability that a Sharpe ratio is more than the luck of the best of some trials."""
    return probabilistic_sharpe(sharpe, luckiest_sharpe(variance, trials), n, skew, kurtosis)
