"""What is said of followed accounts: a limit four fifths used, once as it gets there, and an account that has ended."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from agents.transmission.constraints.firms import floors
from agents.transmission.constraints.profiles import AccountProfile, followed
from core.model.account import Account
from core.model.activity import Action, Activity, Severity
from core.model.cycle import Cycle
from core.model.gauge import WARN_AT
from core.model.governor import Governor
from core.settings import Settings
from core.units import MICRO, IntArray

SENTENCES = {
    "daily_loss": "the loss of its day is at {used:.0%} of the limit",
    "drawdown": "its drawdown is at {used:.0%} of the limit",
    "contracts": "its contracts are at {used:.0%} of what its profit allows",
    "consistency": "its day has won {used:.0%} of what consistency allows",
}


def firm_lines(before: Account, after: Account, cycle: Cycle, settings: Settings) -> tuple[Activity, ...]:
    """Return what a mark has to say of the followed accounts, of the first run."""
    profiles = followed(settings, cycle.scheduled_at)
    if not profiles:
        return ()
    names = tuple(profile.name for profile in profiles)
    known = before.governor if before.governor.firms == names else None
    then = firm_use(profiles, known, before, before.equity_micro) if known else [{} for _ in profiles]
    now = firm_use(profiles, after.governor, after, after.equity_micro)
    return tuple(
        line
        for i, name in enumerate(names)
        for line in (
            *_near(cycle, name, then[i], now[i]),
            *_ended(cycle, name, bool(known and known.firm_ended[0, i]), bool(after.governor.firm_ended[0, i])),
        )
    )


def firm_use(
    profiles: tuple[AccountProfile, ...], governor: Governor, account: Account, equity: IntArray, run: int = 0
) -> list[dict[str, float]]:
    """Return, by account, which share of each limit is used in one run; a limit that nobody sets is left out."""
    value, below = int(equity[run]), floors(governor, profiles)[run]
    open_size = int(account.held_micro[run].sum(dtype=np.int64)) / MICRO
    used: list[dict[str, float]] = []
    for i, profile in enumerate(profiles):
        start = governor.firm_start_micro[run, i : i + 1]
        today, profit = value - int(governor.firm_day_start_micro[run, i]), value - int(start[0])
        drawdown = float(profile.drawdown.micro(start)[0])
        target = float(profile.profit_target.micro(start)[0])
        total = max(profit, target if np.isfinite(target) else 0)
        shares = {
            "daily_loss": max(-today, 0) / float(profile.daily_loss.micro(start)[0]),
            "drawdown": 1.0 - (value - float(below[i])) / drawdown if np.isfinite(drawdown) else 0.0,
            "contracts": open_size / max(float(profile.most_contracts(np.array([profit]))[0]), 1e-9),
            "consistency": max(today, 0) / (profile.consistency_pct / 100.0 * total) if total > 0 else np.nan,
        }
        used.append({name: share for name, share in shares.items() if np.isfinite(share) and share > 0})
    return used


def _near(cycle: Cycle, name: str, then: dict[str, float], now: dict[str, float]) -> Iterator[Activity]:
    for rule, share in now.items():
        if share >= WARN_AT > then.get(rule, 0.0):
            yield _line(cycle, name, rule, f"account {name}: {SENTENCES[rule].format(used=share)}", Severity.WARNING)


def _ended(cycle: Cycle, name: str, before: bool, now: bool) -> Iterator[Activity]:
    if now and not before:
        yield _line(cycle, name, "ended", f"account {name} has ended: its drawdown was breached", Severity.ERROR)


def _line(cycle: Cycle, name: str, rule: str, message: str, severity: Severity) -> Activity:
    return Activity(
        at=cycle.sealed_at, action=Action.RISK, message=message, severity=severity, type="risk_update",
        data={"account": name, "rule": rule},
    )  # fmt: skip
