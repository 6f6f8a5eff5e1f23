"""How far official extremes lie beyond listed reports, as a station's own settled days have it."""

from __future__ import annotations

import csv
import gzip
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.weather.discretise import bracket_mass, cumulative, lattice_of
from agents.weather.excess import AT_MOST, MEAN_FAHRENHEIT, at_most, mean_excess
from agents.weather.law import single
from agents.weather.listed import Listed
from agents.weather.panel import PanelMemory, build_panel
from agents.weather.transfer import PRIOR_DAYS, SettledDays, Transfer, TransferMemory, said_by_venue
from core.days import settlement_window
from core.model.record import Record
from core.model.rule import DayWindow, Extreme, Statistic
from core.model.station import ReportPrecision
from core.registry import load_stations
from core.units import MISSING, Unit, micros
from tests.agents.weather.worlds import (
    DAY,
    HOUR,
    SETTINGS,
    archive_of,
    daily_forecast,
    event,
    listing,
    metar,
    outcome,
    window_start,
)

KMIA = load_stations()["KMIA"]
HIGH, LOW = ("KMIA", Extreme.HIGH), ("KMIA", Extreme.LOW)
ORDINAL = DAY.toordinal()
SIX = np.array([  # FACTS I.5: KLGA KORD KATL KDAL KSEA KMIA; 0, 1, 2, 3 or more [%]
    [41.8, 47.9, 8.6, 1.5], [45.7, 44.0, 9.1, 0.9], [36.3, 50.9, 11.5, 1.3], [37.3, 52.5, 9.0, 0.8], [39.2, 51.0, 8.8, 0.6],
    [29.0, 54.7, 14.0, 2.1],
])  # fmt: skip


def listed(statistic: Statistic = Statistic.OFFICIAL_MAX, day: date = DAY, **more: object) -> Listed:
    found = event("mia", lowest=80, day=day, station="KMIA", statistic=statistic, window=DayWindow.STANDARD_TIME, **more)
    start, end = settlement_window(found.rule, KMIA.tz, found.event_day)
    return Listed(found, KMIA, micros(start), micros(end))


def known(memory: TransferMemory, *looks: int, of: Listed | None = None) -> Transfer:
    return memory.known([of or listed()], np.array(looks, np.int64))


def test_the_table_is_the_mean_of_the_six_stations() -> None:
    assert np.diff(AT_MOST) == pytest.approx(SIX.mean(axis=0) / 100, abs=0.002)
    assert (np.diff(AT_MOST) * np.arange(4)).sum() == pytest.approx(MEAN_FAHRENHEIT)


def test_before_anything_was_settled_the_table_stands_to_the_bit() -> None:
    found = known(TransferMemory(), 0, 5)

    assert found.law.shape == (2, 1, 5)
    assert (found.law == AT_MOST).all()
    assert (found.mean == MEAN_FAHRENHEIT).all()


def test_settled_days_are_added_to_thirty_of_the_table() -> None:
    """Thirty days with a degree each: half of the weight."""
    memory = TransferMemory()
    for back in range(30):
        memory.add(HIGH, ORDINAL - 2 - back, 100, 1.0)

    found = known(memory, 99, 100)

    table = np.diff(AT_MOST)
    assert (found.law[0, 0] == AT_MOST).all()
    assert np.diff(found.law[1, 0]) == pytest.approx((table + np.array([0, 1, 0, 0])) / 2)
    assert found.mean[1, 0] == pytest.approx((MEAN_FAHRENHEIT + 1.0) / 2)


def test_less_than_nothing_counts_as_nothing_and_much_as_three() -> None:
    memory = TransferMemory()
    for back, beyond in enumerate((-1.0, 0.0, 3.0, 7.0)):
        memory.add(HIGH, ORDINAL - 2 - back, 100, beyond)

    pmf = np.diff(known(memory, 100).law[0, 0])

    assert pmf == pytest.approx((PRIOR_DAYS * np.diff(AT_MOST) + [2, 0, 0, 2]) / (PRIOR_DAYS + 4))


