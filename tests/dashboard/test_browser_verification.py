"""Forecast vs METAR in a real browser: every chart is drawn, nothing overflows, the address keeps what was picked."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.api import world
from tests.api.settled import Event, days, gate, write
from tests.browser import PATIENCE

pytestmark = pytest.mark.browser

CHARTS = ("scores", "reliability", "transform", "leads", "edges")
RECORD = ".grid.settlements"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 highs of two stations, METAR apart on the newest of each."""
    made = tmp_path_factory.mktemp("world")
    world.build(made)
    events = [
        Event(f"{station}-{i}", day, station=station, own_winner=int(i == 0), claimed=0.05 + i / 1_000, realised=0.02)
        for station in ("KLGA", "KMIA")
        for i, day in enumerate(days(30))
    ]
    write(made, events, [gate("polymarket 12:45", 37, 20)])
    return made


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 900, 1440])
def test_every_chart_is_drawn_and_no_width_scrolls_sideways(address: str, visit: Any, width: int, dark: bool) -> None:
    seen = visit(f"{address}/verification", width=width, dark=dark, awaited=RECORD)
    for name in CHARTS:
        seen.page.wait_for_selector(f".st-key-plot_{name} .main-svg", timeout=PATIENCE)

    assert seen.page.evaluate("document.querySelector('.stMain').scrollWidth") <= width
    assert seen.page.locator("[data-state]").count() == 0
    assert seen.errors == []
    assert seen.hosts == {address.split("/")[2]}


def test_a_picked_filter_stays_in_the_address_and_narrows_the_record(address: str, visit: Any) -> None:
    page = visit(f"{address}/verification?station=KMIA", awaited=RECORD).page

    page.locator(".st-key-record input").click()
    page.get_by_role("option", name="disagreements").click()
    page.wait_for_function(f"document.querySelectorAll('{RECORD} tbody tr').length === 1", timeout=PATIENCE)

    assert "station=KMIA" in page.url
    assert "record=disagreements" in page.url
    assert "METAR gave the winner in 29 of 30" in page.inner_text("body")


def test_the_record_turns_its_pages_and_downloads_all_of_them(address: str, visit: Any) -> None:
    page = visit(f"{address}/verification?page=3", awaited=RECORD).page

    with page.expect_download() as waiting:
        page.locator(".st-key-csv_settlements button:visible").click()
    rows = list(csv.DictReader(Path(waiting.value.path()).read_text("utf-8").splitlines()))

    assert page.locator(f"{RECORD} tbody tr").count() == 10
    assert len(rows) == 60
    assert {row["agreed"] for row in rows} == {"True", "False"}


def test_live_says_the_size_that_is_earned_and_leads_here(address: str, visit: Any) -> None:
    page = visit(f"{address}/?station=KLGA&day=2026-12-09&extreme=high&venue=polymarket", awaited="[data-earned]").page

    assert page.locator("[data-earned]").inner_text().startswith("probe: ")
    page.locator("[data-earned]").click()
    page.wait_for_selector(RECORD, timeout=PATIENCE)

    assert "venue=polymarket" in page.url
