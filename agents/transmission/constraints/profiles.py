"""Account rules of prop firms and the like, as rows with a date: what a profile asks, and when its own day begins.

The shipped profiles have the shapes of usual ones. The current rules of a firm itself count: whoever follows one copies its
numbers into rows of `data/registry/account_profiles.csv`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any

import numpy as np

from core.days import zone
from core.errors import SettingsError
from core.registry import AccountRule, load_account_rules
from core.settings import Settings
from core.units import MICRO, IntArray

NONE = "none"
STATIC, TRAILING_EOD, TRAILING_INTRADAY = "static", "trailing_eod", "trailing_intraday"
Steps = tuple[tuple[float, float], ...]  # USD of profit, contracts from there on


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum as a share of the starting balance [%] or in dollars; the smaller counts, both NaN is no limit."""

    pct: float = np.nan
    usd: float = np.nan

    def micro(self, start: IntArray) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Return the sum [micro-USD] for starting balances; inf: no limit."""
        least = np.fmin(np.floor(start * (self.pct / 100.0)), self.usd * MICRO)
        return np.where(np.isnan(least), np.inf, least)


@dataclass(frozen=True, slots=True)
class AccountProfile:
    """One set of account rules; a rule that is not set limits nothing."""

    name: str
    zone: str = "UTC"
    day_starts: time = time(0, 0)
    daily_loss: Amount = Amount()
    trade_share_pct: float = np.nan  # of the daily loss limit, one trade
    drawdown: Amount = Amount()
    drawdown_kind: str = STATIC
    lock_at_start: bool = False  # the floor never rises above the starting balance
    contracts: Steps = ()
    flat_by: time | None = None
    consistency_pct: float = np.nan  # best day of the total profit
    active_days: int = 0
    profit_target: Amount = Amount()

    def day_of(self, instant: datetime) -> int:
        """Return the ordinal of the firm's own day: it runs from `day_starts` to `day_starts` by the clock of its zone."""
        local = instant.astimezone(zone(self.zone))
        begun = local.time() >= self.day_starts
        return local.date().toordinal() - (0 if begun else 1)

    def is_late(self, instant: datetime) -> bool:
        """Return whether an instant lies between `flat_by` and the start of the firm's next day."""
        if self.flat_by is None:
            return False
        clock = instant.astimezone(zone(self.zone)).time()
        if self.flat_by < self.day_starts:
            return self.flat_by <= clock < self.day_starts
        return clock >= self.flat_by or clock < self.day_starts

    def most_contracts(self, profit_micro: IntArray) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Return how many contracts a profit allows; inf: any number."""
        if not self.contracts:
            return np.full(profit_micro.shape, np.inf)
        most = np.full(profit_micro.shape, self.contracts[0][1])
        for profit_usd, contracts in self.contracts[1:]:
            most = np.where(profit_micro >= profit_usd * MICRO, contracts, most)
        return most


def _steps(text: str) -> Steps:
    return tuple(sorted((float(profit), float(n)) for profit, _, n in (part.partition(":") for part in text.split(";"))))


def _kind(text: str) -> str:
    if text not in (STATIC, TRAILING_EOD, TRAILING_INTRADAY):
        raise ValueError(f"drawdown {text!r} is none of {STATIC}, {TRAILING_EOD}, {TRAILING_INTRADAY}")
    return text


def _set(field: str, read: Callable[[str], Any]) -> Callable[[AccountProfile, str], AccountProfile]:
    return lambda profile, text: replace(profile, **{field: read(text)})


def _amount(field: str, part: str) -> Callable[[AccountProfile, str], AccountProfile]:
    return lambda profile, text: replace(profile, **{field: replace(getattr(profile, field), **{part: float(text)})})


RULES: Mapping[str, Callable[[AccountProfile, str], AccountProfile]] = {
    "zone": _set("zone", lambda text: zone(text).key),
    "day_starts": _set("day_starts", time.fromisoformat),
    "daily_loss_pct": _amount("daily_loss", "pct"),
    "daily_loss_usd": _amount("daily_loss", "usd"),
    "trade_share_pct": _set("trade_share_pct", float),
    "drawdown": _set("drawdown_kind", _kind),
    "drawdown_pct": _amount("drawdown", "pct"),
    "drawdown_usd": _amount("drawdown", "usd"),
    "lock_at_start": _set("lock_at_start", lambda text: text == "yes"),
    "contracts": _set("contracts", _steps),
    "flat_by": _set("flat_by", time.fromisoformat),
    "consistency_pct": _set("consistency_pct", float),
    "active_days": _set("active_days", int),
    "profit_target_pct": _amount("profit_target", "pct"),
    "profit_target_usd": _amount("profit_target", "usd"),
}
"""Every rule that a row of the table may set."""


def profiles_as_of(day: date, rows: Sequence[AccountRule] | None = None) -> dict[str, AccountProfile]:
    """Return the profiles as they stood on a day, by name; SettingsError for a row that cannot be read."""
    known = load_account_rules() if rows is None else rows
    standing = sorted((row for row in known if row.valid_from <= day), key=lambda row: row.valid_from)
    newest = {(row.profile, row.rule): row for row in standing}
    profiles: dict[str, AccountProfile] = {}
    for row in newest.values():
        profile = profiles.setdefault(row.profile, AccountProfile(row.profile))
        if row.rule and row.value:
            profiles[row.profile] = _with(profile, row)
    return profiles


def _with(profile: AccountProfile, row: AccountRule) -> AccountProfile:
    try:
        return RULES[row.rule](profile, row.value)
    except (KeyError, ValueError, OSError) as error:
        raise SettingsError(
            f"account_profiles.csv: {row.profile} {row.rule}={row.value!r} is no rule ({error!r}); known are {', '.join(RULES)}"
        ) from None


@lru_cache(maxsize=256)
def _followed(names: str, day: date) -> tuple[AccountProfile, ...]:
    known = profiles_as_of(day)
    wanted = dict.fromkeys(names.split(","))
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise SettingsError(f"rules.accounts: no profile {', '.join(unknown)} on {day}; there are {', '.join(sorted(known))}")
    return tuple(known[name] for name in wanted if name != NONE)


def followed(settings: Settings, instant: datetime) -> tuple[AccountProfile, ...]:
    """Return the profiles whose rules are followed, as they stand at an instant; SettingsError for one that is not known."""
    names = settings.rules.accounts
    return () if names == NONE else _followed(names, instant.date())
