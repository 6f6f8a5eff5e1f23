"""What the desk believed, per cycle, event and bracket: outputs, never among the inputs."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path

import numpy as np

from core.errors import StoreError
from core.store.columns import dtype_name
from core.store.encoding import checked_name
from core.store.outputs import SQL, OutputFile, column_of
from core.units import Columns, instant, micros

# name -> columns after the key; a column that a desk adds is added to its table.
_OUTLOOKS = {
    "str": "venue station city event_day extreme unit title regime rule_sha rule_grade sources refusal",
    "float64": "mean sd forecast floor p_no_more pool_weight",
    "int64": "observed_at window_start window_end forecast_received_at forecast_first_at book_received_at"
    " metar_received_at closes_at n_residuals",
}
_BRACKETS = {
    "str": "label market_id yes no side decision reason",
    "float64": "lower upper p_model p_market p_pooled yes_bid yes_ask no_bid no_ask yes_price no_price edge_yes edge_no"
    " yes_depth no_depth fraction_yes fraction_no edge",
    "int64": "",
}
_KEYS: Mapping[str, tuple[str, ...]] = {
    "outlooks": ("event_id", "scheduled_at"),
    "evaluations": ("event_id", "scheduled_at", "bracket"),
}
_STORED = {sql: stored for stored, sql in SQL.items()}
_WORD = re.compile(r"[a-z][a-z0-9_]*")


class EvaluationStore:
    """`evaluations/{desk}.db`, SQLite (WAL): tables `outlooks` (a row per event) and `evaluations` (a row per bracket)."""

    def __init__(self, data_dir: Path, desk: str, *, readonly: bool = False) -> None:
        path = data_dir / "evaluations" / f"{checked_name('desk', desk)}.db"
        self._file = OutputFile(path, ("cycles", "newest", "evaluations"), readonly=readonly)
        self._columns: dict[str, dict[str, str]] = {}
        if not readonly:
            self._file.create(_TABLES)

    def append(self, scheduled_at: datetime, outlooks: Columns, brackets: Columns) -> None:
        """Keep the rows of one cycle; the same cycle again replaces its rows."""
        at = micros(scheduled_at)
        with self._written() as database:
            events = {row[0] for row in database.execute("select event_id from outlooks where scheduled_at = ?", (at,))}
            events |= set(outlooks.get("event_id", np.empty(0, object)).tolist())
            for table, rows in (("outlooks", outlooks), ("evaluations", brackets)):
                database.execute(f"delete from {table} where scheduled_at = ?", (at,))
                self._insert(database, table, at, rows)
            database.execute("insert or ignore into cycles values (?)", (at,))
            for event_id in events:
                database.execute("delete from newest where event_id = ?", (event_id,))
                database.execute(
                    "insert into newest select event_id, event_day, scheduled_at from outlooks where event_id = ?"
                    " order by scheduled_at desc limit 1",
                    (event_id,),
                )

    def newest(self, event_id: str | None = None) -> tuple[datetime | None, Columns, Columns]:
        """Return instant, outlooks and brackets of the newest cycle (of that event)."""
        query = (
            "select max(scheduled_at) from cycles" if event_id is None else "select scheduled_at from newest where event_id = ?"
        )
        found = self._file.rows(query, [] if event_id is None else [event_id])
        if not found or found[0][0] is None:
            return None, self._read("outlooks", "0"), self._read("evaluations", "0")
        at = found[0][0]
        where, values = (
            ("scheduled_at = ?", (at,)) if event_id is None else ("event_id = ? and scheduled_at = ?", (event_id, at))
        )
        return instant(at), self._read("outlooks", where, *values), self._read("evaluations", where, *values)

    def at(self, scheduled_at: datetime) -> tuple[Columns, Columns]:
        """Return the outlooks and brackets of one cycle."""
        at = micros(scheduled_at)
        return self._read("outlooks", "scheduled_at = ?", at), self._read("evaluations", "scheduled_at = ?", at)

    def history(self, event_id: str, since: datetime | None = None) -> tuple[Columns, Columns]:
        """Return all outlooks and brackets of one event, oldest first, each with `scheduled_at`."""
        where, values = "event_id = ? and scheduled_at >= ?", (event_id, micros(since) if since else -(2**62))
        return self._read("outlooks", where, *values), self._read("evaluations", where, *values)

    def bids_between(
        self, event_id: str, bracket: int, side: str, start: datetime, end: datetime | None
    ) -> tuple[float, float] | None:  # fmt: skip
        """Return the lowest and highest bid of one side of a bracket in [start, end], None where none was seen."""
        bid = "yes_bid" if side == "YES" else "no_bid"
        asked = f"select min({bid}), max({bid}) from evaluations where event_id = ? and scheduled_at between ? and ? and bracket = ?"
        rows = self._file.rows(asked, [event_id, micros(start), micros(end) if end else 2**62, bracket])
        return (float(rows[0][0]), float(rows[0][1])) if rows and rows[0][0] is not None else None

    def quotes_between(
        self, event_id: str, bracket: int, side: str, start: int, end: int
    ) -> list[tuple[int, float | None, float | None]]:  # fmt: skip
        """Return cycle, best bid and best ask of one side of a bracket at the cycles in [start, end] (microseconds), oldest first."""
        name = "yes" if side == "YES" else "no"
        asked = (
            f"select scheduled_at, {name}_bid, {name}_ask from evaluations"
            " where event_id = ? and scheduled_at between ? and ? and bracket = ? order by scheduled_at"
        )
        return [(int(at), bid, ask) for at, bid, ask in self._file.rows(asked, [event_id, start, end, bracket])]

    def implied_between(self, event_id: str, start: int, end: int) -> list[tuple[int, float, str]]:
        """Return cycle, mean that the books implied and its unit at the cycles in [start, end] that had one, oldest first.

        Instants are microseconds. Nothing where the desk kept no such mean.
        """
        with self._file.lock:
            if "market_mean" not in self._known("outlooks"):
                self._columns.pop("outlooks", None)  # the desk may have added the column since
                if "market_mean" not in self._known("outlooks"):
                    return []
        asked = (
            "select scheduled_at, market_mean, unit from outlooks where event_id = ? and scheduled_at between ? and ?"
            " and market_mean is not null order by scheduled_at"
        )
        return [(int(at), float(mean), str(unit)) for at, mean, unit in self._file.rows(asked, [event_id, start, end])]

    def events(self, first_day: date | None = None, last_day: date | None = None) -> Columns:
        """Return one row per evaluated event: its newest outlook."""
        where = (
            "(event_id, scheduled_at) in (select event_id, scheduled_at from newest"
            " where coalesce(event_day, '') >= ? and coalesce(event_day, '') <= ?)"
        )
        return self._read(
            "outlooks", where, first_day.isoformat() if first_day else "", last_day.isoformat() if last_day else "9999-99-99"
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @contextlib.contextmanager
    def _written(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._file.transaction() as database:
                yield database
        except BaseException:
            self._columns.clear()  # a column that was added is gone again
            raise

    def _insert(self, database: sqlite3.Connection, table: str, at: int, rows: Columns) -> None:
        length = len(next(iter(rows.values()), ()))
        if not length:
            return
        keys = _KEYS[table]
        absent = [key for key in keys if key not in rows and key != "scheduled_at"]
        if absent:
            raise StoreError(f"rows for {table} lack {', '.join(absent)}")
        known = self._known(table)
        for name, values in rows.items():
            if name not in known:
                if not _WORD.fullmatch(name):
                    raise StoreError(f"{name!r} cannot be a column of {table}")
                database.execute(f"alter table {table} add column {name} {SQL[dtype_name(np.asarray(values))]}")
                self._columns.pop(table, None)
        lists = {name: np.asarray(values).tolist() for name, values in rows.items()}  # sqlite stores NaN as null
        lists["scheduled_at"] = [at] * length
        marks = ", ".join("?" for _ in lists)
        query = f"insert or replace into {table} ({', '.join(lists)}) values ({marks})"
        database.executemany(query, zip(*lists.values(), strict=True))

    def _known(self, table: str) -> dict[str, str]:
        """Return the stored type of each column."""
        if table not in self._columns:
            found = self._file.rows(f"select name, lower(type) from pragma_table_info('{table}')")
            self._columns[table] = {name: _STORED[sql] for name, sql in found}
        return self._columns[table]

    def _read(self, table: str, where: str, *values: object) -> Columns:
        with self._file.lock:
            if self._file.readonly:
                self._columns.pop(table, None)
            types = self._known(table) or _documented(table)
            order = ", ".join(("scheduled_at", *(key for key in _KEYS[table] if key != "scheduled_at")))
            rows = self._file.rows(f"select {', '.join(types)} from {table} where {where} order by {order}", values)
        cells = list(zip(*rows, strict=True)) if rows else [()] * len(types)
        return {name: column_of(stored, column) for (name, stored), column in zip(types.items(), cells, strict=True)}


def _definitions(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {SQL[stored]}" for stored, names in columns.items() for name in names.split())


_TABLES = (
    f"create table if not exists outlooks (event_id text not null, scheduled_at integer not null, {_definitions(_OUTLOOKS)}, "
    "primary key (event_id, scheduled_at)) without rowid",
    "create table if not exists evaluations (event_id text not null, scheduled_at integer not null, bracket integer not null, "
    f"{_definitions(_BRACKETS)}, primary key (event_id, scheduled_at, bracket)) without rowid",
    "create index if not exists outlooks_by_cycle on outlooks (scheduled_at)",
    "create index if not exists evaluations_by_cycle on evaluations (scheduled_at)",
    "create table if not exists cycles (scheduled_at integer primary key)",
    "create table if not exists newest (event_id text primary key, event_day text, scheduled_at integer not null)",
    "create index if not exists newest_by_day on newest (event_day)",
)


def _documented(table: str) -> dict[str, str]:
    columns = _OUTLOOKS if table == "outlooks" else _BRACKETS
    types = {key: "str" if key == "event_id" else "int64" for key in _KEYS[table]}
    return {**types, **{name: stored for stored, names in columns.items() for name in names.split()}}
