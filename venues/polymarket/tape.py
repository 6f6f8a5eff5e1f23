"""What was traded, from the data service and from the stream, without who traded it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import orjson

from core.errors import WireError
from core.model.record import Kind, Record
from core.units import MICRO, Columns, instant
from venues.numbers import decimal_of, size_of
from venues.sanity import future_fault, level_fault, quarantine, ticks_of, year_fault
from venues.spans import candidates, json_elements, json_value

DECODER = 1
PAGE, MOST_PAGES, MOST_CONDITIONS = 100, 20, 20  # mostly the first page reaches back to what was told
LAG = timedelta(seconds=60)  # within which the service is trusted to list what was traded
AGAIN = timedelta(minutes=2)  # told again with each answer, for what was listed late
# What is kept of a trade: nothing that names who made it, and not the transaction, which names them too.
KEPT = ("conditionId", "asset", "side", "outcome", "price", "size", "timestamp")
_NEWER = {"condition_id": "conditionId", "token_id": "asset"}  # the same fields in the second edition of the service


@dataclass(frozen=True, slots=True)
class Market:
    """One bracket, as trades name it."""

    market_id: str
    condition: str
    yes: str
    no: str


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade, turned to YES."""

    market_id: str
    at: int  # microseconds
    yes_price_micro: int
    size_micro: int
    taker: str  # "yes" or "no": what the one who came to the book got more of


Line = tuple[Trade, bytes, bytes]  # a good line: the trade, what is kept of it, its key
Lines = dict[bytes, Line]  # by a hash of its bytes, which name people and are not kept


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the data service."""

    trades: tuple[Trade, ...]
    kept: tuple[bytes, ...]  # JSON of what is kept, one per line of the answer
    keys: tuple[bytes, ...]  # what tells two lines of one answer apart; lives in memory only
    faults: tuple[str, ...]
    odd: tuple[bytes, ...]  # what is kept of the lines that are none
    n_lines: int


def parse_trades(raw: bytes, markets: Sequence[Market], received_at: datetime, known: Lines | None = None) -> Page:
    """Return the trades of an answer; lines that cannot be are named and left out.

    `known` are the good lines of earlier answers about the same markets: it grows by those of this one.
    """
    by_condition = {market.condition: market for market in markets}
    known = {} if known is None else known
    trades: list[Trade] = []
    kept: list[bytes] = []
    keys: list[bytes] = []
    faults: list[str] = []
    odd: list[bytes] = []
    lines = _lines(raw, known)
    for mark, line in lines:
        if not isinstance(line, dict):
            trades.append(line[0])
            kept.append(line[1])
            keys.append(line[2])
            continue
        plain = {_NEWER.get(name, name): value for name, value in line.items()}
        found = {name: plain[name] for name in KEPT if name in plain}
        try:
            trade = _trade(found, by_condition, received_at)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            faults.append(f"a trade of {plain.get('conditionId')}: {error}")
            odd.append(_compact(found))
            continue
        trades.append(trade)
        kept.append(_compact(found))
        keys.append(_mark(b"%a %b" % (plain.get("transactionHash") or plain.get("transaction_hash"), kept[-1])))
        if mark:
            known[mark] = trade, kept[-1], keys[-1]
    return Page(tuple(trades), tuple(kept), tuple(keys), tuple(faults), tuple(odd), len(lines))


def merged(pages: Sequence[Page]) -> Page:
    """Return pages as one; a line that slid to the next page while they were turned counts once."""
    if len(pages) == 1:
        return pages[0]
    seen: set[bytes] = set()
    trades: list[Trade] = []
    kept: list[bytes] = []
    keys: list[bytes] = []
    faults: list[str] = []
    odd: list[bytes] = []
    n_lines = 0
    for page in pages:
        # Two equal lines of one page are two trades.
        new = [i for i, key in enumerate(page.keys) if key not in seen]
        trades += [page.trades[i] for i in new]
        kept += [page.kept[i] for i in new]
        keys += [page.keys[i] for i in new]
        faults += page.faults
        odd += page.odd
        seen.update(page.keys)
        n_lines += page.n_lines
    return Page(tuple(trades), tuple(kept), tuple(keys), tuple(faults), tuple(odd), n_lines)


def trade_columns(trades: Sequence[Trade]) -> Columns:
    """Return the columns of a `prints` record, oldest first."""
    ordered = sorted(trades, key=lambda trade: trade.at)
    return {
        "market_id": np.array([trade.market_id for trade in ordered], dtype=object),
        "valid_at": np.array([trade.at for trade in ordered], np.int64),
        "yes_price_micro": np.array([trade.yes_price_micro for trade in ordered], np.int64),
        "size_micro": np.array([trade.size_micro for trade in ordered], np.int64),
        "taker": np.array([trade.taker for trade in ordered], dtype=object),
    }


def prints_record(
    event_id: str, trades: Sequence[Trade], raw: bytes, received_at: datetime, faults: Sequence[str] = (), **more: Any
) -> Record:
    """Return the `prints` record of an event."""
    return Record(
        source="polymarket", kind=Kind.PRINTS, subject=event_id, received_at=received_at, issued_at=None, raw=raw,
        rows=trade_columns(trades), facts={**more, **quarantine(faults)}, decoder=DECODER,
    )  # fmt: skip


def traded(market: Market, token: str, *, bought: bool, at: int, price: Any, size: Any, received_at: datetime) -> Trade:
    """Return a trade turned to YES; ValueError when it cannot have been."""
    if token not in (market.yes, market.no):
        raise ValueError(f"token {token} is not of market {market.market_id}")
    is_yes = token == market.yes
    paid = _price_micro(price)
    amount = size_of(size)
    if fault := level_fault(paid, amount) or future_fault(instant(at), received_at) or year_fault(instant(at)):
        raise ValueError(fault)
    return Trade(market.market_id, at, paid if is_yes else MICRO - paid, amount, "yes" if is_yes == bought else "no")


def _trade(found: Mapping[str, Any], markets: Mapping[str, Market], received_at: datetime) -> Trade:
    market = markets.get(str(found["conditionId"]))
    if market is None:
        raise ValueError("nobody asked for that market")
    return traded(
        market, str(found["asset"]), bought=_BOUGHT[found["side"]], at=ticks_of(found["timestamp"], 1) * MICRO,
        price=found["price"], size=found["size"], received_at=received_at,
    )  # fmt: skip


_BOUGHT = {"BUY": True, "SELL": False}


_compactly = json.JSONEncoder(separators=(",", ":")).encode


def _compact(kept: Mapping[str, Any]) -> bytes:
    return _compactly(kept).encode()


def _price_micro(value: Any) -> int:
    # An order that met several levels has their average, with more digits than a price has.
    return int((decimal_of(value) * MICRO).quantize(Decimal(1), ROUND_HALF_UP))


def _lines(raw: bytes, known: Lines) -> list[tuple[bytes, dict[str, Any] | Line]]:
    """Return the lines of an answer with their marks; one that is known is not read again."""
    parts = candidates(raw)
    marks = map(_mark, parts)
    try:
        if parts:
            return [(mark, known.get(mark) or orjson.loads(part)) for mark, part in zip(marks, parts, strict=True)]
    except orjson.JSONDecodeError:
        pass  # the slower reader knows, and says what
    return [(b"", line) for line in _read_lines(raw)]


def _mark(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=16).digest()


def _read_lines(raw: bytes) -> list[dict[str, Any]]:
    if raw.lstrip().startswith(b"{"):  # the second edition of the service wraps its lines
        try:
            listed = json_value(raw)["data"]
        except (ValueError, KeyError) as error:
            raise WireError(f"polymarket /trades: unexpected shape ({error!r}); the answer is not kept") from error
    else:
        listed = [value for _, value in json_elements(raw, "polymarket /trades")]
    if not isinstance(listed, list) or not all(isinstance(line, dict) for line in listed):
        raise WireError("polymarket /trades: a line is no trade; the answer is not kept")
    return listed


@dataclass(frozen=True, slots=True)
class Told:
    """Up to where an event's trades are in records."""

    until: int  # valid_at of the newest told
    known_at: datetime  # all that was traded before is told
    streamed: bool


