from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import venues
from core.clock import SteppedClock
from core.events import event_of
from core.model.record import Ask, Kind, Record
from core.settings import Settings, SourceSettings
from tests.venues.servers import Script, Scripted, reply, serving
from venues.metar.client import Metar
from venues.open_meteo.client import OpenMeteo
from venues.polymarket.client import Polymarket

NOW = datetime(2026, 7, 3, 0, 2, tzinfo=UTC)
HIGHS = "highest-temperature-in-nyc"
NYC = "highest-temperature-in-nyc-on-july-3-2026"


def settings(url: str, **weather: Any) -> Settings:
    names = ("polymarket_gamma", "polymarket_clob", "metar", "open_meteo")
    sources = {name: SourceSettings(base_url=url, timeout_seconds=5) for name in names}
    return Settings(_env_file=None, sources=sources, **weather)


def queries(server: Scripted) -> list[dict[str, list[str]]]:
    return [parse_qs(urlsplit(path).query) for path in server.paths]


def by_query(**answers: Script) -> Script:
    """Answer by a slug asked for; unknown slugs are an empty list with 200."""

    def answer(handler: Any) -> None:
        slugs = [slug.replace("-", "_") for slug in parse_qs(urlsplit(handler.path).query).get("slug", [])]
        next((answers[slug] for slug in slugs if slug in answers), reply(200, []))(handler)

    return answer


@pytest.fixture(scope="module")
def nyc(captures: Path) -> list[dict[str, Any]]:
    path = captures / "fixtures" / "polymarket_gamma" / "event_by_slug_nyc_2026-07-03_open.json"
    events: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return events


def fetched(records: Iterator[Record]) -> list[Record]:
    return list(records)


# Polymarket


def test_events_are_found_by_series_and_day(nyc: list[dict[str, Any]]) -> None:
    with serving(by_query(**{NYC.replace("-", "_"): reply(200, nyc)})) as server:
        source = Polymarket(settings(server.url), SteppedClock(NOW))
        records = fetched(source.fetch([Ask(Kind.EVENTS, HIGHS, (date(2026, 7, 3), date(2026, 7, 4)))]))

    (record,) = records  # no event on July 4 is normal: no record, no error
    assert (record.subject, record.error, record.received_at) == (NYC, None, NOW)
    assert event_of(record.facts, record.rows).rule.station == "KLGA"
    assert json.loads(record.raw) == nyc
    first, again = queries(server)  # several slugs in one request; what is not found is asked for without its year
    assert first == {"slug": [NYC, "highest-temperature-in-nyc-on-july-4-2026"], "limit": ["100"]}
    assert again["slug"] == ["highest-temperature-in-nyc-on-july-4"]
    assert source.health["polymarket_gamma"].healthy


def test_many_series_are_few_requests_and_a_city_is_no_series(nyc: list[dict[str, Any]]) -> None:
    days = tuple(date(2026, 7, day) for day in (3, 4, 5))
    asks = [
        Ask(Kind.EVENTS, f"highest-temperature-in-{city}", days)
        for city in ("nyc", "london", "tokyo", "hong-kong", "a", "b", "c")
    ]
    with serving(reply(200, nyc)) as server:
        source = Polymarket(settings(server.url), SteppedClock(NOW))
        records = fetched(source.fetch([*asks, Ask(Kind.EVENTS, "nyc", days), Ask(Kind.EVENTS, "../etc", days)]))

    with_year, without = [len(query["slug"]) for query in queries(server)][:2], [len(q["slug"]) for q in queries(server)][2:]
    assert sorted(with_year) == [1, 20]
    assert sum(without) == 20  # all but the one that was found
    assert [record.subject for record in records if record.error is None] == [NYC]
    assert [record.subject for record in records if "is no series" in (record.error or "")] == ["nyc", "unnamed"]


def test_a_failure_of_a_request_is_told_once_for_each_of_its_series() -> None:
    asks = [
        Ask(Kind.EVENTS, HIGHS, (date(2026, 7, 3), date(2026, 7, 4))),
        Ask(Kind.EVENTS, "lowest-temperature-in-nyc", (date(2026, 7, 3),)),
    ]
    with serving(reply(200, {"error": "odd"})) as server:
        records = fetched(Polymarket(settings(server.url), SteppedClock(NOW)).fetch(asks))

    assert [record.subject for record in records] == [HIGHS, "lowest-temperature-in-nyc"]
    assert all("no list of events" in (record.error or "") and record.raw == b'{"error": "odd"}' for record in records)
    assert len(server.paths) == 1  # what failed is not asked for again without its year


