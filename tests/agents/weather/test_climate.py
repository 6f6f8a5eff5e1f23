"""The shape of a station's day, for forecasters that give the maximum alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.weather.climate import DAYS, LEAST_DAYS, ClimateMemory, distance_of, middle_of_peak
from core.model.record import Record
from core.model.rule import Extreme
from core.units import micros
from tests.agents.weather.worlds import (
    DAY,
    archive_of,
    curve,
    daily_forecast,
    event,
    listing,
    look,
    metar,
    outcome,
    window_start,
)

HOUR = 3_600_000_000
START = micros(datetime(2026, 6, 12, 5, 0, tzinfo=UTC))  # midnight of standard time in New York
OFFSET = -5 * HOUR
HIGHS = ("KLGA", Extreme.HIGH)


def test_a_fall_is_taken_from_what_the_source_printed() -> None:
    valid = START + HOUR * np.arange(24, dtype=np.int64)
    celsius = 20.0 + 5.0 * np.sin(np.arange(24) / 24 * np.pi)

    fall = distance_of(valid, celsius, 26.0, START, OFFSET, Extreme.HIGH)

    assert fall is not None
    assert fall == pytest.approx(26.0 - celsius)


def test_the_hours_are_those_of_standard_time_whenever_the_day_begins() -> None:
    """A civil day of summer begins at 23 o'clock standard time."""
    start = START - HOUR
    valid = start + HOUR * np.arange(24, dtype=np.int64)

    fall = distance_of(valid, np.arange(24.0), 23.0, start, OFFSET, Extreme.HIGH)

    assert fall is not None
    assert fall[23] == 23.0
    assert fall[22] == 0.0


def test_a_day_with_few_reports_has_no_shape() -> None:
    assert distance_of(START + HOUR * np.arange(17, dtype=np.int64), np.zeros(17), 0.0, START, OFFSET, Extreme.HIGH) is None


def test_a_shape_counts_from_when_its_days_were_known() -> None:
    memory, event_day = ClimateMemory(), DAY
    for back in range(LEAST_DAYS + 2, 2, -1):
        memory.add(HIGHS, event_day.toordinal() - back, START - (back - 1) * 24 * HOUR, np.full(24, float(back)))
    looks = np.array([START - 3 * 24 * HOUR, START - 2 * 24 * HOUR, START])

    place, shapes = memory.shapes(HIGHS, event_day, looks)

    assert [shapes[i].number > 0 for i in place] == [False, True, True]
    last = shapes[place[2]]
    assert last.distance is not None
    assert last.distance[0] == pytest.approx(5.0)  # of 7, 6, 5, 4 and 3
    assert last.distance_sd is not None
    assert last.distance_sd[0] == pytest.approx(np.sqrt(2.0))


def test_days_too_close_to_the_event_are_left_out() -> None:
    memory = ClimateMemory()
    for back in range(LEAST_DAYS):
        memory.add(HIGHS, DAY.toordinal() - back, 0, np.zeros(24))

    assert memory.shapes(HIGHS, DAY, np.array([START]))[1][0].distance is None


def taught(days: int, warmer: float) -> list[Record]:
    """Return a day of the event that is `warmer` than its forecast of 25 degrees, after settled days that were as forecast."""
    records: list[Record] = []
    for back in range(days + 2, -1, -1):
        if back == 1:
            continue
        found = event(f"nyc-{back}", day=DAY - timedelta(days=back))
        start = window_start(found)
        swing = 25.0 + (warmer if back == 0 else 0.0)
        hours = [start + timedelta(hours=h, minutes=51) for h in range(24)]
        records += [
            listing(found, start - timedelta(days=2)),
            daily_forecast("KLGA", start - timedelta(hours=11), start, (25.0, 25.0)),
        ]
        for at in hours:
            records.append(metar("KLGA", at + timedelta(minutes=5), [(at, round(10 * curve(swing, at, -5)))]))
        if back:
            records.append(outcome(found, start + timedelta(hours=33), 77))
    return records


def test_a_warm_noon_counts_once_the_station_has_a_shape(tmp_path: Path) -> None:
    noon = window_start(event()) + timedelta(hours=12)

    strange, known = (look(archive_of(tmp_path / str(days), taught(days, 2.0)), noon) for days in (2, 8))

    assert np.isnan(strange.features.error[0, 0])
    assert known.features.error[0, 0] == pytest.approx(3.6, abs=0.4)
    assert known.law.mean[0, 0] > strange.law.mean[0, 0] + 1.0


def test_todays_forecast_counts_though_tomorrows_is_newer(tmp_path: Path) -> None:
    today = event()
    start = window_start(today)
    records = [listing(today), daily_forecast("KLGA", start - timedelta(hours=11), start, (25.0, 26.0))]
    records += [daily_forecast("KLGA", start + timedelta(hours=13), start + timedelta(days=1), (30.0, 31.0))]

    found = look(archive_of(tmp_path, records), start + timedelta(hours=14))

    assert found.panel.forecasts.extreme[0, 0] == pytest.approx(77.9, abs=1e-6)


def test_a_block_has_the_bits_of_a_look_alone_with_daily_maxima_too(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, taught(8, 1.0))
    start = window_start(event())
    instants = [start + timedelta(hours=h) for h in range(-6, 24, 2)]

    block = look(archive, *instants)

    for row, at in enumerate(instants):
        alone = look(archive, at)
        place = {each.event.event_id: i for i, each in enumerate(block.panel.events)}
        for column, each in enumerate(alone.panel.events):
            theirs = place[each.event.event_id]
            assert block.p_model[row, theirs].tobytes() == alone.p_model[0, column].tobytes()
            assert block.law.mean[row, theirs].tobytes() == alone.law.mean[0, column].tobytes()


def test_the_peak_of_a_climatology_is_the_middle_of_its_high_hours() -> None:
    hours = START + HOUR * np.arange(24, dtype=np.int64)
    flat = 80.0 - 0.2 * np.square(np.arange(24) - 13.4)

    assert middle_of_peak(hours, flat, 1.5) == hours[13]
    jumped = flat.copy()
    jumped[15] = flat.max() + 0.1  # the highest hour of one month is not when the peak is
    assert abs(middle_of_peak(hours, jumped, 1.5) - hours[14]) <= HOUR


def test_days_long_gone_have_no_part_in_the_shape() -> None:
    memory, event_day = ClimateMemory(), DAY
    for back in range(DAYS + 2, DAYS + 20):
        memory.add(HIGHS, event_day.toordinal() - back, 0, np.full(24, 9.0))
    for back in range(3, 3 + LEAST_DAYS):
        memory.add(HIGHS, event_day.toordinal() - back, 0, np.full(24, 5.0))

    _, shapes = memory.shapes(HIGHS, event_day, np.array([START]))

    assert shapes[0].distance == pytest.approx(np.full(24, 5.0))
