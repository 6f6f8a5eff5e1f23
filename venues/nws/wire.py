"""Answers of api.weather.gov: a point's grid cell, temperatures of the cell, hourly forecasts, and observations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from core.errors import WireError
from core.model.record import Kind, Record
from core.model.station import Station
from core.units import celsius, iso, micros, parse_iso
from venues.metar.wire import Report, decode_report, metar_columns, sound_fault
from venues.sanity import believable_part, future_fault, number_or_none, quarantine
from venues.spans import json_object

DECODER = 1
SOURCE = "nws"
FIRST_YEAR, LAST_YEAR = 2000, 2199
LONGEST_INTERVAL = timedelta(days=15)
_HOUR = timedelta(hours=1)
_DURATION = re.compile(r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?")
_UNITS = {"degC": "C", "degF": "F", "C": "C", "F": "F"}  # `wmoUnit:degC`, before 2023 `unit:degC`

Hours = list[tuple[int, float | None]]  # (instant, celsius)


@dataclass(frozen=True, slots=True)
class GridCell:
    """Where the service's forecast of a point is found."""

    office: str
    x: int
    y: int

    @property
    def path(self) -> str:
        """Return its path below the service's address."""
        return f"/gridpoints/{self.office}/{self.x},{self.y}"


def point_path(latitude: float, longitude: float) -> str:
    """Return the path of a point: four decimals at most and no trailing zeros, others are redirected."""
    return f"/points/{_short(latitude)},{_short(longitude)}"


