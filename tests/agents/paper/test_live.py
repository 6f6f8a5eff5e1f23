"""A live broker: it collects the books itself, then answers as a replay would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from agents.paper import GRACE, LivePaperBroker
from core.clock import SteppedClock
from core.model.event import Side
from core.model.orders import Reports, Status, no_orders
from core.model.record import Ask, Kind, Record
from tests.agents.paper.builders import (
    AT,
    EVENT,
    HEARD,
    LATER,
    SEALED,
    World,
    account,
    book,
    failure,
    listing,
    order,
    prints,
    sizes,
    statuses,
    token,
    waiting,
)

# Live: collect, then answer as a replay would


@dataclass
class Venue:
    """A source that answers with a book of the present instant."""

    clock: SteppedClock
    asks: list[tuple[float, float]] = field(default_factory=lambda: [(0.31, 100.0)])
    asked: list[Ask] = field(default_factory=list)
    delay: timedelta = timedelta(seconds=1)
    name: str = "polymarket"
    gives: frozenset[Kind] = frozenset({Kind.BOOKS})

    def fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        self.asked += asks
        self.clock.wait_until(self.clock.now() + self.delay)
        yield book(self.clock.now(), self.asks)


Live = Callable[[datetime], tuple[LivePaperBroker, Venue, SteppedClock]]


@pytest.fixture
def live(world: World) -> Live:
    def build(now: datetime) -> tuple[LivePaperBroker, Venue, SteppedClock]:
        clock = SteppedClock(now)
        venue = Venue(clock)
        return LivePaperBroker(world.paper, {"polymarket": venue}, world.snapshots, clock), venue, clock

    return build


def test_live_collects_the_books_at_the_moment_of_the_order(world: World, live: Live) -> None:
    world.hold(listing(), book(SEALED))
    broker, venue, clock = live(SEALED)

    reports, heard_at = broker.execute(order(), account(), world.archive, AT)

    assert clock.now() >= AT
    assert venue.asked == [Ask(Kind.BOOKS, EVENT, tokens=(token(), token(Side.NO)))]
    assert heard_at == AT + timedelta(seconds=1)
    assert reports.notional_micro.tolist() == [6_200_000]


def same(first: Reports, second: Reports) -> bool:
    return all(
        np.array_equal(getattr(first, name), getattr(second, name)) for name in ("status", "at", "size_micro", "fee_micro")
    ) and (first.execution_id == second.execution_id and first.levels == second.levels and first.reason == second.reason)


def test_a_replay_at_the_recorded_instant_gives_the_same_fills(world: World, live: Live) -> None:
    world.hold(listing(), book(SEALED))
    reports, heard_at = live(SEALED)[0].execute(order(), account(), world.archive, AT)
    world.hold(book(AT + timedelta(minutes=15), [(0.05, 100.0)]))

    assert same(world.execute(order(), at=heard_at), reports)


@pytest.mark.parametrize("downtime", [timedelta(seconds=2), timedelta(hours=3)])
def test_killed_after_the_collection_the_fills_are_the_same(world: World, live: Live, downtime: timedelta) -> None:
    world.hold(listing(), book(SEALED))
    reports, heard_at = live(SEALED)[0].execute(order(), account(), world.archive, AT)
    back, venue, _ = live(AT + downtime)

    again, heard_again = back.execute(order(), account(), world.archive, AT)

    assert venue.asked == []
    assert heard_again == heard_at
    assert same(reports, again)


def test_killed_before_the_collection_the_orders_expire(world: World, live: Live) -> None:
    world.hold(listing(), book(SEALED))
    back, venue, clock = live(AT + GRACE + timedelta(seconds=1))

    reports, heard_at = back.execute(order(), account(), world.archive, AT)

    assert venue.asked == []
    assert heard_at == clock.now()
    assert statuses(reports) == ["EXPIRED"]
    assert reports.reason == ("book_late",)
    assert same(world.execute(order(), at=heard_at), reports)


def test_hearing_of_waiting_orders_collects_nothing(world: World, live: Live) -> None:
    world.hold(listing(), prints(HEARD, (LATER, 0.31, 150.0, "yes")))
    broker, venue, _ = live(HEARD)

    reports, heard_at = broker.execute(no_orders(), waiting(), world.archive, HEARD)

    assert venue.asked == []
    assert heard_at == HEARD
    assert sizes(reports) == [15.0]


Fetch = Callable[[Sequence[Ask]], Iterator[Record]]


def failing(clock: SteppedClock) -> Fetch:
    return lambda asks: iter([failure(clock.now())])


def test_an_order_whose_answer_never_came_is_unknown_until_it_is_reconciled(world: World, live: Live) -> None:
    """The book of two seconds before is no answer: the order was sent, and its fate is not known."""
    world.hold(listing(), book(SEALED))
    broker, venue, clock = live(SEALED)
    venue.fetch = failing(clock)  # type: ignore[method-assign]

    reports, heard_at = broker.execute(order(), account(), world.archive, AT)

    assert heard_at == AT
    assert statuses(reports) == ["UNKNOWN"]
    assert reports.reason == ("no_answer",)
    lost = account(order(status=Status.UNKNOWN))
    assert len(world.execute(no_orders(), lost, AT + GRACE)) == 0  # within the time in which a book may still come
    late = world.execute(no_orders(), lost, AT + timedelta(minutes=15))
    assert (statuses(late), late.reason) == (["EXPIRED"], ("never_answered",))


def test_an_unknown_order_is_filled_by_a_book_that_was_recorded_after_all(world: World) -> None:
    """Another part of the desk asked two seconds later: what it was told is what the venue showed."""
    world.hold(listing(), book(SEALED), failure(AT), book(AT + timedelta(seconds=2), [(0.31, 100.0)]))

    reports = world.execute(no_orders(), account(order(status=Status.UNKNOWN)), AT + timedelta(minutes=15))

    assert statuses(reports) == ["FILLED"]
    assert reports.notional_micro.tolist() == [6_200_000]


def test_orders_are_refused_and_not_queued_while_the_venue_is_unreachable(world: World, live: Live) -> None:
    world.hold(listing(), book(SEALED - timedelta(seconds=30)), failure(SEALED))
    broker, venue, _ = live(SEALED)

    reports, heard_at = broker.execute(order(), account(), world.archive, AT)

    assert venue.asked == []
    assert (statuses(reports), reports.reason) == (["REJECTED"], ("venue_unreachable",))
    assert same(world.execute(order(), at=heard_at), reports)


@pytest.mark.parametrize(("seconds", "status"), [(5.0, "FILLED"), (5.1, "EXPIRED")])
def test_on_the_live_world_a_decision_is_void_after_five_seconds(world: World, live: Live, seconds: float, status: str) -> None:
    """Elsewhere nothing but the grace of the collection ends it."""
    world.hold(listing(), book(SEALED))
    broker, venue, _ = live(SEALED)
    venue.delay = timedelta(seconds=seconds)

    reports, heard_at = broker.execute(order(), replace(account(), world="live"), world.archive, AT)

    assert statuses(reports) == [status]
    assert reports.reason == ("" if status == "FILLED" else "decision_old",)
    assert same(world.execute(order(), replace(account(), world="live"), heard_at), reports)
    assert statuses(world.execute(order(), account(), heard_at)) == ["FILLED"]


def test_a_resting_life_is_the_same_in_a_replay_and_after_a_kill(world: World, live: Live) -> None:
    """Placed, looked at twice, ended: each look is asked again at its recorded instant, later records and all."""
    until = AT + timedelta(minutes=20)
    resting = order(20.0, 0.28, until=until)
    working = replace(resting, status=np.array([Status.WORKING]))
    world.hold(listing(), book(SEALED))
    broker, _, _ = live(SEALED)
    placed, placed_at = broker.execute(resting, account(), world.archive, AT)
    back, unasked, _ = live(AT + timedelta(seconds=5))
    again, again_at = back.execute(resting, account(), world.archive, AT)
    world.hold(prints(LATER, (LATER, 0.28, 30.0, "no")))
    first, first_at = broker.execute(no_orders(), account(working), world.archive, LATER)
    world.hold(prints(until + GRACE * 3, (LATER, 0.28, 30.0, "no"), (LATER + GRACE, 0.27, 4.0, "no")))
    partly = replace(working, filled_micro=np.array([int(first.size_micro.sum())]))
    last, last_at = broker.execute(no_orders(), account(partly), world.archive, until + GRACE * 3)

    assert (statuses(placed), statuses(last)) == (["WORKING"], ["PARTIALLY_FILLED", "EXPIRED"])
    assert (placed_at, unasked.asked) == (again_at, [])
    assert same(placed, again)
    assert same(world.execute(resting, at=placed_at), placed)
    assert same(world.execute(no_orders(), account(working), first_at), first)
    assert same(world.execute(no_orders(), account(partly), last_at), last)
