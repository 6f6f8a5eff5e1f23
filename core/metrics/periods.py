"""Figures of calendar months, quarters and years of daily returns: returns inside a period are compounded."""

from __future__ import annotations

from datetime import date

import numpy as np

from core.metrics.returns import Daily, average_loss, average_win, gain_to_pain, geometric, share_won
from core.units import FloatArray, IntArray

MONTHS = {"month": 1, "quarter": 3, "year": 12}
NOTHING = 1e-12  # a month whose days add up to less is rounding


def period_of(ordinal: IntArray, length: int) -> IntArray:
    """Return the number of the calendar period of each day, `length` in months, shape (n,)."""
    days = [date.fromordinal(int(each)) for each in ordinal]
    return np.array([(day.year * 12 + day.month - 1) // length for day in days], np.int64)


def compounded(daily: Daily, length: int) -> FloatArray:
    """Return the return of each calendar period in which a day lies, oldest first [fraction], shape (n_periods,)."""
    if not len(daily):
        return np.empty(0)
    period = period_of(daily.ordinal, length)
    starts: IntArray = np.flatnonzero(np.concatenate([[True], period[1:] != period[:-1]]))
    grown: FloatArray = np.multiply.reduceat(1.0 + daily.value, starts) - 1.0
    return grown


def best_month(daily: Daily) -> float | None:
    """Return the best calendar month [fraction]."""
    return _extreme(daily, "month", best=True)


def worst_month(daily: Daily) -> float | None:
    """Return the worst calendar month [fraction]."""
    return _extreme(daily, "month", best=False)


def best_year(daily: Daily) -> float | None:
    """Return the best calendar year [fraction]."""
    return _extreme(daily, "year", best=True)


def worst_year(daily: Daily) -> float | None:
    """Return the worst calendar year [fraction]."""
    return _extreme(daily, "year", best=False)


def expected_monthly(daily: Daily) -> float | None:
    """Return the geometric mean of calendar months [fraction a month]."""
    return geometric(compounded(daily, MONTHS["month"]))


def expected_yearly(daily: Daily) -> float | None:
    """Return the geometric mean of calendar years [fraction a year]."""
    return geometric(compounded(daily, MONTHS["year"]))


def win_months(daily: Daily) -> float | None:
    """Return the share of gaining months among those with a result [fraction]."""
    return share_won(compounded(daily, MONTHS["month"]))


def win_quarters(daily: Daily) -> float | None:
    """Return the share of gaining quarters among those with a result [fraction]."""
    return share_won(compounded(daily, MONTHS["quarter"]))


def win_years(daily: Daily) -> float | None:
    """Return the share of gaining years among those with a result [fraction]."""
    return share_won(compounded(daily, MONTHS["year"]))


def average_up_month(daily: Daily) -> float | None:
    """Return the mean gaining month [fraction]."""
    return average_win(_by_month(daily))


def average_down_month(daily: Daily) -> float | None:
    """Return the mean losing month [fraction, below 0]."""
    return average_loss(_by_month(daily))


def gain_to_pain_monthly(daily: Daily) -> float | None:
    """Return the sum of all months over the sum of losing months, the days of a month added up."""
    if not len(daily):
        return None
    _, month = np.unique(period_of(daily.ordinal, MONTHS["month"]), return_inverse=True)
    added = np.bincount(month, weights=daily.value).astype(np.float64)
    return gain_to_pain(Daily(np.arange(len(added), dtype=np.int64), np.where(np.abs(added) < NOTHING, 0.0, added)))


def _by_month(daily: Daily) -> Daily:
    months = compounded(daily, MONTHS["month"])
    return Daily(np.arange(len(months), dtype=np.int64), months)


def _extreme(daily: Daily, name: str, *, best: bool) -> float | None:
    found = compounded(daily, MONTHS[name])
    return float(found.max() if best else found.min()) if len(found) else None
