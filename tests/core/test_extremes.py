"""Running extremes of a settlement window."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from core.days import window_of
from core.model.rule import DayWindow, Statistic
from core.readings import (
    Extremum,
    listed_extreme,
    received_per_row,
    running_extreme,
)
from core.registry import load_stations
from core.units import MISSING, Unit, micros
from tests.core.rules import Line, a_rule, columns_of

KLGA, EGLC = load_stations()["KLGA"], load_stations()["EGLC"]
DAY = date(2026, 7, 20)
CIVIL = window_of(DayWindow.CIVIL, KLGA.tz, DAY)  # 04:00Z to 04:00Z
STANDARD = window_of(DayWindow.STANDARD_TIME, KLGA.tz, DAY)  # 05:00Z to 05:00Z
NEXT_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def at(hour: int, minute: int = 51, day: int = 20) -> datetime:
    return datetime(2026, 7, day, hour, minute, tzinfo=UTC)


def hourly(start: datetime, tenths: list[int], **more: object) -> list[Line]:
    return [
        Line(start + timedelta(hours=n), value, start + timedelta(hours=n, minutes=4), **more)  # type: ignore[arg-type]
        for n, value in enumerate(tenths)
    ]


def look(
    lines: list[Line], as_of: datetime = NEXT_YEAR, statistic: Statistic = Statistic.MAX_LISTED_REPORT, **more: object
) -> Extremum:
    columns, received = columns_of(lines)
    window = STANDARD if statistic in (Statistic.OFFICIAL_MAX, Statistic.OFFICIAL_MIN) else CIVIL
    return listed_extreme(columns, received, a_rule(statistic, **more), KLGA, window, as_of)  # type: ignore[arg-type]


def test_nothing_listed_is_no_reading() -> None:
    seen = look([])

    assert seen == Extremum(None, None, None, None, 0, complete=False, exact=False)


def test_the_extreme_is_the_highest_so_far_and_keeps_its_first_time() -> None:
    seen = look(hourly(at(14), [250, 278, 278, 239]))

    assert (seen.reading, seen.tenths, seen.valid_at) == (82, 278, at(15))
    assert (seen.newest_at, seen.count, seen.exact) == (at(17), 4, True)


def test_a_low_is_the_lowest() -> None:
    seen = look(hourly(at(8), [239, 217, 222]), statistic=Statistic.MIN_LISTED_REPORT)

    assert (seen.reading, seen.valid_at) == (71, at(9))


def test_only_what_was_received_counts() -> None:
    lines = hourly(at(14), [250, 278])

    assert look(lines, as_of=at(15, 54)).reading == 77
    assert look(lines, as_of=at(15, 55)).reading == 82  # received in that very instant


def test_a_special_report_counts_among_listed_reports_but_not_among_hourly_ones() -> None:
    lines = [*hourly(at(14), [250, 256]), Line(at(15, 20), 278, at(15, 23), report="SPECI")]

    assert look(lines).reading == 82
    assert look(lines, statistic=Statistic.MAX_HOURLY_READING).reading == 78


def test_a_special_report_within_the_hourly_minutes_counts() -> None:
    """FACTS I.1: the page's filter goes by the minute, 51 to 59."""
    lines = [Line(at(14), 250, at(15, 0)), Line(at(15, 57), 278, at(16, 0), report="SPECI")]

    assert look(lines, statistic=Statistic.MAX_HOURLY_READING).reading == 82


def test_a_report_without_temperature_is_skipped() -> None:
    seen = look([Line(at(14), 250, at(14, 55)), Line(at(15), MISSING, at(15, 55))])

    assert (seen.reading, seen.count, seen.newest_at) == (77, 1, at(14))


def test_a_correction_replaces_its_report_from_the_moment_it_is_received() -> None:
    lines = [Line(at(14), 300, at(14, 55)), Line(at(14), 250, at(15, 10), corrected=True)]

    assert look(lines, as_of=at(15, 9)).reading == 86
    assert look(lines, as_of=at(15, 10)).reading == 77
    assert look(lines).count == 1


