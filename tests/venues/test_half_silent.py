"""A cycle's collection over HTTP while half of the services say nothing: it ends, and says who was silent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from agents.collect import collect
from core.clock import SteppedClock, monotonic_seconds
from core.model.cycle import Cause, Cycle
from core.model.record import Ask, Kind
from core.settings import Settings
from core.store.snapshots import SnapshotStore
from core.wiring.sources import build_sources, close_all, demo_addresses
from venues.demo.server import DemoServer
from venues.demo.world import START, World

SILENT = ("kalshi", "metar", "nws", "open_meteo_ensemble", "polymarket_clob", "polymarket_data")
STATIONS = ("EGLC", "KLGA", "KMIA", "RJTT")


@pytest.fixture(scope="module")
def world() -> Iterator[str]:
    server = DemoServer(World(7), 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def silence() -> Iterator[str]:
    """A port that takes every call and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_half_of_the_services_hang_and_the_other_half_is_heard(world: str, silence: str, tmp_path: Path) -> None:
    addresses = {
        name: address | {"timeout_seconds": 0.5}
        for name, address in (demo_addresses(world) | {name: demo_addresses(silence)[name] for name in SILENT}).items()
    }
    settings = Settings(_env_file=None, sources=addresses)
    clock = SteppedClock(START)
    sources = build_sources(settings, clock, simulated=True)
    days = (START.date(), START.date() + timedelta(days=1))
    asks = [
        *(Ask(kind, code) for code in STATIONS for kind in (Kind.METAR, Kind.FORECAST, Kind.ENSEMBLE)),
        *(Ask(Kind.EVENTS, f"highest-temperature-in-{city}", days, source="polymarket") for city in ("nyc", "london", "miami")),
        *(Ask(Kind.EVENTS, series, days, source="kalshi") for series in ("KXHIGHNY", "KXHIGHMIA")),
        *(
            Ask(Kind.BOOKS, f"highest-temperature-in-nyc-on-june-{n}-2026", tokens=(str(n),), source="polymarket")
            for n in (1, 2)
        ),
    ]
    snapshots = SnapshotStore(tmp_path)

    begun = monotonic_seconds()
    with ThreadPoolExecutor(16) as pool:
        cycle = Cycle("weather", START, 1, Cause.COMMAND, (), START, START)
        _, records = collect(cycle, asks, sources, snapshots, clock=clock, pool=pool, latency=timedelta())
    seconds = monotonic_seconds() - begun
    close_all(sources)
    snapshots.close()

    assert seconds < 30  # two silences of half a second on a host; far from one for each of the questions
    forecasts = [record for record in records if record.source == "open_meteo"]
    assert {record.subject for record in forecasts if record.error is None} == set(STATIONS)
    listed = [record for record in records if record.source == "polymarket" and record.kind is Kind.EVENTS]
    assert listed
    assert all(record.error is None for record in listed)
    for name in ("kalshi", "metar", "open_meteo_ensemble"):
        said = [record for record in records if record.source == name]
        assert said
        assert all(record.error is not None and silence.removeprefix("http://") in record.error for record in said)
    health = {name: known for source in sources.values() for name, known in source.health.items()}  # type: ignore[attr-defined]
    for name in SILENT:
        asked = health[name].failures + health[name].successes
        assert asked == 0 or not health[name].healthy, name
    assert health["open_meteo"].healthy
    assert health["polymarket_gamma"].healthy
