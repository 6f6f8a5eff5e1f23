"""Results against claims: how far settled events fell behind what was said of them."""

from __future__ import annotations

import numpy as np

from core.model.governor import CLAIM_DAYS, Governor
from core.units import MICRO, FloatArray


def z_of(governor: Governor, desk_day: int) -> FloatArray:
    """Return (paid - claimed) / sd over the last 30 desk days, (n_runs,); NaN where nothing was settled."""
    counts = (governor.claim_day > desk_day - CLAIM_DAYS) & (governor.claim_day > 0)
    diff = np.where(counts, governor.claim_diff_micro, 0).sum(axis=1, dtype=np.int64) / MICRO
    var = np.where(counts, governor.claim_var, 0).sum(axis=1, dtype=np.int64) / MICRO
    z: FloatArray = diff / np.sqrt(np.where(var > 0, var, np.nan))
    return z
