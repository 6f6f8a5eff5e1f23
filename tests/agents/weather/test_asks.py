"""What a cycle asks, of whom, how often; all of it follows from what was received."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.weather.asks import NO_REPORTS
from agents.weather.desk import WeatherDesk
from agents.weather.listing_asks import DISCOVER
from core.model.account import Account, Outcome, new_account
from core.model.cycle import Cause, Cycle
from core.model.event import Event
from core.model.record import Ask, Kind, Record
from core.model.rule import DayWindow, Statistic
from core.model.settlement import Finality, Settlement
from core.registry import load_series, load_stations
from core.settings import Settings
from core.store.archive import Archive
from core.units import MICRO, Unit
from tests.agents.weather.worlds import SETTINGS, archive_of, event, listing, metar, outcome, prints

EVENING = datetime(2026, 6, 11, 21, 45, tzinfo=UTC)  # 17:45 in New York; on the grid of quarters, within an hour
STATIONS = load_stations()
MINUTE = timedelta(minutes=1)
NYC = "highest-temperature-in-nyc"
NYC_DAYS = (date(2026, 6, 11), date(2026, 6, 12), date(2026, 6, 13))


def account() -> Account:
    return new_account("weather", "live", 10_000 * MICRO)


def asked(
    archive: Archive, at: datetime = EVENING, *codes: str, own: Account | None = None, cause: Cause = Cause.SCHEDULE,
    subjects: tuple[str, ...] = (), settings: Settings = SETTINGS,
) -> tuple[Ask, ...]:  # fmt: skip
    desk = WeatherDesk(tuple(STATIONS[code] for code in codes or ("KLGA",)), settings)
    return desk.asks(Cycle("weather", at, 1, cause, subjects, at, at), own or account(), archive.as_of([at]))


def of_kind(asks: tuple[Ask, ...], kind: Kind) -> list[Ask]:
    return [ask for ask in asks if ask.kind is kind]


def series_of(asks: tuple[Ask, ...]) -> dict[str, tuple[date, ...]]:
    return {ask.subject: ask.days for ask in of_kind(asks, Kind.EVENTS) if ask.subject != DISCOVER}


def park(event_id: str = "KXHIGHNY-26JUN12", day: date = date(2026, 6, 12)) -> Event:
    found = event(
        event_id, lowest=72, n=6, day=day, station="KNYC", statistic=Statistic.OFFICIAL_MAX, source="nws_climate_report",
        window=DayWindow.STANDARD_TIME,
    )  # fmt: skip
    return replace(found, venue="kalshi")


def of_kalshi(found: Event, at: datetime) -> Record:
    return replace(listing(found, at), source="kalshi")


def failure(subject: str, at: datetime, kind: Kind = Kind.EVENTS, source: str = "polymarket") -> Record:
    return Record(source, kind, subject, at, None, b"", {}, {}, error="down")


def climate(code: str, at: datetime) -> Record:
    columns = {
        "event_day": np.array(["2026-06-12"], object), "high_f": np.array([80]), "low_f": np.array([60]),
        "preliminary": np.array([True]), "product": np.array(["CLINYC"], object),
    }  # fmt: skip
    return Record("iem", Kind.CLIMATE, code, at, None, f"{code}{at}".encode(), columns)


def ended(found: Event, finality: Finality) -> Account:
    word = Settlement("x", "kalshi", found.event_id, "KNYC", found.event_day, finality, 0, "m", "m", 80.0, {})
    nothing = np.zeros((1, 0), np.int64)
    return replace(account(), outcomes={found.event_id: Outcome(word, (), nothing, nothing, nothing)})


def test_a_new_desk_asks_for_every_series_of_its_station_at_both_venues(tmp_path: Path) -> None:
    found = series_of(asked(archive_of(tmp_path, []), EVENING, "KMIA"))

    assert found == {
        "highest-temperature-in-miami": NYC_DAYS, "lowest-temperature-in-miami": NYC_DAYS,
        "KXHIGHMIA": NYC_DAYS[:2], "KXLOWTMIA": NYC_DAYS[:2],
    }  # fmt: skip


def test_the_series_name_their_venue() -> None:
    assert {row.venue for row in load_series()} == {"polymarket", "kalshi"}
    assert {row.station for row in load_series()} <= set(STATIONS)


def test_days_count_at_the_station_and_by_the_venue_s_own_day(tmp_path: Path) -> None:
    """One o'clock on the twelfth in Tokyo; half past midnight in New York is the eleventh by standard time."""
    tokyo = series_of(asked(archive_of(tmp_path / "a", []), datetime(2026, 6, 11, 16, 0, tzinfo=UTC), "RJTT"))
    new_york = series_of(asked(archive_of(tmp_path / "b", []), datetime(2026, 6, 12, 4, 30, tzinfo=UTC), "KMIA"))

    assert tokyo["highest-temperature-in-tokyo"][0] == date(2026, 6, 12)
    assert new_york["highest-temperature-in-miami"][0] == date(2026, 6, 12)
    assert new_york["KXHIGHMIA"][0] == date(2026, 6, 11)


