"""Start everything, wait until it is healthy, keep it alive, stop it without a trace."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from core.clock import monotonic_seconds, wall_now
from core.control.beats import Beats
from core.control.commands import Commands
from core.control.killing import throw_on_signal
from core.control.lock import Lock
from core.errors import BusyError, HermesError
from core.model.command import To, Verb
from core.settings import Settings
from core.settings.identity import config_hash
from core.supervisor.parts import demo_address, demo_part, engine_part, face_parts, service_addresses
from core.supervisor.ports import check_free
from core.supervisor.processes import REFUSED, Child, Part
from core.units import iso

HEALTHY_SECONDS = 90.0
STOP_SECONDS = 15.0
LOOK_SECONDS = 0.5


class Supervisor:
    """The processes of one data folder."""

    def __init__(self, settings: Settings, data_dir: Path, mode: str, *, dashboard: bool = True) -> None:
        self._settings, self._data_dir, self._mode, self._dashboard = settings, data_dir, mode, dashboard
        self._children: dict[str, Child] = {}
        self._stop = threading.Event()
        self._signal = 0
        self._beats, self._commands = Beats(data_dir), Commands(data_dir)
        world = f"demo:{settings.seed}" if mode == "demo" else "live"
        self._facts: dict[str, Any] = {
            "pid": os.getpid(), "started_at": iso(wall_now()), "config_hash": config_hash(settings, world),
        }  # fmt: skip

    def run(self) -> int:
        """Run until a signal comes; return the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        throw_on_signal(self._data_dir, "supervisor")
        with self._alone():
            check_free("sidecar", self._settings.api_port, "--api-port")
            if self._dashboard:
                check_free("dashboard", self._settings.dashboard_port, "--dashboard-port")
            try:
                if self._start_all():
                    self._announce()
                    self._watch()
            finally:
                self._end_all()
        return 0

    def _alone(self) -> Lock:
        try:
            return Lock(self._data_dir / "supervisor.lock").acquire()
        except BusyError:
            raise BusyError(self._already()) from None

    def _already(self) -> str:
        return (
            f"Hermes is already running on {self._data_dir}: dashboard http://localhost:{self._settings.dashboard_port}, "
            f"sidecar http://localhost:{self._settings.api_port}; stop it first or give another --data"
        )

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signal = number
        self._stop.set()

    def _start_all(self) -> bool:
        addresses: dict[str, str] = {}
        if self._mode == "demo":
            (self._data_dir / "world.json").unlink(missing_ok=True)
            self._start([demo_part(self._settings, self._data_dir)])
            if not self._wait_healthy():
                return False
            addresses = service_addresses(demo_address(self._data_dir))
        parts = face_parts(self._settings, self._data_dir, self._mode, dashboard=self._dashboard)
        if self._mode != "replay":
            parts.insert(0, engine_part(self._settings, self._data_dir, self._mode, addresses))
        self._start(parts)
        return self._wait_healthy()

    def _start(self, parts: Sequence[Part]) -> None:
        for part in parts:
            child = Child(part, self._data_dir / "logs" / f"{part.name}.out")
            self._children[part.name] = child
            child.start()

    def _wait_healthy(self) -> bool:
        """Return True when all children are healthy, False when we were told to stop first."""
        deadline = monotonic_seconds() + HEALTHY_SECONDS
        waiting = list(self._children.values())
        while waiting and not self._stop.is_set():
            for child in waiting:
                if child.exit_code is not None:
                    raise HermesError(f"{child.part.name} ended at start:\n{child.last_words()}\n(log: {child.log})")
            waiting = [child for child in waiting if not child.part.healthy()]
            if waiting and monotonic_seconds() > deadline:
                names = ", ".join(child.part.name for child in waiting)
                raise HermesError(f"{names} not healthy after {HEALTHY_SECONDS:.0f} s:\n{waiting[0].last_words()}")
            self._stop.wait(0.1 if waiting else 0)
        return not self._stop.is_set()

    def _announce(self) -> None:
        world = {"demo": f"demo world, seed {self._settings.seed}, {self._settings.speed:g}x"}.get(self._mode, self._mode)
        if self._dashboard:
            print(f"Hermes ({world})\n  dashboard  http://localhost:{self._settings.dashboard_port}", flush=True)
        print(f"  settings   {self._facts['config_hash']}  (every process shows the same name, or they disagree)", flush=True)
        print(f"  sidecar    http://localhost:{self._settings.api_port}  (docs at /docs)", flush=True)
        print(
            f"  data       {self._data_dir}  (touch {self._data_dir / 'KILL'} stops all new risk)\nCtrl-C stops everything.",
            flush=True,
        )

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self._beats.beat("supervisor", wall_now(), "watching", **self._facts, children=self._states())
            self._obey()
            for child in self._children.values():
                self._keep_alive(child)

    def _keep_alive(self, child: Child) -> None:
        if not child.wanted:
            return
        if child.process is None:
            if monotonic_seconds() >= child.restart_at:
                child.start()
            return
        code = child.exit_code
        if code is None:
            return
        words = child.last_words(1)
        if code == REFUSED:
            child.wanted = False
            print(f"{child.part.name} refuses to run and is not started again: {words}", flush=True)
            return
        pause = child.note_death()
        print(f"{child.part.name} ended with {code}, starts again in {pause:g} s: {words}", flush=True)

    def _obey(self) -> None:
        """Carry out what people asked of the engine."""
        pending = self._commands.pending(To.SUPERVISOR)
        engine = self._children.get("engine")
        for command in pending:
            if engine is None:
                continue
            if command.verb in (Verb.STOP, Verb.RESTART):
                engine.wanted = False
                engine.ask_to_stop()
                engine.end(monotonic_seconds() + STOP_SECONDS)
                engine.process = None
            if command.verb in (Verb.START, Verb.RESTART):
                engine.wanted, engine.restart_at = True, 0.0
        for command in pending:
            self._commands.taken(str(command.command_id), at=wall_now())

    def _states(self) -> dict[str, dict[str, object]]:
        return {name: child.facts() for name, child in self._children.items()}

    def _end_all(self) -> None:
        """Stop faces first, then the engine, then its world."""
        deadline = monotonic_seconds() + STOP_SECONDS
        for name in ("dashboard", "api", "engine", "world"):
            if name in self._children:
                self._children[name].ask_to_stop()
                if name == "engine":
                    self._children[name].end(deadline)
        for child in self._children.values():
            child.end(deadline)
        (self._data_dir / "world.json").unlink(missing_ok=True)
        if self._children:
            print("Hermes has stopped.", flush=True)
