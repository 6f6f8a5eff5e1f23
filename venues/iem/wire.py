"""Answers of the Iowa Environmental Mesonet: tables of reports, climate reports of a year, stations of a network."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from core.days import window_of
from core.errors import WireError
from core.model.record import Kind, Record
from core.model.rule import DayWindow
from core.model.station import Station
from core.units import MISSING, Columns
from venues.metar.wire import Report, decode_report, metar_columns, sound_fault
from venues.sanity import future_fault, number_or_none, quarantine, refuse_repeated, temperature_fault
from venues.spans import joined, json_elements, member

DECODER = 1
SOURCE = "iem"
ABSENT = frozenset({"", "M", "null"})  # how a table says that it has no value
FIRST_YEAR, LAST_YEAR = 1850, 2199
REPORT_DELAY = timedelta(minutes=5)  # after which a report of the past counts as known
PRODUCT_DELAY = timedelta(minutes=15)  # the same for a climate report, after its issue
_ISSUED = re.compile(r"(\d{12})-[A-Z]{4}-")


@dataclass(frozen=True, slots=True)
class Table:
    """A download: its header line, and each row as it came and by column."""

    header: bytes
    names: tuple[str, ...]
    rows: tuple[tuple[bytes, Mapping[str, str]], ...]


def read_table(raw: bytes) -> Table:
    """Return a table of tabs or commas, `#DEBUG:` lines left out; one that holds nothing is a header alone.

    Raises:
        WireError: no header with station and valid (an error is a line of text), or a row of another length.
    """
    lines = [line.rstrip(b"\r") for line in raw.split(b"\n")]
    lines = [line for line in lines if line.strip() and not line.startswith(b"#")]
    header = lines[0] if lines else b""
    mark = b"\t" if b"\t" in header else b","
    names = [name.decode("utf-8", "replace").strip() for name in header.split(mark)]
    if names[:2] != ["station", "valid"]:
        raise WireError(f"iem: no table of stations but {header[:80]!r}; the bytes are kept")
    refuse_repeated("iem: column", names)
    rows: list[tuple[bytes, Mapping[str, str]]] = []
    for line in lines[1:]:
        cells = line.split(mark, len(names) - 1)  # a report stands last and may hold a comma
        if len(cells) != len(names):
            raise WireError(f"iem: {line[:80]!r} has {len(cells)} of {len(names)} columns; the bytes are kept")
        rows.append((line, dict(zip(names, (cell.decode("utf-8", "replace") for cell in cells), strict=True))))
    return Table(header, tuple(names), tuple(rows))


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table of reports: what it says, or why it says nothing."""

    station: str
    raw: bytes
    report: Report | None
    unread: str = ""


def read_reports(raw: bytes, codes: Mapping[str, str], kind: str) -> tuple[bytes, list[Line]]:
    """Return the header of a table and its reports; `codes` gives our station for the archive's name of it.

    The texts lack their METAR or SPECI: `kind` is what was asked for. Rows of five-minute values have no text and no line.
    """
    table = read_table(raw)
    if "metar" not in table.names:
        raise WireError(f"iem: the table has no metar column but {table.header[:80]!r}; ask with data=metar")
    return table.header, [_line(line, cells, codes, kind) for line, cells in table.rows if cells["metar"].strip() not in ABSENT]


