"""The frames of the CLOB's market channel as messages, one token each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import WireError
from core.units import MICRO
from venues.numbers import micro_of, size_of, tick_of
from venues.polymarket.clob import parse_book
from venues.sanity import ticks_of
from venues.spans import json_elements

_WHAT = "polymarket market channel"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole book, of the channel or of REST."""

    token: str
    timestamp: int  # milliseconds, of the last change
    hash: str
    payload: Mapping[str, Any]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """The new size of one level, and what the book looks like afterwards."""

    token: str
    timestamp: int
    side: str  # "bids" or "asks"
    price_micro: int
    price: str
    size: str
    hash: str
    best_bid: int | None  # micro; None: not said
    best_ask: int | None
    raw: bytes  # of this change alone: one frame may hold those of several tokens


@dataclass(frozen=True, slots=True)
class Print:
    """Somebody traded."""

    token: str
    market: str  # condition id
    timestamp: int
    bought: bool
    price: str
    size: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Tick:
    """The grid of prices changed: the book counts no more."""

    token: str
    tick: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What was said of a token cannot be: its book counts no more."""

    token: str
    reason: str


Message = Snapshot | Change | Print | Tick | Fault


def read_frame(text: str) -> list[Message]:
    """Return the messages of a frame, an array or one object; kinds that are not asked for are left out."""
    raw = text.encode("utf-8")
    if raw.lstrip().startswith(b"{"):
        raw = b"[" + raw + b"]"
    return [message for span, value in json_elements(raw, _WHAT) for message in messages(span, value)]


def messages(span: bytes, value: Any) -> Iterator[Message]:
    """Yield what one element of a frame says; WireError when it is no message at all."""
    if not isinstance(value, dict):
        raise WireError(f"{_WHAT}: {span[:60]!r} is no message; the connection starts anew")
    kind = value.get("event_type")
    if kind == "price_change":
        yield from _changes(value)
    elif kind in _READERS and isinstance(token := value.get("asset_id"), str):
        try:
            yield _READERS[str(kind)](token, value, span)
        except (WireError, KeyError, TypeError, ValueError) as error:
            yield Fault(token, f"its {kind} cannot be read ({error!r})")


def _snapshot(token: str, value: Mapping[str, Any], span: bytes) -> Snapshot:
    book = parse_book(value)
    if book.faults:
        raise ValueError(book.faults[0])
    return Snapshot(token, ticks_of(value["timestamp"], 1_000), book.hash, value, span)


def _print(token: str, value: Mapping[str, Any], _: bytes) -> Print:
    kept = {name: value[name] for name in _KEPT_OF_PRINTS if name in value}
    raw = json.dumps(kept, separators=(",", ":")).encode()
    side = {"BUY": True, "SELL": False}[value["side"]]
    micro_of(value["price"]), size_of(value["size"])
    return Print(
        token,
        str(value.get("market") or ""),
        ticks_of(value["timestamp"], 1_000),
        side,
        str(value["price"]),
        str(value["size"]),
        raw,
    )


# The transaction is left out: it leads to who traded.
_KEPT_OF_PRINTS = ("event_type", "asset_id", "market", "price", "side", "size", "fee_rate_bps", "timestamp")


def _tick(token: str, value: Mapping[str, Any], _: bytes) -> Tick:
    tick_of(value["new_tick_size"])
    return Tick(token, str(value["new_tick_size"]))


_READERS: Mapping[str, Callable[[str, Mapping[str, Any], bytes], Message]] = {
    "book": _snapshot,
    "last_trade_price": _print,
    "tick_size_change": _tick,
}


def _changes(value: Mapping[str, Any]) -> Iterator[Change | Fault]:
    frame = {name: value.get(name) for name in ("event_type", "market", "timestamp")}
    # Until September 2025 one token a frame: flat, or with a list of `changes` under one hash.
    listed = value.get("price_changes") or value.get("changes") or [value]
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise WireError(f"{_WHAT}: a price_change without changes; the connection starts anew")
    for one in listed:
        fields = {name: one[name] for name in _OF_CHANGES if name in one}
        fields = {**{name: value[name] for name in ("asset_id", "hash") if name in value}, **fields}
        raw = json.dumps({**frame, "price_changes": [fields]}, separators=(",", ":")).encode()
        token = str(fields.get("asset_id") or "")
        try:
            price, size = micro_of(fields["price"]), size_of(fields["size"])
            if not 0 < price < MICRO or size < 0:
                raise ValueError(f"{fields['size']} at {fields['price']} is no level")
            yield Change(
                token, ticks_of(value["timestamp"], 1_000), {"BUY": "bids", "SELL": "asks"}[fields["side"]], price, str(fields["price"]),
                str(fields["size"]), str(fields.get("hash") or ""), _best(fields.get("best_bid")),
                _best(fields.get("best_ask")), raw,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            yield Fault(token, f"a change of it cannot be read ({error!r})")


_OF_CHANGES = ("asset_id", "price", "side", "size", "hash", "best_bid", "best_ask")


def _best(value: Any) -> int | None:
    return None if value in (None, "") else micro_of(value)
