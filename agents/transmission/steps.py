"""How results scale a desk's size: pure functions of what has settled or closed, each judged once per so many new results.

`current_r` is R0 x step; no limit ever counts in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.metrics import trading
from core.settings import Settings
from core.units import MICRO, FloatArray, IntArray

NEW_TRADES, LAST_TRADES = 12, 20
DOWN, UP, FLOOR = 0.70, 1.15, 0.25


def weather_step(
    step_micro: IntArray, judged: IntArray, settled: IntArray, z: FloatArray, drawdown_r: FloatArray, settings: Settings
) -> tuple[IntArray, IntArray]:
    """Return step and `judged` of a desk of events, (n_runs,): two sizes, judged once per `step_events` newly settled.

    The drawdown is that from the reference high. A number that is not there moves nothing.
    """
    risk = settings.risk
    due = settled - judged >= risk.step_events
    down = (z < -risk.step_down_z) | (drawdown_r >= risk.step_down_r)
    up = (z > -risk.step_up_z) & (drawdown_r < risk.step_up_r)
    low = np.int64(round(risk.step_share * MICRO))
    step = np.where(due & down, low, np.where(due & ~down & up, np.int64(MICRO), step_micro))
    return step, np.where(due, settled, judged)


@dataclass(frozen=True, slots=True)
class Closed:
    """The closed trades of a desk, oldest first: results in R, their costs and their gross results in one unit of money."""

    result_r: FloatArray
    costs: FloatArray
    gross: FloatArray

    def last(self, n: int) -> Closed:
        """Return the newest `n`."""
        return Closed(self.result_r[-n:], self.costs[-n:], self.gross[-n:])


def futures_step(
    step: float, judged: int, closed: Closed, drawdown_r: float, *, rule_broken: bool = False, strict: bool = False
) -> tuple[float, int]:
    """Return step and the number of trades at which it was judged last; nothing changes before twelve new ones.

    A drawdown is a positive distance from the high, which starts at 0. `strict` asks more before a size grows again.
    """
    n = len(closed.result_r)
    if n - judged < NEW_TRADES:
        return step, judged
    if profit_factor(closed.last(NEW_TRADES).result_r) < 1.10 or drawdown_r >= 4.0:
        return max(step * DOWN, FLOOR), n
    if n >= LAST_TRADES and not rule_broken and drawdown_r <= 3.0 and _earned(closed.last(LAST_TRADES), strict):
        return min(step * UP, 1.0), n
    return step, n


def streak(result_r: FloatArray) -> float:
    """Return what losses since the last win leave of a size: all, three quarters from two on, half from three on."""
    wins = np.flatnonzero(result_r > 0)
    since = result_r[wins[-1] + 1 :] if len(wins) else result_r
    losses = int((since < 0).sum())
    return 1.0 if losses < 2 else 0.75 if losses < 3 else 0.5


def profit_factor(result_r: FloatArray) -> float:
    """Return gains over losses; inf without a loss, NaN without either, so that it is below nothing."""
    found = trading.profit_factor(result_r)
    return found if found is not None else np.inf if (result_r > 0).any() else np.nan


def drawdown_of(result_r: FloatArray) -> float:
    """Return the distance of the R curve from its high, a curve that starts at 0 before the first trade."""
    curve = np.concatenate([[0.0], np.cumsum(result_r)])
    return float(curve.max() - curve[-1])


def _earned(closed: Closed, strict: bool) -> bool:
    """Return whether the last twenty trades earned a larger size."""
    result = closed.result_r
    wins, n = int((result > 0).sum()), len(result)
    factor, mean = profit_factor(result), float(result.mean())
    plain = factor >= 1.30 and mean >= 0.20 and wins / n >= 0.50
    if not strict:
        return plain
    gross = float(np.abs(closed.gross).sum())
    cheap = float(closed.costs.sum()) <= 0.25 * gross
    return plain and factor >= 1.35 and mean >= 0.22 and (trading.wilson_lower_bound(wins, n) or 0.0) >= 0.50 and cheap
