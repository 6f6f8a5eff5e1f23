"""What no setting passes."""

from __future__ import annotations

import numpy as np

from agents.transmission.limits import Limit
from agents.transmission.standing import Standing
from core.settings import Settings
from core.units import MICRO, FloatArray, IntArray

EQUITY_SHARE = 0.02
DAY_SHARE = 0.5


def trade_ceiling(standing: Standing, size: IntArray, settings: Settings) -> Limit:
    """Shrink a trade to 2 % of equity and to half of what is left of the day's loss limit, worst-case loss [USD]."""
    most = _most(standing, settings)
    more = np.where(standing.entering, np.maximum(size - standing.base, 0), 0)
    cost = np.ceil(more * standing.loss)
    fits = (standing.base + np.floor(most / np.maximum(standing.loss, 1e-6))) / MICRO
    return Limit(cost / MICRO, np.broadcast_to(most / MICRO, cost.shape), np.where(cost <= most, np.inf, fits))


def dearest(standing: Standing, more: IntArray, settings: Settings) -> FloatArray:
    """Return, in times of its price, what each purchase may come to cost before it passes the ceiling, (n_runs, n)."""
    cost = np.ceil(more * standing.loss)
    times: FloatArray = np.where(cost > 0, np.maximum(_most(standing, settings) / np.maximum(cost, 1.0), 1.0), np.inf)
    return times


def _most(standing: Standing, settings: Settings) -> FloatArray:
    """Return what one trade may lose, (n_runs, 1) [micro-USD]."""
    account = standing.account
    lost = account.day_start_micro - account.equity_micro
    left = np.maximum(settings.risk.day_loss_r * account.unit_r_micro - lost, 0.0)
    most: FloatArray = np.floor(np.minimum(EQUITY_SHARE * np.maximum(account.equity_micro, 0), DAY_SHARE * left))
    return most[:, None]
