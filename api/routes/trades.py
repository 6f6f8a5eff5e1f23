"""What was bought and sold: `/api/trades/...`."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from api.deps import Day, DayFilter, Limit, Offset, ServicesDep, StationCode, StrictRoute, Venue
from api.models import TradesReply
from api.replies import reply_list

router = APIRouter(prefix="/api/trades", tags=["Trades"], route_class=StrictRoute)
TradeDate = Annotated[Day | None, Query(description="UTC day of the execution, YYYY-MM-DD", examples=["2026-12-09"])]
Outcome = Annotated[Literal["win", "loss", "pending"] | None, Query(description="How it ended")]
World = Annotated[Literal["live", "demo"] | None, Query(description="Kind of world that the journal belongs to")]


@router.get("/recent", response_model=TradesReply, summary="Executions, newest first")
def recent(
    services: ServicesDep, trade_date: TradeDate = None, station_code: StationCode = None, limit: Limit = 50, offset: Offset = 0
) -> Response:
    """Return executions with what became of them."""
    answer = services.trades.recent(trade_date=trade_date, station_code=station_code, limit=limit, offset=offset)
    return reply_list(answer, "trades")


@router.get("/history", response_model=TradesReply, summary="The same rows of a span of event days")
def history(
    services: ServicesDep, start_date: DayFilter = None, end_date: DayFilter = None, station_code: StationCode = None,
    venue: Venue = None, outcome: Outcome = None, mode: World = None, limit: Limit = 100, offset: Offset = 0,
) -> Response:  # fmt: skip
    """Return executions of events from `start_date` to `end_date`, both included."""
    answer = services.trades.history(
        start_date=start_date, end_date=end_date, station_code=station_code, venue=venue, outcome=outcome, mode=mode,
        limit=limit, offset=offset,
    )  # fmt: skip
    return reply_list(answer, "trades")
