"""What was traded: turned to YES, once each, and without a word about who did it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core.clock import SteppedClock
from core.errors import WireError
from core.model.record import Ask, Kind, Record
from core.settings import Settings, SourceSettings
from core.units import MICRO, micros
from tests.venues.market_channel import book, channel, eventually
from tests.venues.servers import Scripted, reply, serving
from venues.polymarket import tape
from venues.polymarket.client import Polymarket
from venues.polymarket.stream import Limits
from venues.polymarket.tape import PAGE, Market, Page, Tape, merged, parse_trades, reaches_back

NOW = datetime(2026, 7, 3, 0, 2, tzinfo=UTC)
THEN = micros(NOW) // MICRO - 600  # ten minutes ago [s]
MARKETS = (Market("m1", "0xc1", "y1", "n1"), Market("m2", "0xc2", "y2", "n2"))
PERSON = {
    "proxyWallet": "0xwallet", "name": "Jane", "pseudonym": "Quick-Fox", "bio": "hello", "profileImage": "https://a/b.png",
    "profileImageOptimized": "https://a/c.png", "transactionHash": "0xhash", "title": "t", "slug": "s", "icon": "i",
    "eventSlug": "e", "outcomeIndex": 0,
}  # fmt: skip


def line(asset: str = "y1", side: str = "BUY", price: Any = 0.3, size: Any = 10, at: int = THEN, **more: Any) -> dict[str, Any]:
    condition = "0xc" + asset[1:]
    return {
        **PERSON,
        "conditionId": condition,
        "asset": asset,
        "side": side,
        "price": price,
        "size": size,
        "timestamp": at,
        **more,
    }


def page(*lines: dict[str, Any]) -> Page:
    return parse_trades(json.dumps(list(lines)).encode(), MARKETS, NOW)


@pytest.mark.parametrize(
    ("asset", "side", "yes_price", "taker"),
    [
        ("y1", "BUY", 300_000, "yes"),
        ("y1", "SELL", 300_000, "no"),
        ("n1", "BUY", 700_000, "no"),
        ("n1", "SELL", 700_000, "yes"),
    ],
)
def test_a_trade_is_turned_to_yes(asset: str, side: str, yes_price: int, taker: str) -> None:
    """A taker who sells YES is one who wants NO."""
    (trade,) = page(line(asset, side)).trades

    assert (trade.market_id, trade.at, trade.yes_price_micro, trade.size_micro, trade.taker) == (
        "m1", THEN * MICRO, yes_price, 10 * MICRO, taker,
    )  # fmt: skip


def test_the_average_price_of_an_order_over_several_levels_is_rounded_to_a_millionth() -> None:
    """Recorded August 2026: size 244 at 0.2972581967, size 1.464786 at 0.709999959."""
    first, second = page(line(price=0.2972581967, size=244), line(price=0.709999959, size=1.464786)).trades

    assert (first.yes_price_micro, first.size_micro) == (297_258, 244 * MICRO)
    assert (second.yes_price_micro, second.size_micro) == (710_000, 1_464_786)


def test_nothing_that_names_a_person_is_kept() -> None:
    kept = b"".join(page(line(), line(price=7)).kept) + b"".join(page(line(), line(price=7)).odd)

    assert set(json.loads(page(line()).kept[0])) == {"conditionId", "asset", "side", "price", "size", "timestamp"}
    for word in ("wallet", "Jane", "Quick-Fox", "hello", "https", "0xhash"):
        assert word.encode() not in kept


def test_the_second_edition_of_the_service_is_read_too() -> None:
    """Its shape: Nautilus records of August 2026; snake case in an envelope."""
    wrapped = {
        "data": [{"proxy_wallet": "0xwallet", "side": "SELL", "token_id": "y2", "condition_id": "0xc2", "size": 92.59,
                  "price": 0.7, "timestamp": THEN, "transaction_hash": "0xhash"}],
        "pagination": {"limit": 500, "has_more": False, "next_cursor": None},
    }  # fmt: skip
    found = parse_trades(json.dumps(wrapped).encode(), MARKETS, NOW)

    assert [(trade.market_id, trade.yes_price_micro, trade.taker) for trade in found.trades] == [("m2", 700_000, "no")]
    assert json.loads(found.kept[0]) == {
        "conditionId": "0xc2", "asset": "y2", "side": "SELL", "price": 0.7, "size": 92.59, "timestamp": THEN,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        (line(price=0), "a price of 0 is none"), (line(price=1), "a price of 1 is none"), (line(size=0), "a size of 0 is none"),
        (line(at=THEN + 7_200), "was still to come"), (line(asset="x1"), "token x1 is not of market m1"),
        (line(asset="y9"), "nobody asked for that market"), (line(side="HOLD"), "HOLD"), (line(price=None), "is no number"),
        (line(price="NaN"), "NaN is no number"), (line(at="noon"), "noon"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_a_trade_that_cannot_be_is_named_and_the_others_stay(lie: dict[str, Any], why: str) -> None:
    found = page(lie, line())

    assert len(found.trades) == 1
    assert len(found.faults) == 1
    assert why in found.faults[0]
    assert len(found.odd) == 1


@pytest.mark.parametrize("raw", [b"{}", b'{"data": 1}', b"[1]", b"nothing", b'{"error": "no"}'])
def test_an_answer_of_another_shape_is_a_wire_error(raw: bytes) -> None:
    with pytest.raises(WireError):
        parse_trades(raw, MARKETS, NOW)


def test_a_trade_that_slid_to_the_next_page_counts_once_and_two_equal_ones_twice() -> None:
    twins = page(line(), line(), line(price=0.4))
    later = page(line(price=0.4), line(price=0.5))

    found = merged([twins, later])

    assert [trade.yes_price_micro for trade in found.trades] == [300_000, 300_000, 400_000, 500_000]


def test_pages_are_turned_until_what_was_told() -> None:
    tape = Tape()
    full = page(*[line(at=THEN - 2 * i) for i in range(PAGE)])  # reaches further back than what is told twice

    assert reaches_back(page(line()), None)
    assert reaches_back(full, None)  # at first the newest page is enough
    tape.of_service("e", page(line(at=THEN - 3_600)), NOW)
    assert not reaches_back(full, tape.told("e"))
    tape.of_service("e", page(line(at=THEN)), NOW)
    assert reaches_back(full, tape.told("e"))


def test_the_service_tells_again_what_may_have_been_listed_late_and_no_more() -> None:
    tape = Tape()
    first = page(line(at=THEN), line(at=THEN - 119), line(at=THEN - 121), line(at=THEN - 4_000))

    assert tape.of_service("e", first, NOW) == [0, 1, 2, 3]
    assert tape.of_service("e", first, NOW) == [0, 1]
    assert tape.of_service("other", first, NOW) == [0, 1, 2, 3]


def test_the_stream_carries_on_where_the_service_ended_and_back() -> None:
    """The same second is told by the one that told it first: seconds there, milliseconds here, and no common id."""
    tape = Tape()
    tape.of_service("e", page(line(at=THEN)), NOW)

    def streamed(*milliseconds: int) -> list[int]:
        trades = [page(line()).trades[0].__class__("m1", at * 1_000, 300_000, MICRO, "yes") for at in milliseconds]
        return tape.of_stream("e", trades, NOW)

    assert not tape.is_enough("e", NOW)  # the service may lag a minute
    assert tape.is_enough("e", NOW - timedelta(seconds=60))
    assert not tape.is_enough("other", NOW - timedelta(days=1))
    assert streamed(THEN * 1_000 - 1, THEN * 1_000 + 500, THEN * 1_000 + 1_000) == [2]
    assert streamed(THEN * 1_000 + 1_000, THEN * 1_000 + 1_001) == [1]
    assert tape.of_service("e", page(line(at=THEN), line(at=THEN + 1), line(at=THEN + 2)), NOW) == [2]


# In the client


@pytest.fixture(scope="module")
def nyc(captures: Path) -> dict[str, Any]:
    path = captures / "fixtures" / "polymarket_gamma" / "event_by_slug_nyc_2026-07-03_open.json"
    (event,) = json.loads(path.read_text("utf-8"))
    return event  # type: ignore[no-any-return]


def source(server: Scripted, stream: str = "", **more: Any) -> Polymarket:
    names = ("polymarket_gamma", "polymarket_clob", "polymarket_data")
    sources = {name: SourceSettings(base_url=server.url, timeout_seconds=5) for name in names}
    if stream:
        sources["polymarket_stream"] = SourceSettings(base_url=stream)
    return Polymarket(Settings(_env_file=None, sources=sources), SteppedClock(NOW), **more)


def trades_of(nyc: dict[str, Any]) -> list[dict[str, Any]]:
    market = nyc["markets"][0]
    yes, no = json.loads(market["clobTokenIds"])
    return [
        line(asset=yes, price=0.3, size=20, at=THEN, conditionId=market["conditionId"]),
        line(asset=no, side="SELL", price=0.6, size=5, at=THEN - 60, conditionId=market["conditionId"]),
    ]


def world(nyc: dict[str, Any], trades: list[dict[str, Any]]) -> Any:
    def answer(handler: Any) -> None:
        path = urlsplit(handler.path)
        if path.path == "/events":
            reply(200, [nyc] if nyc["slug"] in parse_qs(path.query)["slug"] else [])(handler)
        else:
            reply(200, json.dumps(trades, separators=(",", ":")).encode())(handler)  # as the service writes it

    return answer


def test_the_trades_of_an_event_are_asked_for_by_its_conditions(nyc: dict[str, Any]) -> None:
    with serving(world(nyc, trades_of(nyc))) as server:
        client = source(server)
        (record,) = client.fetch([Ask(Kind.PRINTS, nyc["slug"])])
        (again,) = client.fetch([Ask(Kind.PRINTS, nyc["slug"])])

    conditions = {market["conditionId"] for market in nyc["markets"]}
    (query,) = [parse_qs(urlsplit(path).query) for path in server.paths if path.startswith("/trades")][:1]
    assert set(query["market"][0].split(",")) == conditions
    assert (query["limit"], query["offset"], query["takerOnly"]) == ([str(PAGE)], ["0"], ["true"])
    assert (record.kind, record.subject, record.error) == (Kind.PRINTS, nyc["slug"], None)
    market_id = nyc["markets"][0]["id"]
    assert {name: column.tolist() for name, column in record.rows.items()} == {
        "market_id": [market_id, market_id], "valid_at": [(THEN - 60) * MICRO, THEN * MICRO],
        "yes_price_micro": [400_000, 300_000], "size_micro": [5 * MICRO, 20 * MICRO], "taker": ["yes", "yes"],
    }  # fmt: skip
    assert b"wallet" not in record.raw
    assert len(json.loads(record.raw)) == 2
    assert len(again.rows["valid_at"]) == 2  # of the last two minutes told; readers count a trade once
    assert sum(path.startswith("/events") for path in server.paths) == 1  # its markets are known by heart


def test_other_questions_asked_at_the_same_time_do_not_touch_what_is_known_of_trades(
    nyc: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind is asked for by a thread of its own: a question for books must neither empty nor shorten what prints know."""
    read: list[object] = []
    line = tape._trade
    monkeypatch.setattr(tape, "_trade", lambda found, *given: read.append(found) or line(found, *given))
    with serving(world(nyc, trades_of(nyc))) as server:
        client = source(server)
        prints = Ask(Kind.PRINTS, nyc["slug"])
        first = list(client.fetch([prints]))
        others = (Kind.EVENTS, "highest-temperature-in-nyc"), (Kind.BOOKS, nyc["slug"]), (Kind.OUTCOMES, nyc["slug"])
        for kind, subject in others:
            list(client.fetch([Ask(kind, subject, (date(2026, 7, 3),) if kind is Kind.EVENTS else ())]))
        again = list(client.fetch([prints]))

    assert len(read) == 2  # and not read once more
    assert [record.rows["valid_at"].tolist() for record in first] == [record.rows["valid_at"].tolist() for record in again]


