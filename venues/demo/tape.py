"""Trades of both venues: takers meet the books as they stand, more of them as a day comes near its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from venues.demo.books import Books
from venues.demo.contracts import KALSHI
from venues.demo.events import NO, YES, Event
from venues.demo.exchange import Exchange
from venues.demo.noise import key, words

BLOCK_MS = 4 * 3_600_000
_KEPT = 2_048  # blocks
_RATES = (5.0, 1.6)  # trades in a block of a bracket in play, by venue; six times as many on its day
_ON_ITS_DAY = 6.0
_DEAD_SHARE = 0.05
_SIZES = (1.0, 2.0, 5.0, 5.0, 10.0, 12.5, 20.0, 25.0, 40.0, 60.37, 100.0, 250.0)  # shares that takers ask for


@dataclass(frozen=True, slots=True)
class Trade:
    """One taker meeting the touch of YES."""

    at: int  # ms
    mills: int  # price of YES
    hundredths: int
    buys: int  # what the taker got more of: YES lifts the ask of YES, NO hits its bid
    side: int  # token that changed hands, as the venue prints it
    number: int  # 64 bits that name it

    @property
    def lifts(self) -> bool:
        """Say whether the ask of YES was taken."""
        return self.buys == YES


class Tape:
    """Trades of one world; those of a bracket within four hours are the unit that is computed."""

    def __init__(self, seed: int, exchange: Exchange, books: Books) -> None:
        self._seed = seed
        self._exchange = exchange
        self._books = books
        self._block: Callable[[Event, int, int], tuple[Trade, ...]] = lru_cache(maxsize=_KEPT)(self._build)

    def between(self, event: Event, bracket: int, start: int, end: int) -> list[Trade]:
        """Return the trades of a bracket with start <= at < end (milliseconds), oldest first."""
        start, end = max(start, event.accepting), min(end, event.closed)
        if start >= end:
            return []
        blocks = range(start // BLOCK_MS, (end - 1) // BLOCK_MS + 1)
        return [trade for block in blocks for trade in self._block(event, bracket, block) if start <= trade.at < end]

    def newest(
        self, markets: Sequence[tuple[Event, int]], before: int, count: int
    ) -> list[tuple[Trade, Event, int]]:  # fmt: skip
        """Return the newest `count` trades of some brackets made before an instant, newest first; older ones are not computed."""
        if not markets:
            return []
        out: list[tuple[Trade, Event, int]] = []
        first = min(event.accepting for event, _ in markets) // BLOCK_MS
        for block in range((before - 1) // BLOCK_MS, first - 1, -1):
            out += [
                (trade, event, bracket)
                for event, bracket in markets
                if event.accepting // BLOCK_MS <= block <= (event.closed - 1) // BLOCK_MS
                for trade in self._block(event, bracket, block)
                if event.accepting <= trade.at < min(before, event.closed)
            ]
            if len(out) >= count:
                break
        out.sort(key=lambda row: (-row[0].at, row[0].number))
        return out[:count]

    def _build(self, event: Event, bracket: int, block: int) -> tuple[Trade, ...]:
        thin = event.contract.venue == KALSHI
        first = block * BLOCK_MS
        middle = min(max(first + BLOCK_MS // 2, event.accepting + 600_000), event.closed - 1)
        worth = self._books.worth(event, middle)[bracket]
        rate = _RATES[thin] * min(1.0, _DEAD_SHARE + 4.0 * worth * (1.0 - worth))
        if middle > event.start:
            rate *= _ON_ITS_DAY
        stream = key(self._seed, "tape", event.number, bracket)
        luck = words(stream, np.arange(block * 256, block * 256 + 1 + 3 * 64, dtype=np.int64)).tolist()
        count = min(int(rate * 2.0 * (luck[0] >> 11) * 2.0**-53 + 0.5), 64)
        out = []
        for n in range(count):
            place, taste, name = luck[1 + 3 * n : 4 + 3 * n]
            at = first + place % BLOCK_MS
            trade = self._trade(event, bracket, at, taste, name) if event.accepting < at < event.closed else None
            if trade is not None:
                out.append(trade)
        return tuple(sorted(out, key=lambda trade: (trade.at, trade.number)))

    def _trade(self, event: Event, bracket: int, at: int, taste: int, name: int) -> Trade | None:
        book = self._books.book(event, bracket, at)
        if book is None:
            return None
        lifts = taste & 1 == 0
        side = (book.asks or book.bids) if lifts else (book.bids or book.asks)
        if not side:
            return None
        lifts = side is book.asks
        mills, resting = side[0]
        wanted = int(_SIZES[(taste >> 1) % len(_SIZES)] * 100)
        token = NO if taste & 2048 else YES
        return Trade(at, mills, min(wanted, resting), YES if lifts else NO, token, name)
