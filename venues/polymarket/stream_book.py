"""One token's book on the market channel: a snapshot, its later changes, and whether the two still agree.

There are no sequence numbers. Each change carries the best prices and the hash of the book after it, or rather after
all changes of its millisecond, so that a burst is checked when it is over. A hash is that of the REST book of the
moment, which covers the last trade's price too. The channel may not have told that price yet, or never will: as it is
the last field of what is hashed, all prices there are can be tried for the cost of one hash of the levels.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from core.units import MICRO
from venues.numbers import micro_of, size_of
from venues.polymarket.clob import Book, parse_book
from venues.polymarket.stream_wire import Change, Message, Print, Snapshot, Tick, messages
from venues.spans import json_elements

MOST_CHANGES = 2_000  # after a book; then a new one is fetched
MOST_TRIES = 3  # to compute a hash of a book of which none could be computed
_USUAL_MIN_SIZE = "5"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a hash covers beside the levels; the channel does not send all of it."""

    tick: str = ""
    min_size: str = ""
    neg_risk: bool | None = None
    last: str = ""  # last_trade_price


LASTS = tuple(f"{mills / 1_000:.3f}" for mills in range(1_001))  # a last price is written with three decimals


def _summary(
    head: Mapping[str, str], bids: Sequence[tuple[str, str]], asks: Sequence[tuple[str, str]], terms: Terms
) -> hashlib._Hash:
    """Return the hash of a book up to its last price; levels as on the wire: worst first, numbers as they were written."""
    body = {
        "market": head["market"], "asset_id": head["asset_id"], "timestamp": head["timestamp"], "hash": "",
        "bids": [{"price": price, "size": size} for price, size in bids],
        "asks": [{"price": price, "size": size} for price, size in asks],
        "min_order_size": terms.min_size, "tick_size": terms.tick, "neg_risk": terms.neg_risk,
    }  # fmt: skip
    begun = json.dumps(body, separators=(",", ":"))[:-1] + ',"last_trade_price":"'
    return hashlib.sha1(begun.encode(), usedforsecurity=False)


def _ended(begun: hashlib._Hash, last: str) -> str:
    whole = begun.copy()
    whole.update(f'{last}"}}'.encode())
    return whole.hexdigest()


def early_hash(head: Mapping[str, str], bids: Sequence[tuple[str, str]], asks: Sequence[tuple[str, str]]) -> str:
    """Return the hash of a book as it was in 2024: no time and no terms."""
    body = {
        "market": head["market"], "asset_id": head["asset_id"], "hash": "",
        "bids": [{"price": price, "size": size} for price, size in bids],
        "asks": [{"price": price, "size": size} for price, size in asks],
    }  # fmt: skip
    return hashlib.sha1(json.dumps(body, separators=(",", ":")).encode(), usedforsecurity=False).hexdigest()


class Trust(StrEnum):
    """What a token's book is worth."""

    WAITING = "waiting"  # no book has come since the connection began
    GOOD = "good"
    BROKEN = "broken"  # it contradicts itself: a new book is needed