def test_a_listing_teaches_the_conditions(nyc: dict[str, Any]) -> None:
    with serving(world(nyc, [])) as server:
        client = source(server)
        (listing,) = client.fetch([Ask(Kind.EVENTS, "highest-temperature-in-nyc", (date(2026, 7, 3),))])
        (record,) = client.fetch([Ask(Kind.PRINTS, nyc["slug"], tokens=tuple(listing.facts["conditions"].values()))])

    assert listing.facts["conditions"] == {market["id"]: market["conditionId"] for market in nyc["markets"]}
    assert (record.error, len(record.rows["valid_at"]), record.raw) == (None, 0, b"[]")
    assert sum(path.startswith("/events") for path in server.paths) == 1


@pytest.mark.parametrize(
    ("body", "status", "raw"),
    [({"error": "slow down"}, 400, b'{"error": "slow down"}'), ([{"proxyWallet": "0x1"}, 7], 200, b"")],
)
def test_trades_that_fail_are_a_record_and_no_one_is_named_in_it(
    nyc: dict[str, Any], body: Any, status: int, raw: bytes
) -> None:
    def answer(handler: Any) -> None:
        (reply(200, [nyc]) if handler.path.startswith("/events") else reply(status, body))(handler)

    with serving(answer) as server:
        (record,) = source(server).fetch([Ask(Kind.PRINTS, nyc["slug"])])

    assert (record.kind, record.subject, record.raw, record.rows) == (Kind.PRINTS, nyc["slug"], raw, {})
    assert record.error


