"""A real sidecar, a real engine's journal, real kills: the stream goes on where it was."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from api.stream import CHANNELS
from core.journal.reader import JournalReader
from tests.api import world

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0
FOREIGN = Origin("http://evil.example")


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def process(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env={**os.environ, **environment}, text=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield started
    finally:
        kill(started)


def kill(started: subprocess.Popen[str]) -> None:
    """End a process without a chance to say goodbye."""
    if started.poll() is None:
        started.send_signal(signal.SIGKILL)
    started.wait()
    if started.stderr and not started.stderr.closed:
        started.stderr.close()


def wait_for(port: int, started: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if started.poll() is not None:
            raise AssertionError(f"the sidecar ended: {started.communicate()[1]}")
        try:
            urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
            return
        except (URLError, OSError):
            time.sleep(0.05)
    raise AssertionError("the sidecar did not answer")


def wait_for_rows(folder: Path, count: int) -> None:
    reader = JournalReader(folder / "hermes.db")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while reader.version() < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    reader.close()


def listen(port: int, after: int, until: int) -> list[int]:
    """Return the numbers of the rows that come in until one is at least `until`."""
    seqs: list[int] = []
    address = f"ws://127.0.0.1:{port}/ws/trading?after={after}&channels={','.join(CHANNELS)}"
    with connect(address, close_timeout=0.2) as stream:  # what is still on its way is not waited for
        while not seqs or seqs[-1] < until:
            message = json.loads(stream.recv(timeout=PATIENCE_SECONDS))
            if message["type"] not in ("connected", "ping"):
                seqs.append(message["seq"])
    return seqs


def test_the_stream_resumes_over_kills_of_sidecar_and_engine(tmp_path: Path) -> None:
    world.build(tmp_path)
    port = free_port()
    settings = {"HERMES_DATA_DIR": str(tmp_path), "HERMES_API_PORT": str(port), "HERMES_MODE": "demo"}
    with ExitStack() as running:
        sidecar = running.enter_context(process("-m", "api", **settings))
        wait_for(port, sidecar)
        engine = running.enter_context(process("-m", "tests.api.writer", str(tmp_path)))
        seqs = listen(port, after=0, until=60)
        kill(engine)
        kill(sidecar)
        engine = running.enter_context(process("-m", "tests.api.writer", str(tmp_path)))
        wait_for_rows(tmp_path, seqs[-1] + 40)  # said while nobody listened
        sidecar = running.enter_context(process("-m", "api", **settings))
        wait_for(port, sidecar)
        seqs += listen(port, after=seqs[-1], until=seqs[-1] + 80)
        kill(engine)

    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) >= 140


def test_a_real_server_refuses_strangers_and_stops_at_once_when_told(tmp_path: Path) -> None:
    world.build(tmp_path)
    port = free_port()
    settings = {"HERMES_DATA_DIR": str(tmp_path), "HERMES_API_PORT": str(port), "HERMES_MODE": "demo"}
    with process("-m", "api", **settings) as sidecar:
        wait_for(port, sidecar)
        with pytest.raises(HTTPError) as refused:
            urlopen(Request(f"http://127.0.0.1:{port}/api/status", headers={"Host": "evil.example"}), timeout=5)
        with pytest.raises(InvalidStatus, match="403"), connect(f"ws://127.0.0.1:{port}/ws/trading", origin=FOREIGN):
            pass
        with connect(f"ws://127.0.0.1:{port}/ws/trading") as stream:
            assert json.loads(stream.recv(timeout=PATIENCE_SECONDS))["type"] == "connected"
            assert not stream.protocol.extensions  # nothing is compressed
            sidecar.send_signal(signal.SIGTERM)
            assert sidecar.wait(PATIENCE_SECONDS) == 0

    assert refused.value.code == 403
    assert "X-Process-Time-ms" in refused.value.headers
    refused.value.close()


def test_a_taken_port_is_one_clear_line_and_a_wrong_exit(tmp_path: Path) -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with process("-m", "api", HERMES_DATA_DIR=str(tmp_path), HERMES_API_PORT=str(port)) as sidecar:
            _, said = sidecar.communicate(timeout=PATIENCE_SECONDS)

    assert sidecar.returncode == 1
    assert said.count("\n") == 1
    assert f"port {port}" in said
    assert "HERMES_API_PORT" in said
