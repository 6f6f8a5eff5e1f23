"""The declared shape of every reply: what OpenAPI and `/docs` show, and what the tests hold the bytes against."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, ConfigDict, Field

from api import examples


class Reply(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Answer(Reply):
    as_of: dt.datetime = Field(description="The world's instant of this answer; simulated in a demo")
    source: str = Field(description="Where the numbers come from")
    n: int = Field(description="Stored records behind the answer")
    missing: str = Field(description="What does not exist yet and the command that makes it; empty otherwise")


class Page(Answer):
    count: int = Field(description="Rows in this answer")
    total: int = Field(description="Rows that match")
    limit: int
    offset: int
    has_more: bool


class ErrorBody(Reply):
    code: str
    message: str
    field: str | None = None


class ErrorReply(Reply):
    error: ErrorBody


class RootReply(Reply):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.ROOT})
    name: str
    version: str
    links: dict[str, str]


class HealthReply(Reply):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.HEALTH})
    status: str = Field(description="ok, or degraded with a reason")
    timestamp: dt.datetime
    version: str
    reason: str


class EngineReply(Reply):
    running: bool
    pid: int | None
    started_at: dt.datetime | None
    beat_age_seconds: float | None
    phase: str
    config_hash: str


class CycleReply(Reply):
    number: int
    interval_seconds: int
    last_cycle_time: dt.datetime | None
    next_cycle_time: dt.datetime | None
    seconds_until_next: float | None
    age_seconds: float | None


class CollectionReply(Reply):
    snapshots_dir_exists: bool
    trades_dir_exists: bool = Field(description="There is a journal, which trades are kept in")
    recent_snapshots_24h: int | None = Field(description="Null where no catalogue counts them")


class SourceReply(Reply):
    name: str
    healthy: bool
    last_success: dt.datetime | None
    age_seconds: float | None
    error: str | None
    state: str = Field(description="ok, waiting (not asked yet), no key, limited, unreadable or down")


class RiskReply(Reply):
    can_trade: bool
    state: str = Field(description="normal, flat, pause or unknown")
    reason: str
    tripped: list[str]


class MoneyReply(Reply):
    cash_usd: float | None
    equity_usd: float | None
    day_pnl_usd: float | None
    week_pnl_usd: float | None
    day_pnl_r: float | None
    week_pnl_r: float | None
    at_risk_usd: float | None = Field(description="Worst case of all that is open")
    allowed_usd: float | None
    unit_r_usd: float | None
    fees_usd: float | None
    realized_pnl_usd: float | None
    marked_at: dt.datetime | None


class NoticeReply(Reply):
    severity: str
    code: str
    message: str
    remedy: str


class RegimeReply(Reply):
    event_id: str
    station_code: str
    city: str
    venue: str
    event_day: dt.date
    extreme: str
    regime: str
    reason: str = Field(description="Why nothing is traded in it; empty otherwise")
    age_seconds: float


class SystemReply(Reply):
    system_state: str = Field(description="initializing, ready, analyzing, signal_generated, trading, paused or error")
    current_regime: str = Field(description="Regime of most open events")
    active_strategy: str
    daily_pnl_r: float | None
    weekly_pnl_r: float | None
    current_r: float = Field(description="What size uses, in R0: the step of results")
    consecutive_red_days: int
    can_trade: bool
    risk_reason: str
    desk: str = Field(description="Empty for all together")
    operator_dial: int = Field(description="A person's, 5 (all) to 1 (pause)")
    regimes: list[RegimeReply] = Field(description="Of each open event, the strictest first")


class StatusReply(Answer):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.STATUS})
    timestamp: dt.datetime = Field(description="The machine's instant")
    version: str
    journal_version: int = Field(description="Highest activity seq")
    execution_mode: str
    mode: str
    world: str
    grade: str = Field(description="What the numbers of this world are good for, where that is less than all")
    simulated: bool
    seed: int | None
    speed: float | None
    desk: str
    trading_engine: EngineReply
    cycle: CycleReply
    stations: list[str]
    data_collection: CollectionReply
    sources: dict[str, SourceReply]
    open_events: int
    risk: RiskReply
    money: MoneyReply
    system: SystemReply
    warnings: list[NoticeReply] = Field(description="Most important first")


class EdgeReply(Reply):
    station_code: str
    city: str
    venue: str
    event_id: str
    event_day: dt.date
    extreme: str
    bracket: str
    rank: int = Field(description="0 is the coldest")
    lower: int | None = Field(description="Settlement integers in `unit`, both included; null: open tail")
    upper: int | None
    lower_f: float | None
    upper_f: float | None
    unit: str
    market_id: str
    token_id: str
    side: str = Field(description="YES, NO, or empty when neither can be bought")
    p_zeus: float | None = Field(description="The model's probability of the bracket; the same as p_model")
    p_model: float | None
    p_pooled: float | None
    p_mkt: float | None
    p_market: float | None
    yes_bid: float | None
    yes_ask: float | None
    no_bid: float | None
    no_ask: float | None
    executable_price: float | None = Field(description="What a share of `side` would cost, fees included [USD]")
    edge: float | None = Field(description="Fair value less executable price [USD per share]")
    edge_pct: float | None
    edge_yes: float | None
    edge_no: float | None
    depth_shares: float | None
    f_kelly: float | None = Field(description="Growth-optimal share of wealth")
    size_usd: float = Field(description="Ordered in this cycle, 0 for a skip")
    decision: str
    reason: str = Field(description="Reason code; `deciding` while this cycle's decisions are not written yet")
    decision_time_utc: dt.datetime
    age_seconds: float
    held_yes: float
    held_no: float
    target_yes: float | None = Field(None, description="Shares wanted after all limits; null: this cycle ruled nothing")
    target_no: float | None = None


class EdgesReply(Page):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.EDGES})
    edges: list[EdgeReply]


class LogReply(Reply):
    seq: int
    timestamp: dt.datetime
    level: str
    desk: str
    station_code: str
    event_day: dt.date | None
    event_id: str
    cycle: int
    action_type: str
    type: str
    message: str
    data: dict[str, object]
    measured: dict[str, object] = Field(description="Wall-clock facts; they differ from run to run")
    extreme: str = Field("", description="high or low, of its event; empty where the line is about none")
    venue: str = Field("", description="Of its event; empty where the line is about none")


class LogsReply(Page):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.LOGS})
    logs: list[LogReply]


class LogDayReply(Reply):
    date: dt.date
    label: str
    count: int


class LogDaysReply(Answer):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.LOG_DAYS})
    dates: list[LogDayReply]