@pytest.mark.parametrize(("back", "counts"), [(0, False), (1, False), (2, True), (151, True), (152, False)])
def test_a_day_counts_from_two_days_later_and_for_as_long_as_a_new_desk_reads_back(back: int, counts: bool) -> None:
    memory = TransferMemory()
    memory.add(HIGH, ORDINAL - back, 100, 3.0)

    assert ((known(memory, 100).law == AT_MOST).all()) is not np.bool_(counts)


def test_highs_lows_and_stations_learn_apart() -> None:
    memory = TransferMemory()
    memory.add(LOW, ORDINAL - 5, 100, 2.0)
    memory.add(("KLAX", Extreme.HIGH), ORDINAL - 5, 100, 2.0)

    assert (known(memory, 100).law == AT_MOST).all()
    assert np.diff(known(memory, 100, of=listed(Statistic.OFFICIAL_MIN)).law[0, 0])[2] > np.diff(AT_MOST)[2]


def test_a_listed_rule_has_no_excess_of_its_own() -> None:
    memory = TransferMemory()
    memory.add(HIGH, ORDINAL - 5, 100, 2.0)

    assert (known(memory, 100, of=listed(Statistic.MAX_LISTED_REPORT)).law == AT_MOST).all()


def test_a_correction_replaces_its_day_from_when_it_is_received() -> None:
    one, other = TransferMemory(), TransferMemory()
    words = [(100, 0.0), (200, 3.0)]
    for memory, order in ((one, words), (other, words[::-1])):
        for since, beyond in order:
            memory.add(HIGH, ORDINAL - 5, since, beyond)

    before, after = np.diff(known(one, 199, 200).law[:, 0], axis=-1)

    assert (known(one, 150, 250).law == known(other, 150, 250).law).all()
    table = PRIOR_DAYS * np.diff(AT_MOST)
    assert before == pytest.approx((table + np.array([1, 0, 0, 0])) / (PRIOR_DAYS + 1))
    assert after == pytest.approx((table + np.array([0, 0, 0, 1])) / (PRIOR_DAYS + 1))


def test_the_first_of_two_events_of_one_answer_counts() -> None:
    days = SettledDays()
    days.add(5, 100, 1.0)
    days.add(5, 100, 2.0)

    assert days.until(5)[0].tolist() == [1.0]


def test_a_law_is_one_and_rises_and_has_the_same_bits_alone() -> None:
    dice, memory = np.random.default_rng(7), TransferMemory()
    for back in range(150):
        memory.add(HIGH, ORDINAL - 2 - back, int(dice.integers(0, 1_000)), float(dice.integers(-1, 5)))
    looks = np.arange(-10, 1_010, 7)

    together = known(memory, *looks.tolist())

    assert (np.diff(together.law, axis=-1) >= 0).all()
    assert (together.law[..., 0] == 0).all() and (together.law[..., -1] == 1).all()  # noqa: PT018 - one property
    for row, at in enumerate(looks.tolist()):
        alone = known(memory, at)
        assert alone.law.tobytes() == together.law[row : row + 1].tobytes()
        assert alone.mean.tobytes() == together.mean[row : row + 1].tobytes()


def test_the_mean_excess_is_mirrored_and_only_of_official_extremes() -> None:
    official, high = np.array([True, True, False]), np.array([True, False, True])

    found = mean_excess(official, high, np.array([1.0, 1.0, 1.0]), np.array([[0.5, 0.5, 0.5]]))

    assert found.tolist() == [[0.5, -0.5, 0.0]]


def test_each_event_has_the_law_of_its_own_station() -> None:
    own = np.array([0.0, 1.0, 1.0, 1.0, 1.0])

    found = at_most(np.array([[[0.0, 1.0]], [[0.0, np.nan]]]), np.array([[own], [AT_MOST]]))

    assert found.tolist() == [[[1.0, 1.0]], [[AT_MOST[1], 1.0]]]


