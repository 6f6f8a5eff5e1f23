"""A look at a small archive: as of its instant, the same alone or in a day of looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.weather.columns import columns_of
from agents.weather.desk import WeatherDesk
from agents.weather.evaluation import WeatherEvaluation
from agents.weather.reasons import REASONS
from agents.weather.regime import CODES, NAMES
from core.model.event import Event
from core.model.record import Record
from core.model.rule import Grade, Statistic
from core.registry import load_stations
from core.units import Unit
from tests.agents.weather.worlds import (
    DAY,
    SETTINGS,
    archive_of,
    book,
    daily_forecast,
    event,
    forecast,
    listing,
    live_records,
    look,
    metar,
    outcome,
    prints,
    quarter_hours,
    rule,
    window_start,
)  # fmt: skip

FAIR = (0.01, 0.02, 0.05, 0.15, 0.30, 0.25, 0.12, 0.06, 0.02, 0.01, 0.01)
EVENING = datetime(2026, 6, 11, 21, 45, tzinfo=UTC)  # 17:45 in New York
NOON = datetime(2026, 6, 12, 16, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
INTERVAL, NONE = timedelta(minutes=15), timedelta(0)


def records(found: Event, at: datetime, peaks: tuple[float, ...] = (25.0, 26.0, 25.5)) -> list[Record]:
    """Return a listing, a forecast that was there one look before, and a book."""
    told = [forecast(found.rule.station, at - back, peaks, first=at) for back in (INTERVAL, NONE)]
    return [listing(found), *told, book(found, at, FAIR)]


def regime(found: WeatherEvaluation, row: int = 0) -> tuple[str, str]:
    return NAMES[int(found.regimes.regime[row, 0])], CODES[int(found.regimes.reason[row, 0])]


def same_columns(one: WeatherEvaluation, row: int, other: WeatherEvaluation, other_row: int) -> None:
    """Fail where two looks differ in any bit of what is stored."""
    for mine, theirs in zip(columns_of(one, row), columns_of(other, other_row), strict=True):
        assert list(mine) == list(theirs)
        for name, values in mine.items():
            assert (
                values.tobytes() == theirs[name].tobytes() if values.dtype != object else list(values) == list(theirs[name])
            ), name


def test_an_evening_look_believes_the_forecast_with_the_error_of_the_table(tmp_path: Path) -> None:
    """Mean of 25, 26 and 25.5 degrees is 77.9 F; SCIENCE 1.9 says 2.4 F for several models at 6 hours, more before."""
    found = look(archive_of(tmp_path, records(event(), EVENING)), EVENING)

    assert found.law.mean[0, 0] == pytest.approx(77.9, abs=1e-6)
    assert found.law.spread[0, 0] == pytest.approx(2.4, abs=0.02)
    assert found.p_model[0, 0].sum() == pytest.approx(1.0, abs=1e-12)
    assert regime(found) == ("STABLE", "")


def test_celsius_events_take_the_table_in_celsius(tmp_path: Path) -> None:
    london = event("london-12", lowest=20, step=1, station="EGLC", unit=Unit.CELSIUS)
    at = window_start(london) - timedelta(hours=6.25)

    found = look(archive_of(tmp_path, [listing(london), forecast("EGLC", at, (25.0, 26.0), tz_hours=0)]), at)

    assert found.law.mean[0, 0] == pytest.approx(25.5, abs=1e-6)
    assert found.law.spread[0, 0] == pytest.approx(2.4 / 1.8, abs=0.01)


def test_every_row_of_a_block_has_the_bits_of_a_look_alone(tmp_path: Path) -> None:
    """Two days with reports, a new forecast, a settled neighbour and an event that is listed on the way."""
    start = datetime(2026, 6, 11, 12, 0, tzinfo=UTC)
    new_york, miami = event(), event("miami-12", lowest=80, station="KMIA")
    before = event("nyc-10", day=DAY - timedelta(days=2))
    found = live_records(new_york, start, 140, (25.0, 26.0, 25.5), FAIR)
    found += live_records(miami, start, 140, (30.0, 30.5), FAIR[::-1])
    found += [
        forecast("KLGA", start + timedelta(hours=9, minutes=1), (26.0, 27.0, 27.5), first=start),
        forecast("KLGA", datetime(2026, 6, 9, 21, 0, tzinfo=UTC), (24.0, 25.0)), listing(before),
        outcome(before, start + timedelta(hours=3), 78),
        listing(event("chicago-13", station="KORD", day=DAY + timedelta(days=1)), start + timedelta(hours=20)),
    ]  # fmt: skip
    archive = archive_of(tmp_path, found)
    instants = quarter_hours(start, 140)

    block = look(archive, *instants)

    for row in (*range(0, 140, 9), 139):
        same_columns(block, row, look(archive, instants[row]), 0)
    assert block.panel.learned.n[139].max() == 1
    assert {"nyc-12", "miami-12", "chicago-13"} <= {each.event.event_id for each in block.panel.events}


def test_a_desk_that_remembers_says_what_a_new_one_says(tmp_path: Path) -> None:
    start = datetime(2026, 6, 11, 22, 0, tzinfo=UTC)
    archive = archive_of(tmp_path, live_records(event(), start, 100, (25.0, 26.0), FAIR))
    desk = WeatherDesk(tuple(load_stations().values()), SETTINGS)

    for at in (*quarter_hours(start, 100), start + timedelta(hours=3)):  # the last one goes back in time
        same_columns(look(archive, at, desk=desk), 0, look(archive, at), 0)


def test_deleting_the_future_changes_nothing_up_to_its_instant(tmp_path: Path) -> None:
    start = datetime(2026, 6, 11, 12, 0, tzinfo=UTC)
    found = live_records(event(), start, 130, (25.0, 26.0, 25.5), FAIR)
    found += [forecast("KLGA", start + timedelta(hours=11, minutes=5), (30.0, 31.0), first=start)]
    found += [outcome(event(), start + timedelta(hours=31), 80)]
    cut = start + timedelta(hours=26)
    instants = [at for at in quarter_hours(start, 130) if at <= cut]

    whole = look(archive_of(tmp_path / "whole", found), *instants)
    known = look(archive_of(tmp_path / "cut", [record for record in found if record.received_at <= cut]), *instants)

    for row in range(len(instants)):
        same_columns(whole, row, known, row)


def test_a_frozen_world_keeps_its_probability_for_a_day(tmp_path: Path) -> None:
    """The lead is counted from when the content was first received: repeating it is no news."""
    start = datetime(2026, 6, 10, 16, 0, tzinfo=UTC)
    archive = archive_of(tmp_path, live_records(event(), start, 97, (25.0, 26.0, 25.5), FAIR))

    found = look(archive, *quarter_hours(start, 97))

    for part in (found.p_model, found.p_market, found.p_pooled, found.law.spread):
        assert (part == part[0]).all()


def test_what_was_observed_is_a_floor_by_the_rule_of_the_event(tmp_path: Path) -> None:
    """25.6 degrees are 78 F: nothing below can win, up to the risk of the source."""
    reports = [(NOON - timedelta(hours=h, minutes=9), tenths) for h, tenths in ((2, 230), (1, 256), (0, 244))]
    found = look(archive_of(tmp_path, [*records(event(), NOON), metar("KLGA", NOON, reports)]), NOON)

    assert found.panel.seen.floor[0, 0] == 78.0
    below = [i for i, b in enumerate(event().ladder) if b.upper is not None and b.upper < 77]
    assert found.p_model[0, 0, below].max() == 0.0
    assert 0.0 < found.p_no_more[0, 0] < 1.0


def test_a_report_of_whole_degrees_leaves_a_degree_of_doubt(tmp_path: Path) -> None:
    """A body of 26 may be 78 or 79 F: the floor is the safe one."""
    report = [(NOON - 9 * MINUTE, 260)]

    found = look(archive_of(tmp_path, [*records(event(), NOON), metar("KLGA", NOON, report, exact=False)]), NOON)

    assert found.panel.seen.floor[0, 0] == 78.0  # reading_of says 79


def test_a_neighbouring_station_sets_no_floor(tmp_path: Path) -> None:
    park = event("park-12", station="KNYC", statistic=Statistic.OFFICIAL_MAX, source="nws_climate_report")
    reports = [(NOON - 9 * MINUTE, 300)]

    found = look(archive_of(tmp_path, [*records(park, NOON), metar("KLGA", NOON, reports)]), NOON)

    assert np.isnan(found.panel.seen.floor[0, 0])
    assert regime(found) == ("NOTRADE", "metar_old")


def test_an_official_maximum_takes_six_hour_groups_of_its_own_day_and_a_listed_one_does_not(tmp_path: Path) -> None:
    report = metar("KLGA", NOON + timedelta(hours=3), [(datetime(2026, 6, 12, 17, 51, tzinfo=UTC), 250)])
    report.rows["max6"][:] = 270

    floors = [
        look(
            archive_of(tmp_path / str(statistic), [*records(found, NOON), report]), NOON + timedelta(hours=3)
        ).panel.seen.floor[0, 0]
        for statistic in (Statistic.OFFICIAL_MAX, Statistic.MAX_LISTED_REPORT)
        for found in (event(statistic=statistic),)
    ]

    assert floors == [81.0, 77.0]


def test_a_lowest_temperature_has_a_ceiling(tmp_path: Path) -> None:
    low = event("nyc-low-12", lowest=55, statistic=Statistic.MIN_LISTED_REPORT)
    reports = [(NOON - timedelta(hours=h, minutes=9), tenths) for h, tenths in ((7, 160), (0, 244))]

    found = look(archive_of(tmp_path, [*records(low, NOON), metar("KLGA", NOON, reports)]), NOON)

    assert found.panel.seen.floor[0, 0] == 61.0
    above = [i for i, b in enumerate(low.ladder) if b.lower is not None and b.lower > 62]
    assert found.p_model[0, 0, above].max() == 0.0
    assert found.panel.forecasts.extreme[0, 0] < 70


def test_warm_reports_raise_the_afternoon(tmp_path: Path) -> None:
    def reports(extra: int) -> Record:
        return metar("KLGA", NOON, [(NOON - timedelta(hours=h, minutes=9), 200 + 10 * (2 - h) + extra) for h in (2, 1, 0)])

    cool, warm = (
        look(archive_of(tmp_path / str(extra), [*records(event(), NOON), reports(extra)]), NOON).law.mean[0, 0]
        for extra in (0, 20)
    )

    assert 1.0 < warm - cool < 3.6  # two degrees Celsius, fading toward the peak


def test_a_daily_maximum_is_enough_for_a_law(tmp_path: Path) -> None:
    """Sources of past records give no hourly curve: the climatological one is shifted to their maximum."""
    found = event()
    start = window_start(found)
    archive = archive_of(tmp_path, [listing(found), daily_forecast("KLGA", start - timedelta(hours=11), start, (25.0, 26.0))])

    evening, noon = look(archive, start - timedelta(hours=6), NOON).law.mean[:, 0]

    assert evening == pytest.approx(77.9, abs=1e-6)
    assert noon == pytest.approx(77.9, abs=1e-6)


def test_four_models_that_disagree_are_taken_by_their_median(tmp_path: Path) -> None:
    """SCIENCE 1.10: one model's grid cell missed by 17 F, the median by 0.8."""
    found = look(archive_of(tmp_path, [listing(event()), forecast("KLGA", EVENING, (25.0, 25.2, 25.4, 35.0))]), EVENING)

    assert found.panel.forecasts.extreme[0, 0] == pytest.approx(25.3 * 1.8 + 32, abs=1e-6)