class TokenBook:
    """One token's book while a connection lasts."""

    def __init__(self, token: str) -> None:
        self.token, self.trust, self.reason = token, Trust.WAITING, ""
        self.terms = Terms()
        self._tries = 0
        self._proven = False  # a hash was computed: from then on one that differs is a contradiction
        self._base: Snapshot | None = None
        self._floor = 0  # older books cannot be completed: changes after them are gone
        self._changes: list[Change] = []
        self._known: Book | None = None  # what was found good, until something changes
        self._sides: dict[str, dict[int, tuple[str, str]]] = {"bids": {}, "asks": {}}
        self._lasts: deque[str] = deque(maxlen=4)

    def take(self, message: Message) -> None:
        """Take what the channel says, in its order."""
        if isinstance(message, Snapshot):
            self._rebase(message)
        elif isinstance(message, Change):
            self._change(message)
        elif isinstance(message, Print):
            self._lasts.append(message.price)
        elif isinstance(message, Tick):
            self.terms = replace(self.terms, tick=message.tick)
            self._break(f"its tick became {message.tick}")
        else:
            self._break(message.reason)

    def adopt(self, book: Snapshot) -> bool:
        """Take a book of REST where it can be carried on; return whether ours said something else of the same moment."""
        if self._base is None:
            self._learn(book.payload)
        if self._base is None or book.timestamp < self._floor:
            return False
        same_moment = self.trust is Trust.GOOD and book.timestamp == self._timestamp
        before = self._sides if same_moment and self.agrees() else None
        self._rebase(book)
        return before is not None and _sizes(before) != _sizes(self._sides)

    def agrees(self) -> bool:
        """Return whether the book has what the last change said of it."""
        if not self._changes:
            return True
        last = self._changes[-1]
        bids, asks = self._sides["bids"], self._sides["asks"]
        if last.best_bid is not None and last.best_bid != max(bids, default=0):
            return False
        # An empty side of sellers is said to begin at 1, or at 0.
        if last.best_ask is not None and last.best_ask != min(
            asks, default=last.best_ask if last.best_ask in (0, MICRO) else -1
        ):
            return False
        return not last.hash or self._proves(last.hash, last.timestamp) or not self._proven

    def book(self) -> Book | None:
        """Return the book; None where it is not to be trusted at this moment."""
        if self._known is None and self.trust is Trust.GOOD and self.terms.tick and self.agrees():
            self._known = self.levels()
        return self._known

    def levels(self) -> Book | None:
        """Return the book as it stands, trusted or not; None before there is one."""
        if self._base is None:
            return None
        last = self._changes[-1] if self._changes else self._base
        return parse_book({
            "asset_id": self.token, "timestamp": str(last.timestamp), "hash": last.hash,
            "tick_size": self.terms.tick or None, "min_order_size": self.terms.min_size or None,
            **{side: [{"price": price, "size": size} for price, size in self._wire(side)] for side in ("bids", "asks")},
        })  # fmt: skip

    def raw(self) -> list[bytes]:
        """Return the newest book and all later changes, as they came: the book can be built from them alone."""
        return [self._base.raw, *(change.raw for change in self._changes)] if self._base else []

    @property
    def _timestamp(self) -> int:
        return self._changes[-1].timestamp if self._changes else self._base.timestamp if self._base else 0

    def _change(self, change: Change) -> None:
        if self._base is None or change.timestamp < self._base.timestamp:
            return  # of before the book
        if change.timestamp == self._base.timestamp and change.hash and change.hash == self._base.hash:
            return  # already in it
        if self._changes and change.timestamp != self._changes[-1].timestamp and self.trust is Trust.GOOD and not self.agrees():
            self._break(f"after {self._changes[-1].timestamp} it is not what was said of it")
        self._changes.append(change)
        self._apply(change)
        if len(self._changes) > MOST_CHANGES:
            half = MOST_CHANGES // 2
            self._floor = self._changes[half - 1].timestamp
            del self._changes[:half]
            self._break(f"more than {MOST_CHANGES} changes since its book")

    def _rebase(self, book: Snapshot) -> None:
        """Start from a book; changes that came before it and are younger follow."""
        newer = [
            change for change in self._changes
            if change.timestamp > book.timestamp or (change.timestamp == book.timestamp and change.hash != book.hash)
        ]  # fmt: skip
        tick = str(book.payload.get("tick_size") or "")
        is_of_old_tick = bool(tick and self.terms.tick) and micro_of(tick) != micro_of(self.terms.tick)
        if is_of_old_tick and self.trust is Trust.BROKEN and book.timestamp <= self._timestamp:
            return
        self._learn(book.payload)
        self._known = None
        self._base, self._changes, self._floor = book, [], book.timestamp
        self._sides = {
            side: {
                micro_of(level["price"]): (str(level["price"]), str(level["size"])) for level in book.payload.get(side) or []
            }
            for side in ("bids", "asks")
        }
        self.trust, self.reason = Trust.GOOD, ""
        self._check_base(book)
        for change in newer:
            self._changes.append(change)
            self._apply(change)
        if newer and not self.agrees():
            self._break("the changes after its book do not lead to what was said")

    def _check_base(self, book: Snapshot) -> None:
        self._tries = 0
        proven = bool(book.hash) and self._proves(book.hash, book.timestamp)
        if book.hash and not proven and set(book.payload) >= _OWN_TERMS:
            self._break("its hash is not that of its levels")
        self._proven = proven

    def _apply(self, change: Change) -> None:
        self._known = None
        side = self._sides[change.side]
        if size_of(change.size) == 0:
            side.pop(change.price_micro, None)
        else:
            side[change.price_micro] = (change.price, change.size)

    def _break(self, reason: str) -> None:
        self._known = None
        if self.trust is not Trust.WAITING:
            self.trust, self.reason = Trust.BROKEN, reason

    def _learn(self, payload: Mapping[str, Any]) -> None:
        neg_risk = payload.get("neg_risk")
        self.terms = Terms(
            tick=str(payload.get("tick_size") or self.terms.tick),
            min_size=str(payload.get("min_order_size") or self.terms.min_size),
            neg_risk=neg_risk if isinstance(neg_risk, bool) else self.terms.neg_risk,
            last=str(payload["last_trade_price"]) if "last_trade_price" in payload else self.terms.last,
        )

    def _proves(self, wanted: str, timestamp: int) -> bool:
        """Return whether a hash is that of the levels, under any terms that may hold; the right ones are kept."""
        base = self._base
        assert base is not None
        if self._tries >= MOST_TRIES:
            return False  # a form that nobody knows
        head = {"market": str(base.payload.get("market") or ""), "asset_id": self.token, "timestamp": str(timestamp)}
        bids, asks = self._wire("bids"), self._wire("asks")
        for neg_risk in (False, True) if self.terms.neg_risk is None else (self.terms.neg_risk,):
            terms = replace(self.terms, min_size=self.terms.min_size or _USUAL_MIN_SIZE, neg_risk=neg_risk)
            begun = _summary(head, bids, asks, terms)
            for last in (terms.last, *reversed(self._lasts), *LASTS, ""):
                if _ended(begun, last) == wanted:
                    self.terms, self._proven, self._tries = replace(terms, last=last), True, 0
                    return True
        self._tries += not self._proven
        return early_hash(head, bids, asks) == wanted

    def _wire(self, side: str) -> list[tuple[str, str]]:
        return [level for _, level in sorted(self._sides[side].items(), reverse=side == "asks")]


_OWN_TERMS = frozenset({"min_order_size", "tick_size", "neg_risk", "last_trade_price"})


def rebuilt(raw: bytes) -> dict[str, Book]:
    """Return the books of a streamed record from its bytes alone."""
    books: dict[str, TokenBook] = {}
    for span, value in json_elements(raw, "polymarket streamed books"):
        for message in messages(span, {"event_type": "book", **value}):
            books.setdefault(message.token, TokenBook(message.token)).take(message)
    found = {token: book.levels() for token, book in books.items()}
    return {token: book for token, book in found.items() if book is not None}


def _sizes(sides: Mapping[str, Mapping[int, tuple[str, str]]]) -> dict[str, dict[int, int]]:
    return {side: {price: size_of(size) for price, (_, size) in levels.items()} for side, levels in sides.items()}
