"""Chains of rounding: from tenths of a degree to the reading that settles, and back to the span that settles as it."""

from __future__ import annotations

import numpy as np

from core.model.rule import Precision, Rounding, SettlementRule
from core.model.station import ReportPrecision
from core.readings.chain import (
    EXTRACT,
    OFFICIAL,
    celsius_from_tenths,
    fahrenheit_from_tenths,
    follow,
    listed_steps,
    tenths_from_fahrenheit,
)
from core.units import FloatArray, IntArray, Unit, fahrenheit
from core.units import celsius as celsius_of

__all__ = [
    "EXTRACT",
    "OFFICIAL",
    "attainable",
    "celsius_from_tenths",
    "edges",
    "fahrenheit_from_tenths",
    "reading_of",
    "tenths_from_fahrenheit",
]


def reading_of(tenths: IntArray, rule: SettlementRule, precision: ReportPrecision = ReportPrecision.TENTHS) -> IntArray:
    """Return the settlement reading of listed temperatures, by the rule's chain of roundings.

    Args:
        tenths: listed temperatures [0.1 degree Celsius], any shape; MISSING stays MISSING.
        rule: unit and rounding.
        precision: what the station's reports resolve; a whole-degree station is rounded in Celsius first.

    Returns:
        Readings in the rule's unit, shape of `tenths`.

    Source: FACTS I.5: each unit is converted from tenths; never Celsius to Fahrenheit where tenths are known.
    """
    return follow(listed_steps(rule, precision), np.asarray(tenths, np.int64))


def attainable(rule: SettlementRule, precision: ReportPrecision, low: int, high: int) -> IntArray:
    """Return, ascending, the readings from `low` to `high` (both included) that can settle at all.

    A station that reports whole degrees Celsius skips about every second Fahrenheit integer.
    """
    readings = np.arange(low, high + 1, dtype=np.int64)
    lower, upper = edges(rule, precision, readings)
    return readings[upper > lower]


def edges(rule: SettlementRule, precision: ReportPrecision, readings: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the span [lower, upper) of true temperatures that settles as each reading.

    Args:
        rule: unit, rounding and statistic.
        precision: what the station's reports resolve.
        readings: settlement integers, any shape.

    Returns:
        Lower and upper edges in the rule's unit, shape of `readings`; an unattainable reading has an empty span.
        The upper edge of a reading is the lower edge of the next, to the bit.

    Source: SCIENCE 2.4: P(L <= Y <= U) = G(upper(U)) - G(lower(L)).
    """
    readings = np.asarray(readings, np.int64)
    return _lower_edge(rule, precision, readings), _lower_edge(rule, precision, readings + 1)


def _floors(rule: SettlementRule) -> bool:
    return rule.rounding is Rounding.FLOOR


def _lower_edge(rule: SettlementRule, precision: ReportPrecision, reading: IntArray) -> FloatArray:
    """Return the least true temperature that settles as `reading` or more."""
    if _floors(rule):
        # The table prints rounded tenths.
        return reading.astype(np.float64) - (0.05 if rule.precision is Precision.TENTH else 0.0)
    whole = precision is ReportPrecision.WHOLE
    if rule.statistic in OFFICIAL | EXTRACT or (rule.unit is Unit.FAHRENHEIT) is not whole:
        return reading.astype(np.float64) - 0.5
    if whole:  # Celsius integers shown in Fahrenheit: the least one that shows `reading` or more
        celsius = -((3250 - 100 * reading) // 180)
        return fahrenheit(celsius.astype(np.float64) - 0.5)
    # Fahrenheit integers shown in Celsius, through the tenths of a T-group
    degrees = -((-180 * reading - 3101) // 100)
    return celsius_of(degrees.astype(np.float64) - 0.5)
