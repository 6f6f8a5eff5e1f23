"""What was learned: a row for each look of each settled event, and a row for each state that such events gave.

Outputs, never among the inputs: everything here can be made again from the archive. It is kept so that a restart need not, and
so that the faces can show it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.store.encoding import checked_name
from core.store.outputs import SQL, OutputFile, column_of
from core.units import Columns

# Column -> stored type; the first of each table are its key.
TRACK: Mapping[str, str] = {
    "event_id": "str", "since": "int64", "look": "int64", "maker": "str", "at": "int64", "venue": "str", "station": "str",
    "event_day": "str", "extreme": "str", "unit": "str", "winner": "int64", "reading": "float64", "exact": "bool",
    "own": "float64", "own_winner": "int64", "forecast": "float64", "sources": "str", "mean": "float64", "sd": "float64",
    "floor": "float64", "n_residuals": "int64", "p_model": "str", "p_market": "str", "p_pooled": "str", "lower": "float64",
    "upper": "float64", "raw_lower": "float64", "raw_upper": "float64", "rps": "float64", "width": "float64",
    "market_age": "float64", "booked": "float64", "claimed": "float64", "realised": "float64", "closing": "float64",
}  # fmt: skip
STATES: Mapping[str, str] = {
    "day": "int64", "kind": "str", "subject": "str", "maker": "str", "n": "int64", "value": "float64", "detail": "str",
}  # fmt: skip
_TABLES: Mapping[str, tuple[Mapping[str, str], int]] = {"track": (TRACK, 4), "states": (STATES, 4)}


class TrackStore:
    """`evaluations/{desk}-track.db`, SQLite (WAL): tables `track` and `states`; one writer, any readers."""

    def __init__(self, data_dir: Path, desk: str, *, readonly: bool = False) -> None:
        path = data_dir / "evaluations" / f"{checked_name('desk', desk)}-track.db"
        self._file = OutputFile(path, tuple(_TABLES), readonly=readonly)
        if not readonly:
            self._file.create(())
            self._make()

    def append(self, track: Columns, states: Columns) -> None:
        """Keep new rows of both tables together; a row of the same key is replaced."""
        if not self._file.readonly and not _length(track) and not _length(states):
            return
        with self._file.transaction() as database:
            for table, rows in (("track", track), ("states", states)):
                if _length(rows):
                    names = tuple(_TABLES[table][0])
                    cells = [np.asarray(rows[name]).tolist() for name in names]  # sqlite stores NaN as null
                    query = (
                        f"insert or replace into {table} ({', '.join(_quoted(names))}) values ({', '.join('?' * len(names))})"
                    )
                    database.executemany(query, zip(*cells, strict=True))

    def track(self, maker: str | None = None, since: int = 0) -> Columns:
        """Return the rows of outcomes received from `since` on, oldest first; of one maker (model and version) if named."""
        where, values = ("since >= ?", [since]) if maker is None else ("since >= ? and maker = ?", [since, maker])
        return self._read("track", f"{where} order by since, event_id, look", values)

    def states(self, kind: str | None = None) -> Columns:
        """Return the states, oldest day first; of one kind if named."""
        where, values = ("1", []) if kind is None else ("kind = ?", [kind])
        return self._read("states", f"{where} order by day, kind, subject, maker", values)

    def newest_states(self, kind: str) -> Columns:
        """Return the newest state of each subject of a kind."""
        return self._read(
            "states", "kind = ? and (kind, subject, day) in (select kind, subject, max(day) from states group by kind, subject)"
            " order by subject, maker", [kind],
        )  # fmt: skip

    @property
    def version(self) -> int:
        """Return a number that grows with every row written; 0: nothing yet."""
        found = self._file.rows(
            "select coalesce(max(rowid), 0) from track union all select coalesce(max(rowid), 0) from states", []
        )
        return sum(int(str(row[0])) for row in found)

    @property
    def maker(self) -> str:
        """Return who wrote last (model and version): rows of others are of an earlier one; "" before any row."""
        for table in _TABLES:
            found = self._file.rows(f"select maker from {table} order by rowid desc limit 1", [])
            if found:
                return str(found[0][0])
        return ""

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _make(self) -> None:
        with self._file.transaction() as database:
            for table, (columns, n_keys) in _TABLES.items():
                found = [row[1] for row in database.execute(f"pragma table_info({table})")]
                if found and found != list(columns):  # of an earlier version; all of it can be made again
                    database.execute(f"drop table {table}")
                parts = [f'"{name}" {SQL[stored]}' for name, stored in columns.items()]
                keys = ", ".join(_quoted(tuple(columns)[:n_keys]))
                database.execute(f"create table if not exists {table} ({', '.join(parts)}, primary key ({keys}))")
            database.execute("create index if not exists track_by_since on track (since)")
            database.execute("create index if not exists states_by_kind on states (kind, subject, day)")

    def _read(self, table: str, where: str, values: Sequence[object]) -> Columns:
        columns = _TABLES[table][0]
        named = ", ".join(f"{table}.{name}" for name in _quoted(tuple(columns)))  # bare, SQLite takes an absent one for a text
        rows = self._file.rows(f"select {named} from {table} where {where}", values)
        cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
        return {name: column_of(stored, column) for (name, stored), column in zip(columns.items(), cells, strict=True)}


def _quoted(names: Sequence[str]) -> list[str]:
    return [f'"{name}"' for name in names]


def _length(rows: Columns) -> int:
    return len(next(iter(rows.values()), ()))
