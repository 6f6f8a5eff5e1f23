"""How near every limit is, from the folded account: what the governor and the caps count, asked for people.

The same readings, caps, marks and floors as in a ruling, with nothing wanted. The worst case of the day is the ruling's own
check: what settles in the day is counted as lost, so that only what outlasts it needs a mark, and gets it from the bids that the
newest look saw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from types import MappingProxyType

import numpy as np

from agents.transmission.constraints.ceilings import DAY_SHARE, EQUITY_SHARE
from agents.transmission.constraints.exposure import CAPS, Cap
from agents.transmission.constraints.firms import floors
from agents.transmission.constraints.profiles import AccountProfile, followed
from agents.transmission.equity import marks_of
from agents.transmission.governor import worst_day
from agents.transmission.profiles import TRIPWIRES, limit_of, profile_of
from agents.transmission.standing import Standing, standing_of
from agents.transmission.tripwires import READINGS
from core.model.account import Account
from core.model.event import NO_FEES, Instrument
from core.model.gauge import Gauge, Seen
from core.model.quotes import Quotes
from core.model.targets import Targets
from core.settings import Settings
from core.units import MICRO

ALERT = "ALERT"
UNITS: Mapping[str, str] = {
    **dict.fromkeys(("day_loss", "week_loss", "drawdown_reference", "drawdown_all_time", "worst_day"), "R0"),
    "account_drawdown": "%", "red_days": "days", "results_z": "sd",
}  # fmt: skip
SWITCHES = frozenset({"operator_dial", "infrastructure", "account_rules"})  # on or off: nothing is used up
SUBJECTS: Mapping[str, Callable[[Instrument], str]] = {
    "event": lambda i: f"{i.city} {i.event_day} {i.extreme}",
    "bracket": lambda i: f"{i.city} {i.event_day} {i.label}",
    "city_day": lambda i: f"{i.city} {i.event_day}",
    "region_day": lambda i: f"{i.region} {i.event_day}",
    "event_day": lambda i: f"{i.event_day}",
    "source": lambda i: i.settlement_source,
    "all": lambda i: "",
}
"""How a group of `axis.GROUPS` is named."""


ANY_SIZE = 1e9  # [shares] behind a bid whose depth nobody kept


def gauges(
    account: Account, at: datetime, settings: Settings, seen: Mapping[str, Seen] = MappingProxyType({})
) -> tuple[Gauge, ...]:  # fmt: skip
    """Return every limit of the account's first run that has a number, tripwires first; `at` names the rules in force.

    Args:
        seen: what the newest look saw of the tokens that are held; one that is missing there was not looked at.
    """
    standing = standing_of(_nothing_wanted(account), account)
    return (
        *_wires(account, settings), _worst_day(account, settings, seen), *(_cap(cap, standing, settings) for cap in CAPS),
        _cash(account, settings), _ceiling(account, settings), *_counts(account, settings), *_firms(account, at, settings),
    )  # fmt: skip


def _wires(account: Account, settings: Settings) -> Iterator[Gauge]:
    rows = {row.bit for row in profile_of(account.desk).rows}
    for bit, wire in TRIPWIRES.items():
        reading = READINGS.get(wire.name)
        if reading is None or wire.name in SWITCHES:
            continue
        value, limit = float(reading(account, settings)[0]), limit_of(account.desk, bit, settings)
        value = max(0.0, value) if "drawdown" in wire.name else value  # above its high there is none
        unit = UNITS.get(wire.name, "")
        scale = int(account.unit_r_micro[0]) / MICRO if unit == "R0" else None
        yield Gauge(
            wire.name, "tripwire", value if np.isfinite(value) else None,
            limit if np.isfinite(limit) else None, unit, "",
            value * scale if scale is not None else None, limit * scale if scale is not None else None,
            "" if bit in rows else ALERT,
        )  # fmt: skip


def _cap(cap: Cap, standing: Standing, settings: Settings) -> Gauge:
    most = float(cap.most(standing, settings)[0])
    unit = max(float(cap.unit(standing, settings)[0]), 1.0)
    sums = standing.sums(cap.group).each(standing.existing)[0] if len(standing.columns) else np.zeros(0, np.int64)
    fullest = int(np.argmax(sums)) if sums.size else -1
    there = float(sums[fullest]) if sums.size else 0.0
    about = SUBJECTS[cap.group](standing.axis.instruments[int(standing.columns[fullest])]) if there > 0 else ""
    name = {1.0 * MICRO: "USD"}.get(unit, "R0") if cap.name != "kelly_cap" else "of equity"
    return Gauge(cap.name, "cap", there / unit, most / unit, name, about, there / MICRO, most / MICRO)


def _cash(account: Account, settings: Settings) -> Gauge:
    """Return the part of equity that is not cash, against what may be."""
    equity = max(int(account.equity_micro[0]), 1)
    spent, most = 1 - int(account.cash_micro[0]) / equity, 1 - settings.risk.min_cash_pct / 100
    return Gauge("min_cash", "cap", max(0.0, spent), most, "of equity", "", spent * equity / MICRO, most * equity / MICRO)


def _ceiling(account: Account, settings: Settings) -> Gauge:
    """Return the most that one trade may risk now; nothing is used of it between two trades."""
    left = settings.risk.day_loss_r * int(account.unit_r_micro[0]) - _lost(account, "day_start_micro")
    most = max(0.0, min(EQUITY_SHARE * int(account.equity_micro[0]), DAY_SHARE * left)) / MICRO
    return Gauge("trade_ceiling", "ceiling", 0.0, most, "USD", "one trade", 0.0, most)


def _lost(account: Account, start: str) -> int:
    return int(getattr(account, start)[0]) - int(account.equity_micro[0])


def _worst_day(account: Account, settings: Settings, seen: Mapping[str, Seen]) -> Gauge:
    """Return the loss of the day if everything that may settle in it went wrong, as a ruling counts it."""
    nothing, quotes = _nothing_wanted(account, account.instruments, seen), _quotes(account.instruments, seen)
    marks = marks_of(account, nothing, quotes, 0, settings)
    marked = replace(account, equity_micro=marks.equity_micro(account))
    standing = replace(standing_of(nothing, marked), marks=marks)
    told = worst_day(standing, standing.base, settings).value  # of each column the same
    unit, limit = int(account.unit_r_micro[0]), settings.risk.worst_day_r
    lost = float(told[0, 0]) if told.size else float(READINGS["day_loss"](marked, settings)[0])
    last = account.desk_day + 1
    held = (one for one, size in zip(account.instruments, account.held_micro[0], strict=True) if size)
    stays = [one for one in held if one.event_day.toordinal() > last]
    about = f"events up to {date.fromordinal(last)} lost"
    about += "; the rest at its bid" if stays else ""
    about += ", where nobody bid below cost" if any(one.token in seen and seen[one.token].bid is None for one in stays) else ""
    return Gauge("worst_day", "tripwire", lost if unit else None, limit, "R0", about, lost * unit / MICRO, limit * unit / MICRO)


def _counts(account: Account, settings: Settings) -> Iterator[Gauge]:
    for name, count in (("trades_per_day", "entries_day"), ("trades_per_week", "entries_week")):
        most = getattr(settings.rules, name)
        if most:
            yield Gauge(name, "rule", float(getattr(account.governor, count)[0]), float(most), "trades")


def _firms(account: Account, at: datetime, settings: Settings) -> Iterator[Gauge]:
    """Yield the headroom of each account profile that is followed, once the governor has begun to follow it."""
    governor, profiles = account.governor, followed(settings, at)
    if governor.firms != tuple(profile.name for profile in profiles):
        return
    floor = floors(governor, profiles)[0]
    for i, profile in enumerate(profiles):
        yield from _firm(account, profile, i, float(floor[i]))


def _firm(account: Account, profile: AccountProfile, i: int, floor: float) -> Iterator[Gauge]:
    governor, equity = account.governor, int(account.equity_micro[0])
    start, day_start = (governor.firm_start_micro[:1, i], int(governor.firm_day_start_micro[0, i]))
    day, drawdown, goal = (
        float(each.micro(start)[0]) for each in (profile.daily_loss, profile.drawdown, profile.profit_target)
    )
    profit = equity - int(start[0])
    yield from _dollars("daily_loss", "account", profile, max(0, day_start - equity), day)
    yield from _dollars("drawdown", "account", profile, max(0.0, drawdown - (equity - floor)), drawdown)
    yield from _dollars("profit_target", "goal", profile, max(0, profit), goal)
    if profile.active_days:
        days = float(governor.firm_active_days[0, i])
        yield Gauge(f"{profile.name}.active_days", "goal", days, float(profile.active_days), "days", profile.name)
    if np.isfinite(profile.consistency_pct):
        share = 100 * int(governor.firm_best_day_micro[0, i]) / profit if profit > 0 else None
        yield Gauge(f"{profile.name}.consistency", "account", share, profile.consistency_pct, "% of profit", profile.name)


def _dollars(name: str, family: str, profile: AccountProfile, value: float, limit: float) -> Iterator[Gauge]:
    if np.isfinite(limit) and np.isfinite(value):
        money = value / MICRO, limit / MICRO
        yield Gauge(f"{profile.name}.{name}", family, *money, "USD", profile.name, *money)


def _nothing_wanted(
    account: Account, instruments: tuple[Instrument, ...] = (), seen: Mapping[str, Seen] = MappingProxyType({})
) -> Targets:  # fmt: skip
    """Return targets that leave some of what is held as it is."""
    n = len(instruments)
    unknown, whole, flags = np.full(n, np.nan), np.zeros(n, np.int64), np.zeros(n, np.bool_)
    fair = np.array([_number(seen[one.token].fair) if one.token in seen else np.nan for one in instruments])
    return Targets(
        instruments=instruments, target=np.full((account.n_runs, n), np.nan), fair=fair, price=unknown, limit_price=unknown,
        sell_price=unknown, kept_below=np.full((account.n_runs, n), np.nan), worst_loss=unknown, edge=unknown,
        multiplier=unknown, earned=whole, tick_micro=whole,
        min_size_micro=whole, fees=(NO_FEES,) * n, open=flags, closed_reason=("",) * n, belief=({},) * n, view=flags,
    )  # fmt: skip


def _quotes(instruments: tuple[Instrument, ...], seen: Mapping[str, Seen]) -> Quotes:
    """Return the bids that the newest look saw, for any size; of what it did not look at there is no book."""
    rows = [seen.get(one.token, Seen(None, None, np.inf)) for one in instruments]
    bid = np.array([[_number(row.bid)] for row in rows]).reshape(1, len(rows), 1)
    age = np.array([[row.age_seconds for row in rows]])
    nothing, none = np.full_like(bid, np.nan), np.zeros_like(age, np.bool_)
    return Quotes(
        ask_price=nothing, ask_size=np.zeros_like(bid), bid_price=bid, bid_size=np.where(np.isnan(bid), 0.0, ANY_SIZE), age=age,
        sane=~none, print_price=np.full_like(age, np.nan), print_age=np.full_like(age, np.inf), prints_only=none,
    )  # fmt: skip


def _number(value: float | None) -> float:
    return np.nan if value is None else value
