"""What a share has to fetch before it is sold: its value to the account, and fair value where nobody states one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.transmission.ruling import guard, orders_of, rule
from core.model.decision import Check
from core.model.event import Fees
from core.prices import fee_per_share
from core.units import MICRO
from tests.agents.transmission.builders import (
    Look,
    Market,
    account_of,
    cycle_of,
    holding,
    instrument_of,
    look,
    quotes_of,
    settings_of,
    targets_of,
)

LARGE = Market(instrument_of(), wanted=40.0, fair=0.35, kept_below=0.27)  # bid 0.28


def exit_edge(seen: Look) -> Check:
    return next(check for check in seen.decisions[0].checks if check.name == "exit_edge")


def test_a_holding_that_is_too_large_is_sold_below_fair_value() -> None:
    """Bid 0.28, fair value 0.35, but the account sells from 0.27 on: 20 of 60 shares go, and the row says at what prices."""
    seen = look([LARGE], holding(account_of(), LARGE, 60.0, 0.30))

    assert seen.shares == {"london-0-YES": -20.0}
    assert seen.reason == "as_wanted"
    assert seen.orders.limit_micro.tolist() == [270_000]
    assert (exit_edge(seen).value, exit_edge(seen).limit) == (0.28, 0.27)


def test_a_holding_that_is_worth_more_to_the_account_is_kept_at_a_bid_above_fair_value() -> None:
    market = replace(LARGE, fair=0.20, kept_below=0.30)

    seen = look([market], holding(account_of(), market, 60.0, 0.30))

    assert seen.shares == {}
    assert seen.reason == "exit_edge"
    assert (exit_edge(seen).value, exit_edge(seen).limit) == (0.28, 0.30)


@pytest.mark.parametrize(("fair", "sold"), [(0.255, {"london-0-YES": -20.0}), (0.265, {})])
def test_without_a_stated_value_fair_value_counts(fair: float, sold: dict[str, float]) -> None:
    """Bid 0.28 and a least gain of 0.02: the border is a fair value of 0.26."""
    market = replace(LARGE, fair=fair, kept_below=np.nan)

    seen = look([market], holding(account_of(), market, 60.0, 0.30))

    assert seen.shares == sold
    assert exit_edge(seen).limit == pytest.approx(fair + 0.02)


def test_each_account_sells_by_its_own_value() -> None:
    """Of three accounts with the same holding the second keeps it at 0.28, and the third goes by fair value."""
    account, settings, cycle = holding(account_of(n_runs=3), LARGE, 60.0, 0.30), settings_of(), cycle_of()
    targets = replace(targets_of([LARGE], 3), kept_below=np.array([[0.25], [0.29], [np.nan]]))

    orders = orders_of(rule(targets, guard(quotes_of([LARGE]), settings), 0, account, cycle, settings), targets, account, cycle)

    assert orders.run.tolist() == [0]
    assert orders.size_micro.tolist() == [-20 * MICRO]


def test_the_limit_price_leaves_the_least_proceeds_after_its_own_fee() -> None:
    """What the second level fetches is just enough: the fee of the best bid, which is higher, does not shut it out."""
    fees = Fees(0.05)
    net = [price - float(fee_per_share(np.array(price), fees)) for price in (0.28, 0.26)]
    bids = ((0.28, 40.0), (0.26, 40.0))
    market = replace(LARGE, wanted=0.0, bids=bids, fees=fees, sell_price=net[0], kept_below=net[1])

    seen = look([market], holding(account_of(), market, 60.0, 0.30))

    assert seen.orders.limit_micro.tolist() == [260_000]
    assert seen.shares == {"london-0-YES": -20.0}  # a quarter of both levels
