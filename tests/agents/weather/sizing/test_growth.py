"""The solver against published vectors, the closed form and a conic solver; its bits, and its own proof."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from agents.weather.sizing import growth
from agents.weather.sizing.growth import Optimum, growth_of, optimum
from agents.weather.sizing.ladder import Holding, Levels, ladder_of
from core.units import FloatArray
from tests.agents.weather.sizing.closed_form import fractions, holdings
from tests.agents.weather.sizing.ladders import drawn, gaps
from tests.flipped import flipped

P = np.array([0.05, 0.20, 0.40, 0.25, 0.10])
C = np.array([0.06, 0.17, 0.36, 0.27, 0.18])
AMPLE = 1e9


def flat(n: int, n_brackets: int, cash: float = 1.0) -> Holding:
    return Holding(np.full(n, cash), np.zeros((n, n_brackets)), np.zeros((n, n_brackets)))


def one_level(price: FloatArray, *, no: bool = False, size: float = AMPLE) -> Levels:
    return Levels(price[..., None], np.full((*price.shape, 1), size), np.array([no]), np.array([False]))


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

    found = optimum(P[None], one_level(cost[None]), flat(1, 5))

    assert found.trade[0, :, 0] * cost == pytest.approx(np.array(expected), abs=1e-6)
    assert found.growth[0] == pytest.approx(grows, abs=1e-8)
    assert found.gap[0] < 1e-11


def test_random_ladders_of_yes_grow_as_the_closed_form() -> None:
    chance = np.random.default_rng(1)
    probability = chance.dirichlet(np.ones(9), 1_000)
    cost = chance.dirichlet(np.ones(9), 1_000) * chance.uniform(1.0001, 1.2, (1_000, 1))

    found = optimum(probability, one_level(cost), flat(1_000, 9))

    stake = fractions(probability, cost)
    oracle = growth_of(probability, 1.0 - stake.sum(-1, keepdims=True) + stake / cost)
    assert np.abs(found.growth - oracle).max() < 1e-8


def test_both_sides_without_end_grow_as_the_closed_form() -> None:
    """Where the optimum costs less than there is; the closed form knows no such bound."""
    chance = np.random.default_rng(2)
    probability = chance.dirichlet(np.full(9, 1.2), 1_000)
    market = probability * np.exp(chance.normal(0.0, 0.3, probability.shape))
    market /= market.sum(-1, keepdims=True)
    ask, against = np.minimum(market + 0.015, 0.999), np.minimum(1.0 - market + 0.015, 0.999)
    levels = Levels(np.stack([ask, against], -1), np.full((1_000, 9, 2), AMPLE), np.array([False, True]), np.zeros(2, np.bool_))

    found = optimum(probability, levels, flat(1_000, 9))

    net = holdings(probability, ask, 1.0 - against)
    cash = 1.0 - (np.maximum(net, 0.0) * ask).sum(-1) + (np.maximum(-net, 0.0) * (1.0 - against)).sum(-1)
    oracle = growth_of(probability, cash[:, None] + net)
    cheap = found.dearness == 0
    assert cheap.sum() > 500
    assert np.abs(found.growth - oracle)[cheap].max() < 1e-8


@pytest.mark.parametrize("wealth", [100.0, 1_000.0, 10_000.0])
def test_random_books_grow_as_a_conic_solver_finds(wealth: float) -> None:
    """Levels with sizes, both sides, sales of what is held, nothing borrowed; 1,000 by `tests.agents.weather.sizing.ladders`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the conic solver doubts its last digits
        behind, certificate = gaps(round(wealth), 50, wealth)

    assert behind.max() < 1e-8
    assert certificate.max() < 1e-8


def same(one: Optimum, other: Optimum, rows: slice) -> None:
    for name in Optimum.__slots__:
        assert np.array_equal(getattr(one, name), getattr(other, name)[rows]), name


@pytest.mark.parametrize("size", [1, 7])
def test_a_row_has_the_same_bits_in_any_company(size: int) -> None:
    belief, levels, holding = drawn(5, 42, wealth=150.0, bias=0.8)
    together = optimum(belief, levels, holding)

    assert (together.dearness > 0).any()
    for i in range(0, 42, size):
        rows = np.arange(i, i + size)
        same(optimum(belief[rows], levels.of_rows(rows), holding.of_rows(rows)), together, slice(i, i + size))


def test_padding_changes_no_bit() -> None:
    belief, levels, holding = drawn(6, 20, wealth=500.0)
    pad = np.zeros((20, 3))
    wider = [np.concatenate([part, np.zeros((20, 3, part.shape[-1]))], 1) for part in (levels.price, levels.size)]

    wide = optimum(
        np.c_[belief, pad], Levels(wider[0], wider[1], levels.no, levels.sale),
        Holding(holding.cash, np.c_[holding.yes, pad], np.c_[holding.no, pad]),
    )  # fmt: skip

    assert np.array_equal(wide.trade[:, :9], optimum(belief, levels, holding).trade)


