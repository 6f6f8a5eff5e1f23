"""Bad input while the desk runs: one clear line that names the thing, everything else goes on, nothing recorded is lost."""

from __future__ import annotations

import errno
import json
import logging
import math
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from requests import PreparedRequest, Response

from core.errors import StoreError
from core.wiring.desk import demo_adapter
from tests.conftest import ROOT
from tests.e2e.conftest import clean_environment, orchestrator
from tests.e2e.desk_in_process import FEW, SEED, Change, ChangedWorld, ask, money_rows, settings_for, trade, with_body
from venues.http import Http

CYCLES = 6
NEW_YORK = "highest-temperature-in-nyc", "KXHIGHNY"  # by the venue's series
FIRST_DAYS = {NEW_YORK[0]: ("on-june-1-2026", "on-june-2-2026"), NEW_YORK[1]: ("26JUN01", "26JUN02")}
LISTS = {NEW_YORK[0]: ("/gamma/events", "slug"), NEW_YORK[1]: ("/kalshi/trade-api/v2/events", "event_ticker")}
LOOSE = {"edge_min": 0.02}  # so that a short session trades several cities


def json_changed(path: str, edit: Callable[[Any], None]) -> Change:
    """Return a change of the decoded answers of one address."""

    def change(request: PreparedRequest, response: Response) -> Response:
        if path not in str(request.url) or response.status_code != 200:
            return response
        body = json.loads(response.raw.read())
        edit(body)
        return with_body(response, json.dumps(body).encode())

    return change


def of_new_york(series: str, edit: Callable[[dict[str, Any]], None]) -> Change:
    """Return a change of one series' listings."""
    path, name = LISTS[series]

    def every(body: Any) -> None:
        for event in body["events"] if isinstance(body, dict) else body:
            if event[name].startswith(series):
                edit(event)

    return json_changed(path, every)


def by_a_coin(event: dict[str, Any]) -> None:
    """Say a rule that nobody has read before."""
    for holder in (event, *event["markets"]):
        holder["rules_primary" if "event_ticker" in event else "description"] = "Decided by the toss of a coin."


def without_a_bracket(event: dict[str, Any]) -> None:
    """Leave a gap in the ladder."""
    label = "yes_sub_title" if "event_ticker" in event else "groupItemTitle"
    interior = [market for market in event["markets"] if " or " not in market[label]]
    event["markets"].remove(sorted(interior, key=lambda market: str(market[label]))[2])


def books_of(tokens: set[str], **sides: list[dict[str, str]]) -> Change:
    """Return a change of the books of some tokens."""

    def every(books: list[dict[str, Any]]) -> None:
        for book in books:
            if book["asset_id"] in tokens:
                book.update(sides)

    return json_changed("/clob/books", every)


