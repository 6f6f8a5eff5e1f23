"""Raw, corroborated and settled extremes: nothing is deleted, and what stands alone does not bind."""

from __future__ import annotations

import csv
import gzip
import itertools
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import core.readings.spikes
from agents.weather.discretise import Lattice, bracket_mass, cumulative, lattice_of
from agents.weather.evaluation import WeatherEvaluation
from agents.weather.law import single
from agents.weather.observations import Seen, empty_seen
from agents.weather.spikes import LISTED_COUNTS, OFFICIAL_COUNTS, OPEN_COUNTS, soft_floor, stands
from core.days import window_of
from core.model.event import Event
from core.model.rule import DayWindow, Statistic
from core.model.station import ReportPrecision
from core.readings import Extrema, running_extreme
from core.readings.spikes import STEP, WITNESS_SPAN
from core.registry import load_stations
from core.units import MISSING, Unit, micros, parse_iso
from tests.agents.weather.worlds import archive_of, event, forecast, listing, look, metar, window_start
from tests.core.rules import Line, a_rule, columns_of
from tests.flipped import unnoticed
from venues.metar.wire import decode_report

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
KLGA = load_stations()["KLGA"]
WINDOW = window_of(DayWindow.CIVIL, KLGA.tz, date(2026, 8, 27))
NOON = WINDOW[0] + 12 * HOUR
LATER = WINDOW[1] + 12 * HOUR


def hourly(*tenths: int, start: datetime = NOON) -> list[Line]:
    times = [start + n * HOUR - 9 * MINUTE for n in range(len(tenths))]
    return [Line(at, value, at + 4 * MINUTE) for at, value in zip(times, tenths, strict=True)]


def extrema(lines: list[Line], *looks: datetime, statistic: Statistic = Statistic.MAX_LISTED_REPORT) -> Extrema:
    columns, received = columns_of(lines)
    instants = np.array([micros(at) for at in looks or (LATER,)])
    return running_extreme(columns, received, instants, a_rule(statistic), KLGA, WINDOW)


def both(lines: list[Line], *looks: datetime, statistic: Statistic = Statistic.MAX_LISTED_REPORT) -> list[tuple[int, int]]:
    found = extrema(lines, *looks, statistic=statistic)
    return list(zip(found.reading.tolist(), found.corroborated.reading.tolist(), strict=True))


@pytest.mark.parametrize("statistic", [Statistic.MAX_LISTED_REPORT, Statistic.MAX_HOURLY_READING, Statistic.OFFICIAL_MAX])
def test_a_spike_that_stands_alone_is_raw_and_never_corroborated(statistic: Statistic) -> None:
    """FACTS I.5, Central Park on 2026-08-27: spurious highs that the official report ignored. 35.0 among 27s and 28s."""
    assert both(hourly(272, 278, 350, 283, 278), statistic=statistic) == [(95, 83)]


def test_a_smooth_day_is_corroborated_to_its_top() -> None:
    assert both(hourly(250, 272, 289, 294, 283)) == [(85, 85)]


def test_a_fall_after_the_peak_takes_nothing_away() -> None:
    """FACTS I.5: a shower takes 3 to 6 kelvin within the hour; the report before the peak vouches for it."""
    assert both(hourly(311, 322, 261, 256)) == [(90, 90)]


def test_a_rise_is_open_until_the_next_report_comes_near_it() -> None:
    lines = hourly(200, 240, 244)

    assert both(lines, NOON + HOUR, NOON + 2 * HOUR) == [(75, 68), (76, 76)]


def test_a_special_report_vouches_for_an_hourly_one() -> None:
    lines = [*hourly(200, 240), Line(NOON + 65 * MINUTE, 239, NOON + 68 * MINUTE, report="SPECI")]

    assert both(lines, statistic=Statistic.MAX_HOURLY_READING) == [(75, 75)]


