"""What can be bought and sold of one event, sorted into one rising staircase of prices for each bracket.

A NO at price n is a YES sold at 1 - n, so that one number says what is held of a bracket: the net shares y_k. Wealth in
outcome k is C + y_k with a C that all outcomes share. Every level is told from the position in which all that lowers y_k
was done already: buying NO, selling YES. From there each level is a purchase of y_k, cheapest first, so that also levels
that cross each other are taken in the order that pays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.units import BoolArray, FloatArray, IntArray, total

TIE = 1e-12  # prices that sum to 1 exactly leave open how much is held: a hair against us settles it
LEAST_SLOPE = 1e-12  # [USD per share] what costs nothing is bought first


@dataclass(frozen=True, slots=True)
class Levels:
    """What may be traded, (n_rows, n_brackets, n_levels); what a level is says its last place."""

    price: FloatArray  # all-in, of the token itself [USD per share]; anything where size is 0
    size: FloatArray  # most that may be traded there [shares]; 0 pads
    no: BoolArray  # (n_levels,) the token is NO
    sale: BoolArray  # (n_levels,) something held is sold there

    def of_rows(self, rows: IntArray) -> Levels:
        """Return the levels of some rows."""
        return Levels(self.price[rows], self.size[rows], self.no, self.sale)


@dataclass(frozen=True, slots=True)
class Holding:
    """What a row has before it trades."""

    cash: FloatArray  # (n_rows,) [USD]
    yes: FloatArray  # (n_rows, n_brackets) [shares]
    no: FloatArray

    def of_rows(self, rows: IntArray) -> Holding:
        """Return the holdings of some rows."""
        return Holding(self.cash[rows], self.yes[rows], self.no[rows])


@dataclass(frozen=True, slots=True)
class Ladder:
    """Levels of each bracket by rising price of y_k, (n_rows, n_brackets, n_steps), and where they start from."""

    price: FloatArray  # what a share of y_k is worth to us when it is bought there: the price if cash is dear
    paid: FloatArray  # what is really paid for it [USD per share]
    size: FloatArray
    frees: FloatArray  # money that the step frees besides: 1 where it is a NO that is not bought, or sold
    start: FloatArray  # y_k before the step
    order: IntArray  # place of each step among the levels
    lowest: FloatArray  # (n_rows, n_brackets) y_k with nothing bought
    most: FloatArray  # (n_rows,) C with nothing bought
    cash: FloatArray  # (n_rows,) money not tied up with nothing bought; may lie below 0

    def of_rows(self, rows: IntArray) -> Ladder:
        """Return the ladders of some rows."""
        return Ladder(*(getattr(self, name)[rows] for name in self.__slots__))


def within_means(levels: Levels, holding: Holding) -> Levels:
    """Return the levels with no more of each than could be paid for with all there is."""
    worth = np.maximum(holding.cash + total(holding.yes) + total(holding.no), 0.0)[:, None, None]
    most = np.where(levels.sale, np.inf, worth / np.maximum(levels.price, LEAST_SLOPE))
    return Levels(levels.price, np.where(levels.size > 0, np.minimum(levels.size, most), 0.0), levels.no, levels.sale)


def ladder_of(levels: Levels, holding: Holding, dearness: FloatArray) -> Ladder:
    """Return the staircases of some rows.

    Args:
        levels: what may be traded.
        holding: what is there before.
        dearness: how much more than a dollar of wealth a dollar of free money is worth, (n_rows,): 0 where there is enough.
    """
    down = levels.no ^ levels.sale
    gross = levels.price * (1.0 + dearness)[:, None, None] * np.where(levels.sale, 1.0 - TIE, 1.0 + TIE)
    usable = levels.size > 0
    own = np.where(levels.no, 1.0 - gross, gross)
    order: IntArray = np.argsort(np.where(usable, own, np.inf), axis=-1, kind="stable")
    used = max(int(usable.sum(axis=-1).max(initial=0)), 1)
    order = order[..., :used]
    one = np.where(levels.no, 1.0 - levels.price, levels.price)  # as a price of y_k
    size, price, paid, frees = (
        np.take_along_axis(np.where(usable, part, fill), order, -1)
        for part, fill in ((levels.size, 0.0), (own, 1.0), (one, 1.0), (levels.no.astype(np.float64), 0.0))
    )
    done = np.where(down, levels.size, 0.0)
    lowest = holding.yes - holding.no - total(done)
    proceeds = np.where(done > 0, done * one, 0.0)
    reached = np.cumsum(size, axis=-1)
    common = holding.cash + total(holding.no) + total(total(proceeds))
    return Ladder(
        price=np.maximum(price, LEAST_SLOPE), paid=paid, size=size, frees=frees, start=lowest[..., None] + reached - size,
        order=order, lowest=lowest, most=common,
        cash=holding.cash + total(total(proceeds - np.where(levels.no, done, 0.0))),
    )  # fmt: skip


def trades(ladder: Ladder, taken: FloatArray, levels: Levels) -> FloatArray:
    """Return what is traded of each level [shares], unsigned, (n_rows, n_brackets, n_levels)."""
    found = np.zeros_like(levels.size)
    np.put_along_axis(found, ladder.order, taken, -1)
    down = levels.no ^ levels.sale
    return np.where(down, levels.size - found, found)
