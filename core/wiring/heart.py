"""What the engine tells the other processes of itself, a few times a cycle and while it waits."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from core.clock import Clock, wall_now
from core.control.beats import Beats
from core.model.cycle import Cycle
from core.ports import Source
from core.settings import Settings
from core.units import iso


class Heart:
    """Beats with everything that stays true between two cycles: a face never loses what it knew."""

    def __init__(
        self, beats: Beats, clock: Clock, settings: Settings, world: str, sources: Mapping[str, Source],
        progress: Callable[[Cycle], None],
    ) -> None:  # fmt: skip
        self._beats, self._clock, self._sources, self._progress = beats, clock, sources, progress
        self._every = timedelta(seconds=settings.interval_seconds)
        self._facts: dict[str, Any] = {
            "pid": os.getpid(), "world": world, "interval_seconds": settings.interval_seconds, "started_at": iso(wall_now()),
            "config_hash": config_hash(settings), "speed": settings.speed if world.startswith("demo") else 1.0,
        }  # fmt: skip

    def beat(self, state: str, cycle: Cycle | None, facts: Mapping[str, object]) -> None:
        """Say what the engine does now; `cycle` is the one at hand."""
        if cycle is not None:
            self._facts |= {
                "cycle": cycle.number, "scheduled_at": iso(cycle.scheduled_at), "next_due": iso(cycle.scheduled_at + self._every),
                "sources": health_of(self._sources),
            }  # fmt: skip
        known: dict[str, Any] = {**self._facts, **facts}
        self._beats.beat("engine", self._clock.now(), state, **known)
        if cycle is not None and state == "waiting":
            self._progress(cycle)


def health_of(sources: Mapping[str, Source]) -> dict[str, dict[str, dict[str, object]]]:
    """Return, by source, the health of every service behind it, as JSON values."""
    return {
        name: {service: _facts(health) for service, health in getattr(source, "health", {}).items()}
        for name, source in sources.items()
    }


def _facts(health: Any) -> dict[str, object]:
    facts: dict[str, Any] = asdict(health) if is_dataclass(health) and not isinstance(health, type) else {}
    return {key: iso(value) if isinstance(value, datetime) else value for key, value in facts.items()}


def config_hash(settings: Settings) -> str:
    """Return a short name of everything that is set, so that processes can see whether they agree."""
    return sha256(settings.model_dump_json(exclude={"database_url", "sources", "data_dir"}).encode()).hexdigest()[:12]
