"""`python -m api`: bind first, so that a taken port is one clear line, then serve."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from types import FrameType
from typing import Any

import uvicorn

from api.app import create_app
from core import log
from core.errors import BusyError, HermesError
from core.settings import load_settings

# Clients send a few short lines: large frames are refused, and nothing is compressed (it costs more than it saves on loopback).
OPTIONS: dict[str, Any] = {
    "ws": "websockets-sansio", "ws_per_message_deflate": False, "ws_max_size": 16 * 1024, "ws_ping_interval": 20.0,
    "proxy_headers": False, "server_header": False, "access_log": False, "timeout_graceful_shutdown": 3,
}  # fmt: skip


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket; BusyError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        remedy = "stop the process that has it, or choose another with HERMES_API_PORT"
        raise BusyError(f"port {port} on {host} cannot be used ({error.strerror}); {remedy}") from None
    return listener


def main(arguments: list[str] | None = None) -> int:
    """Serve until stopped; 0, or 1 after one line on standard error."""
    parser = argparse.ArgumentParser(prog="python -m api", description="The sidecar: HTTP and WebSocket on this machine.")
    parser.add_argument("--port", type=int, help="port instead of HERMES_API_PORT")
    given = parser.parse_args(arguments)
    try:
        settings = load_settings(**({"api_port": given.port} if given.port is not None else {}))
        log.configure(settings, "api")
        app = create_app(settings)
        listener = bound_socket(settings.api_host, settings.api_port)
    except HermesError as error:
        sys.stderr.write(f"api: {error}\n")
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _told_to_stop)
    server = uvicorn.Server(uvicorn.Config(app, log_level=settings.log_level.lower(), **OPTIONS))
    with listener:
        server.run(sockets=[listener])
    return 0


def _told_to_stop(_number: int, _frame: FrameType | None) -> None:
    """End well: the server gives us the signal again once it has closed everything."""
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
