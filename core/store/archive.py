"""As-of reads over all records: the only way into the past."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import LookaheadError, StoreError
from core.model.record import Kind
from core.store.block import Block, block_of, joined, merged, without_doubles
from core.store.catalogue import Catalogue
from core.store.closed import ClosedDays
from core.store.columns import SHAPES, filled
from core.store.compaction import Compaction, close_days
from core.store.encoding import Encoded, Entry, decoded, tie_of
from core.store.shelf import Shelf
from core.store.snapshots import SnapshotStore
from core.units import Columns, InstantArray, IntArray, instant, micros

_LOG = logging.getLogger("hermes.store")
_DAY = 86_400_000_000
_END_OF_TIME = 2**62


@dataclass(frozen=True, slots=True)
class Stack:
    """All records of one (kind, subject) in a span, oldest received first, their rows end to end.

    Record i owns rows `offsets[i]:offsets[i + 1]` of every column. Arrays cannot be written to: they are shared.
    """

    kind: Kind
    subject: str
    received_at: InstantArray  # (n_records,)
    first_at: InstantArray  # (n_records,) when this very content was first received: an unchanged forecast keeps its age
    issued_at: InstantArray  # (n_records,) 0: not known
    offsets: IntArray  # (n_records + 1,)
    source: tuple[str, ...]
    facts: tuple[Mapping[str, Any], ...]
    error: tuple[str | None, ...]
    columns: Columns  # each (n_rows,)
    digest: IntArray | None = None  # (n_records,) of the raw bytes, to find them again
    until: int = _END_OF_TIME  # last instant of the view

    def __len__(self) -> int:
        return len(self.received_at)

    def newest(self, instants: InstantArray) -> IntArray:
        """Return the index of the newest record received by each instant, -1 where there is none."""
        asked = np.asarray(instants, np.int64)
        if asked.size and asked.max() > self.until:
            raise LookaheadError(f"{self.kind} {self.subject} is known up to {instant(self.until)}, not {instant(asked.max())}")
        return np.searchsorted(self.received_at, asked, side="right").astype(np.int64) - 1

    def rows(self, index: int) -> Columns:
        """Return the rows of one record."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"{self.kind} {self.subject} has {len(self)} records, no {index}")
        place = index % len(self)
        part = slice(int(self.offsets[place]), int(self.offsets[place + 1]))
        return {name: values[part] for name, values in self.columns.items()}


class View:
    """Everything received up to each instant, and nothing later."""

    def __init__(self, archive: Archive, instants: InstantArray) -> None:
        self._archive = archive
        self.instants = instants  # (n_instants,) ascending
        self._until = int(instants[-1])

    def subjects(self, kind: Kind, since: datetime) -> tuple[str, ...]:
        """Return, sorted, the subjects with a record of `kind` received in [since, last instant]."""
        return self._archive.subjects(kind, micros(since), self._until)

    def stack(self, kind: Kind, subject: str, since: datetime, *, sources: Sequence[str] = (), failed: bool = False) -> Stack:
        """Return the records received in [since, last instant]; failed questions only when asked for.

        Rows later than an earlier instant of the view are in it: use `newest` or `received_at` to stay honest per instant.
        """
        block = self._archive.block(kind, subject, micros(since), self._until)
        keep = np.ones(len(block), dtype=bool)
        if not failed:
            keep &= np.array([error is None for error in block.meta["error"]], dtype=bool)
        if sources:
            keep &= np.isin(block.meta["source"].astype(str), list(sources))
        return _stack(kind, subject, block if keep.all() else block.take(keep), self._until)

    def span(self, kind: Kind, subject: str, since: datetime, until: datetime) -> Stack:
        """Return the records received in [since, until], none later than the view, and keep none of them in memory.

        For single looks far back: `stack` would keep all that came since.
        """
        last = min(micros(until), self._until)
        block = self._archive.past(kind, subject, micros(since), last)
        keep = np.array([error is None for error in block.meta["error"]], dtype=bool)
        return _stack(kind, subject, block if keep.all() else block.take(keep), last)

    def raw(self, stack: Stack, index: int) -> bytes:
        """Return the bytes of one record as the service sent them."""
        if stack.digest is None:
            raise StoreError(f"this stack of {stack.kind} {stack.subject} was not read from an archive")
        return self._archive.raw(stack.kind, stack.subject, int(stack.received_at[index]), int(stack.digest[index]))


