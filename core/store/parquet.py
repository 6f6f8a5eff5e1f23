"""Closed days: `archive/{kind}/{UTC day received}.parquet`, sorted by subject and instant, raw bytes included."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from core.model.record import Kind, Record
from core.store.columns import DTYPES, dtype_name
from core.store.durable import make_durable, sync_folder, writing
from core.store.encoding import Encoded, checked_name, encoded, tie_of
from core.store.layout import INCOMING, closed_days, closed_folder, closed_path, day_of
from core.units import Columns, InstantArray, IntArray, micros

Table = Any  # a pyarrow table: the published stubs of pyarrow reject valid calls
_FIELDS: list[tuple[str, Any]] = [
    ("source", pa.string()), ("subject", pa.string()), ("received_at", pa.int64()), ("first_at", pa.int64()),
    ("issued_at", pa.int64()), ("record", pa.int64()), ("rows", pa.int32()), ("sha256", pa.string()), ("content", pa.string()),
    ("raw", pa.binary()), ("facts", pa.string()), ("error", pa.string()), ("decoder", pa.int32()),
]  # fmt: skip
_HEAD: Any = pa.schema(_FIELDS)
# Arrow's own allocator keeps what a large day took; the system's gives it back.
pa.set_memory_pool(pa.system_memory_pool())
_ONCE = frozenset({"first_at", "issued_at", "rows", "sha256", "content", "raw", "facts", "error", "decoder"})
ROW = "row."  # promoted columns carry this prefix: a row may well have a column `source` or `raw` of its own
_TYPES: Mapping[str, pa.DataType] = {"int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_(), "str": pa.string()}
_ROW_GROUP = 16_384
_DAY_MICROS = 86_400_000_000
_LOOK_BACK = timedelta(days=14)


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


def _records_table(found: Sequence[Encoded]) -> Table:
    """Return a physical row per row of each record, one also for a record without rows."""
    counts = np.array([len(next(iter(one.record.rows.values()), ())) for one in found], np.int64)
    room = np.maximum(counts, 1)
    starts = np.cumsum(room) - room
    length = int(room.sum())
    of_row = np.repeat(np.arange(len(found)), room)
    arrays: dict[str, Any] = {}
    for name, told, kind in _heads(found, counts):
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


def _heads(found: Sequence[Encoded], counts: IntArray) -> Iterator[tuple[str, list[Any], pa.DataType]]:
    """Yield what holds once for each record: the name of the column, a value each, and their type."""
    records = [one.record for one in found]
    columns: dict[str, list[Any]] = {
        "source": [record.source for record in records], "subject": [record.subject for record in records],
        "received_at": [micros(record.received_at) for record in records], "first_at": [None] * len(found),
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
    days = np.asarray(table["received_at"]) // _DAY_MICROS
    written: list[Path] = []
    with writing(data_dir):
        make_durable(closed_folder(data_dir, kind))
        (data_dir / INCOMING).mkdir(parents=True, exist_ok=True)
        by_day = table.take(np.argsort(days, kind="stable"))
        names, starts = np.unique(np.sort(days), return_index=True)
        stops = [*starts[1:].tolist(), len(days)]
        for number, start, stop in zip(names.tolist(), starts.tolist(), stops, strict=True):
            day = day_of(number * _DAY_MICROS)
            path = closed_path(data_dir, kind, day)
            part = by_day.slice(start, stop - start)
            if path.exists():
                part = _united(pq.read_table(path, memory_map=False), part)
            if not written:
                runs = _Runs(data_dir, kind, day)
            _replace(path, [_with_first(_ordered(part), runs)], data_dir / INCOMING)
            written.append(path)
        sync_folder(closed_folder(data_dir, kind))
    return written


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


def _keys(table: Table) -> Iterator[tuple[Any, ...]]:
    heads = table.filter(pc.is_valid(table["rows"]))
    names = ("source", "subject", "received_at", "sha256", "content", "error")
    return zip(*(heads[name].to_pylist() for name in names), strict=True)


def _with_first(table: Table, runs: _Runs) -> Table:
    """Fill `first_at`: the instant at which the unbroken run of equal content began, also in earlier days."""
    heads = pc.is_valid(table["rows"]).to_numpy()
    names = ("subject", "source", "content", "error", "received_at")
    first: list[int | None] = [None] * len(table)
    columns = [table[name].filter(pa.array(heads)).to_pylist() for name in names]
    for place, subject, source, content, error, received_at in zip(np.flatnonzero(heads).tolist(), *columns, strict=True):
        first[place] = runs.go_on(subject, source, content, received_at, answered=error is None)
    return table.set_column(table.schema.get_field_index("first_at"), "first_at", pa.array(first, pa.int64()))


class _Runs:
    """The runs of equal content that are under way: of the records written so far, else of the closed days before."""

    def __init__(self, data_dir: Path, kind: Kind, day: date) -> None:
        self._where = data_dir, kind, day
        self._known: dict[tuple[str, str, bool], tuple[str, int] | None] = {}

    def go_on(self, subject: str, source: str, content: str, received_at: int, *, answered: bool) -> int:
        """Take in a record and return when its run began."""
        key = subject, source, answered
        if key not in self._known:
            self._known[key] = closed_run(*self._where, subject, source, answered=answered)
        before = self._known[key]
        since = before[1] if before and before[0] == content else received_at
        self._known[key] = content, since
        return since


def closed_run(
    data_dir: Path, kind: Kind, day: date, subject: str, source: str, *, answered: bool
) -> tuple[str, int] | None:  # fmt: skip
    """Return content and beginning of the run with which the closed days before `day` end for one subject and source."""
    names = ["source", "error", "content", "first_at"]
    for earlier in reversed(closed_days(data_dir, kind)):
        path = closed_path(data_dir, kind, earlier)
        if timedelta() < day - earlier <= _LOOK_BACK and subject in subjects_of(path, path.stat().st_mtime_ns):
            table = pq.read_table(path, columns=names, filters=[("subject", "=", subject)], memory_map=False)
            heads = table.filter(pc.is_valid(table["content"])).to_pydict()
            rows = zip(*(heads[name] for name in names), strict=True)
            mine = [(content, first) for own, error, content, first in rows if own == source and (error is None) == answered]
            if mine:
                return mine[-1]
    return None


@lru_cache(maxsize=512)
def subjects_of(path: Path, changed: int) -> Mapping[str, tuple[int, int]]:
    """Return first and last receipt of each subject of a closed day, from the foot of its file as it was changed last."""
    found = orjson.loads((pq.read_schema(path).metadata or {})[b"subjects"])
    return {name: (span[0], span[1]) for name, span in found.items()}


def write_day(data_dir: Path, kind: Kind, day: date, subjects: Iterable[tuple[str, Sequence[Encoded]]]) -> Path:
    """Write the records of one kind and day, subject by subject, so that a day need not fit into memory.

    Args:
        subjects: each subject with its records, in the order of their names.
    """
    path = closed_path(data_dir, kind, day)
    old = set(subjects_of(path, path.stat().st_mtime_ns)) if path.exists() else set()
    runs = _Runs(data_dir, kind, day)

    def tables() -> Iterator[Table]:
        for batch in _batches(subjects):
            names = [subject for subject, _ in batch]
            found = [one for _, records in batch for one in records]
            table = _records_table(
                sorted(found, key=lambda one: (micros(one.record.received_at), one.record.source, tie_of(one.identity)))
            )
            if old & set(names):
                table = _united(pq.read_table(path, filters=[("subject", "in", names)], memory_map=False), table)
                old.difference_update(names)
            yield _with_first(_ordered(table), runs)
        if old:
            yield pq.read_table(path, filters=[("subject", "in", sorted(old))], memory_map=False)

    with writing(data_dir):
        make_durable(closed_folder(data_dir, kind))
        (data_dir / INCOMING).mkdir(parents=True, exist_ok=True)
        _replace(path, tables(), data_dir / INCOMING)
        sync_folder(closed_folder(data_dir, kind))
    return path


def give_back() -> None:
    """Return memory that large tables took to the system."""
    pa.default_memory_pool().release_unused()


def _batches(subjects: Iterable[tuple[str, Sequence[Encoded]]]) -> Iterator[list[tuple[str, Sequence[Encoded]]]]:
    """Yield subjects together until their rows are enough for a row group."""
    batch: list[tuple[str, Sequence[Encoded]]] = []
    rows = 0
    for subject, records in subjects:
        batch.append((subject, records))
        rows += sum(len(next(iter(one.record.rows.values()), ())) or 1 for one in records)
        if rows >= _ROW_GROUP:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch


def _replace(path: Path, tables: Iterable[Table], incoming: Path) -> None:
    """Write tables of different subjects one after the other into one file, then rename it into place."""
    stem = f"{os.getpid()}-{path.parent.name}-{path.name}"
    parts: list[Path] = []
    index: dict[str, list[int]] = {}
    schemas = []
    for table in tables:
        heads = table.filter(pc.is_valid(table["rows"]))
        for subject, received_at in zip(heads["subject"].to_pylist(), heads["received_at"].to_pylist(), strict=True):
            index.setdefault(subject, [received_at, received_at])[1] = received_at  # in order, within each subject
        parts.append(incoming / f"{stem}.{len(parts)}")
        schemas.append(table.schema.remove_metadata())
        pq.write_table(table.replace_schema_metadata(None), parts[-1], compression="lz4")
    schema = pa.unify_schemas(schemas, promote_options="permissive").with_metadata({"subjects": orjson.dumps(index)})
    with pq.ParquetWriter(incoming / stem, schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(_like(pq.read_table(part, memory_map=False), schema), row_group_size=_ROW_GROUP)
            part.unlink()
    with (incoming / stem).open("rb") as written:
        os.fsync(written.fileno())
    os.replace(incoming / stem, path)


def _like(table: Table, schema: pa.Schema) -> Table:
    """Return a table with the columns of a schema; what it lacks is null."""
    columns = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
