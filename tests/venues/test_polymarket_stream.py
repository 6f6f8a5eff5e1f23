"""The market channel: what its frames mean, when a book is to be trusted, and that a cycle never waits for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.clock import SteppedClock, SystemClock
from core.errors import WireError
from core.model.record import Ask, Kind, Record
from core.settings import Settings, SourceSettings
from tests.venues.market_channel import MARKET, Channel, book, change, channel, eventually, summary_hash
from tests.venues.servers import Scripted, reply, serving
from venues.polymarket import client as client_module
from venues.polymarket import stream as stream_module
from venues.polymarket.client import Polymarket
from venues.polymarket.clob import Book, book_columns, parse_book
from venues.polymarket.stream import Limits, Stream
from venues.polymarket.stream_book import MOST_CHANGES, Terms, TokenBook, Trust, early_hash, rebuilt
from venues.polymarket.stream_wire import Change, Message, Print, Snapshot, Tick, read_frame

QUICK = Limits(look_seconds=0.01, first_backoff_seconds=0.01, longest_backoff_seconds=0.05, ping_seconds=0.05)
BIDS, ASKS = {"0.3": "10", "0.4": "20"}, {"0.6": "30", "0.5": "40"}


@pytest.fixture
def ws(captures: Path) -> Path:
    return captures / "fixtures" / "polymarket_ws"


def only(path: Path) -> Message:
    (message,) = read_frame(path.read_text("utf-8"))
    return message


# Frames


def test_a_captured_book_is_a_whole_book_with_its_hash_of_2024(ws: Path) -> None:
    said = only(ws / "book_2024.json")

    assert isinstance(said, Snapshot)
    found = parse_book(said.payload)
    assert (found.bids[0], found.asks[0][0], len(found.bids)) == ((511_000, 1_304_720_000), 514_000, len(said.payload["bids"]))
    assert said.timestamp == 1_728_799_418_260
    levels = [[(level["price"], level["size"]) for level in said.payload[side]] for side in ("bids", "asks")]
    assert early_hash(said.payload, *levels) == said.hash  # type: ignore[arg-type]


def test_a_captured_batch_is_one_change_for_each_level(ws: Path) -> None:
    said = read_frame((ws / "price_change_batched.json").read_text("utf-8"))

    assert all(isinstance(each, Change) for each in said)
    assert [(each.side, each.price, each.size) for each in said if isinstance(each, Change)] == [
        ("bids", "0.6", "3300"), ("bids", "0.5", "3400"), ("bids", "0.7", "3400"),  # a sample of the documentation
    ]  # fmt: skip
    first = said[0]
    assert isinstance(first, Change)
    assert (first.best_bid, first.best_ask, first.timestamp) == (600_000, 700_000, 1_729_084_877_448)


def test_a_captured_change_of_before_september_2025_is_one_change(ws: Path) -> None:
    said = only(ws / "price_change_single_legacy_2024-08.json")

    assert isinstance(said, Change)
    assert (said.side, said.price_micro, said.size, said.best_bid, said.best_ask) == ("asks", 514_000, "21574.08", None, None)
    assert said.hash == "bf32b3746fff40c76c98021b7f3f07261169dd26"


def test_a_change_list_of_before_september_2025_is_understood_too() -> None:
    said = read_frame(json.dumps({
        "event_type": "price_change", "asset_id": "7", "market": MARKET, "timestamp": "5", "hash": "h",
        "changes": [{"price": "0.4", "side": "SELL", "size": "3300"}, {"price": "0.3", "side": "BUY", "size": "0"}],
    }))  # fmt: skip

    assert [(each.token, each.side, each.size, each.hash) for each in said if isinstance(each, Change)] == [
        ("7", "asks", "3300", "h"), ("7", "bids", "0", "h"),
    ]  # fmt: skip


def test_a_captured_trade_says_who_came_to_the_book(ws: Path) -> None:
    said = only(ws / "last_trade_price_2024-08.json")

    assert isinstance(said, Print)
    assert (said.price, said.size, said.bought, said.timestamp) == ("0.491", "85.36", False, 1_724_564_136_087)


def test_a_captured_change_of_tick_names_the_new_grid(ws: Path) -> None:
    said = only(ws / "tick_size_change_2025-02.json")

    assert said == Tick("115474063863764126958837769719736461272619491980773624567012766320777398670353", "0.001")


@pytest.mark.parametrize("name", ["best_bid_ask_2025-12.json", "new_market_2025-12.json", "market_resolved_2025-12.json"])
def test_a_captured_message_that_nobody_asked_for_says_nothing(ws: Path, name: str) -> None:
    assert read_frame((ws / name).read_text("utf-8")) == []


def test_a_frame_may_be_one_message_or_many(ws: Path) -> None:
    texts = [path.read_text("utf-8") for path in sorted(ws.glob("*.json"))]

    together = read_frame("[" + ",".join(texts) + "]")

    assert together == [message for text in texts for message in read_frame(text)]
    assert read_frame("[]") == []


@pytest.mark.parametrize("text", ["nothing", "[1]", "{", '[{"event_type":"price_change","price_changes":[1]}]', '"PONG"'])
def test_a_frame_that_is_none_is_a_wire_error(text: str) -> None:
    with pytest.raises(WireError):
        read_frame(text)


@pytest.mark.parametrize(
    "message",
    [
        change("7", 5, "BUY", "1.2", "1"), change("7", 5, "BUY", "0.4", "many"), change("7", 5, "HOLD", "0.4", "1"),
        change("7", 5, "BUY", "0.4", "-1"), {**change("7", 5, "BUY", "0.4", "1"), "timestamp": "noon"},
        book("7", 5, {"1.4": "1"}, {}), book("7", 5, {"0.4": "0"}, {}, terms=False), {**book("7", 5, {}, {}), "bids": "?"},
        {"event_type": "tick_size_change", "asset_id": "7", "new_tick_size": "fine"},
        {"event_type": "last_trade_price", "asset_id": "7", "price": "0.4"},
    ],
)  # fmt: skip
def test_a_message_that_cannot_be_is_a_fault_of_its_token_alone(message: dict[str, Any]) -> None:
    said = read_frame(json.dumps([{"event_type": "book", **message}, change("8", 5, "BUY", "0.4", "1")]))

    assert [(type(each).__name__, each.token) for each in said] == [("Fault", "7"), ("Change", "8")]


# One token's book


def told(*messages: dict[str, Any], token: str = "7") -> TokenBook:
    known = TokenBook(token)
    for message in messages:
        for each in read_frame(json.dumps(message)):
            known.take(each)
    return known


def rest(payload: dict[str, Any]) -> Snapshot:
    return Snapshot(payload["asset_id"], int(payload["timestamp"]), payload["hash"], payload, json.dumps(payload).encode())


def best(known: TokenBook) -> tuple[tuple[int, int], tuple[int, int]] | None:
    found = known.book()
    return (found.bids[0], found.asks[0]) if found else None


FIRST = book("7", 100, BIDS, ASKS, terms=False)
AFTER = book("7", 110, {**BIDS, "0.45": "5"}, ASKS, terms=False)
RISE = change("7", 110, "BUY", "0.45", "5", AFTER)


def test_a_change_is_the_new_size_of_its_level_and_zero_takes_it_away() -> None:
    gone = book("7", 120, BIDS, {"0.6": "30"}, terms=False)
    known = told(FIRST, change("7", 120, "SELL", "0.5", "0", gone))

    assert best(known) == ((400_000, 20_000_000), (600_000, 30_000_000))


def test_a_change_before_the_book_changes_nothing() -> None:
    assert told(RISE).book() is None
    assert told(RISE).trust is Trust.WAITING
    assert best(told(RISE, FIRST)) == ((400_000, 20_000_000), (500_000, 40_000_000))


def test_a_change_older_than_its_book_is_left_alone() -> None:
    assert best(told(FIRST, change("7", 90, "BUY", "0.49", "1"))) == best(told(FIRST))


def test_the_hash_of_a_change_is_that_of_the_book_after_it() -> None:
    """Nautilus records, September 2026: with its levels, tick and terms the hash of each change could be computed."""
    known = told(FIRST, RISE)

    assert known.agrees()
    assert known.terms.neg_risk is True  # the channel does not send it: the hash tells
    assert best(known) == ((450_000, 5_000_000), (500_000, 40_000_000))


def test_the_last_price_that_a_hash_covers_need_not_have_been_told() -> None:
    """Seen in 2026: a book's hash covers the price of a trade that is told a moment later, or never."""
    head = {"market": MARKET, "asset_id": "7", "timestamp": "110"}
    levels = ([("0.3", "10"), ("0.4", "20"), ("0.45", "5")], [("0.6", "30"), ("0.5", "40")])
    unseen = summary_hash(head, *levels, Terms("0.01", "5", True, "0.457"))
    known = told(FIRST, change("7", 110, "BUY", "0.45", "5", AFTER, hash=unseen))

    assert best(known) == ((450_000, 5_000_000), (500_000, 40_000_000))
    assert known.terms.last == "0.457"


