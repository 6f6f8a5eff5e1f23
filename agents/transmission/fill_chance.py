"""How likely anything of a purchase that rests is filled before its life ends: stated at the look, judged afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from scipy.special import chndtr

from agents.prints import Print, Tape
from agents.transmission.standing import Standing
from core.model.quotes import Quotes
from core.units import MICRO, BoolArray, FloatArray, IntArray

LOOK_BACK = timedelta(hours=6)
"""How far back prints are counted: long enough for a dozen in a market that trades twice an hour, short enough to be today."""
HALF_PRINT = 0.5
"""Prints that are counted on top of those seen, half of them at the price and half through it (Jeffreys' prior of a rate)."""
USUAL_SHARES = 20.0
"""Size of one further print that is counted with those seen when their mean size is taken."""
Came = tuple[int, int, int]  # prints at the price, prints through it, micro-shares of both


def fill_chance(
    at_price: IntArray, through: IntArray, shares: FloatArray, ahead: FloatArray, seconds: FloatArray
) -> FloatArray:  # fmt: skip
    """Return the probability that anything of a resting purchase is filled while it lives.

    As the paper broker fills: a print through the price reaches the order whoever stands ahead, prints at it serve first
    who does. Both come as Poisson streams at the rate of the look-back, sizes are exponential. The queue then swallows a
    Poisson number of prints, and the order is reached when more come than that:

        mu_x = seconds (n_x + 1/4) / LOOK_BACK              prints to come, x: at the price, through it
        nu   = ahead (n + 1) / (shares + USUAL_SHARES)      prints that the queue swallows, n: both kinds
        p    = 1 - exp(-mu_through) P(N <= M)               N ~ Poisson(mu_at), M ~ Poisson(nu)

    where P(N > M) is the noncentral chi-square distribution of 2 degrees of freedom and noncentrality 2 nu at 2 mu_at. It
    grows with life, with the size of prints and with their number at like size, falls with the queue, and is not 0 while
    it lives. That others take back what stands ahead is not counted on: what is stated is rather too little then.

    Args:
        at_price: prints at the price whose takers sold, over `LOOK_BACK`, shape (n,).
        through: those below the price, shape (n,).
        shares: size of both together [shares], shape (n,).
        ahead: what is served before anything of the order: displayed at its price, and a lot of its own [shares], (n,).
        seconds: life of the order [s], shape (n_runs, n); 0 and less: none.

    Returns:
        Probability [1], shape (n_runs, n).

    Source: SCIENCE 5.3 (maker); Johnson (1959), Biometrika 46, 352-363, for Poisson sums as a noncentral chi-square.
    """
    share_of_window = np.maximum(seconds, 0.0) / LOOK_BACK.total_seconds()
    to_come, beyond = (share_of_window * (n + HALF_PRINT / 2.0) for n in (at_price, through))
    swallowed = ahead * ((at_price + through + 1.0) / (shares + USUAL_SHARES))
    reached = chndtr(2.0 * to_come, 2.0, 2.0 * swallowed)
    chance: FloatArray = 1.0 - np.exp(-beyond) * (1.0 - reached)
    return chance


def chances(
    standing: Standing, quotes: Quotes, row: int, tape: Tape | None, *, rests: BoolArray, price: IntArray, life: IntArray
) -> FloatArray:  # fmt: skip
    """Return how likely each order that rests is filled, (n_runs, n); NaN where none rests.

    Args:
        tape: prints that were known; None: nobody recorded any.
        rests: shape (n_runs, n).
        price: of what rests [micro-USD per share], shape (n,).
        life: shape (n_runs, n) [microseconds].
    """
    came: list[Came] = [(0, 0, 0)] * standing.n
    for place in np.flatnonzero(rests.any(axis=0)).tolist():
        instrument = standing.axis.instruments[int(standing.own[place])]
        came[place] = _came(list(tape.sold(instrument, row, LOOK_BACK)) if tape else [], int(price[place]))
    at_price, through, shares = np.array(came, np.int64).reshape(-1, 3).T
    ahead = _displayed(quotes, row, standing.own, price) + standing.lot / MICRO
    chance = fill_chance(at_price, through, shares / MICRO, ahead, life / MICRO)
    return np.where(rests, chance, np.nan)


def _came(prints: Sequence[Print], price: int) -> Came:
    reaching = [each for each in prints if each.price_micro <= price]
    n_at = sum(each.price_micro == price for each in reaching)
    return n_at, len(reaching) - n_at, sum(each.size_micro for each in reaching)


def _displayed(quotes: Quotes, row: int, own: IntArray, price: IntArray) -> FloatArray:
    """Return the size that others bid at a price, (n,) [shares]; 0 where none is shown there."""
    there = np.rint(quotes.bid_price[row, own] * MICRO) == price[:, None]
    size: FloatArray = np.where(there, quotes.bid_size[row, own], 0.0).max(axis=-1)
    return size
