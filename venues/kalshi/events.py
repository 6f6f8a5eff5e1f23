"""Events of Kalshi: a listing with its rule and ladder, or the reason why it is not traded."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from core.days import settlement_window
from core.errors import LadderError, RuleError, WireError
from core.events import fee_facts, ladder_columns, rule_facts
from core.model.event import Bracket, Fees, checked_ladder
from core.model.record import Kind, Record
from core.model.rule import Extreme, SettlementRule
from core.registry import load_stations
from core.units import MICRO, iso
from venues.kalshi.clauses import SLOTS
from venues.kalshi.fees import STANDARD
from venues.kalshi.ladder import Ticker, bracket_of, check_strike, parse_ticker
from venues.kalshi.rules import parse_rule, parse_strike
from venues.kalshi.wire import CENT_MICRO, DECODER, NO, SOURCE, YES
from venues.numbers import decimal_of
from venues.numbers import tick_of as step_of
from venues.sanity import instant_of, refuse_repeated, unread

FRACTION_MICRO = 10_000  # of a contract, where fractions are traded
TICKS: Mapping[str, int] = {"linear_cent": CENT_MICRO, "deci_cent": 1_000, "tapered_deci_cent": CENT_MICRO}
STATUSES = frozenset(
    {"initialized", "inactive", "active", "closed", "determined", "disputed", "amended", "finalized", "settled"}
)
_STRIKE = re.compile(f"(?:{SLOTS['strike']})°")
_TITLES = {Extreme.HIGH: "Highest", Extreme.LOW: "Lowest"}
_KNOWN_AT_OPENING = (
    "ticker", "event_ticker", "open_time", "close_time", "yes_sub_title", "price_level_structure", "price_ranges",
    "fractional_trading_enabled", "rules_primary", "rules_secondary",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Terms:
    """What a series charges; `refusal` says why its fee is not understood."""

    fees: Fees = STANDARD
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    bracket: Bracket
    accepting: bool


def parse_event(
    event: Mapping[str, Any], raw: bytes, received_at: datetime, terms: Terms | None = None, *, at_opening: bool = False
) -> Record:
    """Return the `events` record of one event with its markets; `facts["refusal"]` says why it must not be traded.

    `at_opening` reads a settled event as it was when it opened: open, and with nothing of what came later.
    """
    named, markets = event_ticker(event), markets_of(event)
    terms, event_id = terms or Terms(), str(event["event_ticker"])
    rows, refusals = _rows(event_id, markets, received_at, at_opening)
    text = _text(markets, rows)
    rule, why = _rule(markets, rows, named.event_day, text)
    opens_at, closes_at = (_earliest(markets, key) for key in ("open_time", "close_time"))
    refusals += why or _contradictions(rule, markets, rows, named, closes_at)
    refusals += [terms.refusal] if terms.refusal else []
    refusals += [sentence for market in markets for sentence in unread(market, "open_time", "close_time")]
    if not at_opening:
        refusals += _stale(markets, named.event_day, received_at)
    facts = {
        "venue": SOURCE, "event_id": event_id, "title": _title(event, rule, named), "city": _city(event, rule),
        "event_day": named.event_day.isoformat(), "extreme": str(rule.statistic.extreme if rule else named.extreme),
        "text": text, "sha256": _sha(text), "refusal": "; ".join(dict.fromkeys(refusals)),
        "rule": rule_facts(rule) if rule else None,
        "fees": fee_facts(terms.fees),
        "tick_micro": max(map(tick_of, markets)), "min_size_micro": max(map(min_size_of, markets)),
        "liquidity_usd": None,  # liquidity_dollars is "0.0000" of every market
        "opens_at": iso(opens_at) if opens_at else "", "closes_at": iso(closes_at) if closes_at else "",
        "accepting": any(row.accepting for row in rows),
    }  # fmt: skip
    return Record(
        source=SOURCE, kind=Kind.EVENTS, subject=event_id, received_at=received_at, issued_at=None,
        raw=_known_raw(markets) if at_opening else raw,
        rows=ladder_columns([row.bracket for row in rows], [row.accepting for row in rows]), facts=facts, decoder=DECODER,
    )  # fmt: skip


def event_ticker(event: Mapping[str, Any]) -> Ticker:
    """Return what the ticker of an event names; WireError when it is no event of a temperature."""
    ticker = event.get("event_ticker")
    try:
        named = parse_ticker(ticker) if isinstance(ticker, str) else None
    except RuleError as error:
        raise WireError(f"kalshi /events: {error}") from error
    if named is None or named.kind:
        raise WireError(f"kalshi /events: {ticker!r} is no event; the bytes are kept")
    return named


def markets_of(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the nested markets of an event; WireError when there are none, or one stands twice."""
    markets = event.get("markets")
    if not isinstance(markets, list) or not markets or not all(isinstance(market, dict) for market in markets):
        raise WireError(f"kalshi /events: {event.get('event_ticker')} is listed without markets; the bytes are kept")
    tickers = [market.get("ticker") for market in markets]
    if not all(isinstance(ticker, str) and ticker for ticker in tickers):
        raise WireError(f"kalshi /events: a market of {event.get('event_ticker')} has no ticker; the bytes are kept")
    refuse_repeated("kalshi /events: market", map(str, tickers))
    return markets


