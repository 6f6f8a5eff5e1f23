"""The live mode on the machine's own clock, against a demo world in which everything goes wrong at random.

One session is lived through: faults at every service and at the exchange's live channel, the whole outside gone for a while,
and the engine killed and started again. Then its records are asked how it went. Long: HERMES_LIVE_CYCLES=200 (17 minutes).
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest

from core.control.beats import Beat, Beats
from core.errors import HermesError
from core.journal.reader import JournalReader
from core.model.record import Kind
from core.store.archive import Archive
from core.supervisor.parts import service_addresses
from core.supervisor.ports import free_port
from core.units import MICRO, instant, parse_iso
from tests.conftest import ROOT
from tests.e2e.conftest import clean_environment, get_json, orchestrator, wait_for
from venues.demo.faults import SLOT_MS, STREAM, Faults

CYCLES = int(os.environ.get("HERMES_LIVE_CYCLES", "12"))
INTERVAL = timedelta(seconds=5)
AFTER_RESTART = 3  # cycles
RATE = 0.1
STATIONS = "EGLC,KLGA,KNYC,KMIA,RJTT,KMDW"
SETTINGS = {
    "HERMES_INTERVAL_SECONDS": str(INTERVAL.seconds), "HERMES_STATIONS": STATIONS,
    "HERMES_EDGE_MIN": "0.005", "HERMES_WEATHER__POOL_WEIGHT": "0.7",  # little is asked of an edge, since a session is short
}  # fmt: skip
OUTAGE_SECONDS = 20.0 if CYCLES >= 100 else 8.0
NEVER = datetime.min.replace(tzinfo=UTC)
STILL = timedelta(seconds=4)  # a heart that is silent for so long has stopped
ASKED_ALWAYS = ("polymarket_clob", "metar", "polymarket_stream")
PATIENCE_SECONDS = 300.0  # a host that fails again when it is tried is left alone twice as long
LONGEST = timedelta(seconds=PATIENCE_SECONDS + 2 * INTERVAL.total_seconds() * (CYCLES + AFTER_RESTART) + 120)


def seed_of(now: datetime) -> int:
    """Return the first world whose live channel is soon cut off and soon silent, and whose exchange is hit by rate alone."""
    start, end = round(now.timestamp() * 1000), round((now + LONGEST).timestamp() * 1000)
    slots = range(start + 15_000, start + 30_000, SLOT_MS)  # when the channel is open, and before the world vanishes
    for seed in count(7):
        faults = Faults(seed, "all", RATE)
        if not {"hang", "cut_off"} <= {fault for at in slots for fault in faults.of_channel(at)}:
            continue
        hit = {episode.service for at in range(start, end, 60_000) for episode in faults.at(at)}
        if not hit & {STREAM, "clob", "gamma"}:
            return seed
    raise AssertionError("there is always such a world")


class World:
    """The demo world as a process; it comes back under the same addresses."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._announcement, self._seed, self._ports = folder / "world.json", seed, (free_port(), free_port())
        self.base = f"http://127.0.0.1:{self._ports[0]}"
        self.stream_port = self._ports[1]
        self.fired: Counter[tuple[str, str]] = Counter()
        self.process = self._begun()

    def _begun(self) -> subprocess.Popen[bytes]:
        self._announcement.unlink(missing_ok=True)
        port, stream_port = map(str, self._ports)
        process = subprocess.Popen(
            [
                sys.executable, "-m", "venues.demo.server", "--seed", str(self._seed), "--port", port, "--stream-port", stream_port,
                "--announce", str(self._announcement), "--faults", "all", "--fault-rate", str(RATE),
            ], cwd=ROOT, env=clean_environment(),
        )  # fmt: skip
        wait_for(self._announcement.exists, 30, "the world's announcement")
        return process

    def vanish(self, seconds: float) -> None:
        """Be killed, be away for a while and come back."""
        self.tell()
        self.process.kill()
        self.process.wait()
        time.sleep(seconds)
        self.process = self._begun()

    def tell(self) -> None:
        """Add up what went wrong until now."""
        for fault, services in (get_json(f"{self.base}/faults") or {}).items():
            self.fired.update({(fault, service): number for service, number in services.items()})


