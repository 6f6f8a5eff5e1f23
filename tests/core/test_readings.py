"""Rounding chains by brute force."""

from __future__ import annotations

import itertools
from decimal import ROUND_FLOOR, Decimal

import numpy as np
import pytest

from core.model.rule import Precision, Rounding, Statistic
from core.model.station import ReportPrecision
from core.readings import (
    attainable,
    celsius_from_tenths,
    edges,
    fahrenheit_from_tenths,
    reading_of,
    tenths_from_fahrenheit,
)
from core.units import MISSING, Unit
from tests.core.rules import a_rule

TENTHS, WHOLE = ReportPrecision.TENTHS, ReportPrecision.WHOLE
CELSIUS_RULE = a_rule(unit=Unit.CELSIUS)


def half_up(value: Decimal) -> int:
    """Round the way of a school book, written without any code of the house."""
    return int((value + Decimal("0.5")).to_integral_value(ROUND_FLOOR))


def test_a_t_group_gives_back_every_whole_fahrenheit_reading() -> None:
    """SCIENCE 2.4: zero failures and no collisions from -80 to 140 F."""
    readings = np.arange(-80, 141)
    encoded = [half_up((Decimal(int(f)) - 32) / Decimal("1.8") * 10) for f in readings]

    assert fahrenheit_from_tenths(np.array(encoded)).tolist() == readings.tolist()
    assert len(set(encoded)) == len(readings)
    assert tenths_from_fahrenheit(readings).tolist() == encoded


def test_every_tenth_rounds_half_up_toward_warmer_in_both_units() -> None:
    tenths = np.arange(-700, 701)

    assert fahrenheit_from_tenths(tenths).tolist() == [half_up(Decimal(int(t)) / 10 * Decimal("1.8") + 32) for t in tenths]
    assert celsius_from_tenths(tenths).tolist() == [half_up(Decimal(int(t)) / 10) for t in tenths]


@pytest.mark.parametrize(("tenths", "celsius"), [(-5, 0), (-15, -1), (-16, -2), (-4, 0), (5, 1), (4, 0), (-25, -2), (25, 3)])
def test_halves_go_toward_warmer_below_zero_too(tenths: int, celsius: int) -> None:
    assert celsius_from_tenths(np.array(tenths)) == celsius


@pytest.mark.parametrize(
    ("tenths", "fahrenheit"), [(217, 71), (222, 72), (278, 82)]
)  # SCIENCE 2.4 T02170111 and 10222; FACTS I.9 KLGA T0278
def test_known_t_groups(tenths: int, fahrenheit: int) -> None:
    assert fahrenheit_from_tenths(np.array(tenths)) == fahrenheit


def test_each_unit_is_converted_from_tenths_and_never_one_from_the_other() -> None:
    """FACTS I.9, KORD 2026-06-09: 30.6 C is 31 C and 87 F; 31 C would be 88 F."""
    tenths = np.array([306])

    assert reading_of(tenths, CELSIUS_RULE).tolist() == [31]
    assert reading_of(tenths, a_rule()).tolist() == [87]
    assert reading_of(tenths, a_rule(), WHOLE).tolist() == [88]


def test_a_missing_temperature_stays_missing_through_every_chain() -> None:
    nothing = np.array([MISSING, 0])

    for rule, precision in itertools.product(
        [a_rule(), CELSIUS_RULE, a_rule(unit=Unit.CELSIUS, rounding=Rounding.FLOOR, precision=Precision.TENTH)], [TENTHS, WHOLE]
    ):
        assert reading_of(nothing, rule, precision)[0] == MISSING


def test_an_observatory_that_floors_takes_tenths_to_the_degree_they_belong_to() -> None:
    """FACTS I.1: Hong Kong, k = k.0 to k.9; the low of 2026-08-16 of 28.x settled 28."""
    rule = a_rule(Statistic.DAILY_EXTRACT, Unit.CELSIUS, rounding=Rounding.FLOOR, precision=Precision.TENTH)

    assert reading_of(np.array([280, 289, 290, -1, -10, -11]), rule).tolist() == [28, 28, 29, -1, -1, -2]


