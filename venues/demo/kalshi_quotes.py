"""What changes in a market of Kalshi: quotes, volumes, status, result, candles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from venues.demo.answers import iso
from venues.demo.books import Book, Books
from venues.demo.events import Event
from venues.demo.noise import between, uniform
from venues.demo.tape import Trade

_DAY_MS = 86_400_000
_TRADING = ((0.0, 0.0), (0.3, 0.06), (0.6, 0.3), (0.85, 0.8), (1.0, 1.0))  # share of life, share of volume
_SPOKEN = ("determined", "amended", "finalized")  # states that name a result
Prices = tuple[int, int, int, int]  # mills: open, high, low, close


class Quotes:
    """Quotes of one world."""

    def __init__(self, seed: int, books: Books) -> None:
        self._seed = seed
        self._books = books
        self._total: Callable[[Event, int], float] = lru_cache(maxsize=1024)(self._total_of)

    def market(self, fixed: dict[str, Any], event: Event, place: int, status: str, at: int) -> dict[str, Any]:
        """Return a market as it stands at `at`."""
        book = self._books.book(event, place, at) if status == "active" else None
        bid, ask = _sides(book)
        before = self._middle(event, place, at - _DAY_MS)
        volume, earlier = self._volume(event, place, at), self._volume(event, place, at - _DAY_MS)
        out = fixed | {
            "last_price_dollars": _dollars(self._last(event, place, at)),
            "no_ask_dollars": _dollars(1000 - bid),
            "no_bid_dollars": _dollars(1000 - ask),
            "open_interest_fp": f"{volume * 0.55:.2f}",
            "previous_price_dollars": _dollars(before),
            "previous_yes_ask_dollars": _dollars(before + 20 if before else 0),
            "previous_yes_bid_dollars": _dollars(max(before - 20, 0)),
            "status": status,
            "updated_time": iso(book.at if book else max(event.created, min(at, event.final) // 60_000 * 60_000), digits=6),
            "volume_24h_fp": f"{volume - earlier:.2f}",
            "volume_fp": f"{volume:.2f}",
            "yes_ask_dollars": _dollars(ask),
            "yes_ask_size_fp": _size(book.asks if book else ()),
            "yes_bid_dollars": _dollars(bid),
            "yes_bid_size_fp": _size(book.bids if book else ()),
        }
        winner = event.winner_at(at) if status in _SPOKEN else None
        if winner is not None:
            out["result"] = "yes" if place == winner else "no"
            out["expiration_value"] = f"{_value(event, winner):.2f}" if place == winner else ""
        if status == "finalized":
            out["settlement_ts"] = iso(event.final, digits=6)
        return out

    def candles(
        self, event: Event, place: int, ends: Iterable[int], step: int, trades: Sequence[Trade]
    ) -> list[dict[str, Any]]:
        """Return a candle of `step` seconds for each end (seconds) at which something differs from the one before."""
        out: list[dict[str, Any]] = []
        shown = last = None
        left = list(trades)
        for end in ends:
            inside = [t for t in left if t.at < end * 1000]
            left = left[len(inside) :]
            inside = [t for t in inside if t.at >= (end - step) * 1000]
            quote = _sides(self._books.book(event, place, end * 1000 - 1))
            if quote == shown and not inside:
                continue
            bids, asks = ((quote[i], quote[i]) if shown is None else (shown[i], quote[i]) for i in (0, 1))
            count = sum(t.hundredths for t in inside)
            out.append(
                {
                    "end_period_ts": end,
                    "open_interest_fp": f"{self._volume(event, place, end * 1000) * 0.55:.2f}",
                    "price": _price(inside, last),
                    "volume_fp": f"{count / 100:.2f}",
                    "yes_ask": _ohlc(asks),
                    "yes_bid": _ohlc(bids),
                }
            )
            shown, last = quote, inside[-1].mills if inside else last
        return out

    def _middle(self, event: Event, place: int, at: int) -> int:
        # whole cents; 0 before anything was quoted
        if at < event.accepting:
            return 0
        return int(self._books.middle(event, place, min(at, event.closed - 1)) / 10.0) * 10

    def _last(self, event: Event, place: int, at: int) -> int:
        book = self._books.book(event, place, min(at, event.closed - 1)) if at >= event.accepting else None
        return 0 if book is None or book.last is None else book.last

    def _volume(self, event: Event, place: int, at: int) -> float:
        life = (min(at, event.closed) - event.accepting) / (event.closed - event.accepting)
        return round(self._total(event, place) * between(max(life, 0.0), _TRADING), 2)

    def _total_of(self, event: Event, place: int) -> float:
        total: float = 180.0 * 2.0 ** (4.0 * uniform(self._seed, "volume", event.number, place))
        return total


def _value(event: Event, winner: int) -> int:
    # a winner that will be amended was determined by a number of its own bracket
    bracket = event.brackets[winner]
    value = event.extreme
    if bracket.low is not None and value < bracket.low:
        return bracket.low
    return bracket.high if bracket.high is not None and value > bracket.high else value


def _sides(book: Book | None) -> tuple[int, int]:
    if book is None:
        return 0, 1000
    return book.bid or 0, 1000 if book.ask is None else book.ask


def _ohlc(prices: tuple[int, int]) -> dict[str, str]:
    first, last = prices
    return {
        "close_dollars": _dollars(last),
        "high_dollars": _dollars(max(prices)),
        "low_dollars": _dollars(min(prices)),
        "open_dollars": _dollars(first),
    }


def _price(trades: Sequence[Trade], previous: int | None) -> dict[str, str]:
    before = {} if previous is None else {"previous_dollars": _dollars(previous)}
    if not trades:
        return before
    mills = [trade.mills for trade in trades]
    mean = sum(t.mills * t.hundredths for t in trades) // sum(t.hundredths for t in trades)
    return {
        "close_dollars": _dollars(mills[-1]),
        "high_dollars": _dollars(max(mills)),
        "low_dollars": _dollars(min(mills)),
        "mean_dollars": _dollars(mean),
        "open_dollars": _dollars(mills[0]),
        **before,
    }


def _dollars(mills: int) -> str:
    return f"{mills / 1000:.4f}"


def _size(levels: Sequence[tuple[int, int]]) -> str:
    return f"{levels[0][1] / 100:.2f}" if levels else "0.00"
