"""Claimed and realised edge of what was traded."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from agents.weather import shrinkage as module_
from agents.weather.shrinkage import LEAST_TRADES, shrinkage
from core.units import FloatArray, IntArray
from tests.flipped import unnoticed


def trades(n: int, slope: float, seed: int = 1, noise: float = 0.05) -> tuple[FloatArray, FloatArray, IntArray]:
    rng = np.random.default_rng(seed)
    claimed = rng.uniform(0.02, 0.15, n)
    return claimed, slope * claimed + noise * rng.standard_normal(n), np.arange(n) // 3


def check_slope(module: ModuleType) -> None:
    """Least squares through the origin, mixed with 100 trades at slope 1."""
    for n, true in ((100, 0.5), (300, 0.4), (300, 1.6), (300, -1.0)):
        claimed, realised, ordinal = trades(n, true)
        found = module.shrinkage(claimed, realised, ordinal)
        slope = float(np.linalg.lstsq(claimed[:, None], realised, rcond=None)[0][0])
        np.testing.assert_allclose(found.slope, slope, atol=1e-12)
        np.testing.assert_allclose(found.factor, np.clip((n * slope + 100) / (n + 100), 0, 1), atol=1e-12)
        assert found.n == n
        if n == 300:
            np.testing.assert_allclose(found.interval.mean, slope, atol=1e-9)
            assert found.interval.low < slope < found.interval.high
            assert abs(found.interval.low - true) < 0.2
            assert found.interval.n_dates == 100
    assert module.shrinkage(*trades(LEAST_TRADES - 1, 0.0)).factor == 1.0
    nothing = module.shrinkage(np.zeros(200), np.ones(200), np.arange(200))
    assert np.isnan(nothing.slope)
    assert nothing.factor == 1.0


def test_the_slope_is_that_of_least_squares_and_the_factor_leans_on_the_prior() -> None:
    check_slope(module_)


def test_few_trades_leave_the_claim_as_it_is_and_show_their_slope() -> None:
    found = shrinkage(*trades(40, 0.2, noise=0.0))

    assert found.factor == 1.0
    assert found.slope == pytest.approx(0.2)
    assert found.interval is None  # 14 dates


def test_without_a_trade_there_is_nothing_to_say() -> None:
    found = shrinkage(np.empty(0), np.empty(0), np.empty(0, np.int64))

    assert (found.n, found.factor, found.interval) == (0, 1.0, None)
    assert np.isnan(found.slope)


def test_trades_without_an_outcome_do_not_count() -> None:
    claimed, realised, ordinal = trades(200, 0.5)
    realised[:50] = np.nan

    assert shrinkage(claimed, realised, ordinal) == shrinkage(claimed[50:], realised[50:], ordinal[50:])


def test_the_traded_subset_shows_the_winners_curse_that_all_claims_hide() -> None:
    """Claims that are right on the mean, edge 0 with noise .05: those above .05 realise nothing of what they claim."""
    rng = np.random.default_rng(6)
    true = 0.03 * rng.standard_normal(20_000)
    claimed = true + 0.04 * rng.standard_normal(20_000)
    realised = true + 0.4 * rng.standard_normal(20_000)
    traded = claimed > 0.05

    found = shrinkage(claimed[traded], realised[traded], np.arange(traded.sum()) // 5)

    assert found.slope == pytest.approx(0.0009 / 0.0025, abs=0.15)  # part of the variance of claims that is true
    assert 0.2 < found.factor < 0.6


def test_the_unit_does_not_matter_to_the_factor() -> None:
    claimed, realised, ordinal = trades(200, 0.5)

    assert shrinkage(100 * claimed, 100 * realised, ordinal).factor == pytest.approx(
        shrinkage(claimed, realised, ordinal).factor
    )


def test_a_flipped_sign_does_not_pass_unnoticed() -> None:
    assert unnoticed(Path(module_.__file__), [check_slope]) == []
