"""The CLOB answers: books (worst level first, text numbers, null sides) and the winner of a market."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np

from core.errors import WireError
from core.model.record import Kind, Record
from core.units import MICRO, Columns, instant, iso
from venues.numbers import NoNumber, micro_of, min_size_of, size_of, tick_of
from venues.polymarket.levels import Levels, plain_levels
from venues.records import failed, level_columns
from venues.sanity import crossed_fault, level_fault, quarantine, refuse_repeated, ticks_of
from venues.spans import joined, json_elements, json_value

DECODER = 1
TICK_MICRO, MIN_SIZE_MICRO = 10_000, 5 * MICRO  # weather's own, for bodies of 2024 that do not say
_SIDES = ("bid", "ask")

Spans = dict[str, list[tuple[bytes, Any]]]  # by token: the bytes and the value of its books


@dataclass(frozen=True, slots=True)
class Book:
    """One token's book, best level first in each side."""

    token: str
    bids: tuple[tuple[int, int], ...]  # (price, size) [micro]
    asks: tuple[tuple[int, int], ...]
    tick_micro: int | None  # None: what it says is none, that of the listing holds
    min_size_micro: int | None
    changed_at: str  # ISO, "" unknown: of the last change, a quiet book may be minutes old and right
    hash: str
    faults: tuple[str, ...] = ()  # levels and terms that are none, left out


def parse_book(payload: Mapping[str, Any]) -> Book:
    """Return the book of one token. A crossed book is a book; one that has no meaning is a WireError."""
    token = payload.get("asset_id")
    if not isinstance(token, str) or not token:
        raise WireError(f"polymarket /books: a book without asset_id ({str(payload)[:80]}); the bytes are kept")
    faults: list[str] = []
    try:
        bids, asks = _levels(payload.get("bids"), -1, faults), _levels(payload.get("asks"), 1, faults)
        head = _head_of(payload)
        return replace(head, bids=bids, asks=asks, faults=(*head.faults, *faults))
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"polymarket /books: the book of {token} has no meaning ({error}); the bytes are kept") from error


def _head_of(payload: Mapping[str, Any]) -> Book:
    """Return a book without its levels; a term that is none is named."""
    (tick, of_tick), (min_size, of_size) = (_term(payload, *each) for each in _TERMS)
    return Book(
        token=payload["asset_id"], bids=(), asks=(),
        tick_micro=tick, min_size_micro=min_size, changed_at=changed_at_of(payload.get("timestamp")),
        hash=str(payload.get("hash") or ""), faults=(*of_tick, *of_size),
    )  # fmt: skip


_TERMS: Sequence[tuple[str, Callable[[Any], int], int]] = (
    ("tick_size", tick_of, TICK_MICRO), ("min_order_size", min_size_of, MIN_SIZE_MICRO),
)  # fmt: skip


def _term(payload: Mapping[str, Any], name: str, read: Callable[[Any], int], usual: int) -> tuple[int | None, tuple[str, ...]]:
    value = payload.get(name)
    if value in (None, ""):
        return usual, ()
    try:
        return _read_term(read, value), ()
    except (TypeError, ValueError) as error:
        return None, (f"{name}: {error}; that of the listing holds",)


def read_books(answers: Sequence[bytes]) -> Spans:
    """Return bytes and value of each book by token; they come in no promised order."""
    spans: Spans = {}
    for raw in answers:
        for span, payload in json_elements(raw, "polymarket /books"):
            # A side that nobody stands on is an empty list; one that is not there was renamed.
            if isinstance(payload, dict) and isinstance(payload.get("asset_id"), str) and {"bids", "asks"} <= payload.keys():
                spans.setdefault(payload["asset_id"], []).append((span, payload))
            else:
                raise WireError(f"polymarket /books: an element is no book ({span[:60]!r}); the bytes are kept")
    return spans


def polled_records(spans: Spans, tokens_of: Mapping[str, Sequence[str]], received_at: datetime) -> list[Record]:
    """Return one `books` record per event. Tokens without a book are left out by the venue, thus absent from the facts."""
    found = {event_id: [part for token in tokens for part in spans.get(token, ())] for event_id, tokens in tokens_of.items()}
    listed = [payload for parts in found.values() for _, payload in parts]
    levels = plain_levels(listed) if len({payload["asset_id"] for payload in listed}) == len(listed) else None
    records = []
    nth = 0
    for event_id, parts in found.items():
        record = _plain_record(event_id, parts, levels, nth, received_at) if levels is not None else None
        records.append(record or _polled_record(event_id, parts, received_at))
        nth += len(parts)
    return records


def parse_winner(raw: bytes) -> bool | None:
    """Return whether YES won a market of `/markets/{condition_id}`; None while nobody has."""
    try:
        payload = json_value(raw)
        tokens = {str(token["outcome"]): bool(token["winner"]) for token in payload["tokens"]}
        closed = payload["closed"]
    except (ValueError, KeyError, TypeError) as error:
        raise WireError(f"polymarket /markets: unexpected shape ({error!r}); the bytes are kept") from error
    if closed is not True or set(tokens) != {"Yes", "No"} or sum(tokens.values()) != 1:
        return None
    return tokens["Yes"]


