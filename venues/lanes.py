"""What each host is owed: a pace, a pause after failures, and few requests at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

Seconds = Callable[[], float]  # a clock for durations


class TokenBucket:
    """At most `per_minute` requests on average, `burst` of them at once."""

    def __init__(self, per_minute: float, burst: float, seconds: Seconds) -> None:
        self._rate, self._burst, self._seconds = per_minute / 60.0, burst, seconds
        self._tokens, self._at = burst, seconds()
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take one token and return how long to wait before using it [s]."""
        with self._lock:
            now = self._seconds()
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
            self._at = now
            self._tokens -= 1.0
            return max(0.0, -self._tokens / self._rate)


class BreakerState(StrEnum):
    CLOSED = "closed"  # requests pass
    OPEN = "open"  # requests are refused here, the host is left alone
    HALF_OPEN = "half_open"  # one request tries


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """When a breaker opens and for how long [s]; each failed try doubles the pause."""

    failures: int = 5
    pause_seconds: float = 15.0
    longest_pause_seconds: float = 240.0


BREAKER_LIMITS = BreakerLimits()


class Breaker:
    """Stop asking a host that keeps failing; let one request try when the pause is over."""

    def __init__(self, limits: BreakerLimits, seconds: Seconds) -> None:
        self._limits, self._seconds = limits, seconds
        self._failures, self._pause = 0, limits.pause_seconds
        self._until: float | None = None
        self._trying = False
        self._lock = threading.Condition()

    @property
    def state(self) -> BreakerState:
        """Return what the next request would meet."""
        with self._lock:
            if self._until is None:
                return BreakerState.CLOSED
            return BreakerState.OPEN if self._seconds() < self._until else BreakerState.HALF_OPEN

    def admit(self) -> float:
        """Return 0 when a request may go, else how long the host is left alone [s].

        While one request tries, the others wait for what it finds: a host that is back has answers for all of them.
        """
        with self._lock:
            while self._trying:
                self._lock.wait()
            if self._until is None:
                return 0.0
            left = self._until - self._seconds()
            if left > 0:
                return left
            self._trying = True
            return 0.0

    def succeed(self) -> None:
        """Close: the host answered."""
        with self._lock:
            self._failures, self._pause = 0, self._limits.pause_seconds
            self._until, self._trying = None, False
            self._lock.notify_all()

    def fail(self, weight: int = 1) -> None:
        """Count a failure; open at the limit, or at once when this was the try after a pause."""
        with self._lock:
            self._failures += weight
            if self._trying:
                self._pause = min(2 * self._pause, self._limits.longest_pause_seconds)
            if self._trying or self._failures >= self._limits.failures:
                self._until, self._trying = self._seconds() + self._pause, False
                self._lock.notify_all()

    def rest(self, seconds: float) -> None:
        """Open for a time that the host named itself."""
        with self._lock:
            self._until, self._trying = self._seconds() + min(seconds, self._limits.longest_pause_seconds), False
            self._lock.notify_all()


class Lane:
    """All that is kept per host."""

    def __init__(self, bucket: TokenBucket | None, breaker: Breaker, at_once: int) -> None:
        self.bucket, self.breaker = bucket, breaker
        self.places = threading.BoundedSemaphore(at_once)
