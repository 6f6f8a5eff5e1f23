"""How near every limit is: the numbers of the governor and of the caps, from the folded account alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from agents.transmission.constraints.exposure import CAPS
from agents.transmission.constraints.firms import firms_marked
from agents.transmission.gauges import SUBJECTS, gauges
from agents.transmission.profiles import TRIPWIRES, limit_of
from core.journal.changes import Intention
from core.journal.fold import apply
from core.model.account import Account, new_account
from core.model.cycle import Cause, Cycle
from core.model.event import Side
from core.model.gauge import Gauge, Seen
from core.model.orders import Role, Status, no_orders
from core.settings.schema import RuleSettings
from core.units import MICRO
from tests.agents.transmission.builders import NORMAL, START, Market, holding, instrument_of, look, settings_of
from tests.agents.transmission.builders import account_of as account_of_money

SETTINGS = settings_of()
CYCLE = Cycle("weather", START, 1, Cause.SCHEDULE, (), START, START + timedelta(seconds=2))


def account_of(**given: object) -> Account:
    """10,000 $ on its desk day, R0 100 $: 30 $ in London's 0 °C, 15 $ in its 1 °C NO, 8 $ in Paris."""
    held = (
        instrument_of("london", 0), instrument_of("london", 1, Side.NO),
        instrument_of("paris", 2, city="Paris", region="france", source="meteo"),
    )  # fmt: skip
    micro = lambda *values: np.array([[round(value * MICRO) for value in values]], np.int64)  # noqa: E731  # a row of the account
    base = new_account("weather", "demo:7", 10_000 * MICRO)
    changed = {
        "instruments": held, "held_micro": micro(100, 30, 20), "cost_micro": micro(30, 15, 8), "claim_micro": micro(40, 20, 9),
        "cash_micro": np.array([9_947 * MICRO]), "unit_r_micro": np.array([100 * MICRO]), "desk_day": START.toordinal(), **given,
    }  # fmt: skip
    return replace(base, **changed)


def told(account: Account, settings=SETTINGS) -> dict[str, Gauge]:  # type: ignore[no-untyped-def]
    return {one.name: one for one in gauges(account, START, settings)}


def test_every_cap_and_every_tripwire_with_a_number_has_its_gauge() -> None:
    found = told(account_of())

    assert {cap.name for cap in CAPS} <= set(found)
    numbered = {wire.name for bit, wire in TRIPWIRES.items() if np.isfinite(limit_of("weather", bit, SETTINGS))}
    assert numbered - {"infrastructure", "account_rules", "operator_dial"} <= set(found)
    assert {cap.group for cap in CAPS} <= set(SUBJECTS)


def test_a_cap_tells_its_fullest_group_in_r_and_in_dollars() -> None:
    """30 + 15 $ in London, 8 $ in Paris; R0 is 100 $."""
    found = told(account_of())

    city = found["city_day"]
    assert (city.value, city.limit, city.value_usd, city.limit_usd) == pytest.approx((0.45, 0.4, 45.0, 40.0))
    assert city.subject == "London 2026-11-13"
    assert city.used == pytest.approx(1.125)
    assert found["bracket"].value_usd == pytest.approx(30.0)
    assert found["open_risk"].value_usd == pytest.approx(53.0)
    assert found["source"].subject == "wunderground"
    assert found["kelly_cap"].unit == "of equity"
    assert found["kelly_cap"].value == pytest.approx(45 / 10_000)


def test_a_working_purchase_counts_at_its_limit_price_for_what_is_not_filled() -> None:
    one = np.array([1])
    working = replace(
        no_orders(), order_id=("o",), decision_id=("d",), run=np.array([0]), token=("paris-2-YES",), role=one * Role.ENTRY,
        parent=-one, size_micro=one * 50 * MICRO, limit_micro=one * 400_000, reference_micro=one * 400_000, fair_micro=one * 500_000,
        status=one * Status.WORKING, filled_micro=one * 10 * MICRO, placed_at=one, good_until=one, cancel_at=one * 0,
    )  # fmt: skip

    found = told(account_of(working=working))

    assert found["open_risk"].value_usd == pytest.approx(53.0 + 40 * 0.40)


