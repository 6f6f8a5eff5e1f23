"""The kill switch: exits only, whoever throws it, through restarts, until a person lifts it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.transmission.tripwires import KILL
from core.control.commands import Commands
from core.model.command import KILL_FILE, Command, To, Verb
from core.model.ids import CommandId
from core.wiring.desk import demo_adapter
from tests.e2e.conftest import orchestrator
from tests.e2e.desk_in_process import SEED, ask, settings_for, trade

EAGER = {"edge_min": 0.005, "weather": {"pool_weight": 0.7}}  # so that there is something to refuse in every cycle
BEFORE, THROWN, AFTER = 4, 24, 6


def go_on(data: Path, cycles: int) -> None:
    trade(settings_for(data, **EAGER), demo_adapter(SEED), cycles)


def send(data: Path, verb: Verb, name: str) -> None:
    """Ask as the sidecar does."""
    command = Command(CommandId(name), To.ENGINE, verb, "{}", "a person", datetime(2026, 6, 1, 17, tzinfo=UTC))
    Commands(data).post(command)


def by_file(data: Path) -> None:
    (data / KILL_FILE).touch()


def by_command(data: Path) -> None:
    send(data, Verb.KILL, "kill-1")


@pytest.fixture(scope="module", params=[by_file, by_command], ids=["by file", "by command"])
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int, int]]:
    """A session in which the switch was thrown while the desk traded, with a restart, and lifted at last."""
    data, throw = tmp_path_factory.mktemp("kill") / "data", request.param
    assert isinstance(throw, Callable)
    go_on(data, BEFORE)
    throw(data)
    go_on(data, THROWN // 2)
    go_on(data, THROWN // 2)  # another process: the switch is still thrown
    (data / KILL_FILE).unlink(missing_ok=True)
    send(data, Verb.LIFT, "lift-1")
    go_on(data, AFTER)
    at = [row[0] for row in ask(data, "SELECT scheduled_at FROM cycles ORDER BY scheduled_at")]
    return data, at[BEFORE], at[BEFORE + THROWN]


def test_it_traded_before_and_after(session: tuple[Path, int, int]) -> None:
    data, thrown, lifted = session

    assert ask(data, "SELECT 1 FROM orders WHERE size_micro > 0 AND scheduled_at < ?", thrown)
    assert ask(data, "SELECT 1 FROM orders WHERE size_micro > 0 AND scheduled_at >= ?", lifted)


def test_nothing_is_bought_while_it_is_thrown_and_the_decisions_say_why(session: tuple[Path, int, int]) -> None:
    data, *between = session

    bought = ask(data, "SELECT 1 FROM orders WHERE size_micro > 0 AND scheduled_at >= ? AND scheduled_at < ?", *between)
    reasons = ask(
        data, "SELECT count(*) FROM decisions WHERE reason_code = 'kill_switch' AND scheduled_at >= ? AND scheduled_at < ?",
        *between,
    )  # fmt: skip

    assert not bought
    assert reasons[0][0] >= 3


def test_exits_go_on_while_it_is_thrown(session: tuple[Path, int, int]) -> None:
    data, *between = session

    assert ask(data, "SELECT 1 FROM fills WHERE size_micro < 0 AND scheduled_at >= ? AND scheduled_at < ?", *between)


def test_every_risk_row_in_between_says_that_it_holds(session: tuple[Path, int, int]) -> None:
    data, thrown, lifted = session
    rows = ask(data, "SELECT scheduled_at, tripped & ? FROM risk", KILL)

    assert {at for at, killed in rows if killed} == {at for at, _ in rows if thrown <= at < lifted}


def test_it_was_said_once_by_whom(session: tuple[Path, int, int]) -> None:
    data, *_ = session

    said = [row[0] for row in ask(data, "SELECT message FROM activity WHERE type = 'risk_update' ORDER BY seq")]

    assert len(said) == 2
    assert said[0].startswith("kill switch thrown by")
    assert said[1] == "kill switch lifted by a person"


def test_it_cannot_be_lifted_while_the_file_is_there(tmp_path: Path) -> None:
    data = tmp_path / "data"
    go_on(data, 1)
    by_file(data)
    go_on(data, 1)
    send(data, Verb.LIFT, "lift-too-early")
    go_on(data, 2)

    said = [row[0] for row in ask(data, "SELECT message FROM activity WHERE type = 'risk_update' ORDER BY seq")]

    assert len(said) == 2
    assert "remove it first" in said[1]
    assert ask(data, "SELECT min(tripped & ?) FROM risk WHERE scheduled_at > (SELECT min(scheduled_at) FROM risk)", KILL) == [
        (KILL,)
    ]


def test_what_was_asked_is_recorded_like_any_outside_answer(session: tuple[Path, int, int]) -> None:
    data, *_ = session

    with sqlite3.connect(data / "catalogue.db") as connection:
        recorded = connection.execute("SELECT count(*) FROM snapshots WHERE kind = 'commands'").fetchone()[0]

    assert recorded == 2
    assert orchestrator("--mode", "doctor", "--ledger", "--data", str(data)).returncode == 0
