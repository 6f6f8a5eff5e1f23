"""Performance in a real browser: every chart is drawn, nothing overflows, the address keeps what was picked, files are whole."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.api import history
from tests.browser import PATIENCE

pytestmark = pytest.mark.browser

CHARTS = ("equity", "edges", "parts", "ladder")
WORST = ".grid.worst"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weeks of trading."""
    made = tmp_path_factory.mktemp("weeks")
    history.build(made)
    return made


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 900, 1440])
def test_every_chart_is_drawn_and_no_width_scrolls_sideways(address: str, visit: Any, width: int, dark: bool) -> None:
    seen = visit(f"{address}/performance", width=width, dark=dark, awaited=WORST)
    for name in CHARTS:
        seen.page.wait_for_selector(f".st-key-plot_{name} .main-svg", timeout=PATIENCE)

    assert seen.page.evaluate("document.querySelector('.stMain').scrollWidth") <= width
    assert seen.page.locator("[data-state]").count() == 0
    assert seen.errors == []
    assert seen.hosts == {address.split("/")[2]}


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