def test_trades_of_which_not_one_can_be_read_are_a_failure_and_shown_as_one(nyc: dict[str, Any]) -> None:
    drifted = [{("px" if name == "price" else name): value for name, value in each.items()} for each in trades_of(nyc)]
    with serving(world(nyc, drifted)) as server:
        client = source(server)
        (record,) = client.fetch([Ask(Kind.PRINTS, nyc["slug"])])

    assert "not one of" in str(record.error)
    assert record.raw
    assert b"wallet" not in record.raw
    assert client.health["polymarket_data"].trouble == "unreadable"


def test_trades_of_an_event_that_nobody_lists_are_an_error() -> None:
    with serving(reply(200, [])) as server:
        (record,) = source(server).fetch([Ask(Kind.PRINTS, "gone")])

    assert "gone is not listed with its conditions" in (record.error or "")


def test_a_listing_that_breaks_off_while_markets_are_learned_is_shown_at_its_own_service() -> None:
    with serving(reply(200, b'[{"slug": "nyc-12", "mark')) as server:
        client = source(server)
        (record,) = client.fetch([Ask(Kind.PRINTS, "nyc-12")])

    assert "the bytes are kept" in (record.error or "")
    assert (record.kind, record.raw) == (Kind.PRINTS, b'[{"slug": "nyc-12", "mark')
    assert client.health["polymarket_gamma"].trouble == "unreadable"
    assert client.health["polymarket_data"].trouble == ""


