"""Forecasts with the moment at which they were read, and the readings that a settlement page listed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

import numpy as np
import orjson

from core.days import window_of
from core.model.record import Kind, Record
from core.model.rule import DayWindow
from core.readings import tenths_from_fahrenheit
from core.registry import load_stations
from core.store.columns import texts
from core.store.parquet import ClosedRecords
from core.units import MICRO, MISSING, celsius, instant, micros, parse_iso
from venues.history.rows import Found, History
from venues.history.sets import LIVE_FORECASTS, PAGE_READINGS, PriceSet, Town
from venues.history.weather import fahrenheit_or_none

SOURCE = "openmeteo_daily"  # daily extremes alone, of the civil day
BEST_MATCH = "best_match"  # the service's own choice of models
PAGE = "wunderground"
PAGE_DELAY = 10 * 60 * MICRO  # when a reading stood on the page is not known; reports reach it within minutes
ROUTINE_MINUTE = 51
_COLUMNS = {"ecmwf": "ecmwf_max_c", "gfs": "gfs_max_c", "icon": "icon_max_c"}
_NATIONAL = {"UKMO": "ukmo", "MeteoFrance": "meteofrance", "JMA": "jma"}

Value = tuple[str, str, int, float]  # model, variable, start of the day, °C


def read_moment_forecasts(history: History, prices: PriceSet) -> Found:
    """Return what each model said at each moment of reading, all days of a city together."""
    needed = ("time_utc", "city", "target_date", *_COLUMNS.values(), "national_model_name", "national_model_max_c")
    parts: dict[tuple[str, int], list[tuple[Value, bytes]]] = defaultdict(list)
    for line, row in history.rows(prices.prices, needed):
        try:
            town, at = prices.town(row["city"]), micros(parse_iso(row["time_utc"]))
            start = _start(town, date.fromisoformat(row["target_date"]))
            named = {model: row[column] for model, column in _COLUMNS.items()}
            if row["national_model_name"]:
                named[_NATIONAL[row["national_model_name"]]] = row["national_model_max_c"]
            values = [(model, "daily_max", start, _celsius(text)) for model, text in named.items() if text]
        except (ValueError, KeyError) as error:
            history.bad_row(prices.prices, line, ",".join(row.values()), str(error))
            continue
        raw = orjson.dumps({name: row[name] for name in needed})
        parts[town.station, at] += [(value, raw) for value in values]
    return Found([_forecast(station, at, found) for (station, at), found in parts.items() if found])


def read_fetched_forecasts(history: History, prices: PriceSet) -> Found:
    """Return the forecasts with the moment they were fetched; the reanalysis in the same file is none and stays out."""
    needed = ("fetched_utc", "city", "kind", "target_date", "unit", "tmax", "tmin")
    parts: dict[tuple[str, int], list[tuple[Value, bytes]]] = defaultdict(list)
    left_out = 0
    for line, row in history.rows(LIVE_FORECASTS, needed):
        if row["kind"] != "weather-forecast":
            left_out += 1
            continue
        try:
            town, at = prices.town(row["city"]), micros(parse_iso(row["fetched_utc"]))
            start = _start(town, date.fromisoformat(row["target_date"]))
            pair = [(name, row[column]) for name, column in (("daily_max", "tmax"), ("daily_min", "tmin")) if row[column]]
            values = [(BEST_MATCH, name, start, _in_celsius(text, row["unit"])) for name, text in pair]
        except ValueError as error:
            history.bad_row(LIVE_FORECASTS, line, ",".join(row.values()), str(error))
            continue
        raw = orjson.dumps({name: row[name] for name in needed})
        parts[town.station, at] += [(value, raw) for value in values]
    history.tell(f"{LIVE_FORECASTS}: {left_out:,} rows of reanalysis are no forecast and were left out")
    return Found([_forecast(station, at, found) for (station, at), found in parts.items() if found])


def _start(town: Town, day: date) -> int:
    return micros(window_of(DayWindow.CIVIL, load_stations()[town.station].tz, day)[0])


def _celsius(text: str) -> float:
    value = float(text)
    if not -90 <= value <= 60:
        raise ValueError(f"{text} °C is no temperature on Earth")
    return value


def _in_celsius(text: str, unit: str) -> float:
    if unit == "celsius":
        return _celsius(text)
    value = fahrenheit_or_none(text)
    if unit != "fahrenheit" or value is None:
        raise ValueError(f"{text} in {unit!r}")
    return float(celsius(np.array(value)))


def _forecast(station: str, at: int, found: Sequence[tuple[Value, bytes]]) -> Record:
    place = load_stations()[station]
    model, variable, valid_at, values = zip(*(value for value, _ in found), strict=True)
    return Record(
        source=SOURCE, kind=Kind.FORECAST, subject=station, received_at=instant(at), issued_at=None,
        raw=b"[" + b",".join(dict.fromkeys(raw for _, raw in found)) + b"]",
        rows={
            "model": np.array(model, dtype=object), "variable": np.array(variable, dtype=object),
            "valid_at": np.array(valid_at, np.int64), "celsius": np.array(values, np.float64),
        },
        facts={"latitude": place.latitude, "longitude": place.longitude},
    )  # fmt: skip


def read_page_readings(history: History, prices: PriceSet) -> Found:
    """Return the whole degrees Fahrenheit that the settlement page listed, as the T-groups that say the same.

    Exact for this station: its sensor prints whole Fahrenheit, and each of them has a T-group of its own.
    """
    station = prices.towns[0].station
    at: list[int] = []
    degrees: list[int] = []
    raw: list[bytes] = []
    for line, row in history.rows(PAGE_READINGS, ("time_utc", "temp_f")):
        try:
            valid_at, reading = micros(parse_iso(row["time_utc"])), int(row["temp_f"])
            fahrenheit_or_none(row["temp_f"])
        except ValueError as error:
            history.bad_row(PAGE_READINGS, line, ",".join(row.values()), str(error))
            continue
        at.append(valid_at)
        degrees.append(reading)
        raw.append(orjson.dumps(dict(row)))
    if not at:
        return Found()
    valid, none = np.array(at, np.int64), np.full(len(at), MISSING, np.int64)
    routine = valid // (60 * MICRO) % 60 == ROUTINE_MINUTE
    return Found(table=ClosedRecords(
        Kind.METAR, PAGE, [station] * len(at), valid + PAGE_DELAY, raw,
        {
            "valid_at": valid, "report": texts(np.where(routine, "METAR", "SPECI").tolist()),
            "corrected": np.zeros(len(at), np.bool_), "tenths": tenths_from_fahrenheit(np.array(degrees, np.int64)),
            "exact": np.ones(len(at), np.bool_), "max6": none, "min6": none, "max24": none, "min24": none,
            "raw": texts([""] * len(at)),
        },
    ))  # fmt: skip
