"""What positions lose in each stress, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from agents.weather.sizing.stress import payoffs, settled_at, stresses

INF = np.inf
EDGES = np.array([[70.5, 72.5, 74.5, INF], [20.5, 21.5, INF, INF]])
EXISTS = np.array([[True, True, True, True], [True, True, True, False]])


def test_yes_pays_in_its_own_outcome_and_no_in_all_others() -> None:
    position = np.array([[10.0, 0.0], [0.0, 4.0], [0.0, 0.0]])

    assert payoffs(position).tolist() == [14.0, 0.0, 4.0]


def test_a_value_settles_the_bracket_whose_edges_hold_it() -> None:
    assert settled_at(np.array([72.5, 30.0]), EDGES, EXISTS).tolist() == [1, 2]
    assert settled_at(np.array([72.6, -9.0]), EDGES, EXISTS).tolist() == [2, 0]


def told(floor: float = np.nan, mean: float = 72.0) -> dict[str, list[float]]:
    """Two events: 100 YES of 71-72 for 40 dollars in the east, 50 NO of 21 for 30 dollars in the west."""
    gain = np.array([[[-40.0, 60.0, -40.0, -40.0], [20.0, -30.0, 20.0, 0.0]]])
    found = stresses(
        gain, EXISTS, mean=np.array([mean, 21.0]), sd=np.array([1.0, 1.0]), floor=np.array([floor, np.nan]),
        high=np.array([True, True]), edges=EDGES, likely=np.array([1, 0]), regions=("east", "west"), sources=("a", "b"),
    )  # fmt: skip
    return {name: np.round(amount, 9).tolist() for name, amount in found.items()}


def test_a_region_that_is_off_by_two_sd_loses_what_its_brackets_do_not_pay() -> None:
    """72 + 2 is in 73-74, 72 - 2 in 70 and below; 21 + 2 and 21 - 2 both miss 21."""
    found = told()

    assert found["region east +2sd"] == [-40.0]
    assert found["region east -2sd"] == [-40.0]
    assert found["region west +2sd"] == [20.0]
    assert found["region west -2sd"] == [20.0]


def test_a_high_never_ends_below_what_was_observed() -> None:
    assert told(floor=71.0)["region east -2sd"] == [60.0]


def test_without_a_law_the_worst_is_counted() -> None:
    assert told(mean=np.nan)["region east +2sd"] == [-40.0]


def test_the_source_with_most_at_risk_fails_alone() -> None:
    assert told()["source_outage"] == [-40.0]


def test_a_disputed_settlement_pays_a_neighbour_of_the_likeliest() -> None:
    """Beside 71-72 lie two that lose 40; beside the first of the west only 21, which loses 30."""
    assert told()["disputed_settlement"] == [-40.0]


def test_runs_are_told_apart() -> None:
    gain = np.array([[[-1.0, 2.0]], [[3.0, -4.0]]])
    found = stresses(
        gain, np.ones((1, 2), np.bool_), mean=np.array([10.0]), sd=np.array([1.0]), floor=np.array([np.nan]),
        high=np.array([True]), edges=np.array([[10.5, INF]]), likely=np.array([0]), regions=("east",), sources=("a",),
    )  # fmt: skip

    assert found["region east +2sd"] == pytest.approx([2.0, -4.0])
    assert found["source_outage"] == pytest.approx([-1.0, -4.0])
