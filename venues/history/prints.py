"""Every trade print of a series, as a table: hundreds of thousands of rows without an object for any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import numpy as np

from core.errors import RuleError
from core.model.record import Kind
from core.store.columns import texts
from core.store.parquet import ClosedRecords
from core.units import MICRO
from venues.history.rows import Found, History, UnreadableError
from venues.history.sets import LISTED_FROM, City
from venues.kalshi.ladder import parse_ticker

HEADER = "target_date,ticker,created_time_utc,yes_price_cents,count,taker_side"
CENT_MICRO = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Print:
    """One line of a trades file."""

    day: str
    ticker: str
    at: int
    cents: int
    count: int
    taker: str
    line: str


def read_prints(history: History, city: City) -> Found:
    """Return the trades of listed events."""
    return _table(list(prints_of(history, city, early=False)))


def read_early_prints(history: History, city: City) -> Found:
    """Return the trades from before there is a file of markets."""
    return _table(list(prints_of(history, city, early=True)))


def _table(found: list[Print]) -> Found:
    if not found:
        return Found()
    at = np.array([each.at for each in found], np.int64)
    return Found(table=ClosedRecords(
        Kind.PRINTS, "kalshi", [event_of(each.ticker) for each in found], at, [each.line.encode() for each in found],
        {
            "market_id": texts([each.ticker for each in found]), "valid_at": at,
            "yes_price_micro": np.array([each.cents for each in found], np.int64) * CENT_MICRO,
            "size_micro": np.array([each.count for each in found], np.int64) * MICRO,
            "taker": texts([each.taker for each in found]),
        },
    ))  # fmt: skip


@lru_cache(maxsize=8192)
def event_of(ticker: str) -> str:
    """Return the event's ticker of a market's; the strike may hold a minus sign of its own."""
    return "-".join(ticker.split("-", 2)[:2])


def prints_of(history: History, city: City, *, early: bool) -> Iterator[Print]:
    """Give the sound lines of a trades file in its order, those of days without or with a file of markets."""
    header, _, body = history.text(city.trades).partition("\n")
    if header.strip() != HEADER:
        raise UnreadableError(f"{city.trades} line 1: {header[:80]!r} is not {HEADER!r}; this is not the file that is meant")
    days: dict[str, str] = {}  # ticker → its day, "" where the ticker is none of this series
    first_listed = LISTED_FROM.isoformat()
    for number, line in enumerate(body.splitlines(), start=2):
        if (line[:10] < first_listed) is not early:
            continue
        try:
            yield _print(line, city, days)
        except ValueError as error:
            history.bad_row(city.trades, number, line, str(error))


def _print(line: str, city: City, days: dict[str, str]) -> Print:
    cells = line.split(",")
    if len(cells) != 6:
        raise ValueError(f"{len(cells)} cells instead of 6")
    day, ticker, created, cents, count, taker = cells
    if ticker not in days:
        days[ticker] = _day_of(ticker, city)
    if days[ticker] != day:
        raise ValueError(f"ticker {ticker!r} is not of {city.series} on {day}")
    at = datetime.fromisoformat(created)
    price, size = int(cents), int(count)
    if at.tzinfo is None or not 1 <= price <= 99 or size < 1 or taker not in ("yes", "no"):
        raise ValueError(f"time {created}, price {cents} cents, {count} contracts, taker {taker!r}: no trade looks like that")
    return Print(day, ticker, (at - _EPOCH) // _MICROSECOND, price, size, taker, line)


def _day_of(ticker: str, city: City) -> str:
    try:
        named = parse_ticker(ticker)
    except RuleError:
        return ""
    return named.event_day.isoformat() if named.kind and named.series.removeprefix("KX") == city.series else ""


def early_tickers(history: History, city: City) -> dict[date, tuple[set[str], int]]:
    """Return for each day without a file of markets which tickers traded, and the instant of the first trade."""
    found: dict[date, tuple[set[str], int]] = {}
    for each in prints_of(history, city, early=True):
        day = date.fromisoformat(each.day)
        tickers, first = found.setdefault(day, (set(), each.at))
        tickers.add(each.ticker)
        found[day] = (tickers, min(first, each.at))
    return found
