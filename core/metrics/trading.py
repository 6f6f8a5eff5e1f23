"""Statistics of closed trades, in units of risk (R) so that they compare across sizes."""

from __future__ import annotations

import math

from core.units import FloatArray


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
