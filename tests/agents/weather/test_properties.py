"""What holds of every law and ladder, whatever they are: SCIENCE 6.2, and the vectors of 1.4 and 2.5."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.weather.discretise import Lattice, bracket_mass, cumulative, lattice_of, law_cdf, mixture_cdf, reading_mass
from agents.weather.law import Law, single
from agents.weather.models.residual import filter_rows
from core.model.event import Bracket, Event
from core.model.rule import Statistic
from core.model.station import ReportPrecision
from core.units import FloatArray, Unit
from tests.agents.weather.worlds import event
from tests.bench.bench_laws import N_EVENTS, lattice, laws, masses, same_bits

INF, NAN = float("inf"), float("nan")
FAHRENHEIT = event(lowest=67, n=7)  # <=67, 68-69, 70-71, 72-73, 74-75, 76-77, >=78
COLD = event(lowest=67, n=7, statistic=Statistic.MIN_LISTED_REPORT)

component = st.tuples(st.floats(0.05, 1.0), st.floats(55, 90), st.floats(0.2, 12), st.sampled_from([3.0, 8.0, INF]))
mixtures = st.lists(component, min_size=1, max_size=5)
floors = st.one_of(st.just(NAN), st.integers(58, 88).map(float))
ladders = st.sampled_from([FAHRENHEIT, COLD])


def law_of(components: list[tuple[float, float, float, float]]) -> Law:
    weight, location, sd, df = (np.array([[part]]) for part in zip(*components, strict=True))
    return Law(weight / weight.sum(), location, sd, df)


def lattice_for(found: Event, precision: ReportPrecision = ReportPrecision.TENTHS) -> Lattice:
    return lattice_of([(found, precision)])


def summed(found: Event, law: Law, floor: float = NAN, *, risk: bool = True) -> FloatArray:
    return cumulative(lattice_for(found), law, np.array([[floor]]), source_risk=risk)


def mass(found: Event, law: Law, floor: float = NAN, *, risk: bool = True) -> FloatArray:
    return bracket_mass(lattice_for(found), summed(found, law, floor, risk=risk))[0, 0]


def moved(law: Law, shift: float = 0.0, factor: float = 1.0) -> Law:
    return Law(law.weight, factor * law.location + shift, factor * law.sd, law.df)


@given(ladders, mixtures.map(law_of), floors)
def test_masses_sum_to_one_and_none_is_negative(found: Event, law: Law, floor: float) -> None:
    each = mass(found, law, floor)

    assert each.sum() == pytest.approx(1.0, abs=1e-12)
    assert (each >= -1e-15).all()


@given(ladders, mixtures.map(law_of), floors)
def test_the_sum_over_readings_never_falls_and_ends_at_one(found: Event, law: Law, floor: float) -> None:
    below = summed(found, law, floor)[0, 0]

    assert (np.diff(below) >= -1e-15).all()
    assert (below[0], below[-1]) == (0.0, 1.0)
    assert reading_mass(below[None, None]).sum() == pytest.approx(1.0, abs=1e-12)


@given(mixtures.map(law_of), floors)
def test_brackets_that_are_merged_have_the_mass_of_both(law: Law, floor: float) -> None:
    """P(70-71) + P(72-73) = P(70-73)."""
    ladder = FAHRENHEIT.ladder
    both = Bracket(70, 73, "b", "b", "b", "b")
    wide = replace(FAHRENHEIT, event_id="wide", ladder=(*ladder[:2], both, *ladder[4:]))

    assert mass(wide, law, floor)[2] == pytest.approx(mass(FAHRENHEIT, law, floor)[2:4].sum(), abs=1e-12)


@given(mixtures.map(law_of), floors, st.integers(-20, 20))
def test_a_shift_of_forecast_observation_and_brackets_changes_nothing(law: Law, floor: float, shift: int) -> None:
    there = mass(event("moved", lowest=67 + shift, n=7), moved(law, shift), floor + shift)

    assert there == pytest.approx(mass(FAHRENHEIT, law, floor), abs=1e-12)


@given(mixtures.map(law_of), st.floats(-5, 45))
def test_celsius_and_fahrenheit_are_one_law(law: Law, value: float) -> None:
    celsius = moved(law, -32.0 / 1.8, 1.0 / 1.8)

    assert mixture_cdf(np.array([value]), celsius) == pytest.approx(mixture_cdf(np.array([1.8 * value + 32]), law), abs=1e-12)


@given(st.lists(st.floats(-8, 8), min_size=3, max_size=30), st.floats(-3, 3))
def test_the_filter_knows_no_unit(off: list[float], prior_mean: float) -> None:
    residual, ordinal = np.array(off)[:, None], np.arange(len(off))
    fahrenheit = filter_rows(residual, ordinal, np.array(5.76), np.array(prior_mean), embargo=2)
    celsius = filter_rows(residual / 1.8, ordinal, np.array(5.76 / 3.24), np.array(prior_mean / 1.8), embargo=2)

    assert 1.8 * celsius.mean == pytest.approx(fahrenheit.mean, abs=1e-12)
    assert 1.8 * celsius.scale == pytest.approx(fahrenheit.scale, abs=1e-12)


@given(st.permutations(range(4)), st.lists(component, min_size=4, max_size=4), floors)
def test_the_order_of_the_members_changes_nothing(order: list[int], components: list[tuple[float, ...]], floor: float) -> None:
    turned = [components[i] for i in order]

    assert mass(FAHRENHEIT, law_of(turned), floor) == pytest.approx(mass(FAHRENHEIT, law_of(components), floor), abs=1e-12)


@given(mixtures.map(law_of), st.integers(60, 84), st.integers(1, 6), st.booleans())
def test_a_higher_maximum_so_far_only_ever_raises_the_settled_one(law: Law, floor: int, more: int, risk: bool) -> None:
    """No bracket wholly below it gains, and P(Y >= k) never falls."""
    before, after = (mass(FAHRENHEIT, law, float(at), risk=risk) for at in (floor, floor + more))
    below, later = (summed(FAHRENHEIT, law, float(at), risk=risk)[0, 0] for at in (floor, floor + more))

    passed = np.array([b.upper is not None and b.upper < floor + more for b in FAHRENHEIT.ladder])
    assert (later <= below + 1e-15).all()
    if not risk:  # else the neighbour of the bracket that now holds it all may leak back
        assert (after[passed] <= before[passed] + 1e-15).all()
        assert (after[passed] == 0.0).all()


@given(mixtures.map(law_of), st.integers(60, 84), st.integers(1, 6))
def test_a_lower_minimum_so_far_only_ever_lowers_the_settled_one(law: Law, ceiling: int, less: int) -> None:
    below, later = (summed(COLD, law, float(at))[0, 0] for at in (ceiling, ceiling - less))

    assert (later >= below - 1e-15).all()


@given(st.integers(60, 84), st.floats(1e-9, 1e-3), st.sampled_from([8.0, INF]))
def test_a_sure_law_is_one_bracket(at: int, sd: float, df: float) -> None:
    law = law_of([(1.0, float(at), sd, df)])

    assert mass(FAHRENHEIT, law, risk=False) == pytest.approx([float(b.holds(at)) for b in FAHRENHEIT.ladder], abs=1e-9)


@given(st.floats(60, 84), st.sampled_from([8.0, INF]))
def test_a_law_of_pure_ignorance_is_the_tails(at: float, df: float) -> None:
    found = mass(FAHRENHEIT, law_of([(1.0, at, 1e9, df)]), risk=False)

    assert found[[0, -1]] == pytest.approx([0.5, 0.5], abs=1e-6)


@given(mixtures)
def test_a_mixture_is_the_mean_of_its_laws(components: list[tuple[float, float, float, float]]) -> None:
    edges, law = np.linspace(50, 95, 46), law_of(components)

    alone = [law_cdf(edges, *(np.array(part) for part in each[1:])) for each in components]

    assert mixture_cdf(edges, law)[0, 0] == pytest.approx(np.average(alone, axis=0, weights=law.weight[0, 0]), abs=1e-12)


@pytest.mark.parametrize(("settled", "expected"), [(74.0, 1.1361056), (71.0, 0.5940300)])
def test_the_censored_law_has_the_published_score(settled: float, expected: float) -> None:
    """SCIENCE 1.4: mu 72, sigma 2, maximum so far 71, here as an integral over the censored law."""
    x = np.linspace(40.0, 110.0, 700_001)
    below = np.where(x < 71.0, 0.0, law_cdf(x, np.array(72.0), np.array(2.0), np.array(INF)))

    assert np.trapezoid(np.square(below - (x >= settled)), x) == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize(("sd", "rounded"), [(0.4, 0.49), (1.0, 1.04), (2.0, 2.02)])
def test_whole_degrees_add_a_twelfth_to_the_variance(sd: float, rounded: float) -> None:
    """SCIENCE 2.5, averaged over where between two degrees the centre lies."""
    own, variance = lattice_for(FAHRENHEIT), []
    for centre in np.linspace(72.0, 73.0, 41)[:-1]:
        each = reading_mass(summed(FAHRENHEIT, single(*(np.array([[v]]) for v in (centre, sd, INF))), risk=False))[0, 0]
        variance.append(each @ np.square(own.readings[0] - centre))

    assert np.sqrt(np.mean(variance)) == pytest.approx(rounded, abs=0.006)


def test_whole_celsius_settled_in_fahrenheit_add_a_quarter_of_a_degree_squared() -> None:
    """SCIENCE 2.5: 0.27."""
    own = lattice_for(event("whole", lowest=60, step=2, n=11), ReportPrecision.WHOLE)
    extra = []
    for centre in np.linspace(68.0, 77.0, 181)[:-1]:
        law = single(*(np.array([[v]]) for v in (centre, 3.0, INF)))
        each = reading_mass(cumulative(own, law, np.array([[NAN]]), source_risk=False))[0, 0]
        extra.append(each @ np.square(own.readings[0] - centre) - 9.0)

    assert np.mean(extra) == pytest.approx(0.27, abs=0.12)  # the half degrees of the conversion besides


@pytest.mark.parametrize("n_components", [1, 3])
def test_a_look_alone_has_the_bits_of_a_look_among_a_hundred_thousand(n_components: int) -> None:
    n = 100_000 // N_EVENTS // n_components
    law, floor = laws(n, n_components)
    own = lattice()

    found = masses(own, law, floor)

    assert found.shape == (n, N_EVENTS, 11)
    assert same_bits(own, law, floor, found, [0, 1, n // 2, n - 1])
    assert np.abs(found.sum(axis=-1) - 1.0).max() < 1e-12
    whole = bracket_mass(own, cumulative(own, Law(law.weight[:50], law.location[:50], law.sd[:50], law.df[:50]), floor[:50]))
    assert whole.tobytes() == found[:50].tobytes()


def test_a_row_keeps_its_bits_whatever_laws_stand_beside_it() -> None:
    """Normal, certain and heavy-tailed neighbours take other paths through the same function."""
    law, floor = laws(4, 1)
    df, sd = law.df.copy(), law.sd.copy()
    df[1], df[2, 3], sd[3, 5] = INF, 5.0, 0.0
    mixed = Law(law.weight, law.location, sd, df)
    own = lattice()

    assert same_bits(own, mixed, floor, masses(own, mixed, floor), [0, 1, 2, 3])


@given(st.floats(12, 30), st.floats(0.3, 4))
def test_a_celsius_ladder_is_priced_like_the_fahrenheit_edges_of_its_degrees(location: float, sd: float) -> None:
    """An official whole degree Celsius spans [k - .5, k + .5): in Fahrenheit the same span under the law converted."""
    own = event("c", lowest=15, step=1, n=11, unit=Unit.CELSIUS, statistic=Statistic.OFFICIAL_MAX)
    law = law_of([(1.0, location, sd, 8.0)])
    there = moved(law, 32.0, 1.8)

    found = mass(own, law, risk=False)
    edges = np.array([1.8 * (b.upper + 0.5) + 32.0 for b in own.ladder[:-1] if b.upper is not None])

    assert np.cumsum(found)[:-1] == pytest.approx(mixture_cdf(edges, there)[0, 0], abs=1e-12)
