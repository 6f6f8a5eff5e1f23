"""One probability from two: the model's and the market's."""

from __future__ import annotations

import numpy as np

from core.units import BoolArray, FloatArray, total

LEAST = 1e-12


def log_pool(model: FloatArray, market: FloatArray, weight: float) -> tuple[FloatArray, BoolArray]:
    """Return p ~ model ** weight x market ** (1 - weight), and where the market could be asked.

    Where it could not, the model stands alone. What one of both rules out, the pool rules out.

    Args:
        model: probability of each bracket [1], shape (..., n_brackets), 0 pads; NaN stays NaN.
        market: the same by the market; a row of NaN: not known.
        weight: of the model, 0 to 1.

    Source: SCIENCE 0.7 and 4.5.
    """
    heard: BoolArray = np.asarray(np.isfinite(market).all(axis=-1))
    possible = (model > 0) & (market > 0) & heard[..., None]
    logs = weight * np.log(np.where(possible, np.maximum(model, LEAST), 1.0)) + (1.0 - weight) * np.log(
        np.where(possible, np.maximum(market, LEAST), 1.0)
    )
    part = np.where(possible, np.exp(logs), 0.0)
    summed = total(part)[..., None]
    agreed = heard[..., None] & (summed > 0)
    pooled = np.where(agreed, part / np.where(summed > 0, summed, 1.0), model)
    return np.where(np.isnan(model), np.nan, pooled), heard
