"""The bars of SCIENCE 6.3 on real temperatures of 2004, with the desk's own filter, regression and isotonic fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.research.srft import srft_scores

Scores = dict[str, dict[str, float]]


@pytest.fixture(scope="module")
def scores(captures: Path) -> Scores:
    return srft_scores(captures / "real" / "benchmarks" / "srft.csv.gz")


def test_the_raw_ensemble_has_the_published_score(scores: Scores) -> None:
    """Fraley et al. (2007) print 1.590730 for 2004-01-31; the mean over the 24 test dates was computed from the table."""
    assert scores["raw"]["n"] == 16_917
    assert scores["raw"]["anchor"] == pytest.approx(1.590729525, abs=1e-9)
    assert scores["raw"]["crps"] == pytest.approx(2.248638, abs=1e-4)


def test_pooled_regression_is_as_good_as_published(scores: Scores) -> None:
    found = scores["emos"]

    assert found["crps"] <= 1.745
    assert found["mae"] == pytest.approx(2.4119, abs=0.01)
    assert found["log"] == pytest.approx(2.6036, abs=0.02)


def test_the_filter_on_the_mean_beats_everything_else(scores: Scores) -> None:
    found = scores["filter"]

    assert found["crps"] <= 1.445
    assert found["log"] <= 2.36
    assert 0.78 <= found["coverage"] <= 0.82
    assert 0.95 <= found["variance"] <= 1.05


def test_the_filter_on_one_forecast_alone_beats_the_whole_ensemble(scores: Scores) -> None:
    """The raw miss of GFS is 2.626 K on the mean."""
    assert scores["filter of GFS"]["crps"] <= min(1.54, 0.6 * 2.626)


def test_the_isotonic_audit_finds_no_shape_that_the_regression_lacks(scores: Scores) -> None:
    """SCIENCE 6.3: pooled 1.7522; a gap above two hundredths would be a problem of shape."""
    assert scores["idr"]["crps"] == pytest.approx(1.7522, abs=0.01)
    assert scores["emos"]["crps"] <= 1.02 * scores["idr"]["crps"]
