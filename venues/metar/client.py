"""aviationweather.gov: all stations in one request, one record per station."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
from requests.adapters import BaseAdapter

from core.clock import Clock
from core.days import window_of
from core.errors import SourceError
from core.model.record import Ask, Kind, Record
from core.model.rule import DayWindow
from core.model.station import Station
from core.registry import load_stations
from core.settings import Settings
from venues.http import Health, Http
from venues.metar.wire import DECODER, metar_columns, parse_metars
from venues.records import failed
from venues.sanity import OLDEST_REPORT

AWC = "https://aviationweather.gov/api/data"
PER_MINUTE = 60  # 100 are allowed
RECENT_HOURS = 3
LONGEST_HOURS = 360  # fifteen days are kept
MOST_REPORTS = 400  # in one answer; the rest is left off silently
REPORTS_PER_HOUR = 2.5  # half-hourly stations and their specials
SOURCE = "metar"


class Metar:
    """Reports of stations: the last hours, or whole settlement days where an ask names them."""

    name = SOURCE
    gives = frozenset({Kind.METAR})

    def __init__(
        self, settings: Settings, clock: Clock, adapter: BaseAdapter | None = None, *, simulated: bool = False
    ) -> None:
        self._http = Http.of(SOURCE, settings, clock, adapter, simulated=simulated, most_per_minute=PER_MINUTE)
        self._clock, self._base = clock, settings.address(SOURCE, AWC)
        self._stations = load_stations()

    @property
    def health(self) -> Mapping[str, Health]:
        """Return what is known of the service."""
        return {SOURCE: self._http.health}

    def fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        """Yield one record per station asked for, empty where nothing was reported."""
        yield from self._http.judge(self._fetch(asks))

    def _fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        hours_of: dict[str, int] = {}
        for ask in asks:
            if ask.kind is Kind.METAR:
                hours_of[ask.subject] = max(self._hours(ask), hours_of.get(ask.subject, 0))
        for codes, hours in batches(hours_of):
            yield from self._reports(codes, hours)

    def _hours(self, ask: Ask) -> int:
        # The window always ends now: `hours` is all there is, `start` and `end` do not exist.
        if not ask.days:
            return RECENT_HOURS
        start = window_start(self._stations.get(ask.subject), ask)
        return min(LONGEST_HOURS, max(RECENT_HOURS, math.ceil((self._clock.now() - start) / timedelta(hours=1)) + 1))

    def _reports(self, codes: Sequence[str], hours: int) -> list[Record]:
        query = {"ids": ",".join(codes), "format": "json", "hours": str(hours)}
        answer = self._http.get(f"{self._base}/metar", query)
        try:
            if answer.error is not None:
                raise answer.error
            oldest = max(OLDEST_REPORT, timedelta(hours=hours + 1))
            found = {record.subject: record for record in parse_metars(answer.content, answer.received_at, oldest=oldest)}
        except SourceError as error:
            return [failed(SOURCE, Kind.METAR, code, answer.received_at, error, answer.content) for code in codes]
        return [found.get(code) or _nothing(code, answer.received_at) for code in codes]


def batches(hours_of: Mapping[str, int]) -> Iterator[tuple[list[str], int]]:
    """Yield (stations, hours) of the fewest requests whose answers hold all reports, longest windows first."""
    waiting = sorted(hours_of, key=lambda code: (-hours_of[code], code))
    while waiting:
        hours = hours_of[waiting[0]]
        most = max(1, int(MOST_REPORTS / (hours * REPORTS_PER_HOUR)))
        yield waiting[:most], hours
        waiting = waiting[most:]


def window_start(station: Station | None, ask: Ask) -> datetime:
    """Return the start of the earliest day of an ask, in whichever window starts first."""
    day = min(ask.days)
    tz = station.tz if station is not None else "UTC"
    return min(window_of(window, tz, day)[0] for window in DayWindow)


def _nothing(code: str, received_at: datetime) -> Record:
    rows = {name: np.asarray(column) for name, column in metar_columns([]).items()}
    return Record(SOURCE, Kind.METAR, code, received_at, None, b"[]", rows, {}, decoder=DECODER)