def test_a_model_that_knows_half_of_the_day_is_not_asked(tmp_path: Path) -> None:
    whole = forecast("KLGA", EVENING, (25.0, 30.0))
    late = whole.rows["model"] == "model1"
    keep = ~late | (whole.rows["valid_at"] < int((NOON - timedelta(hours=2)).timestamp() * 1e6))
    cut = replace(whole, rows={name: values[keep] for name, values in whole.rows.items()})

    found = look(archive_of(tmp_path, [listing(event()), cut]), EVENING)

    assert found.panel.forecasts.extreme[0, 0] == pytest.approx(77.0, abs=1e-6)
    assert found.panel.forecasts.n_models[0, 0] == 1


def test_prints_stand_for_prices_where_no_book_ever_was(tmp_path: Path) -> None:
    found = event()
    told = forecast("KLGA", EVENING - INTERVAL, (25.0, 26.0))
    archive = archive_of(tmp_path, [listing(found), told, prints(found, EVENING - 20 * MINUTE, FAIR)])

    fresh, old = look(archive, EVENING), look(archive, EVENING + timedelta(hours=1))

    assert fresh.panel.books.prints_only[0, 0]
    assert fresh.p_market[0, 0].sum() == pytest.approx(1.0)
    assert regime(fresh) == ("STABLE", "")
    slipped = 0.30 + 0.01
    assert fresh.offers.price[0, 0, 4, 0] == pytest.approx(slipped + 0.05 * slipped * (1 - slipped))
    assert np.isnan(old.offers.price[0, 0]).all()
    assert columns_of(old, 0)[1]["reason"][4] == "print_old"


