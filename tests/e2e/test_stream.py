"""The stream of a running installation: whoever resumes with `?after=` has every row once, whatever was killed meanwhile."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from api.stream import CHANNELS
from tests.e2e.conftest import FEW_STATIONS, Running, get_json, start_all, wait_for

CYCLES = 60
SIDECAR_DIES, ENGINE_DIES = 12, 30  # at these cycles
PATIENCE_SECONDS = 400
NOT_ROWS = {"connected", "ping", "pong"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = start_all(
        tmp_path_factory.mktemp("stream") / "data", "--speed", "3600", "--no-dashboard", environment=FEW_STATIONS
    )
    yield running
    if running.process.poll() is None:
        running.stop()


def child_of(running: Running, words: str) -> int:
    """Return the process id of the supervisor's own child with these words in its command."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if words in command and parent == running.process.pid:
            found.append(int(folder.name))
    assert len(found) == 1, (words, found)
    return found[0]


def rows_of_one_connection(running: Running, after: int, most: int) -> Iterator[dict[str, Any]]:
    """Yield at most so many rows from one connection, then drop it without a goodbye; end early when the sidecar does."""
    address = f"{running.api.replace('http', 'ws')}/ws/trading?after={after}&channels={','.join(CHANNELS)}"
    try:
        with connect(address, open_timeout=5, close_timeout=0.1) as socket:
            while most:
                message = json.loads(socket.recv(timeout=5))
                if message["type"] not in NOT_ROWS:
                    most -= 1
                    yield message
    except (OSError, TimeoutError, WebSocketException):
        time.sleep(0.2)


def test_every_row_comes_once_through_restarts_of_sidecar_and_engine(installation: Running) -> None:
    chance = random.Random(20260602)
    rows: list[dict[str, Any]] = []
    ended, connections, killed = 0, 0, []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while ended < CYCLES:
        assert time.monotonic() < deadline, (ended, connections, killed)
        connections += 1
        for row in rows_of_one_connection(installation, rows[-1]["seq"] if rows else 0, chance.randint(1, 60)):
            rows.append(row)
            ended += row["type"] == "cycle_complete"
            if ended == SIDECAR_DIES and "sidecar" not in killed:
                killed.append("sidecar")
                os.kill(child_of(installation, "-m api"), signal.SIGKILL)
            if ended == ENGINE_DIES and "engine" not in killed:
                killed.append("engine")
                os.kill(child_of(installation, "core.orchestrator"), signal.SIGKILL)

    seqs = [row["seq"] for row in rows]
    stored = activity(installation.data, seqs[-1])

    assert killed == ["sidecar", "engine"]
    assert connections >= 10
    assert seqs == list(range(1, len(seqs) + 1))
    assert [(row["seq"], row["type"], row["data"]["message"]) for row in rows] == stored


def activity(data: Path, until: int) -> list[tuple[int, str, str]]:
    with sqlite3.connect(f"file:{data / 'hermes.db'}?mode=ro", uri=True) as connection:
        found = connection.execute("SELECT seq, type, message FROM activity WHERE seq <= ? ORDER BY seq", (until,)).fetchall()
    return [(seq, kind or "activity", message) for seq, kind, message in found]


def test_a_client_that_comes_late_hears_the_same(installation: Running) -> None:
    stored = activity(installation.data, 400)

    heard = list(rows_of_one_connection(installation, 0, len(stored)))

    assert [(row["seq"], row["type"], row["data"]["message"]) for row in heard] == stored


def test_both_are_running_again(installation: Running) -> None:
    wait_for(
        lambda: (get_json(f"{installation.api}/api/status") or {}).get("trading_engine", {}).get("running"), 120, "an engine"
    )

    assert installation.stop() == 0
