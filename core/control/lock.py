"""One process at a time: a lock that the kernel takes back when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import weakref
from pathlib import Path
from types import TracebackType

from core.errors import BusyError, StoreError

_HELD: weakref.WeakSet[Lock] = weakref.WeakSet()


class Lock:
    """Holds a file's lock from `acquire` to `release`; the file stays, its text is the holder's process id."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    def acquire(self) -> Lock:
        """Take the lock; BusyError names the process that has it."""
        if self._descriptor >= 0:
            return self
        descriptor = self._open()
        if not _taken(descriptor):
            holder = _pid_in(descriptor)
            os.close(descriptor)
            raise BusyError(
                f"{self.path} is held by process {holder or 'unknown'}: it is already running; "
                f"use that one, or stop it first{f' (kill {holder})' if holder else ''}"
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        _HELD.add(self)
        return self

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1
            _HELD.discard(self)

    def holder(self) -> int:
        """Return the process id that holds the lock, 0 when nobody does."""
        if self._descriptor >= 0:
            return os.getpid()
        if not self.path.exists():
            return 0
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return 0
        except BlockingIOError:
            return _pid_in(descriptor)
        finally:
            os.close(descriptor)

    def __enter__(self) -> Lock:
        return self.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()

    def _open(self) -> int:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror}; point HERMES_DATA_DIR at a folder of yours") from error


def _taken(descriptor: int) -> bool:
    for _ in range(3):  # who asks for the holder has the lock for an instant, too
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.01)
    return False


def _pid_in(descriptor: int) -> int:
    text = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
    return int(text) if text.isdigit() else 0


def _let_go_in_child() -> None:
    # A forked worker shares the open file: it would hold the lock on when its parent is killed.
    for lock in list(_HELD):
        with contextlib.suppress(OSError):
            os.close(lock._descriptor)
        lock._descriptor = -1
    _HELD.clear()


os.register_at_fork(after_in_child=_let_go_in_child)