def test_settled_days_teach_bias_two_days_later_and_not_before(tmp_path: Path) -> None:
    """Five days on which 81 came where 77 was forecast; the venue spoke at noon of the day after."""
    found: list[Record] = []
    for back in range(7, 2, -1):
        day = DAY - timedelta(days=back)
        past = event(f"nyc-{day.day}", day=day)
        found += [
            listing(past, EVENING - timedelta(days=back + 2)),
            forecast("KLGA", EVENING - timedelta(days=back), (25.0, 25.0)),
        ]
        found += [outcome(past, datetime(day.year, day.month, day.day, 16, tzinfo=UTC) + timedelta(days=1), 81)]
    tomorrow = DAY - timedelta(days=1)
    found += [listing(event()), listing(event("nyc-11", day=tomorrow)), forecast("KLGA", EVENING, (25.0, 25.0))]
    archive = archive_of(tmp_path, found)

    now = look(archive, EVENING)

    by_id = {each.event.event_id: i for i, each in enumerate(now.panel.events)}
    assert now.panel.learned.n[0, by_id["nyc-12"]] == 5
    assert 2.5 < now.panel.learned.bias[0, by_id["nyc-12"]] < 4.0
    assert now.panel.forecasts.extreme[0, by_id["nyc-12"]] == pytest.approx(77.0)
    early = look(archive, EVENING - timedelta(days=4))
    assert early.panel.learned.n.max() <= 2