def test_a_wrong_hash_says_that_something_was_missed_and_a_polled_book_mends_it() -> None:
    known = told(FIRST, change("7", 110, "BUY", "0.31", "5", AFTER, best_bid="0.4"))

    assert known.book() is None  # best prices agree, the hash does not
    known.take(read_frame(json.dumps(change("7", 120, "BUY", "0.32", "1")))[0])
    assert known.trust is Trust.BROKEN
    known.adopt(rest(book("7", 125, BIDS, {"0.55": "1"})))
    assert best(known) == ((400_000, 20_000_000), (550_000, 1_000_000))


def test_wrong_best_prices_say_that_something_was_missed() -> None:
    known = told(FIRST, change("7", 110, "BUY", "0.31", "5", best_bid="0.41", best_ask="0.5"))

    assert known.book() is None


@pytest.mark.parametrize(("empty", "ask"), [({}, "1"), ({}, "0")])
def test_an_empty_side_has_the_best_price_of_nobody(empty: dict[str, str], ask: str) -> None:
    known = told(
        book("7", 100, {}, {"0.5": "1"}, terms=False), change("7", 110, "SELL", "0.5", "0", best_bid="0", best_ask=ask)
    )

    found = known.book()
    assert found is not None
    assert (found.bids, found.asks) == ((), ())


