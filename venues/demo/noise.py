"""Randomness by counter: the same key and counter give the same number, in any order and in any process.

Only multiplications, shifts, additions and square roots touch the arrays. These are exactly rounded, so a value does not
depend on its place in an array; `log` or `cos` of a vector might, and the last digit of an answer would follow.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from math import floor, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

_WEYL = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_WEYL_INT, _FIRST_INT, _SECOND_INT = int(_WEYL), int(_FIRST), int(_SECOND)
_TO_UNIT = 2.0**-53
_MASK = (1 << 64) - 1
_CELLS = 4096  # cells of the quantile table; its ends lie at 3.7 standard deviations
_TABLE = [NormalDist().inv_cdf((i + 0.5) / (_CELLS + 1)) for i in range(_CELLS + 1)]
_QUANTILES = np.array(_TABLE)


def key(*parts: int | str) -> int:
    """Return the 64-bit key of a stream named by `parts`."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest())


lasting_key = lru_cache(maxsize=4_096)(key)  # of a stream that is asked again and again


def words(stream: int, counters: Ints) -> Words:
    """Return 64 random bits per counter (splitmix64)."""
    mixed: Words = (np.uint64(stream) + counters.astype(np.uint64) * _WEYL).astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    out: Words = mixed ^ (mixed >> np.uint64(31))
    return out


def uniforms(stream: int, counters: Ints) -> Floats:
    """Return uniform numbers in [0, 1)."""
    out: Floats = (words(stream, counters) >> np.uint64(11)).astype(np.float64) * _TO_UNIT
    return out


def normals(stream: int, counters: Ints) -> Floats:
    """Return standard normal numbers, by linear interpolation in a table of quantiles."""
    place = uniforms(stream, counters) * _CELLS
    cell = place.astype(np.int64)
    low = _QUANTILES[cell]
    out: Floats = low + (_QUANTILES[cell + 1] - low) * (place - cell)
    return out


def uniform(*parts: int | str) -> float:
    """Return one uniform number in [0, 1) named by `parts`."""
    return (key(*parts) >> 11) * _TO_UNIT


def normal(*parts: int | str) -> float:
    """Return one standard normal number named by `parts`."""
    return _quantile(uniform(*parts))


def smooth(stream: int, x: Floats) -> Floats:
    """Return smooth noise of unit variance along `x`: independent at whole numbers, eased between them."""
    knot = np.floor(x)
    counters = knot.astype(np.int64)
    weight = ease(x - knot)
    rest = 1.0 - weight
    out: Floats = (normals(stream, counters) * rest + normals(stream, counters + 1) * weight) / np.sqrt(
        weight * weight + rest * rest
    )
    return out


def smooth_at(stream: int, x: float) -> float:
    """Return `smooth` at one place, bit for bit."""
    knot = floor(x)
    weight = x - knot
    weight = weight * weight * (3.0 - 2.0 * weight)
    rest = 1.0 - weight
    low, high = _normal_at(stream, knot), _normal_at(stream, knot + 1)
    return (low * rest + high * weight) / sqrt(weight * weight + rest * rest)


def ease(x: Floats) -> Floats:
    """Return the smooth step 3x² − 2x³, 0 below 0 and 1 above 1."""
    x = np.minimum(np.maximum(x, 0.0), 1.0)
    out: Floats = x * x * (3.0 - 2.0 * x)
    return out


def between(x: float, table: tuple[tuple[float, float], ...]) -> float:
    """Interpolate linearly in a table of (place, value), flat beyond its ends."""
    if x <= table[0][0]:
        return table[0][1]
    for (x0, y0), (x1, y1) in pairwise(table):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return table[-1][1]


def _normal_at(stream: int, counter: int) -> float:
    mixed = (stream + counter * _WEYL_INT) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * _FIRST_INT) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * _SECOND_INT) & _MASK
    return _quantile(((mixed ^ (mixed >> 31)) >> 11) * _TO_UNIT)


def _quantile(share: float) -> float:
    place = share * _CELLS
    cell = int(place)
    low = _TABLE[cell]
    return low + (_TABLE[cell + 1] - low) * (place - cell)
