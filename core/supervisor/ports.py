"""Whether a port is ours to take."""

from __future__ import annotations

import socket

from core.errors import BusyError


def check_free(what: str, port: int, option: str) -> None:
    """Return when the loopback port is free; BusyError names it and the way out."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise BusyError(
                f"port {port} for the {what} is taken ({error.strerror}); free it or give another {option}"
            ) from None


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
