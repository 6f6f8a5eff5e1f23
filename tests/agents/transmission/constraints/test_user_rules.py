"""What a person forbids: each rule refuses or shrinks, is not asked when it is off, and counts what works."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from agents.transmission.constraints.blackout import nearest
from agents.transmission.constraints.rules import COUNTS, RULES, check_rules
from core.days import in_session, parse_sessions
from core.errors import SettingsError
from core.model.account import Account
from core.model.cycle import Cause, Cycle
from core.model.orders import Status
from core.registry import Release, load_calendar
from core.settings import Settings
from core.settings.schema import RuleSettings
from core.units import MICRO
from tests.agents.transmission.builders import (
    NORMAL,
    Look,
    Market,
    account_of,
    cycle_of,
    filled,
    instrument_of,
    look,
    settings_of,
)

MARKET = Market(instrument_of(), wanted=50.0)
OTHER = Market(instrument_of("paris", city="Paris", region="france"), wanted=50.0)


def ruled(**rules: object) -> Settings:
    """Return settings of a desk of normal size with some rules on."""
    return settings_of(NORMAL, rules=RuleSettings(**rules))  # type: ignore[arg-type]


def verdicts(seen: Look) -> dict[str, str]:
    return {check.name: str(check.verdict) for check in seen.decisions[0].checks}


def test_a_rule_that_is_off_is_not_asked() -> None:
    said = verdicts(look([MARKET], settings=ruled()))

    assert {said[rule.name] for rule in (*RULES, *COUNTS)} == {"not_applicable"}
    assert said["instruments"] == "not_applicable"


def dialled(dial: int) -> Account:
    account = account_of()
    return replace(account, governor=replace(account.governor, dial=np.full(1, dial, np.int64)))


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"sessions": "Mon-Fri 08:30-11:00 America/Chicago"}, "sessions"),  # 17:00Z on a Thursday is 11:00 there
        ({"instruments": "KLGA/*/*"}, "instruments"),
        ({"max_spread": 0.019}, "max_spread"),
        ({"min_depth": 100_001.0}, "min_depth"),
        ({"max_size": 4.0}, "minimum_size"),  # what is left is no order
    ],
)
def test_a_rule_refuses(rules: dict[str, object], reason: str) -> None:
    seen = look([MARKET], settings=ruled(**rules))

    assert seen.shares == {}
    assert seen.reason == reason


@pytest.mark.parametrize(
    "rules",
    [
        {"sessions": "Thu 11:00-12:00 America/Chicago"},
        {"instruments": "EGLC"},
        {"instruments": "KLGA/*/*, */polymarket/lond*"},
        {"max_spread": 0.02},
        {"min_depth": 100_000.0},
        {"max_size": 50.0},
        {"max_slippage": 0.001},
        {"blackout": "fomc"},  # the next one is on 9 December
        {"trades_per_day": 1},
        {"min_operator": 5},
    ],
)
def test_a_rule_that_is_kept_lets_pass(rules: dict[str, object]) -> None:
    assert look([MARKET], settings=ruled(**rules)).shares == {"london-0-YES": 50.0}


def test_a_low_dial_refuses_where_a_person_demands_more() -> None:
    seen = look([MARKET], dialled(3), ruled(min_operator=4))

    assert seen.shares == {}
    assert seen.check("min_operator") == "refuse"


def test_trap_a_shrunken_size_computed_and_dropped() -> None:
    """12.34 of the 50 wanted shares go out, and the record says why."""
    seen = look([MARKET], settings=ruled(max_size=12.34))

    assert seen.shares == {"london-0-YES": 12.34}
    assert seen.reason == "max_size"
    assert seen.check("max_size") == "shrink"


def test_the_largest_position_counts_what_works_and_what_is_held() -> None:
    settings = ruled(max_size=20.0)
    first = look([MARKET], settings=settings)
    account = filled(first, [MARKET], share=0.5)
    later = cycle_of(cycle_of().scheduled_at + timedelta(minutes=15), 2)
    working = replace(
        first.orders, size_micro=np.array([4 * MICRO]), status=np.array([int(Status.WORKING)]), order_id=("o-earlier",)
    )

    second = look([MARKET], replace(account, working=working), settings, cycle=later)

    assert first.shares == {"london-0-YES": 20.0}
    assert second.shares == {"london-0-YES": 6.0}  # 20 less 10 held less 4 that work


def test_the_walk_up_the_book_is_slippage() -> None:
    """20 at 0.30 and 30 at 0.31 cost 0.306 on average, 0.006 above the best."""
    market = replace(MARKET, asks=((0.30, 20.0), (0.31, 4_000.0)))
    settings = ruled(max_slippage=0.005).model_copy(update={"risk": settings_of({**NORMAL, "bracket_r": 1}).risk})

    assert look([market], settings=settings).reason == "max_slippage"
    assert look([market], settings=ruled(max_slippage=0.006)).shares == {"london-0-YES": 50.0}


# sessions


@pytest.mark.parametrize(
    ("at", "inside"),
    [
        ("2026-11-12T14:29:59+00:00", False),  # 08:29:59 in Chicago, standard time
        ("2026-11-12T14:30:00+00:00", True),
        ("2026-11-12T20:59:59+00:00", True),
        ("2026-11-12T21:00:00+00:00", False),
        ("2026-07-09T13:30:00+00:00", True),  # the same hours in summer begin an hour earlier in UTC
        ("2026-07-09T20:00:00+00:00", False),
        ("2026-11-14T15:00:00+00:00", False),  # a Saturday
    ],
)
def test_trap_a_session_check_that_always_passes(at: str, inside: bool) -> None:
    assert in_session(parse_sessions("Mon-Fri 08:30-15:00 America/Chicago"), datetime.fromisoformat(at)) is inside


@pytest.mark.parametrize(
    ("at", "inside"),
    [
        ("2026-11-15T23:00:00+00:00", True),  # Sunday 17:00 in Chicago
        ("2026-11-15T22:59:00+00:00", False),
        ("2026-11-16T07:59:00+00:00", True),  # Monday 01:59, of the session that began on Sunday
        ("2026-11-16T08:00:00+00:00", False),
        ("2026-11-17T07:00:00+00:00", False),  # Tuesday 01:00: Monday has no session
    ],
)
def test_a_session_runs_over_midnight_and_belongs_to_the_day_on_which_it_began(at: str, inside: bool) -> None:
    assert in_session(parse_sessions("Sun 17:00-02:00 America/Chicago"), datetime.fromisoformat(at)) is inside


def test_an_hour_that_comes_twice_is_in_the_session_twice_and_one_that_never_comes_harms_nobody() -> None:
    """Clocks of New York go back on 1 November 2026 at 06:00Z and forward on 8 March at 07:00Z."""
    night = parse_sessions("01:00-02:00 America/New_York")
    back = [in_session(night, datetime(2026, 11, 1, 5, 30, tzinfo=UTC) + timedelta(hours=i)) for i in range(3)]
    gone = parse_sessions("02:00-03:00 America/New_York")
    forward = [in_session(gone, datetime(2026, 3, 8, 6, 30, tzinfo=UTC) + timedelta(hours=i)) for i in range(3)]

    assert back == [True, True, False]
    assert forward == [False, False, False]


@pytest.mark.parametrize(
    "text", ["8:30-15:00 UTC", "Foo 08:30-15:00 UTC", "08:30-24:00 UTC", "08:30-15:00 Mars/Base", "always"]
)
def test_a_session_that_cannot_be_read_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="no session"):
        RuleSettings(sessions=text)


# counters


def entered(day: int, week: int = 0, account: Account | None = None) -> Account:
    account = account or account_of()
    counters = {"entries_day": np.full(1, day, np.int64), "entries_week": np.full(1, max(day, week), np.int64)}
    return replace(account, desk_day=cycle_of().scheduled_at.date().toordinal(), unit_r_micro=np.full(1, 100 * MICRO),
                   governor=replace(account.governor, **counters))  # fmt: skip


def test_the_last_purchase_of_the_day_is_made_and_the_next_refused() -> None:
    assert look([MARKET], entered(2), ruled(trades_per_day=3)).shares == {"london-0-YES": 50.0}
    assert look([MARKET], entered(3), ruled(trades_per_day=3)).reason == "trades_per_day"
    assert look([MARKET], entered(0, week=9), ruled(trades_per_week=9)).reason == "trades_per_week"


def test_of_several_purchases_the_best_edge_takes_the_last_place() -> None:
    better = replace(OTHER, fair=0.55)

    seen = look([MARKET, better], settings=ruled(trades_per_day=1))

    assert set(seen.shares) == {"paris-0-YES"}
    assert seen.by_token["london-0-YES"].reason_code == "trades_per_day"


def test_a_working_purchase_without_a_fill_counts_as_made() -> None:
    """Limits count working orders: it may fill while the next one is decided."""
    first = look([MARKET], settings=ruled())
    waiting = replace(first.orders, status=np.array([int(Status.WORKING)]), order_id=("o-earlier",))
    account = replace(
        entered(0), instruments=(MARKET.instrument,), working=waiting, held_micro=np.zeros((1, 1), np.int64),
        cost_micro=np.zeros((1, 1), np.int64), claim_micro=np.zeros((1, 1), np.int64),
    )  # fmt: skip

    assert look([OTHER], account, ruled(trades_per_day=1)).reason == "trades_per_day"
    assert look([OTHER], account, ruled(trades_per_day=2)).shares == {"paris-0-YES": 50.0}


def test_trap_counters_never_reset() -> None:
    """The day's with the desk day, at 16:00Z, the week's on Monday."""
    settings = ruled(trades_per_day=1, trades_per_week=3)
    account = look([MARKET], entered(1, week=2), settings).account
    friday, monday = (cycle_of(datetime(2026, 11, day, 17, tzinfo=UTC), 2) for day in (13, 16))

    same_day = look([MARKET], account, settings, cycle=cycle_of(cycle_of().scheduled_at + timedelta(hours=1), 2))
    next_day = look([MARKET], account, settings, cycle=friday)
    full = replace(account, governor=replace(account.governor, entries_week=np.full(1, 3, np.int64)))

    assert same_day.reason == "trades_per_day"
    assert next_day.shares == {"london-0-YES": 50.0}
    assert look([MARKET], full, settings, cycle=friday).reason == "trades_per_week"
    assert look([MARKET], full, settings, cycle=monday).shares == {"london-0-YES": 50.0}


def test_the_futures_desk_has_ceilings_that_no_setting_passes() -> None:
    futures = Cycle("futures", cycle_of().scheduled_at, 1, Cause.SCHEDULE, (), cycle_of().sealed_at, cycle_of().fill_at)
    account = replace(entered(10), desk="futures")
    wide = replace(MARKET, asks=((0.30, 1e5),), bids=((0.24, 1e5),))
    loose = ruled(trades_per_day=1_000).model_copy(update={"weather": settings_of(weather={"max_spread": 0.2}).weather})

    assert look([MARKET], account, loose, cycle=futures).by_token["london-0-YES"].reason_code == "trades_ceiling"
    assert look([wide], replace(entered(0), desk="futures"), loose, cycle=futures).check("spread_ceiling") == "refuse"
    assert look([wide], entered(10), loose).check("spread_ceiling") == "not_applicable"


# news

NEWS = Release("fomc", datetime(2026, 12, 9, 19, tzinfo=UTC), timedelta(minutes=60), timedelta(minutes=30))
LATER = replace(NEWS, at=datetime(2027, 1, 27, 19, tzinfo=UTC))


@pytest.mark.parametrize(
    ("minutes", "free"), [(-61, True), (-60, False), (-1, False), (0, False), (29, False), (30, False), (31, True)]
)
def test_a_release_is_shunned_before_and_after_it(minutes: int, free: bool) -> None:
    distance, needed = nearest((NEWS, LATER), "fomc", NEWS.at + timedelta(minutes=minutes))

    assert (distance > needed) is free


def test_a_calendar_that_has_ended_refuses() -> None:
    """Trap of the same family: a calendar without dates. Nobody can say that no release is near."""
    assert nearest((NEWS,), "fomc", NEWS.at + timedelta(days=30)) == (0.0, np.inf)
    assert nearest((), "all", NEWS.at) == (0.0, np.inf)


def test_the_day_of_a_release_is_refused_in_a_decision() -> None:
    at = next(release for release in load_calendar() if release.kind == "fomc" and release.at > cycle_of().sealed_at).at
    near, far = (cycle_of(at - timedelta(minutes=minutes)) for minutes in (50, 62))

    assert look([MARKET], settings=ruled(blackout="fomc"), cycle=near).reason == "news_blackout"
    assert look([MARKET], settings=ruled(blackout="all"), cycle=far).shares == {"london-0-YES": 50.0}


def test_a_kind_or_a_profile_that_no_table_knows_is_refused_at_the_start() -> None:
    at = cycle_of().sealed_at

    check_rules(ruled(blackout="fomc,fomc_minutes", accounts="generic_eval,trailing_eod"), at)
    with pytest.raises(SettingsError, match=r"rules\.blackout: calendar\.csv has no cpi"):
        check_rules(ruled(blackout="cpi"), at)
    with pytest.raises(SettingsError, match=r"rules\.accounts: no profile topfirm"):
        check_rules(ruled(accounts="none,topfirm"), at)
