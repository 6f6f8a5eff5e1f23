"""What a refusal looks like: `{"error": {"code", "message", "field"?}}`, and which status each error takes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from core.errors import (
    BusyError,
    HermesError,
    JournalError,
    NotAllowedError,
    SettingsError,
    SourceError,
    StoreError,
    UnknownIdError,
)

log = logging.getLogger("hermes.api")

STATUS_OF: Mapping[type[HermesError], tuple[int, str]] = {
    UnknownIdError: (404, "unknown"),
    NotAllowedError: (422, "malformed"),
    SourceError: (503, "source_down"),
    StoreError: (503, "data_not_ready"),
    JournalError: (503, "data_not_ready"),
    BusyError: (503, "data_not_ready"),
    SettingsError: (503, "settings"),
}
CODE_OF = {404: "unknown", 405: "method_not_allowed", 413: "too_large", 400: "malformed", 422: "malformed"}


def error_bytes(code: str, message: str, field: str | None = None) -> bytes:
    """Return the body of a refusal."""
    error = {"code": code, "message": message}
    return orjson.dumps({"error": {**error, "field": field} if field else error})


def error_reply(status: int, code: str, message: str, field: str | None = None) -> Response:
    """Return a refusal."""
    return Response(error_bytes(code, message, field), status, media_type="application/json")


def status_of(error: HermesError) -> tuple[int, str]:
    """Return status and code of an error, by its nearest base in the table."""
    return next((STATUS_OF[base] for base in type(error).__mro__ if base in STATUS_OF), (500, "internal"))


def add_error_replies(app: FastAPI) -> None:
    """Answer every error in the one shape."""

    @app.exception_handler(HermesError)
    async def _ours(_request: Request, error: HermesError) -> Response:
        status, code = status_of(error)
        if status >= 500:
            log.warning("%s: %s", type(error).__name__, error)
        return error_reply(status, code, str(error), getattr(error, "field", None))

    @app.exception_handler(RequestValidationError)
    async def _malformed(_request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        field = _field_of(first["loc"])
        got = f" (got {str(first.get('input'))[:80]!r})" if first["type"] != "missing" else ""
        return error_reply(422, "malformed", f"{field}: {first['msg']}{got}", field)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        code = CODE_OF.get(error.status_code, "refused")
        message = f"no route {request.method} {request.url.path}; see /docs" if error.status_code == 404 else str(error.detail)
        return error_reply(error.status_code, code, message)


def _field_of(location: Sequence[int | str]) -> str:
    return str(location[-1]) if len(location) > 1 else str(location[0])
