"""Some cash is never spent."""

from __future__ import annotations

import numpy as np

from agents.transmission.limits import Limit
from agents.transmission.standing import Standing
from core.settings import Settings
from core.units import MICRO, FloatArray, IntArray


def min_cash(standing: Standing, size: IntArray, settings: Settings) -> Limit:
    """Shrink all purchases alike so that `min_cash_pct` of equity stays in cash [USD]; working purchases are spent."""
    more = np.where(standing.entering, np.maximum(size - standing.base, 0), 0)
    cash, kept, need = _asked(standing, more, settings)
    room = np.maximum(cash - kept, 0)
    share = (room / np.maximum(need, 1))[:, None]
    allowed = np.where((need <= room)[:, None], np.inf, (standing.base + np.floor(more * share)) / MICRO)
    left = np.broadcast_to(((cash - need) / MICRO)[:, None], size.shape)
    return Limit(left, np.broadcast_to((kept / MICRO)[:, None], size.shape), allowed)


def dearest(standing: Standing, more: IntArray, settings: Settings) -> FloatArray:
    """Return, in times of their price, what purchases may come to cost before that cash is touched, (n_runs, 1)."""
    cash, kept, need = _asked(standing, more, settings)
    return np.maximum(np.where(need > 0, (cash - kept) / np.maximum(need, 1), np.inf), 1.0)[:, None]


def _asked(standing: Standing, more: IntArray, settings: Settings) -> tuple[IntArray, IntArray, IntArray]:
    """Return the cash that is free, the part to keep and what would be spent, by run."""
    account = standing.account
    kept = np.floor(np.maximum(account.equity_micro, 0) * (settings.risk.min_cash_pct / 100.0)).astype(np.int64)
    spoken_for = standing.existing.sum(axis=1, dtype=np.int64) - account.cost_micro.sum(axis=1, dtype=np.int64)
    price = standing.targets.price[standing.own]
    cost = np.ceil(more * np.where(np.isnan(price), 1.0, np.maximum(price, standing.loss))).astype(np.int64)
    return account.cash_micro - spoken_for, kept, cost.sum(axis=1, dtype=np.int64)
