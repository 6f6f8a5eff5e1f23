"""The sidecar: what a script or a browser asks over HTTP and WebSocket, on this machine only.

Start it with `python -m api`, or `uvicorn api.app:create_app --factory`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI

from api import docs
from api.errors import add_error_replies
from api.models import ErrorReply
from api.routes import ROUTERS
from api.security import LOCAL_NAMES, Gate, check_bind
from api.stream import Hub
from core.services import Services
from core.services.status import VERSION
from core.settings import Settings, load_settings
from core.wiring.faces import build_services

log = logging.getLogger("hermes.api")

DESCRIPTION = (
    "Paper trading on a city's highest and lowest temperature. Every number comes from a stored record; what is asked of a desk is "
    "a command, left here and carried out by its engine."
)
NAME = "api"  # among the processes of an installation
BEAT_SECONDS = 15.0
REFUSALS: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorReply, "description": "A stranger: foreign peer, Host or Origin"},
    404: {"model": ErrorReply, "description": "Unknown route, station or event"},
    422: {"model": ErrorReply, "description": "A parameter is unknown, given twice or malformed"},
    503: {"model": ErrorReply, "description": "A source or the data folder is not ready"},
}


def create_app(settings: Settings | None = None, services: Services | None = None) -> FastAPI:
    """Return the sidecar; SettingsError when it would be reachable from outside."""
    settings = settings or load_settings()
    check_bind(settings.api_host)
    services = services or build_services(settings)
    app = FastAPI(
        title="Hermes", version=VERSION, description=DESCRIPTION, lifespan=_follow, redirect_slashes=False,
        docs_url=None, redoc_url=None, openapi_url="/openapi.json", responses=REFUSALS,
    )  # fmt: skip
    app.state.services, app.state.hub = services, Hub(services.activity)
    for router in ROUTERS:
        app.include_router(router)
    docs.add_pages(app)
    add_error_replies(app)
    app.add_middleware(Gate, hosts=LOCAL_NAMES | {settings.api_host})
    return app


@asynccontextmanager
async def _follow(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    tasks = [asyncio.create_task(app.state.hub.follow()), asyncio.create_task(_beat(services))]
    try:
        yield
    finally:
        await app.state.hub.stop()
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await asyncio.to_thread(services.processes.announce, NAME, "stopped")


async def _beat(services: Services) -> None:
    """Say every so often that the sidecar lives, and under which settings; a folder that comes later hears it too."""
    while True:
        try:
            await asyncio.to_thread(services.processes.announce, NAME)
        except Exception:  # it must never end the stream
            log.exception("the sidecar cannot beat")
        await asyncio.sleep(BEAT_SECONDS)
