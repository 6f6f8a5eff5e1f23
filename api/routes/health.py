"""Is the sidecar there: `/`, `/api`, `/health`."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.deps import ServicesDep, StrictRoute
from api.models import HealthReply, RootReply
from api.replies import reply
from core.services.status import VERSION

router = APIRouter(tags=["Health"], route_class=StrictRoute)
LINKS = {
    "docs": "/docs", "openapi": "/openapi.json", "health": "/health", "status": "/api/status", "edges": "/api/edges/current",
    "trades": "/api/trades/recent", "stations": "/api/stations", "positions": "/api/system/positions",
    "system": "/api/system/status", "risk": "/api/risk",
    "logs": "/api/logs/activity", "stream": "/ws/trading",
}  # fmt: skip


@router.get("/", response_model=RootReply, summary="Name, version, links")
@router.get("/api", response_model=RootReply, summary="Name, version, links")
def root() -> Response:
    """Say what this is and where things are."""
    return reply({"name": "hermes", "version": VERSION, "links": LINKS})


@router.get("/health", response_model=HealthReply, summary="Is the sidecar able to answer")
def health(services: ServicesDep) -> Response:
    """Answer while the sidecar can answer, also when the engine rests: its state is in `/api/status`."""
    return reply(services.status.health())
