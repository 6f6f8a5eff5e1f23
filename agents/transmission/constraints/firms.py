"""What the followed account rules remember: each firm's own day, its highs, what has ended.

Every account is a mirror of the desk: it wins and loses the same dollars, from the desk's equity when it was first followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np

from agents.transmission.constraints.profiles import TRAILING_EOD, TRAILING_INTRADAY, AccountProfile, followed
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.governor import Governor
from core.settings import Settings
from core.units import BoolArray, FloatArray, IntArray

STATE = (
    "firm_day", "firm_start_micro", "firm_day_start_micro", "firm_high_micro", "firm_peak_micro", "firm_active_days",
    "firm_traded", "firm_entries", "firm_best_day_micro", "firm_ended",
)  # fmt: skip
"""The columns of a firm in the governor."""


def firms_marked(governor: Governor, account: Account, equity: IntArray, cycle: Cycle, settings: Settings) -> Governor:
    """Return the governor with every followed account marked at a cycle.

    A firm's new day starts from the last mark of the day before, as a desk day does. An account that has ended stays ended
    for as long as it is followed.

    Args:
        governor: of this mark, its counters perhaps reset.
        account: as it was before this mark; its governor holds the purchases since the last one.
        equity: at this mark [micro-USD], shape (n_runs,).
    """
    profiles = followed(settings, cycle.scheduled_at)
    if not profiles and not governor.firms:
        return governor
    governor = _following(governor, profiles, equity, cycle)
    if not profiles:
        return governor
    day = np.array([profile.day_of(cycle.scheduled_at) for profile in profiles], np.int64)
    last, now = account.equity_micro[:, None], equity[:, None]
    fresh = governor.firm_day == 0
    traded = (governor.firm_traded > 0) | (~fresh & (account.governor.entries_week[:, None] > governor.firm_entries))
    over = ~fresh & (day > governor.firm_day)
    won = np.where(over, last - governor.firm_day_start_micro, 0)
    governor = replace(
        governor,
        firm_day=np.maximum(governor.firm_day, day),
        firm_day_start_micro=np.where(over, last, governor.firm_day_start_micro),
        firm_high_micro=np.where(over, np.maximum(governor.firm_high_micro, last), governor.firm_high_micro),
        firm_peak_micro=np.maximum(governor.firm_peak_micro, now),
        firm_active_days=governor.firm_active_days + (over & traded),
        firm_best_day_micro=np.maximum(governor.firm_best_day_micro, won),
        firm_traded=np.where(over, 0, traded.astype(np.int64)),
        firm_entries=np.broadcast_to(governor.entries_week[:, None], over.shape).copy(),
    )
    ended = (governor.firm_ended > 0) | (now <= floors(governor, profiles))
    return replace(governor, firm_ended=ended.astype(np.int64))


def floors(governor: Governor, profiles: Sequence[AccountProfile]) -> FloatArray:
    """Return the equity at which each account ends [micro-USD], (n_runs, n_firms); -inf: never."""
    start = governor.firm_start_micro
    floor = np.full(start.shape, -np.inf)
    for i, profile in enumerate(profiles):
        high = {TRAILING_EOD: governor.firm_high_micro, TRAILING_INTRADAY: governor.firm_peak_micro}
        below = high.get(profile.drawdown_kind, start)[:, i] - profile.drawdown.micro(start[:, i])
        floor[:, i] = np.minimum(below, start[:, i]) if profile.lock_at_start else below
    return floor


def must_be_flat(governor: Governor, cycle: Cycle, settings: Settings) -> BoolArray:
    """Return the runs in which a followed account has to be flat before the next look comes, (n_runs,)."""
    last, following = cycle.fill_at, cycle.fill_at + timedelta(seconds=settings.interval_seconds)
    profiles = followed(settings, cycle.scheduled_at)
    late = np.array([profile.is_late(last) or profile.is_late(following) for profile in profiles], np.bool_)
    return np.asarray((late & np.equal(governor.firm_ended, 0)).any(axis=1))


def firms_over(governor: Governor) -> BoolArray:
    """Return the runs whose followed accounts have all ended, (n_runs,)."""
    over: BoolArray = np.equal((governor.firm_ended > 0).sum(axis=1), max(len(governor.firms), 1))
    return over


def _following(governor: Governor, profiles: Sequence[AccountProfile], equity: IntArray, cycle: Cycle) -> Governor:
    """Return the governor with a column for each profile: the kept ones as they are, new ones from this equity."""
    names = tuple(profile.name for profile in profiles)
    if names == governor.firms:
        return governor
    place = {name: i for i, name in enumerate(governor.firms)}
    day = [profile.day_of(cycle.scheduled_at) for profile in profiles]
    nothing = np.zeros_like(equity)
    starts = ("firm_start_micro", "firm_day_start_micro", "firm_high_micro", "firm_peak_micro")
    begun = dict.fromkeys(starts, equity) | {"firm_entries": governor.entries_week}
    columns = {
        name: [
            getattr(governor, name)[:, place[firm]]
            if firm in place
            else nothing + day[i] if name == "firm_day" else begun.get(name, nothing)
            for i, firm in enumerate(names)
        ]
        for name in STATE
    }  # fmt: skip
    shape = (len(equity), len(names))
    stacked = {name: np.stack(parts, axis=1) if parts else np.zeros(shape, np.int64) for name, parts in columns.items()}
    return replace(governor, firms=names, **stacked)
