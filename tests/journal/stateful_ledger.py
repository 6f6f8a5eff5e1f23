"""A second ledger, written from the rules of money alone: whole numbers and fractions, one order and one share at a time.

It hears what the desk hears (orders, reports, words of a venue, conversions) and shares no function with the journal.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

from core.journal.changes import Change, Conversion, Execution, Intention, Payout
from core.model.event import Instrument

GONE = {6, 7, 8, 9}  # FILLED, CANCELLED, REJECTED, EXPIRED


@dataclass
class Paper:
    """An order as far as it is open."""

    run: int
    token: str
    buys: bool
    left: int
    limit: int
    fair: int
    size: int
    fresh: bool = True  # nothing of it was filled yet


@dataclass
class Hand:
    """What one run has."""

    net: int  # cash less debt
    held: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    cost: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    claim: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    realised: int = 0
    fees: int = 0
    entries: int = 0

    def part(self, token: str, size: int) -> tuple[int, int]:
        """Take shares away and return the part of cost and claim that goes with them, rounded down."""
        assert 0 < size <= self.held[token], f"{size} of {token} given away, {self.held[token]} held"
        share = Fraction(size, self.held[token])
        cost, claim = math.floor(self.cost[token] * share), math.floor(self.claim[token] * share)
        self.held[token] -= size
        self.cost[token] -= cost
        self.claim[token] -= claim
        return cost, claim


@dataclass
class Ended:
    """How an event ended, and what each run held of it then."""

    winner: str
    held: dict[tuple[int, str], tuple[int, int]]  # shares, cost


class Ledger:
    """All runs of a desk."""

    def __init__(self, start_micro: int, n_runs: int) -> None:
        self.start = start_micro
        self.hands = [Hand(start_micro) for _ in range(n_runs)]
        self.papers: dict[str, Paper] = {}
        self.tokens: dict[str, tuple[str, str, str]] = {}  # event, market, side
        self.described: dict[str, Instrument] = {}
        self.ended: dict[str, Ended] = {}
        self.known: set[str] = set()  # executions

    def hear(self, change: Change) -> None:
        """Book a change."""
        if isinstance(change, Intention | Conversion):
            self.described |= {i.token: i for i in change.instruments}
            self.tokens |= {i.token: (i.event_id, i.market_id, str(i.side)) for i in change.instruments}
        if isinstance(change, Intention):
            self._intend(change)
        elif isinstance(change, Execution):
            self._execute(change)
        elif isinstance(change, Payout) and str(change.settlement.finality) == "final":
            self._end(change.settlement.event_id, change.settlement.winner)
        elif isinstance(change, Conversion):
            self._convert(change)

    def _intend(self, change: Intention) -> None:
        o = change.orders
        for i, order_id in enumerate(o.order_id):
            size = int(o.size_micro[i])
            self.papers[order_id] = Paper(
                int(o.run[i]), o.token[i], size > 0, abs(size), int(o.limit_micro[i]), int(o.fair_micro[i]), abs(size)
            )

    def _execute(self, change: Execution) -> None:
        r = change.reports
        over = []
        names = list(r.order_id)
        heard = sorted(
            range(len(names)), key=lambda i: (names.index(names[i]), int(r.status[i]) == 6)
        )  # parts before the whole
        for i in heard:
            order_id = names[i]
            size, money, fee = int(r.size_micro[i]), int(r.notional_micro[i]), int(r.fee_micro[i])
            if size and r.execution_id[i] not in self.known:
                self.known.add(r.execution_id[i])
                self._fill(self.papers[order_id], size, money, fee)
            if int(r.status[i]) in GONE:
                over.append(order_id)
        for order_id in over:
            self.papers.pop(order_id, None)

    def _fill(self, paper: Paper, size: int, money: int, fee: int) -> None:
        hand, token = self.hands[paper.run], paper.token
        assert size <= paper.left, f"an order of {paper.left} was filled with {size}"
        if paper.buys:
            assert money + fee <= hand.net, f"a purchase of {money + fee} was booked with {hand.net} in cash"
            assert math.floor(Fraction(money * 1_000_000, size)) <= paper.limit, "a purchase was dearer than its limit"
            hand.held[token] += size
            hand.cost[token] += money
            hand.claim[token] += math.floor(Fraction(size * paper.fair, 1_000_000))
            hand.net -= money + fee
            hand.entries += paper.fresh
        else:
            cost, _ = hand.part(token, size)
            hand.net += money - fee
            hand.realised += money - cost
        hand.fees += fee
        paper.left -= size
        paper.fresh = False

    def _end(self, event: str, winner: str) -> None:
        before, cash = self.ended.get(event), [max(hand.net, 0) for hand in self.hands]
        if before is None:
            held = {
                (run, token): (hand.held.pop(token), hand.cost.pop(token))
                for run, hand in enumerate(self.hands)
                for token, (of, _, _) in self.tokens.items()
                if of == event and hand.held.get(token)
            }
            for hand in self.hands:
                for token, (of, _, _) in self.tokens.items():
                    if of == event:
                        hand.claim.pop(token, None)
        else:
            held = before.held
            self._pay(before, -1)
        self.ended[event] = Ended(winner, held)
        self._pay(self.ended[event], 1)
        self.papers = {
            name: paper for name, paper in self.papers.items() if self.tokens[paper.token][0] != event
        }  # fmt: skip
        for run, hand in enumerate(self.hands):
            wanted = sum(paper.left for paper in self.papers.values() if paper.run == run and paper.buys)
            if max(hand.net, 0) < cash[run] and max(hand.net, 0) < wanted:  # a dollar a share is the most that it can cost
                self.papers = {n: p for n, p in self.papers.items() if p.run != run or not p.buys}

    def _pay(self, ended: Ended, sign: int) -> None:
        for (run, token), (shares, cost) in ended.held.items():
            _, market, side = self.tokens[token]
            paid = shares if (market == ended.winner) == (side == "YES") else 0
            self.hands[run].net += sign * paid
            self.hands[run].realised += sign * (paid - cost)

    def _convert(self, change: Conversion) -> None:
        hand, m, others = self.hands[change.run], len(change.given), len(change.taken)
        parts = [hand.part(token, change.size_micro) for token in change.given]
        cost, claim = sum(part[0] for part in parts), sum(part[1] for part in parts)
        kept = math.floor(Fraction(change.size_micro * change.fee_bips, 10_000))
        dollars = (m - 1) * change.size_micro
        moved = max(cost - dollars, 0) if others else 0
        for place, token in enumerate(change.taken):
            hand.held[token] += change.size_micro - kept
            hand.cost[token] += moved // others + (1 if place < moved % others else 0)
            hand.claim[token] += (claim - dollars) // others + (1 if place < (claim - dollars) % others else 0)
        fee = (m - 1) * kept
        hand.net += dollars - fee
        hand.fees += fee
        hand.realised += dollars + moved - cost
