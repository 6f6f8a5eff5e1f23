"""From target to order: sizes, caps, multipliers, and what a frozen market does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from agents.transmission.constraints.exposure import CAPS
from agents.transmission.constraints.rules import COUNTS, RULES
from agents.transmission.decisions import LISTED, NOT_APPLICABLE
from agents.transmission.described import CHECKS
from agents.transmission.guard.host import HOST_CHECKS
from agents.transmission.multipliers import MULTIPLIERS
from agents.transmission.reasons import REASONS
from agents.transmission.ruling import BLOCK_CHECKS, LAST_CHECKS, OPENINGS, ORDER_CHECKS, TARGET_CHECKS, guard, rule
from agents.transmission.tripwires import DAY_LOSS, KILL
from core.model.decision import Verdict
from core.model.event import Side
from core.units import MICRO
from tests.agents.transmission.builders import (
    NORMAL,
    START,
    Market,
    account_of,
    cycle_of,
    filled,
    holding,
    instrument_of,
    look,
    quotes_of,
    settings_of,
    targets_of,
)

LOOSE = {
    **NORMAL,
    "bracket_r": 3,
    "city_day_r": 10,
    "region_day_r": 12,
    "desk_day_r": 30,
    "open_r": 60,
    "source_r": 60,
    "worst_day_r": 8,
}


def test_a_probe_is_a_tenth_of_what_the_caps_leave() -> None:
    """10,000 USD: R0 is 100; bracket cap 0.2 R0 is 20 USD, 66.66 shares at 0.30; a tenth is 6.66 shares."""
    seen = look([Market(instrument_of(), wanted=1_000.0)])

    assert seen.shares == {"london-0-YES": 6.66}
    assert seen.reason == "earned_size"
    assert seen.by_token["london-0-YES"].allowed_micro == 6_666_666


def test_normal_size_is_what_the_bracket_cap_leaves() -> None:
    seen = look([Market(instrument_of(), wanted=1_000.0)], settings=settings_of(NORMAL))

    assert seen.shares == {"london-0-YES": 66.66}
    assert seen.reason == "bracket"
    assert seen.check("bracket") == "shrink"


def test_what_the_desk_wants_is_ordered_when_nothing_stands_in_the_way() -> None:
    seen = look([Market(instrument_of(), wanted=20.0)], settings=settings_of(NORMAL))

    assert seen.shares == {"london-0-YES": 20.0}
    assert seen.reason == "as_wanted"


def test_a_multiplier_bites_also_where_a_cap_binds() -> None:
    full = look([Market(instrument_of(), wanted=1_000.0)], settings=settings_of(NORMAL))
    half = look([Market(instrument_of(), wanted=1_000.0, multiplier=0.5)], settings=settings_of(NORMAL))

    assert half.shares["london-0-YES"] == pytest.approx(full.shares["london-0-YES"] / 2, abs=0.01)


def test_a_city_is_one_bet_across_venues() -> None:
    """City-day cap 0.4 R0 is 40 USD; four brackets at 20 USD each on two venues share it."""
    markets = [Market(instrument_of("poly", b, city="London"), wanted=1_000.0) for b in range(2)] + [
        Market(instrument_of("kal", b, city="LONDON"), wanted=1_000.0) for b in range(2)
    ]

    seen = look(markets, settings=settings_of(NORMAL))

    assert sum(seen.shares.values()) * 0.30 <= 40.0
    assert set(seen.shares.values()) == {33.33}


def test_a_shrunken_size_is_the_size_that_is_ordered() -> None:
    """Trap of TRANSMISSION 1.5: shown 100 shares, a quarter of them is 25, whatever was wanted."""
    seen = look([Market(instrument_of(), wanted=60.0, asks=((0.30, 100.0),))], settings=settings_of(NORMAL))

    assert seen.shares == {"london-0-YES": 25.0}
    assert seen.by_token["london-0-YES"].order_micro == 25 * MICRO
    assert seen.reason == "depth"


def test_the_minimum_is_taken_where_it_is_cheap_and_normal_size_reaches_it() -> None:
    """A tenth of 20 shares is 2; the minimum of 5 costs 1.50 USD, below 0.1 R0 = 10 USD."""
    seen = look([Market(instrument_of(), wanted=20.0)])

    assert seen.shares == {"london-0-YES": 5.0}


def test_the_minimum_is_never_forced_above_what_risk_allows() -> None:
    """Trap of TRANSMISSION 1.5: normal size is 4 shares, so a minimum of 5 is too much."""
    seen = look([Market(instrument_of(), wanted=4.0)])

    assert seen.shares == {}
    assert seen.check("earned_size") == "refuse"


def test_a_dear_minimum_is_refused() -> None:
    """40 contracts at 0.30 cost 12 USD, above 0.1 R0 = 10 USD."""
    seen = look([Market(instrument_of(), wanted=60.0, min_size=40.0)])

    assert seen.shares == {}
    assert seen.reason == "earned_size"


def test_what_is_left_below_the_minimum_is_no_order() -> None:
    seen = look([Market(instrument_of(), wanted=4.0)], settings=settings_of(NORMAL))

    assert seen.shares == {}
    assert seen.reason == "minimum_size"


def test_kalshi_trades_whole_contracts() -> None:
    market = Market(instrument_of(venue="kalshi"), wanted=33.7, min_size=1.0)

    seen = look([market], settings=settings_of(NORMAL))

    assert seen.shares == {"london-0-YES": 33.0}


def test_limits_see_open_positions() -> None:
    """Trap of TRANSMISSION 1.4: 18 USD are held in the bracket of a 20 USD cap, 2 USD are left: 6.66 shares."""
    market = Market(instrument_of(), wanted=1_000.0)
    account = holding(account_of(), market, 60.0, 0.30)

    seen = look([market], account, settings_of(NORMAL))

    assert seen.shares == {"london-0-YES": pytest.approx(6.66, abs=0.2)}  # R0 follows equity, marked at the bid
    assert (60.0 + seen.shares["london-0-YES"]) * 0.30 <= 20.0


def test_limits_see_what_the_desk_no_longer_looks_at() -> None:
    """40 USD are held in London on that day, in an event that is not among the targets: the city-day cap is full."""
    gone = Market(instrument_of("gone"))
    account = holding(account_of(), gone, 134.0, 0.30)

    seen = look([Market(instrument_of(), wanted=1_000.0)], account, settings_of(NORMAL))

    assert seen.shares == {}
    assert seen.check("city_day") == "refuse"
    assert seen.reason == "city_day"


def test_working_orders_count_as_filled() -> None:
    market = Market(instrument_of(), wanted=1_000.0)
    first = look([market], settings=settings_of(NORMAL))
    account = replace(first.account, instruments=(market.instrument,), working=first.orders,
                      held_micro=np.zeros((1, 1), np.int64), cost_micro=np.zeros((1, 1), np.int64),
                      claim_micro=np.zeros((1, 1), np.int64))  # fmt: skip

    again = look([market], account, settings_of(NORMAL), cycle=cycle_of(START + timedelta(minutes=15)))

    assert len(first.orders) == 1
    assert again.shares == {}


@pytest.mark.parametrize("multiplier", [0.0, 0.5])
@pytest.mark.parametrize("tripped", [0, KILL, DAY_LOSS])
@pytest.mark.parametrize("bracket_r", [0.2, 0.001])
def test_neither_multiplier_nor_cap_nor_tripwire_sells(multiplier: float, tripped: int, bracket_r: float) -> None:
    market = Market(instrument_of(), wanted=80.0, multiplier=multiplier, fair=0.29, age=500.0)
    account = replace(holding(account_of(), market, 60.0, 0.30), tripped=np.array([tripped]))

    seen = look([market], account, settings_of({"bracket_r": bracket_r}))

    assert seen.shares == {}


def test_the_kill_switch_refuses_what_adds_and_lets_exits_go() -> None:
    entry = Market(instrument_of("paris", city="Paris"), wanted=100.0)
    leave = Market(instrument_of(), wanted=0.0, fair=0.10, bids=((0.28, 1_000.0),))
    account = replace(holding(account_of(), leave, 60.0, 0.30), tripped=np.array([KILL]))

    seen = look([entry, leave], account)

    assert seen.shares == {"london-0-YES": -60.0}
    assert seen.by_token["paris-0-YES"].reason_code == "kill_switch"


def test_a_position_is_kept_when_the_bid_does_not_pay() -> None:
    """Bid 0.28 against fair value 0.27: the gain of 0.01 is below the exit edge of 0.02."""
    market = Market(instrument_of(), wanted=0.0, fair=0.27)

    seen = look([market], holding(account_of(), market, 60.0, 0.30))

    assert seen.shares == {}
    assert seen.reason == "exit_edge"
    assert seen.decisions[0].allowed_micro == 60 * MICRO


def test_a_sale_takes_a_quarter_of_the_bids_that_pay() -> None:
    """200 shares are bid at 0.28, the 1,000 at 0.15 are below fair value and exit edge."""
    market = Market(instrument_of(), wanted=0.0, fair=0.20, bids=((0.28, 200.0), (0.15, 1_000.0)))

    seen = look([market], holding(account_of(), market, 60.0, 0.30))

    assert seen.shares == {"london-0-YES": -50.0}
    assert seen.orders.limit_micro.tolist() == [250_000]  # three ticks below the best bid; 0.22 would be acceptable


def test_no_wish_is_no_change() -> None:
    market = Market(instrument_of(), wanted=np.nan, fair=0.10)

    assert look([market], holding(account_of(), market, 60.0, 0.30)).decisions == ()


def test_a_stale_book_sells_nothing() -> None:
    market = Market(instrument_of(), wanted=0.0, fair=0.10, age=61.0)

    seen = look([market], holding(account_of(), market, 60.0, 0.30))

    assert seen.shares == {}
    assert seen.reason == "book_age"


def test_a_closed_event_says_the_desks_own_reason() -> None:
    seen = look([Market(instrument_of(), opened=False, closed_reason="rule_inferred")])

    assert seen.shares == {}
    assert seen.reason == "rule_inferred"


def test_what_cannot_be_opened_takes_nobodys_share() -> None:
    shut = Market(instrument_of(bracket=1), wanted=1_000.0, opened=False, closed_reason="rule_inferred")
    alone = look([Market(instrument_of(), wanted=1_000.0)], settings=settings_of(NORMAL))

    beside = look([Market(instrument_of(), wanted=1_000.0), shut], settings=settings_of(NORMAL))

    assert beside.shares == alone.shares


def test_cash_is_kept() -> None:
    """4,000 USD wanted by 40 markets of 100, 1,000 of 10,000 must stay: nothing else binds, 9,000 can go."""
    markets = [Market(instrument_of(f"e{i}", city=f"c{i}"), wanted=1_000.0) for i in range(40)]
    loose = settings_of(
        {**NORMAL, "bracket_r": 100.0, "city_day_r": 100.0, "region_day_r": 1e4, "desk_day_r": 1e4, "open_r": 1e4,
         "source_r": 1e4, "worst_day_r": 1e4, "day_loss_r": 1e3},
        per_market_cap_usd=1e6, daily_bankroll_cap_usd=1e6, kelly_cap=1.0,
    )  # fmt: skip

    seen = look(markets, account_of(), loose)

    assert 0 < sum(seen.shares.values()) * 0.30 <= 9_000.0
    assert 10_000 - sum(seen.shares.values()) * 0.30 >= 1_000.0


def test_no_setting_passes_the_ceiling_of_one_trade() -> None:
    """2 % of 10,000 USD is 200, half of the day's loss limit of 2 R0 is 100: 333.33 shares at 0.30."""
    loose = settings_of({**LOOSE, "bracket_r": 100.0, "city_day_r": 100.0}, per_market_cap_usd=1e6, kelly_cap=1.0)

    seen = look([Market(instrument_of(), wanted=5_000.0)], settings=loose)

    assert seen.shares == {"london-0-YES": 333.33}
    assert seen.reason == "trade_ceiling"


