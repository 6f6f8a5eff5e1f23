"""Closes old days: hot files become one file a kind and day, verified record by record, and only then are removed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import numpy as np

from core.errors import StoreError
from core.model.record import Kind
from core.store.block import META, Block, block_of, merged
from core.store.catalogue import Catalogue
from core.store.closed import ClosedDays
from core.store.encoding import Encoded, Entry, decoded
from core.store.layout import closed_path, day_of
from core.store.parquet import raw_is_sound, write_closed
from core.units import instant


@dataclass(frozen=True, slots=True)
class Compaction:
    """What a compaction did."""

    days: tuple[date, ...]
    records: int
    files: int  # removed


def close_days(data_dir: Path, catalogue: Catalogue, before: date) -> Compaction:
    """Move what was received before a UTC day into closed days; StoreError, and nothing removed, when they do not agree.

    A crash at any point leaves every record in one tier at least; what stands in both is read once.
    """
    days: list[date] = []
    n_records = n_files = 0
    for day, entries in _by_day(catalogue.before(before)):
        payloads = {path: _payload(data_dir, path) for path in dict.fromkeys(entry.path for entry in entries)}
        for kind, own in _by_kind(entries):
            write_closed(data_dir, kind, [_own(entry, payloads[entry.path]) for entry in own])
            _verify(data_dir, kind, day, own, payloads)
        catalogue.move_on(entry.identity for entry in entries)
        n_files += _remove(data_dir, entries)
        days.append(day)
        n_records += len(entries)
    return Compaction(tuple(days), n_records, n_files)


def _by_day(entries: Sequence[Entry]) -> Iterator[tuple[date, list[Entry]]]:
    for day, of_day in groupby(entries, key=lambda entry: day_of(entry.received_at)):
        yield day, list(of_day)


def _by_kind(entries: Sequence[Entry]) -> Iterator[tuple[Kind, list[Entry]]]:
    for kind, of_kind in groupby(sorted(entries, key=attrgetter("kind", "order")), key=attrgetter("kind")):
        yield Kind(kind), list(of_kind)


def _payload(data_dir: Path, path: str) -> Encoded:
    return decoded((data_dir / path).read_bytes(), path)


def _own(entry: Entry, found: Encoded) -> Encoded:
    """Return the record of an entry; its payload may be that of an earlier, equal one."""
    issued_at = instant(entry.issued_at) if entry.issued_at else None
    record = replace(found.record, received_at=instant(entry.received_at), issued_at=issued_at)
    return replace(found, record=record, identity=entry.identity)


def _verify(data_dir: Path, kind: Kind, day: date, entries: Sequence[Entry], payloads: dict[str, Encoded]) -> None:
    """Read the closed day anew and compare it with the hot records: raw bytes by hash, everything else by value."""
    path = closed_path(data_dir, kind, day)
    closed = ClosedDays(data_dir, lambda name, reason: None)
    if not raw_is_sound(path, entries):
        raise StoreError(f"{path} does not hold the bytes of its records; the files of {day} stay as they are")
    for subject, own in groupby(sorted(entries, key=attrgetter("subject", "order")), key=attrgetter("subject")):
        hot = merged([block_of(entry, payloads[entry.path]) for entry in own])
        span = int(hot.meta["received_at"][0]), int(hot.meta["received_at"][-1])
        if not _holds(merged(closed.blocks(kind, subject, *span)), hot):
            raise StoreError(f"{path} differs from the records of {subject}; the files of {day} stay as they are")


def _holds(closed: Block, hot: Block) -> bool:
    """Return whether all hot records stand in a closed day, equal in every value."""
    keys = [
        list(zip(*(block.meta[name].tolist() for name in ("received_at", "source", "tie")), strict=True))
        for block in (closed, hot)
    ]
    place = {key: index for index, key in enumerate(keys[0])}
    if any(key not in place for key in keys[1]):
        return False
    same = closed.take(np.array([place[key] for key in keys[1]], np.int64))
    equal = all(_equal(same, hot, name) for name in META if name != "facts")
    facts = all(one.json == other.json for one, other in zip(same.meta["facts"], hot.meta["facts"], strict=True))
    columns = all(
        name in same.columns and np.array_equal(same.columns[name], values, equal_nan=values.dtype.kind == "f")
        for name, values in hot.columns.items()
        if len(values)
    )
    return equal and facts and columns


def _equal(one: Block, other: Block, name: str) -> bool:
    return bool(np.array_equal(one.meta[name], other.meta[name]))


def _remove(data_dir: Path, entries: Iterable[Entry]) -> int:
    """Remove the files of entries that the catalogue no longer knows, and the folders that are empty then."""
    paths = {name for entry in entries for name in (entry.path, entry.reference) if name}
    removed = 0
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            (data_dir / path).unlink()
            removed += 1
    for folder in {(data_dir / path).parent for path in paths}:
        with contextlib.suppress(OSError):  # another record of that day came late
            folder.rmdir()
            folder.parent.rmdir()
    return removed
