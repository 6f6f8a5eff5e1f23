"""Chains of named steps against the closed forms, over every tenth of a degree."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.stats import norm

import core.readings
from core.model.rule import Precision, Rounding, SettlementRule, Statistic
from core.model.station import ReportPrecision
from core.readings import attainable, edges, reading_of, tenths_from_fahrenheit
from core.readings.chain import STEPS, Chain, chain_of, follow, listed_steps
from core.units import MISSING, FloatArray, IntArray, Unit
from tests.core.rules import a_rule
from tests.flipped import Check, unnoticed

TENTHS, WHOLE = ReportPrecision.TENTHS, ReportPrecision.WHOLE
MORE = {"unit": Unit.CELSIUS, "rounding": Rounding.FLOOR}
Case = tuple[SettlementRule, ReportPrecision]
CASES: dict[str, Case] = {
    "American airport, Fahrenheit": (a_rule(), TENTHS),
    "American airport, Celsius": (a_rule(unit=Unit.CELSIUS), TENTHS),
    "whole Celsius, Fahrenheit": (a_rule(), WHOLE),
    "whole Celsius, Celsius": (a_rule(unit=Unit.CELSIUS), WHOLE),
    "climate report": (a_rule(Statistic.OFFICIAL_MAX), TENTHS),
    "climate report of a station of whole degrees": (a_rule(Statistic.OFFICIAL_MIN), WHOLE),
    "extract of tenths": (a_rule(Statistic.DAILY_EXTRACT, **MORE, precision=Precision.TENTH), TENTHS),  # type: ignore[arg-type]
    "extract, floored": (a_rule(Statistic.DAILY_EXTRACT_MIN, **MORE), TENTHS),  # type: ignore[arg-type]
}
COLDEST, WARMEST = -80, 140  # F


def every_tenth(sensor: Unit) -> IntArray:
    """Return true temperatures [thousandths of the sensor's degree]: each tenth from -80 to 140 F and a little each side of it."""
    low, high = (COLDEST, WARMEST) if sensor is Unit.FAHRENHEIT else (-62, 60)
    tenths = np.arange(low * 10, high * 10 + 1) * 100
    return np.sort(np.concatenate([tenths - 1, tenths, tenths + 1]))


def shown_in(unit: Unit, chain: Chain, thousandths: IntArray) -> FloatArray:
    degrees = thousandths / 1000.0
    if chain.sensor is unit:
        return degrees
    return degrees * 1.8 + 32.0 if unit is Unit.FAHRENHEIT else (degrees - 32.0) / 1.8


@pytest.mark.parametrize("name", CASES)
def test_edges_are_those_of_the_chain(name: str) -> None:
    rule, precision = CASES[name]
    chain = chain_of(rule, precision)
    thousandths = every_tenth(chain.sensor)

    settled = chain.settle(thousandths)

    lower, upper = edges(rule, precision, settled)
    true = shown_in(rule.unit, chain, thousandths)
    assert (lower <= true + 1e-9).all()
    assert (true < upper + 1e-9).all()
    exact = thousandths % 500 != 0  # off the half degree a rounding error of the unit's conversion decides nothing
    assert (lower[exact] <= true[exact]).all()
    assert (true[exact] < upper[exact]).all()


@pytest.mark.parametrize("name", CASES)
def test_attainable_is_what_the_chain_puts_out(name: str) -> None:
    rule, precision = CASES[name]
    chain = chain_of(rule, precision)
    settled = np.unique(chain.settle(every_tenth(chain.sensor)))
    inner = settled[2:-2]

    assert attainable(rule, precision, int(inner[0]), int(inner[-1])).tolist() == inner.tolist()


@pytest.mark.parametrize("name", CASES)
def test_a_chain_never_falls_as_it_gets_warmer(name: str) -> None:
    chain = chain_of(*CASES[name])

    assert (np.diff(chain.settle(every_tenth(chain.sensor))) >= 0).all()


@pytest.mark.parametrize("name", CASES)
def test_a_reading_is_its_chain_from_the_listed_tenths(name: str) -> None:
    rule, precision = CASES[name]
    tenths = np.array([MISSING, *range(-620, 601)])

    assert reading_of(tenths, rule, precision).tolist() == follow(listed_steps(rule, precision), tenths).tolist()
    assert reading_of(tenths, rule, precision)[0] == MISSING


def test_an_american_chain_is_the_sensor_and_the_steps_after_the_report() -> None:
    for rule, precision in (CASES["American airport, Fahrenheit"], CASES["American airport, Celsius"]):
        assert chain_of(rule, precision).steps == ("mean2min_F_int", "F_to_C10", *listed_steps(rule, precision))


def test_the_t_group_loses_nothing() -> None:
    """SCIENCE 2.4: from -80 to 140 F no failure and no collision."""
    readings = np.arange(COLDEST, WARMEST + 1)
    listed = follow(["F_to_C10"], readings)

    assert follow(["C10_to_F_int"], listed).tolist() == readings.tolist()
    assert len(set(listed.tolist())) == len(readings)
    assert listed.tolist() == tenths_from_fahrenheit(readings).tolist()


def test_the_body_loses_a_degree_of_two_readings_in_five() -> None:
    """SCIENCE 6.2: 44.1 % of -40 to 120 F, never more than a degree."""
    readings = np.arange(-40, 121)
    shown = follow(["F_to_C10", "C_int", "C_to_F_int"], readings)

    assert 100 * (shown != readings).mean() == pytest.approx(44.1, abs=0.05)
    assert np.abs(shown - readings).max() == 1


@pytest.mark.parametrize(("whole", "readings"), [(20, {68}), (21, {69, 70}), (22, {71, 72}), (25, {77}), (26, {78, 79})])
def test_which_readings_a_body_hides(whole: int, readings: set[int]) -> None:
    """SCIENCE 2.4."""
    every = np.arange(COLDEST, WARMEST + 1)

    assert set(every[follow(["F_to_C10", "C_int"], every) == whole].tolist()) == readings


@pytest.mark.parametrize(("step", "value", "warmer"), [
    ("mean2min_F_int", -500, 0), ("mean2min_F_int", -1500, -1), ("mean2min_C_int", -2500, -2), ("mean2min_C10", -50, 0),
    ("mean2min_C10", -150, -1), ("C_int", -5, 0), ("C_int", -15, -1), ("C10_to_F_int", -175, 1), ("C_to_F_int", -5, 23),
])  # fmt: skip
def test_halves_go_toward_warmer_below_zero(step: str, value: int, warmer: int) -> None:
    assert int(STEPS[step](np.array(value))) == warmer


def test_floors_go_down_below_zero() -> None:
    assert STEPS["C10_floor"](np.array([289, 280, -1, -10, -11])).tolist() == [28, 28, -1, -1, -2]
    assert STEPS["floor"](np.array([28_999, -1, -1_000, -1_001])).tolist() == [28, -1, -1, -2]


def test_mass_of_whole_degrees_is_pushed_forward_to_fahrenheit() -> None:
    """SCIENCE 2.4: bracket mass of a station of whole Celsius, counted in Celsius, goes where each degree is shown."""
    rule, precision = CASES["whole Celsius, Fahrenheit"]
    whole = np.arange(-5, 46)
    mass = norm.cdf(whole + 0.5, 21.3, 2.7) - norm.cdf(whole - 0.5, 21.3, 2.7)
    pushed: dict[int, float] = {}
    for reading, part in zip(follow(["C_to_F_int"], whole).tolist(), mass.tolist(), strict=True):
        pushed[reading] = pushed.get(reading, 0.0) + part

    readings = attainable(rule, precision, min(pushed), max(pushed))
    lower, upper = edges(rule, precision, readings)
    direct = norm.cdf(upper, 21.3 * 1.8 + 32, 2.7 * 1.8) - norm.cdf(lower, 21.3 * 1.8 + 32, 2.7 * 1.8)

    assert readings.tolist() == sorted(pushed)
    assert direct == pytest.approx([pushed[reading] for reading in readings.tolist()], abs=1e-12)
    assert sum(pushed.values()) == pytest.approx(1.0, abs=1e-9)


def check_chain(module: ModuleType) -> None:
    readings = np.arange(COLDEST, WARMEST + 1)
    assert (np.abs(18 * module.tenths_from_fahrenheit(readings) - 100 * (readings - 32)) <= 9).all()  # the nearest tenth
    for rule, precision in CASES.values():
        chain = module.chain_of(rule, precision)
        thousandths = every_tenth(chain.sensor)[::7]
        settled = chain.settle(thousandths)
        lower, upper = edges(rule, precision, settled)
        true = shown_in(rule.unit, chain, thousandths)
        assert (lower <= true + 1e-9).all()
        assert (true < upper + 1e-9).all()
        tenths = np.arange(-620, 601)
        assert (
            module.follow(module.listed_steps(rule, precision), tenths).tolist() == reading_of(tenths, rule, precision).tolist()
        )


def check_edges(module: ModuleType) -> None:
    for rule, precision in CASES.values():
        chain = chain_of(rule, precision)
        thousandths = every_tenth(chain.sensor)
        settled = chain.settle(thousandths)
        lower, upper = module.edges(rule, precision, settled)
        true = shown_in(rule.unit, chain, thousandths)
        assert (lower <= true + 1e-9).all()
        assert (true < upper + 1e-9).all()
        inner = np.unique(settled)[2:-2]
        assert module.attainable(rule, precision, int(inner[0]), int(inner[-1])).tolist() == inner.tolist()


@pytest.mark.parametrize(("module", "check"), [("chain", check_chain), ("rounding", check_edges)])
def test_each_is_the_other_s_oracle(module: str, check: Check) -> None:
    """A sign flipped in one is noticed by the other."""
    assert unnoticed(Path(core.readings.__file__).parent / f"{module}.py", [check]) == []
