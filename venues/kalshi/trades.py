"""Trades of Kalshi, and candles where nothing traded: rows of `prints` records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from core.errors import WireError
from core.model.record import Kind, Record
from core.units import MICRO, Columns, instant, micros
from venues.kalshi.wire import CENT_MICRO, DECODER, SOURCE, members, parse_page
from venues.numbers import micro_of, size_of
from venues.sanity import future_fault, instant_of, level_fault, price_fault, quarantine, ticks_of
from venues.spans import joined

NEVER_BID, NEVER_ASKED = 0, MICRO  # what an empty side shows


@dataclass(frozen=True, slots=True)
class Print:
    """One trade, or with size 0 and no taker a price that was shown."""

    market_id: str
    at: int  # microseconds
    yes_price_micro: int
    size_micro: int
    taker: str  # "yes", "no", "" for a price that was shown
    trade_id: str
    span: bytes


@dataclass(frozen=True, slots=True)
class Tape:
    """The sound prints of some answers, oldest first, and what was left out of them."""

    prints: tuple[Print, ...]
    quarantined: tuple[str, ...] = ()


def parse_trades(elements: Iterable[tuple[bytes, Mapping[str, Any]]], tickers: Collection[str], received_at: datetime) -> Tape:
    """Return the trades of some markets, each id once: pages overlap while trades come in."""
    found: dict[str, Print] = {}
    left: list[str] = []
    for span, trade in elements:
        name = str(trade.get("trade_id") or "")
        try:
            each = _trade(trade, span, tickers, received_at)
        except ValueError as error:
            left.append(f"trade {name or '?'}: {error}")
            continue
        first = found.setdefault(name, each)
        if first != each and _said(first) != _said(each):
            left.append(f"trade {name}: it is told in two ways, the first holds")
    return Tape(tuple(sorted(found.values(), key=_order)), tuple(left))


def _trade(trade: Mapping[str, Any], span: bytes, tickers: Collection[str], received_at: datetime) -> Print:
    ticker, name, at = str(trade.get("ticker") or ""), trade.get("trade_id"), instant_of(trade.get("created_time"))
    if not isinstance(name, str) or not name:
        raise ValueError("it has no id")
    if ticker not in tickers:
        raise ValueError(f"{ticker!r} was not asked for")
    if at is None:
        raise ValueError(f"{trade.get('created_time')!r} is no instant")
    price, size = _price(trade, "yes_price"), _count(trade)
    against = _price(trade, "no_price") if "no_price_dollars" in trade or "no_price" in trade else MICRO - price
    if fault := level_fault(price, size) or future_fault(at, received_at):
        raise ValueError(fault)
    if price + against != MICRO:
        raise ValueError("its prices of yes and no are not one dollar together")
    if trade.get("is_block_trade") is True:  # agreed beside the book: its price was shown, its size nobody could meet
        return Print(ticker, micros(at), price, 0, "", name, span)
    return Print(ticker, micros(at), price, size, _taker(trade), name, span)


def _price(trade: Mapping[str, Any], name: str) -> int:
    return micro_of(trade[f"{name}_dollars"]) if f"{name}_dollars" in trade else _flat_price(trade.get(name))


def _count(trade: Mapping[str, Any]) -> int:
    return size_of(trade.get("count_fp", trade.get("count")))


def _taker(trade: Mapping[str, Any]) -> str:
    taker = trade.get("taker_outcome_side") or trade.get("taker_side")
    if taker not in ("yes", "no"):
        raise ValueError(f"its taker bought {taker!r}")
    return str(taker)


def _said(each: Print) -> tuple[object, ...]:
    return each.market_id, each.at, each.yes_price_micro, each.size_micro, each.taker


def _order(each: Print) -> tuple[int, str, str]:
    return each.at, each.market_id, each.trade_id


def parse_candles(raw: bytes, tickers: Collection[str]) -> Tape:
    """Return the prices that candles show at their ends, of one market or of a batch: a point only where it changes."""
    found: list[Print] = []
    left: list[str] = []
    for ticker, candles in _candles_of(raw):
        if ticker not in tickers:
            raise WireError(f"kalshi candlesticks: {ticker!r} was not asked for; the bytes are kept")
        points, faults = _points(ticker, candles)
        found += points
        left += faults
    return Tape(tuple(sorted(found, key=_order)), tuple(left))


def _candles_of(raw: bytes) -> list[tuple[str, list[Any]]]:
    said = members(raw, "candlesticks")
    if "markets" not in said:
        ticker = said.get("ticker", (b"", ""))[1]
        return [(str(ticker), [candle for _, candle in parse_page(raw, "candlesticks", "candlesticks").elements])]
    batch = parse_page(raw, "markets", "candlesticks").elements
    return [(str(market.get("market_ticker") or ""), list(market.get("candlesticks") or [])) for _, market in batch]


def _points(ticker: str, candles: Sequence[Any]) -> tuple[list[Print], list[str]]:
    points: dict[int, int] = {}
    left: list[str] = []
    for candle in candles:
        try:
            end, price = ticks_of(candle["end_period_ts"], 1) * MICRO, shown_price(candle)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            left.append(f"{ticker}: a candle has no meaning ({error})")
            continue
        if price is not None and (fault := price_fault(price)):
            left.append(f"{ticker}: {fault}")
        elif price is not None:
            points[end] = price
    found: list[Print] = []
    for end, price in sorted(points.items()):
        if not found or found[-1].yes_price_micro != price:
            found.append(Print(ticker, end, price, 0, "", "", b""))
    return found, left


def shown_price(candle: Mapping[str, Any]) -> int | None:
    """Return what a candle shows as the price of YES at its end [micro-USD]; None where neither side was quoted.

    The middle of a two-sided quote; else the last trade of the period; else the middle up to the bound of the empty side.
    """
    bid, ask = _close(candle.get("yes_bid")), _close(candle.get("yes_ask"))
    low, high = NEVER_BID if bid is None else bid, NEVER_ASKED if ask is None else ask
    traded = _close(candle.get("price"))
    if NEVER_BID < low < high < NEVER_ASKED or traded is None:
        return None if (low, high) == (NEVER_BID, NEVER_ASKED) else (low + high) // 2
    return traded


def _close(prices: Any) -> int | None:
    # The historical tier says `close`, the live one `close_dollars`; a quiet period has only `previous_dollars`.
    if not isinstance(prices, dict):
        return None
    value = prices.get("close_dollars", prices.get("close"))
    return None if value is None else _flat_price(value)


def _flat_price(value: Any) -> int:
    # Under a bare name a whole number is of before 2026 and means cents, a text is of the historical tier and means dollars.
    return value * CENT_MICRO if isinstance(value, int) and not isinstance(value, bool) else micro_of(value)


def prints_record(event_id: str, tape: Tape, received_at: datetime) -> Record:
    """Return the `prints` record of an event."""
    return Record(
        source=SOURCE, kind=Kind.PRINTS, subject=event_id, received_at=received_at, issued_at=None,
        raw=joined(each.span for each in tape.prints if each.span), rows=print_columns(tape.prints),
        facts=quarantine(tape.quarantined), decoder=DECODER,
    )  # fmt: skip


def print_columns(prints: Sequence[Print]) -> Columns:
    """Return the columns of a `prints` record."""
    return {
        "market_id": np.array([each.market_id for each in prints], dtype=object),
        "valid_at": np.array([each.at for each in prints], np.int64),
        "yes_price_micro": np.array([each.yes_price_micro for each in prints], np.int64),
        "size_micro": np.array([each.size_micro for each in prints], np.int64),
        "taker": np.array([each.taker for each in prints], dtype=object),
    }


def by_minute(tape: Tape) -> list[tuple[datetime, Tape]]:
    """Return the prints of each minute and the instant of its last one: fewer records, none known too early."""
    minutes: dict[int, list[Print]] = {}
    for each in tape.prints:
        minutes.setdefault(each.at // 60_000_000, []).append(each)
    return [(instant(prints[-1].at), Tape(tuple(prints))) for _, prints in sorted(minutes.items())]
