"""The Iowa Environmental Mesonet: reports where the airports' service has none left, and climate reports as evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from requests.adapters import BaseAdapter

from core.clock import Clock
from core.days import ONE_DAY, window_of
from core.errors import SourceError, WireError
from core.model.record import Ask, Kind, Record
from core.model.rule import DayWindow
from core.model.station import Station
from core.registry import load_stations
from core.settings import Settings
from core.units import iso
from venues.http import Answer, Health, Http, Patience
from venues.iem.wire import (
    SOURCE,
    NetworkStation,
    climate_record,
    parse_network,
    parse_reports,
    past_climate,
    past_reports,
    read_climate,
)
from venues.metar.client import window_start
from venues.records import failed
from venues.sanity import OLDEST_REPORT

IEM = "https://mesonet.agron.iastate.edu"
PER_MINUTE = 60  # one a second is enforced
POLITE = Patience(at_once=1, burst=1.0)
KINDS: Mapping[str, str] = {"3": "METAR", "4": "SPECI"}  # report types; 1 holds five-minute values, which are no reports
COUNTRY = "US"
RECENT, LONGEST_LOOK = timedelta(hours=3), timedelta(days=10)
LONGEST_QUESTION = timedelta(days=31)
CLIMATE_DAYS = 10  # that a question without days is about


class Iem:
    """Reports of whole days, and climate reports of American stations.

    An ask for reports without days is left to the airports' own service, unless it names this source: an archive is for
    gaps. All stations of a gap are one question for each type of report.
    """

    name = SOURCE
    gives = frozenset({Kind.METAR, Kind.CLIMATE})
    gives_past = frozenset({Kind.METAR, Kind.CLIMATE})

    def __init__(
        self, settings: Settings, clock: Clock, adapter: BaseAdapter | None = None, *, simulated: bool = False
    ) -> None:
        self._http = Http.of(
            SOURCE, settings, clock, adapter, simulated=simulated, most_per_minute=PER_MINUTE, patience=POLITE,
            headers={"Accept": "*/*"}, accepts=("JSON", "text/plain", "csv"),
        )  # fmt: skip
        self._clock, self._base = clock, settings.address(SOURCE, IEM)
        self._stations = load_stations()

    @property
    def health(self) -> Mapping[str, Health]:
        """Return what is known of the service."""
        return {SOURCE: self._http.health}

    def fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        """Yield reports of gaps, and climate reports of the days asked for."""
        yield from self._http.judge(self._fetch(asks))

    def _fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        gaps = [ask for ask in asks if ask.kind is Kind.METAR and (ask.days or ask.source == SOURCE)]
        yield from self._gaps([ask for ask in gaps if self._archive_name(ask.subject)])
        for ask in asks:
            if ask.kind is Kind.CLIMATE and (station := self._american(ask.subject)) is not None:
                yield from self._climate(station, ask)

    def past(self, ask: Ask) -> Iterator[Record]:
        """Yield what one would have heard of a station's days: reports five minutes after their time, climate at its issue."""
        if not ask.days:
            return
        if ask.kind is Kind.METAR and self._archive_name(ask.subject):
            yield from self._past_reports(ask)
        elif ask.kind is Kind.CLIMATE and (station := self._american(ask.subject)) is not None:
            yield from self._past_climate(station, ask)

    def network(self, name: str) -> tuple[NetworkStation, ...]:
        """Return the stations of a network ("NY_ASOS", "GB__ASOS"); SourceError when it cannot be had."""
        return parse_network(_content(self._http.get(f"{self._base}/api/1/network/{name}.json")))

    def _american(self, code: str) -> Station | None:
        station = self._stations.get(code)
        return station if station is not None and station.country == COUNTRY else None

    def _archive_name(self, code: str) -> str:
        """Return what the archive calls a station: American ones without their K; "" for one that sends no reports."""
        if not (len(code) == 4 and code.isalpha()):
            return ""
        return code[1:] if code.startswith("K") and self._american(code) is not None else code

    def _ask(self, codes: Sequence[str], start: datetime, end: datetime, type_: str) -> Answer:
        return self._http.get(f"{self._base}/cgi-bin/request/asos.py", {
            "station": [self._archive_name(code) for code in codes], "data": "metar", "sts": iso(_whole(start)), "ets": iso(_whole(end)),
            "tz": "Etc/UTC", "format": "onlytdf", "report_type": type_,
        })  # fmt: skip

    def _gaps(self, asks: Sequence[Ask]) -> Iterator[Record]:
        codes = list(dict.fromkeys(ask.subject for ask in asks))
        if not codes:
            return
        now = self._clock.now()
        starts = [window_start(self._stations.get(ask.subject), ask) if ask.days else now - RECENT for ask in asks]
        start = max(min(starts), now - LONGEST_LOOK)
        names = {self._archive_name(code): code for code in codes}
        for type_, kind in KINDS.items():
            answer = self._ask(codes, start, now, type_)
            oldest = max(OLDEST_REPORT, now - start + RECENT)
            try:
                yield from parse_reports(_content(answer), names, answer.received_at, kind, oldest=oldest)
            except SourceError as error:
                yield from (failed(SOURCE, Kind.METAR, code, answer.received_at, error, answer.content) for code in codes)

    def _past_reports(self, ask: Ask) -> Iterator[Record]:
        now, names = self._clock.now(), {self._archive_name(ask.subject): ask.subject}
        start, last = self._span(ask)
        last = min(last, now)
        while start < last:
            end = min(start + LONGEST_QUESTION, last)
            records: list[Record] = []
            for type_, kind in KINDS.items():
                answer = self._ask([ask.subject], start, end, type_)
                try:
                    records += past_reports(_content(answer), names, now, kind)
                except SourceError as error:
                    records.append(failed(SOURCE, Kind.METAR, ask.subject, answer.received_at, error, answer.content))
            yield from sorted(records, key=lambda record: record.received_at)
            start = end

    def _span(self, ask: Ask) -> tuple[datetime, datetime]:
        station = self._stations.get(ask.subject)
        tz = station.tz if station is not None else "UTC"
        windows = [window_of(window, tz, day) for window in DayWindow for day in ask.days]
        return min(start for start, _ in windows), max(end for _, end in windows)

    def _climate(self, station: Station, ask: Ask) -> Iterator[Record]:
        today = self._clock.now().astimezone(UTC).date()
        days = ask.days or tuple(today - n * ONE_DAY for n in range(CLIMATE_DAYS + 1))
        for year in sorted({day.year for day in days}):
            answer = self._year(station, year)
            try:
                reports = read_climate(_content(answer), station, {day for day in days if day.year == year})
                yield climate_record(station.code, reports, answer.received_at)
            except SourceError as error:
                yield failed(SOURCE, Kind.CLIMATE, station.code, answer.received_at, error, answer.content)

    def _past_climate(self, station: Station, ask: Ask) -> Iterator[Record]:
        for year in sorted({day.year for day in ask.days}):
            answer = self._year(station, year)
            try:
                yield from past_climate(station, read_climate(_content(answer), station, set(ask.days)), self._clock.now())
            except SourceError as error:
                yield failed(SOURCE, Kind.CLIMATE, station.code, answer.received_at, error, answer.content)

    def _year(self, station: Station, year: int) -> Answer:
        return self._http.get(f"{self._base}/json/cli.py", {"station": station.code, "year": str(year)})


def _content(answer: Answer) -> bytes:
    if answer.error is not None:
        raise answer.error
    if not answer.content.strip():
        raise WireError("iem: an empty answer, where even no data has a header; ask again later")
    return answer.content


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)
