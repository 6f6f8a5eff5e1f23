"""What goes wrong in the demo world: each fault is a row of a table, and when it strikes is a function of the seed.

Three ways to strike, for the faults that are switched on:

- by schedule: time is cut into blocks of ninety minutes and `LANES` lanes; each block of a lane holds one episode of one
  fault of one service. Faults and services take turns in a shuffled order, so that each pair returns several times in ten
  days, and never more than `LANES` services suffer at once. An episode lasts between five and ninety minutes.
- by rate: outside of episodes each request is hit with that chance, by one of the faults of its service; what is no
  request, the exchange's live channel, in each ten seconds.
- by thing: what must stay as it is once it went wrong (a changed rule, a revised outcome, a corrected report) is decided
  per event or report, whenever it is looked at.

A fault that found nothing to spoil in an answer has not fired and is not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from threading import Lock

from venues.demo import carriage, lies, retold
from venues.demo.answers import Answer, Ask, Room, iso
from venues.demo.noise import key, uniform
from venues.demo.scene import Scene

LANES = 4
BLOCK_MS = 90 * 60_000
SLOT_MS = 10_000  # for which the live channel is hit by rate
_MINUTE = 60_000

MARKETS = ("gamma", "clob", "data", "kalshi")
REPORTS = ("awc", "nws", "iem")
CURVES = ("zeus", "open-meteo", "open-meteo-ensemble", "open-meteo-previous-runs")
SERVICES = MARKETS + REPORTS + CURVES
STREAM = "stream"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to go wrong: what it does to an answer, whom it can befall and for how long."""

    name: str
    services: tuple[str, ...]
    change: Callable[[Scene, Answer], Answer]
    minutes: tuple[int, int] = (5, 60)  # of an episode
    standing: bool = False  # decided per event or report, not per block of time
    covers: bool = False  # whoever meets it sees nothing of the faults before it


_LONG = (45, 90)  # for what is asked for once an hour
FAULTS = {
    fault.name: fault
    for fault in (
        # lies: the answer looks like one
        Fault("stale_metar", REPORTS, lies.stale, (20, 90)),
        Fault("old_metar", REPORTS, lies.old, (15, 60)),
        Fault("corrected_metar", REPORTS, lies.correct_reports, standing=True),
        Fault("missing_temperature", (*REPORTS, *CURVES), lies.lose_temperatures, (15, 60)),
        Fault("impossible_temperature", (*REPORTS, *CURVES), lies.burn_temperatures, (15, 60)),
        Fault("future_times", (*REPORTS, "clob", "data"), lies.run_ahead, (15, 60)),
        Fault("clock_skew", (*SERVICES,), lies.skew, (20, 90)),
        Fault("changed_rule", ("gamma", "kalshi"), retold.change_rules, standing=True),
        Fault("revised_settlement", ("gamma", "kalshi"), retold.revise_outcomes, standing=True),
        Fault("halted", ("gamma", "clob", "kalshi"), lies.halt, _LONG),
        Fault("vanished_book", ("clob", "kalshi"), lies.lose_books, (15, 60)),
        Fault("empty_book", ("clob", "kalshi"), lies.empty_books, (15, 60)),
        Fault("crossed_book", ("clob", "kalshi"), lies.cross_books, (15, 60)),
        Fault("price_of_one", ("clob", "kalshi"), lies.certain_prices, (15, 60)),
        Fault("duplicate_id", ("gamma", "clob", "kalshi"), lies.repeat_ids, _LONG),
        Fault("schema_drift", SERVICES, lies.drift, (30, 90)),
        # refusals: the service says that it will not
        Fault("limited", SERVICES, carriage.limit, (5, 45), covers=True),
        Fault("too_early", MARKETS, carriage.refuse_early, (5, 30), covers=True),
        Fault("server_error", SERVICES, carriage.fail, (5, 45), covers=True),
        # transport: the answer does not arrive as it was meant
        Fault("wrong_type", SERVICES, carriage.mistype, (15, 60), covers=True),
        Fault("truncated", SERVICES, carriage.truncate, (15, 60), covers=True),
        Fault("cut_off", (*SERVICES, STREAM), carriage.cut_off, (15, 60), covers=True),
        Fault("drip", SERVICES, carriage.drip, (15, 45), covers=True),
        Fault("hang", (*SERVICES, STREAM), carriage.hang, (15, 45), covers=True),
    )
}


@dataclass(frozen=True, slots=True)
class Episode:
    """A fault of a service, from one instant until another [ms]; the end is not part of it."""

    fault: str
    service: str
    start: int
    end: int

    def as_json(self) -> dict[str, str]:
        """Return it for those who ask what is wrong."""
        return {"fault": self.fault, "service": self.service, "starts_at": iso(self.start), "ends_at": iso(self.end)}