def test_a_series_is_asked_for_the_days_on_which_it_means_the_station(tmp_path: Path) -> None:
    """Paris moved with the events of 2026-04-19."""
    at = datetime(2026, 4, 18, 9, 0, tzinfo=UTC)

    old, new = (series_of(asked(archive_of(tmp_path / code, []), at, code)) for code in ("LFPG", "LFPB"))

    assert old["highest-temperature-in-paris"] == (date(2026, 4, 18),)
    assert new["highest-temperature-in-paris"] == (date(2026, 4, 19), date(2026, 4, 20))


@pytest.mark.parametrize(("minutes", "expected"), [(10, ()), (59, ()), (60, NYC_DAYS), (180, NYC_DAYS)])
def test_all_days_are_asked_for_when_the_series_was_heard_of_long_ago(
    tmp_path: Path, minutes: int, expected: tuple[date, ...]
) -> None:
    archive = archive_of(tmp_path, [listing(event(), EVENING - minutes * MINUTE)])

    assert series_of(asked(archive)).get(NYC, ()) == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 6, 11, 2, 0, tzinfo=UTC), ()),
        (datetime(2026, 6, 11, 2, 15, tzinfo=UTC), (date(2026, 6, 10), date(2026, 6, 11))),
        (datetime(2026, 6, 11, 2, 45, tzinfo=UTC), ()),
    ],
)
def test_a_missing_day_is_sought_at_once_at_the_venue_s_usual_hour(
    tmp_path: Path, at: datetime, expected: tuple[date, ...]
) -> None:
    """FACTS I.4: days of American stations are listed at about 02:01Z."""
    archive = archive_of(tmp_path, [listing(event(), datetime(2026, 6, 11, 2, 0, tzinfo=UTC))])

    assert series_of(asked(archive, at)).get(NYC, ()) == expected


def test_a_series_that_never_listed_anything_is_asked_for_once_a_period(tmp_path: Path) -> None:
    """London is known, so the venue answers; the lows of Miami never came."""
    records = [listing(event("ldn", station="EGLC", unit=Unit.CELSIUS), EVENING - 5 * MINUTE)]
    archive = archive_of(tmp_path, records)
    low, codes = "lowest-temperature-in-miami", ("EGLC", "KMIA")

    assert low not in series_of(asked(archive, EVENING, *codes))
    assert low in series_of(asked(archive, EVENING + 15 * MINUTE, *codes))  # 22:00Z
    assert low not in series_of(asked(archive, EVENING + 30 * MINUTE, *codes))


def test_a_failed_listing_is_asked_for_again_after_a_pause(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, [failure(NYC, EVENING)])

    assert NYC not in series_of(asked(archive, EVENING + 4 * MINUTE))
    assert NYC in series_of(asked(archive, EVENING + 6 * MINUTE))


@pytest.mark.parametrize(("hour", "minute", "due"), [(18, 0, True), (18, 15, False), (19, 0, False), (23, 45, False)])
def test_events_of_unknown_series_are_looked_for_four_times_a_day(tmp_path: Path, hour: int, minute: int, due: bool) -> None:
    archive = archive_of(tmp_path, [listing(event(), datetime(2026, 6, 11, 17, 59, tzinfo=UTC))])

    asks = asked(archive, datetime(2026, 6, 11, hour, minute, tzinfo=UTC))

    assert (Ask(Kind.EVENTS, DISCOVER, source="polymarket") in asks) == due


def test_a_look_that_a_report_woke_asks_about_its_station_and_no_listings(tmp_path: Path) -> None:
    asks = asked(archive_of(tmp_path, []), EVENING, "KLGA", "EGLC", cause=Cause.METAR, subjects=("EGLC",))

    assert {ask.subject for ask in asks} == {"EGLC"}


