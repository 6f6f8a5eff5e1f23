"""Closes old days: hot files become one file a kind and day, verified record by record, and only then are removed."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import StoreError
from core.model.record import Kind
from core.store.block import META, Block, block_of, merged
from core.store.catalogue import Catalogue
from core.store.closed import subjects_of_day
from core.store.encoding import Encoded, Entry, decoded, tie_of
from core.store.layout import day_of
from core.store.parquet import give_back, write_day
from core.units import instant

Key = tuple[int, str, int]  # received at, source, tie


@dataclass(frozen=True, slots=True)
class Compaction:
    """What a compaction did."""

    days: tuple[date, ...]
    records: int
    files: int  # removed


def close_days(data_dir: Path, catalogue: Catalogue, before: date) -> Compaction:
    """Move what was received before a UTC day into closed days; StoreError, and nothing removed, when they do not agree.

    One subject is in memory at a time. A crash at any point leaves every record in one tier at least; what stands in both is
    read once.
    """
    days: list[date] = []
    n_records = n_files = 0
    for day, entries in _by_day(catalogue.before(before)):
        for kind, own in _by_kind(entries):
            _close(data_dir, kind, day, own)
        catalogue.move_on(entry.identity for entry in entries)
        n_files += _remove(data_dir, entries)
        give_back()
        days.append(day)
        n_records += len(entries)
    return Compaction(tuple(days), n_records, n_files)


def _close(data_dir: Path, kind: Kind, day: date, entries: Sequence[Entry]) -> None:
    """Write the records of one kind and day, then read them anew and compare them with what was written."""
    written: dict[str, tuple[list[Key], str]] = {}

    def subjects() -> Iterator[tuple[str, list[Encoded]]]:
        for subject, own in groupby(sorted(entries, key=attrgetter("subject", "order")), key=attrgetter("subject")):
            listed = list(own)
            payloads = {path: _payload(data_dir, path) for path in dict.fromkeys(entry.path for entry in listed)}
            hot = merged([block_of(entry, payloads[entry.path]) for entry in listed])
            written[subject] = _keys(hot), fingerprint(hot)
            yield subject, [_own(entry, payloads[entry.path]) for entry in listed]

    path = write_day(data_dir, kind, day, subjects())
    for subject, closed, raw in subjects_of_day(path):
        if subject not in written:
            continue
        keys, print_of_hot = written.pop(subject)
        place = {key: index for index, key in enumerate(_keys(closed))}
        found = np.array([place.get(key, -1) for key in keys], np.int64)
        sound = (found >= 0).all() and all(
            tie_of(hashlib.sha256(raw[index]).hexdigest()) == closed.meta["digest"][index] for index in found.tolist()
        )
        if not sound or fingerprint(closed.take(found)) != print_of_hot:
            raise StoreError(f"{path} differs from the records of {subject}; the files of {day} stay as they are")
    if written:
        raise StoreError(f"{path} has no records of {', '.join(written)}; the files of {day} stay as they are")


def _keys(block: Block) -> list[Key]:
    return list(zip(*(block.meta[name].tolist() for name in ("received_at", "source", "tie")), strict=True))


def fingerprint(block: Block) -> str:
    """Return a hash of everything that readers get of some records."""
    total = hashlib.sha256()
    for name in META:
        values = block.meta[name]
        total.update(b"".join(facts.json for facts in values) if name == "facts" else _bytes_of(values))
    for name in sorted(block.columns):
        if len(block.columns[name]):
            total.update(name.encode() + _bytes_of(block.columns[name]))
    return total.hexdigest()


def _bytes_of(values: NDArray[Any]) -> bytes:
    return repr(values.tolist()).encode() if values.dtype.kind == "O" else np.ascontiguousarray(values).tobytes()


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
