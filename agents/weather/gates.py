"""How much size a lead bucket has earned: none, probe or normal, from what its settled events say. SCIENCE 6.4."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.metrics.calibration import BINS, calibration
from core.metrics.edges import realised_slope
from core.metrics.inference import (
    Claim,
    Interval,
    Sufficiency,
    date_interval,
    design_effect,
    least_detectable,
    sufficiency,
)
from core.units import BoolArray, FloatArray, IntArray

Size = Literal["none", "probe", "normal"]

CALIBRATED_DAYS = 90
CENTRAL = 0.8  # of the law: the interval whose coverage is judged
LEAST_TOLERANCE = 0.02  # of coverage or of a bin's share: closer than the bars of SCIENCE 6.3 nobody is held
LEAST_SHOWN = 30  # events below which a figure decides nothing; SCIENCE 3.2
LEAST_SLOPE, LEAST_T = 0.3, 2.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Settled events of one lead bucket, in any order.

    `d` is ln pooled - ln market probability of the winner [nats], pooled at the prior weight and not at the learned one: as
    that falls toward 0 so does d, and what is worse than the market could no more be told from it. `lower` and `upper` span
    the settled reading under the law issued then, NaN where none was kept. `claimed` and `realised` are edges of the traded
    events, `closing` is what the declared closing line gained on their entries, same unit each.
    """

    d: FloatArray
    ordinal: IntArray
    lower: FloatArray
    upper: FloatArray
    claimed: FloatArray
    realised: FloatArray
    traded_ordinal: IntArray
    closing: FloatArray
    closing_ordinal: IntArray
    healthy: bool
    illness: str = ""  # which source, clock or store is sick
    n_booked: int | None = None  # events whose market was an order book, not prints; None: all


@dataclass(frozen=True, slots=True)
class Check:
    """One figure against its limit, over `n` events; `value` NaN: too few to say. `sentence` is for people."""

    name: str
    value: float
    limit: float
    passed: bool
    n: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Gate:
    """The size that is earned, and why."""

    size: Size
    n: int
    n_dates: int
    d: Interval | None  # mean advantage over the market [nats per event], 90 % by dates
    least_detectable: float  # smallest true mean of d that n events find four times in five [nats]; NaN below two events
    checks: tuple[Check, ...]
    sentence: str


def gate(evidence: Evidence) -> Gate:
    """Return the size that evidence has earned.

    Sick data: none. Fewer than 300 events or 60 dates: probe. Surely worse than the market: none. All checks passed:
    normal. Otherwise: probe.
    """
    scored = np.isfinite(evidence.d)
    d, ordinal = evidence.d[scored], evidence.ordinal[scored]
    n, n_dates = len(d), len(np.unique(ordinal))
    interval = date_interval(d, ordinal) if n else None
    checks = (
        _calibration(evidence),
        _advantage(interval, n),
        _realised(evidence),
        *(() if evidence.n_booked is None else (_booked(evidence.n_booked, n_dates),)),
        _health(evidence),
    )
    enough = sufficiency(Claim.STOP, n, n_dates)
    size, sentence = _size(checks, enough, interval)
    return Gate(size, n, n_dates, interval, _detectable(d, ordinal), checks, sentence)


def _size(checks: tuple[Check, ...], enough: Sufficiency, interval: Interval | None) -> tuple[Size, str]:
    *earned, health = checks
    if not health.passed:
        return "none", health.sentence
    if not enough.enough or interval is None:
        return "probe", f"Probe size: {enough.text}."
    if interval.high < 0.0:
        return "none", f"No size: the pool loses {-interval.mean:.4f} nats per event to the market, surely more than 0."
    missed = [check.name for check in earned if not check.passed]
    if not missed:
        return "normal", f"Normal size: every check passed on {interval.n} events."
    return "probe", f"Probe size: not yet shown: {', '.join(missed)}."


def _detectable(d: FloatArray, ordinal: IntArray) -> float:
    if len(d) < 2:
        return math.nan
    return least_detectable(float(d.std(ddof=1)), len(d), design_effect=design_effect(d, ordinal))


