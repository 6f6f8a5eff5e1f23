"""Is Hermes running, fresh and within risk: `/api/status`."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.deps import ServicesDep, StrictRoute
from api.models import StatusReply
from api.replies import reply

router = APIRouter(prefix="/api/status", tags=["Status"], route_class=StrictRoute)


@router.get("", response_model=StatusReply, summary="Engine, cycle, sources, money and risk in one answer")
def status(services: ServicesDep) -> Response:
    """Return the strip of the dashboard."""
    return reply(services.status.strip())