def test_the_original_heard_again_after_its_correction_changes_nothing() -> None:
    lines = [
        Line(at(14), 300, at(14, 55)),
        Line(at(14), 250, at(15, 10), corrected=True),
        Line(at(14), 300, at(15, 20)),
        Line(at(14), 300, at(15, 10)),  # in the very answer that brought the correction
    ]

    assert look(lines).reading == 77


def test_the_newest_of_two_corrections_wins_in_whatever_order_rows_lie() -> None:
    lines = [
        Line(at(14), 250, at(15, 10), corrected=True),
        Line(at(14), 300, at(14, 55)),
        Line(at(14), 261, at(15, 30), corrected=True),
    ]

    for order in itertools.permutations(lines):
        assert look(list(order)).tenths == 261


def test_a_correction_that_takes_the_temperature_away_leaves_nothing() -> None:
    lines = [Line(at(14), 300, at(14, 55)), Line(at(14), MISSING, at(15, 10), corrected=True)]

    assert look(lines).reading is None


def test_a_metar_and_a_speci_of_one_minute_are_two_reports() -> None:
    lines = [Line(at(14), 250, at(14, 55)), Line(at(14), 278, at(14, 56), report="SPECI")]

    assert (look(lines).reading, look(lines).count) == (82, 2)


def test_reports_at_the_edges_of_the_window() -> None:
    before, first = Line(at(3, 59), 400, at(4, 1)), Line(at(4, 0), 200, at(4, 2))
    last, after = Line(at(3, 59, 21), 210, at(4, 1, 21)), Line(at(4, 0, 21), 400, at(4, 2, 21))

    seen = look([before, first, last, after])

    assert (seen.tenths, seen.count) == (210, 2)


def test_the_midnight_hour_of_summer_belongs_to_another_standard_time_day() -> None:
    """The civil day starts 04:00Z, the standard-time day 05:00Z: 00:30 clock time is yesterday's for Kalshi."""
    lines = [Line(at(4, 30), 300, at(4, 35)), Line(at(14), 250, at(14, 55))]

    assert look(lines).reading == 86
    assert look(lines, statistic=Statistic.OFFICIAL_MAX).reading == 77


# Groups at 23:51Z (the six hours to it) and at 05:51Z, which reaches back over the standard midnight of 05:00Z.
def test_a_six_hour_group_raises_an_official_maximum_only() -> None:
    lines = [Line(at(23), 272, at(23, 55), max6=289)]

    assert look(lines, statistic=Statistic.OFFICIAL_MAX).tenths == 289
    assert look(lines).tenths == 272
    assert look(lines, statistic=Statistic.MAX_HOURLY_READING).tenths == 272


@pytest.mark.parametrize(
    ("valid_at", "counts"),
    [
        (at(5), False),
        (at(10, 59), False),
        (at(11, 0), True),
        (at(11), True),
        (at(23), True),
        (at(5, 0, 21), True),
        (at(5, 1, 21), False),
    ],
)
def test_a_six_hour_group_counts_only_if_its_whole_span_lies_in_the_day(valid_at: datetime, counts: bool) -> None:
    seen = look([Line(valid_at, MISSING, valid_at, max6=289)], statistic=Statistic.OFFICIAL_MAX)

    assert seen.tenths == (289 if counts else None)


@pytest.mark.parametrize(("day", "first_hour"), [(date(2026, 3, 8), 5), (date(2026, 11, 1), 4)])
def test_six_hour_groups_on_days_of_23_and_25_hours(day: date, first_hour: int) -> None:
    """Civil midnight of New York: 05:00Z before the clocks go forward, 04:00Z before they go back."""
    window = window_of(DayWindow.CIVIL, KLGA.tz, day)
    rule = a_rule(Statistic.OFFICIAL_MAX)
    counted = []
    for hours in range(-2, 30):
        valid_at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hours)
        columns, received = columns_of([Line(valid_at, MISSING, valid_at, max6=289)])
        if listed_extreme(columns, received, rule, KLGA, window, NEXT_YEAR).tenths is not None:
            counted.append(hours)

    length = 23 if first_hour == 5 else 25
    assert counted == list(range(first_hour + 6, first_hour + length + 1))


