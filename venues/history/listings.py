"""Listings and outcomes of Kalshi events: what the venue said at the opening, and the winner a day later."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
import orjson

from core.days import ONE_DAY
from core.errors import HermesError, LadderError, RuleError
from core.events import event_facts
from core.model.event import Bracket, Event, checked_ladder
from core.model.record import Kind, Record
from core.model.rule import Grade, SettlementRule
from core.registry import load_stations
from core.units import MICRO, iso, parse_iso
from venues.history.prints import CENT_MICRO, early_tickers, event_of
from venues.history.rows import Found, History
from venues.history.sets import MARKETS, STATION_DAYS, City
from venues.kalshi.fees import STANDARD
from venues.kalshi.ladder import bracket_of, parse_ticker
from venues.kalshi.rules import parse_rule, parse_strike

VENUE = "kalshi"
OUTCOME_KNOWN_FROM = time(13, tzinfo=UTC)  # the morning after: seen to settle 11:18 to 12:05Z
EXCHANGE = ZoneInfo("America/New_York")
OPENS, CLOSES = time(10), time(23, 59)  # the exchange's clock; the day before, and the day itself
_COLUMNS = ("target_date", "event_ticker", "ticker", "open_time", "close_time", "result", "expiration_value", "rules_primary")
FIVE_BRACKET_DAYS = frozenset({date(2023, 12, 26), date(2023, 12, 27), date(2023, 12, 28)})  # both tails traded in both cities


@dataclass(frozen=True, slots=True)
class Market:
    """What is known of a bracket at the opening. `strike_type` is not: it is absent on later winners only."""

    ticker: str
    text: str
    lower: int | None
    upper: int | None

    def bracket(self) -> Bracket:
        return Bracket(self.lower, self.upper, label_of(self), self.ticker, f"{self.ticker}:YES", f"{self.ticker}:NO")


def label_of(market: Market) -> str:
    """Return the bracket as the venue prints it."""
    if market.lower is None:
        return f"{market.upper}° or below"
    if market.upper is None:
        return f"{market.lower}° or above"
    return f"{market.lower}° to {market.upper}°"


def read_listings(history: History, city: City) -> Found:
    """Return a listing and an outcome per event of the markets file."""
    groups: dict[str, list[tuple[int, Mapping[str, str]]]] = defaultdict(list)
    for line, row in history.rows(MARKETS, _COLUMNS):
        if row["event_ticker"].removeprefix("KX").startswith(f"{city.series}-"):
            groups[row["event_ticker"]].append((line, row))
    records: list[Record] = []
    for rows in groups.values():
        try:
            records += _listed(city, [row for _, row in rows])
        except (HermesError, ValueError) as error:
            for line, row in rows:
                history.bad_row(MARKETS, line, ",".join(row.values()), f"{row['event_ticker']}: {error}")
    return Found(records)


def _listed(city: City, rows: Sequence[Mapping[str, str]]) -> list[Record]:
    day = date.fromisoformat(rows[0]["target_date"])
    markets = [Market(row["ticker"], row["rules_primary"], *parse_strike(row["rules_primary"])) for row in rows]
    rules = [parse_rule(market.text, event_day=day, ticker=market.ticker) for market in markets]
    if len({replace(rule, text="", sha256="") for rule in rules}) != 1:
        raise RuleError("its markets settle by different rules")
    opens_at, closes_at = (min(parse_iso(row[name]) for row in rows) for name in ("open_time", "close_time"))
    event = _event(city, rows[0]["event_ticker"], day, rules[0], markets, (opens_at, closes_at))
    winners = [row["ticker"] for row in rows if row["result"] == "yes"]
    values = [row["expiration_value"] for row in rows if row["ticker"] in winners]
    if len(winners) != 1:
        raise ValueError(f"{len(winners)} winners")
    known = [{name: row[name] for name in ("ticker", "open_time", "close_time", "rules_primary")} for row in rows]
    results = [{name: row[name] for name in ("ticker", "result", "expiration_value")} for row in rows]
    return [_listing(event, known, {}), _outcome(event, winners[0], _number(values[0]), results)]


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def _event(
    city: City, event_id: str, day: date, rule: SettlementRule, markets: Iterable[Market], hours: tuple[datetime, datetime]
) -> Event:
    if rule.station != city.settles_on:
        raise RuleError(f"its text means {rule.station}, not {city.settles_on}")
    place = load_stations()[rule.station].city
    return Event(
        venue=VENUE, event_id=event_id, title=f"Highest temperature in {place} on {day:%B} {day.day}, {day.year}", city=place,
        event_day=day, extreme=rule.statistic.extreme, rule=rule,
        ladder=checked_ladder(tuple(market.bracket() for market in markets)), fees=STANDARD, tick_micro=CENT_MICRO,
        min_size_micro=MICRO, liquidity_usd=None, opens_at=hours[0], closes_at=hours[1], accepting=True,
    )  # fmt: skip


def _listing(event: Event, known: object, more: Mapping[str, str]) -> Record:
    facts, rows = event_facts(event)
    assert event.opens_at is not None
    return Record(VENUE, Kind.EVENTS, event.event_id, event.opens_at, None, orjson.dumps(known), rows, {**facts, **more})


def _outcome(event: Event, winner: str, value: float | None, raw: object) -> Record:
    markets = [bracket.market_id for bracket in event.ladder]
    return Record(
        VENUE, Kind.OUTCOMES, event.event_id, datetime.combine(event.event_day + ONE_DAY, OUTCOME_KNOWN_FROM), None,
        orjson.dumps(raw),
        {"market_id": np.array(markets, dtype=object), "won": np.array([market == winner for market in markets])},
        {"final": True, "winner": winner, "value": value, "accepting": False},
    )  # fmt: skip


def read_derived_listings(history: History, city: City) -> Found:
    """Return listings and outcomes of events that no markets file lists.

    The ladder follows from the tickers that traded, the text from the series' first listed event with the date changed
    (graded inferred), opening and closing from the exchange's hours, the winner from the climate report.
    """
    form = _text_form(history, city)
    values = {
        row["target_date"]: (line, row["cli_max_f"])
        for line, row in history.rows(STATION_DAYS, ("series", "target_date", "cli_max_f"))
        if row["series"] == city.series
    }
    records: list[Record] = []
    for day, (tickers, first) in sorted(early_tickers(history, city).items()):
        prefix = event_of(min(tickers))
        try:
            markets = derived_ladder(prefix, day, tickers, form)
            event = _derived_event(city, prefix, day, markets, first)
        except HermesError as error:
            history.tell(f"{city.trades}: {prefix}: {error}")
            continue
        evidence = {"evidence": "ladder from traded tickers, text and hours from later events of the series"}
        records.append(_listing(event, sorted(tickers), evidence))
        line, value = values.get(day.isoformat(), (0, ""))
        if (number := _number(value)) is None:
            history.tell(f"{STATION_DAYS} line {line}: {prefix} has no climate-report maximum, thus no outcome")
            continue
        winner = event.winner_of(int(number)).market_id
        records.append(_outcome(event, winner, number, {"cli_max_f": value}))
    return Found(records)


def _derived_event(city: City, prefix: str, day: date, markets: Sequence[Market], first: int) -> Event:
    rule = parse_rule(markets[0].text, event_day=day, ticker=markets[0].ticker)
    opens_at = datetime.combine(day - ONE_DAY, OPENS, EXCHANGE).astimezone(UTC)
    closes_at = datetime.combine(day, CLOSES, EXCHANGE).astimezone(UTC)
    if opens_at.timestamp() * MICRO > first:
        raise RuleError(f"traded before it opened at {iso(opens_at)}")
    return _event(city, prefix, day, replace(rule, grade=Grade.INFERRED), markets, (opens_at, closes_at))


def _text_form(history: History, city: City) -> str:
    """Return the series' rule text with places for date and strike."""
    for _, row in history.rows(MARKETS, _COLUMNS):
        if row["event_ticker"].startswith(f"{city.series}-"):
            day = date.fromisoformat(row["target_date"])
            text = row["rules_primary"].replace(_spelled(day), "{date}")
            return re.sub(r"(less than|greater than|between) [-\d]+°", "{strike}", text)
    raise RuleError(f"{MARKETS} lists no event of {city.series} to take the rule text from")