def test_a_level_that_is_dominated_changes_nothing() -> None:
    belief, levels, holding = drawn(7, 30)
    dear = Levels(
        np.concatenate([levels.price, np.full((30, 9, 1), 0.999)], -1), np.concatenate([levels.size, np.full((30, 9, 1), 10.0)], -1),
        np.append(levels.no, False), np.append(levels.sale, False),
    )  # fmt: skip

    assert optimum(belief, dear, holding).growth == pytest.approx(optimum(belief, levels, holding).growth, abs=1e-12)


def test_twice_the_money_and_the_depth_is_twice_the_size() -> None:
    belief, levels, holding = drawn(8, 30)

    twice = optimum(
        belief, replace(levels, size=2.0 * levels.size), Holding(2.0 * holding.cash, 2.0 * holding.yes, 2.0 * holding.no)
    )

    assert twice.trade == pytest.approx(2.0 * optimum(belief, levels, holding).trade, abs=1e-6)


def test_nothing_is_borrowed_and_all_is_spent_where_more_is_wanted() -> None:
    belief, levels, holding = drawn(9, 200, wealth=100.0, bias=1.0)

    found = optimum(belief, levels, holding)

    bound = found.dearness > 0
    assert bound.any()
    assert (found.cash >= 0).all()
    assert (found.cash[bound] < 1e-3).all()
    assert (found.trade <= levels.size + 1e-9).all()
    assert found.gap.max() < 1e-8


def converts(module: ModuleType) -> None:
    """NO of all three at .6 costs 1.8 a set and pays 2: there is money for 5 sets; converted, 9 are only a dollar each."""
    belief, price = np.full((1, 3), 1.0 / 3.0), np.full((1, 3, 1), 0.6)
    levels = Levels(price, np.full((1, 3, 1), 9.0), np.array([True]), np.array([False]))
    fees = (None, np.array([0.0]), np.array([0.01]), np.array([np.nan]))
    alone, freed, dear, impossible = (module.optimum(belief, levels, flat(1, 3, 9.0), fee) for fee in fees)
    assert alone.trade[0, :, 0] == pytest.approx([5.0] * 3)
    assert freed.trade[0, :, 0] == pytest.approx([9.0] * 3)
    assert freed.cash[0] == pytest.approx(9.0 - 9.0 * 1.8)
    assert dear.wealth[0] == pytest.approx(freed.wealth[0] - 0.01 * 7.2 / 0.99)  # of what is freed the fee is paid as well
    assert impossible.trade == pytest.approx(alone.trade)


def test_whoever_converts_no_of_several_brackets_ties_up_less() -> None:
    converts(growth)


def test_at_fair_prices_with_a_margin_nothing_is_traded() -> None:
    belief, levels, _ = drawn(10, 50, bias=0.0, held=False)

    assert not optimum(belief, levels, flat(50, 9, 1_000.0)).trade.any()


def test_what_is_held_is_sold_above_its_value_at_the_margin_and_kept_below() -> None:
    """Half believed, 100 of 1,000 dollars' worth held: a share more is worth less than .5, and .45 is not enough to leave."""
    belief = np.array([[0.5, 0.5]])
    held = Holding(np.array([950.0]), np.array([[100.0, 0.0]]), np.zeros((1, 2)))

    def sold(bid: float) -> float:
        levels = Levels(np.array([[[bid], [0.5]]]), np.array([[[100.0], [0.0]]]), np.array([False]), np.array([True]))
        return float(optimum(belief, levels, held).trade[0, 0, 0])

    value = 950.0 / (1_050.0 + 950.0)  # pi_k / W_k over its sum
    assert sold(value - 0.001) == 0.0
    assert 0.0 < sold(value + 0.01) < 100.0
    assert sold(0.6) == 100.0


def test_where_ruin_cannot_be_avoided_nothing_is_traded() -> None:
    ruined = Holding(np.array([-10.0]), np.array([[5.0, 0.0]]), np.zeros((1, 2)))

    found = optimum(np.array([[0.5, 0.5]]), one_level(np.array([[0.4, 0.7]])), ruined)

    assert not found.sound[0]
    assert not found.trade.any()


def vectors(module: ModuleType) -> None:
    found = module.optimum(P[None], one_level(C[None]), flat(1, 5))
    assert found.trade[0, :, 0] * C == pytest.approx([0.007143, 0.078571, 0.142857, 0.057143, 0.0], abs=1e-6)
    assert found.growth[0] == pytest.approx(0.01264443, abs=1e-8)
    assert found.gap[0] < 1e-11


