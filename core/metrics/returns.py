"""Figures of daily returns: one value for each calendar day, days without a trade included, 365 of them a year.

Each is what the tear sheet of quantstats calls by that name, worked out in NumPy; None where it has no meaning.
A return is a fraction of the equity at the start of its day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from core.metrics.trading import probabilistic_sharpe as probability_above
from core.units import BoolArray, FloatArray, IntArray

DAYS = 365
TAIL = 1 - 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Daily:
    """Returns of consecutive calendar days, oldest first: day number and fraction, shape (n,)."""

    ordinal: IntArray
    value: FloatArray

    def __len__(self) -> int:
        return len(self.value)


def total_return(daily: Daily) -> float | None:
    """Return the compounded return of all days [fraction]."""
    return float(np.prod(1.0 + daily.value) - 1.0) if len(daily) else None


def cagr(daily: Daily) -> float | None:
    """Return the compounded return carried on to a year of 365 days [fraction a year]."""
    grown = total_return(daily)
    if grown is None or grown + 1.0 < 0.0:
        return None
    return float(np.power(abs(grown + 1.0), DAYS / len(daily)) - 1.0)


def volatility(daily: Daily) -> float | None:
    """Return the standard deviation of daily returns times the root of 365 [fraction a year]."""
    spread = _sd(daily.value)
    return None if spread is None else spread * math.sqrt(DAYS)


def sharpe(daily: Daily) -> float | None:
    """Return mean over standard deviation of daily returns, times the root of 365, against a rate of 0."""
    return _annual(_over(_mean(daily.value), _sd(daily.value)))


def smart_sharpe(daily: Daily) -> float | None:
    """Return the Sharpe ratio with its spread widened by how much a day resembles the day before."""
    spread = _sd(daily.value)
    return _annual(_over(_mean(daily.value), None if spread is None else spread * autocorrelation_penalty(daily)))


def autocorrelation_penalty(daily: Daily) -> float:
    """Return by how much the memory of a series widens its spread [1, at least 1]; 1 where no memory can be measured."""
    n = len(daily)
    if n < 3 or _flat(daily.value[:-1]) or _flat(daily.value[1:]):
        return 1.0
    memory = abs(float(np.corrcoef(daily.value[:-1], daily.value[1:])[0, 1]))
    lag = np.arange(1, n)
    return math.sqrt(1.0 + 2.0 * float(((n - lag) / n * memory**lag).sum()))


def sortino(daily: Daily) -> float | None:
    """Return mean over the root mean square of the losing days, all days counted, times the root of 365."""
    return _annual(_over(_mean(daily.value), _downside(daily.value)))


def smart_sortino(daily: Daily) -> float | None:
    """Return the Sortino ratio with its downside widened as in the smart Sharpe ratio."""
    return _annual(_over(_mean(daily.value), _downside(daily.value) * autocorrelation_penalty(daily)))


def adjusted_sortino(daily: Daily) -> float | None:
    """Return the Sortino ratio over the root of 2, which compares it with a Sharpe ratio."""
    found = sortino(daily)
    return None if found is None else found / math.sqrt(2)


def probabilistic_sharpe(daily: Daily) -> float | None:
    """Return the probability that the true Sharpe ratio lies above 0, given length, skew and kurtosis."""
    ratio, lean, tails = _over(_mean(daily.value), _sd(daily.value)), skew(daily), kurtosis(daily)
    if ratio is None or lean is None or tails is None:
        return None
    if 1.0 - lean * ratio + (tails + 2.0) / 4.0 * ratio * ratio <= 0.0:
        return None
    return probability_above(ratio, 0.0, len(daily), lean, tails + 3.0)


def omega(daily: Daily) -> float | None:
    """Return the sum of gaining days over the sum of losing days."""
    return _over(_gains(daily.value), _losses(daily.value)) if len(daily) > 1 else None


def gain_to_pain(daily: Daily) -> float | None:
    """Return the sum of all days over the sum of losing days."""
    return _over(float(daily.value.sum()), _losses(daily.value))


def daily_profit_factor(daily: Daily) -> float | None:
    """Return the sum of gaining days over the sum of losing days; of events see the profit factor in R."""
    return _over(_gains(daily.value), _losses(daily.value))


def payoff_ratio(daily: Daily) -> float | None:
    """Return the mean gaining day over the mean losing day."""
    return _over(average_win(daily), _size(average_loss(daily)))


def tail_ratio(daily: Daily) -> float | None:
    """Return the size of the 95th percentile over the size of the 5th."""
    if not len(daily):
        return None
    high, low = (float(each) for each in np.quantile(daily.value, (0.95, TAIL)))
    return _over(abs(high), abs(low))


def common_sense_ratio(daily: Daily) -> float | None:
    """Return the daily profit factor times the tail ratio."""
    return _times(daily_profit_factor(daily), tail_ratio(daily))


def cpc_index(daily: Daily) -> float | None:
    """Return the daily profit factor times the share of winning days times the payoff ratio."""
    return _times(daily_profit_factor(daily), win_days(daily), payoff_ratio(daily))


def outlier_win_ratio(daily: Daily) -> float | None:
    """Return the 99th percentile over the mean day without a loss."""
    at_least_even = daily.value[daily.value >= 0]
    return _over(_quantile(daily.value, 0.99), _mean(at_least_even))


def outlier_loss_ratio(daily: Daily) -> float | None:
    """Return the 1st percentile over the mean losing day."""
    return _over(_quantile(daily.value, 0.01), average_loss(daily))


def win_days(daily: Daily) -> float | None:
    """Return the share of gaining days among the days with a result [fraction]."""
    return share_won(daily.value)


def average_return(daily: Daily) -> float | None:
    """Return the mean of the days with a result [fraction a day]."""
    return _mean(daily.value[daily.value != 0])


def average_win(daily: Daily) -> float | None:
    """Return the mean gaining day [fraction]."""
    return _mean(daily.value[daily.value > 0])


def average_loss(daily: Daily) -> float | None:
    """Return the mean losing day [fraction, below 0]."""
    return _mean(daily.value[daily.value < 0])


def expected_daily(daily: Daily) -> float | None:
    """Return the geometric mean of daily returns [fraction a day]."""
    return geometric(daily.value)


def kelly_criterion(daily: Daily) -> float | None:
    """Return the growth-optimal share of wealth if days were bets of two outcomes: p − (1 − p) / payoff."""
    payoff, won = payoff_ratio(daily), win_days(daily)
    return None if not payoff or won is None else (payoff * won - (1.0 - won)) / payoff


def risk_of_ruin(daily: Daily) -> float | None:
    """Return ((1 − w) / (1 + w)) to the power of all days, w the share of winning days [fraction]."""
    won = win_days(daily)
    return None if won is None else float(((1.0 - won) / (1.0 + won)) ** len(daily))


def value_at_risk(daily: Daily) -> float | None:
    """Return the 5th percentile of a normal law with the mean and spread of the days [fraction a day]."""
    mean, spread = _mean(daily.value), _sd(daily.value)
    return None if mean is None or not spread else mean + spread * float(ndtri(TAIL))


def expected_shortfall(daily: Daily) -> float | None:
    """Return the mean below the 5th percentile of a normal law with the mean and spread of the days [fraction a day]."""
    return shortfall(daily.value)


def shortfall(values: FloatArray) -> float | None:
    """Return the mean below the 5th percentile of a normal law through some values; their mean where they are all alike."""
    mean, spread = _mean(values), _sd(values)
    if mean is None or spread is None:
        return None
    cut = float(ndtri(TAIL))
    return mean - spread * math.exp(-cut * cut / 2) / math.sqrt(2 * math.pi) / TAIL if spread else mean


def skew(daily: Daily) -> float | None:
    """Return the third standardised moment, corrected for small samples; below 0 the long tail is of losses."""
    n = len(daily)
    if n < 3 or _flat(daily.value):
        return None
    away = daily.value - daily.value.mean()
    second, third = float(np.square(away).mean()), float((away**3).mean())
    return math.sqrt(n * (n - 1)) / (n - 2) * third / float(np.power(second, 1.5))


def kurtosis(daily: Daily) -> float | None:
    """Return the fourth standardised moment less 3, corrected for small samples; above 0 tails are fatter than normal."""
    n = len(daily)
    if n < 4 or _flat(daily.value):
        return None
    away = daily.value - daily.value.mean()
    second, fourth = float(np.square(away).sum()), float((away**4).sum())
    least = (n - 2) * (n - 3)
    return n * (n + 1) * (n - 1) * fourth / (least * second * second) - 3 * (n - 1) ** 2 / least


def consecutive_wins(daily: Daily) -> float | None:
    """Return the most gaining days in a row [days]."""
    return float(longest_run(daily.value > 0)) if len(daily) else None


def consecutive_losses(daily: Daily) -> float | None:
    """Return the most losing days in a row [days]."""
    return float(longest_run(daily.value < 0)) if len(daily) else None


def time_in_market(daily: Daily) -> float | None:
    """Return the share of days with a result, rounded up to a percent [fraction]."""
    n = len(daily)
    return -(-100 * int((daily.value != 0).sum()) // n) / 100 if n else None


def best_day(daily: Daily) -> float | None:
    """Return the best day [fraction]."""
    return float(daily.value.max()) if len(daily) else None


def worst_day(daily: Daily) -> float | None:
    """Return the worst day [fraction]."""
    return float(daily.value.min()) if len(daily) else None


def share_won(values: FloatArray) -> float | None:
    """Return the share above 0 among what is not 0."""
    known = int((values != 0).sum())
    return int((values > 0).sum()) / known if known else None


def geometric(values: FloatArray) -> float | None:
    """Return the geometric mean of returns [fraction]."""
    grown = float(np.prod(1.0 + values)) if len(values) else -1.0
    return float(np.power(grown, 1.0 / len(values)) - 1.0) if len(values) and grown >= 0.0 else None


def longest_run(happened: BoolArray) -> int:
    """Return how often something happened in a row at most."""
    missed = np.flatnonzero(~np.concatenate([[False], happened, [False]]))
    return int(np.diff(missed).max() - 1)


def _mean(values: FloatArray) -> float | None:
    return float(values.mean()) if len(values) else None


def _flat(values: FloatArray) -> bool:
    return bool((values == values[0]).all()) if len(values) else True


def _sd(values: FloatArray) -> float | None:
    """Return the standard deviation; exactly 0 where all are alike, None of fewer than two."""
    if len(values) < 2:
        return None
    return 0.0 if _flat(values) else float(values.std(ddof=1))


def _downside(values: FloatArray) -> float:
    return math.sqrt(float(np.square(values[values < 0]).sum()) / len(values)) if len(values) else 0.0


def _gains(values: FloatArray) -> float:
    return float(values[values > 0].sum())


def _losses(values: FloatArray) -> float:
    return -float(values[values < 0].sum())


def _quantile(values: FloatArray, q: float) -> float | None:
    return float(np.quantile(values, q)) if len(values) else None


def _size(value: float | None) -> float | None:
    return None if value is None else abs(value)


def _over(above: float | None, below: float | None) -> float | None:
    return None if above is None or not below else above / below


def _times(*factors: float | None) -> float | None:
    known = [each for each in factors if each is not None]
    return math.prod(known) if len(known) == len(factors) else None


def _annual(ratio: float | None) -> float | None:
    return None if ratio is None else ratio * math.sqrt(DAYS)
