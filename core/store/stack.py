"""What a reader gets: the records of one subject end to end, or what is known of records without their rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from core.errors import LookaheadError
from core.model.record import Kind
from core.store.block import Block
from core.store.columns import SHAPES, filled
from core.store.encoding import Facts
from core.units import Columns, InstantArray, IntArray, instant

END_OF_TIME = 2**62


class Heard(NamedTuple):
    """What is known of a record without its rows."""

    subject: str
    source: str
    received_at: int
    first_at: int
    error: str | None
    quarantined: tuple[str, ...]  # what was left out of it, and why; of an answer that came before, nothing


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
    until: int = END_OF_TIME  # last instant of the view

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


def answered(block: Block) -> Block:
    """Return the records that are answers, not failed questions."""
    errors = block.meta["error"].tolist()
    if errors.count(None) == len(errors):
        return block
    return block.take(np.array([error is None for error in errors], dtype=bool))


def quarantined(facts: Any) -> tuple[str, ...]:
    """Return what was left out of a record; facts that never speak of it are not parsed for that."""
    if isinstance(facts, Facts) and b'"quarantined"' not in facts.json:
        return ()
    return tuple(map(str, facts.get("quarantined") or ()))


def stack_of(kind: Kind, subject: str, block: Block, until: int) -> Stack:
    meta = block.meta
    offsets = np.zeros(len(block) + 1, np.int64)
    meta["count"].cumsum(out=offsets[1:])
    own = block.columns if offsets[-1] else {}  # of records without rows no column is known, whatever others have
    absent = SHAPES.get(kind, {}).items()
    columns = {name: filled(stored, int(offsets[-1])) for name, stored in absent if name not in own} | own
    for values in (meta["received_at"], meta["first_at"], meta["issued_at"], offsets, *columns.values()):
        values.setflags(write=False)
    return Stack(
        kind, subject, meta["received_at"], meta["first_at"], meta["issued_at"], offsets, tuple(meta["source"].tolist()),
        tuple(meta["facts"].tolist()), tuple(meta["error"].tolist()), columns, meta["digest"], until,
    )  # fmt: skip
