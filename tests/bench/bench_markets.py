"""Collecting and learning the past: `python -m tests.bench.bench_markets`; prints ratios to targets and decides nothing."""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import agents.collect
from core.registry import load_stations
from core.settings import Settings, load_settings
from core.store.snapshots import SnapshotStore
from core.wiring.desk import demo_adapter, run_weather
from core.wiring.sources import demo_addresses
from tests.bench.bench_cycle import cycle_seconds
from tests.conftest import ROOT
from tests.e2e.conftest import clean_environment
from venues.demo.places import BY_CODE, DEFAULT
from venues.demo.world import START, World

SIXTEEN = DEFAULT[:16]
THIRTY = tuple(code for code in BY_CODE if code in load_stations())[:30]
HANGING = ("kalshi", "metar", "nws", "open_meteo_ensemble", "polymarket_data", "zeus")
"""Half of the services."""
TARGET_COLLECT, TARGET_UP, TARGET_HANGING, TARGET_PAST = 0.040, 2.0, 6.0, 60.0
SPENT: dict[str, float] = defaultdict(float)
"""Processor seconds by part, each counted in the thread that spends them."""


def counted(owner: Any, name: str, part: Callable[..., str]) -> None:
    """Count what a function costs the processor."""
    inner = getattr(owner, name)

    def outer(*given: Any, **named: Any) -> Any:
        begun = time.thread_time()
        try:
            return inner(*given, **named)
        finally:
            SPENT[part(*given)] += time.thread_time() - begun

    setattr(owner, name, outer)


def say(name: str, value: float, target: float) -> None:
    print(f"{name:52} {1000 * value:9.1f} ms  target {1000 * target:7.0f} ms  ratio {value / target:.2f}", flush=True)


def settings_of(stations: tuple[str, ...], sources: dict[str, Any] | None = None) -> Settings:
    return load_settings().model_copy(update={"stations": stations, **({"sources": sources} if sources else {})})


def in_process(folder: Path, cycles: int) -> None:
    """Run a desk of sixteen stations in this process and print what collection costs, the world's share apart."""
    counted(World, "answer", lambda *_: "world")
    counted(agents.collect, "answers_of", lambda source, *_: f"source {source.name}")
    counted(SnapshotStore, "publish", lambda *_: "publish")
    every = timedelta(seconds=load_settings().interval_seconds)
    begun = time.process_time()
    run_weather(settings_of(SIXTEEN), folder, "demo:7", stopping=lambda: False, until=START + cycles * every,
                adapter=demo_adapter(7))  # fmt: skip
    whole = (time.process_time() - begun) / cycles
    spent = {part: seconds / cycles for part, seconds in SPENT.items()}
    asking = sum(seconds for part, seconds in spent.items() if part.startswith("source"))
    for part, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"  {part:50} {1000 * seconds:9.1f} ms of the processor a cycle")
    say("collect and publish without the world, 16 stations", asking - spent["world"] + spent["publish"], TARGET_COLLECT)
    say("whole cycle without the world (processor)", whole - spent["world"], 0.1)
    median = statistics.median(cycle_seconds(folder)[1:])
    say("whole cycle, world and decision included (wall)", median, 0.1)


@contextmanager
def demo_server(folder: Path) -> Iterator[str]:
    announced = folder / "ports.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "venues.demo.server", "--seed", "7", "--port", "0", "--announce", str(announced)],
        cwd=ROOT, env=clean_environment(),
    )  # fmt: skip
    try:
        while not announced.exists():
            time.sleep(0.05)
        yield f"http://127.0.0.1:{json.loads(announced.read_text())['port']}"
    finally:
        process.terminate()
        process.wait(30)


def over_http(folder: Path, base: str, cycles: int, *, hanging: tuple[str, ...]) -> float:
    """Run thirty stations on the demo server and return the median time of a cycle."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as silent:
        silence = demo_addresses(f"http://127.0.0.1:{silent.getsockname()[1]}")
        addresses = demo_addresses(base) | {name: silence[name] for name in hanging}
        known = load_settings()
        sources = {name: known.source(name).model_copy(update=address) for name, address in addresses.items()}
        every = timedelta(seconds=known.interval_seconds)
        run_weather(settings_of(THIRTY, sources), folder, "demo:7", stopping=lambda: False,
                    until=START + cycles * every)  # fmt: skip
    return statistics.median(cycle_seconds(folder)[1:])


def past(folder: Path, base: str, days: int) -> float:
    """Backfill sixteen stations from the demo server and return how long it took."""
    addresses = {
        f"HERMES_SOURCES__{name.upper()}__{key.upper()}": value
        for name, address in demo_addresses(base).items()
        for key, value in address.items()
    }
    begun = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "core.orchestrator", "--mode", "backfill", "--world", "demo", "--days", str(days),
         "--stations", ",".join(SIXTEEN), "--data", str(folder)],
        cwd=ROOT, env=clean_environment() | addresses, stdout=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return time.monotonic() - begun


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cycles", type=int, default=48)
    parser.add_argument("--http-cycles", type=int, default=12)
    parser.add_argument("--past-days", type=int, default=60)
    parser.add_argument("--only", choices=("process", "http", "past"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if given.only in (None, "process"):
            in_process(folder / "process", given.cycles)
        with demo_server(folder) as base:
            if given.only in (None, "http"):
                up = over_http(folder / "up", base, given.http_cycles, hanging=())
                say("cycle over HTTP, 30 stations", up, TARGET_UP)
                half = over_http(folder / "half", base, max(3, given.http_cycles // 3), hanging=HANGING)
                say("cycle over HTTP, 30 stations, half of the services hang", half, TARGET_HANGING)
            if given.only in (None, "past"):
                took = past(folder / "past", base, given.past_days)
                say(f"backfill of {given.past_days} days, 16 stations", took, TARGET_PAST * given.past_days / 60)


if __name__ == "__main__":
    main()
