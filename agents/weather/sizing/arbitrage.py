"""Sets of brackets that pay more than they cost, whatever settles: found before anything is sized.

No leg is bought together with another: a set is whole only once every leg was filled, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.units import BoolArray, FloatArray

YES, NO = 0, 1
LEAST_PROFIT = 1e-6  # [USD per set] less is rounding

KINDS: Mapping[str, str] = {
    "dead_no": "NO of a bracket that the observed extreme has passed, for less than the dollar that it pays.",
    "pair": "YES and NO of one bracket for less than a dollar.",
    "buy_all": "YES of every bracket that may still win for less than a dollar.",
    "sell_all": "NO of every bracket that may still win for less than one dollar each but one.",
}


@dataclass(frozen=True, slots=True)
class Arbitrage:
    """One kind of set of one event, as many as the thinnest leg allows."""

    kind: str  # of KINDS
    legs: tuple[tuple[int, int], ...]  # bracket, YES or NO
    sets: float  # [shares] of every leg
    cost: float  # [USD] all-in, of all sets
    pays: float  # [USD] for certain, of all sets
    worst: tuple[float, ...]  # all-in price of the last level that each leg reaches [USD per share]
    atomic: bool = False

    @property
    def profit(self) -> float:
        """Return what is left once all is paid [USD]."""
        return self.pays - self.cost


def may_pay(price: FloatArray, exists: BoolArray, alive: BoolArray) -> BoolArray:
    """Return, (...), where the best levels of an event hold a set that pays more than it costs.

    Args:
        price: best all-in price of each token [USD per share], (..., n_brackets, YES/NO); NaN: cannot be bought.
        exists: (..., n_brackets) False pads.
        alive: (..., n_brackets) brackets that may still win.
    """
    dear = np.where(np.isnan(price), np.inf, price)
    yes, no, live = dear[..., YES], dear[..., NO], alive & exists
    dead = ((no < 1.0 - LEAST_PROFIT) & exists & ~alive).any(axis=-1)
    pair = ((yes + no < 1.0 - LEAST_PROFIT) & exists).any(axis=-1)
    n = live.sum(axis=-1)
    all_yes = np.cumsum(np.where(live, yes, 0.0), axis=-1)[..., -1] < 1.0 - LEAST_PROFIT
    all_no = np.cumsum(np.where(live, no, 0.0), axis=-1)[..., -1] < n - 1.0 - LEAST_PROFIT
    found: BoolArray = dead | pair | ((n > 0) & all_yes) | ((n > 1) & all_no)
    return found


def scan(price: FloatArray, size: FloatArray, exists: BoolArray, alive: BoolArray) -> tuple[tuple[Arbitrage, ...], FloatArray]:
    """Return the sets of one event that pay more than they cost, and the sizes that they leave of each level.

    Args:
        price: all-in [USD per share], best first, (n_brackets, YES/NO, n_levels); NaN pads.
        size: that may be taken [shares], same shape; 0 pads.
        exists: (n_brackets,) False pads.
        alive: (n_brackets,) brackets that may still win.

    Source: SCIENCE 4.4.
    """
    left = np.where(np.isnan(price), 0.0, size)
    found = []
    for kind, legs, pays in _candidates(exists, alive):
        one = _taken(kind, legs, pays, price, left)
        if one is not None:
            found.append(one)
    return tuple(found), left


def _candidates(exists: BoolArray, alive: BoolArray) -> Iterator[tuple[str, tuple[tuple[int, int], ...], float]]:
    brackets = np.flatnonzero(exists).tolist()
    live = [k for k in brackets if alive[k]]
    for k in brackets:
        if not alive[k]:
            yield "dead_no", ((k, NO),), 1.0
    for k in brackets:
        yield "pair", ((k, YES), (k, NO)), 1.0
    if live:
        yield "buy_all", tuple((k, YES) for k in live), 1.0
    if len(live) > 1:
        yield "sell_all", tuple((k, NO) for k in live), len(live) - 1.0


def _taken(kind: str, legs: Sequence[tuple[int, int]], pays: float, price: FloatArray, left: FloatArray) -> Arbitrage | None:
    """Take sets from the levels in place, the best of every leg at a time, until the next would pay nothing."""
    sets, cost = 0.0, 0.0
    worst = [0.0] * len(legs)
    for _ in range(left.size):  # each round empties a level
        places = [_first(left[k, side]) for k, side in legs]
        if any(place < 0 for place in places):
            break
        asked = [float(price[k, side, place]) for (k, side), place in zip(legs, places, strict=True)]
        one = float(np.cumsum(asked)[-1])
        if one >= pays - LEAST_PROFIT:
            break
        n = min(float(left[k, side, place]) for (k, side), place in zip(legs, places, strict=True))
        for (k, side), place in zip(legs, places, strict=True):
            left[k, side, place] -= n
        sets, cost, worst = sets + n, cost + n * one, asked
    if sets == 0.0:
        return None
    return Arbitrage(kind, tuple(legs), sets, cost, sets * pays, tuple(worst))


def _first(size: FloatArray) -> int:
    """Return the first level with anything left, -1 without one."""
    there = np.flatnonzero(size > 0)
    return int(there[0]) if len(there) else -1
