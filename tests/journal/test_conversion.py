"""NO of some brackets becomes dollars and YES of the others: no micro-dollar is made or lost, whatever bracket wins."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core.errors import JournalError
from core.journal.durable import DurableJournal
from core.journal.fold import apply, booked
from core.journal.proof import prove
from core.journal.reader import JournalReader
from core.journal.tables import CONVERSIONS
from core.model.account import Account, new_account
from core.units import MICRO
from tests.journal.builders import DESK, INSTRUMENTS, START_MICRO, WORLD, conversion, cycle, event_id, filled, intention, word
from tests.journal.sessions import FIXED, play

OF = cycle(5)
SIX = 6 * MICRO


def holding(*bought: tuple[str, int, int], start: int = START_MICRO) -> Account:
    account = new_account(DESK, WORLD, start)
    for number, (token, size, price) in enumerate(bought):
        of = cycle(number)
        wanted = intention(of, account, [(0, token, size)])
        account = apply(of, apply(of, account, wanted), filled(of, wanted.orders, price, 0))
    return account


def of(account: Account) -> dict[str, tuple[int, int]]:
    held = zip(account.instruments, account.held_micro[0].tolist(), account.cost_micro[0].tolist(), strict=True)
    return {i.token: (h, c) for i, h, c in held if h or c}


def test_two_of_three_free_one_dollar_a_share_and_their_cost_goes_on() -> None:
    """6 NO at 0.70 and 6 at 0.80 cost 9.00 USD; 6.00 come back, the 6 YES of the third cost the other 3.00."""
    account = holding(("10NO", SIX, 700_000), ("12NO", SIX, 800_000))

    after = apply(OF, account, conversion(OF, 1, (0, 2), SIX))

    assert after.cash_micro.tolist() == [START_MICRO - 3 * MICRO]
    assert of(after) == {"11YES": (SIX, 3 * MICRO)}
    assert after.realised_micro.tolist() == [0]
    assert after.claim_micro.sum() == account.claim_micro.sum() - SIX


def test_what_came_back_beyond_the_cost_is_a_gain() -> None:
    """6 NO at 0.40 and 6 at 0.50 cost 5.40 USD; 6.00 come back: 0.60 is earned and the YES shares cost nothing."""
    after = apply(OF, holding(("10NO", SIX, 400_000), ("12NO", SIX, 500_000)), conversion(OF, 1, (0, 2), SIX))

    assert of(after) == {"11YES": (SIX, 0)}
    assert after.realised_micro.tolist() == [600_000]
    assert after.cash_micro.tolist() == [START_MICRO + 600_000]


def test_all_brackets_free_all_but_one_dollar_and_leave_nothing() -> None:
    account = holding(("10NO", SIX, 600_000), ("11NO", SIX, 700_000), ("12NO", SIX, 800_000))

    after = apply(OF, account, conversion(OF, 1, (0, 1, 2), SIX))

    assert of(after) == {}
    assert after.cash_micro.tolist() == [START_MICRO - 12_600_000 + 2 * SIX]
    assert after.realised_micro.tolist() == [2 * SIX - 12_600_000]


def test_one_bracket_frees_nothing_and_becomes_yes_of_the_others() -> None:
    """7 millionths do not go into two equal parts: the first has one more."""
    account = holding(("10NO", 10, 700_000))

    after = apply(OF, account, conversion(OF, 1, (0,), 10))

    assert of(after) == {"11YES": (10, 4), "12YES": (10, 3)}
    assert after.cash_micro.tolist() == account.cash_micro.tolist()


def test_the_venue_keeps_its_bips_of_all_that_comes_back() -> None:
    """30 bips of 6,000,000 shares are 18,000: so many dollars and so many YES shares less; the fee has its own line."""
    account = holding(("10NO", SIX, 700_000), ("12NO", SIX, 800_000))

    done = booked(OF, account, conversion(OF, 1, (0, 2), SIX, 30))

    assert of(done.account) == {"11YES": (SIX - 18_000, 3 * MICRO)}
    assert done.account.fees_micro.tolist() == [18_000]
    assert done.account.cash_micro.tolist() == [START_MICRO - 3 * MICRO - 18_000]
    last = done.entries[-1]
    assert (last.cash, last.conversion_fees, last.fees, last.realised) == (SIX - 18_000, 18_000, 0, 0)
    names = ("cash", "position", "fees", "realised", "owed", "conversion_fees")
    assert sum(getattr(entry, name) for entry in done.entries for name in names) == 0


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(10_000, 990_000)), min_size=2, max_size=3),
    st.integers(1, 10**9), st.integers(0, 2),
)  # fmt: skip
def test_whatever_wins_a_conversion_without_a_fee_pays_the_same(bought: list[tuple[int, int]], size: int, winner: int) -> None:
    account = holding(*((f"1{b}NO", shares, price) for b, (shares, price) in enumerate(bought)))
    most = min(size, *(shares for shares, _ in bought))

    kept = apply(OF, account, word(1, winner))
    changed = apply(OF, apply(OF, account, conversion(OF, 1, tuple(range(len(bought))), most)), word(1, winner))

    assert changed.cash_micro.tolist() == kept.cash_micro.tolist()
    assert changed.realised_micro.tolist() == kept.realised_micro.tolist()


REFUSED = {
    "more than is held": ((0, 2), SIX + 1, {}, "6000000 free"),
    "nothing": ((0, 2), 0, {}, "nothing"),
    "a bracket twice": ((0, 0), SIX, {}, "not NO of some brackets"),
    "a ladder with a gap": ((0, 2), SIX, {"taken": ()}, "not NO of some brackets"),
    "YES for NO": ((0, 2), SIX, {"given": ("10YES", "12NO")}, "not NO of some brackets"),
    "another event": ((0, 2), SIX, {"taken": ("01YES",)}, "not NO of some brackets"),
    "a fee of more than all": ((0, 2), SIX, {"fee_bips": 10_001}, "nothing"),
    "a run that is not there": ((0, 2), SIX, {"run": 1}, "nothing"),
    "a token nobody describes": ((0, 2), SIX, {"instruments": ()}, "does not describe"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_venue_would_not_convert_is_refused(case: str) -> None:
    given_, size, changed, message = REFUSED[case]
    account = holding(("10NO", SIX, 700_000), ("12NO", SIX, 800_000))
    whole = replace(conversion(OF, 1, given_, size), instruments=tuple(INSTRUMENTS.values()))

    with pytest.raises(JournalError, match=message):
        apply(OF, account, replace(whole, **changed))


def test_what_is_being_sold_is_not_converted() -> None:
    account = holding(("10NO", SIX, 700_000), ("12NO", SIX, 800_000))
    selling = apply(OF, account, intention(OF, account, [(0, "12NO", -MICRO)]))

    with pytest.raises(JournalError, match=r"12NO, run 0 has 5000000 free"):
        apply(OF, selling, conversion(OF, 1, (0, 2), SIX))


def test_an_event_that_the_venue_has_settled_is_not_converted() -> None:
    account = apply(OF, holding(("10NO", SIX, 700_000), ("12NO", SIX, 800_000)), word(1, 0))

    with pytest.raises(JournalError, match="has settled"):
        apply(OF, account, conversion(OF, 1, (0, 2), SIX))


def test_a_conversion_repays_a_debt_first() -> None:
    account = holding(("10NO", SIX, 700_000), ("12NO", SIX, 800_000))
    owing = replace(account, cash_micro=np.array([0]), owed_micro=np.array([2 * MICRO]))

    after = apply(OF, owing, conversion(OF, 1, (0, 2), SIX))

    assert (after.cash_micro.tolist(), after.owed_micro.tolist()) == ([4 * MICRO], [0])


def test_a_journal_keeps_a_conversion_with_its_lines_and_its_word(journal: str) -> None:
    with closing(DurableJournal(journal, desk=DESK, world=WORLD, start_micro=START_MICRO)) as writer:
        play(writer, FIXED[:4])
    with closing(JournalReader(journal)) as reader:
        with reader.connection() as connection:
            (line,) = connection.execute(select(CONVERSIONS).where(CONVERSIONS.c.event_id == event_id(1)))
        booked = [each for each in reader.ledger(DESK) if each.tx == line.conversion_id]
        lines = {(each.account, each.token): each.amount_micro for each in booked}
        said = [each for each in reader.after(0, 100) if each.type == "converted"]
        proof = prove(reader, DESK)

    assert (json.loads(line.given), json.loads(line.taken)) == (["10NO", "12NO"], ["11YES"])
    assert (line.size_micro, line.fee_micro) == (2_000_001, 6_000)
    assert line.freed_micro == 2_000_001 - 6_000
    assert lines["cash", ""] == line.freed_micro
    assert lines["conversion_fees", ""] == 6_000
    assert sum(lines.values()) == 0
    assert len(said) == 1
    assert proof.faults == ()
