"""Gamma events: a listing with its rule and ladder, or the reason why it is not traded."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from core.errors import LadderError, RuleError, WireError
from core.events import ladder_columns, rule_facts
from core.model.event import Bracket, FeeRounding, checked_ladder
from core.model.record import Kind, Record
from core.model.rule import Extreme, SettlementRule
from core.units import Unit, iso
from venues.numbers import decimal_of, exponent_of, min_size_of, rate_of, tick_of, whole_of
from venues.polymarket.clob import MIN_SIZE_MICRO, TICK_MICRO
from venues.polymarket.ladder import parse_label
from venues.sanity import instant_of, refuse_repeated, unread, year_fault
from venues.spans import json_value

DECODER = 1
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_SERIES = re.compile(r"(?:highest|lowest)-temperature-in-[a-z0-9]+(?:-[a-z0-9]+)*")
_SLUG = re.compile(r"[A-Za-z0-9._-]{1,120}")  # becomes the name of a file
_WORDS = {Extreme.HIGH: "highest", Extreme.LOW: "lowest"}

_READ_OF_EVENTS = (
    "slug", "title", "description", "resolutionSource", "eventDate", "endDate", "startDate", "active", "closed", "archived",
    "negRisk", "negRiskAugmented", "negRiskFeeBips",
)  # fmt: skip
_READ_OF_MARKETS = (
    "id", "description", "groupItemTitle", "groupItemThreshold", "outcomes", "clobTokenIds", "conditionId", "active", "closed",
    "archived", "acceptingOrders", "gameStartTime", "feesEnabled", "feeSchedule", "orderPriceMinTickSize", "orderMinSize",
)  # fmt: skip

RuleOf = Callable[[str, date, str], SettlementRule]  # (text, event day, resolution source); RuleError when not understood
StartOf = Callable[[SettlementRule, date], datetime]  # start of the settlement day; RuleError for an unknown station
CityOf = Callable[[SettlementRule], str]


@dataclass(frozen=True, slots=True)
class Words:
    """What an event's own words are read with: the rule parser and the dated tables behind it."""

    rule: RuleOf
    start: StartOf
    city: CityOf


def event_slug(series: str, day: date, *, with_year: bool = True) -> str:
    """Return the slug of a series' event: English month, no zero padding; the year since March 2026."""
    slug = f"{series}-on-{MONTHS[day.month - 1]}-{day.day}"
    return f"{slug}-{day.year}" if with_year else slug


def is_series(text: str) -> bool:
    """Return whether a text is what comes before `-on-` in the slugs of a city's highs or lows."""
    return _SERIES.fullmatch(text) is not None


def event_day_of(event: Mapping[str, Any]) -> date:
    """Return the local day that an event is about; WireError when it names none."""
    text = event.get("eventDate") or str(event.get("endDate") or "")[:10]  # noon UTC of the event day, everywhere
    try:
        day = date.fromisoformat(str(text))
    except ValueError:
        raise WireError(
            f"polymarket /events: {event.get('slug')} has neither eventDate nor endDate; the bytes are kept"
        ) from None
    if fault := year_fault(day):
        raise WireError(f"polymarket /events: {event.get('slug')}: {fault}; the bytes are kept")
    return day


