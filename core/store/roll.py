"""Who was spoken of last: the newest answer about a subject, and the roll of all subjects by their newest receipt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter

from core.store.block import Block
from core.store.encoding import Entry


@dataclass(slots=True)
class Newest:
    """The newest answer about a subject; `entry` is a newer one that was not read yet."""

    block: Block
    path: str = ""  # of the payload, if it was hot
    entry: Entry | None = None
    asked: int = 0  # in which view

    @property
    def order(self) -> tuple[int, str, int]:
        if self.entry is not None:
            return self.entry.order
        meta = self.block.meta
        return int(meta["received_at"][0]), str(meta["source"][0]), int(meta["tie"][0])


def called(roll: dict[str, int], receipts: Mapping[str, int]) -> dict[str, int]:
    """Return a roll, oldest first, with some newer receipts in it; it is not sorted anew, since it grows with the years."""
    newer = {subject: max(at, roll.pop(subject, 0)) for subject, at in receipts.items()}
    late = bool(newer and roll) and min(newer.values()) < next(reversed(roll.values()))
    roll.update(sorted(newer.items(), key=itemgetter(1)))
    return dict(sorted(roll.items(), key=itemgetter(1))) if late else roll
