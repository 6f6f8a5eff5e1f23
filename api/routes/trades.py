"""What was bought and sold: `/api/trades/...`."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from api.deps import MAX_PAGE, CallerDep, Day, DayFilter, Limit, Offset, ServicesDep, StationCode, StrictRoute, Venue
from api.models_trade import TradeExplanationReply
from api.models_trades import ResolutionReply, TradesReply, TradeSummaryReply
from api.replies import reply, reply_list, reply_row

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
Strategy = Annotated[
    str | None, Query(pattern=r"^[a-z][a-z0-9_-]{0,31}$", description="Model that decided", examples=["residual"])
]  # fmt: skip
Regime = Annotated[
    str | None, Query(pattern=r"^[A-Z]{1,16}$", description="STABLE, TRENDING, VOLATILE, ...", examples=["STABLE"])
]  # fmt: skip
Symbol = Annotated[
    str | None, Query(pattern=r"^[A-Z0-9]{2,5}(-(HIGH|LOW))?$", description="Station and extreme", examples=["KLGA-HIGH"])
]  # fmt: skip
Desk = Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9_]{1,31}$", description="Desk", examples=["weather"])]
Newest = Annotated[int, Path(ge=1, le=MAX_PAGE, description="Most rows in the answer", examples=[20])]


@router.get("", response_model=TradesReply, summary="Executions, newest first, by any field of theirs")
def trades(
    services: ServicesDep, strategy: Strategy = None, regime: Regime = None, symbol: Symbol = None, desk: Desk = None,
    station_code: StationCode = None, event_day: DayFilter = None, venue: Venue = None, outcome: Outcome = None,
    limit: Limit = 100, offset: Offset = 0,
) -> Response:  # fmt: skip
    """Return executions of which every given field is as asked; a name that nothing can have is an error."""
    answer = services.trades.page(
        strategy=strategy, regime=regime, symbol=symbol, desk=desk, station_code=station_code, event_day=event_day,
        venue=venue, outcome=outcome, limit=limit, offset=offset,
    )  # fmt: skip
    return reply_list(answer, "trades")


@router.get("/recent", response_model=TradesReply, summary="Executions, newest first")
def recent(
    services: ServicesDep, trade_date: TradeDate = None, station_code: StationCode = None, limit: Limit = 50, offset: Offset = 0
) -> Response:
    """Return executions with what became of them."""
    answer = services.trades.recent(trade_date=trade_date, station_code=station_code, limit=limit, offset=offset)
    return reply_list(answer, "trades")


@router.get("/recent/{limit}", response_model=TradesReply, summary="The newest executions")
def newest(services: ServicesDep, limit: Newest) -> Response:
    """Return so many executions with what became of them."""
    return reply_list(services.trades.page(limit=limit), "trades")


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


@router.get("/summary", response_model=TradeSummaryReply, summary="Sums over the executions of a span of event days")
def summary(
    services: ServicesDep, start_date: DayFilter = None, end_date: DayFilter = None, station_code: StationCode = None,
    venue: Venue = None, desk: Desk = None,
) -> Response:  # fmt: skip
    """Return counts and sums, whole and by venue, station, symbol, side, regime and strategy."""
    return reply(
        services.sums.summary(start_date=start_date, end_date=end_date, station_code=station_code, venue=venue, desk=desk)
    )


@router.post("/resolve", response_model=ResolutionReply, summary="Ask the desk for a settlement look now")
def resolve(
    services: ServicesDep, caller: CallerDep, trade_date: TradeDate = None, station_code: StationCode = None
) -> Response:  # fmt: skip
    """Return what is decided of the executions of a UTC day; what is not, the desk is asked to look for at once.

    Asked again before it has looked, it is the same command.
    """
    return reply(services.sums.resolve(caller, trade_date=trade_date, station_code=station_code))


@router.get("/{trade_id}", response_model=TradeExplanationReply, summary="One trade from its inputs to its settlement")
def explain(services: ServicesDep, trade_id: TradeId) -> Response:
    """Return the row, and what was known, believed, allowed, sent and filled, the marks since, and how the event ended."""
    return reply_row(services.explain.explain(trade_id), "trade")
