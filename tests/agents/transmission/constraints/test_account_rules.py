"""Account rules of others: days of their own, floors that trail, contracts that grow, and the traps of each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest

from agents.transmission.constraints import profiles
from agents.transmission.constraints.firm_words import firm_lines
from agents.transmission.constraints.firms import firms_marked, firms_over, floors, must_be_flat
from agents.transmission.constraints.profiles import (
    TRAILING_EOD,
    TRAILING_INTRADAY,
    AccountProfile,
    Amount,
    followed,
    profiles_as_of,
)
from core.errors import SettingsError
from core.model.account import Account
from core.model.cycle import Cycle
from core.registry import AccountRule
from core.settings import Settings
from core.settings.schema import RuleSettings
from core.units import MICRO
from tests.agents.transmission.builders import (
    NORMAL,
    Market,
    account_of,
    cycle_of,
    holding,
    instrument_of,
    look,
    settings_of,
)

MARKET = Market(instrument_of(), wanted=100.0)
AT = datetime(2026, 11, 12, 18, 0, tzinfo=UTC)  # noon in Chicago, of the firm's day that began on the 11th at 17:00
EVAL = AccountProfile(
    "eval", zone="America/Chicago", day_starts=time(17), daily_loss=Amount(usd=200.0), trade_share_pct=10.0,
    drawdown=Amount(usd=600.0),
)  # fmt: skip


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch) -> object:
    """Return a way to follow profiles that the table does not have."""

    def put(*wanted: AccountProfile) -> Settings:
        known = {profile.name: profile for profile in wanted}
        monkeypatch.setattr(profiles, "profiles_as_of", lambda day: known)
        profiles._followed.cache_clear()
        return settings_of({**NORMAL, "bracket_r": 3, "city_day_r": 10, "region_day_r": 12, "desk_day_r": 30, "worst_day_r": 8, "source_r": 60},
                           rules=RuleSettings(accounts=",".join(known)))  # fmt: skip

    yield put
    profiles._followed.cache_clear()


def marked(account: Account, equity: float, at: datetime, settings: Settings, *, bought: int = 0) -> Account:
    """Return the account after a mark; `bought` purchases were filled since the one before."""
    governor = replace(account.governor, entries_week=account.governor.entries_week + bought)
    account = replace(account, governor=governor)
    exact = np.full(account.n_runs, round(equity * MICRO), np.int64)
    governor = firms_marked(account.governor, account, exact, cycle_of(at), settings)
    return replace(account, equity_micro=exact, governor=governor)


def floor_of(account: Account, settings: Settings, at: datetime = AT) -> float:
    return float(floors(account.governor, followed(settings, at))[0, 0]) / MICRO


# the table


def test_the_shipped_profiles_are_read_and_none_follows_nobody() -> None:
    known = profiles_as_of(date(2026, 11, 12))

    assert set(known) == {"none", "generic_eval", "trailing_eod", "trailing_intraday"}
    assert followed(settings_of(), AT) == ()
    assert {known[name].drawdown_kind for name in ("trailing_eod", "trailing_intraday")} == {TRAILING_EOD, TRAILING_INTRADAY}
    assert known["generic_eval"].trade_share_pct == 10.0
    assert known["generic_eval"].consistency_pct == 40.0
    assert known["trailing_eod"].most_contracts(np.array([0, 1500, 2500]) * MICRO).tolist() == [2, 3, 5]


def test_a_row_holds_from_its_date_on_and_an_empty_one_ends_a_rule() -> None:
    rows = [
        AccountRule("firm", date(2026, 1, 1), "daily_loss_usd", "500"),
        AccountRule("firm", date(2026, 6, 1), "daily_loss_usd", "400"),
        AccountRule("firm", date(2026, 9, 1), "daily_loss_usd", ""),
    ]

    assert profiles_as_of(date(2026, 5, 31), rows)["firm"].daily_loss.usd == 500
    assert profiles_as_of(date(2026, 6, 1), rows)["firm"].daily_loss.usd == 400
    assert np.isnan(profiles_as_of(date(2026, 9, 1), rows)["firm"].daily_loss.usd)
    assert profiles_as_of(date(2025, 12, 31), rows) == {}


@pytest.mark.parametrize("row", [("daily_los_usd", "5"), ("drawdown", "trailing"), ("flat_by", "25:00"), ("zone", "Mars/A")])
def test_a_row_that_cannot_be_read_says_which(row: tuple[str, str]) -> None:
    with pytest.raises(SettingsError, match=f"firm {row[0]}="):
        profiles_as_of(date(2026, 1, 1), [AccountRule("firm", date(2026, 1, 1), *row)])


# days of a firm's own


def test_a_firms_day_begins_by_its_own_clock_in_winter_and_in_summer() -> None:
    winter, summer = datetime(2026, 11, 12, 23, tzinfo=UTC), datetime(2026, 7, 9, 22, tzinfo=UTC)

    for start in (winter, summer):
        assert EVAL.day_of(start) == EVAL.day_of(start - timedelta(seconds=1)) + 1


def test_the_daily_loss_is_counted_from_the_firms_day_and_not_from_the_desks(follow: object) -> None:
    """The desk day turns at 16:00Z, the firm's at 23:00Z: what was lost at 15:00Z still counts at 18:00Z."""
    settings = follow(EVAL)  # type: ignore[operator]
    account = marked(account_of(), 10_000.0, AT - timedelta(hours=18), settings)
    account = marked(account, 9_850.0, AT - timedelta(hours=3), settings)
    account = marked(account, 9_850.0, AT, settings)
    later = marked(account, 9_850.0, AT + timedelta(hours=5), settings)

    assert account.governor.firm_day_start_micro.tolist() == [[10_000 * MICRO]]
    assert later.governor.firm_day_start_micro.tolist() == [[9_850 * MICRO]]