def test_a_market_that_waits_for_its_tokens_is_not_yet_a_listing(nyc: list[dict[str, Any]]) -> None:
    fresh = [{**nyc[0], "markets": [{**nyc[0]["markets"][0], "clobTokenIds": "[]"}, *nyc[0]["markets"][1:]]}]
    with serving(by_query(**{NYC.replace("-", "_"): reply(200, fresh)})) as server:
        records = fetched(
            Polymarket(settings(server.url), SteppedClock(NOW)).fetch([Ask(Kind.EVENTS, HIGHS, (date(2026, 7, 3),))])
        )

    assert records == []


def test_an_event_with_one_id_twice_is_kept_and_not_believed(nyc: list[dict[str, Any]]) -> None:
    first, second, *others = nyc[0]["markets"]
    twice = [{**nyc[0], "markets": [first, {**second, "id": first["id"]}, *others]}]
    with serving(by_query(**{NYC.replace("-", "_"): reply(200, twice)})) as server:
        (record,) = Polymarket(settings(server.url), SteppedClock(NOW)).fetch([Ask(Kind.EVENTS, HIGHS, (date(2026, 7, 3),))])

    assert (record.subject, json.loads(record.raw)) == (HIGHS, twice)
    assert f"market {first['id']} stands 2 times" in (record.error or "")


def test_a_slug_without_year_counts_only_when_its_day_is_the_one_asked_for(nyc: list[dict[str, Any]]) -> None:
    bare = "highest_temperature_in_nyc_on_july_3"
    of_last_year = [{**nyc[0], "slug": bare.replace("_", "-"), "eventDate": "2025-07-03", "endDate": "2025-07-03T12:00:00Z"}]
    asks = [Ask(Kind.EVENTS, HIGHS, (date(2026, 7, 3),))]
    with serving(by_query(**{bare: reply(200, of_last_year)})) as server:
        stale = fetched(Polymarket(settings(server.url), SteppedClock(NOW)).fetch(asks))
    with serving(by_query(**{bare: reply(200, [{**nyc[0], "slug": bare.replace("_", "-")}])})) as server:
        right = fetched(Polymarket(settings(server.url), SteppedClock(NOW)).fetch(asks))

    assert stale == []
    assert [record.facts["event_day"] for record in right] == ["2026-07-03"]


def test_a_listing_that_fails_is_a_record_with_its_error_and_body() -> None:
    with serving(reply(404, {"error": "gone"})) as server:
        source = Polymarket(settings(server.url), SteppedClock(NOW))
        (record,) = source.fetch([Ask(Kind.EVENTS, HIGHS, (date(2026, 7, 3),))])

    assert (record.kind, record.subject, record.source) == (Kind.EVENTS, HIGHS, "polymarket")
    assert "answered 404 (gone)" in (record.error or "")
    assert (record.raw, record.rows) == (b'{"error": "gone"}', {})
    assert not source.health["polymarket_gamma"].healthy


def test_an_event_that_must_not_be_traded_is_stored_with_its_reason(nyc: list[dict[str, Any]]) -> None:
    unread = [
        {**nyc[0], "description": "Whoever is warmest wins.", "markets": [{**m, "description": ""} for m in nyc[0]["markets"]]}
    ]
    with serving(reply(200, unread)) as server:
        (record,) = Polymarket(settings(server.url), SteppedClock(NOW)).fetch([Ask(Kind.EVENTS, HIGHS, (date(2026, 7, 3),))])

    assert record.error is None
    assert "a sentence is not understood" in record.facts["refusal"]
    assert len(record.rows["label"]) == 11
    assert record.facts["text"] == "Whoever is warmest wins."


def answering_books(handler: Any, body: bytes) -> None:
    tokens = [asked["token_id"] for asked in json.loads(body)]
    books = [
        {"asset_id": token, "bids": [{"price": "0.4", "size": "10"}], "asks": None}
        for token in reversed(tokens)
        if token != "x"
    ]
    reply(200, books)(handler)


