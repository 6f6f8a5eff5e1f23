"""What it is like at a station now: its newest METAR."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from core.model.record import Kind
from core.model.station import ReportPrecision, Station
from core.services.shelves import Shelves
from core.store.archive import View
from core.units import MISSING, instant

REPORTED_WITHIN = timedelta(hours=6)  # an older METAR is not what it is like now


@dataclass(frozen=True, slots=True)
class Report:
    """The newest METAR of a station."""

    at: datetime
    received_at: datetime
    age_seconds: float  # since it was observed
    celsius: float
    precision: str  # "tenths" or "whole"
    raw: str


def reports_of(shelves: Shelves, codes: Iterable[str], now: datetime) -> Mapping[str, Report]:
    """Return the newest METAR of some stations."""
    archive, stations = shelves.archive(), shelves.stations()
    view = archive.as_of([now]) if archive else None
    found = {code: _newest_report(view, stations[code], now) for code in codes if code in stations}
    return {code: report for code, report in found.items() if report is not None}


def _newest_report(view: View | None, station: Station, now: datetime) -> Report | None:
    """Return the newest report that carries a temperature; a correction stands for what it corrects."""
    stack = view.stack(Kind.METAR, station.code, now - REPORTED_WITHIN) if view else None
    if stack is None or not len(stack):
        return None
    for index in range(len(stack) - 1, -1, -1):
        rows = stack.rows(index)
        known = np.flatnonzero(rows["tenths"] != MISSING)
        if len(known):
            order = np.lexsort((known, rows["corrected"][known], rows["valid_at"][known]))
            row = int(known[order[-1]])
            at = instant(int(rows["valid_at"][row]))
            return Report(
                at, instant(int(stack.received_at[index])), max(0.0, (now - at).total_seconds()),
                int(rows["tenths"][row]) / 10.0,
                str(station.report_precision if not rows["exact"][row] else ReportPrecision.TENTHS), str(rows["raw"][row]),
            )  # fmt: skip
    return None
