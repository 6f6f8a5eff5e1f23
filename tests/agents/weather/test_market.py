"""From books to a distribution, and into the pool."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import ndtr

from agents.weather import market
from agents.weather.market import DEVIGS, implied, implied_normal, is_fresh, is_placeholder, is_scorable, is_wall, mid_prices
from core.units import FloatArray
from tests.agents.weather.worlds import archive_of, book, event, forecast, listing, look
from tests.flipped import unnoticed

NAN = float("nan")
PRICES = st.lists(st.floats(0.001, 0.98), min_size=2, max_size=11).map(np.array)
every_devig = pytest.mark.parametrize("devig", DEVIGS)


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
        ((0.0, 0, 0.02, 100), 0.01),  # some services write 0 and 1 for nobody
        ((0.40, 100, 1.0, 0), 0.70),
        ((0.40, 0, 0.44, 0), 0.42),  # sizes not told
    ],
)
def test_the_middle_of_a_book(quote: tuple[float, ...], expected: float) -> None:
    assert mid(*quote) == pytest.approx(expected)


@pytest.mark.parametrize(
    "quote", [(NAN, NAN), (0.0, 1.0), (0.001, 0.999), (0.01, 0.99), (NAN, 0.999), (0.001, NAN), (0.05, 0.95)]
)
def test_a_book_of_walls_has_no_middle(quote: tuple[float, float]) -> None:
    assert np.isnan(mid(quote[0], 100, quote[1], 100))
    assert is_wall(*(np.array(price) for price in quote))


@pytest.mark.parametrize("quote", [(NAN, 0.001), (0.996, NAN), (0.996, 0.999), (0.06, 0.95), (0.05, 0.94), (0.2, 0.6)])
def test_whoever_bounds_the_price_has_an_opinion(quote: tuple[float, float]) -> None:
    assert not is_wall(*(np.array(price) for price in quote))


@pytest.mark.parametrize(
    ("quote", "fresh"),
    [((0.4, 0.5, 600.0), True), ((0.4, 0.5, 601.0), False), ((NAN, 0.5, 0.0), False), ((0.4, NAN, 0.0), False),
     ((0.0, 0.5, 0.0), False), ((0.4, 1.0, 0.0), False)],
)  # fmt: skip
def test_a_quote_is_fresh_with_two_sides_and_ten_minutes_at_most(quote: tuple[float, ...], *, fresh: bool) -> None:
    assert bool(is_fresh(*(np.array(value) for value in quote))) is fresh


LIVE = np.ones(5, bool)
OPINION = (np.array([0.01, 0.19, 0.48, 0.2, NAN]), np.array([0.02, 0.23, 0.52, 0.24, 0.001]))


@pytest.mark.parametrize(
    ("bid", "ask"),
    [
        ([NAN] * 5, [NAN] * 5),
        ([0.001] * 5, [0.999] * 5),
        ([0.01, 0.02, 0.01, 0.05, NAN], [0.99, 0.97, NAN, 0.95, 0.99]),
        ([0.15] * 5, [0.25] * 5),  # sums to 1, and says nothing
        ([0.2, 0.3, 0.2, 0.25, 0.3], [0.7, 0.8, 0.75, 0.7, 0.75]),  # middles of 2.5 dollars
    ],
)
def test_quotes_that_are_no_opinion_are_a_placeholder(bid: list[float], ask: list[float]) -> None:
    assert is_placeholder(np.array(bid), np.array(ask), LIVE)


def test_a_market_with_an_opinion_is_no_placeholder() -> None:
    bid, ask = OPINION
    won = np.where(np.arange(5) == 2, 0.996, NAN), np.where(np.arange(5) == 2, 0.999, 0.001)  # New York, 2 July 2026
    coin = np.array([0.4, 0.4]), np.array([0.5, 0.5])

    assert not is_placeholder(bid, ask, LIVE)
    assert not is_placeholder(*won, LIVE)
    assert not is_placeholder(*coin, LIVE[:2])
    assert not is_placeholder(np.full(5, 0.19), np.full(5, 0.21), LIVE)  # the same, but near: somebody means it
    assert not is_placeholder(np.where(LIVE, bid, NAN), np.where(np.arange(5) == 4, NAN, ask), LIVE)  # one wall among opinions


def test_what_dead_brackets_show_says_nothing() -> None:
    bid, ask = OPINION
    live = np.array([False, False, False, False, True])

    assert is_placeholder(bid, np.where(live, NAN, ask), live)
    assert is_placeholder(bid, ask, ~LIVE)
    same = np.array([0.3, 0.15, 0.15, 0.15, 0.3]), np.array([0.32, 0.25, 0.25, 0.25, 0.32])
    assert is_placeholder(*same, np.array([False, True, True, True, False]))
    assert not is_placeholder(*same, LIVE)


def test_an_event_is_scored_against_when_every_live_bracket_is_fresh() -> None:
    bid, ask = OPINION
    quoted, age = np.array([True, True, True, True, False]), np.zeros(5)

    assert is_scorable(bid, ask, age, quoted)
    assert not is_scorable(bid, ask, age, LIVE)  # one side of the last is missing
    assert not is_scorable(bid, ask, np.array([0, 0, 0, 900.0, 0]), quoted)
    assert not is_scorable(np.full(5, 0.15), np.full(5, 0.25), age, LIVE)


def test_no_recorded_ladder_counts_as_a_placeholder(captures: Path) -> None:
    """Ladders of June 2026 from 55 minutes after listing to settled: the limits come from outside of what was seen."""
    quotes = pd.read_csv(captures / "real/markets/polymarket_2026-06_quotes.csv.gz").drop_duplicates()
    ladders = [
        group[["gamma_best_bid", "gamma_best_ask"]].to_numpy().T for _, group in quotes.groupby(["fetched_utc", "event_slug"])
    ]

    silent = [is_placeholder(*ladder, np.ones(ladder.shape[1], bool)) for ladder in ladders]

    assert len(ladders) == 514
    assert not any(silent)


@every_devig
@given(prices=PRICES)
@settings(deadline=None)
def test_whatever_the_vig_the_answer_sums_to_one_and_keeps_the_order(devig: str, prices: FloatArray) -> None:
    found = DEVIGS[devig](prices)

    assert found.sum() == pytest.approx(1.0, abs=1e-9)
    assert (found > 0).all()
    assert (np.diff(found[np.argsort(prices, kind="stable")]) >= -1e-15).all()


@every_devig
@given(prices=PRICES)
@settings(deadline=None)
def test_prices_that_sum_to_one_are_probabilities_already(devig: str, prices: FloatArray) -> None:
    fair = np.maximum(prices / prices.sum(), 0.001)
    fair /= fair.sum()

    assert DEVIGS[devig](fair) == pytest.approx(fair, abs=1e-9)


@every_devig
def test_a_price_moved_to_another_place_takes_its_probability_along(devig: str) -> None:
    prices = np.array([0.05, 0.4, 0.35, 0.2, 0.1])

    assert DEVIGS[devig](prices[::-1])[::-1] == pytest.approx(DEVIGS[devig](prices), abs=1e-13)


@every_devig
def test_padding_and_company_change_no_bit_of_it(devig: str) -> None:
    prices = np.random.default_rng(1).uniform(0.01, 0.5, (20, 9))

    together = DEVIGS[devig](np.c_[prices, np.zeros((20, 2))])

    assert all(np.array_equal(DEVIGS[devig](row), wide[:9]) for row, wide in zip(prices, together, strict=True))
    assert not together[:, 9:].any()


@every_devig
def test_a_missing_price_blinds_its_own_row_alone(devig: str) -> None:
    found = DEVIGS[devig](np.array([[0.5, NAN, 0.3], [0.5, 0.3, 0.3], [0.0, 0.0, 0.0]]))

    assert np.isnan(found[0]).all()
    assert found[1].sum() == pytest.approx(1.0)
    assert not found[2].any()


@given(prices=PRICES, scale=st.floats(1.01, 1.5))
@settings(deadline=None)
def test_the_division_alone_does_not_care_about_the_scale(prices: FloatArray, scale: float) -> None:
    fair = np.clip(prices / prices.sum(), 0.002, 0.6)

    assert DEVIGS["multiplicative"](fair * scale) == pytest.approx(DEVIGS["multiplicative"](fair), abs=1e-12)


@pytest.mark.parametrize("devig", ["power", "shin"])
@given(prices=PRICES, vig=st.floats(1.02, 1.3))
@settings(deadline=None)
def test_the_others_take_more_off_long_shots_the_more_vig_there_is(devig: str, prices: FloatArray, vig: float) -> None:
    fair = np.clip(prices / prices.sum(), 0.01, 0.7)
    shown = fair / fair.sum() * vig
    if shown.max() > 0.99 or np.ptp(shown) < 0.01:
        return

    little, much = DEVIGS[devig](shown / vig * (1 + (vig - 1) / 2)), DEVIGS[devig](shown)

    long_shot, favourite = shown.argmin(), shown.argmax()
    assert much[long_shot] / shown[long_shot] < much[favourite] / shown[favourite]
    assert much[long_shot] <= little[long_shot] + 1e-12
    assert much[favourite] >= little[favourite] - 1e-12


def shin_by_root(prices: FloatArray) -> FloatArray:
    """Shin's formula as it is printed, its z by a root finder."""

    def of(z: float) -> FloatArray:
        return (np.sqrt(z**2 + 4 * (1 - z) * prices**2 / prices.sum()) - z) / (2 * (1 - z))

    return of(brentq(lambda z: of(z).sum() - 1, 0.0, 0.999, xtol=1e-15))


