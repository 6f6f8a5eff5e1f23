"""Polymarket events of which prices are known: price points, listings inferred from them, quotes.

A point is a price that was shown, not a trade: its size is 0 and nothing is ever filled against it. What a file says of the
outcome in the same line is read for the outcome alone and stands in no other record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache

import numpy as np
import orjson

from core.days import ONE_DAY
from core.errors import HermesError
from core.events import event_facts
from core.model.event import Bracket, Event, Fees, checked_ladder
from core.model.record import Kind, Record
from core.registry import load_stations
from core.store.columns import texts
from core.store.parquet import ClosedRecords
from core.units import MICRO, MISSING, InstantArray, Unit, instant, micros, parse_iso
from venues.history.forms import EVIDENCE, inferred_rule
from venues.history.rows import Found, History
from venues.history.sets import PriceSet, Town
from venues.polymarket.clob import MIN_SIZE_MICRO
from venues.polymarket.gamma import event_slug
from venues.polymarket.ladder import parse_label

VENUE = "polymarket"
OUTCOME_KNOWN_FROM = time(13, tzinfo=UTC)  # the day after: every city's day is over and its venue has spoken
YEAR_IN_SLUG_FROM = date(2026, 1, 1)
FEES = Fees(0.05)  # the schedule of 2026; earlier events had none, a fee too many flatters nobody
TICK_MICRO = 1_000  # near 0 and 1 all of them are quoted so finely

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Point:
    """One price of YES."""

    town: Town
    day: date
    label: str  # as the venue prints it
    at: int
    yes_micro: int
    raw: bytes  # what was known at that moment

    @property
    def event_id(self) -> str:
        return event_id(self.town, self.day)


@lru_cache(maxsize=4_096)
def event_id(town: Town, day: date) -> str:
    """Return the slug; those of 2025 name no year."""
    return event_slug(f"highest-temperature-in-{town.slug}", day, with_year=day >= YEAR_IN_SLUG_FROM)


def market_id(event: str, label: str) -> str:
    """Return a market's slug, which is all that is known of its identity: `...-50-51f`, `...-neg-5corbelow`."""
    lower, upper, unit = parse_label(label)
    ends = [f"neg-{-end}" if end < 0 else str(end) for end in dict.fromkeys((lower, upper)) if end is not None]
    tail = "orbelow" if lower is None else "orhigher" if upper is None else ""
    return f"{event}-{'-'.join(ends)}{unit.lower()}{tail}"


def _micro(text: str | float) -> int:
    price = float(text)
    if not 0.0 < price < 1.0:
        raise ValueError(f"{text} is no price")
    return round(price * MICRO)


def _raw(row: Row, *names: str) -> bytes:
    return orjson.dumps({name: row[name] for name in names})


def _label(lower: str, upper: str) -> str:
    if not lower or not upper:
        return f"{upper}°F or below" if upper else f"{lower}°F or higher"
    return f"{lower}-{upper}°F"


def _spring(prices: PriceSet, row: Row) -> Iterator[Point]:
    # The file holds the price of NO.
    raw = _raw(row, "target_date", "low_f", "high_f", "time_utc", "no_price")
    day, at = date.fromisoformat(row["target_date"]), micros(parse_iso(row["time_utc"]))
    yield Point(prices.towns[0], day, _label(row["low_f"], row["high_f"]), at, MICRO - _micro(row["no_price"]), raw)


def _hourly(prices: PriceSet, row: Row) -> Iterator[Point]:
    raw = _raw(row, "city", "target_date", "bucket", "time_utc", "yes_price")
    day, at = date.fromisoformat(row["target_date"]), micros(parse_iso(row["time_utc"]))
    yield Point(prices.town(row["city"]), day, row["bucket"], at, _micro(row["yes_price"]), raw)


def _february(prices: PriceSet, row: Row) -> Iterator[Point]:
    raw = _raw(row, "target_date", "bracket", "time_utc", "yes_price")
    day, at = date.fromisoformat(row["target_date"]), micros(parse_iso(row["time_utc"]))
    yield Point(prices.towns[0], day, _february_label(row["bracket"]), at, _micro(row["yes_price"]), raw)


def _february_label(text: str) -> str:
    plain = text.removesuffix("F")
    if plain.startswith("<="):
        return _label("", plain[2:])
    return _label(plain[2:], "") if plain.startswith(">=") else f"{plain}°F"


def _moments(prices: PriceSet, row: Row) -> Iterator[Point]:
    town, day = prices.town(row["city"]), date.fromisoformat(row["target_date"])
    at = micros(parse_iso(row["time_utc"]))
    for label, price in orjson.loads(row["all_bucket_prices"]).items():
        raw = orjson.dumps({"time_utc": row["time_utc"], "city": row["city"], "bucket": label, "yes_price": price})
        yield Point(town, day, label, at, _micro(price), raw)


