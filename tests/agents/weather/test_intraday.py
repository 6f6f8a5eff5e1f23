"""The law of the rest of a running day, where the curve is how such days run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.weather.intraday import base_law, hours_to_peak, running_law
from agents.weather.law import Features, Progress, single
from agents.weather.vintages import HOUR
from core.units import FloatArray

NAN = float("nan")


def cell(value: float) -> FloatArray:
    return np.array([[value]], np.float64)


def features(hours: float, *, error: float = 0.0, growth: float = 0.0, age: float = 0.0, ahead: float = 84.0) -> Features:
    """Return a day whose maximum is forecast at 84 F by two models without an hourly curve."""
    parts = {
        "forecast": 84.0, "n_models": 2.0, "disagreement": 1.0, "curve_sd": 4.0, "lead_hours": 6.25, "bias": 0.0, "spread": 2.0,
        "n_residuals": 60.0, "remaining": ahead, "hours_to_peak": hours - age, "second_gap": NAN, "hours_to_second": NAN,
        "error": error, "error_age_hours": age, "excess": 0.0, "shape_sd": 2.0,
    }  # fmt: skip
    columns = {name: cell(value) for name, value in parts.items()}
    progress = Progress(growth=cell(growth), ahead=cell(ahead))
    return Features(**columns, running=cell(1.0) > 0, degree=np.array([1.0]), progress=progress)


def law(found: Features) -> tuple[float, float]:
    got = running_law(found, ISSUED)
    return float(got.location[0, 0, 0]), float(got.sd[0, 0, 0])


ISSUED = single(cell(84.0), cell(2.0), cell(8.0))


def test_long_before_the_peak_the_issued_law_stands() -> None:
    assert law(features(9.0, error=3.0, growth=1.0)) == (84.0, 2.0)


def test_an_error_counts_the_more_the_nearer_the_peak() -> None:
    moved = [law(features(hours, error=2.0))[0] - law(features(hours))[0] for hours in (6.0, 4.0, 2.0, 1.0)]

    assert moved == sorted(moved)
    assert moved[-1] == pytest.approx(2.0 * 0.56)


def test_a_day_that_warms_faster_than_usual_ends_warmer() -> None:
    assert law(features(3.0, growth=1.0))[0] - law(features(3.0))[0] == pytest.approx(0.72)


def test_time_alone_changes_nothing_until_a_report_comes() -> None:
    """What is not observed yet is the same part of the day, an hour later too."""
    assert law(features(2.0, error=1.0, age=0.9)) == pytest.approx(law(features(2.0, error=1.0, age=0.1)))


def test_the_sd_shrinks_towards_the_peak() -> None:
    sds = [law(features(hours))[1] for hours in (8.0, 5.0, 4.0, 3.0, 2.0, 1.0)]

    assert sds == sorted(sds, reverse=True)


def test_after_the_peak_the_chance_of_more_falls_with_every_hour() -> None:
    """A curve that falls a degree an hour and more; the floor stands at the forecast."""
    z = []
    for hours, ahead in ((0.0, 84.0), (-1.0, 83.5), (-2.0, 82.0), (-3.0, 80.0), (-5.0, 76.0), (-8.0, 73.0)):
        location, sd = law(features(hours, ahead=ahead))
        z.append((84.5 - location) / sd)

    assert z == sorted(z)


def test_a_correction_counts_in_sds_and_its_factor_on_the_sd() -> None:
    plain = features(3.0, error=1.0, growth=0.5)
    terms = np.array([[[0.2, 0.1, -0.1, 0.0]]])
    corrected = replace(plain, progress=replace(plain.progress, terms=terms, factor=cell(0.9)))
    location, sd = law(plain)

    assert law(corrected) == pytest.approx((location + sd * (0.2 + 0.1 * 1.0 / sd - 0.1 * 0.5 / sd), 0.9 * sd))


def test_without_what_was_learned_of_the_shape_the_curve_counts_as_before() -> None:
    unknown = replace(features(3.0), shape_sd=cell(NAN), error=cell(NAN))
    location, sd = base_law(unknown, ISSUED)

    assert np.isfinite(location).all()
    assert np.isfinite(sd).all()


def test_each_component_is_moved_as_it_would_be_alone() -> None:
    plain = features(2.0, error=1.5)
    other = single(cell(86.0), cell(2.0), cell(8.0))
    both = type(ISSUED)(*(np.concatenate(pair, axis=-1) for pair in zip(
        (0.5 * ISSUED.weight, ISSUED.location, ISSUED.sd, ISSUED.df), (0.5 * other.weight, other.location, other.sd, other.df), strict=True
    )))  # fmt: skip
    found = running_law(plain, both)

    assert found.location[0, 0, 1] - found.location[0, 0, 0] == pytest.approx(2.0 * (1 - 0.49))


def test_a_second_warm_turn_counts_once_the_first_is_over_but_not_of_a_climatology() -> None:
    now = np.array([10 * HOUR])
    first, second = np.array([9 * HOUR]), np.array([13 * HOUR])

    assert hours_to_peak(first, second, now, np.array([False]))[0] == 3.0
    assert hours_to_peak(first, second, now, np.array([True]))[0] == -1.0
