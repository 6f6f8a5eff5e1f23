"""Questions and answers that never trade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from core.model.decision import Decision
from core.units import Columns


@dataclass(frozen=True, slots=True)
class EventAsk:
    station_code: str
    event_day: date
    at: datetime | None = None  # None: now; an instant: that cycle again
    overrides: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class BarsAsk:
    symbol: str
    bars: Columns
    price: float
    bid: float
    ask: float


PreviewAsk = EventAsk | BarsAsk


@dataclass(frozen=True, slots=True)
class Preview:
    desk: str
    as_of: datetime
    regime: str
    strategy: str
    rows: Columns
    decisions: tuple[Decision, ...]
    reason: str
