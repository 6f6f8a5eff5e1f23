"""A recorded session replayed is the same session, and the future changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core.units import instant
from tests.e2e.conftest import orchestrator
from tests.e2e.desk_in_process import FEW, KINDS, ask

INTERVAL = os.environ.get("HERMES_REPLAY_INTERVAL", "3600")  # 900 gives the long session of more than 300 cycles


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded demo session of three days and more, so that both venues settled highs and lows."""
    data = tmp_path_factory.mktemp("session") / "data"
    ended = orchestrator(
        "--mode", "simulate", "--seed", "7", "--days", "3.3", "--interval", INTERVAL, "--stations", ",".join(FEW), "--data",
        str(data), timeout=1800,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    for table in ("fills", "settlements"):  # what is replayed below is of both venues, highs and lows
        found = ask(data, f"SELECT DISTINCT i.venue, i.unit, i.extreme FROM {table} JOIN instruments i USING (event_id)")
        assert set(found) == KINDS, table
    return data


def test_a_replay_gives_the_same_rows(session: Path, tmp_path: Path) -> None:
    target = tmp_path / "replay.json"

    ended = orchestrator("--mode", "replay", "--data", str(session), "--json", str(target), timeout=1800)

    assert ended.returncode == 0, ended.stdout
    result = json.loads(target.read_text())
    assert result["cycles"] >= 3.3 * 86_400 / int(INTERVAL) - 1
    assert all(table["same"] for table in result["tables"].values())
    assert result["tables"]["fills"]["rows"] > 0
    assert result["tables"]["settlements"]["rows"] > 0


def test_deleting_what_was_received_later_changes_no_earlier_row(session: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(session, data)
    with sqlite3.connect(data / "hermes.db") as connection:
        scheduled = [row[0] for row in connection.execute("SELECT scheduled_at FROM cycles ORDER BY scheduled_at")]
    last = len(scheduled) // 2
    boundary = instant(scheduled[last]) + timedelta(seconds=10)
    removed = delete_received_after(data, boundary)
    assert removed > 100
    with sqlite3.connect(data / "hermes.db") as connection:  # the recorded rows up to the boundary stay what to compare with
        connection.execute("DELETE FROM cycles WHERE scheduled_at > ?", (scheduled[last],))

    ended = orchestrator("--mode", "replay", "--data", str(data), timeout=1800)

    assert ended.returncode == 0, ended.stdout
    assert f"{last + 1} cycles replayed" in ended.stdout


def delete_received_after(data: Path, boundary: datetime) -> int:
    """Delete every snapshot file received after the boundary, and the index, which is rebuilt from what is left."""
    limit = f"{boundary:%Y-%m-%dT%H%M%S}"
    removed = 0
    for path in (data / "snapshots").rglob("*.json"):
        if path.name[:17] > limit:
            path.unlink()
            removed += 1
    for index in data.glob("catalogue.db*"):
        index.unlink()
    return removed
