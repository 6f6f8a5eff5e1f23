"""Days made by hand on which one part of the rule decides: each wrong reading gets exactly its own days wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from agents.research.moments import BEFORE, Moment, moment_scores
from agents.research.wrong_rule import Count, Settled, counts
from core.model.rule import DayWindow, Statistic
from core.registry import load_stations
from core.units import MISSING, Columns, micros
from tests.agents.weather.worlds import event

DAY = date(2025, 4, 10)
START = datetime(2025, 4, 10, 4, tzinfo=UTC)  # New York's civil day; its standard day begins an hour later
KLGA = load_stations()["KLGA"]


def reports(*told: tuple[float, int], max6: tuple[float, int] | None = None, mask: int = 51) -> Columns:
    """Return reports (hours after the start, tenths), each at minute `mask`, and one that holds a six-hour group."""
    rows = [(START + timedelta(hours=hour, minutes=mask), tenths, MISSING) for hour, tenths in told]
    if max6 is not None:
        rows.append((START + timedelta(hours=max6[0]), MISSING, max6[1]))
    n, none = len(rows), np.full(len(rows), MISSING, np.int64)
    return {
        "valid_at": np.array([micros(at) for at, *_ in rows]), "report": np.array(["METAR"] * n, dtype=object),
        "corrected": np.zeros(n, bool), "tenths": np.array([row[1] for row in rows]), "exact": np.ones(n, bool),
        "max6": np.array([row[2] for row in rows]), "min6": none, "max24": none, "min24": none,
        "raw": np.array([""] * n, dtype=object),
    }  # fmt: skip


def settled(
    columns: Columns, value: int, *, statistic: Statistic = Statistic.MAX_LISTED_REPORT, window: DayWindow = DayWindow.CIVIL,
    station: str = "KLGA",
) -> Settled:  # fmt: skip
    found = event("e", lowest=60, day=DAY, station=station, statistic=statistic, window=window)
    heard = columns["valid_at"] + 300_000_000
    return Settled(found, KLGA, found.winner_of(value).market_id, value, columns, heard)


def right(days: list[Settled], name: str) -> Count:
    return next(count for count in counts(days) if count.name == name)


def told(days: list[Settled]) -> dict[str, tuple[int, int]]:
    return {count.name: (count.bracket, count.value) for count in counts(days)}


NOON = (12.0, 200)  # 20.0 °C = 68 °F


def test_a_warm_first_hour_decides_between_both_days() -> None:
    """25 °C = 77 °F at 00:51 on the clock lies in the civil day alone; UTC midnight is four hours earlier, and 04:51Z its own."""
    found = told([settled(reports((0, 250), NOON), 77)])

    assert found["by the rule"] == (1, 1)
    assert found["standard instead of civil day"] == (0, 0)
    assert found["UTC day"] == (1, 1)


def test_a_warm_evening_lies_in_the_next_utc_day() -> None:
    """22:51 on the clock is 02:51Z of the next day."""
    found = told([settled(reports(NOON, (22, 250)), 77)])

    assert found["by the rule"] == (1, 1)
    assert found["UTC day"] == (0, 0)


def test_a_group_counts_for_an_official_maximum_and_for_nothing_else() -> None:
    """The group tells 23.0 °C = 73 °F, the list 68 °F."""
    columns = reports(NOON, max6=(14, 230))
    official = settled(columns, 73, statistic=Statistic.OFFICIAL_MAX, window=DayWindow.STANDARD_TIME)
    listed = settled(columns, 68)

    assert told([listed])["six-hour groups where only listed reports count"] == (0, 0)
    assert told([listed])["by the rule"] == (1, 1)
    assert told([official])["listed reports without six-hour groups"] == (0, 0)
    assert told([official])["by the rule"] == (1, 1)


def test_a_report_off_the_hour_counts_in_the_list() -> None:
    found = told([settled(reports((12, 250), mask=20), 77)])

    assert found["by the rule"] == (1, 1)
    assert right([settled(reports((12, 250), mask=20), 77)], "reports of minutes 51 to 59 alone").n == 0  # nothing is left


@pytest.mark.parametrize(
    ("tenths", "rule", "whole", "even", "floor"),
    [
        (200, 68, 68, 68, 68),
        (206, 69, 70, 69, 69),  # 69.08: whole Celsius is 21, which is 69.8
        (194, 67, 66, 67, 66),  # 66.92: whole Celsius is 19, which is 66.2
        (225, 73, 73, 72, 72),  # 72.5: a half
        (175, 64, 64, 64, 63),  # 63.5: a half, the even one is above
    ],
)
def test_each_rounding_differs_where_it_must(tenths: int, rule: int, whole: int, even: int, floor: int) -> None:
    for name, reading in (
        ("by the rule", rule), ("whole °C first, then °F", whole), ("halves to even", even), ("floor instead of half up", floor),
    ):  # fmt: skip
        assert right([settled(reports((12, tenths)), reading)], name).value == 1, name
        assert right([settled(reports((12, tenths)), reading + 3)], name).bracket == 0


def test_a_neighbour_is_called_one() -> None:
    names = list(told([settled(reports(NOON), 68, station="KNYC")]))

    assert names[0] == "reports of KLGA for KNYC"
    assert all(name.startswith("reports of KLGA for KNYC") for name in names)


def test_days_without_a_published_value_count_for_the_bracket_alone() -> None:
    one, other = settled(reports(NOON), 68), settled(reports(NOON), 68)
    without = Settled(other.event, other.station, other.winner, None, other.columns, other.received_at)

    found = right([one, without], "by the rule")

    assert (found.bracket, found.value, found.n, found.n_valued) == (2, 1, 2, 1)


def test_a_daily_summary_is_counted_for_the_days_it_has() -> None:
    days = [settled(reports(NOON), 68)]

    (last,) = [count for count in counts(days, {DAY: 69}) if "summary" in count.name]
    silent = [count for count in counts(days, {DAY + timedelta(days=1): 69}) if "summary" in count.name]

    assert (last.name, last.bracket, last.value, last.n) == (
        "official daily summary of KLGA",
        0,
        0,
        1,
    )
    assert silent == []


def moment(city: str, day: int, model: float, market: float, phase: str = BEFORE) -> Moment:
    return Moment(city, date(2026, 8, day), phase, np.array([model, 1 - model]), np.array([market, 1 - market]), 0)


def test_an_event_read_often_weighs_no_more_than_one_read_once() -> None:
    """Event one: ln 2 three times. Event two: ln 4 once. Their mean is 1.5 ln 2, not 1.25 ln 2."""
    found = moment_scores([moment("Tokyo", 15, 0.5, 0.8)] * 3 + [moment("Tokyo", 16, 0.25, 0.2)])

    overall = found[0]
    assert (overall.name, overall.n_events, overall.n_moments) == (BEFORE, 2, 4)
    assert overall.model_log == pytest.approx(1.5 * np.log(2))
    assert overall.market_log == pytest.approx(-(np.log(0.8) + np.log(0.2)) / 2)
    assert overall.model_better == 1  # on the second event
    assert overall.model_rps == pytest.approx((0.25 + 0.5625) / 2)


def test_cities_are_told_apart_before_the_day_and_phases_for_all() -> None:
    found = moment_scores([
        moment("Tokyo", 15, 0.5, 0.8), moment("London", 15, 0.5, 0.8), moment("London", 15, 0.5, 0.9, "12 to 15")
    ])  # fmt: skip

    assert [(score.name, score.n_events) for score in found] == [
        (BEFORE, 2), ("12 to 15", 1), (f"London, {BEFORE}", 1), (f"Tokyo, {BEFORE}", 1)
    ]  # fmt: skip
