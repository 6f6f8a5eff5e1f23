"""Several records of one subject as arrays, and how such arrays are joined, cut and kept growing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import StoreError
from core.store.columns import DTYPES, dtype_name, filled
from core.store.encoding import NO_FACTS, Encoded, Entry, Facts, tie_of
from core.units import BoolArray, Columns, IntArray

# Per record: instants, the tie breaker among records of one source and instant, and what holds once for its rows.
META: dict[str, np.dtype[Any]] = {
    "received_at": DTYPES["int64"], "first_at": DTYPES["int64"], "issued_at": DTYPES["int64"], "tie": DTYPES["int64"],
    "count": DTYPES["int64"], "source": DTYPES["str"], "facts": DTYPES["str"], "error": DTYPES["str"],
    "digest": DTYPES["int64"],
}  # fmt: skip
_OBJECT = 50  # bytes of a Python text beside its letters


@dataclass(frozen=True, slots=True)
class Block:
    """Records in the order of a stack; record i owns `meta["count"][i]` rows, end to end."""

    meta: Columns
    columns: Columns

    def __len__(self) -> int:
        return len(self.meta["received_at"])

    def take(self, keep: BoolArray | IntArray) -> Block:
        """Return some of the records, in the order asked for."""
        index = np.flatnonzero(keep) if keep.dtype == bool else keep
        counts = self.meta["count"]
        starts = np.concatenate(([0], np.cumsum(counts)))[:-1]
        wanted = counts[index]
        ends = np.cumsum(wanted)
        rows = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts[index] - (ends - wanted), wanted)
        return Block({k: v[index] for k, v in self.meta.items()}, {k: v[rows] for k, v in self.columns.items()})


def block_of(entry: Entry, found: Encoded) -> Block:
    """Return one record as a block; the payload may be that of an earlier, equal record."""
    record = found.record
    count = len(next(iter(record.rows.values()), ()))
    facts = record.facts if isinstance(record.facts, Facts) else NO_FACTS
    numbers = np.array(
        (entry.received_at, entry.first_at, entry.issued_at, tie_of(entry.identity), count, tie_of(entry.sha256)), np.int64
    )
    words = np.empty(3, DTYPES["str"])
    words[0], words[1], words[2] = entry.source, facts, entry.error
    meta = {
        "received_at": numbers[0:1], "first_at": numbers[1:2], "issued_at": numbers[2:3], "tie": numbers[3:4],
        "count": numbers[4:5], "source": words[0:1], "facts": words[1:2], "error": words[2:3], "digest": numbers[5:6],
    }  # fmt: skip
    return Block(meta, record.rows if count else {})  # closed days do not know of columns without rows either


def again(entry: Entry, before: Block) -> Block:
    """Return a record whose payload is that of an earlier one, which is a block of its own."""
    values = entry.received_at, entry.first_at, entry.issued_at, tie_of(entry.identity), entry.source, entry.error
    meta = {name: before.meta[name] for name in META}
    for name, value in zip(("received_at", "first_at", "issued_at", "tie", "source", "error"), values, strict=True):
        meta[name] = np.empty(1, META[name])
        meta[name][0] = value
    return Block(meta, before.columns)


def text_bytes(column: NDArray[Any]) -> int:
    """Return about how much memory the texts of a column take; equal ones are one."""
    return sum(len(word) + _OBJECT for word in set(column.tolist())) if column.dtype.kind == "O" else 0


def joined(blocks: Sequence[Block]) -> Block:
    """Return blocks end to end; a column that one of them lacks is filled with "no value"."""
    if len(blocks) == 1:
        return blocks[0]
    meta = {name: np.concatenate([block.meta[name] for block in blocks]) for name in META} if blocks else empty_meta()
    columns: Columns = {}
    for name in dict.fromkeys(name for block in blocks for name in block.columns):
        stored = one_type(name, [block.columns[name] for block in blocks if name in block.columns])
        parts = [
            block.columns[name] if name in block.columns else filled(stored, int(block.meta["count"].sum())) for block in blocks
        ]
        columns[name] = np.concatenate(parts).astype(DTYPES[stored], copy=False)
    return Block(meta, columns)


def empty_meta() -> Columns:
    """Return the meta columns of no record."""
    return {name: np.empty(0, dtype) for name, dtype in META.items()}


def one_type(name: str, columns: Sequence[NDArray[Any]]) -> str:
    """Return the type that holds all of these columns: whole numbers may become floats, nothing else mixes."""
    kinds = {dtype_name(values) for values in columns}
    if kinds == {"int64", "float64"}:
        return "float64"
    if len(kinds) != 1:
        raise StoreError(f"column {name!r} is {' here and '.join(sorted(kinds))} there; one name has one type")
    return kinds.pop()


def merged(blocks: Sequence[Block]) -> Block:
    """Return blocks in the order of a stack, records that stand in two tiers once."""
    block = joined(blocks)
    meta = block.meta
    if len(block) < 2:
        return block
    order = np.lexsort((meta["tie"], meta["source"].astype(str), meta["received_at"]))
    return block if np.array_equal(order, np.arange(len(order))) else block.take(order)


def without_doubles(closed: Block, hot: Block) -> Block:
    """Return the hot records that the closed day does not hold yet."""
    names = ("received_at", "source", "tie")
    known = set(zip(*(closed.meta[name].tolist() for name in names), strict=True))
    here = zip(*(hot.meta[name].tolist() for name in names), strict=True)
    return hot.take(np.array([key not in known for key in here], dtype=bool)) if known and len(hot) else hot


class Growing:
    """An array that grows at its end; what was handed out before never changes."""

    __slots__ = ("_shown", "_values", "size")

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._take(np.empty(16, dtype))
        self.size = 0

    def _take(self, values: NDArray[Any]) -> None:
        self._values, self._shown = values, values.view()
        self._shown.flags.writeable = False

    @property
    def values(self) -> NDArray[Any]:
        return self._values[: self.size]

    def extend(self, more: NDArray[Any]) -> None:
        needed = self.size + len(more)
        if needed > len(self._values):
            roomy = np.empty(max(needed, len(self._values) * 5 // 4), self._values.dtype)
            roomy[: self.size] = self.values
            self._take(roomy)
        self._values[self.size : needed] = more
        self.size = needed

    def replace(self, values: NDArray[Any]) -> None:
        """Start anew with a copy: old views keep the old memory."""
        self._take(values.copy())
        self.size = len(values)

    def part(self, start: int, stop: int) -> NDArray[Any]:
        """Return a view that cannot be written to."""
        return self._shown[start:stop]

    @property
    def nbytes(self) -> int:
        return int(self._values.nbytes)
