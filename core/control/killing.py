"""The kill switch by signal: SIGUSR1 to the supervisor or to an engine leaves the file `data/KILL`, and nothing else."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import FrameType

from core.model.command import KILL_FILE

KILL_SIGNAL = signal.SIGUSR1


def leave_kill_file(folder: Path, words: str) -> None:
    """Make the kill file, durable when this returns; one that is there stays as it is.

    No lock and no database: it works in the middle of a transaction, and with a damaged control.db.
    """
    try:
        file = os.open(folder / KILL_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return
    try:
        os.write(file, f"{words}\n".encode())
        os.fsync(file)
    finally:
        os.close(file)
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def throw_on_signal(folder: Path, name: str) -> None:
    """From now on let the kill signal throw the switch of every desk of a folder; `name` is that of this process."""

    def thrown(_number: int, _frame: FrameType | None) -> None:
        leave_kill_file(folder, f"SIGUSR1 to the {name}, process {os.getpid()}")

    signal.signal(KILL_SIGNAL, thrown)
