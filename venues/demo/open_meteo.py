"""The forecast service: hourly curves of several models at given coordinates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from venues.demo.answers import Answer, Ask, BadRequest, reply
from venues.demo.coordinates import degrees, nearest
from venues.demo.forecasts import MODELS, Forecasts, generation_milliseconds
from venues.demo.stations import Station

_HOUR, _DAY = 3600, 86_400
VARIABLE = "temperature_2m"
_DAILY = {"temperature_2m_max": max, "temperature_2m_min": min}
_PREVIOUS = {f"{VARIABLE}_previous_day{days}": days for days in range(1, 8)}
_MOST_BEHIND = 92
Column = list[float | None]


@dataclass(frozen=True, slots=True)
class Span:
    """The hours asked for, from a local midnight to another, and when they are asked for."""

    start: int  # seconds
    end: int
    offset: int  # of the place's clock [s]
    second: int  # of the request

    @property
    def first(self) -> int:
        """Return the first hour since 1970; a zone of half an hour sees the full hour before."""
        return self.start // _HOUR

    @property
    def count(self) -> int:
        """Return how many hours there are."""
        return (self.end - self.start) // _HOUR

    def times(self, step: int, form: str, unixtime: bool) -> list[int] | list[str]:
        """Return instants every `step` seconds, as numbers or as local texts."""
        seconds = range(self.start, self.end, step)
        if unixtime:
            return list(seconds)
        return [format(datetime.fromtimestamp(second + self.offset, UTC), form) for second in seconds]


class OpenMeteo:
    """Answers under /open-meteo."""

    _path = "/v1/forecast"
    _most_ahead = 16
    _models: ClassVar[dict[str, str]] = {
        **{name: name for name in MODELS},
        "best_match": "gfs_seamless",
    }  # as asked, as computed
    _says_how_long = True  # an ensemble's answer does not

    def __init__(self, forecasts: Forecasts) -> None:
        self._forecasts = forecasts

    def answer(self, ask: Ask, path: str) -> Answer | None:
        """Answer a request for `path` below the service's address; None if there is no such path."""
        if path != self._path:
            return None
        try:
            return self._forecast(ask)
        except BadRequest as error:
            return reply({"error": True, "reason": str(error)}, 400)

    def _forecast(self, ask: Ask) -> Answer:
        latitudes, longitudes = degrees(ask, "latitude"), degrees(ask, "longitude")
        places = list(zip(latitudes, longitudes, strict=False))
        if not places or len(latitudes) != len(longitudes):
            raise BadRequest("Parameter 'latitude' and 'longitude' must have the same number of elements")
        zones = ask.all("timezone") or ["GMT"]
        if len(zones) not in (1, len(places)):
            raise BadRequest("Parameter 'timezone' must have one or as many elements as there are coordinates")
        models = ask.all("models") or ["best_match"]
        for model in models:
            if model not in self._models:
                raise BadRequest(
                    f"Data corrupted at path ''. Cannot initialize MultiDomains from invalid String value {model}."
                )
        bodies = [
            self._place(ask, place, zones[i % len(zones)] if len(zones) > 1 else zones[0], models)
            for i, place in enumerate(places)
        ]
        return reply(bodies[0] if len(bodies) == 1 else bodies)

    def _place(self, ask: Ask, place: tuple[float, float], zone: str, models: list[str]) -> dict[str, Any]:
        station = nearest(*place)
        tz = _zone(zone, station)
        offset = int((datetime.fromtimestamp(ask.second, tz).utcoffset() or timedelta()).total_seconds())
        span = _span(ask, offset, self._most_ahead)
        grid = station.grid if station is not None else (round(place[0] * 8) / 8, round(place[1] * 8) / 8, 0.0)
        unixtime = _choice(ask, "timeformat", ("iso8601", "unixtime")) == "unixtime"
        body: dict[str, Any] = {
            "latitude": grid[0],
            "longitude": grid[1],
            **({"generationtime_ms": generation_milliseconds(repr(ask.query), repr(place))} if self._says_how_long else {}),
            "utc_offset_seconds": offset,
            "timezone": "GMT" if zone == "GMT" else tz.key,
            "timezone_abbreviation": _abbreviation(offset),
            "elevation": grid[2],
        }
        if hourly := ask.all("hourly"):
            times = span.times(_HOUR, "%Y-%m-%dT%H:%M", unixtime)
            body["hourly_units"], body["hourly"] = self._table(ask, station, span, hourly, models, times)
        if daily := ask.all("daily"):
            if not ask.one("timezone"):
                raise BadRequest("Timezone is required")
            times = span.times(_DAY, "%Y-%m-%d", unixtime)
            body["daily_units"], body["daily"] = self._table(ask, station, span, daily, models, times)
        return body

    def _table(
        self, ask: Ask, station: Station | None, span: Span, names: list[str], models: list[str], times: list[int] | list[str]
    ) -> tuple[dict[str, str], dict[str, Any]]:
        # with several models each column carries the model's name
        fahrenheit = _choice(ask, "temperature_unit", ("celsius", "fahrenheit")) == "fahrenheit"
        units = {"time": "iso8601" if times and isinstance(times[0], str) else "unixtime"}
        columns: dict[str, Any] = {"time": times}
        for name in names:
            for model in models:
                tail = f"_{self._resolved(model)}" if len(models) > 1 else ""
                for label, values in self._columns(station, span, name, self._models[model], len(times)):
                    known = values is not None
                    units[label + tail] = ("°F" if fahrenheit else "°C") if known else "undefined"
                    columns[label + tail] = _in_unit(values, fahrenheit) if values is not None else [None] * len(times)
        return units, columns

    def _resolved(self, model: str) -> str:
        """Return the name that a model asked for carries in the answer."""
        return model

    def _columns(
        self, station: Station | None, span: Span, name: str, model: str, length: int
    ) -> Iterator[tuple[str, Column | None]]:
        # an unknown variable is no error on the wire: its values are None
        daily = name in _DAILY and length == span.count // 24
        if name != VARIABLE and name not in _PREVIOUS and not daily:
            yield name, None
        elif station is None:
            yield name, [None] * length
        elif name in _PREVIOUS:
            yield name, self._forecasts.previous(station, model, span.first, span.count, span.second, _PREVIOUS[name])
        else:
            values = self._forecasts.hourly(station, model, span.first, span.count, span.second)
            yield name, _by_day(values, name) if daily else values


