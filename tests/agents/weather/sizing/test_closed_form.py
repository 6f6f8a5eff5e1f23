"""Published vectors, and both sides against YES alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.units import FloatArray
from tests.agents.weather.sizing.closed_form import fractions, holdings

P = np.array([0.05, 0.20, 0.40, 0.25, 0.10])
C = np.array([0.06, 0.17, 0.36, 0.27, 0.18])


def growth(probability: FloatArray, cost: FloatArray, stake: FloatArray) -> float:
    return float(np.sum(probability * np.log(1 - stake.sum() + stake / cost)))


@pytest.mark.parametrize(
    ("rate", "expected", "grows"),
    [
        (0.0, (0.007143, 0.078571, 0.142857, 0.057143, 0.0), 0.01264443),
        (0.05, (0.0, 0.045205, 0.075188, 0.005329, 0.0), 0.00556005),
        (0.07, (0.0, 0.037947, 0.061142, 0.0, 0.0), 0.00408333),
    ],
)
def test_stakes_match_the_published_vectors(rate: float, expected: tuple[float, ...], grows: float) -> None:
    """SCIENCE 4.2."""
    cost = C + rate * C * (1 - C)

    stake = fractions(P, cost)

    assert stake == pytest.approx(np.array(expected), abs=1e-6)
    assert growth(P, cost, stake) == pytest.approx(grows, abs=1e-8)


@pytest.mark.parametrize(("rate", "expected"), [(0.0, 0.20), (0.05, 0.1795)])
def test_a_coin_is_staked_as_the_formula_says(rate: float, expected: float) -> None:
    """SCIENCE 4.2: p = .6 at .5."""
    cost = 0.5 + rate * 0.25

    assert fractions(np.array([0.6, 0.4]), np.array([cost, np.nan]))[0] == pytest.approx(expected, abs=5e-5)


ladders = st.integers(2, 9).flatmap(
    lambda n: st.tuples(
        st.lists(st.floats(0.01, 1.0), min_size=n, max_size=n), st.lists(st.floats(0.01, 1.0), min_size=n, max_size=n),
        st.floats(1.0, 1.3),
    )
)  # fmt: skip


def made(drawn: tuple[list[float], list[float], float]) -> tuple[FloatArray, FloatArray]:
    """Return probabilities and costs whose sum is at least 1."""
    weights, prices, over = (np.array(part) for part in drawn)
    return weights / weights.sum(), np.minimum(prices / prices.sum() * over, 0.99)


@given(ladders)
def test_both_sides_without_a_no_are_yes_alone(drawn: tuple[list[float], list[float], float]) -> None:
    probability, cost = made(drawn)
    if cost.sum() < 1.0:
        return

    net = holdings(probability, cost, np.zeros_like(cost))

    assert growth(probability, cost, net * cost) == pytest.approx(
        growth(probability, cost, fractions(probability, cost)), abs=1e-9
    )
    assert (net >= 0).all()


@given(ladders, st.floats(0.0, 0.2))
def test_nothing_is_held_at_fair_prices(drawn: tuple[list[float], list[float], float], spread: float) -> None:
    probability, _ = made(drawn)

    net = holdings(probability, np.minimum(probability * (1 + spread), 1.0), probability * (1 - spread))

    assert net == pytest.approx(np.zeros_like(net), abs=1e-12)


def test_a_no_is_bought_where_the_market_is_too_dear() -> None:
    probability, ask, bid = np.array([0.5, 0.3, 0.2]), np.array([0.55, 0.31, 0.42]), np.array([0.50, 0.28, 0.38])

    net = holdings(probability, ask, bid)

    assert net[2] < 0
