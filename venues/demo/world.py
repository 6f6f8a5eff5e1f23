"""The demo world: stations, their weather, forecasts of it and markets on it, as bytes on demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import formatdate
from time import monotonic
from typing import Protocol

from venues.demo.answers import Answer, Ask, BadRequest, iso, milliseconds, read_ask, reply
from venues.demo.awc import Awc
from venues.demo.books import Books
from venues.demo.clob import Clob
from venues.demo.data import Data
from venues.demo.ensembles import Ensembles
from venues.demo.exchange import Exchange
from venues.demo.faults import Faults
from venues.demo.forecasts import Forecasts
from venues.demo.gamma import Gamma
from venues.demo.iem import Iem
from venues.demo.kalshi import Kalshi
from venues.demo.nws import Nws
from venues.demo.open_meteo import OpenMeteo
from venues.demo.previous_runs import PreviousRuns
from venues.demo.reports import Reports
from venues.demo.tape import Tape
from venues.demo.truth import Truth
from venues.demo.weather import Weather
from venues.demo.zeus import Zeus

START = datetime(2026, 6, 1, 17, tzinfo=UTC)
INSTANT_HEADER = "X-Hermes-Instant"


class _Room(Protocol):
    def answer(self, ask: Ask, path: str) -> Answer | None: ...


class World:
    """A pure function of (seed, faults, instant, request); a request without an instant is one at this world's own clock.

    Only `/faults` without an instant remembers: it counts what went wrong so far.
    """

    def __init__(
        self, seed: int, *, speed: float = 1.0, start: datetime = START, faults: str = "none", fault_rate: float = 0.0
    ) -> None:
        self.seed = seed
        self.faults = Faults(seed, faults, fault_rate)
        self.weather = Weather(seed)
        self.reports = Reports(seed, self.weather)
        self.forecasts = Forecasts(seed, self.weather)
        self.truth = Truth(self.weather, self.reports)
        self.exchange = Exchange(seed, self.truth, self.forecasts)
        self.books = Books(seed, self.exchange)
        self.tape = Tape(seed, self.exchange, self.books)
        self._rooms: dict[str, _Room] = {
            "gamma": Gamma(seed, self.exchange, self.books),
            "clob": Clob(seed, self.exchange, self.books),
            "awc": Awc(self.reports),
            "open-meteo": OpenMeteo(self.forecasts),
            "open-meteo-ensemble": Ensembles(self.forecasts),
            "open-meteo-previous-runs": PreviousRuns(self.forecasts),
            "kalshi": Kalshi(seed, self.exchange, self.books, self.tape),
            "data": Data(self.exchange, self.tape),
            "zeus": Zeus(seed, self.forecasts),
            "nws": Nws(self.weather, self.reports, self.forecasts),
            "iem": Iem(self.weather, self.reports),
        }
        self._speed, self._start_ms = speed, int(start.timestamp() * 1000)
        self._began = monotonic()

    def now(self) -> int:
        """Return the instant of this world's own clock, in milliseconds: its start plus the time since it was made × speed."""
        return self._start_ms + int((monotonic() - self._began) * self._speed * 1000)

    def answer(
        self, method: str, target: str, body: bytes = b"", instant: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Answer a request; `target` is path and query, `instant` the header's text if there is one."""
        try:
            ask = read_ask(method, target, body, self.now() if instant is None else milliseconds(instant), headers)
        except (BadRequest, ValueError) as error:
            return reply({"error": str(error)}, 400)
        if ask.path == "/health":
            return reply({"status": "ok", "world": f"demo:{self.seed}"})
        if ask.path == "/faults":
            return _faults(self.faults, ask)
        found = self._ask_room(ask)
        return replace(found, headers=(("Date", formatdate(ask.second, usegmt=True)), *found.headers))

    def _ask_room(self, ask: Ask) -> Answer:
        service, slash, tail = ask.path.removeprefix("/").partition("/")
        room = self._rooms.get(service)
        if room is None:
            return _nowhere(ask)
        return self.faults.answer(service, ask, lambda asked: room.answer(asked, slash + tail) or _nowhere(asked))


def _faults(faults: Faults, ask: Ask) -> Answer:
    text = ask.one("at")
    if not text:
        return reply(faults.counts)
    try:
        at = milliseconds(text)
    except BadRequest as error:
        return reply({"error": str(error)}, 400)
    return reply({"at": iso(at), "episodes": [episode.as_json() for episode in faults.at(at)]})


def _nowhere(ask: Ask) -> Answer:
    return reply({"error": "not found", "path": ask.path}, 404)