def test_a_listing_that_broke_off_once_is_forgiven_as_soon_as_it_says_that_there_is_nothing() -> None:
    bodies = iter([b"[{", b"[]", b"[]"])
    with serving(lambda handler: reply(200, next(bodies))(handler)) as server:
        client = source(server)
        for told in ("unreadable", ""):
            (record,) = client.fetch([Ask(Kind.PRINTS, "nyc-12")])
            assert record.error
            assert client.health["polymarket_gamma"].trouble == told


def test_a_world_without_trades_says_so(nyc: dict[str, Any]) -> None:
    with serving(reply(200, [nyc])) as server:
        sources = {name: SourceSettings(base_url=server.url) for name in ("polymarket_gamma", "polymarket_clob")}
        client = Polymarket(Settings(_env_file=None, sources=sources), SteppedClock(NOW))
        (record,) = client.fetch([Ask(Kind.PRINTS, nyc["slug"])])

    assert "sources.polymarket_data.base_url" in (record.error or "")  # and the real service is not asked


@pytest.fixture
def both(nyc: dict[str, Any]) -> Iterator[tuple[Polymarket, Any, Scripted]]:
    def answer(handler: Any) -> None:
        if handler.path == "/books":
            asked = json.loads(server.bodies[-1])
            reply(200, [book(each["token_id"], 100, {"0.4": "1"}, {"0.5": "1"}) for each in asked])(handler)
        else:
            world(nyc, trades_of(nyc))(handler)

    def greet(tokens: list[str]) -> list[dict[str, Any]]:
        return [book(token, 100, {"0.4": "1"}, {"0.5": "1"}, terms=False) for token in tokens]

    with serving(answer) as server, channel(greet=greet) as told:
        client = source(server, told.url, limits=Limits(look_seconds=0.01))
        yield client, told, server
        client.close()


def test_trades_come_from_the_stream_once_it_misses_none(both: tuple[Polymarket, Any, Scripted], nyc: dict[str, Any]) -> None:
    client, told, server = both
    clock: SteppedClock = client._clock  # type: ignore[assignment]
    tokens = tuple(token for market in nyc["markets"] for token in json.loads(market["clobTokenIds"]))
    yes, no = tokens[:2]
    books, prints = Ask(Kind.BOOKS, nyc["slug"], tokens=tokens), Ask(Kind.PRINTS, nyc["slug"])

    def asked(ask: Ask) -> Record:
        (record,) = client.fetch([ask])
        return record

    assert "stream" not in asked(prints).facts
    eventually(lambda: asked(books).facts.get("stream"))
    assert "stream" not in asked(prints).facts  # what was traded before the stream began, the service may list late
    clock.wait_until(NOW + timedelta(seconds=61))
    assert "stream" not in asked(prints).facts
    condition, at = nyc["markets"][0]["conditionId"], (THEN + 660) * 1_000
    trade = {"event_type": "last_trade_price", "asset_id": yes, "market": condition, "price": "0.4", "side": "BUY",
             "size": "7", "timestamp": str(at)}  # fmt: skip
    told.send([trade, trade, {**trade, "asset_id": no, "price": "0.6", "side": "SELL"}, {**trade, "price": "0.41"}])
    record = eventually(lambda: next((r for r in [asked(prints)] if len(r.rows["valid_at"])), None))

    assert record.facts["stream"] is True
    assert record.rows["yes_price_micro"].tolist() == [400_000, 410_000]  # told of YES and of NO it is one trade
    assert record.rows["valid_at"].tolist() == [at * 1_000] * 2
    assert len(json.loads(record.raw)) == 2
    polls = len(server.paths)
    assert len(asked(prints).rows["valid_at"]) == 0
    assert len(server.paths) == polls
