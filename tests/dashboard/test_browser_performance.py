"""Performance in a real browser: every chart is drawn, nothing overflows, the address keeps what was picked, files are whole."""

from __future__ import annotations

import csv
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api import history
from tests.conftest import ROOT
from tests.dashboard.test_browser import PATIENCE, _await, chromium, visit

pytestmark = pytest.mark.browser

__all__ = ["chromium", "visit"]  # fixtures of this module too
CHARTS = ("equity", "edges", "parts", "ladder")
WORST = ".grid.worst"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("weeks")
    history.build(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (tmp_path_factory.mktemp("log") / "streamlit.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "dashboard/app.py", "--server.port", str(port)],
        cwd=ROOT, env={**os.environ, "HERMES_DATA_DIR": str(folder), "HERMES_MODE": "live"}, stdout=log,
        stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        _await(f"http://127.0.0.1:{port}/_stcore/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
        log.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 900, 1440])
def test_every_chart_is_drawn_and_no_width_scrolls_sideways(address: str, visit: Any, width: int, dark: bool) -> None:
    seen = visit(f"{address}/performance", width=width, dark=dark, awaited=WORST)
    for name in CHARTS:
        seen.page.wait_for_selector(f".st-key-plot_{name} .main-svg", timeout=PATIENCE)

    assert seen.page.evaluate("document.querySelector('.stMain').scrollWidth") <= width
    assert seen.page.locator("[data-state]").count() == 0
    assert seen.errors == []
    hosts = {url.split("/")[2] for url in seen.requests if "://" in url and not url.startswith(("data:", "blob:"))}
    assert hosts == {address.split("/")[2]}


def test_a_picked_filter_stays_in_the_address_and_narrows_the_figures(address: str, visit: Any) -> None:
    page = visit(f"{address}/performance?window=20", awaited=WORST).page

    page.locator(".st-key-side input").click()
    page.get_by_role("option", name="NO").click()
    page.wait_for_function("document.body.innerText.includes('they have no equity of their own')", timeout=PATIENCE)

    assert "side=NO" in page.url
    assert "window=20" in page.url
    assert page.locator(".facts").first.inner_text().startswith("decided events 20")


def test_all_decided_events_can_be_downloaded(address: str, visit: Any) -> None:
    page = visit(f"{address}/performance", awaited=WORST).page

    with page.expect_download() as waiting:
        page.locator(".st-key-csv_events button:visible").click()
    rows = list(csv.DictReader(Path(waiting.value.path()).read_text("utf-8").splitlines()))

    assert page.locator(f"{WORST} tbody tr").count() == 10
    assert len(rows) == history.N_DAYS
    assert {row["result $"] for row in rows} == {"84.5", "-15.5"}


def test_one_of_the_worst_is_explained_by_a_click(address: str, visit: Any) -> None:
    page = visit(f"{address}/performance", awaited=WORST).page

    page.locator(f"{WORST} a").first.click()
    page.wait_for_url("**/positions?trade=*", timeout=PATIENCE)