def _stack(kind: Kind, subject: str, block: Block, until: int) -> Stack:
    meta = block.meta
    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(meta["count"])))
    documented = {
        name: filled(stored, int(offsets[-1])) for name, stored in SHAPES.get(kind, {}).items() if name not in block.columns
    }
    columns = {**documented, **block.columns}
    for values in (meta["received_at"], meta["first_at"], meta["issued_at"], offsets, *columns.values()):
        values.flags.writeable = False
    return Stack(
        kind, subject, meta["received_at"], meta["first_at"], meta["issued_at"], offsets, tuple(meta["source"]),
        tuple(meta["facts"]), tuple(meta["error"]), columns, meta["digest"], until,
    )  # fmt: skip


class Archive:
    """Hot snapshots and closed days behind one call. A reader never writes; one process may share it between threads.

    What was asked for stays in memory and is extended by what comes in, so that a cycle costs the same after a month.
    """

    def __init__(self, data_dir: Path, store: SnapshotStore | None = None, *, memory_bytes: int = 96_000_000) -> None:
        self._data_dir, self._store, self._memory_bytes = data_dir, store, memory_bytes
        self._catalogue = store.catalogue if store else Catalogue(data_dir, readonly=True)
        self._closed = ClosedDays(data_dir, self._report)
        self._lock = threading.RLock()
        self._shelves: OrderedDict[tuple[Kind, str], Shelf] = OrderedDict()
        self._marks: dict[Kind, int] = {}
        self._reported: set[str] = set()
        self._generation = (-1, -1)
        self._seq = 0

    def as_of(self, instants: Sequence[datetime]) -> View:
        """Return what was known at each of the instants, given oldest first."""
        if not len(instants):
            raise LookaheadError("a view needs one instant at least")
        asked = np.array([micros(at) for at in instants], np.int64)
        if (np.diff(asked) < 0).any():
            raise LookaheadError("the instants of a view must ascend: a later one would leak into an earlier one")
        with self._lock:
            self._refresh()
        return View(self, asked)

    def subjects(self, kind: Kind, start: int, until: int) -> tuple[str, ...]:
        """Return, sorted, who has a record received in [start, until]."""
        with self._lock:
            return tuple(sorted(self._catalogue.subjects(kind, start, until) | self._closed.subjects(kind, start, until)))

    def block(self, kind: Kind, subject: str, start: int, until: int) -> Block:
        """Return the records of one subject received in [start, until]."""
        with self._lock:
            shelf = self._shelves.get((kind, subject))
            if shelf is None or start < shelf.start:
                shelf = self._shelves[kind, subject] = self._load(kind, subject, start)
            self._shelves.move_to_end((kind, subject))
            self._extend_closed(shelf, kind, subject, until)
            return shelf.between(start, until)

    def past(self, kind: Kind, subject: str, start: int, until: int) -> Block:
        """Return the records of one subject received in [start, until], read from where they lie."""
        with self._lock:
            hot = merged(self._hot(self._catalogue.entries(kind, subject, start, until + 1, self._seq)))
            closed = self._closed.blocks(kind, subject, start, until)
            if not closed:
                return hot
            days = joined(closed)
            return merged([days, without_doubles(days, hot)]) if len(hot) else days

    def raw(self, kind: Kind, subject: str, received_at: int, digest: int) -> bytes:
        """Return the raw bytes of one record."""
        for entry in self._catalogue.entries(kind, subject, received_at, received_at + 1, _END_OF_TIME):
            if tie_of(entry.sha256) == digest:
                with contextlib.suppress(FileNotFoundError):
                    return self._read(entry.path).record.raw
        return self._closed.raw(kind, subject, received_at, digest)

    def close_days(self, before: date) -> Compaction:
        """Move what was received before a UTC day into closed days; the writer alone may ask for it.

        What is kept in memory stays: the records are the same, only where they lie has changed.
        """
        if self._store is None:
            raise StoreError("only the process that writes the snapshots may close their days")
        with self._lock:
            self._refresh()
            done = close_days(self._data_dir, self._catalogue, before)
            self._generation = self._catalogue.generation()
            self._marks = {kind: self._closed.mark(kind) for kind in self._marks}
        return done

    def close(self) -> None:
        """Let go of the catalogue, unless it is the writer's."""
        if self._store is None:
            self._catalogue.close()

    def _refresh(self) -> None:
        """Take in what was published since the last view; start anew where the index or a closed day was rewritten."""
        generation = self._catalogue.generation()
        if generation != self._generation:
            self._generation, self._seq = generation, 0
            self._shelves.clear()
        for kind, mark in self._marks.items():
            if self._closed.mark(kind) != mark:
                for key in [key for key in self._shelves if key[0] == kind]:
                    del self._shelves[key]
        self._marks = {kind: self._closed.mark(kind) for kind in {key[0] for key in self._shelves}}
        if not self._shelves:
            self._seq = self._catalogue.last()
            return
        self._forget()
        self._seq, entries = self._catalogue.after(self._seq)
        new: dict[tuple[Kind, str], list[Entry]] = {}
        for entry in entries:
            key = (Kind(entry.kind), entry.subject)
            if key in self._shelves and entry.received_at >= self._shelves[key].start:
                new.setdefault(key, []).append(entry)
        for key, arrived in new.items():
            self._shelves[key].add(self._hot(arrived))

    def _load(self, kind: Kind, subject: str, start: int) -> Shelf:
        shelf = Shelf(kind, start)
        self._marks.setdefault(kind, self._closed.mark(kind))
        self._forget()
        shelf.add(self._hot(self._catalogue.entries(kind, subject, start, _END_OF_TIME, self._seq)))
        return shelf

    def _extend_closed(self, shelf: Shelf, kind: Kind, subject: str, until: int) -> None:
        """Add closed days up to `until`, and the rest of its day: a backtest walks on day by day."""
        if until < shelf.closed_until:
            return
        stop = (until // _DAY + 1) * _DAY
        blocks = self._closed.blocks(kind, subject, shelf.closed_until, stop - 1)
        if blocks:
            shelf.add_closed(blocks)
        shelf.closed_until = stop

    def _hot(self, entries: Sequence[Entry]) -> list[Block]:
        """Read the files of some entries, each payload once."""
        blocks: list[Block] = []
        read: dict[str, Encoded] = {}
        for entry in entries:
            try:
                if entry.path not in read:
                    read = {entry.path: self._read(entry.path)}
                blocks.append(block_of(entry, read[entry.path]))
            except StoreError as error:
                self._report(entry.path, str(error))
            except FileNotFoundError:
                if not self._closed.has(Kind(entry.kind), entry.received_at):
                    self._report(entry.path, "the file is gone")
        return blocks

    def _read(self, path: str) -> Encoded:
        if self._store is not None:
            return self._store.load(path)
        return decoded((self._data_dir / path).read_bytes(), path)

    def _report(self, path: str, reason: str) -> None:
        """Say once that a file is damaged; the writer also moves it aside."""
        if path in self._reported:
            return
        self._reported.add(path)
        if self._store is not None and path.startswith("snapshots/"):
            self._catalogue.quarantine(path, reason)
        else:
            _LOG.warning("%s is left out: %s", path, reason)

    def _forget(self) -> None:
        """Drop what was not asked for longest, when all of it takes too much memory."""
        size = sum(shelf.nbytes for shelf in self._shelves.values())
        while size > self._memory_bytes and len(self._shelves) > 1:
            _, shelf = self._shelves.popitem(last=False)
            size -= shelf.nbytes

    @property
    def nbytes(self) -> int:
        """Return about how much memory the kept records take."""
        with self._lock:
            return sum(shelf.nbytes for shelf in self._shelves.values())
