"""An order whose own fee, rounded as the venue rounds it, eats what is expected of it is not sent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.transmission.ruling import ORDER_CHECKS
from core.model.event import FeeRounding, Fees, Side
from core.units import MICRO
from tests.agents.transmission.builders import NORMAL, Look, Market, account_of, holding, instrument_of, look, settings_of

CENT = Fees(0.07, rounding=FeeRounding.UP_CENT)
FINE = Fees(0.05)
KALSHI = Market(
    instrument_of("nyc", venue="kalshi"), wanted=0.02, fair=0.817, asks=((0.76, 5_000.0),), bids=((0.74, 5_000.0),),
    min_size=0.01, fees=CENT,
)  # fmt: skip
"""0.02 at 76 cents as a stranger found it bought: it costs 0.0252 and pays 0.02 at most."""
EAGER = settings_of(NORMAL, edge_min=0.0)


def asked(seen: Look, token: str = "nyc-0-YES") -> tuple[float | None, float | None, str]:
    check = next(check for check in seen.by_token[token].checks if check.name == "rounded_fee")
    return check.value, check.limit, str(check.verdict)


def test_what_cannot_win_is_not_bought_and_the_decision_says_what_was_expected() -> None:
    """Limit 0.767 less EDGE_MIN of nothing, on the tick 0.76: 0.02 x (0.817 - 0.76) - 0.01 = -0.00886."""
    seen = look([replace(KALSHI, limit_price=0.767)], settings=EAGER)

    assert seen.shares == {}
    assert seen.reason == "rounded_fee"
    assert asked(seen) == (pytest.approx(-0.00886), 0.0, "refuse")


def test_a_larger_order_of_the_same_edge_is_sent() -> None:
    """1 x 0.057 less 0.07 x 0.76 x 0.24 = 0.012768, charged 0.02: 0.037."""
    seen = look([replace(KALSHI, limit_price=0.767, wanted=1.0)], settings=EAGER)

    assert seen.shares == {"nyc-0-YES": 1.0}
    assert asked(seen) == (pytest.approx(0.037), 0.0, "pass")


@pytest.mark.parametrize(("wanted", "sent"), [(0.20, {}), (0.21, {"nyc-0-YES": 0.21})])
def test_a_gain_of_nothing_is_none(wanted: float, sent: dict[str, float]) -> None:
    """0.20 x (0.55 - 0.50) is the cent that the fee of 0.0035 is charged as; 0.21 earns half a tenth of a cent."""
    market = replace(KALSHI, wanted=wanted, fair=0.55, asks=((0.50, 1e4),), bids=((0.49, 1e4),), limit_price=0.50)

    assert look([market], settings=EAGER).shares == sent


def test_a_venue_that_rounds_to_a_hair_refuses_nothing() -> None:
    seen = look([replace(KALSHI, limit_price=0.767, fees=FINE)], settings=EAGER)

    assert seen.shares == {"nyc-0-YES": 0.02}
    assert asked(seen)[2] == "pass"


def test_the_worst_price_that_the_order_accepts_counts() -> None:
    """0.30 shares: (0.60 - 0.50) earns 3 cents at the best ask; at the limit of 0.58 it would earn 0.6 of the cent it costs."""
    market = replace(KALSHI, wanted=0.30, fair=0.60, asks=((0.55, 1e4),), bids=((0.54, 1e4),))

    assert look([replace(market, limit_price=0.58)], settings=EAGER).reason == "rounded_fee"
    assert look([replace(market, limit_price=0.55)], settings=EAGER).shares == {"nyc-0-YES": 0.30}


def test_what_depth_left_of_an_order_is_asked() -> None:
    """A quarter of the 0.08 shown is the 0.02 that cannot win, of a wish for 5."""
    seen = look([replace(KALSHI, wanted=5.0, asks=((0.76, 0.08),), limit_price=0.767)], settings=EAGER)

    assert seen.shares == {}
    assert seen.reason == "rounded_fee"


def test_a_sale_is_never_refused_by_its_fee() -> None:
    """0.02 sold at 0.90 bring 0.018, and a cent goes."""
    market = replace(KALSHI, wanted=0.0, fair=0.50, asks=((0.92, 1e4),), bids=((0.90, 1e4),))

    seen = look([market], holding(account_of(), market, 0.02, 0.76), EAGER)

    assert seen.shares == {"nyc-0-YES": -0.02}
    assert asked(seen) == (None, None, "not_applicable")


def test_where_nothing_is_left_to_send_it_does_not_apply() -> None:
    seen = look([replace(KALSHI, limit_price=0.70)], settings=EAGER)

    assert seen.reason == "limit_price"
    assert asked(seen)[2] == "not_applicable"


def test_it_comes_after_what_may_still_shrink_the_order() -> None:
    assert list(ORDER_CHECKS).index("rounded_fee") > list(ORDER_CHECKS).index("depth")


def test_alone_and_in_a_batch_it_says_the_same_bits() -> None:
    dice = np.random.default_rng(3)
    markets = [
        replace(
            KALSHI, instrument=instrument_of("nyc", i, (Side.YES, Side.NO)[i % 2], venue="kalshi"), fees=(CENT, FINE)[i % 3 // 2],
            wanted=round(float(dice.uniform(0.01, 0.6)), 2), fair=float(dice.uniform(0.80, 0.95)), limit_price=0.79,
        )
        for i in range(17)
    ]  # fmt: skip
    settings = settings_of(
        {**NORMAL, "city_day_r": 9, "region_day_r": 9, "desk_day_r": 9, "open_r": 9, "source_r": 9}, edge_min=0.0
    )

    together = look(markets, account_of(n_runs=3), settings)
    verdicts = set()
    for market in markets:
        token = market.instrument.token
        alone = look([market], settings=settings)
        batch = [d for d in together.decisions if d.token == token]
        assert len(batch) == 3
        assert {d.order_micro for d in batch} == {alone.decisions[0].order_micro}
        checks = {next(c for c in d.checks if c.name == "rounded_fee") for d in (*batch, alone.decisions[0])}
        assert len(checks) == 1
        verdicts.add(str(checks.pop().verdict))
        assert alone.decisions[0].order_micro in (0, round(market.wanted * MICRO))
    assert verdicts == {"pass", "refuse"}
