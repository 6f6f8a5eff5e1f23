"""Settlement windows, standard-time days, desk days."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.days import day_of, desk_day, desk_week, local_day, settlement_window, standard_offset, window_of
from core.model.rule import DayWindow, Statistic
from core.registry import load_stations
from tests.core.rules import a_rule

ZONES = sorted({station.tz for station in load_stations().values()})
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("tz", "day", "hours"),
    [
        ("America/New_York", date(2026, 3, 8), 23),  # clocks go forward
        ("America/New_York", date(2026, 11, 1), 25),  # and back
        ("America/New_York", date(2026, 7, 4), 24),
        ("Europe/London", date(2026, 3, 29), 23),
        ("Europe/London", date(2026, 10, 25), 25),
        ("Pacific/Auckland", date(2026, 9, 27), 23),
        ("America/Phoenix", date(2026, 3, 8), 24),  # no daylight saving
        ("Asia/Tokyo", date(2026, 3, 29), 24),
    ],
)
def test_a_civil_day_has_the_hours_that_the_clocks_give_it(tz: str, day: date, hours: int) -> None:
    start, end = window_of(DayWindow.CIVIL, tz, day)

    assert end - start == hours * HOUR


@pytest.mark.parametrize("tz", ZONES)
def test_civil_days_follow_each_other_without_gap_or_overlap(tz: str) -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(366)]
    windows = [window_of(DayWindow.CIVIL, tz, day) for day in days]

    assert all(before[1] == after[0] for before, after in itertools.pairwise(windows))
    assert [local_day(tz, start) for start, _ in windows] == days
    assert [local_day(tz, end - timedelta(microseconds=1)) for _, end in windows] == days


@pytest.mark.parametrize("tz", ZONES)
def test_standard_time_days_follow_each_other_and_are_all_alike(tz: str) -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    windows = [window_of(DayWindow.STANDARD_TIME, tz, day) for day in days]

    assert all(before[1] == after[0] for before, after in itertools.pairwise(windows))
    assert {end - start for start, end in windows} == {24 * HOUR}
    assert [day_of(DayWindow.STANDARD_TIME, tz, start) for start, _ in windows] == days
    assert [day_of(DayWindow.STANDARD_TIME, tz, end - timedelta(microseconds=1)) for _, end in windows] == days


@pytest.mark.parametrize("day", [date(2026, 1, 15), date(2026, 7, 15), date(2026, 3, 8), date(2026, 11, 1)])
def test_the_new_york_standard_time_day_starts_at_0500z_all_year(day: date) -> None:
    """FACTS I.4: KXHIGHNY closes 04:59Z/05:00Z all year; in summer the day is 01:00-01:00 clock time."""
    start, end = window_of(DayWindow.STANDARD_TIME, "America/New_York", day)

    assert start == datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
    assert end == start + 24 * HOUR


@pytest.mark.parametrize(
    ("tz", "hours"),
    [("America/Chicago", 6), ("America/Denver", 7), ("America/Los_Angeles", 8), ("America/Phoenix", 7)],
)
def test_standard_midnight_of_each_american_zone(tz: str, hours: int) -> None:
    """FACTS I.4: Central 06:00Z, Mountain 07:00Z, Pacific 08:00Z."""
    start, _ = window_of(DayWindow.STANDARD_TIME, tz, date(2026, 7, 1))

    assert start.hour == hours


def test_standard_time_is_the_smaller_offset_on_both_hemispheres() -> None:
    assert standard_offset("Pacific/Auckland", 2026) == 12 * HOUR
    assert standard_offset("Europe/Dublin", 2026) == timedelta(0)  # its zone counts winter as the exception
    assert standard_offset("America/New_York", 2026) == -5 * HOUR


def test_a_day_whose_midnight_does_not_exist_starts_at_the_jump() -> None:
    """Santiago, 6 September 2026: clocks go from 24:00 to 01:00."""
    start, end = window_of(DayWindow.CIVIL, "America/Santiago", date(2026, 9, 6))

    assert end - start == 23 * HOUR
    assert start.astimezone(ZoneInfo("America/Santiago")).hour == 1
    assert start == window_of(DayWindow.CIVIL, "America/Santiago", date(2026, 9, 5))[1]


def test_the_rule_names_the_window() -> None:
    civil = a_rule(Statistic.MAX_LISTED_REPORT)
    standard = a_rule(Statistic.OFFICIAL_MAX, window=DayWindow.STANDARD_TIME)
    day = date(2026, 7, 20)

    assert settlement_window(civil, "America/New_York", day)[0].hour == 4
    assert settlement_window(standard, "America/New_York", day)[0].hour == 5


def test_windows_are_utc_and_refuse_a_naive_reading_of_the_host() -> None:
    start, end = window_of(DayWindow.CIVIL, "Asia/Seoul", date(2026, 6, 10))

    assert (start, end) == (datetime(2026, 6, 9, 15, tzinfo=UTC), datetime(2026, 6, 10, 15, tzinfo=UTC))
    assert start.tzinfo is UTC


def test_the_desk_day_turns_at_1600z_and_is_named_by_its_start() -> None:
    turn = datetime(2026, 11, 13, 16, tzinfo=UTC)

    assert desk_day(turn) == date(2026, 11, 13)
    assert desk_day(turn - timedelta(microseconds=1)) == date(2026, 11, 12)
    assert desk_day(datetime(2026, 11, 14, 0, 59, tzinfo=ZoneInfo("Asia/Tokyo"))) == date(2026, 11, 12)


def test_the_desk_week_is_named_by_its_monday() -> None:
    assert desk_week(date(2026, 11, 15)) == date(2026, 11, 9)  # a Sunday
    assert desk_week(date(2026, 11, 16)) == date(2026, 11, 16)
