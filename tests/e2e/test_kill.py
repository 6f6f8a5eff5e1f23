"""Kill -9 at any moment: the journal goes on exactly as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.conftest import clean_environment, orchestrator
from tests.e2e.desk_in_process import FEW, ask

SEED, DAYS = "7", "0.5"
POINTS = (
    "before:snapshots", "after:snapshots", "before:evaluations", "after:evaluations",
    "before:intention", "after:intention", "before:execution", "after:execution",
    "before:closing", "after:closing", "before:payout", "after:payout",
)  # fmt: skip
MOMENTS = int(os.environ.get("HERMES_KILLS", "4"))  # 50 in the long run: see docs/operations.md
TABLES = ("cycles", "decisions", "orders", "fills", "ledger", "settlements", "risk", "instruments", "activity", "accounts")


SIMULATE = ("--mode", "simulate", "--seed", SEED, "--days", DAYS, "--stations", ",".join(FEW), "--data")


def simulate(data: Path, failpoint: str = "") -> int:
    return orchestrator(*SIMULATE, str(data), failpoint=failpoint).returncode


def rows(data: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of money and decisions, wall-clock measurements left out."""
    with sqlite3.connect(f"file:{data / 'hermes.db'}?mode=ro", uri=True) as connection:
        found = {}
        for table in TABLES:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != "measured"]
            found[table] = connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1, 2, 3").fetchall()
        return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[object, ...]]]:
    data = tmp_path_factory.mktemp("undisturbed") / "data"
    assert simulate(data) == 0
    found = rows(data)
    assert len(found["fills"]) >= 3, "a session without fills proves nothing"
    traded = set(ask(data, "SELECT i.venue, i.unit, i.extreme FROM fills JOIN instruments i USING (token)"))
    assert {venue for venue, *_ in traded} == {"polymarket", "kalshi"}
    assert {extreme for *_, extreme in traded} == {"high", "low"}
    return found


def moments() -> list[str]:
    """Return failpoints, each passed a different number of times; the seed is fixed, so a failure can be repeated."""
    chance = random.Random(20260601)
    at_points = [f"{POINTS[i % len(POINTS)]}@{chance.randint(1, 6) if 'cu' in POINTS[i % len(POINTS)] else chance.randint(1, 40)}"
                 for i in range(max(1, MOMENTS // 2))]  # fmt: skip
    return at_points + [f"wall:{chance.uniform(1.2, 4.0):.2f}" for _ in range(MOMENTS - len(at_points))]


@pytest.mark.parametrize("moment", moments())
def test_a_killed_engine_goes_on_as_if_nothing_had_happened(
    moment: str, undisturbed: dict[str, list[tuple[object, ...]]], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    if moment.startswith("wall:"):
        kill_after(data, float(moment.removeprefix("wall:")))
    else:
        assert simulate(data, failpoint=moment) in (-signal.SIGKILL, 0)

    assert simulate(data) == 0

    assert rows(data) == undisturbed
    assert orchestrator("--mode", "doctor", "--ledger", "--data", str(data)).returncode == 0


def kill_after(data: Path, seconds: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "core.orchestrator", *SIMULATE, str(data)], cwd=ROOT, env=clean_environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(seconds)
    process.kill()
    process.wait()


def test_what_a_crash_left_unsent_is_not_sent_once_the_kill_switch_is_thrown(
    undisturbed: dict[str, list[tuple[object, ...]]], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    cycles = [row[1] for row in undisturbed["cycles"]]  # desk, scheduled_at
    ordered = {row[3] for row in undisturbed["orders"]}  # order_id, decision_id, desk, scheduled_at
    first = next(number for number, at in enumerate(cycles, 1) if at in ordered)
    assert simulate(data, failpoint=f"after:intention@{first}") == -signal.SIGKILL
    unsent = ask(data, "SELECT order_id FROM orders WHERE status = 2")
    assert unsent, "a crash that leaves no order unsent proves nothing"

    (data / "KILL").touch()
    assert simulate(data) == 0

    assert ask(data, "SELECT count(*) FROM fills") == [(0,)]
    assert set(ask(data, "SELECT status FROM orders")) == {(9,)}  # expired
    assert orchestrator("--mode", "doctor", "--ledger", "--data", str(data)).returncode == 0
