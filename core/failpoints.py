"""Places where a test may kill the process: before and after each durable write. Off unless `HERMES_FAILPOINT` is set.

`HERMES_FAILPOINT=after:execution@12` kills the process with SIGKILL at the twelfth time that it passes there.
"""

from __future__ import annotations

import os
import signal

_NAME, _, _COUNT = os.environ.get("HERMES_FAILPOINT", "").partition("@")
_remaining = int(_COUNT) if _COUNT.isdigit() else 1


def failpoint(name: str) -> None:
    """Die here if a test asked for it."""
    global _remaining
    if name != _NAME:
        return
    _remaining -= 1
    if _remaining <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
