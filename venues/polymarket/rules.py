"""A Polymarket settlement text to a rule: all of it understood and free of contradiction, or refused."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qs, urlsplit

from core.errors import RuleError
from core.model.rule import Extreme, Grade, Precision, Rounding, SettlementRule
from core.registry import SettlementSource, load_settlement_sources, load_venue_stations
from core.units import Unit
from venues.polymarket.clauses import CLAUSES
from venues.sentences import Said, check_day, clause, one_of, read_sentences

VENUE = "polymarket"
_EXTREMES = {"highest": Extreme.HIGH, "lowest": Extreme.LOW, "Max": Extreme.HIGH, "Min": Extreme.LOW}
_UNITS = {"Fahrenheit": Unit.FAHRENHEIT, "F": Unit.FAHRENHEIT, "Celsius": Unit.CELSIUS, "C": Unit.CELSIUS}
_SYSTEMS = {"Metric Units": "C", "US Units w/ kts": "F"}


@dataclass(frozen=True, slots=True)
class Publisher:
    """What holds for all texts of one named source."""

    host: str
    step: str  # the precision clause it always came with
    precision: Precision
    rounding: Rounding
    deadline: str  # of the no-data clause, where it has one
    cutoffs: frozenset[str]  # what its revision clause may name


_PASSING = frozenset({"first_next_day_point", "finalized"})
_OBSERVATORY = frozenset({"finalized", "first_publication"})
PUBLISHERS: Mapping[str, Publisher] = {
    "Wunderground": Publisher("www.wunderground.com", "whole", Precision.WHOLE, Rounding.HALF_UP, "day", _PASSING),
    "NOAA": Publisher("www.weather.gov", "whole", Precision.WHOLE, Rounding.HALF_UP, "day", _PASSING),
    "Hong Kong Observatory": Publisher(
        "www.weather.gov.hk", "one decimal", Precision.TENTH, Rounding.FLOOR, "seventh day", _OBSERVATORY
    ),
    "Central Weather Administration": Publisher(
        "www.cwa.gov.tw", "one decimal", Precision.TENTH, Rounding.FLOOR, "seventh day", _OBSERVATORY
    ),
}
CUTOFFS = {
    "first datapoint": "first_next_day_point",
    "finalized": "finalized",
    "initially published": "first_publication",
    "initial publication": "first_publication",
}
LOCKS = {
    "first datapoint": ("first data point",),
    "finalized": ("finalized", "first data point", ""),  # London 2026-05-27: old revisions, new lock; early 2025: no lock
    "initially published": ("published",),
    "initial publication": ("published",),
}


def parse_rule(text: str, *, event_day: date, resolution_source: str = "") -> SettlementRule:
    """Return the rule that a text states; RuleError when a part is unknown, missing or contradicts another.

    `resolution_source` is the listing's own field: where it is given it must be the address in the text.
    """
    said = read_sentences(text, CLAUSES)
    subject, source = clause(said, "subject"), clause(said, "source")
    check_day(subject["date"], event_day)
    publisher = PUBLISHERS[_teller(source)]
    extreme, unit = _extreme(said), _unit(said)
    address = _address(source["url"], publisher, resolution_source)
    station, station_grade = _station(said, address, event_day)
    meaning = _meaning(said, event_day)
    _check_precision(said, publisher)
    return SettlementRule(
        station=station, source=meaning.source, source_url=address, statistic=meaning.statistics[extreme], unit=unit,
        precision=publisher.precision, rounding=publisher.rounding, window=meaning.window,
        revision_cutoff=_cutoff(said, publisher), fallback_source="wunderground" if "fallback" in said else "",
        no_data=_no_data(said, publisher), text=text, sha256=hashlib.sha256(text.encode("utf-8")).hexdigest(),
        grade=Grade.INFERRED if Grade.INFERRED in (station_grade, meaning.grade) else Grade.CAPTURED,
    )  # fmt: skip


def _extreme(said: Said) -> Extreme:
    source = said["source"]
    words = {said["subject"]["extreme"], source.get("extreme") or source["column"]}
    if "table" in said:
        words.add(said["table"]["extreme"])
    extremes = {_EXTREMES[word] for word in words}
    if len(extremes) != 1:
        raise RuleError(f"the text speaks of {' and '.join(sorted(words))}; do not trade the event")
    return extremes.pop()


def _unit(said: Said) -> Unit:
    precision, display = clause(said, "precision"), said.get("display", {})
    named = [said["subject"]["unit"], precision["unit"], precision["letter"]]
    if "system" in display:
        named += [display["letter"], _SYSTEMS[display["system"]]]
    units = {_UNITS[name] for name in named}
    if len(units) != 1:
        raise RuleError(f"the text names its unit as {' and '.join(named)}; do not trade the event")
    return units.pop()


def _address(url: str, publisher: Publisher, resolution_source: str) -> str:
    if urlsplit(url).netloc != publisher.host:
        raise RuleError(f"the address {url} is not of {publisher.host}; do not trade the event")
    listed = resolution_source.strip().rstrip(".")
    if listed and listed.casefold() != url.casefold():
        raise RuleError(f"the text names {url}, the listing {listed}; do not trade the event")
    return url


def _station(said: Said, address: str, day: date) -> tuple[str, Grade]:
    place = one_of("the station", _place(said["subject"]), said["source"].get("place", ""))
    row = load_venue_stations().resolve(VENUE, place, day)
    if row is None:
        raise RuleError(f"the place {place!r} is not in venue_stations.csv on {day}; add it with its evidence")
    if _station_in(address, _teller(said["source"]), row.station) != row.station:
        raise RuleError(f"the text says {place!r} ({row.station}), its address {address}; do not trade the event")
    return row.station, row.grade


def _station_in(address: str, source: str, known: str) -> str:
    """Return the station that an address names; an observatory's page names none, but has one address."""
    parts = urlsplit(address)
    if source == "Wunderground":
        found = re.fullmatch(r"/history/daily/[a-z]{2}/(?:[^/]+/){1,2}([A-Z0-9]{4})", parts.path)
        return found[1] if found else ""
    if source == "NOAA":
        sites = parse_qs(parts.query)
        return sites["site"][0].upper() if parts.path == "/wrh/timeseries" and list(sites) == ["site"] else ""
    if source == "Hong Kong Observatory":
        return known if known == "HKO" and address == "https://www.weather.gov.hk/en/cis/climat.htm" else ""
    identity = parse_qs(parts.query).get("ID", [""])
    return identity[0] if parts.path == "/V8/C/W/OBS_Station.html" else ""


