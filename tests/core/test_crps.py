"""Continuous ranked probability scores: published values, an independent library, and what any such score must do."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scoringrules
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.metrics import crps
from core.metrics.scores import ranked_probability_score

N = 200
INF = np.inf


def check_published_values(module: ModuleType) -> None:
    """SCIENCE 6.2 (test suites of R scoringRules and Python scoringrules) and 1.4."""
    a = np.array
    assert module.normal(2.0, 2.0, a(0.0)) == pytest.approx(1.2048827, abs=5e-8)
    assert module.normal(0.0, 1.0, a([-3.0, 0.0])) == pytest.approx([2.4365747, 0.2336950], abs=5e-8)
    assert module.student_t(5.0, 0.0, 1.0, a(-3.0)) == pytest.approx(2.3387590, abs=1e-7)  # 2.33875895 by quadrature
    assert module.logistic(0.0, 1.0, a(-3.0)) == pytest.approx(2.0971747, abs=5e-8)
    assert module.two_piece_normal(0.0, 0.7, 1.1, a([-3.0, 3.0])) == pytest.approx([2.8070831, 2.1713798], abs=5e-8)
    assert module.truncated_normal(2.9, 2.2, 1.5, 17.3, a(-1.0)) == pytest.approx(3.982434, abs=5e-7)
    assert module.censored_normal(0.4, 1.1, 0.0, 2.0, a(1.8)) == pytest.approx(0.8296078, abs=5e-8)
    assert module.censored_normal(72.0, 2.0, 71.0, INF, a([74.0, 71.0])) == pytest.approx([1.1361056, 0.5940300], abs=5e-8)
    mixed = module.normal_mixture(np.full(3, 1 / 3), a([0.0, -2.9, 0.9]), a([0.5, 1.4, 0.7]), a(0.3))
    assert mixed == pytest.approx(0.4510451, abs=5e-8)


def check_laws_agree_with_scoringrules(module: ModuleType) -> None:
    rng = np.random.default_rng(11)
    y, mean, sd, other = rng.normal(70, 6, N), rng.normal(70, 3, N), rng.uniform(0.3, 5, N), rng.uniform(0.3, 5, N)
    df = rng.uniform(1.2, 40, N)
    agree(module.normal(mean, sd, y), scoringrules.crps_normal(y, mean, sd))
    agree(module.student_t(df, mean, sd, y), scoringrules.crps_t(y, df, mean, sd))
    agree(module.logistic(mean, sd, y), scoringrules.crps_logistic(y, mean, sd))
    agree(module.two_piece_normal(mean, sd, other, y), scoringrules.crps_2pnormal(y, sd, other, mean))


def check_bounded_laws_agree_with_scoringrules(module: ModuleType) -> None:
    """Outcomes below, between and above the bounds; bounds finite, infinite below, above, and on both sides."""
    rng = np.random.default_rng(12)
    y, mean, sd = rng.normal(70, 4, N), rng.normal(70, 3, N), rng.uniform(0.8, 5, N)
    low, high = mean - rng.uniform(-1, 3, N) * sd, mean + rng.uniform(1.2, 4, N) * sd
    for lower, upper in ((low, high), (low, INF), (-INF, high), (-INF, INF)):
        agree(module.censored_normal(mean, sd, lower, upper, y), scoringrules.crps_cnormal(y, mean, sd, lower, upper))
        agree(module.truncated_normal(mean, sd, lower, upper, y), scoringrules.crps_tnormal(y, mean, sd, lower, upper))


def check_mixtures_and_ensembles_agree_with_scoringrules(module: ModuleType) -> None:
    rng = np.random.default_rng(13)
    y, mean, sd = rng.normal(0, 2, N), rng.normal(0, 2, (N, 4)), rng.uniform(0.3, 3, (N, 4))
    weight = rng.dirichlet(np.ones(4), N)
    agree(module.normal_mixture(weight, mean, sd, y), scoringrules.crps_mixnorm(y, mean, sd, weight))
    agree(module.normal_mixture(weight[0], mean[0], sd[0], y[0]), scoringrules.crps_mixnorm(y[0], mean[0], sd[0], weight[0]))
    for members in (mean, mean[:, :2], np.round(mean)):
        agree(module.ensemble(members, y), scoringrules.crps_ensemble(y, members, estimator="nrg"))
        agree(module.ensemble(members, y, fair=True), scoringrules.crps_ensemble(y, members, estimator="fair"))
    assert module.ensemble(mean[0], y[0]) == module.ensemble(mean, y)[0]


def check_the_grid_finds_the_closed_forms(module: ModuleType) -> None:
    """8,001 points, straight lines between: the error is of the order of the square of their distance."""
    y, points = np.array([-30.0, -3.0, 0.2, 2.5, 30.0]), np.linspace(-20.0, 20.0, 8001)
    cumulative = 0.5 * (1 + np.tanh(points / 2))
    cumulative[0], cumulative[-1] = 0.0, 1.0

    assert module.gridded(points, cumulative, y) == pytest.approx(scoringrules.crps_logistic(y, 0, 1), abs=1e-6)
    assert module.gridded(points, cumulative, y[2]) == module.gridded(points, cumulative, y)[2]


def check_a_straight_cumulative_is_the_uniform_law(module: ModuleType) -> None:
    y = np.array([-1.0, 0.0, 0.3, 1.0, 2.5])
    two, more = module.gridded(np.array([0.0, 1.0]), np.array([0.0, 1.0]), y), np.linspace(0, 1, 7)

    agree(two, scoringrules.crps_uniform(y, 0, 1))
    agree(module.gridded(more, more, y), scoringrules.crps_uniform(y, 0, 1))


def check_on_whole_degrees_it_is_the_ranked_probability_score(module: ModuleType) -> None:
    """SCIENCE 3.1: each reading a step of the cumulative."""
    rng = np.random.default_rng(14)
    pmf, outcome = rng.dirichlet(np.ones(9), N), rng.integers(0, 9, N)
    cumulative, points = np.cumsum(pmf, axis=-1), np.repeat(np.arange(9.0), 2)
    steps = np.stack([cumulative - pmf, cumulative], axis=-1).reshape(N, 18)

    agree(module.gridded(points, steps, outcome.astype(float)), ranked_probability_score(pmf, outcome))


CHECKS = (
    check_published_values,
    check_laws_agree_with_scoringrules,
    check_bounded_laws_agree_with_scoringrules,
    check_mixtures_and_ensembles_agree_with_scoringrules,
    check_the_grid_finds_the_closed_forms,
    check_a_straight_cumulative_is_the_uniform_law,
    check_on_whole_degrees_it_is_the_ranked_probability_score,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_oracle(check: Any) -> None:
    check(crps)


def agree(ours: NDArray[np.float64], theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


LAWS = {
    "normal": lambda centre, width, y: crps.normal(centre, width, y),
    "student t": lambda centre, width, y: crps.student_t(8.0, centre, width, y),
    "logistic": lambda centre, width, y: crps.logistic(centre, width, y),
    "two-piece": lambda centre, width, y: crps.two_piece_normal(centre, width, 2 * width, y),
    "truncated": lambda centre, width, y: crps.truncated_normal(centre, width, centre - width, centre + 3 * width, y),
    "censored": lambda centre, width, y: crps.censored_normal(centre, width, centre - width, INF, y),
    "mixture": lambda centre, width, y: crps.normal_mixture(
        np.array([0.3, 0.7]), np.stack([centre - width, centre + width], -1), np.stack([width, width / 2], -1), y
    ),
    "ensemble": lambda centre, width, y: crps.ensemble(centre[..., None] + width[..., None] * np.array([-1.0, 0.5, 0.7]), y),
    "grid": lambda centre, width, y: crps.gridded(
        centre[..., None] + width[..., None] * np.array([-2.0, -1.0, -1.0, 0.5]), np.array([0.0, 0.4, 0.5, 1.0]), y
    ),
}  # fmt: skip

degrees = st.floats(-60, 130)
widths = st.floats(0.2, 12)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(centre=degrees, width=widths, away=st.floats(-8, 8), shift=degrees, scale=st.floats(0.1, 10))
def test_a_score_moves_with_its_unit(law: Any, centre: float, width: float, away: float, shift: float, scale: float) -> None:
    here, spread = np.array(centre), np.array(width)
    y = here + away * spread

    score = law(here, spread, y)

    assert score >= -1e-12
    assert law(here + shift, spread, y + shift) == pytest.approx(float(score), rel=1e-7, abs=1e-9)
    assert law(here * scale, spread * scale, y * scale) == pytest.approx(float(score) * scale, rel=1e-7, abs=1e-9)


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(members=st.lists(degrees, min_size=2, max_size=12), y=degrees, seed=st.integers(0, 1000))
def test_the_order_of_the_members_does_not_count(members: list[float], y: float, seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(members)

    assert crps.ensemble(shuffled, np.array(y)) == crps.ensemble(np.array(members), np.array(y))
    assert crps.ensemble(shuffled, np.array(y)) >= crps.ensemble(shuffled, np.array(y), fair=True)


@pytest.mark.parametrize(
    "law", [LAWS[name] for name in LAWS if name != "ensemble"], ids=[name for name in LAWS if name != "ensemble"]
)
def test_honesty_pays(law: Any) -> None:
    """The mean score over 20,000 outcomes of a law is least where the law is stated as it is (propriety)."""
    rng = np.random.default_rng(15)
    centre, width = rng.uniform(60, 80, 20), rng.uniform(1, 4, 20)
    wrong_centre, wrong_width = centre + rng.choice([-1, 1], 20) * width, width * rng.choice([0.4, 2.5], 20)
    y = draws(law, centre, width)

    honest, moved, stretched = (
        law(at[:, None] + 0 * y, of[:, None] + 0 * y, y).mean(axis=1)
        for at, of in ((centre, width), (wrong_centre, width), (centre, wrong_width))
    )

    assert (honest < moved).all()
    assert (honest < stretched).all()


def draws(law: Any, centre: NDArray[np.float64], width: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw from a law by its own slope: the derivative of the score by the outcome is 2 G(y) - 1."""
    steps = np.linspace(-12, 12, 2401)
    points = centre[:, None] + width[:, None] * steps
    score = law(centre[:, None] + 0 * points, width[:, None] + 0 * points, points)
    cumulative = np.maximum.accumulate(np.clip(0.5 + np.gradient(score, 0.01, axis=1) / width[:, None] / 2, 0, 1), axis=1)
    level = (np.arange(1000) + 0.5) / 1000
    return np.array([points[row, np.minimum(np.searchsorted(cumulative[row], level), 2400)] for row in range(len(centre))])


