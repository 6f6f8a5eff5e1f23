"""The declared shape of one trade explained from its inputs to its settlement."""

from __future__ import annotations

import datetime as dt

from pydantic import ConfigDict, Field

from api import examples_trade as examples
from api.models import Reply
from api.models_trades import TradeReply


class MomentsReply(Reply):
    number: int
    cause: str
    scheduled_at: dt.datetime
    sealed_at: dt.datetime = Field(description="Nothing that came later was known")
    fill_at: dt.datetime


class VintageReply(Reply):
    kind: str
    source: str
    subject: str
    issued_at: dt.datetime | None
    received_at: dt.datetime
    first_at: dt.datetime = Field(description="When this very content was first received")
    age_seconds: float = Field(description="At the decision, since it was received")
    content_age_seconds: float
    what: str
    quarantined: list[str]
    path: str = Field(description="Of its file, in the data folder; empty where it is gone")
    sha256: str = Field(description="Of the bytes that the source sent")


class RuleReply(Reply):
    sentence: str
    station_code: str
    source: str
    source_url: str
    statistic: str
    unit: str
    precision: str
    rounding: str
    window: str
    grade: str
    sha256: str
    text: str
    refusal: str


class MeasureReply(Reply):
    name: str
    value: float | None
    limit: float | None
    unit: str = Field(description="Of value and limit: s, °; empty for a plain number")


class BelievedBracketReply(Reply):
    rank: int
    bracket: str
    lower: int | None
    upper: int | None
    p_model: float | None
    p_market: float | None
    p_pooled: float | None
    edge: float | None
    side: str
    traded: bool


class BeliefReply(Reply):
    unit: str
    mean: float | None = Field(description="Of the model's law, in `unit`")
    sd: float | None
    forecast: float | None
    floor: float | None = Field(description="Extreme observed by then")
    p_no_more: float | None
    p_model: float | None
    p_market: float | None
    p_pooled: float | None
    pool_weight: float | None
    fair: float | None = Field(description="Of a share of the traded side [USD]")
    price: float | None = Field(description="All-in, of the reference size; of a sale what it fetched less fee [USD per share]")
    edge: float | None = Field(description="Fair value less price; of a sale price less fair value [USD per share]")
    fraction: float | None
    n_residuals: int | None
    regime: str
    regime_reason: str
    measures: list[MeasureReply]
    brackets: list[BelievedBracketReply]


class PartReply(Reply):
    weight: float
    location: float
    sd: float
    df: float | None = Field(description="Degrees of freedom; null: normal")


class DistributionReply(Reply):
    readings: list[int] = Field(description="Those that have a chance, in the rule's unit")
    p: list[float]
    floor: float | None = Field(description="Extreme observed by then")
    p_no_more: float | None
    parts: list[PartReply] = Field(description="Components of the law")


class OfferReply(Reply):
    price: float
    shares: float


class BookReply(Reply):
    received_at: dt.datetime
    age_seconds: float
    bids: list[OfferReply]
    asks: list[OfferReply]
    n_levels: int


class FeeLineReply(Reply):
    price: float
    shares: float
    fee_usd: float


class TermsReply(Reply):
    formula: str
    rate: float
    exponent: float
    rounding: str
    lines: list[FeeLineReply]
    fee_usd: float = Field(description="By the formula")
    booked_usd: float
    tick: float
    minimum_shares: float


class SizingReply(Reply):
    held: float
    wanted: float
    allowed: float
    ordered: float = Field(description="Below 0 sells")
    filled: float
    reason: str = Field(description="The limit that bound, or why nothing did")
    sentence: str
    role: str = Field(
        description="view: its own edge is positive; hedge: it pays where the views lose; arbitrage: part of a sure set"
    )
    optimum: float | None = Field(description="Of a desk without limits [shares]; null: the decision did not keep it")
    kelly_share: float | None = Field(description="Part of the optimum that is wanted")
    correlation_scale: float | None
    lock_up: float | None = Field(description="Cost of the capital until the event is paid")
    growth: float | None
    marginal_value: float | None