def test_losses_count_from_the_start_of_day_and_week_and_a_drawdown_is_never_negative() -> None:
    account = account_of(
        equity_micro=np.array([9_850 * MICRO]), day_start_micro=np.array([10_000 * MICRO]), week_start_micro=np.array([10_100 * MICRO]),
        high_water_micro=np.array([9_800 * MICRO]),
        cash_micro=np.array([9_797 * MICRO]),  # equity less the 53 $ that the holdings are marked at
    )  # fmt: skip
    found = told(account)

    assert found["day_loss"].value == pytest.approx(1.5)
    assert found["day_loss"].used == pytest.approx(0.75)
    assert found["week_loss"].value == pytest.approx(2.5)
    assert found["drawdown_all_time"].value == 0.0
    assert found["drawdown_reference"].value == pytest.approx(1.5)
    assert found["worst_day"].value == pytest.approx(1.5 + 0.53)  # and all that settles goes wrong


TODAY = date(2026, 11, 12)
STANDING = (  # worth less than was paid, worth more, and one that outlasts the desk day, which ends on the 13th at 16:00Z
    Market(instrument_of("low", day=TODAY), wanted=100.0, bids=((0.11, 1_000.0),)),
    Market(instrument_of("high", city="Paris", region="france"), wanted=200.0, bids=((0.55, 1_000.0),)),
    Market(instrument_of("later", city="Rome", region="italy", day=date(2026, 11, 15)), wanted=300.0, bids=((0.20, 1_000.0),)),
)  # fmt: skip
NEW = Market(instrument_of("new", city="Oslo", region="norway", day=TODAY), wanted=50.0, earned="normal")
ROOM = settings_of({**NORMAL, "bracket_r": 2.0, "city_day_r": 2.0, "source_r": 9.0, "desk_day_r": 9.0, "open_r": 9.0})


def held_account() -> Account:
    account = account_of_money()
    for market, shares in zip(STANDING, (100.0, 200.0, 300.0), strict=True):
        account = holding(account, market, shares, 0.30)
    return account


def seen_of(markets: Sequence[Market]) -> dict[str, Seen]:
    return {one.instrument.token: Seen(one.bids[0][0] if one.bids else None, one.fair, one.age) for one in markets}


@pytest.mark.parametrize("age", [2.0, 3_600.0], ids=["fresh bids", "old bids"])
def test_the_worst_case_of_a_day_is_the_number_of_the_ruling(age: float) -> None:
    """A ruling wants 50 more of Oslo at 30 cents on top; the page tells what it found before, working orders filled."""
    markets = [replace(one, age=age) for one in STANDING]
    first = look([*markets, NEW], held_account(), ROOM)
    working = apply(CYCLE, first.account, Intention((), first.orders, (NEW.instrument,)))
    more = replace(NEW, wanted=90.0)
    seen = look([*markets, more], working, ROOM, cycle=replace(CYCLE, scheduled_at=START + timedelta(minutes=15), number=2))

    (check,) = (one for one in seen.by_token["new-0-YES"].checks if one.name == "worst_day")
    gauge = {one.name: one for one in gauges(seen.account, START, ROOM, seen_of([*markets, more]))}["worst_day"]

    assert first.shares == {"new-0-YES": 50.0}
    assert gauge.value == pytest.approx(check.value - 40 * 0.30 / 100)  # type: ignore[operator]
    rome, oslo = 60 if age < 1_800 else 48, 50 * int(first.orders.limit_micro[0]) / MICRO
    assert gauge.value_usd == pytest.approx(30 + 60 + 90 - rome + oslo)
    assert gauge.subject == "events up to 2026-11-13 lost; the rest at its bid"


