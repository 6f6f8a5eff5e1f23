"""Heartbeats: which process lives, what it does, and, in a simulated world, the engine's instant and speed."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from core.clock import wall_now
from core.control.database import ControlFile
from core.units import instant, iso, micros, parse_iso

SILENT_SECONDS = 120.0  # of the machine's clock, after which a process that has not said it stopped is late
_TABLES = """
CREATE TABLE IF NOT EXISTS beats (
    process TEXT PRIMARY KEY, at INTEGER NOT NULL, wall_at INTEGER NOT NULL, state TEXT NOT NULL, facts TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Beat:
    """The newest word of a process; `at` is its own clock's instant, `wall_at` the machine's."""

    process: str
    at: datetime
    wall_at: datetime
    state: str
    facts: Mapping[str, object]  # pid, cycle, phase, next_due, config_hash, speed, ...

    @property
    def pid(self) -> int:
        """Return the process id, 0 where none was said."""
        pid = self.facts.get("pid", 0)
        return pid if isinstance(pid, int) else 0

    @property
    def said_at(self) -> datetime:
        """Return when the process itself last said what it does: a beat may repeat its word."""
        said = self.facts.get("said_at")
        return parse_iso(said) if isinstance(said, str) and said else self.wall_at

    @property
    def speed(self) -> float:
        """Return the simulated seconds in a second, 1 where none was said."""
        speed = self.facts.get("speed", 1.0)
        return float(speed) if isinstance(speed, int | float) else 1.0

    @property
    def next_due(self) -> datetime | None:
        """Return when the next cycle is due, None where none was said."""
        due = self.facts.get("next_due")
        return parse_iso(due) if isinstance(due, str) and due else None


class Beats:
    """One row per process; `path` is control.db or its folder."""

    def __init__(self, path: Path) -> None:
        self._file = ControlFile(path, _TABLES, durable=False)

    def beat(self, process: str, at: datetime, state: str, *, wall_at: datetime | None = None, **facts: object) -> None:
        """Replace the word of a process."""
        text = orjson.dumps({name: iso(fact) if isinstance(fact, datetime) else fact for name, fact in facts.items()})
        values = (process, micros(at), micros(wall_at or wall_now()), state, text.decode())
        with self._file.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO beats VALUES (?, ?, ?, ?, ?)", values)

    def read(self, process: str) -> Beat | None:
        """Return the newest word of a process."""
        rows = self._file.rows("SELECT * FROM beats WHERE process = ?", process)
        return _beat(rows[0]) if rows else None

    def all(self) -> tuple[Beat, ...]:
        """Return the newest word of every process, by name."""
        return tuple(_beat(row) for row in self._file.rows("SELECT * FROM beats ORDER BY process"))

    def forget(self, process: str) -> None:
        """Drop the word of a process that will not come back."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM beats WHERE process = ?", (process,))


def _beat(row: sqlite3.Row) -> Beat:
    return Beat(row["process"], instant(row["at"]), instant(row["wall_at"]), row["state"], orjson.loads(row["facts"]))
