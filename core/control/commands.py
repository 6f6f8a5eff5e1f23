"""What people ask of the engine and the supervisor. Append only; the answer is an activity row."""

from __future__ import annotations

import shlex
import sqlite3
from datetime import datetime
from pathlib import Path

from core.control.database import ControlFile
from core.model.command import KILL_FILE, Command, To, Verb
from core.model.ids import CommandId
from core.units import instant, micros

_TABLES = """
CREATE TABLE IF NOT EXISTS commands (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, command_id TEXT NOT NULL UNIQUE, recipient TEXT NOT NULL, verb TEXT NOT NULL,
    arguments TEXT NOT NULL, asked_by TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS commands_by_recipient ON commands (recipient, seq);
CREATE TABLE IF NOT EXISTS taken (
    command_id TEXT NOT NULL, taker TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (command_id, taker)) WITHOUT ROWID;
"""
_COLUMNS = "command_id, recipient, verb, arguments, asked_by, at"


def lifting(data_dir: Path) -> str:
    """Return the command line that lifts the kill switch of the desk of a folder, wherever it is typed."""
    folder = data_dir.resolve()
    removed = f"rm {shlex.quote(str(folder / KILL_FILE))} && " if (folder / KILL_FILE).exists() else ""
    return f"{removed}python -m core.orchestrator --mode lift --data {shlex.quote(str(folder))}"


class Commands:
    """Commands in the order in which they were asked; `path` is control.db or its folder."""

    def __init__(self, path: Path) -> None:
        self._file = ControlFile(path, _TABLES)

    def post(self, command: Command) -> int:
        """Leave a command and return its place; on disk when it returns. The same id again is the same command."""
        values = (command.command_id, str(command.to), str(command.verb), command.arguments, command.by, micros(command.at))
        with self._file.writing() as connection:
            connection.execute(f"INSERT INTO commands ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values)
            place = connection.execute("SELECT seq FROM commands WHERE command_id = ?", (command.command_id,)).fetchone()
        return int(place[0])

    def pending(self, to: To, after: int = 0, *, taker: str = "") -> tuple[Command, ...]:
        """Return, oldest first, the commands posted after a place that `taker` has not taken yet."""
        rows = self._file.rows(
            f"SELECT {_COLUMNS} FROM commands c WHERE recipient = ? AND seq > ? AND NOT EXISTS "
            "(SELECT 1 FROM taken t WHERE t.command_id = c.command_id AND t.taker = ?) ORDER BY seq",
            str(to), after, taker,
        )  # fmt: skip
        return tuple(_command(row) for row in rows)

    def taken(self, command_id: str, *, at: datetime, taker: str = "") -> bool:
        """Note that a command was carried out; False when it had been before. Each desk's engine takes for itself."""
        with self._file.writing() as connection:
            values = (command_id, taker, micros(at))
            return connection.execute("INSERT INTO taken VALUES (?, ?, ?) ON CONFLICT DO NOTHING", values).rowcount == 1

    def takers(self, command_id: str) -> dict[str, datetime]:
        """Return who carried a command out, and when."""
        rows = self._file.rows("SELECT taker, at FROM taken WHERE command_id = ? ORDER BY taker", command_id)
        return {row["taker"]: instant(row["at"]) for row in rows}

    def command(self, command_id: str) -> Command | None:
        """Return a command by its id."""
        rows = self._file.rows(f"SELECT {_COLUMNS} FROM commands WHERE command_id = ?", command_id)
        return _command(rows[0]) if rows else None

    def place(self, command_id: str) -> int:
        """Return the place of a command, 0 for an unknown one."""
        rows = self._file.rows("SELECT seq FROM commands WHERE command_id = ?", command_id)
        return int(rows[0][0]) if rows else 0

    def count(self) -> int:
        """Return how many commands were left."""
        return int(self._file.rows("SELECT count(*) FROM commands")[0][0])

    def newest(self, limit: int = 100, offset: int = 0) -> tuple[Command, ...]:
        """Return the commands, newest first."""
        rows = self._file.rows(f"SELECT {_COLUMNS} FROM commands ORDER BY seq DESC LIMIT ? OFFSET ?", limit, offset)
        return tuple(_command(row) for row in rows)


def _command(row: sqlite3.Row) -> Command:
    command_id, recipient, verb, arguments, by, at = row
    return Command(CommandId(command_id), To(recipient), Verb(verb), arguments, by, instant(at))
