"""Ended events as one would have met them, each record no earlier than it could be known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core.clock import SteppedClock
from core.errors import WireError
from core.events import event_of
from core.model.record import Ask, Kind, Record
from core.settings import Settings, SourceSettings
from core.units import MICRO, instant, parse_iso
from tests.venues.servers import Scripted, reply, serving
from venues.polymarket.client import Polymarket
from venues.polymarket.past import closing_of, history_of, opening_of, opening_view, point_records

NOW = datetime(2026, 8, 1, tzinfo=UTC)
HIGHS, DAY = "highest-temperature-in-nyc", date(2026, 7, 3)
CLOSED = "2026-07-04 09:12:33+00"
LISTED = parse_iso("2026-07-02T02:02:20Z")  # startDate and acceptingOrdersTimestamp of the captured event


@pytest.fixture(scope="module")
def ended(captures: Path) -> dict[str, Any]:
    """The captured NYC event as Gamma shows it once its third bracket has won."""
    path = captures / "fixtures" / "polymarket_gamma" / "event_by_slug_nyc_2026-07-03_open.json"
    (event,) = json.loads(path.read_text("utf-8"))
    markets = [
        {**market, "closed": True, "closedTime": CLOSED, "acceptingOrders": False, "umaResolutionStatus": "resolved",
         "orderPriceMinTickSize": 0.001, "outcomePrices": '["1", "0"]' if i == 2 else '["0", "1"]'}
        for i, market in enumerate(event["markets"])
    ]  # fmt: skip
    return {**event, "closed": True, "closedTime": CLOSED, "liquidity": 0, "markets": markets}


def source(server: Scripted, now: datetime = NOW) -> Polymarket:
    names = ("polymarket_gamma", "polymarket_clob")
    sources = {name: SourceSettings(base_url=server.url, timeout_seconds=5) for name in names}
    return Polymarket(Settings(_env_file=None, sources=sources), SteppedClock(now))


def yes_tokens(event: Mapping[str, Any]) -> dict[str, str]:
    return {json.loads(market["clobTokenIds"])[0]: market["id"] for market in event["markets"]}


class World:
    """Gamma that lists closed events when asked for them, and a CLOB with two prices an event."""

    def __init__(
        self, *events: Mapping[str, Any], several: bool = True, fine: bool = True, points: Any = None, down: int = 0
    ) -> None:  # fmt: skip
        self.events, self.several, self.fine, self.down = events, several, fine, down
        first = round((LISTED + timedelta(hours=1)).timestamp())
        self.points = points or [{"t": first, "p": 0.26}, {"t": first + 3_600, "p": 0.2705}]
        self.asked: list[dict[str, Any]] = []

    def __call__(self, handler: Any) -> None:
        path = urlsplit(handler.path)
        query = parse_qs(path.query)
        if path.path == "/events":
            is_closed = query.get("closed") == ["true"]
            found = [e for e in self.events if e["slug"] in query["slug"] and e["closed"] is is_closed]
            reply(200, found)(handler)
        elif path.path == "/batch-prices-history" and self.down:
            self.down -= 1
            reply(503, {"error": "down"})(handler)
        elif path.path == "/batch-prices-history" and self.several:
            body = json.loads(self.server.bodies[-1])
            self.asked.append(body)
            coarse = self.fine or body["fidelity"] >= 60
            history = dict.fromkeys(body["markets"], self.points)
            reply(200 if coarse else 400, {"history": history} if coarse else {"error": "too fine"})(handler)
        elif path.path == "/prices-history":
            self.asked.append({name: values[0] for name, values in query.items()})
            if self.fine or int(query["fidelity"][0]) >= 60:
                reply(200, {"history": self.points})(handler)
            else:
                reply(400, {"error": "too fine"})(handler)
        else:
            reply(404, {"error": "not found"})(handler)

    def past(self, now: datetime = NOW, *days: date) -> list[Record]:
        with serving(self) as self.server:
            return list(source(self.server, now).past(Ask(Kind.EVENTS, HIGHS, days or (DAY,))))

    def past_twice(self, now: datetime = NOW) -> tuple[list[Record], list[Record]]:
        with serving(self) as self.server:
            one = source(self.server, now)
            ask = Ask(Kind.EVENTS, HIGHS, (DAY,))
            return list(one.past(ask)), list(one.past(ask))


def test_an_ended_event_is_met_as_a_listing_then_prices_then_its_outcome(ended: dict[str, Any]) -> None:
    records = World(ended).past()

    assert [record.kind for record in records] == [Kind.EVENTS, Kind.PRINTS, Kind.PRINTS, Kind.OUTCOMES]
    assert {record.subject for record in records} == {ended["slug"]}
    assert [record.received_at for record in records] == [
        LISTED + timedelta(minutes=2),
        LISTED + timedelta(hours=1, seconds=5),
        LISTED + timedelta(hours=2, seconds=5),
        datetime(2026, 7, 4, 9, 12, 33, tzinfo=UTC),
    ]
    assert [record.error for record in records] == [None] * 4


def test_the_listing_of_then_knows_nothing_of_later(ended: dict[str, Any]) -> None:
    listing = World(ended).past()[0]
    event = event_of(listing.facts, listing.rows)

    assert listing.facts["backfilled"] is True
    assert (event.accepting, event.liquidity_usd, event.tick_micro, len(event.ladder)) == (True, None, 10_000, 11)
    assert listing.rows["accepting"].all()
    assert event.rule.station == "KLGA"
    assert event.fees.rate == 0.05
    for word in (
        b"outcomePrices",
        b"uma",
        b"closedTime",
        b"liquidity",
        b"volume",
        b"lastTradePrice",
        b"bestBid",
        b'"closed":true',
    ):
        assert word not in listing.raw


def test_the_outcome_is_known_at_the_close_and_names_its_bracket(ended: dict[str, Any]) -> None:
    outcome = World(ended).past()[-1]

    assert (outcome.facts["final"], outcome.facts["winner"]) == (True, ended["markets"][2]["id"])
    assert json.loads(outcome.raw) == [ended]


def test_shown_prices_are_prints_of_no_size_by_market(ended: dict[str, Any]) -> None:
    first, second = (record for record in World(ended).past() if record.kind is Kind.PRINTS)

    assert sorted(first.rows["market_id"]) == sorted(yes_tokens(ended).values())
    assert set(first.rows["yes_price_micro"].tolist()) == {260_000}
    assert set(second.rows["yes_price_micro"].tolist()) == {270_500}
    assert set(first.rows["size_micro"].tolist()) == {0}
    assert set(first.rows["taker"]) == {""}
    assert set(first.rows["valid_at"].tolist()) == {round((LISTED + timedelta(hours=1)).timestamp()) * MICRO}


def test_histories_are_asked_for_together_from_opening_to_close(ended: dict[str, Any]) -> None:
    world = World(ended)
    world.past()

    (asked,) = world.asked
    assert set(asked["markets"]) == set(yes_tokens(ended))
    assert (instant(asked["start_ts"] * MICRO), instant(asked["end_ts"] * MICRO)) == (LISTED, parse_iso(CLOSED))
    assert asked["fidelity"] == 60


def test_a_server_that_gives_one_history_at_a_time_is_asked_so(ended: dict[str, Any]) -> None:
    world = World(ended, several=False)
    records = world.past()

    assert {asked["market"] for asked in world.asked} == set(yes_tokens(ended))
    assert all(set(asked) == {"market", "startTs", "endTs", "fidelity"} for asked in world.asked)
    assert [record.kind for record in records] == [Kind.EVENTS, Kind.PRINTS, Kind.PRINTS, Kind.OUTCOMES]


def test_a_server_that_was_down_for_once_is_asked_together_again(ended: dict[str, Any]) -> None:
    world = World(ended, down=2)  # a question and its repetition
    first, second = world.past_twice()

    assert ["answered 503" in (record.error or "") for record in first if record.kind is Kind.PRINTS] == [True]
    assert [record.error for record in second] == [None] * 4
    assert all("markets" in asked for asked in world.asked)


def test_a_span_that_is_refused_does_not_end_asking_together(ended: dict[str, Any]) -> None:
    world = World(ended, fine=False)
    first, second = world.past_twice(parse_iso(CLOSED) + timedelta(days=1))

    assert len(first) == len(second) == 4
    together = [asked["fidelity"] for asked in world.asked if "markets" in asked]
    assert together == [10, 60] * 2


@pytest.mark.parametrize(("fine", "fidelities"), [(True, [10]), (False, [10, 60])])
def test_the_last_days_are_asked_for_in_ten_minutes_where_that_is_allowed(
    ended: dict[str, Any], fine: bool, fidelities: list[int]
) -> None:
    world = World(ended, several=False, fine=fine)
    records = world.past(parse_iso(CLOSED) + timedelta(days=1))

    assert list(dict.fromkeys(int(asked["fidelity"]) for asked in world.asked)) == fidelities
    assert len(records) == 4


def test_an_event_that_is_not_closed_yet_has_no_outcome_and_prices_until_now(ended: dict[str, Any]) -> None:
    still_open = {
        **ended,
        "closed": False,
        "markets": [{**m, "closed": False, "acceptingOrders": True} for m in ended["markets"]],
    }
    now = LISTED + timedelta(hours=20)
    world = World(still_open)
    records = world.past(now)

    assert [record.kind for record in records] == [Kind.EVENTS, Kind.PRINTS, Kind.PRINTS]
    assert instant(world.asked[0]["end_ts"] * MICRO) == now
    assert max(record.received_at for record in records) <= now


def test_a_long_listing_is_asked_for_in_pieces_of_two_weeks(ended: dict[str, Any]) -> None:
    early = "2026-06-01T00:00:00Z"
    long = {**ended, "startDate": early, "markets": [{**m, "acceptingOrdersTimestamp": early} for m in ended["markets"]]}
    world = World(long)
    world.past()

    spans = [(instant(asked["start_ts"] * MICRO), instant(asked["end_ts"] * MICRO)) for asked in world.asked]
    assert [end - start for start, end in spans[:-1]] == [timedelta(days=14)] * 2
    assert [start for start, _ in spans[1:]] == [end for _, end in spans[:-1]]


def test_days_without_an_event_are_no_failure_and_a_failing_venue_is_one_record(ended: dict[str, Any]) -> None:
    assert World(ended).past(NOW, date(2026, 5, 17)) == []

    with serving(reply(400, {"error": "no"})) as server:
        (record,) = source(server).past(Ask(Kind.EVENTS, HIGHS, (DAY, date(2026, 7, 4))))
    assert (record.subject, record.kind) == (HIGHS, Kind.EVENTS)
    assert "answered 400 (no)" in (record.error or "")


def test_prices_that_fail_leave_listing_and_outcome(ended: dict[str, Any]) -> None:
    def answer(handler: Any) -> None:
        path = urlsplit(handler.path)
        if path.path == "/events":
            reply(200, [ended] if "closed=true" in path.query else [])(handler)
        else:
            reply(400, {"error": "no"})(handler)

    with serving(answer) as server:
        listing, prices, outcome = source(server).past(Ask(Kind.EVENTS, HIGHS, (DAY,)))

    assert (listing.kind, outcome.kind, prices.kind) == (Kind.EVENTS, Kind.OUTCOMES, Kind.PRINTS)
    assert "is refused; it is left out" in (prices.error or "")


@pytest.mark.parametrize("ask", [Ask(Kind.EVENTS, "nyc", (DAY,)), Ask(Kind.BOOKS, HIGHS, (DAY,))])
def test_what_has_no_history_is_refused(ask: Ask) -> None:
    with serving(reply(200, [])) as server:
        (record,) = source(server).past(ask)

    assert "no history of" in (record.error or "")
    assert server.paths == []


def test_the_close_is_the_last_word_and_where_it_is_not_said_the_second_noon(ended: dict[str, Any]) -> None:
    later = {**ended, "markets": [*ended["markets"][1:], {**ended["markets"][0], "closedTime": "2026-07-05 00:00:00+00"}]}
    silent = {"eventDate": "2026-07-03", "markets": [{}]}

    assert closing_of(ended) == parse_iso(CLOSED)
    assert closing_of(later) == datetime(2026, 7, 5, tzinfo=UTC)
    assert closing_of(silent) == datetime(2026, 7, 5, 12, tzinfo=UTC)
    assert opening_of(silent) is None
    assert opening_of(ended) == LISTED
    assert opening_view(silent)["markets"] == [{"active": True, "closed": False, "archived": False, "acceptingOrders": True}]


def test_points_that_cannot_be_are_named_and_points_of_a_minute_are_one_record() -> None:
    """A record is known when its newest point is: never earlier than any of them."""
    points = [(1_000, "a", 0.5), (1_020, "b", 0.25), (1_059, "a", 0.0), (1_061, "a", 1.0), (1_062, "b", float("nan"))]
    first, second = point_records("e", points, NOW)

    assert first.rows["valid_at"].tolist() == [1_000 * MICRO, 1_020 * MICRO]
    assert first.received_at == instant(1_064 * MICRO)
    assert first.facts["quarantined"] == ["a at 1059: a price of 0 is none"]
    assert len(second.rows["valid_at"]) == 0
    assert len(second.facts["quarantined"]) == 2
    (late,) = point_records("e", [(round(NOW.timestamp()) + 3_600, "a", 0.5)], NOW)
    assert "was still to come" in late.facts["quarantined"][0]


@pytest.mark.parametrize(
    "name",
    ["prices_history_response_winner_london_2026-06-20.json", "prices_history_response_minutely_no_token_nyc_2026-08-12.json"],
)
def test_a_captured_history_is_points_in_seconds(captures: Path, name: str) -> None:
    raw = (captures / "fixtures" / "polymarket_clob" / name).read_bytes()
    points = history_of(raw)

    assert [{"t": t, "p": p} for t, p in points] == json.loads(raw)["history"]
    records = list(point_records("e", [(t, "m", p) for t, p in points], NOW))
    kept = [at for record in records for at in record.rows["valid_at"].tolist()]
    lost = sum(len(record.facts.get("quarantined", ())) for record in records)
    assert len(kept) + lost == len(points)
    assert all(
        int(record.rows["valid_at"][-1]) < int(record.received_at.timestamp() * MICRO)
        for record in records
        if len(record.rows["valid_at"])
    )


@pytest.mark.parametrize("raw", [b"[]", b'{"history": 5}', b'{"history": [{"t": 1}]}', b"no"])
def test_a_history_of_another_shape_is_a_wire_error(raw: bytes) -> None:
    with pytest.raises(WireError):
        history_of(raw)
