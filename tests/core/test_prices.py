"""Fees of one execution, walks along a book, executable prices."""

from __future__ import annotations

import random
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

import numpy as np
import pytest

from core.model.event import NO_FEES, FeeRounding, Fees
from core.prices import all_in_price, executable_price, fee_micro, fee_per_share, fees_micro, net_price, walk
from core.units import MICRO, micro

POLYMARKET = Fees(0.05)
KALSHI = Fees(0.07, rounding=FeeRounding.UP_CENT)


def of(price: str, shares: int, fees: Fees) -> int:
    return fee_micro(np.array([micro(price)]), np.array([shares * MICRO]), fees)


@pytest.mark.parametrize(
    ("price", "fee"), [("0.10", "0.45"), ("0.30", "1.05"), ("0.50", "1.25"), ("0.90", "0.45"), ("0.97", "0.1455")]
)
def test_polymarket_fees_of_a_hundred_shares(price: str, fee: str) -> None:
    """FACTS II 2.8."""
    assert of(price, 100, POLYMARKET) == micro(fee)


@pytest.mark.parametrize(("price", "shares", "fee"), [("0.50", 100, "1.75"), ("0.05", 10, "0.04")])
def test_kalshi_fees_go_up_to_the_cent(price: str, shares: int, fee: str) -> None:
    """FACTS II 6.5: 100 at 0.50 costs 1.75; 10 at 0.05 costs 0.03325, charged 0.04."""
    assert of(price, shares, KALSHI) == micro(fee)


@pytest.mark.parametrize(("rate", "cents"), [(0.05, [0.24, 0.45, 0.80, 1.05, 1.25]), (0.07, [0.33, 0.63, 1.12, 1.47, 1.75])])
def test_fees_per_share(rate: float, cents: list[float]) -> None:
    """SCIENCE 4.1, in cents at .05/.10/.20/.30/.50."""
    fee = fee_per_share(np.array([0.05, 0.10, 0.20, 0.30, 0.50]), Fees(rate))

    assert 100 * fee == pytest.approx(cents, abs=0.005)


def test_a_fee_is_rounded_once_over_the_whole_execution() -> None:
    """Three levels of one share at 0.10, each 0.0063: separately three cents, together two."""
    price, size = np.full(3, micro("0.10")), np.full(3, MICRO)

    assert fee_micro(price, size, KALSHI) == micro("0.02")
    assert fee_micro(price[:1], size[:1], KALSHI) == micro("0.01")


def test_the_smallest_polymarket_fee_is_a_hundred_thousandth_and_less_is_nothing() -> None:
    """FACTS II 2.8."""
    price = np.array([micro("0.50")])

    assert fee_micro(price, np.array([400]), POLYMARKET) == 10  # 0.000005 exactly: half goes up
    assert fee_micro(price, np.array([399]), POLYMARKET) == 0


def test_nothing_bought_and_no_schedule_cost_nothing() -> None:
    assert fee_micro(np.array([], np.int64), np.array([], np.int64), KALSHI) == 0
    assert of("0.50", 100, NO_FEES) == 0


def test_a_fee_is_exact_for_amounts_beyond_the_reach_of_floats() -> None:
    dice = random.Random(1)
    for _ in range(300):
        levels = [(dice.randrange(1, MICRO), dice.randrange(1, 10**13)) for _ in range(dice.randrange(1, 9))]
        price, size = (np.array(part, np.int64) for part in zip(*levels, strict=True))
        exact = sum((Decimal(s) * p * (MICRO - p) for p, s in levels), Decimal(0)) / Decimal(10**12)

        fine = (exact * Decimal("0.05") / 10).quantize(Decimal(1), ROUND_HALF_UP) * 10
        cents = (exact * Decimal("0.07") / 10_000).quantize(Decimal(1), ROUND_CEILING) * 10_000
        assert (fee_micro(price, size, POLYMARKET), fee_micro(price, size, KALSHI)) == (fine, cents)


@pytest.mark.parametrize("fees", [POLYMARKET, KALSHI, Fees(0.0695), Fees(0.25, 2.0, FeeRounding.UP_CENT), NO_FEES])
def test_the_fees_of_many_executions_are_those_of_each_alone(fees: Fees) -> None:
    """On a grid of a tenth of a cent and a hundredth of a share, where many a fee is a whole cent."""
    dice = np.random.default_rng(2)
    price, size = 1_000 * dice.integers(1, 1_000, 2_000), 10_000 * dice.integers(0, 20_000, 2_000)
    price[:400], size[:400] = 100_000 * dice.integers(1, 10, 400), MICRO * dice.integers(1, 400, 400)

    together = fees_micro(price, size, fees)

    assert together.tolist() == [fee_micro(price[i : i + 1], size[i : i + 1], fees) for i in range(2_000)]
    assert together.tolist() == [int(fees_micro(price[i], size[i], fees)) for i in range(2_000)]


