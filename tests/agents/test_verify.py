"""Scores of model, market and rivals, with numbers made by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.research.rivals import GRID, Truth, gaussian_pmf, rivals_of
from agents.research.verification import scored_days
from agents.research.verify import (
    CHECKPOINTS,
    Ahead,
    ScoredDay,
    Spoken,
    block_interval,
    central_width,
    on_grid,
    score,
)
from core.days import settlement_window
from core.model.event import Event
from core.model.record import Record
from core.model.rule import DayWindow, Statistic
from core.registry import load_stations
from core.units import FloatArray
from tests.agents.weather.worlds import SETTINGS, archive_of, daily_forecast, event, listing, metar, outcome, prints

FIVE = np.array([0.05, 0.20, 0.40, 0.25, 0.10])
EVEN = np.full(5, 0.2)
SILENT = Spoken(np.full(5, np.nan), EVEN, float("nan"))
DAY = date(2024, 9, 10)
MIAMI = load_stations()["KMIA"]


def settled(
    *, day: date = DAY, winner: int = 2, spoken: Spoken, value: float | None = 88.0, ahead: Ahead | None = None
) -> ScoredDay:
    return ScoredDay(day, winner, value, winner, 88, (spoken,) * len(CHECKPOINTS), ahead)


def point(reading: int) -> FloatArray:
    return np.where(reading == GRID, 1.0, 0.0)


def test_a_checkpoint_gives_the_worked_scores() -> None:
    """SCIENCE 3.1: five brackets, the third won: log 0.916291, Brier 0.4750; of an even market ln 5 and 0.8."""
    found = score([settled(spoken=Spoken(FIVE, EVEN, 120.0))]).checkpoints[0]

    assert found.n == 1
    assert found.model_log == pytest.approx(0.916291, abs=1e-6)
    assert found.model_brier == pytest.approx(0.4750)
    assert found.market_log == pytest.approx(math.log(5))
    assert found.market_brier == pytest.approx(0.8)
    assert (found.model_top, found.market_top) == (1.0, 0.0)
    assert found.median_print_age_s == 120.0


def test_a_day_on_which_one_of_both_was_silent_is_not_compared() -> None:
    found = score([settled(spoken=SILENT), settled(spoken=Spoken(FIVE, EVEN, 60.0))]).checkpoints[0]
    nobody = score([settled(spoken=SILENT)]).checkpoints[0]

    assert found.n == 1
    assert (nobody.n, nobody.model_log, nobody.market_log) == (0, None, None)


def test_the_settlement_check_counts_days_with_reports_and_a_published_value() -> None:
    right = settled(spoken=SILENT)
    wrong_value = replace(right, own_value=89)
    wrong = replace(right, own_value=90, own_winner=3)
    unpublished, proxy = replace(right, value=None), replace(right, own_winner=None, own_value=None)

    found = score([right, wrong_value, wrong, unpublished, proxy]).settlement

    assert (found.bracket_agree, found.value_agree, found.n) == (2, 1, 3)


def test_the_rivals_follow_from_the_residuals_of_a_year_that_ends_two_days_before() -> None:
    """Sources 80 and 82 make 81. Residuals +1 and -3 in turn: RMSE sqrt(5), bias -1, spread 2."""
    days = tuple(date(2023, 1, 1) + timedelta(days=i) for i in range(402))
    official = np.where(np.arange(402) % 2 == 0, 82.0, 78.0)
    official[-2:] = 120.0  # yesterday and today are not known yet

    rivals = rivals_of(Truth(days, np.tile([80.0, 82.0], (402, 1)), official))

    n = 365  # of which the last, even one is one more
    assert rivals.raw.mean[-1] == 81.0
    assert rivals.raw.sd[-1] == pytest.approx(math.sqrt((182 * 1 + 183 * 9) / n))
    assert rivals.corrected.mean[-1] == pytest.approx(81.0 + (182 * 1 - 183 * 3) / n)
    assert rivals.corrected.sd[-1] == pytest.approx(2.0, abs=1e-4)
    assert np.isnan(rivals.raw.sd[20])  # too little to have a sd
    assert rivals.pmfs(days[20]) is None


def test_a_source_that_was_silent_is_left_out_of_the_mean() -> None:
    truth = Truth((DAY, DAY), np.array([[80.0, np.nan], [np.nan, np.nan]]), np.array([np.nan, np.nan]))

    assert truth.mean[0] == 80.0
    assert np.isnan(truth.mean[1])


def test_a_rounded_normal_law_puts_into_a_degree_what_lies_between_its_halves() -> None:
    """Within half a sd of the mean of a normal law lies 0.382925."""
    pmf = gaussian_pmf(80.0, 1.0)

    assert pmf.sum() == pytest.approx(1.0)
    assert pmf[80 - GRID[0]] == pytest.approx(0.382925, abs=1e-6)


def test_the_day_ahead_compares_ranked_scores_on_whole_degrees() -> None:
    """SCIENCE 3.1: RPS 0.1975 of FIVE on 86..90 when 88 settles; a sure law two degrees off costs 2."""
    law = Ahead(on_grid(np.arange(86, 91), FIVE), point(90), point(89), value=88)

    found = score([settled(spoken=SILENT, ahead=law)]).day1

    assert found.rps_model == pytest.approx(0.1975)
    assert (found.rps_baseline, found.rps_bias_corrected) == (2.0, 1.0)
    assert found.change_pct == pytest.approx(100 * (0.1975 / 2 - 1))
    assert found.ci90 is None  # one date
    assert found.coverage80 == pytest.approx(1.0)  # 88 fills 0.25 to 0.65, all of it central
    # 10 % lie at 86.75 (a quarter into 87), 90 % at 89.5
    assert found.width80 == pytest.approx(89.5 - 86.75)


def test_half_of_a_settled_degree_may_lie_inside_the_central_interval() -> None:
    """86 takes up 0 to 0.05 and lies outside; 87 takes up 0.05 to 0.25, of which 0.15 of 0.20 lie inside."""
    law = on_grid(np.arange(86, 91), FIVE)
    outside, partly = (score([settled(spoken=SILENT, ahead=Ahead(law, law, law, value))]).day1.coverage80 for value in (86, 87))

    assert outside == pytest.approx(0.0)
    assert partly == pytest.approx(0.75)
    assert central_width(point(88)) == pytest.approx(0.8)


def test_the_interval_keeps_dates_together_and_is_the_same_every_time() -> None:
    """A model that is a tenth better on every date is so in every resample; stations of one date move together."""
    rival = np.random.default_rng(1).uniform(0.5, 2.0, 80)
    dates = np.repeat(np.arange(40), 2)

    low, high = block_interval(0.9 * rival, rival, dates) or (0.0, 0.0)
    noisy = rival * np.random.default_rng(2).uniform(0.5, 1.5, 80)

    assert low == pytest.approx(-10.0)
    assert high == pytest.approx(-10.0)
    assert block_interval(noisy, rival, dates) == block_interval(noisy, rival, dates)
    assert block_interval(rival[:58], rival[:58], dates[:58]) is None  # 29 dates


def test_the_checkpoints_keep_standard_time_in_summer() -> None:
    """17:45 in Miami's standard time is 22:45Z also while clocks are ahead; 14:45 of the day is 19:45Z."""
    assert CHECKPOINTS[0].at(MIAMI.tz, DAY) == datetime(2024, 9, 9, 22, 45, tzinfo=UTC)
    assert CHECKPOINTS[-1].at(MIAMI.tz, DAY) == datetime(2024, 9, 10, 19, 45, tzinfo=UTC)


