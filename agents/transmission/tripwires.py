"""The risk governor's mark: equity, the turn of day and week, what trips and what ends, once a cycle.

State is the account's own (`desk_day`, `unit_r_micro`, `tripped`, `governor`, ...): it is written in the transaction of the
cycle that changed it, so a restart lifts nothing and a second mark of the same cycle changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from agents.transmission.axis import axis_of
from agents.transmission.claims import z_of
from agents.transmission.constraints.firms import firms_marked, firms_over, must_be_flat
from agents.transmission.equity import marks_of
from agents.transmission.profiles import (
    ACCOUNT_DRAWDOWN,
    ACCOUNT_RULES,
    DAY_LOSS,
    DRAWDOWN_ALL_TIME,
    DRAWDOWN_REFERENCE,
    FLATTEN,
    INFRASTRUCTURE,
    KILL,
    OPERATOR,
    RED_DAYS,
    RESULTS_Z,
    TRIPWIRES,
    WEEK_LOSS,
    Ends,
    Profile,
    Tripwire,
    profile_of,
    tripped_names,
)
from agents.transmission.steps import weather_step
from core.days import desk_week
from core.journal.changes import Risk
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.host import WELL, Host
from core.model.quotes import Quotes
from core.model.regime import place_of
from core.model.targets import Targets
from core.settings import Settings
from core.units import MICRO, BoolArray, FloatArray, IntArray

__all__ = [
    "ACCOUNT_DRAWDOWN", "ACCOUNT_RULES", "DAY_LOSS", "DRAWDOWN_ALL_TIME", "DRAWDOWN_REFERENCE", "FLATTEN", "INFRASTRUCTURE",
    "KILL", "OPERATOR", "READINGS", "RED_DAYS", "RESULTS_Z", "TRIPWIRES", "WEEK_LOSS", "Tripwire", "mark", "stopped",
    "tripped_names",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Turn:
    """Which desk day a cycle belongs to, and whether it is the first of the day and of the week."""

    day: int
    new_day: bool
    new_week: bool


def stopped(tripped: IntArray) -> BoolArray:
    """Return which runs may do nothing that adds risk, (n_runs,); their working purchases are taken back."""
    any_bit: BoolArray = tripped != 0
    return any_bit


def mark(
    account: Account, cycle: Cycle, targets: Targets, quotes: Quotes, row: int, settings: Settings,
    host: Host = WELL, regime: str = "",
) -> Risk:  # fmt: skip
    """Return the risk state at a cycle: equity, R0 of the desk day, what has tripped, what results have left of the size.

    A new day starts from the last mark of the day before, so that a loss between the two belongs to one of them. A cycle
    that is older than the account's day turns nothing back.
    """
    profile = profile_of(cycle.desk)
    equity = marks_of(account, targets, quotes, row, settings).equity_micro(account)
    kept = account
    account = _turned(account, profile, _turn(account, profile, cycle), settings)
    account = replace(account, governor=firms_marked(account.governor, kept, equity, cycle, settings))
    account = _seen(account, equity, host, regime)
    told = {name: reading(account, settings) for name, reading in READINGS.items()}
    told["infrastructure"] = np.full(account.n_runs, float(len(host.sick)))
    account = _tripped(account, profile, told, settings)
    account = _stepped(account, profile, told, settings)
    account = _flattened(account, kept.tripped, profile, cycle, targets, quotes, row, settings)
    return Risk(**{name: getattr(account, name) for name in Risk.__slots__})


Reading = Callable[[Account, Settings], FloatArray]


def _below(high: Callable[[Account], IntArray]) -> Reading:
    """Return how far equity is below a mark of the account [R0], a positive distance."""
    return lambda account, settings: (high(account) - account.equity_micro) / np.maximum(account.unit_r_micro, 1)


def _account_drawdown(account: Account, settings: Settings) -> FloatArray:
    """Return the drawdown of all desks together [% of their highest equity]."""
    high = account.governor.account_high_micro
    lost: FloatArray = 100.0 * (high - account.equity_micro - account.governor.others_micro) / np.maximum(high, 1)
    return lost


def _results_z(account: Account, settings: Settings) -> FloatArray:
    """Return results against claims; NaN, which trips nothing, before `step_events` events have settled."""
    governor = account.governor
    enough = governor.settled >= settings.risk.step_events
    return np.where(enough, z_of(governor, account.desk_day), np.nan)


READINGS: Mapping[str, Reading] = {
    "day_loss": _below(lambda account: account.day_start_micro),
    "week_loss": _below(lambda account: account.week_start_micro),
    "drawdown_reference": _below(lambda account: account.governor.reference_micro),
    "drawdown_all_time": _below(lambda account: account.high_water_micro),
    "account_drawdown": _account_drawdown,
    "red_days": lambda account, settings: account.governor.red_days.astype(np.float64),
    "results_z": _results_z,
    "infrastructure": lambda account, settings: ((account.tripped & INFRASTRUCTURE) != 0).astype(np.float64),
    "account_rules": lambda account, settings: firms_over(account.governor).astype(np.float64),
    "operator_dial": lambda account, settings: account.governor.dial.astype(np.float64),
}
"""What the tripwires look at, (n_runs,), of an account that has been marked."""


def _turn(account: Account, profile: Profile, cycle: Cycle) -> _Turn:
    day = profile.day(cycle.scheduled_at)
    if account.desk_day == 0:
        return _Turn(day.toordinal(), new_day=True, new_week=True)
    last = date.fromordinal(account.desk_day)
    return _Turn(max(day.toordinal(), account.desk_day), day > last, desk_week(day) > desk_week(last))


def _turned(account: Account, profile: Profile, turn: _Turn, settings: Settings) -> Account:
    """Return the account as its new day finds it: R0, starts, counters, red days, and no trip that ends with the day."""
    if not turn.new_day:
        return account
    opening, governor = account.equity_micro, account.governor
    red = governor.red_days if account.desk_day == 0 else _red_days(account)
    ended = sum(row.bit for row in profile.rows if row.ends is Ends.DAY or (turn.new_week and row.ends is Ends.WEEK))
    nothing = np.zeros_like(red)
    return replace(
        account, desk_day=turn.day, unit_r_micro=_unit(opening, settings), day_start_micro=opening,
        week_start_micro=opening if turn.new_week else account.week_start_micro,
        tripped=account.tripped & ~np.int64(ended),
        governor=replace(
            governor, red_days=red, entries_day=nothing, entries_week=nothing if turn.new_week else governor.entries_week
        ),
    )  # fmt: skip


def _red_days(account: Account) -> IntArray:
    """Return the losing days in a row once the account's day is over; one on which nothing moved is no day."""
    gained = account.equity_micro - account.day_start_micro
    red = account.governor.red_days
    idle = (gained == 0) & (account.governor.entries_day == 0)
    return np.where(idle, red, np.where(gained < 0, red + 1, 0))