def test_a_burst_is_judged_when_it_is_over() -> None:
    """Seen in September 2026: three frames of one millisecond, each with hash and best prices of the end of the burst."""
    end = book("7", 110, {"0.3": "10"}, {"0.35": "7", "0.6": "30"}, terms=False)
    burst = [
        change("7", 110, "SELL", "0.35", "7", end),
        change("7", 110, "BUY", "0.4", "0", end),
        change("7", 110, "SELL", "0.5", "0", end),
    ]
    known = told(FIRST, *burst[:2])

    assert known.book() is None  # in the middle it crosses and is nobody's book
    assert known.trust is Trust.GOOD
    known.take(read_frame(json.dumps(burst[2]))[0])
    assert best(known) == ((300_000, 10_000_000), (350_000, 7_000_000))


def test_a_book_in_full_with_a_hash_of_something_else_is_not_believed() -> None:
    lie = {**book("7", 100, BIDS, ASKS), "event_type": "book", "hash": "0" * 40}

    assert told(lie).trust is Trust.BROKEN
    assert told(lie).book() is None


def test_a_hash_of_a_form_that_nobody_knows_is_no_reproach() -> None:
    known = told({**FIRST, "hash": "f" * 40}, {**change("7", 110, "BUY", "0.45", "5", AFTER, hash="e" * 40)})

    assert best(known) == ((450_000, 5_000_000), (500_000, 40_000_000))  # the best prices agree


def test_after_a_change_of_tick_only_a_new_book_counts() -> None:
    tick = {"event_type": "tick_size_change", "asset_id": "7", "market": MARKET, "old_tick_size": "0.01",
            "new_tick_size": "0.001", "timestamp": "110"}  # fmt: skip
    known = told(FIRST, tick)

    assert known.book() is None
    known.adopt(rest(book("7", 100, BIDS, ASKS)))  # of before
    assert known.book() is None
    known.take(read_frame(json.dumps({**FIRST, "timestamp": "120", "tick_size": "0.001", "hash": ""}))[0])
    found = known.book()
    assert found is not None
    assert found.tick_micro == 1_000


