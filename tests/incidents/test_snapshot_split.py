"""A split by snapshot leaked outcomes into training: FACTS I.10, skharchikov/polymarket-bot issue 68.

One event is looked at hundreds of times. Whoever splits the looks at random trains on the outcome that he is tested on.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from agents.weather.skill import SkillMemory, skill_of
from agents.weather.track import Scored, TrackMemory
from core.metrics.inference import date_interval
from tests.agents.weather.test_track import scored, track_of

DAY = 86_400_000_000
FIRST = date(2026, 1, 1)


def history(n_days: int, *, per_day: int = 3) -> list[Scored]:
    """Events of some days, each told two days after its own."""
    rng, found = np.random.default_rng(6), []
    for place in range(n_days):
        for rank in range(per_day):
            model, market = rng.uniform(0.2, 0.8, 2)
            one = scored(int(rng.integers(2)), model=float(model), market=float(market))
            day = FIRST + timedelta(days=place)
            found.append(replace(one, event_id=f"{day}/{rank}", event_day=day, since=(day.toordinal() - 719_163 + 2) * DAY))
    return found


@pytest.mark.parametrize("asked", [40, 80, 119])
def test_what_is_learned_for_a_day_knows_no_outcome_of_that_day_or_later(asked: int) -> None:
    """Every winner that was told on the day or after it is turned; the state of the day stays the same to the bit.

    Guard: `known = bisect_left(...)` of `TrackMemory.track`, agents/weather/track.py.
    """
    told = history(120)
    day = told[asked * 3].since // DAY * DAY
    turned = [replace(one, winner=1 - one.winner) if one.since >= day else one for one in told]
    states = []
    for events in (told, turned):
        memory = TrackMemory()
        memory.give(events)
        states.append(SkillMemory(memory).of("kalshi", 0, day))

    assert states[0].n == states[1].n == asked * 3
    assert states[0].weight == states[1].weight
    assert states[0].gate == states[1].gate
    assert sum(one.since >= day for one in told) >= 3  # there was something to leak


def test_turning_an_outcome_that_is_known_changes_what_is_learned() -> None:
    """Else the test above would pass on a desk that learns nothing."""
    told = history(120)
    turned = [replace(one, winner=1 - one.winner) for one in told]
    weights = []
    for events in (told, turned):
        weights.append(skill_of(track_of(events), "kalshi", 0, 0, 0.3).weight)

    assert weights[0] != weights[1]


def test_an_event_counts_once_however_often_it_was_scored() -> None:
    """Guard: `newest = {each.event_id: ...}` of `TrackMemory.track`."""
    told = history(40)
    again = [replace(one, since=one.since + DAY) for one in told]  # a correction: the same event, told anew
    memory = TrackMemory()
    memory.give([*told, *again])

    assert len(memory.track("kalshi", 0, 2**62).ordinal) == len(told)


def test_looks_of_one_day_do_not_make_an_interval_narrower() -> None:
    """The same figures, each looked at ten times: as many dates as before. Guard: dates are drawn, not rows (core/metrics/inference)."""
    rng = np.random.default_rng(11)
    values, ordinal = rng.normal(0.02, 0.3, 90), np.arange(90)
    once = date_interval(values, ordinal)
    often = date_interval(np.repeat(values, 10), np.repeat(ordinal, 10))
    leaked = date_interval(np.repeat(values, 10), np.arange(900))

    assert once is not None
    assert often is not None
    assert leaked is not None
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    assert often.n_dates == 90
    assert leaked.high - leaked.low < 0.75 * (often.high - often.low)  # what a split by snapshot would have claimed
