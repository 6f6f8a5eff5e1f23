"""The demo world's answers have the keys and the types of captured ones."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from venues.demo.stations import STATIONS
from venues.demo.world import START, World

WORLD = World(7)
ABSENT = "$[].markets[].bestAsk is missing"  # FACTS 2.3: the best price of an empty side is absent; no capture lacks an ask
NOW = START.isoformat().replace("+00:00", "Z")
RESOLVED = frozenset(
    {"closedTime", "umaEndDate", "umaResolutionStatus", "automaticallyResolved"}
)  # market_resolved_uma_2026-03-19


def kind(value: Any) -> str:
    """JSON's own kinds: a whole number and one with decimals are the same."""
    if isinstance(value, bool):
        return "boolean"
    return {int: "number", float: "number", str: "string", list: "list", dict: "object", type(None): "null"}[type(value)]


class Shape:
    """Keys, kinds and nested shapes of some JSON values that stand in the same place."""

    def __init__(self, values: Iterable[Any]) -> None:
        values = list(values)
        self.kinds = {kind(value) for value in values}
        objects = [value for value in values if isinstance(value, dict)]
        self.always = set.intersection(*(set(o) for o in objects)) if objects else set()
        keys = {key for o in objects for key in o}
        self.fields = {key: Shape(o[key] for o in objects if key in o) for key in keys}
        items = [item for value in values if isinstance(value, list) for item in value]
        self.items = Shape(items) if items else None

    def faults(self, value: Any, path: str = "$", extra: frozenset[str] = frozenset()) -> list[str]:
        """Return where `value` does not fit."""
        if kind(value) not in self.kinds:
            return [f"{path} is {kind(value)}, captured {sorted(self.kinds)}"]
        out: list[str] = []
        if isinstance(value, dict):
            out += [f"{path}.{key} is missing" for key in self.always - set(value)]
            out += [f"{path}.{key} was never captured" for key in set(value) - set(self.fields) - extra]
            for key in set(value) & set(self.fields):
                out += self.fields[key].faults(value[key], f"{path}.{key}", extra)
        if isinstance(value, list) and self.items is not None:
            for item in value:
                out += self.items.faults(item, f"{path}[]", extra)
        return sorted(set(out))


def captured(folder: Path, *patterns: str) -> list[Any]:
    return [json.loads(file.read_text()) for pattern in patterns for file in sorted(folder.glob(pattern))]


def asked(path: str, body: bytes = b"", at: str = NOW) -> Any:
    answer = WORLD.answer("POST" if body else "GET", path, body, at)
    assert answer.status == 200, (path, answer)
    return json.loads(answer.body)


def at_text(milliseconds: int) -> str:
    return f"{START.fromtimestamp(milliseconds / 1000, START.tzinfo).isoformat(timespec='milliseconds')[:23]}Z"


def test_an_open_event_has_the_captured_shape(captures: Path) -> None:
    shape = Shape(captured(captures / "fixtures/polymarket_gamma", "event_by_slug_*.json"))

    events = asked("/gamma/events?tag_id=104596&closed=false&limit=100")

    assert len(events) == 13  # at 17:00Z Europe has three days listed, the others two
    assert set(shape.faults(events)) <= {ABSENT}


def test_a_closed_event_differs_only_by_the_captured_fields_of_a_resolution(captures: Path) -> None:
    folder = captures / "fixtures/polymarket_gamma"
    shape = Shape(captured(folder, "event_by_slug_*.json"))
    resolved = captured(folder, "market_resolved_uma_2026-03-19.json")[0]

    events = asked("/gamma/events?tag_id=104596&closed=true")
    market = events[0]["markets"][0]

    assert set(shape.faults(events, extra=RESOLVED)) <= {ABSENT}
    assert {key: kind(market[key]) for key in RESOLVED} == {key: kind(resolved[key]) for key in RESOLVED}
    assert len(market["closedTime"]) == len(resolved["closedTime"])
    assert market["umaResolutionStatuses"] == resolved["umaResolutionStatuses"]
    assert {market["outcomePrices"] for event in events for market in event["markets"]} == {'["1", "0"]', '["0", "1"]'}


