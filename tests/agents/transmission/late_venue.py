"""The worst venue that may be met: half of an order at once, the rest whenever it likes, at the limit price."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from agents.transmission.identity import execution_id
from core.model.account import Account
from core.model.orders import Level, Orders, Reports, Status, join_orders, no_reports, take_orders
from core.units import MICRO, micros

LIFE = timedelta(minutes=30) // timedelta(microseconds=1)  # of an order whose other half never comes


class Venue:
    """Answers from orders and account alone."""

    def execute(self, orders: Orders, account: Account, archive: object, at: datetime) -> tuple[Reports, datetime]:
        given = set(orders.order_id)
        rest = [i for i, order_id in enumerate(account.working.order_id) if order_id not in given]
        asked = join_orders(orders, take_orders(account.working, np.array(rest, np.int64)))
        return reports_of(asked, micros(at)), at


def reports_of(orders: Orders, at: int) -> Reports:
    """Return what the venue says of orders in its own time: half of a new one that takes, nothing of one that rests."""
    words: list[tuple[str, str, Status, int, int]] = []
    for i, order_id in enumerate(orders.order_id):
        size, filled = abs(int(orders.size_micro[i])), int(orders.filled_micro[i])
        over = any(0 < int(end[i]) <= at for end in (orders.cancel_at, orders.good_until))
        if over:
            words.append((order_id, "", Status.CANCELLED if 0 < int(orders.cancel_at[i]) <= at else Status.EXPIRED, 0, 0))
        elif int(orders.status[i]) == Status.SUBMITTING and not int(orders.good_until[i]):
            half = size // 20_000 * 10_000
            words.append((order_id, execution_id(order_id, 0), Status.PARTIALLY_FILLED, half, int(orders.limit_micro[i])))
        elif int(orders.status[i]) == Status.SUBMITTING:
            words.append((order_id, "", Status.WORKING, 0, 0))
        elif at - int(orders.placed_at[i]) > LIFE and filled < size:
            words.append((order_id, "", Status.EXPIRED, 0, 0))
    return _reports(words, at)


def late_reports(orders: Orders, at: int) -> Reports:
    """Return the fill of all that is left of orders that were sent, at their limit prices."""
    words = [
        (order_id, execution_id(order_id, 1), Status.FILLED, abs(int(orders.size_micro[i])) - int(orders.filled_micro[i]),
         int(orders.limit_micro[i]))
        for i, order_id in enumerate(orders.order_id)
        if int(orders.status[i]) != Status.SUBMITTING
    ]  # fmt: skip
    return _reports(words, at)


def _reports(words: Sequence[tuple[str, str, Status, int, int]], at: int) -> Reports:
    if not words:
        return no_reports()
    ids, executions, status, size, price = zip(*words, strict=True)
    sizes, prices = np.array(size, np.int64), np.array(price, np.int64)
    return Reports(
        ids, executions, np.array(status, np.int64), np.full(len(ids), at), sizes, -(-sizes * prices // MICRO),
        np.zeros(len(ids), np.int64), tuple((Level(int(p), int(s), int(s)),) if s else () for p, s in zip(price, size, strict=True)),
        ("",) * len(ids),
    )  # fmt: skip
