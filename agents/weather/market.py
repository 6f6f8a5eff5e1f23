"""What the market expresses: prices of all brackets made into one distribution."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.special import ndtri

from core.units import BoolArray, FloatArray, total

POWER_STEPS = 24
SHIN_STEPS = 54  # halvings of [0, 1]: the last is of the size of a rounding error
LOWEST, HIGHEST = 5e-4, 1.0 - 5e-4  # half of the finest tick: no quote means more
STALE_SECONDS = 600.0  # an older quote's sizes say nothing of where the price is; SCIENCE 3.3
NEVER_PRINTED = 0.005
NEARLY_ALL = 0.9  # of a dollar: what the other brackets must cost together for an unquoted one to be far off
INNER = 0.02  # of a cumulative probability: beyond it one tick moves the edge by a degree
# Quotes that are no opinion. In 514 ladders recorded at all ages (55 minutes after listing to settled, June 2026) the
# widest quote was .37, all widths of a ladder together .99 and the middles summed to .86 to 1.34: none of them counts.
WALL = 0.05  # of a dollar from either end: a bid and an ask (or none) this far out hold nothing between them
SAME_WIDTH = 0.05  # between bid and ask, where every bracket shows the same ones
SAME_BRACKETS = 3  # of two, the same quotes may be meant
INCOHERENT = 2.0  # of dollars: middles that sum to more are no distribution
_NOISE = 1e-9


def mid_prices(bid: FloatArray, bid_size: FloatArray, ask: FloatArray, ask_size: FloatArray, age: FloatArray) -> FloatArray:
    """Return the price that a book centres on [USD per share]: the micro-price, leaning to the side that is thinner.

    A side that is missing is bounded by 0 or 1; an old quote counts with its plain middle. NaN: neither side is there, or
    both are walls. A bid of 0 and an ask of 1 are how some services write that there is none.

    Args:
        bid, ask: best prices [USD per share], any shape; NaN: none.
        bid_size, ask_size: sizes there [shares].
        age: of the book [s].
    """
    low, high = _bounds(bid, ask)
    none = is_wall(bid, ask)
    shown = bid_size + ask_size
    leans = is_fresh(bid, ask, age) & (shown > 0)
    micro = (low * ask_size + high * bid_size) / np.where(leans, shown, 1.0)
    return np.where(none, np.nan, np.where(leans, micro, (low + high) / 2.0))


def is_fresh(bid: FloatArray, ask: FloatArray, age: FloatArray) -> BoolArray:
    """Return where a quote is two-sided and not older than STALE_SECONDS; any shape, `age` in seconds."""
    low, high = _bounds(bid, ask)
    fresh: BoolArray = (low > 0.0) & (high < 1.0) & (age <= STALE_SECONDS)
    return fresh


def is_wall(bid: FloatArray, ask: FloatArray) -> BoolArray:
    """Return where bid and ask leave the whole price open, like 0.001 and 0.999, or neither is there; any shape.

    A lone ask of 0.001 is no wall: it says that nobody pays more. Nor is 0.996 bid: that bracket has won.
    """
    low, high = _bounds(bid, ask)
    wall: BoolArray = (low <= WALL + _NOISE) & (high >= 1.0 - WALL - _NOISE)
    return wall


def is_placeholder(bid: FloatArray, ask: FloatArray, live: BoolArray) -> BoolArray:
    """Return where the quotes of a ladder are no opinion about it: the event counts as silent.

    Walls on every bracket, the same wide quote on every bracket, or middles that are far from any distribution. A single
    wall among opinions leaves its bracket unquoted, no more.

    Args:
        bid, ask: best prices of YES [USD per share], shape (..., n_brackets); NaN: none.
        live: brackets that may still win, same shape; what dead ones and pads show says nothing.

    Returns:
        Shape (...); True also without a live bracket.
    """
    low, high = _bounds(bid, ask)
    wall = is_wall(bid, ask)
    told = live & ~wall
    wide = np.where(live, high - low, np.inf).min(axis=-1) >= SAME_WIDTH - _NOISE
    same = _equal(low, live) & _equal(high, live) & (live.sum(axis=-1) >= SAME_BRACKETS)
    summed = total(np.where(told, (low + high) / 2.0, 0.0))
    placeholder: BoolArray = ~told.any(axis=-1) | (same & wide) | (summed > INCOHERENT)
    return placeholder


def is_scorable(bid: FloatArray, ask: FloatArray, age: FloatArray, live: BoolArray) -> BoolArray:
    """Return, shape (...), where the books of an event may be scored against: every live bracket fresh and an opinion.

    Source: SCIENCE 3.3; its share is reported beside every score.
    """
    scorable: BoolArray = (is_fresh(bid, ask, age) | ~live).all(axis=-1) & ~is_placeholder(bid, ask, live)
    return scorable


def _equal(price: FloatArray, live: BoolArray) -> BoolArray:
    spread = np.where(live, price, -np.inf).max(axis=-1) <= np.where(live, price, np.inf).min(axis=-1) + _NOISE
    equal: BoolArray = np.asarray(spread)
    return equal


def _bounds(bid: FloatArray, ask: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the range that a quote leaves to the price; comparisons with NaN are False."""
    return np.where(bid > 0.0, bid, 0.0), np.where(ask < 1.0, ask, 1.0)