@pytest.mark.parametrize(
    ("lost", "worst_day_r", "most"), [(190.0, 3.0, 5.0), (0.0, 0.10, 10.0)], ids=["trade_ceiling", "worst_day"]
)
def test_no_limit_price_lets_a_trade_pass_the_ceiling_nor_the_worst_case_of_the_day(
    lost: float, worst_day_r: float, most: float
) -> None:
    """Half of the 10 USD left of 2 R0, and 0.1 R0: 250 shares cost 5 USD at 0.02, three ticks higher 12.50."""
    market = Market(instrument_of(), wanted=250.0, fair=0.20, asks=((0.02, 1e5),), bids=((0.01, 1e5),))
    settings = settings_of({**NORMAL, "worst_day_r": worst_day_r})
    account = look([replace(market, wanted=0.0)], settings=settings).account
    account = replace(account, cash_micro=account.cash_micro - round(lost * MICRO))

    seen = look([market], account, settings, cycle=cycle_of(START + timedelta(minutes=15), 2))

    assert settings.weather.chase_ticks == 3
    assert seen.shares == {"london-0-YES": 250.0}
    assert int(seen.orders.limit_micro[0]) * 250 <= most * MICRO


def test_every_stage_is_listed_in_every_decision() -> None:
    seen = look([Market(instrument_of())])
    checks = {check.name: check.verdict for check in seen.decisions[0].checks}

    assert [*checks] == [*LISTED, *NOT_APPLICABLE]
    assert Verdict.NOT_BUILT not in checks.values()
    assert {checks[name] for name in NOT_APPLICABLE} == {Verdict.NOT_APPLICABLE}
    assert checks["exit_edge"] is Verdict.NOT_APPLICABLE


