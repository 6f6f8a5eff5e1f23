"""The demo world is a pure function of (seed, instant, request), on a socket or without one."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
import requests

from venues.demo.kalshi_listing import market_ticker
from venues.demo.noise import key, normals, smooth, smooth_at, uniforms
from venues.demo.places import BY_CODE, DEFAULT
from venues.demo.server import DemoServer
from venues.demo.transport import DemoAdapter
from venues.demo.world import INSTANT_HEADER, START, World

STATIONS = [BY_CODE[code] for code in DEFAULT]
ROOT = Path(__file__).resolve().parents[2]
MODELS = "ecmwf_ifs025,gfs_seamless,icon_seamless"
Asked = tuple[str, str, bytes, str]

DIGESTS = """
import hashlib, json, sys
from venues.demo.world import World
world = World(7)
for method, target, body, instant in json.load(sys.stdin):
    answer = world.answer(method, target, body.encode(), instant)
    print(answer.status, hashlib.sha256(answer.body).hexdigest())
"""


def instants(hours: tuple[float, ...] = (-300.0, -0.02, 0.25, 31.7, 900.3)) -> list[str]:
    return [(START + timedelta(hours=n)).isoformat().replace("+00:00", "Z") for n in hours]


@cache
def some_requests() -> tuple[Asked, ...]:
    """Every kind of request at several instants."""
    out: list[Asked] = []
    world = World(7)
    for instant in instants():
        milliseconds = int(1000 * START.fromisoformat(instant).timestamp())
        event = world.exchange.around(milliseconds, back=1)[-1]
        other = world.exchange.around(milliseconds, back=1, venue="kalshi")[-1]
        ticker = market_ticker(other, 2)
        second = milliseconds // 1000
        tokens = [world.exchange.token(event, bracket, side) for bracket in range(11) for side in (0, 1)]
        out += [
            ("GET", f"/gamma/events?slug={event.slug}", b"", instant),
            ("GET", "/gamma/events?tag_id=104596&closed=false&limit=25", b"", instant),
            ("GET", "/gamma/events?tag_id=104596&closed=true&limit=7", b"", instant),
            ("POST", "/clob/books", json.dumps([{"token_id": token} for token in tokens]).encode(), instant),
            ("GET", f"/clob/book?token_id={tokens[5]}", b"", instant),
            ("GET", f"/clob/tick-size?token_id={tokens[5]}", b"", instant),
            ("GET", f"/clob/markets/{world.exchange.condition(event, 4)}", b"", instant),
            ("GET", f"/clob/prices-history?market={tokens[6]}&interval=6h", b"", instant),
            ("GET", "/clob/time", b"", instant),
            ("GET", "/gamma/events/keyset?tag_id=103040&limit=5", b"", instant),
            ("GET", f"/data/trades?market={world.exchange.condition(event, 5)}", b"", instant),
            (
                "GET",
                f"/kalshi/trade-api/v2/events?series_ticker={other.contract.series}&with_nested_markets=true",
                b"",
                instant,
            ),
            ("GET", f"/kalshi/trade-api/v2/markets/orderbooks?tickers={ticker}", b"", instant),
            ("GET", f"/kalshi/trade-api/v2/markets/trades?ticker={ticker}", b"", instant),
            (
                "GET",
                f"/kalshi/trade-api/v2/markets/candlesticks?market_tickers={ticker}&start_ts={second - 40_000}"
                f"&end_ts={second}&period_interval=60",
                b"",
                instant,
            ),
            ("GET", "/awc/metar?ids=" + ",".join(s.code for s in STATIONS) + "&format=json&hours=26", b"", instant),
            ("GET", "/awc/metar?ids=KLGA&hours=3", b"", instant),
        ]
        out += [
            ("GET", f"/open-meteo/v1/forecast?latitude={s.lat}&longitude={s.lon}&hourly=temperature_2m&models={MODELS}"
                    f"&timezone={s.zone}&timeformat=unixtime&past_days=2", b"", instant)
            for s in STATIONS[::4]
        ]  # fmt: skip
    return tuple(out)


@pytest.fixture
def served() -> Iterator[tuple[World, str]]:
    world = World(7)
    server = DemoServer(world, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield world, f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_same_request_gives_the_same_bytes_in_any_order_and_in_another_process() -> None:
    asked = some_requests()
    world = World(7)
    here = {n: world.answer(*request) for n, request in enumerate(asked)}
    order = list(here)
    random.Random(1).shuffle(order)
    shuffled = [(asked[n][0], asked[n][1], asked[n][2].decode(), asked[n][3]) for n in order]

    other = subprocess.run(
        [sys.executable, "-c", DIGESTS], input=json.dumps(shuffled), capture_output=True, text=True, check=True, cwd=ROOT
    )

    lines = dict(zip(order, other.stdout.splitlines(), strict=True))
    assert lines == {n: f"{answer.status} {hashlib.sha256(answer.body).hexdigest()}" for n, answer in here.items()}
    assert {answer.status for answer in here.values()} == {200}


def test_a_cold_world_asked_for_one_thing_answers_like_a_warm_one() -> None:
    asked = random.Random(2).sample(some_requests(), 12)
    warm = World(7)
    for request in some_requests()[::3]:
        warm.answer(*request)

    for request in asked:
        assert World(7).answer(*request) == warm.answer(*request)


def test_another_seed_is_another_world() -> None:
    _, target, body, instant = some_requests()[1]

    first, second = (World(seed).answer("GET", target, body, instant).body for seed in (7, 8))

    assert first != second


def test_noise_is_the_same_alone_and_in_an_array() -> None:
    places = [n * 0.377 for n in range(500)]
    stream = key(7, "test")

    array = smooth(stream, np.array(places))

    assert array.tolist() == [smooth_at(stream, place) for place in places]


def test_noise_has_the_moments_it_claims() -> None:
    counters = np.arange(200_000)

    normal, uniform = normals(key("n"), counters), uniforms(key("u"), counters)

    # five standard errors
    assert abs(normal.mean()) < 5 / 200_000**0.5
    assert normal.std() == pytest.approx(1.0, abs=0.01)
    assert uniform.mean() == pytest.approx(0.5, abs=5 * 0.2887 / 200_000**0.5)


def test_the_server_and_the_adapter_give_the_same_bytes(served: tuple[World, str]) -> None:
    _, url = served
    near = requests.Session()
    near.mount("http://", DemoAdapter(World(7)))
    far = requests.Session()
    asked = [*some_requests()[::2], ("GET", "/nowhere", b"", instants()[0]), ("GET", "/clob/book", b"", instants()[0])]

    for method, target, body, instant in asked:
        headers = {INSTANT_HEADER: instant}
        over_socket = far.request(method, url + target, data=body, headers=headers, timeout=30)
        without = near.request(method, "http://demo.invalid" + target, data=body, headers=headers, timeout=30)

        assert (over_socket.status_code, over_socket.content) == (without.status_code, without.content)
        assert over_socket.headers["Content-Type"] == without.headers["Content-Type"]
        assert over_socket.reason == without.reason
    far.close()


def test_a_connection_is_kept_open(served: tuple[World, str]) -> None:
    _, url = served
    connection = HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.connect()
    socket = connection.sock

    for _ in range(3):
        connection.request("GET", "/health")
        assert json.loads(connection.getresponse().read()) == {"status": "ok", "world": "demo:7"}
        assert connection.sock is socket
    connection.close()


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/", 404), ("/gamma", 404), ("/gamma/nothing", 404), ("/clob/books", 404), ("/awc/taf", 404), ("/other/x", 404),
        ("/gamma/events?slug=highest-temperature-in-atlantis-on-june-2-2026", 200),
        ("/gamma/events?slug=highest-temperature-in-nyc-on-june-2", 200),
        ("/gamma/events?limit=many", 422), ("/gamma/events?closed=perhaps", 422), ("/gamma/events/slug/unknown", 404),
        ("/gamma/events/12", 404), ("/clob/book", 400), ("/clob/book?token_id=12", 404), ("/clob/markets/0x12", 404),
        ("/clob/markets/zebra", 404), ("/clob/prices-history", 400), ("/clob/prices-history?market=12&interval=2y", 400),
        ("/awc/metar", 400), ("/awc/metar?ids=KLGA&hours=soon", 400), ("/awc/metar?ids=XXXX&format=json", 204),
        ("/open-meteo/v1/forecast", 400), ("/open-meteo/v1/forecast?latitude=99&longitude=0", 400),
        ("/open-meteo/v1/forecast?latitude=51.5&longitude=0&hourly=temperature_2m&timezone=Nowhere/Atall", 400),
        ("/open-meteo/v1/forecast?latitude=51.5&longitude=0&forecast_days=99", 400),
    ],
)  # fmt: skip
def test_a_wrong_request_is_answered_as_the_service_would(target: str, status: int) -> None:
    answer = World(7).answer("GET", target, b"", instants()[2])

    assert answer.status == status
    if status == 200:
        assert answer.body == b"[]"  # FACTS 2.1: an unknown slug is no error
    elif status == 204:
        assert answer.body == b""
    else:
        assert "error" in json.loads(answer.body)


@pytest.mark.parametrize("body", [b"", b"{}x", b'["1"]', b'[{"token_id": 5}]', b'{"token_id": "1"}'])
def test_malformed_book_requests_are_refused(body: bytes) -> None:
    assert World(7).answer("POST", "/clob/books", body, instants()[2]).status == 400


def test_unknown_tokens_are_left_out_of_several_books() -> None:
    assert World(7).answer("POST", "/clob/books", b'[{"token_id": "12"}]', instants()[2]).body == b"[]"


def test_an_instant_without_a_zone_is_refused() -> None:
    assert World(7).answer("GET", "/clob/time", b"", "2026-06-01T17:00:00").status == 400


def test_without_an_instant_the_world_runs_from_its_start_on_its_own_clock() -> None:
    world = World(7, speed=3_600.0)

    seconds = [int(world.answer("GET", "/clob/time").body) for _ in range(50)]

    assert seconds[0] >= START.timestamp()
    assert seconds == sorted(seconds)


def test_the_server_announces_itself_and_ends_on_sigterm(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    command = [sys.executable, "-m", "venues.demo.server", "--seed", "7", "--port", "0", "--announce", str(file)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
    try:
        while not file.exists():
            assert process.poll() is None
            time.sleep(0.02)
        told = json.loads(file.read_text())
        answer = requests.get(f"http://127.0.0.1:{told['port']}/health", timeout=10)

        assert told["pid"] == process.pid
        assert answer.json()["status"] == "ok"
    finally:
        os.kill(process.pid, signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, b"")


def test_the_world_shares_no_code_with_what_it_is_meant_to_falsify() -> None:
    allowed = {"numpy", "orjson", "requests", "websockets", "venues.demo", "__future__"} | sys.stdlib_module_names
    for file in (ROOT / "venues/demo").glob("*.py"):
        for line in file.read_text().splitlines():
            words = line.split()
            if words[:1] in (["import"], ["from"]):
                name = words[1].rstrip(",")
                assert any(name == root or name.startswith(f"{root}.") for root in allowed), f"{file.name}: {line}"
