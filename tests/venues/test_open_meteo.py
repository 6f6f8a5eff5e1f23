from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from core.errors import WireError
from core.model.record import Kind, Record
from core.units import micros
from venues.open_meteo.wire import parse_forecast

HEARD = datetime(2026, 7, 3, 0, 1, tzinfo=UTC)


@pytest.fixture
def fixtures(captures: Path) -> Path:
    return captures / "fixtures" / "open_meteo"


def decoded(raw: bytes, **options: str) -> Record:
    return parse_forecast(raw, "EGLC", HEARD, **options)


def body(**fields: Any) -> bytes:
    whole = {
        "latitude": 51.5, "longitude": 0.0, "timezone": "GMT", "utc_offset_seconds": 0,
        "hourly_units": {"time": "unixtime", "temperature_2m": "°C"},
        "hourly": {"time": [1790805600, 1790809200], "temperature_2m": [16.7, None]},
    }  # fmt: skip
    return json.dumps({**whole, **fields}).encode()


def hourly(times: list[Any], unit: str = "iso8601", **columns: Any) -> dict[str, Any]:
    return {
        "hourly_units": {"time": unit, **dict.fromkeys(columns, "°C")},
        "hourly": {"time": times, **columns},
    }


def test_one_model_alone_has_no_suffix_and_null_is_no_row() -> None:
    record = decoded(body(), model="ecmwf_ifs025")

    assert (record.kind, record.subject, record.source) == (Kind.FORECAST, "EGLC", "open_meteo")
    assert record.rows["model"].tolist() == ["ecmwf_ifs025"]
    assert record.rows["variable"].tolist() == ["hourly"]
    assert record.rows["valid_at"].tolist() == [1790805600 * 1_000_000]
    assert record.rows["celsius"].tolist() == [16.7]


def test_several_models_are_told_apart_by_the_suffix_that_came_not_by_what_was_asked() -> None:
    columns = {
        "temperature_2m_ecmwf_ifs025": [1.0, 2.0],
        "temperature_2m_ncep_gfs_seamless": [3.0, 4.0],
        "temperature_2m_previous_day1": [9.0, 9.0],
    }
    record = decoded(body(**hourly([1790805600, 1790809200], "unixtime", **columns)))

    assert record.rows["model"].tolist() == ["ecmwf_ifs025"] * 2 + ["ncep_gfs_seamless"] * 2
    assert record.rows["celsius"].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_a_model_without_values_has_no_rows_and_is_named() -> None:
    whole = hourly([1790805600], "unixtime", temperature_2m_a=[1.0], temperature_2m_b=[None])
    whole["hourly_units"]["temperature_2m_b"] = "undefined"
    record = decoded(body(**whole))

    assert record.rows["model"].tolist() == ["a"]
    assert record.facts["empty"] == ["b"]


def test_values_that_are_no_temperature_are_left_out_and_named_per_model() -> None:
    raw = json.dumps(
        json.loads(body(**hourly([0, 3600], "unixtime", temperature_2m_a=[1.0, 290.0], temperature_2m_b=[2.0, 3.0])))
    )
    record = decoded(raw.replace("3.0]", "1e999]").encode())

    assert (record.rows["model"].tolist(), record.rows["celsius"].tolist()) == (["a", "b"], [1.0, 2.0])
    assert record.facts["quarantined"] == [
        "EGLC a hourly: 1 of 2 values are left out, 290.0 °C is no temperature on Earth",
        "EGLC b hourly: 1 of 2 values are left out, inf is no number",
    ]


def test_an_answer_in_kelvin_under_the_name_of_celsius_is_bad_as_a_whole() -> None:
    with pytest.raises(WireError, match=r"290\.0 °C is no temperature on Earth; nothing else is in the answer"):
        decoded(body(**hourly([0, 3600], "unixtime", temperature_2m=[290.0, 291.0])))


