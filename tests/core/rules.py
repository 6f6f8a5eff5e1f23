"""Rules, stations and reports to test with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from core.model.rule import DayWindow, Precision, Rounding, SettlementRule, Statistic
from core.units import MISSING, Columns, InstantArray, Unit, micros


def a_rule(
    statistic: Statistic = Statistic.MAX_LISTED_REPORT,
    unit: Unit = Unit.FAHRENHEIT,
    *,
    rounding: Rounding = Rounding.HALF_UP,
    precision: Precision = Precision.WHOLE,
    window: DayWindow = DayWindow.CIVIL,
) -> SettlementRule:
    """Return a rule of which only what the readings look at matters."""
    return SettlementRule(
        station="KLGA", source="wunderground", source_url="", statistic=statistic, unit=unit, precision=precision,
        rounding=rounding, window=window, revision_cutoff="", fallback_source="", no_data="", text="", sha256="",
    )  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One row of a `metar` record."""

    valid_at: datetime
    tenths: int
    received_at: datetime
    report: str = "METAR"
    corrected: bool = False
    exact: bool = True
    max6: int = MISSING
    min6: int = MISSING
    max24: int = MISSING
    min24: int = MISSING


def columns_of(lines: list[Line]) -> tuple[Columns, InstantArray]:
    """Return the columns of docs/records.md and the instant of receipt of every row."""
    columns: Columns = {
        "valid_at": np.array([micros(line.valid_at) for line in lines], np.int64),
        "report": np.array([line.report for line in lines], dtype=object),
        "corrected": np.array([line.corrected for line in lines], bool),
        "exact": np.array([line.exact for line in lines], bool),
    }
    for name in ("tenths", "max6", "min6", "max24", "min24"):
        columns[name] = np.array([getattr(line, name) for line in lines], np.int64)
    return columns, np.array([micros(line.received_at) for line in lines], np.int64)
