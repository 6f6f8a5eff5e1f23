"""The desk over recorded days: no venue is in reach, so nothing here can ask the outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from agents.paper import PaperBroker
from agents.research.backtest import run_day
from agents.research.moments import MomentScore, moment_scores, moments
from agents.research.replay import COMPARED, Difference, RecordedBroker, differences
from agents.research.rivals import Truth
from agents.research.verification import scored_days, settled_days
from agents.research.verify import Score, ScoredDay, score
from agents.research.wrong_rule import Count, counts
from agents.schedules import GridSchedule
from agents.weather.desk import WeatherDesk
from core.journal.buffered import BufferedJournal
from core.journal.fold import MEMORY
from core.journal.lines import CycleLine
from core.model.cycle import Cycle
from core.model.station import Station
from core.registry import load_stations
from core.settings import Settings
from core.store.archive import Archive
from core.store.evaluations import EvaluationStore
from core.units import micro

__all__ = [
    "COMPARED", "Count", "Difference", "MomentScore", "Score", "ScoredDay", "Stretch", "Truth", "backtest_days", "differences",
    "replay_cycles", "rule_counts", "score", "verify_days", "verify_moments",
]  # fmt: skip

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
            desk, cycles, account, since, archive=archive, evaluations=None, broker=broker, journal=journal,
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
    desk, broker = WeatherDesk(tuple(stations), settings), PaperBroker(settings)
    schedule = GridSchedule(
        "weather", start, end, timedelta(seconds=settings.interval_seconds), timedelta(seconds=settings.weather.latency_seconds)
    )
    account, since = journal.account("weather"), start - MEMORY
    for cycles in _by_day(schedule):
        account = run_day(
            desk, cycles, account, since, archive=archive, evaluations=evaluations, broker=broker, journal=journal,
            settings=settings, stations={station.code: station for station in stations},
        )  # fmt: skip
        journal.flush()
        since = cycles[-1].sealed_at
        yield cycles[0].scheduled_at.date(), len(cycles)


def verify_days(settings: Settings, data_dir: Path, truth: Mapping[str, Truth], first: date, last: date) -> Iterator[ScoredDay]:
    """Yield the settled days of each station of `truth`, each believed with what all earlier ones had taught."""
    archive, stations = Archive(data_dir), load_stations()
    for code, known in truth.items():
        yield from scored_days(archive, settings, stations[code], known, first, last)


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