def _by_day(values: Column, name: str) -> Column:
    days = [[v for v in values[n : n + 24] if v is not None] for n in range(0, len(values), 24)]
    return [_DAILY[name](day) if day else None for day in days]


def _in_unit(values: Column, fahrenheit: bool) -> Column:
    scale, shift = (1.8, 32.0) if fahrenheit else (1.0, 0.0)
    return [None if value is None else round(value * scale + shift, 1) for value in values]


def _span(ask: Ask, offset: int, most_ahead: int) -> Span:
    today = (ask.second + offset) // _DAY * _DAY - offset
    first, last = ask.one("start_date"), ask.one("end_date")
    if bool(first) != bool(last):
        raise BadRequest("Both 'start_date' and 'end_date' must be set")
    if not first:
        start = today - _DAY * _days(ask, "past_days", 0, _MOST_BEHIND)
        return Span(start, today + _DAY * _days(ask, "forecast_days", 7, most_ahead), offset, ask.second)
    if ask.one("past_days") or ask.one("forecast_days"):
        raise BadRequest("Parameter 'forecast_days' and 'past_days' is mutually exclusive with 'start_date' and 'end_date'")
    start, end = _midnight(first, offset), _midnight(last, offset) + _DAY
    if not start < end <= today + _DAY * most_ahead:
        latest = f"{datetime.fromtimestamp(today + offset, UTC) + timedelta(days=most_ahead - 1):%Y-%m-%d}"
        raise BadRequest(f"Parameter 'end_date' is out of allowed range from 2026-01-01 to {latest}")
    return Span(start, end, offset, ask.second)


def _midnight(text: str, offset: int) -> int:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"Invalid date format. Make sure to use 'YYYY-MM-DD'. Given {text}.") from None
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) - offset


def _days(ask: Ask, name: str, default: int, most: int) -> int:
    number = ask.number(name, default)
    if number != int(number) or not 0 <= number <= most:
        raise BadRequest(f"{name.replace('_', ' ').capitalize()} is invalid. Allowed range 0 to {most}. Given {number:g}.")
    return int(number)


def _choice(ask: Ask, name: str, allowed: tuple[str, str]) -> str:
    text = ask.one(name, allowed[0])
    if text not in allowed:
        raise BadRequest(f"Data corrupted at path ''. Cannot initialize {name} from invalid String value {text}.")
    return text


def _zone(name: str, station: Station | None) -> ZoneInfo:
    if name == "auto" and station is not None:
        return station.tz
    try:
        return ZoneInfo("UTC" if name in ("GMT", "auto") else name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadRequest("Invalid timezone") from None


@lru_cache(maxsize=64)
def _abbreviation(offset: int) -> str:
    if offset == 0:
        return "GMT"
    sign, minutes = ("+" if offset > 0 else "-"), abs(offset) // 60
    return f"GMT{sign}{minutes // 60}" + (f":{minutes % 60:02d}" if minutes % 60 else "")