def _spelled(day: date) -> str:
    return f"{day:%B} {day.day}, {day.year}"


def derived_ladder(prefix: str, day: date, traded: set[str], form: str) -> list[Market]:
    """Return the ladder that all traded tickers belong to; LadderError when several or none would fit.

    Between two tails lie four brackets of two degrees, on three known days three; `T` strikes are exclusive.
    """
    named = {(parsed.kind, parsed.strike) for parsed in map(parse_ticker, traded)}
    lowest = min(int(strike) for _, strike in named if strike is not None)
    for inner in (3, 4) if day in FIVE_BRACKET_DAYS else (4,):
        fitting = [base for base in range(lowest - 8, lowest + 2) if named <= _strikes(base, inner)]
        if len(fitting) == 1:
            return _markets(prefix, day, fitting[0], inner, form)
    raise LadderError(f"{len(fitting)} ladders fit its traded tickers {', '.join(sorted(traded))}; it is left out")


def _strikes(base: int, inner: int) -> set[tuple[str, object]]:
    return {("T", base), ("T", base + 2 * inner - 1), *(("B", base + 2 * n + 0.5) for n in range(inner))}


def _markets(prefix: str, day: date, base: int, inner: int, form: str) -> list[Market]:
    high = base + 2 * inner - 1
    strikes: list[tuple[str, int | None, int | None, str, str]] = [("less", None, base, f"T{base}", f"less than {base}°")]
    for low in range(base, high, 2):
        strikes.append(("between", low, low + 1, f"B{low + 0.5}", f"between {low}-{low + 1}°"))
    strikes.append(("greater", high, None, f"T{high}", f"greater than {high}°"))
    return [
        Market(f"{prefix}-{name}", form.format(date=_spelled(day), strike=words), *bracket_of(kind, floor, cap))
        for kind, floor, cap, name, words in strikes
    ]
