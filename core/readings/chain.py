"""Chains of rounding as named steps: from what a sensor feels to the integer that settles.

American airports: sensor, mean of two minutes as a whole degree Fahrenheit, tenths of a degree Celsius in the T-group, whole
degrees Celsius in the body. Elsewhere: whole degrees Celsius. The source then shows either in the rule's unit.
Source: SCIENCE 2.4, FACTS I.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.model.rule import Precision, Rounding, SettlementRule, Statistic
from core.model.station import ReportPrecision
from core.units import MISSING, IntArray, Unit

OFFICIAL = frozenset({Statistic.OFFICIAL_MAX, Statistic.OFFICIAL_MIN})
EXTRACT = frozenset({Statistic.DAILY_EXTRACT, Statistic.DAILY_EXTRACT_MIN})


def fahrenheit_from_tenths(tenths: IntArray) -> IntArray:
    """Return whole degrees Fahrenheit of tenths of a degree Celsius, exactly, halves toward warmer.

    Of a T-group this recovers the integer that the sensor printed. MISSING stays MISSING.
    """
    return _known(tenths, lambda known: (18 * known + 3250) // 100)


def celsius_from_tenths(tenths: IntArray) -> IntArray:
    """Return whole degrees Celsius of tenths, halves toward warmer, also below zero. MISSING stays MISSING."""
    return _known(tenths, lambda known: (known + 5) // 10)


def tenths_from_fahrenheit(degrees: IntArray) -> IntArray:
    """Return the T-group [tenths of a degree Celsius] in which a station encodes a whole Fahrenheit reading."""
    return (np.asarray(degrees, np.int64) * 100 - 3200 + 9) // 18


def _known(values: IntArray, step: Callable[[IntArray], IntArray]) -> IntArray:
    values = np.asarray(values, np.int64)
    return np.where(values == MISSING, MISSING, step(values))


# Each step takes and gives integers; the first of a chain takes thousandths of a degree of the sensor's own unit.
STEPS: Mapping[str, Callable[[IntArray], IntArray]] = {
    "mean2min_F_int": lambda thousandths: (np.asarray(thousandths, np.int64) + 500) // 1000,
    "mean2min_C_int": lambda thousandths: (np.asarray(thousandths, np.int64) + 500) // 1000,
    "mean2min_C10": lambda thousandths: (np.asarray(thousandths, np.int64) + 50) // 100,
    "floor": lambda thousandths: np.asarray(thousandths, np.int64) // 1000,
    "F_to_C10": tenths_from_fahrenheit,
    "C10_to_F_int": fahrenheit_from_tenths,
    "C_int": celsius_from_tenths,
    "C_to_F_int": lambda degrees: _known(degrees, lambda known: (18 * known + 325) // 10),
    "C10_floor": lambda tenths: _known(tenths, lambda known: known // 10),
    "as_printed": lambda readings: np.asarray(readings, np.int64),
}


@dataclass(frozen=True, slots=True)
class Chain:
    """How a true temperature becomes a reading."""

    sensor: Unit  # whose thousandths the first step takes
    steps: tuple[str, ...]

    def settle(self, thousandths: IntArray) -> IntArray:
        """Return the readings of true temperatures [thousandths of the sensor's degree], any shape."""
        return follow(self.steps, thousandths)


def follow(steps: Sequence[str], values: IntArray) -> IntArray:
    """Return what the named steps make of integers, one after the other."""
    for step in steps:
        values = STEPS[step](values)
    return values


def chain_of(rule: SettlementRule, precision: ReportPrecision) -> Chain:
    """Return the chain of a rule at a station whose reports resolve so much.

    A climate report and an observatory's table print their own number: no report stands between.
    """
    if rule.rounding is Rounding.FLOOR:
        tenths = rule.precision is Precision.TENTH
        return Chain(rule.unit, ("mean2min_C10", "C10_floor") if tenths else ("floor",))
    if rule.statistic in OFFICIAL | EXTRACT:
        return Chain(rule.unit, ("mean2min_F_int" if rule.unit is Unit.FAHRENHEIT else "mean2min_C_int", "as_printed"))
    if precision is ReportPrecision.WHOLE:
        return Chain(Unit.CELSIUS, ("mean2min_C_int", "as_printed" if rule.unit is Unit.CELSIUS else "C_to_F_int"))
    return Chain(Unit.FAHRENHEIT, ("mean2min_F_int", "F_to_C10", *listed_steps(rule, precision)))


def listed_steps(rule: SettlementRule, precision: ReportPrecision) -> tuple[str, ...]:
    """Return the steps from listed tenths of a degree Celsius to the reading."""
    if rule.unit is Unit.FAHRENHEIT:
        whole = precision is ReportPrecision.WHOLE and rule.rounding is not Rounding.FLOOR
        return ("C_int", "C_to_F_int") if whole else ("C10_to_F_int",)
    return ("C10_floor",) if rule.rounding is Rounding.FLOOR else ("C_int",)
