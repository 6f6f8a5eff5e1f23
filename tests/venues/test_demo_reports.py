"""The demo world's stations report through the chain that real ones use (SCIENCE 2.4)."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from venues.demo.places import BY_CODE, DEFAULT, STATIONS
from venues.demo.reports import Report, half_up, raw_text, tenths_of
from venues.demo.stations import Station
from venues.demo.weather import whole_fahrenheit
from venues.demo.world import World

WORLD = World(7)
AMERICAN = [station for station in STATIONS if station.tenths]
DAYS = [date(2026, 6, 1) + timedelta(days=3 * n) for n in range(20)]


def listed(station: Station, day: date) -> list[Report]:
    start, end = station.day_window(day)
    return WORLD.reports.between(station, start, end)


def asked(target: str, at: datetime) -> list[dict[str, Any]]:
    answer = WORLD.answer("GET", target, b"", at.isoformat().replace("+00:00", "Z"))
    return json.loads(answer.body) if answer.status == 200 else []


def test_tenths_give_every_whole_fahrenheit_degree_back() -> None:
    """SCIENCE 2.4: round(1.8 T + 32) recovers every whole degree from -80 to 140, without collisions."""
    degrees = list(range(-80, 141))

    tenths = [tenths_of(degree) for degree in degrees]

    assert [half_up(value * 18 + 3200, 100) for value in tenths] == degrees
    assert len(set(tenths)) == len(degrees)
    assert tenths[degrees.index(71)] == 217
    assert tenths[degrees.index(72)] == 222


@pytest.mark.parametrize(("tenths", "whole"), [(-15, -1), (-5, 0), (-6, -1), (5, 1), (4, 0), (285, 29), (-14, -1)])
def test_halves_go_toward_warmer(tenths: int, whole: int) -> None:
    assert half_up(tenths, 10) == whole


@pytest.mark.parametrize("station", AMERICAN, ids=lambda s: s.code)
def test_remarks_and_body_of_an_american_report_agree(station: Station) -> None:
    seen = 0
    for report in (report for day in DAYS for report in listed(station, day) if report.tenths is not None):
        text = raw_text(station, report)
        found = re.search(r" (M?\d\d)/(M?\d\d) A\d{4} RMK AO2 SLP\d{3} T([01])(\d{3})([01])(\d{3})\b", text)
        assert found, text
        tenths = int(found[4]) * (-1 if found[3] == "1" else 1)
        body = int(found[1].replace("M", "-"))
        seen += 1

        assert tenths == report.tenths
        assert body == half_up(tenths, 10)
        assert half_up(tenths * 18 + 3200, 100) == report.fahrenheit
    assert seen > 400


def test_an_international_report_knows_whole_degrees_only() -> None:
    for station in (BY_CODE["EGLC"], BY_CODE["RJTT"], BY_CODE["RKSI"]):
        for report in (report for day in DAYS for report in listed(station, day)):
            assert report.tenths is None or report.tenths % 10 == 0
            assert " T" not in raw_text(station, report)
            assert report.groups == ()


def test_a_report_is_one_reading_of_the_sensor() -> None:
    station = BY_CODE["KLGA"]
    for report in listed(station, DAYS[0]):
        mean = WORLD.weather.two_minute_means(station, report.valid // 60, report.valid // 60 + 1)
        if report.tenths is not None and not report.corrected:
            assert report.fahrenheit == int(whole_fahrenheit(mean)[0])


@pytest.mark.parametrize("station", AMERICAN, ids=lambda s: s.code)
def test_six_hour_groups_hold_the_extremes_of_their_six_hours(station: Station) -> None:
    hours = set()
    for report in (report for day in DAYS for report in listed(station, day)):
        minute = report.valid // 60
        for group in report.groups:
            span = whole_fahrenheit(WORLD.weather.two_minute_means(station, minute + 1 - group.hours * 60, minute + 1))
            hours.add((group.hours, (report.valid // 3600 + 1) % 24))
            text = raw_text(station, report)

            assert (group.high, group.low) == (tenths_of(int(span.max())), tenths_of(int(span.min())))
            assert f" {'1' if group.hours == 6 else '4'}0{group.high:03d}" in text
    # FACTS I.5: at 00, 06, 12 and 18Z; the day's at midnight standard time
    assert hours == {(6, 0), (6, 6), (6, 12), (6, 18), (24, -station.utc_hours % 24)}


def test_the_official_maximum_exceeds_the_hourly_one_as_measured() -> None:
    """FACTS I.5, KLGA: 0 in 42 %, 1 in 48 %, 2 in 9 %, 3 or more in 2 % of days."""
    station = BY_CODE["KLGA"]
    excess: Counter[int] = Counter()
    for n in range(150):
        day = date(2026, 5, 1) + timedelta(days=n)
        hourly = [r.fahrenheit for r in WORLD.reports.between(station, *station.standard_window(day)) if not r.special]
        highest, _ = WORLD.weather.official_of_span(station, *station.standard_window(day))
        excess[highest - max(value for value in hourly if value is not None)] += 1

    assert sum(excess[n] for n in excess if n < 0) <= 2  # only where a first report was corrected
    assert excess[0] / 150 == pytest.approx(0.42, abs=0.12)
    assert excess[1] / 150 == pytest.approx(0.48, abs=0.15)
    assert max(excess) <= 4


def test_reports_come_at_the_minutes_of_their_station() -> None:
    for station in STATIONS:
        reports = [report for day in DAYS for report in listed(station, day)]
        routine = {report.valid // 60 % 60 for report in reports if not report.special}

        assert routine == set(station.minutes)
        assert all(120_000 <= r.received - r.valid * 1000 <= 360_000 for r in reports if not r.corrected)


def test_specials_missing_values_and_corrections_happen_but_seldom() -> None:
    reports = [
        (BY_CODE[code], report)
        for code in DEFAULT
        for day in range(20_600, 20_625)
        for report in WORLD.reports.of_day(BY_CODE[code], day)
    ]
    corrected = [(station, report) for station, report in reports if report.corrected]

    assert 0.005 < sum(report.special for _, report in reports) / len(reports) < 0.08
    assert 0.0005 < sum(report.tenths is None for _, report in reports) / len(reports) < 0.006
    assert 0.0005 < len(corrected) / len(reports) < 0.006
    for station, report in corrected:
        (first,) = [r for s, r in reports if s is station and r.valid == report.valid and not r.corrected]
        assert first.received < report.received
        assert first.tenths != report.tenths
        assert " COR " in raw_text(station, report)


def test_a_missing_temperature_has_no_key_on_the_wire() -> None:
    found = 0
    for day in range(20_590, 20_640):
        at = datetime.fromtimestamp((day + 1) * 86_400, UTC)
        for report in asked("/awc/metar?ids=KLGA,EGLC,RKSI&format=json&hours=24", at):
            body = re.search(r" M?\d\d/M?\d\d ", report["rawOb"])
            found += body is None

            assert ("temp" in report) is ("dewp" in report) is (body is not None)
    assert found >= 2


def test_a_report_is_visible_from_its_receipt_on() -> None:
    at = datetime(2026, 6, 3, 12, 0, tzinfo=UTC)
    report = asked("/awc/metar?ids=KMIA&format=json&hours=2", at)[0]
    received = datetime.fromisoformat(report["receiptTime"])

    before = asked("/awc/metar?ids=KMIA&format=json&hours=2", received - timedelta(milliseconds=1))
    after = asked("/awc/metar?ids=KMIA&format=json&hours=2", received)

    assert report["obsTime"] not in [row["obsTime"] for row in before]
    assert report == after[0]


def test_reports_are_newest_first_and_reach_back_the_hours_asked_for() -> None:
    at = datetime(2026, 6, 3, 12, 0, tzinfo=UTC)

    default = asked("/awc/metar?ids=EGLC&format=json", at)
    window = asked("/awc/metar?ids=EGLC,KLGA&format=json&hours=5&date=20260603_0700", at)

    assert [row["obsTime"] for row in window] == sorted((row["obsTime"] for row in window), reverse=True)
    assert {row["icaoId"] for row in window} == {"EGLC", "KLGA"}
    assert at.timestamp() - 5400 < min(row["obsTime"] for row in default)  # FACTS 7.1: one and a half hours
    assert min(row["obsTime"] for row in window) > datetime(2026, 6, 3, 2, tzinfo=UTC).timestamp()
    assert max(row["obsTime"] for row in window) <= datetime(2026, 6, 3, 7, tzinfo=UTC).timestamp()
    assert asked("/awc/metar?ids=EGLC&format=json&date=2026-06-03T07:00:00Z&hours=5", at) == [
        row for row in window if row["icaoId"] == "EGLC"
    ]


def test_reports_are_kept_for_fifteen_days() -> None:
    """FACTS II.7: 15 days are guaranteed; an answer holds at most 400 rows."""
    at = datetime(2026, 6, 20, tzinfo=UTC)

    rows = asked("/awc/metar?ids=KLGA&format=json&hours=720", at)

    assert len(rows) <= 400
    assert min(row["obsTime"] for row in rows) > (at - timedelta(days=15)).timestamp()


@pytest.mark.parametrize(
    ("code", "day", "hours"),
    [("KLGA", date(2026, 11, 1), 25), ("KLGA", date(2027, 3, 14), 23), ("EGLC", date(2026, 10, 25), 25),
     ("EGLC", date(2026, 3, 29), 23), ("RJTT", date(2026, 11, 1), 24)],
)  # fmt: skip
def test_a_civil_day_has_the_hours_that_its_clock_gives_it(code: str, day: date, hours: int) -> None:
    station = BY_CODE[code]
    start, end = station.day_window(day)

    routine = {report.valid for report in listed(station, day) if not report.special}

    assert (end - start) // 3600 == hours
    assert len(routine) == hours * len(station.minutes)


def test_the_nominal_time_is_the_next_full_hour_from_fifty_past_on() -> None:
    """FACTS II.7: ":50" and ":51" reports become the next full hour; ":20" stays."""
    at = datetime(2026, 6, 3, 12, 30, tzinfo=UTC)
    for report in asked("/awc/metar?ids=EGLC,KLGA,KMIA&format=json&hours=6", at):
        observed = datetime.fromtimestamp(report["obsTime"], UTC)
        nominal = datetime.fromisoformat(report["reportTime"])

        assert nominal == (observed.replace(minute=0) + timedelta(hours=1) if observed.minute >= 50 else observed)