def test_a_group_of_a_low_is_the_minimum() -> None:
    lines = [Line(at(17), 272, at(17, 55), max6=289, min6=211)]

    assert look(lines, statistic=Statistic.OFFICIAL_MIN).tenths == 211


def test_a_corrected_report_replaces_its_group_too() -> None:
    lines = [
        Line(at(17), 272, at(17, 55), max6=389),
        Line(at(17), 272, at(18, 10), corrected=True, max6=289),
    ]

    assert look(lines, as_of=at(18, 9), statistic=Statistic.OFFICIAL_MAX).tenths == 389
    assert look(lines, statistic=Statistic.OFFICIAL_MAX).tenths == 289


def test_a_body_of_whole_degrees_is_not_exact_in_fahrenheit() -> None:
    """SCIENCE 2.4: 26 C is 78 or 79 F."""
    lines = [Line(at(14), 260, at(14, 55), exact=False)]

    assert not look(lines).exact
    assert look(lines, unit=Unit.CELSIUS).exact


def test_a_station_of_whole_degrees_is_exact_as_it_prints_nothing_finer() -> None:
    columns, received = columns_of([Line(at(14, 50), 260, at(14, 55), exact=False)])
    seen = listed_extreme(columns, received, a_rule(), EGLC, window_of(DayWindow.CIVIL, EGLC.tz, DAY), NEXT_YEAR)

    assert (seen.reading, seen.exact) == (79, True)


def whole_day() -> list[Line]:
    return hourly(at(4), [200 + n for n in range(24)])


def test_a_day_is_complete_when_it_is_over_and_every_routine_report_was_heard() -> None:
    lines = whole_day()

    assert not look(lines, as_of=at(3, 59, 21)).complete
    assert look(lines, as_of=at(4, 0, 21)).complete
    assert look(lines).count == 24


@pytest.mark.parametrize("missing", [0, 11, 23])
def test_a_day_with_a_hole_is_not_complete(missing: int) -> None:
    lines = whole_day()
    special = Line(lines[missing].valid_at + timedelta(minutes=20), 250, NEXT_YEAR, report="SPECI")

    assert not look([*lines[:missing], *lines[missing + 1 :]]).complete
    assert not look([*lines[:missing], special, *lines[missing + 1 :]]).complete


def test_a_late_report_completes_the_day_when_it_arrives() -> None:
    lines = whole_day()
    late = Line(lines[5].valid_at, 205, at(9, 30, 21))
    lines[5] = late

    assert not look(lines, as_of=at(9, 29, 21)).complete
    assert look(lines, as_of=at(9, 30, 21)).complete


def slow_extreme(lines: list[Line], as_of: datetime, sign: int) -> tuple[int, int]:
    """Return tenths and count the slow way: report by report."""
    heard: dict[tuple[datetime, str], Line] = {}
    for line in sorted(lines, key=lambda line: (line.received_at, line.corrected)):
        key = (line.valid_at, line.report)
        if line.received_at > as_of or not CIVIL[0] <= line.valid_at < CIVIL[1]:
            continue
        if line.tenths == MISSING and not line.corrected:
            continue
        if key in heard and heard[key].corrected and not line.corrected:
            continue
        heard[key] = line
    values = [line.tenths for line in heard.values() if line.tenths != MISSING]
    return (sign * max(sign * value for value in values) if values else MISSING), len(values)


@pytest.mark.parametrize("seed", range(40))
def test_many_instants_at_once_agree_with_the_slow_way_and_with_one_at_a_time(seed: int) -> None:
    dice = random.Random(seed)
    lines = [
        Line(
            valid_at=CIVIL[0] + timedelta(minutes=30 * dice.randint(-4, 52)),
            tenths=dice.choice([MISSING, *range(-20, 20)]),
            received_at=CIVIL[0] + timedelta(minutes=dice.randint(0, 1700)),
            report=dice.choice(["METAR", "METAR", "SPECI"]),
            corrected=dice.random() < 0.2,
        )
        for _ in range(dice.randint(0, 120))
    ]
    # Two versions of one report in one instant have no order of their own: keep the first drawn.
    lines = list({(line.valid_at, line.report, line.received_at): line for line in lines}.values())
    columns, received = columns_of(lines)
    statistic, sign = dice.choice([(Statistic.MAX_LISTED_REPORT, 1), (Statistic.MIN_LISTED_REPORT, -1)])
    instants = [CIVIL[0] + timedelta(minutes=20 * n) for n in range(90)]

    together = running_extreme(
        columns, received, np.array([micros(instant) for instant in instants]), a_rule(statistic), KLGA, CIVIL
    )

    for row, instant in enumerate(instants):
        assert (together.tenths[row], together.count[row]) == slow_extreme(lines, instant, sign)
        assert together.at(row) == listed_extreme(columns, received, a_rule(statistic), KLGA, CIVIL, instant)