LADDERS = [
    np.array([0.70, 0.30, 0.05]),
    np.array([0.02, 0.07, 0.13, 0.30, 0.35, 0.12, 0.06, 0.03]),
    np.array([0.6, 0.5]),
    np.array([0.9, 0.2, 0.2, 0.1]),
]


def check_shin(module: ModuleType) -> None:
    for prices in LADDERS:
        np.testing.assert_allclose(module.shin_devig(prices), shin_by_root(prices), atol=1e-12)
    np.testing.assert_allclose(module.shin_devig(np.array([0.2, 0.3])), [0.4, 0.6], atol=1e-15)
    assert not module.shin_devig(np.zeros(3)).any()
    assert not module.shin_devig(np.array([0.5, 0.0, 0.6]))[1]


def check_power(module: ModuleType) -> None:
    for prices in [*LADDERS, np.array([0.2, 0.3])]:
        power = brentq(lambda g, prices=prices: (prices**g).sum() - 1, 1e-3, 50, xtol=1e-15)
        np.testing.assert_allclose(module.power_devig(prices), prices**power, atol=1e-12)
    assert not module.power_devig(np.zeros(3)).any()
    assert module.power_devig(np.array([0.5])) == 1.0
    np.testing.assert_array_equal(module.power_devig(np.array([1.0, 0.2])), DEVIGS["power"](np.array([0.9995, 0.2])))
    np.testing.assert_array_equal(module.power_devig(np.array([0.9999, 0.2])), DEVIGS["power"](np.array([0.9995, 0.2])))
    np.testing.assert_allclose(module.multiplicative_devig(np.array([0.2, 0.0, 0.3])), [0.4, 0.0, 0.6], atol=1e-15)


