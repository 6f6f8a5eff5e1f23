"""What the broker says, while it is gathered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from agents.transmission.identity import execution_id
from core.model.event import Fees
from core.model.orders import Level, Reports, Status, no_reports
from core.prices import fee_micro
from core.units import MICRO


@dataclass(slots=True)
class Words:
    """Reports in the order in which they were said."""

    rows: list[tuple[str, str, int, int, int, int, int, tuple[Level, ...], str]] = field(default_factory=list)

    def say(self, order_id: str, status: Status, at: int, reason: str = "") -> None:
        """Add a bare status."""
        self.rows.append((order_id, "", int(status), at, 0, 0, 0, (), reason))

    def fill(
        self, order_id: str, number: int, status: Status, at: int, levels: Sequence[Level], fees: Fees, *, buys: bool
    ) -> None:
        """Add an execution: its exact cost, and one fee for the whole of it."""
        price = np.array([level.price_micro for level in levels], np.int64)
        size = np.array([level.taken_micro for level in levels], np.int64)
        exact = sum(level.price_micro * level.taken_micro for level in levels)
        notional = -(-exact // MICRO) if buys else exact // MICRO  # a part of a millionth is against us
        n_micro, fee = int(size.sum()), fee_micro(price, size, fees)
        self.rows.append((order_id, execution_id(order_id, number), int(status), at, n_micro, notional, fee, tuple(levels), ""))

    def reports(self) -> Reports:
        """Return all that was said, in its order."""
        if not self.rows:
            return no_reports()
        ids, executions, status, at, size, notional, fee, levels, reason = zip(*self.rows, strict=True)
        return Reports(
            order_id=ids, execution_id=executions, status=np.array(status, np.int64), at=np.array(at, np.int64),
            size_micro=np.array(size, np.int64), notional_micro=np.array(notional, np.int64),
            fee_micro=np.array(fee, np.int64), levels=levels, reason=reason,
        )  # fmt: skip