def test_a_polled_book_takes_over_and_younger_changes_follow_it() -> None:
    known = told(FIRST, RISE)
    polled = book("7", 105, {"0.3": "11", "0.4": "20"}, ASKS)

    known.adopt(rest(polled))

    assert known.book() is None  # it does not lead to what the change said: one of the two is wrong
    assert known.trust is Trust.BROKEN
    known.adopt(rest(book("7", 110, {**BIDS, "0.45": "5"}, ASKS)))
    assert best(known) == ((450_000, 5_000_000), (500_000, 40_000_000))
    assert len(known.raw()) == 1


def test_a_polled_book_that_is_older_than_ours_is_left_alone_and_one_of_the_same_moment_is_compared() -> None:
    known = told(FIRST)

    assert known.adopt(rest(book("7", 90, {}, ASKS))) is False
    assert best(known) == ((400_000, 20_000_000), (500_000, 40_000_000))
    assert known.adopt(rest(book("7", 100, BIDS, ASKS))) is False
    assert known.adopt(rest(book("7", 100, {"0.4": "21"}, ASKS))) is True
    assert best(known) == ((400_000, 21_000_000), (500_000, 40_000_000))


def test_changes_do_not_pile_up_for_ever() -> None:
    changes = [change("7", 101 + i, "BUY", "0.2", str(i + 1), best_bid="0.4", best_ask="0.5") for i in range(MOST_CHANGES + 1)]
    known = told(FIRST, *changes)

    assert known.trust is Trust.BROKEN
    assert len(known.raw()) <= MOST_CHANGES
    known.adopt(rest(book("7", 150, BIDS, ASKS)))  # changes after it are gone
    assert known.trust is Trust.BROKEN
    last = {**BIDS, "0.2": str(MOST_CHANGES + 1)}
    known.adopt(rest(book("7", 101 + MOST_CHANGES, last, ASKS)))
    assert best(known) == ((400_000, 20_000_000), (500_000, 40_000_000))


def test_a_book_is_built_again_from_its_bytes_alone() -> None:
    known = told(FIRST, RISE, change("7", 120, "SELL", "0.5", "0", book("7", 120, {**BIDS, "0.45": "5"}, {"0.6": "30"})))
    raw = b"[" + b",".join(known.raw()) + b"]"

    assert rebuilt(raw) == {"7": known.book()}


# The connection


@pytest.fixture
def streams() -> Iterator[list[Stream]]:
    made: list[Stream] = []
    yield made
    for each in made:
        each.close()


def streaming(streams: list[Stream], url: str, limits: Limits = QUICK, **more: Any) -> Stream:
    streams.append(Stream(url, SystemClock(), user_agent="test", limits=limits, **more))
    return streams[-1]


def books_of(tokens: list[str]) -> list[dict[str, Any]]:
    return [book(token, 100, BIDS, ASKS, terms=False) for token in tokens]


def test_books_come_for_all_tokens_of_an_event_after_one_subscription(streams: list[Stream]) -> None:
    with channel(greet=books_of) as told_:
        stream = streaming(streams, told_.url)
        assert stream.books("e", ("1", "2")) is None  # at once, before anything is connected
        stream.follow({"e": ("1", "2")})
        found = eventually(lambda: stream.books("e", ("1", "2")))

    assert told_.subscriptions == [{"assets_ids": ["1", "2"], "type": "market"}]
    assert [each.token for each in found.books] == ["1", "2"]
    assert stream.books("e", ("1", "3")) is None
    assert stream.books("other", ("1",)) is None


def test_a_ping_is_a_word_of_its_own_and_its_answer_no_message(streams: list[Stream]) -> None:
    with channel(greet=books_of) as told_:
        stream = streaming(streams, told_.url)
        stream.follow({"e": ("1",)})
        eventually(lambda: told_.heard.count("PING") >= 3)

        assert stream.books("e", ("1",)) is not None
        assert stream.health.healthy
        assert len(told_.connections) == 1


