"""The committed tables: stations, regions, what venues' phrases mean, by date; releases of news, rules of accounts."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import combinations
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from core.errors import StoreError
from core.model.event import FeeRounding, Fees
from core.model.rule import DayWindow, Extreme, Grade, Statistic
from core.model.station import ReportPrecision, Station
from core.units import parse_iso

REGISTRY = Path(__file__).resolve().parent.parent / "data" / "registry"
REGION_KILOMETRES = 600.0
EARTH_DIAMETER_KILOMETRES = 12_742.0
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Dated(Protocol):
    """A row that holds for a venue and a phrase between two event days, both included."""

    @property
    def venue(self) -> str: ...

    @property
    def phrase(self) -> str: ...

    @property
    def valid_from(self) -> date: ...

    @property
    def valid_until(self) -> date: ...


@dataclass(frozen=True, slots=True)
class VenueStation:
    """Which station a venue means by a phrase."""

    venue: str
    phrase: str
    station: str
    valid_from: date
    valid_until: date
    evidence: str
    grade: Grade


@dataclass(frozen=True, slots=True)
class SettlementSource:
    """Which source, statistic and day a venue means by a phrase."""

    venue: str
    phrase: str
    source: str
    statistics: Mapping[Extreme, Statistic]
    window: DayWindow
    valid_from: date
    valid_until: date
    evidence: str
    grade: Grade


@dataclass(frozen=True, slots=True)
class Series:
    """Under which name a venue lists the events of a station: Polymarket's slug up to the date, Kalshi's series ticker."""

    venue: str
    station: str
    extreme: Extreme
    series: str
    valid_from: date
    valid_until: date
    evidence: str
    grade: Grade


@dataclass(frozen=True, slots=True)
class Release:
    """A release of news, and how long before and after it nothing is bought."""

    kind: str
    at: datetime
    before: timedelta
    after: timedelta


@dataclass(frozen=True, slots=True)
class AccountRule:
    """One rule of a profile of account rules; a later `valid_from` replaces an earlier one, "" ends it."""

    profile: str
    valid_from: date
    rule: str
    value: str


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """What a venue charges where its listing does not say."""

    venue: str
    fees: Fees
    valid_from: date
    valid_until: date
    evidence: str
    grade: Grade


class Pausing(StrEnum):
    """What a venue does not take for a while."""

    HALTED = "halted"  # no orders; what rests stays, and can be taken back
    POST_ONLY = "post_only"  # only orders that rest


@dataclass(frozen=True, slots=True)
class Pause:
    """A weekly stretch in which a venue takes less than everything."""

    venue: str
    state: Pausing
    weekday: int  # 0 is Monday
    starts: time  # by the clock of `tz`
    seconds: int
    tz: str
    valid_from: date
    valid_until: date
    evidence: str
    grade: Grade


Row = TypeVar("Row", bound=Dated)

STATISTICS: Mapping[str, Mapping[Extreme, Statistic]] = {
    "official": {Extreme.HIGH: Statistic.OFFICIAL_MAX, Extreme.LOW: Statistic.OFFICIAL_MIN},
    "listed_report": {Extreme.HIGH: Statistic.MAX_LISTED_REPORT, Extreme.LOW: Statistic.MIN_LISTED_REPORT},
    "hourly_reading": {Extreme.HIGH: Statistic.MAX_HOURLY_READING, Extreme.LOW: Statistic.MIN_HOURLY_READING},
    "daily_extract": {Extreme.HIGH: Statistic.DAILY_EXTRACT, Extreme.LOW: Statistic.DAILY_EXTRACT_MIN},
}


class PhraseTable(Generic[Row]):
    """Rows found by venue, phrase and event day; StoreError when two rows claim one day."""

    def __init__(self, rows: tuple[Row, ...]) -> None:
        self.rows = rows
        self._found: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            others = self._found.setdefault((row.venue, plain_phrase(row.phrase)), [])
            for other in others:
                if row.valid_from <= other.valid_until and other.valid_from <= row.valid_until:
                    raise StoreError(f"{row.venue} {row.phrase!r} has two meanings on {max(row.valid_from, other.valid_from)}")
            others.append(row)

    def resolve(self, venue: str, phrase: str, day: date) -> Row | None:
        """Return what a venue meant by a phrase on an event day; None: not known."""
        rows = self._found.get((venue, plain_phrase(phrase)), [])
        return next((row for row in rows if row.valid_from <= day <= row.valid_until), None)

    def phrases(self, venue: str) -> tuple[str, ...]:
        """Return all phrases of a venue, longest first: what to look for in a text."""
        known = {row.phrase for row in self.rows if row.venue == venue}
        return tuple(sorted(known, key=lambda phrase: (-len(phrase), phrase)))


VenueStations = PhraseTable[VenueStation]
SettlementSources = PhraseTable[SettlementSource]


def plain_phrase(phrase: str) -> str:
    """Return a phrase as it is compared: no accents, case, typographic marks, article or trailing "station"."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", phrase) if not unicodedata.combining(c)).casefold()
    plain = re.sub(r"[‐-―]", "-", plain.replace("’", "'"))
    plain = re.sub(r"\s+", " ", plain).strip(" .,")
    return plain.removeprefix("the ").removesuffix(" station")