def _quoted(prices: PriceSet, row: Row) -> Iterator[Point]:
    # An empty side counts as 0 or 1 in the middle that the venue gives: a bound, as everywhere else.
    raw = _raw(row, "fetched_utc", "event_slug", "bucket", "clob_mid")
    town, at = prices.town(row["city"]), micros(parse_iso(row["fetched_utc"]))
    yield Point(town, _day_in(row["event_slug"], town, prices), row["bucket"], at, _micro(row["clob_mid"]), raw)


@lru_cache(maxsize=1_024)
def _day_in(slug: str, town: Town, prices: PriceSet) -> date:
    days = (prices.first + n * ONE_DAY for n in range((prices.last - prices.first).days + 1))
    found = next((day for day in days if event_id(town, day) == slug), None)
    if found is None:
        raise ValueError(f"{slug!r} is no event of set {prices.name}")
    return found


# Set → columns that its file of prices must have, and how a line is read.
FORMS: Mapping[str, tuple[tuple[str, ...], Callable[[PriceSet, Row], Iterator[Point]]]] = {
    "F": (("target_date", "low_f", "high_f", "time_utc", "no_price"), _spring),
    "G": (("time_utc", "city", "target_date", "all_bucket_prices"), _moments),
    "H": (("city", "target_date", "bucket", "time_utc", "yes_price"), _hourly),
    "I": (("fetched_utc", "city", "event_slug", "bucket", "clob_mid", "clob_price_buy", "clob_price_sell"), _quoted),
    "J": (("target_date", "bracket", "time_utc", "yes_price"), _february),
}


def points_of(history: History, prices: PriceSet) -> Iterator[Point]:
    """Give the sound points of a set in the order of its file."""
    columns, read = FORMS[prices.name]
    for line, row in history.rows(prices.prices, columns):
        try:
            found = list(read(prices, row))
        except (HermesError, ValueError, AttributeError) as error:
            history.bad_row(prices.prices, line, ",".join(row.values()), str(error))
            continue
        yield from (point for point in found if prices.first <= point.day <= prices.last)


def read_points(history: History, prices: PriceSet) -> Found:
    """Return every price point as a print without size and taker."""
    found = list(points_of(history, prices))
    if not found:
        return Found()
    at = np.array([point.at for point in found], np.int64)
    ids = {key: market_id(*key) for key in {(point.event_id, point.label) for point in found}}
    return Found(table=ClosedRecords(
        Kind.PRINTS, VENUE, [point.event_id for point in found], at, [point.raw for point in found],
        {
            "market_id": texts([ids[point.event_id, point.label] for point in found]), "valid_at": at,
            "yes_price_micro": np.array([point.yes_micro for point in found], np.int64),
            "size_micro": np.zeros(len(found), np.int64), "taker": texts([""] * len(found)),
        },
    ))  # fmt: skip


def read_inferred_listings(history: History, prices: PriceSet) -> Found:
    """Return a listing per event, known from its first price, and its outcome where there is one."""
    first: dict[tuple[Town, date], int] = {}
    labels: dict[tuple[Town, date], dict[str, None]] = defaultdict(dict)
    for point in points_of(history, prices):
        key = (point.town, point.day)
        first[key] = min(first.get(key, point.at), point.at)
        labels[key][point.label] = None
    won = _winners(history, prices)
    records: list[Record] = []
    for (town, day), at in sorted(first.items(), key=lambda each: (each[0][1], each[0][0].slug)):
        try:
            event = _event(town, day, tuple(labels[town, day]), at)
            records.append(_listing(event, at, sorted(labels[town, day])))
            if (word := won.get((town, day))) is not None:
                records.append(_outcome(event, word))
        except HermesError as error:
            history.tell(f"{prices.prices}: {event_id(town, day)}: {error}; it is left out")
    return Found(records)


def _event(town: Town, day: date, labels: tuple[str, ...], at: int) -> Event:
    slug, rule = event_id(town, day), inferred_rule(town, day)
    city = load_stations()[rule.station].city
    ladder = checked_ladder(tuple(_bracket(slug, label, rule.unit) for label in labels))
    return Event(
        venue=VENUE, event_id=slug, title=f"Highest temperature in {town.name} on {day:%B} {day.day}, {day.year}", city=city,
        event_day=day, extreme=rule.statistic.extreme, rule=rule, ladder=ladder, fees=FEES,
        tick_micro=TICK_MICRO, min_size_micro=MIN_SIZE_MICRO, liquidity_usd=None, opens_at=None, closes_at=None, accepting=True,
    )  # fmt: skip


def _bracket(slug: str, label: str, unit: Unit) -> Bracket:
    lower, upper, named = parse_label(label)
    if named != unit:
        raise HermesError(f"its bracket {label} is not in °{unit}")
    market = market_id(slug, label)
    return Bracket(lower, upper, label, market, f"{market}:YES", f"{market}:NO")