def test_fahrenheit_is_converted() -> None:
    record = decoded(
        body(hourly_units={"time": "unixtime", "temperature_2m": "°F"}, hourly={"time": [0], "temperature_2m": [50.0]})
    )

    assert record.rows["celsius"].tolist() == [10.0]


def test_summer_wall_time_is_an_hour_ahead_in_london() -> None:
    record = decoded(
        body(timezone="Europe/London", utc_offset_seconds=3600, **hourly(["2026-07-03T00:00"], temperature_2m=[20.0]))
    )

    assert record.rows["valid_at"].tolist() == [micros(datetime(2026, 7, 2, 23, tzinfo=UTC))]


def test_the_day_clocks_go_back_holds_an_hour_twice_and_25_hours() -> None:
    """New York, 2026-11-01: 01:00 EDT and 01:00 EST; one utc_offset_seconds would be wrong for half of the day."""
    walls = ["00:00", "01:00", "01:00", *(f"{hour:02d}:00" for hour in range(2, 24))]
    times = [f"2026-11-01T{wall}" for wall in walls]
    record = decoded(body(timezone="America/New_York", utc_offset_seconds=-14400, **hourly(times, temperature_2m=[1.0] * 25)))

    start = micros(datetime(2026, 11, 1, 4, tzinfo=UTC))
    assert record.rows["valid_at"].tolist() == [start + hour * 3_600_000_000 for hour in range(25)]


def test_the_day_clocks_go_forward_has_23_hours() -> None:
    times = [f"2026-03-08T{hour:02d}:00" for hour in range(24) if hour != 2]
    record = decoded(body(timezone="America/New_York", **hourly(times, temperature_2m=[1.0] * 23)))

    assert np.diff(record.rows["valid_at"]).tolist() == [3_600_000_000] * 22


def test_an_hour_that_the_zone_does_not_have_is_a_wire_error() -> None:
    with pytest.raises(WireError, match="does not exist in America/New_York"):
        decoded(body(timezone="America/New_York", **hourly(["2026-03-08T02:00"], temperature_2m=[1.0])))


def test_an_unknown_zone_falls_back_on_its_offset() -> None:
    record = decoded(body(timezone="Moon/Base", utc_offset_seconds=7200, **hourly(["2026-07-03T02:00"], temperature_2m=[1.0])))

    assert record.rows["valid_at"].tolist() == [micros(datetime(2026, 7, 3, tzinfo=UTC))]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"hourly": {"time": [1, 2], "temperature_2m": [1.0]}}, "has not the 2 values"),
        ({"hourly": {"time": [2, 1], "temperature_2m": [1.0, 2.0]}}, "do not ascend"),
        ({"hourly": {"time": [1, 2], "temperature_2m": [1.0, "warm"]}}, "no number"),
        ({"hourly": {"time": ["a", "b"], "temperature_2m": [1.0, 2.0]}}, "no Unix second"),
        ({"hourly_units": {"time": "unixtime", "temperature_2m": "K"}}, "neither °C nor °F"),
        ({"hourly_units": {"time": "unixtime", "temperature_2m": "undefined"}}, "neither °C nor °F"),
        ({"hourly": {"temperature_2m": [1.0]}}, "has no times"),
        ({"latitude": None}, "latitude is None"),
        ({"hourly": {"time": [1, 10**30], "temperature_2m": [1.0, 2.0]}}, "no Unix second"),
        ({"timezone": None, "utc_offset_seconds": "east"}, "neither timezone nor utc_offset_seconds"),
        ({"error": True, "reason": "nope"}, "nope"),
    ],
)
def test_a_forecast_that_contradicts_itself_is_a_wire_error(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(WireError, match=why):
        decoded(body(**fields))


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"<html>", b"[" * 100_000])
def test_what_is_no_forecast_is_a_wire_error(raw: bytes) -> None:
    with pytest.raises(WireError, match="open_meteo"):
        decoded(raw)


