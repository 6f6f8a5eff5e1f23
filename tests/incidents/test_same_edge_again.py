"""1,440 trades and 416,484 $ at risk on a bankroll of 3,000 $: the same edge bought again every cycle, none of it settled. FACTS I.10."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.journal.changes import Intention, Payout
from core.journal.fold import apply
from core.model.account import Account
from core.model.settlement import Finality, Settlement
from core.units import MICRO
from tests.agents.transmission.builders import (
    NORMAL,
    START,
    Market,
    account_of,
    cycle_of,
    filled,
    instrument_of,
    look,
    settings_of,
)

BANKROLL = 3_000.0
CYCLES = 1_440
SMALL, LARGE = 10.0, 900.0  # shares wanted: within every cap, and far beyond
EVERY = timedelta(minutes=1)


def markets(wanted: float) -> tuple[Market, ...]:
    return tuple(
        Market(instrument_of(f"event-{i}", city=f"city-{i}", region=f"region-{i}"), wanted=wanted, earned="normal")
        for i in range(3)
    )


def at_risk(account: Account) -> float:
    return float(account.cost_micro.sum()) / MICRO


@pytest.fixture(scope="module", params=[(SMALL, 200), (LARGE, CYCLES)], ids=["small", "large"])
def day(request: pytest.FixtureRequest) -> tuple[Account, int, float, float]:
    """Looks a minute apart at the same books, unchanged in every look, a day of them; all orders are filled whole.

    Guard: a target is a position, an order is target less held less working: `entering=wanted - held - buying` of `standing_of`
    and `more = position - base` of `rule`, agents/transmission.
    """
    wanted, looks = request.param
    account, trades, most = account_of(BANKROLL), 0, 0.0
    settings = settings_of(None, NORMAL)
    for number in range(looks):
        cycle = cycle_of(START + number * EVERY, number + 1)
        seen = look(markets(wanted), account, settings, cycle=cycle, decide=False)
        account = seen.account
        if len(seen.orders):
            trades += len(seen.orders)
            account = filled(seen, markets(wanted), cycle=cycle)
        most = max(most, at_risk(account))
    return account, trades, most, wanted


def test_the_same_edge_is_bought_once(day: tuple[Account, int, float, float]) -> None:
    account, trades, _, wanted = day

    if wanted == SMALL:
        assert trades == 3
        assert account.held_micro.tolist() == [[SMALL * MICRO] * 3]
    else:
        assert 3 <= trades <= 9  # more than once only where a cap grew with the desk day


def test_what_is_at_risk_stays_below_every_cumulative_cap(day: tuple[Account, int, float, float]) -> None:
    """Bracket 0.2 R0, all open 4 R0; R0 is 1 % of 3,000 $."""
    account, _, most, _ = day
    unit = 0.01 * BANKROLL

    assert 0 < most <= 4 * unit
    assert all(cost <= 0.2 * unit * MICRO * 1.000001 for cost in account.cost_micro[0].tolist())


def test_every_holding_knows_its_event_day_and_can_settle(day: tuple[Account, int, float, float]) -> None:
    """No event day was stored with those trades, so nothing could ever be paid. Guard: `event_day` is not null in every table."""
    account, _, _, wanted = day
    cycle = cycle_of(START + CYCLES * EVERY, CYCLES + 1)

    for market in markets(wanted):
        assert market.instrument.event_day is not None
        word = Settlement(
            f"{market.instrument.event_id}/final/0", "polymarket", market.instrument.event_id, "EGLC",
            market.instrument.event_day, Finality.FINAL, 0, market.instrument.market_id, market.instrument.label, None, {},
        )  # fmt: skip
        account = apply(cycle, account, Payout(word))

    assert int(account.held_micro.sum()) == 0
    assert at_risk(account) == 0.0
    assert int(account.realised_micro[0]) > 0


@pytest.mark.parametrize("wanted", [SMALL, LARGE])
def test_an_order_that_still_works_counts_as_filled(wanted: float) -> None:
    """Nobody answers for a hundred looks: the second look already wants nothing more.

    Guard: `_add_working` of `standing_of`: what is being bought counts toward the target, and its cost in every cap.
    """
    account, settings, many = account_of(BANKROLL), settings_of(None, NORMAL), markets(wanted)
    cycle = cycle_of()
    seen = look(many, account, settings, cycle=cycle)
    assert len(seen.orders) == 3
    waiting = apply(cycle, seen.account, Intention(seen.decisions, seen.orders, tuple(m.instrument for m in many)))

    for number in range(1, 50):
        again = look(many, waiting, settings, cycle=cycle_of(START + number * EVERY, number + 1), decide=False)
        assert not len(again.orders)
        waiting = replace(again.account, working=waiting.working)
