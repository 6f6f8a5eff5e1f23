"""Where a journal lies, and what to say when it cannot be read or written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, exc, make_url
from sqlalchemy.engine import URL

from core.errors import BusyError, HermesError, JournalError, StoreError
from core.journal.tables import VERSION

BUSY_SECONDS = 5.0
_ISOLATION_OF_READS = "REPEATABLE READ"  # a page and its count see the same journal


def url_of(where: str | Path) -> URL:
    """Return the URL of a path, or of a URL with our driver in it."""
    if isinstance(where, Path) or "://" not in where:
        return URL.create("sqlite", database=str(where))
    url = make_url(where)
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgresql", "postgres") else url


def is_file(url: URL) -> bool:
    """Return whether the journal is an SQLite file."""
    return url.get_backend_name() == "sqlite"


def name_of(url: URL) -> str:
    """Return what to call the journal in a message: never a password."""
    return str(url.database) if is_file(url) else url.render_as_string(hide_password=True)


def reading_engine(url: URL) -> Engine:
    """Return an engine whose connections cannot write, also by mistake."""
    if not is_file(url):
        return create_engine(
            url, pool_pre_ping=True, isolation_level=_ISOLATION_OF_READS,
            connect_args={"options": "-c default_transaction_read_only=on"},
        )  # fmt: skip
    path = Path(str(url.database)).absolute()

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA query_only = ON")
        return connection

    return beginning(create_engine(url, creator=connect, poolclass=QueuePool), "BEGIN")


def beginning(engine: Engine, statement: str) -> Engine:
    """Return the engine, each transaction of it begun by `statement`."""

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:  # the driver's own BEGIN would come late, or not at all before DDL
        connection.exec_driver_sql(statement)

    return engine


@contextmanager
def told(url: URL) -> Iterator[None]:
    """Turn a database's error into ours: what, where, and the way out."""
    try:
        yield
    except HermesError:
        raise
    except exc.IntegrityError as error:
        raise JournalError(f"{name_of(url)} does not take this row: {str(error.orig).strip()}") from error
    except exc.DBAPIError as error:
        raise _error_of(url, str(error.orig)) from error
    except sqlite3.Error as error:
        raise _error_of(url, str(error)) from error


def check_schema(url: URL, version: int, *, reads: bool = False) -> None:
    """Raise StoreError for a journal that a newer Hermes wrote; for one who `reads` also of an older: writers bring it forward."""
    if reads and version < VERSION:
        raise StoreError(
            f"{name_of(url)} has schema {version}, of an earlier Hermes, this one reads {VERSION}: "
            "start its engine, or bring it forward with `python -m core.orchestrator --mode doctor --upgrade --data DIR`"
        )
    if version > VERSION:
        raise StoreError(
            f"{name_of(url)} has schema {version}, this Hermes knows {VERSION}: "
            "start the newer Hermes, or point HERMES_DATA_DIR elsewhere"
        )


def schema_of(connection: Connection) -> tuple[int, str] | None:
    """Return version and world of the journal, None where there is no journal yet."""
    if not connection.dialect.has_table(connection, "schema"):
        return None
    row = connection.exec_driver_sql("SELECT version, world FROM schema").first()
    return (int(row[0]), str(row[1])) if row else None


_WAYS_OUT = (
    ("full", "free some space on its disk, then start again"),
    ("No space left", "free some space on its disk, then start again"),
    ("readonly", "it is read-only for this process: check owner and rights of the file and its folder"),
    ("read-only", "it is read-only for this process: check owner and rights of the file and its folder"),
    ("permission denied", "this database user may not do that: check its rights"),
    ("unable to open", "check that the folder exists and may be written"),
    ("not a database", "it is damaged: move it away and put a copy back"),
    ("malformed", "it is damaged: move it away and put a copy back"),
    ("I/O error", "the disk failed: check it, then start again"),
)


def _error_of(url: URL, text: str) -> HermesError:
    if "locked" in text:
        return BusyError(f"{name_of(url)} is held by another process for more than {BUSY_SECONDS:g} s: stop that one first")
    way_out = next((way for sign, way in _WAYS_OUT if sign in text), "check that the database answers")
    return StoreError(f"{name_of(url)}: {text.strip()}; {way_out}")
