"""A real HTTP server on a real socket that answers by script."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Script = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Scripted:
    """Answers in order, the last one for ever; remembers what was asked."""

    answers: list[Script]
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def take(self) -> Script:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def reply(status: int, body: object = None, kind: str = "application/json", **headers: str) -> Script:
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def truncated(promised: int, sent: bytes) -> Script:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(promised))
        handler.end_headers()
        handler.wfile.write(sent)
        handler.close_connection = True

    return answer


def silence(scripted: Scripted) -> Script:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        scripted.released.wait(30)
        handler.close_connection = True

    return answer


@contextmanager
def serving(*answers: Script) -> Iterator[Scripted]:
    scripted = Scripted(list(answers))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            scripted.paths.append(self.path)
            scripted.headers.append(dict(self.headers))
            scripted.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
            scripted.take()(self)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    scripted.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield scripted
    finally:
        scripted.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