def test_what_settles_in_the_day_is_lost_whatever_it_is_bid_for() -> None:
    """180 $ were paid, Rome alone is left, and fetches 60 $."""
    account = look(STANDING, held_account(), ROOM).account
    dear = [replace(one, bids=((0.9, 1_000.0),)) for one in STANDING[:2]]

    for markets in (STANDING, (*dear, STANDING[2])):
        found = {one.name: one for one in gauges(account, START, ROOM, seen_of(markets))}
        assert found["worst_day"].value_usd == pytest.approx(120.0)


def test_what_outlasts_the_day_and_was_not_looked_at_counts_its_cost_less_a_fifth() -> None:
    account = look(STANDING, held_account(), ROOM).account

    assert told(account, ROOM)["worst_day"].value_usd == pytest.approx(180.0 - 0.8 * 90.0)


def test_with_nothing_held_the_worst_case_is_what_is_lost_already() -> None:
    empty = replace(
        new_account("weather", "demo:7", 10_000 * MICRO), cash_micro=np.array([9_900 * MICRO]), unit_r_micro=np.array([100 * MICRO]),
        desk_day=TODAY.toordinal(),
    )  # fmt: skip

    assert told(empty)["worst_day"].value == pytest.approx(1.0)
    assert told(empty)["worst_day"].subject == "events up to 2026-11-13 lost"


def test_one_trade_may_risk_half_of_what_is_left_of_the_day() -> None:
    """2 R0 allowed, 1.5 lost: 50 $ left, half of it is less than 2 % of equity."""
    account = account_of(equity_micro=np.array([9_850 * MICRO]), day_start_micro=np.array([10_000 * MICRO]))

    assert told(account)["trade_ceiling"].limit == pytest.approx(25.0)
    assert told(account_of())["trade_ceiling"].limit == pytest.approx(100.0)


def test_red_days_only_alert_on_the_weather_desk() -> None:
    account = account_of()
    account = replace(account, governor=replace(account.governor, red_days=np.array([4])))
    red = told(account)["red_days"]

    assert (red.value, red.limit, red.action) == (4.0, 3.0, "ALERT")


def test_results_against_claims_have_no_number_before_enough_events() -> None:
    assert told(account_of())["results_z"].value is None


def test_a_count_of_trades_has_a_gauge_where_a_person_limits_it() -> None:
    account = account_of()
    account = replace(account, governor=replace(account.governor, entries_day=np.array([3])))
    limited = settings_of(rules=RuleSettings(trades_per_day=4))

    assert "trades_per_day" not in told(account)
    assert told(account, limited)["trades_per_day"].used == pytest.approx(0.75)


def test_a_followed_account_tells_the_headroom_of_each_rule() -> None:
    """The evaluation account as shipped; 150 $ lost since it was followed at 10,000 $."""
    followed = settings_of(rules=RuleSettings(accounts="generic_eval"))
    account = account_of()
    account = replace(account, governor=firms_marked(account.governor, account, account.equity_micro, CYCLE, followed))
    account = replace(account, equity_micro=np.array([9_850 * MICRO]))

    found = {one.name: one for one in gauges(account, START, followed) if one.family in ("account", "goal")}

    loss, drawdown = found["generic_eval.daily_loss"], found["generic_eval.drawdown"]
    assert loss.value_usd == pytest.approx(150.0)
    assert loss.limit_usd is not None
    assert 0 < loss.used < 2  # type: ignore[operator]
    assert drawdown.value_usd == pytest.approx(150.0)
    assert found["generic_eval.profit_target"].value == 0.0


def test_an_account_that_holds_nothing_is_near_nothing() -> None:
    empty = new_account("weather", "demo:7", 10_000 * MICRO)

    assert all((one.used or 0.0) == 0.0 for one in gauges(empty, START, SETTINGS))
