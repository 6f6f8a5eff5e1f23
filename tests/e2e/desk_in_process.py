"""The whole desk in this process, on a demo world whose answers a test may change."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from core.model.cycle import Cycle
from core.settings import Settings, load_settings
from core.units import iso
from core.wiring.desk import run_weather
from venues.demo.transport import DemoAdapter
from venues.demo.world import INSTANT_HEADER, START, World

SEED = 7
FEW = ("EGLC", "KLGA", "KNYC", "RJTT")
"""Stations of both venues, both units, highs and lows, for what does not depend on how many there are."""
KINDS = {(*venue_unit, extreme) for venue_unit in (("polymarket", "F"), ("polymarket", "C"), ("kalshi", "F"))
         for extreme in ("high", "low")}  # fmt: skip
"""Of events: venue, unit, extreme."""
SPANS = {"start_time", "predict_hours", "start_date", "end_date", "start_hour", "end_hour", "forecast_days", "past_days"}
Change = Callable[[PreparedRequest, Response], Response]
"""Gets what the world answered and gives what the desk shall see; it may raise what `requests` would."""


class ChangedWorld(DemoAdapter):
    """The demo world with its answers changed on their way to the desk; a frozen one repeats its first forecast of each place."""

    def __init__(self, change: Change, *, frozen_at: datetime | None = None) -> None:
        super().__init__(World(SEED))
        self._change, self._frozen_at = change, frozen_at
        self._forecasts: dict[str, bytes] = {}

    def send(self, request: PreparedRequest, *options: Any, **named: Any) -> Response:
        if self._frozen_at is not None:
            request.headers[INSTANT_HEADER] = iso(self._frozen_at)
        response = self._change(request, super().send(request, *options, **named))
        if self._frozen_at is None or response.status_code != 200 or not (place := _place(str(request.url))):
            return response
        return with_body(response, self._forecasts.setdefault(place, response.raw.read()))


def _place(url: str) -> str:
    """Return what a question about a forecast is about, without the span of time that is asked for; "" for other questions."""
    parts = urlsplit(url)
    asked = [pair for pair in parse_qsl(parts.query) if pair[0] not in SPANS]
    return f"{parts.path}?{sorted(asked)}" if "latitude" in dict(asked) else ""


def unchanged(request: PreparedRequest, response: Response) -> Response:
    """Pass an answer on as it is."""
    return response


def with_body(response: Response, body: bytes, status: int = 200) -> Response:
    """Return the answer with another body."""
    response.raw, response.status_code = BytesIO(body), status
    response.headers["Content-Length"] = str(len(body))
    return response


def settings_for(data: Path, **given: Any) -> Settings:
    """Return the settings of a demo desk of few stations unless others are given, none of them from the outside."""
    return load_settings(None, **{"data_dir": data, "mode": "demo", "seed": SEED, "stations": FEW, **given})


def trade(
    settings: Settings, adapter: BaseAdapter, cycles: int, *, start: datetime = START,
    progress: Callable[[Cycle], None] = lambda cycle: None,
) -> None:  # fmt: skip
    """Run the desk for so many cycles more, from the journal of its folder if there is one."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    done: list[Cycle] = []

    def count(cycle: Cycle) -> None:
        done.append(cycle)
        progress(cycle)

    run_weather(
        settings, settings.data_dir, f"demo:{SEED}", stopping=lambda: len(done) >= cycles, adapter=adapter, start=start,
        progress=count, until=start + timedelta(days=60),
    )  # fmt: skip


def ask(data: Path, question: str, *values: object) -> list[tuple[Any, ...]]:
    """Return the rows of a question to the journal."""
    with sqlite3.connect(f"file:{data / 'hermes.db'}?mode=ro", uri=True) as connection:
        return connection.execute(question, values).fetchall()


def money_rows(data: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of the journal, what was measured on the wall left out."""
    tables = ("cycles", "decisions", "orders", "fills", "ledger", "settlements", "risk", "instruments", "activity", "accounts")
    found = {}
    for table in tables:
        columns = [row[1] for row in ask(data, f"PRAGMA table_info({table})") if row[1] != "measured"]
        found[table] = ask(data, f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1, 2, 3")
    return found