def _meaning(said: Said, day: date) -> SettlementSource:
    """Return what the source's phrase means on that day; the hourly button narrows the reports that count."""
    teller, recorder = _teller(said["source"]), _recorder(said["subject"])
    if teller != recorder:
        raise RuleError(f"{recorder} recorded it and {teller} tells it; do not trade the event")
    for name, of in (("table", "Wunderground"), ("hourly", "NOAA"), ("fallback", "NOAA")):
        if name in said and teller != of:
            raise RuleError(f"the {name} clause of {of}'s texts stands in one of {teller}; do not trade the event")
    phrases = [
        teller,
        *(phrase for name, phrase in (("table", "Daily Observations"), ("hourly", "Hourly Data")) if name in said),
    ]
    rows = [load_settlement_sources().resolve(VENUE, phrase, day) for phrase in phrases]
    last = rows[-1]
    if last is None or any(row is None or row.source != last.source or row.window != last.window for row in rows):
        raise RuleError(
            f"{' with '.join(phrases)} has no one meaning in settlement_sources.csv on {day}; add it with its evidence"
        )
    return last


def _teller(source: Mapping[str, str]) -> str:
    return next(source[slot] for slot in ("wunderground", "agency", "observatory", "bureau") if slot in source)


def _recorder(subject: Mapping[str, str]) -> str:
    return next((subject[slot] for slot in ("agency", "observatory", "bureau") if slot in subject), "Wunderground")


def _place(subject: Mapping[str, str]) -> str:
    return next(subject[slot] for slot in ("place", "observatory", "bureau") if slot in subject)


def _check_precision(said: Said, publisher: Publisher) -> None:
    if said["precision"]["step"] != publisher.step:
        raise RuleError(
            f"{publisher.host} measured to {publisher.step} in every text, here to {said['precision']['step']}; read it anew"
        )


def _cutoff(said: Said, publisher: Publisher) -> str:
    words, lock = clause(said, "revisions")["cutoff"], said.get("lock", {}).get("lock", "")
    if CUTOFFS[words] not in publisher.cutoffs or lock not in LOCKS[words]:
        raise RuleError(f"revisions count until {words!r}, it resolves after {lock!r}; do not trade the event")
    if publisher.cutoffs is _PASSING and ("final" in said["source"]) != (lock in ("finalized", "")):
        raise RuleError("one clause waits for final data, another does not; do not trade the event")
    if "exception" in said and "correction" not in said:
        raise RuleError("an exception is made for a correction that no paragraph describes; do not trade the event")
    return CUTOFFS[words]


def _no_data(said: Said, publisher: Publisher) -> str:
    deadlines = {said[name]["deadline"] for name in ("empty", "lock", "fallback") if "deadline" in said.get(name, {})}
    if deadlines - {publisher.deadline}:
        raise RuleError(
            f"{publisher.host} waits until the {publisher.deadline}, the text says {sorted(deadlines)}; read it anew"
        )
    return "lowest_bracket" if "empty" in said else ""
