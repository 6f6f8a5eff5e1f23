"""The isotonic fit against its definition, and what smoothing makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from agents.weather.models import MODELS, idr
from tests.agents.weather.lessons import cases, guided, prior

POINTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), min_size=2, max_size=25)


def fitted(points: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray, idr.Steps]:
    x, y = np.array(points, np.float64).T
    return x, y, idr.fit(x, y)


@given(POINTS)
def test_every_row_is_a_law_and_a_warmer_forecast_never_colder(points: list[tuple[int, int]]) -> None:
    _, _, found = fitted(points)

    below = np.cumsum(found.mass, axis=1)
    assert found.mass.sum(axis=1) == pytest.approx(np.ones(len(found.forecast)), abs=1e-12)
    assert (found.mass >= 0.0).all()
    assert (np.diff(below, axis=0) <= 1e-12).all()


@given(POINTS)
@settings(max_examples=40)
def test_each_threshold_is_the_max_min_of_averages(points: list[tuple[int, int]]) -> None:
    """The closed form of isotonic regression (Barlow et al. 1972): antitonic, so a min over below of a max over above."""
    x, y, found = fitted(points)
    below = np.cumsum(found.mass, axis=1)

    for column, threshold in enumerate(found.threshold):
        hit = (y <= threshold).astype(float)
        for row, at in enumerate(found.forecast):
            form = min(
                max(hit[(x >= low) & (x <= high)].mean() for high in found.forecast[row:]) for low in found.forecast[: row + 1]
            )
            assert below[row, column] == pytest.approx(form, abs=1e-9), at


def test_a_two_point_violation_is_pooled() -> None:
    """Forecast 1 settled 5, forecast 2 settled 3: neither can be told apart from the other."""
    found = idr.fit(np.array([1.0, 2.0]), np.array([5.0, 3.0]))

    assert found.mass.tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_between_two_forecasts_the_law_is_a_mean_of_theirs() -> None:
    found = idr.fit(np.array([1.0, 2.0]), np.array([3.0, 5.0]))

    assert idr.mass_at(found, np.array([0.0, 1.0, 1.25, 2.0, 9.0])).tolist() == [[1, 0], [1, 0], [0.75, 0.25], [0, 1], [0, 1]]


def test_smoothing_gives_mass_to_a_bracket_in_which_nothing_settled_yet() -> None:
    known = cases(400)

    found = guided("idr", known)

    assert (found.sd[0, 0] > 0.3).all()
    assert found.spread[0, 0] > float(known.residual.std()) * 0.85


def test_a_forecast_beyond_all_that_were_seen_moves_the_law_along() -> None:
    known = cases(400)
    furthest = float(known.centre.max())

    edge, beyond = (guided("idr", known, (at,) * 3) for at in (furthest, furthest + 4.0))

    assert beyond.mean[0, 0] == pytest.approx(edge.mean[0, 0] + 4.0, abs=1e-9)


def test_fewer_than_three_hundred_cases_are_too_few() -> None:
    learn = MODELS["idr"].learn
    assert learn is not None

    assert learn(cases(299), prior(299)) is None
    assert learn(cases(300), prior(300)) is not None


def test_no_other_monotone_fit_has_a_smaller_square() -> None:
    """Against a general optimiser on one threshold."""
    chance = np.random.default_rng(8)
    x, hit = np.arange(12.0), (chance.random(12) < np.linspace(0.9, 0.1, 12)).astype(float)
    found = np.cumsum(idr.fit(x, 1.0 - hit).mass, axis=1)[:, 0]

    rules = [{"type": "ineq", "fun": lambda p, i=i: p[i] - p[i + 1]} for i in range(11)]
    best = minimize(lambda p: float(np.square(p - hit).sum()), np.full(12, 0.5), constraints=rules, options={"ftol": 1e-12})

    assert found == pytest.approx(best.x, abs=1e-4)
