"""Day-ahead forecasts and METAR reports of the past, each known when it was known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import orjson

from core.days import ONE_DAY, window_of
from core.errors import WireError
from core.model.record import Kind, Record
from core.model.rule import DayWindow
from core.registry import load_stations
from core.store.parquet import ClosedRecords
from core.units import celsius, micros, parse_iso
from venues.history.rows import Found, History
from venues.history.sets import WARM_UP_FROM, City
from venues.metar.wire import Report, decode_report, metar_columns

KNOWN_FROM = time(17, tzinfo=UTC)  # the day before: a run of 12 UTC, named as its time, was published by then
REPORT_DELAY = timedelta(minutes=5)
_ABSENT = 999.0  # MOS prints it for "no value"
MODELS: Mapping[str, Mapping[str, str]] = {
    "mos": {"gfs": "gfs_n_x_max", "nam": "nam_n_x_max"},
    "gribstream": {
        "gfs": "gfs_tmax_f", "nam": "nam_tmax_f", "gefs_mean": "gefsatmosmean_tmax_f", "rap": "rap_tmax_f",
        "hrrr": "hrrr_tmax_f", "nbm": "nbm_tmax_f",
    },
}  # fmt: skip
_SPREAD = "gefsatmos_tmp_spread_f"
_KINDS = {"FM-15": "METAR", "FM-16": "SPECI"}


def read_forecasts(history: History, city: City) -> Found:
    """Return a record per target day."""
    columns = MODELS[city.forecast_source]
    needed = ("station_id", "target_date_local", "asof_utc", *columns.values())
    records: list[Record] = []
    for line, row in history.rows(city.forecasts, needed):
        try:
            if row["station_id"] != city.settles_on:
                raise ValueError(f"station {row['station_id']!r} instead of {city.settles_on}")
            day = date.fromisoformat(row["target_date_local"])
            if day < WARM_UP_FROM:
                continue
            if (record := _forecast(city, day, row)) is not None:
                records.append(record)
        except (ValueError, OverflowError) as error:
            history.bad_row(city.forecasts, line, ",".join(row.values()), str(error))
    return Found(records)


def _forecast(city: City, day: date, row: Mapping[str, str]) -> Record | None:
    columns = MODELS[city.forecast_source]
    warmest = {model: value for model, column in columns.items() if (value := fahrenheit_or_none(row[column])) is not None}
    if not warmest:
        return None
    station = load_stations()[city.settles_on]
    starts_at = micros(window_of(DayWindow.STANDARD_TIME, station.tz, day)[0])
    spread = fahrenheit_or_none(row.get(_SPREAD, ""))
    # The outcome stands in the same line (`actual_tmax_f`): what is kept as raw must not know it.
    known = {name: row[name] for name in ("station_id", "target_date_local", "asof_utc", *columns.values())}
    return Record(
        source=city.forecast_source, kind=Kind.FORECAST, subject=city.settles_on,
        received_at=datetime.combine(day - ONE_DAY, KNOWN_FROM), issued_at=parse_iso(row["asof_utc"]), raw=orjson.dumps(known),
        rows={
            "model": np.array(list(warmest), dtype=object), "variable": np.array(["daily_max"] * len(warmest), dtype=object),
            "valid_at": np.full(len(warmest), starts_at, np.int64), "celsius": celsius(np.array(list(warmest.values()))),
        },
        facts={
            "latitude": station.latitude, "longitude": station.longitude,
            **({"gefs_spread_kelvin": spread / 1.8} if spread is not None else {}),
        },
    )  # fmt: skip


def fahrenheit_or_none(text: str) -> float | None:
    """Return a temperature of a forecast file, None where it holds none; ValueError for what cannot be one."""
    if not text:
        return None
    value = float(text)
    if value == _ABSENT:
        return None
    if not math.isfinite(value) or not -100 < value < 150:
        raise ValueError(f"{text} is no temperature in °F")
    return value


def read_reports(history: History, city: City) -> Found:
    """Return a record per METAR or SPECI, known five minutes after its time."""
    file = city.reports
    reports: list[Report] = []
    received: list[int] = []
    raw: list[bytes] = []
    for line, row in history.rows(file, ("valid_utc", "report_type", "raw")):
        try:
            valid_at = parse_iso(row["valid_utc"])
            report = decode_report(row["raw"], valid_at, _KINDS[row["report_type"]])
            if report.station != city.reports_of:
                raise ValueError(f"a report of {report.station} instead of {city.reports_of}")
        except (WireError, ValueError, KeyError) as error:
            history.bad_row(file, line, ",".join(row.values()), str(error))
            continue
        reports.append(report)
        received.append(micros(max(valid_at, report.valid_at) + REPORT_DELAY))
        raw.append(row["raw"].encode())
    if not reports:
        return Found()
    subjects = [city.reports_of] * len(raw)
    return Found(table=ClosedRecords(Kind.METAR, "metar", subjects, np.array(received, np.int64), raw, metar_columns(reports)))
