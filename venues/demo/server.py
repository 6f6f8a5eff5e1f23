"""The demo world on a loopback port: `python -m venues.demo.server --seed 7 --port 0 --announce FILE`."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from types import FrameType
from typing import Any

import orjson

from venues.demo.answers import Answer, Carriage, reply
from venues.demo.faults import names_of
from venues.demo.stream import StreamServer
from venues.demo.world import INSTANT_HEADER, World

_LOOPBACK = "127.0.0.1"
_MOST_BYTES = 1_000_000  # of a request's body
_DRIPS = 200  # pieces of a body that drips


class DemoServer(ThreadingHTTPServer):
    """One world behind one loopback address."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, world: World, port: int, *, hang_seconds: float = 60.0, drip_seconds: float = 0.3) -> None:
        self.world = world
        self.hang_seconds, self.drip_seconds = hang_seconds, drip_seconds
        self.stopping = Event()  # ends what hangs and drips
        super().__init__((_LOOPBACK, port), _Handler)

    @property
    def port(self) -> int:
        """Return the port that is listened on."""
        return int(self.server_address[1])

    def shutdown(self) -> None:
        """Stop serving, also those who were made to wait."""
        self.stopping.set()
        super().shutdown()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent about those who hang up: after a fault that is what a client should do."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # otherwise each small answer waits for an acknowledgement
    wbufsize = 65_536  # headers and body leave together
    timeout = 600
    server: DemoServer

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        text = self.headers.get("Content-Length", "")
        if not text.isdigit() or int(text) > _MOST_BYTES:
            self.close_connection = True
            self._write(reply({"error": "Content-Length is missing or too large"}, 413))
            return
        self._serve(self.rfile.read(int(text)))

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent: the asking process keeps the log."""

    def _serve(self, body: bytes) -> None:
        instant, headers = self.headers.get(INSTANT_HEADER), dict(self.headers.items())
        self._write(self.server.world.answer(self.command, self.path, body, instant, headers))

    def _write(self, answer: Answer) -> None:
        if answer.carriage is Carriage.HANG:
            self.close_connection = True
            self.server.stopping.wait(self.server.hang_seconds)
            return
        self.send_response_only(answer.status)
        sent = {"Content-Type": answer.kind, "Content-Length": str(len(answer.body)), **dict(answer.headers)}
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        if answer.status != 204:
            self._write_body(answer)
        self.wfile.flush()

    def _write_body(self, answer: Answer) -> None:
        if answer.carriage is Carriage.WHOLE:
            self.wfile.write(answer.body)
            return
        self.close_connection = True
        if answer.carriage is Carriage.CUT_OFF:
            self.wfile.write(answer.body[: len(answer.body) // 2])
            return
        piece = max(1, len(answer.body) // _DRIPS)
        for start in range(0, len(answer.body), piece):
            self.wfile.write(answer.body[start : start + piece])
            self.wfile.flush()
            if self.server.stopping.wait(self.server.drip_seconds):
                return


def serve(
    seed: int, port: int = 0, *, stream_port: int = 0, announce: Path | None = None, speed: float = 1.0,
    start: datetime | None = None, faults: str = "none", fault_rate: float = 0.0,
) -> None:  # fmt: skip
    """Serve a world until SIGTERM or SIGINT; write ports and process id to `announce` once it listens.

    Its own clock, for requests without an instant, runs from `start`, or from now: so a desk on the machine's clock can use it.
    """
    world = World(seed, speed=speed, start=start or datetime.now(UTC), faults=faults, fault_rate=fault_rate)
    server, stream = DemoServer(world, port), StreamServer(world, stream_port)

    def stop(_number: int, _frame: FrameType | None) -> None:
        Thread(target=server.shutdown).start()  # from within the loop it would wait for itself

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    gc.freeze()
    with server, stream:
        if announce is not None:
            _announce(announce, server.port, stream.port)
        server.serve_forever(poll_interval=0.1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m venues.demo.server", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="which world")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--stream-port", type=int, default=0, help="of the exchange's live channel; 0 takes a free one")
    parser.add_argument("--announce", type=Path, help="file that receives ports and process id")
    parser.add_argument("--speed", type=float, default=1.0, help="of its own clock, for requests without an instant")
    parser.add_argument("--start", type=datetime.fromisoformat, help="of its own clock, ISO with offset (default: now)")
    parser.add_argument("--faults", type=_faults, default="none", help="none, all, or names with commas")
    parser.add_argument("--fault-rate", type=float, default=0.0, help="chance of a fault outside of episodes, at each request")
    chosen = parser.parse_args(arguments)
    serve(
        chosen.seed, chosen.port, stream_port=chosen.stream_port, announce=chosen.announce, speed=chosen.speed,
        start=chosen.start, faults=chosen.faults, fault_rate=chosen.fault_rate,
    )  # fmt: skip


def _faults(text: str) -> str:
    try:
        names_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _announce(file: Path, port: int, stream_port: int) -> None:
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_bytes(orjson.dumps({"port": port, "stream_port": stream_port, "pid": os.getpid()}))
    os.replace(draft, file)


if __name__ == "__main__":
    main()
