"""Open-Meteo: hourly temperature of several models at the coordinates of a station, now and as it was forecast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from requests.adapters import BaseAdapter

from core.clock import Clock
from core.days import ONE_DAY, window_of
from core.errors import SourceError, UnknownIdError, WireError
from core.model.record import Ask, Kind, Record
from core.model.rule import DayWindow
from core.registry import load_stations
from core.settings import Settings
from venues.http import Answer, Health, Http
from venues.open_meteo.places import asked, place_of
from venues.open_meteo.previous_runs import (
    COLUMNS,
    HORIZON,
    PREVIOUS_RUNS,
    parse_previous_runs,
    spans_of,
    vintage_instants,
    vintages,
)
from venues.open_meteo.wire import parse_forecast
from venues.records import failed

FORECAST = "https://api.open-meteo.com"
PER_MINUTE = 200  # 600 are allowed; one request for several models counts more than once
PAST_DAYS, DAYS_AHEAD = 1, 2  # UTC days before today, and beyond the desk's look-ahead, so that a local day is whole
PLACES = 10  # of one request
SOURCE, PAST = "open_meteo", "open_meteo_previous_runs"
LONGEST_QUESTION = timedelta(days=28)  # of the past, in one request


class OpenMeteo:
    """Forecasts of stations; several models in one request, told apart by column suffix."""

    name = SOURCE
    gives = frozenset({Kind.FORECAST})
    gives_past = frozenset({Kind.FORECAST})

    def __init__(
        self, settings: Settings, clock: Clock, adapter: BaseAdapter | None = None, *, simulated: bool = False
    ) -> None:
        self._http, self._past_http = (
            Http.of(name, settings, clock, adapter, simulated=simulated, most_per_minute=PER_MINUTE) for name in (SOURCE, PAST)
        )
        self._clock, self._base = clock, settings.address(SOURCE, FORECAST)
        self._past_base = settings.address(PAST, PREVIOUS_RUNS)
        self._models, self._days = settings.weather.forecast_models, settings.lookahead_days + DAYS_AHEAD
        self._stations = load_stations()

    @property
    def health(self) -> Mapping[str, Health]:
        """Return what is known of the service, and of its past once that was asked for."""
        past = self._past_http.health
        return {SOURCE: self._http.health, **({PAST: past} if past.successes or past.failures else {})}

    def fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        """Yield one record per station asked for."""
        yield from self._http.judge(self._fetch(asks))

    def _fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        codes = list(dict.fromkeys(ask.subject for ask in asks if ask.kind is Kind.FORECAST))
        known = [code for code in codes if code in self._stations]
        heard = asked(self._http, f"{self._base}/v1/forecast", known, self._query, at_once=PLACES)
        answers = dict(zip(known, heard, strict=True))
        for code in codes:
            yield self._record(code, answers.get(code))

    def past(self, ask: Ask) -> Iterator[Record]:
        """Yield what one would have held of a station's days: four vintages a day, each received when it was taken.

        What a run said is on a host of its own, by whole days before; a vintage takes of each hour the newest value that
        was published by then. The same days asked for again give the same records.
        """
        if ask.kind is not Kind.FORECAST or not ask.days:
            return
        if ask.subject not in self._stations:
            yield self._record(ask.subject, None)
            return
        for instants in spans_of(self._instants(ask), LONGEST_QUESTION):
            yield from self._vintages(ask.subject, instants)

    def _instants(self, ask: Ask) -> list[datetime]:
        tz = self._stations[ask.subject].tz
        windows = [window_of(window, tz, day) for window in DayWindow for day in ask.days]
        wanted = {at for start, end in windows for at in vintage_instants(start, end)}
        return sorted(at for at in wanted if at <= self._clock.now())

    def _vintages(self, code: str, instants: Sequence[datetime]) -> Iterator[Record]:
        first, last = (instants[0] - ONE_DAY).date(), (instants[-1] + HORIZON).date()
        query = {
            **self._place(code),
            "hourly": ",".join(COLUMNS),
            "start_date": first.isoformat(),
            "end_date": last.isoformat(),
        }
        answer = self._past_http.get(f"{self._past_base}/v1/forecast", query)
        try:
            if answer.error is not None:
                raise answer.error
            runs = parse_previous_runs(answer.content, model=self._models.partition(",")[0])
            yield from vintages(runs, code, instants)
        except SourceError as error:
            yield failed(SOURCE, Kind.FORECAST, code, answer.received_at, error, answer.content)

    def _query(self, codes: Sequence[str]) -> dict[str, str]:
        days = {"past_days": str(PAST_DAYS), "forecast_days": str(self._days + 1)}
        return {**self._place(*codes), "hourly": "temperature_2m", **days}

    def _place(self, *codes: str) -> dict[str, str]:
        return {
            **place_of([self._stations[code] for code in codes]), "models": self._models,
            "timeformat": "unixtime", "timezone": "GMT", "temperature_unit": "celsius",
        }  # fmt: skip

    def _record(self, code: str, answer: Answer | None) -> Record:
        if answer is None:
            unknown = UnknownIdError(f"open_meteo: station {code} is not in stations.csv; its coordinates are unknown")
            return failed(SOURCE, Kind.FORECAST, code, self._clock.now(), unknown)
        if answer.error is not None:
            return failed(SOURCE, Kind.FORECAST, code, answer.received_at, answer.error, answer.content)
        try:
            return parse_forecast(answer.content, code, answer.received_at, model=self._models.partition(",")[0])
        except WireError as error:
            return failed(SOURCE, Kind.FORECAST, code, answer.received_at, error, answer.content)
