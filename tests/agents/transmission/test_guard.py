"""What an order must find in the market."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.transmission.identity import order_id
from agents.transmission.ruling import guard
from core.model.orders import Level
from core.units import MICRO, micros
from tests.agents.transmission.builders import (
    NORMAL,
    Market,
    account_of,
    cycle_of,
    instrument_of,
    look,
    quotes_of,
    settings_of,
    targets_of,
)

MARKET = Market(instrument_of(), wanted=50.0)
PRINTS = replace(MARKET, asks=(), bids=(), age=np.inf, prints_only=True, last_print=0.30, print_age=600.0)


@pytest.mark.parametrize(
    ("market", "reason"),
    [
        (replace(MARKET, age=60.1), "book_age"),
        (replace(MARKET, age=np.inf), "book_age"),
        (replace(MARKET, sane=False), "book_sanity"),
        (replace(MARKET, bids=((0.30, 100.0),)), "book_sanity"),
        (replace(MARKET, asks=((1.0, 100.0),)), "book_sanity"),
        (replace(MARKET, asks=()), "priced"),
        (replace(MARKET, asks=((0.30, 1e4),), bids=((0.22, 1e4),)), "spread"),
        (replace(MARKET, fair=0.34), "limit_price"),
        (replace(MARKET, asks=((0.30, 15.0),)), "minimum_size"),
        (replace(MARKET, asks=((0.36, 1e4),), bids=((0.24, 1e4),), fair=0.41), "estimated_cost"),
        (replace(MARKET, fair=np.nan), "priced"),
    ],
)
def test_a_purchase_is_refused(market: Market, reason: str) -> None:
    seen = look([market], settings=settings_of(NORMAL, {"max_spread": 0.2} if reason == "estimated_cost" else {}))

    assert seen.shares == {}
    assert seen.reason == reason


@pytest.mark.parametrize(
    "market", [replace(MARKET, age=60.0), replace(MARKET, asks=((0.32, 1e4),)), replace(MARKET, fair=0.35)]
)
def test_a_purchase_at_the_very_limit_passes(market: Market) -> None:
    """60 s of 60; a spread of 0.04 of 0.04; an ask of 0.30 where fair value less EDGE_MIN is 0.30."""
    assert look([market], settings=settings_of(NORMAL)).shares == {"london-0-YES": 50.0}


def test_a_cheap_tail_without_a_bid_has_a_spread_from_nothing() -> None:
    cheap = replace(MARKET, asks=((0.04, 1e4),), bids=(), fair=0.20)
    dear = replace(MARKET, asks=((0.30, 1e4),), bids=())

    assert look([cheap], settings=settings_of(NORMAL)).shares == {"london-0-YES": 50.0}
    assert look([dear], settings=settings_of(NORMAL)).reason == "spread"


@pytest.mark.parametrize(("desk_limit", "limit"), [(0.90, 330_000), (0.31, 310_000), (0.3179, 310_000)])
def test_the_limit_price_is_on_the_tick_and_never_chases(desk_limit: float, limit: int) -> None:
    """Three ticks beyond 0.30, or the desk's own limit, whichever is less."""
    seen = look([replace(MARKET, fair=0.60, limit_price=desk_limit)], settings=settings_of(NORMAL))

    assert seen.orders.limit_micro.tolist() == [limit]


def test_the_limit_price_is_never_above_fair_value_less_the_least_edge() -> None:
    seen = look([replace(MARKET, fair=0.37, limit_price=0.90)], settings=settings_of(NORMAL))

    assert seen.orders.limit_micro.tolist() == [320_000]


def test_a_leg_without_a_view_keeps_to_its_own_limit_and_needs_no_edge_of_its_own() -> None:
    """What a hedge gains, others gain: fair value 0.25 at an ask of 0.30, which the desk says it may cost."""
    hedge = replace(MARKET, fair=0.25, limit_price=0.31, view=False)

    assert look([hedge], settings=settings_of(NORMAL)).orders.limit_micro.tolist() == [310_000]
    assert look([replace(hedge, view=True)], settings=settings_of(NORMAL)).reason == "limit_price"
    assert look([replace(hedge, limit_price=0.29)], settings=settings_of(NORMAL)).reason == "limit_price"


def test_depth_counts_only_what_the_limit_price_reaches() -> None:
    """80 at 0.30, 80 at 0.33, 800 at 0.34 with a limit of 0.33: a quarter of 160."""
    market = replace(MARKET, asks=((0.30, 80.0), (0.33, 80.0), (0.34, 800.0)), fair=0.50, bids=((0.28, 10.0),))

    seen = look([market], settings=settings_of(NORMAL))

    assert seen.shares == {"london-0-YES": 40.0}
    assert seen.orders.reference_micro.tolist() == [300_000]


