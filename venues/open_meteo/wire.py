"""An Open-Meteo answer: one column per model, null for missing, local wall time where no Unix time was asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from core.errors import WireError
from core.model.record import Kind, Record
from core.units import Columns, celsius, micros

DECODER = 1
_HOURLY = re.compile(r"temperature_2m(?:_(?P<model>.+))?")
_DAILY_MAX = re.compile(r"temperature_2m_max(?:_(?P<model>.+))?")
_OTHER = re.compile(r"(?:max|min|mean|previous_day\d+|anomaly|spread)(?:_.*)?")  # suffixes that are no model
_FAHRENHEIT, _CELSIUS = "°F", "°C"

Rows = list[tuple[str, str, int, float]]  # (model, variable, instant, celsius)


def parse_forecast(raw: bytes, station: str, received_at: datetime, *, model: str = "best_match") -> Record:
    """Return the `forecast` record of one place; `model` names the column that carries no suffix.

    A model without any value (unit "undefined", or all null) has no rows and is named under `facts["empty"]`.

    Raises:
        WireError: an error body, unequal lengths, an unknown unit or a wall time that its zone does not have.
    """
    body = _object(raw)
    zone = _zone(body)
    hourly, empty_hourly = _section(body, "hourly", _HOURLY, zone, model, _instants)
    daily, empty_daily = _section(body, "daily", _DAILY_MAX, zone, model, _day_starts)
    if "hourly" not in body and "daily" not in body:
        raise WireError(f"open_meteo: neither hourly nor daily in {str(body)[:80]}; the bytes are kept")
    facts: dict[str, Any] = {"latitude": _number(body, "latitude"), "longitude": _number(body, "longitude")}
    if empty := sorted({*empty_hourly, *empty_daily}):
        facts["empty"] = empty
    return Record(
        source="open_meteo", kind=Kind.FORECAST, subject=station, received_at=received_at, issued_at=None, raw=raw,
        rows=forecast_columns(hourly + daily), facts=facts, decoder=DECODER,
    )  # fmt: skip


def forecast_columns(rows: Rows) -> Columns:
    """Return the columns of a `forecast` record."""
    return {
        "model": np.array([row[0] for row in rows], dtype=object),
        "variable": np.array([row[1] for row in rows], dtype=object),
        "valid_at": np.array([row[2] for row in rows], np.int64),
        "celsius": np.array([row[3] for row in rows], np.float64),
    }


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise WireError(f"open_meteo: the answer is no JSON ({error}); the bytes are kept") from error
    if not isinstance(body, dict):
        raise WireError(f"open_meteo: the answer is no object ({str(body)[:60]}); the bytes are kept")
    if body.get("error"):
        raise WireError(f"open_meteo: {body.get('reason') or 'an error without a reason'}; the bytes are kept")
    return body


def _section(
    body: Mapping[str, Any], name: str, pattern: re.Pattern[str], zone: tzinfo, unsuffixed: str, instants_of: Any
) -> tuple[Rows, list[str]]:
    if name not in body:
        return [], []
    columns, units = body[name], body.get(f"{name}_units") or {}
    if not isinstance(columns, dict) or not isinstance(columns.get("time"), list):
        raise WireError(f"open_meteo: {name} has no times; the bytes are kept")
    instants = instants_of(columns["time"], units.get("time"), zone)
    variable = "hourly" if name == "hourly" else "daily_max"
    rows: Rows = []
    empty = []
    for model, key in _models(columns, pattern, unsuffixed):
        values = _celsius(key, columns[key], units.get(key), len(instants))
        present = [(model, variable, at, value) for at, value in zip(instants, values, strict=True) if value is not None]
        rows += present
        if not present:
            empty.append(model)
    return rows, empty


def _models(columns: Mapping[str, Any], pattern: re.Pattern[str], unsuffixed: str) -> Iterator[tuple[str, str]]:
    # By pattern, not by what was asked for: the service resolves names (`gfs_seamless` → `_ncep_gefs_seamless`).
    for key in columns:
        found = pattern.fullmatch(key)
        if found is not None and not (found["model"] and _OTHER.fullmatch(found["model"])):
            yield found["model"] or unsuffixed, key


def _celsius(key: str, values: Any, unit: Any, length: int) -> list[float | None]:
    if not isinstance(values, list) or len(values) != length:
        raise WireError(f"open_meteo: {key} has not the {length} values of its times; the bytes are kept")
    if any(value is not None and (isinstance(value, bool) or not isinstance(value, int | float)) for value in values):
        raise WireError(f"open_meteo: {key} holds something that is no number; the bytes are kept")
    if unit == _CELSIUS:
        return [None if value is None else float(value) for value in values]
    if unit == _FAHRENHEIT:
        return [None if value is None else float(celsius(np.array(float(value)))) for value in values]
    if all(value is None for value in values):
        return values  # an unsupported variable: unit "undefined" and nothing in it
    raise WireError(f"open_meteo: {key} is in {unit!r}, neither °C nor °F; the bytes are kept")


def _instants(times: Sequence[Any], unit: Any, zone: tzinfo) -> list[int]:
    if unit == "unixtime":
        return _ascending([_unix(value) for value in times])
    # Wall time without offset: on the day clocks go back an hour stands twice, the second one is the later.
    instants: list[int] = []
    for text in times:
        wall = _wall(text, zone)
        at = micros(wall)
        if instants and at <= instants[-1]:
            at = micros(wall.replace(fold=1))
        instants.append(at)
    return _ascending(instants)


def _day_starts(times: Sequence[Any], unit: Any, zone: tzinfo) -> list[int]:
    if unit == "unixtime":
        return _ascending([_unix(value) for value in times])
    try:
        days = [date.fromisoformat(str(text)) for text in times]
    except ValueError as error:
        raise WireError(f"open_meteo: a day is no date ({error}); the bytes are kept") from error
    return _ascending([micros(datetime.combine(day, time(), zone)) for day in days])


def _unix(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise WireError(f"open_meteo: time {value!r} is no Unix second; the bytes are kept")
    return value * 1_000_000


def _wall(text: Any, zone: tzinfo) -> datetime:
    try:
        wall = datetime.fromisoformat(str(text)).replace(tzinfo=zone)
    except ValueError as error:
        raise WireError(f"open_meteo: time {text!r} is no ISO time; the bytes are kept") from error
    if wall.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall.replace(tzinfo=None):
        raise WireError(f"open_meteo: {text} does not exist in {zone}; ask with timeformat=unixtime")
    return wall


def _ascending(instants: list[int]) -> list[int]:
    if any(later <= earlier for earlier, later in pairwise(instants)):
        raise WireError("open_meteo: times do not ascend; the bytes are kept")
    return instants


def _zone(body: Mapping[str, Any]) -> tzinfo:
    try:
        return ZoneInfo(str(body["timezone"]))
    except (KeyError, ValueError, ZoneInfoNotFoundError):
        return timezone(timedelta(seconds=int(body.get("utc_offset_seconds") or 0)))


def _number(body: Mapping[str, Any], key: str) -> float:
    value = body.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WireError(f"open_meteo: {key} is {value!r}; the bytes are kept")
    return float(value)
