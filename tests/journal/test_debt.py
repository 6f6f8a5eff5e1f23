"""Cash is never below zero: what cannot be paid is refused, what cannot be given back is owed and repaid first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.days import desk_day
from core.errors import JournalError
from core.journal.changes import Execution
from core.journal.fold import apply, booked
from core.model.account import Account, new_account
from core.model.governor import CLAIM_DAYS
from core.model.orders import Status
from core.units import MICRO
from tests.journal.builders import DESK, WORLD, cycle, filled, intention, reports, word

FIRST, SECOND, THIRD = cycle(1), cycle(2), cycle(3)
TEN = 10 * MICRO


def holding(start: int, *bought: tuple[str, int, int], n_runs: int = 1) -> Account:
    """An account that bought shares of tokens at prices, free of fees."""
    account = new_account(DESK, WORLD, start, n_runs)
    for number, (token, size, price) in enumerate(bought):
        of = cycle(-10 + number)
        wanted = intention(of, account, [(run, token, size) for run in range(n_runs)])
        account = apply(of, apply(of, account, wanted), filled(of, wanted.orders, price, 0))
    return account


def spent(account: Account, token: str, size: int, price: int) -> Account:
    wanted = intention(SECOND, account, [(0, token, size)])
    return apply(SECOND, apply(SECOND, account, wanted), filled(SECOND, wanted.orders, price, 0))


def test_a_purchase_that_cash_cannot_pay_is_refused_fee_included() -> None:
    """10 shares at 0.40 cost 4.00 USD, with a fee of one millionth more than there is."""
    account = new_account(DESK, WORLD, 4 * MICRO)
    wanted = intention(FIRST, account, [(0, "00YES", TEN)])
    placed = apply(FIRST, account, wanted)

    assert apply(FIRST, placed, filled(FIRST, wanted.orders, 400_000, 0)).cash_micro.tolist() == [0]
    with pytest.raises(JournalError, match="costs 4000001 micro-USD, run 0 has 4000000"):
        apply(FIRST, placed, filled(FIRST, wanted.orders, 400_000, 1))


def test_what_a_correction_takes_back_beyond_the_cash_is_owed() -> None:
    """10 shares won 10 USD, 8 of 11 are spent since: a correction takes 3 of the 10, 7 are owed."""
    account = apply(FIRST, holding(5 * MICRO, ("00YES", TEN, 400_000)), word(0, 0))
    account = spent(account, "10YES", 2 * TEN, 400_000)
    assert account.cash_micro.tolist() == [3 * MICRO]

    done = booked(THIRD, account, word(0, 1, 1))

    assert (done.account.cash_micro.tolist(), done.account.owed_micro.tolist()) == ([0], [7 * MICRO])
    assert done.account.realised_micro.tolist() == [-4 * MICRO]  # the shares cost 4 USD and are worth nothing
    taken, paid = done.entries
    assert (taken.cash, taken.owed, taken.position, taken.realised) == (-3 * MICRO, -7 * MICRO, 4 * MICRO, 6 * MICRO)
    assert (paid.cash, paid.owed, paid.position, paid.realised) == (0, 0, -4 * MICRO, 4 * MICRO)


def in_debt() -> Account:
    account = apply(FIRST, holding(5 * MICRO, ("00YES", TEN, 400_000)), word(0, 0))
    return apply(THIRD, spent(account, "10YES", 2 * TEN, 400_000), word(0, 1, 1))


def test_the_next_money_repays_the_debt_first_whatever_it_comes_from() -> None:
    """A sale of 10 at 0.50 brings 5 of the 7 that are owed; the payout of the other 10 the rest and 8 of cash."""
    of = cycle(4)
    sale = intention(of, in_debt(), [(0, "10YES", -TEN)])
    sold = apply(of, apply(of, in_debt(), sale), filled(of, sale.orders, 500_000, 0))
    paid = apply(of, sold, word(1, 0))

    assert (sold.cash_micro.tolist(), sold.owed_micro.tolist()) == ([0], [2 * MICRO])
    assert (paid.cash_micro.tolist(), paid.owed_micro.tolist()) == ([8 * MICRO], [0])


def test_a_desk_in_debt_cannot_buy() -> None:
    of = cycle(4)
    wanted = intention(of, in_debt(), [(0, "11YES", MICRO)])
    with pytest.raises(JournalError, match="run 0 has 0"):
        apply(of, apply(of, in_debt(), wanted), filled(of, wanted.orders, 10_000, 0))


def test_a_second_correction_gives_back_what_the_first_took_and_the_debt_is_gone() -> None:
    account = apply(cycle(4), in_debt(), word(0, 0, 2))

    assert (account.cash_micro.tolist(), account.owed_micro.tolist()) == ([3 * MICRO], [0])
    assert account.realised_micro.tolist() == [6 * MICRO]


def test_purchases_that_the_cash_left_by_a_correction_may_not_pay_are_taken_back() -> None:
    """A share never costs more than a dollar: 4 more shares could cost 4 USD, 3 are there before the correction, 0 after."""
    account = apply(FIRST, holding(5 * MICRO, ("00YES", TEN, 400_000)), word(0, 0))
    account = spent(account, "10YES", 2 * TEN, 400_000)
    wanted = intention(cycle(3), account, [(0, "11YES", 4 * MICRO), (0, "10YES", -TEN)])
    resting = apply(cycle(3), account, wanted)
    resting = apply(cycle(3), resting, Execution(reports([(o, "", Status.WORKING, 0, 0, 0) for o in wanted.orders.order_id])))

    done = booked(cycle(4), resting, word(0, 1, 1))

    assert done.account.working.order_id == (wanted.orders.order_id[1],)  # the sale goes on
    assert [(w.order_id, w.status, w.reason) for w in done.words] == [
        (wanted.orders.order_id[0], Status.EXPIRED, "cash_taken_back")
    ]


def test_an_event_s_end_is_held_against_what_was_claimed_of_it() -> None:
    """100 shares bought as worth 0.45 pay 100 USD: 55 more than claimed; p = .45, so the variance is 100² x .45 x .55."""
    account = apply(FIRST, holding(100 * MICRO, ("00YES", 100 * MICRO, 400_000)), word(0, 0))
    day = desk_day(FIRST.scheduled_at).toordinal()
    slot = day % CLAIM_DAYS

    governor = account.governor
    assert governor.claim_day[slot] == day
    assert governor.claim_diff_micro[0, slot] == 55 * MICRO
    assert governor.claim_var[0, slot] == round(100**2 * 0.45 * 0.55 * MICRO)
    assert governor.settled.tolist() == [1]


def test_a_correction_replaces_what_the_word_before_it_added() -> None:
    """Paid 100 first, 0 then: 45 less than claimed, still one event and one variance."""
    first = apply(FIRST, holding(100 * MICRO, ("00YES", 100 * MICRO, 400_000)), word(0, 0))
    governor = apply(cycle(2), first, word(0, 1, 1)).governor

    assert governor.claim_diff_micro.sum() == -45 * MICRO
    assert governor.claim_var.sum() == first.governor.claim_var.sum()
    assert governor.settled.tolist() == [1]


def test_an_event_that_nobody_held_is_no_observation() -> None:
    account = apply(FIRST, holding(5 * MICRO), word(0, 0))

    assert account.governor.settled.tolist() == [0]
    assert not account.governor.claim_day.any()


def test_each_run_owes_its_own() -> None:
    both = apply(FIRST, holding(5 * MICRO, ("00YES", TEN, 400_000), n_runs=2), word(0, 0))
    poorer = replace(both, cash_micro=both.cash_micro - np.array([0, 10 * MICRO]))

    after = apply(SECOND, poorer, word(0, 1, 1))

    assert (after.cash_micro.tolist(), after.owed_micro.tolist()) == ([MICRO, 0], [0, 9 * MICRO])
