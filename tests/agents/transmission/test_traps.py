"""Traps of TRANSMISSION 1.4: faults of earlier governors, each one a test of that name."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from agents.commands import lifted, rebased
from agents.transmission.profiles import (
    ACCOUNT_DRAWDOWN,
    DAY_LOSS,
    DRAWDOWN_ALL_TIME,
    DRAWDOWN_REFERENCE,
    RED_DAYS,
    RESULTS_Z,
)
from agents.transmission.steps import Closed, drawdown_of, futures_step, profit_factor, weather_step
from agents.transmission.tripwires import READINGS, mark
from core.days import desk_day, trade_date
from core.journal.claims import Claim, with_claim
from core.journal.state import account_of as account_from
from core.journal.state import account_text
from core.model.account import Account
from core.model.host import WELL, Host
from core.settings import Settings
from core.units import MICRO
from tests.agents.transmission.builders import (
    START,
    Market,
    account_of,
    cycle_of,
    holding,
    instrument_of,
    quotes_of,
    settings_of,
    targets_of,
)

HERE = Market(instrument_of())
DAY = timedelta(days=1)


def marked(
    account: Account, at: datetime = START, settings: Settings | None = None, *, host: Host = WELL, desk: str = "weather",
    markets: tuple[Market, ...] = (HERE,),
) -> Account:  # fmt: skip
    """Return the account after a mark."""
    cycle = replace(cycle_of(at), desk=desk)
    risk = mark(account, cycle, targets_of(markets, account.n_runs), quotes_of(markets), 0, settings or settings_of(), host)
    return replace(account, **{name: getattr(risk, name) for name in risk.__slots__})


def lost(account: Account, usd: float) -> Account:
    """Return the account after it lost so many dollars."""
    return replace(account, cash_micro=account.cash_micro - round(usd * MICRO))


def behind(account: Account, sd: float, events: int = 12) -> Account:
    """Return the account whose settled events fell so many standard deviations behind their claims."""
    claim = Claim(np.array([round(-sd * MICRO)], np.int64), np.array([MICRO], np.int64))
    return replace(account, governor=with_claim(account.governor, account.desk_day, claim, np.array([events], np.int64)))


def names(account: Account) -> int:
    return int(account.tripped[0])


def test_state_in_memory_only_so_a_restart_lifts_the_daily_limit() -> None:
    tripped = marked(lost(marked(account_of()), 300))

    restarted = account_from(account_text(tripped))

    assert names(restarted) & DAY_LOSS
    assert names(marked(replace(restarted, cash_micro=account_of().cash_micro), START + timedelta(hours=1))) & DAY_LOSS
    for name in tripped.governor.__slots__:
        assert np.array_equal(getattr(restarted.governor, name), getattr(tripped.governor, name)), name


def test_the_first_check_of_the_day_zeroing_a_stored_loss() -> None:
    """150 USD are lost by 15:00 and 100 more after 16:00: the second day begins at the last mark, not at its first."""
    first = marked(lost(marked(account_of()), 150), START + timedelta(hours=22))

    second = marked(lost(first, 100), START + timedelta(hours=23))

    assert second.day_start_micro.tolist() == [9_850 * MICRO]
    assert (second.day_start_micro - second.equity_micro).tolist() == [100 * MICRO]
    assert second.week_start_micro.tolist() == [10_000 * MICRO]


def test_drawdown_that_starts_at_the_first_trade_instead_of_at_0() -> None:
    losing = marked(lost(account_of(), 70))

    assert READINGS["drawdown_reference"](losing, settings_of()).tolist() == [0.7]
    assert READINGS["drawdown_all_time"](losing, settings_of()).tolist() == [0.7]
    assert drawdown_of(np.array([-1.0, -1.0, 0.5])) == 1.5


def test_a_negative_drawdown_compared_with_a_positive_limit() -> None:
    """A gain is a drawdown of 0, a loss a positive one: 12 R0 trip, a gain of 12 R0 does not."""
    start = marked(account_of())

    fallen = marked(lost(start, 1_200))
    risen = marked(lost(start, -1_200))

    assert names(fallen) & DRAWDOWN_REFERENCE
    assert not names(risen) & DRAWDOWN_REFERENCE
    assert futures_step(1.0, 0, _closed([0.5] * 12), 4.0) == (0.70, 12)
    assert futures_step(1.0, 0, _closed([0.5] * 12), -4.0) == (1.0, 12)


def test_profit_factor_without_losses() -> None:
    assert profit_factor(np.array([1.0, 0.5])) == np.inf
    assert np.isnan(profit_factor(np.array([0.0, 0.0])))
    assert futures_step(0.7, 0, _closed([0.4] * 20), 0.0) == (pytest.approx(0.805), 20)
    assert futures_step(0.7, 0, _closed([0.0] * 20), 0.0) == (0.7, 20)


def _closed(result_r: list[float]) -> Closed:
    values = np.array(result_r)
    return Closed(values, np.zeros_like(values), values)


@pytest.fixture
def tokyo() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


@pytest.mark.usefixtures("tokyo")
def test_naive_local_time() -> None:
    """The host's zone decides nothing, and an instant without a zone is none."""
    at = datetime(2026, 11, 13, 15, 59, tzinfo=UTC)

    assert desk_day(at).isoformat() == "2026-11-12"
    assert desk_day(at.astimezone(timezone(timedelta(hours=9)))).isoformat() == "2026-11-12"
    assert trade_date(datetime(2026, 3, 6, 22, 59, tzinfo=UTC)).isoformat() == "2026-03-06"  # 16:59 in Chicago, winter
    assert trade_date(datetime(2026, 3, 9, 22, 0, tzinfo=UTC)).isoformat() == "2026-03-10"  # 17:00 in Chicago, summer
    for day_of in (desk_day, trade_date):
        with pytest.raises(ValueError, match="no time zone"):
            day_of(datetime(2026, 11, 13, 15, 59))  # noqa: DTZ001


