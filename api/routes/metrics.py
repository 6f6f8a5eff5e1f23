"""How trading went: `/api/metrics`, `/api/performance/...`."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from api.deps import Day, ServicesDep, StationCode, StrictRoute, Venue
from api.models_metrics import MetricsReply, PnlReply, ReportReply
from api.replies import reply
from core.services.choice import Choice

router = APIRouter(prefix="/api", tags=["Performance"], route_class=StrictRoute)
Desk = Annotated[
    str | None, Query(pattern=r"^[a-z][a-z0-9_]{1,31}$", description="Desk; left out, the account as a whole", examples=["weather"])
]  # fmt: skip
Strategy = Annotated[
    str | None, Query(pattern=r"^[a-z][a-z0-9_]{0,31}$", description="Model that decided", examples=["residual"])
]
Regime = Annotated[str | None, Query(pattern=r"^[A-Z_]{2,20}$", description="Regime at entry", examples=["STABLE"])]
Symbol = Annotated[
    str | None, Query(pattern=r"^[A-Z0-9]{2,8}(-[A-Z]{2,8})?$", description="Station and extreme", examples=["KLGA-HIGH"])
]
Lead = Annotated[int | None, Query(ge=0, le=10, description="Days from entry to event day, in the station's own time")]
Side = Annotated[Literal["YES", "NO"] | None, Query(description="Legs of one side alone")]
Extreme = Annotated[Literal["high", "low"] | None, Query(description="Highest or lowest temperature")]
Window = Annotated[int, Query(ge=1, le=10_000, description="Newest decided events")]
AnyWindow = Annotated[int | None, Query(ge=1, le=100_000, description="Newest decided events; left out, all")]
Days = Annotated[int | None, Query(ge=1, le=10_000, description="Event days up to the newest that is decided")]
Start = Annotated[Day | None, Query(description="First event day, YYYY-MM-DD", examples=["2026-12-01"])]
End = Annotated[Day | None, Query(description="Last event day, YYYY-MM-DD", examples=["2026-12-09"])]


def _choice(
    desk: Desk = None, station_code: StationCode = None, venue: Venue = None, lead: Lead = None, side: Side = None,
    strategy: Strategy = None, regime: Regime = None, symbol: Symbol = None, extreme: Extreme = None, start_date: Start = None,
    end_date: End = None, days: Days = None, window: AnyWindow = None,
) -> Choice:  # fmt: skip
    return Choice(
        desk, station_code, venue, lead, side, strategy, regime, symbol, extreme, start_date, end_date, days, window
    )  # fmt: skip


ChoiceDep = Annotated[Choice, Depends(_choice)]


@router.get("/metrics", response_model=MetricsReply, summary="Figures of the newest decided events, in R")
def metrics(
    services: ServicesDep, window: Window = 20, desk: Desk = None, strategy: Strategy = None, regime: Regime = None,
    symbol: Symbol = None,
) -> Response:  # fmt: skip
    """Return rolling figures, each with its n, interval or the reason why there is none; one event is one observation."""
    return reply(services.metrics.metrics(window=window, desk=desk, strategy=strategy, regime=regime, symbol=symbol))


@router.get("/performance/pnl", response_model=PnlReply, summary="Results by desk day, with the equity of a desk")
def pnl(services: ServicesDep, choice: ChoiceDep) -> Response:
    """Return what was decided on each desk day, summed up, beside what the decisions claimed."""
    return reply(services.performance.pnl(choice))


@router.get("/performance/metrics", response_model=ReportReply, summary="Figures, tear sheet, edges, parts, markouts, tables")
def report(services: ServicesDep, choice: ChoiceDep) -> Response:
    """Return everything that is known of how trading went, for the trades that the filters let through."""
    return reply(services.metrics.report(choice))
