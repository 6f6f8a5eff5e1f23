"""The exchange's live channel: books as they change on the world's own clock, to whoever subscribed over a WebSocket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Event as Flag
from threading import Thread
from typing import Any, Self

import orjson
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection
from websockets.sync.server import serve as listen

from venues.demo.books import Book, Level, price_text
from venues.demo.events import NO, YES, Event
from venues.demo.tape import Trade
from venues.demo.world import World

PATH = "/clob-ws/ws/market"
_MOST_ASSETS = 500  # of those beyond, no snapshot is sent and nothing is said
_STEP_SECONDS = 0.2
_SERVICE = "stream"
Market = tuple[Event, int]
Frame = dict[str, Any]


@dataclass(slots=True)
class Subscription:
    """What one connection wants to hear."""

    sides: dict[Market, dict[int, str]] = field(default_factory=dict)  # of each market the tokens by side
    extras: bool = False  # also best_bid_ask and market_resolved


class Channel:
    """Frames of a world's books: what they were at an instant, and what changed between two."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add(self, subscription: Subscription, tokens: Iterable[str], at: int) -> bytes:
        """Subscribe to tokens and return the frame of their books."""
        texts = []
        for token in list(tokens)[:_MOST_ASSETS]:
            found = self._world.exchange.holder_of_token(token, at)
            if found is None:
                continue
            event, bracket, side = found
            subscription.sides.setdefault((event, bracket), {})[side] = token
            texts.append(self._book(event, bracket, side, at))
        return b"[" + b",".join(text for text in texts if text) + b"]"

    def remove(self, subscription: Subscription, tokens: Iterable[str]) -> None:
        """Unsubscribe from tokens."""
        gone = set(tokens)
        for market, sides in list(subscription.sides.items()):
            subscription.sides[market] = {side: token for side, token in sides.items() if token not in gone}
            if not subscription.sides[market]:
                del subscription.sides[market]

    def changes(self, subscription: Subscription, then: int, now: int) -> Iterator[bytes]:
        """Yield what happened after `then` until `now` [ms], by market."""
        for market, sides in subscription.sides.items():
            yield from self._of_market(market, sides, then, now, extras=subscription.extras)

    def _of_market(self, market: Market, sides: dict[int, str], then: int, now: int, *, extras: bool) -> Iterator[bytes]:
        event, bracket = market
        books = self._world.books
        old, new = books.book(event, bracket, then), books.book(event, bracket, now)
        condition = self._world.exchange.condition(event, bracket)
        for trade in self._world.tape.between(event, bracket, then + 1, now + 1):
            if trade.side in sides:
                yield _bytes(_trade(condition, sides[trade.side], trade))
        before, after = books.tick(event, bracket, then), books.tick(event, bracket, now)
        if before != after and new is not None:
            yield from (_bytes(_tick(condition, token, before, after, now)) for token in sides.values())
        if new is not None and (old is None or before != after):
            yield b"[" + b",".join(self._book(event, bracket, side, now) for side in sides) + b"]"
        elif old is not None and new is not None and old.at != new.at:
            yield from self._moved(market, sides, old, new, extras=extras)
        winner = event.winner_at(now)
        if extras and winner is not None and event.winner_at(then) is None:
            yield _bytes(self._resolved(event, bracket, winner, condition, now))

    def _moved(self, market: Market, sides: dict[int, str], old: Book, new: Book, *, extras: bool) -> Iterator[bytes]:
        event, bracket = market
        condition = self._world.exchange.condition(event, bracket)
        rows = [row for side, token in sides.items() for row in self._rows(event, bracket, side, token, old, new)]
        if not rows:
            return
        yield _bytes({"market": condition, "price_changes": rows, "event_type": "price_change", "timestamp": str(new.at)})
        for side, token in sides.items():
            (old_bid, old_ask), (bid, ask) = _touch(old, side), _touch(new, side)
            if extras and (old_bid, old_ask) != (bid, ask):
                yield _bytes(_best(condition, token, bid, ask, new.at))

    def _rows(self, event: Event, bracket: int, side: int, token: str, old: Book, new: Book) -> Iterator[dict[str, str]]:
        text = self._world.books.text(event, bracket, side, new.at)
        seal = "" if text is None else orjson.loads(text)["hash"]
        bid, ask = _touch(new, side)
        for name, mills, hundredths in _differences(_sides(old, side), _sides(new, side)):
            yield {
                "asset_id": token,
                "price": price_text(mills),
                "side": name,
                "size": _size(hundredths),
                "hash": seal,
                "best_bid": price_text(bid),
                "best_ask": price_text(ask),
            }

    def _book(self, event: Event, bracket: int, side: int, at: int) -> bytes:
        text = self._world.books.text(event, bracket, side, at)
        return b"" if text is None else text[:-1] + b',"event_type":"book"}'

    def _resolved(self, event: Event, bracket: int, winner: int, condition: str, now: int) -> Frame:
        tokens = [self._world.exchange.token(event, bracket, side) for side in (YES, NO)]
        won = YES if winner == bracket else NO
        return {
            "market": condition,
            "assets_ids": tokens,
            "winning_asset_id": tokens[won],
            "winning_outcome": "Yes" if won == YES else "No",
            "event_type": "market_resolved",
            "timestamp": str(now),
        }


