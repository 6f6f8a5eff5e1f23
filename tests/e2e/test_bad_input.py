"""One clear message that names the thing and the way out; exit code non-zero; never a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.conftest import clean_environment, orchestrator
from tests.e2e.desk_in_process import FEW


def refused(ended: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert that a command refused with one clear message."""
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr + ended.stdout
    for word in words:
        assert word in ended.stderr, ended.stderr


def test_an_unknown_station_is_named(tmp_path: Path) -> None:
    ended = orchestrator("--mode", "simulate", "--stations", "XXXX", "--data", str(tmp_path / "data"))

    refused(ended, "XXXX", "stations.csv")


def test_a_malformed_date_is_named() -> None:
    ended = orchestrator("--mode", "probmap", "--date", "2026-02-30")

    refused(ended, "2026-02-30", "YYYY-MM-DD")


def test_a_corrupt_settings_file_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("this is not a setting\n")

    ended = subprocess.run(
        [sys.executable, "-m", "core.orchestrator", "--mode", "doctor"], cwd=tmp_path, text=True, capture_output=True, timeout=60,
        env=clean_environment(PYTHONPATH=str(ROOT)), check=False,
    )  # fmt: skip

    refused(ended, ".env", "line 1")


def test_a_setting_out_of_range_is_named(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "core.orchestrator", "--mode", "doctor"], cwd=ROOT, text=True, capture_output=True, timeout=60,
        env=clean_environment(HERMES_EDGE_MIN="7"), check=False,
    )  # fmt: skip

    refused(ended, "EDGE_MIN", "docs/settings.md")


@pytest.fixture(scope="module")
def other_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("other") / "data"
    few = ("--days", "0.05", "--stations", ",".join(FEW))
    assert orchestrator("--mode", "simulate", "--seed", "8", *few, "--data", str(data)).returncode == 0
    return data


def test_the_journal_of_another_world_is_refused(other_world: Path) -> None:
    ended = orchestrator("--mode", "simulate", "--seed", "9", "--days", "0.05", "--data", str(other_world))

    refused(ended, "demo:8", "demo:9", "--data")


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")

    ended = orchestrator("--mode", "simulate", "--data", str(tmp_path / "data"))

    refused(ended, str(tmp_path / "data"))


def test_a_journal_that_is_not_a_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "hermes.db").write_bytes(b"not a database at all" * 100)

    ended = orchestrator("--mode", "simulate", "--data", str(tmp_path / "data"))

    refused(ended, "hermes.db")


def test_a_replay_of_nothing_says_what_to_do(tmp_path: Path) -> None:
    ended = orchestrator("--mode", "replay", "--data", str(tmp_path))

    refused(ended, "simulate")


def test_a_backtest_without_days_says_what_is_missing(tmp_path: Path) -> None:
    ended = orchestrator("--mode", "backtest", "--world", "archive", "--data", str(tmp_path / "data"))

    refused(ended, "--start")


def test_real_data_that_is_not_there_is_named(tmp_path: Path) -> None:
    ended = orchestrator("--mode", "verify", "--real-data", str(tmp_path / "nothing"), "--set", "A")

    refused(ended, "nothing")


def test_a_corrupted_ledger_row_makes_the_doctor_fail(other_world: Path, tmp_path: Path) -> None:
    import shutil
    import sqlite3

    data = tmp_path / "data"
    shutil.copytree(other_world, data)
    with sqlite3.connect(data / "hermes.db") as connection:
        connection.execute("DROP TRIGGER ledger_unchanged")  # the database itself would not let it happen
        connection.execute("UPDATE ledger SET amount_micro = amount_micro + 1 WHERE account = 'cash'")

    ended = orchestrator("--mode", "doctor", "--ledger", "--data", str(data))

    assert ended.returncode == 1
    assert "FAIL" in ended.stdout
