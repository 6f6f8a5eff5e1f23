"""Members corrected and dressed: what their spread lacks comes from the kernel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from agents.weather.discretise import mixture_cdf
from agents.weather.members import extremes_of
from agents.weather.models import dressing
from core.model.rule import Extreme
from core.units import micros
from tests.agents.weather.lessons import NAN, cases, guided, prior

HOUR = timedelta(hours=1)
START = datetime(2026, 6, 12, 4, tzinfo=UTC)


def rows(*curves: list[float], start: datetime = START) -> dict[str, np.ndarray]:
    """Return hourly members of two systems in turn."""
    n = [len(curve) for curve in curves]
    return {
        "model": np.repeat(np.array(["a", "b"] * len(curves), dtype=object)[: len(curves)], n),
        "member": np.repeat(np.arange(len(curves)) // 2, n),
        "valid_at": np.concatenate([[micros(start + HOUR * i) for i in range(count)] for count in n]),
        "celsius": np.concatenate(curves),
    }


def test_the_kernel_makes_up_for_what_the_spread_lacks() -> None:
    """SCIENCE 1.5: h^2 = Var r - mean S^2; whole degrees were rounded, which the discretiser adds again."""
    known = cases(400, sd=2.0, ensemble=True)
    taught = dressing.learn(known, prior(400, sd=2.0))

    assert taught is not None
    variance = float((known.settled - known.ensemble_mean).var() - np.square(known.ensemble_spread).mean())
    assert taught.members_sd**2 == pytest.approx(variance - 1 / 12, rel=0.35)
    assert taught.members_bias == pytest.approx(0.5, abs=0.7)


def test_members_wider_than_the_misses_keep_a_narrow_kernel() -> None:
    known = cases(400, sd=0.4, biases=(-4.0, 0.0, 4.0), sds=(0.1, 0.1, 0.1))
    taught = dressing.learn(known, prior(400, sd=0.5))

    assert taught is not None
    assert taught.models_sd == pytest.approx(np.sqrt(0.1))


def test_members_of_an_ensemble_come_before_the_models() -> None:
    found = guided("dressing", cases(400, ensemble=True), members=(70.0, 70.5, 86.0, 86.5))

    assert found.weight[0, 0].tolist() == [0.25] * 4
    assert found.mean[0, 0] == pytest.approx(78.25 + 0.5, abs=0.8)


def test_two_answers_of_an_ensemble_make_a_law_of_two_hills() -> None:
    found = guided("dressing", cases(400, sd=1.0, ensemble=True), members=(70.0, 70.5, 86.0, 86.5))

    below = mixture_cdf(np.array([68.0, 73.0, 76.0, 81.0, 84.0, 90.0]), found)[0, 0]
    left, middle, right = np.diff(below)[::2]
    assert min(left, right) > 5.0 * middle


def test_members_that_say_nothing_weigh_nothing() -> None:
    found = guided("dressing", cases(400, ensemble=True), members=(77.0, NAN, 79.0))

    assert found.weight[0, 0].tolist() == [0.5, 0.0, 0.5]


def test_without_an_ensemble_the_models_are_the_members_each_without_its_own_bias() -> None:
    found = guided("dressing", cases(400, biases=(3.0, 0.0, -3.0)), (81.0, 78.0, 75.0))

    assert found.weight[0, 0] == pytest.approx([1 / 3] * 3)
    assert found.location[0, 0] == pytest.approx([79.0, 79.0, 79.0], abs=1.0)


def test_the_extreme_of_each_member_is_taken_over_the_window_alone() -> None:
    table = rows([99.0, *np.linspace(10, 20, 24), 99.0], [-99.0, *np.linspace(30, 12, 24), -99.0], start=START - HOUR)
    window = micros(START), micros(START + 24 * HOUR)

    assert extremes_of(table, *window, Extreme.HIGH).tolist() == [20.0, 30.0]
    assert extremes_of(table, *window, Extreme.LOW).tolist() == [10.0, 12.0]


def test_a_member_that_lacks_hours_of_the_window_is_left_out() -> None:
    table = rows([15.0] * 24, [18.0] * 12)

    assert extremes_of(table, micros(START), micros(START + 24 * HOUR), Extreme.HIGH).tolist() == [15.0]
    nothing = {name: values[:0] for name, values in table.items()}
    assert extremes_of(nothing, micros(START), micros(START + 24 * HOUR), Extreme.HIGH).tolist() == []
