"""What stops a desk: one row per tripwire, one table per desk. Numbers are settings; what a row reads is in R0 unless said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import numpy as np

from core.days import desk_day, trade_date
from core.settings import Settings

KILL, DAY_LOSS, WEEK_LOSS, DRAWDOWN_REFERENCE, DRAWDOWN_ALL_TIME, ACCOUNT_DRAWDOWN = 1, 2, 4, 8, 16, 32
RED_DAYS, RESULTS_Z, INFRASTRUCTURE, ACCOUNT_RULES, OPERATOR, FLATTEN = 64, 128, 256, 512, 1024, 2048
FLAT, PAUSE = "FLAT", "PAUSE"


@dataclass(frozen=True, slots=True)
class Tripwire:
    """A bit of `Account.tripped` in words. FLAT: nothing that adds risk. PAUSE: nothing but exits."""

    name: str
    action: str
    ends: str


class Ends(StrEnum):
    """What ends a trip."""

    DAY = "day"
    WEEK = "week"
    ITSELF = "itself"  # no longer than its cause
    PERSON = "person"  # a command
    PROFILE = "profile"  # a changed limit, or a command that the row knows


@dataclass(frozen=True, slots=True)
class Row:
    """One tripwire of a desk: it trips from `limit` on, or below it."""

    bit: int
    reading: str  # of `tripwires.READINGS`
    limit: Callable[[Settings], float]
    ends: Ends
    below: bool = False
    loss: bool = False  # FLATTEN_ON_TRIP sells what is open
    closes: bool = False  # that happens without it


@dataclass(frozen=True, slots=True)
class Profile:
    """A desk's tripwires, the days that it counts in, and whether settled events judge its size."""

    rows: tuple[Row, ...]
    day: Callable[[datetime], date]
    by_events: bool


TRIPWIRES: Mapping[int, Tripwire] = {
    KILL: Tripwire("kill_switch", PAUSE, "when a person lifts it"),
    DAY_LOSS: Tripwire("day_loss", FLAT, "with the next desk day, at 16:00Z"),
    WEEK_LOSS: Tripwire("week_loss", FLAT, "with the desk week, on Monday at 16:00Z"),
    DRAWDOWN_REFERENCE: Tripwire("drawdown_reference", PAUSE, "when a person rebases it, or changes its limit"),
    DRAWDOWN_ALL_TIME: Tripwire("drawdown_all_time", PAUSE, "when a person changes its limit"),
    ACCOUNT_DRAWDOWN: Tripwire("account_drawdown", PAUSE, "when a person lifts it"),
    RED_DAYS: Tripwire("red_days", PAUSE, "when a person lifts it"),
    RESULTS_Z: Tripwire("results_z", PAUSE, "when a person lifts it"),
    INFRASTRUCTURE: Tripwire("infrastructure", FLAT, "by itself, with its cause"),
    ACCOUNT_RULES: Tripwire("account_rules", PAUSE, "when a person changes the account profile"),
    OPERATOR: Tripwire("operator_dial", PAUSE, "when a person dials 2 or more"),
    FLATTEN: Tripwire("flatten", FLAT, "by itself once nothing can be sold any more, or when a person lifts it"),
}

_COMMON = (
    Row(DRAWDOWN_ALL_TIME, "drawdown_all_time", lambda s: s.risk.drawdown_all_time_r, Ends.PROFILE, loss=True),
    Row(ACCOUNT_DRAWDOWN, "account_drawdown", lambda s: s.risk.account_drawdown_pct, Ends.PERSON, loss=True),
    Row(INFRASTRUCTURE, "infrastructure", lambda s: 1.0, Ends.ITSELF),
    Row(ACCOUNT_RULES, "account_rules", lambda s: 1.0, Ends.ITSELF, loss=True),
    Row(OPERATOR, "operator_dial", lambda s: 2.0, Ends.ITSELF, below=True),
)
WEATHER = Profile(
    (
        Row(DAY_LOSS, "day_loss", lambda s: s.risk.day_loss_r, Ends.DAY, loss=True),
        Row(WEEK_LOSS, "week_loss", lambda s: s.risk.week_loss_r, Ends.WEEK, loss=True),
        Row(DRAWDOWN_REFERENCE, "drawdown_reference", lambda s: s.risk.drawdown_reference_r, Ends.PROFILE, loss=True),
        *_COMMON,
        Row(RESULTS_Z, "results_z", lambda s: -s.risk.results_z, Ends.PERSON, below=True, loss=True),
    ),
    desk_day, by_events=True,
)  # fmt: skip
FUTURES = Profile(
    (
        Row(DAY_LOSS, "day_loss", lambda s: s.risk.day_loss_r, Ends.DAY, closes=True),
        Row(WEEK_LOSS, "week_loss", lambda s: s.risk.futures_week_loss_r, Ends.WEEK, closes=True),
        Row(DRAWDOWN_REFERENCE, "drawdown_reference", lambda s: s.risk.futures_drawdown_reference_r, Ends.PROFILE, loss=True),
        *_COMMON,
        Row(RED_DAYS, "red_days", lambda s: float(s.risk.futures_red_days), Ends.PERSON),
    ),
    trade_date, by_events=False,
)  # fmt: skip
ALERTS: Mapping[int, Callable[[Settings], float]] = {RED_DAYS: lambda s: float(s.risk.red_days_alert)}
"""Where a wire that stops nothing is announced: a profitable desk of cheap brackets has three red days every fortnight."""

PROFILES: Mapping[str, Profile] = {"weather": WEATHER, "futures": FUTURES}


def profile_of(desk: str) -> Profile:
    """Return the profile of a desk; one that has none of its own is as strict as the weather desk."""
    return PROFILES.get(desk, WEATHER)


def limit_of(desk: str, bit: int, settings: Settings) -> float:
    """Return the limit of a tripwire of a desk; of one that only alerts there, where it alerts."""
    rows = {row.bit: row for row in profile_of(desk).rows}
    limit = rows[bit].limit if bit in rows else ALERTS.get(bit)
    return limit(settings) if limit else np.nan


def tripped_names(bits: int) -> tuple[str, ...]:
    """Return the names of the tripwires that hold."""
    return tuple(wire.name for bit, wire in TRIPWIRES.items() if bits & bit)
