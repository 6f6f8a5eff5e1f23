"""The gate before every request, in pure ASGI: who may ask, how much may be sent, how long it took."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import error_bytes
from core.clock import monotonic_seconds
from core.errors import SettingsError

log = logging.getLogger("hermes.api")

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_BODY_BYTES = 64 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY_VIOLATION = 1008  # WebSocket close code; before the handshake is complete the server answers 403


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine and nothing else."""
    if host in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_bind(host: str) -> None:
    """Refuse an address that others can reach: there is no token that could protect it."""
    if not is_loopback(host):
        raise SettingsError(f"setting api_host: {host} can be reached from outside, and no token is set; use 127.0.0.1")


def host_of(authority: str) -> str:
    """Return the name in a Host header or an Origin's authority, without port and brackets."""
    try:
        return (urlsplit(f"//{authority}").hostname or "").lower()
    except ValueError:  # a bracket without its partner
        return ""


def host_of_origin(origin: str) -> str:
    """Return the name of an Origin, "" where it is none."""
    try:
        return host_of(urlsplit(origin).netloc)
    except ValueError:
        return ""


class TooLargeError(Exception):
    """The body of a request is longer than the gate lets through."""


class Gate:
    """Refuse strangers, then let the application answer; every reply carries `X-Process-Time-ms`.

    - The peer must be this machine, `Host` one of its names: a name that a foreign page resolved to 127.0.0.1 is refused.
    - `Origin`, where a browser sends one, must be ours for a WebSocket and for everything that changes something.
    - A path answers with and without a trailing slash, without a redirect; HEAD as GET, without the body.
    - An error that nobody foresaw becomes one line for the asker and a trace in the log.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = LOCAL_NAMES) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        path = scope["path"].rstrip("/") or "/"
        scope = {**scope, "path": path, "raw_path": path.encode()} if path != scope["path"] else scope
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send, refusal)
        else:
            await self._http(scope, receive, send, refusal, headers)

    def _refusal(self, scope: Scope, headers: dict[bytes, str]) -> tuple[int, str, str] | None:
        client = scope.get("client")
        if client and not is_loopback(client[0]):
            return 403, "forbidden", "this sidecar answers to its own machine only"
        if host_of(headers.get(b"host", "")) not in self._hosts:
            return 403, "forbidden", f"Host {headers.get(b'host', '')[:80]!r} is not a name of this sidecar; use 127.0.0.1"
        origin = headers.get(b"origin")
        changes = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if origin is not None and changes and host_of_origin(origin) not in self._hosts:
            return 403, "forbidden", f"Origin {origin[:80]!r} may not use this sidecar"
        return None

    async def _socket(self, scope: Scope, receive: Receive, send: Send, refusal: tuple[int, str, str] | None) -> None:
        if refusal:
            await receive()  # websocket.connect
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refusal[2][:120]})
            return
        await self._app(scope, receive, send)

    async def _http(
        self, scope: Scope, receive: Receive, send: Send, refusal: tuple[int, str, str] | None, headers: dict[bytes, str]
    ) -> None:
        started, answered = monotonic_seconds(), False
        bodiless = scope["method"] == "HEAD"
        scope = {**scope, "method": "GET"} if bodiless else scope

        async def timed(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                took = f"{(monotonic_seconds() - started) * 1e3:.2f}".encode()
                message = {**message, "headers": [*message.get("headers", []), (b"x-process-time-ms", took)]}
            elif bodiless and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        if refusal is None and not _fits(headers.get(b"content-length", "0")):
            refusal = 413, "too_large", f"the body may have {MAX_BODY_BYTES} bytes"
        if refusal:
            await _refuse(timed, *refusal)
            return
        try:
            await self._app(scope, _counted(receive), timed)
        except TooLargeError as error:
            if not answered:
                await _refuse(timed, 413, "too_large", str(error))
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if not answered:
                await _refuse(timed, 500, "internal", "this is a fault of Hermes; its trace is in the sidecar's log")


def _fits(length: str) -> bool:
    return length.isdigit() and int(length) <= MAX_BODY_BYTES


def _counted(receive: Receive) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            raise TooLargeError(f"the body may have {MAX_BODY_BYTES} bytes")
        return message

    return counted


async def _refuse(send: Send, status: int, code: str, message: str) -> None:
    body = error_bytes(code, message)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
