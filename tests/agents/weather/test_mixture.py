"""One law for each forecast, and who is listened to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from agents.weather.discretise import mixture_cdf
from agents.weather.law import Law, single, where
from agents.weather.models import mixture
from agents.weather.models.mixture import log_density
from tests.agents.weather.lessons import NAN, cases, cell, guided, prior

GOOD_AND_BAD = {"biases": (0.0, 0.0, 3.0), "sds": (0.2, 4.0, 0.2)}


def test_each_forecast_has_its_own_bias_and_width() -> None:
    found = mixture.learn(cases(200, bias=0.0, sd=1.0, **GOOD_AND_BAD), prior(200))  # type: ignore[arg-type]

    assert found is not None
    assert found.bias == pytest.approx([0.0, 0.0, -3.0], abs=0.9)
    assert found.sd[1] > 1.5 * found.sd[0]


def test_who_spoke_well_lately_weighs_more_and_nobody_less_than_half_an_equal_share() -> None:
    found = guided("mixture", cases(200, bias=0.0, sd=1.0, **GOOD_AND_BAD), (78.0, 78.0, 81.0))  # type: ignore[arg-type]

    weight = found.weight[0, 0]
    assert weight.sum() == pytest.approx(1.0, abs=1e-12)
    assert weight.min() >= 0.5 / 3 - 1e-12
    assert weight[0] > 1.5 * weight[1]


def test_forecasts_far_apart_make_a_law_of_two_hills() -> None:
    found = guided("mixture", cases(200, bias=0.0, sd=0.7, biases=(0.0, 0.0), sds=(0.3, 0.3)), (70.0, 86.0), spread=1.0)

    edges = np.array([69.0, 71.0, 77.0, 79.0, 85.0, 87.0])
    left, middle, right = np.diff(mixture_cdf(edges, found)[0, 0])[::2]
    assert min(left, right) > 5.0 * middle
    assert found.spread[0, 0] == pytest.approx(8.0, abs=0.5)


def test_a_forecast_that_fell_silent_leaves_its_weight_to_the_others() -> None:
    found = guided("mixture", cases(200), (78.0, NAN, 79.0), forecast=78.5)

    assert found.weight[0, 0, 1] == 0.0
    assert found.weight[0, 0].sum() == pytest.approx(1.0, abs=1e-12)
    assert np.isfinite(found.mean).all()


def test_a_forecast_never_heard_before_has_the_bias_of_the_mean() -> None:
    known = cases(200)
    met = replace(known, extremes=known.extremes[:, :2].copy(), models=known.models[:2])

    found = guided("mixture", met, (78.0, 78.0, 78.0), bias=1.25)

    assert found.location[0, 0, 2] == pytest.approx(79.25)


def test_the_log_density_is_that_of_scipy() -> None:
    z, df = np.linspace(-6, 6, 25), np.array([[3.0], [8.0], [40.0]])

    assert log_density(z, df) == pytest.approx(scipy.stats.t.logpdf(z, df), abs=1e-12)


def test_mean_and_spread_of_a_mixture_are_the_worked_ones() -> None:
    """SCIENCE 6.2's mixture: m = (0, -2.9, .9), s = (.5, 1.4, .7), equal weights."""
    parts = [np.array([[values]]) for values in ([1 / 3] * 3, [0.0, -2.9, 0.9], [0.5, 1.4, 0.7])]
    law = Law(*parts, np.full((1, 1, 3), np.inf))

    assert law.mean[0, 0] == pytest.approx(-2.0 / 3)
    assert law.spread[0, 0] ** 2 == pytest.approx((0.25 + 1.96 + 0.49 + 2.9**2 + 0.81) / 3 - 4 / 9)


def test_a_component_that_weighs_nothing_changes_no_bit() -> None:
    alone = single(cell(71.3), cell(1.7), cell(8.0))
    padded = where(np.array([[True]]), alone, Law(*(np.full((1, 1, 4), value) for value in (0.25, 3.0, 1.0, 8.0))))

    edges = np.linspace(60, 80, 41)
    assert padded.weight.shape == (1, 1, 4)
    assert mixture_cdf(edges, padded).tobytes() == mixture_cdf(edges, alone).tobytes()
    assert (padded.mean.tobytes(), padded.spread.tobytes()) == (alone.mean.tobytes(), alone.spread.tobytes())
    assert (alone.mean[0, 0], alone.spread[0, 0]) == (71.3, 1.7)
