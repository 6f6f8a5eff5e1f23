"""What one change moved: fills, money in double entry, words about orders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.model.account import Account, Outcome
from core.model.event import Side
from core.model.orders import Level
from core.units import IntArray


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement of money [micro-USD]; the four amounts sum to 0, a gain has `realised` below 0."""

    tx: str
    run: int
    at: int
    token: str
    cash: int
    position: int
    fees: int
    realised: int


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
class Booked:
    """An account after a change, and what moved."""

    account: Account
    fills: tuple[Fill, ...] = ()
    entries: tuple[Entry, ...] = ()
    words: tuple[OrderWord, ...] = ()


class Purse:
    """An account's money while one change is folded: copies that may be written."""

    def __init__(self, account: Account) -> None:
        self.cash: IntArray = account.cash_micro.copy()
        self.fees: IntArray = account.fees_micro.copy()
        self.realised: IntArray = account.realised_micro.copy()
        self.held: IntArray = account.held_micro.copy()
        self.cost: IntArray = account.cost_micro.copy()
        self.claim: IntArray = account.claim_micro.copy()

    def buy(self, fill: Fill, column: int) -> Entry:
        """Add shares at their cost, fee apart."""
        self.held[fill.run, column] += fill.size_micro
        self.cost[fill.run, column] += fill.notional_micro
        self.claim[fill.run, column] += fill.claim_micro
        self.cash[fill.run] -= fill.notional_micro + fill.fee_micro
        self.fees[fill.run] += fill.fee_micro
        cash = -fill.notional_micro - fill.fee_micro
        return Entry(fill.execution_id, fill.run, fill.at, fill.token, cash, fill.notional_micro, fill.fee_micro, 0)

    def sell(self, fill: Fill, column: int) -> Entry:
        """Take shares away with their part of the cost."""
        held, cost, sold = int(self.held[fill.run, column]), int(self.cost[fill.run, column]), -fill.size_micro
        gone = cost if sold == held else cost * sold // held  # Python integers: the product passes 64 bits
        claim = int(self.claim[fill.run, column])
        self.claim[fill.run, column] -= claim if sold == held else claim * sold // held
        self.held[fill.run, column] -= sold
        self.cost[fill.run, column] -= gone
        self.cash[fill.run] += fill.notional_micro - fill.fee_micro
        self.fees[fill.run] += fill.fee_micro
        self.realised[fill.run] += fill.notional_micro - gone
        cash = fill.notional_micro - fill.fee_micro
        return Entry(fill.execution_id, fill.run, fill.at, fill.token, cash, -gone, fill.fee_micro, gone - fill.notional_micro)

    def pay(self, outcome: Outcome, at: int, *, by: Outcome | None = None) -> list[Entry]:
        """Pay what was held by the outcome's word, or take back what the same holdings were paid, booked `by` a later word."""
        sign = 1 if by is None else -1
        settlement = outcome.settlement
        pays = outcome.held_micro * np.array(
            [won(settlement.winner, i.market_id, i.side) for i in outcome.instruments], np.int64
        )
        gains = pays - outcome.cost_micro
        self.cash += sign * pays.sum(axis=1)
        self.realised += sign * gains.sum(axis=1)
        return [
            Entry(
                tx=(by or outcome).settlement.settlement_id, run=int(run), at=at, token=outcome.instruments[i].token,
                cash=sign * int(pays[run, i]), position=-sign * int(outcome.cost_micro[run, i]), fees=0,
                realised=-sign * int(gains[run, i]),
            )
            for run, i in np.argwhere((outcome.held_micro != 0) | (outcome.cost_micro != 0))
        ]  # fmt: skip


def won(winner: str, market_id: str, side: Side) -> bool:
    """Return whether a token pays: YES of the winning market, NO of every other."""
    return (market_id == winner) == (side is Side.YES)
