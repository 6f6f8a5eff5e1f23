"""What the engine tells the other processes of itself: a few times a cycle, while it waits, and every second on a live world."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta
from typing import Any

from core.clock import Clock, wall_now
from core.control.beats import Beats
from core.errors import HermesError
from core.model.cycle import Cycle
from core.ports import Source
from core.settings import Settings
from core.settings.identity import config_hash
from core.units import iso

_LOG = logging.getLogger("hermes.engine")
PULSE_SECONDS = 1.0


class Heart:
    """Beats with everything that stays true between two cycles: a face never loses what it knew.

    `said_at` is when the engine itself last said what it does: a pulse repeats the word while a source or a model keeps it
    waiting, and cannot hide that it is stuck.
    """

    def __init__(
        self, beats: Beats, clock: Clock, settings: Settings, world: str, sources: Mapping[str, Source],
        progress: Callable[[Cycle], None],
    ) -> None:  # fmt: skip
        self._beats, self._clock, self._sources, self._progress = beats, clock, sources, progress
        self._lock = threading.Lock()
        self._said: tuple[str, dict[str, Any]] | None = None
        self._every = timedelta(seconds=settings.interval_seconds)
        self._facts: dict[str, Any] = {
            "pid": os.getpid(), "world": world, "interval_seconds": settings.interval_seconds, "started_at": iso(wall_now()),
            "config_hash": config_hash(settings, world), "speed": settings.speed if world.startswith("demo") else 1.0,
        }  # fmt: skip

    def beat(self, state: str, cycle: Cycle | None, facts: Mapping[str, object]) -> None:
        """Say what the engine does now; `cycle` is the one at hand."""
        if cycle is not None:
            self._facts |= {
                "cycle": cycle.number, "scheduled_at": iso(cycle.scheduled_at), "next_due": iso(cycle.scheduled_at + self._every),
                "sources": health_of(self._sources),
            }  # fmt: skip
        known: dict[str, Any] = {**self._facts, **facts, "said_at": iso(wall_now())}
        with self._lock:  # an older word never comes after a newer one
            self._said = state, known
            self._beats.beat("engine", self._clock.now(), state, **known)
        if cycle is not None and state == "waiting":
            self._progress(cycle)

    @contextmanager
    def pulse(self, seconds: float = PULSE_SECONDS) -> Iterator[None]:
        """Repeat the last word every so often until the block ends; only for a clock that runs by itself."""
        over = threading.Event()
        thread = threading.Thread(target=self._pulse, args=(over, seconds), name="pulse", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _pulse(self, over: threading.Event, seconds: float) -> None:
        while not over.wait(seconds):
            try:
                with self._lock:
                    if self._said is not None:
                        self._beats.beat("engine", self._clock.now(), self._said[0], **self._said[1])
            except HermesError as error:  # the engine meets the same, and says it better
                _LOG.debug("the pulse skips a beat: %s", error)


def health_of(sources: Mapping[str, Source]) -> dict[str, dict[str, dict[str, object]]]:
    """Return, by source, the health of every service behind it, as JSON values."""
    return {
        name: {service: _facts(health) for service, health in getattr(source, "health", {}).items()}
        for name, source in sources.items()
    }


def _facts(health: Any) -> dict[str, object]:
    facts: dict[str, Any] = asdict(health) if is_dataclass(health) and not isinstance(health, type) else {}
    return {key: iso(value) if isinstance(value, datetime) else value for key, value in facts.items()}