def test_a_day_starts_from_the_last_mark_of_the_day_before_so_that_no_loss_falls_between(follow: object) -> None:
    settings = follow(EVAL)  # type: ignore[operator]
    account = marked(account_of(), 10_000.0, AT, settings)
    account = marked(account, 9_700.0, AT + timedelta(hours=6), settings)  # the next firm's day, after a fall overnight

    assert account.governor.firm_day_start_micro.tolist() == [[10_000 * MICRO]]


def test_active_days_are_days_with_a_purchase_each_counted_once(follow: object) -> None:
    settings = follow(EVAL)  # type: ignore[operator]
    account = marked(account_of(), 10_000.0, AT, settings)
    for day, bought in enumerate((1, 0, 2), start=1):
        account = marked(account, 10_000.0, AT + timedelta(days=day - 1, hours=1), settings, bought=bought)
        account = marked(account, 10_000.0, AT + timedelta(days=day), settings)

    assert account.governor.firm_active_days.tolist() == [[2]]


# floors


def test_a_static_floor_stays_where_it_is(follow: object) -> None:
    settings = follow(EVAL)  # type: ignore[operator]
    account = marked(account_of(), 10_000.0, AT, settings)
    account = marked(account, 10_900.0, AT + timedelta(hours=1), settings)
    account = marked(account, 10_900.0, AT + timedelta(hours=8), settings)

    assert floor_of(account, settings) == 9_400.0


def test_a_floor_that_trails_the_end_of_a_day_ignores_its_best_moment(follow: object) -> None:
    settings = follow(replace(EVAL, drawdown_kind=TRAILING_EOD))  # type: ignore[operator]
    account = marked(account_of(), 10_000.0, AT, settings)
    account = marked(account, 10_900.0, AT + timedelta(hours=1), settings)
    within = floor_of(account, settings)
    account = marked(account, 10_300.0, AT + timedelta(hours=4), settings)
    account = marked(account, 10_200.0, AT + timedelta(hours=6), settings)  # the firm's next day: the last one ended at 10,300

    assert within == 9_400.0
    assert floor_of(account, settings) == 9_700.0


def test_a_floor_that_trails_intraday_counts_open_profit(follow: object) -> None:
    settings = follow(replace(EVAL, drawdown_kind=TRAILING_INTRADAY))  # type: ignore[operator]
    account = marked(account_of(), 10_000.0, AT, settings)
    account = marked(account, 10_900.0, AT + timedelta(hours=1), settings)
    account = marked(account, 10_400.0, AT + timedelta(hours=2), settings)

    assert floor_of(account, settings) == 10_300.0


@pytest.mark.parametrize("kind", [TRAILING_EOD, TRAILING_INTRADAY])
def test_a_locked_floor_never_rises_above_the_starting_balance(kind: str, follow: object) -> None:
    settings = follow(replace(EVAL, drawdown_kind=kind, lock_at_start=True))  # type: ignore[operator]
    account = marked(account_of(), 10_000.0, AT, settings)
    account = marked(account, 12_000.0, AT + timedelta(hours=1), settings)
    account = marked(account, 12_000.0, AT + timedelta(days=1), settings)

    assert floor_of(account, settings) == 10_000.0


