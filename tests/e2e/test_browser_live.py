"""The Live page of a running demo: what it shows is what the journal and the evaluations hold, cycle after cycle."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.browser import CHART
from tests.e2e.conftest import FEW_STATIONS, Running, get_json, start_all, wait_for

PATIENCE = 90_000  # ms
SELECTIONS = ("", "?station=KNYC&extreme=low&venue=kalshi")
SIGHT = {"wide": (1440, 1080, "light"), "phone": (390, 844, "light"), "dark": (1440, 1080, "dark")}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def slow_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A demo slow enough for a person to read: a cycle every six seconds."""
    running = start_all(tmp_path_factory.mktemp("slow") / "data", "--speed", "150", environment=FEW_STATIONS)
    yield running
    running.stop()


def shown(page: Any) -> dict[str, dict[str, str]]:
    """Return the exact value behind every cell of the ladder, by bracket and field, read in one go."""
    cells = page.evaluate(
        "[...document.querySelectorAll('table.ladder td')].map(c => [c.dataset.bracket, c.dataset.field, c.dataset.value])"
    )
    found: dict[str, dict[str, str]] = {}
    for bracket, field, value in cells:
        found.setdefault(bracket, {})[field] = value
    return found


def stored(data: Path, event_id: str, bracket: str) -> dict[int, dict[str, str]]:
    """Return, by cycle, what SQL says of the same cells: evaluations, and decisions of the journal."""
    with sqlite3.connect(f"file:{data}/evaluations/weather.db?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute("SELECT * FROM evaluations WHERE event_id = ? AND label = ?", (event_id, bracket)).fetchall()
    with sqlite3.connect(f"file:{data}/hermes.db?mode=ro", uri=True) as connection:
        allowed = {
            (at, token): micro
            for at, token, micro in connection.execute("SELECT scheduled_at, token, allowed_micro FROM decisions")
        }
    return {row["scheduled_at"]: cells_of(row, allowed) for row in rows}


def cells_of(row: Mapping[str, Any], allowed: Mapping[tuple[int, str], int]) -> dict[str, str]:
    side = row["side"]
    targets = [
        (name, allowed.get((row["scheduled_at"], row[name.lower()]), 0) / 1e6) for name in ("YES", "NO")
    ]  # fmt: skip
    depth = {"YES": row["yes_depth"], "NO": row["no_depth"]}.get(side)
    return {
        "model": exact(row["p_model"]), "market": exact(row["p_market"]), "yes": exact(row["yes_ask"]), "no": exact(row["no_ask"]),
        "edge": exact(row["edge"]), "depth": exact(depth),
        "target": ", ".join(f"{name} {size:.12g}" for name, size in targets if size),
    }  # fmt: skip


def exact(value: float | None) -> str:
    return "" if value is None else f"{value:.12g}"


def as_stored(cells: Mapping[str, str]) -> dict[str, str]:
    """Return a page's row in the form of `cells_of`."""
    numbers = {
        name: exact(float(cells[name])) if cells[name] else "" for name in ("model", "market", "yes", "no", "edge", "depth")
    }
    return numbers | {"target": cells["target"]}


def newest_match(running: Running, page: Any, bracket: str, after: int) -> int:
    """Return the cycle whose stored row is what the page shows; a cycle may come between the two readings."""

    def match() -> int:
        event_id = page.get_attribute("[data-event]", "data-event")
        cells = shown(page).get(bracket)
        if cells is None:
            return 0
        wanted = as_stored(cells)
        same = [
            at for at, row in stored(running.data, event_id, bracket).items()
            if at > after and {k: v for k, v in row.items() if k != "target"} == {k: v for k, v in wanted.items() if k != "target"}
            and targets(row["target"]) == targets(wanted["target"])
        ]  # fmt: skip
        return max(same, default=0)

    return int(wait_for(match, 120, f"a stored row equal to the shown row of {bracket}"))


def targets(text: str) -> dict[str, float]:
    return {part.split()[0]: float(part.split()[1].replace(",", "")) for part in text.split(", ") if part}


@pytest.mark.parametrize("selection", SELECTIONS)
def test_every_number_of_a_bracket_is_what_sql_says_and_again_after_the_next_cycle(
    slow_desk: Running, browser: Any, selection: str
) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 1080})
    wait_for(
        lambda: get_json(f"{slow_desk.api}/api/edges/current?station_code=KNYC&limit=1")["edges"], 180, "an event of Kalshi"
    )
    page.goto(f"{slow_desk.dashboard}/{selection}")
    page.wait_for_selector("table.ladder", timeout=PATIENCE)
    wait_for(lambda: any(row["edge"] for row in shown(page).values()), 120, "a bracket with an edge")
    event = page.get_attribute("[data-event]", "data-event")
    bracket = max(shown(page), key=lambda name: float(shown(page)[name]["edge"] or -1))

    first = newest_match(slow_desk, page, bracket, 0)
    second = newest_match(slow_desk, page, bracket, first)

    assert second > first
    assert page.get_attribute("[data-event]", "data-event") == event
    if selection:
        assert event.startswith("KXLOWTNYC-")
    page.close()


def test_the_zoom_of_the_live_chart_survives_a_cycle(slow_desk: Running, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 1080})
    page.goto(slow_desk.dashboard)
    page.wait_for_selector(f"{CHART} .nsewdrag", timeout=PATIENCE)
    page.evaluate(f"document.querySelector('{CHART}').dataset.seen = 'same node'")
    box = page.locator(f"{CHART} .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"], steps=6)
    page.mouse.up()
    zoomed = page.evaluate(f"document.querySelector('{CHART}')._fullLayout.xaxis.range.map(String)")
    cycle = int(page.get_attribute("[data-cycle]", "data-cycle"))

    wait_for(lambda: int(page.get_attribute("[data-cycle]", "data-cycle")) > cycle, 120, "the next cycle on the page")

    assert page.evaluate(f"document.querySelector('{CHART}')._fullLayout.xaxis.range.map(String)") == zoomed
    assert page.get_attribute(CHART, "data-seen") == "same node"
    page.close()


@pytest.mark.parametrize("sight", SIGHT)
def test_the_page_stands_in_every_light(slow_desk: Running, browser: Any, sight: str, tmp_path: Path) -> None:
    width, height, colours = SIGHT[sight]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=colours)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(slow_desk.dashboard)
    page.wait_for_selector(f"{CHART} .nsewdrag", timeout=PATIENCE)

    page.screenshot(path=str(tmp_path / f"{sight}.png"), full_page=True)

    assert errors == []
    assert "DEMO" in page.inner_text("body")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert "Traceback" not in page.inner_text("body")
    page.close()
