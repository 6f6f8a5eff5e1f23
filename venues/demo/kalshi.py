"""The second exchange: series, events with nested markets, books that hold bids only, trades, candles, settled values."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeVar

import orjson

from venues.demo.answers import Answer, Ask, BadRequest, iso, lasting_json, reply
from venues.demo.books import Book, Books, Level
from venues.demo.contracts import BY_SERIES, CONTRACTS, FIRST_DAY, KALSHI, Contract
from venues.demo.events import Event
from venues.demo.exchange import Exchange
from venues.demo.kalshi_listing import at_text, event_fields, market_fields, series_fields
from venues.demo.kalshi_quotes import Quotes
from venues.demo.tape import Tape, Trade

_T = TypeVar("_T")
ROOT = "/trade-api/v2"
_MOST_EVENTS, _MOST_MARKETS, _MOST_TRADES, _MOST_BOOKS = 200, 1_000, 1_000, 100
_OLDEST_LIVE_DAYS = 90  # of what the live tier is said to hold
_KEPT = 64  # events with their unchanging fields
_FINISHED = 320  # settled events as printed
_STATUSES = {  # what may be asked for, and what it finds
    "unopened": ("initialized",), "open": ("active",), "paused": ("inactive",), "closed": ("closed", "determined", "amended"),
    "settled": ("finalized",),
}  # fmt: skip


class Missing(Exception):
    """Something asked for by name that this exchange never listed."""


class Kalshi:
    """Answers under /kalshi."""

    def __init__(self, seed: int, exchange: Exchange, books: Books, tape: Tape) -> None:
        self._exchange = exchange
        self._books = books
        self._tape = tape
        self._quotes = Quotes(seed, books)
        self._fixed: Callable[[Event], tuple[dict[str, Any], ...]] = lru_cache(maxsize=_KEPT)(_fixed_of)
        self._finished: Callable[[Event], orjson.Fragment] = lru_cache(maxsize=_FINISHED)(self._finished_of)
        self._rendered: Callable[[Book | None], bytes] = lru_cache(maxsize=1024)(_render)

    def answer(self, ask: Ask, path: str) -> Answer | None:
        """Answer a request for `path` below /kalshi; None if there is no such path."""
        if not path.startswith(f"{ROOT}/") or ask.method != "GET":
            return None
        try:
            return self._find(ask, path.removeprefix(f"{ROOT}/").split("/"))
        except Missing as error:
            return _refused("not_found", str(error), 404)
        except BadRequest as error:
            return _refused("bad_request", str(error), 400)

    def _find(self, ask: Ask, parts: list[str]) -> Answer | None:
        match parts:
            case ["events"]:
                return self._events(ask)
            case ["events", ticker]:
                return self._event(ask, ticker)
            case ["markets"]:
                return self._markets(ask)
            case ["markets", "orderbooks"]:
                return self._orderbooks(ask)
            case ["markets", "trades"]:
                return self._trades(ask)
            case ["markets", "candlesticks"]:
                return self._candles_of_several(ask)
            case ["markets", ticker]:
                event, place = self._holder(ticker, ask.at)
                return reply({"market": self._body(event, place, ask.at)})
            case ["markets", ticker, "orderbook"]:
                event, place = self._holder(ticker, ask.at)
                return Answer(200, self._book_text(event, place, ask))
            case ["series"]:
                return reply({"series": [series_fields(contract) for contract in CONTRACTS if contract.venue == KALSHI]})
            case ["series", series]:
                return reply({"series": series_fields(_contract(series))})
            case ["series", _, "markets", ticker, "candlesticks"]:
                event, place = self._holder(ticker, ask.at)
                return reply({"candlesticks": self._candles(ask, event, place), "ticker": ticker})
            case ["historical", "cutoff"]:
                return reply(_cutoff(ask))
            case ["historical", "markets"]:
                return reply({"cursor": "", "markets": []})  # nothing is old enough to be archived
            case ["historical", "trades"]:
                return reply({"cursor": "", "trades": []})
            case ["exchange", "status"]:
                return reply({"exchange_active": True, "trading_active": True})
        return None

    def _event(self, ask: Ask, ticker: str) -> Answer:
        event = self._exchange.ticket(ticker, ask.at)
        if event is None:
            raise Missing(f"event {ticker} not found")
        body, markets = self._event_body(event, ask.at), self._bodies(event, ask.at)
        if _flag(ask, "with_nested_markets"):
            return reply({"event": body | {"markets": markets}})
        return reply({"event": body, "markets": markets})

    def _events(self, ask: Ask) -> Answer:
        limit, start = _count(ask, "limit", 200, _MOST_EVENTS), _position(ask)
        nested, wanted = _flag(ask, "with_nested_markets"), _status(ask)
        found = self._listed(ask, wanted)
        page, cursor = _page(found, start, limit)
        bodies = []
        for event in page:
            body = self._event_body(event, ask.at)
            bodies.append(body | {"markets": self._bodies(event, ask.at)} if nested else body)
        return reply({"cursor": cursor, "events": bodies})

    def _markets(self, ask: Ask) -> Answer:
        limit, start = _count(ask, "limit", 100, _MOST_MARKETS), _position(ask)
        wanted = _status(ask)
        if tickers := ask.all("tickers"):
            found = [holder for ticker in tickers if (holder := self._held(ticker, ask.at)) is not None]
            found = [holder for holder in found if not wanted or status_of(holder[0], ask.at) in wanted]
        else:
            events = self._listed(ask, wanted)
            found = [(event, place) for event in events for place in range(len(event.brackets))]
        page, cursor = _page(found, start, limit)
        return reply({"cursor": cursor, "markets": [self._body(event, place, ask.at) for event, place in page]})

    def _listed(self, ask: Ask, wanted: tuple[str, ...]) -> list[Event]:
        # newest day first
        if name := ask.one("event_ticker"):
            event = self._exchange.ticket(name, ask.at)
            events = [] if event is None else [event]
        else:
            series = ask.one("series_ticker")
            contracts = [c for c in CONTRACTS if c.venue == KALSHI and (not series or c.series == series)]
            back = 3 if wanted and "finalized" not in wanted else (ask.second // 86_400 - _FIRST)
            lowest = ask.number("min_close_ts", 0)
            if lowest:
                back = min(back, max(int(ask.second - lowest) // 86_400 + 2, 0))
            events = [event for contract in contracts for event in self._exchange.of_series(contract, ask.at, back)]
            events.sort(key=lambda event: (-event.day.toordinal(), event.number))
        low, high = ask.number("min_close_ts", 0) * 1000, ask.number("max_close_ts", 1e12) * 1000
        return [event for event in events if (not wanted or status_of(event, ask.at) in wanted) and low <= event.closed <= high]

    def _orderbooks(self, ask: Ask) -> Answer:
        # one parameter for each market; several in one are taken for the name of one, whose book is empty
        tickers = [value for name, value in ask.query if name == "tickers"]
        if not 0 < len(tickers) <= _MOST_BOOKS:
            raise BadRequest(f"between 1 and {_MOST_BOOKS} tickers are needed")
        texts = []
        for ticker in dict.fromkeys(tickers):
            holder = self._held(ticker, ask.at)
            text = self._rendered(None) if holder is None else self._book_text(*holder, ask)
            texts.append(b'{"ticker":' + orjson.dumps(ticker) + b"," + text[1:])
        return Answer(200, b'{"orderbooks":[' + b",".join(texts) + b"]}")

    def _book_text(self, event: Event, place: int, ask: Ask) -> bytes:
        book = self._books.book(event, place, ask.at) if ask.at < event.closed else None
        depth = _count(ask, "depth", 0, 100)
        if book is not None and depth:
            book = Book(book.at, book.tick, book.bids[:depth], book.asks[:depth], book.last)
        return self._rendered(book)

    def _trades(self, ask: Ask) -> Answer:
        limit, start = _count(ask, "limit", 100, _MOST_TRADES), _position(ask)
        ticker = ask.one("ticker")
        if not ticker:
            raise BadRequest("this world lists trades by ticker only")
        held = self._held(ticker, ask.at)
        low, high = int(ask.number("min_ts", 0)) * 1000, int(ask.number("max_ts", 1e12)) * 1000
        found = [] if held is None else self._tape.between(*held, low, min(high, ask.at))[::-1]
        page, cursor = _page(found, start, limit)
        return reply({"cursor": cursor, "trades": [_trade(ticker, trade) for trade in page]})

    def _candles_of_several(self, ask: Ask) -> Answer:
        tickers = ask.all("market_tickers")
        if not 0 < len(tickers) <= _MOST_BOOKS:
            raise BadRequest(f"between 1 and {_MOST_BOOKS} market_tickers are needed")
        held = [(ticker, holder) for ticker in tickers if (holder := self._held(ticker, ask.at)) is not None]
        return reply(
            {"markets": [{"market_ticker": ticker, "candlesticks": self._candles(ask, *holder)} for ticker, holder in held]}
        )

    def _candles(self, ask: Ask, event: Event, place: int) -> list[dict[str, Any]]:
        start, end, minutes = (int(ask.number(name, -1)) for name in ("start_ts", "end_ts", "period_interval"))
        if start < 0 or end < start or minutes < 1:
            raise BadRequest("start_ts, end_ts and period_interval are required")
        if minutes not in (1, 60, 1440):
            return []  # not an error on the wire
        step = minutes * 60
        first = max(start, event.accepting // 1000 + 1)
        last = min(end, ask.second, event.closed // 1000)
        if (last - first) // step > 10_000:
            raise BadRequest("too many candlesticks were asked for")
        trades = self._tape.between(event, place, first * 1000 - step * 1000, last * 1000)
        return self._quotes.candles(event, place, range(-(-first // step) * step, last + 1, step), step, trades)

    def _bodies(self, event: Event, at: int) -> orjson.Fragment:
        if at >= event.final:
            return self._finished(event)
        return orjson.Fragment(orjson.dumps([self._body(event, place, at) for place in range(len(event.brackets))]))

    def _finished_of(self, event: Event) -> orjson.Fragment:
        # nothing changes any more, and lists of what is settled are long
        return orjson.Fragment(lasting_json([self._body(event, place, event.final) for place in range(len(event.brackets))]))

    def _body(self, event: Event, place: int, at: int) -> dict[str, Any]:
        at = min(at, event.final)
        return self._quotes.market(self._fixed(event)[place], event, place, status_of(event, at), at)

    def _event_body(self, event: Event, at: int) -> dict[str, Any]:
        return event_fields(event) | {"last_updated_ts": iso(max(at // 3_600_000 * 3_600_000, event.created), digits=6)}

    def _holder(self, ticker: str, at: int) -> tuple[Event, int]:
        found = self._held(ticker, at)
        if found is None:
            raise Missing(f"market {ticker} not found")
        return found

    def _held(self, ticker: str, at: int) -> tuple[Event, int] | None:
        name, _, strike = ticker.rpartition("-")
        if "-" not in name:
            return None
        # a strike below zero has a minus sign of its own
        name, strike = (name[:-1], f"{name[-1]}-{strike}") if name[-2:-1] == "-" else (name, strike)
        event = self._exchange.ticket(name, at)
        place = None if event is None else next((i for i, b in enumerate(event.brackets) if b.slug == strike), None)
        return None if event is None or place is None else (event, place)


def status_of(event: Event, at: int) -> str:
    """Return the state of an event's markets, in the words of the wire."""
    if at < event.accepting:
        return "initialized"
    if at < event.closed:
        return "active"
    if at < event.settled:
        return "closed"
    if at >= event.final:
        return "finalized"
    return "determined" if event.corrected is None or at < event.corrected else "amended"


