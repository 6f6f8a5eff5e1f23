"""Regimes of every desk, from mild to strict."""

from __future__ import annotations

from collections.abc import Sequence

REGIMES = ("", "STABLE", "TREND", "TRENDING", "RANGE", "VOLATILE", "NOTRADE")
"""A place in it is what the journal keeps; the first is none yet."""


def regime_of_most(regimes: Sequence[str]) -> str:
    """Return the regime of most events; ties go to the stricter. "" where there is none."""
    known = [name for name in regimes if name]
    return max(dict.fromkeys(known), key=lambda name: (known.count(name), place_of(name)), default="")


def place_of(regime: str) -> int:
    """Return how strict a regime is, its place in `REGIMES`; 0 for one that is not known."""
    return REGIMES.index(regime) if regime in REGIMES else 0