def test_two_reports_of_one_minute_are_one_witness() -> None:
    alone = Line(NOON + HOUR - 9 * MINUTE, 350, NOON + HOUR)
    twin = Line(alone.valid_at, 350, alone.received_at, report="SPECI")

    assert both([*hourly(272), alone, twin, *hourly(283, start=NOON + 2 * HOUR)]) == [(95, 83)]


def test_the_report_before_midnight_vouches_for_the_first_of_the_day() -> None:
    first = WINDOW[0] + 5 * MINUTE
    lines = [Line(first - HOUR, 240, first - HOUR), Line(first, 250, first), Line(first + HOUR, 200, first + HOUR)]

    assert both(lines) == [(77, 77)]
    assert both(lines[1:]) == [(77, 68)]


def test_a_report_that_nobody_could_contradict_counts() -> None:
    assert both(hourly(272)) == [(81, 81)]
    assert both([*hourly(272), *hourly(350, start=NOON + 4 * HOUR)]) == [(95, 95)]


@pytest.mark.parametrize("statistic", [Statistic.MAX_LISTED_REPORT, Statistic.OFFICIAL_MAX])
def test_a_six_hour_group_confirms_a_spike(statistic: Statistic) -> None:
    lines = hourly(200, 240, 201, 200, 200)
    group = Line(NOON + 5 * HOUR - 9 * MINUTE, 200, NOON + 5 * HOUR, max6=244)

    assert both([*lines, group], NOON + 4 * HOUR, LATER, statistic=statistic)[0] == (75, 68)
    assert both([*lines, group], LATER, statistic=statistic) == [(76, 76) if statistic is Statistic.OFFICIAL_MAX else (75, 75)]


def test_a_lower_group_confirms_nothing() -> None:
    group = Line(NOON + 5 * HOUR - 9 * MINUTE, 200, NOON + 5 * HOUR, max6=206)

    assert both([*hourly(200, 240, 201, 200, 200), group]) == [(75, 68)]


def test_a_correction_takes_a_spike_away_altogether() -> None:
    lines = hourly(272, 350, 283)
    right = Line(lines[1].valid_at, 278, NOON + 3 * HOUR, corrected=True)

    assert both([*lines, right], NOON + 3 * HOUR - MINUTE, NOON + 3 * HOUR) == [(95, 83), (83, 83)]


def test_a_witness_that_is_corrected_takes_its_word_back() -> None:
    lines = hourly(272, 350, 345, 283)
    right = Line(lines[2].valid_at, 278, NOON + 4 * HOUR, corrected=True)

    assert both([*lines, right], NOON + 4 * HOUR - MINUTE, NOON + 4 * HOUR) == [(95, 95), (95, 83)]


def slow(lines: list[Line], as_of: datetime, sign: int) -> int:
    """Return the corroborated extreme [tenths] report by report."""
    heard = [line for line in lines if line.received_at <= as_of]
    inside = [line for line in heard if WINDOW[0] <= line.valid_at < WINDOW[1]]
    for line in sorted(inside, key=lambda line: -sign * line.tenths):
        near = [
            other for other in heard
            if other.valid_at != line.valid_at and abs(other.valid_at - line.valid_at) <= timedelta(microseconds=WITNESS_SPAN)
        ]  # fmt: skip
        if not near or any(sign * other.tenths >= sign * line.tenths - STEP for other in near):
            return line.tenths
    return MISSING