class Sampler(threading.Thread):
    """Reads the engine's heartbeat all the time, as the pages do."""

    def __init__(self, data: Path) -> None:
        super().__init__(daemon=True)
        self._data, self._over = data, threading.Event()
        self.seen: list[tuple[datetime, Beat]] = []

    def run(self) -> None:
        beats = Beats(self._data)
        while not self._over.wait(0.5):
            try:
                beat = beats.read("engine")
            except HermesError:
                continue
            if beat is not None:
                self.seen.append((datetime.now(UTC), beat))

    def stop(self) -> None:
        self._over.set()
        self.join()

    def oldest(self) -> timedelta:
        """Return the greatest age at which a beat was the newest."""
        return max(at - beat.wall_at for at, beat in self.seen)

    def sources(self, after: datetime, before: datetime) -> Iterator[Mapping[str, Mapping[str, Any]]]:
        """Yield the health of every service as it was told in a span."""
        for at, beat in self.seen:
            told = beat.facts.get("sources")
            if after <= at < before and isinstance(told, Mapping):
                yield {service: health for services in told.values() for service, health in services.items()}


def heard(told: Iterator[Mapping[str, Mapping[str, Any]]], since: datetime) -> set[str]:
    """Return the services that answered after an instant."""
    return {
        name for health in told for name, each in health.items()
        if each["last_success_at"] and parse_iso(each["last_success_at"]) > since
    }  # fmt: skip


def is_whole(services: set[str]) -> bool:
    """Return whether reports and books were heard: where the channel is whole, the book service is asked every five minutes only."""
    return "metar" in services and bool(services & {"polymarket_clob", "polymarket_stream"})