def test_an_order_book_has_the_captured_shape(captures: Path) -> None:
    full = captured(captures / "fixtures/polymarket_clob", "book_full_weather_2026-09-04.json")
    tokens = [
        token
        for event in asked("/gamma/events?tag_id=104596&closed=false")
        for market in event["markets"]
        for token in json.loads(market["clobTokenIds"])
    ]

    books = asked("/clob/books", json.dumps([{"token_id": token} for token in tokens]).encode())

    assert Shape([full]).faults(books) == []
    assert [list(book) for book in books] == [list(full[0])] * len(tokens)
    assert asked(f"/clob/book?token_id={tokens[3]}") == books[3]


@pytest.mark.parametrize("closed", [False, True])
def test_a_market_by_condition_has_the_captured_shape(captures: Path, closed: bool) -> None:
    shape = Shape(captured(captures / "fixtures/polymarket_clob", "market_by_condition_id_*.json"))
    event = WORLD.exchange.around(int(START.timestamp()) * 1000)[0 if closed else -1]
    at = at_text(event.closed if closed else int(START.timestamp()) * 1000)

    market = asked(f"/clob/markets/{WORLD.exchange.condition(event, 5)}", at=at)

    assert shape.faults(market) == []
    assert market["closed"] is closed


def test_a_price_history_has_the_captured_shape(captures: Path) -> None:
    shape = Shape(captured(captures / "fixtures/polymarket_clob", "prices_history_response_*.json"))
    event = WORLD.exchange.around(int(START.timestamp()) * 1000)[-1]

    history = asked(f"/clob/prices-history?market={WORLD.exchange.token(event, 5, 0)}&interval=6h&fidelity=60")

    assert len(history["history"]) == 6
    assert shape.faults(history) == []


def test_reports_of_an_international_station_have_the_captured_shape(captures: Path) -> None:
    shape = Shape(captured(captures / "fixtures/awc", "metar_ltac_*.json"))

    reports = asked("/awc/metar?ids=EGLC,RJTT,RKSI&format=json&hours=24")

    assert len(reports) >= 3 * 47
    assert shape.faults(reports) == []


def test_reports_of_an_american_station_add_only_documented_fields(captures: Path) -> None:
    folder = captures / "fixtures/awc"
    shape = Shape(captured(folder, "metar_ltac_*.json"))
    selected = next(row for row in captured(folder, "metar_klga_rksi*.json")[0] if row["icaoId"] == "KLGA")

    reports = asked("/awc/metar?ids=KLGA,KMIA,KORD&format=json&hours=24")

    # FACTS II.7: slp in hPa, the 24 h groups as maxT24 and minT24
    assert shape.faults(reports, extra=frozenset({"slp", "maxT24", "minT24"})) == []
    assert all(kind(report[key]) == kind(value) for report in reports for key, value in selected.items())
    assert {report["visib"] for report in reports} == {"10+"}


def test_a_forecast_has_the_captured_shape(captures: Path) -> None:
    folder = captures / "fixtures/open_meteo"
    ensemble = captured(folder, "ensemble_hourly_*.json")[0]
    hourly = captured(folder, "forecast_hourly_*.json")[0]
    common = "/open-meteo/v1/forecast?latitude=51.505&longitude=0.055&hourly=temperature_2m&forecast_days=3"

    single = asked(f"{common}&models=gfs_seamless")
    several = asked(f"{common}&models=gfs_seamless,icon_seamless&timezone=Europe/London&timeformat=unixtime")

    names = {"temperature_2m": "pressure_msl"}
    head = Shape([{key: value for key, value in hourly.items() if not key.startswith("hourly")}])
    assert head.faults({key: value for key, value in single.items() if not key.startswith("hourly")}) == []
    assert list(single) == list(hourly)
    assert list(single["hourly"]) == ["time", "temperature_2m"]
    for ours, theirs in names.items():
        assert Shape([hourly["hourly"][theirs]]).faults(single["hourly"][ours]) == []
    assert kind(single["hourly"]["time"][0]) == kind(hourly["hourly"]["time"][0])
    assert len(single["hourly"]["time"][0]) == len(hourly["hourly"]["time"][0])
    assert Shape([ensemble["hourly"]["time"]]).faults(several["hourly"]["time"]) == []
    assert several["hourly_units"] == {
        "time": ensemble["hourly_units"]["time"],
        "temperature_2m_gfs_seamless": ensemble["hourly_units"]["temperature_2m"],
        "temperature_2m_icon_seamless": ensemble["hourly_units"]["temperature_2m"],
    }