def _line(line: bytes, cells: Mapping[str, str], codes: Mapping[str, str], kind: str) -> Line:
    code = codes.get(cells["station"].strip(), "")
    try:
        valid_at = datetime.strptime(cells["valid"].strip(), "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        _check_year(valid_at.year)
        report = decode_report(cells["metar"], valid_at, kind)
    except (WireError, ValueError) as error:
        return Line(code, line, None, str(error))
    if report.station != code:
        return Line(code, line, None, f"iem: a report of {report.station} stands under {cells['station']}; keep the bytes")
    return Line(code, line, report)


def parse_reports(
    raw: bytes, codes: Mapping[str, str], received_at: datetime, kind: str, *, oldest: timedelta | None = None
) -> list[Record]:
    """Return one `metar` record per station asked for, empty where the archive has nothing."""
    header, lines = read_reports(raw, codes, kind)
    mine = {code: [line for line in lines if line.station == code] for code in codes.values()}
    strays = [line.raw[:60].decode("utf-8", "replace") for line in lines if line.station not in mine]
    if strays:
        raise WireError(f"iem: a row of a station that was not asked for ({strays[0]!r}); the bytes are kept")
    return [_record(code, header, own, received_at, oldest) for code, own in mine.items()]


def past_reports(raw: bytes, codes: Mapping[str, str], now: datetime, kind: str) -> list[Record]:
    """Return one `metar` record per station and minute, each known five minutes after its time, in that order.

    Texts that are no report, and times that are to come, are in a record of now: without a time nothing else can be said.
    """
    header, lines = read_reports(raw, codes, kind)
    known: dict[tuple[datetime, str], list[Line]] = {}
    untimely: dict[str, list[Line]] = {}
    for line in lines:
        at = None if line.report is None else line.report.valid_at + REPORT_DELAY
        if at is None or at > now:
            untimely.setdefault(line.station or next(iter(codes.values())), []).append(line)
        else:
            known.setdefault((at, line.station), []).append(line)
    records = [_record(code, header, known[at, code], at, None) for at, code in sorted(known)]
    return [*records, *(_record(code, header, own, now, None) for code, own in untimely.items())]


def _record(code: str, header: bytes, lines: Sequence[Line], received_at: datetime, oldest: timedelta | None) -> Record:
    reports: list[Report] = []
    lies: list[str] = []
    for report in (line.report for line in lines if line.report is not None):
        if fault := sound_fault(report, received_at, oldest):
            lies.append(fault)
        else:
            reports.append(report)
    unread = [line.unread for line in lines if line.unread]
    reports.sort(key=lambda report: (report.valid_at, report.corrected))
    return Record(
        source=SOURCE, kind=Kind.METAR, subject=code, received_at=received_at, issued_at=None,
        raw=b"\n".join([header, *(line.raw for line in lines), b""]), rows=metar_columns(reports),
        facts={**({"unread": unread} if unread else {}), **quarantine(lies)}, decoder=DECODER,
    )  # fmt: skip


# Climate reports


@dataclass(frozen=True, slots=True)
class Climate:
    """The climate report of one day, with its bytes."""

    raw: bytes
    day: date
    high_f: int
    low_f: int
    product: str
    issued_at: datetime | None
    preliminary: bool


def read_climate(raw: bytes, station: Station, days: Collection[date] | None = None) -> list[Climate]:
    """Return the climate reports of some days, or of all, in order.

    A report that was issued before its day was over, in standard time, is preliminary; so is one that does not say when.

    Raises:
        WireError: no results, a day twice, another station's, or a temperature that is neither whole nor missing.
    """
    found = [_climate(span, element, station) for span, element in json_elements(member(raw, "results", "iem cli"), "iem cli")]
    refuse_repeated(f"iem cli: {station.code}", (each.day for each in found))
    return sorted((each for each in found if days is None or each.day in days), key=lambda each: each.day)


def climate_record(station: str, reports: Sequence[Climate], received_at: datetime) -> Record:
    """Return the `climate` record of some days; what cannot be true is left out and named."""
    lies = {each.day: fault for each in reports if (fault := _climate_fault(each, received_at))}
    issues = [each.issued_at for each in reports if each.issued_at is not None and each.day not in lies]
    return Record(
        source=SOURCE, kind=Kind.CLIMATE, subject=station, received_at=received_at, issued_at=max(issues, default=None),
        raw=joined(each.raw for each in reports), rows=climate_columns([each for each in reports if each.day not in lies]),
        facts=quarantine([f"{station} {day}: {fault}" for day, fault in lies.items()]), decoder=DECODER,
    )  # fmt: skip


def past_climate(station: Station, reports: Sequence[Climate], now: datetime) -> list[Record]:
    """Return one record per report, known a quarter of an hour after its issue; one that does not say when is left out."""
    known = [(each.issued_at + PRODUCT_DELAY, each) for each in reports if each.issued_at is not None]
    return [climate_record(station.code, [each], at) for at, each in sorted(known, key=lambda pair: pair[0]) if at <= now]


def climate_columns(reports: Sequence[Climate]) -> Columns:
    """Return the columns of a `climate` record."""
    return {
        "event_day": np.array([each.day.isoformat() for each in reports], dtype=object),
        "high_f": np.array([each.high_f for each in reports], np.int64),
        "low_f": np.array([each.low_f for each in reports], np.int64),
        "preliminary": np.array([each.preliminary for each in reports], np.bool_),
        "product": np.array([each.product for each in reports], dtype=object),
    }


def _climate(span: bytes, element: Any, station: Station) -> Climate:
    if not isinstance(element, dict) or element.get("station") != station.code:
        raise WireError(f"iem cli: {str(element)[:60]} is no climate report of {station.code}; the bytes are kept")
    try:
        day = date.fromisoformat(str(element["valid"]))
        _check_year(day.year)
    except (KeyError, ValueError) as error:
        raise WireError(f"iem cli: {element.get('valid')!r} is no day ({error!r}); the bytes are kept") from error
    product = str(element.get("product") or "")
    issued_at = _issue_of(product)
    over = window_of(DayWindow.STANDARD_TIME, station.tz, day)[1]
    return Climate(
        span, day, _degrees(element.get("high")), _degrees(element.get("low")), product, issued_at,
        preliminary=issued_at is None or issued_at < over,
    )  # fmt: skip


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"nothing was reported in the year {year}")


