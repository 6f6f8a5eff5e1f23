"""Orders that rest: they join the back of the queue and are filled by what others do."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from core.journal.changes import Execution, Intention, Payout
from core.journal.fold import apply
from core.model.account import new_account
from core.model.event import Side
from core.model.orders import Level, Orders, Status, join_orders, no_orders
from core.model.settlement import Finality, Settlement
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
    cycle,
    instrument,
    listing,
    order,
    prints,
    sizes,
    statuses,
    token,
)  # fmt: skip

UNTIL = AT + timedelta(minutes=14)
MINUTE = timedelta(minutes=1)


def bid(size: float = 20.0, limit: float = 0.28, **changed: object) -> Orders:
    return order(size, limit, **{"until": UNTIL, "status": Status.WORKING, **changed})  # type: ignore[arg-type]


def sold(at: datetime, size: float, price: float = 0.28) -> Trade:
    """Return a trade whose taker sold YES."""
    return at, price, size, "no"


def test_an_order_rests_behind_all_that_is_shown(world: World) -> None:
    """80 were displayed at 0.28: of 95 sold there, 15 reach us, without a fee."""
    world.hold(listing(), book(SEALED), prints(HEARD, sold(LATER, 95.0)))

    placed = world.execute(bid(status=Status.SUBMITTING))
    later = world.execute(no_orders(), account(bid()), HEARD)

    assert (statuses(placed), placed.reason) == (["WORKING"], ("rests",))
    assert (statuses(later)[0], sizes(later)) == ("PARTIALLY_FILLED", [15.0])
    assert later.at[0] == micros(LATER)
    assert later.notional_micro[0] == 15 * 280_000
    assert later.fee_micro[0] == 0
    assert later.levels[0] == (Level(280_000, 15 * MICRO, 15 * MICRO),)


def test_a_touch_fills_nothing(world: World) -> None:
    """The best ask comes down to our price, and nobody trades."""
    world.hold(listing(), book(SEALED), book(LATER, [(0.28, 500.0)], []), prints(HEARD + MINUTE))

    reports = world.execute(no_orders(), account(bid()), HEARD + MINUTE)

    assert sizes(reports) == []
    assert (statuses(reports), reports.reason) == (["EXPIRED"], ("time_over",))


@pytest.mark.parametrize(
    ("size", "limit", "reason"),
    [(20.0, 0.30, "would_cross"), (-20.0, 0.28, "would_cross"), (4.0, 0.28, "minimum_size"), (20.0, 0.285, "off_tick")],
)
def test_an_order_that_would_take_or_breaks_a_rule_is_rejected(world: World, size: float, limit: float, reason: str) -> None:
    world.hold(listing(), book(SEALED))

    reports = world.execute(bid(size, limit, status=Status.SUBMITTING), account(held=100.0))

    assert (statuses(reports), reports.reason) == (["REJECTED"], (reason,))


def test_a_small_purchase_may_rest_that_would_be_too_small_to_take(world: World) -> None:
    """A dollar is asked of what takes at once only: 5 shares at 0.10 are 50 cents."""
    world.hold(listing(), book(SEALED, [(0.10, 50.0)], []))

    taking, resting = (world.execute(each) for each in (order(5.0, 0.10), bid(5.0, 0.09, status=Status.SUBMITTING)))

    assert taking.reason == ("minimum_notional",)
    assert resting.reason == ("rests",)


def test_late_prints_count_when_they_are_received_and_each_once(world: World) -> None:
    early, late = sold(LATER, 90.0), sold(LATER - MINUTE, 5.0)
    world.hold(listing(), book(SEALED), prints(LATER + MINUTE, early))
    first = world.execute(no_orders(), account(bid()), LATER + MINUTE)

    world.hold(prints(HEARD + MINUTE, early, late))
    second = world.execute(no_orders(), account(bid(filled=10.0)), HEARD + MINUTE)

    assert sizes(first) == [10.0]
    assert sizes(second) == [5.0]
    assert first.execution_id[0] != second.execution_id[0]


def test_the_same_look_says_the_same_again(world: World) -> None:
    world.hold(listing(), book(SEALED), prints(HEARD, sold(LATER, 95.0)))

    first, again = (world.execute(no_orders(), account(bid()), HEARD) for _ in range(2))

    assert first.execution_id == again.execution_id
    assert first.execution_id[0] == f"x-a-{micros(HEARD)}"


def test_after_its_end_an_order_waits_for_the_trades_of_its_life_to_be_told(world: World) -> None:
    """The venue tells of a trade within a minute: before that, the end would be said too early."""
    world.hold(listing(), book(SEALED), prints(UNTIL + MINUTE / 2))
    too_early = world.execute(no_orders(), account(bid()), UNTIL + MINUTE / 2)
    world.hold(prints(UNTIL + MINUTE, sold(UNTIL, 85.0)))

    told = world.execute(no_orders(), account(bid()), UNTIL + MINUTE)

    assert len(too_early) == 0
    assert (sizes(told), statuses(told)) == ([5.0], ["PARTIALLY_FILLED", "EXPIRED"])


def test_an_end_that_nobody_tells_of_comes_after_half_an_hour(world: World) -> None:
    world.hold(listing(), book(SEALED))
    at = UNTIL + timedelta(minutes=30)

    assert len(world.execute(no_orders(), account(bid()), at - MINUTE)) == 0
    assert statuses(world.execute(no_orders(), account(bid()), at)) == ["EXPIRED"]


def test_an_order_whose_books_are_gone_from_the_archive_ends_with_its_time(world: World) -> None:
    """Nobody knows who stood ahead of it: nothing that was sold came to it."""
    world.hold(listing(), prints(UNTIL + MINUTE, sold(LATER, 500.0)))

    working = world.execute(no_orders(), account(bid()), HEARD - 2 * MINUTE)
    over = world.execute(no_orders(), account(bid()), UNTIL + MINUTE)

    assert len(working) == 0
    assert (sizes(over), statuses(over), over.reason) == ([], ["EXPIRED"], ("time_over",))


def test_fills_before_a_cancel_count_and_none_after_it(world: World) -> None:
    world.hold(listing(), book(SEALED), prints(HEARD, sold(LATER, 84.0), sold(LATER + MINUTE, 50.0)))
    taken_back = bid(cancel=LATER + MINUTE / 2)

    reports = world.execute(no_orders(), account(taken_back), HEARD)

    assert sizes(reports) == [4.0]
    assert (statuses(reports)[-1], reports.reason[-1]) == ("CANCELLED", "taken_back")


def test_a_cancel_that_comes_too_late_finds_a_filled_order(world: World) -> None:
    world.hold(listing(), book(SEALED), prints(HEARD, sold(LATER, 100.0)))

    reports = world.execute(no_orders(), account(bid(cancel=LATER + MINUTE)), HEARD)

    assert (statuses(reports), sizes(reports)) == (["FILLED"], [20.0])


def test_an_order_ends_when_its_market_closes(world: World) -> None:
    closed = listing(LATER, accepting=False)
    world.hold(listing(), book(SEALED), closed, prints(HEARD, sold(LATER - MINUTE, 81.0), sold(LATER + MINUTE, 100.0)))

    reports = world.execute(no_orders(), account(bid()), HEARD)

    assert sizes(reports) == [1.0]
    assert reports.reason[-1] == "event_closed"


def test_the_book_that_comes_right_after_the_order_is_the_one_it_joins(world: World) -> None:
    """30 came between the look and the order: nobody knows that they came later."""
    world.hold(listing(), book(SEALED), book(AT + timedelta(seconds=1), bids=[(0.28, 110.0)]))
    world.hold(prints(HEARD, sold(LATER, 112.0)))

    assert sizes(world.execute(no_orders(), account(bid()), HEARD)) == [2.0]
    assert len(world.execute(no_orders(), account(bid()), AT + timedelta(seconds=5))) == 0


def test_nothing_fills_before_it_is_known_which_book_was_joined(world: World) -> None:
    """Nobody stood there at the look, and somebody sold two seconds later; ten seconds later 110 stand there."""
    second = timedelta(seconds=1)
    world.hold(listing(), book(SEALED, bids=[(0.25, 9.0)]), prints(AT + 3 * second, sold(AT + 2 * second, 5.0)))
    at_once = world.execute(no_orders(), account(bid()), AT + 5 * second)

    world.hold(book(AT + 10 * second, bids=[(0.28, 110.0)]))

    assert len(at_once) == 0
    assert sizes(world.execute(no_orders(), account(bid()), LATER)) == []


def test_a_trade_of_a_venue_whose_clock_is_ahead_waits_for_its_instant(world: World) -> None:
    world.hold(listing(), book(SEALED), prints(LATER, sold(LATER + MINUTE, 85.0)))

    assert sizes(world.execute(no_orders(), account(bid()), LATER)) == []
    assert sizes(world.execute(no_orders(), account(bid()), LATER + MINUTE)) == [5.0]


def test_a_second_order_at_the_same_side_would_count_the_same_trades(world: World) -> None:
    world.hold(listing(), book(SEALED))
    second = bid(status=Status.SUBMITTING, name="o-b", limit=0.27)

    beside = world.execute(second, account(bid(placed=AT - MINUTE)))
    together = world.execute(join_orders(bid(status=Status.SUBMITTING), second))
    after_a_cancel = world.execute(second, account(bid(placed=AT - MINUTE, cancel=AT)))
    of_another_run = world.execute(second, account(bid(placed=AT - MINUTE, run=1), n_runs=2))

    assert "own_order_ahead" in beside.reason
    assert together.reason == ("rests", "own_order_ahead")
    assert "own_order_ahead" not in after_a_cancel.reason
    assert "own_order_ahead" not in of_another_run.reason


def test_without_a_book_there_is_no_queue_to_join(world: World) -> None:
    world.hold(listing(), prints(SEALED, (SEALED, 0.30, 500.0, "yes")))

    reports = world.execute(bid(status=Status.SUBMITTING))

    assert (statuses(reports), reports.reason) == (["REJECTED"], ("book_missing",))


def test_no_is_bought_from_takers_of_yes(world: World) -> None:
    """A bid of 0.70 for NO meets who buys YES at 0.30."""
    rows = book(SEALED, [(0.72, 10.0)], [(0.70, 0.0)])
    rows.rows["token"][:] = token(Side.NO)
    world.hold(listing(), rows, prints(HEARD, (LATER, 0.30, 7.0, "yes"), (LATER, 0.30, 9.0, "no")))
    waiting = bid(20.0, 0.70, side=Side.NO)

    assert sizes(world.execute(no_orders(), account(waiting), HEARD)) == [7.0]


def test_a_sale_never_passes_what_is_held(world: World) -> None:
    world.hold(listing(), book(SEALED), prints(HEARD, (LATER, 0.32, 500.0, "yes")))
    selling = bid(-20.0, 0.32)

    assert sizes(world.execute(no_orders(), account(selling, held=20.0), HEARD)) == [20.0]
    assert sizes(world.execute(no_orders(), account(selling, held=6.0), HEARD)) == [6.0]


def test_a_maker_pays_where_the_series_says_so(world: World) -> None:
    """20 x 0.0175 x 0.28 x 0.72 = 0.07056, up to the cent: 0.08."""
    fees = {"rate": 0.07, "exponent": 1.0, "rounding": "up_cent", "maker_rate": 0.0175}
    world.hold(listing(fees=fees), book(SEALED), prints(HEARD, sold(LATER, 500.0)))

    reports = world.execute(no_orders(), account(bid()), HEARD)

    assert reports.fee_micro.tolist() == [80_000]


def test_a_whole_life_can_be_booked(world: World) -> None:
    """Placed, filled in part, taken back: the account says the same as the broker."""
    world.hold(listing(), book(SEALED), prints(LATER, sold(LATER - MINUTE, 92.0)), prints(HEARD, sold(LATER - MINUTE, 92.0)))
    held = new_account("weather", "test", 10_000 * MICRO)
    held = apply(cycle(AT), held, Intention((), bid(status=Status.SUBMITTING), (instrument(),)))
    held = apply(cycle(AT), held, Execution(world.execute(no_orders(), held, AT), micros(AT)))
    assert held.working.status.tolist() == [Status.WORKING]

    held = apply(cycle(LATER), held, Execution(world.execute(no_orders(), held, LATER), micros(LATER)))
    assert held.held_micro.tolist() == [[12 * MICRO]]
    held = apply(cycle(LATER), held, Intention((), no_orders(), (), cancels=("o-a",)))
    held = apply(cycle(HEARD), held, Execution(world.execute(no_orders(), held, HEARD), micros(HEARD)))

    assert len(held.working) == 0
    assert held.held_micro.tolist() == [[12 * MICRO]]
    assert held.cash_micro.tolist() == [10_000 * MICRO - 12 * 280_000]


@pytest.mark.parametrize(
    ("cancel", "status", "reason"),
    [
        (UNTIL - MINUTE, "CANCELLED", "taken_back"),
        (UNTIL, "CANCELLED", "taken_back"),
        (UNTIL + MINUTE, "EXPIRED", "time_over"),  # it had ended before
    ],
)
def test_the_earlier_of_cancel_and_expiry_ends_an_order(world: World, cancel: datetime, status: str, reason: str) -> None:
    world.hold(listing(), book(SEALED), prints(UNTIL + 3 * MINUTE))

    reports = world.execute(no_orders(), account(bid(cancel=cancel)), UNTIL + 3 * MINUTE)

    assert (statuses(reports), reports.reason) == ([status], (reason,))


def test_an_order_whose_event_is_settled_is_over(world: World) -> None:
    """The final word comes between two looks: what rests expires with the columns of its event."""
    held = new_account("weather", "test", 10_000 * MICRO)
    held = apply(cycle(AT), held, Intention((), bid(status=Status.SUBMITTING), (instrument(),)))
    word = Settlement(
        "s-1", "polymarket", instrument().event_id, "EGLC", date(2026, 11, 13), Finality.FINAL, 0, "m3", "12°C", 12, {}
    )

    paid = apply(cycle(LATER), held, Payout(word))

    assert len(paid.working) == 0
    assert world.execute(no_orders(), paid, HEARD).order_id == ()