class StreamServer:
    """The channel behind a loopback port of its own."""

    def __init__(self, world: World, port: int = 0) -> None:
        self._world, self._channel, self._stopping = world, Channel(world), Flag()
        self._server = listen(
            self._talk, "127.0.0.1", port, process_request=_only_the_channel, compression=None, close_timeout=1
        )
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        """Return the port that is listened on."""
        return int(self._server.socket.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join(5)

    def _talk(self, connection: ServerConnection) -> None:
        subscription, then = Subscription(), self._world.now()
        try:
            while not self._stopping.is_set():
                words = _heard(connection)
                now = self._world.now()
                faults = self._world.faults.of_channel(now)
                if "cut_off" in faults:
                    self._world.faults.count("cut_off", _SERVICE)
                    connection.close(1011)
                    return
                if "hang" in faults:  # what happens meanwhile is never told
                    self._world.faults.count("hang", _SERVICE)
                else:
                    for frame in (*self._channel.changes(subscription, then, now), *self._replies(subscription, words, now)):
                        connection.send(frame.decode())
                then = now
        except ConnectionClosed:
            return

    def _replies(self, subscription: Subscription, words: str | None, now: int) -> Iterator[bytes]:
        if words is None:
            return
        if words == "PING":
            yield b"PONG"
            return
        wish = _wish(words)
        if wish is None:
            yield b"INVALID OPERATION"
        elif wish.get("operation") == "unsubscribe":
            self._channel.remove(subscription, wish["assets_ids"])
        else:
            subscription.extras |= wish.get("custom_feature_enabled") is True
            frame = self._channel.add(subscription, wish["assets_ids"], now)
            if wish.get("initial_dump", True):
                yield frame


def _heard(connection: ServerConnection) -> str | None:
    try:
        words = connection.recv(_STEP_SECONDS)
    except TimeoutError:
        return None
    return words if isinstance(words, str) else ""


def _wish(words: str) -> dict[str, Any] | None:
    try:
        wish = orjson.loads(words)
    except orjson.JSONDecodeError:
        return None
    tokens = wish.get("assets_ids") if isinstance(wish, dict) else None
    return wish if isinstance(tokens, list) and all(isinstance(token, str) for token in tokens) else None


def _only_the_channel(connection: ServerConnection, request: Request) -> Response | None:
    return None if request.path == PATH else connection.respond(HTTPStatus.NOT_FOUND, "not found\n")


def _sides(book: Book, side: int) -> dict[str, dict[int, int]]:
    bids, asks = book.bids, book.asks
    if side == NO:
        bids, asks = _mirrored(asks), _mirrored(bids)
    return {"BUY": dict(bids), "SELL": dict(asks)}


def _mirrored(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    return tuple((1000 - mills, hundredths) for mills, hundredths in levels)


def _differences(old: dict[str, dict[int, int]], new: dict[str, dict[int, int]]) -> Iterator[tuple[str, int, int]]:
    # the new size at every level that changed; 0 where it is gone
    for name in ("BUY", "SELL"):
        for mills in sorted(old[name].keys() | new[name].keys()):
            size = new[name].get(mills, 0)
            if old[name].get(mills, 0) != size:
                yield name, mills, size


def _touch(book: Book, side: int) -> tuple[int, int]:
    bid, ask = 0 if book.bid is None else book.bid, 1000 if book.ask is None else book.ask
    return (bid, ask) if side == YES else (1000 - ask, 1000 - bid)


def _trade(condition: str, token: str, trade: Trade) -> Frame:
    yes = trade.side == YES
    return {
        "asset_id": token,
        "event_type": "last_trade_price",
        "fee_rate_bps": "0",
        "market": condition,
        "price": price_text(trade.mills if yes else 1000 - trade.mills),
        "side": "BUY" if trade.lifts == yes else "SELL",
        "size": _size(trade.hundredths),
        "timestamp": str(trade.at),
    }


def _tick(condition: str, token: str, before: int, after: int, now: int) -> Frame:
    return {
        "asset_id": token,
        "event_type": "tick_size_change",
        "market": condition,
        "new_tick_size": price_text(after),
        "old_tick_size": price_text(before),
        "timestamp": str(now),
    }


def _best(condition: str, token: str, bid: int, ask: int, at: int) -> Frame:
    return {
        "event_type": "best_bid_ask",
        "market": condition,
        "asset_id": token,
        "best_bid": price_text(bid),
        "best_ask": price_text(ask),
        "spread": price_text(ask - bid),
        "timestamp": str(at),
    }


def _size(hundredths: int) -> str:
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02d}".rstrip("0") if rest else str(whole)


def _bytes(frame: Frame) -> bytes:
    return orjson.dumps(frame)
