"""The exchange's order books, tick sizes and single markets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

import orjson

from venues.demo.answers import Answer, Ask, BadRequest, iso, reply
from venues.demo.books import Books
from venues.demo.events import NO, YES, Event
from venues.demo.exchange import Exchange
from venues.demo.listing import event_fields, market_fields

_MOST_TOKENS = 500
_MOST_HISTORIES = 20  # in one request
_SPANS = {"1h": 1, "6h": 6, "1d": 24, "1w": 168, "1m": 720, "max": 720, "all": 720}  # hours
_LATE = 7  # seconds after the whole step at which a point is taken
_NO_BOOK = "No orderbook exists for the requested token id"


class _Span:
    """The instants of a price history."""

    def __init__(self, now: int, interval: str, start: float, end: float, fidelity: float) -> None:
        """Read what was asked for; a number below zero was not said."""
        if not all(map(isfinite, (start, end, fidelity))):
            raise BadRequest("times and fidelity must be finite")
        interval = interval or ("" if start >= 0 else "max")
        if interval and interval not in _SPANS:
            raise BadRequest("invalid interval")
        self._end = min(int(end), now) if end >= 0 else now
        self._start, self._hours = start, _SPANS.get(interval, 720)
        self._step = max(60, int(fidelity if fidelity >= 0 else 60) * 60)

    def seconds(self, event: Event) -> Iterator[int]:
        """Yield when an event has a point."""
        end = min(self._end, event.closed // 1000)
        start = int(self._start) if self._start >= 0 else end - 3600 * self._hours
        first = max(start, event.accepting // 1000 + 200)
        if (end - first) // self._step > 10_000:
            raise BadRequest("the interval is too long for this fidelity")
        for second in range(-(-first // self._step) * self._step, end, self._step):
            if (second + _LATE) * 1000 < event.closed:
                yield second + _LATE


class Clob:
    """Answers under /clob."""

    def __init__(self, seed: int, exchange: Exchange, books: Books) -> None:
        self._seed = seed
        self._exchange = exchange
        self._books = books

    def answer(self, ask: Ask, path: str) -> Answer | None:
        """Answer a request for `path` below /clob; None if there is no such path."""
        try:
            if path == "/time":
                return reply(ask.second)
            if path == "/book" and ask.method == "GET":
                return self._book(ask)
            if path == "/books" and ask.method == "POST":
                return self._several(ask)
            if path == "/tick-size":
                return self._tick(ask)
            if path == "/prices-history":
                return self._history(ask)
            if path == "/batch-prices-history" and ask.method == "POST":
                return self._histories(ask)
            if path.startswith("/markets/"):
                return self._market(ask, path.removeprefix("/markets/"))
        except BadRequest as error:
            return reply({"error": str(error)}, 400)
        return None

    def _text(self, token: str, at: int) -> bytes | None:
        found = self._exchange.holder_of_token(token, at)
        return None if found is None else self._books.text(*found, at)

    def _book(self, ask: Ask) -> Answer:
        text = self._text(_token(ask), ask.at)
        return reply({"error": _NO_BOOK}, 404) if text is None else Answer(200, text)

    def _several(self, ask: Ask) -> Answer:
        try:
            tokens = [entry["token_id"] for entry in orjson.loads(ask.body)]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise BadRequest("Invalid payload") from None
        if len(tokens) > _MOST_TOKENS or not all(isinstance(token, str) for token in tokens):
            raise BadRequest("Invalid payload")
        texts = [text for token in tokens if (text := self._text(token, ask.at)) is not None]
        return Answer(200, b"[" + b",".join(texts) + b"]")

    def _tick(self, ask: Ask) -> Answer:
        found = self._exchange.holder_of_token(_token(ask), ask.at)
        if found is None or found[0].is_closed(ask.at):
            return reply({"error": "market not found"}, 404)
        return reply({"minimum_tick_size": self._books.tick(found[0], found[1], ask.at) / 1000})

    def _history(self, ask: Ask) -> Answer:
        token = ask.one("market")
        if not token:
            raise BadRequest("market is required")
        names = ("startTs", "endTs", "fidelity")
        span = _Span(ask.second, ask.one("interval"), *(ask.number(name, -1) for name in names))
        return reply({"history": self._points([token], ask.at, span)[token]})

    def _histories(self, ask: Ask) -> Answer:
        try:
            body = orjson.loads(ask.body)
            tokens = body["markets"]
            numbers = [float(body.get(name, -1)) for name in ("start_ts", "end_ts", "fidelity")]
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError):
            raise BadRequest("Invalid payload") from None
        if (
            not isinstance(tokens, list)
            or not 0 < len(tokens) <= _MOST_HISTORIES
            or not all(isinstance(t, str) for t in tokens)
        ):
            raise BadRequest(f"between 1 and {_MOST_HISTORIES} markets are needed")
        span = _Span(ask.second, str(body.get("interval", "")), *numbers)
        return reply({"history": self._points(tokens, ask.at, span)})

    def _points(self, tokens: Sequence[str], at: int, span: _Span) -> dict[str, list[dict[str, float]]]:
        out: dict[str, list[dict[str, float]]] = {token: [] for token in tokens}
        of_event: dict[Event, list[tuple[int, int, list[dict[str, float]]]]] = {}
        for token, points in out.items():
            if (found := self._exchange.holder_of_token(token, at)) is not None:
                of_event.setdefault(found[0], []).append((*found[1:], points))
        for event, places in of_event.items():
            for second in span.seconds(event):
                middles = self._books.middles(event, second * 1000)
                for bracket, side, points in places:
                    middle = middles[bracket]
                    points.append({"t": second, "p": (middle if side == YES else 1000.0 - middle) / 1000.0})
        return out

    def _market(self, ask: Ask, condition: str) -> Answer:
        found = self._exchange.holder_of_condition(condition, ask.at)
        if found is None:
            return reply({"error": "market not found"}, 404)
        return reply(self._market_body(*found, ask.at))

    def _market_body(self, event: Event, place: int, at: int) -> dict[str, Any]:
        head = event_fields(self._seed, event)
        fixed = market_fields(event, head, place, self._exchange)
        winner = event.winner_at(at)
        book = self._books.book(event, place, at)
        middle = 0.5 if book is None else ((book.bid or 0) + (1000 if book.ask is None else book.ask)) / 2000.0
        yes: float | int = middle if winner is None else int(winner == place)
        return {
            "accepting_order_timestamp": iso(event.accepting, digits=0),
            "accepting_orders": winner is None,
            "active": True,
            "archived": False,
            "closed": winner is not None,
            "condition_id": fixed["conditionId"],
            "description": fixed["description"],
            "enable_order_book": winner is None,
            "end_date_iso": head["endDate"],
            "fpmm": "",
            "game_start_time": iso(event.start, digits=0),
            "icon": head["icon"],
            "image": head["image"],
            "is_50_50_outcome": False,
            "maker_base_fee": 1000,
            "market_slug": fixed["slug"],
            "minimum_order_size": 5,
            "minimum_tick_size": self._books.tick(event, place, at) / 1000,
            "neg_risk": True,
            "neg_risk_market_id": head["negRiskMarketID"],
            "neg_risk_request_id": fixed["negRiskRequestID"],
            "notifications_enabled": True,
            "question": fixed["question"],
            "question_id": fixed["questionID"],
            "rewards": {"max_spread": 4.5, "min_size": 20, "rates": None},
            "seconds_delay": 0,
            "tags": [tag["label"] for tag in head["tags"]],
            "taker_base_fee": 1000,
            "tokens": [
                {
                    "outcome": name,
                    "price": yes if side == YES else 1 - yes,
                    "token_id": self._exchange.token(event, place, side),
                    "winner": winner is not None and (winner == place) == (side == YES),
                }
                for side, name in ((YES, "Yes"), (NO, "No"))
            ],
        }


def _token(ask: Ask) -> str:
    token = ask.one("token_id")
    if not token:
        raise BadRequest("token_id is required")
    return token
