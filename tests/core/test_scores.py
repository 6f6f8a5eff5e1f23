"""Scores, calibration, and statistics of trades."""

from __future__ import annotations

import math
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scoringrules
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scores.probability import PitFcstAtObs

from core.metrics import scores
from core.metrics.scores import (
    brier,
    coverage,
    floor_hits,
    integral_histogram,
    integral_transform,
    log_score,
    ranked_probability_score,
)
from core.metrics.trading import (
    deflated_sharpe,
    expected_r,
    luckiest_sharpe,
    probabilistic_sharpe,
    profit_factor,
    result_in_r,
    wilson_lower_bound,
    wilson_upper_bound,
    win_rate,
)

PMF = np.array([0.05, 0.20, 0.40, 0.25, 0.10])
THIRD = np.array(2)


@cache
def forecasts() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sixty forecasts of seven readings, some probabilities nothing, and what settled."""
    rng = np.random.default_rng(31)
    pmf = rng.dirichlet(np.full(7, 0.6), 60) * (rng.random((60, 7)) > 0.2) + np.eye(7)[3] * 1e-3
    return pmf / pmf.sum(axis=1, keepdims=True), rng.integers(0, 7, 60)


@cache
def spans() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Spans, some of them empty and some on the edges of bins."""
    rng = np.random.default_rng(32)
    lower, width = rng.random(80), rng.random(80) * (rng.random(80) > 0.25)
    edges = np.array([0.0, 0.25, 0.5, 1.0, 0.75, 0.0, 0.25])
    return np.r_[lower, edges], np.r_[np.minimum(lower + width, 1), edges[:5], 1.0, 0.5]


@cache
def histogram_of_scores_package(bins: int) -> NDArray[np.float64]:
    lower, upper = (xarray.DataArray(each, dims="event") for each in spans())
    found: NDArray[np.float64] = PitFcstAtObs(upper, fcst_at_obs_left=lower).hist_values(bins, right=False).values
    return found


def check_the_worked_example(module: ModuleType) -> None:
    """SCIENCE 3.1: five readings, the third one settled."""
    assert module.ranked_probability_score(PMF, THIRD) == pytest.approx(0.1975, abs=1e-12)
    assert module.log_score(PMF, THIRD) == pytest.approx(0.916291, abs=1e-6)
    assert module.brier(PMF, THIRD) == pytest.approx(0.4750, abs=1e-12)


def check_a_uniform_forecast_whose_last_reading_settled(module: ModuleType) -> None:
    """SCIENCE 6.2: 1.2 (scoringRules)."""
    assert module.ranked_probability_score(np.full(5, 0.2), np.array(4)) == pytest.approx(1.2)


def check_scores_agree_with_scoringrules(module: ModuleType) -> None:
    pmf, outcome = forecasts()
    settled = np.eye(7)[outcome]
    probability = (pmf * settled).sum(axis=1)

    assert module.ranked_probability_score(pmf, outcome) == pytest.approx(scoringrules.rps_score(settled, pmf, onehot=True))
    assert module.brier(pmf, outcome) == pytest.approx(scoringrules.brier_score(settled, pmf).sum(axis=1))
    charged = scoringrules.log_score(np.ones(60), np.maximum(probability, 0.002))
    assert module.log_score(pmf, outcome) == pytest.approx(charged)
    assert module.floor_hits(pmf, outcome).sum() == (probability < 0.002).sum() > 5


def check_weighted_thresholds_agree_with_scoringrules(module: ModuleType) -> None:
    """Members on whole readings, only thresholds from 1 to 4 counted: values outside are moved to 1 and 4."""
    members, outcome = np.array([0, 2, 2, 3, 5, 5, 6, 1]), np.arange(7)
    pmf = np.broadcast_to(np.bincount(members, minlength=7) / 8, (7, 7))
    weight = np.array([0, 1, 1, 1, 0, 0, 0.0])

    theirs = scoringrules.twcrps_ensemble(outcome.astype(float), np.broadcast_to(members, (7, 8)).astype(float), a=1, b=4)

    assert module.threshold_weighted_score(pmf, outcome, weight) == pytest.approx(theirs)
    whole = module.threshold_weighted_score(*forecasts(), np.ones(7))
    assert whole == pytest.approx(module.ranked_probability_score(*forecasts()))
    assert module.threshold_weighted_score(pmf[0], outcome[0], weight) == pytest.approx(theirs[0])


def check_histograms_agree_with_the_scores_package(module: ModuleType) -> None:
    for bins in (1, 4, 8):
        assert module.histogram(*spans(), bins) == pytest.approx(histogram_of_scores_package(bins), abs=1e-12)
    assert module.histogram(*spans()).shape == (10,)
    assert module.bin_parts(*spans(), 4).sum(axis=0) == pytest.approx(np.ones(87))


