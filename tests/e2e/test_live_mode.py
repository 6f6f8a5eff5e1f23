"""The live mode as a process, on the machine's own clock, with a demo world standing in for the public services."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.control.beats import Beats
from core.supervisor.parts import service_addresses
from tests.conftest import ROOT
from tests.e2e.conftest import clean_environment, orchestrator, wait_for

INTERVAL_SECONDS = 5


@dataclass
class Live:
    """An engine in live mode and the world that it takes for real."""

    data: Path
    world: subprocess.Popen[bytes]
    engine: subprocess.Popen[str]
    log: Path

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        try:
            with sqlite3.connect(f"file:{self.data / 'hermes.db'}?mode=ro", uri=True) as connection:
                return connection.execute(question).fetchall()
        except sqlite3.OperationalError:
            return []

    def completed(self) -> int:
        return int((self.ask("SELECT count(*) FROM cycles WHERE phase = 'complete'") or [(0,)])[0][0])


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    announcement = folder / "world.json"
    world = subprocess.Popen(
        [sys.executable, "-m", "venues.demo.server", "--seed", "7", "--port", "0", "--announce", str(announcement)], cwd=ROOT,
        env=clean_environment(),
    )  # fmt: skip
    wait_for(announcement.exists, 30, "the world's announcement")
    base = f"http://127.0.0.1:{json.loads(announcement.read_text())['port']}"
    # Little is asked of an edge, since a live minute is short; the rules of the desk are those of any live day.
    environment = clean_environment(
        **service_addresses(base), HERMES_INTERVAL_SECONDS=str(INTERVAL_SECONDS), HERMES_EDGE_MIN="0.005",
        HERMES_WEATHER__POOL_WEIGHT="0.7", HERMES_STATIONS="KLGA,KMIA,EGLC,RJTT,RKSI,KORD",
    )  # fmt: skip
    log = folder / "engine.log"
    with log.open("w") as output:
        engine = subprocess.Popen(
            [sys.executable, "-m", "core.orchestrator", "--mode", "live", "--data", str(folder / "data")], cwd=ROOT, text=True,
            env=environment, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    started = Live(folder / "data", world, engine, log)
    yield started
    for process in (engine, world):
        if process.poll() is None:
            process.kill()
        process.wait()


def test_cycles_complete_at_their_pace(live: Live) -> None:
    wait_for(lambda: live.completed() >= 4, 60, "four cycles")

    due = [row[0] for row in live.ask("SELECT scheduled_at FROM cycles ORDER BY scheduled_at")]

    assert all(at % (INTERVAL_SECONDS * 1_000_000) == 0 for at in due)


def test_the_heart_beats_with_the_clock_of_the_machine(live: Live) -> None:
    beat = Beats(live.data).read("engine")

    assert beat is not None
    assert beat.facts["world"] == "live"
    assert datetime.now(UTC) - beat.wall_at < timedelta(seconds=3 * INTERVAL_SECONDS)
    assert abs(beat.at - beat.wall_at) < timedelta(seconds=2)


def test_trades_happen_and_the_doctor_proves_them(live: Live) -> None:
    wait_for(lambda: live.ask("SELECT 1 FROM fills"), 90, "a fill")

    ended = orchestrator("--mode", "doctor", "--ledger", "--data", str(live.data))

    assert ended.returncode == 0, ended.stdout
    assert "live" in live.ask("SELECT world FROM schema")[0][0]


def test_a_rule_that_was_concluded_and_not_read_is_not_traded_on_the_live_world(live: Live) -> None:
    with sqlite3.connect(f"file:{live.data / 'evaluations' / 'weather.db'}?mode=ro", uri=True) as connection:
        inferred = connection.execute("SELECT event_id, refusal FROM outlooks WHERE rule_grade = 'inferred'").fetchall()

    assert {refusal for _, refusal in inferred} == {"rule_inferred"}
    assert not {event_id for event_id, _ in inferred} & {row[0] for row in live.ask("SELECT event_id FROM orders")}


def test_a_world_that_goes_down_is_named_and_cycles_go_on(live: Live) -> None:
    live.world.kill()
    live.world.wait()
    before = live.completed()

    named = wait_for(
        lambda: live.ask("SELECT message FROM activity WHERE type = 'source_error' ORDER BY seq DESC LIMIT 10"), 60,
        "a line about the source",
    )  # fmt: skip
    wait_for(lambda: live.completed() >= before + 2, 60, "two more cycles")

    said = " ".join(row[0] for row in named)
    assert any(source in said for source in ("polymarket", "metar", "open_meteo"))
    assert live.engine.poll() is None


def test_term_ends_it_clean(live: Live) -> None:
    live.engine.send_signal(signal.SIGTERM)

    assert live.engine.wait(60) == 0
    assert "Traceback" not in live.log.read_text()
    assert orchestrator("--mode", "doctor", "--ledger", "--data", str(live.data)).returncode == 0
