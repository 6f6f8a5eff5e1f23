"""What the desk believes now: `/api/edges/...`."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.deps import DayFilter, Limit, Offset, ServicesDep, StationCode, StrictRoute, Venue
from api.models import EdgesReply
from api.replies import reply_list

router = APIRouter(prefix="/api/edges", tags=["Edges"], route_class=StrictRoute)


@router.get("/current", response_model=EdgesReply, summary="Every bracket of the newest evaluation, skips included")
def current(
    services: ServicesDep, station_code: StationCode = None, event_day: DayFilter = None, venue: Venue = None,
    limit: Limit = 200, offset: Offset = 0,
) -> Response:  # fmt: skip
    """Return brackets by falling edge; events whose settlement window is over are absent."""
    answer = services.edges.current(station_code=station_code, event_day=event_day, venue=venue, limit=limit, offset=offset)
    return reply_list(answer, "edges")
