"""The arithmetic of money, worked by hand, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.errors import JournalError, TransitionError
from core.journal.changes import Closing, Execution, Obedience
from core.journal.fold import apply, booked
from core.journal.state import account_of, account_text
from core.model.account import Account, new_account
from core.model.orders import FINAL, Level, Role, Status
from core.model.settlement import Finality
from core.units import MICRO
from tests.journal.builders import DESK, START_MICRO, WORLD, cycle, event_id, filled, intention, orders, reports, word

HUNDRED = 100 * MICRO
FIRST, SECOND = cycle(1), cycle(2)
YES, NO = "00YES", "01NO"


def fresh(n_runs: int = 1) -> Account:
    return new_account(DESK, WORLD, START_MICRO, n_runs)


def bought(token: str = YES, size: int = HUNDRED, price: int = 390_000, fee: int = 1_250) -> Account:
    wanted = intention(FIRST, fresh(), [(0, token, size)])
    placed = apply(FIRST, fresh(), wanted)
    return apply(FIRST, placed, filled(FIRST, wanted.orders, price, fee))


def sold(account: Account, size: int, price: int, fee: int = 0) -> Account:
    wanted = intention(SECOND, account, [(0, YES, -size)])
    return apply(SECOND, apply(SECOND, account, wanted), filled(SECOND, wanted.orders, price, fee))


def test_buying_pays_notional_and_fee_and_costs_the_notional() -> None:
    """100 shares at 0.39 are 39.00 USD; the fee of 0.00125 USD is its own line."""
    account = bought()

    assert account.cash_micro.tolist() == [START_MICRO - 39 * MICRO - 1_250]
    assert (account.held_micro.tolist(), account.cost_micro.tolist()) == ([[HUNDRED]], [[39 * MICRO]])
    assert (account.fees_micro.tolist(), account.realised_micro.tolist()) == ([1_250], [0])


def test_selling_a_part_takes_its_part_of_the_cost_rounded_down() -> None:
    """A third of a cost of 0.000100 USD over 3 micro-shares: 33 of 100 go, 67 stay."""
    account = replace(bought(), held_micro=np.array([[3]]), cost_micro=np.array([[100]]))

    after = sold(account, 1, 500_000)

    assert after.cost_micro.tolist() == [[67]]
    assert after.realised_micro.tolist() == [0 - 33]


def test_selling_all_takes_all_of_the_cost() -> None:
    """Sold at 0.50 what cost 0.39: 50.00 - 39.00 = 11.00 USD realised."""
    after = sold(bought(), HUNDRED, 500_000, fee=2_000)

    assert (after.held_micro.tolist(), after.cost_micro.tolist()) == ([[0]], [[0]])
    assert after.realised_micro.tolist() == [11 * MICRO]
    assert after.cash_micro.tolist() == [START_MICRO + 11 * MICRO - 3_250]


def test_costs_and_sizes_beyond_64_bits_in_their_product_are_divided_exactly() -> None:
    """9e12 micro-USD x 5e12 micro-shares passes 2**63; half of the shares take half of the cost."""
    account = replace(bought(), held_micro=np.array([[10**13]]), cost_micro=np.array([[9 * 10**12]]))

    after = sold(account, 5 * 10**12, 900_000)

    assert after.cost_micro.tolist() == [[45 * 10**11]]


def test_a_final_word_pays_a_dollar_for_each_winning_share_and_forgets_the_columns() -> None:
    account = apply(SECOND, bought(), word(winner=0))

    assert account.cash_micro.tolist() == [START_MICRO - 39 * MICRO - 1_250 + HUNDRED]
    assert account.realised_micro.tolist() == [HUNDRED - 39 * MICRO]
    assert (account.instruments, account.held_micro.shape, account.taken) == ((), (1, 0), {})
    assert account.outcomes[event_id(0)].held_micro.tolist() == [[HUNDRED]]


def test_no_of_a_bracket_that_did_not_win_is_paid() -> None:
    assert apply(SECOND, bought(NO), word(winner=0)).realised_micro.tolist() == [HUNDRED - 39 * MICRO]
    assert apply(SECOND, bought(NO), word(winner=1)).realised_micro.tolist() == [-39 * MICRO]


def test_a_correction_takes_back_what_was_paid_and_pays_anew() -> None:
    paid = apply(SECOND, bought(), word(winner=0))

    corrected = booked(SECOND, paid, word(winner=2, revision=1))

    assert corrected.account.cash_micro.tolist() == [START_MICRO - 39 * MICRO - 1_250]
    assert corrected.account.realised_micro.tolist() == [-39 * MICRO]
    assert [(entry.cash, entry.position, entry.realised) for entry in corrected.entries] == [
        (-HUNDRED, 39 * MICRO, HUNDRED - 39 * MICRO), (0, -39 * MICRO, 39 * MICRO),
    ]  # fmt: skip


def test_a_correction_of_a_correction_returns_to_the_first_word() -> None:
    first = apply(SECOND, bought(), word(winner=0))

    back = apply(SECOND, apply(SECOND, first, word(winner=1, revision=1)), word(winner=0, revision=2))

    assert back.cash_micro.tolist() == first.cash_micro.tolist()
    assert back.realised_micro.tolist() == first.realised_micro.tolist()


def test_a_provisional_word_moves_no_money_and_keeps_the_columns() -> None:
    before = bought()

    after = apply(SECOND, before, word(finality=Finality.PROVISIONAL))

    assert after.cash_micro.tolist() == before.cash_micro.tolist()
    assert after.instruments == before.instruments
    assert after.outcomes[event_id(0)].settlement.finality is Finality.PROVISIONAL


def test_our_provisional_word_never_hides_the_venues_final_one() -> None:
    final = apply(SECOND, bought(), word(winner=0))

    after = apply(SECOND, final, word(finality=Finality.PROVISIONAL))

    assert after.outcomes[event_id(0)].settlement.finality is Finality.FINAL


def test_a_word_that_is_not_newer_is_refused() -> None:
    paid = apply(SECOND, bought(), word(winner=0, revision=1))

    for revision in (0, 1):
        with pytest.raises(JournalError, match="is not newer than"):
            apply(SECOND, paid, word(winner=0, revision=revision))


def test_a_final_word_without_a_winner_is_refused() -> None:
    nobody = word()
    with pytest.raises(JournalError, match="names no winner"):
        apply(SECOND, bought(), replace(nobody, settlement=replace(nobody.settlement, winner="")))


def test_outcomes_are_remembered_for_ten_days_and_no_longer() -> None:
    paid = apply(SECOND, bought(), word(winner=0))  # of 13 November
    on_time, late = cycle(4 * 24 * 11), cycle(4 * 24 * 12)  # 23 and 24 November, 17:00Z

    assert event_id(0) in apply(on_time, paid, intention(on_time, paid, [])).outcomes
    assert event_id(0) not in apply(late, paid, intention(late, paid, [])).outcomes
    with pytest.raises(JournalError, match="10 days are remembered"):
        apply(late, apply(late, paid, intention(late, paid, [])), word(winner=1, revision=1))


def test_an_outcome_of_an_event_that_is_still_held_is_remembered_longer_than_ten_days() -> None:
    """Forgotten, the same provisional word would be new again, under an id that is taken."""
    held, late = apply(SECOND, bought(), word(finality=Finality.PROVISIONAL)), cycle(4 * 24 * 12)
    flat = replace(held, held_micro=held.held_micro * 0, cost_micro=held.cost_micro * 0)

    assert event_id(0) in apply(late, held, intention(late, held, [])).outcomes
    assert event_id(0) not in apply(late, flat, intention(late, flat, [])).outcomes


def test_orders_of_a_settled_event_expire_with_it_and_new_ones_are_refused() -> None:
    wanted = intention(FIRST, fresh(), [(0, YES, HUNDRED)])
    working = apply(FIRST, fresh(), wanted)

    settled = booked(SECOND, working, word(winner=0))

    assert len(settled.account.working) == 0
    assert [(w.order_id, w.status, w.reason) for w in settled.words] == [
        (wanted.orders.order_id[0], Status.EXPIRED, "event_settled")
    ]
    with pytest.raises(JournalError, match="which the venue has settled"):
        apply(SECOND, settled.account, intention(SECOND, settled.account, [(0, NO, HUNDRED)]))


def test_flat_columns_of_an_event_that_never_ended_are_forgotten() -> None:
    flat, late = sold(bought(), HUNDRED, 500_000), cycle(4 * 24 * 12)

    after = apply(late, flat, intention(late, flat, []))

    assert (after.instruments, after.taken) == ((), {})
    assert apply(late, bought(), intention(late, bought(), [])).instruments == bought().instruments


def test_an_unchanged_book_remembers_what_was_taken_a_changed_one_forgets() -> None:
    """20 of 500 shown, then 30 of the same 500, then 10 of a new 450 at the same price."""
    account = fresh()
    for number, (size, shown) in enumerate([(20, 500), (30, 500), (10, 450)]):
        of = cycle(number)
        wanted = intention(of, account, [(0, YES, size * MICRO)])
        account = apply(of, account, wanted)
        said = reports(
            [(wanted.orders.order_id[0], f"x{number}", Status.FILLED, size * MICRO, 390_000, 0)], shown=shown * MICRO
        )
        account = apply(of, account, Execution(said))
        if number == 1:
            assert account.taken == {(0, YES, 1): (Level(390_000, 500 * MICRO, 50 * MICRO),)}

    assert account.taken == {(0, YES, 1): (Level(390_000, 450 * MICRO, 10 * MICRO),)}


def test_what_came_to_a_resting_order_is_not_remembered_as_depth_taken() -> None:
    """Others sold to it: no offer that a book shows became less by it."""
    wanted = intention(FIRST, fresh(), [(0, YES, HUNDRED)])
    resting = replace(wanted, orders=replace(wanted.orders, good_until=wanted.orders.placed_at + MICRO))

    rested = apply(FIRST, apply(FIRST, fresh(), resting), filled(FIRST, resting.orders))

    assert rested.held_micro.tolist() == [[HUNDRED]]
    assert rested.taken == {}
    assert bought().taken == {(0, YES, 1): (Level(390_000, 500 * MICRO, HUNDRED),)}


def test_an_execution_said_twice_is_booked_once() -> None:
    wanted = intention(FIRST, fresh(), [(0, YES, HUNDRED)])
    order_id = wanted.orders.order_id[0]
    twice = reports([(order_id, "x1", Status.PARTIALLY_FILLED, MICRO, 390_000, 5)] * 2)

    account = apply(FIRST, apply(FIRST, fresh(), wanted), Execution(twice))

    assert account.held_micro.tolist() == [[MICRO]]
    assert account.working.filled_micro.tolist() == [MICRO]


def test_orders_move_along_the_arrows_only() -> None:
    wanted = intention(FIRST, fresh(), [(0, YES, HUNDRED)])
    placed, order_id = apply(FIRST, fresh(), wanted), wanted.orders.order_id[0]
    ended_twice = reports([(order_id, "", Status.CANCELLED, 0, 0, 0), (order_id, "", Status.EXPIRED, 0, 0, 0)])

    with pytest.raises(TransitionError, match="CANCELLED cannot EXPIRE"):
        apply(FIRST, placed, Execution(ended_twice))


def test_what_is_heard_together_may_come_in_any_order() -> None:
    """The whole before a part of it, the end before a fill: what was filled is what was filled."""
    wanted = intention(FIRST, fresh(), [(0, YES, HUNDRED), (0, NO, HUNDRED)])
    placed, (yes, no) = apply(FIRST, fresh(), wanted), wanted.orders.order_id
    rows = [
        (yes, "x2", Status.FILLED, HUNDRED - MICRO, 390_000, 7), (no, "", Status.CANCELLED, 0, 0, 0),
        (yes, "x1", Status.PARTIALLY_FILLED, MICRO, 380_000, 5), (no, "x3", Status.PARTIALLY_FILLED, MICRO, 200_000, 1),
        (no, "", Status.WORKING, 0, 0, 0),
    ]  # fmt: skip

    heard = [apply(FIRST, placed, Execution(reports(order))) for order in (rows, rows[::-1], rows[2:] + rows[:2])]

    assert {tuple(each.held_micro.ravel().tolist()) for each in heard} == {(HUNDRED, MICRO)}
    assert {int(each.cash_micro[0]) for each in heard} == {START_MICRO - 38_610_000 - 7 - 380_000 - 5 - 200_000 - 1}
    assert all(len(each.working) == 0 for each in heard)


@pytest.mark.parametrize("status", sorted(FINAL))
def test_an_order_that_is_done_no_longer_works(status: Status) -> None:
    wanted = intention(FIRST, fresh(), [(0, YES, HUNDRED), (0, NO, HUNDRED)])
    first, second = wanted.orders.order_id
    row = (first, "x1", status, HUNDRED, 390_000, 0) if status is Status.FILLED else (first, "", status, 0, 0, 0)

    account = apply(FIRST, apply(FIRST, fresh(), wanted), Execution(reports([row])))

    assert account.working.order_id == (second,)


REFUSED = {
    "more than was ordered": ("x1", Status.FILLED, HUNDRED + 1, 390_000, 0, "was filled with"),
    "less than filled means": ("x1", Status.FILLED, HUNDRED - 1, 390_000, 0, "is said to be filled"),
    "filled without a fill": ("", Status.FILLED, 0, 0, 0, "is said to be filled"),
    "a fee without a share": ("x1", Status.WORKING, 0, 0, 7, "cannot be booked"),
    "no execution id": ("", Status.PARTIALLY_FILLED, MICRO, 390_000, 0, "cannot be booked"),
    "a state that is ours to give": ("", Status.APPROVED, 0, 0, 0, "cannot say APPROVED"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_words_of_a_venue_that_money_does_not_allow_are_refused(case: str) -> None:
    execution_id, status, size, price, fee, message = REFUSED[case]
    wanted = intention(FIRST, fresh(), [(0, YES, HUNDRED)])
    said = reports([(wanted.orders.order_id[0], execution_id, status, size, price, fee)])

    with pytest.raises(JournalError, match=message):
        apply(FIRST, apply(FIRST, fresh(), wanted), Execution(said))


def test_a_report_on_an_order_nobody_placed_is_refused() -> None:
    with pytest.raises(JournalError, match="o-unknown, which is not working"):
        apply(FIRST, fresh(), Execution(reports([("o-unknown", "x1", Status.FILLED, 1, 1, 0)])))


def test_what_is_not_held_cannot_be_sold() -> None:
    with pytest.raises(JournalError, match=f"run 0 holds {HUNDRED}"):
        sold(bought(), HUNDRED + 1, 500_000)


def test_an_order_is_placed_once_and_described() -> None:
    wanted = intention(FIRST, fresh(), [(0, YES, HUNDRED)])

    with pytest.raises(JournalError, match="placed already"):
        apply(FIRST, apply(FIRST, fresh(), wanted), wanted)
    with pytest.raises(JournalError, match=f"does not describe {YES}"):
        apply(FIRST, fresh(), replace(wanted, instruments=()))


def test_an_intention_of_no_size_or_another_state_or_run_is_refused() -> None:
    wanted = intention(FIRST, fresh(), [(0, YES, HUNDRED)])

    for part, value in (("size_micro", 0), ("status", Status.NEW), ("filled_micro", 1), ("run", 1)):
        broken = replace(wanted, orders=replace(wanted.orders, **{part: np.array([value])}))
        with pytest.raises(JournalError, match="an order of the intention is"):
            apply(FIRST, fresh(), broken)


def test_a_stop_keeps_its_entry_when_other_orders_are_done() -> None:
    """Rows: one that works already, then done, entry, stop of the entry; after `done` is gone the entry is row 1."""
    placed = orders(FIRST, [(0, NO, HUNDRED), (0, YES, HUNDRED)])
    stop = orders(SECOND, [(0, YES, -HUNDRED)])
    family = replace(
        placed, order_id=placed.order_id + stop.order_id, decision_id=(*placed.decision_id, ""), token=(*placed.token, YES),
        parent=np.array([-1, -1, 1]), role=np.array([Role.ENTRY, Role.ENTRY, Role.STOP]),
        size_micro=np.array([HUNDRED, HUNDRED, -HUNDRED]),
        **{name: np.concatenate([getattr(placed, name), getattr(stop, name)])
           for name in ("run", "limit_micro", "reference_micro", "fair_micro", "status", "filled_micro", "placed_at",
                        "good_until", "cancel_at")},
    )  # fmt: skip
    wanted = replace(intention(FIRST, fresh(), [(0, NO, HUNDRED), (0, YES, HUNDRED)]), orders=family)

    account = apply(
        FIRST, apply(FIRST, fresh(), wanted), Execution(reports([(family.order_id[0], "", Status.EXPIRED, 0, 0, 0)]))
    )

    assert account.working.parent.tolist() == [-1, 0]


def test_a_command_sets_the_tripwires_and_a_closing_moves_nothing() -> None:
    tripped = apply(FIRST, fresh(), Obedience("c1", np.array([4])))
    closed = apply(FIRST, tripped, Closing())

    assert (closed.tripped.tolist(), closed.cash_micro.tolist(), closed.seq) == ([4], [START_MICRO], 2)


def test_a_run_has_the_same_money_alone_and_in_company() -> None:
    sizes = [7 * MICRO, HUNDRED + 1, 33]
    wanted = [(run, YES, size) for run, size in enumerate(sizes)]
    together = fresh(3)
    bids = intention(FIRST, together, wanted)
    together = apply(FIRST, apply(FIRST, together, bids), filled(FIRST, bids.orders))
    together = apply(SECOND, together, word(winner=0))

    for run, size in enumerate(sizes):
        alone = apply(SECOND, bought(YES, size), word(winner=0))
        assert together.cash_micro[run] == alone.cash_micro[0]
        assert together.realised_micro[run] == alone.realised_micro[0]


def test_an_account_comes_back_from_its_text_to_the_last_bit() -> None:
    account = bought()
    account = apply(SECOND, account, word(event=1, finality=Finality.PROVISIONAL))
    more = intention(SECOND, account, [(0, NO, 10**15 + 1), (0, "10YES", 3)])
    account = apply(SECOND, account, more)
    account = apply(SECOND, replace(account, cash_micro=np.array([2**62 + 1])), word(winner=1))

    text = account_text(account)

    assert account_text(account_of(text)) == text
    back = account_of(text)
    assert (back.cash_micro.tolist(), back.outcomes.keys(), back.working.order_id) == (
        account.cash_micro.tolist(), account.outcomes.keys(), account.working.order_id,
    )  # fmt: skip
    assert back.outcomes[event_id(1)].settlement == account.outcomes[event_id(1)].settlement


def test_an_empty_account_of_many_runs_comes_back() -> None:
    back = account_of(account_text(fresh(3)))

    assert (back.held_micro.shape, back.n_runs, back.working.run.dtype) == ((3, 0), 3, np.int64)
