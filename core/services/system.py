"""The desk, or all together, in the words of a system: state, regime, size, health."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from core.errors import HermesError
from core.model.regime import place_of, regime_of_most
from core.services.edges import EdgeService, Outlooks
from core.services.machine import host_facts
from core.services.money import accounts_of, money_of
from core.services.processes import EngineState, engine_state, is_silent
from core.services.risk import risk_state
from core.services.shelves import Present, Shelves
from core.services.sources import SICK, source_rows
from core.services.system_states import known_of, system_word
from core.units import MICRO

VERSION = "0.1.0"
OK, WARN, DOWN = "ok", "warn", "down"
GIGABYTE = 1e9
LITTLE_FREE = 1.0  # [GB]; too little is `guard.disk_free_mb`, below which nothing new is bought


@dataclass(frozen=True, slots=True)
class EventRegime:
    event_id: str
    station_code: str
    city: str
    venue: str
    event_day: str
    extreme: str
    regime: str
    reason: str  # why nothing is traded, "" otherwise
    age_seconds: float


@dataclass(frozen=True, slots=True)
class SystemState:
    """A desk, or the account as a whole, in R0 of its desk day; None where nothing was marked yet."""

    system_state: str  # of core.services.system_states.STATES
    current_regime: str  # of most open events; ties go to the stricter
    active_strategy: str
    daily_pnl_r: float | None
    weekly_pnl_r: float | None
    current_r: float  # what size uses, in R0: the step of results
    consecutive_red_days: int
    can_trade: bool
    risk_reason: str
    desk: str = ""  # "" for all together
    operator_dial: int = 5
    regimes: tuple[EventRegime, ...] = ()  # of each open event, the strictest first


@dataclass(frozen=True, slots=True)
class Component:
    """`state` is "ok", "warn" or "down"; `detail` says what was found."""

    state: str
    detail: str
    age_seconds: float | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class SystemHealth:
    """`status` is the worst of the components: "ok", "degraded" or "down"."""

    as_of: datetime
    source: str
    n: int
    status: str
    database: str  # "ok" or "down"
    engine: str  # "running" or what it is instead
    components: Mapping[str, Component]
    timestamp: datetime
    version: str
    missing: str = ""


class SystemService:
    """Answers from heartbeats, the journal and the newest evaluations."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves, self._edges = shelves, EdgeService(shelves)

    def state(self, desk: str | None = None) -> SystemState:
        """Return the state of a desk, of all together for None; UnknownIdError for a desk that there is not."""
        self._shelves.check_desk(desk)
        return system_state(self._shelves, self._edges.events(), engine_state(self._shelves.present()), desk)

    def health(self, desk: str | None = None) -> SystemHealth:
        """Return every component with what was found; nothing here raises for a part that is ill."""
        self._shelves.check_desk(desk)
        present = self._shelves.present()
        components = {name: _asked(check, self._shelves, present) for name, check in CHECKS.items()}
        worst = {one.state for one in components.values()}
        status = DOWN if components["journal"].state == DOWN else "ok" if worst == {OK} else "degraded"
        engine, journal = engine_state(present), self._shelves.journal()
        return SystemHealth(
            as_of=present.now, source="this process's own look at each part", n=journal.version() if journal else 0, status=status,
            database=DOWN if components["journal"].state == DOWN else OK,
            engine="running" if engine.running else engine.phase, components=components, timestamp=present.wall, version=VERSION,
            missing=self._shelves.missing(),
        )  # fmt: skip


def system_state(shelves: Shelves, events: Outlooks, engine: EngineState, desk: str | None = None) -> SystemState:
    """Return the documented state from what was asked already."""
    risk, money, accounts = risk_state(shelves, desk), money_of(shelves, desk), accounts_of(shelves, desk)
    known = known_of(shelves, shelves.present(), engine, risk, desk)
    return SystemState(
        system_state=system_word(known), current_regime=current_regime(events),
        active_strategy=f"{shelves.settings.model} on the {desk or shelves.desk} desk", daily_pnl_r=money.day_pnl_r,
        weekly_pnl_r=money.week_pnl_r,
        current_r=min((int(one.governor.step_micro[0]) / MICRO for one in accounts), default=1.0),
        consecutive_red_days=max((int(one.governor.red_days[0]) for one in accounts), default=0),
        can_trade=risk.can_trade and engine.running,
        risk_reason=risk.reason or ("" if engine.running else "the engine rests"), desk=desk or "",
        operator_dial=min((int(one.governor.dial[0]) for one in accounts), default=5),
        regimes=tuple(_regimes(events)) if desk in (None, shelves.desk) else (),
    )  # fmt: skip