def test_shin_agrees_with_a_root_finder() -> None:
    check_shin(market)


def test_power_agrees_with_a_root_finder() -> None:
    check_power(market)


def test_shin_of_two_outcomes_is_the_additive_correction() -> None:
    """With two outcomes Shin takes half of the vig off each: Strumbelj (2014), Int. J. Forecasting 30, 934-943."""
    assert DEVIGS["shin"](np.array([0.6, 0.5])) == pytest.approx([0.55, 0.45], abs=1e-12)


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


@pytest.mark.parametrize(("half_spread", "heard"), [(0.01, True), (0.05, False), (0.08, False)])
def test_the_same_wide_quote_on_every_bracket_leaves_the_model_without_a_market(
    tmp_path: Path, half_spread: float, *, heard: bool
) -> None:
    """At a cent the same quote everywhere is odd but meant; at ten it is a placeholder, and nothing is traded on it."""
    found, at = event(), datetime(2026, 6, 11, 21, 45, tzinfo=UTC)
    told = [forecast("KLGA", at - back, (25.0, 26.0, 25.5), first=at) for back in (timedelta(minutes=15), timedelta(0))]
    shown = book(found, at, [0.09] * 11, half_spread=half_spread)

    believed = look(archive_of(tmp_path, [listing(found), *told, shown]), at)

    assert bool(believed.heard[0, 0]) is heard
    assert np.isfinite(believed.p_market[0, 0]).all() == heard
    assert heard or not believed.wanted.any()


@every_devig
def test_the_implied_distribution_comes_by_any_row_of_the_table(devig: str) -> None:
    price = np.array([[0.1, 0.5, 0.48]])

    found = implied(price, np.ones((1, 3), bool), np.zeros((1, 3), bool), devig=devig)

    assert np.array_equal(found, DEVIGS[devig](price))