def test_books_of_many_events_are_asked_for_in_few_requests() -> None:
    asks = [Ask(Kind.BOOKS, f"event-{i}", tokens=tuple(f"{i}-{j}" for j in range(22))) for i in range(6)]
    with serving(lambda handler: answering_books(handler, server.bodies[-1])) as server:
        records = fetched(Polymarket(settings(server.url), SteppedClock(NOW)).fetch(asks))

    assert server.paths == ["/books", "/books"]  # 4 events of 22 tokens fit in 100, 2 more need another
    assert [record.subject for record in records] == [ask.subject for ask in asks]
    for record, ask in zip(records, asks, strict=True):
        assert tuple(dict.fromkeys(record.rows["token"])) == ask.tokens
        assert tuple(record.facts["tokens"]) == ask.tokens


def test_an_event_with_more_tokens_than_one_request_holds_is_put_together_again() -> None:
    ask = Ask(Kind.BOOKS, "many", tokens=tuple(str(i) for i in range(230)))
    with serving(lambda handler: answering_books(handler, server.bodies[-1])) as server:
        (record,) = Polymarket(settings(server.url), SteppedClock(NOW)).fetch([ask])

    assert len(server.paths) == 3
    assert tuple(record.facts["tokens"]) == ask.tokens


def test_tokens_without_a_book_are_absent() -> None:
    with serving(lambda handler: answering_books(handler, server.bodies[-1])) as server:
        (record,) = Polymarket(settings(server.url), SteppedClock(NOW)).fetch([Ask(Kind.BOOKS, "e", tokens=("1", "x"))])

    assert list(record.facts["tokens"]) == ["1"]
    assert record.error is None


@pytest.mark.parametrize(
    "script", [reply(400, {"error": "bad"}), reply(200, {"error": "odd"}), reply(200, b"<html>", "text/html")]
)
def test_books_that_fail_are_a_record_for_each_event(script: Script) -> None:
    asks = [Ask(Kind.BOOKS, "one", tokens=("1",)), Ask(Kind.BOOKS, "two", tokens=("2",))]
    with serving(script) as server:
        records = fetched(Polymarket(settings(server.url), SteppedClock(NOW)).fetch(asks))

    assert [record.subject for record in records] == ["one", "two"]
    assert all(record.error and record.raw for record in records)


def closed(event: dict[str, Any], winner: int) -> dict[str, Any]:
    markets = [
        {**m, "closed": True, "acceptingOrders": False, "umaResolutionStatus": "resolved",
         "outcomePrices": '["1", "0"]' if i == winner else '["0", "1"]'}
        for i, m in enumerate(event["markets"])
    ]  # fmt: skip
    return {**event, "closed": True, "markets": markets}


def test_the_outcome_of_a_closed_event_is_found_by_asking_for_closed_ones(nyc: list[dict[str, Any]]) -> None:
    def listed_when_asked_for(handler: Any) -> None:
        asked = parse_qs(urlsplit(handler.path).query)
        reply(200, [closed(nyc[0], 2)] if asked.get("closed") == ["true"] else [])(handler)

    with serving(listed_when_asked_for) as server:
        (record,) = Polymarket(settings(server.url), SteppedClock(NOW)).fetch([Ask(Kind.OUTCOMES, NYC)])

    assert (record.kind, record.subject) == (Kind.OUTCOMES, NYC)
    assert (record.facts["final"], record.facts["winner"]) == (True, nyc[0]["markets"][2]["id"])


def test_an_open_event_has_no_outcome_yet(nyc: list[dict[str, Any]]) -> None:
    with serving(reply(200, nyc)) as server:
        (record,) = Polymarket(settings(server.url), SteppedClock(NOW)).fetch([Ask(Kind.OUTCOMES, NYC)])

    assert (record.facts["final"], record.facts["accepting"], len(server.paths)) == (False, True, 1)


@pytest.mark.parametrize(("winner_is_known", "final"), [(True, True), (False, False)])
def test_the_clob_is_asked_where_gamma_contradicts_itself(
    nyc: list[dict[str, Any]], winner_is_known: bool, final: bool
) -> None:
    event = closed(nyc[0], 2)
    event["markets"][2] |= {"acceptingOrders": True, "umaResolutionStatus": None}

    def answer(handler: Any) -> None:
        if handler.path.startswith("/markets/"):
            tokens = [{"outcome": "Yes", "winner": winner_is_known}, {"outcome": "No", "winner": False}]
            reply(200, {"closed": True, "tokens": tokens})(handler)
        else:
            reply(200, [event])(handler)

    with serving(answer) as server:
        (record,) = Polymarket(settings(server.url), SteppedClock(NOW)).fetch([Ask(Kind.OUTCOMES, NYC)])

    assert server.paths[-1] == f"/markets/{event['markets'][2]['conditionId']}"
    assert record.facts["final"] is final


