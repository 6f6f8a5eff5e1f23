"""As-of reads over all records: the only way into the past."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import takewhile
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import LookaheadError, StoreError
from core.model.record import Kind
from core.store.block import Block, again, block_of, joined, merged, without_doubles
from core.store.catalogue import Catalogue
from core.store.closed import ClosedDays
from core.store.compaction import Compaction, close_days
from core.store.encoding import Encoded, Entry, decoded, tie_of
from core.store.layout import start_of
from core.store.roll import Newest, called
from core.store.shelf import Shelf
from core.store.snapshots import SnapshotStore
from core.store.stack import END_OF_TIME, Heard, Stack, answered, quarantined, stack_of
from core.units import InstantArray, instant, micros

__all__ = ["Archive", "Heard", "Stack", "View"]
_LOG = logging.getLogger("hermes.store")
_DAY = 86_400_000_000
_UNASKED = 96  # records that come to a subject before what is kept of it is dropped
_LONG = 512  # views without a question, after which what is kept for it is dropped: events end
Key = tuple[Kind, str]


class View:
    """Everything received up to each instant, and nothing later."""

    def __init__(self, archive: Archive, instants: InstantArray) -> None:
        self._archive = archive
        self.instants = instants  # (n_instants,) ascending
        self._until = int(instants[-1])

    def earlier(self, instants: Sequence[datetime]) -> View:
        """Return what was known at earlier instants, given oldest first; ValueError for a later one than this view's last."""
        if micros(instants[-1]) > self._until:
            raise ValueError(f"{instants[-1]} lies after the view, which ends at {instant(self._until)}")
        return self._archive.as_of(instants)

    def subjects(self, kind: Kind, since: datetime) -> tuple[str, ...]:
        """Return, sorted, the subjects with a record of `kind` received in [since, last instant]."""
        return self._archive.subjects(kind, micros(since), self._until)

    def stack(self, kind: Kind, subject: str, since: datetime, *, sources: Sequence[str] = (), failed: bool = False) -> Stack:
        """Return the records received in [since, last instant]; failed questions only when asked for.

        Rows later than an earlier instant of the view are in it: use `newest` or `received_at` to stay honest per instant.
        """
        block = self._archive.block(kind, subject, micros(since), self._until)
        if not failed:
            block = answered(block)
        if sources:
            block = block.take(np.isin(block.meta["source"].astype(str), list(sources)))
        return stack_of(kind, subject, block, self._until)

    def newest(self, kind: Kind, subject: str, since: datetime) -> Stack:
        """Return the newest answered record received in [since, last instant]: a stack of one, or of none."""
        return stack_of(kind, subject, self._archive.newest(kind, subject, micros(since), self._until), self._until)

    def current(self, kind: Kind, subject: str, lookback: timedelta) -> Stack:
        """Return the newest answered record received by each instant of the view, none older than `lookback` before it."""
        block = self._archive.current(kind, subject, self.instants, lookback // timedelta(microseconds=1))
        return stack_of(kind, subject, block, self._until)

    def asked(self, kind: Kind, subject: str, since: datetime) -> InstantArray:
        """Return when records were received in [since, last instant], failed questions too, ascending."""
        return self._archive.asked(kind, subject, micros(since), self._until)

    def received(self, kind: Kind, since: datetime) -> Iterator[Stack]:
        """Yield, by subject, the answers received in [since, last instant], and keep none of them in memory."""
        for subject, block in self._archive.received(kind, micros(since), self._until):
            answers = answered(block)
            if len(answers):
                yield stack_of(kind, subject, answers, self._until)

    def heard(self, kind: Kind, since: datetime) -> tuple[Heard, ...]:
        """Return what was received after `since`, failed questions too, by subject and in the order of a stack."""
        return self._archive.heard(kind, micros(since) + 1, self._until)

    def span(self, kind: Kind, subject: str, since: datetime, until: datetime) -> Stack:
        """Return the records received in [since, until], none later than the view, and keep none of them in memory.

        For single looks far back: `stack` would keep all that came since.
        """
        last = min(micros(until), self._until)
        return stack_of(kind, subject, answered(self._archive.past(kind, subject, micros(since), last)), last)

    def raw(self, stack: Stack, index: int) -> bytes:
        """Return the bytes of one record as the service sent them."""
        if stack.digest is None:
            raise StoreError(f"this stack of {stack.kind} {stack.subject} was not read from an archive")
        return self._archive.raw(stack.kind, stack.subject, int(stack.received_at[index]), int(stack.digest[index]))


class Archive:
    """Hot snapshots and closed days behind one call. A reader never writes; one process may share it between threads.

    What was asked for stays in memory and is extended by what comes in, so that a cycle costs the same after a month.
    """

    def __init__(self, data_dir: Path, store: SnapshotStore | None = None, *, memory_bytes: int = 96_000_000) -> None:
        self._data_dir, self._store, self._memory_bytes = data_dir, store, memory_bytes
        self._catalogue = store.catalogue if store else Catalogue(data_dir, readonly=True)
        self._closed = ClosedDays(data_dir, self._report)
        self._lock = threading.RLock()
        self._shelves: OrderedDict[Key, Shelf] = OrderedDict()
        self._waiting: dict[Key, list[Entry]] = {}  # came for a shelf that was not asked since
        self._heads: OrderedDict[Key, Newest] = OrderedDict()
        self._rolls: dict[Kind, dict[str, int]] = {}  # newest receipt of each subject, oldest first
        self._marks: dict[Kind, int] = {}
        self._reported: set[str] = set()
        self._generation = (-1, -1)
        self._seq = self._views = 0

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
            roll = {} if self._closed.after(kind, until) else self._roll(kind)
            if not roll or next(reversed(roll.values())) > until:  # a view of the past
                return tuple(sorted(self._catalogue.subjects(kind, start, until) | self._closed.subjects(kind, start, until)))
            return tuple(sorted(subject for subject, _ in takewhile(lambda each: each[1] >= start, reversed(roll.items()))))

    def block(self, kind: Kind, subject: str, start: int, until: int) -> Block:
        """Return the records of one subject received in [start, until]."""
        with self._lock:
            shelf = self._shelves.get((kind, subject))
            if shelf is None or start < shelf.start:
                shelf = self._shelves[kind, subject] = self._load(kind, subject, start)
            elif (kind, subject) in self._waiting:
                shelf.add(self._hot(self._waiting.pop((kind, subject))))
            self._shelves.move_to_end((kind, subject))
            shelf.asked = self._views
            self._extend_closed(shelf, kind, subject, until)
            return shelf.between(start, until)

    def newest(self, kind: Kind, subject: str, start: int, until: int) -> Block:
        """Return the newest answer received in [start, until], a block of one record or of none."""
        with self._lock:
            head = self._head(kind, subject)
            if head is not None and head.meta["received_at"][0] <= until:
                return head if head.meta["received_at"][0] >= start else head.take(np.empty(0, np.int64))
            found = answered(self.block(kind, subject, start, until))
            found = found.take(np.arange(len(found))[-1:])
            if len(found) and self._shelves[kind, subject].last <= until and not self._closed.after(kind, until):
                self._heads[kind, subject] = Newest(found, asked=self._views)
            return found

    def current(self, kind: Kind, subject: str, instants: InstantArray, lookback: int) -> Block:
        """Return the newest answer received in [instant - lookback, instant] of each instant, read from where they lie."""
        start, until = int(instants[0]) - lookback, int(instants[-1])
        with self._lock:
            if self._closed.any(kind, start, until):
                return answered(self.block(kind, subject, start, until))
            heard = self._catalogue.entries(kind, subject, start, until + 1, self._seq)
            answers = [each for each in heard if each.error is None]
            place = np.unique(np.searchsorted([each.received_at for each in answers], instants, "right") - 1)
            found = self._hot(newest := [answers[i] for i in place.tolist() if i >= 0])
            return merged(found) if len(found) == len(newest) else answered(self.block(kind, subject, start, until))

    def asked(self, kind: Kind, subject: str, start: int, until: int) -> InstantArray:
        """Return when the records of one subject were received in [start, until], ascending."""
        with self._lock:
            if self._closed.any(kind, start, until):
                return np.asarray(self.block(kind, subject, start, until).meta["received_at"], np.int64)
            heard = self._catalogue.entries(kind, subject, start, until + 1, self._seq)
            return np.array([each.received_at for each in heard], np.int64)

    def received(self, kind: Kind, start: int, until: int) -> list[tuple[str, Block]]:
        """Return what was received in [start, until], by subject."""
        with self._lock:
            if self._closed.any(kind, start, until):
                return [(subject, self.block(kind, subject, start, until)) for subject in self.subjects(kind, start, until)]
            entries: dict[str, list[Entry]] = {}
            for entry in sorted(self._catalogue.heard(kind, start, until, self._seq), key=attrgetter("subject", "order")):
                entries.setdefault(entry.subject, []).append(entry)
            return [(subject, joined(self._hot(own))) for subject, own in entries.items()]

    def heard(self, kind: Kind, start: int, until: int) -> tuple[Heard, ...]:
        """Return what was received in [start, until], by subject and in the order of a stack."""
        with self._lock:
            if not self._closed.any(kind, start, until):
                entries = self._catalogue.heard(kind, start, until, self._seq)
                return tuple(self._heard(entry, start) for entry in sorted(entries, key=attrgetter("subject", "order")))
            blocks = self.received(kind, start, until)
        names = ("source", "received_at", "first_at", "error", "facts")
        return tuple(
            Heard(subject, source, received_at, first_at, error, quarantined(facts) if first_at >= start else ())
            for subject, block in blocks
            for source, received_at, first_at, error, facts in zip(*(block.meta[n].tolist() for n in names), strict=True)
        )

    def _heard(self, entry: Entry, start: int) -> Heard:
        facts: Any = {}
        if entry.first_at >= start:
            with contextlib.suppress(StoreError, FileNotFoundError):  # whoever asks for its rows reports it
                facts = self._store.facts(entry.path) if self._store else self._read(entry.path).record.facts
        return Heard(entry.subject, entry.source, entry.received_at, entry.first_at, entry.error, quarantined(facts))

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
        for entry in self._catalogue.entries(kind, subject, received_at, received_at + 1, END_OF_TIME):
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
            stop = start_of(before)  # files from then on stay
            for key in [key for key, came in self._waiting.items() if any(entry.received_at < stop for entry in came)]:
                self._shelves[key].add(self._hot(self._waiting.pop(key)))
            for key in [key for key, head in self._heads.items() if head.entry and head.entry.received_at < stop]:
                self._head(*key)
            try:
                return close_days(self._data_dir, self._catalogue, before)
            finally:
                self._generation = self._catalogue.generation()
                self._marks = {kind: self._closed.mark(kind) for kind in self._marks}

    def close(self) -> None:
        """Let go of the catalogue, unless it is the writer's."""
        if self._store is None:
            self._catalogue.close()

    def _refresh(self) -> None:
        """Take in what was published since the last view; start anew where the index or a closed day was rewritten."""
        generation = self._catalogue.generation()
        if generation != self._generation:
            self._generation, self._seq, self._marks = generation, 0, {}
            self._drop()
        for kind, mark in self._marks.items():
            if self._closed.mark(kind) != mark:
                self._drop(kind)
        self._marks = {kind: self._closed.mark(kind) for kind in self._marks}
        self._views += 1
        if not self._marks:
            self._seq = self._catalogue.last()
            return
        self._forget()
        self._seq, entries = self._catalogue.after(self._seq)
        came: dict[Kind, dict[str, int]] = {kind: {} for kind in self._rolls}
        for entry in entries:
            kind = Kind(entry.kind)
            self._note(entry, (kind, entry.subject))
            if kind in came:
                came[kind][entry.subject] = max(entry.received_at, came[kind].get(entry.subject, 0))
        for kind, receipts in came.items():
            self._rolls[kind] = called(self._rolls[kind], receipts)

    def _note(self, entry: Entry, key: Key) -> None:
        """Remember that a record came; it is read when somebody asks."""
        head, shelf = self._heads.get(key), self._shelves.get(key)
        if head is not None and entry.error is None and entry.order >= head.order:
            head.entry = entry
        if shelf is not None and entry.received_at >= shelf.start:
            waiting = self._waiting.setdefault(key, [])
            waiting.append(entry)
            if len(waiting) > _UNASKED:
                del self._shelves[key], self._waiting[key]

    def _drop(self, kind: Kind | None = None) -> None:
        """Forget what is kept in memory, of one kind or all."""
        for kept in (self._shelves, self._waiting, self._heads):
            for key in [key for key in kept if kind in (None, key[0])]:
                del kept[key]
        for each in [each for each in self._rolls if kind in (None, each)]:
            del self._rolls[each]

    def _roll(self, kind: Kind) -> dict[str, int]:
        """Return the newest receipt of each subject, oldest first."""
        if kind not in self._rolls:
            self._marks.setdefault(kind, self._closed.mark(kind))
            hot, closed = self._catalogue.newest_of(kind), self._closed.newest_of(kind)
            found = {subject: max(hot.get(subject, 0), closed.get(subject, 0)) for subject in {**closed, **hot}}
            self._rolls[kind] = dict(sorted(found.items(), key=itemgetter(1)))
        return self._rolls[kind]

    def _head(self, kind: Kind, subject: str) -> Block | None:
        """Return the newest answer about a subject, if it is kept."""
        head = self._heads.get((kind, subject))
        if head is None:
            return None
        self._heads.move_to_end((kind, subject))
        head.asked = self._views
        if head.entry is None:
            return head.block
        entry, head.entry = head.entry, None
        blocks = [again(entry, head.block)] if entry.path == head.path else self._hot([entry])
        if not blocks:
            del self._heads[kind, subject]
            return None
        head.block, head.path = blocks[0], entry.path
        return head.block

    def _load(self, kind: Kind, subject: str, start: int) -> Shelf:
        shelf = Shelf(kind, start)
        self._marks.setdefault(kind, self._closed.mark(kind))
        self._forget()
        shelf.add(self._hot(self._catalogue.entries(kind, subject, start, END_OF_TIME, self._seq)))
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
        """Drop what was not asked for long, and more of it when all takes too much memory."""
        asked_last = self._views - _LONG
        while self._heads and next(iter(self._heads.values())).asked < asked_last:
            self._heads.popitem(last=False)
        size = self.nbytes
        while len(self._shelves) > 1 and (size > self._memory_bytes or next(iter(self._shelves.values())).asked < asked_last):
            key, shelf = self._shelves.popitem(last=False)
            self._waiting.pop(key, None)
            size -= shelf.nbytes

    @property
    def nbytes(self) -> int:
        """Return about how much memory the kept records take."""
        with self._lock:
            return sum(map(attrgetter("nbytes"), self._shelves.values()))
