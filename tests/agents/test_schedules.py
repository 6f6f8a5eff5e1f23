"""When the desk looks: on the grid, after a wake-up, never twice for a missed tick."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from agents.schedules import GridSchedule, LiveSchedule, first_tick
from agents.wakes import CommandWatch, ReportWatch, Wake, first_of
from core.clock import SteppedClock
from core.control.commands import Commands
from core.model.command import Command, To, Verb
from core.model.cycle import Cause, Cycle
from core.model.ids import CommandId
from core.model.record import Ask, Kind, Record
from core.store.snapshots import SnapshotStore
from core.units import MISSING, micros

QUARTER = timedelta(minutes=15)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def going() -> bool:
    return False


def looks(schedule: LiveSchedule, count: int) -> list[Cycle]:
    return list(islice(schedule, count))


@pytest.mark.parametrize(
    ("at", "tick"),
    [(NOON, NOON), (NOON + timedelta(seconds=1), NOON + QUARTER), (NOON - timedelta(microseconds=1), NOON)],
)
def test_the_grid_is_the_same_for_every_start(at: datetime, tick: datetime) -> None:
    assert first_tick(at, QUARTER) == tick


def test_ticks_come_at_a_fixed_rate() -> None:
    schedule = LiveSchedule(SteppedClock(NOON), "weather", QUARTER, stopping=going)

    found = looks(schedule, 3)

    assert [cycle.scheduled_at for cycle in found] == [NOON, NOON + QUARTER, NOON + 2 * QUARTER]
    assert [cycle.number for cycle in found] == [1, 2, 3]


def test_a_missed_tick_is_skipped_and_not_made_up_for() -> None:
    clock = SteppedClock(NOON)
    cycles = iter(LiveSchedule(clock, "weather", QUARTER, stopping=going))
    next(cycles)

    clock.wait_until(NOON + timedelta(minutes=40))  # the cycle took forty minutes

    assert next(cycles).scheduled_at == NOON + timedelta(minutes=30)
    assert next(cycles).scheduled_at == NOON + timedelta(minutes=45)


def test_a_restart_goes_on_after_the_last_cycle() -> None:
    last = Cycle("weather", NOON, 7, Cause.SCHEDULE, (), NOON, NOON)

    first = looks(LiveSchedule(SteppedClock(NOON), "weather", QUARTER, resume=last, stopping=going), 1)[0]

    assert (first.scheduled_at, first.number) == (NOON + QUARTER, 8)


def test_a_wake_up_adds_a_look_between_two_ticks_and_says_why() -> None:
    wakes = iter([None, (Cause.METAR, ("KLGA",)), None, None, None, None, None])
    schedule = LiveSchedule(
        SteppedClock(NOON + timedelta(minutes=14, seconds=50)), "weather", QUARTER, stopping=going, wakes=lambda: next(wakes)
    )

    woken, tick = looks(schedule, 2)

    assert (woken.cause, woken.subjects, woken.scheduled_at) == (
        Cause.METAR,
        ("KLGA",),
        NOON + timedelta(minutes=14, seconds=55),
    )
    assert (tick.cause, tick.scheduled_at) == (Cause.SCHEDULE, NOON + QUARTER)


def test_a_tick_that_comes_while_the_wakes_are_asked_goes_before_them() -> None:
    clock = SteppedClock(NOON + timedelta(minutes=14, seconds=58))

    def slow() -> Wake:
        clock.wait_until(clock.now() + timedelta(seconds=5))  # the service kept us waiting
        return Cause.METAR, ("KLGA",)

    first, second = looks(LiveSchedule(clock, "weather", QUARTER, stopping=going, wakes=slow), 2)

    assert (first.cause, first.scheduled_at) == (Cause.SCHEDULE, NOON + QUARTER)
    assert (second.cause, second.scheduled_at) == (Cause.METAR, NOON + timedelta(minutes=15, seconds=8))


def test_a_look_of_a_wake_up_that_lasts_beyond_two_ticks_is_followed_by_the_later_one() -> None:
    clock = SteppedClock(NOON + timedelta(minutes=10))
    cycles = iter(LiveSchedule(clock, "weather", QUARTER, stopping=going, wakes=lambda: (Cause.COMMAND, ())))
    woken = next(cycles)

    clock.wait_until(NOON + timedelta(minutes=31))  # its look took long

    tick = next(cycles)
    assert (woken.cause, woken.scheduled_at) == (Cause.COMMAND, NOON + timedelta(minutes=10))
    assert (tick.cause, tick.scheduled_at) == (Cause.SCHEDULE, NOON + 2 * QUARTER)


def test_a_stop_ends_the_schedule_while_it_waits() -> None:
    clock = SteppedClock(NOON + timedelta(seconds=1))

    assert list(LiveSchedule(clock, "weather", QUARTER, stopping=lambda: True)) == []


def test_a_grid_meets_its_books_a_latency_later() -> None:
    cycles = list(GridSchedule("weather", NOON, NOON + timedelta(hours=1), QUARTER, timedelta(seconds=2)))

    assert len(cycles) == 4
    assert cycles[1].fill_at - cycles[1].sealed_at == timedelta(seconds=2)


class Reports:
    """A METAR source that answers what it is told."""

    name, gives = "metar", frozenset({Kind.METAR})

    def __init__(self, clock: SteppedClock) -> None:
        self._clock = clock
        self.newest, self.asked = {"KLGA": NOON, "EGLC": NOON}, 0

    def fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        self.asked += 1
        for ask in asks:
            at = micros(self.newest[ask.subject])
            rows = {
                "valid_at": np.array([at]), "report": np.array(["METAR"], dtype=object), "corrected": np.array([False]),
                "tenths": np.array([200]), "exact": np.array([False]), "raw": np.array(["METAR"], dtype=object),
                **{name: np.array([MISSING]) for name in ("max6", "min6", "max24", "min24")},
            }  # fmt: skip
            yield Record("metar", Kind.METAR, ask.subject, self._clock.now(), None, b"[]", rows)


def test_a_new_report_wakes_the_desk_for_its_station_alone_and_is_asked_for_once_a_minute(tmp_path: Path) -> None:
    clock = SteppedClock(NOON)
    reports = Reports(clock)
    watch = ReportWatch(reports, ("KLGA", "EGLC"), SnapshotStore(tmp_path), clock)

    first = watch()
    clock.wait_until(NOON + timedelta(seconds=30))
    again = watch()
    reports.newest["KLGA"] = NOON + timedelta(seconds=40)
    clock.wait_until(NOON + timedelta(seconds=61))
    woken = watch()

    assert (first, again, woken) == (None, None, (Cause.METAR, ("KLGA",)))
    assert reports.asked == 2


def test_a_command_or_the_kill_file_wakes_the_desk(tmp_path: Path) -> None:
    commands = Commands(tmp_path)
    watch = first_of(CommandWatch(commands, "weather", tmp_path))
    quiet = watch()

    (tmp_path / "KILL").touch()
    by_file, still_there = watch(), watch()
    commands.post(Command(CommandId("c1"), To.ENGINE, Verb.KILL, "{}", "a person", NOON))

    assert (quiet, by_file, still_there, watch()) == (None, (Cause.COMMAND, ()), None, (Cause.COMMAND, ()))