def test_after_a_cut_nothing_old_counts_and_the_books_come_anew(streams: list[Stream]) -> None:
    greetings = [books_of(["1"]), [change("1", 105, "BUY", "0.45", "9")]]
    with channel(greet=lambda tokens: greetings.pop(0) if greetings else []) as told_:
        stream = streaming(streams, told_.url)
        stream.follow({"e": ("1",)})
        eventually(lambda: stream.books("e", ("1",)))
        told_.kill()
        eventually(lambda: len(told_.connections) == 2)
        eventually(lambda: len(told_.subscriptions) == 2)  # resubscribed, and a change came before the book
        assert stream.books("e", ("1",)) is None
        told_.send(book("1", 110, {"0.44": "1"}, ASKS, terms=False))
        found = eventually(lambda: stream.books("e", ("1",)))

    assert found.books[0].bids == ((440_000, 1_000_000),)
    assert stream.health.failures >= 1


def test_a_server_that_says_nothing_more_is_left(streams: list[Stream]) -> None:
    limits = Limits(look_seconds=0.01, first_backoff_seconds=0.01, longest_backoff_seconds=0.05, silence_seconds=0.2)
    with channel(greet=books_of, answers_ping=False) as told_:
        stream = streaming(streams, told_.url, limits)
        stream.follow({"e": ("1",)})
        eventually(lambda: len(told_.connections) >= 2)
        word = eventually(lambda: stream.health.last_error_at)

    assert word is not None


def test_a_connection_that_is_dead_answers_nothing_even_before_its_thread_knows(streams: list[Stream]) -> None:
    ahead = [0.0]
    with channel(greet=books_of) as told_:
        stream = streaming(streams, told_.url, Limits(look_seconds=60.0, ping_seconds=60.0), seconds=lambda: ahead[0])
        stream.follow({"e": ("1",)})
        eventually(lambda: stream.books("e", ("1",)))
        ahead[0] = 29.0
        assert stream.books("e", ("1",)) is not None
        ahead[0] = 30.0
        assert stream.books("e", ("1",)) is None
        told_.send("PONG")  # wakes the thread
        eventually(lambda: stream.books("e", ("1",)))


def test_what_is_no_frame_ends_the_connection_and_a_fault_only_its_token(streams: list[Stream]) -> None:
    with channel(greet=books_of) as told_:
        stream = streaming(streams, told_.url)
        stream.follow({"bad": ("1",), "good": ("2",)})
        eventually(lambda: stream.books("bad", ("1",)) and stream.books("good", ("2",)))
        told_.send(change("1", 105, "BUY", "7", "1"))
        eventually(lambda: stream.books("bad", ("1",)) is None)
        assert stream.books("good", ("2",)) is not None
        told_.send("[{")
        eventually(lambda: len(told_.connections) == 2)
        eventually(lambda: stream.books("bad", ("1",)) and stream.books("good", ("2",)))


def test_a_later_event_is_subscribed_on_the_same_connection_and_a_forgotten_one_left(streams: list[Stream]) -> None:
    ahead = [0.0]
    with channel(greet=books_of) as told_:
        limits = Limits(look_seconds=0.01, silence_seconds=1e9)
        stream = streaming(streams, told_.url, limits, seconds=lambda: ahead[0])
        stream.follow({"e": ("1",)})
        eventually(lambda: stream.books("e", ("1",)))
        stream.follow({"f": ("2", "3")})
        eventually(lambda: stream.books("f", ("2", "3")))
        for _ in range(40):
            ahead[0] += 25.0
            stream.follow({"f": ("2", "3")})
        eventually(lambda: len(told_.subscriptions) >= 3)

        assert len(told_.connections) == 1
        assert told_.subscriptions[1:] == [
            {"assets_ids": ["2", "3"], "operation": "subscribe"}, {"assets_ids": ["1"], "operation": "unsubscribe"},
        ]  # fmt: skip
        assert stream.books("e", ("1",)) is None


