"""Nonhomogeneous regression against finite differences, an outside score and a known world."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import scoringrules

from agents.weather.models import emos
from tests.agents.weather.lessons import cases, guided, prior
from tests.flipped import unnoticed

PARTS = np.array([0.4, 0.9, 1.3, 0.7])


def material(n: int = 60, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    apart, variance = chance.normal(0.0, 5.0, n), chance.gamma(2.0, 1.0, n)
    return apart, variance, apart + chance.normal(0.5, 2.0, n)


def scored_as_outside(module: ModuleType) -> None:
    """The mean score is that of scoringrules, and its gradient the slope of it."""
    apart, variance, settled = material()

    def outside(parts: np.ndarray) -> float:
        a, b, c, d = parts
        return float(scoringrules.crps_normal(settled, a + b * apart, np.sqrt(c * c + d * d * variance)).mean())

    score, gradient = module.mean_score(PARTS, apart, variance, settled)

    step = 1e-6 * np.eye(4)
    assert score == pytest.approx(outside(PARTS), abs=1e-12)
    assert gradient == pytest.approx([(outside(PARTS + h) - outside(PARTS - h)) / 2e-6 for h in step], abs=1e-7)


def test_score_and_gradient_are_those_of_an_outside_library() -> None:
    scored_as_outside(emos)


def test_the_outside_score_notices_every_flipped_sign_of_ours() -> None:
    missed = [name for name in unnoticed(Path(emos.__file__), [scored_as_outside]) if name.startswith("mean_score:")]

    assert missed == []


def test_the_regression_finds_the_world_it_was_fitted_to() -> None:
    """y ~ N(1 + 0.9 (x - 10), 1 + 0.5 S^2), twenty thousand cases."""
    chance = np.random.default_rng(4)
    x, variance = chance.normal(10.0, 4.0, 20_000), chance.gamma(2.0, 2.0, 20_000)
    settled = 1.0 + 0.9 * (x - 10.0) + chance.normal(0.0, 1.0, 20_000) * np.sqrt(1.0 + 0.5 * variance)

    found = emos.fit(x, variance, settled)

    assert found.mean(np.array([10.0, 14.0])) == pytest.approx([1.0, 4.6], abs=0.06)
    assert np.square(found.sd(np.array([0.0, 4.0]))) == pytest.approx([1.0, 3.0], abs=0.15)


def test_no_other_coefficients_nearby_score_better() -> None:
    apart, variance, settled = material(400)
    found = emos.fit(apart, variance, settled)
    origin = found.a - found.b * found.centre
    best = np.array([origin, found.b, found.c, found.d])
    least = emos.mean_score(best, apart, variance, settled)[0]

    for step in 1e-3 * np.random.default_rng(0).normal(size=(50, 4)):
        assert emos.mean_score(best + step, apart, variance, settled)[0] >= least - 1e-9


def test_kelvin_and_fahrenheit_give_one_regression() -> None:
    apart, variance, settled = material(400)
    celsius, fahrenheit = emos.fit(apart, variance, settled), emos.fit(1.8 * apart + 32, 3.24 * variance, 1.8 * settled + 32)

    assert fahrenheit.mean(np.array(50.0)) == pytest.approx(1.8 * celsius.mean(np.array(10.0)) + 32, abs=1e-3)
    assert fahrenheit.sd(np.array(3.24)) == pytest.approx(1.8 * celsius.sd(np.array(1.0)), abs=1e-3)


def test_models_that_disagree_widen_the_law_where_they_did_before() -> None:
    known = cases(400, sd=0.8, by_spread=2.0)

    agreed, apart = guided("emos", known, (78.0, 78.1, 77.9)), guided("emos", known, (76.0, 78.0, 80.0))

    assert apart.spread[0, 0] > 1.5 * agreed.spread[0, 0]


def test_without_any_disagreement_the_width_is_one() -> None:
    found = emos.learn(cases(200, biases=(0.0,), sds=(1.0,)), prior(200))

    assert found is not None
    assert found[5] == 0.0
    assert np.isfinite(guided("emos", cases(200, biases=(0.0,), sds=(1.0,)), (78.0,)).spread).all()
