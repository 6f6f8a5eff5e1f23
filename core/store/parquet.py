"""Closed days: `archive/{kind}/{UTC day received}.parquet`, sorted by subject and instant, raw bytes included."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core.model.record import Kind, Record
from core.store.columns import DTYPES, dtype_name
from core.store.durable import make_durable, sync_folder, writing
from core.store.encoding import Encoded, checked_name, encoded, tie_of
from core.store.heads import closed_end, spoken_of, subjects_in
from core.store.layout import INCOMING, closed_days, closed_folder, closed_path, day_of, start_of
from core.store.placing import ROW_GROUP, Table, read_closed, replace_closed, retell, with_first
from core.store.runs import DAY_MICROS, LOOK_BACK_DAYS, Run, Runs, Thread
from core.units import Columns, InstantArray, IntArray, micros

_Subject = tuple[str, Sequence[tuple[Encoded, int]]]
_FIELDS: list[tuple[str, Any]] = [
    ("source", pa.string()), ("subject", pa.string()), ("received_at", pa.int64()), ("first_at", pa.int64()),
    ("issued_at", pa.int64()), ("record", pa.int64()), ("rows", pa.int32()), ("sha256", pa.string()), ("content", pa.string()),
    ("raw", pa.binary()), ("facts", pa.string()), ("error", pa.string()), ("decoder", pa.int32()),
]  # fmt: skip
_HEAD: Any = pa.schema(_FIELDS)
_ONCE = frozenset({"first_at", "issued_at", "rows", "sha256", "content", "raw", "facts", "error", "decoder"})
ROW = "row."  # promoted columns carry this prefix: a row may well have a column `source` or `raw` of its own
_TYPES: Mapping[str, pa.DataType] = {"int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_(), "str": pa.string()}


@dataclass(frozen=True, slots=True)
class ClosedRecords:
    """Records of one row each, as columns: hundreds of thousands of prints without an object for any."""

    kind: Kind
    source: str
    subjects: Sequence[str]
    received_at: InstantArray
    raw: Sequence[bytes]
    rows: Columns


def write_closed_days(data_dir: Path, records: Iterable[Record]) -> list[Path]:
    """Write records into the closed days they were received on; days that exist are merged, doubles are dropped."""
    of_kind: dict[Kind, list[Encoded]] = defaultdict(list)
    for record in records:
        of_kind[record.kind].append(encoded(record))
    return [path for kind, found in of_kind.items() for path in write_closed(data_dir, kind, found)]


def write_closed(data_dir: Path, kind: Kind, found: Iterable[Encoded]) -> list[Path]:
    """Write records of one kind into the closed days they were received on."""
    ordered = sorted(found, key=lambda one: (micros(one.record.received_at), one.record.source, tie_of(one.identity)))
    return _write(data_dir, kind, _records_table(ordered))


def write_closed_table(data_dir: Path, *tables: ClosedRecords) -> list[Path]:
    """Write records of one row each, given in any order, into their closed days; those of one kind in one go."""
    of_kind: dict[Kind, list[Table]] = defaultdict(list)
    for records in tables:
        checked_name("source", records.source)
        for subject in set(records.subjects):
            checked_name("subject", subject)
        of_kind[records.kind].append(_rows_table(records))
    return [path for kind, found in of_kind.items() for path in _write(data_dir, kind, pa.concat_tables(found))]


def _records_table(found: Sequence[Encoded], firsts: Sequence[int] = ()) -> Table:
    """Return a physical row per row of each record, one also for a record without rows."""
    counts = np.array([len(next(iter(one.record.rows.values()), ())) for one in found], np.int64)
    room = np.maximum(counts, 1)
    starts = np.cumsum(room) - room
    length = int(room.sum())
    of_row = np.repeat(np.arange(len(found)), room)
    arrays: dict[str, Any] = {}
    for name, told, kind in _heads(found, counts, firsts or [None] * len(found)):
        # Taking bytes by index would reserve, for every row, room for the average record.
        given = _sparse(told, starts, length) if name in _ONCE else [told[i] for i in of_row.tolist()]
        arrays[name] = pa.array(given, kind)
    parts: dict[str, list[tuple[int, NDArray[Any]]]] = defaultdict(list)
    for start, count, one in zip(starts.tolist(), counts.tolist(), found, strict=True):
        for name, values in one.record.rows.items():
            if count:
                parts[name].append((start, values))
    return pa.table(arrays | {ROW + name: _promoted(pieces, length) for name, pieces in parts.items()})


def _sparse(values: Sequence[Any], starts: IntArray, length: int) -> list[Any]:
    """Return a column that says once, where a record begins, what holds for the whole of it."""
    column = [None] * length
    for start, value in zip(starts.tolist(), values, strict=True):
        column[start] = value
    return column


def _heads(
    found: Sequence[Encoded], counts: IntArray, firsts: Sequence[int | None]
) -> Iterator[tuple[str, list[Any], pa.DataType]]:
    """Yield what holds once for each record: the name of the column, a value each, and their type."""
    records = [one.record for one in found]
    columns: dict[str, list[Any]] = {
        "source": [record.source for record in records], "subject": [record.subject for record in records],
        "received_at": [micros(record.received_at) for record in records], "first_at": list(firsts),
        "issued_at": [micros(record.issued_at) if record.issued_at else 0 for record in records],
        "record": [tie_of(one.identity) for one in found], "rows": counts.tolist(), "sha256": [one.sha256 for one in found],
        "content": [one.content for one in found], "raw": [record.raw for record in records],
        "facts": [one.facts.decode() for one in found], "error": [record.error for record in records],
        "decoder": [record.decoder for record in records],
    }  # fmt: skip
    return ((name, values, _HEAD.field(name).type) for name, values in columns.items())


def _promoted(pieces: Sequence[tuple[int, NDArray[Any]]], length: int) -> Any:
    """Return a row column with nulls where a record does not have it."""
    kind = pieces[0][1].dtype
    if any(values.dtype != kind for _, values in pieces):
        kind = DTYPES["float64"]
    values = np.zeros(length, kind)
    absent = np.ones(length, bool)
    for start, piece in pieces:
        values[start : start + len(piece)] = piece
        absent[start : start + len(piece)] = False
    return pa.array(values, _TYPES[dtype_name(values)], mask=absent, from_pandas=False)


def _rows_table(records: ClosedRecords) -> Table:
    size = len(records.received_at)
    names = sorted(records.rows)
    kinds = {name: dtype_name(records.rows[name]) for name in names}
    lists = [records.rows[name].tolist() for name in names]
    opening = [f'"{name}":{{"dtype":"{kinds[name]}","values":['.encode() for name in names]
    cells = [[before + orjson.dumps(value) for value in values] for before, values in zip(opening, lists, strict=True)]
    content = [hashlib.sha256(b"{}\n{" + b"]},".join(row) + b"]}}").hexdigest() for row in zip(*cells, strict=True)]
    order = np.arange(size, dtype=np.int64)
    arrays: dict[str, Any] = {
        "source": pa.repeat(records.source, size), "subject": pa.array(records.subjects, pa.string()),
        "received_at": pa.array(records.received_at), "first_at": pa.nulls(size, pa.int64()),
        "issued_at": pa.repeat(pa.scalar(0, pa.int64()), size), "record": pa.array(order),
        "rows": pa.repeat(pa.scalar(1, pa.int32()), size),
        "sha256": pa.array([hashlib.sha256(raw).hexdigest() for raw in records.raw]), "content": pa.array(content),
        "raw": pa.array(records.raw, pa.binary()), "facts": pa.repeat("{}", size), "error": pa.nulls(size, pa.string()),
        "decoder": pa.repeat(pa.scalar(1, pa.int32()), size),
    }  # fmt: skip
    for name in names:
        arrays[ROW + name] = pa.array(records.rows[name], _TYPES[kinds[name]], from_pandas=False)
    return pa.table(arrays)


def _write(data_dir: Path, kind: Kind, table: Table) -> list[Path]:
    """Split a table by UTC day, merge each day with what is there, and rename it into place."""
    days = np.asarray(table["received_at"]) // DAY_MICROS
    written: list[Path] = []
    with writing(data_dir):
        make_durable(closed_folder(data_dir, kind))
        (data_dir / INCOMING).mkdir(parents=True, exist_ok=True)
        by_day = table.take(np.argsort(days, kind="stable"))
        names, starts = np.unique(np.sort(days), return_index=True)
        stops = [*starts[1:].tolist(), len(days)]
        parts = {day_of(n * DAY_MICROS): (a, b) for n, a, b in zip(names.tolist(), starts.tolist(), stops, strict=True)}
        runs = Runs(_Before(data_dir, kind))
        there = [day for day in closed_days(data_dir, kind) if parts and day > min(parts)]
        left: set[Thread] | None = None  # whose runs may go on otherwise than was written, after the last of these days
        for day in sorted({*parts, *there}):
            path = closed_path(data_dir, kind, day)
            if day in parts:
                start, stop = parts[day]
                part = by_day.slice(start, stop - start)
                if path.exists():
                    part = _united(read_closed(path), part)
                replace_closed(path, [_with_first(_ordered(part), runs)], data_dir / INCOMING)
                written.append(path)
                continue
            if day > max(parts):
                left = set(runs.ends) if left is None else left
                left = {
                    thread
                    for thread in left
                    if (end := runs.ends[thread])
                    and start_of(day) - start_of(day_of(end.received_at)) <= LOOK_BACK_DAYS * DAY_MICROS
                }
                if not left:
                    break
            left_now = dict.fromkeys(runs.ends if left is None else left, 0)
            settled = retell(data_dir, kind, day, runs, left_now)
            left = None if left is None else left - settled
        sync_folder(closed_folder(data_dir, kind))
    return written


class _Before:
    """How a thread stood at the end of the day before; most are new, and are not looked for in every file."""

    def __init__(self, data_dir: Path, kind: Kind) -> None:
        self._data_dir, self._kind = data_dir, kind
        self._midnight, self._heard = -1, frozenset[str]()

    def __call__(self, thread: Thread, at: int) -> Run | None:
        midnight = at // DAY_MICROS * DAY_MICROS
        if midnight != self._midnight:
            self._midnight, self._heard = midnight, spoken_of(self._data_dir, self._kind, midnight)
        return closed_end(self._data_dir, self._kind, thread, midnight) if thread[0] in self._heard else None


def _ordered(table: Table) -> Table:
    """Sort records by subject, instant, source; the rows of a record stay together and in order."""
    subjects = np.asarray(table["subject"].combine_chunks().dictionary_encode().indices)
    words = table["subject"].combine_chunks().dictionary_encode().dictionary.to_pylist()
    rank = np.argsort(np.argsort(np.array(words)))[subjects] if words else subjects
    sources = np.array(table["source"].to_pylist())
    heads = np.cumsum(pc.is_valid(table["rows"]).to_numpy())
    order = np.lexsort((heads, np.asarray(table["record"]), sources, np.asarray(table["received_at"]), rank))
    return table.take(order)


def _united(old: Table, new: Table) -> Table:
    """Return both days' records; a record that is there already is not added, equal prints of one instant stay apart."""
    seen: dict[tuple[Any, ...], int] = defaultdict(int)
    for key in _keys(old):
        seen[key] += 1
    keep: list[bool] = []
    for key in _keys(new):
        seen[key] -= 1
        keep.append(seen[key] < 0)
    heads = pc.is_valid(new["rows"]).to_numpy()
    rows = np.array(keep, bool)[np.cumsum(heads) - 1] if len(keep) else np.zeros(0, bool)
    return pa.concat_tables([old, new.filter(pa.array(rows))], promote_options="default")


