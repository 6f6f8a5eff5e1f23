"""Calibration: independent libraries, exact binomial bands, and forecasters known to be right or wrong."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scores.probability import PitFcstAtObs, isotonic_fit
from scores.probability import brier_score as scores_brier

from core.metrics import calibration
from core.metrics.scores import integral_transform

Array = NDArray[np.float64]


@cache
def spans(n: int = 600, sd: float = 1.0, shift: float = 0.0, seed: int = 41) -> tuple[Array, Array]:
    """Integral transforms of whole degrees around a known centre; `sd` of the forecaster against a true one of 2."""
    rng = np.random.default_rng(seed)
    centre, readings = rng.uniform(-0.5, 0.5, n), np.arange(-30, 31)
    settled = np.round(centre + 2 * rng.standard_normal(n)).astype(np.int64)
    edges = stats.norm.cdf((readings[None] - 0.5 - (centre + shift)[:, None]) / (2 * sd))
    pmf = np.diff(np.c_[edges[:, :1] * 0, edges[:, 1:], np.ones(n)], axis=1)
    return integral_transform(pmf, settled + 30)


@cache
def stated() -> tuple[Array, Array]:
    """Probabilities in steps of 0.05, some of them 0 and 1, and over-confident."""
    rng = np.random.default_rng(42)
    probability = np.round(rng.beta(0.6, 0.9, 500) * 20) / 20
    return probability, (rng.random(500) < 0.2 + 0.6 * probability).astype(float)


@cache
def scores_package() -> tuple[float, float, Array, Array]:
    lower, upper = (xarray.DataArray(each, dims="event") for each in spans())
    transform, fitted = PitFcstAtObs(upper, fcst_at_obs_left=lower), isotonic_fit(*stated())
    return (
        transform.expected_value().item(), transform.variance().item(),
        fitted["fcst_sorted"], fitted["regression_values"],
    )  # fmt: skip


def check_moments_agree_with_the_scores_package(module: ModuleType) -> None:
    mean, variance = scores_package()[:2]

    assert module.transform_moments(*spans()) == pytest.approx((mean, 12 * variance))
    assert module.transform_moments(np.zeros(1), np.ones(1)) == pytest.approx((0.5, 1.0))
    assert module.transform_moments(np.full(2, 0.3), np.full(2, 0.3)) == pytest.approx((0.3, 0.0))


def check_half_widths_of_all_bins_together(module: ModuleType) -> None:
    """SCIENCE 3.2: 0.066 at n = 175. By hand, n = 20 in 2 bins: P(|X - 10| > 5) = 0.0118, P(|X - 10| > 4) = 0.0414 > 0.025."""
    assert module.joint_half_width(175) == pytest.approx(0.066, abs=5e-4)
    assert module.joint_half_width(20, bins=2) == pytest.approx(5 / 20)
    assert module.joint_half_width(350, 2.0) == module.joint_half_width(175)
    assert module.joint_half_width(175, 1000.0) == module.joint_half_width(1)
    for n, bins in ((60, 10), (175, 10), (300, 5)):
        reach = np.round(module.joint_half_width(n, bins=bins) * n, 6)
        apart = np.abs(np.arange(n + 1) - n / bins)
        mass = stats.binom.pmf(np.arange(n + 1), n, 1 / bins)
        assert mass[apart <= reach + 1e-6].sum() >= 1 - 0.05 / bins > mass[apart <= reach - 0.4].sum()


def check_bands_of_coverage(module: ModuleType) -> None:
    """SCIENCE 3.2: 0.74 to 0.86 at n = 175, 0.725 to 0.87 for three of them together, 0.765 to 0.835 at n = 529."""
    assert module.coverage_band(0.8, 175) == pytest.approx((0.74, 0.86), abs=0.004)
    assert module.coverage_band(0.8, 175, confidence=1 - 0.05 / 3) == pytest.approx((0.725, 0.87), abs=0.002)
    assert module.coverage_band(0.8, 529) == pytest.approx((0.765, 0.835), abs=0.0015)
    for level, n, confidence in ((0.5, 40, 0.95), (0.9, 300, 0.9), (0.8, 1, 0.95)):
        low, high = stats.binom.interval(confidence, n, level)
        assert module.coverage_band(level, n, confidence=confidence) == pytest.approx((low / n, high / n))
        assert module.coverage_band(level, 2 * n, 2.0, confidence) == pytest.approx((low / n, high / n))
    assert module.coverage_band(0.8, 10, 50.0) == module.coverage_band(0.8, 1)


def check_coverage_of_a_right_forecaster(module: ModuleType) -> None:
    date = np.arange(600)
    for level in (0.5, 0.8, 0.9):
        found = module.coverage_verdict(*spans(), date, level)
        assert found.level == level
        assert found.share == pytest.approx(level, abs=0.03)
        assert (found.low, found.high) == module.coverage_band(level, 600)
        assert found.inside
        assert not module.coverage_verdict(*spans(sd=0.5), date, level).inside
        assert not module.coverage_verdict(*spans(sd=2.0), date, level).inside
    shared = module.coverage_verdict(*(np.repeat(each, 2) for each in spans()), np.repeat(date, 2), 0.8)
    assert (shared.low, shared.high) == module.coverage_band(0.8, 600)
    edge = module.Coverage(0.8, 0.75, 0.75, 0.85), module.Coverage(0.8, 0.85, 0.75, 0.85)
    assert all(each.inside for each in edge)


def check_flat_is_right_and_the_rest_is_not(module: ModuleType) -> None:
    date = np.arange(600)
    found = module.flatness(*spans(), date)
    assert found.flat
    assert found.half_width == module.joint_half_width(600)
    assert sum(found.shares) == pytest.approx(1)
    assert len(found.shares) == 10
    for wrong in (spans(sd=0.5), spans(sd=2.5), spans(shift=1.5)):
        assert not module.flatness(*wrong, date).flat
    shared = module.flatness(*(np.repeat(each, 2) for each in spans()), np.repeat(date, 2))
    assert shared.half_width == module.joint_half_width(600)
    assert shared.shares == pytest.approx(found.shares)
    dip = (np.arange(600) + 0.5) / 600  # a bin of ten left empty, the rest flat
    gone = dip[(dip < 0.4) | (dip > 0.5)]
    assert not module.flatness(gone, gone, np.arange(len(gone))).flat
    high = np.r_[dip, np.full(45, 0.97)]  # and one filled by half too much
    assert not module.flatness(high, high, np.arange(len(high))).flat


def check_all_in_one(module: ModuleType) -> None:
    assert module.calibration(np.empty(0), np.empty(0), np.empty(0, np.int64)) is None
    found = module.calibration(*spans(), np.arange(600) // 3)
    assert (found.n, found.n_dates) == (600, 200)
    assert (found.mean, found.spread) == module.transform_moments(*spans())
    assert found.spread == pytest.approx(1, abs=0.1)
    assert [each.level for each in found.coverage] == [0.5, 0.8, 0.9]
    assert found.flatness.flat
    assert module.transform_moments(*spans(sd=0.5))[1] > 1.3  # over-confident
    assert module.transform_moments(*spans(shift=-1.0))[0] > 0.6  # outcomes above the forecasts


def check_reliability_agrees_with_the_scores_package(module: ModuleType) -> None:
    probability, came_true = stated()
    _, _, theirs_stated, theirs = scores_package()
    found = module.reliability(probability, came_true)

    assert found.stated == pytest.approx(theirs_stated)
    assert found.realised == pytest.approx(theirs)
    assert found.count.tolist() == [int((probability == each).sum()) for each in theirs_stated]
    recalibrated = theirs[np.searchsorted(theirs_stated, probability)]
    usual = np.full(500, came_true.mean())
    for parts, rule, charged in (
        (found.brier, lambda p: scores_brier(xarray.DataArray(p), xarray.DataArray(came_true)).item(), probability),
        (found.log, lambda p: -np.log(np.where(came_true == 1, p, 1 - p)).mean(), np.clip(probability, 0.002, 0.998)),
    ):
        assert parts.score == pytest.approx(rule(charged))
        assert parts.miscalibration == pytest.approx(rule(charged) - rule(recalibrated))
        assert parts.discrimination == pytest.approx(rule(usual) - rule(recalibrated))
        assert parts.uncertainty == pytest.approx(rule(usual))
        assert min(parts.miscalibration, parts.discrimination) > 0
        assert parts.score == pytest.approx(parts.miscalibration - parts.discrimination + parts.uncertainty)


def check_murphy(module: ModuleType) -> None:
    """By hand: at 0.25 one of four came true, at 0.85 three of four, 1 counts to the last bin."""
    probability = np.r_[np.full(4, 0.25), np.full(4, 0.85), [1.0, 1.0]]
    came_true = np.array([1, 0, 0, 0, 1, 1, 1, 0, 1, 1.0])
    found = module.murphy(probability, came_true)

    assert found.miscalibration == pytest.approx(0.4 * 0.1**2)
    assert found.discrimination == pytest.approx(0.4 * 0.35**2 + 0.4 * 0.15**2 + 0.2 * 0.4**2)
    assert found.uncertainty == pytest.approx(0.24)
    assert found.score == pytest.approx(found.miscalibration - found.discrimination + found.uncertainty)
    assert module.murphy(np.array([0.95, 1.0]), np.array([0.0, 1.0])).miscalibration == pytest.approx(0.475**2)


def check_widths_and_entropies(module: ModuleType) -> None:
    edges = np.linspace(-8.0, 8.0, 1601)
    sd = np.array([0.7, 1.0, 1.8])
    cumulative = stats.norm.cdf(edges / sd[:, None])
    cumulative[:, 0], cumulative[:, -1] = 0.0, 1.0
    for level in (0.5, 0.8):
        assert module.central_width(edges, cumulative, level) == pytest.approx(
            2 * sd * stats.norm.ppf((1 + level) / 2), abs=1e-4
        )
    assert module.central_width(edges, cumulative[1]) == module.central_width(edges, cumulative)[1]
    assert module.central_width(np.array([3.0, 5.0]), np.array([0.0, 1.0])) == pytest.approx(1.6)
    assert module.central_width(np.array([3.0, 5.0, 6.0, 9.0]), np.array([0.0, 0.4, 0.4, 1.0]), 0.5) == pytest.approx(
        7.75 - 4.25
    )
    beside = np.array([[0.1, 1.0], [0.0, 0.8999], [np.nan, np.nan], [0.09, 0.9]])
    widths = module.central_width(np.array([3.0, 5.0]), beside)
    assert np.isnan(widths).tolist() == [True, True, True, False]
    assert module.central_width(np.array([3.0, 5.0]), np.array([0.0, 0.9])) == pytest.approx(2 - 2 / 9)
    pmf = np.array([[0.25] * 4, [0.5, 0.5, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    assert module.entropy(pmf) == pytest.approx(stats.entropy(pmf, axis=1))


def check_the_consistency_band(module: ModuleType) -> None:
    """One point alone: the binomial quantiles. Many: never falling, and around what is stated."""
    low, high = module.consistency_band(np.array([0.3]), np.array([200]), resamples=4000)
    assert (low[0], high[0]) == pytest.approx(tuple(stats.binom.ppf([0.05, 0.95], 200, 0.3) / 200), abs=0.006)
    points, count = np.linspace(0.1, 0.9, 9), np.full(9, 150)
    low, high = module.consistency_band(points, count, 0.95)
    assert (low < points).all()
    assert (points < high).all()
    assert (np.diff(low) >= 0).all()
    assert (high - low).max() < 0.2


CHECKS = (
    check_moments_agree_with_the_scores_package,
    check_half_widths_of_all_bins_together,
    check_bands_of_coverage,
    check_murphy,
    check_widths_and_entropies,
    check_reliability_agrees_with_the_scores_package,
    check_coverage_of_a_right_forecaster,
    check_flat_is_right_and_the_rest_is_not,
    check_all_in_one,
    check_the_consistency_band,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_oracle(check: Any) -> None:
    check(calibration)


def test_a_right_forecaster_is_called_flat_nineteen_times_in_twenty() -> None:
    """Uniform transforms drawn whole, not as spans: the hardest case for a band."""
    rng, half_width = np.random.default_rng(43), calibration.joint_half_width(175)

    worst = np.abs(rng.multinomial(175, np.full(10, 0.1), 20_000) / 175 - 0.1).max(axis=1)

    assert 0.95 <= (worst <= half_width + 1e-12).mean() < 0.985


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(
    events=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40),
    seed=st.integers(0, 1000),
)
def test_parts_add_up_and_none_is_below_nothing(events: list[tuple[float, bool]], seed: int) -> None:
    probability, came_true = np.array([p for p, _ in events]), np.array([float(hit) for _, hit in events])
    order = np.random.default_rng(seed).permutation(len(events))

    found = calibration.reliability(probability, came_true)
    again = calibration.reliability(probability[order], came_true[order])

    assert (np.diff(found.realised) >= 0).all()
    for parts, other in ((found.brier, again.brier), (found.log, again.log)):
        assert parts.score == pytest.approx(parts.miscalibration - parts.discrimination + parts.uncertainty, abs=1e-12)
        assert parts.miscalibration >= -1e-12
        assert parts.discrimination >= -1e-12
        assert parts.score == pytest.approx(other.score, abs=1e-12)


def test_recalibrated_probabilities_have_nothing_left_to_recalibrate() -> None:
    probability, came_true = stated()
    first = calibration.reliability(probability, came_true)

    second = calibration.reliability(first.realised[np.searchsorted(first.stated, probability)], came_true)

    assert second.brier.miscalibration == pytest.approx(0, abs=1e-12)
    assert second.brier.discrimination == pytest.approx(first.brier.discrimination)
