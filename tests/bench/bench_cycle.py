"""A cycle of six demo stations, in-process and over HTTP, and the engine's memory: `python -m tests.bench.bench_cycle`."""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.conftest import ROOT
from tests.e2e.conftest import clean_environment

TARGETS = {"in-process": 0.1, "HTTP": 0.5}
MEMORY_TARGET_MB = 300


def cycle_seconds(data: Path) -> list[float]:
    """Return the duration of every cycle, as the engine measured it."""
    with sqlite3.connect(data / "hermes.db") as connection:
        rows = connection.execute("SELECT measured FROM activity WHERE type = 'cycle_complete' ORDER BY seq").fetchall()
    return [json.loads(row[0])["duration_ms"] / 1000 for row in rows]


def in_process(data: Path, days: float) -> float:
    """Simulate `days` and return the peak memory of the process [MB]."""
    subprocess.run(
        [sys.executable, "-m", "core.orchestrator", "--mode", "simulate", "--days", str(days), "--data", str(data)],
        cwd=ROOT, env=clean_environment(), check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def over_http(data: Path, seconds: float) -> None:
    """Run the whole installation on the demo server, unpaced, for some seconds of the wall."""
    process = subprocess.Popen(
        ["./start_all.sh", "--mode", "demo", "--data", str(data), "--speed", "0", "--no-dashboard"], cwd=ROOT,
        env=clean_environment(), stdout=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(seconds)
    process.terminate()
    process.wait(30)


def say(name: str, seconds: list[float]) -> None:
    typical = statistics.median(seconds[len(seconds) // 10 :])
    late = statistics.quantiles(seconds, n=100)[98]
    print(f"cycle {name:11} n={len(seconds):5} median {1000 * typical:7.1f} ms  p99 {1000 * late:7.1f} ms  "
          f"target {1000 * TARGETS[name]:.0f} ms  ratio {typical / TARGETS[name]:.2f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=float, default=10.5, help="simulated days in-process (10.5 is 1,008 cycles)")
    parser.add_argument("--http-seconds", type=float, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        memory = in_process(Path(folder) / "a", given.days)
        seconds = cycle_seconds(Path(folder) / "a")
        say("in-process", seconds)
        tenth = max(1, len(seconds) // 10)
        growth = statistics.median(seconds[-tenth:]) / statistics.median(seconds[tenth : 2 * tenth]) - 1
        print(f"  last tenth against second tenth {100 * growth:+.1f} %")
        print(f"engine memory after {len(seconds)} cycles {memory:.0f} MB  target {MEMORY_TARGET_MB} MB  "
              f"ratio {memory / MEMORY_TARGET_MB:.2f}")  # fmt: skip
        over_http(Path(folder) / "b", given.http_seconds)
        say("HTTP", cycle_seconds(Path(folder) / "b"))


if __name__ == "__main__":
    main()
