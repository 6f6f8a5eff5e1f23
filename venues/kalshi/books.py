"""Order books of Kalshi: bids of both sides only, in no promised order. An ask of one side is a bid of the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.errors import WireError
from core.model.record import Kind, Record
from core.units import MICRO, Columns, decimal_of
from venues.kalshi.wire import CENT_MICRO, DECODER, NO, SOURCE, YES, parse_page
from venues.numbers import micro_of, size_of, whole_of
from venues.records import level_columns
from venues.sanity import crossed_fault, level_fault, quarantine, refuse_repeated
from venues.spans import joined

Level = tuple[int, int]  # price, size [micro]


@dataclass(frozen=True, slots=True)
class Book:
    """The bids of one market, best first in each side, and what was left out of them."""

    ticker: str
    yes: tuple[Level, ...]
    no: tuple[Level, ...]
    quarantined: tuple[str, ...] = ()


def parse_book(payload: Mapping[str, Any], ticker: str) -> Book:
    """Return the book of one market; WireError when it has no meaning or shows a price twice in one side."""
    book = _book(payload, ticker)
    try:
        (yes, left_of_yes), (no, left_of_no) = (_levels(_side(book, name), f"{ticker} {name} bid") for name in ("yes", "no"))
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise WireError(
            f"kalshi /markets/orderbooks: the book of {ticker} has no meaning ({error}); the bytes are kept"
        ) from error
    crossed = crossed_fault([price for price, _ in yes], [MICRO - price for price, _ in no])
    return Book(ticker, yes, no, (*left_of_yes, *left_of_no, *([f"{ticker}: {crossed}"] if crossed else [])))


def parse_books(raw: bytes, tickers_of: Mapping[str, Sequence[str]], received_at: datetime) -> list[Record]:
    """Return one `books` record per event. A market that is left out of the answer is absent from the facts too."""
    elements = parse_page(raw, "orderbooks", "/markets/orderbooks").elements
    named = [str(book.get("ticker") or book.get("market_ticker") or "") for _, book in elements]
    refuse_repeated("kalshi /markets/orderbooks: the book of", named)
    asked = {ticker for tickers in tickers_of.values() for ticker in tickers}
    # Several tickers in one parameter are taken for one market, which has an empty book.
    if strangers := [ticker for ticker in named if ticker not in asked]:
        raise WireError(f"kalshi /markets/orderbooks: {strangers[0]!r} was not asked for; the bytes are kept")
    found = dict(zip(named, elements, strict=True))
    return [_record(event_id, tickers, found, received_at) for event_id, tickers in tickers_of.items()]


def _record(
    event_id: str, tickers: Sequence[str], found: Mapping[str, tuple[bytes, Mapping[str, Any]]], received_at: datetime
) -> Record:
    mine = [ticker for ticker in tickers if ticker in found]
    books: list[Book] = []
    error: str | None = None
    try:
        books = [parse_book(found[ticker][1], ticker) for ticker in mine]
    except WireError as malformed:
        books, error = [], str(malformed)
    facts = {
        # The answer names neither tick nor minimum size: those of the listing hold.
        "tokens": {book.ticker + side: {"changed_at": "", "hash": ""} for book in books for side in (YES, NO)},
        **quarantine([sentence for book in books for sentence in book.quarantined]),
    }
    return Record(
        source=SOURCE, kind=Kind.BOOKS, subject=event_id, received_at=received_at, issued_at=None,
        raw=joined(found[ticker][0] for ticker in mine), rows={} if error else _columns(books),
        facts={} if error else facts, error=error, decoder=DECODER,
    )  # fmt: skip


def _columns(books: Sequence[Book]) -> Columns:
    levels = [
        (book.ticker + token, side, price, size)
        for book in books
        for token, bids, against in ((YES, book.yes, book.no), (NO, book.no, book.yes))
        for side, ladder in (("bid", bids), ("ask", [(MICRO - price, size) for price, size in against]))
        for price, size in ladder
    ]
    return level_columns(levels)


def _book(payload: Mapping[str, Any], ticker: str) -> Mapping[str, Any]:
    for key in ("orderbook_fp", "orderbook"):
        if key in payload and isinstance(payload[key], dict | None):
            return payload[key] or {}
    raise WireError(f"kalshi /markets/orderbooks: {ticker} has no order book; the bytes are kept")


def _side(book: Mapping[str, Any], name: str) -> list[Level]:
    # Before 2026 prices were whole cents and sizes whole contracts, under the bare name.
    if book.get(f"{name}_dollars") is not None or name not in book:
        return [(micro_of(level[0]), size_of(level[1])) for level in book.get(f"{name}_dollars") or []]
    return [(whole_of(level[0]) * CENT_MICRO, whole_of(level[1]) * MICRO) for level in book[name] or []]


def _levels(levels: Sequence[Level], what: str) -> tuple[tuple[Level, ...], list[str]]:
    if len({price for price, _ in levels}) != len(levels):
        refuse_repeated(f"kalshi /markets/orderbooks: {what}", (decimal_of(price) for price, _ in levels))
    faults = [(level, level_fault(*level)) for level in levels]
    kept = sorted((level for level, fault in faults if not fault), reverse=True)
    return tuple(kept), [f"{what}: {fault}" for _, fault in faults if fault]
