"""One stream under two documented names: a row is told once to each client, under the name that its socket asks for."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.stream import FAMILIES, HERMES, TRANSMISSION, parcel_of
from core.model.activity import Action, Activity
from tests.api import world
from tests.api.test_stream import STREAM, take

SYSTEM = STREAM.removesuffix("/trading")
# FACTS III.2: type of a message on /ws and the key at its top.
DOCUMENTED = {"regime_change": "regime", "signal": "signal", "risk_update": "risk", "trade_execution": "trade"}


def row(kind: str, **data: object) -> Activity:
    return Activity(world.NOW, Action.RISK, "x", type=kind, station="KLGA", event_day=date(2026, 12, 9), data=data, seq=1)


def test_the_system_socket_greets_and_answers_a_ping(client: TestClient) -> None:
    with client.websocket_connect(SYSTEM) as socket:
        greeting = socket.receive_json()
        socket.send_json({"type": "ping"})
        pong = socket.receive_json()

    assert (greeting["type"], greeting["data"]["last_seq"]) == ("connected", 15)
    assert pong["type"] == "pong"


def test_its_default_channels_hold_trades_and_not_the_cycles(client: TestClient) -> None:
    with client.websocket_connect(f"{SYSTEM}?after=0") as socket:
        heard = until_pong(socket)

    assert {message["type"] for message in heard} == {"trade_execution"}
    assert len(heard) == 4


def until_pong(socket: Any) -> list[dict[str, Any]]:
    """Return the rows that come before everything of the past was sent."""
    assert socket.receive_json()["type"] == "connected"
    rows: list[dict[str, Any]] = []
    socket.send_json({"type": "ping"})
    while (message := socket.receive_json())["type"] != "pong":
        rows.append(message)
    return rows


def test_a_trade_is_told_once_under_the_name_of_each_socket(client: TestClient) -> None:
    with client.websocket_connect(f"{SYSTEM}?after=0&channels=trades") as socket:
        here = until_pong(socket)
    with client.websocket_connect(f"{STREAM}?after=0") as socket:
        there = [message for message in take(socket, 15) if message["type"].startswith("trade")]

    assert [message["seq"] for message in here] == [message["seq"] for message in there]
    assert {message["type"] for message in here} == {"trade_execution"}
    assert {message["type"] for message in there} == {"trade_placed"}
    assert all(message["trade"] == message["data"] for message in here)
    assert all(set(message) == {"seq", "type", "timestamp", "data"} for message in there)


@pytest.mark.parametrize(("kind", "key"), DOCUMENTED.items())
def test_a_documented_type_carries_its_key_beside_data(kind: str, key: str) -> None:
    stored = {"trade_execution": "trade_placed", "signal": "edges_updated"}.get(kind, kind)
    parcel = parcel_of(row(stored, edges_count=2, regime="VOLATILE", previous="STABLE"))

    name = parcel.name_for(TRANSMISSION, TRANSMISSION.channels)
    text = parcel.text(TRANSMISSION, name)

    assert name == kind
    assert f'"{key}":{{' in text
    assert f'"{key}":{{' not in parcel.text(HERMES, parcel.name_for(HERMES, HERMES.channels))


def test_edges_without_one_to_trade_are_no_signal() -> None:
    quiet, loud = parcel_of(row("edges_updated", edges_count=0)), parcel_of(row("edges_updated", edges_count=1))

    assert quiet.name_for(TRANSMISSION, TRANSMISSION.channels) == ""
    assert loud.name_for(TRANSMISSION, TRANSMISSION.channels) == "signal"
    assert loud.name_for(HERMES, HERMES.channels) == "edges_updated"


@pytest.mark.parametrize(
    ("family", "channels", "name"),
    [
        (HERMES, {"edges", "signal"}, "edges_updated"), (HERMES, {"signal"}, "signal"), (HERMES, {"edges"}, "edges_updated"),
        (TRANSMISSION, {"edges", "signal"}, "signal"), (TRANSMISSION, {"edges"}, "edges_updated"), (TRANSMISSION, {"risk"}, ""),
    ],
)  # fmt: skip
def test_a_client_of_both_channels_hears_a_row_once(family: Any, channels: set[str], name: str) -> None:
    parcel = parcel_of(row("edges_updated", edges_count=1))

    assert parcel.name_for(family, frozenset(channels)) == name


def test_each_message_of_a_row_is_encoded_once() -> None:
    parcel = parcel_of(row("trade_placed"))

    texts = [parcel.text(family, parcel.name_for(family, family.channels)) for family in FAMILIES for _ in range(3)]

    assert len({id(text) for text in texts}) == 2
    assert len(parcel.texts) == 2


def test_both_sockets_resume_after_a_row(tmp_path: Path, client: TestClient) -> None:
    with client.websocket_connect(f"{SYSTEM}?after=2") as socket:
        rest = until_pong(socket)
    with client.websocket_connect(f"{SYSTEM}?after=0") as socket:
        whole = until_pong(socket)

    assert rest == [message for message in whole if message["seq"] > 2]


def test_a_malformed_question_is_refused_here_too(client: TestClient) -> None:
    from starlette.websockets import WebSocketDisconnect

    with client.websocket_connect(f"{SYSTEM}?channels=secrets") as socket, pytest.raises(WebSocketDisconnect) as refused:
        socket.receive_json()

    assert refused.value.code == 1008
