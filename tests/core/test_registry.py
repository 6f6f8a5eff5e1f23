"""The committed tables: stations, regions, phrases of venues and their dates."""

from __future__ import annotations

import gzip
import json
import re
from datetime import date
from itertools import combinations, islice
from pathlib import Path
from zoneinfo import ZoneInfo

import airportsdata
import pytest

from core.errors import StoreError
from core.model.rule import DayWindow, Extreme, Grade, Statistic
from core.registry import (
    REGION_KILOMETRES,
    REGISTRY,
    distance_kilometres,
    load_regions,
    load_series,
    load_settlement_sources,
    load_stations,
    load_venue_stations,
)

STATIONS = load_stations()
VENUE_STATIONS = load_venue_stations()
SOURCES = load_settlement_sources()
CLIMATE_REPORT = "the National Weather Service's Climatological Report (Daily)"
NOT_AIRPORTS = {"KNYC", "HKO", "46692"}
WANTED = [
    "EGLC",
    "KLGA",
    "KMIA",
    "KORD",
    "RJTT",
    "RKSI",
    "KNYC",
    "KMDW",
    "KAUS",
    "KDEN",
    "KSFO",
    "KLAX",
    "KSEA",
    "LLBG",
    "LTFM",
    "UUWW",
    "SBGR",
    "LTAC",
    "ZSJN",
    "VHHH",
    "RCSS",
    "KHOU",
    "KBKF",
    "KDAL",
    "KDFW",
    "KATL",
    "KPHL",
    "KPHX",
    "KBOS",
    "KOKC",
    "KLAS",
    "LFPB",
    "LFPG",
]


@pytest.mark.parametrize("code", WANTED)
def test_every_station_of_the_known_rules_is_there(code: str) -> None:
    assert code in STATIONS


def test_places_agree_with_the_public_airport_table() -> None:
    airports = airportsdata.load("ICAO")
    for code in sorted(STATIONS.keys() - NOT_AIRPORTS):
        station, airport = STATIONS[code], airports[code]
        assert (station.latitude, station.longitude) == (airport["lat"], airport["lon"]), code
        assert station.elevation_metres == pytest.approx(airport["elevation"] * 0.3048, abs=0.06), code
        assert station.country == airport["country"], code
        assert station.tz == airport["tz"], code


def test_what_is_no_airport_is_not_taken_for_one() -> None:
    assert not NOT_AIRPORTS & airportsdata.load("ICAO").keys()
    assert distance_kilometres(STATIONS["KNYC"], STATIONS["KLGA"]) == pytest.approx(8, abs=1)  # Central Park


@pytest.mark.parametrize("code", sorted(STATIONS))
def test_a_station_has_a_known_zone_and_sensible_minutes(code: str) -> None:
    station = STATIONS[code]

    assert ZoneInfo(station.tz).key == station.tz
    assert all(0 <= minute < 60 for minute in station.report_minutes)
    assert list(station.report_minutes) == sorted(set(station.report_minutes))
    assert station.cadence_minutes in (30.0, 60.0)


def test_american_airports_report_within_the_hourly_minutes() -> None:
    """FACTS I.1: the hourly filter takes minutes 51 to 59."""
    assert all(51 <= minute <= 59 for s in STATIONS.values() if s.country == "US" for minute in s.report_minutes)


def test_every_station_has_one_region_and_no_region_an_unknown_station() -> None:
    regions = load_regions()

    assert regions.keys() == STATIONS.keys()
    assert all(station.region == regions[code] for code, station in STATIONS.items())


def test_stations_of_a_region_lie_within_600_kilometres() -> None:
    apart = [
        (one.code, other.code, round(distance_kilometres(one, other)))
        for one, other in combinations(STATIONS.values(), 2)
        if one.region == other.region and distance_kilometres(one, other) > REGION_KILOMETRES
    ]

    assert apart == []


def test_neighbours_are_one_bet() -> None:
    """Two stations of one weather must not fill two region caps."""
    torn = [
        (one.code, other.code)
        for one, other in combinations(STATIONS.values(), 2)
        if one.region != other.region and distance_kilometres(one, other) < 150
    ]

    assert torn == []


def test_a_known_distance() -> None:
    """London City to New York LaGuardia is 5,570 km, to 1 %."""
    assert distance_kilometres(STATIONS["EGLC"], STATIONS["KLGA"]) == pytest.approx(5570, rel=0.01)


