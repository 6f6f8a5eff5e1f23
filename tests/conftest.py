"""What tests may read, and what must be present under `.ci/run`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
CAPTURES = Path(os.environ.get("HERMES_CAPTURES", ROOT.parent / "shared"))
REQUIRED = frozenset(os.environ.get("HERMES_REQUIRE", "").split(","))  # of: captures, browser, postgres


def absent(what: str, why: str) -> None:
    """Skip, or fail where `what` is required."""
    if what in REQUIRED:
        pytest.fail(f"{what} is required here: {why}")
    pytest.skip(why)


@pytest.fixture(scope="session")
def captures() -> Path:
    """The folder of captured payloads and real history."""
    if not (CAPTURES / "fixtures").is_dir():
        absent("captures", f"no captures in {CAPTURES}; point HERMES_CAPTURES at them")
    return CAPTURES


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, not for longer than a module: its event loop would stand in the way of others'."""
    from tests.browser import launched  # which stands on this module

    with launched() as started:
        yield started
