"""Where taking is too dear an order rests, until news may come or it is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import numpy as np
import pytest

from agents.transmission.constraints import blackout, profiles
from agents.transmission.constraints.profiles import AccountProfile
from agents.transmission.resting import _until, cancels_of
from agents.transmission.ruling import guard
from agents.transmission.tripwires import KILL
from core.journal.changes import Intention
from core.journal.fold import apply
from core.model.account import Account
from core.model.event import FeeRounding, Fees
from core.model.orders import Status
from core.registry import Release
from core.settings import Settings
from core.settings.schema import RuleSettings
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

HOUR = timedelta(hours=1)
WIDE = Market(instrument_of(), wanted=50.0, asks=((0.38, 1e4),), bids=((0.28, 1e4),))
RESTING = settings_of(NORMAL, {"resting": True})
TAKING = settings_of(NORMAL)


def ruled(**rules: str | int) -> Settings:
    """Return settings under which orders rest and some rules are on."""
    return settings_of(NORMAL, {"resting": True}, rules=RuleSettings(**rules))  # type: ignore[arg-type]


def lives(seen: Look) -> list[str]:
    """Return when the orders of a look end."""
    return [instant(int(each)).strftime("%H:%M:%S") for each in seen.orders.good_until]


@pytest.fixture
def flat_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    hour = getattr(request, "param", time(11, 10))
    firm = AccountProfile("firm", zone="America/Chicago", day_starts=time(17), flat_by=hour)
    monkeypatch.setattr(profiles, "profiles_as_of", lambda day: {"firm": firm})
    profiles._followed.cache_clear()
    yield
    profiles._followed.cache_clear()


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

    assert lives(seen) == ([until] if until else [])


@pytest.mark.parametrize(
    ("rules", "until"),
    [
        ({"sessions": "Mon-Fri 08:30-17:10 UTC"}, "17:10:00"),
        ({"sessions": "Mon-Fri 08:30-11:12 America/Chicago"}, "17:12:00"),  # an hour later in summer
        ({"sessions": "Mon-Fri 08:30-18:00 UTC"}, "17:18:00"),  # the report of :20 comes before
        ({"sessions": "Mon-Fri 08:30-17:06 UTC"}, ""),  # less than a minute is left
        ({"sessions": "Fri 08:30-18:00 UTC"}, ""),
    ],
)
def test_it_ends_with_the_session(rules: dict[str, str], until: str) -> None:
    seen = look([WIDE], settings=ruled(**rules), cycle=cycle_of(START + timedelta(minutes=5)))

    assert lives(seen) == ([until] if until else [])


def test_it_ends_where_news_come_near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is bought from an hour before them."""
    news = tuple(Release("fomc", START + at, HOUR, HOUR / 2) for at in (timedelta(minutes=70), timedelta(days=40)))
    monkeypatch.setattr(blackout, "load_calendar", lambda: news)
    followed = ruled(blackout="fomc")

    ends = [lives(look([WIDE], settings=followed, cycle=cycle_of(START + timedelta(minutes=each)))) for each in (0, 8, 9, 10)]

    assert ends == [["17:10:00"], ["17:10:00"], [], []]


def test_it_ends_when_an_account_must_be_flat(flat_by: None) -> None:
    """11:10 in Chicago is 17:10Z in November; the run whose account has ended may go on."""
    account = look([WIDE], account_of(n_runs=2), ruled(accounts="firm")).account
    ended = replace(account, governor=replace(account.governor, firm_ended=np.array([[0], [1]])))
    standing = look([WIDE], ended, ruled(accounts="firm"), cycle=cycle_of(START + timedelta(minutes=5))).ruling.standing

    until = _until(standing, cycle_of(START + timedelta(minutes=5)), ruled(accounts="firm"))

    assert [instant(each).strftime("%H:%M") for each in until[:, 0].tolist()] == ["17:10", "17:18"]


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


def cancels(market: Market, account: Account, minutes: int = 5, settings: Settings = RESTING) -> tuple[str, ...]:
    """Return what the next look takes back."""
    cycle = cycle_of(START + timedelta(minutes=minutes))
    seen = look([market], account, settings, cycle=cycle)
    return cancels_of(seen.ruling, guard(quotes_of([market]), settings), 0, seen.account, cycle, settings)


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


@pytest.mark.parametrize(
    "rules",
    [
        {"sessions": "Mon-Fri 08:30-17:05 UTC"},
        {"sessions": "Fri 00:00-23:59 UTC"},
        {"blackout": "fomc"},  # no later release is known
        {"accounts": "firm"},
        {"instruments": "KDEN/*"},
    ],
)
def test_a_rule_that_changed_meanwhile_takes_it_back(
    waiting: Account, flat_by: None, monkeypatch: pytest.MonkeyPatch, rules: dict[str, str]
) -> None:  # fmt: skip
    monkeypatch.setattr(blackout, "load_calendar", lambda: ())

    assert cancels(WIDE, waiting, 11, ruled(**rules)) == waiting.working.order_id


@pytest.mark.parametrize(("dial", "stays"), [(3, False), (4, True)])
def test_a_dial_below_the_least_that_a_rule_asks_for_takes_it_back(waiting: Account, dial: int, stays: bool) -> None:
    dialled = replace(waiting, governor=replace(waiting.governor, dial=np.full(1, dial)))

    assert (cancels(WIDE, dialled, 5, ruled(min_operator=4)) == ()) == stays


@pytest.mark.parametrize(("flat_by", "stays"), [(time(11, 21), True), (time(11, 20), False)], indirect=["flat_by"])
def test_a_rule_under_which_may_be_bought_takes_nothing_back(waiting: Account, flat_by: None, stays: bool) -> None:
    """An account that has to be flat before the next look, 15 minutes after this one, is sold out now."""
    allowed = ruled(sessions="Mon-Fri 08:30-18:00 UTC", blackout="fomc", accounts="firm")

    assert (cancels(WIDE, waiting, 5, allowed) == ()) is stays


def test_what_ends_by_itself_or_was_taken_back_is_left_alone(waiting: Account) -> None:
    nothing_wanted = replace(WIDE, wanted=0.0)
    back = replace(waiting, working=replace(waiting.working, cancel_at=np.array([micros(START)])))

    assert cancels(nothing_wanted, waiting, minutes=17) == ()
    assert cancels(nothing_wanted, back) == ()


def test_each_run_rests_for_itself() -> None:
    seen = look([WIDE], account_of(n_runs=2), RESTING)

    assert seen.orders.run.tolist() == [0, 1]
    assert seen.orders.good_until.min() > 0