@pytest.mark.parametrize(
    ("venue", "phrase", "day", "station"),
    [
        ("polymarket", "Paris", date(2026, 4, 18), "LFPG"),
        ("polymarket", "Paris", date(2026, 4, 19), "LFPB"),
        ("polymarket", "Denver", date(2026, 3, 28), "KDEN"),
        ("polymarket", "Denver", date(2026, 3, 29), "KBKF"),
        ("kalshi", "Denver", date(2026, 3, 29), "KDEN"),
        ("polymarket", "Hong Kong", date(2026, 3, 13), "VHHH"),
        ("polymarket", "Hong Kong", date(2026, 3, 16), "HKO"),
        ("polymarket", "NYC", date(2026, 10, 5), "KLGA"),
        ("kalshi", "New York City", date(2026, 5, 22), "KNYC"),
        ("kalshi", "New York City (CLINYC)", date(2026, 10, 6), "KNYC"),
        ("kalshi", "CLINYC", date(2026, 10, 6), "KNYC"),
        ("kalshi", "Central Park, New York", date(2026, 5, 1), "KNYC"),
        ("kalshi", "Chicago", date(2026, 5, 22), "KMDW"),
        ("kalshi", "Chicago Midway", date(2026, 5, 22), "KMDW"),
        ("polymarket", "Chicago", date(2026, 5, 22), "KORD"),
        ("kalshi", "Miami (CLIMIA)", date(2026, 10, 6), "KMIA"),
        ("kalshi", "Miami International Airport", date(2026, 5, 1), "KMIA"),
        ("kalshi", "San Francisco", date(2026, 6, 3), "KSFO"),
        ("kalshi", "Houston", date(2026, 5, 22), "KHOU"),
        ("kalshi", "Dallas", date(2026, 5, 22), "KDFW"),
        ("polymarket", "Dallas", date(2026, 5, 22), "KDAL"),
    ],
)
def test_a_place_is_resolved_by_venue_and_event_day(venue: str, phrase: str, day: date, station: str) -> None:
    found = VENUE_STATIONS.resolve(venue, phrase, day)

    assert found is not None
    assert found.station == station


@pytest.mark.parametrize(
    "phrase", ["LaGuardia Airport", "the LaGuardia Airport Station", "  laguardia  AIRPORT ", "LaGuardia Airport."]
)
def test_the_wrapping_of_a_phrase_does_not_matter(phrase: str) -> None:
    found = VENUE_STATIONS.resolve("polymarket", phrase, date(2026, 10, 5))

    assert found is not None
    assert (found.station, found.grade) == ("KLGA", Grade.CAPTURED)


def test_accents_do_not_matter() -> None:
    spelled = [
        VENUE_STATIONS.resolve("polymarket", phrase, date(2026, 8, 20))
        for phrase in ("Esenboğa Intl Airport", "Esenboga Intl Airport")
    ]

    assert spelled[0] == spelled[1]
    assert spelled[0] is not None


def test_an_unknown_phrase_or_one_of_another_venue_or_day_is_none() -> None:
    assert VENUE_STATIONS.resolve("polymarket", "Atlantis", date(2026, 6, 1)) is None
    assert VENUE_STATIONS.resolve("polymarket", "CLINYC", date(2026, 6, 1)) is None
    assert VENUE_STATIONS.resolve("polymarket", "Hong Kong Observatory", date(2026, 3, 13)) is None


def test_a_contradictory_place_is_only_inferred() -> None:
    """FACTS I.2: Karachi says OPKC in its address and Masroor Airbase in its text."""
    found = VENUE_STATIONS.resolve("polymarket", "Karachi", date(2026, 6, 1))

    assert found is not None
    assert found.grade is Grade.INFERRED


def test_every_phrase_leads_to_a_known_station_and_says_why() -> None:
    assert [row.phrase for row in VENUE_STATIONS.rows if row.station not in STATIONS] == []
    assert [row.phrase for row in (*VENUE_STATIONS.rows, *SOURCES.rows) if not row.evidence] == []
    assert all(row.valid_from <= row.valid_until for row in (*VENUE_STATIONS.rows, *SOURCES.rows))


@pytest.mark.parametrize(
    ("venue", "phrase", "day", "source", "statistic", "window"),
    [
        ("kalshi", CLIMATE_REPORT, date(2026, 8, 13), "nws_climate_report", "official_max", "standard_time"),
        ("kalshi", "The Weather Company", date(2026, 8, 14), "weather_company", "official_max", "standard_time"),
        ("polymarket", "Wunderground", date(2026, 6, 10), "wunderground", "max_listed_report", "civil"),
        ("polymarket", "NOAA", date(2026, 9, 28), "weather.gov", "max_listed_report", "civil"),
        ("polymarket", "Show Hourly Data", date(2026, 10, 5), "weather.gov", "max_hourly_reading", "civil"),
        ("polymarket", "Hong Kong Observatory", date(2026, 6, 10), "hko", "daily_extract", "civil"),
    ],
)  # fmt: skip
def test_a_source_is_resolved_with_its_statistic_and_day(
    venue: str, phrase: str, day: date, source: str, statistic: str, window: str
) -> None:
    found = SOURCES.resolve(venue, phrase, day)

    assert found is not None
    assert (found.source, found.statistics[Extreme.HIGH], found.window) == (source, Statistic(statistic), DayWindow(window))
    assert found.statistics[Extreme.LOW].extreme is Extreme.LOW


def test_a_kalshi_source_has_no_meaning_on_the_other_side_of_the_switch() -> None:
    """FACTS I.1: the Weather Company from 2026-08-14, the climate report until the day before."""
    assert SOURCES.resolve("kalshi", "The Weather Company", date(2026, 8, 13)) is None
    assert SOURCES.resolve("kalshi", "National Weather Service", date(2026, 8, 14)) is None


