"""A Kalshi settlement text to a rule. Its texts name neither ICAO code nor standard time: the dated tables do."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import date

from core.errors import RuleError
from core.model.rule import Extreme, Grade, Precision, Rounding, SettlementRule
from core.registry import SettlementSource, VenueStation, load_settlement_sources, load_venue_stations
from core.units import Unit
from venues.kalshi.clauses import PRIMARY, SECONDARY
from venues.kalshi.ladder import bracket_of, check_strike, parse_ticker
from venues.sentences import Said, check_day, clause, read_sentences

VENUE = "kalshi"
_EXTREMES = {"highest": Extreme.HIGH, "maximum": Extreme.HIGH, "lowest": Extreme.LOW, "minimum": Extreme.LOW}
NWS, TWC = "National Weather Service", "The Weather Company"
SOURCES: Mapping[str, str] = {  # as the texts print it → as the table lists it
    "National Weather Service's Daily Climate Report": NWS,
    "NWS's Daily Climate Report": NWS,
    "National Weather Service's Climatological Report (Daily)": NWS,
    "NWS Climatological Report (Daily)": NWS,
    "The Weather Company": TWC,
    "Weather Company": TWC,
}
CLAUSE_OF: Mapping[str, str] = {"page": NWS, "version": NWS, "preliminary nws": NWS, "preliminary twc": TWC, "error": TWC}
REPORT_PAGES: Mapping[str, tuple[str, str]] = {  # report → office and location, as captured texts send us there
    "CLIHOU": ("hgx", "Houston-Hobby, TX"),
    "CLIMDW": ("lot", "Chicago - Midway, IL"),
    "CLINYC": ("okx", "Central Park NY"),
    "CLISFO": ("mtr", "San Francisco Airport"),
}


def parse_rule(primary: str, secondary: str = "", *, event_day: date, ticker: str = "") -> SettlementRule:
    """Return the rule that a market's texts state; RuleError when a part is unknown, missing or contradicts another.

    `ticker` names day, extreme and strike again: where it is given it must agree.
    """
    first = clause(read_sentences(primary, PRIMARY), "primary")
    said = read_sentences(secondary, SECONDARY)
    check_day(first["date"], event_day)
    extreme = _EXTREMES[first["extreme"]]
    _check_ticker(ticker, event_day, extreme, first)
    meaning = _meaning(first, said, event_day)
    if meaning.source == "weather_company" and "report" not in first:
        raise RuleError("The Weather Company's number is keyed to a report, and the text names none; do not trade the event")
    station, known = _station(first, said, event_day)
    text = "\n\n".join(part for part in (primary, secondary) if part)
    whole = known and meaning.grade is Grade.CAPTURED and "unit" in first
    return SettlementRule(
        station=station, source=meaning.source, source_url=_address(said), statistic=meaning.statistics[extreme],
        unit=_unit(first), precision=Precision.WHOLE, rounding=Rounding.AS_PRINTED, window=meaning.window,
        revision_cutoff=_cutoff(said), fallback_source="", no_data="last_fair_price" if "error" in said else "", text=text,
        sha256=hashlib.sha256(text.encode("utf-8")).hexdigest(), grade=Grade.CAPTURED if whole else Grade.INFERRED,
    )  # fmt: skip


def parse_strike(primary: str) -> tuple[int | None, int | None]:
    """Return lower and upper settlement integer, both included, of a market's primary rule."""
    return _bracket(clause(read_sentences(primary, PRIMARY), "primary"))


def _bracket(first: Mapping[str, str]) -> tuple[int | None, int | None]:
    numbers = [int(number) for number in re.findall(r"(?<!\d)-?\d+", first["strike"])]
    if first["strike"].startswith("between"):
        return bracket_of("between", numbers[0], numbers[1])
    return (
        bracket_of("less", None, numbers[0]) if first["strike"].startswith("less") else bracket_of("greater", numbers[0], None)
    )


def _check_ticker(ticker: str, event_day: date, extreme: Extreme, first: Mapping[str, str]) -> None:
    if not ticker:
        return
    named = parse_ticker(ticker)
    if named.event_day != event_day:
        raise RuleError(f"ticker {ticker} is about {named.event_day}, the event about {event_day}; do not trade the event")
    if named.extreme != extreme:
        raise RuleError(f"ticker {ticker} is about a {named.extreme}, its text about a {extreme}; do not trade the event")
    check_strike(named, *_bracket(first))


def _meaning(first: Mapping[str, str], said: Said, day: date) -> SettlementSource:
    phrases = {SOURCES[first["source"]]}
    if "value" in said:
        phrases.add(SOURCES[said["value"]["source"]])
    phrases |= {source for name, source in CLAUSE_OF.items() if name in said}
    if len(phrases) != 1:
        raise RuleError(f"the texts name {' and '.join(sorted(phrases))} as their source; do not trade the event")
    row = load_settlement_sources().resolve(VENUE, phrase := phrases.pop(), day)
    if row is None:
        raise RuleError(f"{phrase} has no meaning in settlement_sources.csv on {day}; add it with its evidence")
    return row


def _station(first: Mapping[str, str], said: Said, day: date) -> tuple[str, bool]:
    """Return the station and whether all of it was read: every place and report code must mean the same one."""
    place = first["place"]
    reports = {code for code in (first.get("report"), said.get("page", {}).get("report")) if code}
    places = [_row(phrase, day) for phrase in (place, *(f"{place} ({report})" for report in reports))]
    codes = [_row(report, day) for report in sorted(reports)]
    found = [row for row in places if row is not None]
    if not found or None in codes:
        raise RuleError(f"{place!r} {sorted(reports)} is not in venue_stations.csv on {day}; add it with its evidence")
    stations = {row.station for row in (*found, *codes) if row is not None}
    if len(stations) != 1:
        raise RuleError(f"{place!r} {sorted(reports)} means {' and '.join(sorted(stations))}; do not trade the event")
    graded = [row.grade for row in codes if row is not None] or [row.grade for row in found]
    return stations.pop(), Grade.INFERRED not in graded and _known_page(said)


def _known_page(said: Said) -> bool:
    if "page" not in said:
        return True
    page = said["page"]
    known, named = REPORT_PAGES.get(page["report"]), (page["url"][-3:], page["location"])
    if known is not None and known != named:
        raise RuleError(f"{page['report']} lies at {known}, the text says {named}; read it anew")
    return known is not None


def _row(phrase: str, day: date) -> VenueStation | None:
    return load_venue_stations().resolve(VENUE, phrase, day)


def _unit(first: Mapping[str, str]) -> Unit:
    # Texts before 2026 say "84°": the climate report prints Fahrenheit, but that is concluded, not read.
    if first.get("unit", "fahrenheit") != "fahrenheit":
        raise RuleError("the climate report prints Fahrenheit, the text says Celsius; do not trade the event")
    return Unit.FAHRENHEIT


def _address(said: Said) -> str:
    if "page" in said:
        return said["page"]["url"]
    return "https://weather.com/kalshi" if "error" in said else ""


def _cutoff(said: Said) -> str:
    if "version" in said:
        return "latest_version"
    return "first_publication" if "error" in said else ""
