"""The demo world's forecasts err by as much as good ones do, and no later run is worse."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from venues.demo.forecasts import MODELS, spread
from venues.demo.places import BY_CODE, DEFAULT
from venues.demo.world import START, World

WORLDS = [World(7), World(8)]
WORLD = WORLDS[0]
DAYS = 22
REPORTING = [BY_CODE[code] for code in DEFAULT if BY_CODE[code].minutes]
# SCIENCE 1.9, column "good blend", in °F: days before, local hour at which one looks
TABLE = {"day+2": (-2, 18.0, 2.9), "day+1": (-1, 18.0, 2.4), "06": (0, 6.0, 2.0), "09:30": (0, 9.5, 1.7), "12": (0, 12.0, 1.2)}


def asked(target: str, at: datetime) -> Any:
    answer = WORLD.answer("GET", target, b"", at.isoformat().replace("+00:00", "Z"))
    assert answer.status == 200, answer
    return json.loads(answer.body)


@pytest.fixture(scope="module")
def errors() -> dict[str, tuple[float, float]]:
    """Standard deviation of the three-model mean and of a single model, without station bias, over 2 × 17 × 22 days."""
    mean: dict[str, list[float]] = {name: [] for name in TABLE}
    single: dict[str, list[float]] = {name: [] for name in TABLE}
    for world in WORLDS:
        for station in REPORTING:
            rows = []
            for n in range(DAYS):
                day = date(2026, 6, 3) + timedelta(days=5 * n)
                start, end = station.day_window(day)
                extreme = world.reports.listed_steps(station, start, end, 10**15)[-1][1]
                truth = extreme if station.tenths else extreme * 1.8 + 32
                for back, hour, _ in TABLE.values():
                    at = int(start + back * 86_400 + hour * 3600)
                    curves = np.array(
                        [world.forecasts.hourly(station, m, start // 3600, (end - start) // 3600, at) for m in MODELS]
                    )
                    rows.append((curves.mean(0).max() * 1.8 + 32 - truth, curves[0].max() * 1.8 + 32 - truth))
            table = np.array(rows).reshape(DAYS, len(TABLE), 2)
            table = (table - table.mean(axis=0)) / station.climate.skill
            for i, name in enumerate(TABLE):
                mean[name] += table[:, i, 0].tolist()
                single[name] += table[:, i, 1].tolist()
    return {name: (float(np.std(mean[name])), float(np.std(single[name]))) for name in TABLE}


@pytest.mark.parametrize("name", list(TABLE))
def test_the_mean_of_the_models_errs_as_intended(errors: dict[str, tuple[float, float]], name: str) -> None:
    assert errors[name][0] == pytest.approx(TABLE[name][2], rel=0.2)  # at noon some stations are far from their peak


@pytest.mark.parametrize("name", list(TABLE))
def test_a_single_model_is_worse(errors: dict[str, tuple[float, float]], name: str) -> None:
    assert 1.2 < errors[name][1] / errors[name][0] < 1.7


def test_stations_together_are_as_hard_as_the_table() -> None:
    skills = np.array([BY_CODE[code].climate.skill for code in DEFAULT])

    assert np.sqrt(np.mean(skills**2)) == pytest.approx(1.0, abs=0.01)


def test_the_intended_spread_grows_with_the_lead() -> None:
    spreads = [spread(float(lead)) for lead in range(0, 400, 3)]

    assert spreads == sorted(spreads)


@pytest.mark.parametrize("model", list(MODELS.values()), ids=lambda m: m.name)
def test_a_run_appears_after_its_delay_and_not_before(model: Any) -> None:
    target = (
        f"/open-meteo/v1/forecast?latitude=51.505&longitude=0.055&hourly=temperature_2m&models={model.name}&forecast_days=5"
    )
    appears = datetime(2026, 6, 3, 12, tzinfo=UTC) + timedelta(seconds=model.delay_seconds)

    before, after, later = (asked(target, appears + timedelta(seconds=n))["hourly"] for n in (-1, 0, 3600))

    assert before["time"] == after["time"]
    assert before["temperature_2m"] != after["temperature_2m"]
    assert after == later
    # hours before the run's own do not change
    assert before["temperature_2m"][:12] == after["temperature_2m"][:12]


def test_an_hour_is_forecast_better_by_each_later_run() -> None:
    station, sums = BY_CODE["KORD"], np.zeros(6)
    for n in range(150):
        start = station.day_window(date(2026, 6, 10) + timedelta(days=n))[0] // 3600
        for back in range(6):
            at = (start + 15 - 24 * back) * 3600
            sums[back] += (WORLD.forecasts.shared_error(station, start + 15, at)) ** 2

    assert np.all(np.diff(sums) > 0)


def test_unixtime_is_true_time_from_local_midnight() -> None:
    at = datetime(2026, 6, 3, 2, tzinfo=UTC)  # still the second of June in New York
    common = "/open-meteo/v1/forecast?latitude=40.7795&longitude=-73.8803&hourly=temperature_2m&timezone=America/New_York"

    unix = asked(f"{common}&timeformat=unixtime&forecast_days=2&past_days=1", at)
    text = asked(f"{common}&forecast_days=2&past_days=1", at)

    assert unix["utc_offset_seconds"] == -14_400
    assert datetime.fromtimestamp(unix["hourly"]["time"][0], UTC) == datetime(2026, 6, 1, 4, tzinfo=UTC)
    assert text["hourly"]["time"][0] == "2026-06-01T00:00"
    assert np.diff(unix["hourly"]["time"]).tolist() == [3600] * 71
    assert unix["hourly"]["temperature_2m"] == text["hourly"]["temperature_2m"]


def test_one_offset_holds_for_an_answer_across_a_change_of_the_clock() -> None:
    """FACTS II.9: do not trust one utc_offset_seconds across a DST change; unix values stay true."""
    at = datetime(2026, 10, 24, 12, tzinfo=UTC)
    body = asked(
        "/open-meteo/v1/forecast?latitude=51.505&longitude=0.055&hourly=temperature_2m&timezone=Europe/London"
        "&timeformat=unixtime&forecast_days=3",
        at,
    )

    assert body["utc_offset_seconds"] == 3600
    assert len(body["hourly"]["time"]) == len(body["hourly"]["temperature_2m"]) == 72
    assert np.diff(body["hourly"]["time"]).tolist() == [3600] * 71


def test_several_coordinates_give_a_list_of_answers() -> None:
    at = datetime(2026, 6, 3, 12, tzinfo=UTC)
    common = "/open-meteo/v1/forecast?hourly=temperature_2m&timezone=GMT"

    both = asked(f"{common}&latitude=51.505,35.553&longitude=0.055,139.781", at)
    tokyo = asked(f"{common}&latitude=35.553&longitude=139.781", at)

    assert [body["latitude"] for body in both] == [51.5, 35.55]
    assert both[1]["hourly"] == tokyo["hourly"]


def test_far_from_all_stations_nothing_is_known() -> None:
    body = asked("/open-meteo/v1/forecast?latitude=-33&longitude=18&hourly=temperature_2m", datetime(2026, 6, 3, tzinfo=UTC))

    assert set(body["hourly"]["temperature_2m"]) == {None}


def test_previous_runs_are_older_runs() -> None:
    at = datetime(2026, 6, 3, 12, tzinfo=UTC)
    target = (
        "/open-meteo/v1/forecast?latitude=41.9602&longitude=-87.9316&models=gfs_seamless&past_days=3&forecast_days=1&hourly="
    )

    old = asked(f"{target}temperature_2m_previous_day2", at)["hourly"]["temperature_2m_previous_day2"]
    then = asked(f"{target}temperature_2m&past_days=0&forecast_days=3", datetime(2026, 6, 1, 6, tzinfo=UTC))["hourly"]

    # the hours 0 to 5Z of the third: two days before, the run of 0Z of the first was the newest
    assert old[72:78] == then["temperature_2m"][48:54]


def test_a_desk_with_the_models_alone_finds_prices_five_cents_off_within_hours() -> None:
    """A plain normal law around the models' mean; its rounding and its spread are not the makers'."""
    off = []
    for hour in (0, 2, 4, 6):
        at = int(START.timestamp() + hour * 3600) * 1000
        for found in WORLD.exchange.around(at):
            if at >= found.closed or at >= found.start + 36_000_000:
                continue
            station, (start, end) = found.station, (found.start // 1000, found.end // 1000)
            curves = [
                WORLD.forecasts.hourly(station, model, start // 3600, (end - start) // 3600, at // 1000) for model in MODELS
            ]
            mean = float(np.array(curves).mean(axis=0).max())
            law = NormalDist(mean * 1.8 + 32, 2.4) if found.contract.fahrenheit else NormalDist(mean, 2.4 / 1.8)
            for place, bracket in enumerate(found.brackets):
                book = WORLD.books.book(found, place, at)
                if book is None or book.bid is None or book.ask is None:
                    continue
                below = 0.0 if bracket.low is None else law.cdf(bracket.low - 0.5)
                upto = 1.0 if bracket.high is None else law.cdf(bracket.high + 0.5)
                fair = upto - below
                off.append(abs(fair - (book.bid + book.ask) / 2000) > 0.05)

    assert len(off) > 200
    assert 0.2 < np.mean(off) < 0.7
