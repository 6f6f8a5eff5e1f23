"""The national weather service: points, gridpoint layers, hourly forecasts and observations, for its own country only."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import groupby
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import orjson

from venues.demo.answers import Answer, Ask, BadRequest, milliseconds
from venues.demo.coordinates import nearest
from venues.demo.forecasts import Forecasts
from venues.demo.noise import key
from venues.demo.nws_pages import (
    CONTEXT,
    HOST,
    american,
    cell_shape,
    daily,
    layer,
    observed,
    period,
    point_body,
    reported,
    runs,
    spot,
    stamp,
    stations_body,
)  # fmt: skip
from venues.demo.places import BY_CODE, STATIONS
from venues.demo.reports import Reports
from venues.demo.stations import Station
from venues.demo.weather import Weather

MODEL = "nws"
_GEO, _PROBLEM = "application/geo+json", "application/problem+json"
_HOUR, _DAY = 3600, 86_400
_PERIODS = 156  # hours of the hourly forecast
_LAYER_HOURS = 7 * 24 + 14
_KEPT_DAYS, _MOST_ROWS = 7, 500
_FIVE_LAG = 420  # seconds until a five-minute value is public


class Nws:
    """Answers under /nws."""

    def __init__(self, weather: Weather, reports: Reports, forecasts: Forecasts) -> None:
        self._weather, self._reports, self._forecasts = weather, reports, forecasts
        self._rows: Callable[[Station, int], tuple[tuple[int, int, bytes], ...]] = lru_cache(maxsize=64)(self._rows_of_day)

    def answer(self, ask: Ask, path: str) -> Answer | None:
        """Answer a request for `path` below /nws; None if there is no such path."""
        if not ask.header("user-agent"):
            return _problem(ask, 403, "Forbidden", "Requests without a User-Agent are refused; name a contact in it.")
        parts = unquote(path).strip("/").split("/")
        try:
            match parts:
                case ["points", place]:
                    return self._point(ask, place)
                case ["gridpoints", office, cell, *rest]:
                    return self._grid(ask, office, cell, rest)
                case ["stations", code, "observations", *rest] if rest in ([], ["latest"]):
                    return self._observations(ask, code, latest=bool(rest))
        except BadRequest as error:
            return _problem(ask, 400, "Bad Request", str(error))
        return _problem(ask, 404, "Not Found", f"'{path}' is not a valid resource path")

    def _point(self, ask: Ask, place: str) -> Answer:
        try:
            latitude, longitude = (float(text) for text in place.split(","))
        except ValueError:
            raise BadRequest(f"'{place}' is not a point") from None
        short = f"{latitude:.4f}".rstrip("0").rstrip(".") + "," + f"{longitude:.4f}".rstrip("0").rstrip(".")
        if short != place:
            address = ask.path.rpartition("points/")[0] + f"points/{short}"
            return Answer(301, b"", _PROBLEM, (("Location", address),))
        station = nearest(latitude, longitude)
        if station is None or not american(station):
            return _problem(
                ask,
                404,
                "Data Unavailable For Requested Point",
                f"Unable to provide data for requested point {place}",
                "InvalidPoint",
            )
        return _found(point_body(station, short, latitude, longitude), 21_600)

    def _grid(self, ask: Ask, office: str, cell: str, rest: list[str]) -> Answer:
        station = _BY_SPOT.get((office, *_cell(cell)))
        if station is None:
            return _problem(ask, 404, "Not Found", f"Grid {office}/{cell} is not one of this service", "InvalidGridpoint")
        if not rest:
            return _found(self._layers(station, ask.second), 3600)
        if rest == ["forecast", "hourly"]:
            return _found(self._hourly(station, ask.second), 3600)
        if rest == ["stations"]:
            return _found(stations_body(station), 86_400)
        return _problem(ask, 404, "Not Found", f"{'/'.join(rest)} is not kept here")

    def _fahrenheit(self, station: Station, first: int, count: int, second: int) -> list[int]:
        raw = self._forecasts.hourly(station, MODEL, first, count, second)
        return [int((value * 1.8 + 32.5) // 1) for value in raw if value is not None]

    def _issued(self, second: int) -> int:
        run = self._forecasts.newest_run(MODEL, second)
        return run * 6 * _HOUR + (second - run * 6 * _HOUR) // _HOUR * _HOUR

    def _layers(self, station: Station, second: int) -> dict[str, Any]:
        first = second // _HOUR
        degrees = self._fahrenheit(station, first, _LAYER_HOURS, second)
        office, column, row = spot(station)
        address = f"{HOST}/gridpoints/{office}/{column},{row}"
        windows = list(daily(station, first, degrees))
        return {
            "@context": CONTEXT,
            "id": address,
            "type": "Feature",
            "geometry": cell_shape(station),
            "properties": {
                "@id": address,
                "@type": "wx:Gridpoint",
                "updateTime": stamp(self._issued(second)),
                "validTimes": f"{stamp(first * _HOUR)}/P{len(degrees) // 24}DT{len(degrees) % 24}H",
                "elevation": {"unitCode": "wmoUnit:m", "value": station.elevation},
                "forecastOffice": f"{HOST}/offices/{office}",
                "gridId": office,
                "gridX": str(column),
                "gridY": str(row),
                "temperature": layer(runs(first, degrees)),
                "dewpoint": layer(runs(first, [value - 9 - value % 5 for value in degrees])),
                "maxTemperature": layer((start, 13, high) for start, high, _ in windows),
                "minTemperature": layer((start + 12, 14, low) for start, _, low in windows),
            },
        }

    def _hourly(self, station: Station, second: int) -> dict[str, Any]:
        first = second // _HOUR
        degrees = self._fahrenheit(station, first, _PERIODS, second)
        return {
            "@context": CONTEXT,
            "type": "Feature",
            "geometry": cell_shape(station),
            "properties": {
                "units": "us",
                "forecastGenerator": "HourlyForecastGenerator",
                "generatedAt": stamp(second // 60 * 60),
                "updateTime": stamp(self._issued(second)),
                "validTimes": f"{stamp(first * _HOUR)}/P{len(degrees) // 24}DT{len(degrees) % 24}H",
                "elevation": {"unitCode": "wmoUnit:m", "value": station.elevation},
                "periods": [period(station, first + n, n + 1, value) for n, value in enumerate(degrees)],
            },
        }

    def _observations(self, ask: Ask, code: str, *, latest: bool) -> Answer:
        station = BY_CODE.get(code)
        if station is None or not american(station):
            return _problem(ask, 404, "Not Found", f"Station {code} is not one of this service", "InvalidStation")
        oldest = ask.second - _KEPT_DAYS * _DAY
        start = max(oldest, milliseconds(ask.one("start")) // 1000 if ask.one("start") else oldest)
        end = min(ask.second, milliseconds(ask.one("end")) // 1000 if ask.one("end") else ask.second)
        most = int(ask.number("limit", _MOST_ROWS))
        if not 1 <= most <= _MOST_ROWS:
            raise BadRequest(f"limit must be between 1 and {_MOST_ROWS}")
        rows = self._newest(station, start, end, ask.second, 1 if latest else most)
        if latest:
            if not rows:
                return _problem(ask, 404, "Not Found", "No observation is known")
            return Answer(200, b'{"@context":' + orjson.dumps(CONTEXT) + b"," + rows[0][1:], _GEO, _kept(60))
        head = b'{"@context":' + orjson.dumps(CONTEXT) + b',"type":"FeatureCollection","features":['
        return Answer(200, head + b",".join(rows) + b"]}", _GEO, _kept(60))

    def _newest(self, station: Station, start: int, end: int, second: int, most: int) -> list[bytes]:
        out: list[bytes] = []
        for day in range(end // _DAY, start // _DAY - 1, -1):
            seen = [row for row in self._rows(station, day) if start <= row[0] <= end and row[1] <= second]
            # of two reports of one instant the corrected one is kept
            out += [list(same)[-1][2] for _, same in groupby(seen, key=lambda row: row[0])][::-1]
            if len(out) >= most:
                break
        return out[:most]

    def _rows_of_day(self, station: Station, day: int) -> tuple[tuple[int, int, bytes], ...]:
        # observed, public, as JSON; oldest first. Five-minute values are rounded to whole degrees Celsius
        rows = [
            (report.valid, report.received // 1000, reported(station, report)) for report in self._reports.of_day(station, day)
        ]
        hourly = {row[0] for row in rows}
        means = self._weather.two_minute_means(station, day * 1440, day * 1440 + 1440)
        for minute in range(0, 1440, 5):
            second = day * _DAY + minute * 60
            if second not in hourly:
                celsius = int((float(means[minute]) + 0.5) // 1)
                rows.append((second, second + _FIVE_LAG, observed(station, second, celsius, celsius - 6, "", 29.92)))
        return tuple(sorted(rows, key=lambda row: (row[0], row[1])))


_BY_SPOT = {spot(station): station for station in STATIONS if american(station)}


def _found(body: dict[str, Any], seconds: int) -> Answer:
    return Answer(200, orjson.dumps(body), _GEO, _kept(seconds))


def _kept(seconds: int) -> tuple[tuple[str, str], ...]:
    return (("Cache-Control", f"public, max-age={seconds}, s-maxage={seconds}"),)


def _problem(ask: Ask, status: int, title: str, detail: str, kind: str = "") -> Answer:
    ident = UUID(int=key("problem", ask.path, ask.at) << 64 | key("problem", ask.at, status), version=4)
    body = {
        "correlationId": ident.hex[:8],
        "title": title,
        "type": f"{HOST}/problems/{kind or title.replace(' ', '')}",
        "status": status,
        "detail": detail,
        "instance": f"{HOST}/requests/{ident.hex[:8]}",
    }
    return Answer(status, orjson.dumps(body), _PROBLEM)


def _cell(text: str) -> tuple[int, int]:
    try:
        column, row = (int(part) for part in text.split(","))
    except ValueError:
        raise BadRequest(f"'{text}' is not a grid cell") from None
    return column, row
