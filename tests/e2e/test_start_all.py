"""One command starts everything, and one signal leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
from datetime import date
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.conftest import (
    FEW_STATIONS,
    Running,
    clean_environment,
    free_port,
    get_json,
    orchestrator,
    start_all,
    wait_for,
)  # fmt: skip
from tests.e2e.desk_in_process import KINDS
from venues.demo.contracts import DEFAULT_CONTRACTS
from venues.demo.places import DEFAULT


def processes_of(data: Path) -> list[str]:
    """Return the command lines of the living processes that name the data folder."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            environment = (folder / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if words and (str(data) in words or f"HERMES_DATA_DIR={data}" in environment):
            found.append(words)
    return found


def lock_is_free(path: Path) -> bool:
    import fcntl

    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def test_both_addresses_answer_and_say_that_it_is_a_demo(desk: Running) -> None:
    status = get_json(f"{desk.api}/api/status")

    assert status["mode"] == "demo"
    assert status["trading_engine"]["running"]
    assert get_json(f"{desk.api}/health")["status"] == "ok"


def test_a_plain_start_evaluates_both_venues_in_both_units_highs_and_lows_everywhere(tmp_path: Path) -> None:
    """Nothing is set here: the world's own eighteen stations."""
    running = start_all(tmp_path / "data", "--no-dashboard")
    every = {(contract.venue, contract.station.code, "low" if contract.low else "high") for contract in DEFAULT_CONTRACTS}

    def seen(condition: str) -> set[tuple[str, ...]]:
        with sqlite3.connect(f"file:{running.data}/evaluations/weather.db?mode=ro", uri=True) as connection:
            return set(connection.execute(f"SELECT DISTINCT venue, station, extreme, unit FROM outlooks WHERE {condition}"))

    try:
        wait_for(lambda: get_json(f"{running.api}/api/edges/current?limit=1"), 180, "the sidecar's answer")
        wait_for((running.data / "evaluations" / "weather.db").exists, 180, "an evaluation")
        wait_for(lambda: {row[:3] for row in seen("1")} >= every, 240, "an event of each series")
        kinds = wait_for(
            lambda: {(row[0], row[3], row[2]) for row in seen("refusal = ''")} == KINDS, 240, "tradable events of each kind"
        )
    finally:
        running.stop(seconds=90)

    assert kinds
    assert {station for _, station, *_ in seen("1")} == set(DEFAULT)


def test_a_trade_appears_and_two_event_days_settle(desk: Running) -> None:
    wait_for(lambda: get_json(f"{desk.api}/api/trades/recent")["trades"], 180, "a trade")

    def settled_days() -> set[date]:
        trades = get_json(f"{desk.api}/api/trades/history?limit=500")["trades"]
        return {trade["event_day"] for trade in trades if trade["outcome"] in ("win", "loss") and trade["winner_bracket"]}

    days = wait_for(lambda: len(settled_days()) >= 2 and settled_days(), 400, "two settled event days")

    assert len(days) >= 2


def test_the_ledger_is_proven_while_it_trades(desk: Running) -> None:
    ended = orchestrator("--mode", "doctor", "--ledger", "--data", str(desk.data))

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_second_start_says_that_it_already_runs(desk: Running) -> None:
    second = subprocess.run(
        ["./start_all.sh", "--mode", "demo", "--data", str(desk.data)], cwd=ROOT, text=True, capture_output=True, timeout=60,
        env=clean_environment(), check=False,
    )  # fmt: skip

    assert second.returncode == 2
    assert "already running" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        ended = subprocess.run(
            ["./start_all.sh", "--mode", "demo", "--data", str(tmp_path / "data"), "--api-port", str(port),
             "--dashboard-port", str(free_port())],
            cwd=ROOT, text=True, capture_output=True, timeout=60, env=clean_environment(), check=False,
        )  # fmt: skip

    assert ended.returncode == 2
    assert f"port {port}" in ended.stderr
    assert "--api-port" in ended.stderr
    assert processes_of(tmp_path / "data") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_process_and_no_lock(number: signal.Signals, tmp_path: Path) -> None:
    running = start_all(tmp_path / "data", environment=FEW_STATIONS)
    assert processes_of(tmp_path / "data")

    code = running.stop(number)

    assert code == 0
    assert processes_of(tmp_path / "data") == []
    for lock in (tmp_path / "data").glob("*.lock"):
        assert lock_is_free(lock)


def test_an_interrupt_also_stops_what_a_script_started_in_the_background(tmp_path: Path) -> None:
    """A shell starts background jobs with INT ignored; the supervisor must not inherit that."""
    data = tmp_path / "data"
    script = tmp_path / "script.sh"
    script.write_text(
        f"./start_all.sh --mode demo --data {data} --api-port {free_port()} --dashboard-port {free_port()} "
        f"> {tmp_path}/out 2>&1 &\necho $!\nwait\n"
    )
    shell = subprocess.Popen(
        ["bash", str(script)], cwd=ROOT, text=True, stdout=subprocess.PIPE, env=clean_environment(**FEW_STATIONS)
    )
    assert shell.stdout is not None
    pid = int(shell.stdout.readline())
    out = tmp_path / "out"
    wait_for(lambda: out.exists() and "Ctrl-C stops everything" in out.read_text(), 180, "the announcement")

    os.kill(pid, signal.SIGINT)

    shell.wait(30)
    shell.stdout.close()
    assert processes_of(data) == []


def test_a_killed_engine_is_started_again(desk: Running) -> None:
    pid = get_json(f"{desk.api}/api/status")["trading_engine"]["pid"]

    os.kill(pid, signal.SIGKILL)

    wait_for(
        lambda: (status := get_json(f"{desk.api}/api/status")) and status["trading_engine"]["running"]
        and status["trading_engine"]["pid"] != pid, 120, "a new engine",
    )  # fmt: skip
    ended = orchestrator("--mode", "doctor", "--ledger", "--data", str(desk.data))
    assert ended.returncode == 0, ended.stdout