class Faults:
    """The faults of one world that are switched on, when they strike, and how often they did."""

    def __init__(self, seed: int, names: str = "none", rate: float = 0.0) -> None:
        self._seed, self._rate, self._on = seed, rate, names_of(names)
        self._pairs = [(name, service) for name in self._on for service in FAULTS[name].services if not FAULTS[name].standing]
        self._block: Callable[[int], tuple[Episode, ...]] = lru_cache(maxsize=512)(self._block_of)
        self._round: Callable[[int], tuple[int, ...]] = lru_cache(maxsize=64)(self._round_of)
        self._counted: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the faults that are switched on."""
        return self._on

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Return how often each fault fired at each service so far."""
        out: dict[str, dict[str, int]] = {}
        with self._lock:
            for (name, service), number in sorted(self._counted.items()):
                out.setdefault(name, {})[service] = number
        return out

    def at(self, at: int) -> list[Episode]:
        """Return the episodes of an instant [ms]."""
        return [episode for episode in self._block(at // BLOCK_MS) if episode.start <= at < episode.end]

    def between(self, start: int, end: int) -> Iterator[Episode]:
        """Yield the episodes that begin in [start, end), in ms."""
        for block in range(start // BLOCK_MS, -(-end // BLOCK_MS)):
            yield from (episode for episode in self._block(block) if start <= episode.start < end)

    def of_channel(self, at: int) -> frozenset[str]:
        """Return what is wrong with the live channel at an instant [ms]."""
        found = frozenset(episode.fault for episode in self.at(at) if episode.service == STREAM)
        mine = [name for name, service in self._pairs if service == STREAM]
        slot = at // SLOT_MS
        if found or not mine or not self._rate or uniform(self._seed, "channel rate", slot) >= self._rate:
            return found
        return frozenset({mine[key(self._seed, "channel fault", slot) % len(mine)]})

    def answer(self, service: str, ask: Ask, room: Room) -> Answer:
        """Return a room's answer, after everything that is wrong with the service at that instant."""
        answer = room(ask)
        fired: list[str] = []
        for episode in self._due(service, ask) if self._on else ():
            fault = FAULTS[episode.fault]
            changed = fault.change(Scene(self._seed, fault.name, service, episode.start, ask, room), answer)
            if changed != answer:
                fired = [fault.name] if fault.covers else [*fired, fault.name]
            answer = changed
        for name in fired:
            self.count(name, service)
        return answer

    def count(self, name: str, service: str) -> None:
        """Note that a fault fired."""
        with self._lock:
            self._counted[name, service] += 1

    def _due(self, service: str, ask: Ask) -> list[Episode]:
        # in the order of the table: first what lies, then what refuses, then what breaks on the way
        found = {episode.fault: episode for episode in self.at(ask.at) if episode.service == service}
        if not found and self._rate and uniform(self._seed, "rate", service, ask.path, repr(ask.query), ask.at) < self._rate:
            mine = [name for name, at in self._pairs if at == service]
            if mine:
                name = mine[key(self._seed, "rate fault", service, ask.path, repr(ask.query), ask.at) % len(mine)]
                found[name] = Episode(name, service, ask.at, ask.at + 1)
        always = (name for name in self._on if FAULTS[name].standing and service in FAULTS[name].services)
        found |= {name: Episode(name, service, 0, 0) for name in always}
        return [found[name] for name in FAULTS if name in found]

    def _block_of(self, block: int) -> tuple[Episode, ...]:
        return tuple(self._episode(block, lane) for lane in range(LANES)) if self._pairs else ()

    def _episode(self, block: int, lane: int) -> Episode:
        turn, place = divmod(block * LANES + lane, len(self._pairs))
        name, service = self._pairs[self._round(turn)[place]]
        shortest, longest = FAULTS[name].minutes
        length = (shortest + int((longest - shortest + 1) * uniform(self._seed, "length", block, lane))) * _MINUTE
        start = block * BLOCK_MS + int((BLOCK_MS - length) * uniform(self._seed, "start", block, lane)) // _MINUTE * _MINUTE
        return Episode(name, service, start, start + length)

    def _round_of(self, turn: int) -> tuple[int, ...]:
        order = list(range(len(self._pairs)))
        Random(key(self._seed, "faults", turn, len(order))).shuffle(order)
        return tuple(order)


def names_of(text: str) -> tuple[str, ...]:
    """Return the faults that a text names: none, all, or names with commas; ValueError for one that there is not."""
    if text.strip() in ("", "none"):
        return ()
    if text.strip() == "all":
        return tuple(FAULTS)
    wanted = {name.strip() for name in text.split(",") if name.strip()}
    if unknown := sorted(wanted - set(FAULTS)):
        raise ValueError(f"no fault {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    return tuple(name for name in FAULTS if name in wanted)