def some(seed: int, n: int, wealth: float, rows: slice) -> tuple[FloatArray, Levels, Holding]:
    belief, levels, holding = drawn(seed, n, wealth=wealth)
    chosen = np.arange(n)[rows]
    return belief[chosen], levels.of_rows(chosen), holding.of_rows(chosen)


# the last of the first: what it spends jumps with the price of money
BOOKS = [some(100, 50, 100.0, slice(25, 28)), some(3, 12, 40.0, slice(8, 9)), some(4, 2, 1_000.0, slice(0, 2))]
TRUTH = [optimum(*each) for each in BOOKS]


def books(module: ModuleType) -> None:
    for each, truth in zip(BOOKS, TRUTH, strict=True):
        found = module.optimum(*each)
        assert found.trade == pytest.approx(truth.trade, abs=1e-4)
        assert found.growth == pytest.approx(truth.growth, abs=1e-10)
        assert (found.gap < 1e-8).all()
        assert (found.gap >= 0).all()
        assert found.cash == pytest.approx(truth.cash, abs=1e-4)


def bounds(module: ModuleType) -> None:
    """Any prices that sum to 1 bound the growth; only those of the optimum reach it. By hand: a coin, .6 at .5."""
    coin, holding = np.array([[0.6, 0.4, 0.0]]), flat(1, 3)
    levels = Levels(np.array([[[0.5], [0.9], [0.1]]]), np.array([[[5.0], [5.0], [0.0]]]), np.array([False]), np.array([False]))
    steps, none = ladder_of(levels, holding, np.zeros(1)), np.zeros(1)
    best = 0.6 * np.log(1.2) + 0.4 * np.log(0.8)
    assert module.bound(coin, steps, np.array([[0.5, 0.5, 0.0]]), none)[0] == pytest.approx(best)
    told = 0.6 * np.log(0.6 * 1.5 / 0.6) + 0.4 * np.log(0.4 * 1.5 / 0.4)  # at .6 the five shares gain .1 each
    assert module.bound(coin, steps, np.array([[0.6, 0.4, 0.0]]), none)[0] == pytest.approx(told)
    found = module.optimum(coin, levels, holding)
    assert found.wealth[0, :2] == pytest.approx([1.2, 0.8])
    assert found.growth[0] == pytest.approx(best)
    assert module.growth_of(np.array([0.5, 0.5, 0.0]), np.array([1.0, 0.0, -1.0])) == -np.inf


def ruins(module: ModuleType) -> None:
    ruined = Holding(np.array([-10.0]), np.array([[5.0, 0.0]]), np.array([[0.0, 1.0]]))
    found = module.optimum(np.array([[0.5, 0.5]]), one_level(np.array([[0.4, 0.7]])), ruined)
    assert not found.sound[0]
    assert found.wealth[0].tolist() == [-4.0, -10.0]
    assert found.growth[0] == -np.inf


def owes(module: ModuleType) -> None:
    """Twelve NO tie up ten dollars more than there are; sold at .8 they would bring 9.60, at .9 10.80."""
    held = Holding(np.array([-10.0]), np.zeros((1, 2)), np.array([[12.0, 0.0]]))
    for price, sound in ((0.8, False), (0.9, True)):
        sales = Levels(np.full((1, 2, 1), price), np.array([[[12.0], [0.0]]]), np.array([True]), np.array([True]))
        found = module.optimum(np.array([[0.1, 0.9]]), sales, held)
        assert bool(found.sound[0]) is sound
        assert bool(found.cash[0] >= -1e-6) is sound
        assert sound or (found.wealth[0].tolist(), found.trade[0].max()) == ([-10.0, 2.0], 0.0)


# How the end is reached, not where it lies: whatever these do, the certificate and the halving stand behind them.
PATHS = (
    "_stepped",
    "_halved",
    "_scale",
    "_dearness",
    "_solved",
    "_rows",
    "_point: rows.likely",
    "_slack",
    "optimum: -_slack",
    "_beyond_means: -_slack",
)
SLOW = ("_point: level",)  # noticed too, after a search of many seconds
EQUIVALENT = frozenset({
    "bound: worth > 0 -> worth < 0",  # nobody without wealth comes so far
    "_paid_for: under.gap + under.growth -> under.gap - under.growth",  # both are as good, so nothing is left of it
    "unbound: -1 -> +1",  # the last axis of a table of two
})  # fmt: skip


def noticed(module: ModuleType) -> bool:
    """Return whether a check fails, by raising anything."""
    for check in (vectors, bounds, ruins, owes, books, converts):
        try:
            check(module)
        except Exception:
            return True
    return False


def test_who_cannot_pay_what_he_owes_trades_nothing_and_is_not_searched_for() -> None:
    owes(growth)


def test_a_flipped_sign_is_noticed() -> None:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        copies = flipped(Path(str(growth.__file__)))
        missed = {name for name, module in copies if not name.startswith(PATHS + SLOW) and not noticed(module)}

    assert missed <= EQUIVALENT