class Tape:
    """What was told of each event, so that a trade that came both ways stands in the records once.

    The data service gives whole seconds and one line per order, the stream milliseconds and one per match: the two
    cannot be matched line by line, so that each event's past is told by one of them and its future by the other.
    """

    def __init__(self) -> None:
        self._told: dict[str, Told] = {}
        self._lock = threading.Lock()

    def told(self, event_id: str) -> Told | None:
        """Return what was told of an event; None: nothing in this process."""
        with self._lock:
            return self._told.get(event_id)

    def of_service(self, event_id: str, page: Page, asked_at: datetime) -> list[int]:
        """Return which lines of the service are still to be told, and remember them."""
        told = self.told(event_id)
        if told is None:
            new = list(range(len(page.trades)))
        elif told.streamed:
            new = [i for i, trade in enumerate(page.trades) if trade.at > told.until]
        else:
            oldest = told.until - round(AGAIN.total_seconds() * MICRO)
            new = [i for i, trade in enumerate(page.trades) if trade.at >= oldest]
        self._tell(event_id, [page.trades[i].at for i in new], asked_at - LAG, streamed=False)
        return new

    def of_stream(self, event_id: str, trades: Sequence[Trade], now: datetime) -> list[int]:
        """Return which trades of the stream are still to be told, and remember them; the service spoke before."""
        told = self.told(event_id)
        # The service cuts off the part of a second: a trade of the newest second told is the one that was told.
        after = -1 if told is None else told.until if told.streamed else told.until // MICRO * MICRO + MICRO - 1
        new = [i for i, trade in enumerate(trades) if trade.at > after]
        self._tell(event_id, [trades[i].at for i in new], now, streamed=True)
        return new

    def is_enough(self, event_id: str, complete_from: datetime) -> bool:
        """Return whether a stream that misses nothing since an instant carries on what was told."""
        told = self.told(event_id)
        return told is not None and complete_from <= told.known_at

    def _tell(self, event_id: str, ats: Sequence[int], known_at: datetime, *, streamed: bool) -> None:
        with self._lock:
            before = self._told.get(event_id)
            until = max(ats, default=before.until if before else 0)
            if before is not None:
                until, known_at = max(until, before.until), max(known_at, before.known_at)
            self._told[event_id] = Told(until, known_at, streamed)


def reaches_back(page: Page, told: Told | None) -> bool:
    """Return whether a page holds all that was not told: the next one is not needed."""
    if page.n_lines < PAGE:
        return True
    if told is None or not page.trades:
        return told is None  # at first the newest page is enough
    return min(trade.at for trade in page.trades) < told.until - round(AGAIN.total_seconds() * MICRO)