class AskedReply(Reply):
    name: str
    stage: str
    sentence: str
    formula: str
    value: float | None
    limit: float | None
    verdict: str = Field(description="pass, shrink, refuse, not_applicable or not_built")
    allowed_shares: float | None
    bound: bool = Field(description="This check set the size")
    unit: str = Field(description="Of value and limit: R, $, $ per share, shares, s, min, × size, a share; empty for a number")


class SentReply(Reply):
    order_id: str
    role: str
    status: str
    limit_price: float
    reference_price: float
    placed_at: dt.datetime
    reason: str
    kind: str = Field(description="Immediate or resting")
    fair: float | None = Field(description="Value of a share that it was sent at")
    good_until: dt.datetime | None = Field(description="Null: at once or never")
    cancel_at: dt.datetime | None


class StepReply(Reply):
    state: str
    at: dt.datetime
    note: str


class CostsReply(Reply):
    mid: float | None
    decision_price: float | None = Field(description="Average that the decision saw for its size [USD per share]")
    fill_price: float
    half_spread: float | None = Field(description="Above 0 is against us, as the next ones [USD per share]")
    walk: float | None
    latency: float | None = Field(description="Fill price less the decision's")
    fee: float
    total: float | None
    total_usd: float | None


class AttributionReply(Reply):
    edge: float | None = Field(description="Fair value against the mid [USD]; the parts add up to net")
    spread: float | None
    latency: float | None
    fee: float
    luck: float | None = Field(description="What the shares paid, or were worth when sold, over fair value")
    net: float | None


class TakenReply(Reply):
    price: float
    shown: float
    taken: float


class ExecutionReply(Reply):
    trade_id: str
    at: dt.datetime
    shares: float
    price: float
    fee_usd: float
    levels: list[TakenReply]
    this: bool


class MarksReply(Reply):
    n: int = Field(description="Cycles since, before the reduction")
    at: list[dt.datetime]
    bid: list[float | None]
    value: list[float | None] = Field(description="Of the shares of this trade at that bid; null once they are gone [USD]")
    source: str = Field(description="evaluations, recorded books or recorded prints")
    mae: float | None
    mfe: float | None


class WordReply(Reply):
    finality: str = Field(description="provisional: ours from METAR; final: the venue's")
    revision: int
    at: dt.datetime
    winner: str
    wins: bool
    reading: float | None
    evidence: dict[str, object]
    corrects: bool = Field(description="It replaces an earlier word of the same kind")
    paid_usd: float | None = Field(description="Moved to cash for all that was held of the token")


class TradeExplanationReply(TradeReply):
    """The row of the trade, and beside its fields the parts of its explanation."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.EXPLANATION})
    as_of: dt.datetime = Field(description="The world's instant of this answer; simulated in a demo")
    source: str = Field(description="Where the numbers come from")
    n: int = Field(description="Stored records that the decision stood on")
    missing: str = Field(description="What does not exist yet and the command that makes it; empty otherwise")
    trade: TradeReply
    moments: MomentsReply | None
    inputs: list[VintageReply]
    rule: RuleReply | None
    belief: BeliefReply | None
    distribution: DistributionReply | None = Field(description="Null where the evaluation of that cycle kept none")
    decision_book: BookReply | None
    fill_book: BookReply | None
    terms: TermsReply | None
    sizing: SizingReply | None
    checks: list[AskedReply]
    order: SentReply | None
    life: list[StepReply] = Field(description="States of the order with their instants")
    fills: list[ExecutionReply]
    costs: CostsReply
    marks: MarksReply
    words: list[WordReply]
    agreed: bool | None = Field(description="Ours and the venue's; null while one is missing")
    attribution: AttributionReply
    notes: list[str]  # type: ignore[assignment]  # those of the row, and what is not there