def check_covered_parts(module: ModuleType) -> None:
    """Central half of [0, 1]: 0.25 to 0.75, both ends included."""
    lower = np.array([0.0, 0.25, 0.5, 0.7, 0.8, 0.25, 0.75, 0.2, 0.76])
    upper = np.array([1.0, 0.75, 1.0, 0.8, 0.9, 0.25, 0.75, 0.2, 0.76])

    assert module.covered(lower, upper, 0.5) == pytest.approx([0.5, 1.0, 0.5, 0.5, 0.0, 1.0, 1.0, 0.0, 0.0])
    for level in (0.0, 1.0, 1.5, -0.5):
        with pytest.raises(ValueError, match="level is"):
            module.covered(lower, upper, level)


def check_spans_are_those_of_the_cumulative(module: ModuleType) -> None:
    pmf, outcome = forecasts()
    steps = np.c_[np.zeros(60), np.cumsum(pmf, axis=1)]

    lower, upper = module.integral_transform(pmf, outcome)

    assert lower == pytest.approx(steps[np.arange(60), outcome], abs=1e-12)
    assert upper == pytest.approx(steps[np.arange(60), outcome + 1], abs=1e-12)
    assert module.integral_transform(pmf[3], outcome[3]) == (lower[3], upper[3])
    assert module.coverage(pmf, outcome, 0.8) == pytest.approx(module.covered(lower, upper, 0.8))
    assert module.integral_histogram(pmf, outcome, 5) == pytest.approx(module.histogram(lower, upper, 5))


def check_skill_is_what_is_saved_of_the_reference(module: ModuleType) -> None:
    assert module.skill_score(np.array([0.5, 1.0]), np.array([1.0, 1.0])) == pytest.approx(0.25)
    assert module.skill_score(np.array([3.0]), np.array([1.0])) == pytest.approx(-2.0)
    assert np.isnan(module.skill_score(np.array([1.0]), np.array([0.0])))
    assert np.isnan(module.skill_score(np.empty(0), np.empty(0)))


def check_what_does_not_fit_is_refused(module: ModuleType) -> None:
    for outcome in (np.array([1]), np.array(5), np.array(-1)):
        with pytest.raises(ValueError, match="outcome"):
            module.brier(PMF, outcome)
    assert module.brier(PMF, np.array([0, 4])[1]) == module.brier(PMF, np.array(4))
    assert module.brier(PMF, np.array(0)) == pytest.approx(0.95**2 + 0.04 + 0.16 + 0.0625 + 0.01)
    with pytest.raises(ValueError, match="reference"):
        module.skill_score(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match=r"needs \(\)"):
        module.brier(PMF, np.array([1]))
    with pytest.raises(ValueError, match=r"0\.\.4"):
        module.brier(PMF, np.array(9))


CHECKS = (
    check_the_worked_example,
    check_a_uniform_forecast_whose_last_reading_settled,
    check_scores_agree_with_scoringrules,
    check_weighted_thresholds_agree_with_scoringrules,
    check_covered_parts,
    check_spans_are_those_of_the_cumulative,
    check_histograms_agree_with_the_scores_package,
    check_skill_is_what_is_saved_of_the_reference,
    check_what_does_not_fit_is_refused,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_oracle(check: Any) -> None:
    check(scores)


@pytest.mark.parametrize("score", [ranked_probability_score, log_score, brier])
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 12))
def test_honesty_pays(score: Any, seed: int, n: int) -> None:
    """Expected over the truth, no other forecast scores better than the truth (propriety)."""
    rng = np.random.default_rng(seed)
    truth, other = rng.dirichlet(np.full(n, 2.0)) * 0.9 + 0.1 / n, rng.dirichlet(np.ones(n))

    honest, wrong = ((truth * score(np.broadcast_to(each, (n, n)), np.arange(n))).sum() for each in (truth, other))

    assert honest < wrong


def test_a_sure_and_right_forecast_is_perfect() -> None:
    sure = np.array([0.0, 1.0, 0.0])

    assert ranked_probability_score(sure, np.array(1)) == 0
    assert brier(sure, np.array(1)) == 0
    assert log_score(sure, np.array(1)) == 0


def test_the_log_score_is_floored_and_the_hits_are_counted() -> None:
    """SCIENCE 3.1: floor 0.002."""
    pmf = np.array([[1.0, 0.0], [0.998, 0.002]])

    assert log_score(pmf, np.array([1, 1])) == pytest.approx([6.214608, 6.214608], abs=1e-6)
    assert floor_hits(pmf, np.array([1, 1])).tolist() == [True, False]


@pytest.mark.parametrize("score", [ranked_probability_score, log_score, brier])
def test_an_event_scores_the_same_alone_and_in_a_batch(score) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(3)
    pmf = rng.dirichlet(np.ones(11), size=(4, 6))
    outcome = rng.integers(0, 11, (4, 6))

    together = score(pmf, outcome)

    assert together.shape == (4, 6)
    assert together[2, 3] == score(pmf[2, 3], outcome[2, 3])


@pytest.mark.parametrize("score", [ranked_probability_score, log_score, brier])
@pytest.mark.parametrize("outcome", [np.array([1]), np.array(5), np.array(-1)])
def test_an_outcome_that_does_not_fit_is_refused(score, outcome) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="outcome"):
        score(PMF, outcome)


