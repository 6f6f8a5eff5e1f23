"""What is alive among all that is called active."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core.clock import SteppedClock
from core.errors import WireError
from core.model.record import Ask, Kind, Record
from core.settings import Settings, SourceSettings
from tests.venues.servers import Scripted, reply, serving
from venues.polymarket.client import Polymarket
from venues.polymarket.discovery import is_not_yet, living_events, next_cursor, page_events, series_of, why_not_alive

KEYSET = "events_keyset_page_partial_2026-08-29.json"
AUGUST = datetime(2026, 8, 29, 12, tzinfo=UTC)
JULY = datetime(2026, 7, 3, 0, 2, tzinfo=UTC)


@pytest.fixture
def gamma(captures: Path) -> Path:
    return captures / "fixtures" / "polymarket_gamma"


def accepting(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "markets": [{**market, "acceptingOrders": True} for market in event["markets"]]}


def test_of_the_captured_page_only_the_first_event_can_be_alive_the_second_is_a_ghost_of_may(gamma: Path) -> None:
    raw = (gamma / KEYSET).read_bytes()
    nyc, jinan = (event for _, event in page_events(raw))

    assert next_cursor(raw) == ""
    assert why_not_alive(nyc, AUGUST) == "it accepts no orders"  # the page was cut: it does not say
    assert why_not_alive(accepting(nyc), AUGUST) == ""
    assert why_not_alive(accepting(jinan), AUGUST) == "its day 2026-05-20 is over, though it is called active"
    assert (jinan["active"], jinan["closed"], is_not_yet(jinan)) == (True, False, True)
    page = json.dumps({"events": [accepting(nyc), accepting(jinan)], "next_cursor": "abc"}).encode()
    assert [event["slug"] for _, event in living_events(page_events(page), AUGUST)] == [nyc["slug"]]
    assert next_cursor(page) == "abc"


def test_the_bytes_of_an_event_are_kept_whatever_wraps_it(gamma: Path) -> None:
    raw = (gamma / KEYSET).read_bytes()

    for span, event in page_events(raw):
        assert span in raw
        assert json.loads(span) == event


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, ""),
        ({"slug": "who-wins-the-cup", "ticker": "who-wins-the-cup"}, "something else"),
        ({"closed": True}, "closed or empty"),
        ({"archived": True}, "closed or empty"),
        ({"markets": []}, "closed or empty"),
        ({"eventDate": "2026-07-01", "endDate": "2026-07-01T12:00:00Z"}, "its day 2026-07-01 is over"),
        ({"eventDate": "2026-07-02", "endDate": "2026-07-02T12:00:00Z"}, ""),  # yesterday's trades on
        ({"eventDate": None, "endDate": None}, "names no day"),
        ({"endDate": "2025-07-03T12:00:00Z"}, "its endDate 2025-07-03T12:00:00Z is not of its day"),
        ({"endDate": None}, "its endDate None is not of its day"),
    ],
)
def test_a_listing_is_alive_only_when_all_it_says_of_itself_agrees(gamma: Path, fields: dict[str, Any], why: str) -> None:
    (event,) = json.loads((gamma / "event_by_slug_nyc_2026-07-03_open.json").read_text("utf-8"))
    said = why_not_alive({**event, **fields}, JULY)

    assert why in said
    assert bool(said) is bool(why)


@pytest.mark.parametrize("fields", [{"clobTokenIds": "[]"}, {"clobTokenIds": ""}, {"clobTokenIds": None}, {"conditionId": ""}])
def test_a_market_without_its_ids_is_not_yet_there(gamma: Path, fields: dict[str, Any]) -> None:
    (event,) = json.loads((gamma / "event_by_slug_nyc_2026-07-03_open.json").read_text("utf-8"))
    fresh = {**event, "markets": [*event["markets"][1:], {**event["markets"][0], **fields}]}

    assert is_not_yet(fresh)
    assert why_not_alive(fresh, JULY) == "it has no condition or tokens (yet)"
    assert not is_not_yet({**fresh, "closed": True})


@pytest.mark.parametrize(
    ("slug", "series"),
    [
        ("lowest-temperature-in-hong-kong-on-june-10-2026", "lowest-temperature-in-hong-kong"),
        ("highest-temperature-in-london-on-october-2", "highest-temperature-in-london"),
        ("highest-temperature-on-earth-on-june-10", ""),
        ("", ""),
    ],
)
def test_the_series_stands_in_the_slug(slug: str, series: str) -> None:
    assert series_of({"slug": slug}) == series


@pytest.mark.parametrize("raw", [b'{"events": 1}', b'{"error": "no"}', b"{", b"nothing"])
def test_a_page_of_another_shape_is_a_wire_error(raw: bytes) -> None:
    with pytest.raises(WireError):
        page_events(raw)


def source(server: Scripted) -> Polymarket:
    names = ("polymarket_gamma", "polymarket_clob")
    sources = {name: SourceSettings(base_url=server.url, timeout_seconds=5) for name in names}
    return Polymarket(Settings(_env_file=None, sources=sources), SteppedClock(JULY))


def discovered(server: Scripted) -> list[Record]:
    return list(source(server).fetch([Ask(Kind.EVENTS, "discover")]))


def renamed(event: dict[str, Any], city: str) -> dict[str, Any]:
    return {**event, "slug": f"highest-temperature-in-{city}-on-july-3-2026"}


def test_discovery_sweeps_both_tags_page_by_page_and_tells_of_cities_that_nobody_knows(gamma: Path) -> None:
    (nyc,) = json.loads((gamma / "event_by_slug_nyc_2026-07-03_open.json").read_text("utf-8"))
    zombie = {**renamed(nyc, "jinan"), "eventDate": "2026-05-20", "endDate": "2026-05-20T12:00:00Z"}
    pages = {
        ("104596", "0"): [nyc, zombie, *[{"slug": f"other-{i}"} for i in range(98)]],
        ("104596", "100"): [renamed(nyc, "reykjavik")],
        ("103040", "0"): [nyc],
    }

    def answer(handler: Any) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        assert (query["closed"], query["limit"]) == ("false", "100")
        reply(200, pages[query["tag_id"], query["offset"]])(handler)

    with serving(answer) as server:
        records = discovered(server)

    assert [record.subject for record in records] == ["highest-temperature-in-reykjavik-on-july-3-2026"]  # New York is known
    assert all(record.error is None for record in records)
    assert json.loads(records[0].raw) == [renamed(nyc, "reykjavik")]
    assert len(server.paths) == 3


def test_where_counting_is_refused_pages_follow_cursors(gamma: Path) -> None:
    (nyc,) = json.loads((gamma / "event_by_slug_nyc_2026-07-03_open.json").read_text("utf-8"))

    def answer(handler: Any) -> None:
        path = urlsplit(handler.path)
        query = parse_qs(path.query)
        if path.path == "/events":
            reply(410, {"error": "use keyset"})(handler)
        elif query.get("after_cursor") == ["next"]:
            reply(200, {"events": [renamed(nyc, "oslo")], "next_cursor": None})(handler)
        else:
            reply(200, {"events": [renamed(nyc, "bergen")], "next_cursor": "next" if query["tag_id"] == ["104596"] else None})(
                handler
            )

    with serving(answer) as server:
        records = discovered(server)

    assert [record.subject for record in records] == [
        f"highest-temperature-in-{city}-on-july-3-2026" for city in ("bergen", "oslo")
    ]


def test_a_cursor_that_leads_nowhere_is_not_followed_for_ever(gamma: Path) -> None:
    (nyc,) = json.loads((gamma / "event_by_slug_nyc_2026-07-03_open.json").read_text("utf-8"))
    oslo = renamed(nyc, "oslo")

    def answer(handler: Any) -> None:
        if urlsplit(handler.path).path == "/events":
            reply(404, {"error": "gone"})(handler)
        else:
            reply(200, {"events": [oslo], "next_cursor": "same"})(handler)

    with serving(answer) as server:
        records = discovered(server)

    assert [record.subject for record in records] == [oslo["slug"]]
    assert len(server.paths) == 6  # of each tag one refusal, the first page and the one that showed nothing new


def test_a_sweep_that_fails_is_a_record_and_the_other_tag_goes_on(gamma: Path) -> None:
    (nyc,) = json.loads((gamma / "event_by_slug_nyc_2026-07-03_open.json").read_text("utf-8"))
    oslo = renamed(nyc, "oslo")

    def answer(handler: Any) -> None:
        tag = parse_qs(urlsplit(handler.path).query)["tag_id"][0]
        reply(200, b"[{" if tag == "104596" else [oslo])(handler)

    with serving(answer) as server:
        bad, good = discovered(server)

    assert (bad.subject, bad.raw, bad.error is None) == ("discover", b"[{", False)
    assert (good.subject, good.error) == (oslo["slug"], None)