def _plain_record(
    event_id: str, found: Sequence[tuple[bytes, Any]], levels: Levels, nth: int, received_at: datetime
) -> Record | None:
    """Return the record of books that stand from the `nth` on in `levels`; None where something else is odd about one."""
    sides = slice(2 * nth, 2 * (nth + len(found)) + 1)
    starts = levels.starts[sides]
    heads, named = [], []
    try:
        for i, (_, payload) in enumerate(found, nth):
            heads.append(_head_of(payload))
            named += [f"{heads[-1].token}: {fault}" for fault in heads[-1].faults]
            bid, ask = levels.best(2 * i), levels.best(2 * i + 1)
            if bid is not None and ask is not None and bid >= ask:
                named.append(f"{heads[-1].token}: {crossed_fault([bid], [ask])}")
    except (TypeError, ValueError):
        return None
    counts = np.diff(starts)
    tokens = np.array([head.token for head in heads for _ in _SIDES], dtype=object)
    rows = {
        "token": np.repeat(tokens, counts),
        "side": np.repeat(np.array(_SIDES * len(heads), dtype=object), counts),
        "price_micro": levels.price_micro[starts[0] : starts[-1]].copy(),
        "size_micro": levels.size_micro[starts[0] : starts[-1]].copy(),
    }
    return _record(event_id, heads, rows, joined(span for span, _ in found), received_at, named)


def _polled_record(event_id: str, found: Sequence[tuple[bytes, Any]], received_at: datetime) -> Record:
    raw = joined(span for span, _ in found)
    try:
        refuse_repeated("polymarket /books: the book of token", (payload["asset_id"] for _, payload in found))
        return books_record(event_id, [parse_book(payload) for _, payload in found], raw, received_at)
    except WireError as malformed:
        return failed("polymarket", Kind.BOOKS, event_id, received_at, malformed, raw)


def books_record(event_id: str, books: Sequence[Book], raw: bytes, received_at: datetime, **more: Any) -> Record:
    """Return the `books` record of an event; what lies is named, a crossed book too."""
    named = [f"{book.token}: {fault}" for book in books for fault in (*book.faults, _crossed(book)) if fault]
    return _record(event_id, books, book_columns(books), raw, received_at, named, **more)


def _record(
    event_id: str, heads: Sequence[Book], rows: Columns, raw: bytes, received_at: datetime, named: Sequence[str], **more: Any
) -> Record:
    tokens = {
        head.token: {
            **{name: term for name, term in (("tick_micro", head.tick_micro), ("min_size_micro", head.min_size_micro)) if term},
            "changed_at": head.changed_at, "hash": head.hash,
        }
        for head in heads
    }  # fmt: skip
    return Record(
        source="polymarket", kind=Kind.BOOKS, subject=event_id, received_at=received_at, issued_at=None, raw=raw,
        rows=rows, facts={"tokens": tokens, **more, **quarantine(named)}, decoder=DECODER,
    )  # fmt: skip


def _crossed(book: Book) -> str:
    if not book.bids or not book.asks or book.bids[0][0] < book.asks[0][0]:
        return ""
    return crossed_fault([book.bids[0][0]], [book.asks[0][0]])


def book_columns(books: Sequence[Book]) -> Columns:
    """Return the columns of a `books` record, best level first in each token and side."""
    levels = [
        (book.token, side, price, size)
        for book in books
        for side, ladder in (("bid", book.bids), ("ask", book.asks))
        for price, size in ladder
    ]
    return level_columns(levels)


def _levels(side: Any, best: int, faults: list[str]) -> tuple[tuple[int, int], ...]:
    # The wire lists levels worst first and may say null for an empty side.
    levels: dict[int, int] = {}
    for level in side or []:
        try:
            price, size = micro_of(level["price"]), size_of(level["size"])
        except NoNumber as error:
            faults.append(str(error))
            continue
        if price in levels:
            raise ValueError(f"price {level['price']} stands twice in one side")
        if not 0 < price < MICRO or size <= 0:
            faults.append(level_fault(price, size))
            continue
        levels[price] = size
    return tuple(sorted(levels.items(), key=lambda level: best * level[0]))


@lru_cache(maxsize=256, typed=True)  # hundreds of books a cycle repeat a few ticks and sizes, and their last change
def _read_term(read: Callable[[Any], int], value: Any) -> int:
    return read(value)


@lru_cache(maxsize=4_096, typed=True)
def changed_at_of(timestamp: Any) -> str:
    """Return the instant of milliseconds as text, "" for none; ValueError where they name none."""
    return "" if timestamp in (None, "") else iso(instant(ticks_of(timestamp, 1_000) * 1_000))
