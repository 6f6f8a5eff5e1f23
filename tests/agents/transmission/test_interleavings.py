"""Limits cannot be passed by any interleaving: all orders of cycles, crashes, retries, late fills and a person's commands.

`python -m tests.agents.transmission.test_interleavings --length 6` tries longer ones.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from agents.paper import PaperBroker
from agents.transmission import ruling, standing
from agents.transmission.profiles import KILL
from core.errors import JournalError
from core.journal.changes import Intention
from core.journal.proof import prove
from core.journal.reader import JournalReader
from core.journal.state import account_text
from core.model.record import Kind, Record
from core.store.archive import Archive
from core.store.snapshots import SnapshotStore
from core.units import MICRO, micros
from tests.agents.transmission.builders import START
from tests.agents.transmission.interleaving import (
    EVERY,
    GROUND,
    MARKETS,
    SETTINGS,
    VERBS,
    Ground,
    Side,
    Watched,
    World,
    explore,
    faults_of,
    happened,
    new_world,
)


def run(events: str, ground: Ground = GROUND) -> World:
    """Return the world after some events, nothing being wrong with any of them."""
    world = new_world()
    for event in events:
        before, world = world, happened(world, event, ground)
        assert faults_of(before, world) == []
    return world


@pytest.mark.parametrize(("length", "events", "least"), [(3, "ABXSRTUKLDF", 300), (4, "ABXRTKF", 500)])
def test_no_order_of_events_passes_a_limit(length: int, events: str, least: int) -> None:
    """All sequences up to that length; those that lead to the same world go on as one."""
    worlds, steps, faults = explore(length, events)

    assert faults == []
    assert worlds > least
    assert steps > worlds


@pytest.mark.parametrize("events", ["AXKSTAUB", "XKABTRALB", "AFTATRB", "ADXSTAKBA", "XTSRAKLAT", "ABKAUTBLAB"])
def test_some_longer_ones_by_hand(events: str) -> None:
    run(events)


def test_a_kill_holds_for_both_desks_through_a_crash_and_until_it_is_lifted() -> None:
    world = run("AXKSRBATB")
    lifted = run("AXKSRBATBLAB")

    assert [bool((side.account.tripped & KILL).all()) for side in world.sides] == [True, True]
    assert [bool((side.account.tripped & KILL).any()) for side in lifted.sides] == [False, False]


def test_what_rests_is_taken_back_by_a_kill() -> None:
    side = run("AKA").sides[0]
    rests = np.flatnonzero(side.account.working.good_until)

    assert all(int(side.account.working.cancel_at[i]) > 0 for i in rests)


def test_an_order_that_a_crash_left_unsent_is_sent_once() -> None:
    straight, crashed, twice = run("AT"), run("XST"), run("XSRSTR")

    assert account_text(straight.sides[0].account) == account_text(crashed.sides[0].account)
    assert straight.sides[0].account.held_micro.tolist() == twice.sides[0].account.held_micro.tolist()


# limits count what works, and what is shrunk is sent


def test_limits_count_working_orders() -> None:
    """The first look asks for 66.66 shares at 0.30, the cap of a bracket being 20 USD; half of them still work at the next."""
    first, second = run("A").sides[0], run("AA").sides[0]

    assert first.account.working.size_micro.tolist()[:2] == [66_660_000] * 2
    assert first.account.held_micro.tolist()[0][:2] == [33_330_000] * 2
    assert second.bought == ()
    assert run("AAT").sides[0].account.held_micro.tolist()[0][:2] == [66_660_000] * 2


def test_a_shrunken_size_is_sent() -> None:
    side = run("A").sides[0]
    assert side.last is not None
    assert isinstance(side.last[1], Intention)
    decisions = {decision.token: decision for decision in side.last[1].decisions}

    assert decisions["london-0-YES"].wanted_micro == 100 * MICRO
    assert decisions["london-0-YES"].order_micro == 66_660_000


# the model sees what it should see


def test_the_model_finds_a_limit_that_forgets_working_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "_add_working", lambda *given: None)

    assert any("bracket" in fault for fault in explore(2, "ABT")[2])


def test_the_model_finds_a_kill_switch_that_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = {name: check for name, check in ruling.TARGET_CHECKS.items() if name != "kill_switch"}
    monkeypatch.setattr(ruling, "TARGET_CHECKS", checks)

    assert any("while killed" in fault for fault in explore(2, "ABK")[2])


# the same with the journal on disk


class Disk(Ground):
    """Two desks, one journal file, opened anew for each event as after a restart."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: dict[str, Watched] = {}

    def close(self) -> None:
        for journal in self._open.values():
            journal.close()

    def journal(self, side: Side) -> Watched:
        if side.account.desk in self._open:
            self._open[side.account.desk].close()
        journal = self._open[side.account.desk] = Watched(self.path, side.account.desk)
        assert account_text(journal.account(side.account.desk)) == account_text(side.account)
        return journal


def on_disk(path: Path, events: str) -> World:
    """Return the world after some events, the money of both desks proven after each."""
    world, disk = new_world(), Disk(path)
    for event in events:
        before, world = world, happened(world, event, disk)
        assert faults_of(before, world) == []
        for side in world.sides:
            if side.looks:
                reader = JournalReader(path)
                assert prove(reader, side.account.desk).faults == (), (world.path, side.account.desk)
                kept_account = reader.account(side.account.desk)
                assert kept_account is not None
                assert account_text(kept_account) == account_text(side.account), world.path
                reader.close()
    disk.close()
    return world


