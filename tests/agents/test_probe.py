"""What this machine is asked about itself: its journal, its disk, its sources."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agents.probe import Probe, skews_of
from core.journal.changes import Execution, Intention, Risk
from core.journal.durable import DurableJournal
from core.journal.reader import JournalReader
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.orders import no_orders
from core.model.record import Kind
from core.units import MICRO, micros
from tests.agents.transmission.builders import START, cycle_of

SOURCES: Mapping[str, Any] = {
    "metar": SimpleNamespace(health={"metar": SimpleNamespace(skew_seconds=-0.4)}),
    "polymarket": SimpleNamespace(
        health={"gamma": SimpleNamespace(skew_seconds=None), "clob": SimpleNamespace(skew_seconds=1.5)}
    ),
    "demo": SimpleNamespace(),
}


def risk_of(account: Account) -> Risk:
    return Risk(**{name: getattr(account, name) for name in Risk.__slots__})


def traded(path: Path, desk: str, cash: float, *late: float) -> DurableJournal:
    """Return the journal of a desk that heard of its orders so many seconds after their moments."""
    journal = DurableJournal(path, desk=desk, world="test", start_micro=round(cash * MICRO))
    account = journal.account(desk)
    for number, seconds in enumerate(late or (0.0,), start=1):
        scheduled = cycle_of(START + number * timedelta(minutes=1), number)
        cycle = Cycle(desk, *(getattr(scheduled, name) for name in Cycle.__slots__[1:]))
        account = journal.commit(cycle, account, Intention((), no_orders(), (), risk_of(account)))
        heard = micros(cycle.fill_at + timedelta(seconds=seconds))
        account = journal.commit(cycle, account, Execution(at=heard))
    return journal


def facts(path: Path, journal: DurableJournal, *, simulated: bool = False) -> Mapping[str, Any]:
    probe = Probe("weather", JournalReader(path), SOURCES, path.parent, simulated, journal.writable)  # type: ignore[arg-type]
    record = probe.record([], START + timedelta(hours=1), before=None, looked_at=START)
    assert (record.kind, record.subject) == (Kind.HOST, "weather")
    return record.facts


def test_a_live_host_measures_everything(tmp_path: Path) -> None:
    path = tmp_path / "hermes.db"
    journal = traded(path, "weather", 10_000.0, *[0.5] * 9, 7.0)
    traded(path, "futures", 5_000.0)

    told = facts(path, journal)

    assert told["gap_seconds"] == 3600.0
    assert told["order_seconds"] == 0.5  # of ten the slowest alone is an accident
    assert told["others"] == {"futures": 5_000 * MICRO}
    assert told["skew_seconds"] == {"metar/metar": -0.4, "polymarket/clob": 1.5}
    assert told["journal_ok"] is True
    assert told["disk_free_mb"] > 0


def test_a_simulated_host_says_nothing_that_differs_from_run_to_run(tmp_path: Path) -> None:
    path = tmp_path / "hermes.db"

    told = facts(path, traded(path, "weather", 10_000.0), simulated=True)

    assert set(told) == {"gap_seconds", "kinds", "order_seconds", "others"}
    assert told["order_seconds"] is None  # one execution is too few


def test_a_journal_that_another_process_holds_is_not_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "hermes.db"
    monkeypatch.setattr("core.journal.address.BUSY_SECONDS", 0.01)
    monkeypatch.setattr("core.journal.writing.BUSY_SECONDS", 0.01, raising=False)
    journal, other = traded(path, "weather", 10_000.0), traded(path, "second", 10_000.0)

    with other._book.transaction():
        held = journal.writable()

    assert not held
    assert journal.writable()


def test_a_source_without_health_is_passed_over() -> None:
    assert skews_of({"demo": SimpleNamespace()}) == {}  # type: ignore[dict-item]
