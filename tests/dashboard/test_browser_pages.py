"""All stations, and Positions & trades, in a real browser over a small world: nothing is fetched, nothing overflows."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from core.settings import Settings
from core.wiring.faces import build_services
from tests.browser import PATIENCE

pytestmark = pytest.mark.browser

MAP = ".st-key-map .hermes-plot"


def test_the_map_is_drawn_without_asking_the_outside(address: str, visit: Any) -> None:
    seen = visit(f"{address}/stations", awaited=f"{MAP} .main-svg")

    assert seen.hosts == {address.split("/")[2]}
    assert seen.errors == []
    dots = seen.page.evaluate(f"document.querySelector('{MAP}').data.map(trace => trace.x.length)")
    assert dots[0] > 1000
    assert dots[1] == 1


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("path", ["/stations", "/positions"])
def test_no_page_scrolls_sideways_in_any_theme(
    address: str, visit: Any, tmp_path: Path, path: str, width: int, dark: bool
) -> None:  # fmt: skip
    awaited = ".card" if path == "/stations" else ".st-key-live .grid.trades"
    page = visit(f"{address}{path}", width=width, dark=dark, awaited=awaited).page
    page.screenshot(path=tmp_path / "page.png", full_page=True)

    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= width
    assert page.locator('[data-state="error"]').count() == 0
    ground = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert ground == ("rgb(15, 18, 23)" if dark else "rgb(255, 255, 255)")


def test_a_click_on_a_trade_explains_it_and_leads_back(address: str, visit: Any) -> None:
    seen = visit(f"{address}/positions", awaited=".grid.trades a")
    page = seen.page

    page.locator(".grid.trades a").first.click()
    page.wait_for_selector("[data-trade]", timeout=PATIENCE)
    page.wait_for_selector(".st-key-part_belief .main-svg", timeout=PATIENCE)
    assert "trade=x-" in page.url
    assert page.locator('td[data-field="verdict"]').first.inner_text() == "pass"
    page.get_by_text("← all trades").click()
    page.wait_for_selector(".grid.trades a", timeout=PATIENCE)

    assert "trade=" not in page.url
    assert seen.errors == []


def test_a_card_opens_its_event_on_live(address: str, visit: Any) -> None:
    page = visit(f"{address}/stations", awaited=".card").page

    page.locator(".card").nth(1).click()
    page.wait_for_selector(".st-key-ladder .grid", timeout=PATIENCE)

    assert page.locator("h1").inner_text() == "New York · highest temperature · Thu 10 Dec"


def test_what_is_downloaded_is_what_is_shown(address: str, visit: Any, folder: Path) -> None:
    page = visit(f"{address}/positions?side=NO", awaited=".grid.trades").page

    with page.expect_download() as waiting:
        page.locator(".st-key-csv_trades button:visible").click()
    rows = list(csv.DictReader(Path(waiting.value.path()).read_text("utf-8").splitlines()))

    shown = build_services(Settings(data_dir=folder, mode="live")).trades.history(side="NO").trades
    assert [row["trade"] for row in rows] == [trade.trade_id for trade in shown]
    assert [row["side"] for row in rows] == [f"{trade.action} NO" for trade in shown]
    assert page.locator(".grid.trades tbody tr").count() == len(rows)
    assert "side=NO" in page.url
