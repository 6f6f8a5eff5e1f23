"""The public weather service: reports of airports, newest first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from venues.demo.answers import Answer, Ask, BadRequest, iso, lasting_json, milliseconds, reply
from venues.demo.places import BY_CODE
from venues.demo.reports import Report, Reports, half_up, hectopascals, raw_text
from venues.demo.stations import Station

_MOST_ROWS = 400
_KEPT_SECONDS = 15 * 86_400
_DEFAULT_HOURS = 1.5
_DAY = 86_400
Row = tuple[int, int, str, bytes, str]  # observed, received, station, as JSON, as sent


class Awc:
    """Answers under /awc."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._rows: Callable[[Station, int], tuple[Row, ...]] = lru_cache(maxsize=96)(self._rows_of_day)

    def answer(self, ask: Ask, path: str) -> Answer | None:
        """Answer a request for `path` below /awc; None if there is no such path."""
        if path != "/metar":
            return None
        try:
            return self._metar(ask)
        except BadRequest as error:
            return reply({"status": "error", "error": str(error)}, 400)

    def _metar(self, ask: Ask) -> Answer:
        codes = dict.fromkeys(code.upper() for code in ask.all("ids"))
        if not codes:
            raise BadRequest("ids or bbox is required")
        form = ask.one("format", "raw")
        if form not in ("json", "raw"):
            raise BadRequest(f"this world does not speak format {form!r}")
        hours = ask.number("hours", _DEFAULT_HOURS)
        if not 0 < hours <= 720:
            raise BadRequest("hours out of range")
        end = _end(ask)
        start = max(end - int(hours * 3600), ask.second - _KEPT_SECONDS)
        rows = [row for code in codes if code in BY_CODE for row in self._between(BY_CODE[code], start, end, ask.at)]
        rows.sort(key=lambda row: (-row[0], -row[1], row[2]))
        rows = rows[:_MOST_ROWS]
        if not rows:
            return Answer(204, b"")
        if form == "raw":
            return Answer(200, "\n".join(row[4] for row in rows).encode(), "text/plain")
        return Answer(200, b"[" + b",".join(row[3] for row in rows) + b"]")

    def _between(self, station: Station, start: int, end: int, at: int) -> list[Row]:
        days = range(start // _DAY, end // _DAY + 1)
        return [row for day in days for row in self._rows(station, day) if start < row[0] <= end and row[1] <= at]

    def _rows_of_day(self, station: Station, day: int) -> tuple[Row, ...]:
        out = []
        for report in self._reports.of_day(station, day):
            text = raw_text(station, report)
            out.append((report.valid, report.received, station.code, lasting_json(_fields(station, report, text)), text))
        return tuple(out)


def _end(ask: Ask) -> int:
    text = ask.one("date")
    if not text:
        return ask.second
    try:
        at = int(datetime.strptime(text, "%Y%m%d_%H%M").replace(tzinfo=UTC).timestamp())
    except ValueError:
        at = milliseconds(text if text.endswith("Z") or "+" in text else f"{text}Z") // 1000
    return min(at, ask.second)


def _fields(station: Station, report: Report, text: str) -> dict[str, Any]:
    cover, hundreds = report.cover
    pressure = hectopascals(report.pressure)
    fields: dict[str, Any] = {
        "icaoId": station.code,
        "receiptTime": iso(report.received),
        "obsTime": report.valid,
        "reportTime": iso(_nominal(report.valid) * 1000),
        "temp": _degrees(station, report.tenths),
        "dewp": None if report.tenths is None else _degrees(station, report.dew),
        "wdir": 0 if report.knots == 0 else "VRB" if report.wind is None else report.wind,
        "wspd": report.knots,
        "visib": "10+" if station.tenths else "6+",
        "altim": pressure if station.tenths else int(pressure),
        "slp": pressure if station.tenths else None,
        "qcField": 4 if station.tenths else 16,
        **{name: value for group in report.groups for name, value in _extremes(group.hours, group.high, group.low)},
        "metarType": "SPECI" if report.special else "METAR",
        "rawOb": text,
        "lat": station.lat,
        "lon": station.lon,
        "elev": station.elevation,
        "name": station.name,
        "cover": cover,
        "clouds": [{"cover": cover, "base": hundreds * 100}],
        "fltCat": "MVFR" if cover in ("BKN", "OVC") and hundreds <= 30 else "VFR",
    }
    # what is unknown has no key
    return {name: value for name, value in fields.items() if value is not None}


def _extremes(hours: int, high: int, low: int) -> tuple[tuple[str, float], tuple[str, float]]:
    tail = "24" if hours == 24 else ""
    return (f"maxT{tail}", high / 10.0), (f"minT{tail}", low / 10.0)


def _degrees(station: Station, tenths: int | None) -> float | int | None:
    if tenths is None:
        return None
    return tenths / 10.0 if station.tenths else half_up(tenths, 10)


def _nominal(second: int) -> int:
    # reports a few minutes before the full hour are filed under that hour
    return (second // 3600 + 1) * 3600 if second % 3600 >= 2700 else second
