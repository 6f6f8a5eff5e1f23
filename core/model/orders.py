"""Orders, what a venue says of them, and the arrows between their states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from core.errors import TransitionError
from core.units import InstantArray, IntArray


class Role(IntEnum):
    ENTRY = 0
    STOP = 1
    GOAL = 2
    EXIT = 3
    CANCEL = 4


class Status(IntEnum):
    NEW = 0
    APPROVED = 1
    SUBMITTING = 2
    SUBMITTED = 3
    WORKING = 4
    PARTIALLY_FILLED = 5
    FILLED = 6
    CANCELLED = 7
    REJECTED = 8
    EXPIRED = 9
    UNKNOWN = 10  # sent, no answer: only reconciliation leaves it


class Move(IntEnum):
    APPROVE = 0
    SUBMIT = 1
    ACKNOWLEDGE = 2
    WORK = 3
    FILL_PART = 4
    FILL = 5
    CANCEL = 6
    REJECT = 7
    EXPIRE = 8
    LOSE = 9


_OPEN_MOVES: Mapping[Move, Status] = {
    Move.WORK: Status.WORKING,
    Move.FILL_PART: Status.PARTIALLY_FILLED,
    Move.FILL: Status.FILLED,
    Move.CANCEL: Status.CANCELLED,
    Move.REJECT: Status.REJECTED,
    Move.EXPIRE: Status.EXPIRED,
    Move.LOSE: Status.UNKNOWN,
}
TRANSITIONS: Mapping[Status, Mapping[Move, Status]] = {
    Status.NEW: {Move.APPROVE: Status.APPROVED, Move.REJECT: Status.REJECTED},
    Status.APPROVED: {Move.SUBMIT: Status.SUBMITTING, Move.REJECT: Status.REJECTED, Move.EXPIRE: Status.EXPIRED},
    Status.SUBMITTING: {Move.ACKNOWLEDGE: Status.SUBMITTED, **_OPEN_MOVES},
    Status.SUBMITTED: _OPEN_MOVES,
    Status.WORKING: _OPEN_MOVES,
    Status.PARTIALLY_FILLED: _OPEN_MOVES,
    Status.UNKNOWN: _OPEN_MOVES,
    Status.FILLED: {},
    Status.CANCELLED: {},
    Status.REJECTED: {},
    Status.EXPIRED: {},
}
FINAL = frozenset(status for status, moves in TRANSITIONS.items() if not moves)


def advance(status: Status, move: Move) -> Status:
    """Return the status after `move`; TransitionError if the table has no such arrow."""
    try:
        return TRANSITIONS[status][move]
    except KeyError:
        raise TransitionError(f"an order that is {status.name} cannot {move.name}") from None


@dataclass(frozen=True, slots=True)
class Orders:
    """Columns, one row per order.

    `size_micro` is signed: above 0 buys, below 0 sells [micro-shares]; `filled_micro` is its filled part, unsigned.
    `parent` is the row of the entry that a stop or goal belongs to, -1 without.
    """

    order_id: tuple[str, ...]
    decision_id: tuple[str, ...]
    run: IntArray
    token: tuple[str, ...]
    role: IntArray
    parent: IntArray
    size_micro: IntArray
    limit_micro: IntArray  # [micro-USD per share]
    reference_micro: IntArray  # executable price that the decision saw, fees apart [micro-USD per share]
    fair_micro: IntArray  # what the decision held a share for [micro-USD]
    status: IntArray
    filled_micro: IntArray
    placed_at: InstantArray  # the cycle's `fill_at`: a fill is never older
    good_until: InstantArray  # 0: what is not filled at once is over; else the order rests until then
    cancel_at: InstantArray  # from when on it is taken back; 0: nobody asked

    def __len__(self) -> int:
        return len(self.order_id)


def _no_integers() -> IntArray:
    return np.empty(0, np.int64)


def no_orders() -> Orders:
    """Return an empty set of orders."""
    return Orders((), (), *(_no_integers(),), (), *(_no_integers() for _ in range(11)))


def take_orders(orders: Orders, rows: IntArray) -> Orders:
    """Return the given rows."""
    picked = [int(row) for row in rows]
    return Orders(
        order_id=tuple(orders.order_id[i] for i in picked),
        decision_id=tuple(orders.decision_id[i] for i in picked),
        run=orders.run[rows],
        token=tuple(orders.token[i] for i in picked),
        role=orders.role[rows],
        parent=orders.parent[rows],
        size_micro=orders.size_micro[rows],
        limit_micro=orders.limit_micro[rows],
        reference_micro=orders.reference_micro[rows],
        fair_micro=orders.fair_micro[rows],
        status=orders.status[rows],
        filled_micro=orders.filled_micro[rows],
        placed_at=orders.placed_at[rows],
        good_until=orders.good_until[rows],
        cancel_at=orders.cancel_at[rows],
    )


def join_orders(first: Orders, second: Orders) -> Orders:
    """Return the rows of both, first's before second's."""
    if not len(first) or not len(second):
        return first if len(first) else second
    return Orders(
        order_id=first.order_id + second.order_id,
        decision_id=first.decision_id + second.decision_id,
        run=np.concatenate([first.run, second.run]),
        token=first.token + second.token,
        role=np.concatenate([first.role, second.role]),
        parent=np.concatenate([first.parent, second.parent]),
        size_micro=np.concatenate([first.size_micro, second.size_micro]),
        limit_micro=np.concatenate([first.limit_micro, second.limit_micro]),
        reference_micro=np.concatenate([first.reference_micro, second.reference_micro]),
        fair_micro=np.concatenate([first.fair_micro, second.fair_micro]),
        status=np.concatenate([first.status, second.status]),
        filled_micro=np.concatenate([first.filled_micro, second.filled_micro]),
        placed_at=np.concatenate([first.placed_at, second.placed_at]),
        good_until=np.concatenate([first.good_until, second.good_until]),
        cancel_at=np.concatenate([first.cancel_at, second.cancel_at]),
    )


@dataclass(frozen=True, slots=True)
class Level:
    """One price of a book that an execution met."""

    price_micro: int
    shown_micro: int  # size that the book displayed there
    taken_micro: int  # size that this execution took


@dataclass(frozen=True, slots=True)
class Reports:
    """Columns, one row per word of a venue: a status, or an execution keyed by the venue's own id.

    `size_micro` is the executed size, unsigned, 0 for a bare status; `notional_micro` the exact sum of price x size.
    """

    order_id: tuple[str, ...]
    execution_id: tuple[str, ...]
    status: IntArray
    at: InstantArray
    size_micro: IntArray
    notional_micro: IntArray
    fee_micro: IntArray
    levels: tuple[tuple[Level, ...], ...]
    reason: tuple[str, ...]  # why less than all was filled; "" otherwise

    def __len__(self) -> int:
        return len(self.order_id)


def no_reports() -> Reports:
    """Return an empty set of reports."""
    none = _no_integers()
    return Reports((), (), status=none, at=none, size_micro=none, notional_micro=none, fee_micro=none, levels=(), reason=())
