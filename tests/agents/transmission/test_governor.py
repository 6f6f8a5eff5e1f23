"""The governor's tripwires, multipliers and the sale of everything, on small desks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from agents.commands import dialled, flattened, killed
from agents.transmission.governor import WIRES
from agents.transmission.profiles import (
    ACCOUNT_RULES,
    DAY_LOSS,
    FLATTEN,
    FUTURES,
    INFRASTRUCTURE,
    OPERATOR,
    PROFILES,
    RESULTS_Z,
    TRIPWIRES,
    WEATHER,
    WEEK_LOSS,
    Ends,
    limit_of,
    profile_of,
)
from agents.transmission.resting import cancels_of
from agents.transmission.ruling import MULTIPLIERS, TARGET_CHECKS, guard
from agents.transmission.tripwires import READINGS, stopped
from core.journal.changes import Intention
from core.journal.fold import apply
from core.model.account import Account
from core.model.host import Host
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
)
from tests.agents.transmission.simulation import BY_RUN, RUNS, taken
from tests.agents.transmission.test_traps import DAY, behind, lost, marked

HERE = Market(instrument_of(), wanted=100.0, earned="normal")
OUT = Market(instrument_of(), wanted=60.0, fair=0.50, bids=((0.28, 100_000.0),))
"""A holding that the desk would keep: its bid pays 22 cents less than it is worth."""


def sold(account: Account, market: Market, **more: Market) -> dict[str, float]:
    return look([market, *more.values()], account, settings_of(NORMAL)).shares


# Profiles


@pytest.mark.parametrize("desk", PROFILES)
def test_every_row_of_a_profile_has_a_reading_a_limit_and_words(desk: str) -> None:
    for row in profile_of(desk).rows:
        assert row.reading in READINGS
        assert np.isfinite(row.limit(settings_of()))
        assert TRIPWIRES[row.bit].name == row.reading
        assert np.isfinite(limit_of(desk, row.bit, settings_of()))


def test_the_two_profiles_have_the_numbers_of_the_specification() -> None:
    """TRANSMISSION 1.4, the table."""
    numbers = {
        desk: {row.reading: (row.limit(settings_of()), str(TRIPWIRES[row.bit].action), str(row.ends)) for row in profile.rows}
        for desk, profile in PROFILES.items()
    }

    common = {
        "day_loss": (2.0, "FLAT", "day"), "drawdown_all_time": (15.0, "PAUSE", "profile"),
        "account_drawdown": (15.0, "PAUSE", "person"), "infrastructure": (1.0, "FLAT", "itself"),
        "account_rules": (1.0, "PAUSE", "itself"), "operator_dial": (2.0, "PAUSE", "itself"),
    }  # fmt: skip
    assert numbers["weather"] == common | {
        "week_loss": (4.0, "FLAT", "week"), "drawdown_reference": (12.0, "PAUSE", "profile"),
        "results_z": (-3.0, "PAUSE", "person"),
    }  # fmt: skip
    assert numbers["futures"] == common | {
        "week_loss": (5.0, "FLAT", "week"), "drawdown_reference": (10.0, "PAUSE", "profile"),
        "red_days": (3.0, "PAUSE", "person"),
    }  # fmt: skip


def test_futures_close_what_is_open_and_the_weather_desk_keeps_it() -> None:
    assert {row.reading for row in FUTURES.rows if row.closes} == {"day_loss", "week_loss"}
    assert not any(row.closes for row in WEATHER.rows)
    assert all(row.ends is not Ends.ITSELF or not row.loss or row.bit == ACCOUNT_RULES for row in WEATHER.rows)


def test_every_tripwire_is_a_check_of_every_decision() -> None:
    assert set(WIRES) <= set(TARGET_CHECKS)
    assert {wire.name for bit, wire in TRIPWIRES.items() if bit != FLATTEN} == set(WIRES)
    assert {"step", "operator_dial"} <= set(MULTIPLIERS)


# Trips


@pytest.mark.parametrize("bit", [bit for bit in TRIPWIRES if bit not in (FLATTEN, ACCOUNT_RULES)])
def test_whatever_holds_refuses_a_purchase_and_never_an_exit(bit: int) -> None:
    name = TRIPWIRES[bit].name
    cheap = replace(OUT, wanted=0.0, bids=((0.60, 100_000.0),), asks=((0.62, 1_000.0),))
    other = Market(instrument_of("paris", city="Paris"), wanted=100.0, earned="normal")
    account = marked(holding(account_of(), cheap, 100.0, 0.30), markets=(cheap, other))
    account = _held_down(account, bit)
    host = Host(sick=("clock",)) if bit == INFRASTRUCTURE else Host()
    seen = look([cheap, other], marked(account, host=host, markets=(cheap, other)), settings_of(NORMAL), host=host)

    assert seen.by_token["paris-0-YES"].reason_code == name
    assert seen.shares == {"london-0-YES": -100.0}
    assert stopped(seen.account.tripped).tolist() == [True]


def _held_down(account: Account, bit: int) -> Account:
    governor = account.governor
    if bit == OPERATOR:
        return dialled(account, 1)
    limits = {
        "reference_limit_micro": governor.reference_limit_micro + 12 * MICRO,
        "all_time_limit_micro": governor.all_time_limit_micro + 15 * MICRO,
    }
    return replace(account, tripped=account.tripped | np.int64(bit), governor=replace(governor, **limits))


def test_the_week_ends_on_monday_at_sixteen_utc() -> None:
    """START is a Thursday: its week ends four desk days later."""
    tripped = marked(lost(marked(account_of()), 400))

    before, after = (marked(tripped, START + 4 * DAY - timedelta(hours=hours)) for hours in (1.01, 1))

    assert tripped.tripped.tolist() == [DAY_LOSS | WEEK_LOSS]
    assert before.tripped.tolist() == [WEEK_LOSS]
    assert after.tripped.tolist() == [0]


def test_infrastructure_holds_as_long_as_its_cause() -> None:
    sick = marked(account_of(), host=Host(sick=("journal: not writable",)))

    assert sick.tripped.tolist() == [INFRASTRUCTURE]
    assert marked(sick).tripped.tolist() == [0]


def test_results_far_behind_their_claims_pause_once_enough_events_have_settled() -> None:
    start = marked(account_of())

    assert marked(behind(start, 3.01, events=11)).tripped.tolist() == [0]
    assert marked(behind(start, 3.0, events=12)).tripped.tolist() == [0]
    assert marked(behind(start, 3.01, events=12)).tripped.tolist() == [RESULTS_Z]


def test_red_days_count_days_that_lost_are_reset_by_a_day_that_did_not_and_left_by_an_idle_one() -> None:
    account, counted = marked(account_of()), []
    for day, usd in enumerate([10.0, 10.0, 0.0, 10.0, -5.0, 10.0], start=1):
        account = marked(lost(account, usd), START + day * DAY - timedelta(hours=2))
        account = marked(account, START + day * DAY)
        counted.append(int(account.governor.red_days[0]))

    assert counted == [1, 2, 2, 3, 0, 1]


def test_a_day_that_bought_and_broke_even_ends_the_row() -> None:
    account = marked(account_of())
    one = np.ones(1, np.int64)
    account = replace(account, governor=replace(account.governor, red_days=2 * one, entries_day=one, entries_week=one))

    after = marked(account, START + DAY)

    assert after.governor.red_days.tolist() == [0]
    assert after.governor.entries_day.tolist() == [0]
    assert after.governor.entries_week.tolist() == [1]
    assert marked(account, START + 4 * DAY).governor.entries_week.tolist() == [0]


def test_equity_is_less_what_is_owed() -> None:
    owing = replace(account_of(), owed_micro=np.full(1, 50 * MICRO, np.int64))

    assert marked(owing).equity_micro.tolist() == [9_950 * MICRO]


def test_each_run_trips_for_itself() -> None:
    account = marked(account_of(n_runs=3))
    account = replace(account, cash_micro=account.cash_micro - np.array([0, 200 * MICRO, 1_600 * MICRO]))

    together = marked(account)

    assert [bin(bits) for bits in together.tripped.tolist()] == ["0b0", bin(DAY_LOSS), bin(DAY_LOSS | WEEK_LOSS | 8 | 16 | 32)]


def test_the_worst_case_of_a_day_counts_what_is_still_being_bought() -> None:
    """30 USD work in London; 30 more in Paris would put 0.6 of 0.5 R0 at stake."""
    paris = Market(instrument_of("paris", city="Paris"), wanted=100.0, earned="normal")
    settings = settings_of({**NORMAL, "bracket_r": 1.0, "city_day_r": 1.0, "worst_day_r": 0.5})
    first = look([HERE], account_of(), settings)
    working = apply(cycle_of(), first.account, Intention((), first.orders, (HERE.instrument,)))

    seen = look([HERE, paris], working, settings, cycle=cycle_of(START + timedelta(minutes=15), 2))

    assert first.shares == {"london-0-YES": 100.0}
    assert seen.by_token["paris-0-YES"].reason_code == "worst_day"


# Multipliers


@pytest.mark.parametrize(("level", "shares"), [(5, 66.0), (4, 59.4), (3, 49.5), (2, 33.0)])
def test_a_dial_bites_also_where_a_cap_binds(level: int, shares: float) -> None:
    """0.2 R0 are 20 USD, 66.66 shares at 0.30: the dial scales what the cap has left of 10,000."""
    big = replace(HERE, wanted=10_000.0)

    seen = look([big], dialled(account_of(), level), settings_of(NORMAL))

    assert seen.shares["london-0-YES"] == pytest.approx(shares, abs=0.7)
    assert seen.check("operator_dial") == ("pass" if level == 5 else "shrink")


def test_a_step_and_a_dial_multiply() -> None:
    account = account_of()
    half = replace(account, governor=replace(account.governor, step_micro=account.governor.step_micro // 2))

    seen = look([HERE], dialled(half, 3), settings_of(NORMAL))

    assert seen.shares == {"london-0-YES": pytest.approx(100 * 0.5 * 0.75 * 0.6667, abs=0.5)}
    assert (seen.check("step"), seen.check("operator_dial")) == ("shrink", "shrink")


def test_a_dial_of_one_pauses() -> None:
    seen = look([HERE], dialled(account_of(), 1), settings_of(NORMAL))

    assert seen.shares == {}
    assert seen.check("operator_dial") == "refuse"


def test_a_multiplier_never_sells() -> None:
    account = holding(account_of(), HERE, 60.0, 0.30)
    half = replace(account, governor=replace(account.governor, step_micro=account.governor.step_micro // 2))

    assert sold(half, HERE) == {}


# The sale of everything


def test_a_flatten_sells_what_the_desk_would_keep() -> None:
    """Without it no bid below fair value + 2 cents is taken."""
    account = holding(account_of(), OUT, 60.0, 0.30)

    assert sold(account, OUT) == {}
    assert sold(flattened(account), OUT) == {"london-0-YES": -60.0}


@pytest.mark.parametrize(
    "market",
    [replace(OUT, age=61.0), replace(OUT, sane=False), replace(OUT, bids=((0.31, 100.0),)), replace(OUT, bids=())],
    ids=["old", "insane", "crossed", "no bid"],
)
def test_a_flatten_sells_into_no_book_that_is_none(market: Market) -> None:
    assert sold(flattened(holding(account_of(), OUT, 60.0, 0.30)), market) == {}


def test_a_flatten_takes_its_part_of_a_thin_book_and_goes_on() -> None:
    """A quarter of 100 shown shares, then the rest."""
    thin = replace(OUT, bids=((0.28, 100.0),))
    first = look([thin], flattened(holding(account_of(), OUT, 60.0, 0.30)), settings_of(NORMAL))
    fresh = replace(OUT, bids=((0.27, 1_000.0),))

    after = filled(first, [thin])
    second = look([fresh], after, settings_of(NORMAL), cycle=cycle_of(START + timedelta(minutes=15), 2))

    assert first.shares == {"london-0-YES": -25.0}
    assert second.shares == {"london-0-YES": -35.0}


def test_a_flatten_sells_where_a_purchase_that_was_taken_back_still_waits_for_its_last_word() -> None:
    """Taken back at the first look; the venue has not confirmed it at the second."""
    wide = Market(instrument_of(), wanted=50.0, asks=((0.38, 10_000.0),), bids=((0.28, 10_000.0),))
    settings = settings_of(NORMAL, {"resting": True})
    resting = look([wide], holding(account_of(), wide, 20.0, 0.30), settings)
    account = flattened(apply(cycle_of(), resting.account, Intention((), resting.orders, (wide.instrument,))))

    cycle = cycle_of(START + timedelta(minutes=5), 2)
    first = look([wide], account, settings, cycle=cycle)
    cancels = cancels_of(first.ruling, guard(quotes_of([wide]), settings), 0, first.account, cycle, settings)
    account = apply(cycle, first.account, Intention((), first.orders, (wide.instrument,), cancels=cancels))
    second = look([wide], account, settings, cycle=cycle_of(START + timedelta(minutes=10), 3))

    assert (first.shares, cancels) == ({}, resting.orders.order_id)
    assert account.working.order_id == resting.orders.order_id
    assert second.shares == {"london-0-YES": -20.0}


def test_a_flatten_buys_nothing_and_ends_once_nothing_can_be_sold() -> None:
    other = Market(instrument_of("paris", city="Paris"), wanted=100.0, earned="normal")
    selling = flattened(holding(account_of(), OUT, 60.0, 0.30))
    seen = look([OUT, other], selling, settings_of(NORMAL))

    after = filled(seen, [OUT, other])
    later = look([OUT, other], after, settings_of(NORMAL), cycle=cycle_of(START + timedelta(minutes=15), 2))

    assert seen.shares == {"london-0-YES": -60.0}
    assert seen.account.tripped.tolist() == [FLATTEN]
    assert later.account.governor.flatten.tolist() == [0]
    assert later.account.tripped.tolist() == [0]


@pytest.mark.parametrize(
    ("market", "goes_on"),
    [(replace(OUT, age=300.0), True), (replace(OUT, bids=()), False), (replace(OUT, min_size=100.0), False)],
    ids=["a book too old to tell", "nobody bids", "less than the venue takes"],
)
def test_a_flatten_waits_for_what_may_still_be_sold(market: Market, goes_on: bool) -> None:
    account = marked(flattened(holding(account_of(), OUT, 60.0, 0.30)), markets=(market,))

    assert bool(account.governor.flatten[0]) is goes_on


def test_a_trip_sells_where_the_setting_says_so_and_once() -> None:
    account = marked(holding(account_of(), OUT, 60.0, 0.30), markets=(OUT,))
    settings = settings_of(flatten_on_trip=True)

    kept = marked(lost(account, 300), markets=(OUT,))
    sold_out = marked(lost(account, 300), settings=settings, markets=(OUT,))
    lifted_by_hand = replace(sold_out, governor=replace(sold_out.governor, flatten=np.zeros(1, np.int64)))

    assert kept.governor.flatten.tolist() == [0]
    assert sold_out.governor.flatten.tolist() == [1]
    assert marked(lifted_by_hand, settings=settings, markets=(OUT,)).governor.flatten.tolist() == [0]


def test_a_kill_does_not_sell() -> None:
    assert sold(killed(holding(account_of(), OUT, 60.0, 0.30)), OUT) == {}


# Runs


def test_a_run_is_marked_and_ruled_alone_as_among_others() -> None:
    rng = np.random.default_rng(5)
    markets = [replace(OUT, wanted=20.0), Market(instrument_of("paris", city="Paris"), wanted=90.0, earned="normal")]
    account = holding(marked(account_of(n_runs=6)), OUT, 60.0, 0.30)
    governor = replace(
        account.governor, flatten=np.array([1, 0, 1, 0, 0, 1]), dial=np.array([5, 4, 3, 2, 1, 5]),
        step_micro=np.array([1, 2, 1, 2, 1, 2]) * MICRO // 2, red_days=rng.integers(0, 4, 6), settled=rng.integers(0, 40, 6),
        reference_micro=rng.integers(10_000, 11_500, 6) * MICRO, claim_diff_micro=rng.integers(-40, 10, (6, 30)) * MICRO,
        claim_var=rng.integers(1, 50, (6, 30)) * MICRO, claim_day=account.desk_day - np.arange(30),
    )  # fmt: skip
    account = replace(account, governor=governor, cash_micro=account.cash_micro - rng.integers(0, 900, 6) * MICRO)
    together = look(markets, account, settings_of(NORMAL), decide=False)

    for run in range(6):
        rows = np.array([run])
        alone = look(markets, taken(account, rows), settings_of(NORMAL), decide=False)
        for name in (*RUNS, "desk_day"):
            part = getattr(together.account, name)
            assert np.array_equal(getattr(alone.account, name), part if name == "desk_day" else part[rows]), name
        for name in BY_RUN:
            assert np.array_equal(getattr(alone.account.governor, name), getattr(together.account.governor, name)[rows]), name
        mine = together.orders.run == run
        assert alone.orders.size_micro.tolist() == together.orders.size_micro[mine].tolist()
        assert alone.orders.limit_micro.tolist() == together.orders.limit_micro[mine].tolist()