def test_every_check_has_a_place_a_description_and_a_reason() -> None:
    tables = (OPENINGS, MULTIPLIERS, TARGET_CHECKS, HOST_CHECKS, LAST_CHECKS, BLOCK_CHECKS, ORDER_CHECKS)
    rows = (*CAPS, *RULES, *COUNTS)
    names = {*(name for table in tables for name in table), *(row.name for row in rows), "minimum_size", "exit_edge"}

    assert names == set(LISTED)
    assert names <= REASONS.keys()
    assert [row.name for row in CHECKS if row.family not in ("not built", "not applicable")] == [
        *sorted(names, key=[row.name for row in CHECKS].index)
    ]
    assert {row.name for row in CHECKS} == names | NOT_APPLICABLE.keys()


def test_run_zero_has_the_same_bits_alone_and_in_company() -> None:
    markets = [Market(instrument_of(f"e{i}", b, side), wanted=37.3 * (i + 1), fair=0.55 + 0.01 * b)
               for i in range(3) for b in range(4) for side in Side]  # fmt: skip
    alone = look(markets, account_of(7_777.77))
    many = account_of(7_777.77, n_runs=5)
    cash = many.cash_micro * np.array([1, 2, 3, 4, 5])
    company = look(markets, replace(many, cash_micro=cash, equity_micro=cash, day_start_micro=cash))

    mine = company.orders.run == 0
    assert company.orders.size_micro[mine].tolist() == alone.orders.size_micro.tolist()
    assert company.orders.limit_micro[mine].tolist() == alone.orders.limit_micro.tolist()
    assert tuple(d for d in company.decisions if d.run == 0) == alone.decisions
    assert {d.run for d in company.decisions} == set(range(5))


