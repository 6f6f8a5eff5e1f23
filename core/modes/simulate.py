"""The demo world in this process, unpaced: days in minutes."""

from __future__ import annotations

import argparse
from datetime import timedelta

from core import log
from core.clock import monotonic_seconds
from core.control.killing import throw_on_signal
from core.control.lock import Lock
from core.model.cycle import Cycle
from core.modes.stopping import Stopping
from core.settings import Settings
from core.supervisor.prepare import prepare
from core.wiring.desk import demo_adapter, run_weather, world_start


def simulate(settings: Settings, given: argparse.Namespace) -> int:
    """Run `--days` of the world of `--seed`; a folder that already holds a part of it goes on from there."""
    data_dir = prepare(settings, "demo")
    settings = settings.model_copy(update={"data_dir": data_dir})
    log.configure(settings, "engine")
    stopping, begun, seen = Stopping(), monotonic_seconds(), [0]
    throw_on_signal(data_dir, "engine")
    until = world_start() + timedelta(days=given.days)

    def progress(cycle: Cycle) -> None:
        seen[0] += 1
        if seen[0] % 96 == 0:
            print(f"{cycle.scheduled_at:%Y-%m-%d %H:%M}Z  cycle {cycle.number}", flush=True)

    with Lock(data_dir / "engine.lock"):
        run_weather(
            settings, data_dir, f"demo:{settings.seed}", stopping=stopping, until=until,
            adapter=demo_adapter(settings.seed, settings.demo_faults), on_clock=stopping.watch, progress=progress,
        )  # fmt: skip
    seconds = monotonic_seconds() - begun
    if not seen[0] and not stopping():
        print(f"{data_dir} has come to {until:%Y-%m-%d %H:%M}Z already; give more --days to go on", flush=True)
        return 0
    print(
        f"{seen[0]} cycles in {seconds:.1f} s ({1000 * seconds / max(1, seen[0]):.1f} ms each), data in {data_dir}", flush=True
    )
    return 0