def truncated(path: str) -> Change:
    """Return a change that ends an answer in its middle."""

    def change(request: PreparedRequest, response: Response) -> Response:
        body = response.raw.read()
        return with_body(response, body[: len(body) // 2] if path in str(request.url) else body)

    return change


def broken(path: str) -> Change:
    """Return a change that answers 500."""

    def change(request: PreparedRequest, response: Response) -> Response:
        return with_body(response, b'{"error": "oops"}', 500) if path in str(request.url) else response

    return change


def hanging(path: str) -> Change:
    """Return a change that never answers: what the client sees is its own patience ending."""

    def change(request: PreparedRequest, response: Response) -> Response:
        if path in str(request.url):
            raise requests.ReadTimeout("Read timed out. (read timeout=3.0)")
        return response

    return change


@pytest.fixture(scope="module")
def tokens_of_new_york(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The tokens of New York's events."""
    data = tmp_path_factory.mktemp("tokens") / "data"
    trade(settings_for(data), demo_adapter(SEED), 2)
    with sqlite3.connect(data / "evaluations" / "weather.db") as connection:
        rows = connection.execute("SELECT yes, no FROM evaluations WHERE event_id LIKE ?", (f"{NEW_YORK[0]}%",)).fetchall()
    assert rows
    return {token for row in rows for token in row}


def lines(data: Path, kind: str) -> list[tuple[str, str]]:
    """Return severity and message of the activity of one type."""
    return ask(data, "SELECT severity, message FROM activity WHERE type = ? ORDER BY seq", kind)


def assert_the_rest_went_on(data: Path, series: str = NEW_YORK[0]) -> None:
    """Assert that every cycle completed, that both venues were traded elsewhere, and that the money is right."""
    assert ask(data, "SELECT count(*) FROM cycles WHERE phase = 'complete'") == [(CYCLES,)]
    others = set(ask(data, "SELECT DISTINCT venue, station FROM fills"))
    assert len(others) >= 3
    assert {venue for venue, _ in others} == {"polymarket", "kalshi"}
    assert not ask(data, "SELECT 1 FROM fills WHERE event_id LIKE ?", f"{series}-%")
    assert orchestrator("--mode", "doctor", "--ledger", "--data", str(data)).returncode == 0


@pytest.mark.parametrize("series", NEW_YORK)
@pytest.mark.parametrize(
    ("edit", "words"),
    [(by_a_coin, "rule: a sentence is not understood: 'Decided by the toss of a coin.'"), (without_a_bracket, "leave a gap or overlap")],
    ids=["a rule that does not parse", "a ladder with a gap"],
)  # fmt: skip
def test_a_listing_that_cannot_be_trusted_keeps_its_event_from_being_traded(
    series: str, edit: Callable[[dict[str, Any]], None], words: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"

    trade(settings_for(data, **LOOSE), ChangedWorld(of_new_york(series, edit)), CYCLES)

    said = lines(data, "event_refused")
    events = {f"{series}-{day}" for day in FIRST_DAYS[series]}
    assert len(said) == len(events), "once for each event, not in every cycle"
    assert all(severity == "WARNING" and words in message for severity, message in said)
    assert {event for event in events for _, message in said if event in message} == events
    assert_the_rest_went_on(data, series)


@pytest.mark.parametrize(
    ("sides", "words"),
    [
        ({"bids": [], "asks": []}, "no price"),
        ({"bids": [{"price": "0.9", "size": "500"}], "asks": [{"price": "0.1", "size": "500"}]}, "book_sanity refuses"),
    ],
    ids=["empty", "crossed"],
)
def test_a_book_that_makes_no_sense_is_not_traded(
    sides: dict[str, list[dict[str, str]]], words: str, tokens_of_new_york: set[str], tmp_path: Path
) -> None:
    data = tmp_path / "data"

    trade(settings_for(data, **LOOSE), ChangedWorld(books_of(tokens_of_new_york, **sides)), CYCLES)

    event = f"{NEW_YORK[0]}-on-june-1-2026"
    said = [
        row[0]
        for row in ask(data, "SELECT message FROM activity WHERE type = 'edges_updated' AND event_id = ? ORDER BY seq", event)
    ]
    assert len(said) >= 2
    assert [
        message for message in said[1:] if words not in message and " refuses " not in message
    ] == []  # some probe is too small
    assert words in said[-1]
    assert ask(data, "SELECT count(*) FROM orders WHERE event_id = ?", event) == [(0,)]
    assert_the_rest_went_on(data)


@pytest.mark.parametrize("damage", [truncated, broken, hanging])
@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/open-meteo/", "open_meteo"),
        ("/awc/", "metar"),
        ("/clob/", "polymarket"),
        ("/gamma/", "polymarket"),
        ("/kalshi/", "kalshi"),
        ("/zeus/", "zeus"),
    ],
)
def test_a_source_that_fails_is_named_and_the_desk_goes_on_when_it_is_back(
    damage: Callable[[str], Change], path: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Http.__init__.__kwdefaults__, "sleep", lambda seconds: None)
    data, settings = tmp_path / "data", settings_for(tmp_path / "data", **LOOSE)

    trade(settings, ChangedWorld(damage(path)), 3)
    named = lines(data, "source_error")
    trade(settings, demo_adapter(SEED), 4)

    assert named
    assert all(severity == "WARNING" and message.startswith(source) for severity, message in named), named
    assert ask(data, "SELECT count(*) FROM cycles WHERE phase = 'complete'") == [(7,)]
    assert ask(data, "SELECT count(*) FROM fills")[0][0] >= 3
    assert orchestrator("--mode", "doctor", "--ledger", "--data", str(data)).returncode == 0


def newest_snapshot(data: Path, source: str) -> Path:
    return max((data / "snapshots" / source).rglob("*.json"), key=lambda path: path.name)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session in which nothing went wrong, to be copied."""
    data = tmp_path_factory.mktemp("recorded") / "data"
    trade(settings_for(data, **LOOSE), demo_adapter(SEED), CYCLES)
    return data


@pytest.mark.parametrize("source", ["metar", "open_meteo", "polymarket"])
def test_a_snapshot_cut_in_half_is_set_aside_and_named(
    source: str, recorded: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data, settings = tmp_path / "data", settings_for(tmp_path / "data", **LOOSE)
    shutil.copytree(recorded, data)
    damaged = newest_snapshot(data, source)
    damaged.write_bytes(damaged.read_bytes()[:-100])
    before = money_rows(data)

    with caplog.at_level(logging.WARNING):
        trade(settings, demo_adapter(SEED), CYCLES)

    assert damaged.name in caplog.text
    assert not damaged.exists()
    assert any(damaged.name in path.name for path in (data / "quarantine").iterdir())
    assert ask(data, "SELECT count(*) FROM cycles WHERE phase = 'complete'") == [(2 * CYCLES,)]
    after = money_rows(data)
    assert all(set(before[table]) <= set(after[table]) for table in ("decisions", "orders", "fills", "ledger", "activity"))


class Disk:
    """`os.write` on a disk that is full after so many bytes."""

    def __init__(self, room: float) -> None:
        self.room, self.used, self.write = room, 0, os.write

    def __call__(self, descriptor: int, content: bytes) -> int:
        if self.used + len(content) > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.used += len(content)
        return self.write(descriptor, content)


def test_a_full_disk_ends_the_desk_with_the_folder_named_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed, data = tmp_path / "undisturbed", tmp_path / "data"
    disk = Disk(math.inf)
    with monkeypatch.context() as roomy:
        roomy.setattr("core.store.durable.os.write", disk)
        trade(settings_for(undisturbed), demo_adapter(SEED), 2 * CYCLES)

    with monkeypatch.context() as full:
        full.setattr("core.store.durable.os.write", Disk(disk.used / 2))
        with pytest.raises(StoreError, match=f"cannot write in {data}: No space left on device; free some space"):
            trade(settings_for(data), demo_adapter(SEED), 2 * CYCLES)
    done = ask(data, "SELECT count(*) FROM cycles WHERE phase = 'complete'")[0][0]
    trade(settings_for(data), demo_adapter(SEED), 2 * CYCLES - done)

    assert 0 < done < 2 * CYCLES
    assert not list((data / "incoming").glob("*"))
    assert money_rows(data) == money_rows(undisturbed)


LARGEST_FILE = 300_000  # bytes: less than the journal of a day


def test_a_disk_that_refuses_the_journal_ends_the_command_with_one_line(tmp_path: Path) -> None:
    """Any file of ours may be the one that cannot grow: the kernel refuses, at whatever place that is."""
    data = tmp_path / "data"
    simulate = ("--mode", "simulate", "--days", "0.3", "--stations", ",".join(FEW), "--data")
    command = [sys.executable, "-m", "core.orchestrator", *simulate, str(data)]

    ended = subprocess.run(
        command, cwd=ROOT, text=True, capture_output=True, timeout=300, env=clean_environment(), check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE)),
    )  # fmt: skip
    healed = orchestrator(*simulate, str(data))
    undisturbed = orchestrator(*simulate, str(tmp_path / "undisturbed"))

    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
    assert ended.stderr.startswith("hermes: ")
    assert str(data) in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    assert healed.returncode == undisturbed.returncode == 0, healed.stderr
    assert money_rows(data) == money_rows(tmp_path / "undisturbed")
