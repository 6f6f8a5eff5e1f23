"""Whether the highest temperature so far is the last word."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from agents.weather.hold import EVENING, MOST, MOST_AT_EVENING, Hold, habit, held, hold_of, local_hours, standing
from core.registry import load_hold
from core.units import BoolArray, FloatArray, micros

READINGS = np.arange(78.0, 90.0)
HIGH, LOW = np.array([True]), np.array([False])


def hold(chance: float, most: float = 1.0) -> Hold:
    return Hold(np.array([[chance]]), np.array([[most]]))


def summed(floor: float, centre: float = 82.0, sd: float = 1.5) -> tuple[FloatArray, BoolArray]:
    """Return a law of what may still come, with nothing below the floor, and where that is."""
    cdf = 1.0 / (1.0 + np.exp(-1.7 * (READINGS + 0.5 - centre) / sd))
    cdf[-1] = 1.0
    return np.where(floor > READINGS, 0.0, cdf)[None, None], np.equal(READINGS, floor)[None, None]


def test_the_table_says_what_was_measured() -> None:
    """FACTS I.4: P(final maximum = maximum so far) by the station's clock."""
    table = load_hold()

    assert dict(table["KMIA"])[15.0] == 0.90
    assert dict(table["KLGA"])[14.0] == 0.41
    assert dict(table["RJTT"])[16.0] == 0.95
    assert all(0 < chance < 1 for rows in table.values() for _, chance in rows)


def test_a_station_without_a_row_has_the_mean_of_those_that_have_one() -> None:
    assert habit("EDDM", np.array([15.0, 16.5])) == pytest.approx([0.775, (0.888 + 0.950) / 2], abs=0.001)


def test_nothing_is_known_before_the_first_hour_and_the_day_ends_with_certainty() -> None:
    found = habit("KMIA", np.array([9.0, 13.9, 14.0, 24.0]))

    assert np.isnan(found[:2]).all()
    assert found[2:] == pytest.approx([0.74, 1.0])


def test_thirty_settled_days_weigh_as_much_as_the_table() -> None:
    days, stood = np.zeros(24), np.zeros(24)
    days[15], stood[15] = 30.0, 15.0

    assert habit("KMIA", np.array([15.0]), days, stood)[0] == pytest.approx((0.90 + 0.50) / 2)


def test_the_clock_is_that_of_the_station() -> None:
    summer, winter = (micros(datetime(2024, month, 1, 18, 30, tzinfo=UTC)) for month in (7, 1))

    assert local_hours(np.array([summer, winter]), "America/New_York").tolist() == [14.5, 13.5]


def test_before_the_peak_the_law_stands_alone() -> None:
    chance, hours = np.array([[0.9, 0.9]]), np.array([[15.0, 15.0]])
    one, floor = summed(82.0)
    cdf, at_floor = np.repeat(one, 2, axis=1), np.repeat(floor, 2, axis=1)

    found = held(cdf, at_floor, np.array([True, True]), hold_of(chance, hours, np.array([[False, True]])))

    assert (found[0, 0] == cdf[0, 0]).all()
    assert found[0, 1, 4] > cdf[0, 1, 4]


def test_the_habit_has_its_part_of_the_chance() -> None:
    assert standing(np.array([[0.5]]), hold(0.9))[0, 0] == pytest.approx(0.85 * 0.5 + 0.15 * 0.9)


def test_what_lies_beyond_keeps_its_proportions() -> None:
    cdf, at_floor = summed(82.0)

    found = held(cdf, at_floor, HIGH, hold(0.95))

    before, after = np.diff(cdf[0, 0])[4:], np.diff(found[0, 0])[4:]
    assert after / after.sum() == pytest.approx(before / before.sum())
    assert after.sum() < before.sum()
    assert found[0, 0, -1] == 1.0
    assert (found[0, 0, :4] == 0).all()


@pytest.mark.parametrize(("hour", "most"), [(16.0, MOST), (EVENING, MOST_AT_EVENING), (23.9, MOST_AT_EVENING)])
def test_a_floor_far_above_all_that_may_come_holds_nearly_all_but_never_all(hour: float, most: float) -> None:
    cdf, at_floor = summed(86.0, centre=70.0, sd=0.5)

    found = held(cdf, at_floor, HIGH, hold_of(np.array([[0.999]]), np.array([[hour]]), np.array([[True]])))[0, 0]

    assert found[8] == pytest.approx(most)
    assert found[9] == 1.0  # the rest is the next reading's


def test_a_lowest_temperature_has_the_bound_mirrored() -> None:
    cdf, at_floor = summed(82.0, centre=70.0, sd=0.5)
    high = held(cdf, at_floor, HIGH, hold(np.nan, MOST))[0, 0]
    mirrored = 1.0 - np.append(cdf[0, 0, ::-1][1:], 0.0)

    low = held(mirrored[None, None], at_floor[..., ::-1], LOW, hold(np.nan, MOST))[0, 0]

    assert 1.0 - np.append(low[::-1][1:], 0.0) == pytest.approx(high)


def test_a_higher_floor_never_makes_lower_readings_likelier() -> None:
    for chance in (0.3, 0.9, np.nan):
        before = None
        for floor in READINGS[:-1]:
            cdf, at_floor = summed(float(floor))
            found = held(cdf, at_floor, HIGH, hold(chance, MOST))[0, 0]
            if before is not None:
                assert (found[floor > READINGS] == 0).all()
                assert (np.diff(found) >= 0).all()
                assert (found <= before + 1e-12).all()  # reaching any reading is likelier from a higher floor
            before = found


def test_without_a_floor_nothing_is_moved() -> None:
    cdf, _ = summed(78.0)
    nowhere = np.zeros(cdf.shape, np.bool_)

    assert (held(cdf, nowhere, HIGH, hold(0.9, MOST)) == cdf).all()
    assert (held(cdf, nowhere, LOW, hold(0.9, MOST)) == cdf).all()
