"""The account as a whole or one desk of it: `/api/system/...`, `/api/risk`; what a person may command."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response

from api.deps import CallerDep, Limit, Offset, ServicesDep, StationCode, StrictRoute
from api.models_stations import PositionsReply
from api.models_system import (
    AtWillBody,
    CommandReply,
    CommandsReply,
    DialBody,
    LiftBody,
    OrdersReply,
    ReasonBody,
    RiskReportReply,
    SystemHealthReply,
    SystemStatusReply,
)
from api.replies import reply, reply_list

router = APIRouter(prefix="/api", tags=["System"], route_class=StrictRoute)
ACCEPTED = 202
Desk = Annotated[
    str | None, Query(pattern=r"^[a-z][a-z0-9_]{1,31}$", description="Desk; left out, all together", examples=["weather"])
]  # fmt: skip
Status = Annotated[
    str | None,
    Query(pattern=r"^[a-z_]{2,20}$", description="State of the order's life, or open for all that are not final", examples=["open"]),
]  # fmt: skip
CommandId = Annotated[
    str,
    Path(pattern=r"^[A-Za-z0-9-]{3,80}$", description="As the answer to a command gave it", examples=["0f8c2d1e5b6a47c39d2e1f0a4b5c6d7e"]),
]  # fmt: skip
NO_BODY, NO_WIRE = AtWillBody(), LiftBody()


@router.get(
    "/system/status", response_model=SystemStatusReply, summary="State, regime, size, P&L in R; `system` of /api/status"
)
def status(services: ServicesDep, desk: Desk = None) -> Response:
    """Return the state of a desk, or of all together, and the regime of each open event."""
    return reply(services.system.state(desk))


@router.get("/system/risk", response_model=RiskReportReply, summary="Every tripwire and limit: now, limit, since")
@router.get("/risk", response_model=RiskReportReply, summary="Every tripwire and limit: now, limit, since")
def risk(services: ServicesDep, desk: Desk = None) -> Response:
    """Return how near every limit is, in R0 unless its unit says otherwise."""
    return reply(services.risk.risk(desk))


@router.get(
    "/system/health", response_model=SystemHealthReply, summary="Journal, control, catalogue, heartbeat, sources, clock, disk"
)
def health(services: ServicesDep, desk: Desk = None) -> Response:
    """Return every component with what was found."""
    return reply(services.system.health(desk))


@router.get("/system/orders", response_model=OrdersReply, summary="Working and recent orders, newest first")
def orders(
    services: ServicesDep, status: Status = None, station_code: StationCode = None, desk: Desk = None, limit: Limit = 50,
    offset: Offset = 0,
) -> Response:  # fmt: skip
    """Return orders with the state of their life."""
    found = services.orders.orders(status=status, station_code=station_code, desk=desk, limit=limit, offset=offset)
    return reply_list(found, "orders")


@router.get("/system/positions", response_model=PositionsReply, summary="What is held, what it fetches, what each outcome pays")
def positions(services: ServicesDep, desk: Desk = None) -> Response:
    """Return every open position by event, soonest event day first."""
    return reply(services.positions.portfolio(desk))


@router.get("/system/commands", response_model=CommandsReply, summary="What people asked, newest first, and what came of it")
def commands(services: ServicesDep, limit: Limit = 20, offset: Offset = 0) -> Response:
    """Return commands with the activity rows that answer them."""
    return reply_list(services.operator.commands(limit, offset), "commands")


@router.get("/system/commands/{command_id}", response_model=CommandReply, summary="What became of a command")
def command(services: ServicesDep, command_id: CommandId) -> Response:
    """Return one command with the activity rows that answer it."""
    return reply(services.operator.command(command_id))


@router.post(
    "/system/flatten_all",
    response_model=CommandReply,
    status_code=ACCEPTED,
    summary="Sell all that can be sold, and add no risk",
)
def flatten_all(services: ServicesDep, caller: CallerDep, asked: ReasonBody) -> Response:
    """Leave a flatten and a kill for every desk; answered at once, carried out at the next look."""
    return _left(services.operator.ask("flatten", {"reason": asked.reason}, caller, asked.command_id))


@router.post("/system/kill", response_model=CommandReply, status_code=ACCEPTED, summary="Throw the kill switch: exits only")
def kill(services: ServicesDep, caller: CallerDep, asked: Annotated[AtWillBody, Body()] = NO_BODY) -> Response:
    """Leave a kill for every desk; never refused for want of an engine."""
    return _left(services.operator.ask("kill", _reason(asked), caller, asked.command_id))


@router.post("/system/lift", response_model=CommandReply, status_code=ACCEPTED, summary="Lift the kill switch")
def lift(services: ServicesDep, caller: CallerDep, asked: Annotated[LiftBody, Body()] = NO_WIRE) -> Response:
    """Leave a lift of the kill switch, and of every other tripwire that a person ends; refused while data/KILL is there."""
    wire = {} if asked.tripwire is None else {"tripwire": asked.tripwire}
    return _left(services.operator.ask("lift", {**wire, **_reason(asked)}, caller, asked.command_id))


@router.post(
    "/system/dial", response_model=CommandReply, status_code=ACCEPTED, summary="Set the operator's dial, 5 (all) to 1 (pause)"
)
def dial(services: ServicesDep, caller: CallerDep, asked: DialBody) -> Response:
    """Leave a position of the dial."""
    return _left(services.operator.ask("dial", {"level": asked.level, **_reason(asked)}, caller, asked.command_id))


@router.post(
    "/system/rebase", response_model=CommandReply, status_code=ACCEPTED, summary="Count the drawdown from here, at half size"
)
def rebase(services: ServicesDep, caller: CallerDep, asked: ReasonBody) -> Response:
    """Leave a rebase of the reference high; the engine grants it at most twice."""
    return _left(services.operator.ask("rebase", {"reason": asked.reason}, caller, asked.command_id))


def _reason(asked: AtWillBody) -> dict[str, object]:
    return {} if asked.reason is None else {"reason": asked.reason}


def _left(state: object) -> Response:
    return reply(state, ACCEPTED)
