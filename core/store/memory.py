"""How a process of the desk takes memory, and gives it back."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os

_ARENA_MAX = -8  # M_ARENA_MAX of glibc's mallopt
_GARBAGE = (20_000, 10, 10)  # objects, and passes over younger ones, between two searches for cycles; 700, 10 and 10 are usual


def arrange_memory() -> None:
    """Let all threads share one heap and look for garbage less often; call it before threads start and Arrow is loaded.

    A desk asks some twenty services at once: with a heap of its own, which the C library would give it, each thread keeps
    the largest answer it ever held, and Arrow's allocator what a large day took. Measured over 96 cycles of three
    stations: 886 MB with a heap for each, 298 MB with one, at the same speed. An answer is tens of thousands of
    objects without a cycle: looking for one took an eighth of a cycle's time.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    gc.set_threshold(*_GARBAGE)
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
