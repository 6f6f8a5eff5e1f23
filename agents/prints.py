"""What others traded, as recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from core.model.event import Instrument, Side
from core.model.record import Kind
from core.store.archive import View
from core.units import MICRO, instant, micros


class Print(NamedTuple):
    """One trade of others, in the price of our token."""

    valid_at: int
    price_micro: int
    size_micro: int


def prints_of(view: View, instrument: Instrument, after: int, *, buys: bool) -> Iterator[Print]:
    """Yield the prints later than `after` whose takers bought (or sold) the instrument, oldest first.

    A taker who sells YES is one who buys NO. Records overlap: the same trade in two of them is one trade.
    """
    stack = view.stack(Kind.PRINTS, instrument.event_id, instant(after))
    is_yes = instrument.side is Side.YES
    taker = "yes" if is_yes == buys else "no"
    seen: Counter[tuple[int, int, int]] = Counter()
    for index in range(len(stack)):
        rows = stack.rows(index)
        mine = (rows["market_id"] == instrument.market_id) & (rows["taker"] == taker) & (rows["valid_at"] > after)
        columns = (np.asarray(rows[name])[mine].tolist() for name in ("valid_at", "yes_price_micro", "size_micro"))
        seen |= Counter(zip(*columns, strict=True))
    for valid_at, yes_price, size in sorted(seen.elements()):
        yield Print(valid_at, yes_price if is_yes else MICRO - yes_price, size)


@dataclass(frozen=True, slots=True)
class Tape:
    """The prints that were known at each instant of a view; nothing is read before somebody asks."""

    view: View

    def sold(self, instrument: Instrument, row: int, lookback: timedelta) -> Iterator[Print]:
        """Yield the prints of the last `lookback` before instant `row` whose takers sold the instrument, oldest first."""
        at = instant(int(self.view.instants[row]))
        known = self.view if int(self.view.instants[row]) == int(self.view.instants[-1]) else self.view.earlier([at])
        yield from prints_of(known, instrument, micros(at - lookback), buys=False)
