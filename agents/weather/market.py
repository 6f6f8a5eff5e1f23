"""What the market expresses: prices of all brackets made into one distribution."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from core.units import BoolArray, FloatArray, total

POWER_STEPS = 24
LOWEST, HIGHEST = 5e-4, 1.0 - 5e-4  # half of the finest tick: no quote means more
STALE_SECONDS = 600.0  # an older quote's sizes say nothing of where the price is; SCIENCE 3.3
NEVER_PRINTED = 0.005
NEARLY_ALL = 0.9  # of a dollar: what the other brackets must cost together for an unquoted one to be far off
INNER = 0.02  # of a cumulative probability: beyond it one tick moves the edge by a degree


def mid_prices(bid: FloatArray, bid_size: FloatArray, ask: FloatArray, ask_size: FloatArray, age: FloatArray) -> FloatArray:
    """Return the price that a book centres on [USD per share]: the micro-price, leaning to the side that is thinner.

    A side that is missing is bounded by 0 or 1; an old quote counts with its plain middle. NaN: neither side is there.

    Args:
        bid, ask: best prices [USD per share], any shape; NaN: none.
        bid_size, ask_size: sizes there [shares].
        age: of the book [s].
    """
    none = np.isnan(bid) & np.isnan(ask)
    two_sided = ~np.isnan(bid) & ~np.isnan(ask) & (age <= STALE_SECONDS)
    low, high = np.where(np.isnan(bid), 0.0, bid), np.where(np.isnan(ask), 1.0, ask)
    shown = bid_size + ask_size
    leans = two_sided & (shown > 0)
    micro = (low * ask_size + high * bid_size) / np.where(leans, shown, 1.0)
    return np.where(none, np.nan, np.where(leans, micro, (low + high) / 2.0))


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
        before, power = power, np.maximum(power - told * summed / np.where(slope < 0, slope, -1.0), 1e-3)
        if np.array_equal(power, before, equal_nan=True):  # of no row would a further step change a bit
            break
    part = np.where(real, np.exp(power * logs), 0.0)
    summed = total(part)[..., None]
    implied: FloatArray = part / np.where(summed > 0, summed, 1.0)
    return implied


def implied(price: FloatArray, exists: BoolArray, dead: BoolArray) -> FloatArray:
    """Return the market's distribution over the brackets, NaN for an event whose prices leave it open.

    Far brackets are often quoted by nobody: where the others carry nearly all the mass, such a one counts half a cent.

    Args:
        price: of each bracket [USD per share], shape (..., n_brackets); NaN: none.
        exists: False pads.
        dead: the observed extreme has passed it: without a price it counts as worth nothing.
    """
    filled = np.where(dead & np.isnan(price), LOWEST, price)
    quoted = total(np.where(exists & ~np.isnan(filled), filled, 0.0))[..., None]
    filled = np.where(np.isnan(filled) & (quoted >= NEARLY_ALL), NEVER_PRINTED, filled)
    told = power_devig(np.where(exists, filled, 0.0))
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
