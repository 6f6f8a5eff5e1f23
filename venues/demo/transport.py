"""The demo world behind a `requests` session, without a socket: the same bytes as the server gives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from venues.demo.world import INSTANT_HEADER, World


class DemoAdapter(BaseAdapter):
    """Answers every request from a world; mount it for http:// and https://."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """Return the world's answer to a prepared request."""
        parts = urlsplit(request.url or "")
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        answer = self._world.answer(request.method or "GET", target, _bytes(request.body), _instant(request))
        response = Response()
        response.status_code = answer.status
        response.reason = HTTPStatus(answer.status).phrase
        response.headers = CaseInsensitiveDict({"Content-Type": answer.kind, "Content-Length": str(len(answer.body))})
        response.encoding = "utf-8"
        response.raw = BytesIO(answer.body)
        response.url = request.url or ""
        response.request = request
        response.elapsed = timedelta()
        return response

    def close(self) -> None:
        """Release nothing."""


def _bytes(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else b""


def _instant(request: PreparedRequest) -> str | None:
    value = request.headers.get(INSTANT_HEADER)
    return value.decode() if isinstance(value, bytes) else value
