"""One holder at a time; the kernel takes the lock back however its holder dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from core.control.lock import Lock
from core.errors import BusyError, StoreError

FORK = multiprocessing.get_context("fork")


def _hold(path: Path, told: Connection, *, with_child: bool = False) -> None:
    lock = Lock(path).acquire()
    if with_child and os.fork() == 0:
        signal.pause()  # a worker that outlives its parent
    told.send(os.getpid())
    signal.pause()
    lock.release()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "engine.lock"


def test_a_second_holder_is_refused_with_the_process_and_the_way_out(path: Path) -> None:
    mine, theirs = FORK.Pipe()
    holder = FORK.Process(target=_hold, args=(path, theirs))
    holder.start()
    pid = mine.recv()

    with pytest.raises(BusyError, match=rf"engine\.lock is held by process {pid}: it is already running.*kill {pid}"):
        Lock(path).acquire()
    assert Lock(path).holder() == pid
    holder.kill()
    holder.join()


def test_a_killed_holder_holds_no_longer(path: Path) -> None:
    mine, theirs = FORK.Pipe()
    holder = FORK.Process(target=_hold, args=(path, theirs))
    holder.start()
    mine.recv()

    holder.kill()
    holder.join()

    assert Lock(path).holder() == 0
    with Lock(path) as lock:
        assert lock.holder() == os.getpid()


def test_a_forked_worker_does_not_hold_its_killed_parents_lock(path: Path) -> None:
    mine, theirs = FORK.Pipe()
    holder = FORK.Process(target=_hold, args=(path, theirs), kwargs={"with_child": True})
    holder.start()
    mine.recv()
    children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()

    holder.kill()
    holder.join()

    assert len(children) == 1
    with Lock(path):
        pass
    os.kill(int(children[0]), signal.SIGKILL)


def test_a_released_lock_can_be_taken_again_and_twice_is_once(path: Path) -> None:
    lock = Lock(path)
    assert lock.acquire() is lock.acquire()
    lock.release()
    lock.release()

    assert (lock.holder(), path.exists()) == (0, True)
    with Lock(path), pytest.raises(BusyError, match=f"process {os.getpid()}"):
        lock.acquire()


def test_nobody_holds_a_lock_that_was_never_taken(path: Path) -> None:
    assert Lock(path).holder() == 0
    assert not path.exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="HERMES_DATA_DIR"):
        Lock(tmp_path / "file" / "engine.lock").acquire()