def test_rows_received_after_an_instant_change_nothing_before_it() -> None:
    lines = whole_day()
    columns, received = columns_of(lines)
    cut = micros(at(15))
    kept = received <= cut
    instants = np.arange(micros(CIVIL[0]), cut + 1, 600_000_000)

    full = running_extreme(columns, received, instants, a_rule(), KLGA, CIVIL)
    short = running_extreme({n: c[kept] for n, c in columns.items()}, received[kept], instants, a_rule(), KLGA, CIVIL)

    assert full.reading.tobytes() == short.reading.tobytes()
    assert full.newest_at.tobytes() == short.newest_at.tobytes()


def test_the_floor_of_a_maximum_never_falls_without_a_correction() -> None:
    columns, received = columns_of(whole_day())
    instants = np.arange(micros(CIVIL[0]), micros(CIVIL[1]), 300_000_000)

    seen = running_extreme(columns, received, instants, a_rule(), KLGA, CIVIL)

    assert (np.diff(seen.reading[seen.count > 0]) >= 0).all()


def test_every_row_takes_the_receipt_of_its_record() -> None:
    assert received_per_row(np.array([10, 20, 30]), np.array([0, 2, 2, 5])).tolist() == [10, 10, 30, 30, 30]


def test_the_group_of_the_day_stands_in_the_report_before_midnight_of_standard_time() -> None:
    """It is sent minutes early, at 04:51Z in New York, and sums up the day that ends at 05:00Z."""
    day = Line(at(4, 51, 21), 250, at(4, 55, 21), max24=294, min24=211)

    assert look([day], statistic=Statistic.OFFICIAL_MAX).tenths == 294
    assert look([day], statistic=Statistic.OFFICIAL_MIN).tenths == 211
    assert look([day]).tenths is None  # of the civil day, which ended at 04:00Z, it says nothing


@pytest.mark.parametrize("valid_at", [at(4, 51), at(4, 49, 21), at(5, 1, 21), at(3, 51, 21)])
def test_a_group_of_another_day_does_not_count(valid_at: datetime) -> None:
    assert look([Line(valid_at, MISSING, valid_at, max24=294)], statistic=Statistic.OFFICIAL_MAX).tenths is None


def alone(lines: list[Line], as_of: datetime, statistic: Statistic = Statistic.OFFICIAL_MAX) -> int:
    columns, received = columns_of(lines)
    window = STANDARD if statistic in (Statistic.OFFICIAL_MAX, Statistic.OFFICIAL_MIN) else CIVIL
    return int(running_extreme(columns, received, np.array([micros(as_of)]), a_rule(statistic), KLGA, window).alone[0])


def test_reports_that_a_group_sums_up_leave_nothing_unseen_between_them() -> None:
    """17:51Z to 23:51Z is summed up by the group of 23:51Z; the report of 16:51Z is not."""
    lines = [Line(at(16), 250, at(16, 55)), Line(at(19), 280, at(19, 55)), Line(at(23), 240, at(23, 55), max6=289)]

    assert alone(lines, at(23, 54)) == 280
    assert alone(lines, at(23, 55)) == 250


def test_a_low_is_alone_with_its_lowest_report() -> None:
    assert alone([Line(at(9), 150, at(9, 55)), Line(at(10), 140, at(10, 55))], at(12), Statistic.OFFICIAL_MIN) == 140


def test_only_an_official_extreme_can_lie_between_reports() -> None:
    assert alone([Line(at(16), 250, at(16, 55))], at(17), Statistic.MAX_LISTED_REPORT) == MISSING
    assert alone([], at(17)) == MISSING
