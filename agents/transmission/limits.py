"""How a check answers, and how answers combine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.units import MICRO, FloatArray, IntArray

NO_BOUND = np.int64(1 << 62)


@dataclass(frozen=True, slots=True)
class Limit:
    """A check's answer as the largest size it allows [shares]; the least wins.

    +inf passes, 0 refuses, between shrinks, NaN does not apply. The three arrays broadcast against each other.
    """

    value: FloatArray
    limit: FloatArray
    allowed: FloatArray


NOTHING = Limit(np.full(1, np.nan), np.full(1, np.nan), np.full(1, np.nan))
"""The answer of a check that does not apply to anything at hand."""


def pass_or_refuse(passes: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> FloatArray:
    """Return +inf where a check passes, 0 where it refuses."""
    return np.where(passes, np.inf, 0.0)


def allowed_micro(limit: Limit) -> IntArray:
    """Return the largest size in micro-shares; a check that passes or does not apply sets no bound."""
    bound = np.isfinite(limit.allowed)
    return np.where(bound, np.rint(np.where(bound, limit.allowed, 0.0) * MICRO).astype(np.int64), NO_BOUND)


class Cuts:
    """Sizes on their way down the table of checks; the last check that took something away names the reason."""

    def __init__(self, size: IntArray) -> None:
        self.size = size
        self.bound: IntArray = np.full(size.shape, -1, np.int64)
        self.limits: list[tuple[str, Limit, IntArray]] = []  # name, answer, the size that it was asked about

    def apply(self, name: str, limit: Limit) -> None:
        """Take away what `limit` does not allow."""
        if not np.isfinite(limit.allowed).any():  # nearly every check passes everywhere
            self.limits.append((name, limit, self.size))
            return
        allowed = allowed_micro(limit)
        self.bound = np.where(allowed < self.size, len(self.limits), self.bound)
        self.limits.append((name, limit, self.size))
        self.size = np.minimum(self.size, allowed)
