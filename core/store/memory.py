"""What threads took and gave back returns to the system."""

from __future__ import annotations

import contextlib
import ctypes

_ARENA_MAX = -8  # M_ARENA_MAX of glibc's mallopt


def share_one_heap() -> None:
    """Let all threads share one heap, where the C library would give each its own; call it before threads start.

    A desk asks some twenty services at once: each thread's heap kept the largest answer it ever held. Measured over 96
    cycles of three stations: 886 MB with a heap for each, 298 MB with one, at the same speed.
    """
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
