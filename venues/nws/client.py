"""The American weather service: forecasts of stations in the United States, and their reports where others have none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from requests.adapters import BaseAdapter

from core.clock import Clock
from core.errors import SourceError
from core.model.record import Ask, Kind, Record
from core.model.station import Station
from core.registry import load_stations
from core.settings import Settings
from core.units import iso
from venues.http import Answer, Health, Http
from venues.metar.client import window_start
from venues.nws.wire import SOURCE, GridCell, parse_gridpoint, parse_hourly, parse_observations, parse_point, point_path
from venues.records import failed
from venues.sanity import OLDEST_REPORT
from venues.standing import Standing

NWS = "https://api.weather.gov"
PER_MINUTE = 240  # no number is published; bursts are refused
COUNTRY, NOT_FOUND = "US", 404
RECENT = timedelta(hours=3)
KEPT = timedelta(days=7)  # how far back observations go
SPAN, MOST_ROWS = timedelta(hours=36), 500  # of one answer: hourly reports and a value every five minutes


class Nws:
    """Forecasts, each at most as often as the service changes it; reports only where a day is to be filled.

    The service says with every answer how long it stays fresh (`Cache-Control: max-age`), and asks to be believed. Until
    then, an hour at most, nothing is asked and nothing is given: the last record stands. An hour is less than the 90
    minutes after which a forecast counts as unconfirmed.

    Reports come a station at a time and later than the airports' own service has them all: an ask without days is left
    to that one, unless it names this source.
    """

    name = SOURCE
    gives = frozenset({Kind.FORECAST, Kind.METAR})

    def __init__(
        self, settings: Settings, clock: Clock, adapter: BaseAdapter | None = None, *, simulated: bool = False
    ) -> None:
        self._http = Http.of(
            SOURCE, settings, clock, adapter, simulated=simulated, most_per_minute=PER_MINUTE,
            headers={"Accept": "application/geo+json"},
        )  # fmt: skip
        self._clock, self._base = clock, settings.address(SOURCE, NWS)
        self._stations = load_stations()
        self._cells: dict[str, GridCell] = {}
        self._standing = Standing()

    @property
    def health(self) -> Mapping[str, Health]:
        """Return what is known of the service."""
        return {SOURCE: self._http.health}

    def fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        """Yield a record per American station that is due; stations of other countries are none of this service's."""
        yield from self._http.judge(self._fetch(asks))

    def _fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        mine = [ask for ask in asks if (found := self._stations.get(ask.subject)) and found.country == COUNTRY]
        now = self._clock.now()
        codes = dict.fromkeys(ask.subject for ask in mine if ask.kind is Kind.FORECAST)
        yield from self._forecasts([code for code in codes if self._standing.is_due(code, now)])
        for ask in mine:
            if ask.kind is Kind.METAR and (ask.days or ask.source == SOURCE):
                yield from self._reports(self._stations[ask.subject], ask, now)

    def _forecasts(self, codes: Sequence[str]) -> Iterator[Record]:
        yield from self._find_cells([code for code in codes if code not in self._cells])
        found = [code for code in codes if code in self._cells]
        cells = self._ask([self._cells[code].path for code in found])
        records = {code: self._gridpoint(code, answer) for code, answer in zip(found, cells, strict=True)}
        # A host that says nothing is not asked twice over; one that answers with an error may have the other form.
        spoke = dict(zip(found, (answer.status for answer in cells), strict=True))
        broken = [code for code, record in records.items() if record.error is not None and spoke[code]]
        hourly = self._ask([f"{self._cells[code].path}/forecast/hourly" for code in broken])
        for code, answer in zip(broken, hourly, strict=True):
            records[code] = self._hourly(code, answer, records[code])
        for code, answer in zip(found, cells, strict=True):
            if answer.status == NOT_FOUND:  # grids are drawn anew now and then: look the point up again
                self._cells.pop(code, None)
        yield from records.values()

    def _ask(self, paths: Sequence[str]) -> list[Answer]:
        return self._http.get_each([(f"{self._base}{path}", {}) for path in paths])

    def _find_cells(self, codes: Sequence[str]) -> Iterator[Record]:
        stations = [self._stations[code] for code in codes]
        answers = self._ask([point_path(station.latitude, station.longitude) for station in stations])
        for code, answer in zip(codes, answers, strict=True):
            try:
                self._cells[code] = parse_point(_content(answer))
            except SourceError as error:
                yield failed(SOURCE, Kind.FORECAST, code, answer.received_at, error, answer.content)

    def _gridpoint(self, code: str, answer: Answer) -> Record:
        try:
            record = parse_gridpoint(_content(answer), code, answer.received_at)
        except SourceError as error:
            return failed(SOURCE, Kind.FORECAST, code, answer.received_at, error, answer.content)
        self._stands(code, answer)
        return record

    def _hourly(self, code: str, answer: Answer, before: Record) -> Record:
        """Return the hourly forecast in place of a layer that could not be had; the layer's own failure if this fails too."""
        try:
            record = parse_hourly(_content(answer), code, answer.received_at)
        except SourceError:
            return before
        self._stands(code, answer)
        return record

    def _stands(self, code: str, answer: Answer) -> None:
        self._standing.stands(code, answer.received_at, timedelta(seconds=answer.fresh_seconds or 0.0))

    def _reports(self, station: Station, ask: Ask, now: datetime) -> Iterator[Record]:
        start = max(window_start(station, ask), now - KEPT) if ask.days else now - RECENT
        oldest = max(OLDEST_REPORT, now - start + RECENT)
        while start < now:
            end = min(start + SPAN, now)
            query = {"start": iso(_whole(start)), "end": iso(_whole(end)), "limit": str(MOST_ROWS)}
            answer = self._http.get(f"{self._base}/stations/{station.code}/observations", query)
            try:
                yield parse_observations(_content(answer), station, answer.received_at, oldest=oldest)
            except SourceError as error:
                yield failed(SOURCE, Kind.METAR, station.code, answer.received_at, error, answer.content)
                return
            start = end


def _content(answer: Answer) -> bytes:
    if answer.error is not None:
        raise answer.error
    return answer.content


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)
