"""From a fresh clone to three healthy processes, cold and warm: `python -m tests.bench.bench_start`."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from pathlib import Path

from core.supervisor.ports import free_port
from tests.conftest import ROOT
from tests.e2e.conftest import clean_environment

TARGETS = {"cold": 120.0, "warm": 10.0}


def seconds_to_healthy(clone: Path, data: Path) -> float:
    begun = time.monotonic()
    process = subprocess.Popen(
        ["./start_all.sh", "--mode", "demo", "--data", str(data), "--api-port", str(free_port()), "--dashboard-port", str(free_port())],
        cwd=clone, env=clean_environment(), text=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if "Ctrl-C stops everything" in line:
            break
    passed = time.monotonic() - begun
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    return passed


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "hermes"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        for name, data in (("cold", "a"), ("warm", "b")):
            seconds = seconds_to_healthy(clone, Path(folder) / data)
            print(f"start {name}: {seconds:.1f} s  target {TARGETS[name]:.0f} s  ratio {seconds / TARGETS[name]:.2f}")


if __name__ == "__main__":
    main()
