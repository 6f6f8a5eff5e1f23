"""Events from executions: exact money by hand and against an independent ledger, R, attribution, ladder, and their traps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.metrics.attribution import RUNGS, ladder, netted, parts
from core.metrics.events import Events, decay, event_figures, event_profit_factor, r_drawdown
from core.metrics.netting import UNKNOWN, Executions
from core.units import MICRO, IntArray


@dataclass(frozen=True)
class Fill:
    """One execution in dollars and shares; prices below 0 are not known."""

    shares: float
    price: float
    fee: float = 0.0
    event: int = 0
    market: int = 0
    yes: bool = True
    fair: float = -1.0
    mid: float = -1.0
    touch: float = -1.0
    depth: float = -1.0
    pays: int = UNKNOWN


def made(fills: Sequence[Fill]) -> Executions:
    """Return columns; a token is a side of a market of an event."""

    def whole(values: Sequence[float]) -> IntArray:
        return np.array([UNKNOWN if each < 0 else round(each * MICRO) for each in values], np.int64)

    size = np.array([round(one.shares * MICRO) for one in fills], np.int64)
    price = whole([one.price for one in fills])
    market = np.array([10 * one.event + one.market for one in fills], np.int64)
    yes = np.array([one.yes for one in fills], np.bool_)
    return Executions(
        np.array([one.event for one in fills], np.int64), market, 2 * market + yes, yes, size, np.abs(size) * price // MICRO,
        whole([one.fee for one in fills]), whole([one.fair for one in fills]), whole([one.mid for one in fills]),
        whole([one.touch for one in fills]), whole([one.depth for one in fills]),
        np.array([one.pays for one in fills], np.int64),
    )  # fmt: skip


def events(results: Sequence[float], risk: float = 10.0) -> Events:
    """Return decided events with these results in R, one a day."""
    fills = [Fill(risk / 0.5, 0.5, event=i, pays=0) for i in range(len(results))]
    money = netted(made(fills), len(results))
    net = np.array([round(each * risk * MICRO) for each in results], np.int64)
    money = type(money)(**{**{name: getattr(money, name) for name in money.__slots__}, "net": net})
    day = np.arange(len(results), dtype=np.int64)
    return Events(money, 740_000 + day, day * 86_400_000_000, (day + 1) * 86_400_000_000)


# R by hand


def test_a_plain_purchase_risks_its_all_in_cost() -> None:
    """100 YES at 30¢ with 25¢ of fee cost 30.25 $; they pay 100 $."""
    found = netted(made([Fill(100, 0.30, 0.25, pays=1)]), 1)

    assert (found.risk[0], found.net[0], found.cost[0]) == (30_250_000, 69_750_000, 30_250_000)
    assert found.result_r[0] == pytest.approx(69.75 / 30.25)


def test_a_loss_is_minus_one() -> None:
    assert netted(made([Fill(100, 0.30, 0.25, pays=0)]), 1).result_r[0] == -1.0


def test_legs_of_one_event_are_one_observation() -> None:
    """Trap: three NO of one event counted as three trades win twice and lose once, and look like independent evidence."""
    legs = [Fill(10, 0.9, market=market, yes=False, pays=int(market != 1)) for market in range(3)]

    found = netted(made(legs), 1)

    assert len(found) == 1
    assert found.net[0] == (20 - 27) * MICRO


def test_a_round_trip_risks_what_was_in_at_most_not_what_was_turned_over() -> None:
    """10 $ bought, sold for 12, bought again for 12: at most 10 $ were in, 22 were turned over."""
    found = netted(made([Fill(20, 0.5, pays=0), Fill(-20, 0.6, pays=0), Fill(20, 0.6, pays=0)]), 1)

    assert (found.risk[0], found.cost[0], found.net[0]) == (10 * MICRO, 22 * MICRO, -10 * MICRO)
    assert found.result_r[0] == -1.0


def test_an_open_event_is_no_observation_and_one_that_was_sold_out_is() -> None:
    still_open, sold = [Fill(10, 0.5)], [Fill(10, 0.5, event=1), Fill(-10, 0.4, event=1)]

    found = netted(made([*still_open, *sold]), 2)

    assert found.event.tolist() == [1]
    assert found.net[0] == -1_000_000


def test_the_price_implies_the_break_even_rate() -> None:
    """One NO at 90¢ needs 90 %; three NO at 90¢ on one ladder lose 70¢ or win 30¢: 70 %."""
    one = netted(made([Fill(1, 0.9, yes=False, pays=1)]), 1)
    three = netted(made([Fill(1, 0.9, market=market, yes=False, pays=1) for market in range(3)]), 1)

    assert (one.best[0], one.worst[0]) == (100_000, -900_000)
    assert (three.best[0], three.worst[0]) == (300_000, -700_000)


def test_the_spread_of_a_claim_knows_that_one_bracket_wins() -> None:
    """YES on one of two halves has 0.5 a share; YES on both halves is certain."""
    half = netted(made([Fill(10, 0.4, fair=0.5, pays=1)]), 1)
    both = netted(made([Fill(10, 0.4, fair=0.5, pays=1), Fill(10, 0.4, market=1, fair=0.5, pays=0)]), 1)

    assert half.claim_sd[0] == pytest.approx(5 * MICRO)
    assert both.claim_sd[0] == pytest.approx(0.0, abs=1.0)


# Attribution


def test_parts_of_a_purchase_by_hand() -> None:
    """Fair 40¢, mid 29¢, paid 30¢, fee 25¢, 100 shares that win: edge +11, spread −1, fee −0.25, luck +60 $."""
    found = parts(made([Fill(100, 0.30, 0.25, fair=0.40, mid=0.29, pays=1)]))

    assert [int(each[0]) for each in (found.edge, found.spread, found.fee, found.luck)] == [
        11_000_000, -1_000_000, -250_000, 60_000_000,
    ]  # fmt: skip


def test_the_ladder_of_costs_ends_at_the_result() -> None:
    fill = Fill(100, 0.31, 0.25, fair=0.4, mid=0.29, touch=0.295, depth=0.30, pays=1)

    found = dict(zip(RUNGS, ladder(made([fill]))[0].tolist(), strict=True))

    assert found == {"mid": 71_000_000, "touch": 70_500_000, "depth": 70_000_000, "fees": 69_750_000, "latency": 68_750_000}


def test_what_nobody_knew_is_no_part() -> None:
    found = parts(made([Fill(100, 0.30, 0.25, pays=1)]))

    assert (int(found.edge[0]), int(found.spread[0]), int(found.luck[0])) == (0, 0, 70_000_000)


FILLS = st.lists(
    st.builds(
        Fill, shares=st.integers(1, 500_000_000).map(lambda n: n / MICRO), price=st.integers(1, 999_999).map(lambda n: n / MICRO),
        fee=st.integers(0, 2_000_000).map(lambda n: n / MICRO), event=st.integers(0, 2), market=st.integers(0, 2),
        yes=st.booleans(), fair=st.integers(-1, MICRO).map(lambda n: n / MICRO), mid=st.integers(-1, MICRO).map(lambda n: n / MICRO),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(FILLS, st.lists(st.integers(0, 3), min_size=3, max_size=3), st.integers(0, 2**31))
def test_parts_add_up_to_what_an_independent_ledger_says(fills: list[Fill], winners: list[int], seed: int) -> None:
    """Purchases and sales of what is held, in any order; the ledger is cash in a drawer, counted in whole micro-dollars."""
    rng = np.random.default_rng(seed)
    drawer, held, booked = [0, 0, 0], {}, []
    for one in fills:
        key, size = (one.event, one.market, one.yes), round(one.shares * MICRO)
        if rng.random() < 0.4 and held.get(key, 0) > 0:
            size = -min(size, held[key])
        pays = int((winners[one.event] == one.market) == one.yes)
        booked.append(Fill(size / MICRO, one.price, one.fee, one.event, one.market, one.yes, one.fair, one.mid, pays=pays))
        price, fee = round(one.price * MICRO), round(one.fee * MICRO)
        money = abs(size) * price // MICRO
        drawer[one.event] += -fee + (money if size < 0 else -money)
        held[key] = held.get(key, 0) + size
    for (event, market, yes), size in held.items():
        drawer[event] += size if (winners[event] == market) == yes else 0

    found = netted(made(booked), 3)

    for row, event in enumerate(found.event.tolist()):
        assert found.net[row] == drawer[event]
        assert found.edge[row] + found.spread[row] - found.fees[row] + found.luck[row] == drawer[event]
        assert found.ladder[row, -1] == drawer[event]
        assert found.claimed[row] == found.edge[row] + found.spread[row] - found.fees[row]
        assert found.risk[row] >= 0
        assert found.net[row] >= -found.risk[row]  # R is never below -1
    assert found.event.tolist() == sorted({one.event for one in booked})


# Figures of events


def value(of: Events, name: str) -> float | None:
    return next(one.value for one in event_figures(of) if one.name == name)


def test_figures_by_hand() -> None:
    """+1, −0.5, 0, +2 R: two of four won, PF 6, mean 0.625."""
    found = events([1.0, -0.5, 0.0, 2.0])

    assert value(found, "expected_r") == 0.625
    assert value(found, "event_profit_factor") == 6.0
    assert value(found, "event_win_rate") == 0.5  # breaking even counts, but is not won
    assert value(found, "win_rate_wilson_lb") == pytest.approx(0.1500, abs=1e-4)
    assert value(found, "avg_win_r") == 1.5
    assert value(found, "avg_loss_r") == -0.5
    assert value(found, "event_payoff") == 3.0


def test_profit_factor_without_losses_is_null_with_the_reason() -> None:
    """Trap: PF without losses."""
    found = next(one for one in event_figures(events([1.0, 2.0])) if one.name == "event_profit_factor")

    assert (found.value, found.reason, found.n) == (None, "no losing event", 2)


def test_drawdown_starts_at_zero_before_the_first_event() -> None:
    """Trap: a drawdown that starts at the first trade hides a first loss."""
    assert r_drawdown(events([-1.0, 0.5])) == -1.0
    assert r_drawdown(events([1.0, 2.0])) == 0.0


def test_nothing_is_said_of_nothing() -> None:
    found = event_figures(events([]))

    assert {one.value for one in found} == {None}
    assert {one.reason.split(" (")[0] for one in found} == {"not enough data"}


def test_every_figure_says_its_n_and_defines_itself() -> None:
    for one in event_figures(events([1.0, -1.0, 0.5])):
        assert one.n == 3
        assert one.definition.startswith("Return ")


def test_an_interval_comes_by_dates_from_thirty_on() -> None:
    rng = np.random.default_rng(3)
    many, few = (events(rng.normal(0.2, 1.0, n).clip(-1).tolist()) for n in (60, 29))

    found, short = (next(one for one in event_figures(each) if one.name == "expected_r") for each in (many, few))

    assert found.low is not None
    assert found.value is not None
    assert found.high is not None
    assert found.low < found.value < found.high
    assert short.low is None


def test_decay_compares_the_newest_with_those_before() -> None:
    fading = [1.0, -0.5] * 10 + [0.5, -0.5] * 10

    found = decay(events(fading), 20)

    assert (found.expected_r_before, found.expected_r) == (0.25, 0.0)
    assert found.warning == "E[R] fell from +0.25 to +0.00, profit factor fell from 2.00 to 1.00"
    assert decay(events([1.0, -0.5] * 20), 20).warning == ""
    assert decay(events([1.0] * 39), 20).reason == "not enough data (39 of 40 events)"


def test_decay_of_a_losing_record_needs_a_deeper_loss() -> None:
    """30 % below −0.25 is −0.325: a sign must not turn a small change into a warning."""
    assert decay(events([-0.25] * 20 + [-0.30] * 20), 20).warning == ""
    assert "E[R] fell" in decay(events([-0.25] * 20 + [-0.40] * 20), 20).warning


def test_the_window_takes_the_newest() -> None:
    assert event_profit_factor(events([-1.0] * 5 + [1.0, -0.5]).newest(2)) == 2.0