def tick_of(market: Mapping[str, Any]) -> int:
    """Return the coarsest price step of a market [micro-USD]: a multiple of it is a price in every range."""
    try:
        steps = [step_of(part["step"]) for part in market.get("price_ranges") or []]
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(
            f"kalshi /events: price_ranges of {market.get('ticker')} are none ({error}); the bytes are kept"
        ) from error
    return max(steps) if steps else TICKS.get(str(market.get("price_level_structure")), CENT_MICRO)


def min_size_of(market: Mapping[str, Any]) -> int:
    """Return the least size of an order [micro-contracts]: whole contracts where fractions are not promised."""
    return FRACTION_MICRO if market.get("fractional_trading_enabled") is True else MICRO


def strike_of(market: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Return the bracket that the strike fields name; LadderError when they name none."""
    kind = str(market.get("strike_type") or "")
    if not kind:
        raise LadderError(f"{market.get('ticker')} has no strike_type; do not trade the event")
    return bracket_of(kind, _whole(market, "floor_strike"), _whole(market, "cap_strike"))


def _whole(market: Mapping[str, Any], key: str) -> int | None:
    if market.get(key) is None:
        return None
    try:
        number = decimal_of(market[key])
    except ValueError:
        number = decimal_of("0.5")  # as little a whole number as a word is
    if number != number.to_integral_value():
        raise LadderError(f"{market.get('ticker')}: {key} {market[key]!r} is no whole degree; do not trade the event")
    return int(number)


def _rows(
    event_id: str, markets: Sequence[Mapping[str, Any]], received_at: datetime, at_opening: bool
) -> tuple[list[_Row], list[str]]:
    rows, refusals = [], []
    for market in markets:
        try:
            rows.append(_row(event_id, market, received_at, at_opening))
        except (LadderError, RuleError) as error:
            refusals.append(str(error))
    rows.sort(key=lambda row: (row.bracket.lower is not None, row.bracket.lower or 0, row.bracket.market_id))
    if not refusals:
        try:
            checked_ladder(tuple(row.bracket for row in rows))
        except LadderError as error:
            refusals.append(f"ladder: {error}")
    return rows, refusals


def _row(event_id: str, market: Mapping[str, Any], received_at: datetime, at_opening: bool) -> _Row:
    ticker, status = str(market["ticker"]), str(market.get("status") or "")
    if not ticker.startswith(f"{event_id}-"):
        raise LadderError(f"{ticker} is no market of {event_id}")
    lower, upper = parse_strike(str(market.get("rules_primary") or ""))
    check_strike(parse_ticker(ticker), lower, upper)
    # Settled winners were seen without strike fields: at the opening a text must do, or their absence would name them.
    if (market.get("strike_type") or not at_opening) and (said := strike_of(market)) != (lower, upper):
        raise LadderError(f"{ticker}: its strike fields say {said[0]} to {said[1]}, its text {lower} to {upper}")
    label = label_of(lower, upper)
    printed = " ".join(str(market.get("yes_sub_title") or label).replace("*", "").split())
    if re.fullmatch(r"-?\d+° (?:or (?:above|below)|to -?\d+°)", printed) and printed != label:
        raise LadderError(f"{ticker} is printed as {printed!r}, its text means {label!r}")
    if not at_opening and status not in STATUSES:
        raise LadderError(f"{ticker} has the unknown status {status!r}")
    closes_at = instant_of(market.get("close_time"))
    accepting = at_opening or (status == "active" and (closes_at is None or closes_at > received_at))
    return _Row(Bracket(lower, upper, label, ticker, ticker + YES, ticker + NO), accepting)


def label_of(lower: int | None, upper: int | None) -> str:
    """Return a bracket as the venue prints it."""
    if lower is None:
        return f"{upper}° or below"
    return f"{lower}° or above" if upper is None else f"{lower}° to {upper}°"


def _text(markets: Sequence[Mapping[str, Any]], rows: Sequence[_Row]) -> str:
    """Return the text of the coldest bracket, whatever order the markets come in; all texts where they differ in more
    than their strike."""
    rank = {row.bracket.market_id: place for place, row in enumerate(rows)}
    ordered = sorted(markets, key=lambda market: (rank.get(str(market["ticker"]), len(rank)), str(market["ticker"])))
    texts = [_texts_of(market) for market in ordered]
    forms = list(dict.fromkeys(_STRIKE.sub("{strike}", text) for text in texts))
    return texts[0] if len(forms) == 1 else "\n\n---\n\n".join(forms)


def _texts_of(market: Mapping[str, Any]) -> str:
    parts = (str(market.get(key) or "") for key in ("rules_primary", "rules_secondary"))
    return "\n\n".join(part for part in parts if part)


def _rule(
    markets: Sequence[Mapping[str, Any]], rows: Sequence[_Row], day: date, text: str
) -> tuple[SettlementRule | None, list[str]]:
    rules, refusals = [], []
    for market in markets:
        try:
            found = parse_rule(
                str(market.get("rules_primary") or ""), str(market.get("rules_secondary") or ""), event_day=day,
                ticker=str(market["ticker"]),
            )  # fmt: skip
            rules.append(replace(found, text=text, sha256=_sha(text)))
        except RuleError as error:
            refusals.append(f"rule: {error}")
    if refusals:
        return None, refusals
    if len(set(rules)) != 1:
        return None, ["rule: its markets settle by different rules"]
    return rules[0], []


def _contradictions(
    rule: SettlementRule | None, markets: Sequence[Mapping[str, Any]], rows: Sequence[_Row], named: Ticker,
    closes_at: datetime | None,
) -> list[str]:  # fmt: skip
    if rule is None:
        return []
    found = []
    if len({_STRIKE.sub("{strike}", _texts_of(market)) for market in markets}) != 1:
        found.append("its markets carry different rule texts")
    if rule.station not in load_stations():
        found.append(f"station {rule.station} is not in stations.csv; add it before its events are traded")
    elif closes_at is not None:
        start, end = settlement_window(rule, load_stations()[rule.station].tz, named.event_day)
        if not start < closes_at <= end + timedelta(days=1):
            found.append(f"it closes at {iso(closes_at)}, its day ends at {iso(end)}")
    return found


def _stale(markets: Sequence[Mapping[str, Any]], day: date, received_at: datetime) -> list[str]:
    if day < received_at.date() - timedelta(days=1) and any(market.get("status") == "active" for market in markets):
        return [f"a stale listing: its day {day} is over, it is still called active"]
    return []


def _earliest(markets: Sequence[Mapping[str, Any]], key: str) -> datetime | None:
    return min((at for market in markets if (at := instant_of(market.get(key))) is not None), default=None)


def _title(event: Mapping[str, Any], rule: SettlementRule | None, named: Ticker) -> str:
    title = " ".join(str(event.get("title") or "").replace("*", "").split())
    day = named.event_day
    return title or f"{_TITLES[named.extreme]} temperature in {_city(event, rule)} on {day:%B} {day.day}, {day.year}"


def _city(event: Mapping[str, Any], rule: SettlementRule | None) -> str:
    if rule is not None and rule.station in load_stations():
        return load_stations()[rule.station].city
    found = re.search(r"temperature in ([^?]+?)(?: on |\?|$)", str(event.get("title") or "").replace("*", ""))
    return found[1].strip() if found else ""


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _known_raw(markets: Sequence[Mapping[str, Any]]) -> bytes:
    known = [{key: market[key] for key in _KNOWN_AT_OPENING if key in market} for market in markets]
    return json.dumps(known, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
