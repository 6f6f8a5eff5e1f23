"""Intervals, tests and sample sizes: independent libraries, simulated truth, and the smallest samples of each claim."""

from __future__ import annotations

import math
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray
from arch.bootstrap import StationaryBootstrap
from numpy.typing import NDArray
from scipy import stats
from scores.stats.statistical_tests import diebold_mariano as scores_diebold_mariano
from statsmodels.stats.power import NormalIndPower
from statsmodels.tsa.stattools import diebold_mariano_test

from core.metrics import inference

N_DATES = 120
HORIZONS = ((1, 0), (1, 3), (2, 0), (3, 1), (4, 6))  # steps ahead, lag asked for


@cache
def remembering(n: int = N_DATES, memory: float = 0.5, seed: int = 21) -> NDArray[np.float64]:
    """A series in which each value keeps part of the one before."""
    rng = np.random.default_rng(seed)
    found = [float(rng.standard_normal())]
    for shock in rng.standard_normal(n - 1):
        found.append(memory * found[-1] + math.sqrt(1 - memory**2) * float(shock))
    return np.array(found) + 0.2


@cache
def statsmodels_says(horizon: int, lag: int, harvey: bool) -> tuple[float, float]:
    series = remembering()
    found = diebold_mariano_test(
        np.zeros(N_DATES), series, np.zeros(N_DATES), lags=lag, criterion=lambda _, f: f, harvey_adj=harvey, horizon=horizon
    )
    return float(found.statistic), float(found.pvalue)


def check_diebold_mariano_agrees_with_statsmodels(module: ModuleType) -> None:
    assert module.diebold_mariano(remembering(), 1).statistic == pytest.approx(statsmodels_says(1, 0, True)[0])
    assert module.diebold_mariano(remembering(), 2).statistic == pytest.approx(statsmodels_says(2, 4, True)[0])
    for horizon, lag in HORIZONS:
        found = module.diebold_mariano(remembering(), horizon, lag)
        assert (found.statistic, found.p_value) == pytest.approx(
            statsmodels_says(horizon, max(horizon - 1, lag), True), rel=1e-9
        )
        assert found.n == N_DATES


def check_newey_west_agrees_with_statsmodels(module: ModuleType) -> None:
    for lag in (0, 1, 5):
        assert module.newey_west(remembering(), lag).t == pytest.approx(statsmodels_says(1, lag, False)[0], rel=1e-9)
    found = module.newey_west(remembering())
    assert found.t == pytest.approx(statsmodels_says(1, 4, False)[0], rel=1e-9)  # floor(4 * 1.2 ** (2 / 9)) = 4
    assert found.mean == pytest.approx(remembering().mean())
    assert found.standard_error == pytest.approx(found.mean / found.t)
    two = np.array([1.0, 3.0])
    assert [module.newey_west(two, lag).t for lag in (0, 1, 9)] == pytest.approx([math.sqrt(8), 4.0, 4.0])


def check_too_little_is_no_number(module: ModuleType) -> None:
    for found in (module.diebold_mariano(np.array([0.3, 0.1, 0.2]), horizon=3), module.diebold_mariano(np.array([0.3, 0.1]))):
        assert math.isnan(found.statistic)
        assert math.isnan(found.p_value)
    assert math.isfinite(module.diebold_mariano(np.array([0.3, 0.1, 0.2])).p_value)
    assert module.diebold_mariano(np.array([0.3, 0.1, 0.2]), 1, 1).n == 3
    assert math.isfinite(module.diebold_mariano(np.array([0.3, 0.1, 0.2]), 1, 1).p_value)
    assert math.isnan(module.diebold_mariano(np.array([0.3, 0.1, 0.2]), 1, 2).p_value)
    assert module.diebold_mariano(np.zeros(40)) == module.DieboldMariano(0.0, 1.0, 40)
    assert math.isnan(module.diebold_mariano(np.full(40, 0.25)).statistic)
    assert math.isnan(module.newey_west(np.array([2.0])).t)
    assert module.newey_west(np.array([2.0])).mean == 2.0
    assert math.isnan(module.newey_west(np.empty(0)).mean)


@cache
def arch_says(block: float, resamples: int) -> NDArray[np.float64]:
    """Means of a series as `arch` resamples it."""
    found: NDArray[np.float64] = StationaryBootstrap(block, remembering(), seed=5).apply(np.mean, resamples)[:, 0]
    return found


