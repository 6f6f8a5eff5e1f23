"""A person's word from the command line: which desk hears it, and what it is told when none does."""

from __future__ import annotations

import argparse
import json
import logging
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agents.transmission.tripwires import KILL
from core.clock import wall_now
from core.control.beats import Beats
from core.control.commands import Commands, lifting
from core.control.lock import Lock
from core.errors import UnknownIdError
from core.model.command import KILL_FILE, To, Verb
from core.modes.operator import engine_beats, kill, lift
from core.settings import Settings, load_settings
from core.wiring.desk import demo_adapter
from core.wiring.faces import build_services
from tests.e2e.conftest import orchestrator
from tests.e2e.desk_in_process import SEED, ask, settings_for, trade

GIVEN = argparse.Namespace(world=None)


@contextmanager
def engine_on(folder: Path, state: str = "waiting", pid: int | None = None) -> Iterator[None]:
    """Hold a folder as an engine does that says `state`."""
    folder.mkdir(parents=True, exist_ok=True)
    with Lock(folder / "engine.lock"):
        Beats(folder).beat("engine", wall_now(), state, pid=os.getpid() if pid is None else pid)
        yield


def settings_of(folder: Path) -> Settings:
    return load_settings(None, data_dir=folder)


def pending(folder: Path) -> list[Verb]:
    return [command.verb for command in Commands(folder).pending(To.ENGINE, taker="weather")]


@pytest.mark.parametrize("verb", ["kill", "lift"])
def test_where_no_engine_beats_the_word_is_left_and_a_warning_says_so(tmp_path: Path, verb: str) -> None:
    done = orchestrator("--mode", verb, "--data", str(tmp_path))

    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 1
    assert f"no engine beats in {tmp_path}" in done.stderr
    assert "obeyed at the next start" in done.stderr
    assert f"{verb} left for the desk of {tmp_path}" in done.stdout
    assert pending(tmp_path) == [verb]


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (("dial", "--level", "3"), {"level": 3}), (("dial", "--level", "1", "--reason", " two  words "), {"level": 1, "reason": "two words"}),
        (("rebase", "--reason", "its model is mended"), {"reason": "its model is mended"}), (("flatten",), {}),
        (("kill", "--reason", "storm"), {"reason": "storm"}), (("lift", "--reason", "over"), {"reason": "over"}),
    ],
)  # fmt: skip
def test_a_word_takes_its_arguments_along(tmp_path: Path, words: tuple[str, ...], arguments: dict[str, object]) -> None:
    done = orchestrator("--mode", *words, "--data", str(tmp_path))

    (command,) = Commands(tmp_path).pending(To.ENGINE, taker="weather")
    assert done.returncode == 0
    assert (str(command.verb), json.loads(command.arguments)) == (words[0], arguments)


@pytest.mark.parametrize(
    ("words", "remedy"), [(("dial",), "--level"), (("rebase",), "--reason"), (("rebase", "--reason", "  "), "--reason")]
)
def test_a_word_that_lacks_something_is_refused_and_says_what(tmp_path: Path, words: tuple[str, ...], remedy: str) -> None:
    done = orchestrator("--mode", *words, "--data", str(tmp_path))

    assert done.returncode == 2
    assert remedy in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert pending(tmp_path) == []


def test_a_level_beyond_the_dial_is_no_level(tmp_path: Path) -> None:
    assert orchestrator("--mode", "dial", "--level", "6", "--data", str(tmp_path)).returncode == 2
    assert pending(tmp_path) == []


@pytest.mark.parametrize("verb", ["kill", "lift"])
def test_where_an_engine_beats_there_is_no_warning(tmp_path: Path, verb: str) -> None:
    with engine_on(tmp_path):
        done = orchestrator("--mode", verb, "--data", str(tmp_path))

    assert (done.returncode, done.stderr) == (0, "")
    assert "at its next look" in done.stdout
    assert pending(tmp_path) == [verb]


