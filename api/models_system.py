"""The declared shapes of the system family: state, risk, health, orders, commands."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, ConfigDict, Field

from api import examples_system as examples
from api.models import Answer, Page, Reply, SystemReply


class SystemStatusReply(SystemReply):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.STATUS})


class TripwireReply(Reply):
    name: str
    desk: str
    state: str = Field(description="ok, warn (80 % of the limit), reached, or tripped")
    value: float | None
    limit: float | None = Field(description="Null for what is on or off")
    unit: str
    used: float | None = Field(description="Part of the limit, 1 where it is reached")
    since: dt.datetime | None = Field(description="Since when it holds without a break, world's clock; null where it does not")
    action: str = Field(description="PAUSE: exits only; FLAT: nothing that adds risk; REFUSE: by the order; ALERT: it is said")
    ends: str
    value_usd: float | None
    limit_usd: float | None
    subject: str = Field(description="What is counted, where the name does not say it; empty otherwise")


class ExposureReply(Reply):
    name: str
    desk: str
    state: str = Field(description="ok, warn (80 % of the limit) or reached")
    now: float = Field(description="Of the fullest group, working orders counted as filled")
    limit: float
    unit: str
    used: float
    subject: str = Field(description="Which group is the fullest")
    now_usd: float | None
    limit_usd: float | None


class StressReply(Reply):
    name: str
    desk: str
    pnl_usd: float
    pnl_r: float | None


class StepReply(Reply):
    desk: str
    step: float = Field(description="What results have left of the size, 1 is all")
    dial: int = Field(description="A person's, 5 (all) to 1 (pause)")
    rebases: int
    red_days: int
    entries_day: int
    entries_week: int
    events_settled: int
    flattening: bool


class RiskReportReply(Answer):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.RISK})
    desk: str = Field(description="Empty for all together")
    can_trade: bool
    reason: str
    state: str = Field(description="normal, flat, pause or unknown")
    tripped: list[str]
    tripwires: list[TripwireReply]
    limits: dict[str, float] = Field(description="Settings by name: R0 (`*_r`), USD, shares of equity, per cent")
    exposure: dict[str, ExposureReply] = Field(description="By cap; of several desks the fullest")
    daily_limit_r: float
    weekly_limit_r: float
    daily_pnl_r: float | None
    weekly_pnl_r: float | None
    current_drawdown: float | None = Field(description="Below the reference high [R0], 0 or above")
    unit_r_usd: float | None
    steps: list[StepReply]
    stress: list[StressReply]
    accounts: list[ExposureReply] = Field(description="Used part of each rule of each account profile that is followed")
    goals: list[ExposureReply] = Field(description="What such an account is to reach")
    marked_at: dt.datetime | None


class ComponentReply(Reply):
    state: str = Field(description="ok, warn or down")
    detail: str
    age_seconds: float | None
    since: dt.datetime | None


class SystemHealthReply(Answer):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.HEALTH})
    status: str = Field(description="ok, degraded or down")
    database: str = Field(description="ok or down")
    engine: str = Field(description="running, or what it is instead")
    components: dict[str, ComponentReply]
    timestamp: dt.datetime = Field(description="The machine's instant")
    version: str


class OrderReply(Reply):
    order_id: str
    decision_id: str
    desk: str
    venue: str
    station_code: str
    city: str
    event_id: str
    event_day: dt.date | None
    extreme: str
    bracket: str
    unit: str
    token_id: str
    side: str = Field(description="YES or NO")
    action: str = Field(description="buy or sell")
    role: str = Field(description="entry, exit, stop, goal or cancel")
    status: str = Field(description="State of the order's life, `unknown` where the venue did not answer")
    final: bool
    reason: str = Field(description="Why less than all was filled; empty otherwise")
    shares: float
    filled: float
    limit_price: float
    reference_price: float
    fair_value: float | None
    average_price: float | None
    fee_usd: float
    placed_at: dt.datetime
    age_seconds: float
    good_until: dt.datetime | None
    cancel_at: dt.datetime | None


class OrdersReply(Page):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.ORDERS})
    orders: list[OrderReply]


class ResultReply(Reply):
    seq: int = Field(description="Of the activity row")
    timestamp: dt.datetime
    desk: str
    level: str
    message: str


class CommandReply(Reply):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.COMMAND})
    command_id: str
    verb: str
    to: str
    arguments: dict[str, object]
    by: str
    asked_at: dt.datetime = Field(description="The machine's instant")
    state: str = Field(description="pending, taken (its cycle runs) or done")
    heard: bool = Field(description="Whether an engine runs to hear it; else it is obeyed when one starts")
    message: str
    taken_at: dict[str, dt.datetime] = Field(description="By desk, world's clock")
    results: list[ResultReply] = Field(description="The activity rows with this id")
    also: list[str] = Field(description="Commands that were left together with it")


class CommandsReply(Page):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.COMMANDS})
    commands: list[CommandReply]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    command_id: str | None = Field(
        None, pattern=r"^[0-9a-f]{32}$", description="Your own id: asked again under it, it is the same command"
    )


class ReasonBody(Body):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": "storm outside every model"}})
    reason: str = Field(min_length=3, max_length=200, description="Why, in words")


class AtWillBody(Body):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": "the storm is over"}})
    reason: str | None = Field(None, min_length=3, max_length=200, description="Why, in words")


class LiftBody(AtWillBody):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": "the storm is over"}})
    tripwire: str | None = Field(None, pattern=r"^[a-z_]{3,40}$", description="One that a person ends; left out, all of them")


class DialBody(AtWillBody):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"level": 3, "reason": "tired"}})
    level: int = Field(ge=1, le=5, strict=True, description="5 is full size, 1 pauses")
