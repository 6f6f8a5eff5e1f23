"""A journal opened for writing: schema, world, statements."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, Table, create_engine
from sqlalchemy.engine import URL

from core.clock import wall_now
from core.errors import StoreError
from core.journal.address import BUSY_SECONDS, beginning, check_schema, is_file, name_of, schema_of, told, url_of
from core.journal.migrations import upgrade
from core.journal.rows import COMPLETE, EXECUTED, Row, Rows
from core.journal.state import account_of, account_text
from core.journal.tables import BOOKED, METADATA, VERSION, columns_of
from core.model.account import Account
from core.units import micros

_MIGRATION_LOCK = 7_203_114  # any number that is ours: two engines may open a new PostgreSQL journal at once
_SAME_TOKEN = " ON CONFLICT DO NOTHING"  # an instrument is described by every intention that names it


class Book:
    """The open journal of one world: gives transactions, writes rows."""

    def __init__(self, where: str | Path, world: str, *, synchronous: str) -> None:
        self.url = url_of(where)
        self._mark = "?" if is_file(self.url) else "%s"
        if is_file(self.url):
            _make_folder(Path(str(self.url.database)).absolute().parent)
        self._engine = _engine(self.url, synchronous)
        self._prepared = False
        try:
            with self.transaction() as connection:
                self._prepare(connection, world)
            self._prepared = True
        except BaseException:
            self.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Hold the write lock until the end; all is written, or nothing."""
        with told(self.url), self._engine.begin() as connection:
            if self._prepared and not is_file(self.url):  # one writer at a time, else the activity had gaps
                connection.exec_driver_sql("SELECT version FROM schema FOR UPDATE")
            yield connection

    def close(self) -> None:
        """Let go of the file or server."""
        self._engine.dispose()

    def first(self, connection: Connection, statement: str, *values: object) -> tuple[Any, ...] | None:
        """Return the first row of a question written with `?`."""
        row = connection.exec_driver_sql(self._marked(statement), tuple(values)).first()
        return None if row is None else tuple(row)

    def all(self, connection: Connection, statement: str, *values: object) -> Sequence[tuple[Any, ...]]:
        """Return the rows of a question written with `?`."""
        return [tuple(row) for row in connection.exec_driver_sql(self._marked(statement), tuple(values))]

    def bookings(self, connection: Connection, desk: str, scheduled_at: int) -> int:
        """Return how many fills, settlements and conversions a cycle has so far."""
        row = self.first(connection, _BOOKINGS, *(desk, scheduled_at) * len(BOOKED))
        return int(row[0]) if row else 0

    def write(self, connection: Connection, rows: Rows) -> None:
        """Write the rows of a change."""
        for name, inserted in rows.inserts.items():
            self._many(connection, insert_text(name), inserted)
        self._many(connection, "UPDATE orders SET status = ?, filled_micro = ?, reason = ? WHERE order_id = ?", rows.words)
        self._many(connection, "UPDATE orders SET cancel_at = ? WHERE order_id = ? AND cancel_at = 0", rows.cancels)
        self._many(connection, _HEARD, rows.heard)
        self._many(connection, _CLOSED, rows.closed)

    def write_account(self, connection: Connection, account: Account) -> None:
        """Replace the folded account of its desk."""
        self._many(connection, _ACCOUNT, [(account.desk, account.seq, account_text(account))])

    def read_account(self, desk: str) -> Account | None:
        """Return the folded account of a desk, None before its first change."""
        with self.transaction() as connection:
            row = self.first(connection, "SELECT state FROM accounts WHERE desk = ?", desk)
        return account_of(row[0]) if row else None

    def _many(self, connection: Connection, statement: str, rows: Sequence[Row]) -> None:
        if rows:
            connection.exec_driver_sql(self._marked(statement), list(rows))

    def _marked(self, statement: str) -> str:
        return statement.replace("?", self._mark)

    def _prepare(self, connection: Connection, world: str) -> None:
        if not is_file(self.url):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
        found = schema_of(connection)
        if found:
            check_schema(self.url, found[0])
            _check_world(name_of(self.url), found[1], world)
        if found is None or found[0] < VERSION:
            upgrade(connection)
        if found is None:
            self._many(connection, insert_text("schema"), [(VERSION, world, micros(wall_now()))])
        elif found[0] < VERSION:
            self._many(connection, "UPDATE schema SET version = ?", [(VERSION,)])
            for (state,) in self.all(connection, "SELECT state FROM accounts"):
                self.write_account(connection, account_of(state))


