"""What the tests of pages leave as they found it, and what those in a browser visit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.services.weather import EventCard
from tests.api import world
from tests.browser import DRAWN, Visit, dashboard, visited
from tests.dashboard.fakes import MIAMI, FakeServices


@pytest.fixture(autouse=True)
def _main_module() -> Iterator[None]:
    """Put the main module back: Streamlit's test runner takes its place, and a process that is spawned later would run it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def services() -> FakeServices:
    return FakeServices()


@pytest.fixture
def card(services: FakeServices) -> EventCard:
    return services.weather.card(MIAMI)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small world that the pages of a module show."""
    made = tmp_path_factory.mktemp("world")
    world.build(made)
    return made


@pytest.fixture(scope="module")
def mode() -> str:
    """The mode of the dashboard of a module."""
    return "live"


@pytest.fixture(scope="module")
def address(folder: Path, mode: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running dashboard over the folder of a module."""
    log = tmp_path_factory.mktemp("log") / "streamlit.log"
    with dashboard(log, HERMES_DATA_DIR=str(folder), HERMES_MODE=mode) as started:
        yield started


@pytest.fixture
def visit(browser: Any) -> Iterator[Any]:
    """Open an address in a window and a theme of its own."""
    contexts = []

    def go(address: str, *, width: int = 1440, dark: bool = False, awaited: str = DRAWN) -> Visit:
        context = browser.new_context(viewport={"width": width, "height": 1080}, color_scheme="dark" if dark else "light")
        contexts.append(context)
        return visited(context, address, awaited)

    yield go
    for context in contexts:
        context.close()