def _listing(event: Event, at: int, labels: list[str]) -> Record:
    facts, rows = event_facts(event)
    return Record(
        VENUE, Kind.EVENTS, event.event_id, instant(at), None, orjson.dumps(labels), rows, {**facts, "evidence": EVIDENCE}
    )


@dataclass(frozen=True, slots=True)
class _Won:
    label: str
    value: float | None
    evidence: str
    raw: bytes


def _winners(history: History, prices: PriceSet) -> dict[tuple[Town, date], _Won]:
    if not prices.winners:
        return {}
    read = _WINNERS[prices.name]
    found: dict[tuple[Town, date], _Won] = {}
    for line, row in history.rows(prices.winners, ("target_date",)):
        try:
            town, won = read(prices, row)
            found[town, date.fromisoformat(row["target_date"])] = won
        except (HermesError, ValueError, KeyError) as error:
            history.bad_row(prices.winners, line, ",".join(row.values()), str(error))
    return found


def _outcome(event: Event, won: _Won) -> Record:
    winner = market_id(event.event_id, won.label)
    markets = [bracket.market_id for bracket in event.ladder]
    if winner not in markets:
        raise HermesError(f"its winner {won.label} is no bracket of its ladder")
    return Record(
        VENUE, Kind.OUTCOMES, event.event_id, datetime.combine(event.event_day + ONE_DAY, OUTCOME_KNOWN_FROM), None, won.raw,
        {"market_id": np.array(markets, dtype=object), "won": np.array([market == winner for market in markets])},
        {"final": True, "winner": winner, "value": won.value, "accepting": False, "evidence": won.evidence},
    )  # fmt: skip


_LAST_PRICE, _RESOLVED = "bracket with the highest last price", "resolved by the venue"


def _row_raw(row: Row) -> bytes:
    return orjson.dumps(dict(row))


def _spring_winner(prices: PriceSet, row: Row) -> tuple[Town, _Won]:
    label = _label(row["winner_low_f"], row["winner_high_f"])
    return prices.towns[0], _Won(label, None, _LAST_PRICE, _row_raw(row))


def _hourly_winner(prices: PriceSet, row: Row) -> tuple[Town, _Won]:
    return prices.town(row["city"]), _Won(row["winning_bucket"], None, _RESOLVED, _row_raw(row))


def _moments_winner(prices: PriceSet, row: Row) -> tuple[Town, _Won]:
    return prices.town(row["city"]), _Won(row["top_bucket"], None, _LAST_PRICE, _row_raw(row))


def _february_winner(prices: PriceSet, row: Row) -> tuple[Town, _Won]:
    value = float(row["wu_high_f"])
    return prices.towns[0], _Won(_february_label(row["winning_bracket"]), value, _RESOLVED, _row_raw(row))


_WINNERS: Mapping[str, Callable[[PriceSet, Row], tuple[Town, _Won]]] = {
    "F": _spring_winner, "G": _moments_winner, "H": _hourly_winner, "J": _february_winner,
}  # fmt: skip


def read_quotes(history: History, prices: PriceSet) -> Found:
    """Return best bid and ask of each bracket as they were read; their sizes are not known, thus no order books."""
    parts: dict[tuple[str, int], list[tuple[str, int, int, int, bytes]]] = defaultdict(list)
    for line, row in history.rows(prices.prices, FORMS["I"][0]):
        try:
            point = next(_quoted(prices, row))
            market = market_id(point.event_id, point.label)
            bid, ask = (_side(row[name], empty) for name, empty in (("clob_price_buy", 0.0), ("clob_price_sell", 1.0)))
        except (HermesError, ValueError) as error:
            history.bad_row(prices.prices, line, ",".join(row.values()), str(error))
            continue
        raw = _raw(row, "bucket", "clob_price_buy", "clob_price_sell", "clob_mid", "volume", "liquidity", "tick_size")
        parts[point.event_id, point.at].append((market, bid, ask, point.yes_micro, raw))
    return Found([_quotes(event, at, rows) for (event, at), rows in parts.items()])


def _side(text: str, empty: float) -> int:
    return MISSING if not text or float(text) == empty else _micro(text)


def _quotes(event: str, at: int, rows: list[tuple[str, int, int, int, bytes]]) -> Record:
    markets, bid, ask, mid, raw = zip(*rows, strict=True)
    when: InstantArray = np.full(len(rows), at, np.int64)
    return Record(
        VENUE, Kind.QUOTES, event, instant(at), None, b"[" + b",".join(raw) + b"]",
        {
            "market_id": np.array(markets, dtype=object), "valid_at": when, "bid_micro": np.array(bid, np.int64),
            "ask_micro": np.array(ask, np.int64), "mid_micro": np.array(mid, np.int64),
        },
    )  # fmt: skip
