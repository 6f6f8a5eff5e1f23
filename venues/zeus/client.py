"""Zeus: the hourly temperature at a station, where a key is set. What it says of the past is revised: each answer is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from requests.adapters import BaseAdapter

from core.clock import Clock
from core.days import day_of, window_of
from core.errors import UnknownIdError, WireError
from core.model.record import Ask, Kind, Record
from core.model.rule import DayWindow
from core.model.station import Station
from core.registry import load_stations
from core.settings import Settings
from core.units import iso
from venues.http import Answer, Health, Http
from venues.records import failed
from venues.standing import Standing
from venues.zeus.wire import SOURCE, VARIABLE, parse_forecast

ZEUS = "https://api.zeussubnet.com"
NO_KEY = "no key: set HERMES_SOURCES__ZEUS__KEY"
PER_MINUTE = 60
HOURS_AHEAD = 48  # a horizon that is surely served where the one wanted is refused
_UNUSABLE = frozenset({400, 422})  # statuses of a question that goes too far


class Zeus:
    """Forecasts of stations, at most one question an hour each: questions cost credits, and the field is hourly."""

    name = SOURCE
    gives = frozenset({Kind.FORECAST})

    def __init__(
        self, settings: Settings, clock: Clock, adapter: BaseAdapter | None = None, *, simulated: bool = False
    ) -> None:
        self._key = settings.source(SOURCE).key
        self._http = Http.of(
            SOURCE, settings, clock, adapter, simulated=simulated, most_per_minute=PER_MINUTE,
            headers={"Authorization": f"Bearer {self._key}"} if self._key else None,
        )  # fmt: skip
        self._clock, self._url = clock, f"{settings.address(SOURCE, ZEUS)}/forecast"
        self._hours = 24 * (settings.lookahead_days + 1)
        self._stations = load_stations()
        self._standing = Standing()

    @property
    def health(self) -> Mapping[str, Health]:
        """Return what is known of the service; without a key that nothing is asked, which is no failure."""
        return {SOURCE: self._http.health if self._key else Health(SOURCE, note=NO_KEY)}

    def fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        """Yield one record per station whose last one no longer stands; nothing without a key."""
        yield from self._http.judge(self._fetch(asks))

    def _fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        if not self._key:
            return
        now = self._clock.now()
        codes = dict.fromkeys(ask.subject for ask in asks if ask.kind is Kind.FORECAST)
        due = [code for code in codes if self._standing.is_due(code, now)]
        known = [code for code in due if code in self._stations]
        for code in due:
            if code not in self._stations:
                unknown = UnknownIdError(f"zeus: station {code} is not in stations.csv; its coordinates are unknown")
                yield failed(SOURCE, Kind.FORECAST, code, now, unknown)
        answers = self._http.get_all(self._url, [self._query(code, now) for code in known])
        if self._hours > HOURS_AHEAD and any(answer.status in _UNUSABLE for answer in answers):
            self._hours = HOURS_AHEAD
            answers = self._http.get_all(self._url, [self._query(code, now) for code in known])
        for code, answer in zip(known, answers, strict=True):
            yield self._record(code, answer)

    def _query(self, code: str, now: datetime) -> dict[str, str]:
        station = self._stations[code]
        start = running_day_start(station, now)
        behind = int((now - start).total_seconds() // 3600)
        return {
            "latitude": f"{station.latitude:.4f}", "longitude": f"{station.longitude:.4f}", "variable": VARIABLE,
            "start_time": iso(start).replace("Z", "+00:00"), "predict_hours": str(behind + self._hours),
        }  # fmt: skip

    def _record(self, code: str, answer: Answer) -> Record:
        if answer.error is not None:
            return failed(SOURCE, Kind.FORECAST, code, answer.received_at, answer.error, answer.content)
        try:
            record = parse_forecast(answer.content, code, answer.received_at)
        except WireError as error:
            return failed(SOURCE, Kind.FORECAST, code, answer.received_at, error, answer.content)
        self._standing.stands(code, answer.received_at)
        return record


def running_day_start(station: Station, now: datetime) -> datetime:
    """Return the start of the day that runs at a station, by the clock or by standard time, on the full hour before."""
    start = min(window_of(window, station.tz, day_of(window, station.tz, now))[0] for window in DayWindow)
    return start.replace(minute=0, second=0, microsecond=0)
