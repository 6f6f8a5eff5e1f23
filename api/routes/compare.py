"""Forecasts beside what METAR gave: `/api/compare/...`."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from api.deps import DayFilter, Offset, ServicesDep, StationCode, StrictRoute, Venue
from api.models_verification import ComparisonsReply
from api.replies import reply_list
from core.services.settled import Question

router = APIRouter(prefix="/api/compare", tags=["Compare"], route_class=StrictRoute)
MOST_ROWS = 200  # each reads the listing and the reports of its day once
Extreme = Annotated[Literal["high", "low"] | None, Query(description="Highest or lowest temperature")]
Rows = Annotated[int, Query(ge=1, le=MOST_ROWS, description="Most rows in the answer")]


@router.get("/zeus-vs-metar", response_model=ComparisonsReply, summary="Forecast of the evening before against METAR, by day")
def zeus_vs_metar(
    services: ServicesDep, station_code: StationCode = None, event_day: DayFilter = None, start_date: DayFilter = None,
    end_date: DayFilter = None, venue: Venue = None, extreme: Extreme = None, limit: Rows = 50, offset: Offset = 0,
) -> Response:  # fmt: skip
    """Return settled events, newest day first; `event_day` names one day, `start_date` and `end_date` a span of them."""
    question = Question(station_code, venue, extreme, day=event_day, first=start_date, last=end_date)
    return reply_list(services.verification.compare(question, limit=limit, offset=offset), "comparisons")
