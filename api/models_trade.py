"""The declared shape of one trade explained from its inputs to its settlement."""

from __future__ import annotations

import datetime as dt

from pydantic import ConfigDict, Field

from api import examples_trade as examples
from api.models import Answer, Reply, TradeReply


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


class WordReply(Reply):
    finality: str = Field(description="provisional: ours from METAR; final: the venue's")
    revision: int
    at: dt.datetime
    winner: str
    wins: bool
    reading: float | None
    evidence: dict[str, object]


class TradeExplanationReply(Answer):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.EXPLANATION})
    trade: TradeReply
    moments: MomentsReply | None
    inputs: list[VintageReply]
    rule: RuleReply | None
    belief: BeliefReply | None
    decision_book: BookReply | None
    fill_book: BookReply | None
    terms: TermsReply | None
    sizing: SizingReply | None
    checks: list[AskedReply]
    order: SentReply | None
    fills: list[ExecutionReply]
    marks: MarksReply
    words: list[WordReply]
    agreed: bool | None = Field(description="Ours and the venue's; null while one is missing")
    notes: list[str]