_BOOKINGS = "SELECT " + " + ".join(f"(SELECT count(*) FROM {table} WHERE desk = ? AND scheduled_at = ?)" for table in BOOKED)


def bring_forward(where: str | Path) -> tuple[int, int]:
    """Bring the journal of an earlier Hermes to this schema; return the schema it had (0: there is no journal) and has."""
    url = url_of(where)
    engine = _engine(url, "FULL")
    try:
        with told(url), engine.begin() as connection:
            found = schema_of(connection)
    finally:
        engine.dispose()
    if found is None:
        return 0, VERSION
    Book(where, found[1], synchronous="FULL").close()
    return found[0], VERSION


_HEARD = (
    f"UPDATE cycles SET heard_at = ?, phase = CASE phase WHEN '{COMPLETE}' THEN phase ELSE '{EXECUTED}' END "
    "WHERE desk = ? AND scheduled_at = ?"
)
_CLOSED = f"UPDATE cycles SET phase = '{COMPLETE}' WHERE desk = ? AND scheduled_at = ?"
_ACCOUNT = (
    "INSERT INTO accounts (desk, seq, state) VALUES (?, ?, ?) "
    "ON CONFLICT (desk) DO UPDATE SET seq = excluded.seq, state = excluded.state"
)


@cache
def insert_text(name: str) -> str:
    """Return the INSERT of a table, one `?` for each column."""
    table: Table = METADATA.tables[name]
    names = columns_of(table)
    tail = _SAME_TOKEN if name == "instruments" else ""
    return f"INSERT INTO {name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}){tail}"


def joined(changes: Sequence[Rows]) -> Rows:
    """Return the rows of many changes as one set, in their order: the last word about an order or cycle wins."""
    inserts: dict[str, list[Row]] = {}
    for rows in changes:
        for name, inserted in rows.inserts.items():
            inserts.setdefault(name, []).extend(inserted)
    inserts["instruments"] = list({row[0]: row for row in reversed(inserts.get("instruments", []))}.values())[::-1]
    inserts["orders"], words, cancels = _spoken(
        inserts.get("orders", []),
        [word for rows in changes for word in rows.words],
        [cancel for rows in changes for cancel in rows.cancels],
    )
    return Rows(
        inserts,
        words,
        heard=[heard for rows in changes for heard in rows.heard],
        closed=[closed for rows in changes for closed in rows.closed],
        cancels=cancels,
    )


def _spoken(orders: Sequence[Row], words: Sequence[Row], cancels: Sequence[Row]) -> tuple[list[Row], list[Row], list[Row]]:
    """Put words into order rows that are not written yet: an index moved twice costs more than the row."""
    pending = {row[0]: row for row in orders}
    late: list[Row] = []
    for word in words:
        status, filled, reason, order_id = word
        row = pending.get(order_id)
        if row is None:
            late.append(word)
        else:
            pending[order_id] = (*row[:_STATUS], status, filled, row[_STATUS + 2], reason, *row[_STATUS + 4 :])
    taken_back: list[Row] = []
    for at, order_id in cancels:
        row = pending.get(order_id)
        if row is None:
            taken_back.append((at, order_id))
        elif row[_CANCEL] == 0:
            pending[order_id] = (*row[:_CANCEL], at, *row[_CANCEL + 1 :])
    return list(pending.values()), late, taken_back


_CANCEL = columns_of(METADATA.tables["orders"]).index("cancel_at")
_STATUS = columns_of(METADATA.tables["orders"]).index("status")  # then filled_micro, placed_at, reason


def nothing(name: str) -> None:
    """Fail at no point: the failpoint of every journal that is not under test."""


Failpoint = Callable[[str], None]


# Ids are hashes: rows of one day lie all over the index. A cycle has few of them, and its engine little memory to spare.
_CACHE_KIB = {"OFF": 65_536, "FULL": 8_192}


def _engine(url: URL, synchronous: str) -> Engine:
    """One connection that takes the write lock when a transaction begins."""
    if not is_file(url):
        return create_engine(url, pool_pre_ping=True, pool_size=1)
    path = Path(str(url.database)).absolute()

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB[synchronous]}")
        return connection

    return beginning(create_engine(url, creator=connect, poolclass=QueuePool, pool_size=1), "BEGIN IMMEDIATE")


def _check_world(name: str, kept: str, world: str) -> None:
    if kept != world:
        raise StoreError(
            f"{name} belongs to world {kept!r}, this engine trades {world!r}: "
            "give another --data (HERMES_DATA_DIR), or start that world"
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot be made: {error.strerror}; point HERMES_DATA_DIR at a folder of yours") from error