def _added(old: Table, new: Table) -> Table:
    """Return a closed day with the hot records that it does not hold yet; the same ones readers would add."""
    names = ("subject", "received_at", "source", "record")
    heads = pc.is_valid(new["rows"]).to_numpy()
    here = old.filter(pc.is_valid(old["rows"]))
    known = set(zip(*(here[name].to_pylist() for name in names), strict=True))
    keep = [key not in known for key in zip(*(new[name].filter(pa.array(heads)).to_pylist() for name in names), strict=True)]
    rows = np.array(keep, bool)[np.cumsum(heads) - 1]
    return pa.concat_tables([old, new.filter(pa.array(rows))], promote_options="permissive")


def _keys(table: Table) -> Iterator[tuple[Any, ...]]:
    heads = table.filter(pc.is_valid(table["rows"]))
    names = ("source", "subject", "received_at", "sha256", "content", "error")
    return zip(*(heads[name].to_pylist() for name in names), strict=True)


def _with_first(table: Table, runs: Runs) -> Table:
    """Fill `first_at`: the instant at which the unbroken run of equal content began, also in earlier days."""
    heads = pc.is_valid(table["rows"]).to_numpy()
    names = ("subject", "source", "error", "received_at", "record", "content")
    first: list[int | None] = [None] * len(table)
    columns = [table[name].filter(pa.array(heads)).to_pylist() for name in names]
    for place, subject, source, error, *own in zip(np.flatnonzero(heads).tolist(), *columns, strict=True):
        first[place] = runs.go_on((subject, source, error is None), *own)
    return with_first(table, first)