def test_an_instrument_has_the_same_bits_in_a_block_of_days() -> None:
    markets = [Market(instrument_of(bracket=b), wanted=40.0) for b in range(3)]
    quotes = quotes_of(markets)
    day = type(quotes)(**{name: np.repeat(getattr(quotes, name), 96, axis=0) for name in quotes.__slots__})

    alone, block = guard(quotes, settings_of()), guard(day, settings_of())

    for name, limit in alone.limits.items():
        for part in ("value", "limit", "allowed"):
            assert np.array_equal(getattr(limit, part)[0], getattr(block.limits[name], part)[57], equal_nan=True)


@pytest.mark.parametrize("share", [1.0, 0.6, 0.0])
@pytest.mark.parametrize("risk", [{}, NORMAL, {"probe_share": 0.02}])
def test_a_frozen_market_gives_one_set_of_orders(risk: dict[str, float], share: float) -> None:
    """96 looks, a day: R0 rolls at 16:00Z, the book remembers what we took; only what was not filled is asked again."""
    markets = [
        Market(instrument_of("a", b, side), wanted=35.0 + 50 * b, fair=0.60, asks=((0.30 + 0.02 * b, 60.0),),
               bids=((0.28 + 0.02 * b, 300.0),))
        for b in range(4) for side in Side
    ]  # fmt: skip
    instruments = tuple(m.instrument for m in markets)
    account, orders_at = account_of(), []
    settings = settings_of(risk)
    for number in range(96):
        cycle = cycle_of(START + timedelta(minutes=15 * number), number)
        seen = look(markets, account, settings, cycle=cycle, instruments=instruments)
        orders_at.append(seen.shares)
        account = filled(seen, markets, share=share if number == 0 else 1.0, cycle=cycle)

    assert orders_at[0]
    assert [shares for shares in orders_at[2:] if shares] == []
    if share == 1.0:
        assert orders_at[1] == {}
    assert account.working.order_id == ()


def worst_case(account: object, keys: list[object]) -> dict[object, int]:
    cost: dict[object, int] = {}
    for i, key in enumerate(keys):
        cost[key] = cost.get(key, 0) + int(account.cost_micro[0, i])  # type: ignore[attr-defined]
    return cost