def _calibration(evidence: Evidence) -> Check:
    """G1: coverage of the central interval and all ten bins of the transform, on the last days.

    `value` is the worse of the two misses as a share of what chance allows, so that the limit is 1.
    """
    lower, upper, ordinal = _recent(evidence)
    n = len(lower)
    if n < LEAST_SHOWN:
        return Check(
            "calibration", math.nan, 1.0, False, n, f"Calibration: {n} of {LEAST_SHOWN} events in {CALIBRATED_DAYS} days."
        )
    found = calibration(lower, upper, ordinal)
    assert found is not None  # there are events
    central = next(each for each in found.coverage if each.level == CENTRAL)
    allowed = max(LEAST_TOLERANCE, central.high - CENTRAL if central.share > CENTRAL else CENTRAL - central.low)
    worst = max(found.flatness.shares, key=lambda share: abs(share - 1.0 / BINS))
    allowed_bin = max(LEAST_TOLERANCE, found.flatness.half_width)
    miss = max(abs(central.share - CENTRAL) / allowed, abs(worst - 1.0 / BINS) / allowed_bin)
    return Check(
        "calibration", miss, 1.0, miss <= 1.0, n,
        f"Calibration: {central.share:.3f} of {n} events in the central {CENTRAL:.0%} (chance allows {allowed:.3f} off), "
        f"worst tenth {worst:.3f} (chance allows {allowed_bin:.3f} off).",
    )  # fmt: skip


def _recent(evidence: Evidence) -> tuple[FloatArray, FloatArray, IntArray]:
    known: BoolArray = np.isfinite(evidence.lower) & np.isfinite(evidence.upper)
    if known.any():
        known &= evidence.ordinal > evidence.ordinal.max() - CALIBRATED_DAYS
    return evidence.lower[known], evidence.upper[known], evidence.ordinal[known]


def _advantage(interval: Interval | None, n: int) -> Check:
    """G2: the lower bound of the mean advantage."""
    if interval is None:
        return Check("advantage", math.nan, 0.0, False, n, f"Advantage over the market: {n} events on too few dates.")
    return Check(
        "advantage", interval.low, 0.0, interval.low > 0.0, n,
        f"Advantage over the market: {interval.mean:+.4f} nats per event, {interval.low:+.4f} to {interval.high:+.4f} "
        f"on {n} events and {interval.n_dates} dates.",
    )  # fmt: skip


def _realised(evidence: Evidence) -> Check:
    """G3: claims were realised, or the closing line moved our way: one of the two is enough."""
    slope, n = realised_slope(evidence.claimed, evidence.realised)
    t, n_closing = _closing_t(evidence)
    slope = slope if n >= LEAST_SHOWN else math.nan
    known: BoolArray = np.isfinite(evidence.claimed) & np.isfinite(evidence.realised)
    n_dates = len(np.unique(evidence.traded_ordinal[known]))
    passed = slope > LEAST_SLOPE or t > LEAST_T
    told = f"{slope:.2f}" if math.isfinite(slope) else "not known"
    closing = f"{t:.1f}" if math.isfinite(t) else "not known"
    return Check(
        "realised", slope, LEAST_SLOPE, passed, n,
        f"Realised of claimed edge: {told} on {n} traded events and {n_dates} dates (needs {LEAST_SLOPE} on {LEAST_SHOWN}); "
        f"closing line: t = {closing} on {n_closing} (needs {LEAST_T} on {LEAST_SHOWN}).",
    )  # fmt: skip


def _closing_t(evidence: Evidence) -> tuple[float, int]:
    """Return t of the mean gain on the closing line, its error by dates or by entries, the larger, and n; NaN: too few."""
    known = np.isfinite(evidence.closing)
    closing, ordinal = evidence.closing[known], evidence.closing_ordinal[known]
    n, n_dates = len(closing), len(np.unique(ordinal))
    if n < LEAST_SHOWN or n_dates < 2 or np.ptp(closing) <= 0.0:
        return math.nan, n
    _, rank = np.unique(ordinal, return_inverse=True)
    off = closing - closing.mean()
    by_date = float(np.square(np.bincount(rank, off)).sum()) * n_dates / (n_dates - 1)
    alone = float(np.square(off).sum()) * n / (n - 1)  # opposite moves on one date are no evidence
    return float(closing.mean()) * n / math.sqrt(max(by_date, alone)), n


def _booked(n: int, n_dates: int) -> Check:
    """Against prints a size can be lost and not be earned: what was paid is not what could have been had."""
    enough = sufficiency(Claim.STOP, n, n_dates)
    limit = float(n + enough.missing_events)
    told = f"Market: {n} events were scored against an order book, the others against prints"
    return Check("books", float(n), limit, enough.missing_events == 0, n, f"{told} (needs {limit:.0f}).")


def _health(evidence: Evidence) -> Check:
    """G4: sources, clock and store are well."""
    told = (
        "Data: sources, clock and store are well." if evidence.healthy else f"No new trades: {evidence.illness or 'data sick'}."
    )
    return Check("data", float(evidence.healthy), 1.0, evidence.healthy, 1, told)