@pytest.mark.parametrize("n", [2, 5])
def test_a_fair_score_is_that_of_the_law_whatever_the_number_of_members(n: int) -> None:
    """N(0, 1) scored by its own outcomes expects 1 / sqrt(pi); 40,000 ensembles know it to 0.004 (Ferro 2014)."""
    drawn = np.random.default_rng(16).standard_normal((40_000, n + 1))

    fair, plain = (crps.ensemble(drawn[:, :n], drawn[:, n], fair=fair).mean() for fair in (True, False))

    assert fair == pytest.approx(1 / np.sqrt(np.pi), abs=0.012)
    assert plain == pytest.approx((1 + 1 / n) / np.sqrt(np.pi), abs=0.012)


def test_many_degrees_of_freedom_are_the_normal_law() -> None:
    y = np.linspace(-4, 4, 9)

    assert crps.student_t(1e6, 0.0, 1.0, y) == pytest.approx(crps.normal(0.0, 1.0, y), abs=1e-5)


def test_a_floor_far_below_changes_nothing_and_a_floor_far_above_is_the_outcome() -> None:
    y = np.array([70.0, 74.0])

    assert crps.censored_normal(72.0, 2.0, 20.0, INF, y) == pytest.approx(crps.normal(72.0, 2.0, y), abs=1e-12)
    assert crps.censored_normal(72.0, 2.0, 120.0, INF, np.array(120.0)) == pytest.approx(0, abs=1e-12)


def test_bounds_without_any_mass_have_no_truncated_law() -> None:
    assert np.isnan(crps.truncated_normal(0.0, 1.0, 60.0, 70.0, np.array(65.0)))


def test_a_fair_score_of_one_member_is_refused() -> None:
    with pytest.raises(ValueError, match="two members"):
        crps.ensemble(np.ones((3, 1)), np.ones(3), fair=True)
