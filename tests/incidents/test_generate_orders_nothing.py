"""Trap of TRANSMISSION 1.11: asking for a signal placed an order."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from core.control.commands import Commands
from core.journal.reader import JournalReader
from core.model.command import To
from core.units import iso
from tests.api.conftest import client_of
from tests.api.world import NOW
from tests.e2e.desk_in_process import ChangedWorld, ask, settings_for, trade, unchanged
from tests.test_house import OUT_OF_REACH, closure, within

STATIONS = ("EGLC", "RJTT")
TABLES = ("cycles", "decisions", "orders", "fills", "ledger", "settlements", "risk", "activity", "accounts")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk that has looked a few times and would trade again: its caps are far away, what it holds is a probe."""
    folder = tmp_path_factory.mktemp("generate") / "data"
    trade(settings_for(folder, stations=STATIONS, edge_min=0.005), ChangedWorld(unchanged), 3)
    return folder


def journal(data: Path) -> dict[str, object]:
    return {table: ask(data, f"SELECT count(*), * FROM {table}") for table in TABLES}


def test_a_signal_that_would_be_sent_leaves_journal_and_commands_as_they_are(data: Path) -> None:
    """Guard: `generate` rules on a copy of the account and hands the orders to nobody."""
    before, generated = journal(data), []
    with client_of(data, edge_min=0.001, weather={"pool_weight": 0.7}) as client:  # bolder than the desk: there is more to buy
        for station in STATIONS:
            for (day,) in ask(data, "SELECT DISTINCT event_day FROM instruments WHERE station = ?", station):
                answer = client.post("/api/signals/generate", json={"station_code": station, "event_day": day})
                assert answer.status_code == 200
                generated.append(answer.json()["signal_generated"])
        alias = client.post("/api/signal", json={"station_code": STATIONS[0], "event_day": "2026-06-02"})

    assert alias.status_code == 200
    assert journal(data) == before
    assert Commands(data).pending(To.ENGINE, taker="weather") == ()
    assert any(generated)  # else nothing could have been ordered anyway


def test_bars_are_answered_and_order_nothing(data: Path) -> None:
    before = journal(data)
    bars = [
        {"timestamp": iso(NOW + n * timedelta(minutes=15)), "open": 1, "high": 2, "low": 1, "close": 2, "volume": 10}
        for n in range(3)
    ]
    body = {"symbol": "MNQ", "bars_data": bars, "current_price": 2.0, "bid": 1.75, "ask": 2.0}
    with client_of(data) as client:
        answer = client.post("/api/signals/generate", json=body)

    assert answer.status_code == 200
    assert answer.json()["signal_generated"] is False
    assert journal(data) == before


def test_what_generates_cannot_reach_what_sends() -> None:
    """ "A preview cannot trade" is a fact of imports. Guard: OUT_OF_REACH of tests/test_house.py."""
    for module in ("api.routes.signals", "core.services.signals", "agents.preview"):
        assert not [one for one in closure(module) for place in OUT_OF_REACH if within(one, place)], module


def test_the_journal_is_open_for_reading_only(data: Path) -> None:
    """The last guard: the faces' connection cannot write (core/journal/address.py)."""
    with JournalReader(data / "hermes.db").connection() as connection, pytest.raises(OperationalError, match="readonly"):
        connection.exec_driver_sql("DELETE FROM orders")
    with sqlite3.connect(data / "hermes.db") as database:
        assert database.execute("SELECT count(*) FROM cycles").fetchone()[0] == 3