def test_the_exponent_of_a_schedule_counts() -> None:
    squared = Fees(0.25, exponent=2.0)

    assert of("0.50", 100, squared) == micro("1.5625")
    assert fee_per_share(np.array(0.5), squared) == pytest.approx(0.015625)
    assert of("0.50", 100, Fees(0.25, exponent=0.5)) == micro("12.5")


ASKS = np.array([400_000, 410_000, 450_000]), np.array([10, 20, 30]) * MICRO
BIDS = np.array([390_000, 380_000, 300_000]), np.array([10, 20, 30]) * MICRO


@pytest.mark.parametrize(
    ("wanted", "limit", "taken"),
    [
        (5, "0.40", [5, 0, 0]),
        (25, "0.45", [10, 15, 0]),
        (25, "0.405", [10, 0, 0]),
        (100, "1", [10, 20, 30]),
        (100, "0.39", [0, 0, 0]),
        (0, "1", [0, 0, 0]),
    ],
)
def test_buying_walks_the_asks_up_to_the_limit(wanted: int, limit: str, taken: list[int]) -> None:
    got = walk(*ASKS, np.array(wanted * MICRO), np.array(micro(limit)))

    assert (got // MICRO).tolist() == taken


@pytest.mark.parametrize(
    ("wanted", "limit", "taken"), [(-25, "0.38", [10, 15, 0]), (-25, "0.385", [10, 0, 0]), (-99, "0", [10, 20, 30])]
)
def test_selling_walks_the_bids_down_to_the_limit(wanted: int, limit: str, taken: list[int]) -> None:
    got = walk(*BIDS, np.array(wanted * MICRO), np.array(micro(limit)))

    assert (got // MICRO).tolist() == taken


def test_many_orders_walk_their_own_books_at_once() -> None:
    price, size = np.stack([ASKS[0], BIDS[0]]), np.stack([ASKS[1], BIDS[1]])
    wanted, limit = np.array([25, -25]) * MICRO, np.array([450_000, 385_000])

    together = walk(price, size, wanted, limit)

    assert (together // MICRO).tolist() == [[10, 15, 0], [10, 0, 0]]


PRICE, SIZE = np.array([0.40, 0.41, 0.45]), np.array([10.0, 20.0, 30.0])


@pytest.mark.parametrize(("wanted", "average"), [(10.0, 0.40), (20.0, 0.405), (30.0, 12.2 / 30), (60.0, 25.7 / 60)])
def test_the_executable_price_is_the_average_over_the_levels_walked(wanted: float, average: float) -> None:
    assert executable_price(PRICE, SIZE, np.array(wanted)) == pytest.approx(average, abs=1e-15)


@pytest.mark.parametrize("wanted", [60.1, 0.0, -1.0])
def test_what_the_book_cannot_give_has_no_price(wanted: float) -> None:
    assert np.isnan(executable_price(PRICE, SIZE, np.array(wanted)))


def test_padding_an_empty_book_and_company_change_no_bit() -> None:
    padded_price = np.array([[0.40, 0.41, 0.45, np.nan, np.nan], [np.nan] * 5])
    padded_size = np.array([[10.0, 20.0, 30.0, 0.0, 0.0], [0.0] * 5])
    wanted = np.array([37.3, 1.0])

    together = all_in_price(padded_price, padded_size, wanted, POLYMARKET)
    alone = all_in_price(PRICE, SIZE, wanted[0], POLYMARKET)

    assert together[0].tobytes() == np.asarray(alone).tobytes()
    assert np.isnan(together[1])


def test_fees_make_buying_dearer_and_selling_poorer() -> None:
    """SCIENCE 4.1: all-in q + r q (1 - q); selling at bid b nets b - r b (1 - b)."""
    price, size, one = np.array([0.5]), np.array([100.0]), np.array(1.0)

    assert all_in_price(price, size, one, POLYMARKET) == pytest.approx(0.5125)
    assert net_price(price, size, one, POLYMARKET) == pytest.approx(0.4875)


def test_the_price_for_arrays_agrees_with_the_fee_of_the_execution() -> None:
    wanted = 45 * MICRO
    taken = walk(*ASKS, np.array(wanted), np.array(MICRO))
    paid = int((ASKS[0] * taken // MICRO).sum()) + fee_micro(ASKS[0], taken, POLYMARKET)

    assert all_in_price(ASKS[0] / MICRO, ASKS[1] / MICRO, np.array(45.0), POLYMARKET) * wanted == pytest.approx(paid, abs=10)