def test_steps_that_compound_on_every_call() -> None:
    settings, one = settings_of(), np.array([MICRO], np.int64)
    bad = np.array([-2.5]), np.array([0.0])

    step, judged = weather_step(one, one * 0, one * 0 + 12, *bad, settings)
    again = weather_step(step, judged, one * 0 + 23, *bad, settings)
    later = weather_step(step, judged, one * 0 + 24, *bad, settings)

    assert (step.tolist(), judged.tolist()) == ([MICRO // 2], [12])
    assert again[0].tolist() == later[0].tolist() == [MICRO // 2]
    assert futures_step(0.7, 12, _closed([-1.0] * 23), 0.0) == (0.7, 12)
    account = marked(behind(marked(account_of()), 2.5))
    assert marked(account).governor.step_micro.tolist() == account.governor.step_micro.tolist() == [MICRO // 2]


def test_limits_that_see_closed_trades_only() -> None:
    """1,000 shares bought at 0.50 are bid at 0.29: nothing is realised, and 210 of 200 USD are gone."""
    market = Market(instrument_of(), bids=((0.29, 10_000.0),))

    account = marked(holding(marked(account_of()), market, 1_000.0, 0.50), markets=(market,))

    assert account.realised_micro.tolist() == [0]
    assert names(account) & DAY_LOSS


def test_a_lifted_pause_that_trips_again_at_once() -> None:
    far = marked(behind(marked(account_of()), 4.0))
    deep = marked(lost(marked(account_of()), 1_200))
    poor = marked(lost(marked(account_of(), host=Host(others_micro=MICRO)), 1_501), settings=_lenient())
    red = marked(_red(marked(account_of(), desk="futures")), desk="futures")
    assert [names(each) for each in (far, poor, red)] == [RESULTS_Z, ACCOUNT_DRAWDOWN, RED_DAYS]
    assert names(deep) & DRAWDOWN_REFERENCE

    assert names(marked(lifted(far))) == 0
    assert not names(marked(rebased(deep), START + 7 * DAY))
    assert names(marked(lifted(poor), settings=_lenient())) == 0
    assert names(marked(lifted(red), desk="futures")) == 0


def _lenient() -> Settings:
    """Return settings under which only the drawdown of all desks can trip."""
    far = dict.fromkeys(("day_loss_r", "week_loss_r", "drawdown_reference_r", "drawdown_all_time_r"), 1e6)
    return settings_of(far)


def _red(account: Account) -> Account:
    nothing = np.zeros(1, np.int64)
    return replace(account, desk="futures", governor=replace(account.governor, red_days=nothing + 3))


def test_a_pause_that_ends_by_itself_when_prices_recover() -> None:
    """The drawdown from the all-time high ends when its limit is changed, not when a bid comes back."""
    deep = marked(lost(marked(account_of()), 1_500), START)
    recovered = marked(lost(deep, -1_400), START + 14 * DAY)

    edited = marked(recovered, START + 14 * DAY, settings_of({"drawdown_all_time_r": 16.0}))
    deeper = marked(lost(recovered, 1_700), START + 14 * DAY, settings_of({"drawdown_all_time_r": 16.0}))

    assert names(deep) & names(recovered) & DRAWDOWN_ALL_TIME
    assert not names(edited) & DRAWDOWN_ALL_TIME
    assert names(deeper) & DRAWDOWN_ALL_TIME


def test_a_clock_that_steps_backwards_turns_no_day_back() -> None:
    today = marked(lost(marked(account_of()), 250))

    earlier = marked(today, START - 2 * DAY)
    back = marked(earlier, START + timedelta(hours=1))

    assert earlier.desk_day == today.desk_day
    assert names(earlier) & names(back) & DAY_LOSS
    assert back.unit_r_micro.tolist() == today.unit_r_micro.tolist()


def test_a_second_mark_of_one_cycle_changes_nothing() -> None:
    """A second process, a retry or a replay marks the same cycle of the same account."""
    once = marked(behind(lost(marked(account_of()), 650), 2.5), START + DAY)

    twice = marked(once, START + DAY)

    assert account_text(twice) == account_text(once)


def test_other_desks_that_are_not_heard_for_once_are_no_loss() -> None:
    """Trap: half of the money seems gone because one look could not read the other desk."""
    both = marked(account_of(), host=Host(others_micro=10_000 * MICRO))

    alone = marked(both, START + timedelta(hours=1))

    assert names(alone) == 0
    assert READINGS["account_drawdown"](alone, settings_of()).tolist() == [0.0]
