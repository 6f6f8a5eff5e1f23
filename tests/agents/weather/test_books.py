"""Books and prints at one instant, read on from the look before, and in a block of many: the same bits."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.weather.books import BookMemory, Books, read_books
from agents.weather.listed import ListingMemory
from core.model.record import Record
from core.registry import load_stations
from core.store.archive import Archive
from core.store.snapshots import SnapshotStore
from core.units import micros
from tests.agents.weather.worlds import HOUR, LISTED_AT, book, event, listing, prints, quarter_hours

STATIONS = load_stations()


def world(seed: int) -> list[Record]:
    """Return listings, books and prints of two events over five days: the prints stop for longer than they count."""
    chance = np.random.default_rng(seed)
    records: list[Record] = []
    for found in (event(), event("nyc-12b", lowest=60)):
        records.append(listing(found))
        for at in quarter_hours(LISTED_AT, 5 * 96):
            hours = (at - LISTED_AT) / HOUR
            if chance.random() < 0.2 and not 4 <= hours < 4 + 97:
                records.append(prints(found, at, chance.uniform(0.05, 0.95, len(found.ladder)).tolist()))
            if chance.random() < 0.1 and hours > 60:
                records.append(book(found, at, chance.uniform(0.1, 0.9, len(found.ladder)).tolist()))
    return sorted(records, key=lambda record: record.received_at)


def assert_same(alone: Books, block: Books, row: int) -> None:
    for each in fields(Books):
        one, other = getattr(alone, each.name)[0], getattr(block, each.name)[row]
        np.testing.assert_array_equal(one, other, err_msg=each.name)


@pytest.mark.parametrize("seed", range(3))
def test_a_look_that_remembers_says_what_the_stacks_say(tmp_path: Path, seed: int) -> None:
    """A view of twice the same instant reads the stacks; one instant reads the newest book and what was printed since."""
    records = world(seed)
    finished, growing = tmp_path / "finished", tmp_path / "growing"
    SnapshotStore(finished).publish(records)
    store = SnapshotStore(growing)
    past, live = Archive(finished), Archive(growing, store)
    instants = [LISTED_AT + n * timedelta(hours=1, minutes=7) for n in range(1, 130)]
    listed, _ = ListingMemory(STATIONS).read(past.as_of(instants), np.array([micros(at) for at in instants]))
    assert len(listed) == 2
    memories, done, printed = (BookMemory(), BookMemory()), 0, []
    for number, at in enumerate(instants):
        upto = next((i for i, record in enumerate(records) if record.received_at > at), len(records))
        store.publish(records[done:upto])
        done = upto
        twice = read_books(past.as_of([at, at]), listed, 11)
        printed.append(bool(np.isfinite(twice.print_price).any()))
        for archive, memory in zip((past, live), memories, strict=True):
            assert_same(read_books(archive.as_of([at]), listed, 11, memory), twice, 0)
        if number % 20 == 7:  # a look back forgets nothing
            earlier = past.as_of([at - timedelta(hours=5)] * 2)
            assert_same(
                read_books(live.as_of([at - timedelta(hours=5)]), listed, 11, memories[1]), read_books(earlier, listed, 11), 0
            )
    assert set(printed) == {True, False}
