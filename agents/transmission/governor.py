"""What the tripwires and the marks allow: they refuse what adds risk and never touch an exit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from agents.transmission.limits import Limit, pass_or_refuse
from agents.transmission.standing import Standing
from agents.transmission.tripwires import DAY_LOSS, KILL, WEEK_LOSS
from core.settings import Settings
from core.units import IntArray


def kill_switch(standing: Standing, size: IntArray, settings: Settings) -> Limit:
    """Refuse while a person's kill switch is thrown."""
    thrown = (standing.account.tripped[:, None] & KILL) != 0
    return Limit(thrown.astype(np.float64), np.zeros(thrown.shape), pass_or_refuse(~thrown))


def _loss(bit: int, start: str, limit_r: Callable[[Settings], float]) -> Callable[[Standing, IntArray, Settings], Limit]:
    def loss(standing: Standing, size: IntArray, settings: Settings) -> Limit:
        account = standing.account
        unit = np.maximum(account.unit_r_micro, 1)[:, None]
        lost = (getattr(account, start) - account.equity_micro)[:, None] / unit
        tripped = (account.tripped[:, None] & bit) != 0
        return Limit(lost, np.full_like(lost, limit_r(settings)), pass_or_refuse(~tripped))

    return loss


day_loss = _loss(DAY_LOSS, "day_start_micro", lambda s: s.risk.day_loss_r)
"""Refuse from the loss of the day, realised and open [R0], until the next desk day."""

week_loss = _loss(WEEK_LOSS, "week_start_micro", lambda s: s.risk.week_loss_r)
"""Refuse from the loss of the week, realised and open [R0], until Monday."""


def worst_day(standing: Standing, size: IntArray, settings: Settings) -> Limit:
    """Refuse what could take the day beyond `worst_day_r` if everything that settles in it went wrong [R0].

    An event of the date after the desk day's own may end before 16:00Z where the day begins early: it counts.
    """
    account, marks, axis = standing.account, standing.marks, standing.axis
    assert marks is not None
    last = account.desk_day + 1
    ends = axis.event_day[axis.account_columns] <= last
    at_stake = np.where(ends, marks.value_micro, 0).sum(axis=1, dtype=np.int64)
    lost = account.day_start_micro - account.equity_micro
    more = np.where(standing.entering, np.maximum(size - standing.base, 0), 0)
    adds = standing.cost_of(more)[:, : standing.n]
    adds_today = axis.event_day[standing.own] <= last
    new = np.where(adds_today, adds, 0).sum(axis=1, dtype=np.int64)
    worst = ((lost + at_stake + new) / np.maximum(account.unit_r_micro, 1))[:, None]
    refused = (worst > settings.risk.worst_day_r) & adds_today
    return Limit(
        np.broadcast_to(worst, refused.shape), np.full(refused.shape, settings.risk.worst_day_r), pass_or_refuse(~refused)
    )


def fresh_marks(standing: Standing, size: IntArray, settings: Settings) -> Limit:
    """Refuse more of an event in which a holding has no fresh bid; value: how many such holdings."""
    marks, axis = standing.marks, standing.axis
    assert marks is not None
    flags = np.zeros((1, len(axis.instruments)), np.int64)
    flags[0, axis.account_columns] = marks.stale
    stale = standing.sums("event").each(flags[:, standing.columns])[:, : standing.n]
    return Limit(stale.astype(np.float64), np.zeros(stale.shape), pass_or_refuse(stale == 0))
