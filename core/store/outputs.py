"""An SQLite file of outputs: one writer, any readers, and everything in it can be made again from the archive."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import StoreError
from core.store.columns import DTYPES, FILLS, texts
from core.store.durable import writing

SQL: Mapping[str, str] = {"int64": "integer", "float64": "real", "bool": "boolean", "str": "text"}
"""SQLite's type of each type that a column is stored in."""


class OutputFile:
    """A database file (WAL) below a data folder. A reader waits in peace for the file to appear, and tells a damaged one."""

    def __init__(self, path: Path, tables: Sequence[str], *, readonly: bool) -> None:
        """`tables` are those that a reader needs before there is anything to read."""
        self.path, self.readonly = path, readonly
        self.lock = threading.RLock()
        self._tables = ", ".join(tables)
        self._database: sqlite3.Connection | None = None

    def create(self, statements: Sequence[str]) -> None:
        """Open the file for writing and make its tables."""
        with writing(self.path.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = sqlite3.connect(self.path, timeout=5.0, isolation_level=None, check_same_thread=False)
            for statement in ("pragma journal_mode = wal", "pragma synchronous = normal", *statements):
                self._database.execute(statement)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"cannot open {self.path}: {error}; move that file away: it is made again") from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock until the end; all is written, or nothing."""
        if self.readonly:
            raise StoreError(f"{self.path} is open for reading only")
        with self.lock:
            if self._database is None:
                raise StoreError(f"{self.path} is closed")
            try:
                self._database.execute("begin immediate")
                try:
                    yield self._database
                except BaseException:
                    self._database.execute("rollback")
                    raise
                self._database.execute("commit")
            except sqlite3.DatabaseError as error:
                raise StoreError(f"cannot write {self.path}: {error}; free space there, or move the data folder") from error

    def rows(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        """Return what a question finds; nothing where there is no file yet."""
        with self.lock:
            try:
                database = self._opened()
                return database.execute(query, tuple(values)).fetchall() if database else []
            except sqlite3.DatabaseError as error:
                raise StoreError(f"cannot read {self.path}: {error}; move that file away: it is made again") from error

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    def _opened(self) -> sqlite3.Connection | None:
        if self._database is None and self.readonly and self.path.exists():
            for option in ("mode=ro", "immutable=1"):
                uri = f"{self.path.resolve().as_uri()}?{option}"
                database = sqlite3.connect(uri, uri=True, timeout=5.0, isolation_level=None, check_same_thread=False)
                try:
                    database.execute(f"select 1 from {self._tables} limit 1").fetchone()
                    self._database = database
                    break
                except sqlite3.OperationalError:  # a folder that cannot be written, or tables that are not made yet
                    database.close()
                except sqlite3.DatabaseError:  # damaged: that is not the same as nothing
                    database.close()
                    raise
        return self._database


def column_of(stored: str, cells: Sequence[object]) -> np.ndarray[Any, Any]:
    """Return the cells of a column in the type that it is stored in; SQLite keeps NaN as null."""
    values = [FILLS[stored] if cell is None else cell for cell in cells]
    return texts([str(value) for value in values]) if stored == "str" else np.array(values, DTYPES[stored])