@pytest.mark.parametrize("seed", range(30))
def test_many_looks_at_once_agree_with_the_slow_way_and_with_the_mirror(seed: int) -> None:
    dice = random.Random(seed)
    times = sorted(dice.sample(range(-4, 100), dice.randint(1, 50)))
    lines = [Line(at := WINDOW[0] + 15 * n * MINUTE, dice.randint(-60, 60), at + dice.randint(0, 200) * MINUTE) for n in times]
    looks = [WINDOW[0] + 30 * n * MINUTE for n in range(60)]
    flipped = [Line(line.valid_at, -line.tenths, line.received_at) for line in lines]

    for statistic, sign, told in (
        (Statistic.MAX_LISTED_REPORT, 1, lines), (Statistic.MIN_LISTED_REPORT, -1, lines),
        (Statistic.MIN_LISTED_REPORT, -1, flipped),
    ):  # fmt: skip
        columns, received = columns_of(told)
        rule = a_rule(statistic, Unit.CELSIUS)
        found = running_extreme(columns, received, np.array([micros(at) for at in looks]), rule, KLGA, WINDOW)
        by_time = {micros(line.valid_at): line.tenths for line in told}
        got = [by_time.get(at, MISSING) for at in found.corroborated.valid_at.tolist()]
        assert got == [slow(told, at, sign) for at in looks]
        there = found.corroborated.reading != MISSING
        assert (sign * found.corroborated.reading <= sign * found.reading)[there].all()
    high, low = (
        running_extreme(*columns_of(told), np.array([micros(at) for at in looks]), a_rule(statistic), KLGA, WINDOW)
        for told, statistic in ((lines, Statistic.MAX_LISTED_REPORT), (flipped, Statistic.MIN_LISTED_REPORT))
    )
    assert (high.corroborated.valid_at == low.corroborated.valid_at).all()


