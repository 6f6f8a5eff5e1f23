"""Signals on demand: what the desk itself would do, the same to the number, and nothing done."""

from __future__ import annotations

import resource
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from agents.preview import Ground, Previewing
from api.app import create_app
from core.journal.reader import JournalReader
from core.model.preview import EventAsk
from core.registry import load_stations
from core.settings import Settings
from core.store.archive import Archive
from core.store.track import TrackStore
from core.wiring.desk import demo_adapter
from tests.e2e.desk_in_process import FEW, SEED, settings_for, trade

EAGER = {"edge_min": 0.005, "weather": {"pool_weight": 0.7}}  # so that there is something to order
PATHS = ("/api/signals/generate", "/api/signal")
DOCUMENTED = {"signal_generated", "signal", "reason", "regime", "active_strategy", "risk", "constraints", "guard", "checks"}
SIGNAL = {"direction", "entry_price", "size", "edge", "strategy"}
BAR = {"timestamp": "2026-12-09T18:00:00Z", "open": 100.0, "high": 101.0, "low": 99.5, "close": 100.5, "volume": 10}
BARS = {"symbol": "MNQ", "bars_data": [BAR], "current_price": 100.5, "bid": 100.25, "ask": 100.5}
EVENT = {"station_code": "KLGA", "event_day": "2026-06-02"}
BEFORE = 5
WARM_SECONDS = 1.0


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data folder of six cycles, and its journal as it was before the sixth."""
    data = tmp_path_factory.mktemp("signals") / "data"
    settings = settings_for(data, **EAGER)
    trade(settings, demo_adapter(SEED), BEFORE)
    before = data.parent / "before.db"
    with sqlite3.connect(data / "hermes.db") as source, sqlite3.connect(before) as copy:
        source.backup(copy)
    trade(settings, demo_adapter(SEED), 1)
    return data, before


@pytest.fixture(scope="module")
def client(recorded: tuple[Path, Path]) -> Iterator[TestClient]:
    app = create_app(settings_for(recorded[0], **EAGER))
    with TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50_000)) as made:
        yield made


def previewing(data: Path, journal: Path, **given: Any) -> Previewing:
    settings, known = settings_for(data, **EAGER).in_world(f"demo:{SEED}"), load_stations()
    archive, reader, track = Archive(data), JournalReader(journal), TrackStore(data, "weather", readonly=True)
    newest = JournalReader(data / "hermes.db").last_cycle("weather")
    assert newest is not None
    ground = Ground(
        archive=lambda: archive, account=reader.account, now=lambda: newest.cycle.sealed_at, settings=lambda: settings,
        stations=lambda: tuple(known[code] for code in FEW), kept=lambda maker, since: track.track(maker, since),
    )  # fmt: skip
    return Previewing(replace(ground, **given))


def test_it_says_what_the_engine_itself_decided_at_that_instant(recorded: tuple[Path, Path]) -> None:
    """The account before the cycle and the archive as of its look: wanted, allowed, ordered, reason and checks are equal."""
    data, before = recorded
    reader = JournalReader(data / "hermes.db")
    newest = reader.last_cycle("weather")
    assert newest is not None
    lines = [line for line in reader.decisions(limit=1_000) if line.scheduled_at == newest.cycle.scheduled_at]
    ask = previewing(data, before)
    compared, ordered = 0, 0

    for station, day in sorted({(line.station, line.event_day) for line in lines}):
        told = {one.token: one for one in ask(EventAsk(station, day)).decisions}
        for line in lines:
            if (line.station, line.event_day) == (station, day):
                one = told.pop(line.token)
                assert (one.wanted_micro, one.allowed_micro, one.order_micro, one.reason_code) == (
                    line.wanted_micro, line.allowed_micro, line.order_micro, line.reason_code,
                )  # fmt: skip
                assert {check.name: check.verdict for check in one.checks} == {
                    check.name: check.verdict for check in line.checks
                }
                compared, ordered = compared + 1, ordered + bool(line.order_micro)
        assert told == {}

    assert compared >= 10
    assert ordered >= 1


def rows(data: Path) -> dict[str, int]:
    with sqlite3.connect(f"file:{data / 'hermes.db'}?mode=ro", uri=True) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}


def test_it_answers_with_the_documented_fields_and_leaves_no_trace(recorded: tuple[Path, Path], client: TestClient) -> None:
    data, _ = recorded
    before, files = rows(data), sorted(path for path in (data / "snapshots").rglob("*"))

    answers = [client.post(path, json=EVENT) for path in PATHS]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    told = answers[0].json()
    assert set(told) >= DOCUMENTED
    assert told["places_orders"] is False
    assert told["reason"]
    assert told["checks"]
    assert {part["verdict"] for part in (told["risk"], told["constraints"], told["guard"])} <= {
        "pass",
        "shrink",
        "refuse",
        "not_asked",
    }
    assert rows(data) == before
    assert sorted(path for path in (data / "snapshots").rglob("*")) == files


def test_a_signal_has_its_direction_price_size_edge_and_strategy(recorded: tuple[Path, Path]) -> None:
    """A desk that holds nothing yet would buy: the reply names the order with the most dollars."""
    data, before = recorded
    signals = create_app(settings_for(data, **EAGER)).state.services.signals
    signals._previewer = previewing(data, before, account=lambda desk: None)
    told = [signals.generate(EventAsk(code, date(2026, 6, 2))) for code in ("KLGA", "KNYC", "EGLC")]
    signalled = [one for one in told if one.signal_generated]

    assert signalled
    for one in signalled:
        first = one.signal
        assert first == one.signals[0]
        assert first.size_usd == max(each.size_usd for each in one.signals)
        assert (first.direction, first.strategy) == ("buy", one.active_strategy)
        assert 0 < first.reference_price <= first.entry_price < 1
        assert first.edge >= EAGER["edge_min"]
        assert first.size > 0
        assert first.event_id in {event.event_id for event in one.events}


def test_it_is_quick_once_warm_and_its_memory_does_not_grow(recorded: tuple[Path, Path]) -> None:
    data, _ = recorded
    newest = JournalReader(data / "hermes.db").last_cycle("weather")
    assert newest is not None
    asked = [0]
    ask = previewing(data, data / "hermes.db", now=lambda: newest.cycle.sealed_at + timedelta(seconds=asked[0]))
    question, took, used = EventAsk("KLGA", date(2026, 6, 2)), [], []
    for turn in range(40):
        asked[0] = turn
        begun = time.monotonic()
        ask(question)
        took.append(time.monotonic() - begun)
        used.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    assert sorted(took[10:])[len(took[10:]) // 2] < WARM_SECONDS
    assert used[-1] - used[15] < 8 * 1024  # [kB]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"station_code": "ZZZZ", "event_day": "2026-06-02"}, 404), ({**EVENT, "event_day": "2031-01-01"}, 404),
        ({**EVENT, "venue": "foo"}, 422), ({**EVENT, "extreme": "mean"}, 422), ({**EVENT, "event_day": "2. June"}, 422),
        ({**EVENT, "event_day": 20260602}, 422), ({"station_code": "KLGA"}, 422), ({"event_day": "2026-06-02"}, 422), ({}, 422),
        ({**EVENT, **BARS}, 422), ({**EVENT, "order": True}, 422), ({**EVENT, "desk": "futures"}, 422), ([], 422),
        ({**EVENT, "bid": 1.0}, 422), ({**EVENT, "station_code": "../x"}, 422),
    ],
)  # fmt: skip
def test_a_malformed_question_is_refused(client: TestClient, body: object, status: int) -> None:
    answer = client.post(PATHS[0], json=body)

    assert answer.status_code == status
    assert set(answer.json()) == {"error"}


def test_bars_are_read_and_answered_with_what_is_missing(client: TestClient) -> None:
    told = client.post(PATHS[1], json={**BARS, "bid_size": 3, "ask_size": 4}).json()

    assert told["signal_generated"] is False
    assert told["signal"] is None
    assert told["desk"] == "futures"
    assert "no futures desk" in told["reason"]


@pytest.mark.parametrize(
    "change",
    [
        {"bars_data": []}, {"bars_data": None}, {"bid": 101.0}, {"bid": 0}, {"ask": None}, {"current_price": -1}, {"symbol": "M/Q"},
        {"bars_data": [{**BAR, "high": 99.0}]}, {"bars_data": [{**BAR, "timestamp": "2026-12-09T18:00:00"}]},
        {"bars_data": [{**BAR, "volume": -1}]}, {"bars_data": [BAR, BAR]}, {"bars_data": [{**BAR, "extra": 1}]},
        {"bars_data": [{key: value for key, value in BAR.items() if key != "close"}]}, {"desk": "weather"},
    ],
)  # fmt: skip
def test_malformed_bars_are_refused(client: TestClient, change: dict[str, object]) -> None:
    answer = client.post(PATHS[0], json={name: value for name, value in {**BARS, **change}.items() if value is not None})

    assert answer.status_code == 422


def test_infinite_prices_are_refused(client: TestClient) -> None:
    text = '{"symbol": "MNQ", "bars_data": [], "current_price": 1e999, "bid": 1, "ask": 2}'

    assert client.post(PATHS[0], content=text, headers={"content-type": "application/json"}).status_code == 422


def test_nothing_recorded_is_an_honest_answer(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path / "nowhere", mode="demo"))
    with TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50_000)) as client:
        answer = client.post(PATHS[0], json=EVENT)

    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "data_not_ready"
