"""The demo world on a loopback port: `python -m venues.demo.server --seed 7 --port 0 --announce FILE`."""

from __future__ import annotations

import argparse
import gc
import os
import signal
from collections.abc import Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import FrameType

import orjson

from venues.demo.answers import Answer, reply
from venues.demo.world import INSTANT_HEADER, World

_LOOPBACK = "127.0.0.1"
_MOST_BYTES = 1_000_000  # of a request's body


class DemoServer(ThreadingHTTPServer):
    """One world behind one loopback address."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, world: World, port: int) -> None:
        self.world = world
        super().__init__((_LOOPBACK, port), _Handler)

    @property
    def port(self) -> int:
        """Return the port that is listened on."""
        return int(self.server_address[1])


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
        self._write(self.server.world.answer(self.command, self.path, body, self.headers.get(INSTANT_HEADER)))

    def _write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.status != 204:
            self.wfile.write(answer.body)
        self.wfile.flush()


def serve(
    seed: int, port: int = 0, *, announce: Path | None = None, speed: float = 1.0, start: datetime | None = None
) -> None:  # fmt: skip
    """Serve a world until SIGTERM or SIGINT; write port and process id to `announce` once it listens.

    Its own clock, for requests without an instant, runs from `start`, or from now: so a desk on the machine's clock can use it.
    """
    server = DemoServer(World(seed, speed=speed, start=start or datetime.now(UTC)), port)

    def stop(_number: int, _frame: FrameType | None) -> None:
        Thread(target=server.shutdown).start()  # from within the loop it would wait for itself

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    gc.freeze()
    if announce is not None:
        _announce(announce, server.port)
    with server:
        server.serve_forever(poll_interval=0.1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m venues.demo.server", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="which world")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--announce", type=Path, help="file that receives port and process id")
    parser.add_argument("--speed", type=float, default=1.0, help="of its own clock, for requests without an instant")
    parser.add_argument("--start", type=datetime.fromisoformat, help="of its own clock, ISO with offset (default: now)")
    chosen = parser.parse_args(arguments)
    serve(chosen.seed, chosen.port, announce=chosen.announce, speed=chosen.speed, start=chosen.start)


def _announce(file: Path, port: int) -> None:
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_bytes(orjson.dumps({"port": port, "pid": os.getpid()}))
    os.replace(draft, file)


if __name__ == "__main__":
    main()
