"""What one change moved: fills, money in double entry, words about orders."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.errors import JournalError
from core.model.account import Account, Outcome
from core.model.event import Side
from core.model.orders import Level
from core.units import IntArray


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement of money [micro-USD]; the amounts of a transaction and run sum to 0.

    What is owned or spent is above 0 (cash, position, fees), what is gained or owed below (realised, owed).
    """

    tx: str
    run: int
    at: int
    token: str
    cash: int = 0
    position: int = 0
    fees: int = 0
    realised: int = 0
    owed: int = 0
    conversion_fees: int = 0


ACCOUNTS = ("position", "fees", "conversion_fees", "realised", "owed", "cash")
"""Of an entry, in the order of its lines. The opening of a journal has one more."""


@dataclass(frozen=True, slots=True)
class Fill:
    """An execution that was booked; `size_micro` is signed."""

    execution_id: str
    order_id: str
    run: int
    token: str
    at: int
    size_micro: int
    notional_micro: int
    fee_micro: int
    levels: tuple[Level, ...]
    claim_micro: int = 0  # what was bought is said to be worth


@dataclass(frozen=True, slots=True)
class OrderWord:
    """The state of an order after a change."""

    order_id: str
    status: int
    filled_micro: int
    reason: str


@dataclass(frozen=True, slots=True)
class Swap:
    """A conversion that was booked in one run."""

    conversion_id: str
    run: int
    at: int
    given: tuple[str, ...]  # NO tokens, so many shares of each
    taken: tuple[str, ...]  # YES tokens of every other bracket
    size_micro: int
    fee_micro: int  # [micro-shares] kept by the venue of what comes back
    freed_micro: int  # dollars that came back


@dataclass(frozen=True, slots=True)
class Booked:
    """An account after a change, and what moved."""

    account: Account
    fills: tuple[Fill, ...] = ()
    entries: tuple[Entry, ...] = ()
    words: tuple[OrderWord, ...] = ()
    swaps: tuple[Swap, ...] = ()


class Purse:
    """An account's money while one change is folded: copies that may be written. Cash is never below 0."""

    def __init__(self, account: Account) -> None:
        self.cash: IntArray = account.cash_micro.copy()
        self.owed: IntArray = account.owed_micro.copy()
        self.fees: IntArray = account.fees_micro.copy()
        self.realised: IntArray = account.realised_micro.copy()
        self.held: IntArray = account.held_micro.copy()
        self.cost: IntArray = account.cost_micro.copy()
        self.claim: IntArray = account.claim_micro.copy()

    def account(self, account: Account) -> Account:
        """Return the account with the money of this purse."""
        return replace(
            account, cash_micro=self.cash, owed_micro=self.owed, fees_micro=self.fees, realised_micro=self.realised,
            held_micro=self.held, cost_micro=self.cost, claim_micro=self.claim,
        )  # fmt: skip

    def buy(self, fill: Fill, column: int) -> Entry:
        """Add shares at their cost, fee apart; JournalError when cash cannot pay them."""
        cash = -self._spent(fill.run, fill.notional_micro + fill.fee_micro, f"order {fill.order_id}")
        self.held[fill.run, column] += fill.size_micro
        self.cost[fill.run, column] += fill.notional_micro
        self.claim[fill.run, column] += fill.claim_micro
        self.fees[fill.run] += fill.fee_micro
        return Entry(
            fill.execution_id, fill.run, fill.at, fill.token, cash=cash, position=fill.notional_micro, fees=fill.fee_micro
        )

    def sell(self, fill: Fill, column: int) -> Entry:
        """Take shares away with their part of the cost; a fee beyond the price is paid from cash."""
        gone = self.give(fill.run, column, -fill.size_micro)[0]
        net = fill.notional_micro - fill.fee_micro
        cash, owed = (-self._spent(fill.run, -net, f"order {fill.order_id}"), 0) if net < 0 else self.receive(fill.run, net)
        self.fees[fill.run] += fill.fee_micro
        self.realised[fill.run] += fill.notional_micro - gone
        return Entry(
            fill.execution_id, fill.run, fill.at, fill.token, cash=cash, owed=owed, position=-gone, fees=fill.fee_micro,
            realised=gone - fill.notional_micro,
        )  # fmt: skip

    def give(self, run: int, column: int, size_micro: int) -> tuple[int, int]:
        """Take shares away and return their part of cost and claim: floors, and all of it with the last share."""
        held, cost, claim = int(self.held[run, column]), int(self.cost[run, column]), int(self.claim[run, column])
        # Python integers: the products pass 64 bits
        parts = (cost, claim) if size_micro == held else (cost * size_micro // held, claim * size_micro // held)
        self.held[run, column] -= size_micro
        self.cost[run, column] -= parts[0]
        self.claim[run, column] -= parts[1]
        return parts

    def pay(self, outcome: Outcome, at: int, *, by: Outcome | None = None) -> list[Entry]:
        """Pay what was held by the outcome's word, or take back what the same holdings were paid, booked `by` a later word."""
        tx, sign = (by or outcome).settlement.settlement_id, 1 if by is None else -1
        pays = pays_of(outcome)
        entries = []
        for run, i in np.argwhere((outcome.held_micro != 0) | (outcome.cost_micro != 0)).tolist():
            paid, cost = int(pays[run, i]), int(outcome.cost_micro[run, i])
            cash, owed = self.receive(run, paid) if by is None else self._give_back(run, paid)
            self.realised[run] += sign * (paid - cost)
            entries.append(
                Entry(
                    tx, run, at, outcome.instruments[i].token, cash=cash, owed=owed, position=-sign * cost,
                    realised=-sign * (paid - cost),
                )
            )  # fmt: skip
        return entries

    def receive(self, run: int, amount: int) -> tuple[int, int]:
        """Take money in, what is owed first; return the movements of cash and owed."""
        repaid = min(int(self.owed[run]), amount)
        self.owed[run] -= repaid
        self.cash[run] += amount - repaid
        return amount - repaid, repaid

    def _give_back(self, run: int, amount: int) -> tuple[int, int]:
        """Give money back as far as there is some, and owe the rest."""
        given = min(int(self.cash[run]), amount)
        self.cash[run] -= given
        self.owed[run] += amount - given
        return -given, given - amount

    def _spent(self, run: int, amount: int, what: str) -> int:
        if amount > int(self.cash[run]):
            raise JournalError(f"{what} costs {amount} micro-USD, run {run} has {int(self.cash[run])}")
        self.cash[run] -= amount
        return amount


def pays_of(outcome: Outcome) -> IntArray:
    """Return what the holdings of an ended event are paid [micro-USD], (n_runs, n)."""
    wins = [won(outcome.settlement.winner, each.market_id, each.side) for each in outcome.instruments]
    return outcome.held_micro * np.array(wins, np.int64)


def won(winner: str, market_id: str, side: Side) -> bool:
    """Return whether a token pays: YES of the winning market, NO of every other."""
    return (market_id == winner) == (side is Side.YES)
