"""What the engine says of itself while something keeps it waiting."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from core.clock import SystemClock
from core.control.beats import Beat, Beats
from core.settings import load_settings
from core.wiring.heart import Heart


def heart_in(folder: Path) -> tuple[Heart, Beats]:
    beats = Beats(folder)
    return Heart(beats, SystemClock(), load_settings(None), "live", {}, lambda cycle: None), beats


def read(beats: Beats) -> Beat:
    beat = beats.read("engine")
    assert beat is not None
    return beat


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_pulse_repeats_the_last_word_and_does_not_say_that_the_engine_said_it_again(tmp_path: Path) -> None:
    heart, beats = heart_in(tmp_path)
    heart.beat("collecting", None, {"why": "a test"})
    first = read(beats)

    with heart.pulse(0.01):
        wait_for(lambda: read(beats).wall_at > first.wall_at)
        later = read(beats)

    assert (later.state, later.facts["why"]) == ("collecting", "a test")
    assert later.said_at == first.said_at < later.wall_at
    assert later.at > first.at


def test_the_pulse_ends_with_its_block(tmp_path: Path) -> None:
    heart, beats = heart_in(tmp_path)
    heart.beat("collecting", None, {})

    with heart.pulse(0.01):
        pass
    heart.beat("stopped", None, {})
    last = read(beats)
    time.sleep(0.05)

    assert read(beats) == last


def test_a_word_that_is_no_longer_written_keeps_its_own_time(tmp_path: Path) -> None:
    beats = Beats(tmp_path)
    beats.beat("api", SystemClock().now(), "serving")
    beat = beats.read("api")

    assert beat is not None
    assert beat.said_at == beat.wall_at
