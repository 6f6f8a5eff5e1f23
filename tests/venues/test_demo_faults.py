"""Faults of the demo world: when they strike is a function of the seed, what they do is what their names say."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha1
from typing import Any

import orjson
import pytest
import requests

from core.errors import SettingsError
from core.wiring.desk import demo_adapter
from tests.venues.demo_requests import HEADERS, Request, iso, requests_of, said, slugs_around
from venues.demo.answers import Answer, Carriage
from venues.demo.faults import FAULTS, LANES, SERVICES, SLOT_MS, STREAM, Faults, names_of
from venues.demo.noise import uniform
from venues.demo.places import BY_CODE
from venues.demo.server import DemoServer
from venues.demo.transport import DemoAdapter
from venues.demo.world import INSTANT_HEADER, START, World

T0 = int(START.timestamp() * 1000)
MINUTE, DAY = 60_000, 86_400_000
PAIRS = [(name, service) for name, fault in FAULTS.items() for service in fault.services if service != STREAM]
PASSING = [pair for pair in PAIRS if not FAULTS[pair[0]].standing]


HONEST = World(7)


def world_with(*names: str, rate: float = 0.0) -> World:
    """Return a world with faults that shares what is already computed with the one that has none."""
    world = copy(HONEST)
    world.faults = Faults(7, ",".join(names), rate)
    return world


def struck(name: str, service: str, most: int = 6) -> Iterator[tuple[Request, int, Answer, Answer]]:
    """Yield what was asked, when, the honest answer and the faulty one, in the middle of episodes of a fault."""
    world = world_with(name)
    episodes = [e for e in world.faults.between(T0, T0 + 10 * DAY) if (e.fault, e.service) == (name, service)][:most]
    for episode in episodes:
        at = (episode.start + episode.end) // 2
        for request in requests_of(HONEST, service, at):
            yield request, at, said(HONEST, request, at), said(world, request, at)


def first_struck(name: str, service: str, about: str = "") -> tuple[Request, int, Answer, Answer]:
    return next(found for found in struck(name, service) if found[2] != found[3] and about in found[0][1])


def objects(body: Any) -> Iterator[dict[str, Any]]:
    if isinstance(body, dict):
        yield body
    for value in body.values() if isinstance(body, dict) else body if isinstance(body, list) else ():
        yield from objects(value)


# when


def test_every_fault_comes_up_for_every_service_several_times_in_ten_days() -> None:
    faults = Faults(7, "all")

    seen = Counter((e.fault, e.service) for e in faults.between(T0, T0 + 10 * DAY))

    expected = {(name, service) for name, fault in FAULTS.items() for service in fault.services if not fault.standing}
    assert set(seen) == expected
    assert min(seen.values()) >= 3


def test_few_services_suffer_at_once_and_none_for_long() -> None:
    faults = Faults(7, "all")

    lengths = [(e.end - e.start) // MINUTE for e in faults.between(T0, T0 + 10 * DAY)]
    at_once = [len({e.service for e in faults.at(at)}) for at in range(T0, T0 + 10 * DAY, 5 * MINUTE)]

    assert min(lengths) >= 5
    assert max(lengths) <= 90
    assert max(at_once) <= LANES
    assert at_once.count(0) > len(at_once) / 20


def test_the_schedule_is_a_function_of_the_seed_and_of_what_is_switched_on() -> None:
    plans = [[e.as_json() for e in Faults(seed, "all").between(T0, T0 + DAY)] for seed in (7, 7, 8)]

    assert plans[0] == plans[1] != plans[2]
    assert {e.fault for e in Faults(7, "hang,limited").between(T0, T0 + DAY)} == {"hang", "limited"}
    assert Faults(7).at(T0) == []
    assert Faults(7).names == ()


def test_a_fault_that_there_is_not_is_refused_with_the_names_of_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no fault flood; there are .*hang"):
        names_of("hang,flood")
    with pytest.raises(SettingsError, match=r"HERMES_DEMO_FAULTS.*flood"):
        demo_adapter(7, "flood")
    assert names_of("all") == tuple(FAULTS)
    assert names_of("none") == names_of("") == ()


def test_a_rate_hits_that_share_of_requests_outside_of_episodes() -> None:
    world = world_with("server_error", rate=0.2)
    calm = [at for at in range(T0, T0 + 2 * DAY, 7 * MINUTE) if not world.faults.at(at)]

    hit = [said(world, ("GET", "/clob/time", b""), at).status >= 500 for at in calm]

    # five standard errors of a share of 0.2
    assert abs(sum(hit) / len(hit) - 0.2) < 5 * (0.16 / len(hit)) ** 0.5


def test_without_faults_the_world_answers_as_if_there_were_none() -> None:
    world = world_with("all")
    calm = next(at for at in range(T0, T0 + DAY, MINUTE) if not world.faults.at(at))

    for service in ("zeus", "open-meteo", "clob", "data"):
        for request in requests_of(HONEST, service, calm):
            assert said(world, request, calm) == said(HONEST, request, calm)


# counted, and pure


@pytest.mark.parametrize(("name", "service"), PASSING)
def test_a_fault_fires_at_its_service_and_is_counted(name: str, service: str) -> None:
    world = world_with(name)
    episodes = [e for e in world.faults.between(T0, T0 + 20 * DAY) if e.service == service][:12]

    fired = 0
    for episode in episodes:
        at = (episode.start + episode.end) // 2
        for request in requests_of(HONEST, service, at):
            answer = said(world, request, at)
            fired += answer != said(HONEST, request, at)
        if fired:
            break

    assert fired > 0
    assert world.faults.counts == {name: {service: fired}}


def test_all_faults_of_ten_days_fire_ten_times_each() -> None:
    world = world_with("all")
    for episode in world.faults.between(T0, T0 + 10 * DAY):
        if episode.service == STREAM:
            continue
        fired = sum(world.faults.counts.get(episode.fault, {}).values())
        for at in range(episode.start, episode.end if fired < 10 else episode.start, 15 * MINUTE):
            for request in requests_of(HONEST, episode.service, at)[:3]:
                said(world, request, at)
    for at in range(T0, T0 + 5 * DAY, 6 * 60 * MINUTE):
        for request in (requests_of(HONEST, "awc", at)[0], *_settled("gamma"), *requests_of(HONEST, "gamma", at)):
            said(world, request, at)

    totals = {name: sum(services.values()) for name, services in world.faults.counts.items()}

    assert {name: totals.get(name, 0) for name in FAULTS if totals.get(name, 0) < 10} == {}


def test_a_world_with_faults_is_the_one_without_them_and_then_the_faults() -> None:
    borrowed, own = world_with("all"), World(7, faults="all")

    for service, at in (("awc", T0), ("zeus", T0 + DAY), ("clob", T0 + 31 * MINUTE), ("iem", T0 + 5 * MINUTE)):
        for request in requests_of(HONEST, service, at):
            assert said(borrowed, request, at) == said(own, request, at)


def test_the_same_request_at_the_same_instant_meets_the_same_fault() -> None:
    first, second = world_with("all"), world_with("all", rate=0.0)

    for episode in list(first.faults.between(T0, T0 + 3 * DAY)):
        if episode.service == STREAM:
            continue
        at = episode.start + MINUTE
        for request in requests_of(HONEST, episode.service, at)[:2]:
            assert said(first, request, at) == said(first, request, at) == said(second, request, at)


def test_what_happens_is_told_to_those_who_ask() -> None:
    world = world_with("hang")
    episode = next(e for e in world.faults.between(T0, T0 + DAY) if e.service == "awc")
    said(world, ("GET", "/awc/metar?ids=KLGA&format=json", b""), episode.start)

    counts = json.loads(world.answer("GET", "/faults").body)
    now = json.loads(world.answer("GET", f"/faults?at={iso(episode.start)}").body)

    assert counts == {"hang": {"awc": 1}}
    assert episode.as_json() in now["episodes"]
    assert world.answer("GET", "/faults?at=noon").status == 400


# what


def test_a_refusal_says_when_to_come_again() -> None:
    for service in SERVICES:
        *_, answer = first_struck("limited", service)

        assert answer.status == 429
        assert dict(answer.headers)["Retry-After"].isdigit()


def test_other_refusals_have_their_status() -> None:
    assert first_struck("too_early", "clob")[3].status == 425
    statuses = {answer.status for service in SERVICES for *_, answer in struck("server_error", service)}
    assert statuses == {500, 502, 503, 504}


def test_a_truncated_answer_is_no_json_and_a_mistyped_one_is_a_page() -> None:
    *_, truncated = first_struck("truncated", "gamma")
    *_, mistyped = first_struck("wrong_type", "gamma")

    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(truncated.body)
    assert mistyped.status == 200
    assert mistyped.kind.startswith("text/html")


def test_stale_reports_are_hours_old_and_old_ones_a_month() -> None:
    for name, least, most in (("stale_metar", 2, 9), ("old_metar", 720, 722)):
        _, at, _, answer = first_struck(name, "awc")
        newest = max(row["obsTime"] for row in json.loads(answer.body))

        assert least <= (at / 1000 - newest) / 3600 <= most


def test_an_old_report_says_the_same_day_in_its_text() -> None:
    *_, answer = first_struck("old_metar", "awc")

    for row in json.loads(answer.body):
        assert f" {datetime.fromtimestamp(row['obsTime'], UTC):%d%H%M}Z " in row["rawOb"]


def test_a_future_report_lies_ahead_of_its_receipt() -> None:
    for service in ("awc", "nws", "iem"):
        found = [
            (at, _valid_times(service, after)) for _, at, before, after in struck("future_times", service) if before != after
        ]

        assert all(max(times) > at / 1000 + 600 for at, times in found if times)
        assert any(times for _, times in found)


@pytest.mark.parametrize("service", ["awc", "nws", "iem"])
def test_an_impossible_report_says_71_degrees_in_field_and_text(service: str) -> None:
    *_, answer = first_struck("impossible_temperature", service, "observations" if service == "nws" else "")

    text = answer.body.decode()
    assert re.search(r" 71/M?\d\d", text)
    assert re.search(r'"temp":71|"value":71\.0|159\.80', text)


@pytest.mark.parametrize("service", ["awc", "nws", "iem"])
def test_a_missing_temperature_is_missing_in_field_and_text(service: str) -> None:
    _, _, before, after = first_struck("missing_temperature", service, "observations" if service == "nws" else "")

    groups = re.compile(r" M?\d\d/M?\d\d ")
    assert 0 < len(groups.findall(before.body.decode())) - len(groups.findall(after.body.decode())) <= 6


@pytest.mark.parametrize("service", ["zeus", "open-meteo", "open-meteo-ensemble", "open-meteo-previous-runs", "nws"])
def test_forecasts_lose_hours_or_burn(service: str) -> None:
    found = [
        (before, after) for request, _, before, after in struck("impossible_temperature", service) if "observ" not in request[1]
    ]
    hottest = [max(numbers(json.loads(after.body))) for before, after in found if before != after]

    assert hottest
    assert min(hottest) >= 250.0
    if service != "nws":
        *_, lost = first_struck("missing_temperature", service)
        assert b"null" in lost.body


def numbers(body: Any) -> Iterator[float]:
    # temperatures: floats that are no instants
    if isinstance(body, float):
        yield body
    for value in body.values() if isinstance(body, dict) else body if isinstance(body, list) else ():
        yield from numbers(value)


def test_a_wrong_report_is_corrected_twenty_minutes_later_everywhere_alike() -> None:
    world = world_with("corrected_metar")
    wrong = [
        (code, report)
        for code in ("KLGA", "EGLC")
        for report in world.reports.between(BY_CODE[code], T0 // 1000, T0 // 1000 + 8 * 86_400)
        if uniform(7, "corrected_metar", code, report.valid) < 0.02 and report.tenths is not None and not report.special
    ]

    assert len({code for code, _ in wrong}) == 2
    for code, report in wrong:
        texts = []
        for minutes in (15, 30):
            at = (report.valid + minutes * 60) * 1000
            rows = json.loads(said(world, ("GET", f"/awc/metar?ids={code}&format=json&hours=3", b""), at).body)
            texts.append(next((row for row in rows if row["obsTime"] == report.valid), None))
        first, second = texts
        if first is None or second is None or report.corrected:
            continue
        assert abs(round(first["temp"] * 10) - (report.tenths or 0)) in (4, 5, 6, 7, 10)
        assert round(second["temp"] * 10) == report.tenths
        assert " COR " in second["rawOb"]
        assert " COR " not in first["rawOb"]
        name = code[1:] if code == "KLGA" else code
        query = f"station={name}&data=metar&sts={iso(report.valid * 1000)}&ets={iso((report.valid + 60) * 1000)}"
        archived = said(
            world, ("GET", f"/iem/cgi-bin/request/asos.py?{query}", b""), (report.valid + 1800) * 1000
        ).body.decode()
        assert "COR" in archived


def test_a_changed_rule_stays_changed() -> None:
    world = world_with("changed_rule")
    changed: dict[str, list[bool]] = {}
    slugs = slugs_around(T0, ("nyc", "london", "tokyo", "seoul", "paris", "miami"), tuple(range(1, 7)))
    for hours in range(0, 150, 6):
        at = T0 + hours * 60 * MINUTE
        for slug in slugs:
            if (event := HONEST.exchange.find(slug, at)) is None or event.closed <= at:
                continue
            before, after = (json.loads(said(w, ("GET", f"/gamma/events?slug={slug}", b""), at).body) for w in (HONEST, world))
            changed.setdefault(slug, []).append(before[0]["description"] != after[0]["description"])

    some = {slug: flags for slug, flags in changed.items() if any(flags)}
    assert 0 < len(some) < len(changed) / 3
    assert all(flags == sorted(flags) for flags in some.values())
    assert any(not flags[0] for flags in some.values())


@pytest.mark.parametrize("service", ["gamma", "kalshi"])
def test_an_outcome_is_revised_a_day_later_and_always_has_one_winner(service: str) -> None:
    world = world_with("revised_settlement")
    winners: dict[str, list[tuple[bool, str]]] = {}
    for at in range(T0 + 12 * 60 * MINUTE, T0 + 5 * DAY, 12 * 60 * MINUTE):
        for request in _settled(service):
            for faulty in (False, True):
                for event, ticker in _winners(said(world if faulty else HONEST, request, at)):
                    winners.setdefault(event, []).append((faulty, ticker))

    revised = [event for event, seen in winners.items() if len({ticker for faulty, ticker in seen if faulty}) == 2]
    assert revised
    for event in revised:
        final = winners[event][-1][1]
        assert final == [ticker for faulty, ticker in winners[event] if not faulty][-1]


def _settled(service: str) -> list[Request]:
    if service == "gamma":
        slugs = slugs_around(T0, ("nyc", "london", "tokyo", "seoul", "paris", "miami"), (0, 1, 2, 3))
        return [("GET", f"/gamma/events?slug={slug}&closed=true", b"") for slug in slugs]
    root = "/kalshi/trade-api/v2/events?with_nested_markets=true&status=settled&series_ticker="
    return [("GET", root + name, b"") for name in ("KXHIGHNY", "KXHIGHCHI", "KXHIGHLAX", "KXHIGHDEN", "KXLOWTNYC")]


def _winners(answer: Answer) -> Iterator[tuple[str, str]]:
    body = json.loads(answer.body)
    for event in body if isinstance(body, list) else body["events"]:
        won = [m for m in event["markets"] if m.get("outcomePrices") == '["1", "0"]' or m.get("result") == "yes"]
        if won:
            assert len(won) == 1
            yield event.get("slug") or event["event_ticker"], won[0].get("slug") or won[0]["ticker"]


def test_halted_markets_take_no_orders() -> None:
    *_, before, after = first_struck("halted", "gamma")
    *_, kalshi = first_struck("halted", "kalshi")

    accepting = [
        Counter(thing["acceptingOrders"] for thing in objects(json.loads(a.body)) if "acceptingOrders" in thing)
        for a in (before, after)
    ]
    assert accepting[0][True] == accepting[1][False] > 0
    assert "inactive" in {thing.get("status") for thing in objects(json.loads(kalshi.body))}


def test_vanished_books_are_404_or_left_out() -> None:
    for service in ("clob", "kalshi"):
        kinds = set()
        for request, _, before, after in struck("vanished_book", service):
            if after.status == 404 and before.status == 200:
                kinds.add("404")
            elif len(after.body) < len(before.body):
                kinds.add("left out")
            assert before == after or request
        assert kinds == {"404", "left out"}


def test_spoilt_books_keep_the_hash_that_belongs_to_them() -> None:
    for name in ("empty_book", "crossed_book", "price_of_one", "duplicate_id", "future_times", "clock_skew"):
        request, _, before, after = first_struck(name, "clob")
        old, new = json.loads(before.body), json.loads(after.body)
        for mine, theirs in zip(*([body] if isinstance(body, dict) else body for body in (new, old)), strict=True):
            if "bids" not in mine or mine == theirs:
                continue
            sealed = orjson.dumps({**mine, "hash": ""})
            assert mine["hash"] == sha1(sealed, usedforsecurity=False).hexdigest()
            assert _is_spoilt(name, mine, theirs), (name, request)


def _is_spoilt(name: str, mine: dict[str, Any], theirs: dict[str, Any]) -> bool:
    bids, asks = ([float(level["price"]) for level in mine[side]] for side in ("bids", "asks"))
    return {
        "empty_book": not bids and not asks,
        "crossed_book": bool(bids and asks) and max(bids) >= min(asks),
        "price_of_one": 0.0 in bids and 1.0 in asks,
        "duplicate_id": len(set(bids)) < len(bids) or len(set(asks)) < len(asks),
        "future_times": int(mine["timestamp"]) - int(theirs["timestamp"]) >= 3_600_000,
        "clock_skew": abs(int(mine["timestamp"]) - int(theirs["timestamp"])) >= 3 * MINUTE,
    }[name]


def test_books_of_bids_cross_when_both_sides_cost_more_than_a_share() -> None:
    *_, answer = first_struck("crossed_book", "kalshi")

    sums = [
        max(float(p) for p, _ in thing["yes_dollars"]) + max(float(p) for p, _ in thing["no_dollars"])
        for thing in objects(json.loads(answer.body))
        if thing.get("yes_dollars") and thing.get("no_dollars")
    ]
    assert max(sums) > 1.0


def test_a_clock_that_is_off_shows_in_the_date_of_the_answer() -> None:
    for service in ("zeus", "open-meteo"):
        _, at, before, after = first_struck("clock_skew", service)
        dates = [parsedate_to_datetime(dict(a.headers)["Date"]) for a in (before, after)]

        assert dates[0].timestamp() == at // 1000
        assert 180 <= abs((dates[1] - dates[0]).total_seconds()) <= 1500
        assert before.body == after.body


@pytest.mark.parametrize("service", SERVICES)
def test_drift_renames_a_field_that_matters(service: str) -> None:
    _, _, before, after = first_struck("schema_drift", service)

    if service == "iem" and before.kind == "text/plain":
        assert before.body.splitlines()[1:] == after.body.splitlines()[1:]
        return
    keys = [Counter(key for thing in objects(json.loads(a.body)) for key in thing) for a in (before, after)]
    assert keys[0] != keys[1] or before.body != after.body


# how it travels


@pytest.fixture
def served() -> Iterator[tuple[World, str]]:
    world = world_with("all")
    server = DemoServer(world, 0, hang_seconds=30.0, drip_seconds=0.2)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield world, f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_over_a_socket_and_without_one_the_same_request_meets_the_same_fate(served: tuple[World, str]) -> None:
    world, base = served
    near = requests.Session()
    near.mount("http://", DemoAdapter(world_with("all")))
    asked = 0
    for episode in world.faults.between(T0, T0 + 10 * DAY):
        at = episode.start + MINUTE
        here = {found.fault for found in world.faults.at(at) if found.service == episode.service}
        # pieces of a body come in time for a client that waits for each piece alone
        if episode.service == STREAM or "drip" in here or ("hang" in here and asked > 30):
            continue
        method, target, body = requests_of(HONEST, episode.service, at)[0]
        fates = []
        for session, address in ((near, "http://demo.invalid"), (requests.Session(), base)):
            try:
                with session.request(
                    method, address + target, data=body, headers={**HEADERS, INSTANT_HEADER: iso(at)},
                    timeout=0.5 if "hang" in here else 60,
                ) as answer:  # fmt: skip
                    sent = {name: answer.headers.get(name) for name in ("Date", "Retry-After", "Content-Type")}
                    fates.append((answer.status_code, answer.content, sent))
            except requests.RequestException as error:
                fates.append((0, b"", {"broken": isinstance(error, requests.exceptions.ChunkedEncodingError)}))
        assert fates[0] == fates[1], episode
        asked += 1
        if asked == 90:
            break

    assert asked == 90


def test_a_server_hangs_drips_and_cuts_off(served: tuple[World, str]) -> None:
    world, base = served
    port = int(base.rpartition(":")[2])
    found: dict[Carriage, bytes] = {}
    for episode in world.faults.between(T0, T0 + 10 * DAY):
        at = episode.start + MINUTE
        if episode.service != "open-meteo":
            continue
        method, target, _ = requests_of(HONEST, "open-meteo", at)[0]
        carriage = world.answer(method, target, b"", iso(at), HEADERS).carriage
        if carriage is Carriage.WHOLE or carriage in found:
            continue
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n{INSTANT_HEADER}: {iso(at)}\r\n\r\n".encode())
            line.settimeout(0.7)
            found[carriage] = _heard(line)

    assert set(found) == {Carriage.HANG, Carriage.DRIP, Carriage.CUT_OFF}
    assert found[Carriage.HANG] == b""
    for carriage in (Carriage.DRIP, Carriage.CUT_OFF):
        head, _, body = found[carriage].partition(b"\r\n\r\n")
        promised = int(re.search(rb"Content-Length: (\d+)", head)[1])  # type: ignore[index]
        assert 0 < len(body) < promised


def _heard(line: socket.socket) -> bytes:
    out = b""
    until = time.monotonic() + 1.5
    try:
        while time.monotonic() < until and (piece := line.recv(65_536)):
            out += piece
    except TimeoutError:
        pass
    return out


def _valid_times(service: str, answer: Answer) -> list[float]:
    if service == "awc":
        return [float(row["obsTime"]) for row in json.loads(answer.body)]
    if service == "nws":
        return [
            datetime.fromisoformat(t["timestamp"]).timestamp() for t in objects(json.loads(answer.body)) if "timestamp" in t
        ]
    lines = [line.split(",") for line in answer.body.decode().splitlines()[1:]]
    return [datetime.fromisoformat(cells[1]).replace(tzinfo=UTC).timestamp() for cells in lines if len(cells) > 1]


def test_the_live_channel_is_hit_by_rate_outside_of_its_episodes() -> None:
    faults = Faults(7, "all", 0.1)
    slots = [at for at in range(T0, T0 + DAY, SLOT_MS) if not any(e.service == STREAM for e in faults.at(at))]

    met = Counter(fault for at in slots for fault in faults.of_channel(at))

    assert set(met) == {"hang", "cut_off"}
    assert 0.08 < sum(met.values()) / len(slots) < 0.12  # a tenth of thousands of slots
    assert not any(Faults(7, "all").of_channel(at) for at in slots)
    assert faults.of_channel(slots[0]) == faults.of_channel(slots[0] + SLOT_MS - 1)
