"""What is left of a displayed book after what we took of it."""

from __future__ import annotations

import numpy as np

from agents.paper.order import Order
from agents.transmission.offers import ASKS, BIDS, siblings_of
from core.model.account import Account
from core.model.orders import Level
from core.prices import walk
from core.units import MICRO, Columns

Known = dict[int, tuple[int, int]]  # by price: shown then, taken by us


class Depths:
    """Remembers, beyond the account, what this look's own orders took.

    An offer of YES at p is a bid for NO at 1 - p, shown in both books: what is taken of one is gone from the other.
    """

    def __init__(self, account: Account) -> None:
        self._taken: dict[tuple[int, str, int], Known] = {
            key: {level.price_micro: (level.shown_micro, level.taken_micro) for level in levels}
            for key, levels in account.taken.items()
        }
        self._sibling = siblings_of(account.instruments)

    def take(self, order: Order, rows: Columns, lot: int) -> list[Level]:
        """Walk one side of a book and remember what was taken of it."""
        side = ASKS if order.buys else BIDS
        mine = (rows["token"] == order.token) & (rows["side"] == ("ask" if order.buys else "bid"))
        price, shown = np.asarray(rows["price_micro"][mine], np.int64), np.asarray(rows["size_micro"][mine], np.int64)
        known = self._taken.setdefault((order.run, order.token, side), {})
        mirror = self._taken.get((order.run, self._sibling.get(order.token, ""), -side), {})
        levels = list(zip(price.tolist(), shown.tolist(), strict=True))
        own = [_taken(known, p, s) for p, s in levels]
        gone = np.array([mine + _taken(mirror, MICRO - p, s) for mine, (p, s) in zip(own, levels, strict=True)], np.int64)
        left = np.maximum(shown - gone, 0)
        sign, worst = np.array(side), np.array(order.limit)
        reach = int(walk(price, left, sign * order.left, worst).sum())
        got = walk(price, left, sign * (reach // lot * lot), worst)
        taken = []
        for i in np.flatnonzero(got).tolist():
            taken.append(Level(int(price[i]), int(shown[i]), int(got[i])))
            known[int(price[i])] = int(shown[i]), own[i] + int(got[i])
        return taken


def _taken(known: Known, price: int, shown: int) -> int:
    """Return what we took of a level, if it is the one that we took it from."""
    was, taken = known.get(price, (-1, 0))
    return taken if was == shown else 0
