"""From books to a distribution, and into the pool."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from agents.weather.market import implied, implied_normal, mid_prices, power_devig
from agents.weather.pool import log_pool

NAN = float("nan")


def mid(bid: float, bid_size: float, ask: float, ask_size: float, age: float = 0.0) -> float:
    return float(mid_prices(*(np.array(value) for value in (bid, bid_size, ask, ask_size, age))))


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        ((0.40, 100, 0.44, 100), 0.42),
        ((0.40, 300, 0.44, 100), 0.43),  # many bids, few asks: the price leans up
        ((NAN, 0, 0.02, 100), 0.01),
        ((0.96, 100, NAN, 0), 0.98),
        ((0.40, 300, 0.44, 100, 601), 0.42),  # old: sizes say nothing
    ],
)
def test_the_middle_of_a_book(quote: tuple[float, ...], expected: float) -> None:
    assert mid(*quote) == pytest.approx(expected)


def test_an_empty_book_has_no_middle() -> None:
    assert np.isnan(mid(NAN, 0, NAN, 0))


@given(st.lists(st.floats(0.001, 0.98), min_size=2, max_size=11))
def test_the_power_makes_any_prices_sum_to_one(prices: list[float]) -> None:
    found = power_devig(np.array(prices))

    assert found.sum() == pytest.approx(1.0, abs=1e-9)
    order = np.argsort(prices, kind="stable")
    assert (np.diff(found[order]) >= 0).all()


def test_the_power_takes_more_off_long_shots() -> None:
    prices = np.array([0.70, 0.30, 0.05])

    found = power_devig(prices)

    assert found[2] / 0.05 < found[0] / 0.70 < 1


def test_prices_that_sum_to_one_are_probabilities_already() -> None:
    prices = np.array([0.1, 0.2, 0.3, 0.4])

    assert power_devig(prices) == pytest.approx(prices, abs=1e-12)


def test_padding_and_company_change_no_bit_of_the_power() -> None:
    prices = np.random.default_rng(1).uniform(0.01, 0.5, (20, 9))

    together = power_devig(np.c_[prices, np.zeros((20, 2))])

    assert all(np.array_equal(power_devig(row), wide[:9]) for row, wide in zip(prices, together, strict=True))


def test_a_live_bracket_without_a_price_silences_the_market_and_a_dead_one_does_not() -> None:
    price, exists = np.array([[NAN, 0.3, 0.3]]), np.ones((1, 3), bool)

    blind = implied(price, exists, np.zeros((1, 3), bool))
    seeing = implied(price, exists, np.array([[True, False, False]]))

    assert np.isnan(blind).all()
    assert seeing[0, 0] < 0.02
    assert seeing.sum() == pytest.approx(1.0)


def test_a_far_bracket_that_nobody_quotes_counts_half_a_cent() -> None:
    price, exists = np.array([[NAN, 0.5, 0.48]]), np.ones((1, 3), bool)

    found = implied(price, exists, np.zeros((1, 3), bool))

    assert 0.0 < found[0, 0] < 0.01
    assert found.sum() == pytest.approx(1.0)


def test_the_implied_normal_of_a_normal_is_itself() -> None:
    edges = np.array([67.5, 69.5, 71.5, 73.5, 75.5, 77.5, np.inf])
    mass = np.diff(np.r_[0.0, ndtr((edges - 72.4) / 2.2)])

    mean, sd = implied_normal(mass, edges)

    assert float(mean) == pytest.approx(72.4, abs=1e-9)
    assert float(sd) == pytest.approx(2.2, abs=1e-9)


def test_the_pool_lies_between_model_and_market() -> None:
    model, market = np.array([[0.1, 0.3, 0.6]]), np.array([[0.3, 0.4, 0.3]])

    pooled, heard = log_pool(model, market, 0.3)

    weights = model**0.3 * market**0.7
    assert pooled == pytest.approx(weights / weights.sum(), abs=1e-12)
    assert heard.all()


@pytest.mark.parametrize(("weight", "same_as"), [(0.0, 1), (1.0, 0)])
def test_the_ends_of_the_weight_are_one_of_both(weight: float, same_as: int) -> None:
    both = np.array([[0.1, 0.3, 0.6]]), np.array([[0.3, 0.4, 0.3]])

    assert log_pool(*both, weight)[0] == pytest.approx(both[same_as])


def test_without_a_market_the_model_stands_alone_and_says_so() -> None:
    model = np.array([[0.1, 0.3, 0.6]])

    pooled, heard = log_pool(model, np.full((1, 3), NAN), 0.3)

    assert np.array_equal(pooled, model)
    assert not heard.any()


def test_what_one_rules_out_the_pool_rules_out() -> None:
    pooled, _ = log_pool(np.array([[0.0, 0.4, 0.6]]), np.array([[0.2, 0.4, 0.4]]), 0.3)

    assert pooled[0, 0] == 0.0
    assert pooled.sum() == pytest.approx(1.0)