def test_a_correction_replaces_what_was_learned_when_it_is_received(tmp_path: Path) -> None:
    past = event("nyc-08", day=DAY - timedelta(days=4))
    first, later = (datetime(2026, 6, d, 16, tzinfo=UTC) for d in (9, 11))
    found = [
        listing(past, EVENING - timedelta(days=6)), forecast("KLGA", EVENING - timedelta(days=4), (25.0,)), outcome(past, first, 81),
        outcome(past, later, 79), listing(event()), forecast("KLGA", EVENING - timedelta(days=1), (25.0,)),
    ]  # fmt: skip
    archive = archive_of(tmp_path, found)

    before, after = look(archive, later - MINUTE, later).panel.learned.bias[:2, -1]

    assert before == pytest.approx(2.0)  # (0 + 4) / (1 + 1)
    assert after == pytest.approx(1.0)


def refused(found: Event, at: datetime = EVENING, **more: list[Record]) -> list[Record]:
    return [*records(found, at), *more.get("also", [])]


def moved_on(found: list[Record], by: timedelta) -> datetime:
    return max(record.received_at for record in found) + by


@pytest.mark.parametrize(
    ("found", "at", "code"),
    [
        (refused(event(grade=Grade.INFERRED)), EVENING, "rule_inferred"),
        (refused(event(), also=[listing(replace(event(), rule=rule(sha256="1" * 64)), EVENING)]), EVENING, "listing_changed"),
        (refused(replace(event(), accepting=False)), EVENING, "window_closed"),
        (refused(replace(event(), closes_at=EVENING)), EVENING, "window_closed"),
        ([listing(event()), book(event(), EVENING, FAIR)], EVENING, "forecast_missing"),
        (refused(event(), EVENING - timedelta(hours=2), also=[book(event(), EVENING, FAIR)]), EVENING, "forecast_unconfirmed"),
        (records(event(), EVENING)[:3], EVENING, "book_missing"),
        (refused(event()), EVENING + timedelta(seconds=61), "book_old"),
        (refused(replace(event(), liquidity_usd=900.0)), EVENING, "liquidity_low"),
        (records(event(), NOON), NOON, "metar_old"),
    ],
)  # fmt: skip
def test_an_event_that_cannot_be_trusted_is_not_traded(tmp_path: Path, found: list[Record], at: datetime, code: str) -> None:
    """TRANSMISSION 1.6."""
    evaluation = look(archive_of(tmp_path, found), at)

    assert regime(evaluation) == ("NOTRADE", code)
    assert code in REASONS
    outlooks, brackets = columns_of(evaluation, 0)
    assert outlooks["refusal"][0] == code
    assert set(brackets["decision"]) == {"skip"}


