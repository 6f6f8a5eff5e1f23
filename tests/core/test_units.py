"""How values are written down."""

from __future__ import annotations

import numpy as np
import pytest

from core.units import inert, nullable, number


@pytest.mark.parametrize(
    ("value", "said"),
    [(1.5, 1.5), (np.float64(-0.5), -0.5), (3, 3.0), (0.0, 0.0), (None, None), (float("nan"), None), (float("-inf"), None)],
)
def test_a_number_is_a_float_and_what_is_none_is_nothing(value: object, said: float | None) -> None:
    found = number(value)

    assert found == said
    assert found is None or type(found) is float


def test_an_array_is_told_in_its_own_shape_with_nothing_where_no_number_is() -> None:
    assert nullable(np.array([[1.0, np.nan], [np.inf, -2.5]])) == [[1.0, None], [None, -2.5]]
    assert nullable(np.array([3, -32_768])) == [3, -32_768]
    assert nullable(np.array([np.nan, 0.5])) == [number(np.nan), number(0.5)]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-5°C or below", "@x", "\t=1", "\r=1", "\n=1"])
def test_a_text_that_begins_like_a_formula_is_run_by_nobody(text: str) -> None:
    assert inert(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "42-43°F", "a=b", "'=1"])
def test_every_other_text_stays_as_it_is(text: str) -> None:
    assert inert(text) == text
