"""Stop-loss loops: a floor above the market, and the sale of a position that was sold already, tried again and again. FACTS I.10."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import JournalError
from core.journal.changes import Intention
from core.journal.fold import apply
from core.units import MICRO
from tests.agents.transmission.builders import START, Market, account_of, cycle_of, filled, holding, instrument_of, look

BID = ((0.60, 100_000.0),)
RICH = Market(instrument_of(), wanted=0.0, fair=0.40, asks=((0.62, 100_000.0),), bids=BID)  # the bid pays 20 cents too much
EVERY = timedelta(minutes=15)
SHARES = 100.0


def test_a_floor_above_the_market_is_never_sent() -> None:
    """Worth 70 cents, bid 60: two hundred looks send nothing.

    Guards: `exit_edge` and the limit of `lowest_price`, agents/transmission/exits.py.
    """
    market = replace(RICH, fair=0.70)
    account = holding(account_of(), market, SHARES, 0.50)

    for number in range(200):
        seen = look([market], account, cycle=cycle_of(START + number * EVERY, number + 1))
        assert not len(seen.orders)
        account = seen.account


def test_what_is_being_sold_is_not_sold_again() -> None:
    """The first order still works: the next look wants the same sale and sends none.

    Guards: `held - selling - wanted` in `exits` and in `leaving` of `standing_of`: what is left, not what was bought.
    """
    account = holding(account_of(), RICH, SHARES, 0.30)
    first = look([RICH], account)
    assert first.shares == {RICH.instrument.token: -SHARES}
    working = apply(cycle_of(), first.account, Intention(first.decisions, first.orders, (RICH.instrument,)))

    for number in range(1, 40):
        again = look([RICH], working, cycle=cycle_of(START + number * EVERY, number + 1))
        assert not len(again.orders)


@pytest.mark.parametrize("share", [1.0, 0.3, 0.0])
def test_no_more_is_ever_sold_than_is_held(share: float) -> None:
    """Each order is met in part (or not at all) and the rest expires: what is sold in all never passes what was bought.

    Guard: every look asks the account, no sale is carried over from the look before.
    """
    account, tried = holding(account_of(), RICH, SHARES, 0.30), 0
    for number in range(60):
        cycle = cycle_of(START + number * EVERY, number + 1)
        seen = look([RICH], account, cycle=cycle)
        tried += len(seen.orders)
        account = filled(seen, [RICH], share=share, cycle=cycle)
        held = int(account.held_micro.sum())
        assert 0 <= held <= SHARES * MICRO
        if held == 0:
            break

    assert not len(account.working)
    if share == 1.0:
        assert (tried, int(account.held_micro.sum())) == (1, 0)  # once, and never again on a position that is gone


def test_a_sale_of_what_is_not_there_cannot_be_booked() -> None:
    """The last guard: the ledger itself refuses shares below zero (core/journal/execution.py)."""
    account = holding(account_of(), RICH, SHARES, 0.30)
    seen = look([RICH], account)
    poor = replace(seen.account, held_micro=seen.account.held_micro // 2)

    with pytest.raises(JournalError):
        filled(replace(seen, account=poor), [RICH])
