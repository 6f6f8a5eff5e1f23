"""What routes ask for: the services, and query values that are checked before anything is looked up."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterator
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BeforeValidator

from core.errors import NotAllowedError
from core.model.command import Caller, Scope
from core.services import Services

MAX_PAGE = 1000


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _caller(request: Request) -> Caller:
    """Return who asks: the gate lets only this machine through, and its people may command."""
    return Caller("the sidecar", frozenset(Scope))


def parse_day(text: object) -> object:
    """Let only `YYYY-MM-DD` through: numbers would be read as seconds since 1970."""
    if isinstance(text, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError("a day is written YYYY-MM-DD")
    return date.fromisoformat(text) if isinstance(text, str) else text


def _upper(text: object) -> object:
    return text.upper() if isinstance(text, str) else text


CallerDep = Annotated[Caller, Depends(_caller)]
ServicesDep = Annotated[Services, Depends(_services)]
Day = Annotated[date, BeforeValidator(parse_day)]
StationCode = Annotated[
    str | None,
    BeforeValidator(_upper),
    Query(pattern=r"^[A-Z0-9]{3,5}$", description="ICAO code of a station", examples=["KLGA"]),
]
StationPath = Annotated[
    str,
    BeforeValidator(_upper),
    Path(pattern=r"^[A-Z0-9]{3,5}$", description="ICAO code of a station", examples=["KLGA"]),
]
DayFilter = Annotated[Day | None, Query(description="Event day in the station's own day, YYYY-MM-DD", examples=["2026-12-09"])]
Venue = Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9_]{1,31}$", description="Venue", examples=["polymarket"])]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most rows in the answer")]
Offset = Annotated[int, Query(ge=0, le=10_000_000, description="Rows to skip")]


class StrictRoute(APIRoute):
    """A route that refuses query parameters it does not know, and parameters given twice."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler, known = super().get_route_handler(), frozenset(_query_names(self.dependant))

        async def strict(request: Request) -> Response:
            names = [name for name, _ in request.query_params.multi_items()]
            for name in names:
                if name not in known:
                    offered = ", ".join(sorted(known)) or "none"
                    raise NotAllowedError(f"unknown parameter {name[:40]!r}; this route takes: {offered}", name[:40])
                if names.count(name) > 1:
                    raise NotAllowedError(f"parameter {name} is given {names.count(name)} times", name)
            return await handler(request)

        return strict


def _query_names(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _query_names(inner)
