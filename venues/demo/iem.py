"""The state university's archive: reports of airports as far back as the world goes, and daily climate reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from venues.demo.answers import Answer, Ask, BadRequest, iso, milliseconds, reply
from venues.demo.noise import uniform
from venues.demo.nws_pages import american, spot
from venues.demo.places import BY_CODE
from venues.demo.reports import Report, Reports, raw_text
from venues.demo.stations import Station
from venues.demo.weather import Weather

FIRST_DAY = date(2026, 3, 16)  # of the archive
_DAY = 86_400
_TEXT = "text/plain"
_FORMS = {"onlycomma": (",", False), "comma": (",", True), "onlytdf": ("\t", False), "tdf": ("\t", True)}
_MISSING = {"M": "M", "null": "null", "empty": ""}
_ROUTINE, _SPECIAL, _FIVE = "3", "4", "1"
_COLUMNS = ("tmpf", "tmpc", "dwpf", "dwpc", "drct", "sknt", "alti", "metar")
_SEEN_LAG = 60_000  # ms after the public list
_EVENING = 16 * 3600  # the preliminary report covers the day until then, standard time
_ISSUED_EVENING, _ISSUED_MORNING = _EVENING + 32 * 60, _DAY + 82 * 60  # seconds of the standard-time day
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True, slots=True)
class _Climate:
    """A climate report: whole degrees Fahrenheit and the standard-time minute of each."""

    high: int
    low: int
    high_minute: int
    low_minute: int


class Iem:
    """Answers under /iem."""

    def __init__(self, weather: Weather, reports: Reports) -> None:
        self._weather, self._reports = weather, reports
        self._climate: Callable[[Station, date, bool], _Climate] = lru_cache(maxsize=4096)(self._climate_of)

    def answer(self, ask: Ask, path: str) -> Answer | None:
        """Answer a request for `path` below /iem; None if there is no such path."""
        try:
            if path == "/cgi-bin/request/asos.py":
                return self._asos(ask)
            if path == "/json/cli.py":
                return self._cli(ask)
        except BadRequest as error:
            return Answer(422, f"ERROR: {error}".encode(), _TEXT)
        return None

    def _asos(self, ask: Ask) -> Answer:
        form = ask.one("format", "onlycomma")
        if form not in _FORMS:
            raise BadRequest(f"format must be one of {', '.join(_FORMS)}")
        mark, debugged = _FORMS[form]
        start, end = _span(ask)
        zone = _zone(ask.one("tz", "Etc/UTC"))
        columns = _columns(ask)
        stations = [station for name in ask.all("station") if (station := _station(name)) is not None]
        if not ask.all("station") and end - start > _DAY:
            raise BadRequest("without a station at most 24 hours can be asked for")
        lines = list(_debug(form, start, end, zone)) if debugged else []
        lines.append(mark.join(["station", "valid", *columns]))
        missing = _MISSING.get(ask.one("missing", "M"), "M")
        kinds = frozenset(ask.all("report_type") or [_ROUTINE, _SPECIAL])
        for station in dict.fromkeys(stations):
            for second, report, celsius in self._rows(station, start, end, ask, kinds):
                at = datetime.fromtimestamp(second, zone)
                cells = [_cell(column, station, report, celsius, missing) for column in columns]
                lines.append(mark.join([_short(station), f"{at:%Y-%m-%d %H:%M}", *cells]))
        return Answer(200, ("\n".join(lines) + "\n").encode(), _TEXT)

    def _rows(
        self, station: Station, start: int, end: int, ask: Ask, kinds: frozenset[str]
    ) -> Iterator[tuple[int, Report | None, int | None]]:
        # observed, report, and for five-minute values whole degrees; of two reports of one instant the newest
        start, end = max(start, _second(FIRST_DAY) - _DAY), min(end, ask.second)
        if start >= end or not station.minutes:
            return
        newest = {report.valid: report for report in self._reports.between(station, start, end) if _seen(report, ask.at)}
        rows: list[tuple[int, Report | None, int | None]] = [
            (second, report, None)
            for second, report in newest.items()
            if (_SPECIAL if report.special else _ROUTINE) in kinds or (not report.special and "2" in kinds)
        ]
        if _FIVE in kinds and american(station):
            first, last = -(-start // 300) * 5, end // 60
            means = self._weather.two_minute_means(station, first, last).tolist() if last > first else []
            rows += [(minute * 60, None, int((means[minute - first] + 0.5) // 1)) for minute in range(first, last, 5)]
        yield from sorted(rows, key=lambda row: row[0])

    def _cli(self, ask: Ask) -> Answer:
        station = BY_CODE.get(ask.one("station").upper())
        year = int(ask.number("year", datetime.fromtimestamp(ask.second, UTC).year))
        if not 1 <= year <= 9998:
            raise BadRequest("year is out of range")
        results: list[dict[str, Any]] = []
        if station is not None and american(station):
            day = max(FIRST_DAY, date(year, 1, 1))
            while day.year == year and (found := self._report(station, day, ask.second)) is not None:
                results.append(found)
                day += timedelta(days=1)
        return reply({"results": results, "generated_at": iso(ask.at, digits=0)})

    def _report(self, station: Station, day: date, second: int) -> dict[str, Any] | None:
        start, _ = station.standard_window(day)
        late = int(7200 * uniform("climate", station.code, day.toordinal()))
        final, evening = start + _ISSUED_MORNING + late, start + _ISSUED_EVENING + late // 8
        if second < evening:
            return None
        issued = final if second >= final else evening
        return _climate_body(station, day, self._climate(station, day, issued == final), issued)

    def _climate_of(self, station: Station, day: date, whole: bool) -> _Climate:
        start, end = station.standard_window(day)
        end = end if whole else start + _EVENING
        high, low = self._weather.official_of_span(station, start, end)
        means = self._weather.two_minute_means(station, start // 60, end // 60)
        return _Climate(high, low, int(means.argmax()), int(means.argmin()))


def _seen(report: Report, at: int) -> bool:
    return report.received + _SEEN_LAG <= at


def _station(name: str) -> Station | None:
    found = BY_CODE.get(name.upper())
    if found is not None:
        return None if american(found) else found
    found = BY_CODE.get(f"K{name.upper()}")
    return found if found is not None and american(found) else None


def _short(station: Station) -> str:
    return station.code[1:] if american(station) else station.code


def _columns(ask: Ask) -> list[str]:
    wanted = [name.lower() for name in ask.all("data")] or ["all"]
    if "all" in wanted:
        return list(_COLUMNS)
    return [name for name in wanted if name.isidentifier()]


def _cell(column: str, station: Station, report: Report | None, celsius: int | None, missing: str) -> str:
    if report is None:
        degrees = None if celsius is None else float(celsius)
        return missing if degrees is None or column not in ("tmpf", "tmpc") else _degrees(column, degrees)
    dry = None if report.tenths is None else report.tenths / 10.0
    wind = None if report.wind is None else f"{report.wind:.2f}"
    values: dict[str, str | None] = {
        "tmpf": None if dry is None else _degrees("tmpf", dry),
        "tmpc": None if dry is None else _degrees("tmpc", dry),
        "dwpf": None if dry is None else _degrees("dwpf", report.dew / 10.0),
        "dwpc": None if dry is None else _degrees("dwpc", report.dew / 10.0),
        "drct": wind,
        "sknt": f"{report.knots:.2f}",
        "alti": f"{report.pressure / 100.0:.2f}",
        "metar": raw_text(station, report).partition(" ")[2],
    }
    found = values.get(column)
    return missing if found is None else found


def _degrees(column: str, celsius: float) -> str:
    return f"{celsius * 1.8 + 32.0 if column.endswith('f') else celsius:.2f}"


def _debug(form: str, start: int, end: int, zone: ZoneInfo) -> Iterator[str]:
    period = " ".join(str(datetime.fromtimestamp(second, UTC)) for second in (start, end))
    yield f"#DEBUG: Format Typ    -> {form}"
    yield f"#DEBUG: Time Period   -> {period}"
    yield f"#DEBUG: Time Zone     -> {'UTC' if zone.key == 'Etc/UTC' else zone.key}"
    yield "#DEBUG: Data Contact   -> demo world"
    yield "#DEBUG: Entries Found -> -1"


def _span(ask: Ask) -> tuple[int, int]:
    if ask.one("sts") and ask.one("ets"):
        return _instant(ask.one("sts")), _instant(ask.one("ets"))
    zone = _zone(ask.one("tz", "Etc/UTC"))
    if ask.one("hours"):
        return ask.second - int(ask.number("hours", 24) * 3600), ask.second
    ends = []
    for tail in ("1", "2"):
        parts = [int(ask.number(name + tail, default)) for name, default in _PARTS]
        try:
            ends.append(int(datetime(*parts, tzinfo=zone).timestamp()))  # type: ignore[misc, arg-type]
        except (ValueError, OverflowError):
            raise BadRequest(
                "the period is not given by sts and ets, or by year1, month1, day1 to year2, month2, day2"
            ) from None
    return ends[0], ends[1]


_PARTS = (("year", 0), ("month", 0), ("day", 0), ("hour", 0), ("minute", 0))


def _instant(text: str) -> int:
    # a plus in a query is a space to those who do not escape it
    return milliseconds(text.replace(" ", "+")) // 1000


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo("Etc/UTC" if name == "UTC" else name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadRequest(f"unknown tz {name!r}") from None


def _second(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _climate_body(station: Station, day: date, climate: _Climate, issued: int) -> dict[str, Any]:
    office = spot(station)[0]
    city, _, state = station.name.removesuffix(", US").rpartition(", ")
    product = f"{datetime.fromtimestamp(issued, UTC):%Y%m%d%H%M}-K{office}-CDUS41-CLI{station.code[1:]}"
    normal = round(station.climate.middle[0] + station.climate.middle[1] * -0.8) * 9 // 5 + 36
    return {
        "station": station.code,
        "valid": day.isoformat(),
        "state": state,
        "wfo": office,
        "link": f"/api/1/nwstext/{product}",
        "product": product,
        "name": city.upper(),
        "high": climate.high,
        "high_record": normal + 22,
        "high_record_years": [1988],
        "high_normal": normal,
        "high_depart": climate.high - normal,
        "high_time": _clock(climate.high_minute),
        "low": climate.low,
        "low_record": normal - 41,
        "low_record_years": [1945],
        "low_normal": normal - 17,
        "low_depart": climate.low - normal + 17,
        "low_time": _clock(climate.low_minute),
        "precip": "T" if day.day % 3 == 0 else 0.0,
        "precip_month": 1.27,
        "snow": "M",
        "snow_month": "M",
        "snowdepth": "M",
        "month": _MONTHS[day.month - 1],
    }


def _clock(minute: int) -> str:
    hour, rest = divmod(minute, 60)
    return f"{hour % 12 or 12}{rest:02d} {'AM' if hour < 12 else 'PM'}"