def test_a_breach_ends_that_account_only_and_for_good(follow: object) -> None:
    settings = follow(EVAL, replace(EVAL, name="wide", drawdown=Amount(usd=2_000.0)))  # type: ignore[operator]
    account = marked(account_of(), 10_000.0, AT, settings)
    account = marked(account, 9_400.0, AT + timedelta(hours=1), settings)  # at the floor is below it
    account = marked(account, 11_000.0, AT + timedelta(hours=2), settings)
    one = account.governor
    account = marked(account, 8_000.0, AT + timedelta(hours=3), settings)

    assert one.firm_ended.tolist() == [[1, 0]]
    assert not firms_over(one).any()
    assert account.governor.firm_ended.tolist() == [[1, 1]]
    assert firms_over(account.governor).all()


def test_who_follows_nobody_has_ended_nothing() -> None:
    assert not firms_over(account_of(n_runs=3).governor).any()


def test_a_profile_that_is_followed_later_begins_with_that_equity_and_leaves_the_others_alone(follow: object) -> None:
    settings = follow(EVAL)  # type: ignore[operator]
    account = marked(account_of(n_runs=2), 10_000.0, AT, settings)
    both = follow(replace(EVAL, name="second"), EVAL)  # type: ignore[operator]
    account = marked(account, 10_500.0, AT + timedelta(hours=1), both)

    assert account.governor.firms == ("second", "eval")
    assert account.governor.firm_start_micro.tolist() == [[10_500 * MICRO, 10_000 * MICRO]] * 2
    assert marked(account, 10_500.0, AT, settings_of()).governor.firms == ()


# what is left of a purchase


def following(settings: Settings, equity: float, start: float = 10_000.0, **governor: int) -> Account:
    """Return an account that began its firm's day with `start` and stands at `equity`, all in cash."""
    account = marked(account_of(equity), start, AT - timedelta(hours=2), settings)
    changed = {name: np.full((1, len(account.governor.firms)), value, np.int64) for name, value in governor.items()}
    account = replace(account, governor=replace(account.governor, **changed))
    return marked(account, equity, AT - timedelta(hours=1), settings)


def cycle_at(at: datetime = AT) -> Cycle:
    return cycle_of(at, 2)


def test_a_trade_risks_a_tenth_of_the_daily_loss_limit(follow: object) -> None:
    """A tenth of 200 USD is 20; the order may pay 0.33 a share, three ticks above the ask: 60.60 shares."""
    settings = follow(EVAL)  # type: ignore[operator]

    seen = look([MARKET], following(settings, 10_000.0), settings, cycle=cycle_at())

    assert seen.shares == {"london-0-YES": 60.6}
    assert seen.reason == "firm_trade"


def test_the_tightest_headroom_rules_the_size_for_all(follow: object) -> None:
    tight = replace(EVAL, name="tight", daily_loss=Amount(usd=120.0))
    settings = follow(EVAL, tight)  # type: ignore[operator]

    seen = look([MARKET], following(settings, 10_000.0), settings, cycle=cycle_at())

    assert seen.shares == {"london-0-YES": 36.36}  # 12 USD at 0.33


def test_an_account_that_has_ended_rules_nobody(follow: object) -> None:
    tight = replace(EVAL, name="tight", daily_loss=Amount(usd=120.0), drawdown=Amount(usd=100.0))
    settings = follow(EVAL, tight)  # type: ignore[operator]
    account = following(settings, 9_890.0)

    seen = look([MARKET], account, settings, cycle=cycle_at())

    assert account.governor.firm_ended.tolist() == [[0, 1]]
    assert seen.shares == {"london-0-YES": 60.6}


def test_when_all_have_ended_nothing_is_bought(follow: object) -> None:
    settings = follow(replace(EVAL, drawdown=Amount(usd=100.0)))  # type: ignore[operator]

    seen = look([MARKET], following(settings, 9_890.0), settings, cycle=cycle_at())

    assert seen.shares == {}
    assert seen.check("firm_ended") == "refuse"