def test_the_transform_of_a_discrete_forecast_is_a_span() -> None:
    lower, upper = integral_transform(PMF, THIRD)

    assert (lower, upper) == (pytest.approx(0.25), pytest.approx(0.65))


@pytest.mark.parametrize(
    ("outcome", "covered"),
    [(2, 1.0), (1, 0.75), (0, 0.0), (3, 1.0), (4, 0.0)],  # central 80 %: 0.10 to 0.90 of 0/.05/.25/.65/.90/1
)
def test_coverage_is_the_part_of_the_span_within_the_central_interval(outcome: int, covered: float) -> None:
    assert coverage(PMF, np.array(outcome), 0.8) == pytest.approx(covered)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_coverage_of_the_true_distribution_is_its_level_to_the_bit_of_rounding(level: float) -> None:
    """Averaged with the forecast's own probabilities the randomisation integrates out exactly."""
    pmf = np.broadcast_to(PMF, (5, 5))

    assert (PMF * coverage(pmf, np.arange(5), level)).sum() == pytest.approx(level, abs=1e-12)


def test_an_outcome_thought_impossible_is_inside_or_outside() -> None:
    pmf = np.array([[0.5, 0.0, 0.5], [1.0, 0.0, 0.0]])

    assert coverage(pmf, np.array([1, 2]), 0.8).tolist() == [1.0, 0.0]


def test_coverage_needs_a_level_between_nothing_and_all() -> None:
    with pytest.raises(ValueError, match="level is 1"):
        coverage(PMF, THIRD, 1.0)


def test_the_histogram_of_the_true_distribution_is_flat() -> None:
    rng = np.random.default_rng(5)
    outcome = rng.choice(5, size=20_000, p=PMF)

    shares = integral_histogram(np.broadcast_to(PMF, (20_000, 5)), outcome)

    assert shares.sum() == pytest.approx(1)
    assert np.abs(shares - 0.1).max() < 0.006  # about four standard errors


def test_no_event_has_no_histogram() -> None:
    assert np.isnan(integral_histogram(np.empty((0, 5)), np.empty(0, np.int64))).all()


def test_every_event_falls_into_exactly_one_row_of_bins() -> None:
    pmf = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.3, 0.0, 0.7]])

    assert integral_histogram(pmf, np.array([2, 1, 1])).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("wins", "n", "bound"), [(8, 10, 0.4902), (55, 100, 0.4524), (60, 100, 0.5020), (550, 1000, 0.5190), (20, 20, 0.8389)]
)
def test_wilson_lower_bounds(wins: int, n: int, bound: float) -> None:
    """SCIENCE 5.4, z = 1.96."""
    assert wilson_lower_bound(wins, n) == pytest.approx(bound, abs=5e-5)


def test_the_interval_of_a_win_rate_holds_it() -> None:
    lower, upper = wilson_lower_bound(3, 10), wilson_upper_bound(3, 10)

    assert lower is not None
    assert upper is not None
    assert lower < 0.3 < upper
    assert wilson_upper_bound(0, 0) is None


def test_without_trades_there_is_no_number() -> None:
    nothing = np.array([])

    assert (expected_r(nothing), profit_factor(nothing), win_rate(nothing), wilson_lower_bound(0, 0)) == (None,) * 4


def test_more_wins_than_trades_are_refused() -> None:
    with pytest.raises(ValueError, match="3 wins of 2"):
        wilson_lower_bound(3, 2)


def test_results_in_units_of_risk() -> None:
    """Bought at 0.40 all-in: a win is 1.5 R, a loss is -1 R."""
    result = result_in_r(np.array([60.0, -40.0, 60.0]), np.full(3, 40.0))

    assert result.tolist() == [1.5, -1.0, 1.5]
    assert expected_r(result) == pytest.approx(2 / 3)
    assert profit_factor(result) == pytest.approx(3.0)
    assert win_rate(result) == pytest.approx(2 / 3)


def test_the_profit_factor_without_a_loss_is_unknown_and_without_a_gain_nothing() -> None:
    assert profit_factor(np.array([1.0, 0.5])) is None
    assert profit_factor(np.array([-1.0, 0.0])) == 0.0


def test_the_deflated_sharpe_ratio_of_the_paper() -> None:
    """SCIENCE 5.4: an annual 2.5 over 1,250 days, best of 100 trials of variance .5 a year, skew -3, kurtosis 10."""
    daily, variance = 2.5 / math.sqrt(250), 0.5 / 250

    assert luckiest_sharpe(variance, 100) == pytest.approx(0.113172, abs=5e-7)
    assert deflated_sharpe(daily, 1_250, -3.0, 10.0, variance, 100) == pytest.approx(0.900397, abs=5e-7)


def test_a_sharpe_ratio_is_as_likely_above_as_below_itself() -> None:
    assert probabilistic_sharpe(0.1, 0.1, 500, -1.0, 5.0) == pytest.approx(0.5)
    assert probabilistic_sharpe(0.2, 0.1, 500, -1.0, 5.0) > 0.9
