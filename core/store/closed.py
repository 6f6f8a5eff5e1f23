"""Reads closed days, a file per kind and UTC day."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from core.errors import StoreError
from core.model.record import Kind
from core.store.block import META, Block, text_bytes
from core.store.columns import FILLS, SHAPES, texts
from core.store.encoding import NO_FACTS, Facts, tie_of
from core.store.heads import reading, subjects_in
from core.store.layout import closed_days, closed_folder, closed_path, day_of
from core.store.parquet import ROW
from core.store.placing import Table
from core.units import BoolArray, Columns, IntArray

_CACHED_BYTES = 48_000_000
_UNREAD = ("raw", "content", "decoder")


@dataclass(frozen=True, slots=True)
class _Day:
    """One file in memory: records of all subjects, sorted by subject."""

    block: Block
    present: dict[str, BoolArray]  # per row, of the columns that some records of the day do not have
    records: dict[str, slice]
    offsets: IntArray
    nbytes: int

    def of(self, kind: Kind, subject: str, start: int, until: int) -> Block:
        place = self.records[subject]
        received = self.block.meta["received_at"][place]
        first = place.start + int(np.searchsorted(received, start, "left"))
        stop = max(first, place.start + int(np.searchsorted(received, until, "right")))
        rows = slice(int(self.offsets[first]), int(self.offsets[stop]))
        absent = {name for name, here in self.present.items() if not here[rows].any() and name not in SHAPES.get(kind, {})}
        if rows.start == rows.stop:
            absent = set(self.block.columns)  # of records without rows, no column is known
        return Block(
            {name: values[first:stop] for name, values in self.block.meta.items()},
            {name: values[rows] for name, values in self.block.columns.items() if name not in absent},
        )


class ClosedDays:
    """Keeps which days there are, who is in them, and the days read last."""

    def __init__(self, data_dir: Path, report: Callable[[str, str], None]) -> None:
        self._data_dir, self._report = data_dir, report
        self._folders = {kind: str(closed_folder(data_dir, kind)) for kind in Kind}
        self._listed: dict[Kind, tuple[int, list[date]]] = {}
        self._indices: dict[tuple[Kind, date], dict[str, tuple[int, int]]] = {}
        self._days: OrderedDict[tuple[Kind, date], _Day] = OrderedDict()
        self._nbytes = 0
        self._lock = threading.RLock()

    def mark(self, kind: Kind) -> int:
        """Return a number that changes when a day of this kind was added or rewritten."""
        with self._lock:
            try:
                changed = os.stat(self._folders[kind]).st_mtime_ns
            except OSError:
                changed = 0
            if self._listed.get(kind, (-1, []))[0] != changed:
                self._listed[kind] = (changed, closed_days(self._data_dir, kind))
                self._indices = {key: value for key, value in self._indices.items() if key[0] != kind}
                self._days = OrderedDict((key, value) for key, value in self._days.items() if key[0] != kind)
                self._nbytes = sum(day.nbytes for day in self._days.values())
            return changed

    def has(self, kind: Kind, received_at: int) -> bool:
        """Return whether the day of that receipt is closed."""
        self.mark(kind)
        return day_of(received_at) in self._listed[kind][1]

    def after(self, kind: Kind, instant: int) -> bool:
        """Return whether a later day than that of an instant is closed."""
        self.mark(kind)
        days = self._listed[kind][1]
        return bool(days) and days[-1] > day_of(instant)

    def any(self, kind: Kind, start: int, until: int) -> bool:
        """Return whether a day of a span is closed."""
        return bool(self._between(kind, start, until))

    def newest_of(self, kind: Kind) -> dict[str, int]:
        """Return when the newest record of each subject was received."""
        self.mark(kind)
        found: dict[str, int] = {}
        for day in self._listed[kind][1]:
            for subject, (_, high) in self._index(kind, day).items():
                found[subject] = max(high, found.get(subject, 0))
        return found

    def subjects(self, kind: Kind, start: int, until: int) -> set[str]:
        """Return the subjects with a record received in [start, until]."""
        found: set[str] = set()
        for day in self._between(kind, start, until):
            for subject, (low, high) in self._index(kind, day).items():
                if subject in found or high < start or low > until:
                    continue
                if low >= start or high <= until or len(self._day(kind, day).of(kind, subject, start, until)):
                    found.add(subject)
        return found

    def blocks(self, kind: Kind, subject: str, start: int, until: int) -> list[Block]:
        """Return the records of a subject received in [start, until], a block per day."""
        days = [day for day in self._between(kind, start, until) if subject in self._index(kind, day)]
        blocks = [self._day(kind, day).of(kind, subject, start, until) for day in days]
        return [block for block in blocks if len(block)]

    def raw(self, kind: Kind, subject: str, received_at: int, digest: int) -> bytes:
        """Return the bytes of one record."""
        path = closed_path(self._data_dir, kind, day_of(received_at))
        wanted: Any = [("subject", "=", subject), ("received_at", "=", received_at)]
        with reading(path):
            found = pq.read_table(path, columns=["raw"], filters=wanted)["raw"].to_pylist()
        for raw in found:
            if raw is not None and tie_of(hashlib.sha256(raw).hexdigest()) == digest:
                return bytes(raw)
        raise StoreError(f"{path} has no sound bytes of {subject} received at {received_at}")

    def _between(self, kind: Kind, start: int, until: int) -> list[date]:
        self.mark(kind)
        first, last = day_of(start), day_of(until)
        return [day for day in self._listed[kind][1] if first <= day <= last]

    def _index(self, kind: Kind, day: date) -> dict[str, tuple[int, int]]:
        """Return first and last receipt of each subject, from the foot of the file."""
        with self._lock:
            if (kind, day) not in self._indices:
                path = closed_path(self._data_dir, kind, day)
                try:
                    self._indices[kind, day] = dict(subjects_in(path))
                except StoreError as error:
                    self._report(str(path.relative_to(self._data_dir)), str(error))
                    self._indices[kind, day] = {}
            return self._indices[kind, day]

    def _day(self, kind: Kind, day: date) -> _Day:
        with self._lock:
            key = (kind, day)
            if key not in self._days:
                self._days[key] = _read_day(closed_path(self._data_dir, kind, day))
                self._nbytes += self._days[key].nbytes
                while self._nbytes > _CACHED_BYTES and len(self._days) > 1:
                    self._nbytes -= self._days.popitem(last=False)[1].nbytes
            self._days.move_to_end(key)
            return self._days[key]


def _read_day(path: Path) -> _Day:
    with reading(path):
        file = pq.ParquetFile(path)
        return _day_of(file.read(columns=[name for name in file.schema_arrow.names if name not in _UNREAD]))


def subject_of_day(path: Path, subject: str) -> Block:
    """Return the records of one subject of a closed day."""
    with reading(path):
        table: Table = pq.read_table(path, filters=[("subject", "=", subject)], memory_map=False)
        return _own(_day_of(table.drop_columns(list(_UNREAD))))


def _own(day: _Day) -> Block:
    """Return the records of a day that is of one subject alone, without the columns that only others have."""
    block = day.block
    absent = {name for name, here in day.present.items() if not here.any()}
    return Block(block.meta, {name: values for name, values in block.columns.items() if name not in absent})


def subjects_of_day(path: Path) -> Iterator[tuple[str, Block, list[bytes]]]:
    """Yield each subject of a closed day with its records and their raw bytes, read from the disk piece by piece."""
    with reading(path):
        file = pq.ParquetFile(path)
    left = file.schema_arrow.empty_table()
    for number in range(file.num_row_groups):
        with reading(path):
            table: Table = pa.concat_tables([left, file.read_row_group(number)])
        names = _words(table["subject"])
        starts = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist()]
        if number + 1 == file.num_row_groups:
            starts.append(len(names))
        left = table.slice(starts[-1])  # the last one may go on in the next piece
        for start, stop in pairwise(starts):
            own = table.slice(start, stop - start)
            raw = own.filter(pc.is_valid(own["rows"]))["raw"].to_pylist()
            yield str(names[start]), _own(_day_of(own.drop_columns(list(_UNREAD)))), raw


def _day_of(table: Table) -> _Day:
    heads: Table = table.filter(pc.is_valid(table["rows"]))
    meta: Columns = {
        "received_at": _numbers(heads, "received_at"), "first_at": _numbers(heads, "first_at"),
        "issued_at": _numbers(heads, "issued_at"), "tie": _numbers(heads, "record"),
        "count": _numbers(heads, "rows").astype(np.int64), "source": _words(heads["source"]),
        "facts": _facts(heads["facts"].to_pylist()), "error": _nullable(heads["error"]),
        "digest": np.array([tie_of(sha256) for sha256 in heads["sha256"].to_pylist()], np.int64),
    }  # fmt: skip
    real = np.repeat(meta["count"] > 0, np.maximum(meta["count"], 1))
    promoted = table.filter(pa.array(real)) if not real.all() else table
    columns: Columns = {}
    present: dict[str, BoolArray] = {}
    for name in (name for name in table.column_names if name.startswith(ROW)):
        columns[name.removeprefix(ROW)] = _promoted(promoted[name])
        if promoted[name].null_count:
            present[name.removeprefix(ROW)] = np.asarray(pc.is_valid(promoted[name]))
    subjects, starts = np.unique(np.array(heads["subject"].to_pylist(), dtype=str), return_index=True)
    borders = np.append(np.sort(starts), len(heads))  # a day that was added to has its subjects in no order
    stops = borders[np.searchsorted(borders, starts) + 1]
    records = {str(s): slice(a, b) for s, a, b in zip(subjects, starts.tolist(), stops.tolist(), strict=True)}
    assert list(meta) == list(META)
    nbytes = sum(values.nbytes + text_bytes(values) for values in columns.values()) + 80 * len(heads)
    return _Day(Block(meta, columns), present, records, np.concatenate(([0], np.cumsum(meta["count"]))), nbytes)


def _numbers(table: Table, name: str) -> NDArray[Any]:
    return np.array(table[name].to_numpy())


def _promoted(column: Any) -> NDArray[Any]:
    if pa.types.is_string(column.type):
        return _words(column.fill_null("") if column.null_count else column)
    if column.null_count:
        column = column.fill_null(FILLS[{"int64": "int64", "double": "float64", "bool": "bool"}[str(column.type)]])
    return np.array(column.to_numpy())


def _words(column: Any) -> NDArray[Any]:
    """Return texts; equal ones share one string."""
    if not len(column):
        return texts([])
    coded = column.combine_chunks().dictionary_encode()
    shared: NDArray[Any] = texts(coded.dictionary.to_pylist())[np.asarray(coded.indices)]
    return shared


def _nullable(column: Any) -> NDArray[Any]:
    values = np.empty(len(column), dtype=object)
    if column.null_count < len(column):
        values[:] = column.to_pylist()
    return values


def _facts(texts_of_facts: list[Any]) -> NDArray[Any]:
    values = np.empty(len(texts_of_facts), dtype=object)
    values[:] = [NO_FACTS if text == "{}" else Facts(text.encode()) for text in texts_of_facts]
    return values
