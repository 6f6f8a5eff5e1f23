"""Each event settles by its own rule: a few days on both venues, in both units, highs and lows, recounted from public reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from math import floor
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from core.events import event_of
from core.model.event import Event
from core.model.record import Kind
from core.registry import load_stations
from core.services.pairs import Pair
from core.store.archive import Archive
from core.units import iso
from core.wiring.desk import demo_adapter
from core.wiring.faces import build_services
from tests.e2e.conftest import orchestrator
from tests.e2e.desk_in_process import KINDS, SEED, ask, settings_for, trade
from venues.demo.places import BY_CODE
from venues.demo.world import START, World

STATIONS = ("KLGA", "KNYC", "KMDW", "KORD", "KMIA", "HKO", "EGLC", "LTFM", "RJTT")
HOUR = 3600  # seconds between cycles
END = datetime.fromisoformat("2026-06-04T15:00Z")  # the venues have told the third day
THIRD = date(2026, 6, 3)  # New York's two venues count another high and another low on it
WORLD = World(SEED)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session of nearly three days."""
    folder = tmp_path_factory.mktemp("two_rules") / "data"
    settings = settings_for(
        folder, stations=STATIONS, interval_seconds=HOUR, edge_min=0.01, weather={"pool_weight": 0.7}
    )  # fmt: skip
    trade(settings, demo_adapter(SEED), (END - START) // timedelta(seconds=HOUR))
    return folder


def believed(data: Path, question: str) -> list[Any]:
    """Return the rows of a question to the evaluations."""
    with create_engine(f"sqlite:///{data / 'evaluations' / 'weather.db'}").connect() as connection:
        return list(connection.execute(text(question)))


def finals(data: Path) -> Iterator[tuple[Event, str]]:
    """Yield each event that the venue has told, as it was listed, and its winner."""
    view = Archive(data).as_of([END])
    for event_id, winner in ask(data, "SELECT event_id, winner FROM settlements WHERE finality = 'final' ORDER BY event_id"):
        stack = view.stack(Kind.EVENTS, event_id, START)
        newest = stack.offsets[-2:]
        yield event_of(stack.facts[-1], {name: column[slice(*newest)] for name, column in stack.columns.items()}), winner


def public(path: str, at: datetime) -> Any:
    """Return what a public service of the world says at an instant."""
    return json.loads(WORLD.answer("GET", path, instant=iso(at)).body)


def midnight(station: str, day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(load_stations()[station].tz))


def of_reports(station: str, day: date, extreme: str) -> int:
    """Count by the list of reports on the civil day, until the next day's first report: halves up, °F from tenths of °C."""
    start, end = midnight(station, day), midnight(station, day + timedelta(days=1))
    rows = public(f"/awc/metar?ids={station}&format=json&hours=36", end + timedelta(hours=2))
    following = min(row["receiptTime"] for row in rows if row["obsTime"] >= end.timestamp())
    known = {
        row["obsTime"]: row.get("temp")
        for row in sorted(rows, key=lambda row: row["receiptTime"])
        if start.timestamp() <= row["obsTime"] < end.timestamp() and row["receiptTime"] <= following
    }
    told = [celsius for celsius in known.values() if celsius is not None]
    celsius = max(told) if extreme == "high" else min(told)
    return floor(celsius * 9 / 5 + 32.5 + 1e-9) if station.startswith("K") else floor(celsius + 0.5)


def of_climate_report(station: str, day: date, extreme: str) -> int:
    """Read what the office printed for the day of standard time, in the report that came after it."""
    noon = midnight(station, day + timedelta(days=1)) + timedelta(hours=12)
    told = public(f"/iem/json/cli.py?station={station}&year={day.year}", noon)
    return int(next(row for row in told["results"] if row["valid"] == day.isoformat())[extreme])


def of_observatory(station: str, day: date, extreme: str) -> int:
    """Floor the extreme of the observatory's minutes, which it prints in tenths; nobody else reports from there."""
    first = int(midnight(station, day).timestamp()) // 60
    minutes = WORLD.weather.two_minute_means(BY_CODE[station], first, first + 1440)
    tenths = np.floor(minutes * 10 + 0.5)
    return int(tenths.max() if extreme == "high" else tenths.min()) // 10


def recounted(event: Event) -> int:
    """Return what the public sources of an event's own rule say."""
    station, day, extreme = event.rule.station, event.event_day, str(event.extreme)
    source = of_climate_report if event.venue == "kalshi" else of_observatory if station == "HKO" else of_reports
    return source(station, day, extreme)


def kinds(rows: list[Any]) -> set[tuple[str, str, str]]:
    return {(venue, unit, extreme) for venue, unit, extreme in rows}


def test_both_venues_both_units_highs_and_lows_are_evaluated_traded_and_settled(data: Path) -> None:
    evaluated = believed(data, "SELECT DISTINCT venue, unit, extreme FROM outlooks WHERE refusal = ''")
    traded = ask(data, "SELECT DISTINCT i.venue, i.unit, i.extreme FROM fills JOIN instruments i USING (token)")
    paid = ask(
        data,
        "SELECT DISTINCT i.venue, i.unit, i.extreme FROM instruments i JOIN settlements s USING (event_id) "
        "WHERE s.finality = 'final' AND i.token IN (SELECT token FROM fills)",
    )

    assert kinds(evaluated) == kinds(traded) == kinds(paid) == KINDS
    assert {station for (station,) in ask(data, "SELECT DISTINCT station FROM fills")} == set(STATIONS)
    assert orchestrator("--mode", "doctor", "--ledger", "--data", str(data)).returncode == 0


def test_every_event_settled_as_the_public_sources_of_its_own_rule_say(data: Path) -> None:
    told = list(finals(data))

    right = {event.event_id: event.winner_of(recounted(event)).label for event, _ in told}
    said = {event.event_id: bracket.label for event, winner in told for bracket in event.ladder if bracket.market_id == winner}

    assert said == right
    assert len(told) >= 30
    assert {(event.venue, event.rule.station) for event, _ in told} == {
        ("polymarket", "KLGA"), ("kalshi", "KNYC"), ("polymarket", "KORD"), ("kalshi", "KMDW"), ("polymarket", "KMIA"),
        ("kalshi", "KMIA"), ("polymarket", "HKO"), ("polymarket", "LTFM"), ("polymarket", "EGLC"), ("polymarket", "RJTT"),
    }  # fmt: skip


def test_what_was_said_before_the_venue_spoke_followed_the_same_rule(data: Path) -> None:
    rows = ask(
        data,
        "SELECT p.venue, p.station, p.event_day, p.reading, p.winner = f.winner FROM settlements p JOIN settlements f USING (event_id) "
        "WHERE p.finality = 'provisional' AND f.finality = 'final' "
        "AND p.revision = (SELECT max(revision) FROM settlements WHERE event_id = p.event_id AND finality = 'provisional')",
    )  # fmt: skip

    assert {row[0] for row in rows} == {"polymarket", "kalshi"}
    assert "HKO" not in {row[1] for row in rows}, "nobody reports from the observatory before its own table"
    assert all(agrees for *_, agrees in rows), [row for row in rows if not row[-1]]


def of_new_york(data: Path) -> Iterator[Pair]:
    """Yield New York's pairs of the third day."""
    pairs = build_services(settings_for(data, stations=STATIONS)).pairs.pairs().pairs
    return (pair for pair in pairs if pair.event_day == THIRD and "New York" in pair.city)


@pytest.mark.parametrize(("extreme", "listed", "official"), [("high", 89, 93), ("low", 66, 64)])
def test_new_york_settles_by_two_rules_and_the_desk_says_why_they_may_differ(
    data: Path, extreme: str, listed: int, official: int
) -> None:
    (pair,) = [pair for pair in of_new_york(data) if pair.extreme == extreme]
    sides = {side.card.venue: side.card for side in (pair.one, pair.other)}
    names = {sentence.partition(":")[0] for sentence in pair.differences}
    settled = {
        event.venue: (recounted(event), event.winner_of(recounted(event)).market_id == winner)
        for event, winner in finals(data)
        if (event.event_id in {card.event_id for card in sides.values()})
    }

    assert settled == {"polymarket": (listed, True), "kalshi": (official, True)}
    assert {venue: card.station_code for venue, card in sides.items()} == {"polymarket": "KLGA", "kalshi": "KNYC"}
    assert sides["kalshi"].window_start - sides["polymarket"].window_start == timedelta(hours=1)  # no summer time
    assert names >= {"Station", "Number", "Day", "Source"}


def test_the_venues_of_miami_share_a_station_and_differ_in_day_and_number(data: Path) -> None:
    pairs = build_services(settings_for(data, stations=STATIONS)).pairs.pairs().pairs
    miami = [pair for pair in pairs if pair.city == "Miami"]

    assert miami
    for pair in miami:
        names = {sentence.partition(":")[0] for sentence in pair.differences}
        assert pair.one.card.station_code == pair.other.card.station_code == "KMIA"
        assert "Station" not in names
        assert names >= {"Number", "Day", "Source"}
