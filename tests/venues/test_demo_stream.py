"""The live channel of the demo exchange tells every change of its books, and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.venues.test_demo_shapes import Shape, captured
from venues.demo.events import NO, YES, Event
from venues.demo.faults import STREAM
from venues.demo.stream import PATH, Channel, StreamServer, Subscription
from venues.demo.world import START, World

ROOT = Path(__file__).resolve().parents[2]
WORLD = World(7)
CHANNEL = Channel(WORLD)
T0 = int(START.timestamp() * 1000)
MINUTE = 60_000


def event_of(slug: str = "highest-temperature-in-nyc-on-june-2-2026") -> Event:
    event = WORLD.exchange.find(slug, T0)
    assert event is not None
    return event


def tokens_of(event: Event, sides: tuple[int, ...] = (YES, NO)) -> list[str]:
    return [WORLD.exchange.token(event, bracket, side) for bracket in range(11) for side in sides]


def frames(subscription: Subscription, then: int, now: int) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for text in CHANNEL.changes(subscription, then, now):
        frame = json.loads(text)
        out += frame if isinstance(frame, list) else [frame]
    return out


class Replica:
    """Books as a client holds them: replaced by snapshots, changed level by level."""

    def __init__(self, snapshots: list[dict[str, Any]]) -> None:
        self.sides: dict[tuple[str, str], dict[float, float]] = {}
        for book in snapshots:
            self.replace(book)

    def replace(self, book: dict[str, Any]) -> None:
        for side, name in (("BUY", "bids"), ("SELL", "asks")):
            self.sides[book["asset_id"], side] = {float(x["price"]): float(x["size"]) for x in book[name]}

    def hear(self, frame: dict[str, Any]) -> None:
        if frame["event_type"] == "book":
            self.replace(frame)
        for change in frame.get("price_changes", ()):
            levels = self.sides[change["asset_id"], change["side"]]
            levels[float(change["price"])] = float(change["size"])
            if not float(change["size"]):
                del levels[float(change["price"])]


def test_a_replica_that_hears_every_frame_stays_equal_to_the_books() -> None:
    event, subscription = event_of(), Subscription()
    replica = Replica(json.loads(CHANNEL.add(subscription, tokens_of(event), T0)))
    changes = 0

    for n in range(200):
        then, now = T0 + n * MINUTE, T0 + (n + 1) * MINUTE
        for frame in frames(subscription, then, now):
            replica.hear(frame)
            changes += frame["event_type"] == "price_change"

    assert changes > 200
    for bracket in range(11):
        for side in (YES, NO):
            text = WORLD.books.text(event, bracket, side, T0 + 200 * MINUTE)
            assert text is not None
            book = json.loads(text)
            fresh = Replica([book])
            for key, levels in fresh.sides.items():
                assert replica.sides[key] == levels


def test_a_change_carries_the_hash_and_the_best_prices_of_the_book_after_it() -> None:
    event, subscription = event_of(), Subscription()
    replica = Replica(json.loads(CHANNEL.add(subscription, tokens_of(event), T0)))
    seen = 0
    for n in range(40):
        now = T0 + (n + 1) * MINUTE
        books = {}
        for bracket in range(11):
            for side in (YES, NO):
                text = WORLD.books.text(event, bracket, side, now)
                assert text is not None
                book = json.loads(text)
                books[book["asset_id"]] = book
        for frame in frames(subscription, now - MINUTE, now):
            replica.hear(frame)
            for change in frame.get("price_changes", ()):
                bids, asks = (replica.sides[change["asset_id"], side] for side in ("BUY", "SELL"))
                assert change["hash"] == books[change["asset_id"]]["hash"]
                assert float(change["best_bid"]) == max(bids, default=0.0)
                assert float(change["best_ask"]) == min(asks, default=1.0)
                assert frame["timestamp"] == books[change["asset_id"]]["timestamp"]
                seen += 1
    assert seen > 50


def test_both_sides_of_a_market_are_in_one_frame() -> None:
    event, subscription = event_of(), Subscription()
    CHANNEL.add(subscription, tokens_of(event), T0)

    found = [f for f in frames(subscription, T0, T0 + 30 * MINUTE) if f["event_type"] == "price_change"]

    assert found
    assert all(len({change["asset_id"] for change in frame["price_changes"]}) == 2 for frame in found)


def test_every_trade_of_the_tape_is_told_once() -> None:
    event, subscription = event_of(), Subscription()
    CHANNEL.add(subscription, tokens_of(event), T0)

    told = [
        (f["asset_id"], int(f["timestamp"]))
        for n in range(48)
        for f in frames(subscription, T0 + n * 15 * MINUTE, T0 + (n + 1) * 15 * MINUTE)
        if f["event_type"] == "last_trade_price"
    ]

    expected = [
        (WORLD.exchange.token(event, bracket, trade.side), trade.at)
        for bracket in range(11)
        for trade in WORLD.tape.between(event, bracket, T0 + 1, T0 + 720 * MINUTE + 1)
    ]
    assert sorted(told) == sorted(expected)
    assert len(told) > 20


def test_a_finer_tick_is_told_and_a_new_book_follows() -> None:
    event, subscription = event_of(), Subscription()
    CHANNEL.add(subscription, tokens_of(event, (YES,)), T0)
    end = event.closed - 1

    told = frames(subscription, T0, end)
    ticks = [f for f in told if f["event_type"] == "tick_size_change"]

    assert ticks
    assert {(f["old_tick_size"], f["new_tick_size"]) for f in ticks} == {("0.01", "0.001")}
    assert {f["asset_id"] for f in ticks} <= {f["asset_id"] for f in told if f["event_type"] == "book"}


def test_extras_come_only_to_those_who_asked_for_them() -> None:
    event = event_of()
    plain, extra = Subscription(), Subscription(extras=True)
    for subscription in (plain, extra):
        CHANNEL.add(subscription, tokens_of(event, (YES,)), T0)

    kinds = [{f["event_type"] for f in frames(s, T0, T0 + 60 * MINUTE)} for s in (plain, extra)]
    resolved = [f for f in frames(extra, event.closed - 1, event.closed) if f["event_type"] == "market_resolved"]

    assert "best_bid_ask" in kinds[1] - kinds[0]
    assert [f["winning_outcome"] for f in resolved].count("Yes") == 1
    assert len(resolved) == 11
    assert not [f for f in frames(plain, event.closed - 1, event.closed) if f["event_type"] == "market_resolved"]


def test_frames_have_the_captured_shapes(captures: Path) -> None:
    folder = captures / "fixtures/polymarket_ws"
    shapes = {
        "price_change": captured(folder, "price_change_batched.json"),
        "last_trade_price": captured(folder, "last_trade_price_*.json"),
        "tick_size_change": captured(folder, "tick_size_change_*.json"),
        "best_bid_ask": captured(folder, "best_bid_ask_*.json"),
        "market_resolved": captured(folder, "market_resolved_*.json"),
    }
    event, subscription = event_of(), Subscription(extras=True)
    CHANNEL.add(subscription, tokens_of(event), T0)

    told = [f for n in range(40) for f in frames(subscription, T0 + n * 60 * MINUTE, T0 + (n + 1) * 60 * MINUTE)]

    for name, values in shapes.items():
        found = [frame for frame in told if frame["event_type"] == name]
        assert found, name
        # a resolution was captured with the words of its event besides
        faults = Shape(values).faults(found[0])
        assert [fault for fault in faults if name != "market_resolved" or "is missing" not in fault] == [], name


# over a socket


@pytest.fixture
def channel() -> Iterator[str]:
    with StreamServer(World(7, speed=600.0)) as server:
        yield f"ws://127.0.0.1:{server.port}{PATH}"


def hear(line: ClientConnection) -> Any:
    text = line.recv(timeout=20)
    return text if text in ("PONG", "INVALID OPERATION") else json.loads(text)


def subscribe(line: ClientConnection, tokens: list[str], **more: object) -> None:
    line.send(json.dumps({"assets_ids": tokens, "type": "market", **more}))


def test_a_subscriber_hears_books_first_and_then_what_changes(channel: str) -> None:
    tokens = tokens_of(event_of())
    with connect(channel) as line:
        subscribe(line, tokens)

        books = hear(line)
        later = [hear(line) for _ in range(5)]

    assert isinstance(books, list)
    assert {book["event_type"] for book in books} == {"book"}
    assert [book["asset_id"] for book in books] == tokens
    assert "price_change" in {frame["event_type"] for frame in later if isinstance(frame, dict)}


def test_a_ping_is_answered_and_nonsense_is_not_obeyed(channel: str) -> None:
    with connect(channel) as line:
        line.send("PING")
        assert hear(line) == "PONG"
        line.send("hello")
        assert hear(line) == "INVALID OPERATION"
        subscribe(line, tokens_of(event_of())[:2], initial_dump=False)
        line.send(json.dumps({"assets_ids": tokens_of(event_of())[:2], "operation": "unsubscribe"}))
        line.send("PING")
        heard = [hear(line)]
        while heard[-1] != "PONG":
            heard.append(hear(line))
    assert not [frame for frame in heard if isinstance(frame, list)]


def test_another_path_is_not_found(channel: str) -> None:
    with pytest.raises(InvalidStatus), connect(channel.replace("market", "user")):
        pass


def test_a_channel_that_is_cut_off_closes_and_one_that_hangs_says_nothing() -> None:
    for name in ("cut_off", "hang"):
        world = World(7, faults=name)
        episode = next(e for e in world.faults.between(T0, T0 + 10 * 86_400_000) if e.service == STREAM)
        world = World(7, faults=name, start=START.fromtimestamp(episode.start / 1000 + 60, START.tzinfo))
        with StreamServer(world) as server, connect(f"ws://127.0.0.1:{server.port}{PATH}") as line:
            if name == "cut_off":
                with pytest.raises(ConnectionClosed):
                    line.recv(timeout=20)
            else:
                line.send("PING")
                with pytest.raises(TimeoutError):
                    line.recv(timeout=1)
        assert world.faults.counts[name][STREAM] >= 1


def test_the_server_announces_its_channel_and_ends_when_told(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "venues.demo.server", "--announce", str(file), "--faults", "halted"], cwd=ROOT
    )
    try:
        while not file.exists():
            assert process.poll() is None
        announced = json.loads(file.read_text())
        with connect(f"ws://127.0.0.1:{announced['stream_port']}{PATH}") as line:
            line.send("PING")
            assert hear(line) == "PONG"
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(timeout=30) == 0
    finally:
        process.kill()
    refused = subprocess.run(
        [sys.executable, "-m", "venues.demo.server", "--faults", "flood"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "no fault flood" in refused.stderr
