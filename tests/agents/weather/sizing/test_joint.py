"""All events of a day over scenarios: against one event alone, and against its own proof."""

from __future__ import annotations

import numpy as np
import pytest

from agents.weather.sizing.growth import optimum
from agents.weather.sizing.joint import joint_optimum
from agents.weather.sizing.ladder import Holding, within_means
from agents.weather.sizing.scenarios import SCENARIOS, scenarios
from core.units import FloatArray
from tests.agents.weather.sizing.ladders import drawn


def equal(n: int, rho: float) -> FloatArray:
    return np.full((n, n), rho) + (1.0 - rho) * np.eye(n)


def test_every_bracket_is_as_likely_as_it_is_believed_to_be() -> None:
    belief = drawn(1, 12)[0]

    place, weight = scenarios(belief, equal(12, 0.3))

    assert weight.sum() == pytest.approx(1.0)
    assert place.shape == (12, SCENARIOS)
    for event in range(12):
        assert np.bincount(place[event], weights=weight, minlength=9) == pytest.approx(belief[event], abs=1e-9)


def test_scenarios_are_the_same_each_time_and_follow_the_correlation() -> None:
    belief = np.full((2, 8), 0.125)

    loose, tight = (scenarios(belief, equal(2, rho))[0] for rho in (0.0, 0.9))

    assert np.array_equal(loose, scenarios(belief, equal(2, 0.0))[0])
    assert abs(np.corrcoef(*loose)[0, 1]) < 0.05
    assert np.corrcoef(*tight)[0, 1] > 0.8


def test_one_event_alone_is_what_the_path_finds() -> None:
    belief, levels, holding = drawn(11, 1)
    place, weight = scenarios(belief, equal(1, 0.0))

    found = joint_optimum(place, weight, within_means(levels, holding), float(holding.cash[0]), holding.yes, holding.no)

    alone = optimum(belief, levels, holding)
    assert found is not None
    assert found.growth == pytest.approx(alone.growth[0], abs=1e-8)
    assert found.gap < 1e-8


@pytest.mark.parametrize("rho", [0.0, 0.4])
def test_no_scaling_of_what_events_want_alone_is_better_than_all_of_them_together(rho: float) -> None:
    """Independent and small, the path is nearly as good; its positions are evaluated over the same scenarios."""
    n, cash = 5, 20_000.0
    belief, levels, _ = drawn(12, n, held=False, bias=0.25)
    none = np.zeros((n, 9))
    levels = within_means(levels, Holding(np.full(n, cash), none, none))
    place, weight = scenarios(belief, equal(n, rho))

    found = joint_optimum(place, weight, levels, cash, none, none)

    alone = optimum(belief, levels, Holding(np.full(n, cash), none, none))
    assert found is not None
    assert found.gap < 1e-8
    gains = [alone.wealth[event, place[event]] - cash for event in range(n)]
    scaled = [float(np.sum(weight * np.log(cash + share * np.sum(gains, axis=0)))) for share in (1.0, 0.9, 0.5)]
    assert found.growth >= max(scaled) - 1e-9
    if rho == 0.0:
        assert scaled[0] - np.log(cash) >= 0.99 * (found.growth - np.log(cash))


def test_nothing_is_borrowed() -> None:
    n, cash = 6, 300.0
    belief, levels, _ = drawn(13, n, held=False, bias=1.0)
    none = np.zeros((n, 9))
    place, weight = scenarios(belief, equal(n, 0.3))

    found = joint_optimum(place, weight, within_means(levels, Holding(np.full(n, cash), none, none)), cash, none, none)

    assert found is not None
    assert found.cash >= -1e-9
    assert found.wealth.min() > 0
    assert found.gap < 1e-4


def test_a_day_whose_holdings_ruin_has_no_answer() -> None:
    belief, levels, _ = drawn(14, 2, held=False)
    none = np.zeros((2, 9))

    assert joint_optimum(*scenarios(belief, equal(2, 0.0)), levels, -5.0, none, none) is None
