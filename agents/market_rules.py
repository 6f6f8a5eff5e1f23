"""What a venue accepts: prices on a grid, sizes above a minimum, and when it takes less than everything.

The ruling asks before it sends, the paper broker when the order comes: both ask here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from core.errors import StoreError
from core.model.event import Fees
from core.registry import Pausing, load_fees, load_pauses
from core.units import MICRO, IntArray

SHARE_LOT = 10_000
"""Sizes have two decimals [micro-shares], whatever the tick (FACTS II 3.6)."""
_WHOLE = frozenset({"kalshi"})  # venues whose contracts are not divided, where the minimum is one at least
_LEAST_PURCHASE = {"polymarket": MICRO}  # [micro-USD] that a purchase which takes at once must be worth


@dataclass(frozen=True, slots=True)
class Grid:
    """The prices and sizes that a venue takes in one token, at one moment."""

    tick_micro: int
    lot_micro: int
    min_size_micro: int
    least_purchase_micro: int  # worth of a purchase that takes at once [micro-USD]

    def fault(self, signed_micro: int, limit_micro: int, *, rests: bool) -> str:
        """Return why an order is not accepted; "" where it is."""
        size = abs(signed_micro)
        if size < self.min_size_micro:
            return "minimum_size"
        if limit_micro % self.tick_micro:
            return "off_tick"
        if not self.tick_micro <= limit_micro <= MICRO - self.tick_micro:
            return "price_range"
        if size % self.lot_micro:
            return "off_lot"
        takes_too_little = signed_micro > 0 and not rests and size * limit_micro < self.least_purchase_micro * MICRO
        return "minimum_notional" if takes_too_little else ""


def grid_of(venue: str, tick_micro: int, min_size_micro: int) -> Grid:
    """Return the grid of a token whose tick and minimum size are known."""
    whole = venue in _WHOLE and min_size_micro >= MICRO
    return Grid(tick_micro, min_size_micro if whole else SHARE_LOT, min_size_micro, _LEAST_PURCHASE.get(venue, 0))


def least_sizes(venues: list[str], limit_micro: IntArray, min_size_micro: IntArray) -> IntArray:
    """Return the smallest purchase that a venue takes at once [micro-shares], the shape of `limit_micro`, venues last."""
    worth = np.array([_LEAST_PURCHASE.get(venue, 0) for venue in venues], np.int64)
    needed: IntArray = -(-worth * MICRO // np.maximum(limit_micro, 1))
    lots: IntArray = -(-needed // SHARE_LOT) * SHARE_LOT
    return np.maximum(min_size_micro, np.where(limit_micro > 0, lots, 0))


def fees_on(venue: str, at: datetime) -> Fees:
    """Return what a venue charged at an instant where its listing does not say; StoreError for a venue without a schedule."""
    day = at.date()
    for schedule in load_fees():
        if schedule.venue == venue and schedule.valid_from <= day <= schedule.valid_until:
            return schedule.fees
    raise StoreError(f"no fee of {venue} is known on {day}: its listing does not say, and data/registry/fees.csv has no row")


def pausing(venue: str, at: datetime) -> Pausing | None:
    """Return what a venue does not take at an instant; None: it takes everything."""
    for pause in load_pauses():
        if pause.venue != venue:
            continue
        local = at.astimezone(ZoneInfo(pause.tz))
        begins = datetime.combine(local.date(), pause.starts, local.tzinfo)
        today = local.weekday() == pause.weekday and pause.valid_from <= local.date() <= pause.valid_until
        if today and begins <= local < begins + timedelta(seconds=pause.seconds):
            return pause.state
    return None