def write_day(
    data_dir: Path, kind: Kind, day: date, subjects: Iterable[_Subject],
    check: Callable[[Path], None],
) -> Path:  # fmt: skip
    """Add records to the closed day of one kind, subject by subject, so that a day need not fit into memory.

    Args:
        subjects: each subject with its records and when their runs began, in the order of their names.
        check: looks at the new file and raises when it is not sound; only then it takes its place.
    """
    path = closed_path(data_dir, kind, day)
    old = set(subjects_in(path)) if path.exists() else set()

    def tables() -> Iterator[Table]:
        for batch in _batches(subjects):
            names = [subject for subject, _ in batch]
            found = [one for _, records in batch for one in records]
            found.sort(key=lambda one: (micros(one[0].record.received_at), one[0].record.source, tie_of(one[0].identity)))
            table = _records_table([one for one, _ in found], [first_at for _, first_at in found])
            if old & set(names):
                table = _added(read_closed(path, filters=[("subject", "in", names)]), table)
                old.difference_update(names)
            yield _ordered(table)
        if old:
            yield read_closed(path, filters=[("subject", "in", sorted(old))])

    with writing(data_dir):
        make_durable(closed_folder(data_dir, kind))
        (data_dir / INCOMING).mkdir(parents=True, exist_ok=True)
        replace_closed(path, tables(), data_dir / INCOMING, check)
        sync_folder(closed_folder(data_dir, kind))
    return path


def _batches(subjects: Iterable[_Subject]) -> Iterator[list[_Subject]]:
    """Yield subjects together until their rows are enough for a row group."""
    batch: list[_Subject] = []
    rows = 0
    for subject, records in subjects:
        batch.append((subject, records))
        rows += sum(len(next(iter(one.record.rows.values()), ())) or 1 for one, _ in records)
        if rows >= ROW_GROUP:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch
