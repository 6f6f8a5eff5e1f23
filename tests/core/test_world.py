"""Which world `auto` means, and how soon that is known."""

from __future__ import annotations

import time
from threading import Event

import pytest

from core.settings import load_settings
from core.supervisor import world

SILENT = Event()  # never set: whoever waits for it waits for a name server that is gone


def test_all_services_that_answer_make_it_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "answers", lambda url: True)

    assert world.choose_world(load_settings(None, mode="auto"))[0] == "live"


def test_one_that_does_not_answer_makes_it_the_demo_world_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "answers", lambda url: "aviationweather" not in url)

    mode, why = world.choose_world(load_settings(None, mode="auto"))

    assert mode == "demo"
    assert why.startswith("AviationWeather cannot be reached")


def test_one_that_never_comes_back_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "answers", lambda url: SILENT.wait(60))
    monkeypatch.setattr(world, "PATIENCE_SECONDS", 0.1)
    begun = time.monotonic()

    assert not any(world.service_state(load_settings(None, mode="auto")).values())
    assert time.monotonic() - begun < 30  # half of what one of them would have taken