PLACE = re.compile(
    r"(?:recorded(?: by NOAA)?|temperature recorded|recorded) at (?:the )?([^.]{3,60}?)(?: in degrees| for \w+ \d)"
)


def test_every_place_named_in_a_captured_text_is_known_on_its_day(captures: Path) -> None:
    seen = 0
    for path in sorted((captures / "fixtures" / "rules").glob("*_*.json")):
        rule = json.loads(path.read_text("utf-8"))
        text = rule.get("description") or rule.get("rules_primary") or ""
        for phrase in PLACE.findall(text):
            found = VENUE_STATIONS.resolve(rule["venue"], phrase, date.fromisoformat(rule["event_day"]))
            assert found is not None, f"{path.name}: {phrase!r}"
            named = re.search(r"(?:site=|/)([A-Za-z]{4})(?=[^A-Za-z/]|$)", " ".join(re.findall(r"https?://\S+", text)))
            if rule["venue"] == "polymarket" and named and named[1].upper() in STATIONS:
                assert found.station == named[1].upper(), path.name
            assert found.grade is Grade.CAPTURED, path.name
            seen += 1

    assert seen >= 35


def test_routine_minutes_are_those_of_the_recorded_reports(captures: Path) -> None:
    """Each minute of the table is that of a fair share of the routine reports, and together they are nearly all."""
    for path in sorted((captures / "real" / "observations").glob("metar_*.csv.gz")):
        station = STATIONS[path.name[6:10]]
        with gzip.open(path, "rt") as file:
            heads = [line.split(",", 2) for line in islice(file, 1, 6_000)]
        routine = [int(valid_at[14:16]) for valid_at, kind, _ in heads if kind == "FM-15"]
        shares = [routine.count(minute) / len(routine) for minute in station.report_minutes]
        assert min(shares) > 0.9 / len(shares), (station.code, shares)


def copied(folder: Path, name: str, text: str) -> Path:
    for path in REGISTRY.glob("*.csv"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / name).write_text(text, "utf-8")
    return folder


def test_two_meanings_on_one_day_are_refused(tmp_path: Path) -> None:
    table = (REGISTRY / "venue_stations.csv").read_text("utf-8") + "polymarket,the paris,LFPB,2026-04-01,,test,captured\n"

    with pytest.raises(StoreError, match=r"polymarket 'the paris' has two meanings on 2026-04-19"):
        load_venue_stations(copied(tmp_path, "venue_stations.csv", table))


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("stations.csv", "XXXX,Nowhere,Nowhere,XX,north,0,0,UTC,0,whole,test\n"),
        ("stations.csv", "KLGA,only half\n"),
        ("stations.csv", "ZZZZ,No region,Nowhere,XX,1,1,0,UTC,0,whole,test\n"),
        ("neighbours.csv", "KNYC,no such station,test\n"),
    ],
)
def test_a_damaged_table_is_named(tmp_path: Path, name: str, row: str) -> None:
    table = (REGISTRY / name).read_text("utf-8") + row

    with pytest.raises(StoreError, match=f"{name} is damaged"):
        load_stations(copied(tmp_path, name, table))


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"regions\.csv cannot be read"):
        load_stations(tmp_path)


def test_every_series_has_a_station_of_the_registry_and_one_name_for_each_extreme() -> None:
    series = load_series()

    assert {each.station for each in series} <= STATIONS.keys()
    for each in series:
        low = each.series.startswith(("lowest-", "KXLOW"))
        assert (each.extreme is Extreme.LOW) == low, each.series
    for one, other in combinations(series, 2):
        if (one.venue, one.station, one.extreme) == (other.venue, other.station, other.extreme):
            raise AssertionError(f"{one.series} and {other.series} are about the same")


def test_new_york_is_listed_by_both_venues_at_two_stations() -> None:
    found = {(each.venue, each.series): each.station for each in load_series()}

    assert found["polymarket", "highest-temperature-in-nyc"] == "KLGA"
    assert found["kalshi", "KXHIGHNY"] == "KNYC"


def test_paris_moved_with_the_events_of_19_april_2026() -> None:
    """FACTS II.2.6: LFPG until 2026-04-18, LFPB from 2026-04-19."""
    paris = {each.station: each for each in load_series() if each.series == "highest-temperature-in-paris"}

    assert paris["LFPG"].valid_until == date(2026, 4, 18)
    assert paris["LFPB"].valid_from == date(2026, 4, 19)


def test_a_series_with_two_stations_on_one_day_is_refused(tmp_path: Path) -> None:
    lines = (REGISTRY / "series.csv").read_text().splitlines()
    (tmp_path / "series.csv").write_text("\n".join([lines[0], lines[1], lines[1].replace(lines[1].split(",")[1], "EGLC", 1)]))

    with pytest.raises(StoreError, match="on the same day"):
        load_series(tmp_path)
