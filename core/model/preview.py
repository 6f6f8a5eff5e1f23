"""Questions and answers that never trade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from core.model.decision import Decision
from core.model.event import Instrument
from core.units import Columns


@dataclass(frozen=True, slots=True)
class EventAsk:
    station_code: str
    event_day: date
    at: datetime | None = None  # None: now; an instant: that cycle again
    extreme: str = ""  # "" both
    venue: str = ""  # "" all


@dataclass(frozen=True, slots=True)
class BarsAsk:
    symbol: str
    bars: Columns
    price: float
    bid: float
    ask: float


PreviewAsk = EventAsk | BarsAsk


@dataclass(frozen=True, slots=True)
class PreviewedEvent:
    """What was believed of one event that was asked about."""

    event_id: str
    venue: str
    city: str
    extreme: str
    regime: str
    best_side: str
    best_bracket: str
    best_edge: float | None  # after fees [USD per share]
    reason: str  # code: why nothing is wanted in it, "" where something is


@dataclass(frozen=True, slots=True)
class Preview:
    """What the desk would do at `as_of`, and nothing done; prices by token in USD per share."""

    desk: str
    as_of: datetime
    regime: str
    strategy: str
    rows: Columns  # one for each bracket that was evaluated
    decisions: tuple[Decision, ...]
    reason: str  # in words, where there is no decision to tell it
    events: tuple[PreviewedEvent, ...] = ()
    instruments: Mapping[str, Instrument] = field(default_factory=dict)  # of the decisions, by token
    limits: Mapping[str, float] = field(default_factory=dict)  # worst price of each order
    references: Mapping[str, float] = field(default_factory=dict)  # average price shown for it