def test_an_unchanged_book_remembers_what_we_took() -> None:
    market = replace(MARKET, asks=((0.30, 100.0),))
    taken = {(0, "london-0-YES", 1): (Level(300_000, 100 * MICRO, 15 * MICRO),)}

    same = look([market], replace(account_of(), taken=taken), settings_of(NORMAL))
    new = look([replace(market, asks=((0.30, 101.0),))], replace(account_of(), taken=taken), settings_of(NORMAL))

    assert same.shares == {"london-0-YES": 10.0}
    assert new.shares == {"london-0-YES": 25.25}


def test_far_from_the_market_we_take_half() -> None:
    far = look([replace(MARKET, fair=0.60)], settings=settings_of(NORMAL))
    near = look([replace(MARKET, fair=0.53)], settings=settings_of(NORMAL))

    assert far.shares == {"london-0-YES": 25.0}
    assert far.check("fair_gap") == "shrink"
    assert near.shares == {"london-0-YES": 50.0}


def test_the_walk_is_part_of_the_cost() -> None:
    """Mid 0.29, fair value 0.40: half of the edge is 0.055. 10 shares at 0.30 and 50 at 0.36 cost 0.35, 0.06 above mid."""
    asks = ((0.30, 10.0), (0.36, 4_000.0))
    market = replace(MARKET, wanted=60.0, asks=asks, fair=0.40, limit_price=0.36)

    seen = look([market], settings=settings_of({**NORMAL, "bracket_r": 1}, {"chase_ticks": 10}, edge_min=0.0))

    assert seen.shares == {}
    assert seen.reason == "estimated_cost"


def test_the_same_order_is_not_sent_twice() -> None:
    first = look([MARKET], settings=settings_of({**NORMAL, "bracket_r": 1, "city_day_r": 2}))
    waiting = replace(first.orders, size_micro=np.array([6 * MICRO]))
    account = replace(first.account, instruments=(MARKET.instrument,), working=waiting,
                      held_micro=np.zeros((1, 1), np.int64), cost_micro=np.zeros((1, 1), np.int64),
                      claim_micro=np.zeros((1, 1), np.int64))  # fmt: skip

    again = look([MARKET], account, settings_of({**NORMAL, "bracket_r": 1, "city_day_r": 2}))

    assert first.orders.order_id == (order_id("weather", cycle_of().scheduled_at, 0, "london-0-YES"),)
    assert again.shares == {}
    assert again.reason == "duplicate"


def test_orders_are_durable_before_they_are_sent_and_never_older_than_their_fill() -> None:
    seen = look([MARKET])

    assert seen.orders.status.tolist() == [2]  # SUBMITTING
    assert seen.orders.placed_at.tolist() == [micros(cycle_of().fill_at)]
    assert seen.orders.decision_id == (seen.decisions[0].decision_id,)
    assert seen.orders.order_id[0].removeprefix("o-") == seen.orders.decision_id[0].removeprefix("d-")


def test_where_only_prints_exist_no_book_is_asked_for() -> None:
    seen = look([PRINTS], settings=settings_of(NORMAL))

    assert seen.shares == {"london-0-YES": 50.0}
    assert seen.orders.reference_micro.tolist() == [310_000]  # the last print and a cent
    assert {seen.check(name) for name in ("book_sanity", "book_age", "spread", "depth", "estimated_cost")} == {"not_applicable"}
    assert seen.check("print_age") == "pass"


def test_prints_only_get_the_same_probe() -> None:
    assert look([PRINTS]).shares == {"london-0-YES": 5.0}


@pytest.mark.parametrize("market", [replace(PRINTS, print_age=3_601.0), replace(PRINTS, last_print=np.nan)])
def test_an_old_print_is_no_price(market: Market) -> None:
    seen = look([market], settings=settings_of(NORMAL))

    assert seen.shares == {}
    assert seen.reason in ("print_age", "priced")


def test_the_guard_needs_no_account_and_answers_for_every_instant() -> None:
    quotes = quotes_of([MARKET, PRINTS])

    guarded = guard(quotes, settings_of())

    assert {limit.allowed.shape for limit in guarded.limits.values()} == {(1, 2)}
    assert np.isnan(guarded.limits["spread"].allowed[0, 1])
    assert np.isnan(guarded.limits["print_age"].allowed[0, 0])
    assert targets_of([MARKET]).target.shape == (1, 1)