def parse_point(raw: bytes) -> GridCell:
    """Return the grid cell of a `/points` answer; WireError when it names none."""
    said = _properties(raw)
    try:
        cell = GridCell(str(said["gridId"]), int(said["gridX"]), int(said["gridY"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise WireError(f"nws: the point names no grid cell ({error!r}); the bytes are kept") from error
    if not re.fullmatch(r"[A-Z]{3}", cell.office):
        raise WireError(f"nws: {cell.office!r} is no forecast office; the bytes are kept")
    return cell


def parse_gridpoint(raw: bytes, station: str, received_at: datetime) -> Record:
    """Return the `forecast` record of a grid cell: its temperature layer, intervals of any length made into hours."""
    said = _properties(raw)
    layer = said.get("temperature")
    if not isinstance(layer, dict) or not isinstance(layer.get("values"), list):
        raise WireError(f"nws: the cell of {station} has no temperature layer; the bytes are kept")
    unit = _unit(layer.get("uom"))
    hours = [hour for value in layer["values"] for hour in _interval(value, unit)]
    return _forecast(raw, station, received_at, hours, said)


def parse_hourly(raw: bytes, station: str, received_at: datetime) -> Record:
    """Return the `forecast` record of an hourly forecast: whole degrees Fahrenheit, one period an hour."""
    said = _properties(raw)
    periods = said.get("periods")
    if not isinstance(periods, list):
        raise WireError(f"nws: the hourly forecast of {station} has no periods; the bytes are kept")
    return _forecast(raw, station, received_at, [_period(period) for period in periods], said)


def parse_observations(raw: bytes, station: Station, received_at: datetime, *, oldest: timedelta | None = None) -> Record:
    """Return the `metar` record of a station's observations, one or many.

    Only observations that hold a report's own text are rows: the five-minute values between them are rounded to whole
    degrees Celsius and would put a maximum off by one. How many were passed over stands under `facts["without_report"]`.
    The texts lack their METAR or SPECI: one at a routine minute of the station is a METAR, another a SPECI.
    """
    reports: list[Report] = []
    unread: list[str] = []
    lies: list[str] = []
    without = 0
    for observation in _observations(raw):
        text = observation.get("rawMessage")
        if not isinstance(text, str) or not text.strip():
            without += 1
            continue
        try:
            report = _report(text, station, observation)
        except WireError as error:
            unread.append(str(error))
            continue
        if fault := sound_fault(report, received_at, oldest):
            lies.append(fault)
        else:
            reports.append(report)
    reports.sort(key=lambda report: (report.valid_at, report.corrected))
    facts = {**({"without_report": without} if without else {}), **({"unread": unread} if unread else {}), **quarantine(lies)}
    return Record(SOURCE, Kind.METAR, station.code, received_at, None, raw, metar_columns(reports), facts, decoder=DECODER)


def _short(degrees: float) -> str:
    return f"{degrees:.4f}".rstrip("0").rstrip(".")


def _properties(raw: bytes) -> Mapping[str, Any]:
    body = json_object(raw, SOURCE)
    if not isinstance(body.get("properties"), dict):
        raise WireError(f"nws: {body.get('title') or 'the answer'} has no properties; the bytes are kept")
    properties: Mapping[str, Any] = body["properties"]
    return properties


def _unit(text: Any) -> str:
    unit = _UNITS.get(str(text).rpartition(":")[2])
    if unit is None:
        raise WireError(f"nws: the temperature is in {text!r}, neither °C nor °F; the bytes are kept")
    return unit


def _celsius(value: Any, unit: str) -> float | None:
    if value is None:
        return None
    number = number_or_none(value)
    if number is None:
        raise WireError(f"nws: temperature {value!r} is no number; the bytes are kept")
    return number if unit == "C" else float(celsius(np.array(number)))


def _time(text: Any) -> datetime:
    try:
        at = parse_iso(str(text))
        if not FIRST_YEAR <= at.year <= LAST_YEAR:
            raise ValueError(text)
    except (ValueError, OverflowError) as error:
        raise WireError(f"nws: {text!r} is no time with an offset; the bytes are kept") from error
    return at


def _interval(value: Any, unit: str) -> Iterator[tuple[int, float | None]]:
    """Yield the hours of one value of a layer: "2022-02-04T12:00:00+00:00/PT13H" holds for thirteen."""
    span = value.get("validTime") if isinstance(value, dict) else None
    start_text, _, length = str(span).partition("/")
    duration = _DURATION.fullmatch(length)
    if duration is None or not length[1:]:
        raise WireError(f"nws: {span!r} is no start and duration; the bytes are kept")
    start = _time(start_text)
    parts = {name: int(part) for name, part in duration.groupdict().items() if part and len(part) < 5}
    lasts = timedelta(**parts)
    if not timedelta() < lasts <= LONGEST_INTERVAL:
        raise WireError(f"nws: {span!r} lasts no time, or more than {LONGEST_INTERVAL.days} days; the bytes are kept")
    degrees = _celsius(value.get("value"), unit)
    for hour in range(-(-lasts // _HOUR)):
        yield micros(start + hour * _HOUR), degrees


def _period(period: Any) -> tuple[int, float | None]:
    if not isinstance(period, dict):
        raise WireError(f"nws: {str(period)[:60]} is no period; the bytes are kept")
    degrees = period.get("temperature")
    if isinstance(degrees, dict):  # the form that is announced: {"unitCode", "value"}
        return micros(_time(period.get("startTime"))), _celsius(degrees.get("value"), _unit(degrees.get("unitCode")))
    return micros(_time(period.get("startTime"))), _celsius(degrees, _unit(period.get("temperatureUnit")))


def _forecast(raw: bytes, station: str, received_at: datetime, hours: Hours, said: Mapping[str, Any]) -> Record:
    instants = [at for at, _ in hours]
    if any(later <= earlier for earlier, later in pairwise(instants)):
        raise WireError(f"nws: the hours of {station} overlap or do not ascend; the bytes are kept")
    if not instants or instants[-1] < micros(received_at):
        raise WireError(f"nws: the forecast of {station} has nothing after {iso(received_at)}; the bytes are kept")
    issued_at = _time(said["updateTime"]) if said.get("updateTime") else None
    if issued_at is not None and (fault := future_fault(issued_at, received_at)):
        raise WireError(f"nws: the forecast of {station} cannot be of its updateTime, {fault}; the bytes are kept")
    valid_at, values = _present(hours)
    kept, lie = believable_part(values, f"{station} {SOURCE} hourly")
    if not kept.any():
        raise WireError(f"nws: {lie or f'{station} has no temperature at all'}; the bytes are kept")
    n = int(kept.sum())
    return Record(
        source=SOURCE, kind=Kind.FORECAST, subject=station, received_at=received_at, issued_at=issued_at, raw=raw,
        rows={
            "model": np.array([SOURCE] * n, dtype=object), "variable": np.array(["hourly"] * n, dtype=object),
            "valid_at": valid_at[kept], "celsius": values[kept],
        },
        facts=quarantine([lie] if lie else []), decoder=DECODER,
    )  # fmt: skip


def _present(hours: Sequence[tuple[int, float | None]]) -> tuple[Any, Any]:
    present = [(at, value) for at, value in hours if value is not None]
    return np.array([at for at, _ in present], np.int64), np.array([value for _, value in present], np.float64)


def _observations(raw: bytes) -> Iterator[Mapping[str, Any]]:
    body = json_object(raw, SOURCE)
    features = body.get("features", [body])
    if not isinstance(features, list):
        raise WireError("nws: the features are no list; the bytes are kept")
    for feature in features:
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if not isinstance(properties, dict) or "timestamp" not in properties:
            raise WireError(f"nws: {str(feature)[:60]} is no observation; the bytes are kept")
        yield properties


def _report(text: str, station: Station, observation: Mapping[str, Any]) -> Report:
    at = _time(observation["timestamp"])
    report = decode_report(text, at, "METAR" if at.minute in station.report_minutes else "SPECI")
    if report.station != station.code:
        raise WireError(f"nws: {station.code} was answered with a report of {report.station}; keep the bytes")
    return report
