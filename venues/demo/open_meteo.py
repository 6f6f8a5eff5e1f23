"""The forecast service: hourly curves of several models at given coordinates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from venues.demo.answers import Answer, Ask, BadRequest, reply
from venues.demo.forecasts import MODELS, Forecasts, generation_milliseconds
from venues.demo.stations import STATIONS, Station

_HOUR = 3600
_VARIABLE = "temperature_2m"
_DAILY = {"temperature_2m_max": max, "temperature_2m_min": min}
_PREVIOUS = {f"{_VARIABLE}_previous_day{days}": days for days in range(1, 8)}
_BEST = "gfs_seamless"  # what "best match" takes
_MOST_AHEAD, _MOST_BEHIND = 16, 92
_REACH_DEGREES = 0.75  # a station's weather is known this far around it
_ALIASES = {"best_match": _BEST}


class OpenMeteo:
    """Answers under /open-meteo."""

    def __init__(self, forecasts: Forecasts) -> None:
        self._forecasts = forecasts

    def answer(self, ask: Ask, path: str) -> Answer | None:
        """Answer a request for `path` below /open-meteo; None if there is no such path."""
        if path != "/v1/forecast":
            return None
        try:
            return self._forecast(ask)
        except BadRequest as error:
            return reply({"error": True, "reason": str(error)}, 400)

    def _forecast(self, ask: Ask) -> Answer:
        places = list(zip(_degrees(ask, "latitude"), _degrees(ask, "longitude"), strict=False))
        if not places or len(_degrees(ask, "latitude")) != len(_degrees(ask, "longitude")):
            raise BadRequest("Parameter 'latitude' and 'longitude' must have the same number of elements")
        zones = ask.all("timezone") or ["GMT"]
        if len(zones) not in (1, len(places)):
            raise BadRequest("Parameter 'timezone' must have one or as many elements as there are coordinates")
        models = ask.all("models") or ["best_match"]
        for model in models:
            if _ALIASES.get(model, model) not in MODELS:
                raise BadRequest(
                    f"Data corrupted at path ''. Cannot initialize MultiDomains from invalid String value {model}."
                )
        bodies = [
            self._place(ask, place, zones[i % len(zones)] if len(zones) > 1 else zones[0], models)
            for i, place in enumerate(places)
        ]
        return reply(bodies[0] if len(bodies) == 1 else bodies)

    def _place(self, ask: Ask, place: tuple[float, float], zone: str, models: list[str]) -> dict[str, Any]:
        station = _nearest(*place)
        tz = _zone(zone, station)
        offset = int((datetime.fromtimestamp(ask.second, tz).utcoffset() or timedelta()).total_seconds())
        today = (ask.second + offset) // 86_400 * 86_400 - offset
        start = today - 86_400 * _days(ask, "past_days", 0, _MOST_BEHIND)
        end = today + 86_400 * _days(ask, "forecast_days", 7, _MOST_AHEAD)
        grid = station.grid if station is not None else (round(place[0] * 8) / 8, round(place[1] * 8) / 8, 0.0)
        unixtime = _choice(ask, "timeformat", ("iso8601", "unixtime")) == "unixtime"
        fahrenheit = _choice(ask, "temperature_unit", ("celsius", "fahrenheit")) == "fahrenheit"
        body: dict[str, Any] = {
            "latitude": grid[0],
            "longitude": grid[1],
            "generationtime_ms": generation_milliseconds(repr(ask.query), repr(place)),
            "utc_offset_seconds": offset,
            "timezone": "GMT" if zone == "GMT" else tz.key,
            "timezone_abbreviation": _abbreviation(offset),
            "elevation": grid[2],
        }
        series = _Series(self._forecasts, station, start, end, ask.second, fahrenheit)
        if hourly := ask.all("hourly"):
            body["hourly_units"], body["hourly"] = series.table(hourly, models, series.hours(offset, unixtime), unixtime)
        if daily := ask.all("daily"):
            if not ask.one("timezone"):
                raise BadRequest("Timezone is required")
            body["daily_units"], body["daily"] = series.table(daily, models, series.days(offset, unixtime), unixtime)
        return body


class _Series:
    """Columns of one place over one span."""

    def __init__(
        self, forecasts: Forecasts, station: Station | None, start: int, end: int, second: int, fahrenheit: bool
    ) -> None:
        self._forecasts = forecasts
        self._station = station
        self._start = start
        self._count = (end - start) // _HOUR
        self._second = second
        self._fahrenheit = fahrenheit

    def hours(self, offset: int, unixtime: bool) -> list[int] | list[str]:
        """Return the instants of the hours."""
        seconds = [self._start + _HOUR * n for n in range(self._count)]
        return seconds if unixtime else [f"{datetime.fromtimestamp(s + offset, UTC):%Y-%m-%dT%H:%M}" for s in seconds]

    def days(self, offset: int, unixtime: bool) -> list[int] | list[str]:
        """Return the local days."""
        seconds = [self._start + 86_400 * n for n in range(self._count // 24)]
        return seconds if unixtime else [f"{datetime.fromtimestamp(s + offset, UTC):%Y-%m-%d}" for s in seconds]

    def table(
        self, names: list[str], models: list[str], times: list[int] | list[str], unixtime: bool
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Return units and columns; with several models each column carries the model's name."""
        units = {"time": "unixtime" if unixtime else "iso8601"}
        columns: dict[str, Any] = {"time": times}
        for name in names:
            for model in models:
                label = name if len(models) == 1 else f"{name}_{model}"
                units[label], columns[label] = self._column(name, _ALIASES.get(model, model), len(times))
        return units, columns

    def _column(self, name: str, model: str, length: int) -> tuple[str, list[float | None]]:
        unit = "°F" if self._fahrenheit else "°C"
        if name == _VARIABLE:
            return unit, self._values(model, 0)
        if name in _PREVIOUS:
            return unit, self._values(model, _PREVIOUS[name])
        if name in _DAILY and length == self._count // 24:
            values = self._values(model, 0)
            days = [[v for v in values[n : n + 24] if v is not None] for n in range(0, len(values), 24)]
            return unit, [_DAILY[name](day) if day else None for day in days]
        # an unknown variable is no error on the wire
        return "undefined", [None] * length

    def _values(self, model: str, days_before: int) -> list[float | None]:
        if self._station is None:
            return [None] * self._count
        # a zone of half an hour sees the full hour before
        first, at = self._start // _HOUR, self._second
        if days_before:
            raw = self._forecasts.previous(self._station, model, first, self._count, at, days_before)
        else:
            raw = self._forecasts.hourly(self._station, model, first, self._count, at)
        scale, shift = (1.8, 32.0) if self._fahrenheit else (1.0, 0.0)
        return [None if value is None else round(value * scale + shift, 1) for value in raw]


def _nearest(latitude: float, longitude: float) -> Station | None:
    best = min(STATIONS, key=lambda station: (station.lat - latitude) ** 2 + (station.lon - longitude) ** 2)
    return best if max(abs(best.lat - latitude), abs(best.lon - longitude)) <= _REACH_DEGREES else None


def _degrees(ask: Ask, name: str) -> list[float]:
    try:
        values = [float(text) for text in ask.all(name)]
    except ValueError:
        raise BadRequest(f"Value of type 'Float' required for key '{name}'.") from None
    limit = 90.0 if name == "latitude" else 180.0
    for value in values:
        if not -limit <= value <= limit:
            raise BadRequest(f"{name.capitalize()} must be in range of -{limit:.0f} to {limit:.0f}°. Given: {value}.")
    return values


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


def _abbreviation(offset: int) -> str:
    if offset == 0:
        return "GMT"
    sign, minutes = ("+" if offset > 0 else "-"), abs(offset) // 60
    return f"GMT{sign}{minutes // 60}" + (f":{minutes % 60:02d}" if minutes % 60 else "")
