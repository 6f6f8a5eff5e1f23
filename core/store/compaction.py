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
from core.store.block import META, Block, block_of, merged, without_doubles
from core.store.catalogue import Catalogue
from core.store.closed import subject_of_day, subjects_of_day
from core.store.encoding import Encoded, Entry, decoded, tie_of
from core.store.heads import subjects_in
from core.store.layout import closed_path, day_of
from core.store.parquet import write_day
from core.store.placing import give_back
from core.units import instant

_Subject = tuple[str, list[tuple[Encoded, int]]]


@dataclass(frozen=True, slots=True)
class Compaction:
    """What a compaction did."""

    days: tuple[date, ...]
    records: int
    files: int  # removed


def close_days(data_dir: Path, catalogue: Catalogue, before: date) -> Compaction:
    """Move what was received before a UTC day into closed days; what cannot be closed stays as it is, and the rest is closed.

    One subject is in memory at a time. A crash at any point leaves every record in one tier at least; what stands in both is
    read once. Nothing that readers get depends on the tier, so that each day and kind stands for itself.

    Raises:
        StoreError: some days of some kinds did not agree or could not be read; raised after all others are closed.
    """
    days: list[date] = []
    faults: list[str] = []
    n_records = n_files = 0
    for day, entries in _by_day(catalogue.before(before)):
        moved: list[Entry] = []
        for kind, own in _by_kind(entries):
            try:
                _close(data_dir, kind, day, own)
            except StoreError as error:
                faults.append(str(error))
            else:
                moved += own
        if moved:
            catalogue.move_on(entry.identity for entry in moved)
            gone = {entry.identity for entry in moved}
            n_files += _remove(data_dir, _paths(moved) - _paths(entry for entry in entries if entry.identity not in gone))
            days.append(day)
        give_back()
        n_records += len(moved)
    if faults:
        raise StoreError("; ".join(faults))
    return Compaction(tuple(days), n_records, n_files)


def _close(data_dir: Path, kind: Kind, day: date, entries: Sequence[Entry]) -> None:
    """Write the records of one kind and day beside those that are closed; the new file must hold what readers get of both."""
    path = closed_path(data_dir, kind, day)
    old = set(subjects_in(path)) if path.exists() else set()
    expected: dict[str, str] = {}

    def subjects() -> Iterator[_Subject]:
        for subject, own in groupby(sorted(entries, key=attrgetter("subject", "order")), key=attrgetter("subject")):
            listed = list(own)
            payloads = {name: _payload(data_dir, name) for name in dict.fromkeys(entry.path for entry in listed)}
            hot = merged([block_of(entry, payloads[entry.path]) for entry in listed])
            if subject in old:
                closed = subject_of_day(path, subject)
                hot = merged([closed, without_doubles(closed, hot)])
            expected[subject] = fingerprint(hot)
            yield subject, [(_own(entry, payloads[entry.path]), entry.first_at) for entry in listed]

    def check(new: Path) -> None:
        expected.update({subject: fingerprint(subject_of_day(path, subject)) for subject in old - expected.keys()})
        for subject, block, raw in subjects_of_day(new):
            told = expected.pop(subject, None)
            digests = [tie_of(hashlib.sha256(each).hexdigest()) for each in raw]
            if told != fingerprint(block) or digests != block.meta["digest"].tolist():
                raise StoreError(f"{path} would differ from the records of {subject}; the files of {day} stay as they are")
        if expected:
            raise StoreError(f"{path} would lack the records of {', '.join(expected)}; the files of {day} stay as they are")

    write_day(data_dir, kind, day, subjects(), check)


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
    try:
        return decoded((data_dir / path).read_bytes(), path)
    except OSError as error:
        raise StoreError(f"snapshot {path} cannot be read: {error.strerror}; its day stays as it is") from error


def _own(entry: Entry, found: Encoded) -> Encoded:
    """Return the record of an entry; its payload may be that of an earlier, equal one."""
    issued_at = instant(entry.issued_at) if entry.issued_at else None
    record = replace(found.record, received_at=instant(entry.received_at), issued_at=issued_at)
    return replace(found, record=record, identity=entry.identity)


def _paths(entries: Iterable[Entry]) -> set[str]:
    return {name for entry in entries for name in (entry.path, entry.reference) if name}


def _remove(data_dir: Path, paths: Iterable[str]) -> int:
    """Remove files that the catalogue no longer knows, and the folders that are empty then."""
    removed, paths = 0, set(paths)
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            (data_dir / path).unlink()
            removed += 1
    for folder in {(data_dir / path).parent for path in paths}:
        with contextlib.suppress(OSError):  # another record of that day came late
            folder.rmdir()
            folder.parent.rmdir()
    return removed
