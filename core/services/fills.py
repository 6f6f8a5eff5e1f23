"""What came of orders that were left to rest: how often they were filled, and how often their decisions said they would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import orjson

from core.metrics.edges import FillStep, fill_calibration
from core.metrics.trading import wilson_lower_bound, wilson_upper_bound
from core.model.decision import STATED_FILL
from core.model.orders import FINAL, Status
from core.services.journal_rows import JournalRows, Row
from core.services.values import number
from core.units import micros

LOOK_BACK = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Resting:
    """Resting orders whose life is over, of the last 60 days; `steps` over the `stated` that named a probability."""

    n: int = 0
    filled: float | None = None  # share of which anything was filled
    low: float | None = None  # Wilson, 95 %
    high: float | None = None
    filled_shares: float | None = None  # part of what they asked for
    stated: int = 0
    steps: tuple[FillStep, ...] = ()
    reason: str = "no order was left to rest"


def resting(journal: JournalRows, desk: str | None, now: datetime) -> Resting:
    """Return what came of resting orders."""
    since = micros(now - LOOK_BACK) // 3_600_000_000 * 3_600_000_000
    rows = [
        row
        for name in journal.desks()
        if desk in (None, name)
        for row in journal.keep(("rested", name, since), lambda name=name: journal.rested_after(name, since))  # type: ignore[misc]
        if Status(row["status"]) in FINAL
    ]
    return _resting(rows) if rows else Resting()


def _resting(rows: list[Row]) -> Resting:
    hits = np.array([row["filled_micro"] > 0 for row in rows], np.bool_)
    stated = np.array([_stated(row) for row in rows], np.float64)
    said = np.isfinite(stated)
    n, filled = len(rows), int(hits.sum())
    asked = sum(abs(row["size_micro"]) for row in rows)
    return Resting(
        n, filled / n, wilson_lower_bound(filled, n), wilson_upper_bound(filled, n),
        sum(row["filled_micro"] for row in rows) / asked if asked else None, int(said.sum()),
        fill_calibration(stated[said], hits[said]), "" if said.any() else "no decision states how likely a fill is",
    )  # fmt: skip


def _stated(row: Row) -> float:
    told: Mapping[str, Any] = orjson.loads(row["belief"] or "{}")
    found = number(told.get(STATED_FILL))
    return float("nan") if found is None else found