_FIRST = (FIRST_DAY - timedelta(days=1)).toordinal() - 719_163  # days since 1970


def _fixed_of(event: Event) -> tuple[dict[str, Any], ...]:
    return tuple(market_fields(event, place) for place in range(len(event.brackets)))


def _render(book: Book | None) -> bytes:
    # bids only: an ask of YES is a bid of NO at one dollar less its price
    yes = () if book is None else book.bids
    no = () if book is None else tuple((1000 - mills, size) for mills, size in book.asks)
    return f'{{"orderbook_fp":{{"no_dollars":[{_levels(no)}],"yes_dollars":[{_levels(yes)}]}}}}'.encode()


def _levels(levels: Iterable[Level]) -> str:
    return ",".join(f'["{mills / 1000:.4f}","{size / 100:.2f}"]' for mills, size in sorted(levels))


def _trade(ticker: str, trade: Trade) -> dict[str, Any]:
    taker = "yes" if trade.lifts else "no"
    name = f"{trade.number:016x}{trade.at:016x}"
    return {
        "count_fp": f"{trade.hundredths / 100:.2f}",
        "created_time": at_text(trade.at, trade.number),
        "is_block_trade": False,
        "no_price_dollars": f"{(1000 - trade.mills) / 1000:.4f}",
        "taker_book_side": "bid" if trade.lifts else "ask",
        "taker_outcome_side": taker,
        "taker_side": taker,
        "ticker": ticker,
        "trade_id": f"{name[:8]}-{name[8:12]}-5{name[13:16]}-a{name[17:20]}-{name[20:]}",
        "yes_price_dollars": f"{trade.mills / 1000:.4f}",
    }


