"""The desk over recorded days: no venue is in reach, so nothing here can ask the outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from agents.paper import PaperBroker
from agents.research.audit import Audit, audit
from agents.research.backtest import run_day
from agents.research.constants import constants_hash
from agents.research.moments import MomentScore, moment_scores, moments
from agents.research.replay import COMPARED, Difference, RecordedBroker, differences
from agents.research.rivals import Truth
from agents.research.uncertainty import Uncertainty, uncertainties
from agents.research.verification import believed, scored_days, settled_days
from agents.research.verify import Advantage, CheckpointScore, Score, ScoredDay, score
from agents.research.wrong_rule import Count, counts
from agents.schedules import GridSchedule
from agents.weather.desk import WeatherDesk
from agents.weather.skill import Skill
from agents.weather.track import Scored
from core.journal.buffered import BufferedJournal
from core.journal.fold import MEMORY
from core.journal.lines import CycleLine
from core.model.cycle import Cycle
from core.model.rule import Extreme
from core.model.station import Station
from core.registry import load_stations
from core.settings import Settings
from core.store.archive import Archive
from core.store.evaluations import EvaluationStore
from core.store.track import TrackStore
from core.units import micro

__all__ = [
    "COMPARED", "LEARNED", "Advantage", "Audit", "CheckpointScore", "Count", "Difference", "MomentScore", "Score",
    "ScoredDay", "Skill", "Stretch", "Truth", "Uncertainty", "Verified", "backtest_days", "constants_hash", "differences",
    "replay_cycles", "rule_counts", "score", "uncertainties", "verify_days", "verify_moments", "verify_own",
]  # fmt: skip

LEARNED = "research"  # beside what the desk itself keeps: the faces show what was written there last
FIRST_SINCE = timedelta(days=1)  # how far the first cycle of a journal looks back for commands and outcomes


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive recorded cycles of one day, and the settings and stations that held for them."""

    settings: Settings
    stations: tuple[Station, ...]
    lines: tuple[CycleLine, ...]


def replay_cycles(stretches: Sequence[Stretch], data_dir: Path, folder: Path, world: str) -> Iterator[date]:
    """Run recorded cycles again, a stretch at a time, into `folder`; yield the day of each when it is done."""
    archive, known = Archive(data_dir), load_stations()
    heard = {line.cycle.fill_at: line.heard_at for each in stretches for line in each.lines if line.heard_at is not None}
    journal = _journal(stretches[0].settings, folder, world)
    account = journal.account("weather")
    since = stretches[0].lines[0].cycle.sealed_at - FIRST_SINCE
    held: Settings | None = None
    for each in stretches:
        if held is not each.settings:
            held, settings = each.settings, each.settings.in_world(world)
            desk, broker = WeatherDesk(each.stations, settings), RecordedBroker(PaperBroker(settings), heard)
        cycles = [line.cycle for line in each.lines]
        account = run_day(
            desk, cycles, account, since, archive=archive, evaluations=None, track=None, broker=broker, journal=journal,
            settings=settings, stations=known,
        )  # fmt: skip
        journal.flush()
        since = cycles[-1].sealed_at
        yield cycles[0].scheduled_at.date()


def backtest_days(
    settings: Settings, data_dir: Path, folder: Path, world: str, stations: Sequence[Station], start: datetime, end: datetime
) -> Iterator[tuple[date, int]]:
    """Run the desk over [start, end) on a fixed grid into `folder`; yield each day with its number of cycles."""
    archive, settings = Archive(data_dir), settings.in_world(world)
    journal, evaluations = _journal(settings, folder, world), EvaluationStore(folder, "weather")
    track = TrackStore(data_dir, LEARNED)  # follows from the archive alone: every run shares it
    desk, broker = WeatherDesk(tuple(stations), settings), PaperBroker(settings)
    desk.resume(track.track(desk.maker))
    schedule = GridSchedule(
        "weather", start, end, timedelta(seconds=settings.interval_seconds), timedelta(seconds=settings.weather.latency_seconds)
    )
    account, since = journal.account("weather"), start - MEMORY
    for cycles in _by_day(schedule):
        account = run_day(
            desk, cycles, account, since, archive=archive, evaluations=evaluations, track=track, broker=broker, journal=journal,
            settings=settings, stations={station.code: station for station in stations},
        )  # fmt: skip
        journal.flush()
        since = cycles[-1].sealed_at
        yield cycles[0].scheduled_at.date(), len(cycles)


