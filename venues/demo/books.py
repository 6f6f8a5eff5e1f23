"""Order books of the exchange: they change when a maker requotes, and repeat byte for byte until then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha1

import numpy as np

from venues.demo.contracts import KALSHI
from venues.demo.events import NO, Event
from venues.demo.exchange import Exchange
from venues.demo.noise import key, uniforms, words

SLOT_MS = 180_000  # the makers of an event may requote once in each
_REQUOTES = 0.45  # chance that a bracket's book changes then
_PATIENCE = 12  # slots after which it changes anyway
_CHECK_MS = 7_200_000  # the tick is reconsidered every two hours
_FINE_BELOW, _FINE_ABOVE = 0.04, 0.96
_DEAD, _SURE = 0.0012, 0.9988  # beyond, one side of the book is empty
_LEAST_AT_TOUCH = 2_000  # hundredths of a share
_HOUR = 3_600_000
_FINE, _COARSE = 1, 10  # ticks [mills]
_NEVER = 2**62
_THIN = 3  # times less rests in a book of Kalshi
_ABSENT = 12  # one in so many of its books lacks a side
_LEAST_THIN = 300  # hundredths of a contract at its touch

Level = tuple[int, int]  # mills, hundredths of a share


@dataclass(frozen=True, slots=True)
class Book:
    """Bids and asks of YES, best first; NO is its mirror."""

    at: int  # millisecond of the last change
    tick: int  # mills
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    last: int | None  # mills of the last trade

    @property
    def bid(self) -> int | None:
        """Return the best bid [mills]."""
        return self.bids[0][0] if self.bids else None

    @property
    def ask(self) -> int | None:
        """Return the best ask [mills]."""
        return self.asks[0][0] if self.asks else None


class Books:
    """Books of one world; the unit that is computed is one bracket's book after one change."""

    def __init__(self, seed: int, exchange: Exchange) -> None:
        self._seed = seed
        self._exchange = exchange
        self._worth: Callable[[Event, int], list[float]] = lru_cache(maxsize=2048)(self._worth_of)
        self._book: Callable[[Event, int, int], Book] = lru_cache(maxsize=2048)(self._build)
        self._text: Callable[[Event, int, int, int], bytes] = lru_cache(maxsize=3072)(self._render)
        self._changes: Callable[[Event, int], tuple[int, ...]] = lru_cache(maxsize=512)(self._changes_of)
        self._fine_from: Callable[[Event], tuple[int, ...]] = lru_cache(maxsize=256)(self._fine_from_of)

    def book(self, event: Event, bracket: int, at: int) -> Book | None:
        """Return the book of YES at `at`; None before the first quote and after the close."""
        slot = self._slot(event, bracket, at)
        return None if slot is None else self._book(event, bracket, slot)

    def text(self, event: Event, bracket: int, side: int, at: int) -> bytes | None:
        """Return the book of a token as the exchange prints it."""
        slot = self._slot(event, bracket, at)
        return None if slot is None else self._text(event, bracket, side, slot)

    def worth(self, event: Event, at: int) -> list[float]:
        """Return where the makers see the brackets at the newest requote of the event."""
        return self._worth(event, max(at // SLOT_MS - 1, event.accepting // SLOT_MS + 1))

    def middle(self, event: Event, bracket: int, at: int) -> float:
        """Return a price [mills] for the record at `at`: of the newest requote, to half a tick, whatever was resting."""
        return _to_half_a_tick(self.worth(event, at)[bracket], self.tick(event, bracket, at))

    def middles(self, event: Event, at: int) -> list[float]:
        """Return `middle` of all brackets."""
        return [
            _to_half_a_tick(worth, _FINE if at >= fine_from else _COARSE)
            for worth, fine_from in zip(self.worth(event, at), self._fine_from(event), strict=True)
        ]

    def tick(self, event: Event, bracket: int, at: int) -> int:
        """Return the price step in mills: 1 from the first check at which a price is near 0 or 1, and ever after."""
        return _FINE if at >= self._fine_from(event)[bracket] else _COARSE

    def _slot(self, event: Event, bracket: int, at: int) -> int | None:
        if at >= event.closed:
            return None
        slot = at // SLOT_MS
        if self._instant(event, slot) > at:
            slot -= 1
        first = event.accepting // SLOT_MS + 1
        return max(self._changes(event, slot)[bracket], first) if slot >= first else None

    def _instant(self, event: Event, slot: int) -> int:
        return slot * SLOT_MS + key(self._seed, "requote", event.number, slot) % (SLOT_MS - 1000)

    def _changes_of(self, event: Event, slot: int) -> tuple[int, ...]:
        # the newest change of each bracket's book up to a slot; every `_PATIENCE` slots each changes anyway
        slots = slot - np.arange(_PATIENCE, dtype=np.int64)
        places = np.arange(len(event.brackets), dtype=np.int64)
        counters = slots[None, :] * 16 + places[:, None]
        due = (slots[None, :] + places[:, None]) % _PATIENCE == 0
        changed = (uniforms(key(self._seed, "change", event.number), counters) < _REQUOTES) | due
        return tuple((slot - changed.argmax(axis=1)).tolist())

    def _worth_of(self, event: Event, slot: int) -> list[float]:
        at = self._instant(event, slot)
        believed = self._exchange.probabilities(event, at)
        return [p + p * (1.0 - p) * self._exchange.flow(event, i, at) if 0.0 < p < 1.0 else p for i, p in enumerate(believed)]

    def _fine_from_of(self, event: Event) -> tuple[int, ...]:
        if event.contract.venue == KALSHI:
            return (_NEVER,) * len(event.brackets)
        never = event.closed
        out = [never] * len(event.brackets)
        for at in range(event.accepting, event.closed, _CHECK_MS):
            for place, p in enumerate(self._exchange.probabilities(event, at)):
                if out[place] == never and not _FINE_BELOW <= p <= _FINE_ABOVE:
                    out[place] = at
        return tuple(out)

    def _build(self, event: Event, bracket: int, slot: int) -> Book:
        at = self._instant(event, slot)
        worth = self._worth(event, slot)[bracket]
        tick = self.tick(event, bracket, at)
        luck = words(key(self._seed, "book", event.number, bracket, slot), np.arange(64, dtype=np.int64)).tolist()
        thin = event.contract.venue == KALSHI
        spread = _thin_spread(event, at, luck[0]) if thin else _spread(event, at, tick, worth, luck[0])
        bid, ask = _touch(worth, tick, spread, luck[1])
        if thin and luck[3] % _ABSENT == 0:
            bid, ask = (None, ask) if luck[3] & 64 else (bid, None)
        near = at > event.start - 30 * _HOUR
        bids = _side(bid, -1, tick, worth, near, luck[4:34], thin)
        asks = _side(ask, 1, tick, worth, near, luck[34:64], thin)
        traded = at - event.accepting > (luck[2] % 8) * _HOUR / (1.0 + 40.0 * worth)
        flow = self._exchange.flow(event, bracket, at)
        last = (ask or bid if flow > 0.0 else bid or ask) if traded else None
        return Book(at, tick, bids, asks, last)

    def _render(self, event: Event, bracket: int, side: int, slot: int) -> bytes:
        book = self._book(event, bracket, slot)
        bids, asks, last = book.bids, book.asks, book.last
        if side == NO:
            bids = tuple((1000 - mills, size) for mills, size in book.asks)
            asks = tuple((1000 - mills, size) for mills, size in book.bids)
            last = None if last is None else 1000 - last
        head = (
            f'{{"market":"{self._exchange.condition(event, bracket)}",'
            f'"asset_id":"{self._exchange.token(event, bracket, side)}","timestamp":"{book.at}","hash":"'
        )
        tail = (
            f'","bids":[{_levels(bids)}],"asks":[{_levels(asks)}],"min_order_size":"5",'
            f'"tick_size":"{"0.001" if book.tick == 1 else "0.01"}","neg_risk":true,'
            f'"last_trade_price":"{"" if last is None else f"{last / 1000:.3f}"}"}}'
        )
        return f"{head}{sha1((head + tail).encode(), usedforsecurity=False).hexdigest()}{tail}".encode()


def _to_half_a_tick(worth: float, tick: int) -> float:
    halves = int(worth * 2000.0 / tick + 0.5)
    return min(max(halves, 1), 2000 // tick - 1) * tick / 2.0


def price_text(mills: int) -> str:
    """Return a price as the exchange prints it, without trailing zeros."""
    return _PRICES[mills]


def _spread(event: Event, at: int, tick: int, worth: float, luck: int) -> int:
    # [mills]; wide two days ahead, narrow on the day; in tails a share of the price
    hours = (event.start - at) / _HOUR
    cents = (2 + luck % 3) if hours > 24 else (1 + luck % 4) if hours > 0 else (1 + (luck % 6) // 2)
    if tick == 10:
        return 10 * min(cents, 2) if worth < 0.06 or worth > 0.94 else 10 * cents
    tail = min(worth, 1.0 - worth)
    if tail > 0.08:
        return 10 * cents - luck % 7
    return max(1, int(tail * 1000 * (0.15 + (luck % 8) / 16.0)))


def _thin_spread(event: Event, at: int, luck: int) -> int:
    hours = (event.start - at) / _HOUR
    return 10 * ((3 + luck % 5) if hours > 6 else (2 + luck % 5) if hours > -10 else (1 + luck % 4))


def _touch(worth: float, tick: int, spread: int, luck: int) -> tuple[int | None, int | None]:
    if worth < _DEAD:
        nothing = luck % 8 == 0
        return None, None if nothing else max(tick, 1 + luck % 3)
    if worth > _SURE:
        return min(1000 - tick, 997 + luck % 3), None
    bid = int((worth * 1000.0 - spread / 2.0) / tick + 0.5) * tick
    ask = bid + max(spread // tick, 1) * tick
    if ask > 1000 - tick:
        return min(bid, 1000 - tick), None
    return (bid, ask) if bid >= tick else (None, ask)


def _side(
    best: int | None, direction: int, tick: int, worth: float, near: bool, luck: list[int], thin: bool
) -> tuple[Level, ...]:
    # from the touch outward: a few levels close by, then resting orders far away
    if best is None:
        return ()
    live = 0.02 < worth < 0.98
    count = 2 + luck[0] % 3 if thin else 5 + luck[0] % (7 if live else 3)
    share, least = (8 * _THIN, _LEAST_THIN) if thin else (4 if near else 8, _LEAST_AT_TOUCH)
    out = []
    mills = best
    for place in range(count):
        if not tick <= mills <= 1000 - tick:
            break
        word = luck[1 + place]
        size = _SIZES[word & 255] * (2 + place) // share
        if word & 256:
            size = size // 100 * 100
        out.append((mills, size + (least if place == 0 else least // 4)))
        gap = 1 + (word >> 16) % (2 if place < 3 else 6)
        mills += direction * tick * gap * (1 if tick == 10 or place < 2 else 2)
    return tuple(out)


def _levels(levels: tuple[Level, ...]) -> str:
    # the wire lists levels worst first
    return ",".join(
        [f'{{"price":"{_PRICES[mills]}","size":"{size_text(hundredths)}"}}' for mills, hundredths in reversed(levels)]
    )


def size_text(hundredths: int) -> str:
    """Return a size as the exchange prints it, without trailing zeros."""
    whole, rest = divmod(hundredths, 100)
    if rest == 0:
        return str(whole)
    return f"{whole}.{rest // 10}" if rest % 10 == 0 else f"{whole}.{rest:02d}"


_PRICES = [f"{mills / 1000:.3f}".rstrip("0").rstrip(".") for mills in range(1001)]
_SIZES = [int(100 * 12 * 2.0 ** (i / 34.0)) + i * 7 % 100 for i in range(256)]  # 12 to 2,200 shares
