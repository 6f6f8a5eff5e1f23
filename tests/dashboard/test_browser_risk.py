"""Risk & system in a real browser: every bar is drawn in both themes, nothing overflows, the switch needs two steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.transmission.profiles import DAY_LOSS
from core.control.commands import Commands
from core.journal.changes import Obedience
from core.model.command import To
from tests.api import world
from tests.browser import PATIENCE

pytestmark = pytest.mark.browser

AWAITED = ".grid.components"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk near one cap, beyond another, with the day's loss limit tripped."""
    made = tmp_path_factory.mktemp("world")
    world.build(made)
    journal = world.open_journal(made)
    of = world.cycle(4, world.NOW)
    account = journal.commit(of, journal.account("weather"), Obedience("c", np.array([DAY_LOSS], np.int64)))
    world.trade(journal, of, account, [])
    journal.close()
    return made


@pytest.fixture(scope="module")
def mode() -> str:
    return "demo"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 900, 1440])
def test_every_bar_is_drawn_and_no_width_scrolls_sideways(
    address: str, visit: Any, width: int, dark: bool, tmp_path: Path
) -> None:
    seen = visit(f"{address}/risk", width=width, dark=dark, awaited=AWAITED)
    page = seen.page
    bars = page.evaluate(
        "[...document.querySelectorAll('.meter')].map(bar => [bar.offsetWidth, bar.offsetHeight, getComputedStyle(bar).backgroundImage])"
    )
    page.screenshot(path=tmp_path / f"risk-{width}.png", full_page=True)

    assert len(bars) >= 15
    assert all(wide > 60 and high > 5 and "gradient" in ground for wide, high, ground in bars)
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= width
    assert page.locator("[data-state]").count() == 0
    assert seen.errors == []
    assert seen.hosts == {address.split("/")[2]}


def test_what_is_near_reached_or_tripped_is_said_in_words(address: str, visit: Any) -> None:
    page = visit(f"{address}/risk", awaited=AWAITED).page

    assert "▲ near" in page.locator('[data-limit="city_day"]').inner_text()
    assert "▼ at the limit" in page.locator('[data-limit="bracket"]').inner_text()
    assert "▼ tripped" in page.locator('[data-limit="day_loss"]').inner_text()
    assert "FLAT" in page.locator(".strip").inner_text()


def test_on_a_phone_the_switch_comes_before_the_limits(address: str, visit: Any) -> None:
    page = visit(f"{address}/risk", width=390, awaited=AWAITED).page
    switch, limits = (page.locator(one).first.bounding_box()["y"] for one in ("[data-kill]", ".grid.limits"))

    assert switch < limits


def test_the_switch_needs_two_steps_and_leaves_one_command(address: str, visit: Any, folder: Path, tmp_path: Path) -> None:
    page = visit(f"{address}/risk", awaited=AWAITED).page
    assert page.locator(".st-key-do_kill").count() == 0

    page.locator(".st-key-arm_kill label").click()
    page.wait_for_selector(".st-key-do_kill button:visible", timeout=PATIENCE)
    page.locator(".st-key-why_kill input").fill("a drill")
    page.locator(".st-key-why_kill input").press("Tab")
    page.locator(".st-key-do_kill button:visible").first.click()
    page.wait_for_selector('[data-said="pending"]', timeout=PATIENCE)
    page.screenshot(path=tmp_path / "left.png", full_page=True)
    left = Commands(folder).pending(To.ENGINE, taker="weather")

    assert [(str(one.verb), one.arguments, one.by) for one in left] == [("kill", '{"reason":"a drill"}', "the dashboard")]
    assert "waits" in page.locator(".commands tbody tr").first.inner_text()
