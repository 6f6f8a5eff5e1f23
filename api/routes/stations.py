"""Where temperatures are measured, and what is open there: `/api/stations...`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.deps import Limit, Offset, ServicesDep, StationPath, StrictRoute, Venue
from api.models_stations import StationDetailReply, StationsReply
from api.replies import reply, reply_list

router = APIRouter(prefix="/api/stations", tags=["Stations"], route_class=StrictRoute)
Region = Annotated[
    str | None, Query(pattern=r"^[a-z0-9-]{1,40}$", description="Weather region", examples=["us-northeast"])
]  # fmt: skip


@router.get("", response_model=StationsReply, summary="Every station with an evaluated event")
def stations(
    services: ServicesDep, venue: Venue = None, region: Region = None, limit: Limit = 100, offset: Offset = 0
) -> Response:
    """Return stations by code, each with its newest METAR and the sums of its events."""
    return reply_list(services.stations.stations(venue=venue, region=region, limit=limit, offset=offset), "stations")


@router.get("/{code}", response_model=StationDetailReply, summary="One station, its events and how venues list them")
def station(services: ServicesDep, code: StationPath) -> Response:
    """Return one station of the registry."""
    return reply(services.stations.station(code))
