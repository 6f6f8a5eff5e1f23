"""One child process: how it is started, how its health is asked, how it is ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from core.clock import monotonic_seconds, wall_now
from core.units import iso

REFUSED = 2  # exit code of a process that could not do its work: starting it again would not help
BACKOFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
STEADY_SECONDS = 60.0  # a child that lived so long starts its backoff anew
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Part:
    """What a child is: its name, its command, and how to see that it works."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    healthy: Callable[[], bool]


@dataclass(slots=True)
class Child:
    """A running part."""

    part: Part
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    started_at: datetime | None = None  # the machine's clock
    deaths: int = 0
    wanted: bool = True
    restart_at: float = field(default=0.0)

    def start(self) -> None:
        """Start the process in its own session; it dies with us, even when we are killed."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                list(self.part.command), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env={**os.environ, **self.part.environment}, start_new_session=True, preexec_fn=_die_with_parent,
            )  # fmt: skip
        self.started, self.started_at = monotonic_seconds(), wall_now()

    @property
    def exit_code(self) -> int | None:
        return None if self.process is None else self.process.poll()

    def facts(self) -> dict[str, object]:
        """Return what the faces show of it."""
        runs = self.process is not None and self.exit_code is None
        return {
            "state": "running" if runs else "stopped", "pid": self.process.pid if self.process and runs else None,
            "started_at": iso(self.started_at) if self.started_at and runs else None, "deaths": self.deaths,
        }  # fmt: skip

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def end(self, deadline: float) -> None:
        """Wait until `deadline` for the process to stop, then kill its whole session."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - monotonic_seconds()))
        except subprocess.TimeoutExpired:
            self._kill_session()
            self.process.wait()

    def _kill_session(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid if self.process else 0, signal.SIGKILL)

    def note_death(self) -> float:
        """Count a death and return how long to wait before the next start [s]."""
        now = monotonic_seconds()
        self.deaths = 1 if now - self.started > STEADY_SECONDS else self.deaths + 1
        pause = BACKOFF_SECONDS[min(self.deaths, len(BACKOFF_SECONDS)) - 1]
        self.restart_at = now + pause
        self.process = None
        return pause

    def last_words(self, lines: int = 5) -> str:
        """Return the end of the child's log."""
        try:
            text = self.log.read_text("utf-8", errors="replace")
        except OSError:
            return "(no log)"
        return "\n".join(text.strip().splitlines()[-lines:]) or "(it said nothing)"


def _die_with_parent() -> None:
    """Ask the kernel to end this process when its parent dies, however it dies."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    except (OSError, AttributeError):
        return
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def answers(url: str) -> bool:
    """Return whether an address answers 200 within a second."""
    try:
        with urllib.request.urlopen(url, timeout=1.0) as reply:
            return bool(reply.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False
