"""The dashboard in a real browser over fake answers: what only a browser can show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser import CHART, DRAWN, PATIENCE, dashboard

pytestmark = pytest.mark.browser


@dataclass
class Stage:
    """A dashboard that runs, and the file that completes its cycles."""

    address: str
    script: Path

    def cycle(self) -> None:
        """Complete one more cycle."""
        self.script.write_text(self.script.read_text("utf-8") + "+", "utf-8")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = tmp_path_factory.mktemp("stage")
    script = made / "cycles"
    script.write_text("", "utf-8")
    with dashboard(made / "streamlit.log", "tests/dashboard/stage.py", HERMES_STAGE=str(script)) as address:
        yield Stage(address, script)


def test_zoom_and_chart_survive_a_new_cycle(stage: Stage, visit: Any) -> None:
    page = visit(stage.address).page
    chart, cycle = page.locator(CHART), page.locator("[data-cycle]")
    whole, peak, number = _ranges(page), _peak(page), int(cycle.get_attribute("data-cycle"))
    box = page.locator(f"{CHART} .nsewdrag").first.bounding_box()
    page.evaluate(f"document.querySelector('{CHART}').dataset.seen = 'the same node'")
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"], steps=6)
    page.mouse.up()
    page.wait_for_function(f"before => document.querySelector('{CHART}')._fullLayout.xaxis.range[0] !== before", arg=whole[0])
    zoomed = _ranges(page)

    for _ in range(2):
        revision = chart.get_attribute("data-revision")
        stage.cycle()
        page.wait_for_function(
            f"before => document.querySelector('{CHART}').dataset.revision !== before", arg=revision, timeout=PATIENCE
        )

    assert _ranges(page) == zoomed
    assert chart.get_attribute("data-seen") == "the same node"
    assert page.locator(f'[data-cycle="{number + 2}"]').count() == 1
    assert _peak(page) == pytest.approx(peak + 0.4, abs=0.05)  # 0.2 in each cycle


def _peak(page: Any) -> float:
    curve = f"document.querySelector('{CHART}').data.find(trace => trace.name === 'forecast now').y"
    return float(page.evaluate(f"Math.max(...{curve})"))


def _ranges(page: Any) -> Any:
    return page.evaluate(f"(() => {{ const l = document.querySelector('{CHART}')._fullLayout;"
                         "return [l.xaxis.range, l.yaxis.range].flat().map(String); })()")  # fmt: skip


def test_nothing_is_asked_of_the_outside(stage: Stage, visit: Any) -> None:
    seen = visit(stage.address)
    seen.page.wait_for_selector(".st-key-market .main-svg", timeout=PATIENCE)

    assert seen.hosts == {stage.address.split("/")[2]}
    assert sum(url.endswith("/plotly.min.js") for url in seen.requests) == 1
    assert seen.errors == []


def test_a_link_opens_its_event_and_its_numbers_can_be_read(stage: Stage, visit: Any) -> None:
    page = visit(f"{stage.address}/?station=EGLC&day=2026-12-09").page

    assert page.locator("h1").inner_text() == "London · highest temperature · Wed 9 Dec"
    assert "venue=polymarket" in page.url
    cell = page.locator('td[data-bracket="81-82°C"][data-field="market"]')
    assert (cell.get_attribute("data-value"), cell.inner_text()) == ("0.33", "33")


def test_a_choice_changes_the_address_and_the_page(stage: Stage, visit: Any) -> None:
    page = visit(stage.address).page

    page.locator(".st-key-pick_station input").click()
    page.get_by_role("option", name="London EGLC").click()
    page.wait_for_function("location.search.includes('station=EGLC')", timeout=PATIENCE)

    page.wait_for_function("document.querySelector('h1').innerText.startsWith('London')", timeout=PATIENCE)


def test_a_selection_outlives_a_visit_to_another_page(stage: Stage, visit: Any) -> None:
    seen = visit(f"{stage.address}/?station=EGLC")
    page = seen.page

    page.get_by_role("link", name="Activity").click()
    page.wait_for_selector(".lines.log li", timeout=PATIENCE)
    page.locator(".st-key-station input").click()
    page.get_by_role("option", name="KMIA").click()
    page.wait_for_function("location.search.includes('station=KMIA')", timeout=PATIENCE)
    page.get_by_role("link", name="Live").click()
    page.wait_for_selector(DRAWN, timeout=PATIENCE)

    assert page.locator("h1").inner_text().startswith("London")
    page.wait_for_function("location.search.includes('station=EGLC')", timeout=PATIENCE)
    assert page.locator('[data-state="error"]').count() == 0
    assert seen.errors == []


def test_a_phone_shows_the_ladder_first_and_never_scrolls_sideways(stage: Stage, visit: Any, tmp_path: Path) -> None:
    page = visit(stage.address, width=390).page

    wide = page.evaluate("document.documentElement.scrollWidth")
    ladder, chart = (page.locator(one).first.bounding_box() for one in (".st-key-ladder", CHART))
    page.screenshot(path=tmp_path / "live-phone.png", full_page=True)

    assert wide <= 390
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 390
    assert ladder["y"] < chart["y"]
    assert chart["width"] >= 350
    assert page.locator('td[data-field="yes"]').first.is_hidden()


@pytest.mark.parametrize("width", [800, 1100])
def test_a_small_window_stacks_the_panels_and_shows_the_whole_strip(
    stage: Stage, visit: Any, tmp_path: Path, width: int
) -> None:
    page = visit(stage.address, width=width).page

    ladder, table, position = (
        page.locator(one).first.bounding_box() for one in (".st-key-ladder", "table.ladder", ".st-key-position")
    )
    warning = page.locator(".strip .warning").bounding_box()
    page.screenshot(path=tmp_path / "live-small.png", full_page=True)

    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= width
    assert position["y"] >= ladder["y"] + ladder["height"]  # below, not under it
    assert table["x"] + table["width"] <= width  # nothing of the ladder needs scrolling
    assert warning["x"] + warning["width"] <= width


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_has_the_colours_of_its_theme(stage: Stage, visit: Any, tmp_path: Path, dark: bool) -> None:
    ground, model = ("rgb(15, 18, 23)", "rgb(122, 167, 255)") if dark else ("rgb(255, 255, 255)", "rgb(37, 99, 235)")
    page = visit(stage.address, dark=dark).page
    name = "dark" if dark else "light"

    page.wait_for_selector(f'{CHART}[data-theme="{name}"]', timeout=PATIENCE)
    page.screenshot(path=tmp_path / f"live-{name}.png")

    assert page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor") == ground
    strokes = page.evaluate(f"[...document.querySelectorAll('{CHART} .js-line')].map(one => one.style.stroke)")
    assert model in strokes


def test_activity_opens_a_payload_and_keeps_its_filters_in_the_address(stage: Stage, visit: Any, tmp_path: Path) -> None:
    page = visit(f"{stage.address}/activity?action=trade", awaited=".lines li").page

    page.locator(".lines summary").first.click()
    page.screenshot(path=tmp_path / "activity.png")

    assert page.locator(".lines pre").first.is_visible()
    assert '"note": "<b>"' in page.locator(".lines pre").first.inner_text()
    assert set(page.locator(".lines li").evaluate_all("all => all.map(one => one.dataset.action)")) == {"trade"}
    assert "action=trade" in page.url


def test_a_stopped_engine_greys_the_numbers_and_keeps_them(stage: Stage, visit: Any) -> None:
    page = visit(stage.address).page

    stage.script.write_text("stopped", "utf-8")
    page.wait_for_selector('.strip[data-stale="1"]', timeout=PATIENCE)

    assert "stale since" in page.locator(".strip").inner_text()
    assert page.locator('td[data-bracket="81-82°F"][data-field="model"]').inner_text() == "20"
    assert page.evaluate("getComputedStyle(document.querySelector('.st-key-live')).filter") == "grayscale(1)"
    stage.script.write_text("", "utf-8")
    page.wait_for_selector('.strip[data-stale="0"]', timeout=PATIENCE)
