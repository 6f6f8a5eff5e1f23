"""The filter of SCIENCE 1.3, and the laws that the models make of features."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.weather.intraday import least_variance_weight
from agents.weather.law import Features, checkpoint_sd, lead_sd
from agents.weather.models import MODELS, model_of
from agents.weather.models.residual import State, filtered, learned_spread, predictive
from core.errors import SettingsError
from core.units import FloatArray
from tests.agents.weather.worlds import SETTINGS

NAN = float("nan")


def cell(value: float) -> FloatArray:
    return np.array([[value]], np.float64)


def features(**more: float) -> Features:
    """Return one event at one instant, seen the evening before: 78 F by three models."""
    parts = {
        "forecast": 78.0, "n_models": 3.0, "disagreement": 1.0, "curve_sd": 5.0, "lead_hours": 6.25, "bias": 0.0, "spread": 2.4,
        "n_residuals": 0.0, "running": 0.0, "remaining": NAN, "hours_to_peak": NAN, "error": NAN, "error_age_hours": NAN,
        "shape_sd": 0.0, "second_gap": NAN, "hours_to_second": NAN, "excess": 0.0,
    }  # fmt: skip
    columns = {name: cell(value) for name, value in {**parts, **more}.items()}
    return Features(**{**columns, "running": columns["running"] > 0, "degree": np.array([1.0])})


def law(name: str = "residual", **more: float) -> tuple[float, float]:
    found = MODELS[name].law(features(**more), SETTINGS)
    return float(found.mean[0, 0]), float(found.spread[0, 0])


def running(**more: float) -> tuple[float, float]:
    """Return the law at noon of the day, three hours before a forecast peak of 78."""
    parts = {"running": 1.0, "remaining": 78.0, "hours_to_peak": 3.0, "error": 0.0, "error_age_hours": 0.2, "lead_hours": 6.25}
    return law(**{**parts, **more})


def test_the_filter_matches_its_worked_example() -> None:
    """SCIENCE 1.3: lambda 1 (all on one day), m0 0, k0 1, nu0 10, v0 4.84."""
    sums = State(4.0, 3.5, 1.2**2 + 0.5**2 + 2.0**2 + 0.8**2)

    found = predictive(sums, 4.84)

    assert found.mean == pytest.approx(0.7)
    assert found.scale == pytest.approx(2.1168710, abs=5e-8)
    assert found.df == 14.0


def test_residuals_of_one_day_are_not_forgotten_between_each_other() -> None:
    found = filtered(np.array([5, 5, 5, 5]), np.array([1.2, -0.5, 2.0, 0.8]), 4.84)

    assert predictive(found, 4.84).scale == pytest.approx(2.1168710, abs=5e-8)


def test_old_residuals_are_forgotten_by_a_twentieth_a_day() -> None:
    found = filtered(np.array([0, 3]), np.array([1.0, 2.0]), 4.0)

    assert found.n == pytest.approx(1 + 0.95**3)
    assert found.first == pytest.approx(2 + 0.95**3)


def test_a_coastal_bust_does_not_move_the_bias_by_a_degree() -> None:
    """SCIENCE 1.3: one miss of 17 F after a month of small ones."""
    days, small = np.arange(30), np.tile([0.5, -0.5, 1.0, -1.0, 0.0], 6)
    before = filtered(days, small, 2.4**2)

    after = filtered(np.arange(31), np.append(small, 17.0), 2.4**2)

    moved = predictive(after, 2.4**2).mean - predictive(before, 2.4**2).mean
    assert 0.2 < moved < 1.0


def test_a_steady_bias_is_learned() -> None:
    bias, spread = learned_spread(filtered(np.arange(40), np.full(40, 2.0), 2.4**2), 2.4**2)

    assert bias == pytest.approx(2.0, abs=0.2)
    assert 1.2 < spread < 2.0  # the prior keeps a third of the weight for ever


def test_before_anything_settled_the_table_speaks() -> None:
    assert learned_spread(State(), 2.4**2) == pytest.approx((0.0, 2.4))


@pytest.mark.parametrize(("lead", "several", "alone"), [(54.0, 3.4, 4.3), (30.0, 2.9, 3.9), (6.0, 2.4, 3.5), (-6.0, 2.0, 3.0)])
def test_the_table_of_leads_is_the_published_one(lead: float, several: float, alone: float) -> None:
    """SCIENCE 1.9."""
    assert lead_sd(np.array(lead), np.array(3.0)) == pytest.approx(several)
    assert lead_sd(np.array(lead), np.array(1.0)) == pytest.approx(alone)


def test_the_learned_sd_is_carried_to_other_leads_by_the_table() -> None:
    _, here = law(spread=1.8)
    _, earlier = law(spread=1.8, lead_hours=30.0)

    assert here == pytest.approx(1.8)
    assert earlier / here == pytest.approx(2.9 / float(checkpoint_sd(np.array(3.0))))


def test_the_bias_moves_the_law() -> None:
    assert law(bias=1.5)[0] == pytest.approx(79.5)


def test_a_warm_morning_raises_the_afternoon_and_less_so_the_further_off_the_peak_is() -> None:
    near, far = running(error=2.0, hours_to_peak=1.0)[0], running(error=2.0, hours_to_peak=9.0)[0]

    assert 78.0 < far < near < 80.0


def test_an_error_that_is_the_known_bias_is_no_news() -> None:
    assert running(error=1.5, bias=1.5)[0] == pytest.approx(79.5)


def test_the_law_narrows_toward_the_peak_and_after_it() -> None:
    widths = [running(hours_to_peak=h)[1] for h in (9.0, 6.0, 3.0, 0.0, -2.0)]

    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == pytest.approx(0.35, rel=0.05)


def test_an_old_observation_counts_less() -> None:
    assert running(error=2.0, error_age_hours=3.0)[0] < running(error=2.0)[0]
    assert running(error=2.0, error_age_hours=3.0)[1] > running(error=2.0)[1]


def test_an_error_against_a_climatology_says_less_the_more_its_shape_varies() -> None:
    exact, vague, blind = (running(error=3.0, shape_sd=sd)[0] for sd in (0.0, 2.0, 20.0))

    assert 78.0 <= blind < vague < exact
    assert blind == pytest.approx(78.0, abs=0.1)
    assert running(shape_sd=2.0)[1] > running()[1]


def test_what_is_left_of_the_day_leads_once_the_peak_is_over() -> None:
    location, _ = running(remaining=70.0, hours_to_peak=-4.0)

    assert location == pytest.approx(70.0, abs=0.5)


@given(st.floats(0.2, 6), st.floats(0.2, 6))
def test_the_mix_is_never_less_certain_than_the_better_law(issued: float, present: float) -> None:
    weight = float(least_variance_weight(np.array(issued), np.array(present)))
    mixed = (weight * present) ** 2 + ((1 - weight) * issued) ** 2 + 2 * 0.7 * weight * present * (1 - weight) * issued

    assert 0.0 <= weight <= 1.0
    assert mixed <= min(issued, present) ** 2 + 1e-9


def test_a_law_that_is_much_sharper_takes_all_the_weight() -> None:
    """SCIENCE 2.1: w = 1 once s_t < .7 s_0."""
    assert float(least_variance_weight(np.array(2.0), np.array(1.4))) == pytest.approx(1.0)
    assert float(least_variance_weight(np.array(2.0), np.array(1.5))) < 1.0


def test_the_old_models_are_what_they_were() -> None:
    assert law("spread") == pytest.approx((78.0, 5.0))
    assert law("spread", curve_sd=0.2) == pytest.approx((78.0, 1.0))
    assert [law("bands", lead_hours=lead)[1] for lead in (-3.0, 6.0, 30.0, 60.0)] == [2.0, 3.0, 4.0, 5.0]


def test_an_unknown_model_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="residual, mixture, emos, idr, dressing, spread, bands"):
        model_of(SETTINGS.model_copy(update={"model": "oracle"}))


@pytest.mark.parametrize("name", list(MODELS))
def test_without_a_forecast_no_model_speaks(name: str) -> None:
    found = MODELS[name].law(replace(features(), forecast=cell(NAN), lead_hours=cell(NAN)), SETTINGS)

    assert np.isnan(found.mean).all()