def check_quotes(module: ModuleType) -> None:
    """What the tests above say of quotes, in short, for a module that may be wrong."""
    opinion = OPINION
    assert module.is_placeholder(np.full(5, 0.15), np.full(5, 0.25), LIVE)
    assert not module.is_placeholder(np.full(5, 0.19), np.full(5, 0.21), LIVE)
    assert module.is_placeholder(np.full(5, 0.19), np.full(5, 0.24), LIVE)  # to the tick
    assert not module.is_placeholder(*opinion, LIVE)
    assert module.is_placeholder(np.full(5, 0.001), np.full(5, 0.999), LIVE)
    assert module.is_placeholder(np.array([0.2, 0.3, 0.2, 0.25, 0.3]), np.array([0.7, 0.8, 0.75, 0.7, 0.75]), LIVE)
    assert not module.is_placeholder(np.array([0.3, 0.15, 0.15]), np.array([0.32, 0.25, 0.25]), LIVE[:3])
    assert not module.is_placeholder(np.array([0.15, 0.15, 0.15]), np.array([0.32, 0.25, 0.25]), LIVE[:3])
    assert not module.is_placeholder(np.array([0.4, 0.4]), np.array([0.5, 0.5]), LIVE[:2])
    assert module.is_placeholder(np.full(3, 0.15), np.full(3, 0.25), LIVE[:3])
    nearly = np.array([0.15, 0.15, 0.2 - 0.05]), np.array([0.25, 0.25, 0.75 / 3])  # the same but for the last bit
    assert module.is_placeholder(*nearly, LIVE[:3])
    same_but_dead = np.array([0.3, 0.15, 0.15, 0.15]), np.array([0.32, 0.25, 0.25, 0.25]), np.array([False, True, True, True])
    assert module.is_placeholder(*same_but_dead)
    assert module.is_scorable(opinion[0], opinion[1], np.zeros(5), np.arange(5) < 4)
    assert not module.is_scorable(opinion[0], opinion[1], np.zeros(5), LIVE)
    for bid, ask, wall in ((0.05, 0.95, True), (0.05, 0.94, False), (0.06, 0.95, False), (0.3 - 0.25, 0.95, True),
                           (0.05, 0.65 + 0.3 - 1e-12, True), (0.0, 0.5, False), (0.5, 1.0, False), (NAN, NAN, True)):  # fmt: skip
        assert bool(module.is_wall(np.array(bid), np.array(ask))) is wall
    for bid, ask, age, fresh in (
        (0.4, 0.5, 600.0, True),
        (0.4, 0.5, 601.0, False),
        (NAN, 0.5, 0.0, False),
        (0.4, NAN, 0.0, False),
    ):
        assert bool(module.is_fresh(*map(np.array, (bid, ask, age)))) is fresh
    middles = [
        (0.4, 300, 0.44, 100, 0, 0.43),
        (0.4, 300, 0.44, 100, 601, 0.42),
        (0.4, 0, 0.44, 0, 0, 0.42),
        (NAN, 0, 0.02, 9, 0, 0.01),
    ]
    for *quote, expected in middles:
        np.testing.assert_allclose(module.mid_prices(*map(np.array, quote)), expected, atol=1e-12)


def check_implied(module: ModuleType) -> None:
    exists, none = np.ones((1, 3), bool), np.zeros((1, 3), bool)
    assert np.isnan(module.implied(np.array([[NAN, 0.3, 0.3]]), exists, none)).all()
    far = module.implied(np.array([[NAN, 0.5, 0.48]]), exists, none)
    np.testing.assert_allclose(far, DEVIGS["power"](np.array([[0.005, 0.5, 0.48]])), atol=1e-15)
    np.testing.assert_array_equal(module.implied(np.array([[NAN, 0.45, 0.45]]), exists, none) > 0, True)
    np.testing.assert_array_equal(
        module.implied(np.array([0.1, 0.5, 0.48]), exists[0], none[0]), DEVIGS["power"](np.array([0.1, 0.5, 0.48]))
    )
    dead = module.implied(np.array([[NAN, 0.3, 0.3]]), exists, np.array([[True, False, False]]))
    np.testing.assert_allclose(dead, DEVIGS["power"](np.array([[5e-4, 0.3, 0.3]])), atol=1e-15)
    for edges in (np.array([67.5, 69.5, 71.5, 73.5, 75.5, 77.5, np.inf]), np.array([71.5, 73.5, np.inf])):
        mass = np.diff(np.r_[0.0, ndtr((edges - 72.4) / 2.2)])
        np.testing.assert_allclose(module.implied_normal(mass, edges), (72.4, 2.2), atol=1e-9)
    # beyond .02 and .98 an edge says nothing: the crooked ends must not move the answer
    crooked = np.array([0.019, 0.3 - 0.019, 0.4, 0.281, 0.019]), np.array([40.0, 71.0, 73.0, 90.0, np.inf])
    mean, sd = module.implied_normal(*crooked)
    np.testing.assert_allclose(ndtr((np.array([71.0, 73.0]) - mean) / sd), [0.3, 0.7], atol=1e-12)
    assert np.isnan(module.implied_normal(np.array([0.5, 0.5]), np.array([71.5, np.inf]))).all()
    assert np.isnan(module.implied_normal(np.array([0.5, 0.0, 0.5]), np.array([71.5, 73.5, np.inf]))).all()


def test_a_flipped_sign_does_not_pass_unnoticed() -> None:
    found = unnoticed(Path(market.__file__), [check_power, check_shin, check_quotes, check_implied])

    # what `edge` is centred on falls out, since the probits beside it are centred: it only keeps the sums small
    assert found == ["implied_normal: edge - mean_edge[..., None] -> edge + mean_edge[..., None]"]