def test_many_tokens_take_several_connections_and_an_event_has_one(streams: list[Stream]) -> None:
    events = {f"e{i}": tuple(f"{i}-{j}" for j in range(22)) for i in range(20)}
    with channel(greet=books_of) as told_:
        stream = streaming(streams, told_.url)
        stream.follow(events)
        stream.follow({"too-big": tuple(map(str, range(201)))})
        for event_id, tokens in events.items():
            eventually(lambda event_id=event_id, tokens=tokens: stream.books(event_id, tokens))

        assert len(told_.connections) == 3  # 9 events of 22 in 200
        assert sorted(len(each["assets_ids"]) for each in told_.subscriptions) == [44, 198, 198]


def test_a_later_subscription_without_a_book_is_tried_once_more_with_all(streams: list[Stream]) -> None:
    limits = Limits(look_seconds=0.01, first_backoff_seconds=0.01, longest_backoff_seconds=0.05, book_seconds=0.1)
    with channel(greet=lambda tokens: books_of([t for t in tokens if len(tokens) > 1 or t == "1"])) as told_:
        stream = streaming(streams, told_.url, limits)
        stream.follow({"e": ("1",)})
        eventually(lambda: stream.books("e", ("1",)))
        stream.follow({"f": ("2",)})
        eventually(lambda: stream.books("f", ("2",)))

    assert told_.subscriptions[-1] == {"assets_ids": ["1", "2"], "type": "market"}


def test_nobody_there_is_no_harm_and_the_end_is_quick(streams: list[Stream]) -> None:
    stream = streaming(streams, "ws://127.0.0.1:9")
    stream.follow({"e": ("1",)})
    eventually(lambda: stream.health.failures >= 2)

    assert stream.books("e", ("1",)) is None
    assert "books are polled until it is back" in stream.health.last_error
    stream.close()
    assert [thread for thread in threading.enumerate() if thread.name == stream_module.NAME] == []


def test_trades_are_kept_once_each_from_the_first_book_on(streams: list[Stream]) -> None:
    trade = {"event_type": "last_trade_price", "asset_id": "1", "market": MARKET, "price": "0.456", "side": "BUY",
             "size": "219.2", "fee_rate_bps": "0", "timestamp": "1750428146322", "transaction_hash": "0xsecret"}  # fmt: skip
    with channel(greet=books_of) as told_:
        stream = streaming(streams, told_.url)
        stream.follow({"e": ("1", "2")})
        eventually(lambda: stream.books("e", ("1", "2")))
        told_.send([trade, trade])
        told_.send({**trade, "timestamp": "1750428146323"})
        found = eventually(lambda: (p := stream.prints("e", ("1", "2"))) and len(p.prints) == 2 and p)

    assert [each.timestamp for each in found.prints] == [1_750_428_146_322, 1_750_428_146_323]
    assert b"secret" not in found.prints[0].raw


# In the client


class World:
    """A CLOB that answers books by REST and by the channel."""

    def __init__(self, poller: Scripted, told_: Channel) -> None:
        self.poller, self.told = poller, told_
        self.clock = SteppedClock(datetime(2026, 7, 3, 0, 2, tzinfo=UTC))
        sources = {
            name: SourceSettings(base_url=poller.url, timeout_seconds=5)
            for name in ("polymarket_gamma", "polymarket_clob", "polymarket_data")
        } | {"polymarket_stream": SourceSettings(base_url=told_.url)}
        self.source = Polymarket(Settings(_env_file=None, sources=sources), self.clock, limits=QUICK)

    def ask(self, *events: str) -> list[Record]:
        return list(self.source.fetch([Ask(Kind.BOOKS, event, tokens=(f"{event}1", f"{event}2")) for event in events]))

    def streamed(self, event: str) -> Record:
        return eventually(lambda: next((r for r in self.ask(event) if r.facts.get("stream")), None))


@pytest.fixture
def world() -> Iterator[World]:
    def answer(handler: Any) -> None:
        reply(200, [book(asked["token_id"], 100, BIDS, ASKS) for asked in json.loads(poller.bodies[-1])])(handler)

    with serving(answer) as poller, channel(greet=books_of) as told_:
        made = World(poller, told_)
        yield made
        made.source.close()


