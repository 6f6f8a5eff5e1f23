"""The rows of the guard that only a desk with an open line to a broker has: pure functions of what was measured.

The weather desk sends limit orders to books that it reads once a cycle; none of this applies to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isnan, nan

import numpy as np

from core.units import BoolArray, FloatArray, InstantArray, IntArray

MARKET_SPREAD_TICKS, MOST_SPREAD_TICKS, MOST_COST_TICKS = 1.0, 2.0, 2.0
DEPTH_TIMES, MEDIAN_TIMES, LAST = 3.0, 5.0, 50
LIMIT_ATR = 0.5
STALE_MICROS, HALF = 2_000_000, 0.5
_NOISE = 1e-9


class Line(StrEnum):
    """What the line to the broker is good for; the strictest that holds counts."""

    OPEN = "open"
    SIMULATE = "simulate"  # orders are only simulated
    NO_NEW_RISK = "no_new_risk"
    FLATTEN = "flatten"  # it is back: close what was open when it went
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Connection:
    """What was measured of a line [ms, s]; NaN: nothing was."""

    mean_ms: float = nan
    p99_ms: float = nan
    disconnected_seconds: float = 0.0  # until now
    gap_seconds: float = 0.0  # without a bar or a quote
    returned: bool = False  # it was away for longer than it may be, and came back since the last look


@dataclass(frozen=True, slots=True)
class LineRule:
    """A row: from which number on the line is good for less."""

    name: str
    value: Callable[[Connection], float]
    limit: float
    line: Line


LINE_RULES: tuple[LineRule, ...] = (
    LineRule("gap", lambda c: c.gap_seconds, 60.0, Line.PAUSE),
    LineRule("returned", lambda c: float(c.returned), 0.0, Line.FLATTEN),
    LineRule("disconnected", lambda c: c.disconnected_seconds, 60.0, Line.NO_NEW_RISK),
    LineRule("p99_latency", lambda c: c.p99_ms, 500.0, Line.NO_NEW_RISK),
    LineRule("mean_latency", lambda c: c.mean_ms, 150.0, Line.SIMULATE),
)
"""From strict to mild."""


def line_of(connection: Connection) -> tuple[Line, str]:
    """Return what the line is good for and the row that says so, "" for an open one."""
    for rule in LINE_RULES:
        if rule.value(connection) > rule.limit:
            return rule.line, rule.name
    return Line.OPEN, ""


def may_send_market(spread_ticks: float, slippage_ticks: Sequence[float]) -> bool:
    """Return whether a market order may be sent: at one tick of spread, and p90 of the last 50 fills at most one tick."""
    if not spread_ticks <= MARKET_SPREAD_TICKS + _NOISE:
        return False
    newest = np.array(slippage_ticks[-LAST:], np.float64)
    return not len(newest) or bool(np.percentile(newest, 90.0) <= 1.0 + _NOISE)


def spread_allows(spread_ticks: FloatArray) -> BoolArray:
    """Return where the spread is two ticks at most; NaN never."""
    allowed: BoolArray = spread_ticks <= MOST_SPREAD_TICKS + _NOISE
    return allowed


def depth_allows(size: FloatArray, bid_size: FloatArray, ask_size: FloatArray) -> BoolArray:
    """Return where both sides show three times the order [contracts]."""
    allowed: BoolArray = np.fmin(bid_size, ask_size) >= DEPTH_TIMES * size
    return allowed & ~np.isnan(bid_size) & ~np.isnan(ask_size)


def cost_allows(cost_ticks: FloatArray) -> BoolArray:
    """Return where half spread and walk cost two ticks at most."""
    allowed: BoolArray = cost_ticks <= MOST_COST_TICKS + _NOISE
    return allowed


def limit_allows(limit_price: float, last_price: float, atr: float) -> bool:
    """Return whether a limit price is within half an ATR of the last price; an ATR that is not warm allows none."""
    return not isnan(atr) and abs(limit_price - last_price) <= LIMIT_ATR * atr + _NOISE


def size_allows(size: float, sizes: Sequence[float]) -> bool:
    """Return whether a size is at most five times the median of the last fifty [contracts]; before any, none is odd."""
    newest = np.array(sizes[-LAST:], np.float64)
    return not len(newest) or bool(size <= MEDIAN_TIMES * float(np.median(newest)))


def stale(placed_at: InstantArray, size_micro: IntArray, filled_micro: IntArray, at: int) -> BoolArray:
    """Return the working orders to cancel: older than two seconds and less than half filled."""
    old = at - placed_at > STALE_MICROS
    behind: BoolArray = filled_micro < HALF * np.abs(size_micro)
    return old & behind
