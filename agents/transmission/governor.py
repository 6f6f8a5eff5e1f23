"""What the tripwires and the marks allow: they refuse what adds risk and never touch an exit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from agents.transmission.limits import Limit, pass_or_refuse
from agents.transmission.profiles import (
    ACCOUNT_DRAWDOWN,
    ACCOUNT_RULES,
    DAY_LOSS,
    DRAWDOWN_ALL_TIME,
    DRAWDOWN_REFERENCE,
    INFRASTRUCTURE,
    KILL,
    OPERATOR,
    RED_DAYS,
    RESULTS_Z,
    WEEK_LOSS,
    limit_of,
)
from agents.transmission.standing import Standing
from agents.transmission.tripwires import READINGS
from core.settings import Settings
from core.units import BoolArray, FloatArray, IntArray

Check = Callable[[Standing, IntArray, Settings], Limit]


def kill_switch(standing: Standing, size: IntArray, settings: Settings) -> Limit:
    """Refuse while a person's kill switch is thrown."""
    thrown = (standing.account.tripped[:, None] & KILL) != 0
    return Limit(thrown.astype(np.float64), np.zeros(thrown.shape), pass_or_refuse(~thrown))


def _wire(name: str, bit: int) -> Check:
    """Return the check that refuses while a tripwire holds, with what it reads now."""

    def check(standing: Standing, size: IntArray, settings: Settings) -> Limit:
        account = standing.account
        value = READINGS[name](account, settings)[:, None]
        holds = (account.tripped[:, None] & bit) != 0
        return Limit(value, np.full_like(value, limit_of(account.desk, bit, settings)), pass_or_refuse(~holds))

    return check


WIRES: Mapping[str, Check] = {
    "kill_switch": kill_switch,
    **{
        name: _wire(name, bit)
        for name, bit in (
            ("day_loss", DAY_LOSS), ("week_loss", WEEK_LOSS), ("drawdown_reference", DRAWDOWN_REFERENCE),
            ("drawdown_all_time", DRAWDOWN_ALL_TIME), ("account_drawdown", ACCOUNT_DRAWDOWN), ("red_days", RED_DAYS),
            ("results_z", RESULTS_Z), ("infrastructure", INFRASTRUCTURE), ("account_rules", ACCOUNT_RULES),
            ("operator_dial", OPERATOR),
        )
    },
}  # fmt: skip
"""Refuse while they hold; each passes an exit."""


def worst_day(standing: Standing, size: IntArray, settings: Settings) -> Limit:
    """Refuse what could take the day beyond `worst_day_r` if everything that settles in it went wrong [R0].

    A working purchase counts as filled. An event of the date after the desk day's own may end before 16:00Z where the day
    begins early: it counts.
    """
    account = standing.account
    at_stake, adds_today, new = _today(standing, np.where(standing.entering, np.maximum(size - standing.base, 0), 0))
    worst = ((at_stake + new) / np.maximum(account.unit_r_micro, 1))[:, None]
    refused = (worst > settings.risk.worst_day_r) & adds_today
    return Limit(
        np.broadcast_to(worst, refused.shape), np.full(refused.shape, settings.risk.worst_day_r), pass_or_refuse(~refused)
    )


def dearest(standing: Standing, more: IntArray, settings: Settings) -> FloatArray:
    """Return, in times of its price, what purchases may come to cost before the day's worst case is passed, (n_runs, n)."""
    at_stake, adds_today, new = _today(standing, more)
    room = settings.risk.worst_day_r * standing.account.unit_r_micro - at_stake
    times = np.where(new > 0, np.maximum(room / np.maximum(new, 1), 1.0), np.inf)[:, None]
    found: FloatArray = np.where(adds_today, times, np.inf)
    return found


def _today(standing: Standing, more: IntArray) -> tuple[IntArray, BoolArray, IntArray]:
    """Return what the day may lose without `more`, which columns end in it, and what `more` of them adds [micro-USD]."""
    account, marks, axis = standing.account, standing.marks, standing.axis
    assert marks is not None
    last = account.desk_day + 1
    ends = axis.event_day[axis.account_columns] <= last
    at_stake = np.where(ends, marks.value_micro, 0).sum(axis=1, dtype=np.int64)
    waits = np.where(axis.event_day[standing.columns] <= last, _working(standing), 0).sum(axis=1, dtype=np.int64)
    lost = account.day_start_micro - account.equity_micro
    adds_today = axis.event_day[standing.own] <= last
    new = np.where(adds_today, standing.cost_of(more)[:, : standing.n], 0).sum(axis=1, dtype=np.int64)
    return lost + at_stake + waits, adds_today, new


def _working(standing: Standing) -> IntArray:
    """Return the worst-case loss of what is being bought, (n_runs, len(columns)) [micro-USD]."""
    axis, account = standing.axis, standing.account
    cost = np.zeros((account.n_runs, len(axis.instruments)), np.int64)
    cost[:, axis.account_columns] = account.cost_micro
    return standing.existing - cost[:, standing.columns]


def fresh_marks(standing: Standing, size: IntArray, settings: Settings) -> Limit:
    """Refuse more of an event in which a holding has no fresh bid; value: how many such holdings."""
    marks, axis = standing.marks, standing.axis
    assert marks is not None
    flags = np.zeros((1, len(axis.instruments)), np.int64)
    flags[0, axis.account_columns] = marks.stale
    stale = standing.sums("event").each(flags[:, standing.columns])[:, : standing.n]
    return Limit(stale.astype(np.float64), np.zeros(stale.shape), pass_or_refuse(stale == 0))