def check_resampled_means_are_distributed_as_in_arch(module: ModuleType) -> None:
    """20,000 resamples each: the 5 % quantile is known to 0.015 standard deviations, the deviation itself to 0.5 %."""
    for block in (2.0, 7.0):
        ours = remembering()[module.resampled_dates(N_DATES, block, 20_000, 8)].mean(axis=1)
        theirs = arch_says(block, 20_000)
        assert ours.std() == pytest.approx(theirs.std(), rel=0.03)
        levels = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
        assert np.quantile(ours, levels) == pytest.approx(np.quantile(theirs, levels), abs=0.1 * theirs.std())


def check_the_interval_is_the_widened_one_of_its_resamples(module: ModuleType) -> None:
    values, ordinal = np.repeat(remembering(), 2) + np.tile([0.0, 0.5], N_DATES), np.repeat(np.arange(N_DATES) + 738_000, 2)
    for level, block in ((0.9, 7.0), (0.95, 3.0)):
        found = module.date_interval(values, ordinal, level, block, 500, 9)
        means = (remembering() + 0.25)[inference.resampled_dates(N_DATES, block, 500, 9)].mean(axis=1)
        plain = np.quantile(means, ((1 - level) / 2, (1 + level) / 2))
        wide = found.mean + (plain - found.mean) * inference.widening(N_DATES, block, level)
        assert (found.low, found.high) == pytest.approx(tuple(wide), rel=1e-9)
        assert found.mean == pytest.approx(values.mean())
        assert (found.n, found.n_dates) == (2 * N_DATES, N_DATES)


def check_widening_makes_up_for_what_the_bootstrap_loses(module: ModuleType) -> None:
    """Of independent values with variance 1, the mean varies by 1 / n; resamples show the mean of (count - 1)^2 / n^2."""
    for n, block in ((30, 7.0), (60, 3.0), (60, 7.0)):
        picked = inference.resampled_dates(n, block, 20_000, 4)
        count = np.zeros((20_000, n))
        np.add.at(count, (np.arange(20_000)[:, None], picked), 1.0)
        shown = (count - 1).T @ (count - 1) / 20_000
        df = np.trace(shown) ** 2 / np.square(shown).sum()  # of a quadratic form in normal values
        for level in (0.9, 0.95):
            student = stats.t.ppf((1 + level) / 2, df) / stats.norm.ppf((1 + level) / 2)
            assert module.widening(n, block, level) == pytest.approx(math.sqrt(n / np.trace(shown)) * student, rel=0.06)
            assert module.widening(n, block, level) >= math.sqrt(n / np.trace(shown)) * 0.99


def check_a_ratio_is_in_per_cent(module: ModuleType) -> None:
    rng = np.random.default_rng(22)
    rival, ordinal = rng.uniform(1, 2, 300), np.repeat(np.arange(100), 3)
    ours = rival * 0.9 + rng.normal(0, 0.1, 300)

    found = module.ratio_interval(ours, rival, ordinal)
    same = module.ratio_interval(0.8 * rival, rival, ordinal)

    assert found.mean == pytest.approx(100 * (ours.sum() / rival.sum() - 1))
    assert -13 < found.low < found.mean < found.high < -7
    assert (same.mean, same.low, same.high) == pytest.approx((-20.0, -20.0, -20.0))


def check_what_makes_no_sense_is_refused(module: ModuleType) -> None:
    values, ordinal = np.ones(40), np.arange(40)
    for wrong in ({"level": 0.0}, {"level": 1.0}, {"block": 0.5}, {"block": 21.0}):
        with pytest.raises(ValueError, match=r"level is|block is"):
            module.date_interval(values, ordinal, **wrong)
    with pytest.raises(ValueError, match="not finite"):
        module.date_interval(np.where(ordinal == 7, np.nan, 1.0), ordinal)
    assert module.date_interval(values, ordinal, block=20.0).mean == 1.0
    assert module.date_interval(values, ordinal, block=1.0).n_dates == 40
    assert module.date_interval(values[:29], ordinal[:29]) is None
    assert module.ratio_interval(values[:29], values[:29], ordinal[:29]) is None
    assert module.date_interval(values[:30], ordinal[:30]).n == 30


