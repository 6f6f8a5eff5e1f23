"""The CLOB answers: books (worst level first, text numbers, null sides) and the winner of a market."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from core.errors import WireError
from core.model.record import Kind, Record
from core.units import MICRO, Columns, iso
from venues.spans import joined, json_elements

DECODER = 1
TICK_MICRO, MIN_SIZE_MICRO = 10_000, 5 * MICRO  # weather's own, for bodies of 2024 that do not say
_DIGITS = 6  # of a millionth
_PLAIN = re.compile(r"(\d{1,12})(?:\.(\d*))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Book:
    """One token's book, best level first in each side."""

    token: str
    bids: tuple[tuple[int, int], ...]  # (price, size) [micro]
    asks: tuple[tuple[int, int], ...]
    tick_micro: int
    min_size_micro: int
    changed_at: str  # ISO, "" unknown: of the last change, a quiet book may be minutes old and right
    hash: str


def parse_book(payload: Mapping[str, Any]) -> Book:
    """Return the book of one token. A crossed book is a book; one that has no meaning is a WireError."""
    token = payload.get("asset_id")
    if not isinstance(token, str) or not token:
        raise WireError(f"polymarket /books: a book without asset_id ({str(payload)[:80]}); the bytes are kept")
    try:
        return Book(
            token=token,
            bids=_levels(payload.get("bids"), best=-1),
            asks=_levels(payload.get("asks"), best=1),
            tick_micro=_micro(payload["tick_size"]) if payload.get("tick_size") else TICK_MICRO,
            min_size_micro=_micro(payload["min_order_size"]) if payload.get("min_order_size") else MIN_SIZE_MICRO,
            changed_at=_changed_at(payload.get("timestamp")),
            hash=str(payload.get("hash") or ""),
        )
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise WireError(f"polymarket /books: the book of {token} has no meaning ({error}); the bytes are kept") from error


def parse_books(answers: Sequence[bytes], tokens_of: Mapping[str, Sequence[str]], received_at: datetime) -> list[Record]:
    """Return one `books` record per event, from the answers that hold its tokens.

    Answers come in no promised order and leave out tokens without a book: those are absent from the facts too.
    """
    spans: dict[str, tuple[bytes, Any]] = {}
    for raw in answers:
        for span, payload in json_elements(raw, "polymarket /books"):
            if isinstance(payload, dict) and isinstance(payload.get("asset_id"), str):
                spans[payload["asset_id"]] = (span, payload)
            else:
                raise WireError(f"polymarket /books: an element is no book ({span[:60]!r}); the bytes are kept")
    return [_books_record(event_id, tokens, spans, received_at) for event_id, tokens in tokens_of.items()]


def parse_winner(raw: bytes) -> bool | None:
    """Return whether YES won a market of `/markets/{condition_id}`; None while nobody has."""
    try:
        payload = json.loads(raw)
        tokens = {str(token["outcome"]): bool(token["winner"]) for token in payload["tokens"]}
        closed = payload["closed"]
    except (ValueError, KeyError, TypeError) as error:
        raise WireError(f"polymarket /markets: unexpected shape ({error!r}); the bytes are kept") from error
    if closed is not True or set(tokens) != {"Yes", "No"} or sum(tokens.values()) != 1:
        return None
    return tokens["Yes"]


def _books_record(
    event_id: str, tokens: Sequence[str], spans: Mapping[str, tuple[bytes, Any]], received_at: datetime
) -> Record:
    found = [spans[token] for token in tokens if token in spans]
    books: list[Book] = []
    error: str | None = None
    try:
        books = [parse_book(payload) for _, payload in found]
    except WireError as malformed:
        books, error = [], str(malformed)
    facts = {
        "tokens": {
            book.token: {
                "tick_micro": book.tick_micro, "min_size_micro": book.min_size_micro,
                "changed_at": book.changed_at, "hash": book.hash,
            }
            for book in books
        }
    }  # fmt: skip
    return Record(
        source="polymarket", kind=Kind.BOOKS, subject=event_id, received_at=received_at, issued_at=None,
        raw=joined(span for span, _ in found), rows=book_columns(books), facts={} if error else facts, error=error,
        decoder=DECODER,
    )  # fmt: skip


def book_columns(books: Sequence[Book]) -> Columns:
    """Return the columns of a `books` record, best level first in each token and side."""
    levels = [
        (book.token, side, price, size)
        for book in books
        for side, ladder in (("bid", book.bids), ("ask", book.asks))
        for price, size in ladder
    ]
    return {
        "token": np.array([level[0] for level in levels], dtype=object),
        "side": np.array([level[1] for level in levels], dtype=object),
        "price_micro": np.array([level[2] for level in levels], np.int64),
        "size_micro": np.array([level[3] for level in levels], np.int64),
    }


def _levels(side: Any, best: int) -> tuple[tuple[int, int], ...]:
    # The wire lists levels worst first and may say null for an empty side.
    levels = {}
    for level in side or []:
        price, size = _micro(level["price"]), _size_micro(level["size"])
        if not 0 < price < MICRO:
            raise ValueError(f"price {level['price']} is not between 0 and 1")
        if price in levels:
            raise ValueError(f"price {level['price']} stands twice in one side")
        levels[price] = size
    return tuple(sorted(((price, size) for price, size in levels.items() if size > 0), key=lambda level: best * level[0]))


def _micro(value: Any) -> int:
    plain = _PLAIN.fullmatch(value) if isinstance(value, str) else None
    if plain is not None and len(plain[2] or "") <= _DIGITS:
        return _of_digits(plain)
    scaled = _decimal(value) * MICRO
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{value} has parts below one millionth")
    return int(scaled)


def _size_micro(value: Any) -> int:
    plain = _PLAIN.fullmatch(value) if isinstance(value, str) else None
    if plain is not None:
        return _of_digits(plain)
    size = _decimal(value)
    if size < 0:
        raise ValueError(f"size {value} is negative")
    return int(size * MICRO)  # what lies below a millionth of a share cannot be taken


def _of_digits(plain: re.Match[str]) -> int:
    # Thousands of levels in a cycle: whole numbers are exact too, and a third of the price of decimals.
    return int(plain[1] + (plain[2] or "")[:_DIGITS].ljust(_DIGITS, "0"))


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(f"{value!r} is no number")
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError(f"{value!r} is no number")
    return number


def _changed_at(timestamp: Any) -> str:
    if timestamp in (None, ""):
        return ""
    return iso(datetime.fromtimestamp(int(timestamp) / 1000, UTC))