@dataclass(frozen=True, slots=True)
class Verified:
    """Settled days of each set beside their rivals, the settled events themselves, and what they had earned in the end."""

    days: Mapping[str, list[ScoredDay]]
    scored: Mapping[str, tuple[Scored, ...]]
    earned: tuple[Skill, ...]
    audit: Audit | None = None


def verify_days(
    settings: Settings, data_dir: Path, truths: Mapping[str, Mapping[str, Truth]], spans: Mapping[str, tuple[date, date]]
) -> Verified:
    """Return the settled days of each set, each believed with what all earlier ones had taught.

    Sets that end on one day are believed together: what the stations of a venue earn, they earn together.
    """
    stations, settings = load_stations(), settings.in_world("archive")
    days: dict[str, list[ScoredDay]] = {}
    scored: dict[str, tuple[Scored, ...]] = {}
    earned: tuple[Skill, ...] = ()
    audited: Audit | None = None
    for last in sorted({last for _, last in spans.values()}):
        names = [name for name, span in spans.items() if span[1] == last]
        codes = dict.fromkeys(code for name in names for code in truths[name])
        found = believed(Archive(data_dir), settings, [stations[code] for code in codes], last, TrackStore(data_dir, LEARNED))
        earned = found.earned
        audited = audit(found.scored, min(spans[name][0] for name in names), last)
        for name in names:
            days[name] = [
                day for code, truth in truths[name].items() for day in scored_days(found.scored, code, truth, *spans[name])
            ]
            scored[name] = tuple(
                each for each in found.scored if each.station in truths[name] and spans[name][0] <= each.event_day <= last
            )
    return Verified({name: days[name] for name in spans}, {name: scored[name] for name in spans}, earned, audited)


def verify_own(settings: Settings, data_dir: Path, world: str, first: date, last: date) -> Verified:
    """Return the settled days of a data folder's own records; without rivals, whose forecasts of years it has not."""
    found = believed(
        Archive(data_dir), settings.in_world(world), tuple(load_stations().values()), last, TrackStore(data_dir, LEARNED)
    )
    within = tuple(each for each in found.scored if first <= each.event_day <= last)
    nothing = Truth((), np.empty((0, 1)), np.empty(0))
    days = {
        f"{venue} {extreme}": [
            day
            for station in sorted({each.station for each in within})
            for day in scored_days(
                [each for each in within if each.venue == venue], station, nothing, first, last, extreme=extreme
            )
        ]
        for venue in sorted({each.venue for each in within})
        for extreme in Extreme
    }
    kept = {name: each for name, each in days.items() if each}
    return Verified(kept, {"all": within}, found.earned)


def verify_moments(
    settings: Settings, data_dir: Path, truth: Mapping[str, Truth], first: date, last: date
) -> tuple[MomentScore, ...]:
    """Return the scores at every moment at which prices and forecasts were read."""
    archive, stations = Archive(data_dir), load_stations()
    return moment_scores([
        found for code in truth for found in moments(archive, settings, stations[code], first, last)
    ])  # fmt: skip


def rule_counts(
    data_dir: Path, truth: Mapping[str, Truth], reporters: Mapping[str, str], daily: Mapping[str, Mapping[date, int]],
    first: date, last: date,
) -> tuple[Count, ...]:  # fmt: skip
    """Return how many days the rule, and each way to read it wrongly, gets right with the reports there are."""
    archive, stations = Archive(data_dir), load_stations()
    return tuple(
        count
        for code, reporter in reporters.items()
        for count in counts(
            list(settled_days(archive, stations[code], stations[reporter], truth[code], first, last)), daily.get(reporter)
        )
    )


def _journal(settings: Settings, folder: Path, world: str) -> BufferedJournal:
    return BufferedJournal(
        f"sqlite:///{folder / 'hermes.db'}", desk="weather", world=world, start_micro=micro(str(settings.start_cash_usd))
    )


def _by_day(schedule: GridSchedule) -> Iterator[list[Cycle]]:
    day: list[Cycle] = []
    for cycle in schedule:
        if day and cycle.scheduled_at.date() != day[0].scheduled_at.date():
            yield day
            day = []
        day.append(cycle)
    if day:
        yield day
