"""Where taking is too dear an order rests, until news may come or it is taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from agents.transmission.resting import cancels_of
from agents.transmission.ruling import guard
from agents.transmission.tripwires import KILL
from core.journal.changes import Intention
from core.journal.fold import apply
from core.model.account import Account
from core.model.event import FeeRounding, Fees
from core.model.orders import Status
from core.units import MICRO, instant, micros
from tests.agents.transmission.builders import (
    NORMAL,
    START,
    Look,
    Market,
    account_of,
    cycle_of,
    instrument_of,
    look,
    quotes_of,
    settings_of,
)  # fmt: skip

WIDE = Market(instrument_of(), wanted=50.0, asks=((0.38, 1e4),), bids=((0.28, 1e4),))
RESTING = settings_of(NORMAL, {"resting": True})
TAKING = settings_of(NORMAL)


def rested(market: Market, settings: object = RESTING, at: datetime = START) -> tuple[float, float]:
    """Return size and price of the one order that rests, zeros where none does."""
    seen = look([market], settings=settings, cycle=cycle_of(at))  # type: ignore[arg-type]
    if not len(seen.orders) or not seen.orders.good_until[0]:
        return 0.0, 0.0
    return int(seen.orders.size_micro[0]) / MICRO, int(seen.orders.limit_micro[0]) / MICRO


def test_it_is_off_unless_a_person_turns_it_on() -> None:
    assert look([WIDE], settings=TAKING).reason == "spread"
    assert rested(WIDE, TAKING) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("market", "price"),
    [
        (WIDE, 0.29),  # a tick above the best bid
        (replace(WIDE, asks=((0.40, 1e4),), bids=((0.39, 1e4),), fair=0.44), 0.39),  # a tick below the best ask
        (replace(WIDE, fair=0.33), 0.28),  # never above fair value less EDGE_MIN
        (replace(WIDE, asks=((0.285, 1e4),), bids=((0.2, 1e4),), tick=0.001, fair=0.4), 0.201),
    ],
)
def test_the_price_is_passive_and_leaves_the_edge(market: Market, price: float) -> None:
    assert rested(market) == (50.0, pytest.approx(price))


def test_between_neighbouring_prices_it_joins_the_bid() -> None:
    """A cost share of next to nothing refuses to take at 0.30; a tick above 0.29 would be taking."""
    close = replace(WIDE, asks=((0.30, 1e4),), bids=((0.29, 1e4),))
    thrifty = settings_of(NORMAL, {"resting": True, "max_cost_share": 0.01})

    assert rested(close, thrifty) == (50.0, 0.29)


@pytest.mark.parametrize(
    ("market", "why"),
    [
        (replace(WIDE, asks=((0.30, 1e4),)), "it can be taken"),
        (replace(WIDE, bids=()), "nobody else bids"),
        (replace(WIDE, age=61.0), "the book is old"),
        (replace(WIDE, sane=False), "the book is no book"),
        (replace(WIDE, wanted=4.0), "below the venue's minimum"),
        (replace(WIDE, fair=0.055, bids=((0.003, 1e4),)), "the price would be below the first tick"),
        (replace(WIDE, opened=False, closed_reason="rule"), "the event is closed"),
        (replace(WIDE, multiplier=0.0), "the regime forbids it"),
    ],
)
def test_nothing_rests_where_it_must_not(market: Market, why: str) -> None:
    assert rested(market) == (0.0, 0.0), why


def test_the_decision_says_that_its_order_rests() -> None:
    seen = look([WIDE], settings=RESTING)

    assert seen.reason == "rests"
    assert seen.check("spread") == "refuse"
    assert seen.check("quiet_minutes") == "pass"
    assert seen.decisions[0].order_micro == 50 * MICRO


@pytest.mark.parametrize(
    ("at", "until"),
    [
        (datetime(2026, 11, 12, 17, 0, tzinfo=UTC), "17:16:03"),  # an interval and a minute
        (datetime(2026, 11, 12, 17, 5, tzinfo=UTC), "17:18:00"),  # two minutes before the report of :20
        (datetime(2026, 11, 12, 17, 17, tzinfo=UTC), ""),  # less than a minute is left
        (datetime(2026, 11, 12, 17, 20, tzinfo=UTC), ""),  # quiet minutes
    ],
)
def test_it_lives_until_the_next_quiet_minutes_and_no_longer_than_a_look(at: datetime, until: str) -> None:
    """London reports at :20 and :50."""
    seen = look([WIDE], settings=RESTING, cycle=cycle_of(at))

    lives = [instant(int(each)).strftime("%H:%M:%S") for each in seen.orders.good_until]
    assert lives == ([until] if until else [])


def test_a_halted_venue_takes_no_resting_order_either() -> None:
    """Kalshi pauses on Thursdays from 03:00 to 05:00 in New York."""
    kalshi = replace(WIDE, instrument=instrument_of(venue="kalshi"), min_size=1.0)
    pause = datetime(2026, 11, 12, 8, 0, tzinfo=UTC)

    assert rested(kalshi, at=pause + timedelta(hours=3)) != (0.0, 0.0)
    assert rested(kalshi, at=pause) == (0.0, 0.0)


def test_a_makers_fee_must_leave_a_gain() -> None:
    """One contract with an edge of 0.05: a cent of fee leaves four; ten cents a contract leave nothing."""
    kalshi = replace(WIDE, instrument=instrument_of(venue="kalshi"), min_size=1.0, wanted=1.0, fair=0.34)
    cheap, dear = (Fees(0.07, rounding=FeeRounding.UP_CENT, maker_rate=rate) for rate in (0.0175, 0.5))

    assert rested(replace(kalshi, fees=cheap)) == (1.0, 0.29)
    assert rested(replace(kalshi, fees=dear)) == (0.0, 0.0)


# The next look


def placed(seen: Look, status: Status = Status.WORKING) -> Account:
    """Return the account with the orders of a look working."""
    named = tuple(seen.ruling.standing.axis.instruments)
    account = apply(cycle_of(), seen.account, Intention(seen.decisions, seen.orders, named))
    return replace(account, working=replace(account.working, status=np.full(len(account.working), status, np.int64)))


def cancels(market: Market, account: Account, minutes: int = 5) -> tuple[str, ...]:
    """Return what the next look takes back."""
    cycle = cycle_of(START + timedelta(minutes=minutes))
    seen = look([market], account, RESTING, cycle=cycle)
    return cancels_of(seen.ruling, guard(quotes_of([market]), RESTING), 0, seen.account, cycle, RESTING)


@pytest.fixture
def waiting() -> Account:
    return placed(look([WIDE], settings=RESTING))


def test_a_working_order_counts_as_filled(waiting: Account) -> None:
    again = look([WIDE], waiting, RESTING, cycle=cycle_of(START + timedelta(minutes=5)))

    assert again.shares == {}


def test_nothing_is_added_to_an_order_that_rests(waiting: Account) -> None:
    """A second order of ours at that side would stand on the same trades."""
    more = look([replace(WIDE, wanted=80.0)], waiting, RESTING, cycle=cycle_of(START + timedelta(minutes=5)))

    assert more.shares == {}


def test_an_order_that_is_still_right_stays(waiting: Account) -> None:
    assert cancels(WIDE, waiting) == ()
    assert cancels(replace(WIDE, bids=((0.29, 1e4),)), waiting) == ()  # one tick behind keeps its place in the queue


@pytest.mark.parametrize(
    ("market", "why"),
    [
        (replace(WIDE, wanted=30.0), "the target fell"),
        (replace(WIDE, wanted=0.0), "nothing is wanted any more"),
        (replace(WIDE, bids=((0.25, 1e4),)), "it stands alone above the market"),
        (replace(WIDE, bids=((0.32, 1e4),)), "the market left it behind"),
        (replace(WIDE, fair=0.33), "the edge is gone at its price"),
        (replace(WIDE, multiplier=0.0), "the regime forbids it"),
        (replace(WIDE, opened=False, closed_reason="rule"), "the event is closed"),
        (replace(WIDE, age=61.0), "the book is old"),
        (replace(WIDE, bids=()), "nobody else bids"),
    ],
)
def test_an_order_is_taken_back(waiting: Account, market: Market, why: str) -> None:
    assert cancels(market, waiting) == waiting.working.order_id, why


def test_an_order_for_what_the_desk_no_longer_names_is_taken_back(waiting: Account) -> None:
    other = replace(WIDE, instrument=instrument_of("paris", city="Paris"))

    assert cancels(other, waiting) == waiting.working.order_id


def test_every_trip_and_every_stop_of_a_person_takes_all_back(waiting: Account) -> None:
    one = np.ones(1, np.int64)
    killed = replace(waiting, tripped=one * KILL)
    dialled = replace(waiting, governor=replace(waiting.governor, dial=one))
    flattening = replace(waiting, governor=replace(waiting.governor, flatten=one))

    assert [cancels(WIDE, each) for each in (killed, dialled, flattening)] == [waiting.working.order_id] * 3


def test_what_ends_by_itself_or_was_taken_back_is_left_alone(waiting: Account) -> None:
    nothing_wanted = replace(WIDE, wanted=0.0)
    back = replace(waiting, working=replace(waiting.working, cancel_at=np.array([micros(START)])))

    assert cancels(nothing_wanted, waiting, minutes=17) == ()
    assert cancels(nothing_wanted, back) == ()


def test_each_run_rests_for_itself() -> None:
    seen = look([WIDE], account_of(n_runs=2), RESTING)

    assert seen.orders.run.tolist() == [0, 1]
    assert seen.orders.good_until.min() > 0
