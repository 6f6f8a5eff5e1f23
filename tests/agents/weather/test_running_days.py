"""Settled days looked at again as they ran."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.weather import running_days
from agents.weather.desk import WeatherDesk
from agents.weather.law import Progress
from agents.weather.listed import Listed
from agents.weather.remaining import BUCKETS, N_TERMS
from agents.weather.running_days import Outcome, RunningMemory, _Day
from core.model.record import Record
from core.model.rule import Statistic
from core.registry import load_stations
from core.units import FloatArray, micros
from tests.agents.weather.worlds import (
    DAY,
    SETTINGS,
    archive_of,
    curve,
    daily_forecast,
    event,
    forecast,
    listing,
    look,
    metar,
    outcome,
    window_start,
)

DAYS = 24
HOUR = timedelta(hours=1)
SETTLED_AFTER = timedelta(hours=33)
DAY_MICRO = 86_400_000_000


def days(surge: float = 0.0, settled_after: timedelta = SETTLED_AFTER) -> list[Record]:
    """Return days forecast at 25 Celsius by MOS that get there; from noon on every third is warmer than its morning by `surge`."""
    records: list[Record] = []
    for back in range(DAYS, -1, -1):
        found = event(f"nyc-{back}", day=DAY - timedelta(days=back))
        start = window_start(found)
        records += [
            listing(found, start - timedelta(days=2)),
            daily_forecast("KLGA", start - timedelta(hours=11), start, (25.0, 25.0)),
        ]
        more = surge if back % 3 == 0 else 0.0
        for at in (start + timedelta(hours=h, minutes=51) for h in range(24)):
            late = at.hour >= 18 or at.hour < 5
            celsius = curve(25.0, at, -5) + (more if late else 0.0)
            records.append(metar("KLGA", at + timedelta(minutes=5), [(at, round(10 * celsius))]))
        if back:
            records.append(outcome(found, start + settled_after, round(1.8 * (25.0 + more) + 32.0)))
    return records


def progress(folder: Path, records: list[Record], *instants: datetime) -> tuple[Progress, FloatArray]:
    found = look(archive_of(folder, records), *instants)
    column = next(i for i, each in enumerate(found.panel.events) if each.event.event_day == DAY)
    own = found.features.progress
    return Progress(own.growth[:, column], own.ahead[:, column], own.high[:, column], own.terms[:, column], own.factor[:, column],
                    own.stands[:, column], own.stands_most[:, column]), found.law.spread[:, column]  # fmt: skip


def test_days_that_went_as_forecast_narrow_the_law(tmp_path: Path) -> None:
    noon = window_start(event()) + timedelta(hours=12)

    own, _ = progress(tmp_path, days(), noon)

    assert own.factor[0] < 0.9


def test_days_that_surprise_widen_it(tmp_path: Path) -> None:
    morning = window_start(event()) + timedelta(hours=10)

    calm, wild = (progress(tmp_path / str(surge), days(surge), morning)[0] for surge in (0.0, 4.0))

    assert wild.factor[0] > calm.factor[0]
    assert wild.terms[0, 0] > calm.terms[0, 0]


def test_outcomes_that_are_not_received_teach_nothing(tmp_path: Path) -> None:
    noon = window_start(event()) + timedelta(hours=12)

    own, _ = progress(tmp_path, days(settled_after=timedelta(days=40)), noon)

    assert (own.terms == 0).all()
    assert (own.factor == 1).all()


def test_before_the_day_begins_nothing_is_corrected(tmp_path: Path) -> None:
    own, _ = progress(tmp_path, days(), window_start(event()) - timedelta(hours=3))

    assert (own.factor == 1).all()
    assert np.isnan(own.stands).all()


def test_the_habit_of_floors_counts_after_the_peak_alone(tmp_path: Path) -> None:
    start = window_start(event())

    own, _ = progress(tmp_path, days(), *(start + timedelta(hours=h) for h in (9, 17, 22)))

    assert np.isnan(own.stands[0])
    assert own.stands_most[0] == 1.0
    assert own.stands[1:] == pytest.approx([0.97, 0.99], abs=0.03)  # of New York's table, and days that all stood
    assert own.stands_most[1:].tolist() == [0.995, 0.998]


def test_a_look_alone_knows_what_a_block_knows(tmp_path: Path) -> None:
    start = window_start(event())
    instants = [start + timedelta(hours=h) for h in (-2, 6, 11, 13, 16, 20)]
    block, spread = progress(tmp_path / "block", days(2.0), *instants)

    for row, at in enumerate(instants):
        alone, own = progress(tmp_path / str(row), days(2.0), at)
        assert alone.terms[0].tobytes() == block.terms[row].tobytes()
        assert alone.factor[0].tobytes() == block.factor[row].tobytes()
        assert alone.stands[0].tobytes() == block.stands[row].tobytes()
        assert own[0].tobytes() == spread[row].tobytes()


def test_nights_that_fall_further_than_forecast_lower_the_next(tmp_path: Path) -> None:
    """Forecast curves bottom at 18 Celsius at three; the reports follow until two and then fall two degrees more."""
    records: list[Record] = []
    for back in range(DAYS, -1, -1):
        found = event(f"low-{back}", day=DAY - timedelta(days=back), statistic=Statistic.MIN_LISTED_REPORT)
        start = window_start(found)
        records += [
            listing(found, start - timedelta(days=2)),
            *(forecast("KLGA", start + HOUR * h, (26.0,), first=start) for h in (-6, 0)),
        ]
        for at in (start + timedelta(hours=h, minutes=51) for h in range(24)):
            dip = 2.0 if 2 <= (at - start) / HOUR < 7 else 0.0
            records.append(metar("KLGA", at + timedelta(minutes=5), [(at, round(10 * (curve(26.0, at, -5) - dip)))]))
        if back:
            records.append(outcome(found, start + SETTLED_AFTER, round(1.8 * 16.0 + 32.0)))
    night = window_start(event()) + timedelta(hours=2, minutes=5)

    own, _ = progress(tmp_path, records, night)

    assert not own.high[0]
    assert own.terms[0, 0] < -0.1


def test_a_day_of_a_year_ago_finds_what_was_known_of_running_days_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scored again from the archive, an event has what it had when it was open: memory must not end between."""
    monkeypatch.setattr(running_days, "_looked_at", lambda view, outcome, *_: ran(outcome))
    outcomes = [Outcome(listed(DAY + timedelta(days=i)), 80.0, i * DAY_MICRO) for i in range(500)]
    asked, then = DAY + timedelta(days=100), np.array([100 * DAY_MICRO], np.int64)
    hours, climatology = np.zeros((1, 1)), np.zeros((1, 1), np.bool_)

    stands = []
    for n in (100, len(outcomes)):
        memory = RunningMemory()
        memory.take_in(None, outcomes[:n], None, None, None, {})  # type: ignore[arg-type]
        stands.append(memory.known([listed(asked)], then, hours, climatology)[2])

    assert stands[0].tobytes() == stands[1].tobytes()
    assert stands[0][0, 0] != RunningMemory().known([listed(asked)], then, hours, climatology)[2][0, 0]


