"""Every row of the tear sheet against quantstats: a thousand random series and degenerate ones, and what that library gets wrong."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache
from itertools import islice
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from core.metrics.described import markdown
from core.metrics.drawdowns import below_high
from core.metrics.figures import figure
from core.metrics.returns import DAYS, Daily
from core.metrics.tear_sheet import TEAR_SHEET, tear_sheet
from core.units import FloatArray
from tests.conftest import ROOT

FIRST = date(2026, 1, 20).toordinal()
N_SERIES, SAMPLE = 1_000, 40
CLOSE = 1e-9
ROWS = {row.name: row for row in TEAR_SHEET}


@cache
def quantstats() -> ModuleType:
    """Return its module of statistics; importing it takes seconds and warns of what is not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from quantstats import stats

    found: ModuleType = stats
    return found


def drawdown_table(series: pd.Series) -> pd.DataFrame:
    stats = quantstats()
    found: pd.DataFrame = stats.drawdown_details(stats.to_drawdown_series(series))
    return found


# What its tear sheet prints in each row: the same call with 365 days a year.
THEIRS: Mapping[str, Callable[[pd.Series], float]] = {
    "total_return": lambda s: quantstats().comp(s),
    "cagr": lambda s: quantstats().cagr(s, periods=DAYS),
    "sharpe": lambda s: quantstats().sharpe(s, periods=DAYS),
    "probabilistic_sharpe": lambda s: quantstats().probabilistic_sharpe_ratio(s, 0.0, DAYS, False),
    "smart_sharpe": lambda s: quantstats().smart_sharpe(s, periods=DAYS),
    "sortino": lambda s: quantstats().sortino(s, periods=DAYS),
    "smart_sortino": lambda s: quantstats().smart_sortino(s, periods=DAYS),
    "adjusted_sortino": lambda s: quantstats().adjusted_sortino(s, periods=DAYS),
    "omega": lambda s: quantstats().omega(s, 0.0, 0.0, DAYS),
    "volatility": lambda s: quantstats().volatility(s, DAYS),
    "max_drawdown": lambda s: quantstats().max_drawdown(s),
    "current_drawdown": lambda s: quantstats().to_drawdown_series(s).iloc[-1],
    "longest_drawdown_days": lambda s: drawdown_table(s)["days"].max(),
    "average_drawdown": lambda s: drawdown_table(s)["max drawdown"].mean() / 100,
    "average_drawdown_days": lambda s: drawdown_table(s)["days"].mean(),
    "time_under_water": lambda s: (quantstats().to_drawdown_series(s) < 0).mean(),
    "calmar": lambda s: quantstats().calmar(s, periods=DAYS),
    "ulcer_index": lambda s: quantstats().ulcer_index(s),
    "ulcer_performance_index": lambda s: quantstats().ulcer_performance_index(s),
    "serenity_index": lambda s: quantstats().serenity_index(s),
    "recovery_factor": lambda s: quantstats().recovery_factor(s),
    "gain_to_pain": lambda s: quantstats().gain_to_pain_ratio(s),
    "gain_to_pain_monthly": lambda s: quantstats().gain_to_pain_ratio(s, resolution="ME"),
    "payoff_ratio": lambda s: quantstats().payoff_ratio(s),
    "daily_profit_factor": lambda s: quantstats().profit_factor(s),
    "common_sense_ratio": lambda s: quantstats().common_sense_ratio(s),
    "cpc_index": lambda s: quantstats().cpc_index(s),
    "tail_ratio": lambda s: quantstats().tail_ratio(s),
    "outlier_win_ratio": lambda s: quantstats().outlier_win_ratio(s),
    "outlier_loss_ratio": lambda s: quantstats().outlier_loss_ratio(s),
    "kelly_criterion": lambda s: quantstats().kelly_criterion(s),
    "risk_of_ruin": lambda s: quantstats().risk_of_ruin(s),
    "skew": lambda s: quantstats().skew(s),
    "kurtosis": lambda s: quantstats().kurtosis(s),
    "expected_daily": lambda s: quantstats().expected_return(s),
    "expected_monthly": lambda s: quantstats().expected_return(s, aggregate="ME"),
    "expected_yearly": lambda s: quantstats().expected_return(s, aggregate="YE"),
    "best_day": lambda s: quantstats().best(s),
    "worst_day": lambda s: quantstats().worst(s),
    "best_month": lambda s: quantstats().best(s, aggregate="ME"),
    "worst_month": lambda s: quantstats().worst(s, aggregate="ME"),
    "best_year": lambda s: quantstats().best(s, aggregate="YE"),
    "worst_year": lambda s: quantstats().worst(s, aggregate="YE"),
    "average_return": lambda s: quantstats().avg_return(s),
    "average_win": lambda s: quantstats().avg_win(s),
    "average_loss": lambda s: quantstats().avg_loss(s),
    "average_up_month": lambda s: quantstats().avg_win(s, aggregate="ME"),
    "average_down_month": lambda s: quantstats().avg_loss(s, aggregate="ME"),
    "value_at_risk": lambda s: quantstats().value_at_risk(s),
    "expected_shortfall": lambda s: quantstats().conditional_value_at_risk(s),
    "win_days": lambda s: quantstats().win_rate(s),
    "win_months": lambda s: quantstats().win_rate(s, aggregate="ME"),
    "win_quarters": lambda s: quantstats().win_rate(s, aggregate="QE"),
    "win_years": lambda s: quantstats().win_rate(s, aggregate="YE"),
    "consecutive_wins": lambda s: quantstats().consecutive_wins(s),
    "consecutive_losses": lambda s: quantstats().consecutive_losses(s),
    "time_in_market": lambda s: quantstats().exposure(s),
}


