"""What may be said of a record, what prices did after a trade, and how often resting orders were filled."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.metrics.claims import claim_of_return, sharpe_of_dates
from core.metrics.edges import fill_calibration, moved, moved_logit, realised_slope, slope_interval
from core.metrics.events import Events
from core.metrics.trading import deflated_sharpe, luckiest_sharpe, wilson_lower_bound
from tests.core.test_netting import events


def record(n: int, per_date: int, mean: float, seed: int = 1) -> Events:
    """Return events of one R of spread, some on each date."""
    found = events(np.random.default_rng(seed).normal(mean, 1.0, n).tolist())
    return Events(found.money, 740_000 + np.arange(n) // per_date, found.entered_at, found.decided_at)


@pytest.mark.parametrize(
    ("wins", "n", "bound"), [(8, 10, 0.4902), (55, 100, 0.4524), (60, 100, 0.5020), (550, 1000, 0.5190), (20, 20, 0.8389)]
)
def test_wilson_is_that_of_the_published_values(wins: int, n: int, bound: float) -> None:
    """SCIENCE 5.4."""
    assert wilson_lower_bound(wins, n) == pytest.approx(bound, abs=5e-5)


def test_deflated_sharpe_is_that_of_the_paper() -> None:
    """SCIENCE 5.4: yearly 2.5 over 1,250 days, 100 trials of yearly variance a half, skew −3, kurtosis 10."""
    daily, variance = 2.5 / math.sqrt(250), 0.5 / 250

    assert luckiest_sharpe(variance, 100) == pytest.approx(0.113172, abs=5e-7)
    assert deflated_sharpe(daily, 1_250, -3.0, 10.0, variance, 100) == pytest.approx(0.900397, abs=5e-7)


def test_few_events_or_dates_say_how_many_are_missing() -> None:
    assert claim_of_return(record(50, 1, 1.0)) == "not enough data (50 of 300 trades, 50 of 60 dates)"
    assert claim_of_return(record(320, 8, 1.0)) == "not enough data (40 of 60 dates)"


def test_enough_events_without_an_edge_are_not_told_from_luck() -> None:
    assert claim_of_return(record(320, 4, 1.0)) == "enough"
    assert claim_of_return(record(320, 4, 0.0)).startswith("not told from luck")


def test_a_variant_that_was_chosen_among_many_has_more_to_show() -> None:
    found = record(320, 4, 0.1, seed=5)
    alone, chosen = sharpe_of_dates(found), sharpe_of_dates(found, trials=50, variance=0.02)

    assert alone is not None
    assert chosen is not None
    assert chosen < alone


def test_dates_that_are_all_alike_have_no_sharpe_ratio() -> None:
    assert sharpe_of_dates(events([0.5] * 40)) is None


def test_prices_move_our_way_up_after_a_purchase_and_down_after_a_sale() -> None:
    price, later, bought = np.array([0.3, 0.3]), np.array([0.35, 0.35]), np.array([True, False])

    assert moved(price, later, bought).tolist() == pytest.approx([0.05, -0.05])
    odds = math.log(0.35 / 0.65) - math.log(0.3 / 0.7)
    assert moved_logit(price, later, bought).tolist() == pytest.approx([odds, -odds])
    assert math.isfinite(moved_logit(np.array([0.0]), np.array([1.0]), np.array([True]))[0])


def test_the_slope_runs_through_the_origin() -> None:
    """Claims of 1 and 2 of which 0.5 and 1 came: slope a half; what was not claimed is left out."""
    claimed, realised = np.array([1.0, 2.0, np.nan]), np.array([0.5, 1.0, 9.0])

    assert realised_slope(claimed, realised) == (0.5, 2)
    assert slope_interval(claimed, realised, np.arange(3)) is None
    assert math.isnan(realised_slope(np.zeros(2), np.ones(2))[0])


def test_resting_orders_are_counted_by_what_was_stated() -> None:
    stated, filled = np.array([0.1, 0.15, 0.9, 1.0]), np.array([False, True, True, True])

    low, high = fill_calibration(stated, filled)

    assert (low.low, low.n, low.filled, low.stated) == (0.0, 2, 0.5, 0.125)
    assert (high.high, high.n, high.filled) == (1.0, 2, 1.0)
    assert high.low_filled == pytest.approx(wilson_lower_bound(2, 2))
