"""From executions to events: legs of one event win and lose together, so that one event is one observation.

Money is exact, in whole micro-dollars. An event is decided once its venue has said how it ended, or nothing of it is held.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.units import MICRO, BoolArray, FloatArray, IntArray

UNKNOWN = -1  # of prices and of whether a share pays


@dataclass(frozen=True, slots=True, eq=False)
class Executions:
    """Columns, a row per execution in the order in which they were booked, shape (n,).

    Prices are of a share of what was traded [micro-USD], `UNKNOWN` where nobody knew; `event`, `market` and `token` are
    numbers from 0 on, a market being one bracket of one event.
    """

    event: IntArray
    market: IntArray
    token: IntArray
    yes: BoolArray
    size_micro: IntArray  # above 0 bought, below 0 sold
    notional_micro: IntArray  # price x size, 0 or above
    fee_micro: IntArray
    fair_micro: IntArray  # held for fair at the decision
    mid_micro: IntArray  # between bid and ask at the decision
    touch_micro: IntArray  # best price of the other side at the decision
    depth_micro: IntArray  # average price of the book at the decision for the whole order
    pays: IntArray  # 1: a share pays 1 USD, 0: nothing, UNKNOWN: not decided

    def __len__(self) -> int:
        return len(self.event)

    def taken(self, rows: IntArray | BoolArray) -> Executions:
        """Return some of the rows."""
        return Executions(*(getattr(self, name)[rows] for name in self.__slots__))

    @property
    def cash_micro(self) -> IntArray:
        """Money that each execution brought, fee apart [micro-USD], shape (n,)."""
        return -np.sign(self.size_micro) * self.notional_micro

    @property
    def paid_micro(self) -> IntArray:
        """What the shares of each execution paid at the end, taken back from what was sold [micro-USD], shape (n,)."""
        return np.where(self.pays > 0, self.size_micro, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Netted:
    """Columns, a row per decided event, shape (n,): micro-dollars, and shares where said.

    `risk` is the most that was paid in at any moment, fees included, less what sales had brought: the all-in cost of a plain
    purchase, and never less than what was lost.
    """

    event: IntArray  # number in the executions
    net: IntArray  # result after fees
    fees: IntArray
    risk: IntArray
    cost: IntArray  # all purchases with their fees: the turnover
    shares: IntArray  # bought [micro-shares]
    claimed: IntArray  # result after fees if every share were worth its fair value
    claim_known: BoolArray  # a fair value stood at each execution
    claim_sd: FloatArray  # spread of the result if the fair values are true [micro-USD]
    best: IntArray  # result of its purchases alone if it ends as well as it can
    worst: IntArray
    edge: IntArray  # parts of the net result, see `core.metrics.attribution`
    spread: IntArray
    luck: IntArray
    ladder: IntArray  # (n, n_rungs) result at the prices of each rung of the cost ladder

    def __len__(self) -> int:
        return len(self.event)

    def taken(self, rows: IntArray | BoolArray) -> Netted:
        """Return some of the rows."""
        return Netted(*(getattr(self, name)[rows] for name in self.__slots__))

    @property
    def result_r(self) -> FloatArray:
        """Result of each event as a multiple of its risk [R], shape (n,)."""
        return self.net / np.maximum(self.risk, 1)


def decided(executions: Executions, n_events: int) -> BoolArray:
    """Return of which events nothing is open any more, shape (n_events,)."""
    tokens = int(executions.token.max()) + 1 if len(executions) else 0
    held = sum_by(executions.token, executions.size_micro, tokens)
    open_row = (held[executions.token] != 0) & (executions.pays == UNKNOWN)
    traded, is_open = np.zeros(n_events, np.bool_), np.zeros(n_events, np.bool_)
    traded[executions.event] = True
    is_open[executions.event[open_row]] = True
    return traded & ~is_open


def peak_outlay(event: IntArray, flow: IntArray, n_events: int) -> IntArray:
    """Return the most that was paid into each event at any moment [micro-USD], shape (n_events,).

    Args:
        event: number of the event of each flow, in the order in which money moved, shape (n,).
        flow: money that came in, below 0 what was paid, shape (n,).
    """
    order = np.argsort(event, kind="stable")
    sorted_event, spent = event[order], np.cumsum(-flow[order])
    starts = np.flatnonzero(np.concatenate([[True], sorted_event[1:] != sorted_event[:-1]])) if len(order) else order
    before = np.repeat(np.concatenate([[0], spent])[starts], np.diff(np.concatenate([starts, [len(order)]])))
    peak = np.zeros(n_events, np.int64)
    if len(order):
        peak[sorted_event[starts]] = np.maximum(np.maximum.reduceat(spent - before, starts), 0)
    return peak


def outcomes(executions: Executions, n_events: int) -> tuple[IntArray, IntArray]:
    """Return result of the purchases of each event at its best and at its worst end [micro-USD], shape (n_events,).

    A bracket that was not bought may win: then every NO pays and no YES does.
    """
    bought = executions.taken(executions.size_micro > 0)
    spent = sum_by(bought.event, -bought.notional_micro - bought.fee_micro, n_events)
    without = spent + sum_by(bought.event, np.where(bought.yes, 0, bought.size_micro), n_events)
    swing, event_of = _swing(bought)
    best, worst = np.zeros(n_events, np.int64), np.zeros(n_events, np.int64)
    np.maximum.at(best, event_of, swing)
    np.minimum.at(worst, event_of, swing)
    return without + best, without + worst


def claim_spread(executions: Executions, n_events: int) -> FloatArray:
    """Return the standard deviation of each event's payout if the newest fair values are true [micro-USD], shape (n_events,).

    One bracket wins: Var = Σ a²p − (Σ a p)², a what is held of YES less NO on a bracket, p its fair probability.
    """
    swing, event_of = _swing(executions)
    chance = np.zeros(len(swing))
    fair = executions.fair_micro / MICRO
    of_yes = np.where(executions.yes, fair, 1.0 - fair)
    known = executions.fair_micro != UNKNOWN
    place = _places(executions.market)
    chance[place[known]] = of_yes[known]  # of several the newest stands
    held = swing.astype(np.float64)
    second = np.bincount(event_of, weights=held * held * chance, minlength=n_events)
    first = np.bincount(event_of, weights=held * chance, minlength=n_events)
    spread: FloatArray = np.sqrt(np.maximum(second - first * first, 0.0))
    return spread


def sum_by(group: IntArray, values: IntArray, n_groups: int) -> IntArray:
    """Return the exact sum of whole numbers of each group, shape (n_groups,) + the trailing shape of the values."""
    added = np.zeros((n_groups, *values.shape[1:]), np.int64)
    np.add.at(added, group, values)
    return added


def _places(market: IntArray) -> IntArray:
    """Return the rank of each row's market among those that occur."""
    _, place = np.unique(market, return_inverse=True)
    found: IntArray = place.astype(np.int64)
    return found


def _swing(executions: Executions) -> tuple[IntArray, IntArray]:
    """Return what more each market that occurs pays if it wins than if another does, and the event of each."""
    place = _places(executions.market)
    n = int(place.max()) + 1 if len(place) else 0
    swing = sum_by(place, np.where(executions.yes, executions.size_micro, -executions.size_micro), n)
    event_of = np.zeros(n, np.int64)
    event_of[place] = executions.event
    return swing, event_of
