"""One order as plain numbers: a row of `Orders`."""

from __future__ import annotations

from typing import NamedTuple

from core.model.orders import Orders, Status

_UNHEARD = (Status.SUBMITTING, Status.UNKNOWN)


class Order(NamedTuple):
    """Sizes unsigned [micro-shares], prices [micro-USD per share], instants [microseconds]."""

    order_id: str
    run: int
    token: str
    buys: bool
    size: int
    filled: int
    limit: int
    reference: int
    status: int
    placed_at: int
    good_until: int
    cancel_at: int

    @property
    def rests(self) -> bool:
        """Return whether it may stay in the book."""
        return self.good_until > 0

    @property
    def unheard(self) -> bool:
        """Return whether the venue has not answered it yet."""
        return self.status in _UNHEARD

    @property
    def left(self) -> int:
        return self.size - self.filled

    @property
    def ends_at(self) -> int:
        """Return the last instant of a resting order's life."""
        return min(self.good_until, self.cancel_at) if self.cancel_at else self.good_until


def order_of(orders: Orders, row: int) -> Order:
    """Return one row."""
    signed = int(orders.size_micro[row])
    return Order(
        orders.order_id[row], int(orders.run[row]), orders.token[row], signed > 0, abs(signed), int(orders.filled_micro[row]),
        int(orders.limit_micro[row]), int(orders.reference_micro[row]), int(orders.status[row]), int(orders.placed_at[row]),
        int(orders.good_until[row]), int(orders.cancel_at[row]),
    )  # fmt: skip
