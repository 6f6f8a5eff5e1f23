"""What the tests of pages leave as they found it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from core.services.weather import EventCard
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
