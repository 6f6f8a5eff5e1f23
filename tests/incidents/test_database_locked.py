"""freqtrade issue 7184: the database was locked when a filled trade was to be inserted, and the trade was lost. FACTS I.10.

Guard: the intention is durable before anything is sent (`step` of agents/cycle.py commits it before `broker.execute`), one writer a
desk, and a fill that could not be booked is computed again from the same records.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from agents.cycle import Block, execute, step
from agents.paper import PaperBroker
from agents.transmission.ruling import guard
from core.errors import BusyError, JournalError
from core.journal import writing
from core.journal.changes import Intention
from core.journal.durable import DurableJournal
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.orders import Orders, Reports
from core.model.targets import Targets
from core.store.archive import Archive
from core.store.snapshots import SnapshotStore
from core.units import MICRO
from tests.agents.paper import builders as paper
from tests.agents.transmission.builders import NORMAL, Market, quotes_of, settings_of, targets_of

PATIENCE = 0.3  # seconds; the shipped one is long enough for a slow commit of another process
HOLD = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("begin immediate")
print("held", flush=True)
sys.stdin.read()
"""


@dataclass
class Heard:
    """A broker that notes whether it was asked at all."""

    paper: PaperBroker
    asked: int = 0

    def execute(self, orders: Orders, account: Account, archive: Archive, at: datetime) -> tuple[Reports, datetime]:
        self.asked += 1
        return self.paper.execute(orders, account, archive, at)


@contextmanager
def locked_by_another_process(database: Path) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield
        finally:
            holder.communicate(timeout=20)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    snapshots = SnapshotStore(tmp_path)
    snapshots.publish([paper.listing(), paper.book(paper.SEALED)])
    yield Archive(tmp_path, snapshots)
    snapshots.close()


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DurableJournal]:
    monkeypatch.setattr(writing, "BUSY_SECONDS", PATIENCE)
    opened = DurableJournal(tmp_path / "hermes.db", desk="weather", world="test", start_micro=10_000 * MICRO)
    yield opened
    opened.close()


def intention() -> Intention:
    return Intention((), paper.order(20.0), (paper.instrument(),))


def rows(folder: Path, table: str) -> int:
    with sqlite3.connect(folder / "hermes.db") as database:
        return int(database.execute(f"select count(*) from {table}").fetchone()[0])


class OneWish:
    """A desk that wants twenty shares of one bracket."""

    name = "weather"
    market = Market(paper.instrument(), wanted=20.0, fair=0.5, earned="normal")

    def propose(self, *_: object) -> Targets:
        return targets_of([self.market])


def act(cycle: Cycle, account: Account, journal: DurableJournal, archive: Archive, broker: Heard) -> Account:
    """Run the one path to an order, as every mode does."""
    quotes, settings = quotes_of([OneWish.market]), settings_of(None, NORMAL)
    nothing = {name: np.empty(0, dtype=object) for name in ("event_id", "regime", "edge", "decision", "yes", "no")}
    return step(
        OneWish(), Block(None, quotes, guard(quotes, settings)), 0, cycle, account, archive=archive, broker=broker, journal=journal,
        settings=settings, told=(nothing, nothing),
    )  # type: ignore[arg-type]  # fmt: skip


def test_nothing_is_sent_while_the_intention_cannot_be_written(
    tmp_path: Path, journal: DurableJournal, archive: Archive
) -> None:
    broker, cycle = Heard(PaperBroker(paper.settings())), paper.cycle(paper.AT)

    with locked_by_another_process(tmp_path / "hermes.db"), pytest.raises(BusyError, match="held by another process"):
        act(cycle, journal.account("weather"), journal, archive, broker)

    assert broker.asked == 0
    assert [rows(tmp_path, table) for table in ("cycles", "orders", "fills", "ledger")] == [0, 0, 0, 0]
    act(cycle, journal.account("weather"), journal, archive, broker)  # and once it is free, as if nothing had been
    assert (broker.asked, rows(tmp_path, "fills")) == (1, 1)


def test_a_fill_that_found_the_database_locked_is_not_lost(tmp_path: Path, journal: DurableJournal, archive: Archive) -> None:
    """The venue has spoken, the insert finds the lock. Nothing is booked; the next attempt books the very same fill, once."""
    broker, cycle = Heard(PaperBroker(paper.settings())), paper.cycle(paper.AT)
    account = journal.commit(cycle, journal.account("weather"), intention())

    with locked_by_another_process(tmp_path / "hermes.db"), pytest.raises(BusyError):
        execute(cycle, account, archive=archive, broker=broker, journal=journal)
    assert (rows(tmp_path, "orders"), rows(tmp_path, "fills")) == (1, 0)
    after = execute(cycle, journal.account("weather"), archive=archive, broker=broker, journal=journal)
    again = execute(cycle, after, archive=archive, broker=broker, journal=journal)

    assert (broker.asked, rows(tmp_path, "fills")) == (2, 1)
    assert int(after.held_micro.sum()) == int(again.held_micro.sum()) == 20 * MICRO
    assert journal.account("weather").cash_micro.tolist() == after.cash_micro.tolist()


def test_a_second_writer_of_the_same_desk_is_found_out(tmp_path: Path, journal: DurableJournal, archive: Archive) -> None:
    """Guard: `account.seq != stand.seq` in core/journal/booking.py."""
    broker = Heard(PaperBroker(paper.settings()))
    other = DurableJournal(tmp_path / "hermes.db", desk="weather", world="test", start_micro=10_000 * MICRO)
    stale = other.account("weather")
    act(paper.cycle(paper.AT), journal.account("weather"), journal, archive, broker)

    with pytest.raises(JournalError, match="read it again"):
        act(paper.cycle(paper.LATER), stale, other, archive, broker)
    other.close()

    assert broker.asked == 1
