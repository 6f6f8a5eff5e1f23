"""The tear sheet of a desk's daily equity: every row with its unit, its least number of days, and where quantstats differs.

Left out of quantstats' sheet: rows against a benchmark (there is none), profit ratio (a mean over a count has no unit), and
risk-adjusted return (annualised with 252 days there, whatever is asked for).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.metrics import drawdowns, periods, returns
from core.metrics.figures import LEVEL, UNDEFINED, Figure, Row, around, figures, finite
from core.metrics.inference import BLOCK_DATES, LEAST_DATES, SEED, resampled_dates
from core.metrics.returns import Daily
from core.units import FloatArray

MONTH = 30  # days below which nothing is carried on to a year
DRAWS = 1_000
NO_LOSS, NO_SPREAD, NO_RESULT = "no losing day", "every day alike", "no day with a result"
INFINITE = "infinite"
ENDLESS = "nothing, where there is no stretch, or only one that began on the first day"
NOISE = "a huge number or infinite where every day is alike: the spread is rounding"
RUIN = "0 where nothing has a result"
Of = Callable[[Daily], float | None]


def drawn(of: Of) -> Callable[[Daily], tuple[float, float] | None]:
    """Return how to find the interval of a figure of daily returns: days drawn in blocks of a week, None below 30."""

    def interval(daily: Daily) -> tuple[float, float] | None:
        n = len(daily)
        value = finite(of(daily)) if n >= LEAST_DATES else None
        if value is None:
            return None
        picked = resampled_dates(n, BLOCK_DATES, DRAWS, SEED)
        found = [finite(of(Daily(daily.ordinal, daily.value[rows]))) for rows in picked]
        if None in found:
            return None
        values: FloatArray = np.array(found, np.float64)
        return around(value, values, n, BLOCK_DATES, LEVEL)

    return interval


def _row(
    of: Of, label: str, unit: str, least: int = 2, otherwise: str = UNDEFINED, quantstats: str = "", *, sure: bool = False
) -> Row[Daily]:
    return Row(of, label, unit, least, otherwise, drawn(of) if sure else None, LEVEL, quantstats)


TEAR_SHEET: tuple[Row[Daily], ...] = (
    _row(returns.total_return, "total return", "fraction", 1),
    _row(returns.cagr, "yearly compounded return", "fraction a year", MONTH, "more than everything was lost"),
    _row(returns.sharpe, "Sharpe", "", MONTH, NO_SPREAD, quantstats=NOISE, sure=True),
    _row(returns.probabilistic_sharpe, "probability that Sharpe is above 0", "fraction", MONTH, NO_SPREAD, quantstats=NOISE),
    _row(returns.smart_sharpe, "smart Sharpe", "", MONTH, NO_SPREAD, quantstats=NOISE),
    _row(returns.sortino, "Sortino", "", MONTH, NO_LOSS, sure=True),
    _row(returns.smart_sortino, "smart Sortino", "", MONTH, NO_LOSS, "widened by rounding where every day is alike"),
    _row(returns.adjusted_sortino, "Sortino / √2", "", MONTH, NO_LOSS),
    _row(returns.omega, "omega", "", MONTH, NO_LOSS, sure=True),
    _row(returns.volatility, "volatility", "fraction a year", MONTH, sure=True),
    _row(drawdowns.max_drawdown, "deepest drawdown", "fraction", 1),
    _row(drawdowns.current_drawdown, "drawdown now", "fraction", 1),
    _row(drawdowns.longest_drawdown_days, "longest drawdown", "days", 1, quantstats=ENDLESS),
    _row(drawdowns.average_drawdown, "mean drawdown", "fraction", 1, "never below the high", ENDLESS),
    _row(drawdowns.average_drawdown_days, "mean drawdown", "days", 1, "never below the high", ENDLESS),
    _row(drawdowns.time_under_water, "time under water", "fraction", 1),
    _row(drawdowns.calmar, "Calmar", "", MONTH, "never below the start or a high", INFINITE),
    _row(drawdowns.ulcer_index, "ulcer index", "fraction", 2),
    _row(drawdowns.ulcer_performance_index, "ulcer performance index", "", MONTH, "never below the high", "0 of a single day"),
    _row(drawdowns.serenity_index, "serenity index", "", MONTH, "never below the high", NOISE),
    _row(drawdowns.recovery_factor, "recovery factor", "", MONTH, "never below the high"),
    _row(returns.gain_to_pain, "gain to pain", "", MONTH, NO_LOSS, sure=True),
    _row(
        periods.gain_to_pain_monthly,
        "gain to pain by month",
        "",
        2 * MONTH,
        "no losing month",
        "a huge number where the days of a month add up to rounding",
    ),
    _row(returns.payoff_ratio, "payoff ratio", "", 2, "no gaining or no losing day", sure=True),
    _row(returns.daily_profit_factor, "profit factor by day", "", 2, NO_LOSS, "infinite, or 0 where nothing was gained either"),
    _row(returns.common_sense_ratio, "common sense ratio", "", MONTH, NO_LOSS, INFINITE),
    _row(returns.cpc_index, "CPC index", "", MONTH, "no gaining or no losing day"),
    _row(returns.tail_ratio, "tail ratio", "", MONTH, "the 5th percentile is 0"),
    _row(returns.outlier_win_ratio, "outlier win ratio", "", MONTH, NO_RESULT),
    _row(returns.outlier_loss_ratio, "outlier loss ratio", "", MONTH, NO_LOSS),
    _row(returns.kelly_criterion, "Kelly criterion", "fraction", MONTH, "no gaining or no losing day"),
    _row(returns.risk_of_ruin, "risk of ruin", "fraction", MONTH, NO_RESULT, "certain ruin where no day has a result"),
    _row(returns.skew, "skew", "", MONTH, NO_SPREAD, quantstats="0 where every day is alike"),
    _row(returns.kurtosis, "kurtosis", "", MONTH, NO_SPREAD, quantstats="0 where every day is alike"),
    _row(returns.expected_daily, "expected day", "fraction", 1, "more than everything was lost", sure=True),
    _row(periods.expected_monthly, "expected month", "fraction", MONTH, "more than everything was lost"),
    _row(periods.expected_yearly, "expected year", "fraction", 365, "more than everything was lost"),
    _row(returns.best_day, "best day", "fraction", 1),
    _row(returns.worst_day, "worst day", "fraction", 1),
    _row(periods.best_month, "best month", "fraction", MONTH),
    _row(periods.worst_month, "worst month", "fraction", MONTH),
    _row(periods.best_year, "best year", "fraction", 365),
    _row(periods.worst_year, "worst year", "fraction", 365),
    _row(returns.average_return, "mean day with a result", "fraction", 1, NO_RESULT),
    _row(returns.average_win, "mean gaining day", "fraction", 1, "no gaining day"),
    _row(returns.average_loss, "mean losing day", "fraction", 1, NO_LOSS),
    _row(periods.average_up_month, "mean gaining month", "fraction", 2 * MONTH, "no gaining month"),
    _row(periods.average_down_month, "mean losing month", "fraction", 2 * MONTH, "no losing month"),
    _row(
        returns.value_at_risk,
        "value at risk, 95 %",
        "fraction",
        MONTH,
        NO_SPREAD,
        quantstats="the mean where every day is alike",
    ),
    _row(returns.expected_shortfall, "expected shortfall, 95 %", "fraction", MONTH, quantstats="of a single day that day"),
    _row(returns.win_days, "winning days", "fraction", 1, NO_RESULT, RUIN),
    _row(periods.win_months, "winning months", "fraction", 2 * MONTH, NO_RESULT, RUIN),
    _row(periods.win_quarters, "winning quarters", "fraction", 180, NO_RESULT, RUIN),
    _row(periods.win_years, "winning years", "fraction", 365, NO_RESULT, RUIN),
    _row(returns.consecutive_wins, "most gaining days in a row", "days", 1),
    _row(returns.consecutive_losses, "most losing days in a row", "days", 1),
    _row(returns.time_in_market, "time in market", "fraction", 1, quantstats="a percent more where rounding spills over"),
)


def tear_sheet(daily: Daily) -> tuple[Figure, ...]:
    """Return the figures of a series of daily returns."""
    return figures(TEAR_SHEET, daily, len(daily), "days")
