"""An archive in memory: what a desk reads of the past, without files. Views and stacks are the real ones."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import numpy as np

from core.model.record import Kind, Record
from core.store.archive import Archive, View
from core.store.block import META, Block, empty_meta, joined
from core.store.stack import Heard, answered, quarantined
from core.units import InstantArray, micros

Key = tuple[Kind, str]


class MemoryArchive:
    """Records by kind and subject, oldest first."""

    def __init__(self) -> None:
        self._at: dict[Key, list[int]] = {}
        self._blocks: dict[Key, list[Block]] = {}

    def publish(self, record: Record) -> None:
        """Keep a record; it is the newest of its subject."""
        key, at = (record.kind, record.subject), micros(record.received_at)
        place = bisect_right(self._at.setdefault(key, []), at)
        self._at[key].insert(place, at)
        self._blocks.setdefault(key, []).insert(place, _block(record, at))

    def forget(self, kind: Kind, before: int) -> None:
        """Drop what was received before an instant."""
        for key in [key for key in self._at if key[0] is kind]:
            place = bisect_left(self._at[key], before)
            self._at[key], self._blocks[key] = self._at[key][place:], self._blocks[key][place:]
            if not self._at[key]:
                del self._at[key], self._blocks[key]

    def as_of(self, instants: Sequence[datetime]) -> View:
        """Return the real view of this archive."""
        return View(cast(Archive, self), np.array([micros(at) for at in instants], np.int64))

    def subjects(self, kind: Kind, start: int, until: int) -> tuple[str, ...]:
        return tuple(sorted(key[1] for key in self._at if key[0] is kind and self._within(key, start, until)))

    def block(self, kind: Kind, subject: str, start: int, until: int) -> Block:
        blocks = self._within((kind, subject), start, until)
        return joined(blocks) if blocks else Block(empty_meta(), {})

    def newest(self, kind: Kind, subject: str, start: int, until: int) -> Block:
        for block in reversed(self._within((kind, subject), start, until)):
            if block.meta["error"][0] is None:
                return block
        return Block(empty_meta(), {})

    def current(self, kind: Kind, subject: str, instants: InstantArray, lookback: int) -> Block:
        return answered(self.block(kind, subject, int(instants[0]) - lookback, int(instants[-1])))

    def asked(self, kind: Kind, subject: str, start: int, until: int) -> InstantArray:
        at = self._at.get((kind, subject), [])
        return np.array(at[bisect_left(at, start) : bisect_right(at, until)], np.int64)

    def heard(self, kind: Kind, start: int, until: int) -> tuple[Heard, ...]:
        names = ("source", "received_at", "first_at", "error")
        return tuple(
            Heard(subject, *(block.meta[name][0] for name in names), quarantined(block.meta["facts"][0]))
            for subject in self.subjects(kind, start, until)
            for block in self._within((kind, subject), start, until)
        )

    def _within(self, key: Key, start: int, until: int) -> list[Block]:
        at = self._at.get(key, [])
        return self._blocks.get(key, [])[bisect_left(at, start) : bisect_right(at, until)]


def _block(record: Record, at: int) -> Block:
    count = len(next(iter(record.rows.values()), ()))
    values: dict[str, Any] = {
        "received_at": at, "first_at": at, "issued_at": 0, "tie": int(hashlib.sha1(record.raw).hexdigest()[:15], 16),
        "count": count, "source": record.source, "facts": record.facts, "error": record.error, "digest": 0,
    }  # fmt: skip
    meta = {name: np.empty(1, kind) for name, kind in META.items()}
    for name, value in values.items():
        meta[name][0] = value
    return Block(meta, dict(record.rows) if count else {})