def test_what_the_day_may_still_lose_is_shared_and_shrinks_with_its_loss(follow: object) -> None:
    """190 of 200 USD are lost: 10 are left; at 0.33 a share 30.30 shares, which are sent and not dropped."""
    settings = follow(EVAL)  # type: ignore[operator]

    seen = look([MARKET], following(settings, 9_810.0), settings, cycle=cycle_at())

    assert seen.shares == {"london-0-YES": 30.3}
    assert seen.reason == "firm_day_loss"


def test_what_is_open_counts_as_lost(follow: object) -> None:
    """Equity with a holding of 500 shares worth 140 USD: the day may lose 200, 60 are left, a trade 20."""
    settings = follow(replace(EVAL, trade_share_pct=np.nan))  # type: ignore[operator]
    held = Market(instrument_of("paris", city="Paris", region="france"), wanted=500.0)
    account = following(settings, 10_000.0)
    account = replace(
        account, instruments=(held.instrument,), cash_micro=account.cash_micro - 140 * MICRO,
        held_micro=np.full((1, 1), 500 * MICRO), cost_micro=np.full((1, 1), 140 * MICRO), claim_micro=np.full((1, 1), 250 * MICRO),
    )  # fmt: skip

    seen = look([replace(MARKET, wanted=400.0), held], account, settings, cycle=cycle_at())

    assert seen.shares == {"london-0-YES": 200.0}  # 60 USD at 0.30, which the ceiling of a trade holds the limit price to


def test_the_floor_is_out_of_reach_even_if_everything_is_lost(follow: object) -> None:
    settings = follow(replace(EVAL, daily_loss=Amount(), drawdown=Amount(usd=600.0)))  # type: ignore[operator]

    seen = look([MARKET], following(settings, 9_410.0), settings, cycle=cycle_at())

    assert seen.shares == {"london-0-YES": 30.3}  # 10 USD above the floor
    assert seen.reason == "firm_drawdown"


def test_contracts_grow_with_the_profit_and_no_contract_is_none(follow: object) -> None:
    steps = replace(EVAL, daily_loss=Amount(), contracts=((0.0, 0.0), (100.0, 8.0)))
    settings = follow(steps)  # type: ignore[operator]

    none = look([MARKET], following(settings, 10_000.0), settings, cycle=cycle_at())
    some = look([MARKET], following(settings, 10_100.0), settings, cycle=cycle_at())

    assert none.shares == {}
    assert none.check("firm_contracts") == "refuse"
    assert some.shares == {"london-0-YES": 8.0}


def test_trap_minimum_size_forced_to_one_contract_although_the_risk_allows_none(follow: object) -> None:
    """1 USD is 3.03 shares, the venue takes 5."""
    settings = follow(EVAL)  # type: ignore[operator]

    seen = look([MARKET], following(settings, 9_801.0), settings, cycle=cycle_at())

    assert seen.shares == {}
    assert seen.reason == "minimum_size"


@pytest.mark.parametrize(("clock", "late"), [("21:09", False), ("21:10", True), ("22:59", True), ("23:00", False)])
def test_an_account_is_flat_from_its_hour_until_its_next_day(clock: str, late: bool) -> None:
    """15:10 in Chicago is 21:10Z in November, 17:00 is 23:00Z."""
    profile = replace(EVAL, flat_by=time(15, 10))

    assert profile.is_late(datetime.fromisoformat(f"2026-11-12T{clock}:00+00:00")) is late


def test_after_that_hour_nothing_is_bought(follow: object) -> None:
    settings = follow(replace(EVAL, flat_by=time(12, 30)))  # type: ignore[operator]
    account = following(settings, 10_000.0)

    assert look([MARKET], account, settings, cycle=cycle_at()).shares == {"london-0-YES": 60.6}
    assert look([MARKET], account, settings, cycle=cycle_at(AT + timedelta(hours=1))).check("firm_flat_by") == "refuse"


@pytest.mark.parametrize(("minutes", "flat"), [(14, False), (15, True), (60, True), (315, False)])
def test_all_is_sold_from_the_last_look_before_that_hour_until_the_next_day(follow: object, minutes: int, flat: bool) -> None:
    """Flat by 12:30 in Chicago: 18:30Z, and the look at 18:15Z is the last that comes in time; its day begins at 17:00 there."""
    settings = follow(replace(EVAL, flat_by=time(12, 30)))  # type: ignore[operator]
    at = datetime(2026, 11, 12, 18, 0, tzinfo=UTC) + timedelta(minutes=minutes)

    governor = following(settings, 10_000.0).governor

    assert must_be_flat(governor, cycle_at(at), settings).tolist() == [flat]
    assert not must_be_flat(replace(governor, firm_ended=np.ones((1, 1), np.int64)), cycle_at(at), settings).any()