def test_an_old_forecast_is_not_traded_though_it_is_repeated(tmp_path: Path) -> None:
    start = EVENING - timedelta(hours=13)
    archive = archive_of(tmp_path, live_records(event(), start, 53, (25.0, 26.0), FAIR))

    before, after = look(archive, start + timedelta(hours=12)), look(archive, start + timedelta(hours=12, minutes=15))

    assert regime(before) == ("STABLE", "")
    assert regime(after) == ("NOTRADE", "forecast_old")


def test_the_stricter_of_the_last_two_regimes_is_in_force(tmp_path: Path) -> None:
    """A forecast that comes back after two hours is trusted one interval later."""
    found = [*records(event(), EVENING - timedelta(hours=2))]
    for minutes in (0, 15):
        found += [
            forecast("KLGA", EVENING + minutes * MINUTE, (25.0, 26.0, 25.5)),
            book(event(), EVENING + minutes * MINUTE, FAIR),
        ]
    archive = archive_of(tmp_path, found)

    assert regime(look(archive, EVENING)) == ("NOTRADE", "forecast_unconfirmed")
    assert regime(look(archive, EVENING + 15 * MINUTE)) == ("STABLE", "")


def test_models_that_disagree_make_the_event_volatile(tmp_path: Path) -> None:
    found = look(archive_of(tmp_path, records(event(), EVENING, (22.0, 27.0))), EVENING)

    assert regime(found) == ("VOLATILE", "")
    assert found.regimes.multiplier[0, 0] == 0.5


def test_a_forecast_that_moves_one_way_is_trending(tmp_path: Path) -> None:
    hours = (26, 8, 4, 1)
    found = [listing(event()), book(event(), EVENING, FAIR)]
    found += [forecast("KLGA", EVENING - timedelta(hours=h), (25.0 + i, 25.5 + i)) for i, h in enumerate(hours)]

    assert regime(look(archive_of(tmp_path, found), EVENING)) == ("TRENDING", "")


def test_an_unreadable_ladder_is_shown_and_refused(tmp_path: Path) -> None:
    record = listing(event())
    gap = replace(record, rows={name: np.delete(values, 3) for name, values in record.rows.items()})

    found = look(archive_of(tmp_path, [gap, forecast("KLGA", EVENING, (25.0,))]), EVENING)

    outlooks, brackets = columns_of(found, 0)
    assert "gap" in outlooks["refusal"][0]
    assert regime(found) == ("NOTRADE", "rule_unreadable")
    assert len(brackets["event_id"]) == 0