def markets_of(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the markets of an event, none where it has none yet; WireError where they are no objects."""
    listed = event.get("markets") or []
    if not isinstance(listed, list) or not all(isinstance(market, dict) for market in listed):
        raise WireError(f"polymarket /events: the markets of {event.get('slug')} are no objects; the bytes are kept")
    return listed


def json_list(value: Any, name: str) -> list[Any]:
    """Return a list that Gamma writes as JSON inside a string; old and projected shapes write it plainly."""
    try:
        listed = json_value(value) if isinstance(value, str) else value
    except ValueError as error:
        raise WireError(f"polymarket /events: {name} {value!r} is no JSON list; the bytes are kept") from error
    if not isinstance(listed, list):
        raise WireError(f"polymarket /events: {name} {value!r} is no list; the bytes are kept")
    return listed


def parse_event(event: Mapping[str, Any], raw: bytes, received_at: datetime, words: Words) -> Record:
    """Return the `events` record of one event; `facts["refusal"]` says why it must not be traded."""
    slug, markets = event.get("slug"), markets_of(event)
    if not isinstance(slug, str) or not _SLUG.fullmatch(slug) or not markets:
        raise WireError(f"polymarket /events: {slug!r} is no event with markets; the bytes are kept")
    day, text = event_day_of(event), _text_of(event, markets)
    brackets, refusals = _brackets(markets)
    rule, why = _rule_of(text, day, event, words)
    refusals += why or _contradictions(event, day, rule, brackets, markets, words)
    if is_open(event) and day < received_at.date() - timedelta(days=1):
        refusals.append(f"a stale listing: its day {day} is over, it is still called active")
    refusals += dict.fromkeys(
        sentence for listed in (event, *markets) for sentence in unread(listed, "startDate", "gameStartTime")
    )
    facts = {
        "venue": "polymarket", "event_id": slug, "title": str(event.get("title") or ""),
        "city": _city_of(event, rule, words), "event_day": day.isoformat(), "extreme": str(_extreme_of(event, rule)),
        "text": text, "sha256": hashlib.sha256(text.encode("utf-8")).hexdigest(), "refusal": "; ".join(refusals),
        "rule": rule_facts(rule) if rule else None, "fees": _fees(markets),
        "tick_micro": _coarsest(markets, "orderPriceMinTickSize", tick_of, TICK_MICRO),
        "min_size_micro": _coarsest(markets, "orderMinSize", min_size_of, MIN_SIZE_MICRO),
        "liquidity_usd": _number_or_none(event.get("liquidity")), "opens_at": _iso_or_blank(event.get("startDate")),
        "closes_at": "",  # endDate is noon of the event day and no end of trading; nothing else is named
        "conditions": {row.bracket.market_id: row.condition for row in brackets}, "convert_bips": _convert_bips(event),
        "accepting": is_open(event) and any(row.accepting for row in brackets),
    }  # fmt: skip
    return Record(
        source="polymarket", kind=Kind.EVENTS, subject=slug, received_at=received_at, issued_at=None, raw=raw,
        rows=ladder_columns([row.bracket for row in brackets], [row.accepting for row in brackets]), facts=facts, decoder=DECODER,
    )  # fmt: skip


def words_of(event: Mapping[str, Any]) -> object:
    """Return all of an event that its record depends on, but `liquidity`, which moves with every order."""
    listed = [[market.get(name) for name in _READ_OF_MARKETS] for market in markets_of(event)]
    return [event.get(name) for name in _READ_OF_EVENTS], listed


def told_again(record: Record, event: Mapping[str, Any], raw: bytes, received_at: datetime) -> Record:
    """Return the record of an event as it was read earlier that day, for the same words with another liquidity."""
    facts = {**record.facts, "liquidity_usd": _number_or_none(event.get("liquidity"))}
    return replace(record, raw=raw, received_at=received_at, facts=facts)


@dataclass(frozen=True, slots=True)
class _Row:
    bracket: Bracket
    unit: Unit
    condition: str
    accepting: bool
    rank: int | None  # groupItemThreshold: 0 is the coldest


def tokens_of(market: Mapping[str, Any]) -> tuple[str, str]:
    """Return the YES and the NO token of a market, matched by outcome name, as text."""
    names = json_list(market.get("outcomes"), "outcomes")
    tokens = json_list(market.get("clobTokenIds"), "clobTokenIds")
    if sorted(map(str, names)) != ["No", "Yes"] or len(tokens) != 2:
        raise WireError(f"polymarket /events: market {market.get('id')} has outcomes {names} and {len(tokens)} tokens")
    pair = {str(name): str(token) for name, token in zip(names, tokens, strict=True)}
    return pair["Yes"], pair["No"]


def _brackets(markets: Sequence[Mapping[str, Any]]) -> tuple[list[_Row], list[str]]:
    rows, refusals = [], []
    for market in markets:
        label = str(market.get("groupItemTitle") or "")
        try:
            lower, upper, unit = parse_label(label)
            yes, no = tokens_of(market)
            if not market.get("conditionId") or not yes or not no:
                raise WireError(f"polymarket /events: bracket {label!r} has no condition or tokens (yet)")
        except (LadderError, WireError) as error:
            refusals.append(str(error))
            continue
        bracket = Bracket(lower, upper, label, str(market.get("id") or ""), yes, no)
        accepting = is_open(market) and market.get("acceptingOrders") is True
        rows.append(_Row(bracket, unit, str(market["conditionId"]), accepting, _rank(market)))
    refuse_repeated("polymarket /events: market", (row.bracket.market_id for row in rows))
    refuse_repeated("polymarket /events: condition", (row.condition for row in rows))
    refuse_repeated("polymarket /events: token", (t for row in rows for t in (row.bracket.yes, row.bracket.no)))
    rows.sort(key=lambda row: (row.bracket.lower is not None, row.bracket.lower or 0))
    if not refusals:
        try:
            checked_ladder(tuple(row.bracket for row in rows))
        except LadderError as error:
            refusals.append(f"ladder: {error}")
    return rows, refusals


def _rank(market: Mapping[str, Any]) -> int | None:
    try:
        return whole_of(market.get("groupItemThreshold"))
    except ValueError:
        return None


def is_open(listed: Mapping[str, Any]) -> bool:
    """Return whether an event or a market is not over, by its own words."""
    # `active` stays true for ever; `closed` outranks `acceptingOrders`, which was seen true on closed markets.
    return listed.get("closed") is not True and listed.get("archived") is not True and listed.get("active") is not False


def _text_of(event: Mapping[str, Any], markets: Sequence[Mapping[str, Any]]) -> str:
    return str(event.get("description") or markets[0].get("description") or "")


def _rule_of(text: str, day: date, event: Mapping[str, Any], words: Words) -> tuple[SettlementRule | None, list[str]]:
    try:
        return words.rule(text, day, str(event.get("resolutionSource") or "")), []
    except RuleError as error:
        return None, [f"rule: {error}"]


def _contradictions(
    event: Mapping[str, Any], day: date, rule: SettlementRule | None, rows: Sequence[_Row],
    markets: Sequence[Mapping[str, Any]], words: Words,
) -> list[str]:  # fmt: skip
    if rule is None:
        return []
    found = []
    if any(row.unit != rule.unit for row in rows):
        found.append(f"brackets in °{rows[0].unit} under a rule in °{rule.unit}")
    if (named := _named_extreme(event)) is not None and named != rule.statistic.extreme:
        found.append(f"the title says {named}, the rule {rule.statistic.extreme}")
    if any(market.get("description") not in (None, "", rule.text) for market in markets):
        found.append("its markets carry different rule texts")
    ranks = [row.rank for row in rows]
    if None not in ranks and ranks != sorted(ranks, key=lambda rank: rank or 0):
        found.append("groupItemThreshold ranks the brackets in another order than their labels")
    starts = {start for market in markets if (start := instant_of(market.get("gameStartTime"))) is not None}
    try:
        if starts and starts != {words.start(rule, day)}:
            found.append(f"gameStartTime {iso(min(starts))} is not the midnight that starts the day at {rule.station}")
    except RuleError as error:
        found.append(str(error))
    return found


def _named_extreme(event: Mapping[str, Any]) -> Extreme | None:
    words = f"{event.get('title') or ''} {event.get('slug') or ''}".lower()
    named = [extreme for extreme, word in _WORDS.items() if word in words]
    return named[0] if len(named) == 1 else None


def _extreme_of(event: Mapping[str, Any], rule: SettlementRule | None) -> Extreme:
    return rule.statistic.extreme if rule else _named_extreme(event) or Extreme.HIGH


def _city_of(event: Mapping[str, Any], rule: SettlementRule | None, words: Words) -> str:
    if rule is not None:
        return words.city(rule)
    return str(event.get("title") or "").partition(" in ")[2].partition(" on ")[0]


def _fees(markets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    # makerBaseFee and takerBaseFee are caps carried by signed orders; only the schedule is charged.
    charged = [
        market["feeSchedule"] for market in markets if market.get("feesEnabled") and isinstance(market.get("feeSchedule"), dict)
    ]
    try:
        schedules = [(rate_of(fee.get("rate")), exponent_of(fee.get("exponent", 1))) for fee in charged]
    except ValueError as error:
        raise WireError(f"polymarket /events: a feeSchedule is none ({error}); the bytes are kept") from error
    rate, exponent = max(schedules, key=lambda fee: (fee[0], -fee[1]), default=(0.0, 1.0))  # the dearest
    return {"rate": rate, "exponent": exponent, "rounding": str(FeeRounding.HALF_UP_5)}


def _convert_bips(event: Mapping[str, Any]) -> int | None:
    """Return what a conversion costs; None where NO of one bracket is not YES of all others: a catch-all may be added."""
    if event.get("negRisk") is not True or event.get("negRiskAugmented") is True:
        return None
    try:
        bips = whole_of(event.get("negRiskFeeBips") or 0)
    except ValueError:
        return None
    return bips if 0 <= bips <= 10_000 else None


def _coarsest(markets: Sequence[Mapping[str, Any]], key: str, read: Callable[[Any], int], default: int) -> int:
    try:
        values = [read(market[key]) for market in markets if market.get(key) not in (None, "")]
    except ValueError as error:
        raise WireError(f"polymarket /events: {key} is no number ({error}); the bytes are kept") from error
    return max(values, default=default)


def _number_or_none(value: Any) -> float | None:
    try:
        return float(decimal_of(value))
    except ValueError:
        return None


def _iso_or_blank(value: Any) -> str:
    at = instant_of(value)
    return iso(at) if at else ""