def check_the_design_effect_is_that_of_the_variance_analysis(module: ModuleType) -> None:
    """From the F statistic: rho = (F - 1) / (F - 1 + m)."""
    rng = np.random.default_rng(23)
    for sizes in (np.full(80, 3), rng.integers(1, 6, 80)):
        ordinal = np.repeat(np.arange(80), sizes)
        values = rng.normal(size=80)[ordinal] * 0.7 + rng.normal(size=len(ordinal))
        above = stats.f_oneway(*(values[ordinal == date] for date in range(80))).statistic - 1
        typical = sizes.mean() - sizes.var(ddof=1) / (80 * sizes.mean())
        beside = np.average(sizes, weights=sizes) - 1
        assert module.design_effect(values, ordinal) == pytest.approx(1 + beside * above / (above + typical))
    assert module.design_effect(np.tile([1.0, -1.0], 20), np.repeat(np.arange(20), 2)) == 1.0  # stations that differ: no less
    assert module.design_effect(np.repeat(np.arange(20.0), 2), np.repeat(np.arange(20), 2)) == 2.0  # two as one
    assert module.design_effect(np.arange(5.0), np.arange(5)) == 1.0
    assert module.design_effect(np.arange(5.0), np.zeros(5, int)) == 1.0
    assert module.design_effect(np.ones(6), np.repeat(np.arange(3), 2)) == 1.0


def check_sample_sizes_agree_with_statsmodels(module: ModuleType) -> None:
    power = NormalIndPower()
    for mean, sd, alpha, wanted in ((0.05, 0.25, 0.05, 0.8), (-0.1, 0.2, 0.1, 0.9)):
        n = power.solve_power(effect_size=abs(mean) / sd, alpha=alpha, power=wanted, ratio=0)
        assert module.events_needed(mean, sd, wanted, alpha) == math.ceil(n)
        assert module.events_needed(mean, sd, wanted, alpha, 1.6) == pytest.approx(1.6 * n, abs=1)
        assert module.least_detectable(sd, math.ceil(n), wanted, alpha) == pytest.approx(abs(mean), rel=0.02)
    assert module.least_detectable(1.0, 400, design_effect=4.0) == pytest.approx(2.801585 / 10)
    assert module.events_needed(0.0129, 0.158) == pytest.approx(1179, abs=1)  # SCIENCE 3.3, equal skill
    assert module.events_needed(0.0, 0.2) == module.events_needed(1e-9, 1.0) == 1_000_000_000
    assert module.least_detectable(1.0, 0) == math.inf
    assert module.least_detectable(1.0, 1) == pytest.approx(2.801585)


def check_a_date_counts_once(module: ModuleType) -> None:
    dates, means = module.per_date(np.array([3.0, 1.0, 5.0, 2.0]), np.array([9, 4, 9, 7]))

    assert dates.tolist() == [4, 7, 9]
    assert means.tolist() == [1.0, 2.0, 4.0]


def check_claims_need_their_events_and_dates(module: ModuleType) -> None:
    """SCIENCE 5.4 and 6.4."""
    least = {claim.name: (minimum.events, minimum.dates) for claim, minimum in module.MINIMA.items()}
    assert least == {
        "CALIBRATION": (300, 60), "BEATS_MARKET": (500, 90), "STATION": (150, 0), "RETURN": (300, 60), "STOP": (300, 60),
    }  # fmt: skip
    assert module.sufficiency(module.Claim.BEATS_MARKET, 500, 90).text == "enough"
    assert module.sufficiency(module.Claim.STATION, 150, 1).enough
    few = module.sufficiency(module.Claim.CALIBRATION, 120, 75)
    assert (few.missing_events, few.missing_dates, few.enough) == (180, 0, False)
    assert few.text == "not enough data (120 of 300 events)"
    assert not module.sufficiency(module.Claim.CALIBRATION, 400, 59).enough
    trades = module.sufficiency(module.Claim.RETURN, 299, 12)
    assert (trades.missing_events, trades.missing_dates) == (1, 48)
    assert trades.text == "not enough data (299 of 300 trades, 12 of 60 dates)"


