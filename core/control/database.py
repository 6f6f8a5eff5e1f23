"""data/control.db: a small SQLite file that every process may append to."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import BusyError, StoreError

BUSY_SECONDS = 5.0


class ControlFile:
    """Gives short transactions on one file; safe to share between threads and processes.

    The connection stays open: the last one to close would bring the whole file to disk, several times a cycle. `durable`
    False leaves that to the system: what is lost with the machine's power is said anew at the next start.
    """

    def __init__(self, path: Path, tables: str, *, durable: bool = True) -> None:
        self.path = path if path.suffix == ".db" and not path.is_dir() else path / "control.db"
        self._synchronous = "FULL" if durable else "NORMAL"
        self._lock = threading.RLock()
        self._open: sqlite3.Connection | None = None
        self._opened = (0, 0)
        self._process = 0
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
        with self._lock:
            try:
                yield self._connected()
            except sqlite3.OperationalError as error:
                raise _error_of(self.path, error) from error
            except sqlite3.DatabaseError as error:
                raise StoreError(f"{self.path}: {error}; move it away, it will be made anew") from error
            finally:
                if self._open is not None and (self._open.in_transaction or sys.exc_info()[0] is not None):
                    self.close()  # takes back what was not committed

    def close(self) -> None:
        """Let go of the file; the next question opens it again."""
        with self._lock:
            connection, self._open = self._open, None
            if connection is not None and self._process == os.getpid():
                connection.close()

    def _connected(self) -> sqlite3.Connection:
        """Return the open connection; a file that was replaced, and a process that was forked, gets its own."""
        if self._open is not None and (self._file_id() != self._opened or self._process != os.getpid()):
            self.close()
        if self._open is None:
            self._open = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self._open.row_factory = sqlite3.Row
            self._open.execute(f"PRAGMA synchronous = {self._synchronous}")
            self._opened, self._process = self._file_id(), os.getpid()
        return self._open

    def _file_id(self) -> tuple[int, int]:
        try:
            state = self.path.stat()
        except OSError:
            return 0, 0
        return state.st_dev, state.st_ino


def _error_of(path: Path, error: sqlite3.OperationalError) -> StoreError | BusyError:
    if "locked" in str(error):
        return BusyError(f"{path} is held by another process for more than {BUSY_SECONDS:g} s: stop that one first")
    return StoreError(f"{path}: {error}; check free space, and owner and rights of the file and its folder")
