"""`--mode backfill` end to end, on the demo world in the same process: no network, and nothing starts cold."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from core.control.lock import Lock
from core.model.record import Kind
from core.store.archive import Archive
from core.units import instant, parse_iso
from tests.conftest import ROOT
from tests.e2e.conftest import clean_environment, orchestrator

START = parse_iso("2026-06-01T17:00:00Z")
LONG_AGO = parse_iso("2026-03-01T00:00:00Z")
STATIONS, DAYS = ("KLGA", "KMIA", "RJTT"), 30
ARGUMENTS = ("--mode", "backfill", "--world", "demo", "--days", str(DAYS), "--stations", ",".join(STATIONS), "--data")


def keys_of(folder: Path) -> Counter[tuple[str, str, str, int, int]]:
    """Return every record of the archive by what it is and when it was heard."""
    view, found = Archive(folder).as_of([START]), Counter[tuple[str, str, str, int, int]]()
    for kind in Kind:
        for subject in view.subjects(kind, LONG_AGO):
            stack = view.stack(kind, subject, LONG_AGO, failed=True)
            rows = np.diff(stack.offsets).tolist()
            names = [str(kind)] * len(stack), [subject] * len(stack)
            found.update(zip(*names, stack.source, stack.received_at.tolist(), rows, strict=True))
    return found


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("backfill")
    done = orchestrator(*ARGUMENTS, str(folder / "data"), "--json", str(folder / "report.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "data", done.stdout, json.loads((folder / "report.json").read_text())


def test_each_station_and_source_has_its_line_and_the_report_its_counts(filled: tuple[Path, str, dict[str, Any]]) -> None:
    data, printed, report = filled

    for station in STATIONS:
        for source in ("polymarket", "open_meteo"):
            assert any(line.startswith(source) and f" {station} " in line for line in printed.splitlines())
    assert " left" in printed
    assert report["failed"] == {}
    assert report["days"] == DAYS
    assert report["kept"]["outcomes"] == report["kept"]["events"]
    assert sum(report["kept"].values()) == sum(keys_of(data).values())


def test_nothing_is_known_before_it_could_be_and_nothing_of_today_is_closed(filled: tuple[Path, str, dict[str, Any]]) -> None:
    data, *_ = filled
    view = Archive(data).as_of([START])

    closed = {path.name for path in (data / "archive").rglob("*.parquet")}
    assert f"{START.date()}.parquet" not in closed
    for event_id in view.subjects(Kind.OUTCOMES, LONG_AGO):
        listing, outcome = (view.stack(kind, event_id, LONG_AGO) for kind in (Kind.EVENTS, Kind.OUTCOMES))
        prints = view.stack(Kind.PRINTS, event_id, LONG_AGO)
        assert listing.received_at[0] < outcome.received_at[0] <= START.timestamp() * 1e6
        assert outcome.facts[-1]["final"]
        assert (prints.columns["valid_at"] <= np.repeat(prints.received_at, np.diff(prints.offsets))).all()
        assert instant(int(listing.received_at[0])).date().isoformat() <= listing.facts[0]["event_day"]


def test_the_desk_that_starts_on_it_has_learned_already(filled: tuple[Path, str, dict[str, Any]]) -> None:
    data, *_ = filled

    done = orchestrator("--mode", "simulate", "--days", "0.02", "--stations", ",".join(STATIONS), "--data", str(data))

    assert done.returncode == 0, done.stderr
    with create_engine(f"sqlite:///{data / 'evaluations' / 'weather.db'}").connect() as connection:
        learned = connection.execute(text("select station, n_residuals from outlooks where extreme = 'high'")).all()
    assert {station for station, _ in learned} >= set(STATIONS)
    assert min(n for _, n in learned) > 20


def test_a_run_that_was_killed_goes_on_where_it_stood(tmp_path: Path) -> None:
    """Once after the records are on disk and before their days are noted, once in the middle; then to its end."""
    one = ("--mode", "backfill", "--world", "demo", "--days", "25", "--stations", "KLGA", "--data")
    data, undisturbed = tmp_path / "data", tmp_path / "undisturbed"
    assert orchestrator(*one, str(data), failpoint="after:past").returncode == -signal.SIGKILL
    process = subprocess.Popen(
        [sys.executable, "-m", "core.orchestrator", *one, str(data)], cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    for _ in range(3):  # what it will do, and two answers
        assert process.stdout.readline()
    process.kill()
    process.communicate()

    again, once_more = orchestrator(*one, str(data)), orchestrator(*one, str(data))

    assert again.returncode == 0, again.stdout + again.stderr
    assert "nothing new" in once_more.stdout
    assert orchestrator(*one, str(undisturbed)).returncode == 0
    assert keys_of(data) == keys_of(undisturbed)


def test_it_refuses_a_folder_in_which_an_engine_runs(tmp_path: Path) -> None:
    with Lock(tmp_path / "engine.lock"):
        done = orchestrator(*ARGUMENTS, str(tmp_path))

    assert done.returncode == 2
    assert "already running" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "archive").exists()


def test_a_recorded_session_is_replayed_the_same_after_a_backfill_and_another_world_is_refused(tmp_path: Path) -> None:
    data = ("--stations", "KLGA", "--data", str(tmp_path))
    assert orchestrator("--mode", "simulate", "--days", "0.05", *data).returncode == 0

    added = orchestrator("--mode", "backfill", "--world", "demo", "--days", "5", *data)
    other = orchestrator("--mode", "backfill", "--world", "live", "--days", "5", *data)
    replayed = orchestrator("--mode", "replay", *data)

    assert added.returncode == 0, added.stderr
    assert "records were left out" in added.stdout
    assert other.returncode == 2
    assert "belongs to world 'demo:7'" in other.stderr
    assert replayed.returncode == 0, replayed.stdout
    assert "identical" in replayed.stdout
