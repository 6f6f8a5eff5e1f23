"""The UTC day taken for the station's, one day for two venues: FACTS I.10, polymarket-kalshi-weather-bot issue 76."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.days import day_of, settlement_window, standard_offset
from core.model.rule import DayWindow
from core.registry import load_stations
from tests.api.world import rule

ZONES = sorted({station.tz for station in load_stations().values()})
DAYS = st.dates(date(2021, 1, 2), date(2027, 12, 30))
CIVIL, STANDARD = (replace(rule(), window=window) for window in (DayWindow.CIVIL, DayWindow.STANDARD_TIME))
ROOT = Path(__file__).resolve().parents[2]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(ZONES), DAYS)
def test_a_civil_day_is_what_the_clocks_of_the_station_show(tz: str, day: date) -> None:
    """Guard: `_civil_midnight` of core/days.py. It lasts 23, 24 or 25 hours, and every local instant of it bears its date."""
    start, end = settlement_window(CIVIL, tz, day)

    assert (end - start) / timedelta(hours=1) in (23, 23.5, 24, 24.5, 25)
    assert settlement_window(CIVIL, tz, day + timedelta(days=1))[0] == end  # no gap, no overlap
    for instant in (start, start + (end - start) / 2, end - timedelta(microseconds=1)):
        assert instant.astimezone(ZoneInfo(tz)).date() == day
        assert day_of(DayWindow.CIVIL, tz, instant) == day


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(ZONES), DAYS)
def test_a_standard_time_day_has_24_hours_all_year(tz: str, day: date) -> None:
    """Guard: `_standard_midnight` of core/days.py: in summer it is not the civil day but an hour later."""
    start, end = settlement_window(STANDARD, tz, day)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)

    assert start == midnight - standard_offset(tz, day.year)
    next_start = settlement_window(STANDARD, tz, day + timedelta(days=1))[0]
    assert next_start == end or day.year != (day + timedelta(days=1)).year
    assert day_of(DayWindow.STANDARD_TIME, tz, start) == day
    assert day_of(DayWindow.STANDARD_TIME, tz, start - timedelta(microseconds=1)) == day - timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "civil", "standard"),
    [
        (date(2026, 3, 8), ("05:00", 23), ("05:00", 24)),  # New York springs forward
        (date(2026, 7, 1), ("04:00", 24), ("05:00", 24)),
        (date(2026, 11, 1), ("04:00", 25), ("05:00", 24)),  # falls back
        (date(2026, 12, 9), ("05:00", 24), ("05:00", 24)),
    ],
)
def test_two_venues_mean_two_days_of_one_city(day: date, civil: tuple[str, int], standard: tuple[str, int]) -> None:
    """FACTS I.4: KXHIGHNY closes at 04:59Z or 05:00Z all year."""
    for of, (at, hours) in ((CIVIL, civil), (STANDARD, standard)):
        start, end = settlement_window(of, "America/New_York", day)
        assert (f"{start:%H:%M}", (end - start) / timedelta(hours=1)) == (at, hours)
        assert start.date() == day


def test_no_station_s_day_is_the_utc_day_by_accident() -> None:
    """Had the UTC day been taken, the window of a summer day would start at 00:00Z everywhere."""
    starts = {tz: settlement_window(CIVIL, tz, date(2026, 7, 1))[0] for tz in ZONES}

    at_midnight = {tz for tz, start in starts.items() if (start.hour, start.minute) == (0, 0)}
    assert all(starts[tz].astimezone(ZoneInfo(tz)).utcoffset() == timedelta(0) for tz in at_midnight)
    assert len(at_midnight) < len(ZONES) / 4


@pytest.mark.parametrize("host", ["UTC", "Asia/Tokyo", "America/Los_Angeles", "Pacific/Apia"])
def test_the_time_zone_of_the_host_never_matters(host: str) -> None:
    """Guard: nothing in core/days.py asks the machine for its zone; run apart, since a process has one."""
    code = (
        "from datetime import date; from core.days import settlement_window; from tests.incidents.test_climate_day import CIVIL\n"
        "print(*(settlement_window(CIVIL, 'America/New_York', date(2026, m, 8))[0].isoformat() for m in (1, 3, 7, 11)))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "TZ": host},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert out.stdout.split() == [
        "2026-01-08T05:00:00+00:00", "2026-03-08T05:00:00+00:00", "2026-07-08T04:00:00+00:00", "2026-11-08T05:00:00+00:00",
    ]  # fmt: skip