def test_no_cap_is_ever_exceeded_over_a_thousand_random_cycles() -> None:
    """Prices, wishes and fills are random; after each cycle the cost of what is held stays within every cap of that day."""
    random = np.random.default_rng(7)
    places = [
        ("london", "London", "england"),
        ("paris", "Paris", "france"),
        ("poly-nyc", "New York", "east"),
        ("kal-nyc", "New York", "east"),
    ]
    instruments = [
        instrument_of(f"{event}-{d}", b, side, city=city, region=region, day=date(2026, 11, 13 + d),
                      venue="kalshi" if event.startswith("kal") else "polymarket", source=region)
        for event, city, region in places for d in range(2) for b in range(2) for side in Side
    ]  # fmt: skip
    frozen = tuple(instruments)
    settings = settings_of({**NORMAL, "bid_minutes": 240.0}, weather={"max_spread": 1.0, "max_cost_share": 1.0})
    account, bought = account_of(), 0
    for number in range(1_000):
        cycle = cycle_of(START + timedelta(minutes=3 * number), number)
        asks = np.round(random.uniform(0.03, 0.7, len(instruments)), 2)
        markets = [
            Market(i, wanted=float(random.choice([0.0, random.exponential(120.0)])),
                   fair=float(min(a + random.uniform(-0.1, 0.3), 0.99)),
                   asks=((float(a), float(random.integers(20, 4_000))),), bids=((max(float(a) - 0.02, 0.01), 10_000.0),))
            for i, a in zip(instruments, asks, strict=True)
        ]  # fmt: skip
        seen = look(markets, account, settings, cycle=cycle, instruments=frozen, decide=False)
        before = {key: worst_case(seen.account, [key_of(i) for i in seen.account.instruments])
                  for key, key_of, _ in GROUPS}  # fmt: skip
        account = filled(seen, markets, share=float(random.choice([0.0, 0.5, 1.0])), cycle=cycle)
        bought += len(seen.orders)
        unit = int(seen.account.unit_r_micro[0])
        for name, key_of, limit_r in GROUPS:
            for key, cost in worst_case(account, [key_of(i) for i in account.instruments]).items():
                # What is held is never sold by a cap: a fall of R0 may leave an old holding above it, never add to it.
                assert cost <= max(limit_r * unit, before[name].get(key, 0)), (number, name, key)
        assert int(account.cash_micro[0]) >= min(int(0.1 * seen.account.equity_micro[0]), int(seen.account.cash_micro[0]))
        assert (account.held_micro >= 0).all()

    assert bought > 200


GROUPS = [
    ("bracket", lambda i: (i.event_id, i.bracket), 0.2),
    ("city_day", lambda i: (i.city, i.event_day), 0.4),
    ("region_day", lambda i: (i.region, i.event_day), 1.0),
    ("desk_day", lambda i: i.event_day, 2.0),
    ("open", lambda i: None, 4.0),
    ("source", lambda i: i.settlement_source, 2.0),
]


def test_two_events_that_differ_only_in_venue_do_not_share_a_bracket() -> None:
    poly, kalshi = (instrument_of(venue=venue) for venue in ("polymarket", "kalshi"))
    kalshi = replace(kalshi, token="k")

    seen = look(
        [Market(poly, wanted=1_000.0), Market(kalshi, wanted=1_000.0)], settings=settings_of({**NORMAL, "city_day_r": 10.0})
    )

    assert [shares * 0.30 for shares in seen.shares.values()] == [pytest.approx(20.0, abs=1.6)] * 2


def test_nothing_wanted_and_nothing_held_is_no_decision() -> None:
    seen = look([Market(instrument_of(), wanted=0.0)])

    assert seen.decisions == ()
    assert len(seen.orders) == 0
    assert seen.ruling.entries is None


def test_a_ruling_does_not_touch_what_it_was_given() -> None:
    markets = [Market(instrument_of(bracket=b)) for b in range(3)]
    targets, quotes, account = targets_of(markets), quotes_of(markets), look(markets).account
    kept = targets.target.copy(), account.cash_micro.copy(), quotes.ask_price.copy()

    rule(targets, guard(quotes, settings_of()), 0, account, cycle_of(), settings_of())

    assert np.array_equal(kept[0], targets.target)
    assert np.array_equal(kept[1], account.cash_micro)
    assert np.array_equal(kept[2], quotes.ask_price)
