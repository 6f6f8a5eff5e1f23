"""An event's end folded in: a final word pays, a correction first takes back what the word before it paid.

What was paid and cannot be given back, because the cash is spent, is owed: the next money that comes in repays it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from core.errors import JournalError
from core.journal.claims import Claim, claim_of_event, with_claim
from core.journal.entries import Booked, Purse, pays_of
from core.journal.execution import expired, without_tokens
from core.model.account import Account, Outcome
from core.model.event import Side
from core.model.governor import Governor
from core.model.settlement import Finality, Settlement
from core.units import BoolArray, IntArray


def paid_out(account: Account, settlement: Settlement, at: int, day: int) -> Booked:
    """Return the account after a word about an event, heard on a desk day; JournalError for one not newer than the last."""
    known = account.outcomes.get(settlement.event_id)
    if known is not None:
        _check_newer(known.settlement, settlement)
    if settlement.finality is Finality.PROVISIONAL:
        return Booked(_noted(account, settlement, known))
    if not settlement.winner:
        raise JournalError(f"the final word {settlement.settlement_id} names no winner: nothing can be paid")
    return _final(account, settlement, known if known and known.settlement.finality is Finality.FINAL else None, at, day)


def without_columns(account: Account, gone: IntArray) -> Account:
    """Return the account without some columns and what is remembered of their books."""
    if not len(gone):
        return account
    stay = np.delete(np.arange(len(account.instruments)), gone)
    tokens = frozenset(account.instruments[i].token for i in gone.tolist())
    return replace(
        account,
        instruments=tuple(account.instruments[i] for i in stay.tolist()),
        held_micro=np.ascontiguousarray(account.held_micro[:, stay]),
        cost_micro=np.ascontiguousarray(account.cost_micro[:, stay]),
        claim_micro=np.ascontiguousarray(account.claim_micro[:, stay]),
        taken=without_tokens(account.taken, tokens),
    )


def _check_newer(known: Settlement, word: Settlement) -> None:
    if word.finality is known.finality and word.revision <= known.revision:
        raise JournalError(f"{word.settlement_id} is not newer than {known.settlement_id}, which is booked")


def _noted(account: Account, settlement: Settlement, known: Outcome | None) -> Account:
    if known is not None and known.settlement.finality is Finality.FINAL:
        return account  # ours comes after the venue's: kept as a row, but the venue's word stands
    nothing = np.zeros((account.n_runs, 0), np.int64)
    return _with_outcome(account, Outcome(settlement, (), nothing, nothing, nothing))


def _final(account: Account, settlement: Settlement, before: Outcome | None, at: int, day: int) -> Booked:
    purse = Purse(account)
    columns = np.flatnonzero([i.event_id == settlement.event_id for i in account.instruments])
    outcome = _holdings(account, settlement, before, columns)
    entries = purse.pay(before, at, by=outcome) if before else []
    entries += purse.pay(outcome, at)
    gone = _over(account, columns) | _unpaid(account, purse)
    orders, words = expired(account, np.flatnonzero(gone), "event_settled" if before is None else "cash_taken_back")
    paid = replace(
        account, cash_micro=purse.cash, owed_micro=purse.owed, realised_micro=purse.realised, working=orders,
        governor=_judged(account.governor, outcome, before, day),
    )  # fmt: skip
    return Booked(_with_outcome(without_columns(paid, columns), outcome), (), tuple(entries), words)


def _over(account: Account, columns: IntArray) -> BoolArray:
    tokens = {account.instruments[i].token for i in columns.tolist()}
    return np.array([token in tokens for token in account.working.token], np.bool_)


def _unpaid(account: Account, purse: Purse) -> BoolArray:
    """Return the working purchases of runs that a correction left with less cash than they may come to cost.

    A share never costs more than 1 USD, fee included.
    """
    working = account.working
    buys = working.size_micro > 0
    need = np.zeros(account.n_runs, np.int64)
    np.add.at(need, working.run[buys], (working.size_micro - working.filled_micro)[buys])
    short = (purse.cash < account.cash_micro) & (purse.cash < need)
    return buys & short[working.run]


def _judged(governor: Governor, outcome: Outcome, before: Outcome | None, day: int) -> Governor:
    """Hold what was paid against what was claimed; a correction changes what was paid, the claim and its variance stay."""
    if not outcome.instruments:
        return governor
    paid = pays_of(outcome).sum(axis=1, dtype=np.int64)
    nothing = np.zeros_like(paid)
    if before is not None:
        return with_claim(governor, day, Claim(paid - pays_of(before).sum(axis=1, dtype=np.int64), nothing), nothing)
    brackets = np.array([each.bracket for each in outcome.instruments], np.int64)
    yes = np.array([each.side is Side.YES for each in outcome.instruments], np.bool_)
    claim = claim_of_event(outcome.held_micro, outcome.claim_micro, paid, brackets, yes)
    return with_claim(governor, day, claim, (outcome.held_micro != 0).any(axis=1).astype(np.int64))


def _holdings(account: Account, settlement: Settlement, before: Outcome | None, columns: IntArray) -> Outcome:
    if before is not None:  # a settled event takes no more orders: what was held then is all
        return replace(before, settlement=settlement)
    held_any = ((account.held_micro != 0) | (account.cost_micro != 0)).any(axis=0)
    now = columns[held_any[columns]]
    return Outcome(
        settlement,
        tuple(account.instruments[i] for i in now.tolist()),
        np.ascontiguousarray(account.held_micro[:, now]),
        np.ascontiguousarray(account.cost_micro[:, now]),
        np.ascontiguousarray(account.claim_micro[:, now]),
    )


def _with_outcome(account: Account, outcome: Outcome) -> Account:
    outcomes: Mapping[str, Outcome] = {**account.outcomes, outcome.settlement.event_id: outcome}
    return replace(account, outcomes=outcomes)
