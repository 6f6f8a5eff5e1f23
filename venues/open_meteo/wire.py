"""An Open-Meteo answer: one column per model, null for missing, local wall time where no Unix time was asked for."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from core.errors import WireError
from core.model.record import Kind, Record
from core.units import Columns, FloatArray, IntArray, celsius, micros
from venues.sanity import believable_part, number_or_none, quarantine
from venues.spans import json_object

DECODER = 1
_HOURLY = {"hourly": re.compile(r"temperature_2m(?:_(?P<model>.+))?")}  # by the variable of our rows
_DAILY = {f"daily_{name}": re.compile(rf"temperature_2m_{name}(?:_(?P<model>.+))?") for name in ("max", "min")}
OTHER = re.compile(r"(?:max|min|mean|previous_day\d+|member\d+|anomaly|spread)(?:_.*)?")  # suffixes that are no model
LATEST_SECOND = 10**11  # the year 5138
_FAHRENHEIT, _CELSIUS = "°F", "°C"
_NUMBERS = frozenset({float, int, type(None)})  # of JSON; true and false are none

Series = list[tuple[str, str, IntArray, FloatArray]]  # model, variable, instants, celsius


def parse_forecast(raw: bytes, station: str, received_at: datetime, *, model: str = "best_match") -> Record:
    """Return the `forecast` record of one place; `model` names the column that carries no suffix.

    A model without any value (unit "undefined", or all null) has no rows and is named under `facts["empty"]`; values that
    are no temperature on Earth are left out and named under `facts["quarantined"]`.

    Raises:
        WireError: an error body, unequal lengths, an unknown unit, a wall time that its zone does not have, or not one
            believable temperature.
    """
    body = answer_of(raw)
    zone = zone_of(body)
    hourly, empty_hourly, lies_hourly = _section(body, "hourly", _HOURLY, zone, model, hours_of)
    daily, empty_daily, lies_daily = _section(body, "daily", _DAILY, zone, model, _day_starts)
    lies = [f"{station} {lie}" for lie in (*lies_hourly, *lies_daily)]
    if lies and not (hourly or daily):
        raise WireError(f"open_meteo: {lies[0]}; nothing else is in the answer, the bytes are kept")
    if "hourly" not in body and "daily" not in body:
        raise WireError(f"open_meteo: neither hourly nor daily in {str(body)[:80]}; the bytes are kept")
    facts: dict[str, Any] = grid_point(body)
    if empty := sorted({*empty_hourly, *empty_daily}):
        facts["empty"] = empty
    facts |= quarantine(lies)
    return Record(
        source="open_meteo", kind=Kind.FORECAST, subject=station, received_at=received_at, issued_at=None, raw=raw,
        rows=forecast_columns(hourly + daily), facts=facts, decoder=DECODER,
    )  # fmt: skip


def forecast_columns(series: Series) -> Columns:
    """Return the columns of a `forecast` record."""
    counts = [len(values) for *_, values in series]
    names = np.empty((2, len(series)), dtype=object)
    for i, (model, variable, _, _) in enumerate(series):
        names[:, i] = model, variable
    return {
        "model": np.repeat(names[0], counts),
        "variable": np.repeat(names[1], counts),
        "valid_at": np.concatenate([np.zeros(0, np.int64), *(instants for _, _, instants, _ in series)]),
        "celsius": np.concatenate([np.zeros(0), *(values for *_, values in series)]),
    }


def answer_of(raw: bytes) -> Mapping[str, Any]:
    """Return the object of an answer; WireError for an error body and for what is no object."""
    body = json_object(raw, "open_meteo")
    if body.get("error"):
        raise WireError(f"open_meteo: {body.get('reason') or 'an error without a reason'}; the bytes are kept")
    return body


def _section(
    body: Mapping[str, Any], name: str, patterns: Mapping[str, re.Pattern[str]], zone: tzinfo, unsuffixed: str, instants_of: Any
) -> tuple[Series, list[str], list[str]]:
    if name not in body:
        return [], [], []
    columns, units = timed_columns(body, name)
    instants = np.array(instants_of(columns["time"], units.get("time"), zone), np.int64)
    found: Series = []
    empty, lies = [], []
    for variable, model, key in _models(columns, patterns, unsuffixed):
        values = celsius_values(key, columns[key], units.get(key), len(instants))
        present = np.flatnonzero(~np.isnan(values))
        if not len(present):
            empty.append(model)
        mask, lie = believable_part(values[present], f"{model} {variable}")
        kept = present[mask]
        if len(kept):
            found.append((model, variable, instants[kept], values[kept]))
        lies += [lie] if lie else []
    return found, empty, lies


def timed_columns(body: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return columns and units of a section of an answer; WireError when it has no times."""
    columns, units = body.get(name), body.get(f"{name}_units")
    if not isinstance(columns, dict) or not isinstance(columns.get("time"), list):
        raise WireError(f"open_meteo: {name} has no times; the bytes are kept")
    return columns, units if isinstance(units, dict) else {}


def _models(
    columns: Mapping[str, Any], patterns: Mapping[str, re.Pattern[str]], unsuffixed: str
) -> Iterator[tuple[str, str, str]]:
    # By pattern, not by what was asked for: the service resolves names (`gfs_seamless` → `_ncep_gefs_seamless`).
    for variable, pattern in patterns.items():
        for key in columns:
            found = pattern.fullmatch(key)
            if found is not None and not (found["model"] and OTHER.fullmatch(found["model"])):
                yield variable, found["model"] or unsuffixed, key


def celsius_values(key: str, values: Any, unit: Any, length: int) -> FloatArray:
    """Return the temperatures of a column, NaN where it has none; WireError when it does not fit its times or its unit."""
    if not isinstance(values, list) or len(values) != length:
        raise WireError(f"open_meteo: {key} has not the {length} values of its times; the bytes are kept")
    if not _NUMBERS.issuperset(map(type, values)):
        raise WireError(f"open_meteo: {key} holds something that is no number; the bytes are kept")
    try:
        numbers = np.array(values, np.float64)
    except OverflowError:
        numbers = np.array([np.nan if value is None else number_or_none(value) for value in values], np.float64)
    if unit == _CELSIUS:
        return numbers
    if unit == _FAHRENHEIT:
        return celsius(numbers)
    if all(value is None for value in values):
        return numbers  # an unsupported variable: unit "undefined" and nothing in it
    raise WireError(f"open_meteo: {key} is in {unit!r}, neither °C nor °F; the bytes are kept")


def hours_of(times: Sequence[Any], unit: Any, zone: tzinfo) -> list[int]:
    """Return the instants of an hourly section; WireError when they do not ascend, or do not exist in their zone."""
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
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LATEST_SECOND:
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


def zone_of(body: Mapping[str, Any]) -> tzinfo:
    """Return the zone of the wall times of an answer."""
    try:
        return ZoneInfo(str(body["timezone"]))
    except (KeyError, ValueError, OSError, ZoneInfoNotFoundError):
        pass
    try:
        return timezone(timedelta(seconds=int(body.get("utc_offset_seconds") or 0)))
    except (ValueError, TypeError, OverflowError) as error:
        raise WireError(f"open_meteo: neither timezone nor utc_offset_seconds is one ({error}); the bytes are kept") from error


def grid_point(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return where the numbers hold, which is not quite where they were asked for; WireError when it says nothing of it."""
    found = {key: number_or_none(body.get(key)) for key in ("latitude", "longitude")}
    for key, value in found.items():
        if value is None or not math.isfinite(value):
            raise WireError(f"open_meteo: {key} is {body.get(key)!r}; the bytes are kept")
    return {**found}