def test_what_is_held_goes_below_fair_value_before_an_account_has_to_be_flat(follow: object) -> None:
    """Its bid pays 22 cents less than it is worth: at noon it stays, at a quarter past the desk must be out by half past."""
    settings = follow(replace(EVAL, flat_by=time(12, 30)))  # type: ignore[operator]
    market = Market(instrument_of(), wanted=60.0, fair=0.50, bids=((0.28, 100_000.0),))
    account = holding(following(settings, 10_000.0), market, 60.0, 0.30)

    assert look([market], account, settings, cycle=cycle_at()).shares == {}
    assert look([market], account, settings, cycle=cycle_at(AT + timedelta(minutes=15))).shares == {"london-0-YES": -60.0}


def test_a_day_that_has_won_two_fifths_of_the_target_ends(follow: object) -> None:
    settings = follow(replace(EVAL, consistency_pct=40.0, profit_target=Amount(usd=600.0)))  # type: ignore[operator]

    assert look([MARKET], following(settings, 10_239.0), settings, cycle=cycle_at()).shares == {"london-0-YES": 60.6}
    assert look([MARKET], following(settings, 10_240.0), settings, cycle=cycle_at()).check("firm_consistency") == "refuse"


def test_without_a_target_consistency_waits_until_it_can_be_met(follow: object) -> None:
    settings = follow(replace(EVAL, consistency_pct=40.0))  # type: ignore[operator]
    first, third = following(settings, 10_100.0), following(settings, 10_100.0, firm_active_days=3)

    assert look([MARKET], first, settings, cycle=cycle_at()).check("firm_consistency") == "not_applicable"
    assert look([MARKET], third, settings, cycle=cycle_at()).check("firm_consistency") == "refuse"


def test_a_target_ends_the_buying_once_the_active_days_are_there(follow: object) -> None:
    settings = follow(replace(EVAL, profit_target=Amount(usd=600.0), active_days=5))  # type: ignore[operator]
    early, done = (following(settings, 10_600.0, firm_active_days=days) for days in (4, 5))

    assert look([MARKET], early, settings, cycle=cycle_at()).shares == {"london-0-YES": 60.6}
    assert look([MARKET], done, settings, cycle=cycle_at()).check("firm_target") == "refuse"


def test_a_run_has_the_same_bits_alone_and_among_others(follow: object) -> None:
    settings = follow(EVAL, replace(EVAL, name="other", drawdown_kind=TRAILING_INTRADAY))  # type: ignore[operator]
    alone = following(settings, 9_810.0)
    both = marked(account_of(9_810.0, n_runs=2), 10_000.0, AT - timedelta(hours=2), settings)
    both = replace(both, equity_micro=np.array([9_810 * MICRO, 10_000 * MICRO]), cash_micro=np.array([9_810, 10_000]) * MICRO)

    one = look([MARKET], alone, settings, cycle=cycle_at())
    two = look([MARKET], both, settings, cycle=cycle_at())

    assert two.ruling.order[0].tolist() == one.ruling.order[0].tolist()
    assert two.ruling.order[1, 0] > one.ruling.order[0, 0]


def test_four_fifths_of_a_limit_are_said_once_and_an_end_as_an_error(follow: object) -> None:
    settings = follow(EVAL)  # type: ignore[operator]
    account, said = marked(account_of(), 10_000.0, AT, settings), []
    for hour, equity in enumerate((9_850.0, 9_840.0, 9_835.0, 9_400.0, 9_400.0), start=1):
        before, cycle = account, cycle_of(AT + timedelta(minutes=10 * hour))
        account = marked(account, equity, cycle.scheduled_at, settings)
        said.append([(line.data["rule"], str(line.severity)) for line in firm_lines(before, account, cycle, settings)])

    assert said == [[], [("daily_loss", "WARNING")], [], [("drawdown", "WARNING"), ("ended", "ERROR")], []]


def test_who_follows_nobody_is_told_nothing() -> None:
    assert firm_lines(account_of(), account_of(5_000.0), cycle_of(), settings_of()) == ()
