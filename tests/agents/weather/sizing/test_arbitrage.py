"""Sets that pay more than they cost, counted by hand."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from agents.weather.sizing import arbitrage
from agents.weather.sizing.arbitrage import KINDS, NO, YES, may_pay, scan
from core.units import BoolArray, FloatArray
from tests.flipped import unnoticed

ALL = np.array([True, True, True])


def books(yes: list[list[float]], no: list[list[float]], size: list[float]) -> tuple[FloatArray, FloatArray]:
    price = np.stack([np.array(yes), np.array(no)], axis=1)
    return price, np.broadcast_to(np.array(size), price.shape).copy()


def may(price: FloatArray, alive: BoolArray = ALL) -> bool:
    return bool(may_pay(price[..., 0], ALL, alive))


def test_every_bracket_for_less_than_a_dollar_is_bought_as_deep_as_it_pays() -> None:
    """.30 + .30 + .35 = .95 for 10 sets, then .32 + .32 + .37 = 1.01 is too dear."""
    price, size = books([[0.30, 0.32], [0.30, 0.32], [0.35, 0.37]], [[0.9, 0.9]] * 3, [10.0, 50.0])

    (found,), left = scan(price, size, ALL, ALL)

    assert (found.kind, found.sets) == ("buy_all", 10.0)
    assert found.legs == ((0, YES), (1, YES), (2, YES))
    assert found.profit == pytest.approx(0.5)
    assert found.worst == (0.30, 0.30, 0.35)
    assert not found.atomic
    assert left[:, YES].tolist() == [[0.0, 50.0]] * 3
    assert left[:, NO].tolist() == [[10.0, 50.0]] * 3
    assert may(price)


def test_the_thinnest_leg_says_how_many() -> None:
    price, size = books([[0.30], [0.30], [0.35]], [[0.9]] * 3, [10.0])
    size[1, YES, 0] = 4.0

    (found,), _ = scan(price, size, ALL, ALL)

    assert found.sets == 4.0


def test_no_of_every_bracket_pays_a_dollar_for_each_but_one() -> None:
    """.60 + .65 + .70 = 1.95 for what pays 2."""
    price, size = books([[0.5]] * 3, [[0.60], [0.65], [0.70]], [8.0])

    (found,), _ = scan(price, size, ALL, ALL)

    assert (found.kind, found.sets, found.pays) == ("sell_all", 8.0, 16.0)
    assert found.profit == pytest.approx(0.4)
    assert may(price)


def test_yes_and_no_of_one_bracket_for_less_than_a_dollar() -> None:
    price, size = books([[0.50], [0.48], [0.30]], [[0.60], [0.50], [0.80]], [5.0])

    (found,), _ = scan(price, size, ALL, ALL)

    assert (found.kind, found.legs) == ("pair", ((1, YES), (1, NO)))
    assert found.profit == pytest.approx(5 * 0.02)
    assert may(price)


def test_a_bracket_that_the_floor_has_passed_needs_no_leg() -> None:
    """The first is dead: its NO at .97 is a dollar, and the other two cost .90."""
    alive = np.array([False, True, True])
    price, size = books([[0.20], [0.40], [0.50]], [[0.97], [0.70], [0.60]], [5.0])

    found, _ = scan(price, size, ALL, alive)

    assert [(each.kind, each.sets) for each in found] == [("dead_no", 5.0), ("buy_all", 5.0)]
    assert [each.profit for each in found] == pytest.approx([5 * 0.03, 5 * 0.10])
    assert not may(price)
    assert may(price, alive)


def test_a_fair_market_has_none() -> None:
    price, size = books([[0.31], [0.32], [0.41]], [[0.71], [0.72], [0.61]], [5.0])

    assert scan(price, size, ALL, ALL)[0] == ()
    assert not may(price)


def test_what_was_taken_is_not_taken_twice() -> None:
    """A pair of the first, then the whole set: the first bracket has nothing left for it."""
    price, size = books([[0.30], [0.30], [0.35]], [[0.65], [0.9], [0.9]], [10.0])

    found, left = scan(price, size, ALL, ALL)

    assert [each.kind for each in found] == ["pair"]
    assert left[0, YES, 0] == 0.0


def test_every_kind_is_a_sentence() -> None:
    assert all(text.endswith(".") for text in KINDS.values())


def hand(module: ModuleType) -> None:
    price, size = books([[0.30, 0.32], [0.30, 0.32], [0.35, 0.37]], [[0.9, 0.9]] * 3, [10.0, 50.0])
    (found,), left = module.scan(price, size, ALL, ALL)
    assert (found.kind, found.sets, round(found.profit, 9), found.worst) == ("buy_all", 10.0, 0.5, (0.30, 0.30, 0.35))
    assert left[:, YES].tolist() == [[0.0, 50.0]] * 3
    price, size = books([[0.30, 0.31]] * 3, [[0.9, 0.9]] * 3, [10.0, 50.0])
    assert module.scan(price, size, ALL, ALL)[0][0].sets == 60.0
    price, size = books([[0.5]] * 3, [[0.60], [0.65], [0.70]], [8.0])
    (found,), _ = module.scan(price, size, ALL, ALL)
    assert (found.kind, found.pays, round(found.profit, 9)) == ("sell_all", 16.0, 0.4)
    assert module.may_pay(price[..., 0], ALL, ALL)
    one = np.array([True])
    alone = np.array([[[0.9], [0.2]]])
    assert [each.kind for each in module.scan(alone, np.ones_like(alone), one, one)[0]] == ["buy_all"]
    assert module.may_pay(np.array([[0.9, 0.2]]), one, one)
    assert not module.may_pay(np.array([[0.999, 1.2]]) + 0.0011, one, one)
    alive = np.array([False, True, True])
    price, size = books([[0.20], [0.40], [0.50]], [[0.97], [0.70], [0.60]], [5.0])
    found, _ = module.scan(price, size, ALL, alive)
    assert [(each.kind, each.sets) for each in found] == [("dead_no", 5.0), ("buy_all", 5.0)]
    assert module.may_pay(price[..., 0], ALL, alive)
    for yes, no in (
        ([[0.31], [0.32], [0.41]], [[0.71], [0.72], [0.61]]),
        ([[0.31], [0.32], [0.3701]], [[0.69], [0.68], [0.6301]]),
    ):
        price, size = books(yes, no, [5.0])
        assert module.scan(price, size, ALL, ALL)[0] == ()
        assert not module.may_pay(price[..., 0], ALL, ALL)
    for yes, no in (([[0.50], [0.48], [0.30]], [[0.60], [0.50], [0.80]]), ([[0.4], [0.3], [0.2]], [[0.9], [0.9], [0.9]])):
        price, size = books(yes, no, [5.0])
        assert module.scan(price, size, ALL, ALL)[0]
        assert module.may_pay(price[..., 0], ALL, ALL)


def test_a_flipped_sign_is_noticed() -> None:
    missed = unnoticed(Path(str(arbitrage.__file__)), [hand])

    assert [name for name in missed if "LEAST_PROFIT" not in name] == []
