"""Scores of model, market and rivals, with numbers made by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.research.rivals import CORRECTED, GRID, RAW, SEASON, SOURCE, YESTERDAY, Truth, gaussian_pmf, rivals_of
from agents.research.verification import believed, scored_days
from agents.research.verify import Ahead, ScoredDay, Spoken, advantage, score
from core.checkpoints import CHECKPOINTS
from core.days import settlement_window
from core.model.event import Event
from core.model.record import Record
from core.model.rule import DayWindow, Statistic
from core.registry import load_stations
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
    raw, corrected = rivals.laws[RAW], rivals.laws[CORRECTED]
    assert raw.mean[-1] == 81.0
    assert raw.sd[-1] == pytest.approx(math.sqrt((182 * 1 + 183 * 9) / n))
    assert corrected.mean[-1] == pytest.approx(81.0 + (182 * 1 - 183 * 3) / n)
    assert corrected.sd[-1] == pytest.approx(2.0, abs=1e-4)
    assert np.isnan(raw.sd[20])  # too little to have a sd
    assert RAW not in rivals.pmfs(days[20])


def test_the_other_rivals_are_the_best_source_the_season_and_the_last_value_known() -> None:
    """The second source is always 3 too warm: corrected by that it never errs, while the first errs by 2 in turn."""
    days = tuple(date(2023, 1, 1) + timedelta(days=i) for i in range(60))
    official = np.where(np.arange(60) % 2 == 0, 82.0, 78.0)

    laws = rivals_of(Truth(days, np.stack([np.full(60, 80.0), official + 3.0], axis=-1), official)).laws

    assert laws[SOURCE].mean[-1] == pytest.approx(official[-1])
    assert laws[SOURCE].sd[-1] == pytest.approx(0.0)
    assert laws[YESTERDAY].mean[-1] == official[-3]
    assert np.isnan(laws[SEASON].mean[-1])  # 14 days before lie within fifteen of it


def test_a_source_that_was_silent_is_left_out_of_the_mean() -> None:
    truth = Truth((DAY, DAY), np.array([[80.0, np.nan], [np.nan, np.nan]]), np.array([np.nan, np.nan]))

    assert truth.mean[0] == 80.0
    assert np.isnan(truth.mean[1])


def test_a_rounded_normal_law_puts_into_a_degree_what_lies_between_its_halves() -> None:
    """Within half a sd of the mean of a normal law lies 0.382925."""
    pmf = gaussian_pmf(80.0, 1.0)

    assert pmf.sum() == pytest.approx(1.0)
    assert pmf[80 - GRID[0]] == pytest.approx(0.382925, abs=1e-6)


def test_the_day_ahead_compares_the_model_with_every_rival_on_its_own_days() -> None:
    """A model of .5 against rivals of 1 and .8 is 50 and 37.5 % better; a rival without a law on a day is met on the others."""
    both, one = {RAW: 1.0, CORRECTED: 0.8, SEASON: 2.0}, {RAW: 1.0, CORRECTED: 0.8}
    days = [
        settled(spoken=SILENT, ahead=Ahead(0.5, rivals), day=DAY + timedelta(days=i)) for i, rivals in enumerate((both, one))
    ]

    found = score(days).day1

    assert (found.n, found.rps_model, found.rps_baseline, found.rps_bias_corrected) == (2, 0.5, 1.0, 0.8)
    assert found.change_pct == pytest.approx(-50.0)
    assert found.ci90 is None  # two dates
    assert found.against[CORRECTED][0] == pytest.approx(-37.5)
    assert found.against[SEASON][0::2] == (pytest.approx(-75.0), 1)


def test_sharpness_is_judged_against_one_law_for_all_days() -> None:
    """Misses of 1 and -1 have a sd of 1: an honest central 80 % is at most 2.56 x 1.05 wide."""
    days = [
        settled(
            spoken=SILENT, ahead=Ahead(0.5, {RAW: 1.0, CORRECTED: 1.0}, 0.3, 0.6, 2.0, miss, miss), day=DAY + timedelta(days=i)
        )
        for i, miss in enumerate((1.0, -1.0))
    ]

    found = score(days).day1

    assert found.residual_sd == pytest.approx(1.0)
    assert found.widest == pytest.approx(2.688)
    assert found.width80 == pytest.approx(2.0)
    assert found.log_model == pytest.approx(-math.log(0.3))


def test_an_advantage_over_the_market_needs_dates_and_events_to_be_said() -> None:
    """A pool that gives each winner a tenth more than the market on 40 dates is better, but 40 events are not 500."""
    dates = np.arange(40)

    few, enough = advantage(np.full(20, 0.1), np.arange(20)), advantage(np.full(40, math.log(1.1)), dates)

    assert few.interval is None
    assert enough.interval is not None
    assert enough.interval.low == pytest.approx(math.log(1.1))
    assert enough.verdict == "better; not enough data (40 of 500 events, 40 of 90 dates)"


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
    last = FIRST + timedelta(days=n - 1)
    return list(scored_days(believed(archive, SETTINGS, (MIAMI,), last).scored, MIAMI.code, TRUTH, FIRST, last))


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
