"""The state of a desk in one word: each of the seven from what the real writers leave behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.transmission.profiles import DAY_LOSS, INFRASTRUCTURE, KILL
from api.models import SystemReply
from core.clock import wall_now
from core.control.beats import SILENT_SECONDS, Beats
from core.journal.changes import Execution, Obedience
from core.journal.durable import DurableJournal
from core.model.orders import Reports, Status
from core.services.system_states import STATES, Known, system_word
from core.units import MICRO, micros
from core.wiring.faces import build_services
from tests.api import world
from tests.api.conftest import settings_of

SEVEN = {"initializing", "ready", "analyzing", "signal_generated", "trading", "paused", "error"}  # TRANSMISSION 1.1
NOBODY = 2**22 + 1  # above the largest process id
WANTED = [(world.token(world.TOMORROW, 2), 40, 250_000)]


def word(folder: Path, **settings: object) -> str:
    return build_services(settings_of(folder).model_copy(update=settings)).system.state().system_state


@pytest.fixture
def made(tmp_path: Path) -> Path:
    world.build(tmp_path)
    return tmp_path


def intend(folder: Path) -> None:
    """Write down what cycle 4 wants, and stop before it is sent."""
    of, journal = world.cycle(4, world.NOW), world.open_journal(folder)
    account = journal.account("weather")
    journal.commit(of, account, world.intention(of, account, WANTED))
    journal.close()


def rest(folder: Path) -> None:
    """Let an order of cycle 4 work at the venue, and let cycle 5 want nothing."""
    intend(folder)
    of, after, journal = world.cycle(4, world.NOW), world.cycle(5, world.NOW), world.open_journal(folder)
    account = journal.account("weather")
    none = np.zeros(1, np.int64)
    said = Reports(
        account.working.order_id, ("",), none + Status.WORKING, none + micros(of.fill_at), none, none, none, ((),), ("",)
    )
    account = world.close(journal, of, journal.commit(of, account, Execution(said, micros(of.fill_at))))
    account = journal.commit(after, account, world.intention(after, account, []))
    world.close(journal, after, journal.commit(after, account, Execution(world._reports([]), micros(after.fill_at))))
    journal.close()


def trade(folder: Path, *numbers: int) -> None:
    """Fill the order of the first of some cycles; those after it want nothing."""
    journal = world.open_journal(folder)
    account = journal.account("weather")
    for number, wanted in zip(numbers, (WANTED, *([],) * len(numbers)), strict=False):
        account = world.trade(journal, world.cycle(number, world.NOW), account, wanted)
    journal.close()


def trip(folder: Path, bits: int) -> None:
    of, journal = world.cycle(4, world.NOW), world.open_journal(folder)
    account = journal.commit(of, journal.account("weather"), Obedience("c", np.array([bits], np.int64)))
    world.trade(journal, of, account, [])
    journal.close()


CASES: dict[str, tuple[str, Callable[[Path], None], str, dict[str, object]]] = {
    "nothing new": ("ready", lambda folder: None, "waiting", {}),
    "it asks": ("analyzing", lambda folder: None, "collecting", {}),
    "it evaluates": ("analyzing", lambda folder: None, "evaluating", {}),
    "written down, not sent": ("signal_generated", intend, "evaluating", {}),
    "an order works": ("trading", rest, "waiting", {}),
    "filled in the newest cycle": ("trading", lambda folder: trade(folder, 4), "waiting", {}),
    "filled in the cycle before": ("ready", lambda folder: trade(folder, 4, 5), "waiting", {}),
    "it starts": ("initializing", lambda folder: None, "starting", {}),
    "it said goodbye": ("paused", lambda folder: None, "stopped", {}),
    "a loss holds": ("paused", lambda folder: trip(folder, DAY_LOSS), "waiting", {}),
    "a loss holds while it evaluates": ("paused", lambda folder: trip(folder, DAY_LOSS), "evaluating", {}),
    "a source is sick": ("error", lambda folder: trip(folder, INFRASTRUCTURE), "waiting", {}),
    "sick, and a person's switch": ("paused", lambda folder: trip(folder, INFRASTRUCTURE | KILL), "waiting", {}),
    "gone without a word": ("error", lambda folder: None, "waiting", {"pid": NOBODY}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_state_is_what_journal_and_heartbeat_tell(made: Path, case: str) -> None:
    state, write, said, facts = CASES[case]
    write(made)
    world.beat(made, world.NOW, said, **facts)

    assert word(made) == state


def test_a_recorded_session_is_at_rest_though_its_engine_is_gone(made: Path) -> None:
    world.beat(made, world.NOW, pid=NOBODY)

    assert word(made, mode="replay") == "paused"


def test_before_its_first_cycle_a_desk_is_initializing_and_then_no_longer(tmp_path: Path) -> None:
    world.open_journal(tmp_path).close()
    told = {"pid": os.getpid(), "world": world.WORLD, "speed": 0.0}
    Beats(tmp_path).beat("engine", world.NOW, "waiting", **told)
    assert word(tmp_path) == "initializing"

    Beats(tmp_path).beat("engine", world.NOW, "collecting", **told, cycle=1)
    assert word(tmp_path) == "analyzing"


@pytest.mark.parametrize(("silent_for", "state"), [(SILENT_SECONDS / 2, "ready"), (SILENT_SECONDS + 5, "error")])
@pytest.mark.parametrize("pulse", [False, True])
def test_a_live_engine_that_says_nothing_is_an_error(tmp_path: Path, silent_for: float, state: str, pulse: bool) -> None:
    DurableJournal(tmp_path / "hermes.db", desk="weather", world="live", start_micro=10_000 * MICRO).close()
    """Its pulse goes on while it is stuck, and repeats the word."""
    said_at = wall_now() - timedelta(seconds=silent_for)
    told = {"pid": os.getpid(), "world": "live", "cycle": 7, **({"said_at": said_at} if pulse else {})}
    Beats(tmp_path).beat("engine", wall_now(), "waiting", wall_at=wall_now() if pulse else said_at, **told)

    assert word(tmp_path, mode="live") == state


def test_the_table_says_all_seven_and_something_is_always_said() -> None:
    assert {one.name for one in STATES} == SEVEN
    assert all(one.when for one in STATES)
    assert STATES[-1].holds(NOTHING)
    assert {state for state, *_ in CASES.values()} == SEVEN
    described = str(SystemReply.model_fields["system_state"].description)
    assert set(described.replace(" or ", ", ").split(", ")) == SEVEN


NOTHING = Known(runs=True, phase="waiting", broken=False, sick=False, stopped=False, begun=True, intended=False, traded=False)


@pytest.mark.parametrize(
    ("known", "state"),
    [
        (replace(NOTHING, broken=True, runs=False, phase="gone without a word", stopped=True), "error"),
        (replace(NOTHING, runs=False, traded=True), "paused"), (replace(NOTHING, begun=False), "initializing"),
        (replace(NOTHING, stopped=True, sick=True, intended=True), "error"), (replace(NOTHING, stopped=True, traded=True), "paused"),
        (replace(NOTHING, phase="evaluating", intended=True, traded=True), "signal_generated"),
        (replace(NOTHING, phase="collecting", traded=True), "analyzing"), (replace(NOTHING, traded=True), "trading"),
        (NOTHING, "ready"),
    ],
)  # fmt: skip
def test_the_first_state_that_holds_is_said(known: Known, state: str) -> None:
    assert system_word(known) == state