def power_devig(price: FloatArray) -> FloatArray:
    """Return price ** g with the g that makes them sum to 1: takes more off long shots than a division would.

    Newton steps on ln(sum), which is convex and falling in g: a fixed number of them, the same for every row.

    Args:
        price: of each bracket [USD per share], shape (..., n_brackets); 0 pads, NaN makes the whole row NaN.

    Returns:
        Probability of each bracket [1], shape (..., n_brackets).

    Source: SCIENCE 3.3.
    """
    price = np.asarray(price, np.float64)
    real = (price > 0) | np.isnan(price)
    logs = np.log(np.where(real, np.clip(price, LOWEST, HIGHEST), 1.0))
    power = np.ones((*price.shape[:-1], 1))
    for _ in range(POWER_STEPS):
        part = np.where(real, np.exp(power * logs), 0.0)
        summed = total(part)[..., None]
        slope = total(part * logs)[..., None]
        told = np.log(np.where(summed > 0, summed, 1.0))
        before, power = power, np.maximum(power - told * summed / np.where(slope < 0, slope, 1.0), 1e-3)
        if np.array_equal(power, before, equal_nan=True):  # of no row would a further step change a bit
            break
    part = np.where(real, np.exp(power * logs), 0.0)
    summed = total(part)[..., None]
    implied: FloatArray = part / np.where(summed > 0, summed, 1.0)
    return implied


def multiplicative_devig(price: FloatArray) -> FloatArray:
    """Return price / sum: every bracket gives up the same share. Arguments and answer as of `power_devig`."""
    price, real = _clipped(price)
    summed = total(price)[..., None]
    implied: FloatArray = price / np.where(real.any(axis=-1, keepdims=True), summed, 1.0)
    return implied


def shin_devig(price: FloatArray) -> FloatArray:
    """Return what prices imply when the maker guards against a share z of insiders; long shots give up most.

    p = 2a / (sqrt(z^2 + 4 (1 - z) a) + z) with a = price^2 / sum, which falls in z: z is found by halving [0, 1], a fixed
    number of times, the same for every row. Below a sum of 1 there is no z, and prices are only divided.

    Arguments and answer as of `power_devig`. Source: Shin (1993), Econ. J. 103, 1141-1153; Jullien, Salanie (1994).
    """
    price, real = _clipped(price)
    summed = np.where(real.any(axis=-1, keepdims=True), total(price)[..., None], 1.0)
    squared = price * price / summed
    low, high = np.zeros_like(summed), np.where(summed > 1.0, 1.0, 0.0)
    for _ in range(SHIN_STEPS):
        insiders = 0.5 * (low + high)
        too_much = total(_shin(squared, insiders))[..., None] > 1.0
        low, high = np.where(too_much, insiders, low), np.where(too_much, high, insiders)
    part = np.where(summed > 1.0, _shin(squared, 0.5 * (low + high)), price)
    implied: FloatArray = part / np.where(real.any(axis=-1, keepdims=True), total(part)[..., None], 1.0)
    return implied


def _shin(squared: FloatArray, insiders: FloatArray) -> FloatArray:
    below = np.sqrt(insiders * insiders + 4.0 * (1.0 - insiders) * squared) + insiders
    return 2.0 * squared / np.where(below > 0, below, 1.0)


def _clipped(price: FloatArray) -> tuple[FloatArray, BoolArray]:
    price = np.asarray(price, np.float64)
    real = (price > 0) | np.isnan(price)
    return np.where(real, np.clip(price, LOWEST, HIGHEST), 0.0), real


# All are kept beside each other, since the choice moves a score by up to .08; power is the headline. SCIENCE 3.3.
DEVIGS: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "power": power_devig,
    "multiplicative": multiplicative_devig,
    "shin": shin_devig,
}
HEADLINE = "power"


def implied(price: FloatArray, exists: BoolArray, dead: BoolArray, *, devig: str = HEADLINE) -> FloatArray:
    """Return the market's distribution over the brackets, NaN for an event whose prices leave it open.

    Far brackets are often quoted by nobody: where the others carry nearly all the mass, such a one counts half a cent.

    Args:
        price: of each bracket [USD per share], shape (..., n_brackets); NaN: none.
        exists: False pads.
        dead: the observed extreme has passed it: without a price it counts as worth nothing.
        devig: row of DEVIGS.
    """
    filled = np.where(dead & np.isnan(price), LOWEST, price)
    quoted = total(np.where(exists & ~np.isnan(filled), filled, 0.0))[..., None]
    filled = np.where(np.isnan(filled) & (quoted >= NEARLY_ALL), NEVER_PRINTED, filled)
    told = DEVIGS[devig](np.where(exists, filled, 0.0))
    blind = (exists & np.isnan(filled)).any(axis=-1, keepdims=True) | ~exists.any(axis=-1, keepdims=True)
    return np.where(blind, np.nan, told)


def implied_normal(probability: FloatArray, upper: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and sd of the normal law nearest to a distribution over brackets: least squares on probits of its edges.

    Args:
        probability: of each bracket, cold to warm [1], shape (..., n_brackets).
        upper: edge above each bracket [rule's unit], same shape; inf where there is none.

    Returns:
        Mean and sd [rule's unit], shape (...); NaN with fewer than two usable edges.
    """
    below = np.cumsum(probability, axis=-1)
    usable = np.isfinite(upper) & (below > INNER) & (below < 1.0 - INNER)
    probit = np.where(usable, ndtri(np.where(usable, below, 0.5)), 0.0)
    edge = np.where(usable, upper, 0.0)
    n = total(np.where(usable, 1.0, 0.0))
    enough = n >= 2
    count = np.where(enough, n, 1.0)
    mean_edge, mean_probit = total(edge) / count, total(probit) / count
    off_edge = np.where(usable, edge - mean_edge[..., None], 0.0)
    off_probit = np.where(usable, probit - mean_probit[..., None], 0.0)
    bend, lean = total(np.square(off_probit)), total(off_edge * off_probit)
    enough = enough & (bend > 0)
    sd = np.where(enough, lean / np.where(enough, bend, 1.0), np.nan)
    return np.where(enough, mean_edge - sd * mean_probit, np.nan), sd