def _degrees(value: Any) -> int:
    if value is None or value == "M":
        return MISSING
    number = number_or_none(value)
    if number is None or not number.is_integer() or abs(number) >= -MISSING:
        raise WireError(f"iem cli: {value!r} is no whole degree and not M; the bytes are kept")
    return int(number)


def _issue_of(product: str) -> datetime | None:
    # "202607030617-KOKX-CDUS41-CLINYC": the archive names a product by the minute of its issue.
    found = _ISSUED.match(product)
    try:
        return datetime.strptime(found[1], "%Y%m%d%H%M").replace(tzinfo=UTC) if found is not None else None
    except ValueError:
        return None


def _climate_fault(report: Climate, received_at: datetime) -> str:
    for degrees in (report.high_f, report.low_f):
        if degrees != MISSING and (fault := temperature_fault((degrees - 32) / 1.8)):
            return f"{degrees} °F, {fault}"
    if MISSING not in (report.high_f, report.low_f) and report.low_f > report.high_f:
        return f"a low of {report.low_f} °F lies above a high of {report.high_f} °F"
    return future_fault(report.issued_at, received_at) if report.issued_at is not None else ""


# Networks


@dataclass(frozen=True, slots=True)
class NetworkStation:
    """One station of a network, as the archive describes it."""

    code: str  # ICAO where it is American, else as the archive has it
    name: str
    tz: str
    latitude: float
    longitude: float
    elevation_metres: float | None
    archive_begin: str
    online: bool


def parse_network(raw: bytes) -> tuple[NetworkStation, ...]:
    """Return the stations of a network; WireError when an entry lacks its name, zone or place."""
    return tuple(_network_station(element) for _, element in json_elements(member(raw, "data", "iem network"), "iem network"))


def _network_station(element: Any) -> NetworkStation:
    try:
        code = str(element["id"])
        american = element["country"] == "US" and len(code) == 3
        elevation = number_or_none(element.get("elevation"))
        return NetworkStation(
            f"K{code}" if american else code, str(element["name"]), str(element["tzname"]), float(element["latitude"]),
            float(element["longitude"]), elevation, str(element.get("archive_begin") or ""), bool(element.get("online")),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WireError(f"iem network: {str(element)[:80]} is no station ({error!r}); the bytes are kept") from error