CHECKS = (
    check_diebold_mariano_agrees_with_statsmodels,
    check_newey_west_agrees_with_statsmodels,
    check_too_little_is_no_number,
    check_the_interval_is_the_widened_one_of_its_resamples,
    check_a_ratio_is_in_per_cent,
    check_what_makes_no_sense_is_refused,
    check_the_design_effect_is_that_of_the_variance_analysis,
    check_sample_sizes_agree_with_statsmodels,
    check_a_date_counts_once,
    check_claims_need_their_events_and_dates,
    check_widening_makes_up_for_what_the_bootstrap_loses,
    check_resampled_means_are_distributed_as_in_arch,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_oracle(check: Any) -> None:
    check(inference)


def test_diebold_mariano_agrees_with_scores_one_step_ahead() -> None:
    """Further ahead `scores` weighs all lags alike, as Harvey, Leybourne and Newbold did; Bartlett's weights are ours."""
    series = xarray.DataArray(remembering()[None], dims=("lead", "date"), coords={"lead": [1], "h": ("lead", [1])})
    theirs = scores_diebold_mariano(series, "lead", "h", method="HLN", statistic_distribution="t")

    ours = inference.diebold_mariano(remembering())

    assert ours.statistic == pytest.approx(theirs["dm_test_stat"].item())
    assert ours.p_value == pytest.approx(2 * (1 - theirs["confidence_gt_0"].item()))


@pytest.mark.parametrize(("horizon", "memory"), [(1, 0), (2, 1)])
def test_the_p_values_of_equal_forecasters_are_uniform(horizon: int, memory: int) -> None:
    """SCIENCE 6.2: 500 worlds; forecasts two days ahead share one day's weather with the next."""
    rng = np.random.default_rng(24)
    shocks = rng.standard_t(8, (500, 200 + memory))
    worlds = shocks if memory == 0 else shocks[:, 1:] + 0.3 * shocks[:, :-1]

    p_values = [inference.diebold_mariano(world, horizon).p_value for world in worlds]

    assert stats.kstest(p_values, "uniform").pvalue > 0.01


@pytest.mark.parametrize(("n_dates", "level"), [(30, 0.95), (60, 0.95), (60, 0.9), (180, 0.95)])
def test_an_interval_holds_the_truth_as_often_as_it_says(n_dates: int, level: float) -> None:
    """SCIENCE 6.2: 93 to 97 % for 95 %, from the fewest dates an interval is given for; three stations share each date."""
    rng = np.random.default_rng(25)
    ordinal, held = np.repeat(np.arange(n_dates), 3), 0
    for world in range(600):
        values = rng.normal(size=n_dates)[ordinal] * 0.6 + rng.normal(size=3 * n_dates)
        found = inference.date_interval(values, ordinal, level, resamples=400, seed=world)
        held += found is not None and found.low < 0 < found.high

    assert held / 600 == pytest.approx(level, abs=0.021)


def test_events_of_a_date_move_together() -> None:
    """Copies of each event add no knowledge: same interval, more events."""
    values, dates = remembering(), np.arange(N_DATES)

    once, thrice = inference.date_interval(values, dates), inference.date_interval(np.repeat(values, 3), np.repeat(dates, 3))

    assert once is not None
    assert thrice is not None
    assert (once.low, once.high) == pytest.approx((thrice.low, thrice.high))
    assert (once.n, thrice.n) == (N_DATES, 3 * N_DATES)


def test_the_order_of_events_does_not_count_and_the_seed_decides() -> None:
    values, dates = np.repeat(remembering(), 2), np.repeat(np.arange(N_DATES), 2)
    order = np.random.default_rng(26).permutation(len(values))

    first, again = inference.date_interval(values, dates), inference.date_interval(values[order], dates[order])
    other = inference.date_interval(values, dates, seed=1)

    assert first is not None
    assert again is not None
    assert (first.mean, first.low, first.high) == pytest.approx((again.mean, again.low, again.high), rel=1e-12)
    assert other != first


def test_memory_widens_an_interval() -> None:
    remembered, alone = remembering(365, 0.6), np.random.default_rng(27).permutation(remembering(365, 0.6))

    long, short = inference.date_interval(remembered, np.arange(365)), inference.date_interval(alone, np.arange(365))

    assert long is not None
    assert short is not None
    assert long.high - long.low > 1.2 * (short.high - short.low)
