"""What the governor says when something changes: a tripwire trips or ends, the size steps, days stay red, the regime turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agents.transmission.claims import z_of
from agents.transmission.profiles import FLATTEN, KILL, TRIPWIRES, Tripwire, limit_of
from agents.transmission.tripwires import READINGS
from core.model.account import Account
from core.model.activity import Action, Activity, Severity
from core.model.cycle import Cycle
from core.model.host import WELL, Host
from core.model.regime import REGIMES
from core.settings import Settings
from core.units import MICRO, number

UNITS = {"account_drawdown": " %", "red_days": " days", "results_z": " sd", "operator_dial": ""}
BY_PEOPLE = KILL | FLATTEN
"""Whoever trips these has been answered already."""


def governed(
    cycle: Cycle, before: Account, after: Account, settings: Settings, *, host: Host = WELL, regimes: Sequence[str] = ()
) -> tuple[Activity, ...]:
    """Return the lines of one mark, of the account's first run: `before` it and `after` it."""
    return (
        *_wires(cycle, before, after, settings, host),
        *_step(cycle, before, after, settings),
        *_red_days(cycle, before, after, settings),
        *_regime(cycle, before, after, regimes),
    )


def _wires(cycle: Cycle, before: Account, after: Account, settings: Settings, host: Host) -> Iterator[Activity]:
    old, new = int(before.tripped[0]), int(after.tripped[0])
    for bit, wire in TRIPWIRES.items():
        if new & ~old & bit & ~BY_PEOPLE:
            yield _tripped(cycle, after, bit, wire, settings, host)
        elif old & ~new & bit:
            yield _line(cycle, f"{_words(wire.name)} ended", name=wire.name, value=0.0, limit=None, state="ended")


def _tripped(cycle: Cycle, account: Account, bit: int, wire: Tripwire, settings: Settings, host: Host) -> Activity:
    value, limit = float(READINGS[wire.name](account, settings)[0]), limit_of(account.desk, bit, settings)
    unit = UNITS.get(wire.name, " R0")
    numbers = f" at {value:.2f}{unit}, limit {limit:g}{unit}" if wire.name not in ("infrastructure", "account_rules") else ""
    sick = f": {'; '.join(host.sick)}" if wire.name == "infrastructure" and host.sick else ""
    allowed = "exits only" if wire.action == "PAUSE" else "no new risk"
    return _line(
        cycle, f"{_words(wire.name)} trips{numbers}{sick}: {allowed}, it ends {wire.ends}", severity=Severity.WARNING,
        name=wire.name, value=value, limit=limit, state="tripped", action=wire.action,
    )  # fmt: skip


def _step(cycle: Cycle, before: Account, after: Account, settings: Settings) -> Iterator[Activity]:
    old, new = (int(account.governor.step_micro[0]) / MICRO for account in (before, after))
    if old == new:
        return
    z = float(z_of(after.governor, after.desk_day)[0])
    drawdown = float(READINGS["drawdown_reference"](after, settings)[0])
    yield _line(
        cycle, f"size steps from {old:g} to {new:g}: results against claims {z:+.2f} sd, drawdown {drawdown:.2f} R0",
        severity=Severity.WARNING if new < old else Severity.INFO, name="step", value=new, limit=1.0, previous=old,
        z=_rounded(z), drawdown_r=_rounded(drawdown),
    )  # fmt: skip


def _red_days(cycle: Cycle, before: Account, after: Account, settings: Settings) -> Iterator[Activity]:
    old, new = (int(account.governor.red_days[0]) for account in (before, after))
    most = settings.risk.red_days_alert
    if new > old and new >= most:
        yield _line(
            cycle,
            f"{new} losing days in a row",
            severity=Severity.WARNING,
            name="red_days",
            value=float(new),
            limit=float(most),
        )


def _regime(cycle: Cycle, before: Account, after: Account, regimes: Sequence[str]) -> Iterator[Activity]:
    old, new = (REGIMES[int(account.governor.regime[0])] for account in (before, after))
    if not old or old == new:
        return
    counted = [name for name in regimes if name]
    reason = f"{counted.count(new)} of {len(counted)} events are {new}"
    yield Activity(
        at=cycle.sealed_at, action=Action.RISK, type="regime_change", message=f"regime turns from {old} to {new}: {reason}",
        data={"regime": new, "previous": old, "reason": reason},
    )  # fmt: skip


def _line(
    cycle: Cycle, message: str, *, name: str, value: float, limit: float | None, severity: Severity = Severity.INFO,
    **more: object,
) -> Activity:  # fmt: skip
    return Activity(
        at=cycle.sealed_at, action=Action.RISK, message=message, severity=severity, type="risk_update",
        data={"name": name, "value": _rounded(value), "limit": None if limit is None else _rounded(limit), **more},
    )  # fmt: skip


def _rounded(value: float) -> float | None:
    return number(round(value, 6))


def _words(name: str) -> str:
    return name.replace("_", " ")
