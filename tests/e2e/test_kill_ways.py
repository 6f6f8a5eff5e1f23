"""Every way to throw the kill switch of a running desk: command line, sidecar, page, file, signal; and each time it is lifted."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from core.model.command import KILL_FILE
from tests.e2e.conftest import FEW_STATIONS, Running, get_json, orchestrator, start_all, wait_for
from tests.e2e.desk_in_process import ask
from tests.e2e.test_browser_live import PATIENCE
from tests.e2e.test_stream import NOT_ROWS, child_of

SECONDS = 90.0


@pytest.fixture(scope="module")
def running_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A demo with a cycle every half second or so."""
    running = start_all(tmp_path_factory.mktemp("ways") / "data", "--speed", "1800", environment=FEW_STATIONS)
    yield running
    if running.process.poll() is None:
        running.stop()


def post(running: Running, path: str, body: Mapping[str, object]) -> tuple[int, Any]:
    asked = urllib.request.Request(
        f"{running.api}{path}", json.dumps(body).encode(), {"content-type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(asked, timeout=10) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def thrown(running: Running) -> bool:
    risk = get_json(f"{running.api}/api/risk") or {}
    return "kill_switch" in risk.get("tripped", ())


def last_word(running: Running) -> str:
    rows = ask(
        running.data, "SELECT message FROM activity WHERE type = 'risk_update' AND message LIKE 'kill switch%' ORDER BY seq"
    )
    return str(rows[-1][0]) if rows else ""


def by_command_line(running: Running) -> str:
    assert orchestrator("--mode", "kill", "--data", str(running.data)).returncode == 0
    return "the command line"


def by_sidecar(running: Running) -> str:
    status, told = post(running, "/api/system/kill", {"reason": "a drill"})
    assert (status, told["heard"]) == (202, True)
    return "the sidecar"


def by_file(running: Running) -> str:
    (running.data / KILL_FILE).touch()
    return f"data/{KILL_FILE}"


def by_signal_to_the_supervisor(running: Running) -> str:
    os.kill(running.process.pid, signal.SIGUSR1)
    return f"data/{KILL_FILE}"


def by_signal_to_the_engine(running: Running) -> str:
    os.kill(child_of(running, "core.orchestrator"), signal.SIGUSR1)
    return f"data/{KILL_FILE}"


WAYS: Mapping[str, Callable[[Running], str]] = {
    "command line": by_command_line,
    "sidecar": by_sidecar,
    "file": by_file,
    "signal to the supervisor": by_signal_to_the_supervisor,
    "signal to the engine": by_signal_to_the_engine,
}


def lift(running: Running) -> None:
    (running.data / KILL_FILE).unlink(missing_ok=True)
    status, told = post(running, "/api/system/lift", {"reason": "the drill is over"})
    assert status == 202
    answered = wait_for(lambda: answer(running, told["command_id"]), SECONDS, "the answer to a lift")
    assert answered["message"].startswith("kill switch")
    assert "lifted by the sidecar" in answered["message"]
    assert not thrown(running)


def answer(running: Running, command_id: str) -> Any:
    told = get_json(f"{running.api}/api/system/commands/{command_id}") or {}
    return told if told.get("state") == "done" else None


@pytest.mark.parametrize("way", WAYS)
def test_it_is_thrown_and_lifted(running_desk: Running, way: str) -> None:
    pids = {name: child_of(running_desk, name) for name in ("core.orchestrator", "-m api")}
    by = WAYS[way](running_desk)

    wait_for(lambda: thrown(running_desk), SECONDS, f"a kill by {way}")
    word, file = last_word(running_desk), (running_desk.data / KILL_FILE).exists()
    status = get_json(f"{running_desk.api}/api/system/status")
    wire = next(one for one in get_json(f"{running_desk.api}/api/risk")["tripwires"] if one["name"] == "kill_switch")
    lift(running_desk)

    assert word.startswith(f"kill switch thrown by {by}: exits only")
    assert file is (by == f"data/{KILL_FILE}")
    assert (status["can_trade"], status["system_state"]) == (False, "paused")
    assert wire["state"] == "tripped"
    assert wire["since"] is not None
    assert {name: child_of(running_desk, name) for name in pids} == pids  # nobody was ended by it


def test_a_lift_is_refused_as_long_as_a_signal_s_file_is_there(running_desk: Running) -> None:
    by_signal_to_the_engine(running_desk)
    wait_for(lambda: thrown(running_desk), SECONDS, "a kill by signal")

    status, told = post(running_desk, "/api/system/lift", {})
    said = (running_desk.data / KILL_FILE).read_text()
    lift(running_desk)

    assert status == 422
    assert "remove it" in told["error"]["message"]
    assert said.startswith("SIGUSR1 to the engine, process ")


def test_a_flatten_is_answered_at_once_and_told_by_both_of_its_commands(running_desk: Running) -> None:
    status, told = post(running_desk, "/api/system/flatten_all", {"reason": "a drill"})

    done = wait_for(lambda: answer(running_desk, told["command_id"]), SECONDS, "the answer to a flatten")
    killed = wait_for(lambda: answer(running_desk, told["also"][0]), SECONDS, "the answer to its kill")
    wait_for(lambda: thrown(running_desk), SECONDS, "the kill of a flatten")
    lift(running_desk)

    assert status == 202
    assert "sold" in done["message"]
    assert "a drill" in done["message"]
    assert killed["message"].startswith("kill switch thrown by the sidecar")


def test_the_system_socket_tells_it_under_its_documented_key(running_desk: Running) -> None:
    keys = {"risk_update": "risk", "trade_execution": "trade", "signal": "signal", "regime_change": "regime"}
    with connect(f"{running_desk.api.replace('http', 'ws')}/ws?after=0") as socket:
        greeting = json.loads(socket.recv(timeout=10))
        socket.send('{"type": "ping"}')
        command_id = post(running_desk, "/api/system/kill", {"reason": "a drill"})[1]["command_id"]
        heard: list[dict[str, Any]] = []
        while not heard or heard[-1]["data"].get("command_id") != command_id:
            heard.append(json.loads(socket.recv(timeout=SECONDS)))
    lift(running_desk)
    rows = [message for message in heard if message["type"] not in NOT_ROWS]
    seqs = [message["seq"] for message in rows]

    assert greeting["type"] == "connected"
    assert "pong" in {message["type"] for message in heard}
    assert {message["type"] for message in rows} >= {"risk_update", "trade_execution", "signal"}
    assert all(message[keys[message["type"]]] == message["data"] for message in rows)
    assert seqs == sorted(set(seqs))


@pytest.mark.browser
def test_it_is_thrown_and_lifted_from_the_page_in_two_steps(running_desk: Running, browser: Any, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 1080})
    page.goto(f"{running_desk.dashboard}/risk")
    page.wait_for_selector('[data-kill="open"]', timeout=PATIENCE)
    assert page.locator(".st-key-do_kill button").count() == 0  # nothing to press before it is armed

    page.locator(".st-key-arm_kill label").click()
    page.wait_for_selector(".st-key-do_kill button:visible", timeout=PATIENCE)
    page.locator(".st-key-why_kill input").fill("a drill from the page")
    page.locator(".st-key-why_kill input").press("Tab")
    page.locator(".st-key-do_kill button:visible").first.click()
    page.wait_for_selector("[data-said]", timeout=PATIENCE)
    page.wait_for_selector('[data-kill="thrown"]', timeout=PATIENCE)
    page.wait_for_selector('[data-said="done"]', timeout=PATIENCE)
    page.wait_for_selector('.commands tr:first-child [data-value="done"]', timeout=PATIENCE)
    first = page.locator(".commands tbody tr").first.inner_text()
    word = last_word(running_desk)
    page.screenshot(path=tmp_path / "thrown.png", full_page=True)

    page.locator(".st-key-do_lift button:visible").first.click()
    page.wait_for_selector('[data-kill="open"]', timeout=PATIENCE)
    page.screenshot(path=tmp_path / "lifted.png", full_page=True)
    page.close()

    assert word == "kill switch thrown by the dashboard: exits only (a drill from the page)"
    assert "kill switch thrown by the dashboard" in first
    assert last_word(running_desk).startswith("kill switch lifted by the dashboard")
    assert not thrown(running_desk)


def test_every_process_runs_under_the_same_settings(running_desk: Running) -> None:
    said = running_desk.data.with_name(f"{running_desk.data.name}.log").read_text()
    status = get_json(f"{running_desk.api}/api/status")

    assert f"settings   {status['trading_engine']['config_hash']} " in said
    assert "config_differs" not in [one["code"] for one in status["warnings"]]


def test_the_money_is_whole_after_all_that(running_desk: Running) -> None:
    assert running_desk.stop() == 0
    assert orchestrator("--mode", "doctor", "--ledger", "--data", str(running_desk.data)).returncode == 0
