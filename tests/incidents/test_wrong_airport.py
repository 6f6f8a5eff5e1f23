"""130 trades on the wrong airport: a city was taken for a station. FACTS I.10, simmer-sdk.

Trap: the slug, the city or our own registry decides where a market is measured, not the text that it settles by.
"""

from __future__ import annotations

import json
import sqlite3
from datetime import date
from pathlib import Path

import pytest

from core.errors import RuleError
from core.registry import load_venue_stations
from core.units import iso
from tests.e2e.desk_in_process import SEED, Change, ChangedWorld, ask, settings_for, trade, unchanged, with_body
from venues.demo.world import START, World
from venues.polymarket.rules import parse_rule

NYC = "highest-temperature-in-nyc"
ADDRESS = "us/ny/new-york-city/KLGA"
CYCLES = 3


def text_of_new_york() -> str:
    """Return how the demo venue words New York's high of 1 June."""
    answer = World(SEED).answer("GET", f"/gamma/events?slug={NYC}-on-june-1-2026", instant=iso(START))
    return str(json.loads(answer.body)[0]["description"])


def retold(*swaps: tuple[str, str]) -> Change:
    """Return a change of the texts of New York's highs, and of nothing else: slug, title, brackets and tokens stay."""

    def change(request: object, response: object) -> object:
        if "/gamma/events" not in str(request.url) or response.status_code != 200:  # type: ignore[attr-defined]
            return response
        body = json.loads(response.raw.read())  # type: ignore[attr-defined]
        for event in body["events"] if isinstance(body, dict) else body:
            if event.get("slug", "").startswith(NYC):
                for part in (event, *event["markets"]):
                    for name in ("description", "resolutionSource"):
                        for before, after in swaps:
                            part[name] = (part.get(name) or "").replace(before, after)
        return with_body(response, json.dumps(body).encode())  # type: ignore[arg-type]

    return change  # type: ignore[return-value]


def session(folder: Path, change: Change) -> Path:
    data = folder / "data"
    settings = settings_for(data, stations=("KLGA", "KMIA"), edge_min=0.005, weather={"pool_weight": 0.7})
    trade(settings, ChangedWorld(change), CYCLES)
    return data


def outlooks(data: Path) -> set[tuple[str, str]]:
    with sqlite3.connect(data / "evaluations" / "weather.db") as database:
        question = f"SELECT DISTINCT station, refusal != '' FROM outlooks WHERE event_id LIKE '{NYC}%'"
        return set(database.execute(question).fetchall())


def ordered(data: Path) -> int:
    return ask(data, "SELECT count(*) FROM orders WHERE event_id LIKE ?", f"{NYC}%")[0][0]


def test_the_station_comes_from_the_text_of_the_event() -> None:
    """Guard: `_station` of venues/polymarket/rules.py reads the phrase of the text."""
    day, text = date(2026, 6, 1), text_of_new_york()
    moved = text.replace("LaGuardia Airport", "Miami Intl Airport").replace(ADDRESS, "us/fl/miami/KMIA")

    assert parse_rule(text, event_day=day).station == "KLGA"
    assert parse_rule(moved, event_day=day).station == "KMIA"


def test_a_text_whose_address_names_another_airport_is_refused() -> None:
    """Guard: `_station` of venues/polymarket/rules.py compares the address with the registry and raises."""
    with pytest.raises(RuleError, match="its address"):
        parse_rule(text_of_new_york().replace("KLGA", "KJFK"), event_day=date(2026, 6, 1))


def test_a_mismatch_blocks_trading_in_that_event_and_in_no_other(tmp_path: Path) -> None:
    """The whole desk, the slug still says NYC. Guard: the refusal of the rule makes `lawless` of the event (agents/weather/listed)."""
    as_listed = session(tmp_path / "as listed", unchanged)
    mismatched = session(tmp_path / "mismatched", retold(("KLGA", "KJFK")))

    assert ordered(as_listed) > 0  # else the test shows nothing
    assert ordered(mismatched) == 0
    assert ask(mismatched, "SELECT count(*) FROM orders")[0][0] > 0
    said = ask(mismatched, "SELECT message FROM activity WHERE type = 'event_refused' AND event_id LIKE ?", f"{NYC}%")
    assert said
    assert all("not traded" in message for (message,) in said)


def test_a_text_that_names_another_airport_throughout_is_traded_there(tmp_path: Path) -> None:
    """Guard: `Event.rule.station` is the only station of an event; nothing looks at its city or slug."""
    swaps = ("LaGuardia Airport", "Miami Intl Airport"), (ADDRESS, "us/fl/miami/KMIA")
    data = session(tmp_path, retold(*swaps))

    assert {station for station, _ in outlooks(data)} == {"KMIA"}
    assert ("KMIA", 0) in outlooks(data)  # understood and not refused
    assert {row[0] for row in ask(data, "SELECT DISTINCT station FROM decisions WHERE event_id LIKE ?", f"{NYC}%")} <= {"KMIA"}


def test_every_phrase_is_a_venue_s_own_and_carries_its_provenance() -> None:
    """One table for two venues was the second cause: New York is LaGuardia for one venue and Central Park for the other."""
    rows = load_venue_stations().rows

    assert all(row.venue and row.evidence and row.grade and row.valid_from <= row.valid_until for row in rows)
    assert {row.station for row in rows if row.venue == "kalshi" and "KNYC" in (row.station,)} == {"KNYC"}
    assert "KNYC" not in {row.station for row in rows if row.venue == "polymarket"}
    keys = [(row.venue, row.phrase, row.valid_from) for row in rows]
    assert len(keys) == len(set(keys))