def check_corroborated(module: ModuleType) -> None:
    """Random versions and witnesses, some of them groups, against the rule written out for one look and one version."""
    dice = np.random.default_rng(3)
    for _ in range(60):
        n, m = int(dice.integers(1, 12)), int(dice.integers(1, 12))
        at, witness_at = (dice.integers(0, 12, size) * WITNESS_SPAN // 3 for size in (n, m))
        witness_from = witness_at - np.where(dice.random(m) < 0.3, 4 * WITNESS_SPAN // 3, 0)
        ranked, told = (
            np.where(dice.random((5, size)) < 0.2, MISSING, STEP * dice.integers(0, 5, (5, size))) for size in (n, m)
        )
        ranked[:, 0] += (ranked[:, 0] != MISSING) * dice.integers(0, 2)
        report = dice.random(n) < 0.8

        found = module.corroborated(at, ranked, report, witness_from, witness_at, told)

        for row in range(5):
            order = sorted(np.flatnonzero(ranked[row] != MISSING).tolist(), key=lambda i: -ranked[row, i])
            chosen = [
                i for i in order if not report[i] or spoken_for(at[i], ranked[row, i], witness_from, witness_at, told[row])
            ]
            assert found[row] == (chosen[0] if chosen else -1)


def spoken_for(at: int, value: int, begins: np.ndarray, ends: np.ndarray, told: np.ndarray) -> bool:
    near = []
    for start, end, word in zip(begins.tolist(), ends.tolist(), told.tolist(), strict=True):
        if word == MISSING:
            continue
        if start < end and start < at <= end and word >= value:
            return True
        if start == end != at and abs(end - at) <= WITNESS_SPAN:
            near.append(word >= value - STEP)
    return not near or any(near)


def test_a_sign_flipped_in_the_rule_is_noticed() -> None:
    """The last axis of a table is its second too: there a sign means nothing."""
    check_corroborated(core.readings.spikes)

    left = unnoticed(Path(core.readings.spikes.__file__), [check_corroborated])
    assert [flip for flip in left if not flip.endswith(": -1 -> +1")] == []


def test_one_look_says_what_many_say() -> None:
    lines = hourly(200, 240, 244, 350, 250)
    looks = [NOON + 20 * n * MINUTE for n in range(24)]

    assert both(lines, *looks) == list(itertools.chain.from_iterable(both(lines, at) for at in looks))


def seen(floor: float, raw: float) -> Seen:
    found = empty_seen(1, 1)
    found.floor[:], found.raw[:] = floor, raw
    return found


def ladder_of(statistic: Statistic) -> tuple[Event, Lattice]:
    found = event(lowest=69, statistic=statistic)
    return found, lattice_of([(found, ReportPrecision.TENTHS)])


def masses(lattice: Lattice, found: Seen, mean: float, sd: float) -> np.ndarray:
    law = single(np.array([[mean]]), np.array([[sd]]), np.array([[np.inf]]))
    summed = cumulative(
        lattice, law, found.floor, found.loose, soft=soft_floor(lattice, found), source_risk=False
    )  # fmt: skip
    return bracket_mass(lattice, summed)[0, 0]


@pytest.mark.parametrize(("statistic", "counts"), [
    (Statistic.MAX_LISTED_REPORT, LISTED_COUNTS), (Statistic.OFFICIAL_MAX, OFFICIAL_COUNTS),
])  # fmt: skip
def test_a_false_spike_leaves_its_share_to_what_others_vouch_for(statistic: Statistic, counts: float) -> None:
    """Central Park, 2026-08-27: 83 is certain, 95 is not; nothing more is forecast to come."""
    found, lattice = ladder_of(statistic)

    mass = masses(lattice, seen(83.0, 95.0), 75.0, 0.5)

    settled = {found.ladder.index(found.winner_of(reading)): part for reading, part in ((83, 1 - counts), (95, counts))}
    assert {i: part for i, part in enumerate(mass.tolist()) if part > 1e-6} == pytest.approx(settled, abs=1e-6)
    assert stands(lattice, seen(83.0, 95.0))[0, 0] == pytest.approx(1 - counts)


def test_a_true_spike_keeps_most_of_its_bracket_and_all_beyond() -> None:
    """Seattle, 2026-09-02: a true 69 was filtered away, 70 was official. With 64 corroborated 69 and 70 stay likely."""
    found = event(lowest=60, statistic=Statistic.OFFICIAL_MAX)
    lattice = lattice_of([(found, ReportPrecision.TENTHS)])

    mass = masses(lattice, seen(64.0, 69.0), 64.0, 1.5)

    upper = [i for i, bracket in enumerate(found.ladder) if bracket.upper is None or bracket.upper >= 69]
    assert mass[upper].sum() > OFFICIAL_COUNTS
    assert mass[found.ladder.index(found.winner_of(65))] > 0.1  # and what the filter would have said is not excluded


def test_a_first_report_that_the_one_before_midnight_contradicts_sets_no_floor(tmp_path: Path) -> None:
    found = event(lowest=69)
    start = window_start(found)
    records = [
        listing(found), *(forecast("KLGA", start + back * HOUR, (25.0, 26.0, 25.5)) for back in (-12, 0)),
        metar("KLGA", start + 9 * MINUTE, [(start - 51 * MINUTE, 200), (start + 6 * MINUTE, 300)]),
    ]  # fmt: skip

    seen_then = look(archive_of(tmp_path, records), start + HOUR)

    assert np.isnan(seen_then.panel.seen.floor[0, 0])
    assert seen_then.panel.seen.raw[0, 0] == 86.0
    assert 0.97 < seen_then.p_model[0, 0, found.ladder.index(found.winner_of(86)) :].sum() < 0.995


@pytest.mark.parametrize("statistic", [Statistic.MAX_LISTED_REPORT, Statistic.OFFICIAL_MAX, Statistic.OFFICIAL_MIN])
def test_a_jump_that_no_later_report_could_vouch_for_yet_is_nearly_certain(statistic: Statistic) -> None:
    """1,599 of 1,604 were vouched for by the next report."""
    _, lattice = ladder_of(statistic)
    sign = -1 if statistic is Statistic.OFFICIAL_MIN else 1
    fresh = seen(80.0, 80.0 + 5 * sign)
    fresh.raw_open[:] = True

    assert stands(lattice, fresh)[0, 0] == pytest.approx(1 - OPEN_COUNTS)
    assert stands(lattice, seen(80.0, 80.0 + 5 * sign))[0, 0] >= 0.1 - 1e-12
    assert stands(lattice, seen(80.0, 80.0))[0, 0] == 1.0


def test_the_desk_knows_a_jump_from_a_spike(tmp_path: Path) -> None:
    fresh, contradicted = (day_with(tmp_path / str(len(told)), told) for told in ((250, 256, 300), (250, 256, 300, 261)))

    assert (fresh.panel.seen.raw_open[0, 0], contradicted.panel.seen.raw_open[0, 0]) == (True, False)
    assert fresh.panel.seen.floor[0, 0] == contradicted.panel.seen.floor[0, 0] - 1 == 78.0
    assert fresh.p_no_more[0, 0] <= 1 - OPEN_COUNTS
    assert contradicted.p_no_more[0, 0] > 3 * fresh.p_no_more[0, 0]


def test_without_a_spike_or_a_neighbour_there_is_nothing_to_compute() -> None:
    _, lattice = ladder_of(Statistic.MAX_LISTED_REPORT)

    assert soft_floor(lattice, seen(83.0, 83.0)) is None
    assert soft_floor(lattice, empty_seen(1, 1)) is None


def test_a_spike_that_what_still_comes_passes_anyway_changes_nothing() -> None:
    _, lattice = ladder_of(Statistic.MAX_LISTED_REPORT)

    assert masses(lattice, seen(70.0, 74.0), 84.0, 0.5) == pytest.approx(masses(lattice, seen(70.0, 70.0), 84.0, 0.5), abs=1e-9)


def day_with(folder: Path, tenths: tuple[int, ...]) -> WeatherEvaluation:
    found = event(lowest=69)
    start = window_start(found)
    at = start + 18 * HOUR
    shown = [(at - (len(tenths) - n) * HOUR + 51 * MINUTE, value) for n, value in enumerate(tenths)]
    records = [
        listing(found), *(forecast("KLGA", at - back * HOUR, (25.0, 26.0, 25.5)) for back in (12, 0)),
        metar("KLGA", at, shown),
    ]  # fmt: skip
    return look(archive_of(folder, records), at)


def test_the_desk_holds_raw_and_corroborated_apart(tmp_path: Path) -> None:
    found = day_with(tmp_path, (250, 256, 300, 261, 256))

    observed, brackets = found.panel.seen, found.panel.events[0].event.ladder
    assert (observed.raw[0, 0], observed.floor[0, 0]) == (86.0, 79.0)
    raw, floor = (brackets.index(found.panel.events[0].event.winner_of(reading)) for reading in (86, 79))
    assert found.p_model[0, 0, raw] == pytest.approx(LISTED_COUNTS, abs=0.02)
    assert 0.0 < found.p_model[0, 0, floor] < 1 - LISTED_COUNTS
    assert found.p_model[0, 0].sum() == pytest.approx(1.0)
    assert found.p_no_more[0, 0] < 1 - LISTED_COUNTS


def test_the_desk_sees_one_extreme_on_a_smooth_day(tmp_path: Path) -> None:
    found = day_with(tmp_path, (250, 256, 267, 261, 256))

    assert found.panel.seen.raw[0, 0] == found.panel.seen.floor[0, 0] == 80.0


def test_the_extreme_of_a_day_rarely_stands_alone(captures: Path) -> None:
    """The measurement behind the step: highs of LaGuardia, 2022 to 2024-08-15: 0 of 958 days by more than 2.5 kelvin."""
    lines = []
    with gzip.open(captures / "real/observations/metar_KLGA.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            if "2023-06" <= row["valid_utc"] < "2023-09":
                report = decode_report(row["raw"], parse_iso(row["valid_utc"]))
                lines.append(Line(report.valid_at, report.tenths, report.valid_at, exact=report.exact))
    columns, received = columns_of(lines)
    days = [date(2023, 6, 2) + timedelta(days=n) for n in range(88)]
    after = np.array([micros(datetime(2023, 12, 1, tzinfo=UTC))])

    found = [
        running_extreme(columns, received, after, a_rule(), KLGA, window_of(DayWindow.CIVIL, KLGA.tz, day)) for day in days
    ]

    assert all(each.reading[0] == each.corroborated.reading[0] for each in found)
