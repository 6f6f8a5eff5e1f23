"""The risk governor: what a desk day and week may lose, and what stays tripped until its end.

State is the account's own (`desk_day`, `unit_r_micro`, `tripped`, ...): it is written in the transaction of the cycle
that changed it, so a restart lifts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from agents.transmission.equity import marks_of
from core.days import desk_day, desk_week
from core.journal.changes import Risk
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.quotes import Quotes
from core.model.targets import Targets
from core.settings import Settings
from core.units import IntArray

KILL = 1
DAY_LOSS = 2
WEEK_LOSS = 4


@dataclass(frozen=True, slots=True)
class Tripwire:
    """A bit of `Account.tripped` in words."""

    name: str
    action: str
    ends: str


TRIPWIRES: Mapping[int, Tripwire] = {
    KILL: Tripwire("kill_switch", "PAUSE", "when a person lifts it"),
    DAY_LOSS: Tripwire("day_loss", "FLAT", "with the next desk day, at 16:00Z"),
    WEEK_LOSS: Tripwire("week_loss", "FLAT", "with the desk week, on Monday at 16:00Z"),
}


def tripped_names(bits: int) -> tuple[str, ...]:
    """Return the names of the tripwires that hold."""
    return tuple(wire.name for bit, wire in TRIPWIRES.items() if bits & bit)


def mark(account: Account, cycle: Cycle, targets: Targets, quotes: Quotes, row: int, settings: Settings) -> Risk:
    """Return the risk state at a cycle: equity, R0 of the desk day, what has tripped.

    A new day starts from the last mark of the day before, so that a loss between the two belongs to one of them.
    """
    equity = marks_of(account, targets, quotes, row, settings).equity_micro(account)
    day = desk_day(cycle.scheduled_at)
    first = account.desk_day == 0
    new_day = first or day.toordinal() > account.desk_day
    new_week = first or desk_week(day) > desk_week(date.fromordinal(account.desk_day))
    opening = account.equity_micro
    day_start = opening if new_day else account.day_start_micro
    week_start = opening if new_week else account.week_start_micro
    unit = _unit(day_start, settings) if new_day else account.unit_r_micro
    tripped = account.tripped & ~np.int64((DAY_LOSS if new_day else 0) | (WEEK_LOSS if new_week else 0))
    for bit, start, limit_r in (
        (DAY_LOSS, day_start, settings.risk.day_loss_r),
        (WEEK_LOSS, week_start, settings.risk.week_loss_r),
    ):
        lost = (start - equity) >= limit_r * unit
        tripped = np.where(lost, tripped | bit, tripped)
    return Risk(
        desk_day=max(day.toordinal(), account.desk_day), equity_micro=equity, unit_r_micro=unit, day_start_micro=day_start,
        week_start_micro=week_start, high_water_micro=np.maximum(account.high_water_micro, equity), tripped=tripped,
        governor=account.governor,
    )  # fmt: skip


def _unit(day_start: IntArray, settings: Settings) -> IntArray:
    return np.floor(np.maximum(day_start, 0) * (settings.risk.unit_pct / 100.0)).astype(np.int64)
