"""Is it running, fresh and within risk: the strip on every page, `/api/status`, `/health`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.control.commands import lifting
from core.journal.lines import RiskLine
from core.services.edges import EdgeService, Outlooks
from core.services.positions import at_risk
from core.services.shelves import START, Present, Shelves
from core.services.sources import STATES, source_rows
from core.services.values import usd
from core.settings import Settings
from core.units import micros, parse_iso

VERSION = "0.1.0"
ARCHIVE, DESCRIPTIVE = "archive", "prints only, descriptive"
RECORDED = "replay"  # mode of faces over a session that is over
SOURCE = "heartbeats, journal, evaluations"
HEARD_WITHIN = timedelta(minutes=2)  # wall time without a heartbeat after which an engine is not believed to run
LATE_BY = 2  # intervals after which a live cycle is late
ACTIONS = ("PAUSE", "FLAT")  # the stricter first
KILL = "kill_switch"  # the one tripwire that a person ends


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing a person should know; `severity` is "info", "warning" or "danger", the most important one stands first."""

    severity: str
    code: str
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class EngineState:
    running: bool
    pid: int | None
    started_at: datetime | None  # wall clock
    beat_age_seconds: float | None  # wall seconds since the last heartbeat
    phase: str
    config_hash: str


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
class RiskState:
    """`state` is "normal", "flat", "pause" or "unknown"; `tripped` names the tripwires that are down."""

    can_trade: bool
    state: str
    reason: str
    tripped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MoneyState:
    """Of all desks together; None where nothing was marked yet. At risk is the worst case of all that is open."""

    cash_usd: Decimal | None
    equity_usd: Decimal | None
    day_pnl_usd: Decimal | None  # equity less equity at the start of the desk day
    week_pnl_usd: Decimal | None
    day_pnl_r: float | None
    week_pnl_r: float | None
    at_risk_usd: Decimal | None
    allowed_usd: Decimal | None  # open_r x R0
    unit_r_usd: Decimal | None
    fees_usd: Decimal | None
    realized_pnl_usd: Decimal | None  # fees apart
    marked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Collection:
    snapshots_dir_exists: bool
    trades_dir_exists: bool  # whether there is a place that trades are kept in: the journal
    recent_snapshots_24h: int | None


