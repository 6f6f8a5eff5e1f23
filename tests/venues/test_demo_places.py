"""The demo world's stations stand where real ones do, under climates of their own."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from core.registry import load_series, load_stations
from core.settings import Settings
from core.wiring.desk import active_stations
from venues.demo.contracts import CONTRACTS, KALSHI, POLYMARKET, Contract
from venues.demo.noise import Floats
from venues.demo.places import BY_CODE, DEFAULT, STATIONS
from venues.demo.stations import Station
from venues.demo.world import World

WORLD = World(7)


def means(station: Station, month: int) -> Floats:
    """Mean temperature [°C] of each standard-time hour of a month."""
    start, _ = station.standard_window(date(2026, month, 1))
    minutes = np.arange(start // 60, start // 60 + 28 * 1440, 10, dtype=np.int64)
    out: Floats = WORLD.weather.predictable(station, minutes).reshape(28, 24, 6).mean(axis=(0, 2))
    return out


@pytest.mark.parametrize("station", STATIONS, ids=lambda s: s.code)
def test_a_station_is_the_one_of_the_registry(station: Station) -> None:
    known = load_stations()[station.code]

    assert station.zone == known.tz
    assert station.lat == pytest.approx(known.latitude, abs=0.06)
    assert station.lon == pytest.approx(known.longitude, abs=0.06)
    assert station.elevation == pytest.approx(known.elevation_metres, abs=25)
    if station.minutes:
        assert station.minutes == tuple(known.report_minutes)
        assert station.tenths is (str(known.report_precision) == "tenths")


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.series)
def test_a_series_is_the_one_of_the_registry(contract: Contract) -> None:
    rows = [row for row in load_series() if row.series == contract.series and row.venue == contract.venue]

    assert contract.station.code in {row.station for row in rows}
    assert {str(row.extreme) for row in rows} == {"low" if contract.low else "high"}


def test_eighteen_stations_are_the_default_and_more_are_there_by_name() -> None:
    assert len(DEFAULT) == 18
    assert len(STATIONS) >= 32
    assert tuple(active_stations(Settings(), "demo:7")) == DEFAULT


def test_each_station_of_the_default_trades_where_it_should() -> None:
    """FACTS I.2 and I.3: one city on both venues with two stations, one station under two rules."""
    traded = {(c.venue, c.low): {k.station.code for k in CONTRACTS if (k.venue, k.low) == (c.venue, c.low)} for c in CONTRACTS}
    wanted = set(DEFAULT)

    assert traded[POLYMARKET, False] & wanted == wanted - {"KNYC", "KMDW", "KAUS", "KDEN", "KLAX"}
    assert traded[POLYMARKET, True] & wanted == {"EGLC", "KLGA", "KMIA", "RJTT", "RKSI"}
    assert traded[KALSHI, False] & wanted == {"KNYC", "KMDW", "KMIA", "KAUS", "KDEN", "KLAX"}
    assert traded[KALSHI, True] & wanted == {"KNYC", "KMDW", "KAUS"}


@pytest.mark.parametrize("station", STATIONS, ids=lambda s: s.code)
def test_seasons_and_days_are_plausible(station: Station) -> None:
    winter, summer = (means(station, month) for month in ((7, 1) if station.southern else (1, 7)))

    assert -25 < winter.min() < summer.max() < 48
    if abs(station.lat) > 23.5:
        assert summer.mean() - winter.mean() > 3
    for day in (winter, summer):
        assert 2.5 < day.max() - day.min() < 20
        assert 11 <= int(day.argmax()) <= 17
        assert int(day.argmin()) in range(2, 9)


def test_a_tropical_year_is_flat() -> None:
    singapore = [means(BY_CODE["WSSS"], month).mean() for month in range(1, 13)]

    assert max(singapore) - min(singapore) < 4
    assert 26 < np.mean(singapore) < 30


@pytest.mark.parametrize(("code", "near"), [("KNYC", "KLGA"), ("KMDW", "KORD"), ("VHHH", "HKO"), ("KDFW", "KDAL")])
def test_neighbours_share_their_weather_but_not_their_readings(code: str, near: str) -> None:
    days = [date(2026, 6, 1 + n) for n in range(28)]
    three = [BY_CODE[c] for c in (code, near, "EDDM")]
    highs = np.array([[WORLD.weather.official_of_span(s, *s.standard_window(day))[0] for day in days] for s in three], float)

    together, apart = np.corrcoef(highs)[0, 1], np.corrcoef(highs)[0, 2]

    assert together > 0.85
    assert abs(apart) < 0.6
    assert (highs[0] != highs[1]).any()
