"""From a law to masses: vectors of SCIENCE 2.4 and invariances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.weather.discretise import Lattice, bracket_mass, cumulative, lattice_of, law_cdf, reading_mass
from agents.weather.law import Law, single
from core.model.event import Bracket, Event
from core.model.rule import Statistic
from core.model.station import ReportPrecision
from core.units import FloatArray, Unit
from tests.agents.weather.worlds import event

INF = float("inf")
NAN = float("nan")


def lattice(found: Event, precision: ReportPrecision = ReportPrecision.TENTHS) -> Lattice:
    return lattice_of([(found, precision)])


def cell(value: float) -> FloatArray:
    return np.array([[value]], np.float64)


def student(location: float, sd: float, df: float) -> Law:
    return single(cell(location), cell(sd), cell(df))


def mass(
    found: Event, location: float, sd: float, *, df: float = 8.0, floor: float = NAN, risk: bool = True,
    precision: ReportPrecision = ReportPrecision.TENTHS,
) -> FloatArray:  # fmt: skip
    own = lattice(found, precision)
    return bracket_mass(own, cumulative(own, student(location, sd, df), cell(floor), source_risk=risk))[0, 0]


FAHRENHEIT = event(lowest=67, n=7)  # <=67, 68-69, 70-71, 72-73, 74-75, 76-77, >=78


def test_a_floor_censors_and_leaves_the_point_where_it_stands() -> None:
    """SCIENCE 2.4: mu 71, sd 1.5, floor 71."""
    found = mass(FAHRENHEIT, 71.0, 1.5, df=INF, floor=71.0, risk=False)

    assert found == pytest.approx([0, 0, 0.630559, 0.321651, 0.046440, 0.001343, 0.000007], abs=5e-7)


def test_without_a_floor_the_edges_lie_between_whole_degrees() -> None:
    """SCIENCE 2.4: mu 72.4, sd 2.2."""
    found = mass(FAHRENHEIT, 72.4, 2.2, df=INF, risk=False)

    assert found == pytest.approx([0.012965, 0.080757, 0.247515, 0.350226, 0.229133, 0.069184, 0.010220], abs=5e-7)


def test_a_ceiling_censors_a_lowest_temperature_from_above() -> None:
    low = event(lowest=67, n=7, statistic=Statistic.MIN_LISTED_REPORT)

    found = mass(low, 71.0, 1.5, df=INF, floor=71.0, risk=False)

    mirrored = mass(FAHRENHEIT, 71.0, 1.5, df=INF, floor=71.0, risk=False)
    assert found[3:].tolist() == [0.0, 0.0, 0.0, 0.0]
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    assert found[1] == pytest.approx(
        float(law_cdf(*map(np.array, (69.5, 71.0, 1.5, INF))) - law_cdf(*map(np.array, (67.5, 71.0, 1.5, INF))))
    )
    assert mirrored[0] == 0.0


def test_a_station_of_whole_celsius_skips_fahrenheit_readings() -> None:
    """SCIENCE 2.4: of 5 to 34 degrees Celsius these thirty readings come, and no others."""
    wide = event(lowest=40, step=2, n=30)
    own = lattice(wide, ReportPrecision.WHOLE)

    readings = [r for r in own.readings[0].tolist() if 41 <= r <= 93]

    expected = "41,43,45,46,48,50,52,54,55,57,59,61,63,64,66,68,70,72,73,75,77,79,81,82,84,86,88,90,91,93"
    assert readings == [int(r) for r in expected.split(",")]
    assert mass(wide, 70.0, 3.0, precision=ReportPrecision.WHOLE).sum() == pytest.approx(1.0, abs=1e-12)


laws = st.tuples(st.floats(55, 90), st.floats(0.2, 12), st.sampled_from([3.0, 8.0, INF]))


@given(laws, st.one_of(st.just(NAN), st.integers(60, 85)))
def test_masses_sum_to_one_and_none_is_negative(law: tuple[float, float, float], floor: float) -> None:
    found = mass(FAHRENHEIT, law[0], law[1], df=law[2], floor=float(floor))

    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    assert (found >= -1e-15).all()


@given(laws)
def test_neighbouring_brackets_add_up(law: tuple[float, float, float]) -> None:
    """SCIENCE 6.2: P(70-71) + P(72-73) = P(70-73)."""
    merged = [
        Bracket(None, 69, "a", "a", "a", "a"), Bracket(70, 73, "b", "b", "b", "b"), Bracket(74, None, "c", "c", "c", "c"),
    ]  # fmt: skip
    wide = replace(FAHRENHEIT, ladder=tuple(merged), event_id="merged")

    split = mass(FAHRENHEIT, law[0], law[1], df=law[2])

    assert split[2] + split[3] == pytest.approx(mass(wide, law[0], law[1], df=law[2])[1], abs=1e-12)


@given(laws, st.integers(-15, 15), st.one_of(st.none(), st.integers(64, 78)))
def test_a_shift_of_everything_changes_nothing(law: tuple[float, float, float], shift: int, floor: int | None) -> None:
    bound = NAN if floor is None else float(floor)
    moved = event("moved", lowest=67 + shift, n=7)

    here = mass(FAHRENHEIT, law[0], law[1], df=law[2], floor=bound)
    there = mass(moved, law[0] + shift, law[1], df=law[2], floor=bound + shift)

    assert there == pytest.approx(here, abs=1e-12)


@given(st.floats(12, 30), st.floats(0.3, 4))
def test_celsius_and_fahrenheit_agree_where_their_edges_do(location: float, sd: float) -> None:
    """An official whole degree Celsius k spans [k - .5, k + .5): in Fahrenheit the same span under the law converted."""
    own = lattice(event("c", lowest=15, step=1, n=11, unit=Unit.CELSIUS, statistic=Statistic.OFFICIAL_MAX))
    edge = own.upper[0][np.isfinite(own.upper[0])]

    celsius = law_cdf(edge, np.array(location), np.array(sd), np.array(8.0))
    fahrenheit = law_cdf(edge * 1.8 + 32, np.array(location * 1.8 + 32), np.array(sd * 1.8), np.array(8.0))

    assert celsius == pytest.approx(fahrenheit, abs=1e-12)


@given(laws, st.integers(62, 80))
def test_a_higher_floor_never_gives_more_to_what_lies_below_it(law: tuple[float, float, float], floor: int) -> None:
    own = lattice(FAHRENHEIT)
    below, above = (cumulative(own, student(*law), cell(f))[0, 0] for f in (floor, floor + 1))

    assert (above <= below + 1e-12).all()
    lower = mass(FAHRENHEIT, *law[:2], df=law[2], floor=float(floor), risk=False)
    higher = mass(FAHRENHEIT, *law[:2], df=law[2], floor=float(floor + 1), risk=False)
    uppers = np.array([b.upper if b.upper is not None else 999 for b in FAHRENHEIT.ladder])
    assert (higher[uppers < floor + 1] <= lower[uppers < floor + 1] + 1e-12).all()


@given(st.integers(66, 80))
def test_certainty_gives_the_one_bracket_and_ignorance_the_tails(at: int) -> None:
    certain = mass(FAHRENHEIT, float(at), 0.0, risk=False)
    ignorant = mass(FAHRENHEIT, 72.0, 1e9, risk=False)

    assert [bool(m) for m in certain] == [b.holds(at) for b in FAHRENHEIT.ladder]
    assert ignorant[[0, -1]] == pytest.approx([0.5, 0.5], abs=1e-6)


def test_the_source_may_print_a_neighbour() -> None:
    """SCIENCE 2.5: a dead NO is never free."""
    found = mass(FAHRENHEIT, 73.0, 0.0)

    assert found == pytest.approx([0, 0, 0, 0.995, 0.005, 0, 0], abs=1e-12)


@pytest.mark.parametrize("df", [3.0, 8.0, 12.0, INF])
def test_the_law_has_the_standard_deviation_that_it_was_given(df: float) -> None:
    edge = np.linspace(-4_000, 4_000, 800_001)
    cdf = law_cdf(edge, np.array(0.0), np.array(2.0), np.array(df))
    middle = (edge[1:] + edge[:-1]) / 2

    assert np.sqrt(np.sum(np.diff(cdf) * np.square(middle))) == pytest.approx(2.0, rel=2e-3)


def test_readings_and_brackets_hold_the_same_mass() -> None:
    own = lattice(FAHRENHEIT)
    summed = cumulative(own, student(71.3, 2.0, 8.0), cell(NAN))

    assert reading_mass(summed).sum() == pytest.approx(1.0, abs=1e-12)
    inside = (own.readings[0] >= 70) & (own.readings[0] <= 71)
    assert reading_mass(summed)[0, 0][inside].sum() == pytest.approx(bracket_mass(own, summed)[0, 0, 2], abs=1e-12)


def test_no_law_is_no_mass() -> None:
    assert np.isnan(mass(FAHRENHEIT, NAN, NAN)).all()


def beyond(found: Event, location: float, floor: float, loose: float) -> FloatArray:
    own = lattice(found)
    return bracket_mass(own, cumulative(own, student(location, 1.0, 8.0), cell(floor), cell(loose), source_risk=False))[0, 0]


def test_an_official_maximum_may_lie_above_its_reports() -> None:
    """The day is over at 75 by the reports: 75 in 38 % of such days, one more in 50, two in 10, three in 1 (FACTS I.5)."""
    found = event(lowest=72, step=1, statistic=Statistic.OFFICIAL_MAX)

    masses = beyond(found, 60.0, 75.0, 75.0)

    assert masses[3:7] == pytest.approx([0.383, 0.503, 0.102, 0.012], abs=1e-6)
    assert masses.sum() == pytest.approx(1.0)


def test_an_official_minimum_may_lie_below_its_reports() -> None:
    found = event(lowest=70, step=1, statistic=Statistic.OFFICIAL_MIN)

    masses = beyond(found, 90.0, 75.0, 75.0)

    assert masses[5:1:-1] == pytest.approx([0.383, 0.503, 0.102, 0.012], abs=1e-6)


def test_a_group_above_the_reports_leaves_less_unseen() -> None:
    """The group says 76; of the reports outside it 75 is the highest: one degree more changes nothing."""
    found = event(lowest=72, step=1, statistic=Statistic.OFFICIAL_MAX)

    masses = beyond(found, 60.0, 76.0, 75.0)

    assert masses[3:7] == pytest.approx([0.0, 0.886, 0.102, 0.012], abs=1e-6)


def test_where_no_report_stands_alone_nothing_is_added() -> None:
    found = event(lowest=72, step=1, statistic=Statistic.OFFICIAL_MAX)

    assert beyond(found, 74.0, 75.0, NAN) == pytest.approx(mass(found, 74.0, 1.0, floor=75.0, risk=False), abs=1e-12)


@pytest.mark.parametrize("statistic", [Statistic.MAX_LISTED_REPORT, Statistic.MIN_LISTED_REPORT])
def test_a_doubt_about_another_look_changes_no_bit_of_this_one(statistic: Statistic) -> None:
    """A spike at one instant of a day makes the factor an array: of all other looks it is one."""
    grid = lattice(event(statistic=statistic))
    law, floor = single(*(np.full((1, 1), each) for each in (78.3, 1.7, 8.0))), np.full((1, 1), np.nan)

    alone = cumulative(grid, law, floor)
    beside = cumulative(grid, law, floor, soft=np.ones((1, 1, grid.readings.shape[-1])))

    assert alone.tobytes() == beside.tobytes()
