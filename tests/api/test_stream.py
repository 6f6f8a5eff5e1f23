"""The stream: resumed without a gap or a double, fair to all, dropped where a client is too slow."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect, WebSocketState

from api import stream
from api.stream import CHANNELS, Hub, Wish, parcel_of
from core.model.activity import Action, Activity
from tests.api import world
from tests.api.conftest import STREAM, client_of
from tests.api.writer import write

ALL = ",".join(CHANNELS)


def take(socket: Any, until: int) -> list[dict[str, Any]]:
    """Return the rows of the journal that come in, up to the one numbered `until`."""
    rows: list[dict[str, Any]] = []
    while not rows or rows[-1]["seq"] < until:
        message = socket.receive_json()
        if message["type"] not in ("connected", "ping"):
            rows.append(message)
    return rows


def test_a_client_is_greeted_with_where_the_journal_stands(client: TestClient) -> None:
    with client.websocket_connect(STREAM) as socket:
        greeting = socket.receive_json()

    assert set(greeting) == {"seq", "type", "timestamp", "data"}
    assert greeting["type"] == "connected"
    assert greeting["data"]["last_seq"] == 15
    assert greeting["data"]["connection_count"] >= 1


def test_a_client_that_was_away_gets_every_row_since(client: TestClient) -> None:
    with client.websocket_connect(f"{STREAM}?after=3&channels={ALL}") as socket:
        rows = take(socket, 15)

    assert [row["seq"] for row in rows] == list(range(4, 16))
    assert all(set(row) == {"seq", "type", "timestamp", "data"} for row in rows)


def test_the_documented_messages_carry_their_fields(client: TestClient) -> None:
    with client.websocket_connect(f"{STREAM}?after=0") as socket:
        rows = {row["type"]: row["data"] for row in take(socket, 15)}

    assert rows["cycle_complete"]["cycle_number"] == 3
    assert rows["cycle_complete"]["duration_ms"] == 41.5
    assert rows["trade_placed"]["station_code"] == "KLGA"
    assert rows["edges_updated"]["event_day"] == "2026-12-09"


def test_past_and_present_join_without_a_gap(tmp_path: Path) -> None:
    world.build(tmp_path)
    with client_of(tmp_path) as client, client.websocket_connect(f"{STREAM}?after=0&channels={ALL}") as socket:
        before = take(socket, 15)
        write(tmp_path, cycles=20)
        after = take(socket, 15 + 20 * 3)

    assert [row["seq"] for row in before + after] == list(range(1, 76))


def test_a_journal_that_is_not_there_yet_is_followed_from_its_first_row(tmp_path: Path) -> None:
    with client_of(tmp_path) as client, client.websocket_connect(f"{STREAM}?after=0&channels={ALL}") as socket:
        assert socket.receive_json()["data"]["last_seq"] == 0
        world.build(tmp_path)
        rows = take(socket, 15)

    assert [row["seq"] for row in rows] == list(range(1, 16))


def test_a_ping_is_answered(client: TestClient) -> None:
    with client.websocket_connect(STREAM) as socket:
        socket.receive_json()
        socket.send_text('{"type": "ping"}')
        answer = socket.receive_json()

    assert (answer["type"], answer["data"]["last_seq"]) == ("pong", 15)


def test_a_client_chooses_channels_and_stations(tmp_path: Path) -> None:
    world.build(tmp_path)
    with client_of(tmp_path) as client, client.websocket_connect(STREAM) as socket:
        socket.receive_json()
        socket.send_json({"type": "subscribe", "channels": ["edges"], "stations": ["klga"]})
        answer = socket.receive_json()
        write(tmp_path, cycles=2)
        rows = [socket.receive_json() for _ in range(2)]

    assert answer["type"] == "subscribed"
    assert answer["data"] == {"channels": ["edges"], "stations": ["KLGA"]}
    assert [(row["seq"], row["type"]) for row in rows] == [(16, "edges_updated"), (19, "edges_updated")]


def test_another_station_s_rows_do_not_come(client: TestClient) -> None:
    with client.websocket_connect(f"{STREAM}?after=0&stations=EGLC") as socket:
        rows = take(socket, 15)  # rows about no station go to all

    assert {row["type"] for row in rows} == {"cycle_complete", "source_error"}


@pytest.mark.parametrize(
    "said", ["hello", "[]", "7", '{"type": "buy"}', '{"type": "subscribe", "channels": ["secrets"]}', '{"channels": []}']
)
def test_what_is_not_understood_is_answered_with_an_error(client: TestClient, said: str) -> None:
    with client.websocket_connect(STREAM) as socket:
        socket.receive_json()
        socket.send_text(said)
        answer = socket.receive_json()

    assert answer["type"] == "error"
    assert answer["data"]["code"] == "malformed"


@pytest.mark.parametrize("query", ["after=x", "after=-1", "since=3", "after=1&after=2", "channels=secrets"])
def test_a_malformed_question_is_refused_with_a_reason(client: TestClient, query: str) -> None:
    with client.websocket_connect(f"{STREAM}?{query}") as socket, pytest.raises(WebSocketDisconnect) as refused:
        socket.receive_json()

    assert refused.value.code == 1008
    assert refused.value.reason


def test_a_number_from_another_journal_is_said_to_be_reset(client: TestClient) -> None:
    with client.websocket_connect(f"{STREAM}?after=999") as socket:
        greeting = socket.receive_json()["data"]

    assert greeting["reset"] is True
    assert greeting["last_seq"] == 15


class Tape:
    """An activity that grows when told, and counts how often it is asked."""

    def __init__(self) -> None:
        self.rows: list[Activity] = []
        self.asked = 0

    def add(self, count: int) -> None:
        start = len(self.rows)
        self.rows += [Activity(world.NOW, Action.CYCLE, "x", type="cycle_complete", seq=start + i + 1) for i in range(count)]

    def version(self) -> int:
        self.asked += 1
        return len(self.rows)

    def after(self, seq: int, limit: int = 500) -> Sequence[Activity]:
        self.asked += 1
        return self.rows[seq : seq + limit]


class Line:
    """The socket of one client; `stuck` never finishes a send."""

    application_state = WebSocketState.CONNECTED

    def __init__(self, *, stuck: bool = False) -> None:
        self.stuck, self.got, self.closed = stuck, [], ()  # type: list[int], tuple[object, ...]
        self.gone = asyncio.Event()

    async def accept(self) -> None: ...

    async def send_text(self, text: str) -> None:
        if self.stuck:
            await asyncio.Event().wait()
        message = json.loads(text)
        if message["type"] == "cycle_complete":
            self.got.append(message["seq"])

    async def receive_text(self) -> str:
        await self.gone.wait()
        raise WebSocketDisconnect

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)
        self.application_state = WebSocketState.DISCONNECTED


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0)


def play(scene: Callable[[Tape, Hub], Awaitable[None]]) -> None:
    async def run() -> None:
        tape = Tape()
        hub = Hub(tape, tick_seconds=0.0, ping_seconds=1e9)  # type: ignore[arg-type]
        follower = asyncio.create_task(hub.follow())
        try:
            await scene(tape, hub)
        finally:
            follower.cancel()

    asyncio.run(run())


def test_a_slow_client_is_dropped_with_a_reason_and_slows_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "QUEUE_LENGTH", 8)
    slow, quick = Line(stuck=True), Line()

    async def scene(tape: Tape, hub: Hub) -> None:
        serving = [asyncio.create_task(hub.serve(line, Wish())) for line in (slow, quick)]  # type: ignore[arg-type]
        await until(lambda: hub.connection_count == 2)
        for _ in range(40):
            seen = len(quick.got)
            tape.add(1)
            await until(lambda seen=seen: len(quick.got) > seen)  # type: ignore[misc]
        await until(lambda: bool(slow.closed))
        quick.gone.set()
        await asyncio.gather(*serving)
        assert hub.connection_count == 0
        assert hub.dropped == 1

    play(scene)

    assert slow.closed[0] == stream.TRY_AGAIN_LATER
    assert "too slow" in str(slow.closed[1])
    assert quick.got == list(range(1, 41))


def test_a_row_that_arrives_while_the_past_is_sent_comes_once() -> None:
    lines = [Line() for _ in range(20)]

    async def scene(tape: Tape, hub: Hub) -> None:
        tape.add(1200)  # several pages of the past
        await until(lambda: hub.seq == 1200)
        serving = []
        for line in lines:
            serving.append(asyncio.create_task(hub.serve(line, Wish(after=0))))  # type: ignore[arg-type]
            tape.add(7)
            await asyncio.sleep(0)
        await until(lambda: all(len(line.got) >= 1200 + 7 * len(lines) for line in lines))
        for line in lines:
            line.gone.set()
        await asyncio.gather(*serving)

    play(scene)

    assert all(line.got == list(range(1, 1341)) for line in lines)


def test_the_journal_is_asked_once_a_tick_whatever_the_number_of_clients() -> None:
    async def scene(tape: Tape, hub: Hub) -> None:
        lines = [Line() for _ in range(50)]
        serving = [asyncio.create_task(hub.serve(line, Wish())) for line in lines]  # type: ignore[arg-type]
        await until(lambda: hub.connection_count == 50)
        tape.asked, ticks = 0, hub.ticks
        await until(lambda: hub.ticks >= ticks + 20)
        assert tape.asked <= hub.ticks - ticks + 1
        for line in lines:
            line.gone.set()
        await asyncio.gather(*serving)

    play(scene)


def test_a_row_is_encoded_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []

    def counted(row: Activity) -> stream.Parcel:
        encoded.append(row.seq)
        return parcel_of(row)

    monkeypatch.setattr(stream, "parcel_of", counted)

    async def scene(tape: Tape, hub: Hub) -> None:
        lines = [Line() for _ in range(30)]
        serving = [asyncio.create_task(hub.serve(line, Wish())) for line in lines]  # type: ignore[arg-type]
        await until(lambda: hub.connection_count == 30)
        tape.add(10)
        await until(lambda: all(len(line.got) == 10 for line in lines))
        for line in lines:
            line.gone.set()
        await asyncio.gather(*serving)

    play(scene)

    assert encoded == list(range(1, 11))