def _cutoff(ask: Ask) -> dict[str, str]:
    text = iso((ask.second // 86_400 - _OLDEST_LIVE_DAYS) * 86_400_000, digits=0)
    names = ("market_positions_last_updated_ts", "market_settled_ts", "orders_updated_ts", "trades_created_ts")
    return dict.fromkeys(names, text)


def _contract(series: str) -> Contract:
    contract = BY_SERIES.get(series)
    if contract is None or contract.venue != KALSHI:
        raise Missing(f"series {series} not found")
    return contract


def _page(found: list[_T], start: int, limit: int) -> tuple[list[_T], str]:
    page = found[start : start + limit]
    more = start + limit < len(found)
    return page, urlsafe_b64encode(f"CgY{start + limit}".encode()).decode().rstrip("=") if more else ""


def _position(ask: Ask) -> int:
    text = ask.one("cursor")
    if not text:
        return 0
    try:
        head = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        if not head.startswith("CgY"):
            raise ValueError(head)
        return int(head[3:])
    except ValueError:
        raise BadRequest("invalid cursor") from None


def _status(ask: Ask) -> tuple[str, ...]:
    named = ask.all("status")
    if unknown := [name for name in named if name not in _STATUSES]:
        raise BadRequest(f"invalid status filter {unknown[0]}")
    return tuple(status for name in named for status in _STATUSES[name])


def _count(ask: Ask, name: str, default: int, most: int) -> int:
    number = ask.number(name, default)
    if number != int(number) or not 0 <= number <= most:
        raise BadRequest(f"{name} must be between 0 and {most}")
    return int(number)


def _flag(ask: Ask, name: str) -> bool:
    text = ask.one(name, "false")
    if text not in ("true", "false"):
        raise BadRequest(f"{name} must be true or false")
    return text == "true"


def _refused(code: str, message: str, status: int) -> Answer:
    return reply({"error": {"code": code, "message": message}}, status)
