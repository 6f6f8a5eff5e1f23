"""Clocks: standing still, moving only when told, woken by hand."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from core.clock import FollowingClock, SteppedClock, SystemClock, wall_now

START = datetime(2026, 11, 13, 17, tzinfo=UTC)
DISTANT = timedelta(days=1)


def test_a_stepped_clock_stands_still_and_moves_only_in_a_wait() -> None:
    clock = SteppedClock(START)
    seen = [clock.now(), clock.now()]
    clock.wait_until(START + DISTANT)

    assert seen == [START, START]
    assert clock.now() == START + DISTANT


def test_a_stepped_clock_never_goes_back() -> None:
    clock = SteppedClock(START)
    clock.wait_until(START - DISTANT)

    assert clock.now() == START


def test_a_stepped_clock_speaks_utc_and_refuses_a_naive_start() -> None:
    clock = SteppedClock(START.astimezone(timezone(timedelta(hours=9))))

    assert clock.now().tzinfo is UTC
    with pytest.raises(ValueError, match="no time zone"):
        SteppedClock(datetime(2026, 11, 13, 17))  # noqa: DTZ001 - the naive instant is the point


def test_an_interrupt_ends_a_paced_wait_where_it_stands() -> None:
    """One simulated second a second, a day to wait: only the interrupt can end this test."""
    clock = SteppedClock(START, speed=1.0)
    clock.interrupt()
    clock.wait_until(START + DISTANT)

    assert clock.now() == START


def test_an_interrupt_is_used_up_by_one_wait() -> None:
    clock = SteppedClock(START, speed=1e9)
    clock.interrupt()
    clock.wait_until(START + DISTANT)
    clock.wait_until(START + DISTANT)

    assert clock.now() == START + DISTANT


def test_an_interrupt_from_another_thread_ends_a_wait_on_the_system_clock() -> None:
    clock = SystemClock()
    waiter = threading.Thread(target=clock.wait_until, args=(clock.now() + DISTANT,), daemon=True)
    waiter.start()
    clock.interrupt()
    waiter.join(timeout=60)

    assert not waiter.is_alive()


def test_the_system_clock_does_not_wait_for_the_past() -> None:
    clock = SystemClock()
    clock.wait_until(clock.now() - DISTANT)

    assert clock.now().tzinfo is UTC


def test_a_following_clock_never_passes_what_the_engine_has_announced() -> None:
    limit = START + timedelta(minutes=15)
    clock = FollowingClock(START, wall_now() - DISTANT, speed=300.0, limit=limit)

    assert clock.now() == limit


def test_a_following_clock_is_not_before_its_anchor() -> None:
    ahead = FollowingClock(START, wall_now() + DISTANT, speed=300.0, limit=START + DISTANT)
    behind = FollowingClock(START, wall_now() - DISTANT, speed=300.0, limit=START - DISTANT)

    assert (ahead.now(), behind.now()) == (START, START)
    with pytest.raises(NotImplementedError):
        ahead.wait_until(START)
