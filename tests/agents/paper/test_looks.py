"""However a life is cut into looks and restarts, the same is filled, and never more than was shown or printed."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.paper.queue import Shown, reached
from agents.prints import Print
from core.journal.changes import Execution, Intention
from core.journal.fold import apply
from core.model.account import Account, new_account
from core.model.orders import Orders, Status, join_orders, no_orders
from core.model.record import Record
from core.units import MICRO, micros
from tests.agents.paper.builders import (
    AT,
    SEALED,
    World,
    account,
    book,
    cycle,
    instrument,
    listing,
    order,
    prints,
    sizes,
    statuses,
    world_in,
)  # fmt: skip

PRICE = 280_000
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SHARES = st.integers(1, 120)
MINUTES = st.integers(1, 14)

books_at = st.dictionaries(MINUTES, st.integers(0, 150), max_size=4)
trades = st.lists(
    st.tuples(MINUTES, st.sampled_from([0.27, 0.28, 0.29]), SHARES, st.integers(0, 6)), max_size=6
)  # minute, price, size, minutes until it is told


@given(
    ahead=st.integers(0, 10**8),
    shown=st.lists(st.integers(0, 10**8), min_size=1, max_size=6),
    told=st.lists(st.tuples(st.integers(0, 60), st.sampled_from([-10_000, 0, 0, 10_000]), st.integers(1, 10**8)), max_size=8),
    late=st.integers(0, 8),
    size=st.integers(1, 10**9),
)
@settings(max_examples=400, deadline=None)
def test_what_is_told_late_never_takes_a_fill_back(
    ahead: int, shown: list[int], told: list[tuple[int, int, int]], late: int, size: int
) -> None:
    """A queue only ever moves forward: with one more print known, at least as much has come."""
    books = [Shown(10 * i, each) for i, each in enumerate(shown)]
    every = sorted(Print(at, PRICE + off, each) for at, off, each in told)
    without = every[:late] + every[late + 1 :]

    less, more = (reached(size, PRICE, min(ahead, shown[0]), books, known, buys=True, until=60) for known in (without, every))

    assert less.filled_micro <= more.filled_micro
    printed = sum(each.size_micro for each in every if each.price_micro <= PRICE)
    assert more.filled_micro <= min(size, printed)


def life(books: dict[int, int], traded: list[tuple[int, float, int, int]]) -> list[Record]:
    """Return the records of a quarter of an hour; each answer repeats what was told before.

    Trades are told late, but within a minute of the order's end: what comes later than that is not waited for.
    """
    records = [listing(), book(SEALED)]
    records += [book(AT + timedelta(minutes=at), bids=[(0.28, float(size)), (0.25, 9.0)]) for at, size in books.items()]
    for minute in range(1, 22):
        known = [
            (AT + timedelta(minutes=at), price, float(size), "no")
            for at, price, size, lag in traded
            if min(at + lag, 15) <= minute
        ]
        records.append(prints(AT + timedelta(minutes=minute, seconds=1), *known))
    return sorted(records, key=lambda record: record.received_at)


def lived(world: World, records: list[Record], looks: list[int], resting: Orders) -> Account:
    """Return the account after an order was placed and looked at in the given minutes, each look in a new process."""
    held = new_account("weather", "test", 10_000 * MICRO)
    held = apply(cycle(AT), held, Intention((), resting, (instrument(),)))
    waiting = list(records)
    for minute in (0, *looks):
        at = AT + timedelta(minutes=minute, seconds=2 if minute else 0)
        world.hold(*[record for record in waiting if record.received_at <= at])
        waiting = [record for record in waiting if record.received_at > at]
        held = apply(cycle(at), held, Execution(world.execute(no_orders(), held, at), micros(at)))
    return held


@given(books=books_at, traded=trades, looks=st.sets(st.integers(1, 20), max_size=5))
@QUICK
def test_the_same_life_split_differently_fills_the_same(
    books: dict[int, int], traded: list[tuple[int, float, int, int]], looks: set[int]
) -> None:
    resting = order(20.0, 0.28, until=AT + timedelta(minutes=14))
    records = life(books, traded)

    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        with world_in(Path(one)) as world:
            at_once = lived(world, records, [21], resting)
        with world_in(Path(two)) as world:
            in_parts = lived(world, records, [*sorted(looks), 21], resting)

    assert in_parts.held_micro.tolist() == at_once.held_micro.tolist()
    assert in_parts.cash_micro.tolist() == at_once.cash_micro.tolist()
    assert len(in_parts.working) == len(at_once.working) == 0
    printed = sum(size for _, price, size, _ in traded if price <= 0.28)
    assert int(at_once.held_micro.sum()) <= min(20, printed) * MICRO


@given(asked=st.lists(st.tuples(st.integers(500, 30_000), st.integers(25, 40)), min_size=1, max_size=5))
@QUICK
def test_no_level_gives_more_than_it_showed(asked: list[tuple[int, int]]) -> None:
    """Orders of one look and of later looks at the same book share what was shown."""
    shown = {300_000: 100, 310_000: 50, 350_000: 500}
    with tempfile.TemporaryDirectory() as folder, world_in(Path(folder)) as world:
        world.hold(listing(), book(SEALED))
        held = account()
        taken: dict[int, int] = {}
        for i, (hundredths, limit) in enumerate(asked):
            one = order(hundredths / 100, limit / 100, name=f"o-{i}")
            reports = world.execute(one, held)
            for level in (level for levels in reports.levels for level in levels):
                taken[level.price_micro] = taken.get(level.price_micro, 0) + level.taken_micro
                assert level.price_micro <= round(limit / 100 * MICRO)
            held = apply(cycle(AT), replace(held, working=one), Execution(reports, micros(AT)))

    assert all(size <= shown[price] * MICRO for price, size in taken.items())


def test_what_was_taken_of_yes_is_gone_from_the_bids_for_no(world: World) -> None:
    """An offer of YES at 0.30 and a bid for NO at 0.70 are one offer, shown twice."""
    both = book(SEALED)
    mirror = {
        name: np.concatenate([values, added])
        for (name, values), added in zip(
            both.rows.items(),
            (np.array(["token-NO"], object), np.array(["bid"], object), np.array([700_000]), np.array([100 * MICRO])),
            strict=True,
        )
    }
    terms = {"tokens": {**both.facts["tokens"], "token-NO": both.facts["tokens"]["token-YES"]}}
    world.hold(listing(), replace(both, rows=mirror, facts=terms))
    buying = order(60.0, 0.30)
    selling = replace(order(-60.0, 0.70, name="o-b"), token=("token-NO",))
    holder = replace(account(), held_micro=np.array([[0, 60 * MICRO]]))

    reports = world.execute(join_orders(buying, selling), holder)

    assert sizes(reports) == [60.0, 40.0]
    assert statuses(reports) == ["FILLED", "PARTIALLY_FILLED", "EXPIRED"]


@pytest.mark.parametrize("status", [Status.SUBMITTING, Status.WORKING])
def test_a_look_leaves_the_orders_it_was_given_alone(world: World, status: Status) -> None:
    world.hold(listing(), book(SEALED))
    resting = order(20.0, 0.28, until=AT + timedelta(minutes=14), status=status)

    world.execute(resting, account(resting))

    assert resting.filled_micro.tolist() == [0]
    assert resting.status.tolist() == [status]
