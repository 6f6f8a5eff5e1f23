"""Scores, calibration, and statistics of trades."""

from __future__ import annotations

import numpy as np
import pytest

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
    expected_r,
    profit_factor,
    result_in_r,
    wilson_lower_bound,
    wilson_upper_bound,
    win_rate,
)

PMF = np.array([0.05, 0.20, 0.40, 0.25, 0.10])
THIRD = np.array(2)


def test_the_worked_example() -> None:
    """SCIENCE 3.1: five readings, the third one settled."""
    assert ranked_probability_score(PMF, THIRD) == pytest.approx(0.1975, abs=1e-12)
    assert log_score(PMF, THIRD) == pytest.approx(0.916291, abs=1e-6)
    assert brier(PMF, THIRD) == pytest.approx(0.4750, abs=1e-12)


def test_a_uniform_forecast_whose_last_reading_settled() -> None:
    """SCIENCE 6.2: 1.2 (scoringRules)."""
    assert ranked_probability_score(np.full(5, 0.2), np.array(4)) == pytest.approx(1.2)


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
