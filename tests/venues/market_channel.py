"""A real WebSocket server on a real socket that speaks like the market channel, as a test tells it to."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from venues.polymarket.stream_book import Terms

PATIENCE_SECONDS = 10.0
MARKET = "0xcafe"


def summary_hash(head: dict[str, str], bids: list[tuple[str, str]], asks: list[tuple[str, str]], terms: Terms) -> str:
    """The venue's hash of a book, levels worst first, numbers as they were written: of its summary with an empty hash."""
    summary = {
        **head, "hash": "", "bids": [{"price": price, "size": size} for price, size in bids],
        "asks": [{"price": price, "size": size} for price, size in asks], "min_order_size": terms.min_size,
        "tick_size": terms.tick, "neg_risk": terms.neg_risk, "last_trade_price": terms.last,
    }  # fmt: skip
    return hashlib.sha1(json.dumps(summary, separators=(",", ":")).encode(), usedforsecurity=False).hexdigest()


def book(
    token: str, timestamp: int, bids: dict[str, str], asks: dict[str, str], *, terms: bool = True, **fields: Any
) -> dict[str, Any]:
    """A `book` message, hashed as the venue does; without `terms` as the channel sends it, with them as REST."""
    known = Terms("0.01", "5", True, "0.400")
    sides = ([*sorted(bids.items())], [*sorted(asks.items(), reverse=True)])
    head = {"market": MARKET, "asset_id": token, "timestamp": str(timestamp)}
    more = {"min_order_size": "5", "neg_risk": True} if terms else {"event_type": "book"}
    return {
        **head, "hash": summary_hash(head, *sides, known), "bids": [{"price": p, "size": s} for p, s in sides[0]],
        "asks": [{"price": p, "size": s} for p, s in sides[1]], "tick_size": "0.01", "last_trade_price": "0.400", **more, **fields,
    }  # fmt: skip


def change(
    token: str, timestamp: int, side: str, price: str, size: str, after: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    """A `price_change`; `after` is the book it leads to, for hash and best prices."""
    said: dict[str, Any] = {"asset_id": token, "price": price, "side": side, "size": size}
    if after is not None:
        said |= {
            "hash": after["hash"], "best_bid": after["bids"][-1]["price"] if after["bids"] else "0",
            "best_ask": after["asks"][-1]["price"] if after["asks"] else "1",
        }  # fmt: skip
    return {"event_type": "price_change", "market": MARKET, "timestamp": str(timestamp), "price_changes": [{**said, **fields}]}


@dataclass
class Channel:
    """What came in, and a hand on what goes out."""

    greet: Callable[[list[str]], object] = lambda tokens: []  # what to send after a subscription, None: nothing
    answers_ping: bool = True
    heard: list[str] = field(default_factory=list)
    connections: list[ServerConnection] = field(default_factory=list)
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def subscriptions(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.heard if text != "PING"]

    def send(self, message: object) -> None:
        """Tell the newest connection."""
        self.connections[-1].send(message if isinstance(message, str) else json.dumps(message))

    def kill(self) -> None:
        """Cut the newest connection without a close frame."""
        self.connections[-1].socket.close()

    def serve(self, connection: ServerConnection) -> None:
        with self._lock:
            self.connections.append(connection)
        try:
            for text in connection:
                self.heard.append(str(text))
                if text == "PING":
                    if self.answers_ping:
                        connection.send("PONG")
                elif (said := self.greet(json.loads(text)["assets_ids"])) is not None:
                    connection.send(said if isinstance(said, str) else json.dumps(said))
        except (ConnectionClosed, OSError):
            return


@contextmanager
def channel(**how: Any) -> Iterator[Channel]:
    told = Channel(**how)
    with serve(told.serve, "127.0.0.1", 0, ping_interval=None, close_timeout=1) as server:
        told.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            for connection in told.connections:
                connection.close()
            thread.join()


def eventually(look: Callable[[], Any]) -> Any:
    """Return what `look` finds as soon as it finds something."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.005)
    raise AssertionError(f"nothing came in {PATIENCE_SECONDS:.0f} s")
