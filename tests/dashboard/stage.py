"""The dashboard over fake answers, for a browser: a cycle is complete whenever the file that HERMES_STAGE names has grown.

Start it with `python -m streamlit run tests/dashboard/stage.py` in the repository.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dashboard.app import frame  # the path stands above
from tests.dashboard.fakes import FakeServices, World


@st.cache_resource(show_spinner=False)
def services() -> FakeServices:
    return FakeServices()


def move(world: World) -> None:
    """Complete as many cycles as the file holds characters; a word in it changes the world."""
    told = Path(os.environ["HERMES_STAGE"]).read_text("utf-8") if os.environ.get("HERMES_STAGE") else ""
    while world.cycle < World().cycle + told.count("+"):
        world.advance()
    world.running = "stopped" not in told


class Staged:
    """Reads the file whenever the version is asked for, as the journal is read."""

    def __init__(self, inner: FakeServices) -> None:
        self._inner = inner

    def version(self) -> int:
        move(self._inner.world)
        return self._inner.world.version + (not self._inner.world.running)

    def __getattr__(self, name: str) -> object:
        return getattr(FakeServices(self._inner.world).activity, name)


stage = services()
shown = FakeServices(stage.world)
shown.activity = Staged(stage)  # type: ignore[assignment]
frame(shown)  # type: ignore[arg-type]