def _unit(day_start: IntArray, settings: Settings) -> IntArray:
    return np.floor(np.maximum(day_start, 0) * (settings.risk.unit_pct / 100.0)).astype(np.int64)


def _seen(account: Account, equity: IntArray, host: Host, regime: str) -> Account:
    governor = account.governor
    others = np.full_like(equity, host.others_micro) if host.others_micro else governor.others_micro  # unheard is not lost
    return replace(
        account, equity_micro=equity, high_water_micro=np.maximum(account.high_water_micro, equity),
        governor=replace(
            governor, reference_micro=np.maximum(governor.reference_micro, equity), others_micro=others,
            account_high_micro=np.maximum(governor.account_high_micro, equity + others),
            regime=np.full_like(equity, place_of(regime)) if regime else governor.regime,
        ),
    )  # fmt: skip


def _tripped(account: Account, profile: Profile, told: Mapping[str, FloatArray], settings: Settings) -> Account:
    tripped, governor = account.tripped, account.governor
    limits = {DRAWDOWN_REFERENCE: governor.reference_limit_micro, DRAWDOWN_ALL_TIME: governor.all_time_limit_micro}
    for row in profile.rows:
        value, limit = told[row.reading], row.limit(settings)
        over = value < limit if row.below else value >= limit
        stays = (tripped & row.bit) != 0
        if row.ends is Ends.ITSELF:
            stays = np.zeros_like(stays)
        if row.ends is Ends.PROFILE:  # another limit than the one under which it tripped is a person's edit
            stays = stays & (limits[row.bit] == round(limit * MICRO))
            limits[row.bit] = np.where(over | stays, np.int64(round(limit * MICRO)), 0)
        tripped = np.where(over | stays, tripped | row.bit, tripped & ~np.int64(row.bit))
    governor = replace(
        governor, reference_limit_micro=limits[DRAWDOWN_REFERENCE], all_time_limit_micro=limits[DRAWDOWN_ALL_TIME]
    )
    return replace(account, tripped=tripped, governor=governor)


def _stepped(account: Account, profile: Profile, told: Mapping[str, FloatArray], settings: Settings) -> Account:
    if not profile.by_events:
        return account
    governor = account.governor
    z = z_of(governor, account.desk_day)
    step, judged = weather_step(
        governor.step_micro, governor.judged, governor.settled, z, told["drawdown_reference"], settings
    )  # fmt: skip
    return replace(account, governor=replace(governor, step_micro=step, judged=judged))


def _flattened(
    account: Account, before: IntArray, profile: Profile, cycle: Cycle, targets: Targets, quotes: Quotes, row: int,
    settings: Settings,
) -> Account:  # fmt: skip
    """Return the account with its sale of everything begun where a trip or an account's hour asks for it, ended where all is sold."""
    closing = sum(each.bit for each in profile.rows if each.closes or (each.loss and settings.flatten_on_trip))
    begun = ((account.tripped & ~before & closing) != 0) | must_be_flat(account.governor, cycle, settings)
    flatten = (account.governor.flatten > 0) | begun
    if flatten.any():
        flatten = flatten & _sellable(account, targets, quotes, row, settings)
    bit = np.int64(FLATTEN)
    return replace(
        account, tripped=np.where(flatten, account.tripped | bit, account.tripped & ~bit),
        governor=replace(account.governor, flatten=flatten.astype(np.int64)),
    )  # fmt: skip


def _sellable(account: Account, targets: Targets, quotes: Quotes, row: int, settings: Settings) -> BoolArray:
    """Return which runs still work an order or hold what somebody may buy: it has a bid, or its book is too old to tell."""
    working = np.zeros(account.n_runs, np.bool_)
    working[account.working.run] = True
    axis = axis_of(targets.instruments, account.instruments)
    own = np.flatnonzero(axis.account_columns < axis.n_targets)
    columns = axis.account_columns[own]
    enough = account.held_micro[:, own] >= np.maximum(targets.min_size_micro[columns], 1)
    unknown = ~(quotes.age[row, columns] <= settings.weather.book_age_seconds) & ~quotes.prints_only[row, columns]
    bought = ~np.isnan(targets.sell_price[columns]) | (unknown & ~np.isnan(targets.fair[columns]))
    some: BoolArray = (enough & bought).any(axis=1)
    return working | some
