"""The engine's journal: one transaction per change, on disk when `commit` returns."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from core.errors import BusyError, JournalError, StoreError
from core.journal.booking import Stand, book
from core.journal.changes import Change, Conversion, Execution, Obedience, Payout
from core.journal.writing import Book, Failpoint, nothing
from core.model.account import Account, new_account
from core.model.cycle import Cycle
from core.units import micros


class DurableJournal:
    """Keeps one desk's money; `failpoint` is told before, within and after each change, so that a test can kill there."""

    def __init__(
        self, where: str | Path, *, desk: str, world: str, start_micro: int, failpoint: Failpoint = nothing
    ) -> None:  # fmt: skip
        self._desk, self._world, self._start_micro, self._failpoint = desk, world, start_micro, failpoint
        self._book = Book(where, world, synchronous="FULL")

    def account(self, desk: str) -> Account:
        """Return the folded account, a new one before the first change."""
        if desk != self._desk:
            raise JournalError(f"this journal writes for desk {self._desk}, not for {desk}")
        return self._book.read_account(desk) or new_account(desk, self._world, self._start_micro)

    def commit(self, cycle: Cycle, account: Account, change: Change) -> Account:
        """Write a change and return the account after it; nothing is written when it raises."""
        name = type(change).__name__.lower()
        self._failpoint(f"before:{name}")
        with self._book.transaction() as connection:
            after, rows = book(cycle, account, change, self._stand(connection, cycle, change))
            self._book.write(connection, rows)
            self._book.write_account(connection, after)
            self._failpoint(f"within:{name}")
        self._failpoint(f"after:{name}")
        return after

    def writable(self) -> bool:
        """Return whether the journal can be written now."""
        try:
            with self._book.transaction():
                return True
        except (StoreError, BusyError):
            return False

    def close(self) -> None:
        """Let go of the file or server."""
        self._book.close()

    def _stand(self, connection: Connection, cycle: Cycle, change: Change) -> Stand:
        at = micros(cycle.scheduled_at)
        row = self._book.first(connection, _STAND, self._desk, self._desk, at, self._desk)
        assert row is not None
        seq, version, phase, newest = row
        moves_money = isinstance(change, Execution | Payout | Conversion)
        return Stand(
            desk=self._desk,
            seq=seq or 0,
            version=version or 0,
            phase=phase,
            newest=newest,
            bookings=self._book.bookings(connection, self._desk, at) if moves_money else 0,
            executions=self._executions(connection, change),
            obeyed=self._obeyed(connection, change),
        )

    def _executions(self, connection: Connection, change: Change) -> frozenset[str]:
        if not isinstance(change, Execution):
            return frozenset()
        asked = sorted({execution_id for execution_id in change.reports.execution_id if execution_id})
        known: set[str] = set()
        for start in range(0, len(asked), 500):  # SQLite allows so many values in a question, and no more than 32,766
            some = asked[start : start + 500]
            question = f"SELECT execution_id FROM fills WHERE execution_id IN ({', '.join('?' * len(some))})"
            known |= {row[0] for row in self._book.all(connection, question, *some)}
        return frozenset(known)

    def _obeyed(self, connection: Connection, change: Change) -> bool:
        if not isinstance(change, Obedience):
            return False
        question = "SELECT 1 FROM activity WHERE command_id = ? AND desk = ? LIMIT 1"
        return self._book.first(connection, question, change.command_id, self._desk) is not None


_STAND = (
    "SELECT (SELECT seq FROM accounts WHERE desk = ?), (SELECT max(seq) FROM activity), "
    "(SELECT phase FROM cycles WHERE desk = ? AND scheduled_at = ?), (SELECT max(scheduled_at) FROM cycles WHERE desk = ?)"
)
