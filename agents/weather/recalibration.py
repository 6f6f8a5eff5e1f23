"""A last correction of the law's shape, learned from where settled readings fell in their own forecasts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.units import FloatArray, IntArray

LEAST_SPANS = 300  # of a lead bucket; fewer: off
PSEUDO_SPANS = 300.0  # that the identity is worth
EMBARGO_DAYS = 2  # a settled day counts for days this much later
STEPS = 200
NO_WIDTH = 1e-9
_AT_ONCE = 512  # events, each with a map of its own


@dataclass(frozen=True, slots=True)
class Recalibration:
    """Map of cumulative probabilities: `values` at evenly spaced `knots`, lines between. `gain` in nats per event."""

    knots: FloatArray
    values: FloatArray
    n: int
    gain: float
    on: bool


def recalibration(lower: FloatArray, upper: FloatArray, ordinal: IntArray) -> Recalibration:
    """Return G* = (n ECDF + 300 id) / (n + 300) of one lead bucket, and whether it would have helped.

    The transform of a whole-degree reading is spread evenly over its span: the randomisation is integrated out. `gain` is
    the mean of ln (mass of the span after the map / before), each event under the map of the days EMBARGO_DAYS earlier.

    Args:
        lower, upper: P(Y < y) and P(Y <= y) of each settled reading under the law issued then, shape (n,); NaN: left out.
        ordinal: day of each event, shape (n,).

    Source: SCIENCE 1.8.
    """
    known = np.isfinite(lower) & np.isfinite(upper)
    order = np.flatnonzero(known)[np.argsort(ordinal[known], kind="stable")]
    low, high, day = np.clip(lower[order], 0.0, 1.0), np.clip(upper[order], 0.0, 1.0), ordinal[order]
    reached = np.concatenate([np.zeros((1, STEPS + 1)), np.cumsum(_spread(low, high), axis=0)])
    n = len(order)
    before = np.searchsorted(day, day - EMBARGO_DAYS, side="right")
    parts = [slice(i, i + _AT_ONCE) for i in range(0, n, _AT_ONCE)]
    gains = [_gains(low[part], high[part], _maps(reached[before[part]], before[part])) for part in parts]
    gain = float(np.concatenate(gains).mean()) if n else 0.0
    return Recalibration(_knots(), _maps(reached[-1:], np.array([n]))[0], n, gain, n >= LEAST_SPANS and gain > 0.0)


def recalibrated(cumulative: FloatArray, recalibration: Recalibration) -> FloatArray:
    """Return cumulative probabilities after the map, any shape: 0 stays 0, 1 stays 1, order is kept, NaN stays NaN.

    A map that is off changes no bit.
    """
    if not recalibration.on:
        return cumulative
    place, left = _place(cumulative)
    return _between(place, left, recalibration.values[left], recalibration.values[left + 1])


def _knots() -> FloatArray:
    return np.linspace(0.0, 1.0, STEPS + 1)


def _spread(low: FloatArray, high: FloatArray) -> FloatArray:
    """Return how much of each span lies at or below each knot, shape (n, n_knots)."""
    knots, width = _knots(), (high - low)[:, None]
    part = np.clip((knots - low[:, None]) / np.where(width > NO_WIDTH, width, 1.0), 0.0, 1.0)
    return np.where(width > NO_WIDTH, part, np.where(knots >= high[:, None], 1.0, 0.0))


def _maps(reached: FloatArray, n: IntArray) -> FloatArray:
    """Return the values at the knots of maps of `n` spans each, shape (n_maps, n_knots)."""
    values = (reached + PSEUDO_SPANS * _knots()) / (n[:, None] + PSEUDO_SPANS)
    values[:, 0], values[:, -1] = 0.0, 1.0
    return values


def _place(cumulative: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return each probability in steps between knots, NaN kept, and the knot before it."""
    place = np.clip(cumulative, 0.0, 1.0) * STEPS
    return place, np.minimum(np.where(np.isnan(place), 0.0, place).astype(np.int64), STEPS - 1)


def _between(place: FloatArray, left: IntArray, low: FloatArray, high: FloatArray) -> FloatArray:
    # without the bound, a rounding error at a knot could turn the order of two neighbours
    return np.minimum(low + (place - left) * (high - low), high)


def _mapped(cumulative: FloatArray, values: FloatArray) -> FloatArray:
    """Return each of (n,) probabilities under its own map of (n, n_knots)."""
    place, left = _place(cumulative)
    row = np.arange(len(values))
    return _between(place, left, values[row, left], values[row, left + 1])


def _gains(low: FloatArray, high: FloatArray, values: FloatArray) -> FloatArray:
    """Return ln (mass of each span after its map / before); of a span without width, the slope of the map there."""
    width = high - low
    wide = width > NO_WIDTH
    row, middle = np.arange(len(values)), _place(0.5 * (low + high))[1]
    slope = (values[row, middle + 1] - values[row, middle]) * STEPS
    after = _mapped(high, values) - _mapped(low, values)
    gains: FloatArray = np.log(np.where(wide, after / np.where(wide, width, 1.0), slope))
    return gains
