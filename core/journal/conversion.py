"""A conversion folded in: NO of some brackets becomes dollars and YES of every other bracket of the same event.

Whatever bracket wins, both sides of a conversion pay the same: of m brackets at most one can win, so NO of them pays
m - 1 dollars a share for certain, and one more when none of them wins, as YES of all the others does.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.errors import JournalError
from core.journal.changes import Conversion
from core.journal.entries import Booked, Entry, Purse, Swap
from core.model.account import Account
from core.model.event import Instrument, Side
from core.model.settlement import Finality

BIPS = 10_000


def converted(account: Account, change: Conversion, at: int) -> Booked:
    """Return the account after a conversion; JournalError for one that the venue would refuse."""
    described = {instrument.token: instrument for instrument in change.instruments}
    _check(account, change, described)
    account = with_columns(account, tuple(described[token] for token in change.taken))
    column, purse, run, size = account.column(), Purse(account), change.run, change.size_micro
    fee = size * change.fee_bips // BIPS
    certain = (len(change.given) - 1) * size
    parts = [purse.give(run, column[token], size) for token in change.given]
    cost, claim = sum(part[0] for part in parts), sum(part[1] for part in parts)
    stays = max(cost - certain, 0) if change.taken else 0
    entries = [
        Entry(change.conversion_id, run, at, token, position=-gone)
        for token, (gone, _) in zip(change.given, parts, strict=True)
    ]
    costs, claims = _shared(stays, len(change.taken)), _shared(claim - certain, len(change.taken))
    for token, own_cost, own_claim in zip(change.taken, costs, claims, strict=True):
        purse.held[run, column[token]] += size - fee
        purse.cost[run, column[token]] += own_cost
        purse.claim[run, column[token]] += own_claim
        entries.append(Entry(change.conversion_id, run, at, token, position=own_cost))
    kept = (len(change.given) - 1) * fee
    cash, owed = purse.receive(run, certain - kept)
    gain = certain + stays - cost
    purse.fees[run] += kept
    purse.realised[run] += gain
    entries.append(Entry(change.conversion_id, run, at, "", cash=cash, owed=owed, conversion_fees=kept, realised=-gain))
    swap = Swap(change.conversion_id, run, at, change.given, change.taken, size, fee, certain - kept)
    return Booked(purse.account(account), (), tuple(entries), (), (swap,))


def with_columns(account: Account, instruments: tuple[Instrument, ...]) -> Account:
    """Return the account with an empty column for each instrument that has none."""
    known = account.column()
    new = tuple(each for each in instruments if each.token not in known)
    if not new:
        return account
    nothing = np.zeros((account.n_runs, len(new)), np.int64)
    return replace(
        account,
        instruments=account.instruments + new,
        held_micro=np.concatenate([account.held_micro, nothing], axis=1),
        cost_micro=np.concatenate([account.cost_micro, nothing], axis=1),
        claim_micro=np.concatenate([account.claim_micro, nothing], axis=1),
    )


def _shared(amount: int, n: int) -> list[int]:
    """Return equal parts of an amount; what does not divide goes to the first."""
    return [amount // n + (i < amount % n) for i in range(n)]


def _check(account: Account, change: Conversion, described: dict[str, Instrument]) -> None:
    name, tokens = change.conversion_id, (*change.given, *change.taken)
    if not change.given or change.size_micro <= 0 or not 0 <= change.fee_bips <= BIPS or not 0 <= change.run < account.n_runs:
        raise JournalError(f"{name} converts {change.size_micro} micro-shares of {len(change.given)} brackets: nothing")
    if missing := {*tokens} - described.keys():
        raise JournalError(f"{name} does not describe {', '.join(sorted(missing))}")
    of = [described[token] for token in tokens]
    sides = [Side.NO] * len(change.given) + [Side.YES] * len(change.taken)
    whole = sorted(each.bracket for each in of) == list(range(len(of)))
    if [each.side for each in of] != sides or len({each.event_id for each in of}) != 1 or not whole:
        raise JournalError(f"{name} is not NO of some brackets for YES of every other of one event")
    outcome = account.outcomes.get(of[0].event_id)
    if outcome is not None and outcome.settlement.finality is Finality.FINAL:
        raise JournalError(f"{name} is about {of[0].event_id}, which the venue has settled")
    held = dict(zip(account.column(), account.held_micro[change.run].tolist(), strict=True))
    for token in change.given:
        free = held.get(token, 0) - _being_sold(account, change.run, token)
        if free < change.size_micro:
            raise JournalError(f"{name} gives {change.size_micro} micro-shares of {token}, run {change.run} has {free} free")


def _being_sold(account: Account, run: int, token: str) -> int:
    working = account.working
    mine = (working.run == run) & (working.size_micro < 0) & np.array([each == token for each in working.token], np.bool_)
    return int((-working.size_micro - working.filled_micro)[mine].sum())
