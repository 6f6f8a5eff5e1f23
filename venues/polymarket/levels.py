"""The levels of many books at once: texts to whole micros in a few array operations, where they are as plain as they mostly are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from core.units import MICRO, IntArray

MOST_WHOLE, MOST_PART = 9, 6  # digits before and after the point: fifteen in all, which a double holds exactly
_SIDES = ("bids", "asks")


@dataclass(frozen=True, slots=True)
class Levels:
    """Levels of books, best first in each side; side 2n holds the bids of book n, side 2n + 1 its asks."""

    price_micro: IntArray
    size_micro: IntArray
    starts: IntArray  # of each side, and the end of the last

    def best(self, side: int) -> int | None:
        """Return the best price of a side; None for an empty one."""
        start, stop = self.starts[side], self.starts[side + 1]
        return int(self.price_micro[start]) if start < stop else None


def plain_levels(payloads: Sequence[Mapping[str, Any]]) -> Levels | None:
    """Return the levels of some books; None where one of them is not plain: it has to be looked at alone."""
    prices: list[str] = []
    sizes: list[str] = []
    counts: list[int] = []
    try:
        for payload in payloads:
            for name in _SIDES:
                side = payload.get(name) or ()
                prices += [level["price"] for level in side]
                sizes += [level["size"] for level in side]
                counts.append(len(side))
    except (KeyError, TypeError):
        return None
    price, size = micros_of(prices), micros_of(sizes)
    if price is None or size is None or not ((price > 0) & (price < MICRO) & (size > 0)).all():
        return None
    side_of = np.repeat(np.arange(len(counts)), counts)
    rank = np.where(side_of % 2 == 0, -price, price)
    order = np.lexsort((rank, side_of))
    ranked = rank[order]
    if ((ranked[1:] == ranked[:-1]) & (side_of[1:] == side_of[:-1])).any():
        return None  # a price stands twice in one side
    return Levels(price[order], size[order], np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))


def micros_of(texts: Sequence[str]) -> IntArray | None:
    """Return decimal texts in millionths, exactly; None where one of them has a sign, an exponent or too many digits."""
    if not texts:
        return np.empty(0, np.int64)
    try:
        joined = ",".join(texts).encode("ascii")
        values = np.array(orjson.loads(b"[" + joined + b"]"), np.float64)
    except (TypeError, ValueError):
        return None
    if len(values) != len(texts) or joined.translate(None, b"0123456789.,"):
        return None
    letters = np.frombuffer(joined, np.uint8)
    commas, points = np.flatnonzero(letters == ord(",")), np.flatnonzero(letters == ord("."))
    begins, ends = np.concatenate([[0], commas + 1]), np.concatenate([commas, [len(letters)]])
    nth = np.minimum(np.searchsorted(points, begins), max(len(points) - 1, 0))
    found = points[nth] if len(points) else np.full(len(ends), len(letters))
    whole_ends = np.where((found >= begins) & (found < ends), found, ends)
    if (whole_ends - begins > MOST_WHOLE).any() or (ends - whole_ends - 1 > MOST_PART).any():
        return None
    return np.rint(values * MICRO).astype(np.int64)
