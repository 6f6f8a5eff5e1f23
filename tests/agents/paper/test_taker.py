"""Orders that take: fills from recorded books and prints, the same after every restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.journal.changes import Execution, Intention
from core.journal.fold import apply
from core.model.account import new_account
from core.model.cycle import Cause, Cycle
from core.model.event import Side
from core.model.orders import Level, Status, no_orders
from core.units import MICRO, micros
from tests.agents.paper.builders import (
    AT,
    HEARD,
    LATER,
    SEALED,
    Trade,
    World,
    account,
    book,
    instrument,
    listing,
    order,
    prints,
    sizes,
    statuses,
    token,
    waiting,
)


def test_an_order_walks_the_asks_up_to_its_limit_and_pays_one_fee(world: World) -> None:
    """100 at 0.30 and 20 at 0.31 cost 36.20 USD; fee 0.05 x (100 x 0.21 + 20 x 0.2139) = 1.26390."""
    world.hold(listing(), book(SEALED))

    reports = world.execute(order(120.0))

    assert statuses(reports) == ["FILLED"]
    assert reports.execution_id == ("x-a-0",)
    assert reports.notional_micro.tolist() == [36_200_000]
    assert reports.fee_micro.tolist() == [1_263_900]
    assert reports.levels == ((Level(300_000, 100 * MICRO, 100 * MICRO), Level(310_000, 50 * MICRO, 20 * MICRO)),)


def test_what_the_limit_price_does_not_reach_expires_with_its_reason(world: World) -> None:
    world.hold(listing(), book(SEALED))

    reports = world.execute(order(200.0))

    assert sizes(reports) == [150.0]
    assert statuses(reports) == ["PARTIALLY_FILLED", "EXPIRED"]
    assert reports.reason == ("", "part_depth")


def test_no_price_is_better_than_the_one_shown_and_none_is_a_midpoint(world: World) -> None:
    world.hold(listing(), book(SEALED))

    below = world.execute(order(20.0, limit=0.29))

    assert sizes(below) == []
    assert below.reason == ("no_depth",)


def test_a_sale_walks_the_bids(world: World) -> None:
    """80 at 0.28 and 20 at 0.25 bring 27.40 USD."""
    world.hold(listing(), book(SEALED))

    reports = world.execute(order(-100.0, limit=0.25), account(held=100.0))

    assert sizes(reports) == [100.0]
    assert reports.notional_micro.tolist() == [27_400_000]


def test_recorded_depth_is_not_filled_twice(world: World) -> None:
    world.hold(listing(), book(SEALED))
    mine = {(0, token(), 1): (Level(300_000, 100 * MICRO, 90 * MICRO),)}
    others = {(1, token(), 1): (Level(300_000, 100 * MICRO, 90 * MICRO),)}
    changed = {(0, token(), 1): (Level(300_000, 99 * MICRO, 90 * MICRO),)}

    assert sizes(world.execute(order(100.0, limit=0.30), account(taken=mine))) == [10.0]
    assert sizes(world.execute(order(100.0, limit=0.30), account(taken=others, n_runs=2))) == [100.0]
    assert sizes(world.execute(order(100.0, limit=0.30), account(taken=changed))) == [100.0]


def test_two_orders_of_one_call_share_the_book(world: World) -> None:
    world.hold(listing(), book(SEALED))
    waiting = order(60.0, limit=0.30, name="o-b")

    reports = world.execute(order(60.0, limit=0.30), account(waiting))

    assert reports.order_id == ("o-a", "o-b", "o-b")
    assert sizes(reports) == [60.0, 40.0]


def test_an_order_that_is_given_and_working_is_answered_once(world: World) -> None:
    world.hold(listing(), book(SEALED))
    working = order(20.0)

    reports = world.execute(working, account(working))

    assert reports.order_id == ("o-a",)


def test_a_book_older_than_a_minute_fills_nothing(world: World) -> None:
    young, old = AT - timedelta(seconds=60), AT - timedelta(seconds=61)

    world.hold(listing(), book(old))
    before = world.execute(order())
    world.hold(book(young))

    assert statuses(before) == ["EXPIRED"]
    assert before.reason == ("book_missing",)
    assert sizes(world.execute(order())) == [20.0]


def test_a_book_that_came_later_is_not_seen(world: World) -> None:
    world.hold(listing(), book(SEALED), book(AT + timedelta(seconds=1), [(0.01, 1_000.0)]))

    reports = world.execute(order())

    assert reports.notional_micro.tolist() == [6 * MICRO]


@pytest.mark.parametrize(("size", "limit", "reason"), [(4.99, 0.33, "minimum_size"), (20.0, 0.335, "off_tick")])
def test_the_venue_rejects_what_its_rules_forbid(world: World, size: float, limit: float, reason: str) -> None:
    world.hold(listing(), book(SEALED))

    reports = world.execute(order(size, limit))

    assert statuses(reports) == ["REJECTED"]
    assert reports.reason == (reason,)


def test_dust_in_the_book_leaves_no_dust_in_the_account(world: World) -> None:
    world.hold(listing(), book(SEALED, [(0.30, 10.123456), (0.31, 5.0)]))

    reports = world.execute(order(20.0, limit=0.31))

    assert sizes(reports) == [15.12]
    assert reports.notional_micro.tolist()[:1] == [-(-(300_000 * 10_123_456 + 310_000 * 4_996_544) // MICRO)]


def test_an_event_without_a_listing_fills_nothing(world: World) -> None:
    reports = world.hold(book(SEALED)).execute(order())

    assert reports.reason == ("not_listed",)


def test_the_reports_can_be_booked(world: World) -> None:
    world.hold(listing(), book(SEALED))
    cycle = Cycle("weather", AT - timedelta(seconds=3), 1, Cause.SCHEDULE, (), SEALED, AT)
    start = new_account("weather", "test", 10_000 * MICRO)
    intended = apply(cycle, start, Intention((), order(200.0), (instrument(),)))

    booked = apply(cycle, intended, Execution(world.execute(intended.working, intended), micros(AT)))

    assert len(booked.working) == 0
    assert booked.held_micro.tolist() == [[150 * MICRO]]
    assert booked.taken[(0, token(), 1)][0] == Level(300_000, 100 * MICRO, 100 * MICRO)


# The venue's own times and words

TUESDAY = datetime(2026, 11, 10, 12, 1, 0, tzinfo=UTC)  # a minute into the weekly restart


@pytest.mark.parametrize(
    ("seconds", "rests", "reason"),
    [(0, False, "venue_paused"), (0, True, "venue_paused"), (30, False, "post_only"), (30, True, "rests"), (151, False, "")],
)
def test_during_a_restart_nothing_is_taken_and_after_it_only_what_rests(
    world: World, seconds: int, rests: bool, reason: str
) -> None:
    at = TUESDAY + timedelta(seconds=seconds)
    world.hold(listing(at - timedelta(hours=1)), book(at - timedelta(seconds=1)))
    one = order(20.0, 0.28 if rests else 0.30, placed=at, until=at + timedelta(minutes=10) if rests else None)

    assert world.execute(one, at=at).reason == (reason,)


@pytest.mark.parametrize("changed", [{"accepting": False}, {"closes_at": "2026-11-12T17:00:00Z"}])
def test_a_closed_market_takes_nothing(world: World, changed: dict[str, object]) -> None:
    world.hold(listing(**changed), book(SEALED))

    assert world.execute(order()).reason == ("event_closed",)


def test_the_fee_is_that_of_the_listing_at_the_moment_of_the_fill(world: World) -> None:
    """Doubled at noon: what was filled before pays the old one, whenever it is asked about."""
    doubled = {"rate": 0.10, "exponent": 1.0, "rounding": "half_up_5"}
    world.hold(listing(), book(SEALED))
    before = world.execute(order(100.0, 0.30))

    world.hold(listing(AT + timedelta(seconds=10), fees=doubled), book(AT + timedelta(minutes=1)))
    later = world.execute(order(100.0, 0.30, placed=AT + timedelta(minutes=1)), at=AT + timedelta(minutes=1))

    assert (before.fee_micro.tolist(), later.fee_micro.tolist()) == ([1_050_000], [2_100_000])


def test_a_fee_that_came_between_fill_and_question_is_not_asked(world: World) -> None:
    doubled = {"rate": 0.10, "exponent": 1.0, "rounding": "half_up_5"}
    world.hold(listing(), book(SEALED), listing(AT + timedelta(seconds=10), fees=doubled))

    assert world.execute(order(100.0, 0.30), at=AT + timedelta(seconds=20)).fee_micro.tolist() == [1_050_000]


def test_where_the_listing_names_no_fee_the_table_of_dates_does(world: World) -> None:
    world.hold(listing(fees=None), book(SEALED))

    assert world.execute(order(100.0, 0.30)).fee_micro.tolist() == [1_050_000]


def test_the_tick_of_the_book_counts_before_that_of_the_listing(world: World) -> None:
    """0.001 since a price passed 0.96, whatever the listing still says."""
    world.hold(listing(), book(SEALED, [(0.301, 100.0)], tick_micro=1_000))

    assert world.execute(order(20.0, 0.301)).notional_micro.tolist() == [6_020_000]


# Prints only: SCIENCE 5.3


def test_where_only_prints_exist_an_order_waits_for_the_next_look(world: World) -> None:
    world.hold(listing(), prints(SEALED, (SEALED, 0.30, 500.0, "yes")))

    first = world.execute(order())
    again = world.execute(no_orders(), waiting(), AT)

    assert statuses(first) == ["WORKING"]
    assert statuses(again) == ["WORKING"]  # a restart in the same cycle is not a later look


@pytest.mark.parametrize(
    ("trade", "filled"),
    [
        ((LATER, 0.31, 150.0, "yes"), [15.0]),  # a tenth of it
        ((LATER, 0.33, 150.0, "yes"), [15.0]),  # worse, and within the limit
        ((LATER, 0.30, 150.0, "yes"), []),  # better than our reference price: never
        ((LATER, 0.34, 150.0, "yes"), []),  # beyond the limit: the edge is gone
        ((LATER, 0.31, 150.0, "no"), []),  # the other side
        ((AT, 0.31, 150.0, "yes"), []),  # not later
        ((SEALED, 0.31, 150.0, "yes"), []),
        ((LATER, 0.31, 999.0, "yes"), [20.0]),
    ],
)
def test_only_a_later_print_on_our_side_at_our_price_or_worse_fills(world: World, trade: Trade, filled: list[float]) -> None:
    world.hold(listing(), prints(HEARD, trade))

    reports = world.execute(no_orders(), waiting(), HEARD)

    assert sizes(reports) == filled
    assert statuses(reports)[-1] == ("FILLED" if filled == [20.0] else "EXPIRED")
    if filled:
        assert reports.at[0] == micros(LATER)
        assert reports.notional_micro[0] == round(trade[1] * MICRO) * round(filled[0])


def test_a_print_that_was_received_later_fills_nothing(world: World) -> None:
    world.hold(
        listing(), prints(SEALED, (SEALED, 0.30, 9.0, "yes")), prints(HEARD + timedelta(seconds=1), (LATER, 0.31, 500.0, "yes"))
    )

    reports = world.execute(no_orders(), waiting(), HEARD)

    assert reports.reason == ("no_print",)


def test_overlapping_answers_count_a_trade_once(world: World) -> None:
    one, two = (LATER, 0.31, 50.0, "yes"), (LATER + timedelta(minutes=1), 0.32, 60.0, "yes")
    world.hold(listing(), prints(LATER, one), prints(HEARD, one, two))

    reports = world.execute(no_orders(), waiting(), HEARD)

    assert sizes(reports) == [5.0, 6.0]
    assert reports.execution_id == ("x-a-0", "x-a-1", "")
    assert reports.reason[-1] == "part_print"


def test_buying_no_follows_takers_of_no(world: World) -> None:
    """YES at 0.69 taken by a buyer of NO is NO at 0.31."""
    world.hold(listing(), prints(HEARD, (LATER, 0.69, 100.0, "no"), (LATER, 0.31, 100.0, "yes")))

    reports = world.execute(no_orders(), waiting(side=Side.NO), HEARD)

    assert sizes(reports) == [10.0]


def test_selling_yes_follows_takers_of_no_at_our_price_or_lower(world: World) -> None:
    world.hold(listing(), prints(HEARD, (LATER, 0.28, 100.0, "no"), (LATER, 0.30, 100.0, "no"), (LATER, 0.28, 100.0, "yes")))
    selling = account(order(-20.0, 0.27, 0.29, status=Status.WORKING), held=20.0)

    reports = world.execute(no_orders(), selling, HEARD)

    assert sizes(reports) == [10.0]
