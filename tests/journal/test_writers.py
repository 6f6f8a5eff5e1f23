"""Durable and buffered journals: same rows, nothing doubled, nothing half."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from core.errors import JournalError, StoreError
from core.journal.buffered import BufferedJournal, SilentJournal
from core.journal.changes import Closing, Execution, Obedience
from core.journal.durable import DurableJournal
from core.journal.proof import prove
from core.journal.reader import JournalReader
from core.journal.state import account_text
from core.model.account import new_account
from core.model.orders import Status, no_reports
from core.units import MICRO, micros
from tests.journal.builders import DESK, START_MICRO, WORLD, cycle, filled, intention, reports, said, word
from tests.journal.sessions import FIXED, play, rows_of

FIRST, SECOND = cycle(1), cycle(2)
YES = "00YES"


def durable(where: str, desk: str = DESK) -> DurableJournal:
    return DurableJournal(where, desk=desk, world=WORLD, start_micro=START_MICRO)


@pytest.fixture
def writer(journal: str) -> Iterator[DurableJournal]:
    with closing(durable(journal)) as opened:
        yield opened


def test_durable_and_buffered_writers_give_the_same_rows(journal: str, tmp_path: Path) -> None:
    with closing(durable(journal)) as one:
        play(one, FIXED)
    buffered = str(tmp_path / "buffered.db")
    with closing(BufferedJournal(buffered, desk=DESK, world=WORLD, start_micro=START_MICRO)) as many:
        play(many, FIXED)

    assert rows_of(journal) == rows_of(buffered)


def test_it_does_not_matter_when_the_buffer_is_flushed(tmp_path: Path) -> None:
    once, often = str(tmp_path / "once.db"), str(tmp_path / "often.db")
    with closing(BufferedJournal(once, desk=DESK, world=WORLD, start_micro=START_MICRO)) as journal:
        play(journal, FIXED)
    for number, step in enumerate(FIXED):
        with closing(BufferedJournal(often, desk=DESK, world=WORLD, start_micro=START_MICRO)) as journal:
            play(journal, [step], first=number)

    assert rows_of(once) == rows_of(often)


def test_a_silent_journal_folds_the_same_account(sqlite_journal: str) -> None:
    with closing(durable(sqlite_journal)) as kept:
        after = play(kept, FIXED)

    silent = play(SilentJournal(new_account(DESK, WORLD, START_MICRO)), FIXED)

    assert account_text(silent) == account_text(after)


def test_a_restart_reads_the_account_that_was_folded(journal: str) -> None:
    with closing(durable(journal)) as writer:
        after = play(writer, FIXED)

    with closing(durable(journal)) as again:
        assert account_text(again.account(DESK)) == account_text(after)


def test_a_new_desk_opens_its_ledger_with_its_first_change(writer: DurableJournal, journal: str) -> None:
    account = writer.account(DESK)
    writer.commit(FIRST, account, intention(FIRST, account, []))

    with closing(JournalReader(journal)) as reader:
        booked = [line for line in reader.ledger(DESK) if line.tx == f"opening/{DESK}"]
    lines = [(line.account, line.amount_micro, line.at) for line in booked]
    assert lines == [("cash", START_MICRO, FIRST.scheduled_at), ("opening", -START_MICRO, FIRST.scheduled_at)]


def test_an_intention_is_committed_once(writer: DurableJournal) -> None:
    account = writer.account(DESK)
    wanted = intention(FIRST, account, [(0, YES, MICRO)])
    writer.commit(FIRST, account, wanted)

    with pytest.raises(JournalError, match="is intended: no intention can follow"):
        writer.commit(FIRST, writer.account(DESK), wanted)


def test_an_account_of_yesterday_cannot_be_committed(writer: DurableJournal) -> None:
    account = writer.account(DESK)
    writer.commit(FIRST, account, intention(FIRST, account, []))

    with pytest.raises(JournalError, match="at change 0, its journal at 1"):
        writer.commit(SECOND, account, intention(SECOND, account, []))


def test_a_change_that_is_refused_leaves_no_row(writer: DurableJournal, journal: str) -> None:
    account = writer.account(DESK)
    account = writer.commit(FIRST, account, intention(FIRST, account, [(0, YES, MICRO)]))
    before = rows_of(journal)

    with pytest.raises(JournalError):
        writer.commit(FIRST, account, Execution(reports([("o-nobody", "x", Status.FILLED, 1, 1, 0)])))
    assert rows_of(journal) == before


def test_an_execution_that_the_venue_repeats_after_a_restart_is_booked_once(journal: str) -> None:
    with closing(durable(journal)) as writer:
        account = writer.account(DESK)
        wanted = intention(FIRST, account, [(0, YES, MICRO)])
        account = writer.commit(FIRST, account, wanted)
        account = writer.commit(FIRST, account, filled(FIRST, wanted.orders))

    with closing(durable(journal)) as again:
        after = again.commit(FIRST, again.account(DESK), filled(FIRST, wanted.orders))

    assert after.cash_micro.tolist() == account.cash_micro.tolist()
    with closing(JournalReader(journal)) as reader:
        assert reader.count_fills() == 1


def test_changes_of_a_cycle_come_in_their_order(writer: DurableJournal) -> None:
    account = writer.account(DESK)

    with pytest.raises(JournalError, match="is not intended: no closing can follow"):
        writer.commit(FIRST, account, Closing())


def test_a_cycle_older_than_the_newest_is_refused(writer: DurableJournal) -> None:
    account = writer.account(DESK)
    account = writer.commit(SECOND, account, intention(SECOND, account, []))

    with pytest.raises(JournalError, match="is older than the newest"):
        writer.commit(FIRST, account, intention(FIRST, account, []))
    with pytest.raises(JournalError, match="is older than the newest"):
        writer.commit(FIRST, account, word())


def test_phases_follow_the_changes(writer: DurableJournal, journal: str) -> None:
    account = writer.account(DESK)
    phases = []
    with closing(JournalReader(journal)) as reader:
        for change in (intention(FIRST, account, []), Execution(no_reports(), micros(FIRST.fill_at)), Closing()):
            account = writer.commit(FIRST, account, change)
            last = reader.last_cycle(DESK)
            assert last is not None
            phases.append((last.phase, last.heard_at))

    assert phases == [("intended", None), ("executed", FIRST.fill_at), ("complete", FIRST.fill_at)]


def test_a_late_word_leaves_a_complete_cycle_complete(writer: DurableJournal, journal: str) -> None:
    account = writer.account(DESK)
    wanted = intention(FIRST, account, [(0, YES, MICRO)])
    for change in (wanted, Execution(no_reports()), Closing(), filled(FIRST, wanted.orders)):
        account = writer.commit(FIRST, account, change)

    with closing(JournalReader(journal)) as reader:
        last = reader.last_cycle(DESK)
    assert last is not None
    assert last.phase == "complete"


def test_payouts_and_commands_may_come_before_the_intention_of_their_cycle(writer: DurableJournal, journal: str) -> None:
    account = writer.account(DESK)
    account = writer.commit(FIRST, account, word())
    account = writer.commit(FIRST, account, Obedience("c1", np.array([2]), (said(FIRST, "risk_update"),)))
    writer.commit(FIRST, account, intention(FIRST, account, []))

    with closing(JournalReader(journal)) as reader:
        assert [(line.seq, line.cycle) for line in reader.after(0, 10)] == [(1, 1), (2, 1), (3, 1)]
        assert reader.answer("c1")[0].data == {"command_id": "c1"}
        assert prove(reader, DESK).faults == ()


def test_a_command_is_obeyed_once_by_each_desk(journal: str) -> None:
    obeyed = Obedience("c1", None, (said(FIRST),))
    with closing(durable(journal)) as weather, closing(durable(journal, "futures")) as futures:
        account = weather.commit(FIRST, weather.account(DESK), obeyed)
        futures.commit(cycle(1, desk="futures"), futures.account("futures"), obeyed)

        again = weather.commit(FIRST, account, obeyed)

    assert again is account
    with closing(JournalReader(journal)) as reader:
        assert len(reader.answer("c1")) == 2


def test_two_desks_share_a_journal_and_a_gap_free_activity(journal: str) -> None:
    with closing(durable(journal)) as weather, closing(durable(journal, "futures")) as futures:
        play(weather, FIXED[:1])
        play(futures, [], "futures")
        account = futures.account("futures")
        of = cycle(1, desk="futures")
        account = futures.commit(of, account, word())
        futures.commit(of, account, intention(of, account, []))
        play(weather, FIXED[1:], first=1)

    with closing(JournalReader(journal)) as reader:
        assert reader.desks() == ("futures", DESK)
        assert [line.seq for line in reader.after(0, 1000)] == list(range(1, reader.version() + 1))
        assert prove(reader, DESK).faults == prove(reader, "futures").faults == ()


def test_a_desk_writes_only_its_own_account(writer: DurableJournal) -> None:
    account = writer.account(DESK)

    with pytest.raises(JournalError, match="for desk weather, not for futures"):
        writer.account("futures")
    with pytest.raises(JournalError, match="a cycle of futures and an account of weather"):
        writer.commit(cycle(1, desk="futures"), account, Closing())


def test_failpoints_are_told_around_each_write(sqlite_journal: str) -> None:
    told: list[str] = []
    with closing(
        DurableJournal(sqlite_journal, desk=DESK, world=WORLD, start_micro=START_MICRO, failpoint=told.append)
    ) as writer:
        account = writer.account(DESK)
        account = writer.commit(FIRST, account, word())
        writer.commit(FIRST, account, intention(FIRST, account, []))

    assert told == [f"{place}:{name}" for name in ("payout", "intention") for place in ("before", "within", "after")]


def test_the_engines_journal_is_synced_at_every_commit(sqlite_journal: str) -> None:
    """SQLite's numbers: synchronous 2 is FULL."""
    with closing(durable(sqlite_journal)) as writer, writer._book.transaction() as connection:
        kept = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "busy_timeout")
        ]

    assert kept == ["wal", 2, 5000]


def test_a_full_disk_is_named_with_the_way_out_and_nothing_is_half_written(sqlite_journal: str) -> None:
    with closing(durable(sqlite_journal)) as writer:
        account = writer.account(DESK)
        account = writer.commit(FIRST, account, intention(FIRST, account, []))
        with writer._book.transaction() as connection:  # no more pages than there are: what a full disk does
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        before = rows_of(sqlite_journal)
        many = intention(SECOND, account, [(0, YES, MICRO)])
        many = type(many)(many.decisions, many.orders, many.instruments, many.risk, (said(SECOND, n="x" * 100_000),))

        with pytest.raises(StoreError, match=r"hermes\.db.*full.*free some space"):
            writer.commit(SECOND, account, many)

    assert rows_of(sqlite_journal) == before


def test_a_read_only_journal_is_named_with_the_way_out(sqlite_journal: str) -> None:
    with closing(durable(sqlite_journal)) as writer:
        account = writer.account(DESK)
        with writer._book._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")

        with pytest.raises(StoreError, match=r"hermes\.db.*read-only.*owner and rights"):
            writer.commit(FIRST, account, intention(FIRST, account, []))