def test_whole_degrees_reach_only_some_fahrenheit_readings() -> None:
    """SCIENCE 2.4: attainable between 5 and 34 C."""
    expected = [41, 43, 45, 46, 48, 50, 52, 54, 55, 57, 59, 61, 63, 64, 66, 68, 70, 72, 73, 75, 77, 79, 81, 82, 84, 86, 88, 90]

    assert attainable(a_rule(), WHOLE, 41, 93).tolist() == [*expected, 91, 93]
    assert attainable(a_rule(), TENTHS, 41, 93).tolist() == list(range(41, 94))
    assert attainable(CELSIUS_RULE, WHOLE, -5, 5).tolist() == list(range(-5, 6))
    assert attainable(CELSIUS_RULE, TENTHS, -40, 50).tolist() == list(range(-40, 51))


def test_an_official_statistic_reaches_every_reading_whatever_the_reports_resolve() -> None:
    assert attainable(a_rule(Statistic.OFFICIAL_MAX), WHOLE, 41, 50).tolist() == list(range(41, 51))


def test_showing_whole_celsius_in_fahrenheit_is_wrong_for_two_readings_in_five() -> None:
    """SCIENCE 6.2: 44.1 % on -40..120 F."""
    readings = np.arange(-40, 121)
    shown = reading_of(tenths_from_fahrenheit(readings), a_rule(), WHOLE)

    assert (shown != readings).mean() == pytest.approx(0.441, abs=0.001)
    assert np.abs(shown - readings).max() == 1


CHAINS = {
    "listed F, tenths": (a_rule(), TENTHS),
    "listed F, whole C": (a_rule(), WHOLE),
    "listed C, whole C": (CELSIUS_RULE, WHOLE),
    "listed C, tenths": (CELSIUS_RULE, TENTHS),
    "official F": (a_rule(Statistic.OFFICIAL_MAX), TENTHS),
    "extract, tenths floored": (
        a_rule(Statistic.DAILY_EXTRACT, Unit.CELSIUS, rounding=Rounding.FLOOR, precision=Precision.TENTH),
        TENTHS,
    ),
}


def settle(celsius: Decimal, name: str) -> int:
    """Walk a true temperature through sensor, report and source by hand."""
    fahrenheit = celsius * Decimal("1.8") + 32
    if name == "listed F, tenths" or name == "official F":
        return half_up(fahrenheit)
    if name == "listed F, whole C":
        return half_up(Decimal(half_up(celsius)) * Decimal("1.8") + 32)
    if name == "listed C, whole C":
        return half_up(celsius)
    if name == "listed C, tenths":
        tenth = half_up((Decimal(half_up(fahrenheit)) - 32) / Decimal("1.8") * 10)
        return half_up(Decimal(tenth) / 10)
    return int((Decimal(half_up(celsius * 10)) / 10).to_integral_value(ROUND_FLOOR))


@pytest.mark.parametrize("name", CHAINS)
def test_edges_hold_exactly_the_temperatures_that_settle_as_each_reading(name: str) -> None:
    rule, precision = CHAINS[name]
    readings = attainable(rule, precision, -30, 110)
    lower, upper = edges(rule, precision, readings)
    steps = [Decimal(n) / 1000 + Decimal("0.0003") for n in range(-25_000, 40_000, 37)]

    for celsius in steps:
        shown = float(celsius * Decimal("1.8") + 32) if rule.unit is Unit.FAHRENHEIT else float(celsius)
        inside = readings[(lower <= shown) & (shown < upper)]
        assert inside.tolist() == [settle(celsius, name)], celsius


@pytest.mark.parametrize("name", CHAINS)
def test_edges_of_neighbours_touch_to_the_bit(name: str) -> None:
    rule, precision = CHAINS[name]
    readings = attainable(rule, precision, -60, 130)
    lower, upper = edges(rule, precision, readings)

    assert (upper[:-1] == lower[1:]).all()
    assert (np.diff(readings) > 0).all()


def test_a_reading_has_the_same_edges_alone_or_in_company() -> None:
    rule, precision = CHAINS["listed F, whole C"]
    readings = attainable(rule, precision, -60, 130)
    together = np.stack(edges(rule, precision, readings))
    alone = np.stack([np.stack(edges(rule, precision, reading)) for reading in readings], axis=1)

    assert together.tobytes() == alone.tobytes()
