"""Lowest temperatures: the mirror of the highest, with two cold ends of the day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.weather.discretise import bracket_mass, cumulative, lattice_of
from agents.weather.evaluation import WeatherEvaluation
from agents.weather.law import single
from agents.weather.observations import empty_seen
from agents.weather.spikes import soft_floor
from core.model.event import Event
from core.model.record import Record
from core.model.rule import Statistic
from core.model.station import ReportPrecision
from core.units import Unit, micros
from tests.agents.weather.worlds import (
    DAY,
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

HOUR = timedelta(hours=1)
LONDON = {"station": "EGLC", "unit": Unit.CELSIUS}
N = 11


def high(lowest: int = 15, day: date = DAY) -> Event:
    return event("a-high", lowest=lowest, step=1, day=day, statistic=Statistic.MAX_LISTED_REPORT, **LONDON)


def mirrored(found: Event) -> Event:
    """Return the event of the lowest temperature whose brackets are those of the highest one with the sign changed."""
    warmest = found.ladder[-1].lower
    assert warmest is not None
    return event(
        "a-low", lowest=-warmest, step=1, day=found.event_day, statistic=Statistic.MIN_LISTED_REPORT, **LONDON
    )  # fmt: skip


def hourly(at: datetime, start: datetime, curves: Sequence[Sequence[float]], source: str = "open_meteo") -> Record:
    """Return a forecast of curves that begin at the start of the window."""
    rows = [(f"{source}{i}", micros(start + HOUR * h), value) for i, each in enumerate(curves) for h, value in enumerate(each)]
    record = forecast("EGLC", at, (0.0,))
    columns = {
        "model": np.array([row[0] for row in rows], object), "variable": np.array(["hourly"] * len(rows), object),
        "valid_at": np.array([row[1] for row in rows], np.int64), "celsius": np.array([row[2] for row in rows]),
    }  # fmt: skip
    return replace(record, source=source, rows=columns, raw=repr(rows).encode())


def reports(start: datetime, until: datetime, celsius: Sequence[int]) -> list[Record]:
    times = [start + HOUR * h + timedelta(minutes=20) for h in range(len(celsius))]
    return [
        metar("EGLC", at + timedelta(minutes=5), [(at, 10 * value)], exact=False)
        for at, value in zip(times, celsius, strict=True)
        if at + timedelta(minutes=5) <= until
    ]


@pytest.mark.parametrize("seed", range(12))
def test_the_low_of_negated_temperatures_is_the_high(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole degrees Celsius have edges at the halves: the one rounding that a change of sign leaves alone.

    The habit of floors is known of highest temperatures alone, and left aside.
    """
    monkeypatch.setattr("agents.weather.running_days.habit", lambda station, hours, *rest: np.full(np.shape(hours), np.nan))
    dice = np.random.default_rng(seed)
    warm = high()
    cold, start = mirrored(warm), window_start(warm)
    curves = 20 + 4 * np.cos((np.arange(72) - 15) / 24 * 2 * np.pi) + dice.normal(0, 1.5, (4, 72))
    seen = np.round(curves.mean(axis=0)[:24] + dice.normal(0, 1, 24)).astype(int)
    instants = [start + timedelta(minutes=30 + 105 * i) for i in range(-6, 14)]
    worlds = []
    for found, sign in ((warm, 1), (cold, -1)):
        records = [listing(found), *(hourly(at, start, sign * curves) for at in (start - 11 * HOUR, *instants))]
        records += reports(start, instants[-1], (sign * seen).tolist())
        worlds.append(look(archive_of(tmp_path / found.event_id, records), *instants))
    one, other = worlds

    assert one.features.running.any()
    assert np.isfinite(one.features.second_gap).any()
    for name in ("location", "sd"):
        sign = -1.0 if name == "location" else 1.0
        assert sign * getattr(other.law, name) == pytest.approx(getattr(one.law, name), abs=1e-9, nan_ok=True), name
    for name in ("floor", "raw", "loose", "near"):
        assert getattr(other.panel.seen, name) == pytest.approx(-getattr(one.panel.seen, name), nan_ok=True), name
    assert other.p_model[..., ::-1] == pytest.approx(one.p_model, abs=1e-9)
    assert other.p_no_more == pytest.approx(one.p_no_more, abs=1e-9, nan_ok=True)
    assert (other.regimes.regime == one.regimes.regime).all()


