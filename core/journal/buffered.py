"""Journals of replays and backtests: the same rows in one transaction a day, or none at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from core.errors import JournalError
from core.journal.booking import Stand, book
from core.journal.changes import Change, Closing, Conversion, Execution, Intention, Obedience, Payout
from core.journal.fold import apply
from core.journal.rows import COMPLETE, EXECUTED, INTENDED, Rows
from core.journal.tables import BOOKED
from core.journal.writing import Book, joined
from core.model.account import Account, new_account
from core.model.cycle import Cycle
from core.units import micros


class BufferedJournal:
    """Keeps rows in memory until `flush`; the only writer of its file."""

    def __init__(self, where: str | Path, *, desk: str, world: str, start_micro: int, n_runs: int = 1) -> None:
        self._desk = desk
        self._book = Book(where, world, synchronous="OFF")
        self._account = self._book.read_account(desk) or new_account(desk, world, start_micro, n_runs)
        self._changes: list[Rows] = []
        with self._book.transaction() as connection:
            self._load(connection)

    def account(self, desk: str) -> Account:
        """Return the account after the newest change."""
        if desk != self._desk:
            raise JournalError(f"this journal writes for desk {self._desk}, not for {desk}")
        return self._account

    def commit(self, cycle: Cycle, account: Account, change: Change) -> Account:
        """Fold a change and keep its rows for the next `flush`."""
        stand = self._stand(cycle, change)
        self._account, rows = book(cycle, account, change, stand)
        if stand.phase is None:  # a late word, before the cycle has its row: it is not what that cycle will hear
            rows = replace(rows, heard=())
        self._note(cycle, change, rows)
        self._changes.append(rows)
        return self._account

    def flush(self) -> None:
        """Write all rows kept since the last time in one transaction."""
        if not self._changes:
            return
        with self._book.transaction() as connection:
            self._book.write(connection, joined(self._changes))
            self._book.write_account(connection, self._account)
        self._changes.clear()

    def close(self) -> None:
        """Write what is kept and let go of the file."""
        self.flush()
        self._book.close()

    def _load(self, connection: Connection) -> None:
        newest = self._book.first(connection, _NEWEST, self._desk)
        self._newest: int | None = newest[0] if newest else None
        self._phases: dict[int, str] = {newest[0]: newest[1]} if newest else {}
        booked = self._book.first(connection, _NEWEST_BOOKING, *(self._desk,) * len(BOOKED))
        at = booked[0] if booked and booked[0] else 0
        self._bookings = {at: self._book.bookings(connection, self._desk, at)}
        version = self._book.first(connection, "SELECT max(seq) FROM activity")
        self._version: int = version[0] or 0 if version else 0
        self._executions = {row[0] for row in self._book.all(connection, _EXECUTIONS, self._desk)}
        self._obeyed = {row[0] for row in self._book.all(connection, _OBEYED, self._desk)}

    def _stand(self, cycle: Cycle, change: Change) -> Stand:
        at = micros(cycle.scheduled_at)
        return Stand(
            desk=self._desk, seq=self._account.seq, version=self._version, phase=self._phases.get(at), newest=self._newest,
            bookings=self._bookings.get(at, 0),
            executions=self._known(change),
            obeyed=isinstance(change, Obedience) and change.command_id in self._obeyed,
        )  # fmt: skip

    def _known(self, change: Change) -> frozenset[str]:
        if not isinstance(change, Execution):
            return frozenset()
        return frozenset(self._executions.intersection(change.reports.execution_id) - {""})

    def _note(self, cycle: Cycle, change: Change, rows: Rows) -> None:
        at = micros(cycle.scheduled_at)
        match change:
            case Intention():
                self._phases = {at: INTENDED}  # an older cycle takes no more changes but late words
                self._newest = at
            case Execution():
                if at in self._phases:
                    self._phases[at] = COMPLETE if self._phases[at] == COMPLETE else EXECUTED
                self._executions.update(change.reports.execution_id)
            case Payout() | Conversion():
                pass
            case Obedience():
                self._obeyed.add(change.command_id)
            case Closing():
                self._phases[at] = COMPLETE
        booked = sum(len(rows.inserts.get(table, ())) for table in BOOKED)
        if booked:
            self._bookings = {at: self._bookings.get(at, 0) + booked}
        self._version += len(rows.inserts.get("activity", ()))


class SilentJournal:
    """Folds and keeps no rows: a sweep's many runs at once."""

    def __init__(self, start: Account) -> None:
        self._account = start

    def account(self, desk: str) -> Account:
        """Return the account after the newest change."""
        if desk != self._account.desk:
            raise JournalError(f"this journal folds for desk {self._account.desk}, not for {desk}")
        return self._account

    def commit(self, cycle: Cycle, account: Account, change: Change) -> Account:
        """Return the account after a change."""
        self._account = apply(cycle, account, change)
        return self._account


_NEWEST = "SELECT scheduled_at, phase FROM cycles WHERE desk = ? ORDER BY scheduled_at DESC LIMIT 1"
_NEWEST_BOOKING = (
    "SELECT max(newest) FROM ("
    + " UNION ALL ".join(f"SELECT max(scheduled_at) AS newest FROM {table} WHERE desk = ?" for table in BOOKED)
    + ") AS all_kinds"
)
_EXECUTIONS = "SELECT execution_id FROM fills WHERE desk = ?"
_OBEYED = "SELECT command_id FROM activity WHERE command_id > '' AND desk = ?"
