"""User rules, account rules and ceilings as rows: when each is on, and what it says. Off, it is not asked at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from agents.transmission.constraints import bounds, firm_rules, trade_counts
from agents.transmission.constraints.blackout import ALL, blackout
from agents.transmission.constraints.profiles import NONE, followed
from agents.transmission.constraints.sessions import sessions
from agents.transmission.guard.draft import Draft
from agents.transmission.limits import Limit, pass_or_refuse
from core.errors import SettingsError
from core.registry import load_calendar
from core.settings import Settings
from core.units import MICRO

FUTURES = "futures"
SPREAD_CEILING = 5
"""Ticks of spread that no setting of the futures desk passes."""

On = Callable[[str, Settings], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """A check on the order that a person or a profile has set."""

    name: str
    on: On
    check: Callable[[Draft, Settings], Limit]


def spread_ceiling(draft: Draft, settings: Settings) -> Limit:
    """Refuse a spread above five ticks on the futures desk, whatever is set [ticks]."""
    tick = draft.standing.targets.tick_micro[draft.standing.own]
    ticks = np.rint(2.0 * (draft.asks.best - draft.asks.mid) * MICRO / np.maximum(tick, 1) * 1e6) / 1e6
    return Limit(ticks, np.full(ticks.shape, float(SPREAD_CEILING)), pass_or_refuse(ticks <= SPREAD_CEILING))


def _set(name: str) -> On:
    return lambda desk, settings: bool(getattr(settings.rules, name))


def _accounts(desk: str, settings: Settings) -> bool:
    return settings.rules.accounts != NONE


def _futures(desk: str, settings: Settings) -> bool:
    return desk == FUTURES


RULES: tuple[Rule, ...] = (
    Rule("sessions", _set("sessions"), sessions),
    Rule("news_blackout", _set("blackout"), blackout),
    Rule("min_operator", lambda desk, settings: settings.rules.min_operator > 1, bounds.min_operator),
    Rule("max_spread", _set("max_spread"), bounds.max_spread),
    Rule("spread_ceiling", _futures, spread_ceiling),
    Rule("min_depth", _set("min_depth"), bounds.min_depth),
    Rule("max_size", _set("max_size"), bounds.max_size),
    Rule("max_slippage", _set("max_slippage"), bounds.max_slippage),
    Rule("firm_ended", _accounts, firm_rules.firm_ended),
    Rule("firm_flat_by", _accounts, firm_rules.firm_flat_by),
    Rule("firm_target", _accounts, firm_rules.firm_target),
    Rule("firm_consistency", _accounts, firm_rules.firm_consistency),
    Rule("firm_trade", _accounts, firm_rules.firm_trade),
    Rule("firm_day_loss", _accounts, firm_rules.firm_day_loss),
    Rule("firm_drawdown", _accounts, firm_rules.firm_drawdown),
    Rule("firm_contracts", _accounts, firm_rules.firm_contracts),
)
"""On the order, after the guard and before the venue's minimum."""

COUNTS: tuple[Rule, ...] = (
    Rule("trades_per_day", _set("trades_per_day"), trade_counts.trades_per_day),
    Rule("trades_per_week", _set("trades_per_week"), trade_counts.trades_per_week),
    Rule("trades_ceiling", _futures, trade_counts.trades_ceiling),
)
"""On the order, last of all: what is not sent is not counted."""


def asked(rules: tuple[Rule, ...], desk: str, settings: Settings) -> Iterator[Rule]:
    """Yield the rules that are on."""
    return (rule for rule in rules if rule.on(desk, settings))


def check_rules(settings: Settings, at: datetime) -> None:
    """Raise SettingsError for a rule that names what no table knows; to be asked before a desk starts."""
    followed(settings, at)
    known = {release.kind for release in load_calendar()}
    kinds = settings.rules.blackout
    unknown = sorted(set(kinds.split(",")) - known) if kinds and kinds != ALL else []
    if unknown:
        raise SettingsError(f"rules.blackout: calendar.csv has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")
