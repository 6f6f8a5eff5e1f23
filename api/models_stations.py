"""The declared shapes of stations and positions."""

from __future__ import annotations

import datetime as dt

from pydantic import ConfigDict, Field

from api import examples_stations as examples
from api.models import Answer, Page, Reply


class StationReply(Reply):
    station_code: str
    name: str
    city: str
    country: str
    latitude: float
    longitude: float
    elevation_metres: float
    tz: str
    region: str = Field(description="Weather region: stations within 600 km")
    report_minutes: list[int] = Field(description="Minutes past the hour of the routine reports")
    report_precision: str = Field(description="tenths or whole degrees Celsius")
    venues: list[str]
    open_events: int
    held_events: int
    at_risk_usd: float = Field(description="Worst case of all that is held here")
    pnl_usd: float | None = Field(
        description="Of the events shown: booked less fees, and what the books take of what is open; null without a book"
    )
    best_edge: float | None
    metar_c: float | None = Field(description="Newest METAR [°C]")
    metar_at: dt.datetime | None
    metar_age_seconds: float | None


class StationsReply(Page):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.STATIONS})
    stations: list[StationReply]


class StationCardReply(Reply):
    event_id: str
    station_code: str
    city: str
    venue: str
    event_day: dt.date
    extreme: str = Field(description="high or low")
    unit: str
    region: str
    state: str = Field(description="watched, held, not traded, day over or settled")
    why: str = Field(description="What forbids to trade it")
    forecast: float | None = Field(description="Best mean forecast of the extreme, in `unit`")
    metar: float | None = Field(description="Newest METAR, in `unit`")
    metar_at: dt.datetime | None
    metar_age_seconds: float | None
    floor: float | None = Field(description="Settlement reading observed so far")
    best_edge: float | None
    best_side: str
    best_bracket: str
    regime: str
    held: list[str]
    at_risk_usd: float
    pnl_usd: float | None
    age_seconds: float = Field(description="Of the evaluation; all ages of a reply are at one instant")
    window_start: dt.datetime
    window_end: dt.datetime


class ListingReply(Reply):
    venue: str
    extreme: str
    series: str = Field(description="Under which name the venue lists the station's events")
    evidence: str
    grade: str


class StationDetailReply(Answer):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.STATION})
    station: StationReply
    events: list[StationCardReply]
    listings: list[ListingReply]


class HoldingReply(Reply):
    token_id: str
    market_id: str
    bracket: str
    rank: int
    side: str
    shares: float
    average_price: float
    cost_usd: float
    bid: float | None = Field(description="Average that the whole holding would fetch now, fees apart; null: too little is bid")
    bid_at: dt.datetime | None
    bid_age_seconds: float | None
    value_usd: float | None
    unrealised_usd: float | None
    sellable_usd: float = Field(description="What the book takes of it now; the rest counts as nothing")
    unit: str = Field(description="Of the bracket: F or C")


class OutcomeReply(Reply):
    rank: int
    bracket: str
    pays_usd: float = Field(description="What all holdings of the event pay if this bracket wins")
    pnl_usd: float = Field(description="That less their cost, fees apart")
    p_pooled: float | None
    possible: bool = Field(description="False: the observed extreme rules it out")


class EventPositionReply(Answer):
    event_id: str
    venue: str
    station_code: str
    city: str
    event_day: dt.date | None
    extreme: str
    holdings: list[HoldingReply]
    cost_usd: float
    value_usd: float | None
    unrealised_usd: float | None
    fees_usd: float
    realized_usd: float
    worst_usd: float
    best_usd: float
    outcomes: list[OutcomeReply]


class PositionsReply(Answer):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.POSITIONS})
    cash_usd: float | None
    equity_usd: float | None
    at_risk_usd: float = Field(description="Sum over events of the worst case")
    events: list[EventPositionReply]
