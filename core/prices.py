"""From levels, size and fees to prices that can really be had; money in exact integers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from core.model.event import FeeRounding, Fees
from core.units import MICRO, BoolArray, FloatArray, IntArray, total

_HALF = Fraction(1, 2)
_STEP_5, _CENT = 10, 10_000  # [micro-USD]
_NOISE = 1e-9  # of a step: a fee on the step itself is not rounded beyond it


def fee_micro(price_micro: IntArray, size_micro: IntArray, fees: Fees) -> int:
    """Return the taker fee of one execution [micro-USD], rounded once over all its levels.

    Args:
        price_micro: price of each level [micro-USD per share], shape (n_levels,).
        size_micro: size taken there [micro-shares], unsigned, shape (n_levels,).
        fees: rate, exponent and rounding of the venue.

    Source: FACTS II 2.8 (Polymarket, 5 decimals), II 6.5 (Kalshi, up to the cent).
    """
    levels = zip(np.atleast_1d(price_micro).tolist(), np.atleast_1d(size_micro).tolist(), strict=True)
    weighed = sum((size * _uncertainty(price, fees.exponent) for price, size in levels), Fraction(0))
    exact = Fraction(str(fees.rate)) * weighed
    if fees.rounding is FeeRounding.UP_CENT:
        return math.ceil(exact / _CENT) * _CENT
    return math.floor(exact / _STEP_5 + _HALF) * _STEP_5


def fees_micro(price_micro: IntArray, size_micro: IntArray, fees: Fees) -> IntArray:
    """Return `fee_micro` of many executions, each at one price on the venue's grid [micro-USD]."""
    exact = fee_per_share(np.asarray(price_micro, np.int64) / MICRO, fees) * size_micro
    if fees.rounding is FeeRounding.UP_CENT:
        return np.ceil(exact / _CENT - _NOISE).astype(np.int64) * _CENT
    return np.floor(exact / _STEP_5 + 0.5 + _NOISE).astype(np.int64) * _STEP_5


def _uncertainty(price_micro: int, exponent: float) -> Fraction:
    """Return (p (1 - p)) ** exponent: exactly for a whole exponent."""
    base = Fraction(price_micro * (MICRO - price_micro), MICRO * MICRO)
    return base ** int(exponent) if float(exponent).is_integer() else Fraction(float(base) ** exponent)


def fee_per_share(price: FloatArray, fees: Fees) -> FloatArray:
    """Return the taker fee of one share before any rounding [USD per share]; NaN stays NaN."""
    price = np.asarray(price, np.float64)
    uncertain = price * (1.0 - price)
    return fees.rate * (uncertain if fees.exponent == 1.0 else np.power(uncertain, fees.exponent))


def walk(price_micro: IntArray, size_micro: IntArray, wanted_micro: IntArray, limit_micro: IntArray) -> IntArray:
    """Return what an order takes from each level, best first.

    Args:
        price_micro: levels, best first [micro-USD per share], shape (..., n_levels).
        size_micro: size shown there [micro-shares], shape (..., n_levels); 0 pads.
        wanted_micro: size wanted [micro-shares], shape (...): above 0 buys (asks), below 0 sells (bids).
        limit_micro: worst price that is accepted [micro-USD per share], shape (...).

    Returns:
        Size taken, unsigned [micro-shares], shape (..., n_levels).
    """
    wanted = np.asarray(wanted_micro, np.int64)[..., None]
    limit = np.asarray(limit_micro, np.int64)[..., None]
    price = np.asarray(price_micro, np.int64)
    accepted = np.where(wanted > 0, price <= limit, price >= limit)
    size = np.where(accepted, np.asarray(size_micro, np.int64), 0)
    before = np.cumsum(size, axis=-1) - size
    taken: IntArray = np.clip(np.abs(wanted) - before, 0, size)
    return taken


def executable_price(price: FloatArray, size: FloatArray, wanted: FloatArray) -> FloatArray:
    """Return the average price at which a size can be had, fees apart.

    Args:
        price: levels, best first [USD per share], shape (..., n_levels); NaN pads.
        size: size shown there [shares], shape (..., n_levels); 0 pads.
        wanted: size [shares], shape (...).

    Returns:
        Average price [USD per share], shape (...); NaN where the depth is not enough or nothing is wanted.
    """
    return _averaged(price, size, wanted, np.asarray(price, np.float64))


def all_in_price(price: FloatArray, size: FloatArray, wanted: FloatArray, fees: Fees) -> FloatArray:
    """Return `executable_price` of a purchase with the fee of every level added [USD per share]."""
    price = np.asarray(price, np.float64)
    return _averaged(price, size, wanted, price + fee_per_share(price, fees))


def net_price(price: FloatArray, size: FloatArray, wanted: FloatArray, fees: Fees) -> FloatArray:
    """Return `executable_price` of a sale with the fee of every level taken off [USD per share]."""
    price = np.asarray(price, np.float64)
    return _averaged(price, size, wanted, price - fee_per_share(price, fees))


def _averaged(price: FloatArray, size: FloatArray, wanted: FloatArray, value: FloatArray) -> FloatArray:
    shown = np.where(np.isnan(price), 0.0, np.asarray(size, np.float64))
    wanted = np.asarray(wanted, np.float64)
    reach = np.cumsum(shown, axis=-1)
    before = np.concatenate([np.zeros_like(reach[..., :1]), reach[..., :-1]], axis=-1)
    taken = np.clip(wanted[..., None] - before, 0.0, shown)
    cost = total(np.where(taken > 0, np.where(np.isnan(value), 0.0, value) * taken, 0.0))
    enough: BoolArray = (wanted > 0) & (reach[..., -1] >= wanted)
    return np.where(enough, cost / np.where(enough, wanted, 1.0), np.nan)