SHORT = ("AXKTB", "XKRAT", "ABRKT", "KXBAT", "AFXTA", "XDSAU", "AKBLA", "BXFTA")


@pytest.mark.parametrize("events", SHORT)
def test_the_journal_on_disk_agrees_after_every_event(events: str, tmp_path: Path) -> None:
    disk, memory = on_disk(tmp_path / "hermes.db", events), run(events)

    for one, other in zip(disk.sides, memory.sides, strict=True):
        assert one.account.cash_micro.tolist() == other.account.cash_micro.tolist()
        assert one.account.held_micro.tolist() == other.account.held_micro.tolist()


def test_a_cycle_cannot_intend_twice(tmp_path: Path) -> None:
    world = on_disk(tmp_path / "hermes.db", "A")
    side = world.sides[0]
    assert side.last is not None
    assert side.last[1] is not None

    with pytest.raises(JournalError, match="no intention can follow"):
        Watched(tmp_path / "hermes.db", "weather").commit(side.last[0], side.account, side.last[1])


def say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


# and with the paper broker, on recorded books and prints


class Recorded(Ground):
    """The paper broker; books at every moment of an order, and a print that reaches what rests in the second interval."""

    def __init__(self, folder: Path) -> None:
        records = [record for event in {market.instrument.event_id for market in MARKETS} for record in _records(event)]
        snapshots = SnapshotStore(folder)
        snapshots.publish(records)
        self.archive = Archive(folder, snapshots)

    def broker(self) -> PaperBroker:
        return PaperBroker(SETTINGS)


def _records(event: str) -> Iterator[Record]:
    mine = [market for market in MARKETS if market.instrument.event_id == event]
    listed = {
        "venue": "polymarket", "event_id": event, "fees": {"rate": 0.0, "exponent": 1.0, "rounding": "half_up_5"},
        "tick_micro": 10_000, "min_size_micro": 5 * MICRO,
    }  # fmt: skip
    ladder = {
        "market_id": _text(*(m.instrument.market_id for m in mine)), "yes": _text(*(m.instrument.token for m in mine)),
        "no": _text(*(f"{m.instrument.market_id}-NO" for m in mine)), "label": _text(*(m.instrument.label for m in mine)),
        "lower": np.arange(len(mine)), "upper": np.arange(len(mine)), "accepting": np.ones(len(mine), np.bool_),
    }  # fmt: skip
    yield Record("polymarket", Kind.EVENTS, event, START - EVERY, None, b"listing", ladder, listed)
    levels = [
        (m.instrument.token, side, level) for m in mine for side, given in (("ask", m.asks), ("bid", m.bids)) for level in given
    ]
    rows = {
        "token": _text(*(token for token, _, _ in levels)), "side": _text(*(side for _, side, _ in levels)),
        "price_micro": np.array([round(price * MICRO) for _, _, (price, _) in levels], np.int64),
        "size_micro": np.array([round(size * MICRO) for _, _, (_, size) in levels], np.int64),
    }  # fmt: skip
    terms = {"tick_micro": 10_000, "min_size_micro": 5 * MICRO, "changed_at": 0, "hash": ""}
    facts = {"tokens": {market.instrument.token: terms for market in mine}}
    for number in range(12):
        at = START + number * EVERY + timedelta(seconds=3)
        yield Record("polymarket", Kind.BOOKS, event, at, None, f"book {number}".encode(), rows, facts)
    sold = {
        "market_id": _text(*(m.instrument.market_id for m in mine)), "valid_at": np.full(len(mine), micros(START + EVERY // 2)),
        "yes_price_micro": np.full(len(mine), 250_000), "size_micro": np.full(len(mine), 400 * MICRO),
        "taker": _text(*["no"] * len(mine)),
    }  # fmt: skip
    yield Record("polymarket", Kind.PRINTS, event, START + EVERY // 2 + timedelta(seconds=20), None, b"sold", sold, {})


def _text(*words: str) -> np.ndarray:
    return np.array(words, dtype=object)


def test_nor_with_the_paper_broker_on_recorded_books(tmp_path: Path) -> None:
    ground = Recorded(tmp_path)
    worlds, _, faults = explore(3, "ABXRKLF", ground)
    side = run("AA", ground).sides[0]

    assert faults == []
    assert worlds > 100
    assert side.account.held_micro.tolist()[0][:2] == [66_660_000] * 2  # taken at once


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--length", type=int, default=5)
    parser.add_argument(
        "--folder", type=Path, help="also all orders of two desks, a crash, a retry, a late fill and a command, on disk"
    )
    parser.add_argument("--verbs", default="K", help=f"commands of those orders, of {''.join(VERBS)}")
    given = parser.parse_args()
    for length in range(1, given.length + 1):
        begun = time.perf_counter()
        worlds, steps, faults = explore(length)
        took = time.perf_counter() - begun
        say(f"{length} events: {worlds:,} worlds, {steps:,} steps, {len(faults)} faults, {took:.1f} s", *faults[:20])
    if given.folder:
        orders = ["".join(order) for verb in given.verbs for order in permutations(f"ABXRT{verb}")]
        begun = time.perf_counter()
        for events in orders:
            with TemporaryDirectory(dir=given.folder) as folder:
                on_disk(Path(folder) / "hermes.db", events)
        say(f"{len(orders):,} orders of six events on disk, money proven after each, {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()
