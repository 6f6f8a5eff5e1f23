"""Killed anywhere, a journal is whole: nothing acknowledged is lost, nothing is doubled, and the session can go on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from contextlib import closing

import pytest

from core.errors import JournalError
from core.journal.durable import DurableJournal
from core.journal.proof import prove
from core.journal.reader import JournalReader
from tests.journal.builders import DESK, START_MICRO, WORLD, cycle
from tests.journal.sessions import FIXED, changes, play, rows_of

FORK = multiprocessing.get_context("fork")
PLACES = [
    (f"{place}:{name}", count)
    for place in ("before", "within", "after")
    for name, count in (("payout", 3), ("obedience", 1), ("intention", 1), ("execution", 1), ("execution", 4), ("closing", 2))
]


def write_and_die(where: str, failpoint: str, count: int, acknowledged: int) -> None:
    """Play the session in a process of its own, killed when it comes to a failpoint for the `count`-th time."""
    left = count

    def die(name: str) -> None:
        nonlocal left
        left -= name == failpoint
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    journal = DurableJournal(where, desk=DESK, world=WORLD, start_micro=START_MICRO, failpoint=die)
    account = journal.account(DESK)
    for number, step in enumerate(FIXED):
        for of, change in changes(account, cycle(number), step):
            account = journal.commit(of, account, change(account))
            os.pwrite(acknowledged, f"{account.seq}".encode(), 0)


def killed(where: str, failpoint: str, count: int) -> int:
    """Return the newest change that the killed process had acknowledged."""
    with tempfile.TemporaryFile() as acknowledged:
        victim = FORK.Process(target=write_and_die, args=(where, failpoint, count, acknowledged.fileno()))
        victim.start()
        victim.join(60)
        assert victim.exitcode == -signal.SIGKILL
        return int(os.pread(acknowledged.fileno(), 20, 0) or 0)


def finish(journal: DurableJournal) -> None:
    """Go on where the journal stands: change number seq is the next."""
    account = journal.account(DESK)
    seq = 0
    for number, step in enumerate(FIXED):
        for of, change in changes(account, cycle(number), step):
            if seq >= account.seq:
                account = journal.commit(of, account, change(account))
            seq += 1


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[object, ...]]]:
    """The rows of the same session without a kill."""
    where = str(tmp_path_factory.mktemp("whole") / "hermes.db")
    with closing(DurableJournal(where, desk=DESK, world=WORLD, start_micro=START_MICRO)) as writer:
        play(writer, FIXED)
    return rows_of(where)


@pytest.mark.parametrize(("failpoint", "count"), PLACES)
def test_a_kill_loses_nothing_acknowledged_and_doubles_nothing(
    sqlite_journal: str, whole: dict[str, list[tuple[object, ...]]], failpoint: str, count: int
) -> None:
    acknowledged = killed(sqlite_journal, failpoint, count)

    with closing(JournalReader(sqlite_journal)) as reader:
        kept = reader.account(DESK)
        assert prove(reader, DESK).faults == ()
    assert (kept.seq if kept else 0) - acknowledged == (1 if failpoint.startswith("after") else 0)
    with closing(DurableJournal(sqlite_journal, desk=DESK, world=WORLD, start_micro=START_MICRO)) as again:
        finish(again)
    assert rows_of(sqlite_journal) == whole


def test_a_kill_on_a_server_is_as_harmless(postgres_journal: str, whole: dict[str, list[tuple[object, ...]]]) -> None:
    killed(postgres_journal, "within:execution", 2)

    with closing(DurableJournal(postgres_journal, desk=DESK, world=WORLD, start_micro=START_MICRO)) as again:
        finish(again)

    assert rows_of(postgres_journal) == whole


def test_what_was_written_before_a_kill_cannot_be_written_again(sqlite_journal: str) -> None:
    killed(sqlite_journal, "after:intention", 1)
    account = None

    with closing(DurableJournal(sqlite_journal, desk=DESK, world=WORLD, start_micro=START_MICRO)) as again:
        account = again.account(DESK)
        _, first = next(iter(changes(account, cycle(0), FIXED[0])))
        with pytest.raises(JournalError, match="no intention can follow"):
            again.commit(cycle(0), account, first(account))


def test_the_last_cycle_says_what_must_be_finished(sqlite_journal: str) -> None:
    killed(sqlite_journal, "before:execution", 2)

    with closing(JournalReader(sqlite_journal)) as reader:
        last, account = reader.last_cycle(DESK), reader.account(DESK)
    assert last is not None
    assert account is not None
    assert (last.cycle, last.phase, len(account.working) > 0) == (cycle(1), "intended", True)
