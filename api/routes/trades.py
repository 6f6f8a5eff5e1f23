"""What was bought and sold: `/api/trades/...`."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from api.deps import Day, DayFilter, Limit, Offset, ServicesDep, StationCode, StrictRoute, Venue
from api.models import TradesReply
from api.models_trade import TradeExplanationReply
from api.replies import reply, reply_list

router = APIRouter(prefix="/api/trades", tags=["Trades"], route_class=StrictRoute)
TradeDate = Annotated[Day | None, Query(description="UTC day of the execution, YYYY-MM-DD", examples=["2026-12-09"])]
Outcome = Annotated[Literal["win", "loss", "pending", "closed"] | None, Query(description="How it ended")]
Extreme = Annotated[Literal["high", "low"] | None, Query(description="Highest or lowest temperature")]
Side = Annotated[Literal["YES", "NO"] | None, Query(description="What was bought")]
Sort = Annotated[
    str, Query(pattern=r"^[a-z ]{1,20}$", description="newest, oldest, largest, best, worst, station or event day")
]  # fmt: skip
TradeId = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9_.-]{3,80}$", description="Of one execution", examples=["x-3c0f9a1b77d2e641-0"])
]  # fmt: skip
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
    venue: Venue = None, extreme: Extreme = None, side: Side = None, outcome: Outcome = None, mode: World = None,
    sort: Sort = "newest", limit: Limit = 100, offset: Offset = 0,
) -> Response:  # fmt: skip
    """Return executions of events from `start_date` to `end_date`, both included."""
    answer = services.trades.history(
        start_date=start_date, end_date=end_date, station_code=station_code, venue=venue, extreme=extreme, side=side,
        outcome=outcome, mode=mode, sort=sort, limit=limit, offset=offset,
    )  # fmt: skip
    return reply_list(answer, "trades")


@router.get("/{trade_id}", response_model=TradeExplanationReply, summary="One trade from its inputs to its settlement")
def explain(services: ServicesDep, trade_id: TradeId) -> Response:
    """Return what was known, believed, allowed, sent and filled, the marks since, and how the event ended."""
    return reply(services.explain.explain(trade_id))