@pytest.mark.parametrize("seed", range(20))
def test_what_is_seen_of_a_low_censors_as_the_mirror_of_a_high(seed: int) -> None:
    """Floor, spike, neighbour and what lies between reports, with one law of excess; halves are edges of both."""
    dice = np.random.default_rng(seed)
    kinds = {"statistic": Statistic.OFFICIAL_MAX}, {"statistic": Statistic.OFFICIAL_MIN}
    warm, cold = (event("x", lowest=low, step=1, **LONDON, **kind) for low, kind in zip((15, -25), kinds, strict=True))
    floor, beyond = float(dice.integers(14, 24)), float(dice.integers(0, 5))
    excess = np.concatenate([[0.0], np.sort(dice.uniform(0, 1, 3)), [1.0]])[None, None]
    mean, near, sd = dice.uniform(15, 25), dice.uniform(15, 25), dice.uniform(0.5, 3)
    found = []
    for each, sign in ((warm, 1.0), (cold, -1.0)):
        lattice = lattice_of([(each, ReportPrecision.WHOLE)])
        for silent in (False, True):
            seen = empty_seen(1, 1)
            if silent:
                seen.near[:], seen.near_sd[:] = sign * near, sd
            else:
                seen.floor[:], seen.raw[:], seen.loose[:] = sign * floor, sign * (floor + beyond), sign * (floor - 1)
            law = single(np.array([[sign * mean]]), np.array([[1.7]]), np.array([[8.0]]))
            soft = soft_floor(lattice, seen)
            summed = cumulative(lattice, law, seen.floor, seen.loose, excess_law=excess, soft=soft, source_risk=False)
            found.append(bracket_mass(lattice, summed)[0, 0][:: int(sign)])

    assert warm.ladder[0].upper == -(cold.ladder[-1].lower or 0)
    for one, other in zip(found[:2], found[2:], strict=True):
        assert one.sum() == pytest.approx(1.0)
        assert other == pytest.approx(one, abs=1e-12)


def night(evening: float) -> list[float]:
    """Return a day that is coldest at five, with 12 degrees, and ends with some evening temperature at 23."""
    morning = list(np.linspace(14, 12, 6))
    day = list(np.linspace(13, 20, 10))
    return [*morning, *day, *np.linspace(19, evening, 8)]


def cold_day(folder: Path, evening: float, hours: float, seen: Sequence[int]) -> WeatherEvaluation:
    found = mirrored(high(-20))
    start = window_start(found)
    at = start + hours * HOUR
    curves = [np.array(night(evening)) + shift for shift in (-0.1, 0.0, 0.1)]
    records = [listing(found), *(hourly(at - back, start, curves) for back in (12 * HOUR, 0 * HOUR)), *reports(start, at, seen)]
    return look(archive_of(folder, records), at)


SEEN = (14, 14, 13, 13, 12, 12, 13, 14, 15, 15)


def test_a_night_that_comes_back_keeps_the_low_open(tmp_path: Path) -> None:
    """Ten in the morning: 12 degrees was seen at five; the evening is forecast at 11, 12, 13 and 17 degrees."""
    stands = [cold_day(tmp_path / str(evening), evening, 10.0, SEEN).p_no_more[0, 0] for evening in (11.0, 12.0, 13.0, 17.0)]

    assert stands == sorted(stands)
    assert stands[0] < 0.5
    assert stands[2] < 0.97
    assert stands[3] > 0.99


def test_the_hours_to_a_second_fall_are_those_to_the_evening(tmp_path: Path) -> None:
    found = cold_day(tmp_path, 11.0, 10.0, SEEN)

    assert found.features.hours_to_peak[0, 0] == pytest.approx(13.0, abs=0.1)
    assert found.features.remaining[0, 0] == pytest.approx(11.0)


def test_before_the_first_fall_the_second_one_widens_the_law(tmp_path: Path) -> None:
    near, far = (cold_day(tmp_path / str(evening), evening, 4.5, SEEN[:4]) for evening in (12.2, 18.0))

    assert near.law.mean[0, 0] == pytest.approx(far.law.mean[0, 0], abs=0.3)
    assert near.law.spread[0, 0] > 1.2 * far.law.spread[0, 0]


