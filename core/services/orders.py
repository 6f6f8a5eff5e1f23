"""Working and recent orders: what was asked, where each stands in its life, and why it ended as it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.errors import NotAllowedError
from core.journal.tables import ORDERS
from core.model.orders import FINAL, Role, Status
from core.services.shelves import Shelves
from core.services.values import day, moment, price_of, usd

SOURCE = "journal: orders, fills, instruments"
OPEN = "open"  # every state that is not final
STATUSES = (*(status.name.lower() for status in Status), OPEN)


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order. `status` is a state of the order's life; prices in USD per share, sizes in shares."""

    order_id: str
    decision_id: str
    desk: str
    venue: str
    station_code: str
    city: str
    event_id: str
    event_day: date | None
    extreme: str
    bracket: str
    unit: str
    token_id: str
    side: str
    action: str  # "buy" or "sell"
    role: str
    status: str
    final: bool
    reason: str  # why less than all was filled; "" otherwise
    shares: Decimal
    filled: Decimal
    limit_price: Decimal
    reference_price: Decimal  # executable price that the decision saw
    fair_value: Decimal | None  # None in journals that did not keep it
    average_price: Decimal | None  # of what was filled, fees apart
    fee_usd: Decimal
    placed_at: datetime
    age_seconds: float
    good_until: datetime | None  # None: what is not filled at once is over
    cancel_at: datetime | None  # None: nobody asked to take it back


@dataclass(frozen=True, slots=True)
class OrderRows:
    as_of: datetime
    source: str
    n: int
    total: int
    limit: int
    offset: int
    orders: tuple[OrderRow, ...]  # newest first
    missing: str = ""


class OrderService:
    """Answers from the journal."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def orders(
        self, *, status: str | None = None, station_code: str | None = None, desk: str | None = None, limit: int = 50,
        offset: int = 0,
    ) -> OrderRows:  # fmt: skip
        """Return orders newest first; `status` is a state, or "open" for every one that is not final."""
        shelves = self._shelves
        shelves.check_station(station_code)
        shelves.check_desk(desk)
        if status is not None and status not in STATUSES:
            raise NotAllowedError(f"status {status[:40]!r} is none of {', '.join(STATUSES)}", "status")
        now, journal = shelves.present().now, shelves.journal()
        if journal is None:
            return OrderRows(now, SOURCE, 0, 0, limit, offset, (), shelves.missing())
        conditions = (
            *([ORDERS.c.status.in_(_codes(status))] if status else []),
            *([ORDERS.c.station == station_code] if station_code else []),
            *([ORDERS.c.desk == desk] if desk else []),
        )
        total, rows = journal.orders(conditions, limit, offset)
        return OrderRows(now, SOURCE, total, total, limit, offset, tuple(_order(row, now) for row in rows))


def _codes(status: str) -> list[int]:
    if status == OPEN:
        return [int(one) for one in Status if one not in FINAL]
    return [int(Status[status.upper()])]


def _order(row: Mapping[str, Any], now: datetime) -> OrderRow:
    status, size, filled = Status(row["status"]), int(row["size_micro"]), int(row["filled_micro"])
    placed = moment(row["placed_at"]) or now
    fair = int(row.get("fair_micro") or 0)
    return OrderRow(
        order_id=row["order_id"], decision_id=row["decision_id"], desk=row["desk"], venue=row["venue"],
        station_code=row["station"], city=row["city"] or "", event_id=row["event_id"], event_day=day(row["event_day"]),
        extreme=row["extreme"] or "", bracket=row["label"] or "", unit=row["unit"] or "", token_id=row["token"],
        side=row["side"] or "", action="buy" if size > 0 else "sell", role=Role(row["role"]).name.lower(),
        status=status.name.lower(), final=status in FINAL, reason=row["reason"], shares=usd(abs(size)), filled=usd(filled),
        limit_price=usd(row["limit_micro"]), reference_price=usd(row["reference_micro"]), fair_value=usd(fair) if fair else None,
        average_price=price_of(int(row["notional_micro"]), filled) if filled and row["notional_micro"] else None,
        fee_usd=usd(row["fee_micro"]), placed_at=placed, age_seconds=max(0.0, (now - placed).total_seconds()),
        good_until=moment(row.get("good_until")), cancel_at=moment(row.get("cancel_at")),
    )  # fmt: skip
