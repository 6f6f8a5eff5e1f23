"""What a person demands of a single purchase: its size, its spread, its depth, its slippage, an operator who is well."""

from __future__ import annotations

import numpy as np

from agents.transmission.guard.draft import Draft
from agents.transmission.limits import Limit, pass_or_refuse
from core.settings import Settings
from core.units import MICRO

_NOISE = 1e-9


def max_size(draft: Draft, settings: Settings) -> Limit:
    """Shrink so that no position passes `max_size` [shares], what works counted as filled."""
    base, limit = draft.standing.base, settings.rules.max_size
    room = np.maximum(limit - base / MICRO, 0.0)
    value = (base + draft.size) / MICRO
    return Limit(value, np.full(value.shape, limit), room)


def max_spread(draft: Draft, settings: Settings) -> Limit:
    """Refuse a spread above `max_spread` [USD per share]; no bid is a bid of nothing."""
    asks, limit = draft.asks, settings.rules.max_spread
    spread = 2.0 * (asks.best - asks.mid)
    allowed = np.where(asks.prints, np.nan, pass_or_refuse(spread <= limit + _NOISE))
    return Limit(spread, np.full(spread.shape, limit), allowed)


def min_depth(draft: Draft, settings: Settings) -> Limit:
    """Refuse where less than `min_depth` is shown within the limit price [shares]."""
    shown, limit = draft.asks.shown_within() / MICRO, settings.rules.min_depth
    allowed = np.where(draft.asks.prints, np.nan, pass_or_refuse(shown >= limit))
    return Limit(shown, np.full(shown.shape, limit), allowed)


def max_slippage(draft: Draft, settings: Settings) -> Limit:
    """Refuse where the shown levels would cost more than `max_slippage` above the best one [USD per share]."""
    slippage, limit = draft.asks.average(draft.size) / MICRO - draft.asks.best, settings.rules.max_slippage
    allowed = np.where(draft.asks.prints | (draft.size == 0), np.nan, pass_or_refuse(slippage <= limit + _NOISE))
    return Limit(slippage, np.full(slippage.shape, limit), allowed)


def min_operator(draft: Draft, settings: Settings) -> Limit:
    """Refuse while the operator's dial stands below `min_operator`."""
    dial, limit = draft.standing.account.governor.dial[:, None], settings.rules.min_operator
    return Limit(dial.astype(np.float64), np.full(dial.shape, float(limit)), pass_or_refuse(dial >= limit))
