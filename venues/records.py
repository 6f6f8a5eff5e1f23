"""A question that failed is a record too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from core.model.record import Kind, Record
from core.units import Columns, writable


def failed(source: str, kind: Kind, subject: str, received_at: datetime, error: Exception, raw: bytes = b"") -> Record:
    """Return the record of an ask that brought nothing: why, and the bytes where there were any."""
    return Record(
        source=source, kind=kind, subject=subject, received_at=received_at, issued_at=None, raw=raw, rows={}, error=writable(str(error))
    )  # fmt: skip


def level_columns(levels: Sequence[tuple[str, str, int, int]]) -> Columns:
    """Return the rows of a `books` record from (token, side, price, size), best level first in each token and side."""
    return {
        "token": np.array([level[0] for level in levels], dtype=object),
        "side": np.array([level[1] for level in levels], dtype=object),
        "price_micro": np.array([level[2] for level in levels], np.int64),
        "size_micro": np.array([level[3] for level in levels], np.int64),
    }