def test_an_event_whose_listing_comes_back_sound_is_taken_from_then_on(tmp_path: Path) -> None:
    record = listing(event(), EVENING - timedelta(hours=3))
    gap = replace(record, rows={name: np.delete(values, 3) for name, values in record.rows.items()})
    archive = archive_of(tmp_path, [gap, *records(event(), EVENING)[1:], listing(event(), EVENING - timedelta(hours=1))])

    assert regime(look(archive, EVENING)) == ("STABLE", "")


def test_an_archive_without_events_is_an_empty_answer(tmp_path: Path) -> None:
    found = look(archive_of(tmp_path, [forecast("KLGA", EVENING, (25.0,))]), EVENING)

    outlooks, brackets = columns_of(found, 0)
    assert found.panel.instruments == ()
    assert len(outlooks["event_id"]) == len(brackets["event_id"]) == 0


def test_an_official_extreme_is_expected_beyond_an_hourly_forecast_of_reports(tmp_path: Path) -> None:
    """FACTS I.5: official maxima lie some 0.74 F above the hourly reports; a daily maximum already aims at them."""
    found = event(statistic=Statistic.OFFICIAL_MAX, source="nws_climate_report")
    low = event("low", statistic=Statistic.OFFICIAL_MIN, source="nws_climate_report", lowest=50)
    daily = daily_forecast("KLGA", EVENING, window_start(found), (25.0, 26.0))

    hourly = look(archive_of(tmp_path / "a", [listing(found), listing(low), forecast("KLGA", EVENING, (25.0, 26.0))]), EVENING)
    aimed = look(archive_of(tmp_path / "b", [listing(found), daily]), EVENING)

    shift = hourly.law.mean[0] - hourly.panel.forecasts.extreme[0]
    ids = [each.event.event_id for each in hourly.panel.events]
    assert dict(zip(ids, shift.tolist(), strict=True)) == pytest.approx({"nyc-12": 0.743, "low": -0.743})
    assert aimed.law.mean[0, 0] == pytest.approx(77.9, abs=1e-6)


def test_after_the_peak_an_official_maximum_is_still_open_by_a_degree(tmp_path: Path) -> None:
    late = NOON + timedelta(hours=7)
    stands = {}
    for statistic in (Statistic.OFFICIAL_MAX, Statistic.MAX_LISTED_REPORT):
        found = event(statistic=statistic, lowest=74, step=1)
        reports = [(late - timedelta(hours=h, minutes=9), 200 + 10 * h) for h in range(6)]
        records = [*records_of_day(found, late), metar("KLGA", late, reports)]
        stands[statistic] = look(archive_of(tmp_path / str(statistic), records), late).p_no_more[0, 0]

    assert stands[Statistic.MAX_LISTED_REPORT] > 0.9
    assert stands[Statistic.OFFICIAL_MAX] == pytest.approx(0.383 * stands[Statistic.MAX_LISTED_REPORT], rel=0.05)


def records_of_day(found: Event, at: datetime) -> list[Record]:
    return [listing(found), *(forecast("KLGA", at - back, (24.0, 25.0, 24.5), first=NOON) for back in (INTERVAL, NONE))]


def test_another_instrument_s_table_has_no_floor_from_reports(tmp_path: Path) -> None:
    table = event(statistic=Statistic.DAILY_EXTRACT)
    records = [*records_of_day(table, NOON), metar("KLGA", NOON, [(NOON - 9 * MINUTE, 256)])]

    assert np.isnan(look(archive_of(tmp_path, records), NOON).panel.seen.floor[0, 0])


def test_a_book_that_failed_to_come_is_no_permission_to_trade_on_prints(tmp_path: Path) -> None:
    """Live, books are asked for at every look: prints stand for prices only where nobody ever asked."""
    found = event()
    failed = replace(book(found, EVENING - MINUTE, FAIR), rows={}, facts={}, error="vanished", raw=b"")
    told = [listing(found), forecast("KLGA", EVENING - INTERVAL, (25.0, 26.0)), prints(found, EVENING - 20 * MINUTE, FAIR)]

    evaluation = look(archive_of(tmp_path, [*told, failed]), EVENING)

    assert regime(evaluation) == ("NOTRADE", "book_missing")
    assert np.isnan(evaluation.offers.price).all()
