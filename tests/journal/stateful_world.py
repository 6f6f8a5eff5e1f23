"""A world that moves at random under a real desk: events, books, trades, outcomes, what people ask. All from one generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import numpy as np

from core.days import settlement_window
from core.events import event_facts
from core.model.event import Event, Instrument, Side, instruments_of
from core.model.record import Kind, Record
from core.registry import load_stations
from core.units import MICRO, Columns, micros
from tests.agents.transmission.builders import Market
from tests.agents.weather.worlds import event, outcome
from tests.journal.stateful_archive import MemoryArchive

STATIONS = load_stations()
BEGIN = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
N_BRACKETS = 3
WANTED = (*[np.nan] * 24, 0.0, 0.0, 8.0, 40.0, 300.0, 2_000.0)  # mostly no wish: nothing is to change


@dataclass(frozen=True)
class Place:
    """Where events are listed: two venues in one city, two cities in one region."""

    name: str
    venue: str
    station: str
    city: str
    region: str
    source: str


PLACES = (
    Place("nyc", "polymarket", "KLGA", "New York", "northeast", "wunderground"),
    Place("KXNYC", "kalshi", "KNYC", "New York", "northeast", "nws_climate_report"),
    Place("boston", "polymarket", "KBOS", "Boston", "northeast", "wunderground"),
    Place("london", "polymarket", "EGLC", "London", "england", "wunderground"),
)


@dataclass
class Open:
    """An event while it lives: its tokens, what its books say, how it ended."""

    event: Event
    instruments: tuple[Instrument, ...]
    end: datetime
    chances: list[float]
    quotes: dict[str, tuple[list[tuple[int, int]], list[tuple[int, int]]]]  # token: asks, bids [micro-USD, micro-shares]
    quoted_at: datetime
    word: int = -1  # bracket that the venue named last


class World:
    """Publishes records into an archive and knows what they say."""

    def __init__(self, random: Random, archive: MemoryArchive) -> None:
        self.random, self.archive, self.now = random, archive, BEGIN
        self.events: dict[str, Open] = {}
        self.days: set[date] = set()
        self.n_records = 0
        self.list_day()

    def pass_time(self, span: timedelta) -> None:
        """Let time pass; a new day lists its events, and what is long over is forgotten."""
        self.now += span
        self.list_day()
        for event_id in [e for e, known in self.events.items() if self.now > known.end + timedelta(days=9)]:
            del self.events[event_id]
        for kind in (Kind.BOOKS, Kind.PRINTS):
            self.archive.forget(kind, micros(self.now - timedelta(days=9)))
        for kind in (Kind.OUTCOMES, Kind.EVENTS):
            self.archive.forget(kind, micros(self.now - timedelta(days=13)))

    def list_day(self) -> None:
        """List the events of tomorrow, once."""
        day = self.now.date() + timedelta(days=1)
        if day in self.days:
            return
        self.days.add(day)
        for place in PLACES:
            name = f"{place.name}-{day:%m%d}"
            found = event(name, lowest=60, step=2, day=day, n=N_BRACKETS, station=place.station, source=place.source)
            kalshi = place.venue == "kalshi"
            found = replace(found, venue=place.venue, city=place.city, min_size_micro=MICRO if kalshi else 5 * MICRO)
            end = settlement_window(found.rule, STATIONS[place.station].tz, day)[1]
            weights = [self.random.random() + 0.05 for _ in range(N_BRACKETS)]
            chances = [weight / sum(weights) for weight in weights]
            self.events[name] = Open(found, instruments_of(found, place.region), end, chances, {}, self.now)
            self.tell_listing(name)

    def tell_listing(self, event_id: str) -> None:
        """Publish what the venue lists; only one of them converts, some for a fee."""
        found = self.events[event_id].event
        facts, rows = event_facts(replace(found, accepting=self.now < self.events[event_id].end))
        if found.venue == "polymarket":
            facts["convert_bips"] = self.random.choice((0, 0, 25))
        self._publish(found.venue, Kind.EVENTS, event_id, rows, facts)

    def quote(self, event_ids: Sequence[str] = ()) -> None:
        """Publish new books: they change, lose a side, cross, hold placeholders, or stay."""
        for event_id in event_ids or self.traded():
            known = self.events[event_id]
            drift = [max(chance + self.random.gauss(0, 0.03), 0.01) for chance in known.chances]
            known.chances = [chance / sum(drift) for chance in drift]
            if not known.quotes or self.random.random() < 0.8:
                known.quotes = {}
                for bracket in range(N_BRACKETS):
                    for side in Side:
                        token = next(i.token for i in known.instruments if (i.bracket, i.side) == (bracket, side))
                        chance = known.chances[bracket]
                        known.quotes[token] = self._book(chance if side is Side.YES else 1 - chance)
            known.quoted_at = self.now
            self._publish(known.event.venue, Kind.BOOKS, event_id, _rows(known), {"tokens": {}})

    def _book(self, fair: float) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        cent, random = 10_000, self.random
        mid = min(max(round(fair * 100), 2), 97)
        best = (mid + random.choice((0, 1, 1, 2)), mid - random.choice((1, 1, 2)))
        if random.random() < 0.02:
            best = (mid, mid + 1)  # crossed
        sides = []
        for price, way in ((best[0], 1), (best[1], -1)):
            levels = [(price + way * step, random.choice((7, 40, 150, 600, 3_000))) for step in range(random.choice((1, 2, 3)))]
            sides.append([(p * cent, size * MICRO) for p, size in levels if 0 < p < 100])
        if random.random() < 0.08:
            sides[random.randrange(2)] = []
        return sides[0], sides[1]

    def trade(self, event_id: str) -> None:
        """Publish trades of others, for orders that rest."""
        known, n = self.events[event_id], self.random.randint(1, 4)
        brackets = [self.random.randrange(N_BRACKETS) for _ in range(n)]
        price = [min(max(round(known.chances[b] * 100) + self.random.randint(-3, 3), 1), 99) * 10_000 for b in brackets]
        rows: Columns = {
            "market_id": np.array([known.event.ladder[b].market_id for b in brackets], object),
            "valid_at": np.full(n, micros(self.now), np.int64), "yes_price_micro": np.array(price, np.int64),
            "size_micro": np.array([self.random.choice((5, 50, 900)) * MICRO for _ in brackets], np.int64),
            "taker": np.array([self.random.choice(("yes", "no")) for _ in brackets], object),
        }  # fmt: skip
        self._publish(known.event.venue, Kind.PRINTS, event_id, rows, {})

    def settle(self, event_id: str, *, another: bool = False) -> None:
        """Publish the venue's word, or another one than the last."""
        known = self.events[event_id]
        choices = [b for b in range(N_BRACKETS) if b != known.word] if another else list(range(N_BRACKETS))
        known.word = self.random.choices(choices, [known.chances[b] for b in choices])[0]
        bracket = known.event.ladder[known.word]
        reading = bracket.lower if bracket.lower is not None else bracket.upper
        assert reading is not None
        said = outcome(known.event, self.now, reading)
        self._publish(known.event.venue, Kind.OUTCOMES, event_id, said.rows, said.facts)

    def ask(self, verb: str, arguments: str = "{}") -> None:
        """Publish what a person asks."""
        rows: Columns = {
            name: np.array([value], object)
            for name, value in (("command_id", f"c{self.n_records}"), ("verb", verb), ("arguments", arguments), ("by", "test"))
        }
        self._publish("operator", Kind.COMMANDS, "weather", rows, {"kill_file": False})

    def traded(self) -> list[str]:
        """Return the events whose day is not over."""
        return [event_id for event_id, known in self.events.items() if self.now < known.end]

    def over(self) -> list[str]:
        """Return the events that a venue may settle now."""
        return [e for e, known in self.events.items() if known.word < 0 and self.now > known.end - timedelta(hours=4)]

    def settled(self) -> list[str]:
        """Return the events that a venue may still correct."""
        return [e for e, known in self.events.items() if known.word >= 0 and self.now < known.end + timedelta(days=6)]

    def markets(self) -> list[Market]:
        """Return what a desk would want of every token, at random."""
        random = self.random
        found = []
        for event_id in self.traded():
            known = self.events[event_id]
            for instrument in known.instruments:
                asks, bids = known.quotes.get(instrument.token, ([], []))
                chance = known.chances[instrument.bracket]
                fair = min(
                    max((chance if instrument.side is Side.YES else 1 - chance) + random.choice((-0.05, 0.08, 0.12)), 0.0), 1.0
                )
                kalshi = instrument.venue == "kalshi"
                found.append(
                    Market(
                        instrument, wanted=random.choice(WANTED), fair=fair,
                        asks=tuple((p / MICRO, s / MICRO) for p, s in asks), bids=tuple((p / MICRO, s / MICRO) for p, s in bids),
                        age=(self.now - known.quoted_at).total_seconds(), sane=not (asks and bids and asks[0][0] <= bids[0][0]),
                        multiplier=random.choice((0.0, 0.5, 1.0, 1.0, 1.0)), earned=random.choice(("probe", "normal", "normal")),
                        min_size=1.0 if kalshi else 5.0, opened=known.word < 0, closed_reason="" if known.word < 0 else "settled",
                        fees=known.event.fees,
                    )
                )  # fmt: skip
        return found

    def _publish(self, source: str, kind: Kind, subject: str, rows: Columns, facts: object) -> None:
        self.n_records += 1
        raw = f"{self.n_records}".encode()
        self.archive.publish(Record(source, kind, subject, self.now, None, raw, rows, dict(facts)))  # type: ignore[call-overload]


def _rows(known: Open) -> Columns:
    rows = [
        (token, side, price, size)
        for token, sides in known.quotes.items()
        for side, levels in zip(("ask", "bid"), sides, strict=True)
        for price, size in levels
    ]
    return {
        "token": np.array([row[0] for row in rows], object), "side": np.array([row[1] for row in rows], object),
        "price_micro": np.array([row[2] for row in rows], np.int64), "size_micro": np.array([row[3] for row in rows], np.int64),
    }  # fmt: skip