def test_a_desk_that_starts_late_looks_at_old_days_with_what_was_known_then(tmp_path: Path) -> None:
    """Half of them were settled longer ago than a desk reads for today: what scores them reads further back, and goes first."""
    found, late = archive_of(tmp_path, days(4.0)), window_start(event()) + timedelta(days=181)
    ran, fresh = (WeatherDesk((load_stations()["KLGA"],), SETTINGS) for _ in range(2))
    for at in (window_start(event()) + timedelta(hours=12), late):
        ran.observe(found.as_of([at]))

    fresh.observe(found.as_of([late]))

    (then,), (now,) = (each._memory.running._books.values() for each in (ran, fresh))
    assert len(then.days) == DAYS
    assert then.days.keys() == now.days.keys()
    assert all(each.columns.tobytes() == now.days[day].columns.tobytes() for day, each in then.days.items())


def listed(day: date) -> Listed:
    found, station = event(day=day), load_stations()["KLGA"]
    begin = micros(window_start(found))
    return Listed(found, station, begin, begin + DAY_MICRO)


def ran(outcome: Outcome) -> _Day:
    """Return a day whose floor never stood."""
    day = outcome.listed.event.event_day.toordinal()
    nothing = np.full((len(BUCKETS), 4 + N_TERMS - 1), np.nan)
    return _Day(day, outcome.since, False, nothing, 80.0, np.zeros(24), np.ones(24))