def series(kind: int, n: int, seed: int) -> FloatArray:
    """Return returns of one of six laws: normal, fat tails, mostly quiet days, a trend, rounded, wild."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(n) * 0.01 + 0.0005
    if kind == 1:
        values = np.clip(rng.standard_t(3, n) * 0.02, -0.9, 0.9)
    elif kind == 2:
        values = np.where(rng.random(n) < 0.7, 0.0, values)
    elif kind == 3:
        values = 0.7 * np.concatenate([[0.0], values[:-1]]) + values
    elif kind == 4:
        values = np.round(values, 2)
    elif kind == 5:
        values = np.clip(rng.standard_normal(n) * 0.2, -0.95, 0.95)
    return values


def random_series() -> Iterator[FloatArray]:
    rng = np.random.default_rng(20_240_816)
    for number in range(N_SERIES):
        yield series(number % 6, int(rng.choice([2, 3, 4, 7, 30, 90, 365, 500])), number)


DEGENERATE: Mapping[str, FloatArray] = {
    "one gain": np.array([0.02]),
    "one loss": np.array([-0.02]),
    "one empty day": np.zeros(1),
    "all zeros": np.zeros(40),
    "constant gain": np.full(40, 0.01),
    "constant loss": np.full(40, -0.01),
    "all losses": -np.abs(series(0, 40, 5)),
    "all gains": np.abs(series(0, 40, 6)),
    "one loss among zeros": np.concatenate([np.zeros(20), [-0.03], np.zeros(19)]),
    "one gain among zeros": np.concatenate([np.zeros(20), [0.03], np.zeros(19)]),
    "two days": np.array([0.01, -0.01]),
    "everything lost": np.array([0.01, -1.0, 0.0, 0.0]),
    "down from the first day": np.concatenate([[-0.05], np.full(39, 0.0001)]),
    "up and down": np.tile([0.01, -0.01], 20),
}


def daily(values: FloatArray) -> Daily:
    return Daily(np.arange(FIRST, FIRST + len(values)), values)


def ours(name: str, values: FloatArray) -> float | None:
    """Return what the row's function says, whatever the least number of days."""
    found = figure(ROWS[name], daily(values), 10**6)
    return found.value


def theirs(name: str, values: FloatArray) -> float | None:
    """Return what quantstats says; None for no number, infinity or an exception."""
    days = pd.Series(values, index=pd.date_range(date.fromordinal(FIRST), periods=len(values)))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            found = float(THEIRS[name](days))
        except (ArithmeticError, ValueError, IndexError, KeyError):
            return None
    return found if math.isfinite(found) else None


def alike(mine: float | None, other: float | None) -> bool:
    if mine is None or other is None:
        return mine is other
    return math.isclose(mine, other, rel_tol=CLOSE, abs_tol=CLOSE)


