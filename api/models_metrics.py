"""The declared shape of the replies about how trading went."""

from __future__ import annotations

import datetime as dt

from pydantic import ConfigDict, Field

from api import examples_metrics as examples
from api.models import Answer, Reply


class FigureReply(Reply):
    name: str
    label: str
    unit: str = Field(description="R, USD, fraction, days, ...; empty for a plain number")
    value: float | None
    reason: str = Field(description="Why there is no value; empty where there is one")
    n: int = Field(description="Observations: decided events, of the tear sheet days")
    least: int = Field(description="Observations below which nothing is said")
    low: float | None
    high: float | None
    level: float = Field(description="Probability of the interval from `low` to `high`")
    definition: str


class DecayReply(Reply):
    window: int
    n: int
    n_before: int
    expected_r: float | None
    expected_r_before: float | None
    profit_factor: float | None
    profit_factor_before: float | None
    warning: str = Field(description="What got much worse: E[R] by more than 30 %, profit factor by more than 20 %")
    reason: str = Field(description="Why nothing can be said yet")


class GroupRowReply(Reply):
    name: str
    n: int
    n_dates: int
    expected_r: float | None
    low: float | None = Field(description="90 % by dates, null below 30 of them")
    high: float | None
    profit_factor: float | None
    win_rate: float | None
    win_rate_wilson_lb: float | None
    break_even_rate: float | None = Field(description="Win rate at which the prices paid break even")
    net_usd: float | None
    turnover_roi: float | None
    verdict: str
    reasons: dict[str, str]


class GroupReply(Reply):
    dimension: str
    rows: list[GroupRowReply]


class MetricsReply(Answer):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.METRICS})
    counted: str = Field(description="What a trade is here")
    window: int
    window_trades: int = Field(description="Decided events within the window")
    profit_factor: float | None = Field(description="Null without a loss; see `reasons`")
    expected_r: float | None
    expected_r_low: float | None = Field(description="90 % by a bootstrap of dates, null below 30 of them")
    expected_r_high: float | None
    win_rate: float | None = Field(description="An event that broke even counts, but is not won")
    win_rate_wilson_lb: float | None
    total_trades: int = Field(description="All decided events that pass, whatever the window")
    total_wins: int
    total_losses: int
    open_trades: int = Field(description="Events that were traded and are not decided")
    avg_win_r: float | None
    avg_loss_r: float | None
    drawdown_r: float | None = Field(description="Deepest fall of the curve of R within the window, which starts at 0")
    total_r: float | None
    costs_share: float | None = Field(description="Fees over the sum of the sizes of results before fees")
    break_even_rate: float | None
    turnover_roi: float | None
    realised_edge_slope: float | None = Field(description="1: claims held")
    sqn: float | None
    net_usd: float | None
    fees_usd: float | None
    reasons: dict[str, str] = Field(description="By field: why it is null")
    verdict: str = Field(description="enough, or what is missing before a return may be claimed")
    decay: DecayReply
    figures: list[FigureReply]
    groups: list[GroupReply]


class PnlDayReply(Reply):
    day: dt.date = Field(description="Desk day, named by the day on which it begins")
    n: int = Field(description="Events that were decided")
    net_usd: float
    net_r: float
    total_usd: float
    total_r: float
    claimed_usd: float = Field(description="What the decisions claimed of all events so far")
    low_usd: float = Field(description="5 of 100 end up below, if every claim is true")
    high_usd: float
    drawdown_r: float
    equity_usd: float | None = Field(
        description="At the end of the day, marked at the bid; null under a filter other than desk"
    )
    equity_drawdown: float | None


class PnlReply(Answer):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.PNL})
    counted: str
    start_usd: float | None
    days: list[PnlDayReply]


class EdgePointReply(Reply):
    claimed: float = Field(description="Mean claimed edge of these events, USD per share bought")
    realised: float
    low: float | None
    high: float | None
    n: int
    n_dates: int


class LadderReply(Reply):
    mid: float
    touch: float
    depth: float
    fees: float
    latency: float = Field(description="What really came of it")


class AttributionReply(Reply):
    n: int
    net_usd: float = Field(description="edge + spread + fee + luck, to the last micro-dollar")
    edge_usd: float
    spread_usd: float
    fee_usd: float
    luck_usd: float
    ladder: LadderReply


class MovedReply(Reply):
    name: str
    kind: str = Field(description="all, maker or taker")
    mean: float | None = Field(description="Our way, USD per share, mean of events")
    low: float | None
    high: float | None
    logit: float | None
    ahead: float | None = Field(description="Share of events of which the price moved our way")
    n: int
    n_dates: int
    executions: int
    unknown: int = Field(description="Executions after which nobody quoted")
    reason: str = Field(description="Why there is no number; empty where there is one")


class ClosingReply(MovedReply):
    degrees: float | None = Field(description="How far the mean that the books imply moved our way, °F, mean of events")
    degrees_low: float | None = Field(description="90 % by dates, null below 30 of them")
    degrees_high: float | None
    degrees_n: int = Field(description="Events")
    degrees_dates: int
    held_mean: int = Field(description="Executions left out: their bracket held the implied mean, so that no way was wanted")
    no_mean: int = Field(description="Executions left out: at entry or at the checkpoint the books implied no mean")
    degrees_reason: str = Field(description="Why there are no degrees; empty where there are")


class FillStepReply(Reply):
    low: float
    high: float
    stated: float
    filled: float
    low_filled: float
    high_filled: float
    n: int


class RestingReply(Reply):
    n: int
    filled: float | None
    low: float | None
    high: float | None
    filled_shares: float | None
    stated: int
    steps: list[FillStepReply]
    reason: str


class EventResultReply(Reply):
    event_id: str
    desk: str
    venue: str
    station_code: str
    city: str
    event_day: dt.date
    extreme: str
    regime: str
    strategy: str
    lead_days: int
    entered_at: dt.datetime
    decided_at: dt.datetime
    trade_id: str
    result_r: float
    risk_usd: float
    net_usd: float
    claimed_usd: float | None
    edge_usd: float
    spread_usd: float
    fee_usd: float
    luck_usd: float


class ReportReply(Answer):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.REPORT})
    n_dates: int
    total: int
    open_events: int
    counted: str
    verdict: str
    figures: list[FigureReply]
    decay: DecayReply
    annual: str = Field(description="What the tear sheet rests on")
    tear_sheet: list[FigureReply]
    edges: list[EdgePointReply]
    slope: float | None
    slope_low: float | None
    slope_high: float | None
    attribution: AttributionReply
    markouts: list[MovedReply]
    closing: list[ClosingReply] = Field(description="Closing line value at declared checkpoints")
    resting: RestingReply
    groups: list[GroupReply]
    worst: list[EventResultReply]
