"""What the file of a closed day says of its records without their rows; whatever is wrong with it is a StoreError."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.errors import StoreError
from core.model.record import Kind
from core.store.layout import closed_days, closed_path, day_of
from core.store.runs import LOOK_BACK_DAYS, Run, Thread

_LOG = logging.getLogger("hermes.store")
_NAMES = ["subject", "source", "error", "received_at", "record", "content", "first_at"]
_COLUMNS = {*_NAMES, "issued_at", "rows", "sha256", "raw", "facts", "decoder"}


class Head(NamedTuple):
    """One record of a closed day."""

    thread: Thread
    received_at: int
    tie: int
    content: str
    first_at: int
    place: int  # of its first row in the file


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a damaged or foreign file causes into a StoreError that names it and the way out."""
    try:
        yield
    except (OSError, pa.ArrowException, LookupError, ValueError, TypeError, AttributeError) as error:
        raise StoreError(f"closed day {path} cannot be read: {error}; restore that file, or remove it") from error


def subjects_in(path: Path) -> Mapping[str, tuple[int, int]]:
    """Return first and last receipt of each subject of a closed day, from the foot of its file."""
    with reading(path):
        return _subjects_of(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=512)
def left_out(reason: str) -> None:
    """Say once that runs are counted without a closed day."""
    _LOG.warning("runs of equal content are counted without it: %s", reason)


@lru_cache(maxsize=512)
def _subjects_of(path: Path, changed: int) -> Mapping[str, tuple[int, int]]:
    schema: Any = pq.read_schema(path)
    lacking = _COLUMNS - set(schema.names)
    if lacking:
        raise ValueError(f"it has no {', '.join(sorted(lacking))}")
    found = orjson.loads((schema.metadata or {})[b"subjects"])
    return {name: (int(span[0]), int(span[1])) for name, span in found.items()}


def heads_of(path: Path, subjects: Collection[str]) -> list[Head]:
    """Return the records of some subjects of a closed day, in the order of the file."""
    if subjects_in(path).keys().isdisjoint(subjects):
        return []
    with reading(path):
        table: Any = pq.read_table(path, columns=_NAMES, memory_map=False)
        wanted: Any = pc.is_in(table["subject"], value_set=pa.array(sorted(subjects), pa.string()))
        here = pc.and_(wanted, pc.is_valid(table["content"]))
        columns = [table[name].filter(here).to_pylist() for name in _NAMES]
        places = np.flatnonzero(here.to_numpy()).tolist()
        return [
            Head((subject, source, error is None), received_at, tie, content, first_at, place)
            for subject, source, error, received_at, tie, content, first_at, place in zip(*columns, places, strict=True)
        ]


def spoken_of(data_dir: Path, kind: Kind, before: int) -> frozenset[str]:
    """Return the subjects of the closed days that a run going on at an instant can reach back to."""
    found: set[str] = set()
    for path in _in_reach(data_dir, kind, before):
        try:
            found |= subjects_in(path).keys()
        except StoreError as error:
            left_out(str(error))
    return frozenset(found)


def closed_end(data_dir: Path, kind: Kind, thread: Thread, before: int) -> Run | None:
    """Return the newest closed record of a thread received before an instant; a file that cannot be read is left out."""
    for path in _in_reach(data_dir, kind, before):
        try:
            if thread[0] not in subjects_in(path):
                continue
            mine = _newest(path, thread, before)
        except StoreError as error:
            left_out(str(error))
            continue
        if mine is not None:
            return mine
    return None


def _in_reach(data_dir: Path, kind: Kind, before: int) -> Iterator[Path]:
    """Yield the closed days that a run going on at an instant can reach back to, newest first."""
    last = day_of(before - 1)
    for day in reversed(closed_days(data_dir, kind)):
        if timedelta() <= last - day <= timedelta(days=LOOK_BACK_DAYS):
            yield closed_path(data_dir, kind, day)


def _newest(path: Path, thread: Thread, before: int) -> Run | None:
    subject, source, answered = thread
    with reading(path):
        wanted: Any = [("subject", "=", subject), ("received_at", "<", before)]
        table: Any = pq.read_table(path, columns=_NAMES, filters=wanted, memory_map=False)
        heads = table.filter(pc.is_valid(table["content"])).to_pydict()
        rows = zip(*(heads[name] for name in _NAMES), strict=True)
        mine = [Run(*row[3:]) for row in rows if row[1] == source and (row[2] is None) == answered]
        return mine[-1] if mine else None
