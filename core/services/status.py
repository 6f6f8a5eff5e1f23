"""Is it running, fresh and within risk: the strip on every page, `/api/status`, `/health`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.control.commands import lifting
from core.services.edges import EdgeService, Outlooks
from core.services.journal_rows import JournalRows
from core.services.money import MoneyState, money_of
from core.services.processes import EngineState, engine_state
from core.services.risk import KILL, RiskState, risk_state
from core.services.shelves import START, Present, Shelves
from core.services.sources import STATES, source_rows
from core.services.system import VERSION, SystemState, system_state
from core.services.waiting import UNKNOWN, waiting
from core.settings import Settings
from core.settings.identity import config_hash
from core.units import micros

ARCHIVE, DESCRIPTIVE = "archive", "prints only, descriptive"
RECORDED = "replay"  # mode of faces over a session that is over
SOURCE = "heartbeats, journal, evaluations"
LATE_BY = 2  # intervals after which a live cycle is late


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing a person should know; `severity` is "info", "warning" or "danger", the most important one stands first."""

    severity: str
    code: str
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class CycleState:
    """Instants are the world's: simulated in a demo."""

    number: int
    interval_seconds: int
    last_cycle_time: datetime | None
    next_cycle_time: datetime | None
    seconds_until_next: float | None
    age_seconds: float | None  # world seconds since the last cycle


@dataclass(frozen=True, slots=True)
class SourceState:
    name: str
    healthy: bool
    last_success: datetime | None
    age_seconds: float | None
    error: str | None
    state: str = "ok"  # of core.services.sources.STATES


@dataclass(frozen=True, slots=True)
class Collection:
    snapshots_dir_exists: bool
    trades_dir_exists: bool  # whether there is a place that trades are kept in: the journal
    recent_snapshots_24h: int | None


@dataclass(frozen=True, slots=True)
class Status:
    """The strip; also the reply of `/api/status`."""

    as_of: datetime  # the world's now
    source: str
    n: int  # activity rows in the journal
    timestamp: datetime  # the machine's now
    version: str
    journal_version: int  # highest activity `seq`: redraw when it grew
    execution_mode: str
    mode: str
    world: str  # "live", "archive" or "demo:SEED"; "" before the first engine
    simulated: bool
    seed: int | None
    speed: float | None
    desk: str
    trading_engine: EngineState
    cycle: CycleState
    stations: tuple[str, ...]
    data_collection: Collection
    sources: Mapping[str, SourceState]
    open_events: int
    risk: RiskState
    money: MoneyState
    system: SystemState
    warnings: tuple[Notice, ...]
    missing: str = ""
    grade: str = ""  # what the numbers of this world are good for, where that is less than all


@dataclass(frozen=True, slots=True)
class Health:
    status: str  # "ok" or "degraded"
    timestamp: datetime
    version: str
    reason: str = ""


