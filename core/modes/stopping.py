"""A clean stop between commits: the first signal asks, the engine ends at its next safe point."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from core.clock import Clock


class Stopping:
    """True once INT, TERM or HUP has come; interrupts the clock's wait."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._clock: Clock | None = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def watch(self, clock: Clock) -> None:
        """Interrupt this clock when the signal comes."""
        self._clock = clock

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._asked.set()
        if self._clock is not None:
            self._clock.interrupt()

    def __call__(self) -> bool:
        return self._asked.is_set()
