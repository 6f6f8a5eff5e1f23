"""Rows of the guard that only the futures desk has: each at its limit and just beyond it."""

from __future__ import annotations

from math import nan

import numpy as np
import pytest

from agents.transmission.decisions import NOT_APPLICABLE
from agents.transmission.guard.futures import (
    Connection,
    Line,
    cost_allows,
    depth_allows,
    limit_allows,
    line_of,
    may_send_market,
    size_allows,
    spread_allows,
    stale,
)


@pytest.mark.parametrize(
    ("connection", "line"),
    [
        (Connection(), Line.OPEN),
        (Connection(mean_ms=150.0, p99_ms=500.0, disconnected_seconds=60.0, gap_seconds=60.0), Line.OPEN),
        (Connection(mean_ms=150.1), Line.SIMULATE),
        (Connection(mean_ms=400.0, p99_ms=500.1), Line.NO_NEW_RISK),
        (Connection(disconnected_seconds=60.1), Line.NO_NEW_RISK),
        (Connection(returned=True, p99_ms=900.0), Line.FLATTEN),
        (Connection(returned=True, gap_seconds=60.1), Line.PAUSE),
    ],
)
def test_a_slow_line_is_good_for_less(connection: Connection, line: Line) -> None:
    assert line_of(connection)[0] is line


def test_a_market_order_needs_one_tick_of_spread_and_a_record_of_good_fills() -> None:
    """p90 of 50 fills with five of two ticks is 0 or 1, with six of them more than a tick."""
    assert may_send_market(1.0, [])
    assert not may_send_market(2.0, [])
    assert not may_send_market(nan, [])
    assert may_send_market(1.0, [2.0] * 50 + [0.0] * 45 + [2.0] * 5)  # older fills do not count
    assert not may_send_market(1.0, [0.0] * 44 + [2.0] * 6)


def test_spread_depth_and_cost() -> None:
    assert spread_allows(np.array([2.0, 2.25, nan])).tolist() == [True, False, False]
    assert cost_allows(np.array([2.0, 2.01, nan])).tolist() == [True, False, False]
    assert depth_allows(np.array([3.0, 3.0, 3.0]), np.array([9.0, 8.0, nan]), np.array([9.0, 99.0, 9.0])).tolist() == [
        True, False, False,
    ]  # fmt: skip


def test_a_limit_price_is_within_half_an_atr() -> None:
    assert limit_allows(20_010.0, 20_000.0, 20.0)
    assert not limit_allows(20_010.25, 20_000.0, 20.0)
    assert not limit_allows(20_000.0, 20_000.0, nan)


def test_five_times_the_usual_size_is_a_fat_finger() -> None:
    assert size_allows(5.0, [100.0] * 10 + [1.0] * 50)
    assert not size_allows(6.0, [1.0] * 50)
    assert size_allows(6.0, [])


def test_a_working_order_that_is_old_and_hardly_filled_is_taken_back() -> None:
    placed = np.array([0, 0, 0, 1], np.int64)
    size, filled = np.array([10, -10, 10, 10], np.int64), np.array([4, 5, 0, 0], np.int64)

    assert stale(placed, size, filled, 2_000_001).tolist() == [True, False, True, False]


def test_the_weather_desk_says_that_they_do_not_apply() -> None:
    assert {"market_order", "connection", "working_age"} <= NOT_APPLICABLE.keys()
