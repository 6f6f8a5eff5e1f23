"""Open-Meteo: hourly temperature of several models at the coordinates of a station."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from requests.adapters import BaseAdapter

from core.clock import Clock
from core.errors import UnknownIdError, WireError
from core.model.record import Ask, Kind, Record
from core.registry import load_stations
from core.settings import Settings
from venues.http import Answer, Health, Http
from venues.open_meteo.wire import parse_forecast
from venues.records import failed

FORECAST = "https://api.open-meteo.com"
PER_MINUTE = 200  # 600 are allowed; one request for several models counts more than once
PAST_DAYS, DAYS_AHEAD = 1, 2  # UTC days before today, and beyond the desk's look-ahead, so that a local day is whole
SOURCE = "open_meteo"


class OpenMeteo:
    """Forecasts of stations; several models in one request, told apart by column suffix."""

    name = SOURCE
    gives = frozenset({Kind.FORECAST})

    def __init__(
        self, settings: Settings, clock: Clock, adapter: BaseAdapter | None = None, *, simulated: bool = False
    ) -> None:
        self._http = Http(
            SOURCE, settings.source(SOURCE), clock, user_agent=settings.user_agent, adapter=adapter, simulated=simulated,
            most_per_minute=PER_MINUTE,
        )  # fmt: skip
        self._clock, self._base = clock, (settings.source(SOURCE).base_url or FORECAST).rstrip("/")
        self._models, self._days = settings.weather.forecast_models, settings.lookahead_days + DAYS_AHEAD
        self._stations = load_stations()

    @property
    def health(self) -> Mapping[str, Health]:
        """Return what is known of the service."""
        return {SOURCE: self._http.health}

    def fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        """Yield one record per station asked for."""
        codes = list(dict.fromkeys(ask.subject for ask in asks if ask.kind is Kind.FORECAST))
        known = [code for code in codes if code in self._stations]
        answers = dict(
            zip(known, self._http.get_all(f"{self._base}/v1/forecast", [self._query(c) for c in known]), strict=True)
        )
        for code in codes:
            yield self._record(code, answers.get(code))

    def _query(self, code: str) -> dict[str, str]:
        station = self._stations[code]
        return {
            "latitude": f"{station.latitude:.4f}", "longitude": f"{station.longitude:.4f}", "hourly": "temperature_2m",
            "models": self._models, "timeformat": "unixtime", "timezone": "GMT", "temperature_unit": "celsius",
            "past_days": str(PAST_DAYS), "forecast_days": str(self._days + 1),
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
