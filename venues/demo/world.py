"""The demo world: six stations, their weather, forecasts of it and a market on it, as bytes on demand."""

from __future__ import annotations

from datetime import UTC, datetime
from time import monotonic
from typing import Protocol

from venues.demo.answers import Answer, Ask, BadRequest, milliseconds, read_ask, reply
from venues.demo.awc import Awc
from venues.demo.books import Books
from venues.demo.clob import Clob
from venues.demo.exchange import Exchange
from venues.demo.forecasts import Forecasts
from venues.demo.gamma import Gamma
from venues.demo.open_meteo import OpenMeteo
from venues.demo.reports import Reports
from venues.demo.weather import Weather

START = datetime(2026, 6, 1, 17, tzinfo=UTC)
INSTANT_HEADER = "X-Hermes-Instant"


class _Room(Protocol):
    def answer(self, ask: Ask, path: str) -> Answer | None: ...


class World:
    """A pure function of (seed, instant, request); only a request without an instant looks at this world's own clock."""

    def __init__(self, seed: int, *, speed: float = 1.0, start: datetime = START) -> None:
        self.seed = seed
        self.weather = Weather(seed)
        self.reports = Reports(seed, self.weather)
        self.forecasts = Forecasts(seed, self.weather)
        self.exchange = Exchange(seed, self.reports, self.forecasts)
        self.books = Books(seed, self.exchange)
        self._rooms: dict[str, _Room] = {
            "gamma": Gamma(seed, self.exchange, self.books),
            "clob": Clob(seed, self.exchange, self.books),
            "awc": Awc(self.reports),
            "open-meteo": OpenMeteo(self.forecasts),
        }
        self._speed, self._start_ms = speed, int(start.timestamp() * 1000)
        self._began = monotonic()

    def now(self) -> int:
        """Return the instant of this world's own clock, in milliseconds: its start plus the time since it was made × speed."""
        return self._start_ms + int((monotonic() - self._began) * self._speed * 1000)

    def answer(self, method: str, target: str, body: bytes = b"", instant: str | None = None) -> Answer:
        """Answer a request; `target` is path and query, `instant` the header's text if there is one."""
        try:
            ask = read_ask(method, target, body, self.now() if instant is None else milliseconds(instant))
        except (BadRequest, ValueError) as error:
            return reply({"error": str(error)}, 400)
        if ask.path == "/health":
            return reply({"status": "ok", "world": f"demo:{self.seed}"})
        _, _, rest = ask.path.partition("/")
        room, slash, tail = rest.partition("/")
        found = self._rooms[room].answer(ask, slash + tail) if room in self._rooms else None
        return reply({"error": "not found", "path": ask.path}, 404) if found is None else found