@pytest.mark.parametrize("statistic", [Statistic.OFFICIAL_MAX, Statistic.OFFICIAL_MIN])
def test_the_law_moves_the_mass_that_lies_between_the_reports(statistic: Statistic) -> None:
    """Nothing more is to come: a station that never goes beyond settles at its report, one that always does a degree on."""
    sign = 1 if statistic is Statistic.OFFICIAL_MAX else -1
    found = event(lowest=69, step=1, statistic=statistic)
    lattice = lattice_of([(found, ReportPrecision.TENTHS)])
    law = single(np.array([[74.0 - 30.0 * sign]]), np.array([[0.5]]), np.array([[np.inf]]))
    seen = np.array([[74.0]])

    for beyond, excess_law in ((0, [0.0, 1.0, 1.0, 1.0, 1.0]), (1, [0.0, 0.0, 1.0, 1.0, 1.0]), (2, [0.0, 0.0, 0.0, 1.0, 1.0])):
        summed = cumulative(lattice, law, seen, seen, excess_law=np.array([[excess_law]]), source_risk=False)
        mass = bracket_mass(lattice, summed)[0, 0]
        assert mass[found.ladder.index(found.winner_of(74 + sign * beyond))] == pytest.approx(1.0)


def world(days: int, beyond: int, *, low: bool = False, exact: bool = True, hours: int = 24) -> list[Record]:
    """Return settled days whose official extreme lies so many degrees beyond the reports, and one that is to come."""
    records: list[Record] = []
    statistic = Statistic.OFFICIAL_MIN if low else Statistic.OFFICIAL_MAX
    for back in range(days + 2, -1, -1):
        if back == 1:
            continue
        found = event(
            f"mia-{back}", lowest=80, day=DAY - timedelta(days=back), station="KMIA", statistic=statistic,
            window=DayWindow.STANDARD_TIME,
        )  # fmt: skip
        start = settlement_window(found.rule, KMIA.tz, found.event_day)[0]
        records += [listing(found, start - timedelta(days=2)), daily_forecast("KMIA", start - 11 * HOUR, start, (30.0, 30.0))]
        if back:
            shown = [300 if h == 15 else 200 if h == 5 else 250 for h in range(24)]  # 86 and 68 F
            told = [(start + timedelta(hours=h, minutes=53), shown[h]) for h in range(hours)]
            records.append(metar("KMIA", start + 24 * HOUR, told, exact=exact))
            records.append(outcome(found, start + timedelta(hours=33), 68 - beyond if low else 86 + beyond))
    return records


def law_after(folder: Path, records: list[Record]) -> list[float]:
    found = build_panel(archive_of(folder, records).as_of([window_start(listed().event)]), (KMIA,), SETTINGS)
    own = [i for i, each in enumerate(found.events) if each.event.event_id == "mia-0"]
    return np.diff(found.seen.excess_law[0, own[0]]).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("low", [False, True])
def test_the_desk_learns_the_law_of_a_station_from_its_settled_days(tmp_path: Path, low: bool) -> None:
    found = law_after(tmp_path, world(10, 2, low=low))

    n = 11  # the day two back is the first that counts
    assert found == pytest.approx((PRIOR_DAYS * np.diff(AT_MOST) + [0, 0, n, 0]) / (PRIOR_DAYS + n))


def test_days_with_few_reports_or_whole_degrees_teach_nothing(tmp_path: Path) -> None:
    table = np.diff(AT_MOST).tolist()

    assert law_after(tmp_path / "few", world(5, 2, hours=17)) == table
    assert law_after(tmp_path / "whole", world(5, 2, exact=False)) == table


def test_a_winner_without_a_value_teaches_nothing(tmp_path: Path) -> None:
    """A bracket holds two degrees, and the reading inside it would be taken from the reports: the law would learn itself."""
    records = [replace(each, facts={**each.facts, "value": None}) if each.kind == "outcomes" else each for each in world(5, 2)]

    assert law_after(tmp_path, records) == np.diff(AT_MOST).tolist()