def miami(day: date) -> Event:
    return event(
        f"mia-{day.day}",
        lowest=84,
        n=6,
        day=day,
        station="KMIA",
        statistic=Statistic.OFFICIAL_MAX,
        window=DayWindow.STANDARD_TIME,
    )


def records_of(day: date, reading: int, market: Sequence[float]) -> list[Record]:
    """Return what is known of one Miami day: listing, forecast, prints, reports up to the maximum at 14:53, outcome."""
    found = miami(day)
    start, end = settlement_window(found.rule, MIAMI.tz, day)
    opened, hour = start - timedelta(hours=15), timedelta(hours=1)
    tenths = round((reading - 32) / 1.8 * 10)
    reports = [
        metar(
            "KMIA",
            start + hour * i + timedelta(minutes=58),
            [(start + hour * i + timedelta(minutes=53), tenths - 10 * abs(i - 14))],
        )
        for i in range(24)
    ]
    return [
        listing(found, opened),
        daily_forecast("KMIA", opened + 3 * hour, start, ((reading - 33.0) / 1.8, (reading - 31.0) / 1.8)),
        *(prints(found, opened + 5 * hour + 2 * hour * i, market) for i in range(17)),
        *reports,
        outcome(found, end + 8 * hour, reading),
    ]


MARKET = (0.05, 0.15, 0.45, 0.25, 0.08, 0.04)
READINGS = (87, 88, 86, 90, 89, 88)
FIRST = date(2024, 9, 5)
TRUTH = Truth((), np.empty((0, 2)), np.empty(0))


def all_records(markets: Sequence[Sequence[float]] = (MARKET,) * len(READINGS)) -> list[Record]:
    return [
        record for i, reading in enumerate(READINGS) for record in records_of(FIRST + timedelta(days=i), reading, markets[i])
    ]


def scored(folder: Path, records: Sequence[Record], n: int = len(READINGS)) -> list[ScoredDay]:
    archive = archive_of(folder, sorted(records, key=lambda record: record.received_at))
    return list(scored_days(archive, SETTINGS, MIAMI, TRUTH, FIRST, FIRST + timedelta(days=n - 1)))


def test_days_are_scored_from_the_records(tmp_path: Path) -> None:
    days = scored(tmp_path, all_records())
    found = score(days)

    assert found.n_days == len(READINGS)
    assert (found.settlement.bracket_agree, found.settlement.value_agree) == (6, 6)
    assert [each.n for each in found.checkpoints] == [6] * len(CHECKPOINTS)
    assert found.checkpoints[0].median_print_age_s == pytest.approx(105 * 60)  # the print of 21:00Z, at 22:45Z


def test_what_was_received_later_changes_no_score_of_a_day_that_was_settled_by_then(tmp_path: Path) -> None:
    records = all_records()
    until = datetime(2024, 9, 9, 23, tzinfo=UTC)  # the first three days are settled, the others lie ahead
    known = [record for record in records if record.received_at <= until]

    whole, part = scored(tmp_path / "whole", records, 3), scored(tmp_path / "part", known, 3)

    assert len(known) < len(records)
    assert score(whole) == score(part)


def test_shuffled_markets_change_the_market_score_and_not_the_model_score(tmp_path: Path) -> None:
    shuffled = [np.roll(MARKET, i).tolist() for i in range(1, len(READINGS) + 1)]

    asked, mixed = score(scored(tmp_path / "a", all_records())), score(scored(tmp_path / "b", all_records(shuffled)))

    for before, after in zip(asked.checkpoints, mixed.checkpoints, strict=True):
        assert before.model_log == after.model_log
        assert before.market_log != after.market_log