def test_books_and_prints_are_asked_of_every_open_event_of_both_venues(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, [listing(event()), of_kalshi(park(), EVENING - MINUTE)])

    asks = asked(archive, EVENING, "KLGA", "KNYC")

    books = {ask.subject: ask for ask in of_kind(asks, Kind.BOOKS)}
    told = {ask.subject: ask for ask in of_kind(asks, Kind.PRINTS)}
    assert {(each.source, len(each.tokens)) for each in books.values()} == {("polymarket", 22), ("kalshi", 12)}
    assert {(each.source, len(each.tokens)) for each in told.values()} == {("polymarket", 11), ("kalshi", 6)}
    assert told["nyc-12"].tokens[0] == "nyc-12-m0"


def test_prints_of_a_venue_that_is_asked_market_by_market_take_turns(tmp_path: Path) -> None:
    days = [date(2026, 6, day) for day in range(12, 14)]
    events = [park(f"KX{name}NY-26JUN{day.day}", day) for day in days for name in ("HIGH", "LOW", "A", "B", "C")]
    archive = archive_of(tmp_path, [of_kalshi(found, EVENING - MINUTE) for found in events])
    desk = WeatherDesk((STATIONS["KNYC"],), SETTINGS)

    looks = [
        [ask.subject for ask in of_kind(desk.asks(look, account(), archive.as_of([EVENING])), Kind.PRINTS)]
        for look in (Cycle("weather", EVENING, number, Cause.SCHEDULE, (), EVENING, EVENING) for number in (1, 2, 3, 4, 5))
    ]

    assert {len(subjects) for subjects in looks} == {4}
    assert {subject for subjects in looks for subject in subjects} == {found.event_id for found in events}


def test_an_ensemble_that_failed_is_asked_for_again(tmp_path: Path) -> None:
    lost = Record("open_meteo_ensemble", Kind.ENSEMBLE, "KLGA", EVENING - 15 * MINUTE, None, b"", {}, error="down")

    assert len(of_kind(asked(archive_of(tmp_path, [lost])), Kind.ENSEMBLE)) == 1


def test_prints_are_asked_for_every_few_minutes_at_most(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, [listing(event()), prints(event(), EVENING, [0.1] * 11)])

    assert of_kind(asked(archive, EVENING + MINUTE), Kind.PRINTS) == []
    assert len(of_kind(asked(archive, EVENING + 6 * MINUTE), Kind.PRINTS)) == 1


def test_forecasts_come_from_every_source_that_knows_the_place(tmp_path: Path) -> None:
    asks = of_kind(asked(archive_of(tmp_path, []), EVENING, "KLGA", "EGLC"), Kind.FORECAST)

    assert {(ask.subject, ask.source) for ask in asks} == {
        ("KLGA", "open_meteo"), ("KLGA", "zeus"), ("KLGA", "nws"), ("EGLC", "open_meteo"), ("EGLC", "zeus"),
    }  # fmt: skip


@pytest.mark.parametrize(("minutes", "due"), [(30, False), (359, False), (361, True)])
def test_ensembles_are_asked_for_a_few_times_a_day(tmp_path: Path, minutes: int, due: bool) -> None:
    rows = {
        "model": np.array(["m"], object), "member": np.array([0]), "valid_at": np.array([0]), "celsius": np.array([20.0]),
    }  # fmt: skip
    record = Record("open_meteo_ensemble", Kind.ENSEMBLE, "KLGA", EVENING - minutes * MINUTE, None, b"e", rows)

    asks = of_kind(asked(archive_of(tmp_path, [record])), Kind.ENSEMBLE)

    assert asks == ([Ask(Kind.ENSEMBLE, "KLGA", source="open_meteo_ensemble")] if due else [])


def test_reports_that_keep_coming_need_no_whole_day(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, [metar("KLGA", EVENING - 15 * MINUTE, [(EVENING - 20 * MINUTE, 200)])])

    assert of_kind(asked(archive), Kind.METAR) == [Ask(Kind.METAR, "KLGA", source="metar")]


def test_a_station_that_was_never_heard_is_asked_for_its_whole_day(tmp_path: Path) -> None:
    assert of_kind(asked(archive_of(tmp_path, [])), Kind.METAR) == [
        Ask(Kind.METAR, "KLGA", days=(date(2026, 6, 11),), source="metar")
    ]


@pytest.mark.parametrize(
    ("code", "age", "sources"),
    [
        ("KLGA", 139, ["metar"]), ("KLGA", 141, ["metar", "nws"]), ("EGLC", 79, ["metar"]), ("EGLC", 81, ["metar", "iem"]),
    ],
)  # fmt: skip
def test_a_silent_station_is_asked_of_a_second_source(tmp_path: Path, code: str, age: int, sources: list[str]) -> None:
    """Two of its cadences (an hour, half an hour) and twenty minutes."""
    archive = archive_of(tmp_path, [metar(code, EVENING - MINUTE, [(EVENING - age * MINUTE, 200)])])

    assert [ask.source for ask in of_kind(asked(archive, EVENING, code), Kind.METAR)] == sources


