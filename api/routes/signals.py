"""Would the desk trade now: `/api/signals/generate`, alias `/api/signal`. Nothing is ever ordered here."""

from __future__ import annotations

import numpy as np
from fastapi import APIRouter, Response

from api.deps import ServicesDep, StrictRoute
from api.models_signals import BarBody, GeneratedReply, SignalBody
from api.replies import reply
from core.model.preview import BarsAsk, EventAsk
from core.units import Columns, micros

router = APIRouter(prefix="/api", tags=["Signals"], route_class=StrictRoute)


@router.post("/signals/generate", response_model=GeneratedReply, summary="Evaluate now and rule; trade nothing")
@router.post("/signal", response_model=GeneratedReply, summary="Evaluate now and rule; trade nothing")
def generate(services: ServicesDep, asked: SignalBody) -> Response:
    """Return what the desk would send now for an event, or why nothing; bars are answered with what is missing."""
    return reply(services.signals.generate(_ask(asked)))


def _ask(asked: SignalBody) -> EventAsk | BarsAsk:
    if asked.station_code is not None and asked.event_day is not None:
        return EventAsk(asked.station_code, asked.event_day, extreme=asked.extreme or "", venue=asked.venue or "")
    prices = (asked.current_price or 0.0, asked.bid or 0.0, asked.ask or 0.0)
    return BarsAsk(str(asked.symbol).upper(), _columns(asked.bars_data or []), *prices)


def _columns(bars: list[BarBody]) -> Columns:
    names = ("open", "high", "low", "close", "volume")
    at = np.array([micros(bar.timestamp) for bar in bars], np.int64)
    return {"at": at, **{name: np.array([getattr(bar, name) for bar in bars], np.float64) for name in names}}
