"""How much smaller stakes get when several stations share a day."""

from __future__ import annotations

import numpy as np
import pytest

from agents.weather.sizing.correlation import correlations, scale_of
from core.registry import distance_kilometres, load_stations

STATIONS = load_stations()
PAIR = STATIONS["KLGA"], STATIONS["EGLC"]


def test_the_same_number_for_all_is_the_published_scale() -> None:
    """SCIENCE 4.5: 1 / (1 + (n - 1) x .25)."""
    correlation = np.full((4, 4), 0.25) + 0.75 * np.eye(4)

    assert scale_of(correlation, np.ones((1, 4), np.bool_)) == pytest.approx([1.0 / 1.75])
    assert scale_of(correlation, np.array([[True, False, True, False]])) == pytest.approx([1.0 / 1.25])
    assert scale_of(correlation, np.array([[True, False, False, False], [False] * 4])) == pytest.approx([1.0, 1.0])


def test_correlation_falls_with_distance() -> None:
    """SCIENCE 4.5: exp(-distance / 600 km)."""
    apart = distance_kilometres(*PAIR)

    found = correlations(PAIR, 600.0, 0.25)

    assert found[0, 1] == pytest.approx(np.exp(-apart / 600.0))
    assert found.diagonal().tolist() == [1.0, 1.0]
    assert correlations(PAIR, 0.0, 0.25)[1, 0] == 0.25