@pytest.mark.parametrize("code", sorted(NO_REPORTS))
def test_an_observatory_without_reports_is_asked_for_none(tmp_path: Path, code: str) -> None:
    asks = asked(archive_of(tmp_path, []), EVENING, code)

    assert of_kind(asks, Kind.METAR) == []
    assert of_kind(asks, Kind.FORECAST) != []


def test_central_park_reports_like_any_station(tmp_path: Path) -> None:
    found = of_kind(asked(archive_of(tmp_path, []), EVENING, "KNYC", "KMDW"), Kind.METAR)

    assert [ask.subject for ask in found] == ["KNYC", "KMDW", "KLGA", "KORD"]  # and so do the neighbours that speak for both


OVER = datetime(2026, 6, 13, 5, 15, tzinfo=UTC)  # the standard-time day of the twelfth ended at 05:00Z


def test_the_climate_report_is_asked_for_once_the_day_is_over(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, [of_kalshi(park(), EVENING)])

    assert of_kind(asked(archive, OVER - 16 * MINUTE, "KNYC"), Kind.CLIMATE) == []
    assert of_kind(asked(archive, OVER, "KNYC"), Kind.CLIMATE) == [
        Ask(Kind.CLIMATE, "KNYC", days=(date(2026, 6, 12),), source="iem")
    ]


def test_the_climate_report_is_asked_for_once_an_hour_until_the_final_word(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, [of_kalshi(park(), EVENING), climate("KNYC", OVER)])

    def due(minutes: int, finality: Finality) -> bool:
        asks = asked(archive, OVER + minutes * MINUTE, "KNYC", own=ended(park(), finality))
        return bool(of_kind(asks, Kind.CLIMATE))

    assert [due(59, Finality.PROVISIONAL), due(61, Finality.PROVISIONAL), due(61, Finality.FINAL)] == [False, True, False]


def test_an_event_settled_by_reports_needs_no_climate_report(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, [listing(event())])

    assert of_kind(asked(archive, OVER), Kind.CLIMATE) == []


AFTER = datetime(2026, 6, 13, 5, 0, tzinfo=UTC)  # the day of the event ended at 04:00Z


@pytest.mark.parametrize(
    ("told", "at", "due"),
    [
        ((), AFTER, True),
        ((("open", 0),), AFTER + timedelta(minutes=59), False),
        ((("open", 0),), AFTER + timedelta(minutes=60), True),
        ((("final", 0),), AFTER + timedelta(hours=5), False),
        ((("final", 0),), AFTER + timedelta(hours=6), True),
        ((("final", 0), ("final", 66)), AFTER + timedelta(hours=73), False),
        ((("error", 0),), AFTER + timedelta(minutes=15), False),
    ],
)
@pytest.mark.parametrize("venue", ["polymarket", "kalshi"])
def test_an_outcome_is_asked_for_until_it_is_final_and_then_for_corrections(
    tmp_path: Path, told: tuple[tuple[str, float], ...], at: datetime, due: bool, venue: str
) -> None:
    held = replace(event(), venue=venue)
    found: list[Record] = [replace(listing(held), source=venue)]
    for word, hours in told:
        record = replace(outcome(event(), AFTER + timedelta(hours=hours), 78), source=venue)
        record = replace(record, facts={**record.facts, "final": word == "final"}, raw=f"{word}{hours}".encode())
        found.append(replace(record, rows={}, facts={}, error="down") if word == "error" else record)

    asks = of_kind(asked(archive_of(tmp_path, found), at), Kind.OUTCOMES)

    assert [ask.source for ask in asks] == ([venue] if due else [])


def test_the_same_view_asks_the_same_whatever_was_asked_before(tmp_path: Path) -> None:
    """A restart, or a second attempt at a cycle, has no memory but the archive."""
    archive = archive_of(tmp_path, [listing(event(), EVENING - 70 * MINUTE), of_kalshi(park(), EVENING - 20 * MINUTE)])
    desk = WeatherDesk((STATIONS["KLGA"], STATIONS["KNYC"]), SETTINGS)
    cycle = Cycle("weather", EVENING, 1, Cause.SCHEDULE, (), EVENING, EVENING)

    first, again = (desk.asks(cycle, account(), archive.as_of([EVENING])) for _ in range(2))

    assert first == again == asked(archive, EVENING, "KLGA", "KNYC")
