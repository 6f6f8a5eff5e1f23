"""The processes of an installation: which live, since when, and whether they run under the same settings."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.clock import wall_now
from core.control.beats import SILENT_SECONDS, Beat
from core.errors import HermesError
from core.services.shelves import Present, Shelves, lives
from core.settings.identity import config_hash
from core.units import iso, parse_iso

log = logging.getLogger("hermes.faces")

SOURCE = "heartbeats"
NAMES: Mapping[str, str] = {"supervisor": "supervisor", "engine": "engine", "api": "sidecar", "dashboard": "dashboard"}
"""Processes that a desk consists of, by the name under which the supervisor starts them."""
RUNNING, STOPPED, LOST, ABSENT = "running", "stopped", "gone without a word", "not started"
STARTING = "starting"  # phase of an engine that learns before its first cycle


@dataclass(frozen=True, slots=True)
class EngineState:
    running: bool
    pid: int | None
    started_at: datetime | None  # wall clock
    beat_age_seconds: float | None  # wall seconds since the last heartbeat
    phase: str
    config_hash: str


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """`agrees` is None where a process did not say under which settings it runs, or none trades to compare it with."""

    name: str
    state: str  # "running", "stopped", "gone without a word" or "not started"
    pid: int | None
    started_at: datetime | None  # the machine's clock, as the next two
    uptime_seconds: float | None
    said_age_seconds: float | None  # since it was heard last
    config_hash: str
    agrees: bool | None
    deaths: int  # how often it had to be started again lately


@dataclass(frozen=True, slots=True)
class Processes:
    as_of: datetime
    source: str
    n: int
    config_hash: str  # of the process that trades, else of this one
    agree: bool  # no two of those that run disagree
    rows: tuple[ProcessRow, ...]
    missing: str = ""


class ProcessService:
    """Answers from heartbeats; says of this process what the others say of themselves."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves, self._started = shelves, wall_now()
        self._told = ""  # hash of the engine that was complained about

    @property
    def config_hash(self) -> str:
        """Return the name of this process's own settings, as they hold in the world it shows."""
        settings = self._shelves.settings
        world = self._shelves.present().world or (f"demo:{settings.seed}" if settings.mode == "demo" else "live")
        return config_hash(settings, world)

    def announce(self, name: str, state: str = RUNNING) -> None:
        """Say that this process lives, and under which settings; silent in a folder where no desk ever ran."""
        try:
            own, trades = self.config_hash, self._trading()
            if state == RUNNING and trades and trades != own and self._told != trades:
                log.warning("config hash %s of the %s differs from the engine's %s: restart what is older", own, name, trades)
                self._told = trades
            self._shelves.say(name, state, {"pid": os.getpid(), "started_at": iso(self._started), "config_hash": own})
        except HermesError as error:  # a recorded session may lie in a folder that nobody can write
            log.debug("%s cannot beat: %s", name, error)

    def rows(self) -> Processes:
        """Return every process of the installation."""
        wall, beats = wall_now(), {beat.process: beat for beat in self._shelves.beats()}
        children = _children(beats.get("supervisor"))
        trades = self._trading()
        found = tuple(_row(name, beats.get(name), children.get(name), trades, wall) for name in NAMES)
        agree = not any(one.agrees is False for one in found if one.state == RUNNING)
        return Processes(wall, SOURCE, len(beats), trades or self.config_hash, agree, found)

    def _trading(self) -> str:
        """Return the hash of the engine that runs, "" where none does."""
        beat = self._shelves.beat()
        return str(beat.facts.get("config_hash", "")) if beat and self._shelves.engine_runs() else ""


def engine_state(present: Present) -> EngineState:
    """Return what the engine last said, and whether it still lives."""
    beat = present.beat
    if beat is None:
        return EngineState(False, None, None, None, "never started", "")
    age = max(0.0, (present.wall - beat.wall_at).total_seconds())
    running = _alive(beat)
    phase = beat.state if running or beat.state == STOPPED else LOST
    return EngineState(
        running, beat.pid or None, _moment(beat.facts.get("started_at")), round(age, 3), phase,
        str(beat.facts.get("config_hash", "")),
    )  # fmt: skip


def is_silent(present: Present, engine: EngineState) -> bool:
    """Return whether an engine that runs has long not said itself what it does: its pulse alone repeats the last word.

    One of a simulated world says nothing between two of its instants, one that starts nothing while it learns.
    """
    if present.beat is None or not engine.running or present.simulated or engine.phase == STARTING:
        return False
    return (present.wall - present.beat.said_at).total_seconds() > SILENT_SECONDS


def _alive(beat: Beat) -> bool:
    return beat.state != STOPPED and beat.pid > 0 and lives(beat.pid)


def _children(supervisor: Beat | None) -> Mapping[str, Mapping[str, Any]]:
    told = supervisor.facts.get("children", {}) if supervisor and _alive(supervisor) else {}
    return {name: facts for name, facts in _items(told) if isinstance(facts, Mapping)}


def _items(told: object) -> Iterator[tuple[str, Any]]:
    if isinstance(told, Mapping):
        yield from told.items()


def _row(name: str, beat: Beat | None, child: Mapping[str, Any] | None, trades: str, wall: datetime) -> ProcessRow:
    """Return a process by its own word; the supervisor knows better whether its children live."""
    facts: Mapping[str, Any] = {**(beat.facts if beat else {}), **{key: value for key, value in (child or {}).items() if value}}
    alive = str(child.get("state")) == RUNNING if child else beat is not None and _alive(beat)
    state = RUNNING if alive else ABSENT if beat is None and not child else STOPPED if _ended(beat, child) else LOST
    started = _moment(facts.get("started_at")) if alive else None
    own = str(beat.facts.get("config_hash", "")) if beat else ""
    return ProcessRow(
        name=NAMES[name], state=state, pid=int(facts.get("pid") or 0) or None if alive else None, started_at=started,
        uptime_seconds=max(0.0, (wall - started).total_seconds()) if started else None,
        said_age_seconds=max(0.0, (wall - beat.wall_at).total_seconds()) if beat else None, config_hash=own,
        agrees=own == trades if own and trades and alive else None, deaths=int(facts.get("deaths") or 0),
    )  # fmt: skip


def _ended(beat: Beat | None, child: Mapping[str, Any] | None) -> bool:
    return child is not None or (beat is not None and beat.state == STOPPED)


def _moment(text: object) -> datetime | None:
    return parse_iso(text) if isinstance(text, str) and text else None