def test_an_evening_that_has_begun_is_known_by_its_own_hour(tmp_path: Path) -> None:
    """At 22 o'clock the second fall is an hour off, so that its law is narrow again."""
    seen = [*SEEN, 16, 17, 18, 18, 19, 20, 19, 18, 16, 15, 14, 13]

    evening, morning = cold_day(tmp_path / "e", 12.0, 22.0, seen), cold_day(tmp_path / "m", 12.0, 10.0, SEEN)

    assert evening.law.spread[0, 0] < 0.6 * morning.law.spread[0, 0]


def daily(found: Event, variable: str, values: Sequence[float]) -> Record:
    start = window_start(found)
    record = daily_forecast(found.rule.station, start - 11 * HOUR, start, values)
    record.rows["variable"][:] = variable
    return record


def test_daily_minima_are_enough_for_a_low_and_maxima_are_not(tmp_path: Path) -> None:
    low = event("nyc-low", lowest=55, statistic=Statistic.MIN_LISTED_REPORT)
    at = window_start(low) - 6 * HOUR

    told = look(archive_of(tmp_path / "min", [listing(low), daily(low, "daily_min", (15.0, 16.0))]), at)
    silent = look(archive_of(tmp_path / "max", [listing(low), daily(low, "daily_max", (25.0, 26.0))]), at)

    assert told.law.mean[0, 0] == pytest.approx(59.9, abs=1e-6)
    assert np.isnan(silent.law.mean[0, 0])


def test_the_usual_day_of_a_low_is_coldest_before_sunrise(tmp_path: Path) -> None:
    """Before a station has a shape of its own the climatological one serves: lowest at five by standard time."""
    low = event("nyc-low", lowest=55, statistic=Statistic.MIN_LISTED_REPORT)
    start = window_start(low)

    found = look(archive_of(tmp_path, [listing(low), daily(low, "daily_min", (15.0, 16.0))]), start + HOUR)

    peak = datetime.fromtimestamp(found.panel.forecasts.peak_at[0, 0] / 1e6, start.tzinfo)
    assert (peak - start) / HOUR == pytest.approx(6.0)  # six o'clock by the clock of summer


def settled_lows(days: int, colder: float) -> list[Record]:
    """Return a day whose night is `colder` than its forecast minimum of 15 degrees, after settled days as forecast."""
    records: list[Record] = []
    for back in range(days + 2, -1, -1):
        if back == 1:
            continue
        found = event(f"low-{back}", lowest=55, day=DAY - timedelta(days=back), statistic=Statistic.MIN_LISTED_REPORT)
        start = window_start(found)
        records += [listing(found, start - timedelta(days=2)), daily(found, "daily_min", (15.0, 15.0))]
        for at in (start + timedelta(hours=h, minutes=51) for h in range(24)):
            shown = curve(23.0, at, -5) - (colder if back == 0 else 0.0)
            records.append(metar("KLGA", at + timedelta(minutes=5), [(at, round(10 * shown))]))
        if back:
            records.append(outcome(found, start + timedelta(hours=33), 59))
    return records


def test_a_cold_midnight_counts_once_the_station_has_a_shape_of_its_lows(tmp_path: Path) -> None:
    low = event("low-0", lowest=55, statistic=Statistic.MIN_LISTED_REPORT)
    at = window_start(low) + 3 * HOUR

    strange, known = (look(archive_of(tmp_path / str(days), settled_lows(days, 2.0)), at) for days in (2, 8))

    assert np.isnan(strange.features.error[0, 0])
    assert known.features.error[0, 0] == pytest.approx(-3.6, abs=0.5)
    assert known.law.mean[0, 0] < strange.law.mean[0, 0] - 1.0


def test_lows_and_highs_of_a_station_learn_apart(tmp_path: Path) -> None:
    """Settled lows teach nothing about the highs of the same station."""
    found = look(archive_of(tmp_path, [*settled_lows(8, 0.0), listing(event("high-0"))]), window_start(event()))

    counted = {each.event.event_id: found.panel.learned.n[0, i] for i, each in enumerate(found.panel.events)}
    assert counted["low-0"] == 9
    assert counted["high-0"] == 0
