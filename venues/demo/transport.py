"""The demo world behind a `requests` session, without a socket: the same bytes as the server gives, without its waits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, ReadTimeout, Response
from requests.adapters import BaseAdapter
from requests.exceptions import ChunkedEncodingError
from requests.structures import CaseInsensitiveDict

from venues.demo.answers import Answer, Carriage
from venues.demo.world import INSTANT_HEADER, World


class DemoAdapter(BaseAdapter):
    """Answers every request from a world; mount it for http:// and https://."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """Return the world's answer to a prepared request; what would not come in time is not waited for."""
        parts = urlsplit(request.url or "")
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = {name: _text(value) for name, value in request.headers.items()}
        named = request.headers.get(INSTANT_HEADER)
        instant = None if named is None else _text(named)
        answer = self.world.answer(request.method or "GET", target, _bytes(request.body), instant, headers)
        if answer.carriage in (Carriage.HANG, Carriage.DRIP):
            raise ReadTimeout(f"{parts.netloc}: Read timed out. (read timeout={timeout})", request=request)
        if answer.carriage is Carriage.CUT_OFF:
            raise ChunkedEncodingError(
                f"Connection broken: IncompleteRead({len(answer.body) // 2} bytes read)", request=request
            )
        return _response(request, answer)

    def close(self) -> None:
        """Release nothing."""


def _response(request: PreparedRequest, answer: Answer) -> Response:
    response = Response()
    response.status_code = answer.status
    response.reason = HTTPStatus(answer.status).phrase
    sent = {"Content-Type": answer.kind, "Content-Length": str(len(answer.body))}
    response.headers = CaseInsensitiveDict({**sent, **dict(answer.headers)})
    response.encoding = "utf-8"
    response.raw = BytesIO(answer.body)
    response.url = request.url or ""
    response.request = request
    response.elapsed = timedelta()
    return response


def _bytes(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else b""


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
