"""data/control.db: a small SQLite file that every process may append to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import BusyError, StoreError

BUSY_SECONDS = 5.0


class ControlFile:
    """Gives short transactions on one file; safe to share between threads and processes."""

    def __init__(self, path: Path, tables: str) -> None:
        self.path = path if path.suffix == ".db" else path / "control.db"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self.path.parent} cannot be made: {error.strerror}; point HERMES_DATA_DIR elsewhere") from error
        with self._connection() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(tables)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock until the end; on disk when it ends."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def rows(self, question: str, *values: object) -> list[sqlite3.Row]:
        """Return the rows of a question."""
        with self._connection() as connection:
            return connection.execute(question, values).fetchall()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = None
        try:
            connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = FULL")  # what a person asked must not be lost
            yield connection
        except sqlite3.OperationalError as error:
            raise _error_of(self.path, error) from error
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{self.path}: {error}; move it away, it will be made anew") from error
        finally:
            if connection is not None:
                connection.close()  # takes back what was not committed


def _error_of(path: Path, error: sqlite3.OperationalError) -> StoreError | BusyError:
    if "locked" in str(error):
        return BusyError(f"{path} is held by another process for more than {BUSY_SECONDS:g} s: stop that one first")
    return StoreError(f"{path}: {error}; check free space, and owner and rights of the file and its folder")
