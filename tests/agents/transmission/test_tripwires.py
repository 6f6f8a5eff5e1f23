"""The risk governor: desk days, marks, and what stays tripped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from agents.transmission.equity import marks_of
from agents.transmission.tripwires import DAY_LOSS, KILL, TRIPWIRES, WEEK_LOSS, mark, tripped_names
from core.journal.changes import Risk
from core.model.account import Account
from core.units import MICRO
from tests.agents.transmission.builders import (
    NORMAL,
    START,
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


def marked(account: Account, markets: list[Market], at: datetime = START) -> Risk:
    return mark(account, cycle_of(at), targets_of(markets, account.n_runs), quotes_of(markets), 0, settings_of())


def after(account: Account, risk: Risk) -> Account:
    return replace(account, **{name: getattr(risk, name) for name in risk.__slots__})


def test_one_unit_of_risk_is_one_percent_of_equity_at_the_start_of_the_desk_day() -> None:
    market = Market(instrument_of())
    first = after(account_of(), marked(account_of(), [market]))
    richer = replace(first, cash_micro=first.cash_micro * 2)

    later = marked(richer, [market], START + timedelta(hours=3))
    next_day = marked(after(richer, later), [market], START + timedelta(hours=23))

    assert first.unit_r_micro.tolist() == [100 * MICRO]
    assert later.unit_r_micro.tolist() == [100 * MICRO]
    assert next_day.unit_r_micro.tolist() == [200 * MICRO]


@pytest.mark.parametrize(
    ("at", "day"), [("2026-11-13T15:59:59", date(2026, 11, 12)), ("2026-11-13T16:00:00", date(2026, 11, 13))]
)
def test_the_desk_day_turns_at_sixteen_utc(at: str, day: date) -> None:
    risk = marked(account_of(), [Market(instrument_of())], datetime.fromisoformat(at).replace(tzinfo=UTC))

    assert risk.desk_day == day.toordinal()


def test_a_holding_is_worth_what_the_shown_bids_pay() -> None:
    """100 at 0.28 and 50 at 0.20 pay 38 USD; ten more than shown count the lowest shown bid: 2 USD."""
    market = Market(instrument_of(), bids=((0.28, 100.0), (0.20, 50.0)))
    account = holding(account_of(), market, 160.0, 0.30)

    risk = marked(account, [market])

    assert risk.equity_micro.tolist() == [(10_000 - 48 + 38 + 2) * MICRO]


def test_an_old_bid_counts_the_lesser_of_model_and_bid_less_a_fifth() -> None:
    """31 minutes: min(0.25, 0.28) x 0.8 x 100 = 20 USD."""
    market = Market(instrument_of(), fair=0.25, age=31 * 60.0)
    account = holding(account_of(), market, 100.0, 0.30)

    marks = marks_of(account, targets_of([market]), quotes_of([market]), 0, settings_of())

    assert marks.value_micro.tolist() == [[20 * MICRO]]
    assert marks.stale.tolist() == [True]


def test_a_bid_stands_for_half_an_hour() -> None:
    market = Market(instrument_of(), age=30 * 60.0)

    marks = marks_of(holding(account_of(), market, 100.0, 0.30), targets_of([market]), quotes_of([market]), 0, settings_of())

    assert marks.value_micro.tolist() == [[28 * MICRO]]
    assert marks.stale.tolist() == [False]


def test_what_nobody_looks_at_any_more_counts_its_cost_less_a_fifth() -> None:
    gone, here = Market(instrument_of("gone")), Market(instrument_of())
    account = holding(account_of(), gone, 100.0, 0.30)

    marks = marks_of(account, targets_of([here]), quotes_of([here]), 0, settings_of())

    assert marks.value_micro.tolist() == [[24 * MICRO]]
    assert marks.stale.tolist() == [True]


@pytest.mark.parametrize("fair", [0.0, np.nan], ids=["lost for certain", "nobody says"])
def test_a_fresh_book_without_a_bid_and_without_a_fair_value_is_worth_nothing(fair: float) -> None:
    market = Market(instrument_of(), bids=(), fair=fair)

    marks = marks_of(holding(account_of(), market, 100.0, 0.30), targets_of([market]), quotes_of([market]), 0, settings_of())

    assert marks.value_micro.tolist() == [[0]]
    assert marks.stale.tolist() == [False]


@pytest.mark.parametrize("age", [np.inf, np.nan, 31 * 60.0])
def test_what_was_never_quoted_keeps_four_fifths_of_its_cost(age: float) -> None:
    """0.8 x 30 USD; an old book without a bid and without a fair value tells no more than none."""
    market = Market(instrument_of(), bids=(), fair=np.nan, age=age)

    marks = marks_of(holding(account_of(), market, 100.0, 0.30), targets_of([market]), quotes_of([market]), 0, settings_of())

    assert marks.value_micro.tolist() == [[24 * MICRO]]
    assert marks.stale.tolist() == [True]


def test_a_guessed_mark_blocks_more_of_its_event_and_nothing_else() -> None:
    old = Market(instrument_of("old", 0), wanted=0.0, age=31 * 60.0)
    same, other = Market(instrument_of("old", 1), wanted=50.0), Market(instrument_of("paris", city="Paris"), wanted=50.0)

    seen = look([old, same, other], holding(account_of(), old, 10.0, 0.30), settings_of(NORMAL))

    assert [*seen.shares] == ["paris-0-YES"]
    assert seen.by_token["old-1-YES"].reason_code == "fresh_marks"


def test_a_days_loss_trips_at_two_units_and_not_before() -> None:
    market = Market(instrument_of())
    start = after(account_of(), marked(account_of(), [market]))

    almost = marked(replace(start, cash_micro=start.cash_micro - 199 * MICRO), [market])
    lost = marked(replace(start, cash_micro=start.cash_micro - 200 * MICRO), [market])

    assert almost.tripped.tolist() == [0]
    assert lost.tripped.tolist() == [DAY_LOSS]


def test_a_days_loss_counts_what_is_still_open() -> None:
    """1,000 shares bought at 0.50 are bid at 0.29: 210 USD are lost, nothing of it realised."""
    market = Market(instrument_of(), bids=((0.29, 10_000.0),))
    start = after(account_of(), marked(account_of(), [market]))

    risk = marked(holding(start, market, 1_000.0, 0.50), [market])

    assert risk.tripped.tolist() == [DAY_LOSS]


def test_a_trip_survives_a_recovery_and_a_restart_until_the_next_desk_day() -> None:
    """The bit is in the account; an engine that starts anew folds the same account from the journal."""
    market = Market(instrument_of(), wanted=100.0)
    start = after(account_of(), marked(account_of(), [market]))
    tripped = after(start, marked(replace(start, cash_micro=start.cash_micro - 300 * MICRO), [market]))
    recovered = replace(tripped, cash_micro=start.cash_micro)
    restarted = replace(recovered)

    flat = look([market], restarted, cycle=cycle_of(START + timedelta(hours=22)))
    free = look([market], flat.account, cycle=cycle_of(START + timedelta(hours=23)))

    assert flat.shares == {}
    assert flat.reason == "day_loss"
    assert [*free.shares] == ["london-0-YES"]


def test_the_first_look_of_a_day_does_not_zero_a_loss_that_came_with_it() -> None:
    """Trap of TRANSMISSION 1.4: 250 USD are lost between the last look of the old day and the first of the new."""
    market = Market(instrument_of())
    start = after(account_of(), marked(account_of(), [market]))
    poorer = replace(start, cash_micro=start.cash_micro - 250 * MICRO)

    risk = marked(poorer, [market], START + timedelta(hours=23))

    assert risk.day_start_micro.tolist() == [10_000 * MICRO]
    assert risk.tripped.tolist() == [DAY_LOSS]


def test_a_gain_before_the_loss_does_not_move_the_limit() -> None:
    market = Market(instrument_of())
    start = after(account_of(), marked(account_of(), [market]))
    up = after(start, marked(replace(start, cash_micro=start.cash_micro + 500 * MICRO), [market], START + timedelta(hours=1)))

    down = marked(replace(up, cash_micro=start.cash_micro - 100 * MICRO), [market], START + timedelta(hours=2))

    assert down.tripped.tolist() == [0]
    assert down.high_water_micro.tolist() == [10_500 * MICRO]


def test_a_weeks_loss_holds_over_new_days_until_monday() -> None:
    market = Market(instrument_of(), wanted=100.0)
    account = after(account_of(), marked(account_of(), [market]))
    account = replace(account, cash_micro=account.cash_micro - 450 * MICRO)
    bits = {}
    for days in range(6):  # Thursday to Tuesday
        account = after(account, marked(account, [market], START + timedelta(days=days)))
        bits[f"{START + timedelta(days=days):%a}"] = int(account.tripped[0])

    assert bits == {"Thu": DAY_LOSS | WEEK_LOSS, "Fri": WEEK_LOSS, "Sat": WEEK_LOSS, "Sun": WEEK_LOSS, "Mon": 0, "Tue": 0}


def test_the_kill_switch_outlasts_every_day() -> None:
    market = Market(instrument_of())
    account = replace(account_of(), tripped=np.array([KILL]))
    for days in range(9):
        account = after(account, marked(account, [market], START + timedelta(days=days)))

    assert account.tripped.tolist() == [KILL]


def test_each_run_trips_by_itself() -> None:
    market = Market(instrument_of(), wanted=100.0)
    start = account_of(n_runs=3)
    start = after(start, marked(start, [market]))
    account = replace(start, cash_micro=start.cash_micro - np.array([0, 300, 0]) * MICRO)

    seen = look([market], account)

    assert seen.account.tripped.tolist() == [0, DAY_LOSS, 0]
    assert seen.orders.run.tolist() == [0, 2]


def test_a_purchase_is_refused_when_the_day_could_end_too_badly() -> None:
    """A holding worth 280 USD settles this desk day: 2.8 of 3 R0 could go; 40 more would pass it."""
    held = Market(instrument_of("held", day=date(2026, 11, 12)), wanted=0.0, bids=((0.28, 10_000.0),))
    more = Market(instrument_of("more", city="Paris", region="france", day=date(2026, 11, 12)), wanted=1_000.0)
    later = replace(more, instrument=instrument_of("later", city="Rome", region="italy", day=date(2026, 11, 15)))
    account = holding(account_of(), held, 1_000.0, 0.28)

    seen = look(
        [held, more, later], account, settings_of({**NORMAL, "open_r": 9, "desk_day_r": 9, "source_r": 9, "bracket_r": 0.4})
    )

    assert [*seen.shares] == ["later-0-YES"]
    assert seen.by_token["more-0-YES"].reason_code == "worst_day"


def test_a_desk_without_equity_takes_no_risk() -> None:
    seen = look([Market(instrument_of())], account_of(0.0))

    assert seen.shares == {}
    assert seen.account.unit_r_micro.tolist() == [0]


def test_tripwires_are_single_bits_with_names() -> None:
    assert [bit for bit in TRIPWIRES if bit & (bit - 1)] == []
    assert tripped_names(KILL | WEEK_LOSS) == ("kill_switch", "week_loss")
