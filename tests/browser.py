"""What the tests in a real browser stand on: Debian's Chromium, a visit that writes down what happened, a dashboard to visit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.supervisor.ports import free_port
from tests.conftest import ROOT, absent

SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
CHART = ".st-key-figure .hermes-plot"
DRAWN = f"{CHART} .main-svg"
PATIENCE = 20_000  # [ms] the longest wait for what is sure to come


@dataclass
class Visit:
    """One look at a page: what it asked for, and what went wrong in it."""

    page: Any
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def hosts(self) -> set[str]:
        """Return every host that the page asked anything of."""
        return {url.split("/")[2] for url in self.requests if "://" in url and not url.startswith(("data:", "blob:"))}


@contextmanager
def launched() -> Iterator[Any]:
    """Run a browser; skip, or fail where one is required, without any."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        absent("browser", "no chromium on this machine")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        absent("browser", "no playwright in this environment")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(SWITCHES))
        yield browser
        browser.close()


def visited(context: Any, address: str, awaited: str) -> Visit:
    """Open an address in a new page and return when what is awaited stands there."""
    seen = Visit(context.new_page())
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.on("websocket", lambda socket: seen.requests.append(socket.url))
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    seen.page.goto(address)
    seen.page.wait_for_selector(awaited, timeout=PATIENCE)
    return seen


@contextmanager
def dashboard(log: Path, script: str = "dashboard/app.py", **environment: str) -> Iterator[str]:
    """Run the dashboard, or another script of pages, and give its address once it answers."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port)],
            cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            _await(f"{address}/_stcore/health", process)
            yield address
        finally:
            process.terminate()
            process.wait(10)


def _await(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "the dashboard ended before it began"
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError(f"{address} never answered")
