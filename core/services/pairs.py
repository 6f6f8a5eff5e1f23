"""Same city, two rules: the events that two venues list for one city, day and extreme."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations

from core.events import differences
from core.services.shelves import Shelves
from core.services.stations import StationCard, StationService
from core.services.weather import RuleLine, WeatherService

SOURCE = "archive: event texts; evaluations"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two events of a pair."""

    card: StationCard
    rule: RuleLine | None


@dataclass(frozen=True, slots=True)
class Pair:
    """One city, day and extreme on two venues, and why the two may settle apart."""

    city: str
    event_day: date
    extreme: str
    one: Side
    other: Side
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    as_of: datetime
    source: str
    n: int
    pairs: tuple[Pair, ...]
    missing: str = ""


class PairService:
    """Answers from the cards of all stations and the newest text of each event."""

    def __init__(self, shelves: Shelves, stations: StationService) -> None:
        self._shelves, self._stations, self._weather = shelves, stations, WeatherService(shelves)

    def pairs(self) -> Pairs:
        """Return each two events of one city, day and extreme on two venues, with the sentences why they may differ."""
        now = self._shelves.present().now
        found = tuple(self._found(self._stations.every_card(now), now))
        return Pairs(now, SOURCE, len(found), found, self._shelves.missing())

    def _found(self, cards: Sequence[StationCard], now: datetime) -> Iterator[Pair]:
        stations = self._shelves.stations()
        groups: dict[tuple[date, str, str], list[StationCard]] = {}
        for card in cards:
            station = stations.get(card.station_code)
            groups.setdefault((card.event_day, station.city if station else card.city, card.extreme), []).append(card)
        for (day, city, extreme), of_city in sorted(groups.items(), key=lambda one: one[0]):
            for one, other in combinations(of_city, 2):
                if one.venue != other.venue:
                    yield self._pair(city, day, extreme, one, other, now)

    def _pair(self, city: str, day: date, extreme: str, one: StationCard, other: StationCard, now: datetime) -> Pair:
        journal = self._shelves.journal()

        def asked() -> tuple[RuleLine | None, RuleLine | None, tuple[str, ...]]:
            (rule, line), (second, second_line) = (self._weather.rule(card.event_id, now) for card in (one, other))
            windows = (one.window_start, one.window_end), (other.window_start, other.window_end)
            said = differences(rule, second, windows) if rule and second else ()
            return line, second_line, said

        key = ("pair", one.event_id, other.event_id)
        line, other_line, said = journal.keep(key, asked) if journal else asked()
        return Pair(city, day, extreme, Side(one, line), Side(other, other_line), said)
