"""The last correction of the law's shape: learned, shrunk, judged walk-forward."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from agents.weather import recalibration as layer
from agents.weather.recalibration import LEAST_SPANS, Recalibration, recalibrated, recalibration
from core.units import FloatArray, IntArray
from tests.flipped import unnoticed


def spans(n: int, sd: float, seed: int = 2) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return spans of whole-degree readings under a law of sd 2, where the truth has `sd`; four events a day."""
    rng = np.random.default_rng(seed)
    mean = rng.uniform(60, 80, n)
    reading = np.floor(mean + sd * rng.standard_normal(n) + 0.5)
    return ndtr((reading - 0.5 - mean) / 2.0), ndtr((reading + 0.5 - mean) / 2.0), np.arange(n) // 4


NARROW = spans(400, 3.0)  # the law claims 2 where 3 is true


def map_by_hand(lower: FloatArray, upper: FloatArray, at: float) -> float:
    """The formula of SCIENCE 1.8 at one place, span by span."""
    reached = [
        min(max((at - low) / (high - low), 0.0), 1.0) if high > low else float(at >= high)
        for low, high in zip(lower, upper, strict=True)
    ]
    return (sum(reached) + 300.0 * at) / (len(reached) + 300.0)


def check_map(module: ModuleType) -> None:
    lower, upper, ordinal = NARROW
    found = module.recalibration(lower, upper, ordinal)
    assert found.n == 400
    assert found.on
    for knot in (1, 20, 77, 100, 199):
        np.testing.assert_allclose(found.knots[knot], knot / 200)
        np.testing.assert_allclose(found.values[knot], map_by_hand(lower, upper, knot / 200), atol=1e-12)
    assert (found.values[0], found.values[-1]) == (0.0, 1.0)
    between = module.recalibrated(np.array([0.0, 0.1024, 0.5, 0.9999, 1.0, np.nan]), found)
    np.testing.assert_allclose(
        between, [*np.interp([0.0, 0.1024, 0.5, 0.9999, 1.0], found.knots, found.values), np.nan], atol=1e-12
    )
    assert (between[0], between[4]) == (0.0, 1.0)


def check_gain(module: ModuleType) -> None:
    """The gain is the walk-forward mean over all events, the map of each from days two and more before."""
    lower, upper, ordinal = (each[:40] for each in NARROW)
    lower, upper = lower.copy(), upper.copy()
    lower[30] = upper[30] = 0.4312  # spans without width: the slope of the map there
    lower[38] = upper[38] = 1.0
    gains = []
    for low, high, day in zip(lower, upper, ordinal, strict=True):
        past = ordinal <= day - 2
        knots = np.linspace(0, 1, 201)
        values = np.array([0.0, *(map_by_hand(lower[past], upper[past], knot) for knot in knots[1:-1]), 1.0])
        low, high = (low, high) if high > low else (0.43, 0.435) if low < 1 else (0.995, 1.0)
        gains.append(np.log(np.diff(np.interp([low, high], knots, values))[0] / (high - low)))
    found = module.recalibration(lower, upper, ordinal)
    np.testing.assert_allclose(found.gain, np.mean(gains), atol=1e-12)
    np.testing.assert_allclose(
        module.recalibration(*(each[::-1] for each in (lower, upper, ordinal))).gain, found.gain, atol=1e-12
    )
    assert not found.on
    nothing = module.recalibration(lower[:0], upper[:0], ordinal[:0])
    assert (nothing.n, nothing.gain, nothing.on) == (0, 0.0, False)
    holes = module.recalibration(np.r_[np.nan, lower], np.r_[0.5, upper], np.r_[0, ordinal])
    assert (holes.n, holes.gain) == (40, found.gain)
    point = module.recalibration(np.full(1, 0.5), np.full(1, 0.5), np.zeros(1, np.int64))
    np.testing.assert_allclose(point.values[[99, 100]], [300 * 0.495 / 301, (300 * 0.5 + 1) / 301], atol=1e-12)


def test_the_map_is_the_shrunk_distribution_of_the_transforms() -> None:
    check_map(layer)


def test_the_gain_is_what_it_would_have_brought_walk_forward() -> None:
    check_gain(layer)


def test_a_map_widens_a_law_that_is_too_narrow() -> None:
    found = recalibration(*NARROW)

    assert found.gain > 0.005
    assert found.values[20] > 0.1 + 0.02
    assert found.values[180] < 0.9 - 0.02


def test_below_three_hundred_spans_it_is_off_and_changes_no_bit() -> None:
    found = recalibration(*(each[: LEAST_SPANS - 1] for each in NARROW))
    given_in = np.array([0.0, 0.3333, 0.9, 1.0])

    assert not found.on
    assert np.array_equal(recalibrated(given_in, found), given_in)
    assert recalibration(*(each[:LEAST_SPANS] for each in NARROW)).on


def test_a_calibrated_law_is_mostly_left_alone_and_never_hurt_by_much() -> None:
    found = [recalibration(*spans(600, 2.0, seed)) for seed in range(30)]

    assert sum(each.on for each in found) <= 12
    assert max(np.abs(each.values - each.knots).max() for each in found) < 0.04


MAP = recalibration(*NARROW)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30))
@settings(deadline=None)
def test_order_and_ends_are_kept(values: list[float]) -> None:
    cumulative = np.sort(np.array([0.0, *values, 1.0]))

    found = recalibrated(cumulative, MAP)

    assert (np.diff(found) >= 0).all()
    assert (found[0], found[-1]) == (0.0, 1.0)


def test_a_row_has_the_same_bits_alone_and_in_company() -> None:
    cumulative = np.sort(np.random.default_rng(1).random((20, 3, 12)), axis=-1)

    together = recalibrated(cumulative, MAP)

    assert all(np.array_equal(recalibrated(cumulative[i, j], MAP), together[i, j]) for i in range(20) for j in range(3))


def test_the_identity_maps_to_itself() -> None:
    knots = MAP.knots
    same = Recalibration(knots, knots, 300, 0.1, on=True)

    assert recalibrated(np.array([0.123, 0.5, 0.987]), same) == pytest.approx([0.123, 0.5, 0.987], abs=1e-15)


def test_a_flipped_sign_does_not_pass_unnoticed() -> None:
    assert unnoticed(Path(layer.__file__), [check_map, check_gain]) == []