# Read by hand: zone, first day, number of days.
DAILY: dict[str, tuple[str, str, int]] = {
    "forecast_daily_london_2026-07-03T0001Z.json": ("Europe/London", "2026-07-03", 3),
    "forecast_daily_nyc_2026-07-03T0001Z.json": ("America/New_York", "2026-07-02", 3),
    "archive_daily_london_2026-07-03T0001Z.json": ("Europe/London", "2026-06-26", 7),
    "archive_daily_nyc_2026-07-03T0001Z.json": ("America/New_York", "2026-06-26", 7),
    "archive_daily_london_2026-03-01_2026-06-20.json": ("Europe/London", "2026-03-01", 112),
    "archive_daily_nyc_2026-03-01_2026-06-20.json": ("America/New_York", "2026-03-01", 112),
    "historical_forecast_daily_london_2026-03-01_2026-06-20.json": ("Europe/London", "2026-03-01", 112),
    "historical_forecast_daily_nyc_2026-03-01_2026-06-20.json": ("America/New_York", "2026-03-01", 112),
}


@pytest.mark.parametrize("name", DAILY)
def test_a_daily_answer_is_maxima_and_minima_at_the_start_of_local_days(fixtures: Path, name: str) -> None:
    zone, first, days = DAILY[name]
    raw = (fixtures / name).read_bytes()
    source, record = json.loads(raw), decoded(raw)

    unit = source["daily_units"]["temperature_2m_max"]
    starts = [
        micros(datetime.combine(date.fromisoformat(first) + timedelta(days=i), datetime.min.time(), ZoneInfo(zone)))
        for i in range(days)
    ]
    for name in ("max", "min"):
        values = source["daily"].get(f"temperature_2m_{name}", [None] * days)
        mine = record.rows["variable"] == f"daily_{name}"
        assert record.rows["valid_at"][mine].tolist() == [at for at, v in zip(starts, values, strict=True) if v is not None]
        wanted = [v if unit == "°C" else (v - 32) / 1.8 for v in values if v is not None]
        assert record.rows["celsius"][mine] == pytest.approx(wanted)
    assert "daily_max" in record.rows["variable"]
    assert (record.facts["latitude"], record.facts["longitude"]) == (source["latitude"], source["longitude"])  # the grid point


def test_new_yorks_forecast_of_half_past_midnight_utc_still_begins_on_the_day_before(fixtures: Path) -> None:
    """Asked at 2026-07-03 00:01Z: in New York it is July 2."""
    record = decoded((fixtures / "forecast_daily_nyc_2026-07-03T0001Z.json").read_bytes())

    assert record.rows["valid_at"].tolist()[0] == micros(datetime(2026, 7, 2, 4, tzinfo=UTC))


def test_days_before_and_after_the_clocks_change_start_at_their_own_midnight(fixtures: Path) -> None:
    """London 2026-03-29: the day after it starts at 23:00Z, the day before at 00:00Z."""
    record = decoded((fixtures / "archive_daily_london_2026-03-01_2026-06-20.json").read_bytes())
    starts = record.rows["valid_at"].tolist()

    assert starts[28] == micros(datetime(2026, 3, 29, 0, tzinfo=UTC))
    assert starts[29] == micros(datetime(2026, 3, 29, 23, tzinfo=UTC))


def test_an_hourly_answer_without_the_surface_temperature_has_no_rows(fixtures: Path) -> None:
    """Ankara asked for 850 hPa and pressure: `temperature_850hPa` is not the temperature at two metres."""
    record = decoded((fixtures / "forecast_hourly_ankara_2026-02-26.json").read_bytes())

    assert len(record.rows["celsius"]) == 0
    assert record.facts["latitude"] == 40.125


@pytest.mark.parametrize("name", ["error_400_run_not_available.json", "error_429_concurrent.json"])
def test_an_error_body_is_never_read_as_a_forecast(fixtures: Path, name: str) -> None:
    error = json.loads((fixtures / name).read_text("utf-8"))["body"]

    with pytest.raises(WireError, match=error["reason"][:20]):
        decoded(json.dumps(error).encode())
