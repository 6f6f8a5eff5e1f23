"""The account as a whole: `/api/system/...`."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.deps import ServicesDep, StrictRoute
from api.models_stations import PositionsReply
from api.replies import reply

router = APIRouter(prefix="/api/system", tags=["System"], route_class=StrictRoute)


@router.get("/positions", response_model=PositionsReply, summary="What is held, what it fetches, what each outcome pays")
def positions(services: ServicesDep) -> Response:
    """Return every open position by event, soonest event day first."""
    return reply(services.positions.portfolio())
