"""Rows of the journal as a reader gets them, and what can be asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson

from core.journal.state import instrument_of, settlement_of
from core.journal.tables import DECISIONS, FILLS, INSTRUMENTS, ORDERS, RISK, SETTLEMENTS, columns_of
from core.model.activity import Action, Activity, Severity
from core.model.cycle import Cause, Cycle
from core.model.decision import Check, Verdict
from core.model.event import Instrument
from core.model.orders import Level, Role, Status
from core.model.settlement import Settlement
from core.units import instant


@dataclass(frozen=True, slots=True)
class Among:
    """Which rows: every field given narrows, "" and None do not. `start` counts, `end` does not; instants of cycles."""

    desk: str = ""
    station: str = ""
    event_day: date | None = None
    event_id: str = ""
    venue: str = ""  # orders and fills
    token: str = ""  # decisions, orders and fills
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """Which activity: every field given narrows; `start` counts, `end` does not; `text` is part of the message, any case."""

    desk: str = ""
    station: str = ""
    event_day: date | None = None
    event_id: str = ""
    action: str = ""
    severity: str = ""
    type: str = ""
    text: str = ""
    first_event_day: date | None = None
    last_event_day: date | None = None
    start: datetime | None = None
    end: datetime | None = None


EVERYTHING = Among()
ALL_SAID = Said()


@dataclass(frozen=True, slots=True)
class CycleLine:
    cycle: Cycle
    phase: str  # intended, executed, complete
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class DecisionLine:
    decision_id: str
    desk: str
    scheduled_at: datetime
    run: int
    token: str
    venue: str
    event_id: str
    station: str
    event_day: date
    held_micro: int
    wanted_micro: int
    allowed_micro: int
    order_micro: int
    reason_code: str
    checks: tuple[Check, ...]
    belief: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """How often one reason decided what became of a wish."""

    reason: str
    whole: int  # ordered as wanted
    shrunk: int
    refused: int


@dataclass(frozen=True, slots=True)
class OrderLine:
    order_id: str
    decision_id: str
    desk: str
    scheduled_at: datetime
    run: int
    token: str
    venue: str
    event_id: str
    station: str
    event_day: date
    role: Role
    parent: str  # order id, "" without
    size_micro: int  # signed
    limit_micro: int
    reference_micro: int
    status: Status
    filled_micro: int
    placed_at: datetime
    reason: str
    fair_micro: int = 0  # 0 in journals of the first schema
    good_until: datetime | None = None  # None: at once or never
    cancel_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FillLine:
    execution_id: str
    order_id: str
    desk: str
    scheduled_at: datetime
    line: int
    run: int
    token: str
    venue: str
    event_id: str
    station: str
    event_day: date
    at: datetime
    size_micro: int  # signed
    notional_micro: int
    fee_micro: int
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class LedgerLine:
    tx: str
    line: int
    desk: str
    run: int
    at: datetime
    account: str
    token: str
    amount_micro: int


@dataclass(frozen=True, slots=True)
class SettlementLine:
    desk: str
    at: datetime
    scheduled_at: datetime
    line: int
    settlement: Settlement


@dataclass(frozen=True, slots=True)
class RiskLine:
    desk: str
    scheduled_at: datetime
    run: int
    desk_day: int
    equity_micro: int
    unit_r_micro: int
    day_start_micro: int
    week_start_micro: int
    high_water_micro: int
    tripped: int
    cash_micro: int
    realised_micro: int
    fees_micro: int
    owed_micro: int
    governor: Mapping[str, Any]  # of `Governor`, by name


def cycle_line(row: Sequence[Any]) -> CycleLine:
    """Return a row of `cycles` as a value."""
    desk, scheduled_at, number, cause, subjects, sealed_at, fill_at, heard_at, phase = row
    times = (instant(sealed_at), instant(fill_at))
    cycle = Cycle(desk, instant(scheduled_at), number, Cause(cause), tuple(orjson.loads(subjects)), *times)
    return CycleLine(cycle, phase, None if heard_at is None else instant(heard_at))


def activity_line(row: Sequence[Any]) -> Activity:
    """Return a row of `activity` as a value."""
    seq, at, desk, cycle, _, action, severity, kind, station, event_day, event_id, _, message, data, measured = row
    return Activity(
        at=instant(at), action=Action(action), message=message, severity=Severity(severity), type=kind, station=station,
        event_day=date.fromisoformat(event_day) if event_day else None, event_id=event_id, data=orjson.loads(data),
        measured=orjson.loads(measured), seq=seq, desk=desk, cycle=cycle,
    )  # fmt: skip


def decision_line(row: Sequence[Any]) -> DecisionLine:
    """Return a row of `decisions` as a value."""
    named = dict(zip(columns_of(DECISIONS), row, strict=True))
    checks = tuple(Check(**{**check, "verdict": Verdict(check["verdict"])}) for check in orjson.loads(named["checks"]))
    return DecisionLine(**{
        **named, "scheduled_at": instant(named["scheduled_at"]), "event_day": date.fromisoformat(named["event_day"]),
        "checks": checks, "belief": orjson.loads(named["belief"]),
    })  # fmt: skip


def order_line(row: Sequence[Any]) -> OrderLine:
    """Return a row of `orders` as a value."""
    named = dict(zip(columns_of(ORDERS), row, strict=True))
    return OrderLine(**{
        **named, "scheduled_at": instant(named["scheduled_at"]), "placed_at": instant(named["placed_at"]),
        "event_day": date.fromisoformat(named["event_day"]), "role": Role(named["role"]), "status": Status(named["status"]),
        **{name: instant(named[name]) if named[name] else None for name in ("good_until", "cancel_at")},
    })  # fmt: skip


def fill_line(row: Sequence[Any]) -> FillLine:
    """Return a row of `fills` as a value."""
    named = dict(zip(columns_of(FILLS), row, strict=True))
    return FillLine(**{
        **named, "scheduled_at": instant(named["scheduled_at"]), "at": instant(named["at"]),
        "event_day": date.fromisoformat(named["event_day"]),
        "levels": tuple(Level(*level) for level in orjson.loads(named["levels"])),
    })  # fmt: skip


def ledger_line(row: Sequence[Any]) -> LedgerLine:
    """Return a row of `ledger` as a value."""
    tx, line, desk, run, at, account, token, amount = row
    return LedgerLine(tx, line, desk, run, instant(at), account, token, amount)


def settlement_line(row: Sequence[Any]) -> SettlementLine:
    """Return a row of `settlements` as a value."""
    named = dict(zip(columns_of(SETTLEMENTS), row, strict=True))
    desk, at, scheduled_at, line = (named.pop(name) for name in ("desk", "at", "scheduled_at", "line"))
    settlement = settlement_of({**named, "evidence": orjson.loads(named["evidence"])})
    return SettlementLine(desk, instant(at), instant(scheduled_at), line, settlement)


def risk_line(row: Sequence[Any]) -> RiskLine:
    """Return a row of `risk` as a value."""
    named = dict(zip(columns_of(RISK), row, strict=True))
    return RiskLine(**{
        **named, "scheduled_at": instant(named["scheduled_at"]), "governor": orjson.loads(named["governor"]),
    })  # fmt: skip


def instrument_line(row: Sequence[Any]) -> Instrument:
    """Return a row of `instruments` as a value."""
    return instrument_of(dict(zip(columns_of(INSTRUMENTS), row, strict=True)))
