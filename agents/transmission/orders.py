"""What a ruling sends."""

from __future__ import annotations

import numpy as np

from agents.transmission.identity import decision_id, order_id
from agents.transmission.verdicts import Ruling
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.orders import Orders, Role, Status, no_orders
from core.model.targets import Targets
from core.units import MICRO, FloatArray, IntArray, micros


def orders_of(ruling: Ruling, targets: Targets, account: Account, cycle: Cycle) -> Orders:
    """Return the orders of a ruling, by run and instrument; they are durable before anything is sent."""
    runs, columns = np.nonzero(ruling.order)
    if not len(runs):
        return no_orders()
    size = ruling.order[runs, columns]
    tokens = tuple(targets.instruments[int(column)].token for column in ruling.standing.own[columns])
    names = list(zip(runs.tolist(), tokens, strict=True))
    return Orders(
        order_id=tuple(order_id(cycle.desk, cycle.scheduled_at, run, token) for run, token in names),
        decision_id=tuple(decision_id(cycle.desk, cycle.scheduled_at, run, token) for run, token in names),
        run=runs.astype(np.int64),
        token=tokens,
        role=np.where(size > 0, Role.ENTRY, Role.EXIT).astype(np.int64),
        parent=np.full(len(runs), -1, np.int64),
        size_micro=size,
        limit_micro=ruling.limit[runs, columns],
        reference_micro=ruling.reference[runs, columns],
        fair_micro=_micro(targets.fair[ruling.standing.own[columns]]),
        status=np.full(len(runs), Status.SUBMITTING, np.int64),
        filled_micro=np.zeros(len(runs), np.int64),
        placed_at=np.full(len(runs), micros(cycle.fill_at), np.int64),
        good_until=ruling.until[runs, columns],
        cancel_at=np.zeros(len(runs), np.int64),
    )


def _micro(fair: FloatArray) -> IntArray:
    """Return fair values [micro-USD per share]; 0 where there is none."""
    exact: IntArray = np.rint(np.where(np.isnan(fair), 0.0, fair) * MICRO).astype(np.int64)
    return exact