def test_an_event_that_is_listed_nowhere_is_an_error_and_not_an_outcome() -> None:
    with serving(reply(200, [])) as server:
        (record,) = Polymarket(settings(server.url), SteppedClock(NOW)).fetch([Ask(Kind.OUTCOMES, NYC)])

    assert "neither open nor closed" in (record.error or "")


# METAR


def test_all_stations_are_one_request_and_one_record_each() -> None:
    body = [{"icaoId": "KLGA", "obsTime": 1781052660, "rawOb": "METAR KLGA 100051Z 21/15 A3004 RMK AO2 T02110150"}]
    with serving(reply(200, body)) as server:
        clock = SteppedClock(datetime(2026, 6, 10, 1, 5, tzinfo=UTC))
        records = fetched(Metar(settings(server.url), clock).fetch([Ask(Kind.METAR, "KLGA"), Ask(Kind.METAR, "EGLC")]))

    assert queries(server) == [{"ids": ["EGLC,KLGA"], "format": ["json"], "hours": ["3"]}]
    eglc, klga = records
    assert (klga.subject, klga.rows["tenths"].tolist()) == ("KLGA", [211])
    assert (eglc.subject, len(eglc.rows["tenths"]), eglc.raw, eglc.error) == ("EGLC", 0, b"[]", None)


def test_a_report_of_last_month_is_quarantined_with_its_bytes_and_others_go_on() -> None:
    """Asked for now, at 2026-07-03 00:02Z: one report of June 10, one of ten minutes ago at 81 °C, one good one."""
    stale = {"icaoId": "KLGA", "obsTime": 1781052660, "rawOb": "METAR KLGA 100051Z 21/15 A3004"}
    hot = {"icaoId": "EGLC", "obsTime": 1783036200, "rawOb": "METAR EGLC 022350Z 81/15 Q1016"}
    good = {"icaoId": "RKSI", "obsTime": 1783036800, "rawOb": "METAR RKSI 030000Z 24/15 Q1016"}
    with serving(reply(200, [stale, hot, good])) as server:
        asks = [Ask(Kind.METAR, code) for code in ("KLGA", "EGLC", "RKSI")]
        eglc, klga, rksi = fetched(Metar(settings(server.url), SteppedClock(NOW)).fetch(asks))

    assert klga.facts["quarantined"] == ["KLGA 2026-06-10T00:51Z: it is 551 hours old, 36 at most"]
    assert eglc.facts["quarantined"] == ["EGLC 2026-07-02T23:50Z: 81.0 °C is no temperature on Earth"]
    assert [len(record.rows["tenths"]) for record in (eglc, klga, rksi)] == [0, 0, 1]
    assert json.loads(klga.raw) == [stale]
    assert "quarantined" not in rksi.facts
    assert [record.error for record in (eglc, klga, rksi)] == [None, None, None]


def test_whole_settlement_days_reach_back_to_their_first_midnight() -> None:
    """July 2 in New York began 2026-07-02 04:00Z: 20 h 2 min before NOW, 21 whole hours and one to spare."""
    with serving(reply(204)) as server:
        asks = [Ask(Kind.METAR, "KLGA", (date(2026, 7, 2),)), Ask(Kind.METAR, "EGLC")]
        records = fetched(Metar(settings(server.url), SteppedClock(NOW)).fetch(asks))

    assert [(q["ids"][0], q["hours"][0]) for q in queries(server)] == [
        ("KLGA,EGLC", "22")
    ]  # one request for the longest window
    assert [record.error for record in records] == [None, None]


def test_an_answer_never_needs_more_than_the_400_reports_it_may_hold() -> None:
    asks = [Ask(Kind.METAR, code, (date(2026, 7, 1),)) for code in ("KLGA", "KMIA", "KORD", "EGLC", "RJTT", "RKSI")]
    with serving(reply(200, [])) as server:
        fetched(Metar(settings(server.url), SteppedClock(NOW)).fetch(asks))

    assert all(len(q["ids"][0].split(",")) * int(q["hours"][0]) * 2.5 <= 400 for q in queries(server))
    assert sorted(code for q in queries(server) for code in q["ids"][0].split(",")) == sorted(ask.subject for ask in asks)