@dataclass
class Session:
    """What was lived through."""

    data: Path
    log: Path
    world: World
    sampler: Sampler
    engine: subprocess.Popen[str] | None = None
    went: datetime = NEVER
    came: datetime = NEVER
    killed: datetime = NEVER
    exit_code: int | None = None
    figures: dict[str, object] = field(default_factory=dict)

    def ask(self, question: str, file: str = "hermes.db") -> list[tuple[Any, ...]]:
        try:
            with sqlite3.connect(f"file:{self.data / file}?mode=ro", uri=True) as connection:
                return connection.execute(question).fetchall()
        except sqlite3.OperationalError:
            return []

    def completed(self) -> int:
        return int((self.ask("SELECT count(*) FROM cycles WHERE phase = 'complete'") or [(0,)])[0][0])

    def is_back(self) -> bool:
        """Return whether what is asked in every cycle was heard since the world came back."""
        return is_whole(heard(self.sampler.sources(self.came, datetime.now(UTC)), self.came))

    def start(self) -> None:
        environment = clean_environment(**SETTINGS, **service_addresses(self.world.base, self.world.stream_port))
        with self.log.open("a") as output:
            self.engine = subprocess.Popen(
                [sys.executable, "-m", "core.orchestrator", "--mode", "live", "--data", str(self.data)], cwd=ROOT, text=True,
                env=environment, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def live_until(self, cycles: int) -> None:
        assert self.engine is not None
        engine = self.engine
        wait_for(lambda: self.completed() >= cycles or engine.poll() is not None, LONGEST.seconds, f"{cycles} cycles")
        assert engine.poll() is None, self.log.read_text()


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("faults")
    world = World(folder, seed_of(datetime.now(UTC)))
    lived = Session(folder / "data", folder / "engine.log", world, Sampler(folder / "data"))
    try:
        lived.start()
        lived.live_until(1)
        lived.sampler.start()
        lived.live_until(CYCLES // 2)
        lived.went = datetime.now(UTC)
        world.vanish(OUTAGE_SECONDS)
        lived.came = datetime.now(UTC)
        lived.live_until(CYCLES)
        wait_for(lived.is_back, PATIENCE_SECONDS, "an answer of every service since the world came back")
        lived.live_until(lived.completed() + 2)
        lived.sampler.stop()
        assert lived.engine is not None
        lived.killed = datetime.now(UTC)
        lived.engine.kill()
        lived.engine.wait()
        lived.start()
        lived.live_until(lived.completed() + AFTER_RESTART)
        world.tell()
        lived.engine.send_signal(signal.SIGTERM)
        lived.exit_code = lived.engine.wait(60)
        yield lived
        (folder / "figures.json").write_text(json.dumps(lived.figures, indent=1, default=str))
    finally:
        for process in (lived.engine, world.process):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


def test_the_heart_never_stops(session: Session) -> None:
    session.figures["oldest_beat_seconds"] = session.sampler.oldest().total_seconds()

    assert len(session.sampler.seen) >= CYCLES * INTERVAL.seconds
    assert session.sampler.oldest() < STILL


def test_no_cycle_is_late_by_more_than_one_interval(session: Session) -> None:
    rows = session.ask("SELECT measured FROM activity WHERE type = 'cycle_complete' ORDER BY seq")
    measured = [json.loads(row[0]) for row in rows]
    ticks = session.ask("SELECT scheduled_at FROM cycles WHERE cause = 'schedule' ORDER BY scheduled_at")
    due = [instant(row[0]) for row in ticks]
    lived = [at for at in due if at < session.killed]
    gaps = [after - before for before, after in pairwise(lived)]
    session.figures |= {
        "cycles": len(measured), "latest_ms": max(each["late_ms"] for each in measured), "widest_gap": str(max(gaps)),
        "gaps": Counter(str(gap) for gap in gaps), "longest_ms": max(each["duration_ms"] for each in measured),
    }  # fmt: skip

    assert len(measured) >= CYCLES + AFTER_RESTART
    assert all(at.timestamp() % INTERVAL.seconds == 0 for at in due)
    assert max(each["late_ms"] for each in measured) <= INTERVAL / timedelta(milliseconds=1)
    assert max(gaps) <= 2 * INTERVAL


def test_cycles_stand_in_the_journal_in_the_order_of_their_instants(session: Session) -> None:
    rows = session.ask("SELECT scheduled_at, number, sealed_at FROM cycles ORDER BY scheduled_at")

    assert [number for _, number, _ in rows] == sorted({number for _, number, _ in rows})
    assert all(earlier[2] < later[2] for earlier, later in pairwise(rows))


def test_no_order_is_sent_twice(session: Session) -> None:
    orders = session.ask("SELECT order_id, decision_id, scheduled_at, run, token FROM orders")
    executions = session.ask("SELECT execution_id, order_id, abs(size_micro) FROM fills")
    sizes = dict(session.ask("SELECT order_id, abs(size_micro) FROM orders"))
    filled: Counter[str] = Counter()
    for _, order_id, size in executions:
        filled[order_id] += size
    session.figures |= {"orders": len(orders), "fills": len(executions)}

    assert len(orders) >= 1
    for columns in (slice(0, 1), slice(1, 2), slice(2, 5)):
        assert max(Counter(row[columns] for row in orders).values()) == 1
    assert len({execution_id for execution_id, _, _ in executions}) == len(executions)
    assert all(size <= sizes[order_id] for order_id, size in filled.items())


def test_every_decision_knows_all_that_was_filled_before_it(session: Session) -> None:
    fills: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for scheduled_at, token, size in session.ask("SELECT scheduled_at, token, size_micro FROM fills"):
        fills[token].append((scheduled_at, size))

    for scheduled_at, token, held in session.ask("SELECT scheduled_at, token, held_micro FROM decisions"):
        assert held == sum(size for at, size in fills[token] if at < scheduled_at), (instant(scheduled_at), token)


def test_positions_are_the_sum_of_fills_and_the_ledger_is_proven(session: Session) -> None:
    account = JournalReader(f"sqlite:///{session.data / 'hermes.db'}").account("weather")
    assert account is not None
    paid = session.ask("SELECT token FROM instruments WHERE event_id IN (SELECT event_id FROM settlements)")
    held = zip((each.token for each in account.instruments), account.held_micro[0].tolist(), strict=True)
    filled = session.ask("SELECT token, sum(size_micro) FROM fills GROUP BY token")
    held_open, filled_open = ({token: n for token, n in rows if n and (token,) not in paid} for rows in (held, filled))

    assert held_open == filled_open
    assert orchestrator("--mode", "doctor", "--ledger", "--data", str(session.data)).returncode == 0


def test_the_live_channel_is_used_and_its_faults_are_survived(session: Session) -> None:
    newest = [
        (parse_iso(health["polymarket_stream"]["last_success_at"]), health["polymarket_stream"]["failures"])
        for health in session.sampler.sources(session.came, session.killed)
        if health["polymarket_stream"]["last_success_at"]
    ]
    fired = {fault: session.world.fired[fault, STREAM] for fault in ("hang", "cut_off")}
    books = list(books_of(session))
    streamed = [is_streamed for at, is_streamed in books if is_streamed]
    session.figures |= {"books": len(books), "streamed_books": len(streamed), "channel_faults": fired}
    session.figures["channel_failures"] = newest[-1][1]

    assert all(fired.values()), session.world.fired
    assert streamed
    assert newest[-1][0] > session.came, "the channel came back"
    assert newest[-1][1] >= 1, "that it was gone is told"


def books_of(session: Session) -> Iterator[tuple[datetime, bool]]:
    """Yield when each record of an event's books was received and whether the channel gave it."""
    view = Archive(session.data).as_of([datetime.now(UTC)])
    for event_id in view.subjects(Kind.BOOKS, session.went - timedelta(days=1)):
        stack = view.stack(Kind.BOOKS, event_id, session.went - timedelta(days=1))
        for received_at, facts in zip(stack.received_at.tolist(), stack.facts, strict=True):
            yield instant(received_at), bool(facts.get("stream"))


def test_a_world_that_vanishes_is_told_and_a_world_that_comes_back_is_used(session: Session) -> None:
    vanished = session.sampler.sources(session.went, session.came + 2 * INTERVAL)  # what failed is told when its cycle ends
    down = {name for health in vanished for name, each in health.items() if each["last_error"]}
    back = heard(session.sampler.sources(session.came, session.killed), session.came)
    span = f"{session.went.timestamp() * MICRO:.0f} AND {session.came.timestamp() * MICRO:.0f}"
    during = session.ask(f"SELECT count(*) FROM cycles WHERE scheduled_at BETWEEN {span}")[0][0]
    session.figures |= {"down": sorted(down), "back": sorted(back), "cycles_without_a_world": during}

    assert set(ASKED_ALWAYS) <= down
    assert is_whole(back)
    assert during >= OUTAGE_SECONDS // (2 * INTERVAL.seconds)


def test_it_ends_clean(session: Session) -> None:
    session.figures["faults"] = {
        f"{fault} {service}": number for (fault, service), number in sorted(session.world.fired.items())
    }

    assert session.exit_code == 0
    assert "Traceback" not in session.log.read_text()
    assert not list((session.data / "quarantine").glob("*"))


def test_a_replay_of_the_session_is_the_same_to_the_byte(session: Session, tmp_path: Path) -> None:
    target = tmp_path / "replay.json"

    ended = orchestrator("--mode", "replay", "--data", str(session.data), "--json", str(target), timeout=1800)

    assert ended.returncode == 0, ended.stdout[:4000] + ended.stderr
    told = json.loads(target.read_text())
    session.figures["replayed"] = {name: table["rows"] for name, table in told["tables"].items()}
    assert told["cycles"] == session.completed()
    assert all(table["same"] for table in told["tables"].values())
    assert told["tables"]["decisions"]["rows"] > 0
