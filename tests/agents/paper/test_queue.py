"""The queue at a price, counted by hand."""

from __future__ import annotations

import pytest

from agents.paper.queue import Reached, Shown, reached
from agents.prints import Print

PRICE = 280_000
THROUGH, BEYOND = PRICE - 10_000, PRICE + 10_000
FOR_EVER = 10**6


def came(ahead: int, books: list[tuple[int, int]], prints: list[tuple[int, int, int]], size: int = 20) -> Reached:
    """Return what came to a purchase of `size` at PRICE behind `ahead`."""
    shown = [Shown(*book) for book in books]
    return reached(size, PRICE, ahead, shown, [Print(*each) for each in prints], buys=True, until=FOR_EVER)


@pytest.mark.parametrize(
    ("prints", "filled"),
    [
        ([], 0),
        ([(1, PRICE, 80)], 0),  # all of it went to who stood ahead
        ([(1, PRICE, 81)], 1),
        ([(1, PRICE, 50), (2, PRICE, 40)], 10),
        ([(1, PRICE, 500)], 20),
        ([(1, THROUGH, 7)], 7),  # through the price: the queue is gone, and no more than was printed
        ([(1, THROUGH, 7), (2, PRICE, 5)], 12),
        ([(1, BEYOND, 500)], 0),  # above a bid: somebody else's
    ],
)
def test_a_print_serves_who_stood_ahead_first(prints: list[tuple[int, int, int]], filled: int) -> None:
    assert came(80, [(0, 80)], prints).filled_micro == filled


def test_half_of_what_was_taken_back_stood_ahead_pro_rata() -> None:
    """100 shown, 80 of them ahead of us; 50 vanish without a print: 50 x 80/100 / 2 = 20 of them were ahead."""
    assert came(80, [(0, 100), (5, 50)], [(9, PRICE, 60)]).filled_micro == 0
    assert came(80, [(0, 100), (5, 50)], [(9, PRICE, 61)]).filled_micro == 1


def test_what_prints_explain_is_not_credited_again() -> None:
    """80 ahead; 50 traded and 50 gone from the book: nothing was taken back, 30 are still ahead."""
    assert came(80, [(0, 80), (5, 30)], [(2, PRICE, 50), (9, PRICE, 31)]).filled_micro == 1


def test_an_empty_level_is_no_fill_and_no_free_place() -> None:
    """All 80 were taken back: 40 are credited, 40 still count as ahead."""
    assert came(80, [(0, 80), (5, 0)], []).filled_micro == 0
    assert came(80, [(0, 80), (5, 0)], [(9, PRICE, 40)]).filled_micro == 0
    assert came(80, [(0, 80), (5, 0)], [(9, PRICE, 42)]).filled_micro == 2


def test_who_comes_later_stands_behind() -> None:
    assert came(80, [(0, 80), (5, 500)], [(9, PRICE, 85)]).filled_micro == 5


def test_a_sale_waits_for_buyers_at_its_price_or_above() -> None:
    prints = [Print(1, PRICE - 10_000, 500), Print(2, PRICE, 90), Print(3, PRICE + 10_000, 4)]

    found = reached(20, PRICE, 80, [Shown(0, 80)], prints, buys=False, until=FOR_EVER)

    assert found == Reached(14, 14, 3)


def test_nothing_fills_after_the_end() -> None:
    found = reached(20, PRICE, 0, [Shown(0, 0)], [Print(5, PRICE, 3), Print(6, PRICE, 9)], buys=True, until=5)

    assert found == Reached(3, 3, 5)


def test_an_order_takes_no_more_than_was_offered_to_it() -> None:
    assert came(10, [(0, 10)], [(1, PRICE, 18), (2, PRICE, 100)]) == Reached(20, 108, 2)
