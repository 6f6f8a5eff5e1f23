"""The demo world's answers have the keys and the types of captured ones."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from venues.demo.contracts import CONTRACTS, DEFAULT_CONTRACTS, POLYMARKET, Contract
from venues.demo.world import START, World

WORLD = World(7)
ABSENT = "$[].markets[].bestAsk is missing"  # FACTS 2.3: the best price of an empty side is absent; no capture lacks an ask
NOW_MS = int(START.timestamp()) * 1000
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

    assert {contract.series for contract in DEFAULT_CONTRACTS if contract.venue == POLYMARKET and not contract.low} <= {
        event["slug"].partition("-on-")[0] for event in events
    }
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
    ][:500]

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


def test_several_price_histories_at_once_are_those_of_one_token_each() -> None:
    """FACTS II.3: `{markets, start_ts, end_ts, fidelity}` of up to 20 tokens → `{"history": {token: [{t, p}]}}`."""
    second = int(START.timestamp())
    event, other = WORLD.exchange.around(second * 1000)[-2:]
    tokens = [WORLD.exchange.token(*place) for place in ((event, 5, 0), (other, 4, 1), (event, 6, 0))]
    span = {"start_ts": second - 7_200, "end_ts": second, "fidelity": 10}

    together = asked("/clob/batch-prices-history", json.dumps({"markets": [*tokens, "12"], **span}).encode())

    alone = [
        asked(f"/clob/prices-history?market={t}&startTs={second - 7_200}&endTs={second}&fidelity=10")["history"] for t in tokens
    ]
    assert [len(points) for points in alone] == [12, 12, 12]
    assert together["history"] == {**dict(zip(tokens, alone, strict=True)), "12": []}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"markets": []},
        {"markets": "12"},
        {"markets": [12]},
        {"markets": ["12"] * 21},
        {"markets": ["12"], "fidelity": "x"},
        {"markets": ["12"], "end_ts": "inf"},
    ],
)
def test_histories_asked_for_in_a_wrong_way_are_refused(body: dict[str, object]) -> None:
    assert WORLD.answer("POST", "/clob/batch-prices-history", json.dumps(body).encode(), NOW).status == 400


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


@pytest.mark.parametrize("contract", [c for c in CONTRACTS if c.venue == POLYMARKET], ids=lambda c: c.series)
def test_every_series_lists_its_brackets_in_the_captured_forms(contract: Contract) -> None:
    event = asked(f"/gamma/events?slug={contract.series}-on-june-2-2026")[0]
    markets = sorted(event["markets"], key=lambda m: int(m["groupItemThreshold"]))
    titles = [market["groupItemTitle"] for market in markets]

    unit = "°F" if contract.fahrenheit else "°C"
    assert titles[0].endswith(f"{unit} or below")
    assert titles[-1].endswith(f"{unit} or higher")
    assert all(("-" in title) is contract.fahrenheit for title in titles[1:-1])
    assert ("between " in markets[5]["question"]) is contract.fahrenheit
    assert ("lowest" in markets[5]["question"]) is ("lowest" in event["title"].lower()) is contract.low


@pytest.mark.parametrize(
    ("file", "at"),
    [("polymarket_wu-low_london_2026-06-10", "2026-06-09T12:00:00Z"), ("polymarket_wu-low_nyc_2026-06-10", "2026-06-09T12:00:00Z"),
     ("polymarket_wu-low_miami_2026-06-10", "2026-06-09T12:00:00Z"), ("polymarket_wu-low_seoul_2026-06-10", "2026-06-09T12:00:00Z"),
     ("polymarket_noaa-intl_istanbul_high_2026-06-10", "2026-06-09T12:00:00Z"),
     ("polymarket_hko_hong-kong_high_2026-06-10", "2026-06-09T12:00:00Z")],
)  # fmt: skip
def test_the_rules_of_each_regime_are_the_captured_ones(captures: Path, file: str, at: str) -> None:
    theirs = captured(captures / "fixtures/rules", f"{file}.json")[0]

    ours = asked(f"/gamma/events?slug={theirs['event_or_ticker']}", at=at)[0]

    assert ours["description"] == theirs["description"]
    assert ours["title"] == theirs["title"]
    assert ours["resolutionSource"] == theirs.get("resolution_source", "")


def test_a_sweep_holds_the_living_the_lows_and_two_stale_events_without_tokens(captures: Path) -> None:
    stale = captured(captures / "fixtures/polymarket_gamma", "events_keyset_page_partial_*.json")[0]["events"][1]

    highs = asked("/gamma/events?tag_id=104596&closed=false&limit=100")
    both = asked("/gamma/events?tag_id=103040&closed=false&limit=100")
    by_slug = asked(f"/gamma/events?slug={stale['slug']}")
    dead = [event for event in both if event["eventDate"] < "2026-05-30"]

    assert {e["slug"] for e in highs} < {e["slug"] for e in both}
    assert {e["slug"].split("-")[0] for e in both} == {"highest", "lowest"}
    assert by_slug == dead[:1]
    assert {e["slug"] for e in dead} == {stale["slug"], "highest-temperature-in-zhengzhou-on-may-22-2026"}
    for event in dead:
        for market in event["markets"]:
            assert (event["active"], event["closed"]) == (stale["active"], stale["closed"]) == (True, False)
            assert market["clobTokenIds"] == stale["markets"][0]["clobTokenIds"]
            assert market["conditionId"] == stale["markets"][0]["conditionId"]


def test_a_cursor_leads_through_all_pages_and_an_offset_agrees(captures: Path) -> None:
    theirs = captured(captures / "fixtures/polymarket_gamma", "events_keyset_page_partial_*.json")[0]
    slugs: list[str] = []
    cursor = ""
    while True:
        page = asked(f"/gamma/events/keyset?tag_id=84&closed=false&limit=30{cursor}")
        slugs += [event["slug"] for event in page["events"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&after_cursor={page['next_cursor']}"

    assert set(page) == set(theirs)
    assert len(slugs) == len(set(slugs)) > 60
    assert slugs[30:60] == [e["slug"] for e in asked("/gamma/events?tag_id=84&closed=false&limit=30&offset=30")]


def test_the_catalogue_remembers_the_spring() -> None:
    closed = asked("/gamma/events?tag_id=104596&closed=true&limit=5")
    window = asked("/gamma/events?tag_id=84&closed=true&end_date_min=2026-04-10T00:00:00Z&end_date_max=2026-04-10T23:59:59Z")

    assert {event["eventDate"] for event in closed} == {"2026-03-16"}
    assert {event["eventDate"] for event in window} == {"2026-04-10"}
    assert all(event["closed"] for event in window)


def test_trades_have_the_documented_fields_and_meet_the_book() -> None:
    """FACTS II.5."""
    documented = {
        "proxyWallet", "side", "asset", "conditionId", "size", "price", "timestamp", "title", "slug", "eventSlug", "outcome",
        "outcomeIndex", "transactionHash",
    }  # fmt: skip
    event = next(e for e in WORLD.exchange.around(NOW_MS, back=1) if e.slug == "highest-temperature-in-nyc-on-june-1-2026")
    conditions = [WORLD.exchange.condition(event, place) for place in range(len(event.brackets))]

    rows = asked(f"/data/trades?market={','.join(conditions)}&limit=200&takerOnly=true")
    older = asked(f"/data/trades?market={','.join(conditions)}&limit=50&offset=100")

    assert len(rows) > 100
    assert older == rows[100:150]
    assert [row["timestamp"] for row in rows] == sorted((row["timestamp"] for row in rows), reverse=True)
    for row in rows:
        place = conditions.index(row["conditionId"])
        assert set(row) == documented
        assert row["asset"] == WORLD.exchange.token(event, place, row["outcomeIndex"])
        assert row["outcome"] == ("Yes", "No")[row["outcomeIndex"]]
    for trade in WORLD.tape.between(event, 7, 0, NOW_MS):
        book = WORLD.books.book(event, 7, trade.at)
        assert book is not None
        assert trade.mills == (book.ask if trade.lifts else book.bid)
        assert trade.hundredths <= (book.asks if trade.lifts else book.bids)[0][1]


def as_a_desk(path: str) -> Any:
    headers = {"User-Agent": "hermes tests", "Authorization": "Bearer demo"}
    answer = WORLD.answer("GET", path, b"", NOW, headers)
    assert answer.status == 200, (path, answer)
    return json.loads(answer.body)


def test_an_ensemble_has_the_captured_shape(captures: Path) -> None:
    theirs = captured(captures / "fixtures/open_meteo", "ensemble_hourly_*.json")[0]
    names = "temperature_2m,precipitation_probability"

    ours = as_a_desk(f"/open-meteo-ensemble/v1/ensemble?latitude=52.5&longitude=13.4&hourly={names}&timeformat=unixtime")
    here = as_a_desk(f"/open-meteo-ensemble/v1/ensemble?latitude=48.35&longitude=11.78&hourly={names}&timeformat=unixtime")

    assert list(ours) == list(theirs)
    for name, values in theirs["hourly"].items():
        assert ours["hourly_units"][name] == theirs["hourly_units"][name]
        assert Shape([values]).faults(here["hourly"][name]) == []


def test_a_point_and_its_stations_have_the_captured_shape(captures: Path) -> None:
    folder = captures / "fixtures/nws"
    point, stations = (Shape(captured(folder, name)) for name in ("points_*.json", "gridpoint_stations_*.json"))

    ours = as_a_desk("/nws/points/40.7795,-73.8803")
    near = as_a_desk("/nws/gridpoints/OKX/37,39/stations")

    # the context is the page's own dictionary: ours holds fewer words of it; ids of zones are not kept
    assert [fault for fault in point.faults(ours) if "@context" not in fault] == []
    absent = {"$.features[].properties." + name for name in ("forecast", "county", "fireWeatherZone")} | {"$.pagination"}
    assert {fault for fault in stations.faults(near) if "@context" not in fault} <= {f"{name} is missing" for name in absent}


def test_a_layer_has_the_captured_shape(captures: Path) -> None:
    shape = Shape(captured(captures / "fixtures/nws", "gridpoint_raw_*.json"))

    ours = as_a_desk("/nws/gridpoints/OKX/37,39")

    # of the many layers those of temperature are kept
    absent = {f"$.properties.{name} is missing" for name in ("skyCover", "windSpeed")}
    assert {fault for fault in shape.faults(ours) if "@context" not in fault} <= absent


def test_an_observation_has_the_captured_shape(captures: Path) -> None:
    shape = Shape(captured(captures / "fixtures/nws", "station_observation_latest_*.json"))

    latest = as_a_desk("/nws/stations/KMIA/observations/latest")
    listed = as_a_desk("/nws/stations/KMIA/observations?limit=100")["features"]

    assert [fault for fault in shape.faults(latest) if "@context" not in fault] == []
    assert all(fault == "$.@context is missing" for feature in listed for fault in shape.faults(feature))


def test_an_archive_download_has_the_captured_lines(captures: Path) -> None:
    folder = captures / "fixtures/iem"
    span = "sts=2026-05-30T00:00Z&ets=2026-05-31T00:00Z&station=LGA&data=metar&format=tdf&report_type="
    for kind, file in (("3", "asos_cvg_routine_2024-03-01.tsv"), ("4", "asos_cvg_specials_2024-03-01.tsv")):
        theirs = (folder / file).read_text().splitlines()
        answer = WORLD.answer("GET", f"/iem/cgi-bin/request/asos.py?{span}{kind}", b"", NOW)
        ours = answer.body.decode().splitlines()

        assert [line.split("->")[0] for line in ours[:5]] == [line.split("->")[0] for line in theirs[:5]]
        assert len(ours[1]) == len(theirs[1])
        assert ours[5] == theirs[5]
        for line in ours[6:]:
            station, valid, text = line.split("\t")
            assert (station, len(valid), text[:5]) == ("LGA", len("2024-03-01 00:52"), "KLGA ")