# Where that library answers otherwise on purpose or by mistake: by row, the degenerate series on which it does.
ALIKE, ONE_DAY, EMPTY = (
    ("constant gain", "constant loss"),
    ("one gain", "one loss", "one empty day"),
    ("one empty day", "all zeros"),
)
FIRST_DAY = ("one loss", "constant loss", "all losses", "down from the first day")
NEVER = (*EMPTY, "one gain", "constant gain", "all gains", "one gain among zeros")
APART: Mapping[str, tuple[str, ...]] = {
    "sharpe": ALIKE, "smart_sharpe": ALIKE, "probabilistic_sharpe": (), "smart_sortino": ALIKE[1:], "serenity_index": ALIKE[1:],
    "longest_drawdown_days": (*FIRST_DAY, *NEVER), "average_drawdown": FIRST_DAY, "average_drawdown_days": FIRST_DAY,
    "calmar": (), "ulcer_performance_index": ("one loss",), "gain_to_pain_monthly": (), "common_sense_ratio": (),
    "daily_profit_factor": EMPTY, "risk_of_ruin": EMPTY, "skew": (), "kurtosis": (), "value_at_risk": ALIKE,
    "expected_shortfall": ONE_DAY, "win_days": EMPTY, "win_months": EMPTY, "win_quarters": EMPTY, "win_years": EMPTY,
    "time_in_market": (),
}  # fmt: skip
OF_DRAWDOWNS = ("longest_drawdown_days", "average_drawdown", "average_drawdown_days")


def explained(name: str, values: FloatArray) -> bool:
    """Return whether a difference on a random series is one that the row names."""
    if name in OF_DRAWDOWNS:
        below = below_high(daily(values)) < 0
        return theirs(name, values) is None and (not below.any() or bool(below[0]))
    if name == "gain_to_pain_monthly":
        months = pd.Series(values, index=pd.date_range(date.fromordinal(FIRST), periods=len(values))).resample("ME").sum()
        return bool((months.abs() < 1e-15).any())
    return not values.any() and APART.get(name) == EMPTY


def differences(some: Iterator[FloatArray]) -> list[tuple[str, FloatArray]]:
    return [
        (name, values)
        for values in some
        for name in THEIRS
        if not alike(ours(name, values), theirs(name, values)) and not explained(name, values)
    ]


def test_every_row_has_its_counterpart() -> None:
    assert ROWS.keys() == THEIRS.keys()
    assert len(ROWS) == len(TEAR_SHEET)


def test_rows_are_those_of_quantstats_on_random_series() -> None:
    """A sample of the thousand; `python -m tests.core.test_tear_sheet` compares all of them."""
    assert differences(islice(random_series(), 0, None, N_SERIES // SAMPLE)) == []


@pytest.mark.parametrize("kind", DEGENERATE)
def test_degenerate_series_differ_only_where_the_row_says_so(kind: str) -> None:
    values = DEGENERATE[kind]
    apart = {name for name in THEIRS if not alike(ours(name, values), theirs(name, values))}

    assert apart == {name for name, kinds in APART.items() if kind in kinds}


def test_rows_that_differ_say_what_quantstats_answers() -> None:
    assert [name for name in APART if not ROWS[name].quantstats] == []


def test_constant_days_have_no_sharpe_ratio() -> None:
    """quantstats says 36,249,100,103,771,040: mean over the rounding of a mean."""
    assert ours("sharpe", DEGENERATE["constant gain"]) is None
    assert abs(theirs("sharpe", DEGENERATE["constant gain"]) or 0.0) > 1e15


def test_few_days_are_not_carried_on_to_a_year() -> None:
    found = {one.name: one for one in tear_sheet(daily(series(0, 12, 1)))}

    assert found["sharpe"].value is None
    assert found["sharpe"].reason == "not enough data (12 of 30 days)"
    assert found["best_day"].value is not None


def test_intervals_hold_the_figure_from_thirty_days_on() -> None:
    found = {one.name: one for one in tear_sheet(daily(series(0, 60, 1)))}

    sharpe = found["sharpe"]
    assert sharpe.value is not None
    assert sharpe.low is not None
    assert sharpe.high is not None
    assert sharpe.low < sharpe.value < sharpe.high
    assert found["max_drawdown"].low is None


def test_every_row_has_a_definition_in_one_sentence() -> None:
    assert [
        row.name for row in TEAR_SHEET if not row.definition.startswith("Return ") or not row.definition.endswith(".")
    ] == []


def test_the_page_of_metrics_is_made_from_the_tables() -> None:
    made = (ROOT / "docs" / "metrics.md").read_text("utf-8")

    assert made == markdown(), "run: python -m core.metrics.described > docs/metrics.md"


def test_drawdown_counts_from_the_start_not_from_the_first_day() -> None:
    """Trap: a curve that begins at its first value hides the loss of the first day."""
    assert ours("max_drawdown", np.array([-0.1, 0.05])) == pytest.approx(-0.1)


if __name__ == "__main__":
    found = differences(random_series())
    told = f"{N_SERIES:,} random series, {len(THEIRS)} rows each, tolerance {CLOSE}: {len(found)} differences that no row names"
    lines = [f"{name} {ours(name, values)} {theirs(name, values)} {values[:10]}" for name, values in found]
    sys.stdout.write("\n".join([told, *lines, ""]))
