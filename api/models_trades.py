"""The declared shape of trades: one row type for both documented families, its sums, and a settlement look."""

from __future__ import annotations

import datetime as dt

from pydantic import ConfigDict, Field

from api import examples, examples_trade
from api.models import Answer, Page, Reply


class TradeReply(Reply):
    trade_id: str
    timestamp: dt.datetime
    desk: str
    station_code: str
    city: str
    venue: str
    event_id: str
    event_day: dt.date
    extreme: str
    bracket_name: str
    bracket_lower_f: float | None
    bracket_upper_f: float | None
    bracket_lower: int | None
    bracket_upper: int | None
    unit: str
    side: str
    action: str = Field(description="buy, or sell: an exit row of shares that another row opened")
    market_id: str
    token_id: str
    price: float
    shares: float
    fee_usd: float
    size_usd: float
    edge: float | None = Field(
        description="Of a buy: fair value less price with fee; of a sell: price less fee, less fair value [USD per share]"
    )
    edge_pct: float | None
    f_kelly: float | None
    p_zeus: float | None
    p_model: float | None = Field(description="The same as p_zeus")
    p_pooled: float | None
    p_mkt: float | None
    p_market: float | None = Field(description="The same as p_mkt")
    sigma_z: float | None = Field(description="Standard deviation of the model's law, in `unit`")
    model: str
    regime_at_entry: str
    reason: str
    outcome: str = Field(
        description="win, loss, pending or closed (a buy that was sold again); only a final settlement or a sale decides"
    )
    status: str = Field(description="open, closed or settled")
    realized_pnl: float | None = Field(description="Net of this row's own fee")
    pnl_gross: float | None
    result_r: float | None
    resolved_at: dt.datetime | None
    winner_bracket: str | None
    settlement_reading: float | None
    provisional_outcome: str | None = Field(description="What METAR says before the venue's word")
    provisional_winner: str | None
    provisional_reading: float | None
    order_id: str
    decision_id: str
    mode: str
    instrument: str = Field(description="The contract in words")
    symbol: str = Field(description="Station and extreme: what the trade is about from day to day")
    trade_type: str = Field(description="YES or NO; Long or Short where there are no sides")
    strategy_used: str
    timestamp_entry: dt.datetime | None
    timestamp_exit: dt.datetime | None = Field(description="Of the sale, or of the final settlement")
    entry_price: float | None = Field(description="Of a sell: average cost of the shares that it sold")
    exit_price: float | None = Field(description="Of a settled buy: what a share paid")
    stop_price: float | None = Field(description="Null: an event contract has no stop, its worst case is its cost")
    target_price: float | None
    position_size: float
    max_loss_usd: float = Field(description="Worst case at entry, fee included")
    equity_at_entry: float | None
    order_type_entry: str
    order_type_exit: str
    execution_latency_ms_entry: float | None = Field(description="From the sealed inputs to the fill, by the world's clock")
    execution_latency_ms_exit: float | None
    slippage_entry: float | None = Field(
        description="Against the price that the decision saw; above 0 is against us [USD per share]"
    )
    slippage_exit: float | None
    fees_usd: float
    pnl_net: float | None
    result_usd: float | None
    win_loss: str | None = Field(description="Win, Loss or Breakeven by the net result; null: undecided, or told by the sales")
    exit_reason: str | None = Field(description="Target, Stop, Time, Regime_Shift, Manual, Settlement or Flatten")
    holding_minutes: float | None
    mae: float | None = Field(description="Worst that it stood at by the bid, its end included [R]")
    mfe: float | None = Field(description="Best that it stood at by the bid, its end included [R]")
    edge_at_entry: float | None
    spread_at_entry: float | None
    depth_at_entry: float | None = Field(description="Shares shown at the prices that were met")
    operator_state: int | None = Field(description="The operator's dial at entry, 5 (all) to 1 (pause)")
    rule_breaks: list[str] = Field(description="Checks that had refused what was sent all the same")
    notes: str


class TradesReply(Page):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.TRADES})
    trades: list[TradeReply]
    total_size_usd: float = Field(description="Of all rows that match, as the sums that follow")
    total_fee_usd: float
    total_realized_pnl: float
    wins: int
    losses: int
    pending: int
    closed: int = Field(description="Buys whose shares were all sold again; what came of them stands in the sales")


class GroupReply(Reply):
    name: str
    trades: int
    events: int
    wins: int
    losses: int
    pending: int
    size_usd: float
    pnl_usd: float = Field(description="Net, of what is decided")


class TradeSummaryReply(Answer):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples_trade.SUMMARY})
    total_trades: int
    buys: int
    sells: int
    events: int = Field(description="What the rows stand on: one event is one observation")
    wins: int
    losses: int
    pending: int
    closed: int
    win_rate: float | None = Field(description="Of the rows that are decided; null before the first")
    total_size_usd: float
    total_fee_usd: float
    total_gross_pnl: float
    total_realized_pnl: float
    avg_edge_pct: float | None = Field(description="Of the buys, at their decision")
    avg_result_r: float | None
    largest_win_usd: float | None
    largest_loss_usd: float | None
    by: dict[str, list[GroupReply]] = Field(description="venue, station, symbol, side, regime, strategy")
    note: str


class ResolutionReply(Answer):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples_trade.RESOLUTION})
    success: bool = Field(description="There is a journal that could be asked")
    message: str
    resolved: int
    pending: int
    wins: int
    losses: int
    total_pnl: float = Field(description="Net, of what is decided")
    trade_date: dt.date | None
    command_id: str | None = Field(description="Of the look that was asked for; null: nothing waits for one")
