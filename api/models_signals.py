"""The declared shapes of a signal: what is asked, and what the desk would do."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from api import examples_system as examples
from api.deps import Day
from api.models import Answer, Reply

MOST_BARS = 1_000
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Size = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _upper(text: object) -> object:
    return text.upper() if isinstance(text, str) else text


class BarBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    timestamp: dt.datetime
    open: Positive
    high: Positive
    low: Positive
    close: Positive
    volume: Size

    @model_validator(mode="after")
    def _ordered(self) -> BarBody:
        if not self.low <= min(self.open, self.close) <= max(self.open, self.close) <= self.high:
            raise ValueError(f"bar {self.timestamp}: open and close must lie between low and high")
        if self.timestamp.tzinfo is None:
            raise ValueError(f"bar {self.timestamp}: a timestamp needs its zone, as 2026-12-09T18:15:00Z")
        return self


class SignalBody(BaseModel):
    """Either `station_code` and `event_day`, or `symbol`, `bars_data`, `current_price`, `bid` and `ask`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.SIGNAL_ASK})
    desk: str | None = Field(None, pattern=r"^[a-z][a-z0-9_]{1,31}$", description="weather or futures; left out, it follows")
    station_code: Annotated[str | None, BeforeValidator(_upper)] = Field(
        None, pattern=r"^[A-Z0-9]{3,5}$", description="ICAO code of a station"
    )
    event_day: Day | None = Field(None, description="YYYY-MM-DD in the station's own day")
    extreme: str | None = Field(None, pattern=r"^(high|low)$", description="high or low; left out, both")
    venue: str | None = Field(None, pattern=r"^[a-z][a-z0-9_]{1,31}$", description="Venue; left out, all")
    symbol: str | None = Field(None, pattern=r"^[A-Za-z0-9._]{1,16}$", description="Futures symbol")
    bars_data: list[BarBody] | None = Field(
        None, min_length=1, max_length=MOST_BARS, description="Completed bars, oldest first"
    )
    current_price: Positive | None = None
    bid: Positive | None = None
    ask: Positive | None = None
    bid_size: Size | None = None
    ask_size: Size | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> SignalBody:
        about_event = self.station_code is not None or self.event_day is not None
        if about_event == (self.symbol is not None):
            raise ValueError("give either station_code and event_day, or symbol with its bars")
        needed = ("station_code", "event_day") if about_event else ("bars_data", "current_price", "bid", "ask")
        others = ("bars_data", "current_price", "bid", "ask", "bid_size", "ask_size") if about_event else ("extreme", "venue")
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{missing[0]} is missing")
        foreign = [name for name in others if getattr(self, name) is not None]
        if foreign:
            raise ValueError(f"{foreign[0]} does not go with {'station_code' if about_event else 'symbol'}")
        self._check(about_event=about_event)
        return self

    def _check(self, *, about_event: bool) -> None:
        own = "weather" if about_event else "futures"
        if self.desk not in (None, own):
            raise ValueError(f"desk {self.desk} does not take this question; {own} does")
        if not about_event and (self.bid or 0.0) > (self.ask or 0.0):
            raise ValueError("bid is above ask")
        at = [bar.timestamp for bar in self.bars_data or ()]
        if any(first >= second for first, second in pairwise(at)):
            raise ValueError("bars_data: bars must follow each other, oldest first")


class SignalReply(Reply):
    direction: str = Field(description="buy or sell")
    side: str = Field(description="YES or NO")
    bracket: str
    venue: str
    event_id: str
    token_id: str
    entry_price: float | None = Field(description="Worst price that the order would accept [USD per share]")
    reference_price: float | None = Field(description="Average price that the book shows for the size")
    size: float = Field(description="[shares]")
    size_usd: float | None
    edge: float | None = Field(description="After fees [USD per share]")
    strategy: str
    reason: str


class PartReply(Reply):
    verdict: str = Field(description="Strictest of its checks: pass, shrink or refuse; not_asked where nothing was wanted")
    bound: list[str] = Field(description="Checks that shrank or refused")
    checks: int


class CheckReply(Reply):
    name: str
    family: str
    sentence: str
    value: float | None
    limit: float | None
    unit: str
    verdict: str
    allowed: float | None = Field(description="Largest size it allows [shares]; null: no bound")


class ConsideredReply(Reply):
    event_id: str
    bracket: str
    side: str
    held: float
    wanted: float
    allowed: float
    order: float = Field(description="Signed; 0: none")
    reason: str
    sentence: str


class PreviewedReply(Reply):
    event_id: str
    venue: str
    city: str
    extreme: str
    regime: str
    best_side: str
    best_bracket: str
    best_edge: float | None
    reason: str = Field(description="Code: why nothing is wanted; empty where something is")


class GeneratedReply(Answer):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": examples.GENERATED})
    desk: str
    signal_generated: bool
    signal: SignalReply | None = Field(description="The one with the most dollars")
    signals: list[SignalReply]
    reason: str
    regime: str
    active_strategy: str
    risk: PartReply
    constraints: PartReply
    guard: PartReply
    checks: list[CheckReply] = Field(description="Of the signal, else of what came nearest")
    considered: list[ConsideredReply]
    events: list[PreviewedReply]
    places_orders: bool = Field(description="Never")