def _regimes(events: Outlooks) -> Iterator[EventRegime]:
    found = [
        EventRegime(
            one.event_id, one.station_code, one.city, one.venue, one.event_day.isoformat(), one.extreme, one.regime, one.refusal,
            max(0.0, (events.as_of - one.decided_at).total_seconds()),
        )
        for one in events.outlooks
        if one.window_end > events.as_of
    ]  # fmt: skip
    yield from sorted(found, key=lambda one: (-place_of(one.regime), one.event_day, one.station_code, one.extreme))


def current_regime(events: Outlooks) -> str:
    """Return the regime of most open events; ties go to the stricter."""
    return regime_of_most([one.regime for one in events.outlooks if one.window_end > events.as_of])


def _asked(check: Callable[[Shelves, Present], Component], shelves: Shelves, present: Present) -> Component:
    try:
        return check(shelves, present)
    except HermesError as error:
        return Component(DOWN, str(error))


def _journal(shelves: Shelves, present: Present) -> Component:
    journal = shelves.journal()
    if journal is None:
        return Component(WARN, shelves.missing() or "there is no journal yet")
    cycle = journal.newest_cycle()
    at = cycle.cycle.sealed_at if cycle else None
    age = max(0.0, (present.now - at).total_seconds()) if at else None
    return Component(OK, f"{journal.version()} rows of the world {journal.world()}", age, at)


def _control(shelves: Shelves, present: Present) -> Component:
    waiting = shelves.waiting()
    if waiting is None:
        return Component(WARN, "no control.db yet: nothing was asked, and nobody beats")
    return Component(OK if not waiting else WARN, f"{waiting} commands wait" if waiting else "no command waits")


def _catalogue(shelves: Shelves, present: Present) -> Component:
    found = shelves.catalogue()
    return Component(WARN, "no snapshot was kept yet") if found is None else Component(OK, "the index of the snapshots answers")


def _heartbeat(shelves: Shelves, present: Present) -> Component:
    engine, beat = engine_state(present), present.beat
    if beat is None or not engine.running:
        return Component(DOWN, f"the engine is {engine.phase}", engine.beat_age_seconds, beat.wall_at if beat else None)
    age = max(0.0, (present.wall - beat.said_at).total_seconds())
    return Component(WARN if is_silent(present, engine) else OK, f"the engine is {engine.phase}", round(age, 3), beat.said_at)


def _sources(shelves: Shelves, present: Present) -> Component:
    rows = tuple(source_rows(present))
    sick = sorted(row.name for row in rows if row.state in SICK)
    if not rows:
        return Component(WARN, "no source was asked yet")
    newest = max((row.last_success for row in rows if row.last_success), default=None)
    age = max(0.0, (present.now - newest).total_seconds()) if newest else None
    well = f"{len(rows) - len(sick)} of {len(rows)} services do not fail"
    return Component(WARN if sick else OK, f"{well}; ill: {', '.join(sick)}" if sick else well, age, newest)


def _clock(shelves: Shelves, present: Present) -> Component:
    """Compare this clock with the engine's, and tell what the engine found of its own against the services."""
    beat, limit = present.beat, shelves.settings.guard.clock_skew_seconds
    if beat is None:
        return Component(WARN, "nothing to compare this clock with")
    ahead = (beat.wall_at - present.wall).total_seconds()
    if ahead > limit:
        return Component(DOWN, f"the engine's clock is {ahead:.1f} s ahead of this one")
    at, facts = host_facts(shelves)
    off = min((abs(float(one)) for one in (facts.get("skew_seconds") or {}).values() if one is not None), default=None)
    age = max(0.0, (present.now - at).total_seconds()) if at else None
    if off is None:
        return Component(OK, "this clock and the engine's agree", age, at)
    said = f"{off:.1f} s from the nearest service's clock, limit {limit:g} s"
    return Component(DOWN if off > limit else OK, said, age, at)


def _disk(shelves: Shelves, present: Present) -> Component:
    folder = next(one for one in (shelves.data_dir, *shelves.data_dir.resolve().parents) if one.exists())
    usage = shutil.disk_usage(folder)
    free = usage.free / GIGABYTE
    state = DOWN if 1_000 * free < shelves.settings.guard.disk_free_mb else WARN if free < LITTLE_FREE else OK
    return Component(state, f"{free:.1f} of {usage.total / GIGABYTE:.1f} GB free")


CHECKS: Mapping[str, Callable[[Shelves, Present], Component]] = {
    "journal": _journal,
    "control.db": _control,
    "catalogue": _catalogue,
    "heartbeat": _heartbeat,
    "sources": _sources,
    "clock": _clock,
    "disk": _disk,
}
"""What is looked at, by the name of the component."""


def ill(health: SystemHealth) -> Iterator[tuple[str, Component]]:
    """Yield the components that are not well, the worst first."""
    yield from sorted(
        ((name, one) for name, one in health.components.items() if one.state != OK), key=lambda pair: pair[1].state != DOWN
    )