def test_a_daily_forecast_has_the_captured_shape(captures: Path) -> None:
    shape = Shape(captured(captures / "fixtures/open_meteo", "forecast_daily_*.json"))

    body = asked(
        "/open-meteo/v1/forecast?latitude=40.78&longitude=-73.88&daily=temperature_2m_max,temperature_2m_min"
        "&timezone=America/New_York&temperature_unit=fahrenheit&forecast_days=3"
    )

    assert shape.faults(body) == []
    assert body["daily_units"] == {"time": "iso8601", "temperature_2m_max": "°F", "temperature_2m_min": "°F"}
    assert body["daily"]["time"] == ["2026-06-01", "2026-06-02", "2026-06-03"]


def test_an_unknown_variable_is_undefined_and_null(captures: Path) -> None:
    theirs = captured(captures / "fixtures/open_meteo", "ensemble_hourly_*.json")[0]

    ours = asked("/open-meteo/v1/forecast?latitude=51.5&longitude=0&hourly=precipitation_probability&forecast_days=1")

    assert ours["hourly_units"]["precipitation_probability"] == theirs["hourly_units"]["precipitation_probability"]
    assert set(ours["hourly"]["precipitation_probability"]) == set(theirs["hourly"]["precipitation_probability"]) == {None}


def test_an_unknown_model_is_refused_as_captured(captures: Path) -> None:
    theirs = captured(captures / "fixtures/open_meteo", "error_400_*.json")[0]

    answer = WORLD.answer("GET", "/open-meteo/v1/forecast?latitude=51.5&longitude=0&models=none", b"", NOW)

    assert answer.status == theirs["status"]
    assert Shape([theirs["body"]]).faults(json.loads(answer.body)) == []


@pytest.mark.parametrize(
    ("station", "file"),
    [("KLGA", "event_by_slug_nyc_2026-07-03_open"), ("EGLC", "event_by_slug_london_2026-07-03_open"),
     ("RJTT", "event_by_slug_tokyo_2026-07-04_open")],
)  # fmt: skip
def test_the_words_of_an_event_are_the_captured_ones(captures: Path, station: str, file: str) -> None:
    theirs = captured(captures / "fixtures/polymarket_gamma", f"{file}.json")[0][0]

    ours = asked(f"/gamma/events?slug={theirs['slug']}", at=theirs["updatedAt"])[0]

    assert station in ours["resolutionSource"]
    for name in ("ticker", "title", "description", "resolutionSource", "endDate", "eventDate", "seriesSlug", "feeType"):
        assert ours.get(name) == theirs.get(name)
    for name in ("gameStartTime", "feeSchedule", "customLiveness", "orderMinSize", "endDateIso"):
        assert ours["markets"][0][name] == theirs["markets"][0][name]
    questions = {market["question"].split(" be ")[0] for market in theirs["markets"]}
    assert {market["question"].split(" be ")[0] for market in ours["markets"]} == questions


def test_the_seoul_rule_is_the_captured_one(captures: Path) -> None:
    theirs = captured(captures / "fixtures/rules", "polymarket_wu-high_seoul_2026-06-11.json")[0]

    ours = asked(f"/gamma/events?slug={theirs['event_or_ticker']}", at="2026-06-10T12:00:00Z")[0]

    assert ours["description"] == theirs["description"]
    assert ours["title"] == theirs["title"]


def test_every_station_lists_its_brackets_in_the_captured_forms() -> None:
    for station in STATIONS:
        slug = f"highest-temperature-in-{station.token}-on-june-2-2026"
        markets = sorted(asked(f"/gamma/events?slug={slug}")[0]["markets"], key=lambda m: int(m["groupItemThreshold"]))
        titles = [market["groupItemTitle"] for market in markets]

        unit = "°F" if station.fahrenheit else "°C"
        assert titles[0].endswith(f"{unit} or below")
        assert titles[-1].endswith(f"{unit} or higher")
        assert all(("-" in title) is station.fahrenheit for title in titles[1:-1])
        assert ("between " in markets[5]["question"]) is station.fahrenheit