def load_stations(folder: Path | None = None) -> dict[str, Station]:
    """Return all stations by code."""
    return dict(_stations(folder or REGISTRY))


def load_regions(folder: Path | None = None) -> dict[str, str]:
    """Return the weather region of each station."""
    return {row["station"]: row["region"] for row in _rows((folder or REGISTRY) / "regions.csv")}


def load_venue_stations(folder: Path | None = None) -> VenueStations:
    """Return the table of place phrases."""
    return _venue_stations(folder or REGISTRY)


def load_settlement_sources(folder: Path | None = None) -> SettlementSources:
    """Return the table of source phrases."""
    return _settlement_sources(folder or REGISTRY)


def load_series(folder: Path | None = None) -> tuple[Series, ...]:
    """Return how venues name the events of each station; StoreError when a series has two stations on one day."""
    return _series(folder or REGISTRY)


def load_hold(folder: Path | None = None) -> dict[str, tuple[tuple[float, float], ...]]:
    """Return by station how often the highest temperature so far stood, as (local hour, chance), ascending; "" is any other."""
    return dict(_hold(folder or REGISTRY))


def load_calendar(folder: Path | None = None) -> tuple[Release, ...]:
    """Return the dated releases of news, oldest first."""
    return _calendar(folder or REGISTRY)


def load_account_rules(folder: Path | None = None) -> tuple[AccountRule, ...]:
    """Return the rules of every profile of account rules, as they stand in the table."""
    return _account_rules(folder or REGISTRY)


def load_fees(folder: Path | None = None) -> tuple[FeeSchedule, ...]:
    """Return what venues charged by date; StoreError when two schedules of a venue claim one day."""
    return _fees(folder or REGISTRY)


def load_pauses(folder: Path | None = None) -> tuple[Pause, ...]:
    """Return when venues take less than everything."""
    return _pauses(folder or REGISTRY)


def distance_kilometres(one: Station, other: Station) -> float:
    """Return the great-circle distance of two stations [km]."""
    south, west, north, east = map(radians, (one.latitude, one.longitude, other.latitude, other.longitude))
    chord = sin((north - south) / 2) ** 2 + cos(south) * cos(north) * sin((east - west) / 2) ** 2
    return EARTH_DIAMETER_KILOMETRES * asin(sqrt(min(1.0, chord)))


@lru_cache(maxsize=8)
def _stations(folder: Path) -> dict[str, Station]:
    alone = _stations_alone(folder)
    near: dict[str, tuple[Station, ...]] = {}
    with _blaming(folder / "neighbours.csv"):
        for row in _rows(folder / "neighbours.csv"):
            near[row["station"]] = (*near.get(row["station"], ()), alone[row["neighbour"]])
    return {code: replace(station, neighbours=near[code]) if code in near else station for code, station in alone.items()}


def _stations_alone(folder: Path) -> dict[str, Station]:
    regions = load_regions(folder)
    with _blaming(folder / "stations.csv"):
        return {
            row["code"]: Station(
                code=row["code"], name=row["name"], city=row["city"], country=row["country"],
                latitude=float(row["latitude"]), longitude=float(row["longitude"]),
                elevation_metres=float(row["elevation_metres"]), tz=row["tz"],
                report_minutes=tuple(int(minute) for minute in row["report_minutes"].split()),
                report_precision=ReportPrecision(row["report_precision"]), region=regions[row["code"]],
            )
            for row in _rows(folder / "stations.csv")
        }  # fmt: skip


@lru_cache(maxsize=8)
def _venue_stations(folder: Path) -> VenueStations:
    path = folder / "venue_stations.csv"
    with _blaming(path):
        return PhraseTable(tuple(
            VenueStation(row["venue"], row["phrase"], row["station"], *_validity(row), row["evidence"], Grade(row["grade"]))
            for row in _rows(path)
        ))  # fmt: skip


