"""The running day as a path: a cross-check of the regression."""

from __future__ import annotations

import numpy as np
import pytest

from agents.weather.paths import below_path, fitted, path_law
from core.units import FloatArray

CURVE = np.array([79.0, 81.0, 82.3, 82.9, 83.03, 82.6, 81.5, 80.0])
PHI, N_PATHS = 0.88, 200_000


def highest(start: float, sd: FloatArray, bias: float = 0.0) -> FloatArray:
    """Return the highest hour of random paths."""
    dice = np.random.default_rng(20_240_816)
    unit, found = np.full(N_PATHS, (start - bias) / sd[0]), np.full(N_PATHS, -np.inf)
    for hour, forecast in enumerate(CURVE):
        unit = PHI * unit + np.sqrt(1 - PHI * PHI) * dice.standard_normal(N_PATHS)
        found = np.maximum(found, forecast + bias + sd[hour] * unit)
    return found


@pytest.mark.parametrize(("start", "bias", "widens"), [(0.0, 0.0, 0.0), (2.5, 0.0, 0.0), (-1.5, 0.4, 0.1)])
def test_the_recursion_agrees_with_random_paths(start: float, bias: float, widens: float) -> None:
    sd = 1.6 + widens * np.arange(len(CURVE))
    thresholds = np.linspace(79.0, 89.0, 21)

    found = below_path(CURVE, np.array(start), thresholds, PHI, sd, bias)

    paths = highest(start, sd, bias)
    assert np.abs(found - [(paths < each).mean() for each in thresholds]).max() < 0.004


def test_the_highest_hour_lies_above_the_highest_forecast() -> None:
    """SCIENCE 2.2: 83.43 against 83.03, sd 1.24; phi and sd of the example are not told, these give it."""
    mean, sd = path_law(CURVE, np.array(0.0), PHI, np.full(len(CURVE), 1.6))

    assert mean == pytest.approx(83.43, abs=0.01)
    assert sd == pytest.approx(1.24, abs=0.02)


def test_events_and_thresholds_together_have_the_bits_of_each_alone() -> None:
    curves = np.stack([CURVE, CURVE - 2.0])
    start, sd = np.array([0.3, -1.0]), np.full((2, len(CURVE)), 1.5)
    thresholds = np.array([[81.0, 83.0, 85.0], [79.0, 82.0, 84.0]])

    together = below_path(curves, start, thresholds, PHI, sd)

    for row in range(2):
        alone = below_path(curves[row], start[row], thresholds[row], PHI, sd[row])
        assert (together[row] == alone).all()
        assert (np.diff(alone) > 0).all()


def test_a_station_s_own_memory_is_found_again() -> None:
    dice = np.random.default_rng(5)
    unit = np.zeros((400, 24))
    unit[:, 0] = dice.standard_normal(400)
    for hour in range(1, 24):
        unit[:, hour] = 0.7 * unit[:, hour - 1] + np.sqrt(1 - 0.49) * dice.standard_normal(400)
    residuals = 0.5 + 2.0 * unit
    residuals[3, 5:9] = np.nan

    found = fitted(residuals)

    assert found.phi == pytest.approx(0.7, abs=0.03)
    assert found.bias == pytest.approx(0.5, abs=0.15)
    assert found.sd == pytest.approx(np.full(24, 2.0), abs=0.3)
