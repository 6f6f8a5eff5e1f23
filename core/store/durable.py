"""Files that are whole or not there, and on disk before anyone is told."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from pathlib import Path
from typing import TypeVar

from core.errors import StoreError
from core.failpoints import failpoint

_WAYS_OUT: Mapping[int, str] = {
    errno.ENOSPC: "free some space there, or move the data folder with HERMES_DATA_DIR",
    errno.EDQUOT: "free some space there, or move the data folder with HERMES_DATA_DIR",
    errno.EROFS: "the disk is read-only; move the data folder with HERMES_DATA_DIR",
    errno.EACCES: "give this user the right to write there, or move the data folder with HERMES_DATA_DIR",
    errno.EPERM: "give this user the right to write there, or move the data folder with HERMES_DATA_DIR",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}

_WRITERS, _FEW = 4, 3
AnyPath = TypeVar("AnyPath", str, Path)


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn an operating system's refusal into a StoreError that names the folder and the way out."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        way = _WAYS_OUT.get(error.errno or 0, "check that folder, or move the data folder with HERMES_DATA_DIR")
        raise StoreError(f"cannot write in {folder}: {reason}; {way}") from error


def write_durable(files: Mapping[AnyPath, bytes], incoming: Path) -> None:
    """Write all files under temporary names in `incoming`, sync, rename into place, sync each folder once."""
    incoming.mkdir(parents=True, exist_ok=True)
    own = f"{incoming}/{os.getpid()}"
    arrived = [(f"{own}-{nth}-{os.path.basename(path)}", path) for nth, path in enumerate(files)]
    try:
        _at_once(_write_synced, [temporary for temporary, _ in arrived], list(files.values()))
        folders = list(dict.fromkeys(os.path.dirname(path) for path in files))
        for folder in folders:
            make_durable(folder)
        failpoint("before:rename")
        for temporary, path in arrived:
            os.rename(temporary, path)
        _at_once(sync_folder, folders)
    except BaseException:
        for temporary, _ in arrived:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise


def _at_once(act: Callable[..., None], *arguments: Sequence[object]) -> None:
    """Do something for each of some files: a disk that is asked for many syncs together answers nearly as fast as for one."""
    if len(arguments[0]) < _FEW:
        for each in zip(*arguments, strict=True):
            act(*each)
        return
    each_of = list(zip(*arguments, strict=True))
    asked = [_pool().submit(_in_turn, act, each_of[nth::_WRITERS]) for nth in range(min(_WRITERS, len(each_of)))]
    wait(asked)
    for done in asked:
        done.result()


def _in_turn(act: Callable[..., None], some: Sequence[tuple[object, ...]]) -> None:
    for each in some:
        act(*each)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_WRITERS, thread_name_prefix="writer")


def _write_synced(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_durable(folder: str | Path) -> None:
    """Create a folder with its parents so that it outlives a power cut."""
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder) or "."
    make_durable(parent)
    os.makedirs(folder, exist_ok=True)
    sync_folder(parent)


def sync_folder(folder: str | Path) -> None:
    """Bring the names in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clear_abandoned(incoming: Path) -> None:
    """Remove temporary files of processes that are gone."""
    if not incoming.is_dir():
        return
    for temporary in incoming.iterdir():
        owner = temporary.name.split("-", 1)[0]
        if not owner.isdigit() or not _alive(int(owner)):
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return process != os.getpid()
