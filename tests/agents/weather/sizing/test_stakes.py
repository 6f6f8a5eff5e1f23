"""Stakes at one price a side against closed forms, and their bits."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.weather.sizing.growth import growth_of
from agents.weather.sizing.stakes import stakes, worth_alone
from core.units import FloatArray
from tests.agents.weather.sizing.closed_form import fractions


def events(seed: int, n_events: int, n: int = 9, bias: float = 1.0) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return beliefs and two-sided prices of a market that thinks a bit otherwise."""
    chance = np.random.default_rng(seed)
    probability = chance.dirichlet(np.full(n, 1.2), n_events)
    market = probability * np.exp(bias * chance.normal(0, 0.4, probability.shape))
    market /= market.sum(-1, keepdims=True)
    yes, no = market + 0.015, 1 - market + 0.015
    return probability, np.where(yes < 0.99, yes, np.nan), np.where(no < 0.995, no, np.nan)


def grown(probability: FloatArray, yes: FloatArray, no: FloatArray, f_yes: FloatArray, f_no: FloatArray) -> FloatArray:
    bought, against = np.where(f_yes > 0, f_yes / yes, 0.0), np.where(f_no > 0, f_no / no, 0.0)
    cash = 1.0 - f_yes.sum(-1, keepdims=True) - f_no.sum(-1, keepdims=True)
    return growth_of(probability, cash + bought + against.sum(-1, keepdims=True) - against)


def test_yes_alone_grows_as_the_closed_form() -> None:
    chance = np.random.default_rng(1)
    probability = chance.dirichlet(np.ones(9), 400)
    cost = chance.dirichlet(np.ones(9), 400) * chance.uniform(1.0, 1.2, (400, 1))
    none = np.full_like(cost, np.nan)

    found = stakes(probability, cost, none)

    oracle = fractions(probability, cost)
    assert (found.growth >= grown(probability, cost, none, oracle, np.zeros_like(oracle)) - 1e-8).all()


def affordable(seed: int, n_events: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return events whose optimum costs less than all wealth."""
    drawn = events(seed, n_events)
    found = stakes(*drawn)
    cheap = (found.yes + found.no).sum(-1) < 0.999
    assert cheap.sum() > n_events / 4
    probability, yes, no = (part[cheap] for part in drawn)
    return probability, yes, no


def test_no_single_step_improves_what_was_found() -> None:
    probability, yes, no = affordable(2, 200)
    found = stakes(probability, yes, no)

    for side, price in ((0, yes), (1, no)):
        for step in (1e-4, -1e-4):
            for bracket in range(9):
                f = [found.yes.copy(), found.no.copy()]
                moved = np.maximum(f[side][:, bracket] + step, 0.0)
                f[side][:, bracket] = np.where(np.isnan(price[:, bracket]), 0.0, moved)
                assert (grown(probability, yes, no, f[0], f[1]) <= found.growth + 1e-10).all()


def test_nothing_is_borrowed() -> None:
    """Several NO tie up a dollar each: the optimum of some events costs more than there is."""
    found = stakes(*events(8, 300, bias=2.0))
    spent = (found.yes + found.no).sum(-1)

    assert (spent <= 1.0 + 1e-12).all()
    assert (spent > 1.0 - 1e-6).any()
    assert (found.growth >= 0.0).all()


def test_yes_and_no_of_one_bracket_are_never_held_together() -> None:
    found = stakes(*events(3, 300))

    assert not ((found.yes > 1e-9) & (found.no > 1e-9)).any()
    assert ((found.yes >= 0) & (found.no >= 0)).all()


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_a_row_has_the_same_bits_in_any_company(size: int) -> None:
    probability, yes, no = events(4, 64, bias=3.0)
    yes[::5] *= 0.8  # some rows end in an arbitrage

    together = stakes(probability, yes, no)

    for i in range(0, 64, size):
        part = stakes(probability[i : i + size], yes[i : i + size], no[i : i + size])
        for name in ("yes", "no", "growth"):
            assert np.array_equal(getattr(part, name), getattr(together, name)[i : i + size]), name


def test_padding_changes_no_bit() -> None:
    probability, yes, no = events(6, 20)
    pad = np.full((20, 3), np.nan)

    wide = stakes(np.c_[probability, np.zeros((20, 3))], np.c_[yes, pad], np.c_[no, pad])

    narrow = stakes(probability, yes, no)
    assert np.array_equal(wide.yes[:, :9], narrow.yes)
    assert np.array_equal(wide.no[:, :9], narrow.no)


@given(st.integers(0, 10_000), st.floats(0.05, 1.0))
@settings(max_examples=60, deadline=None)
def test_a_share_of_kelly_is_kelly_on_a_belief_shrunk_to_the_market(seed: int, share: float) -> None:
    """SCIENCE 4.5: without a margin, lambda x Kelly is full Kelly on lambda p + (1 - lambda) q."""
    chance = np.random.default_rng(seed)
    probability, market = chance.dirichlet(np.full(5, 2.0), 2)
    none = np.full((1, 5), np.nan)

    full = stakes(probability[None], market[None], none)
    shrunk = stakes((share * probability + (1 - share) * market)[None], market[None], none)

    bought = np.stack([full.yes / market, full.no])[0, 0]
    wealth = 1 - share * full.yes.sum() + share * bought
    held = 1 - shrunk.yes.sum() + (shrunk.yes / market)[0]
    assert held == pytest.approx(wealth, abs=1e-7)


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_growth_without_a_margin_is_the_distance_of_the_beliefs(seed: int) -> None:
    """SCIENCE 3.3: KL(p || q)."""
    probability, market = np.random.default_rng(seed).dirichlet(np.full(6, 2.0), 2)

    found = stakes(probability[None], market[None], np.full((1, 6), np.nan))

    assert found.growth[0] == pytest.approx(float(np.sum(probability * np.log(probability / market))), abs=1e-10)


FEES = (0.0, 0.02, 0.05, 0.1)


def test_a_higher_fee_never_stakes_more_of_yes() -> None:
    probability, yes, _ = events(7, 100)
    none = np.full_like(yes, np.nan)

    spent = [stakes(probability, yes + fee * yes * (1 - yes), none).yes.sum(-1) for fee in FEES]

    assert all((dearer <= cheaper + 1e-9).all() for cheaper, dearer in pairwise(spent))


def test_a_higher_fee_never_grows_faster() -> None:
    probability, yes, no = events(7, 100)

    grows = [stakes(probability, yes + fee * yes * (1 - yes), no + fee * no * (1 - no)).growth for fee in FEES]

    assert all((dearer <= cheaper + 1e-12).all() for cheaper, dearer in pairwise(grows))


def test_an_event_without_an_opinion_or_a_price_gets_nothing() -> None:
    nan = np.full((1, 3), np.nan)

    assert not stakes(nan, np.full((1, 3), 0.2), nan).yes.any()
    assert not stakes(np.array([[0.2, 0.3, 0.5]]), nan, nan).yes.any()


def test_a_leg_alone_is_worth_its_distance() -> None:
    assert worth_alone(np.array(0.6), np.array(0.5)) == pytest.approx(0.6 * np.log(1.2) + 0.4 * np.log(0.8))
    assert worth_alone(np.array([0.4, 0.5]), np.array([0.5, np.nan])).tolist() == [0.0, 0.0]
