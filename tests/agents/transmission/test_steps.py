"""Steps of the size: two for events, a ladder for closed trades, streaks."""

from __future__ import annotations

import numpy as np
import pytest

from agents.transmission.steps import (
    FLOOR,
    Closed,
    futures_step,
    profit_factor,
    streak,
    weather_step,
)
from core.units import MICRO
from tests.agents.transmission.builders import settings_of

HALF = MICRO // 2
WIN, LOSE = 1.0, -1.0


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def stepped(z: float, drawdown: float, was: int = MICRO, settled: int = 12) -> int:
    step, _ = weather_step(ints(was), ints(0), ints(settled), np.array([z]), np.array([drawdown]), settings_of())
    return int(step[0])


@pytest.mark.parametrize(
    ("z", "drawdown", "was", "now"),
    [
        (-2.01, 0.0, MICRO, HALF), (-2.0, 0.0, MICRO, MICRO), (0.0, 6.0, MICRO, HALF), (0.0, 5.99, MICRO, MICRO),
        (-0.99, 3.99, HALF, MICRO), (-1.0, 0.0, HALF, HALF), (0.0, 4.0, HALF, HALF), (np.nan, 0.0, HALF, HALF),
        (np.nan, 6.0, MICRO, HALF), (3.0, 6.0, HALF, HALF),
    ],
)  # fmt: skip
def test_the_weather_desk_halves_and_comes_back(z: float, drawdown: float, was: int, now: int) -> None:
    assert stepped(z, drawdown, was) == now


def test_it_is_judged_once_per_twelve_newly_settled_events() -> None:
    assert stepped(-5.0, 9.0, settled=11) == MICRO
    assert stepped(-5.0, 9.0, settled=12) == HALF


def test_each_run_is_judged_for_itself() -> None:
    step, judged = weather_step(
        ints(MICRO, MICRO, HALF), ints(0, 5, 0), ints(12, 12, 30), np.array([-3.0, -3.0, 0.0]), np.zeros(3), settings_of()
    )

    assert step.tolist() == [HALF, MICRO, MICRO]
    assert judged.tolist() == [12, 5, 30]


def closed(result_r: list[float], costs: float = 0.0) -> Closed:
    values = np.array(result_r)
    return Closed(values, np.full_like(values, costs), values)


def test_futures_lose_three_tenths_on_a_poor_dozen_and_never_below_a_quarter() -> None:
    """PF of 6 wins and 6 losses is 1 < 1.10."""
    poor = [WIN, LOSE] * 6
    step, n = 1.0, 0
    for _ in range(6):
        poor = [*poor, *([WIN, LOSE] * 6)]
        step, n = futures_step(step, n, closed(poor), 0.0)

    assert step == FLOOR
    assert futures_step(1.0, 0, closed([WIN, LOSE] * 6), 0.0)[0] == pytest.approx(0.70)


def test_futures_grow_again_on_twenty_good_trades() -> None:
    """14 wins of 20: PF 2.33, E[R] 0.4."""
    good = closed(([WIN] * 7 + [LOSE] * 3) * 2)

    assert futures_step(0.5, 0, good, 0.0) == (pytest.approx(0.575), 20)
    assert futures_step(0.95, 0, good, 0.0)[0] == 1.0
    assert futures_step(0.5, 0, good, 3.1)[0] == 0.5
    assert futures_step(0.5, 0, good, 0.0, rule_broken=True)[0] == 0.5


def test_the_stricter_profile_asks_for_a_wilson_bound_and_cheap_trades() -> None:
    """Of 20, 14 wins have a lower bound of .481, 15 one of .531; costs may be a quarter of gross."""
    fourteen, fifteen = [WIN] * 14 + [LOSE] * 6, [WIN] * 15 + [LOSE] * 5
    mixed = [fourteen[i // 2] if i % 2 else fourteen[-1 - i // 2] for i in range(20)]
    better = [fifteen[i // 2] if i % 2 else fifteen[-1 - i // 2] for i in range(20)]

    assert futures_step(0.5, 0, closed(mixed), 0.0, strict=True)[0] == 0.5
    assert futures_step(0.5, 0, closed(better, 0.25), 0.0, strict=True)[0] == pytest.approx(0.575)
    assert futures_step(0.5, 0, closed(better, 0.26), 0.0, strict=True)[0] == 0.5


@pytest.mark.parametrize(
    ("result", "left"),
    [([], 1.0), ([LOSE], 1.0), ([WIN, LOSE, LOSE], 0.75), ([LOSE] * 3, 0.5), ([LOSE] * 9, 0.5), ([LOSE] * 3 + [WIN], 1.0),
     ([LOSE, 0.0, LOSE], 0.75)],
)  # fmt: skip
def test_losses_in_a_row_scale_the_size_until_a_win(result: list[float], left: float) -> None:
    assert streak(np.array(result)) == left


def test_a_profit_factor_is_gains_over_losses() -> None:
    assert profit_factor(np.array([1.5, -1.0, 0.5, -1.0])) == 1.0
