"""Real processes for the tests that need them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.supervisor.ports import free_port
from tests.conftest import ROOT
from tests.e2e.desk_in_process import FEW

FEW_STATIONS = {"HERMES_STATIONS": ",".join(FEW)}


def clean_environment(**extra: str) -> dict[str, str]:
    """Return the environment without any HERMES_ setting of the outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HERMES_")}
    return {**kept, **extra}


def orchestrator(*arguments: str, failpoint: str = "", timeout: float = 900) -> subprocess.CompletedProcess[str]:
    """Run one mode of the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "core.orchestrator", *arguments], cwd=ROOT, text=True, capture_output=True, timeout=timeout,
        env=clean_environment(HERMES_FAILPOINT=failpoint), check=False,
    )  # fmt: skip


def wait_for(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Return the first true answer of `condition`; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"{what} did not happen in {seconds:.0f} s")


def get_json(url: str) -> Any:
    """Return the decoded answer of an address, None while it does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return json.loads(reply.read())
    except (OSError, ValueError):
        return None


@dataclass(frozen=True)
class Running:
    """A started installation."""

    process: subprocess.Popen[str]
    data: Path
    api: str
    dashboard: str

    def stop(self, number: int = signal.SIGTERM, seconds: float = 30) -> int:
        self.process.send_signal(number)
        return self.process.wait(seconds)


def start_all(data: Path, *arguments: str, mode: str = "demo", environment: Mapping[str, str] | None = None) -> Running:
    """Run `start_all.sh` and return when it announces its addresses."""
    api, dashboard = free_port(), free_port()
    log = data.parent / f"{data.name}.log"
    command = [
        "./start_all.sh",
        "--mode",
        mode,
        "--data",
        str(data),
        "--api-port",
        str(api),
        "--dashboard-port",
        str(dashboard),
    ]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, *arguments], cwd=ROOT, text=True, stdout=output, stderr=subprocess.STDOUT,
            env=clean_environment(**(environment or {})),
        )  # fmt: skip

    def announced() -> bool:
        if process.poll() is not None:
            raise AssertionError(f"start_all.sh ended with {process.returncode}: {log.read_text()}")
        return "Ctrl-C stops everything" in log.read_text()

    wait_for(announced, 180, "the announcement of start_all.sh")
    return Running(process, data, f"http://127.0.0.1:{api}", f"http://127.0.0.1:{dashboard}")


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running demo of few stations, shared by the tests that only look."""
    running = start_all(tmp_path_factory.mktemp("desk") / "data", "--speed", "1800", environment=FEW_STATIONS)
    yield running
    if running.process.poll() is None:
        running.stop()
