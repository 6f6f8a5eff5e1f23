"""No new risk from a machine or a source that is sick; exits go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from agents.transmission.limits import Limit, pass_or_refuse
from core.model.host import Host
from core.settings import Settings


def clock_skew(host: Host, settings: Settings) -> Limit:
    """Refuse where our clock differs from that of every service by more than `clock_skew_seconds` [s]."""
    return _at_most(host.skew_seconds, settings.guard.clock_skew_seconds)


def journal_writable(host: Host, settings: Settings) -> Limit:
    """Refuse where the journal cannot be written; value 1: it can."""
    value = host.journal_writable
    return _said(value, 1.0, value >= 1.0)


def order_latency(host: Host, settings: Settings) -> Limit:
    """Refuse where the p99 from order to answer is above `order_latency_seconds` [s]."""
    return _at_most(host.order_seconds, settings.guard.order_latency_seconds)


def data_gap(host: Host, settings: Settings) -> Limit:
    """Refuse where nothing was collected for more than `gap_cadences` [intervals between cycles]."""
    return _at_most(host.gap_cadences, settings.guard.gap_cadences)


def _at_most(value: float, limit: float) -> Limit:
    return _said(value, limit, value <= limit)


def _said(value: float, limit: float, passes: bool) -> Limit:
    allowed = pass_or_refuse(np.array([passes]))
    return Limit(np.array([value]), np.array([limit]), np.where(np.isnan(value), np.nan, allowed))


HOST_CHECKS: Mapping[str, Callable[[Host, Settings], Limit]] = {
    "clock_skew": clock_skew,
    "journal_writable": journal_writable,
    "order_latency": order_latency,
    "data_gap": data_gap,
}
"""On the target, of what the host said of itself for this cycle; what was not measured does not apply."""