def test_groups_are_no_reports(tmp_path: Path) -> None:
    """The six-hour group already knows the official extreme: the law is that of what the reports alone leave out."""
    records = world(5, 1)
    for each in records:
        if each.kind == "metar":
            each.rows["max6"][:] = np.where(each.rows["tenths"] == 300, 306, MISSING)

    assert law_after(tmp_path, records)[1] == pytest.approx((PRIOR_DAYS * np.diff(AT_MOST)[1] + 6) / (PRIOR_DAYS + 6))


def test_a_desk_that_ran_for_months_says_what_a_new_one_says(tmp_path: Path) -> None:
    """What is learned reaches back less far than what a new desk reads, so that a restart changes nothing."""
    archive, at = archive_of(tmp_path, world(190, 2)), window_start(listed().event)
    old = PanelMemory((KMIA,))
    for back in (175, 90, 3, 0):
        found = build_panel(archive.as_of([at - timedelta(days=back)]), (KMIA,), SETTINGS, old)

    new = build_panel(archive.as_of([at]), (KMIA,), SETTINGS)

    assert found.seen.excess_law.tobytes() == new.seen.excess_law.tobytes()
    assert found.seen.excess_mean.tobytes() == new.seen.excess_mean.tobytes()
    own = [each.event.event_id for each in new.events].index("mia-0")
    assert np.diff(new.seen.excess_law[0, own])[2] == pytest.approx(
        (PRIOR_DAYS * np.diff(AT_MOST)[2] + 150) / (PRIOR_DAYS + 150)
    )


def test_only_official_days_in_fahrenheit_are_said(tmp_path: Path) -> None:
    start = window_start(listed().event)
    view = archive_of(tmp_path, world(1, 2)).as_of([start])
    stack = view.span("outcomes", "mia-3", start - 5 * 24 * HOUR, start)  # type: ignore[arg-type]
    day = DAY - timedelta(days=3)

    said = said_by_venue(listed(day=day), stack)

    assert said is not None
    assert (said.day, [word.value for word in said.words]) == (day.toordinal(), [88.0])
    assert said_by_venue(listed(day=day, unit=Unit.CELSIUS), stack) is None
    assert said_by_venue(listed(Statistic.MAX_LISTED_REPORT, day), stack) is None
    assert said_by_venue(listed(day=day - timedelta(days=15)), stack) is None  # said a fortnight after its day


def test_miami_before_its_markets_is_near_the_table(captures: Path) -> None:
    """235 days to 2024-08-15: 28.9 % nothing, 57.4 one, 12.3 two, 1.3 more; the weight of the table hardly matters."""
    days: list[float] = []
    with gzip.open(captures / "real/aligned/kalshi_station_days.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            official = row["kalshi_value_f"] or row["cli_max_f"]
            if row["series"] == "HIGHMIA" and row["target_date"] < "2024-08-16" and official and int(row["metar_n"]) >= 18:
                days.append(float(official) - float(row["metar_max_f"]))
    counted = np.bincount(np.clip(days, 0, 3).astype(int), minlength=4)

    assert counted.tolist() == [68, 135, 29, 3]
    scores = {weight: _walked(np.clip(days, 0, 3).astype(int), weight) for weight in (5.0, 25.0, PRIOR_DAYS, 75.0, 150.0)}
    assert max(scores[weight] for weight in (25.0, PRIOR_DAYS, 75.0, 150.0)) - min(scores.values()) < 0.006
    assert scores[5.0] > scores[PRIOR_DAYS]


def _walked(degrees: np.ndarray, weight: float) -> float:
    table = np.diff(AT_MOST)
    lost = 0.0
    for n, degree in enumerate(degrees):
        before = np.bincount(degrees[: max(n - 2, 0)], minlength=4)
        lost -= float(np.log((before[degree] + weight * table[degree]) / (before.sum() + weight)))
    return lost / len(degrees)
