"""The desk as a process: until stopped, for one cycle, or only recording."""

from __future__ import annotations

import argparse

from core import log
from core.control.killing import throw_on_signal
from core.control.lock import Lock
from core.errors import NotAllowedError
from core.model.cycle import Cycle
from core.modes.stopping import Stopping
from core.settings import Settings
from core.supervisor.prepare import prepare
from core.wiring.desk import run_weather


def dynamic_paper(settings: Settings, given: argparse.Namespace) -> int:
    """Trade on paper until a signal comes."""
    return _run(settings, given, world=given.world or "live")


def demo(settings: Settings, given: argparse.Namespace) -> int:
    """The same on the demo world that the environment names."""
    if not settings.source("polymarket_gamma").base_url:
        raise NotAllowedError("no demo world is served here; ./start_all.sh --mode demo serves one, --mode simulate needs none")
    return _run(settings, given, world="demo")


def collect(settings: Settings, given: argparse.Namespace) -> int:
    """Record everything and trade nothing."""
    return _run(settings, given, world=given.world or "live", trades=False)


def paper(settings: Settings, given: argparse.Namespace) -> int:
    """Run one cycle now."""
    return _run(settings, given, world=given.world or "live", cycles=1)


def _run(settings: Settings, given: argparse.Namespace, *, world: str, trades: bool = True, cycles: int | None = None) -> int:
    data_dir = prepare(settings, "demo" if world == "demo" else "live")
    settings = settings.model_copy(update={"data_dir": data_dir})
    log.configure(settings, "engine")
    stopping, done = Stopping(), []
    throw_on_signal(data_dir, "engine")

    def count(cycle: Cycle) -> None:
        done.append(cycle.number)

    def enough() -> bool:
        return stopping() or (cycles is not None and len(done) >= cycles)

    with Lock(data_dir / "engine.lock"):
        run_weather(
            settings, data_dir, f"demo:{settings.seed}" if world == "demo" else "live", stopping=enough,
            trades=trades, on_clock=stopping.watch, progress=count, at_once=cycles is not None,
        )  # fmt: skip
    return 0