@lru_cache(maxsize=8)
def _settlement_sources(folder: Path) -> SettlementSources:
    path = folder / "settlement_sources.csv"
    with _blaming(path):
        return PhraseTable(tuple(
            SettlementSource(
                row["venue"], row["phrase"], row["source"], STATISTICS[row["statistic"]], DayWindow(row["window"]),
                *_validity(row), row["evidence"], Grade(row["grade"]),
            )
            for row in _rows(path)
        ))  # fmt: skip


@lru_cache(maxsize=8)
def _series(folder: Path) -> tuple[Series, ...]:
    path = folder / "series.csv"
    with _blaming(path):
        found = tuple(
            Series(
                row["venue"], row["station"], Extreme(row["extreme"]), row["series"], *_validity(row), row["evidence"],
                Grade(row["grade"]),
            )
            for row in _rows(path)
        )  # fmt: skip
    for one, other in combinations(found, 2):
        same = (one.venue, one.series) == (other.venue, other.series)
        if same and one.valid_from <= other.valid_until and other.valid_from <= one.valid_until:
            raise StoreError(f"{path}: {one.series} is {one.station} and {other.station} on the same day")
    return found


@lru_cache(maxsize=8)
def _calendar(folder: Path) -> tuple[Release, ...]:
    path = folder / "calendar.csv"
    with _blaming(path):
        found = tuple(
            Release(
                row["kind"], parse_iso(row["at"]), timedelta(minutes=int(row["minutes_before"])),
                timedelta(minutes=int(row["minutes_after"])),
            )
            for row in _rows(path)
        )  # fmt: skip
    return tuple(sorted(found, key=lambda release: (release.at, release.kind)))


@lru_cache(maxsize=8)
def _account_rules(folder: Path) -> tuple[AccountRule, ...]:
    path = folder / "account_profiles.csv"
    with _blaming(path):
        return tuple(
            AccountRule(row["profile"], date.fromisoformat(row["valid_from"]), row["rule"], row["value"]) for row in _rows(path)
        )


@lru_cache(maxsize=8)
def _hold(folder: Path) -> dict[str, tuple[tuple[float, float], ...]]:
    found: dict[str, list[tuple[float, float]]] = {}
    with _blaming(folder / "hold.csv"):
        for row in _rows(folder / "hold.csv"):
            found.setdefault(row["station"], []).append((float(row["local_hour"]), float(row["chance"])))
    return {station: tuple(sorted(rows)) for station, rows in found.items()}


@lru_cache(maxsize=8)
def _fees(folder: Path) -> tuple[FeeSchedule, ...]:
    path = folder / "fees.csv"
    with _blaming(path):
        found = tuple(
            FeeSchedule(
                row["venue"],
                Fees(float(row["rate"]), float(row["exponent"]), FeeRounding(row["rounding"]), float(row["maker_rate"])),
                *_validity(row), row["evidence"], Grade(row["grade"]),
            )
            for row in _rows(path)
        )  # fmt: skip
    for one, other in combinations(found, 2):
        if one.venue == other.venue and one.valid_from <= other.valid_until and other.valid_from <= one.valid_until:
            raise StoreError(f"{path}: {one.venue} has two fee schedules on {max(one.valid_from, other.valid_from)}")
    return found


@lru_cache(maxsize=8)
def _pauses(folder: Path) -> tuple[Pause, ...]:
    path = folder / "trading_pauses.csv"
    with _blaming(path):
        return tuple(
            Pause(
                row["venue"], Pausing(row["state"]), WEEKDAYS.index(row["weekday"]), time.fromisoformat(row["starts"]),
                int(row["seconds"]), row["tz"], *_validity(row), row["evidence"], Grade(row["grade"]),
            )
            for row in _rows(path)
        )  # fmt: skip


def _validity(row: Mapping[str, str]) -> tuple[date, date]:
    first, last = row["valid_from"], row["valid_until"]
    return date.fromisoformat(first) if first else date.min, date.fromisoformat(last) if last else date.max


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file, strict=True)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StoreError(f"{path} cannot be read: {error}; restore it from the repository") from None


class _blaming:
    """Translate a malformed row into an error that names its table."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (KeyError, TypeError, ValueError, AttributeError)):
            raise StoreError(f"{self._path} is damaged: {error!r}; restore it from the repository") from error
