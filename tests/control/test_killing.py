"""The kill switch by signal: the handler leaves the file, whatever the process is doing, and nothing else."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.control.killing import KILL_SIGNAL, leave_kill_file, throw_on_signal
from core.model.command import KILL_FILE


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    before = signal.getsignal(KILL_SIGNAL)
    yield
    signal.signal(KILL_SIGNAL, before)


def test_a_signal_leaves_the_file_and_says_whom_it_hit(tmp_path: Path) -> None:
    throw_on_signal(tmp_path, "engine")

    os.kill(os.getpid(), KILL_SIGNAL)

    assert (tmp_path / KILL_FILE).read_text() == f"SIGUSR1 to the engine, process {os.getpid()}\n"
    assert [path.name for path in tmp_path.iterdir()] == [KILL_FILE]


def test_it_works_in_the_middle_of_a_transaction(tmp_path: Path) -> None:
    throw_on_signal(tmp_path, "engine")
    with sqlite3.connect(tmp_path / "control.db", isolation_level=None) as connection:
        connection.execute("CREATE TABLE words (word TEXT)")
        connection.execute("BEGIN IMMEDIATE")
        os.kill(os.getpid(), KILL_SIGNAL)
        connection.execute("INSERT INTO words VALUES ('kept')")
        connection.execute("COMMIT")
        words = connection.execute("SELECT word FROM words").fetchall()

    assert (tmp_path / KILL_FILE).exists()
    assert words == [("kept",)]


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / KILL_FILE).write_text("by hand\n")

    leave_kill_file(tmp_path, "by signal")

    assert (tmp_path / KILL_FILE).read_text() == "by hand\n"


def test_a_folder_that_cannot_hold_it_is_an_error_that_nobody_swallows(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        leave_kill_file(tmp_path / "nowhere", "by signal")
