"""Growth-optimal trades of all events of one day together: the states are scenarios instead of brackets.

The same staircases as for one event, one account: wealth in scenario s is C plus y of the bracket that each event settles
at. The best single move along a step, taken again and again, ends at the optimum: the objective is smooth and every step has
only its own bounds. Prices read off the scenarios bound how far it may still be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.weather.sizing.ladder import Holding, Levels, ladder_of, trades
from core.units import FloatArray, IntArray, total

MOST_MOVES = 7_000  # in all
LOOKED_EVERY = 32  # moves between two looks at how far it may still be
CLOSE = 1e-9  # [nats]
NEWTON_STEPS = 8
HAIR = 1e-12  # of a step: so near its end it has ended
INSIDE = 0.9  # how much of the way to ruin one move may go
DEAR_STEPS = 12
FIRST_DEAR = 0.03125  # [USD]
MOST_IDLE = 1e-6  # of the money there is, where all of it is spent


@dataclass(frozen=True, slots=True)
class Joint:
    """What to trade in all events, and how good that is."""

    trade: FloatArray  # (n_events, n_brackets, n_levels) [shares], unsigned
    wealth: FloatArray  # (n_scenarios,) [USD]
    value: FloatArray  # (n_events, n_brackets) of a share of YES at the margin [USD]
    cash: float  # not tied up [USD]
    growth: float  # sum of weight x ln wealth
    gap: float  # no trade can bring more than this above `growth` [nats]


def joint_optimum(
    place: IntArray, weight: FloatArray, levels: Levels, cash: float, yes: FloatArray, no: FloatArray
) -> Joint | None:
    """Return the trades of all events that make wealth grow fastest, with nothing borrowed; None where what is held ruins.

    Args:
        place: bracket that settles each event, (n_events, n_scenarios).
        weight: of each scenario [1], (n_scenarios,).
        levels: what may be traded, a row per event.
        cash: before any trade [USD].
        yes, no: held, (n_events, n_brackets) [shares].
    """
    search = _Search(place, weight, levels, cash, yes, no)
    if search.wealth.min() <= 0:
        return None
    search.improve(0.0)
    if search.free >= 0:
        return search.found(0.0)
    low, high, owed, left = 0.0, FIRST_DEAR, search.free, -1.0
    for _ in range(DEAR_STEPS):
        dear = high if left < 0 else low + (high - low) * min(max(-owed / (left - owed), 0.1), 0.9)
        search.improve(dear)
        if search.free < 0:
            low, owed = dear, search.free
            high = high if left >= 0 else 4.0 * high
        else:
            high, left = dear, search.free
        if 0 <= search.free <= MOST_IDLE * abs(cash):
            break
    if search.free < 0:
        search.improve(high)
    search.give_back()
    return search.found(high)


class _Search:
    """Moves along staircases; where one price of money ends, the next begins."""

    def __init__(
        self, place: IntArray, weight: FloatArray, levels: Levels, cash: float, yes: FloatArray, no: FloatArray
    ) -> None:
        n_events, n_brackets = len(place), levels.price.shape[1]
        self._levels, self._weight, self._place, self._cash = levels, weight, place, cash
        self._ladder = ladder = ladder_of(levels, Holding(np.zeros(n_events), yes, no), np.zeros(n_events))
        self._cells = n_events * n_brackets
        self._shape = n_events, n_brackets, ladder.size.shape[-1]
        flat = self._cells, self._shape[-1]
        self._cell = (place + np.arange(n_events)[:, None] * n_brackets).ravel()
        self._paid, self._size, self._frees = (part.reshape(flat) for part in (ladder.paid, ladder.size, ladder.frees))
        down = levels.no ^ levels.sale
        self._kept = np.take_along_axis(np.where(down, levels.size, 0.0), ladder.order, -1).reshape(flat)
        self._taken = self._kept.copy()
        self._base = cash + float(np.cumsum(ladder.most)[-1])
        self._moves = MOST_MOVES
        self.wealth = self._wealth()
        self._unit = float(total(weight / np.where(self.wealth > 0, self.wealth, 1.0)))  # what a dollar is worth [nats]

    @property
    def free(self) -> float:
        """Return the money that is not tied up [USD]."""
        spent = total(total(self._taken * (self._frees - self._paid)))
        return self._cash + float(np.cumsum(self._ladder.cash)[-1] + spent)

    def improve(self, dear: float) -> None:
        """Move until nothing gains where a free dollar is worth `dear` more than a dollar of wealth as it is."""
        extra = dear * self._unit
        for move in range(self._moves):
            if move % LOOKED_EVERY == 0:
                self.wealth = self._wealth()
                if self._slack(extra) < CLOSE:
                    break
            if not self._move(extra):
                break
            self._moves -= 1
        self.wealth = self._wealth()

    def give_back(self) -> None:
        """Leave the same part of every trade where more is spent than there is."""
        owed = -self.free
        if owed > 0:
            share = max(self._cash, 0.0) / (max(self._cash, 0.0) + owed)
            self._taken = self._kept + (self._taken - self._kept) * share
            self.wealth = self._wealth()

    def found(self, dear: float) -> Joint:
        """Return what was found, and how far it may be from the best."""
        value, whole = self._value()
        dearness = dear * self._unit / whole
        price = self._paid + dearness * (self._paid - self._frees)
        gain = float(total(total(np.maximum(value[:, None] - price, 0.0) * self._size)))
        free = dearness * (self._cash + float(np.cumsum(self._ladder.cash)[-1]))
        most = self._base + float(total(value * self._ladder.lowest.ravel())) + gain + free
        trade = trades(self._ladder, self._taken.reshape(self._shape), self._levels)
        growth = float(total(self._weight * np.log(self.wealth)))
        gap = max(float(np.log(most * whole)), 0.0)
        return Joint(trade, self.wealth, value.reshape(self._shape[:2]), self.free, growth, gap)

    def _wealth(self) -> FloatArray:
        y = (self._ladder.lowest.ravel() + total(self._taken))[self._cell].reshape(self._place.shape)
        wealth: FloatArray = self._base - float(total(total(self._taken * self._paid))) + np.cumsum(y, axis=0)[-1]
        return wealth

    def _value(self) -> tuple[FloatArray, float]:
        """Return what a share of y of each bracket is worth at the margin [USD], and what a dollar is [nats]."""
        worth = self._weight / self.wealth
        whole = float(total(worth))
        return self._summed(worth) / whole, whole

    def _summed(self, each: FloatArray) -> FloatArray:
        """Return the sum over the scenarios in which each bracket settles, (n_events x n_brackets,)."""
        summed: FloatArray = np.bincount(self._cell, np.tile(each, self._shape[0]), self._cells).astype(np.float64)
        return summed

    def _slack(self, extra: float) -> float:
        """Return what steps not taken would gain, and steps taken lose, at the prices of now [nats]."""
        value, whole = self._value()
        gain = (value[:, None] - self._paid) * whole + extra * (self._frees - self._paid)
        return float(total(total(np.where(gain > 0, gain * (self._size - self._taken), -gain * self._taken))))

    def _move(self, extra: float) -> bool:
        """Take the best single move; return whether there was one."""
        worth = self._weight / self.wealth
        bend = worth / self.wealth
        gain, curve = self._summed(worth), self._summed(bend)
        all_worth, all_bend = float(total(worth)), float(total(bend))
        rows = np.arange(self._cells)
        best, won = (0, 0, 0.0, 0.0), 0.0
        last = self._shape[-1] - 1
        for sign, there in ((1.0, self._size - self._taken), (-1.0, self._taken)):
            open_ = there > 0
            at = open_.argmax(axis=-1) if sign > 0 else last - open_[:, ::-1].argmax(axis=-1)
            most, paid = there[rows, at], self._paid[rows, at]
            slope = sign * (gain - paid * all_worth + extra * (self._frees[rows, at] - paid))
            bent = np.square(1.0 - paid) * curve + np.square(paid) * (all_bend - curve)
            far = np.clip(slope / np.where(bent > 0, bent, 1.0), 0.0, most)
            gained = far * slope - 0.5 * bent * np.square(far)
            cell = int(gained.argmax())
            if gained[cell] > won:
                best, won = (cell, int(at[cell]), sign, float(most[cell])), float(gained[cell])
        if won <= 1e-17:
            return False
        self._go(*best, extra)
        return True

    def _go(self, cell: int, step: int, sign: float, most: float, extra: float) -> None:
        """Go along one step, to its end or to where it no longer pays."""
        event, bracket = divmod(cell, self._shape[1])
        paid = float(self._paid[cell, step])
        pays = sign * (np.where(self._place[event] == bracket, 1.0, 0.0) - paid)
        free = sign * extra * (float(self._frees[cell, step]) - paid)
        moved = 0.0
        for _ in range(NEWTON_STEPS):
            left = self.wealth + moved * pays
            ratio = pays / left
            weighed = self._weight * ratio
            slope, curve = float(total(weighed)) + free, float(total(weighed * ratio))
            further = slope / curve if curve > 0 else 0.0
            room = float(np.where(pays * further < 0, left / np.maximum(np.abs(pays), 1e-300), np.inf).min())
            further = max(min(further, INSIDE * room), -INSIDE * room)
            before, moved = moved, min(max(moved + further, 0.0), most)
            if abs(moved - before) <= 1e-13 * max(moved, 1.0):
                break
        size = self._size[cell, step]
        reached = min(max(self._taken[cell, step] + sign * moved, 0.0), size)
        self._taken[cell, step] = size if reached >= (1.0 - HAIR) * size else 0.0 if reached <= HAIR * size else reached
        self.wealth = self.wealth + moved * pays
