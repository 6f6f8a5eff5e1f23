"""What prices and the mean that they imply did after a trade: by hand, and against the normal law itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from core.metrics.described import MOVES, as_noun, markdown
from core.metrics.edges import moved_degrees
from core.metrics.events import EVENT_ROWS
from core.metrics.tear_sheet import TEAR_SHEET


def degrees(mean: float, later: float, lower: float, upper: float, *, gains: bool = True) -> float:
    return float(moved_degrees(*(np.array([each]) for each in (mean, later, lower, upper)), np.array([gains]))[0])


@pytest.mark.parametrize(
    ("lower", "upper", "gains", "way"),
    [
        (45.5, 47.5, True, 1.5), (45.5, 47.5, False, -1.5), (41.5, 43.5, True, -1.5), (41.5, 43.5, False, 1.5), (46.0, np.inf, True, 1.5),
        (-np.inf, 43.5, True, -1.5), (45.0, 46.0, True, 1.5), (44.0, 45.0, True, -1.5),
    ],
)  # fmt: skip
def test_a_bracket_above_the_mean_gains_when_it_rises_and_one_below_when_it_falls(
    lower: float, upper: float, gains: bool, way: float
) -> None:
    """From 45 to 46.5 °F; a bracket that begins or ends at the mean lies beside it."""
    assert degrees(45.0, 46.5, lower, upper, gains=gains) == way


@pytest.mark.parametrize(("lower", "upper"), [(44.0, 46.0), (44.9, 60.0), (-np.inf, 45.1), (-np.inf, np.inf)])
def test_a_bracket_that_holds_the_mean_wants_no_way(lower: float, upper: float) -> None:
    assert np.isnan(degrees(45.0, 46.5, lower, upper))


def test_an_unknown_mean_is_no_move() -> None:
    assert np.isnan(degrees(np.nan, 46.5, 47.5, 49.5))
    assert np.isnan(degrees(45.0, np.nan, 47.5, 49.5))


@given(
    mean=st.floats(-20, 110), sd=st.floats(0.5, 8.0), first=st.integers(-30, 120), width=st.integers(1, 3), yes=st.booleans(),
)  # fmt: skip
def test_the_way_is_the_sign_of_the_derivative_of_the_law(mean: float, sd: float, first: int, width: int, yes: bool) -> None:
    """Probability of the bracket under the implied normal law, the mean a thousandth of a degree higher."""
    lower, upper, step = first - 0.5, first + width - 0.5, 1e-3
    q, higher = (ndtr((upper - at) / sd) - ndtr((lower - at) / sd) for at in (mean, mean + step))
    way = degrees(mean, mean + step, lower, upper, gains=yes)

    if not np.isnan(way) and min(abs(lower - mean), abs(upper - mean)) > step and q > 1e-9:
        assert np.sign(way) == np.sign((higher - q) * (1 if yes else -1))


# The page


def test_definitions_on_the_page_are_nouns() -> None:
    page = markdown()

    assert "| Return " not in page
    assert "| The mean result of an event [R]. |" in page
    for row in (*EVENT_ROWS, *TEAR_SHEET):
        assert f"| {row.label} | {as_noun(row.definition)} |" in page


def test_moves_after_a_trade_are_defined_once_by_their_docstrings() -> None:
    page = markdown()

    for label, unit, of in MOVES:
        (line,) = (each for each in page.splitlines() if each.startswith(f"| {label} |"))
        assert line.endswith(f"| {unit} |")
        assert as_noun((of.__doc__ or "").split("[")[0]) in line