@pytest.mark.parametrize("script", [reply(400, {"status": "error"}), reply(200, {"status": "error"})])
def test_reports_that_fail_are_a_record_for_each_station(script: Script) -> None:
    with serving(script) as server:
        source = Metar(settings(server.url), SteppedClock(NOW))
        records = fetched(source.fetch([Ask(Kind.METAR, "KLGA"), Ask(Kind.METAR, "EGLC")]))

    assert [record.subject for record in records] == ["EGLC", "KLGA"]
    assert all(record.error and record.raw == b'{"status": "error"}' for record in records)


# Open-Meteo


def forecast(temperature: float) -> dict[str, Any]:
    return {
        "latitude": 40.77, "longitude": -73.87, "timezone": "GMT", "utc_offset_seconds": 0,
        "hourly_units": {"time": "unixtime", "temperature_2m_ecmwf_ifs025": "°C", "temperature_2m_gfs_seamless": "°C"},
        "hourly": {"time": [0], "temperature_2m_ecmwf_ifs025": [temperature], "temperature_2m_gfs_seamless": [temperature + 1]},
    }  # fmt: skip


def test_a_forecast_is_asked_for_at_the_coordinates_of_the_registry_in_true_utc() -> None:
    with serving(reply(200, forecast(20.0))) as server:
        (record,) = OpenMeteo(settings(server.url), SteppedClock(NOW)).fetch([Ask(Kind.FORECAST, "KLGA")])

    (query,) = queries(server)
    assert urlsplit(server.paths[0]).path == "/v1/forecast"
    assert (float(query["latitude"][0]), float(query["longitude"][0])) == pytest.approx((40.777, -73.873), abs=0.01)
    assert (query["models"], query["timeformat"]) == (["ecmwf_ifs025,gfs_seamless,icon_seamless"], ["unixtime"])
    assert (query["hourly"], query["past_days"]) == (["temperature_2m"], ["1"])
    assert record.rows["model"].tolist() == ["ecmwf_ifs025", "gfs_seamless"]


def test_models_are_a_setting() -> None:
    with serving(reply(200, forecast(20.0))) as server:
        configured = settings(server.url, weather={"forecast_models": "gem_seamless"})
        fetched(OpenMeteo(configured, SteppedClock(NOW)).fetch([Ask(Kind.FORECAST, "KLGA")]))

    assert queries(server)[0]["models"] == ["gem_seamless"]


@pytest.mark.parametrize("name", ["error_400_run_not_available.json", "error_429_concurrent.json"])
def test_a_recorded_error_becomes_a_record_that_says_why(captures: Path, name: str) -> None:
    recorded = json.loads((captures / "fixtures" / "open_meteo" / name).read_text("utf-8"))
    with serving(reply(recorded["status"], recorded["body"])) as server:
        (record,) = OpenMeteo(settings(server.url), SteppedClock(NOW)).fetch([Ask(Kind.FORECAST, "KLGA")])

    assert recorded["body"]["reason"] in (record.error or "")
    assert json.loads(record.raw) == recorded["body"]


def test_a_station_without_coordinates_is_an_error_of_its_own() -> None:
    with serving(reply(200, forecast(20.0))) as server:
        source = OpenMeteo(settings(server.url), SteppedClock(NOW))
        klga, nowhere = source.fetch([Ask(Kind.FORECAST, "KLGA"), Ask(Kind.FORECAST, "XXXX")])

    assert klga.error is None
    assert "not in stations.csv" in (nowhere.error or "")


# All


def test_every_listed_source_can_be_loaded_and_says_what_it_gives() -> None:
    from importlib import import_module

    for name, line in venues.SOURCES.items():
        module, _, of = line.partition(":")
        source = getattr(import_module(module), of)(settings("http://127.0.0.1:9"), SteppedClock(NOW), None, simulated=True)
        assert source.name == name
        assert source.gives <= set(Kind)
        assert list(source.fetch([])) == []


def test_a_kind_that_a_source_does_not_give_is_left_to_others() -> None:
    with serving(reply(200, [])) as server:
        assert list(Metar(settings(server.url), SteppedClock(NOW)).fetch([Ask(Kind.BOOKS, "e", tokens=("1",))])) == []

    assert server.paths == []


def test_a_simulated_source_names_its_instant() -> None:
    with serving(reply(200, [])) as server:
        list(Metar(settings(server.url), SteppedClock(NOW), simulated=True).fetch([Ask(Kind.METAR, "KLGA")]))

    assert server.headers[0]["X-Hermes-Instant"] == "2026-07-03T00:02:00Z"
