"""Whether a desk that runs for months grows or slows: `python -m tests.bench.bench_drift`; decides nothing.

A line a simulated day, then the drift of memory and of the processor's time from the first days after the warm-up to the
last ones. The demo world's own share is left out of the time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from core.model.cycle import Cycle
from core.settings import load_settings
from core.wiring.desk import demo_adapter, run_weather
from tests.bench.bench_markets import SPENT, counted
from venues.demo.world import START, World

STATIONS = ("EGLC", "KLGA", "KNYC")
"""Both venues, both units, one city by two rules."""
WARM_DAYS = 21  # until days are closed, ended events are forgotten and every law has its window
COMPARED_DAYS = 14
MOST_MEMORY_MB, MOST_TIME = 20.0, 0.05


def resident_mb() -> float:
    """Return the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass
class Diary:
    """What each day of a run cost: processor seconds of a cycle without the world and of the world, memory at its end."""

    cycles_a_day: int
    seconds: list[float] = field(default_factory=list)
    world: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    cycles: int = 0
    _since: tuple[float, float] = (0.0, 0.0)

    def note(self, _cycle: Cycle) -> None:
        """Count a cycle; at the end of a day, note and print what the day cost."""
        self.cycles += 1
        if self.cycles % self.cycles_a_day:
            return
        now = (time.process_time(), SPENT["world"])
        whole, world = ((after - before) / self.cycles_a_day for before, after in zip(self._since, now, strict=True))
        self._since = now
        self.seconds.append(whole - world)
        self.world.append(world)
        self.memory.append(resident_mb())
        print(f"day {len(self.seconds):4}: {1000 * self.seconds[-1]:7.1f} ms a cycle, the world {1000 * world:7.1f} ms, "
              f"{self.memory[-1]:7.1f} MB", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cycles", type=int, default=10_000)
    parser.add_argument("--stations", default=",".join(STATIONS))
    given = parser.parse_args()
    counted(World, "answer", lambda *_: "world")
    settings = load_settings().model_copy(update={"stations": tuple(given.stations.split(","))})
    every = timedelta(seconds=settings.interval_seconds)
    diary = Diary(round(timedelta(days=1) / every))
    cycles = given.cycles + WARM_DAYS * diary.cycles_a_day
    with tempfile.TemporaryDirectory() as folder:
        run_weather(settings, Path(folder), "demo:7", stopping=lambda: False, until=START + cycles * every,
                    adapter=demo_adapter(7), progress=diary.note)  # fmt: skip
    first, last = slice(WARM_DAYS, WARM_DAYS + COMPARED_DAYS), slice(-COMPARED_DAYS, None)
    grown = statistics.mean(diary.memory[last]) - statistics.mean(diary.memory[first])
    slower, world = (statistics.mean(each[last]) / statistics.mean(each[first]) - 1 for each in (diary.seconds, diary.world))
    print(f"{diary.cycles} cycles, the first {WARM_DAYS} days are the warm-up")
    print(f"memory {grown:+.1f} MB  target {MOST_MEMORY_MB:.0f} MB  ratio {grown / MOST_MEMORY_MB:.2f}")
    print(f"time   {100 * slower:+.1f} %   target {100 * MOST_TIME:.0f} %   ratio {slower / MOST_TIME:.2f}")
    print(f"the world's own time {100 * world:+.1f} %: what it moves by is mostly the machine")


if __name__ == "__main__":
    main()
