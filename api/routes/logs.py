"""The journal's activity: `/api/logs/...`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.deps import Day, Limit, Offset, ServicesDep, StationCode, StrictRoute
from api.models import LogDaysReply, LogsReply
from api.replies import reply, reply_list
from core.model.activity import Action, Severity

router = APIRouter(prefix="/api/logs", tags=["Logs"], route_class=StrictRoute)
EventDays = Annotated[
    str | None,
    Query(
        pattern=r"^(\d{4}-\d{2}-\d{2}|today|tomorrow|past_3_days|future)$", examples=["today"],
        description="Event day YYYY-MM-DD, or today, tomorrow, past_3_days, future, in each station's own day",
    ),
]  # fmt: skip
RowDay = Annotated[Day | None, Query(description="UTC day of the row, as in `/api/logs/available-dates`")]
Level = Annotated[Severity | None, Query(description="Least level")]
Text = Annotated[str | None, Query(max_length=200, description="Part of the message, upper or lower case")]


@router.get("/activity", response_model=LogsReply, summary="The activity log, newest first")
def activity(
    services: ServicesDep, station_code: StationCode = None, event_day: EventDays = None,
    action_type: Annotated[Action | None, Query(description="What the row is about")] = None, log_level: Level = None,
    text: Text = None, day: RowDay = None, limit: Limit = 100, offset: Offset = 0,
) -> Response:  # fmt: skip
    """Return rows that match every given filter."""
    answer = services.activity.logs(
        station_code=station_code, event_day=event_day, action_type=action_type, log_level=log_level, text=text, day=day,
        limit=limit, offset=offset,
    )  # fmt: skip
    return reply_list(answer, "logs")


@router.get("/available-dates", response_model=LogDaysReply, summary="Days that have rows, newest first")
def available_dates(services: ServicesDep) -> Response:
    """Return the UTC days of the log with their number of rows."""
    return reply(services.activity.dates())