@dataclass(frozen=True, slots=True)
class SystemState:
    """The account as a whole, in R0 of its desk day; None where nothing was marked yet."""

    system_state: str
    current_regime: str
    active_strategy: str
    daily_pnl_r: float | None
    weekly_pnl_r: float | None
    current_r: float
    consecutive_red_days: int
    can_trade: bool
    risk_reason: str


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
        engine, risk, money = self._engine(present), self._risk(), self._money()
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
            money=money, system=self._system(events, engine, risk, money),
            warnings=tuple(_notices(present, engine, cycle, risk, sources, missing, settings)), missing=missing,
            grade=DESCRIPTIVE if present.world == ARCHIVE else "",
        )  # fmt: skip

    def health(self) -> Health:
        """Return whether this face can answer; the engine may rest."""
        present = self._shelves.present()
        return Health("ok", present.wall, VERSION)

    def _engine(self, present: Present) -> EngineState:
        beat = present.beat
        if beat is None:
            return EngineState(False, None, None, None, "never started", "")
        age = max(0.0, (present.wall - beat.wall_at).total_seconds())
        running = beat.state != "stopped" and beat.pid > 0 and _lives(beat.pid)
        phase = beat.state if running or beat.state == "stopped" else "gone without a word"
        started = beat.facts.get("started_at")
        return EngineState(
            running, beat.pid or None, parse_iso(str(started)) if started else None, round(age, 3), phase,
            str(beat.facts.get("config_hash", "")),
        )  # fmt: skip

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

    def _risk(self) -> RiskState:
        journal = self._shelves.journal()
        lines = journal.newest_risk() if journal else ()
        if not lines:
            return RiskState(False, "unknown", "no cycle was marked yet", ())
        bits = 0
        for line in lines:
            bits |= line.tripped
        wires = [wire for bit, wire in self._shelves.tripwires.items() if bits & bit]
        if bits and not wires:
            return RiskState(False, "pause", "a tripwire holds that this face does not know", ("unknown",))
        state = next((action.lower() for action in ACTIONS if any(wire.action == action for wire in wires)), "normal")
        reason = "; ".join(f"{wire.name.replace('_', ' ')} holds, it ends {wire.ends}" for wire in wires)
        return RiskState(not wires, state, reason, tuple(wire.name for wire in wires))

    def _money(self) -> MoneyState:
        journal = self._shelves.journal()
        lines = journal.newest_risk() if journal else ()
        if journal is None or not lines:
            return MoneyState(*(None,) * 12)
        accounts = journal.accounts()
        day, week = (_gain(lines, start) for start in ("day_start_micro", "week_start_micro"))
        unit = sum(line.unit_r_micro for line in lines)
        return MoneyState(
            cash_usd=usd(sum(int(account.cash_micro[0]) for account in accounts)),
            equity_usd=usd(sum(line.equity_micro for line in lines)), day_pnl_usd=usd(day), week_pnl_usd=usd(week),
            day_pnl_r=round(day / unit, 6) if unit else None, week_pnl_r=round(week / unit, 6) if unit else None,
            at_risk_usd=at_risk(accounts), unit_r_usd=usd(unit),
            allowed_usd=usd(int(self._shelves.settings.risk.open_r * unit)),
            fees_usd=usd(sum(int(account.fees_micro[0]) for account in accounts)),
            realized_pnl_usd=usd(sum(int(account.realised_micro[0]) for account in accounts)),
            marked_at=max(line.scheduled_at for line in lines),
        )  # fmt: skip

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

    def _system(self, events: Outlooks, engine: EngineState, risk: RiskState, money: MoneyState) -> SystemState:
        journal = self._shelves.journal()
        return SystemState(
            system_state=_system_state(engine, risk), current_regime=_regime(events),
            active_strategy=f"{self._shelves.settings.model} on the weather desk", daily_pnl_r=money.day_pnl_r,
            weekly_pnl_r=money.week_pnl_r, current_r=1.0, consecutive_red_days=journal.red_days() if journal else 0,
            can_trade=risk.can_trade and engine.running,
            risk_reason=risk.reason or ("" if engine.running else "the engine rests"),
        )  # fmt: skip


def _lives(pid: int) -> bool:
    """Return whether a process of that id exists: a paced engine may be silent for long."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _gain(lines: tuple[RiskLine, ...], start: str) -> int:
    return sum(line.equity_micro - int(getattr(line, start)) for line in lines)


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


def _system_state(engine: EngineState, risk: RiskState) -> str:
    if not engine.running:
        return "paused"
    if engine.phase == "starting":
        return "initializing"
    if risk.state in ("pause", "flat"):
        return "paused"
    return {"collecting": "analyzing", "evaluating": "analyzing"}.get(engine.phase, "ready")


STRICTNESS = ("NOTRADE", "VOLATILE", "TRENDING", "STABLE")


def _regime(events: Outlooks) -> str:
    """Return the regime of most open events; ties go to the stricter."""
    regimes = [outlook.regime for outlook in events.outlooks if outlook.regime]
    order = {name: rank for rank, name in enumerate(STRICTNESS)}
    return max(dict.fromkeys(regimes), key=lambda one: (regimes.count(one), -order.get(one, 9)), default="")


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
    elif not present.simulated and cycle.age_seconds is not None and cycle.age_seconds > LATE_BY * cycle.interval_seconds:
        yield Notice("warning", "cycle_late", f"The last cycle is {cycle.age_seconds / 60:.0f} min old.", "")
    yield from _source_notices(sources)
    if present.simulated:
        yield Notice("info", "simulated", f"Simulated world {present.world or 'demo'}: no number here is real.")


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