def test_a_lift_beside_the_kill_file_is_refused_and_names_it(tmp_path: Path) -> None:
    (tmp_path / KILL_FILE).touch()

    with engine_on(tmp_path):
        done = orchestrator("--mode", "lift", "--data", str(tmp_path))

    assert done.returncode == 2
    assert str(tmp_path / KILL_FILE) in done.stderr
    assert "stays paused until it is removed" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert pending(tmp_path) == []


def test_a_kill_is_never_refused_also_not_beside_its_file(tmp_path: Path) -> None:
    (tmp_path / KILL_FILE).touch()

    assert kill(settings_of(tmp_path), GIVEN) == 0
    assert pending(tmp_path) == ["kill"]


@pytest.mark.parametrize(("state", "pid"), [("stopped", None), ("waiting", 1)], ids=["said goodbye", "another holds it"])
def test_a_folder_that_is_held_is_not_yet_an_engine_that_beats(tmp_path: Path, state: str, pid: int | None) -> None:
    with engine_on(tmp_path, state, pid):
        assert not engine_beats(tmp_path)


def test_an_engine_that_died_beats_no_more(tmp_path: Path) -> None:
    with engine_on(tmp_path):
        assert engine_beats(tmp_path)

    assert not engine_beats(tmp_path)
    assert not engine_beats(tmp_path / "nowhere")


def test_the_warning_names_the_desk_that_runs_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A desk of `data` that rests, a demo that runs: the word without a folder goes to the first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HERMES_DATA_DIR", raising=False)
    Path("data").mkdir()
    Path("data/hermes.db").touch()

    with engine_on(tmp_path / "data" / "demo"):
        assert lift(load_settings(None, mode="live"), GIVEN) == 0

    said = capsys.readouterr()
    assert f"lift left for the desk of {tmp_path / 'data'};" in said.out
    assert f"no engine beats in {tmp_path / 'data'};" in said.err
    assert f"--data {tmp_path / 'data' / 'demo'}" in said.err


@pytest.mark.parametrize("verb", [kill, lift])
def test_a_folder_that_is_not_there_gets_no_word(tmp_path: Path, verb: object) -> None:
    with pytest.raises(UnknownIdError, match="nowhere"):
        verb(settings_of(tmp_path / "nowhere"), GIVEN)  # type: ignore[operator]

    assert not (tmp_path / "nowhere").exists()


def test_the_remedy_can_be_typed_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my data"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)

    assert lifting(Path("my data")) == f"python -m core.orchestrator --mode lift --data '{folder}'"
    (folder / KILL_FILE).touch()
    assert lifting(folder) == f"rm '{folder / KILL_FILE}' && python -m core.orchestrator --mode lift --data '{folder}'"


def test_a_word_left_for_a_desk_that_rests_is_obeyed_at_its_next_start_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """From the kill to the remedy that the page shows, as a person would type it."""
    data = tmp_path / "my data"
    settings = settings_for(data, stations=("KLGA",))
    trade(settings, demo_adapter(SEED), 1)

    assert orchestrator("--mode", "kill", "--data", str(data)).returncode == 0
    with caplog.at_level(logging.WARNING, "hermes.engine"):
        trade(settings, demo_adapter(SEED), 1)

    said = [record.getMessage() for record in caplog.records if record.name == "hermes.engine"]
    assert any("a kill" in line and "left by the command line at" in line and "waited for this start" in line for line in said)
    assert any(line.startswith("cycle 2 obeys") and "kill switch thrown by the command line" in line for line in said)
    assert ask(data, "SELECT tripped & ? FROM risk ORDER BY scheduled_at", KILL) == [(0,), (KILL,)]

    notice = build_services(settings).status.strip().warnings[0]
    python, *arguments = shlex.split(notice.remedy)
    assert (notice.code, python) == ("risk_pause", "python")
    assert orchestrator(*arguments[2:]).returncode == 0
    caplog.clear()
    with caplog.at_level(logging.WARNING, "hermes.engine"):
        trade(settings, demo_adapter(SEED), 2)

    said = [record.getMessage() for record in caplog.records if record.name == "hermes.engine"]
    assert sum("waited for this start" in line for line in said) == 1
    assert ask(data, "SELECT tripped & ? FROM risk ORDER BY scheduled_at", KILL)[2:] == [(0,), (0,)]