class StatusService:
    """Answers from heartbeats and the journal."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves, self._edges = shelves, EdgeService(shelves)

    def strip(self) -> Status:
        """Return the state of everything in one answer."""
        shelves, present, journal = self._shelves, self._shelves.present(), self._shelves.journal()
        events = self._edges.events()
        engine, risk, money = engine_state(present), risk_state(shelves), money_of(shelves)
        cycle, sources = self._cycle(present), dict(_sources(present))
        settings, facts = shelves.settings, present.beat.facts if present.beat else {}
        version = journal.version() if journal else 0
        missing = shelves.missing()
        return Status(
            as_of=present.now, source=SOURCE, n=version, timestamp=present.wall, version=VERSION, journal_version=version,
            execution_mode=settings.execution_mode.upper(), mode=settings.mode, world=present.world,
            simulated=present.simulated, seed=_seed(present.world), speed=_number(facts.get("speed")), desk=shelves.desk,
            trading_engine=engine, cycle=cycle, stations=self._stations(events), data_collection=self._collection(present),
            sources=sources, open_events=sum(1 for one in events.outlooks if one.window_end > present.now), risk=risk,
            money=money, system=system_state(shelves, events, engine),
            warnings=(
                *_notices(present, engine, cycle, risk, sources, missing, settings), *_waiting_notices(journal, present.now),
            ), missing=missing,
            grade=DESCRIPTIVE if present.world == ARCHIVE else "",
        )  # fmt: skip

    def health(self) -> Health:
        """Return whether this face can answer; the engine may rest."""
        present = self._shelves.present()
        return Health("ok", present.wall, VERSION)

    def _cycle(self, present: Present) -> CycleState:
        journal, beat = self._shelves.journal(), present.beat
        newest = journal.newest_cycle() if journal else None
        told = _number(beat.facts.get("interval_seconds")) if beat else None
        every = int(told or self._shelves.settings.interval_seconds)
        if newest is None:
            return CycleState(0, every, None, present.next_due, _until(present), None)
        last = newest.cycle.scheduled_at
        age = max(0.0, (present.now - last).total_seconds())
        return CycleState(newest.cycle.number, every, last, present.next_due, _until(present), age)

    def _stations(self, events: Outlooks) -> tuple[str, ...]:
        set_by_hand = self._shelves.settings.stations
        return set_by_hand or tuple(sorted({outlook.station_code for outlook in events.outlooks}))

    def _collection(self, present: Present) -> Collection:
        folder, catalogue, journal = self._shelves.data_dir, self._shelves.catalogue(), self._shelves.journal()
        day = micros(present.now - timedelta(days=1)), micros(present.now)
        recent = None
        if catalogue:
            recent = journal.keep("recent", lambda: catalogue.count(*day)) if journal else catalogue.count(*day)
        return Collection((folder / "snapshots").is_dir(), journal is not None, recent)


def _until(present: Present) -> float | None:
    return None if present.next_due is None else max(0.0, (present.next_due - present.now).total_seconds())


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _seed(world: str) -> int | None:
    _, _, seed = world.partition(":")
    return int(seed) if seed.isdigit() else None


def _sources(present: Present) -> Iterator[tuple[str, SourceState]]:
    for row in source_rows(present):
        error = row.last_error or None
        yield row.name, SourceState(row.name, row.state == "ok", row.last_success, row.age_seconds, error, row.state)


def _notices(
    present: Present, engine: EngineState, cycle: CycleState, risk: RiskState, sources: Mapping[str, SourceState],
    missing: str, settings: Settings,
) -> Iterator[Notice]:  # fmt: skip
    """Yield what a person should know, the most important first."""
    if risk.state in ("pause", "flat"):
        remedy = lifting(settings.data_dir) if KILL in risk.tripped else ""
        yield Notice("danger", f"risk_{risk.state}", f"No new risk: {risk.reason}.", remedy)
    if missing:
        yield Notice("warning", "missing", missing, START)
    elif present.world == ARCHIVE:
        yield Notice("info", "archive", f"A backtest over recorded trades without order books: {DESCRIPTIVE}.")
    elif settings.mode == RECORDED and not engine.running:
        yield Notice("info", "recorded", "A recorded session: nothing runs, the numbers are those of its end.")
    elif not engine.running:
        what = "The engine is stopped" if engine.phase == "stopped" else "The engine is gone without a word"
        yield Notice("danger", "engine_down", f"{what}; numbers stand still.", START)
    elif engine.config_hash != config_hash(settings, present.world):
        said = f"The engine runs under other settings ({engine.config_hash or 'unnamed'}) than this page shows"
        yield Notice("danger", "config_differs", f"{said}; restart what is older.", START)
    elif not present.simulated and cycle.age_seconds is not None and cycle.age_seconds > LATE_BY * cycle.interval_seconds:
        yield Notice("warning", "cycle_late", f"The last cycle is {cycle.age_seconds / 60:.0f} min old.", "")
    yield from _source_notices(sources)
    if present.simulated:
        yield Notice("info", "simulated", f"Simulated world {present.world or 'demo'}: no number here is real.")


def _waiting_notices(journal: JournalRows | None, now: datetime) -> Iterator[Notice]:
    if rows := waiting(journal, now):
        unknown = [row for row in rows if row["type"] == UNKNOWN]
        first = (unknown or rows)[0]["message"]
        many = f"{len(rows)} events wait for their final word; " if len(rows) > 1 else ""
        yield Notice("danger" if unknown else "warning", "settlement_waits", f"{many}{first}.")


QUIET_STATES = frozenset({"ok", "waiting", "no key"})  # of a source: none of them is a service that fails


def _source_notices(sources: Mapping[str, SourceState]) -> Iterator[Notice]:
    """Yield the services that do not answer, then those whose key was never given; who was not asked yet is no news."""
    answering = sum(1 for state in sources.values() if state.healthy)
    for state in sources.values():
        if state.state not in QUIET_STATES:
            yield Notice("warning", "source_down", f"{state.name} {STATES[state.state]}: {state.error or 'no answer yet'}")
    for state in sources.values():
        if state.state == "no key":
            yield Notice("warning", "source_no_key", f"{state.name}: no key, using {answering} others", state.error or "")