def test_the_first_books_are_polled_and_the_next_come_from_the_stream(world: World) -> None:
    (first,) = world.ask("e")
    record = world.streamed("e")

    assert "stream" not in first.facts
    assert (record.kind, record.subject, record.error, record.received_at) == (Kind.BOOKS, "e", None, world.clock.now())
    assert {name: column.tolist() for name, column in record.rows.items()} == {
        name: column.tolist() for name, column in first.rows.items()
    }
    polls = len(world.poller.paths)
    assert world.ask("e")[0].facts["stream"] is True
    assert len(world.poller.paths) == polls


def test_a_streamed_record_holds_all_that_its_rows_come_from(world: World) -> None:
    world.ask("e")
    world.streamed("e")
    after = book("e1", 110, {**BIDS, "0.45": "5"}, ASKS)
    world.told.send(change("e1", 110, "BUY", "0.45", "5", after))
    record = eventually(lambda: next((r for r in [world.streamed("e")] if len(r.rows["token"]) == 9), None))

    books: list[Book] = list(rebuilt(record.raw).values())
    assert {name: column.tolist() for name, column in book_columns(books).items()} == {
        name: column.tolist() for name, column in record.rows.items()
    }
    assert {each.token: each.hash for each in books} == {
        token: facts["hash"] for token, facts in record.facts["tokens"].items()
    }
    assert record.facts["tokens"]["e1"]["hash"] == after["hash"]


def test_an_event_whose_stream_contradicts_itself_is_polled_and_the_other_is_not(world: World) -> None:
    world.ask("e", "f")
    world.streamed("e"), world.streamed("f")
    world.told.send(change("e1", 110, "BUY", "0.31", "5", best_bid="0.41", best_ask="0.5"))
    eventually(lambda: not world.ask("e")[0].facts.get("stream"))
    tokens = [[asked["token_id"] for asked in json.loads(body)] for body in world.poller.bodies if body]

    assert tokens[-1] == ["e1", "e2"]
    assert world.ask("f")[0].facts["stream"] is True


def test_when_the_channel_is_gone_books_are_polled_as_before(world: World) -> None:
    world.ask("e")
    world.streamed("e")
    world.told.greet = lambda tokens: None
    world.told.kill()
    record = eventually(lambda: next((r for r in world.ask("e") if not r.facts.get("stream")), None))

    assert record.error is None
    assert len(record.rows["token"]) == 8


def test_a_streamed_event_is_compared_with_a_poll_every_five_minutes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.ask("e")
    world.streamed("e")
    polls = len(world.poller.paths)
    monkeypatch.setattr(client_module, "RESYNC_SECONDS", -1.0)
    assert "stream" not in world.ask("e")[0].facts
    monkeypatch.undo()

    assert len(world.poller.paths) == polls + 1
    assert world.ask("e")[0].facts["stream"] is True


@pytest.mark.parametrize(("simulated", "enabled"), [(True, True), (False, False)])
def test_a_simulated_world_and_a_switched_off_stream_have_none(simulated: bool, enabled: bool) -> None:
    with channel(greet=books_of) as told_, serving(reply(200, [])) as poller:
        sources = {"polymarket_clob": SourceSettings(base_url=poller.url),
                   "polymarket_stream": SourceSettings(base_url=told_.url, enabled=enabled)}  # fmt: skip
        source = Polymarket(
            Settings(_env_file=None, sources=sources), SteppedClock(datetime(2026, 7, 3, tzinfo=UTC)), simulated=simulated
        )
        list(source.fetch([Ask(Kind.BOOKS, "e", tokens=("1",))]))
        source.close()

        assert "polymarket_stream" not in source.health
        assert told_.connections == []


def test_a_clob_elsewhere_has_no_stream_of_the_real_one() -> None:
    sources = {"polymarket_clob": SourceSettings(base_url="http://127.0.0.1:9")}
    source = Polymarket(Settings(_env_file=None, sources=sources), SteppedClock(datetime(2026, 7, 3, tzinfo=UTC)))

    assert "polymarket_stream" not in source.health
