"""The records of one (kind, subject) that are kept in memory: extended at the end, trimmed at the start."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.model.record import Kind
from core.store.block import META, Block, Growing, joined, merged, one_type, text_bytes, without_doubles
from core.store.columns import DTYPES, SHAPES, dtype_name, filled

_READS_OF_AN_EPOCH = 32
_SMALL = 64


class Shelf:
    """Records received from `start` on: closed days before `closed_until`, and all hot ones. Arrays only grow."""

    def __init__(self, kind: Kind, start: int) -> None:
        self.start = start
        self.closed_until = start
        self._meta = {name: Growing(dtype) for name, dtype in META.items()}
        self._offsets = Growing(DTYPES["int64"])
        self._offsets.extend(np.zeros(1, np.int64))
        self._columns = {name: Growing(DTYPES[stored]) for name, stored in SHAPES.get(kind, {}).items()}
        self._texts = 0
        self.nbytes = 0  # about how much memory this takes
        self.asked = 0  # in which view
        self._reads, self._since, self._since_before = 0, start, start

    def __len__(self) -> int:
        return self._meta["received_at"].size

    @property
    def last(self) -> int:
        """Return when the newest of its records was received, -1: there is none."""
        return int(self._meta["received_at"].values[-1]) if len(self) else -1

    def add(self, blocks: Sequence[Block]) -> None:
        """Put records where they belong; nearly always that is the end."""
        new = merged(blocks)
        if not len(new):
            return
        if len(self):
            received = self._meta["received_at"].values
            if new.meta["received_at"][0] <= received[-1]:
                place = int(np.searchsorted(received, new.meta["received_at"][0], side="left"))
                tail = self.block(place, len(self))
                self._cut(place)
                new = merged([tail, new])
        self._extend(new)

    def add_closed(self, blocks: Sequence[Block]) -> None:
        """Put closed days before or between hot records; what both tiers hold is kept once."""
        closed = joined(blocks)
        received = self._meta["received_at"].values
        first, last = closed.meta["received_at"][0], closed.meta["received_at"][-1]
        if not len(received) or first > received[-1]:
            self._extend(merged([closed]))
            return
        place, stop = int(np.searchsorted(received, first, "left")), int(np.searchsorted(received, last, "right"))
        between, tail = self.block(place, stop), self.block(stop, len(self))
        self._cut(place)
        self._extend(merged([closed, without_doubles(closed, between)]))
        self._extend(tail)

    def block(self, start: int, stop: int) -> Block:
        """Return records `start` to `stop` as views."""
        first, last = int(self._offsets.values[start]), int(self._offsets.values[stop])
        return Block(
            {name: array.part(start, stop) for name, array in self._meta.items()},
            {name: array.part(first, last) for name, array in self._columns.items()},
        )

    def between(self, start: int, until: int) -> Block:
        """Return the records received in [start, until] as views; remember what was asked for."""
        received = self._meta["received_at"].values
        first, stop = int(received.searchsorted(start, "left")), int(received.searchsorted(until, "right"))
        block = self.block(first, max(first, stop))
        self._note(start)
        return block

    def _note(self, start: int) -> None:
        """Trim what nobody asked for in a whole epoch of reads, once it is the larger part."""
        self._since = start if self._reads == 0 else min(self._since, start)
        self._reads += 1
        if self._reads < _READS_OF_AN_EPOCH:
            return
        oldest = min(self._since, self._since_before)
        self._reads, self._since_before = 0, self._since
        place = int(np.searchsorted(self._meta["received_at"].values, oldest, "left"))
        if place > _SMALL and place * 2 > len(self):
            kept = self.block(place, len(self))
            self._cut(0)
            self._extend(kept)
            self.start = max(self.start, oldest)

    def _cut(self, length: int) -> None:
        rows = int(self._offsets.values[length])
        for array in self._meta.values():
            array.replace(array.values[:length])
        for array in self._columns.values():
            array.replace(array.values[:rows])
        self._offsets.replace(self._offsets.values[: length + 1])
        self._texts = 0
        self._weigh(self.block(0, length))

    def _extend(self, block: Block) -> None:
        rows = int(self._offsets.values[-1])
        for name, values in block.columns.items():
            self._columns[name] = self._roomy(name, values.dtype.kind, rows, block)
        count = int(block.meta["count"].sum())
        for name, array in self._columns.items():
            array.extend(block.columns[name] if name in block.columns else filled(dtype_name(array.values), count))
        for name, array in self._meta.items():
            array.extend(block.meta[name])
        self._offsets.extend(rows + np.cumsum(block.meta["count"]))
        self._weigh(block)

    def _weigh(self, block: Block) -> None:
        facts = {id(facts): len(facts.json) for facts in block.meta["facts"].tolist()}
        self._texts += sum(facts.values()) + sum(text_bytes(values) for values in block.columns.values())
        arrays = (*self._meta.values(), *self._columns.values(), self._offsets)
        self.nbytes = self._texts + sum(array.nbytes for array in arrays)

    def _roomy(self, name: str, kind: str, rows: int, block: Block) -> Growing:
        """Return the array of a column, new or widened if this block brings something new."""
        present = self._columns.get(name)
        if present is not None and present.values.dtype.kind == kind:
            return present
        earlier = filled(dtype_name(block.columns[name]), rows) if present is None else present.values
        stored = one_type(name, [earlier, block.columns[name]])
        wide = Growing(DTYPES[stored])
        wide.extend(earlier.astype(DTYPES[stored]))
        return wide
