"""The desk's own code in worlds whose truth is known; `HERMES_SEEDS` asks for more of them than a few seconds allow."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

from agents.research import worlds
from agents.research.worlds import BARS, BETTER, DRIFTING, EQUAL, WORSE, advantage, evidence, filter_spans, gate_of, history
from agents.weather.pool import learned_weight, log_pool
from core.metrics.scores import covered

SEEDS = int(os.environ.get("HERMES_SEEDS", "0"))
SHORT = {"coverage": 1, "weight": 10, "worse": 10, "better": 4, "interval": 40, "null": 40}


@pytest.mark.parametrize("name", BARS)
def test_every_promise_is_kept(name: str) -> None:
    """SCIENCE 6.3."""
    bar = BARS[name](SEEDS or SHORT[name])

    print(f"{bar.name}: {bar.value:.4f} (from {bar.least:.3f} to {bar.most:.3f}, n = {bar.n})")  # noqa: T201 - the figure itself
    assert bar.passed, bar


def test_the_same_seed_is_the_same_world() -> None:
    one, same, other = history(EQUAL, 1), history(EQUAL, 1), history(EQUAL, 2)

    assert np.array_equal(one.model, same.model)
    assert not np.array_equal(one.model, other.model)


def test_the_rounding_chain_of_american_stations_loses_no_degree() -> None:
    """SCIENCE 2.4: whole degree to tenths of Celsius and back, -80 to 140 F."""
    degrees = np.arange(-80.0, 140.0)

    assert np.array_equal(worlds._printed(degrees + 0.4999), degrees)
    assert np.array_equal(worlds._printed(degrees - 0.5), degrees)


def test_the_winner_is_the_bracket_that_holds_the_printed_degree() -> None:
    """As many events fall to each bracket as a model that knows its errors expects."""
    found = history(replace(EQUAL, days=2_000), 3)

    share = np.bincount(found.winner, minlength=11) / len(found.winner)
    assert share == pytest.approx(found.model.mean(axis=0), abs=0.01)


def test_model_and_market_err_as_they_are_told_to_and_together() -> None:
    found = history(replace(WORSE, days=4_000, weather_sd=1e-6, memory=0.0), 5)

    ours = found.model_mean - found.forecast
    assert not ours.any()  # no bias in this world
    assert found.model_sd == pytest.approx(0.8, abs=1e-6)
    signal_error = found.settled - found.model_mean
    assert np.sqrt(np.mean(np.square(signal_error))) == pytest.approx(np.hypot(0.8, np.sqrt(1 / 12)), abs=0.02)


def test_prices_of_the_market_maker_are_read_back_as_what_he_believes() -> None:
    found = history(EQUAL, 7)

    assert found.price.sum(axis=1) == pytest.approx(1.0, abs=0.008)
    assert found.market == pytest.approx(found.price, abs=0.005)
    assert history(replace(EQUAL, overround=0.05), 7).market == pytest.approx(found.market, abs=0.05)


def test_without_the_filter_the_drift_breaks_the_coverage() -> None:
    """The bar can fail: the raw forecast with the sd of the whole year covers too little."""
    found = history(DRIFTING, 0)
    sd = 2.0
    raw = [ndtr((found.settled + half - found.forecast) / sd) for half in (-0.5, 0.5)]

    assert covered(*raw, 0.8).mean() < 0.75
    assert 0.78 <= covered(*filter_spans(found, 2.4 * 2.4), 0.8).mean() <= 0.82


def test_the_filter_knows_no_day_before_it_settles() -> None:
    found = history(replace(DRIFTING, days=60), 4)
    later = found.ordinal >= 40
    changed = replace(found, settled=np.where(later, found.settled + 9, found.settled))

    before = found.ordinal < 40
    for one, other in zip(filter_spans(found, 5.76), filter_spans(changed, 5.76), strict=True):
        assert np.array_equal(one[before], other[before])
        same_forecast = found.ordinal == 41
        shifted = filter_spans(replace(found, settled=np.where(found.ordinal == 40, found.settled + 9, found.settled)), 5.76)
        assert np.array_equal(shifted[0][same_forecast], filter_spans(found, 5.76)[0][same_forecast])


@pytest.mark.parametrize(("world", "low", "high"), [(WORSE, 0.0, 0.1), (EQUAL, 0.4, 0.6), (BETTER, 0.7, 0.7)])
def test_the_learned_weight_finds_the_better_of_two(world: worlds.World, low: float, high: float) -> None:
    found = history(replace(world, days=2_500), 9)

    assert low <= learned_weight(found.model, found.market, found.winner).weight <= high


def test_a_blend_of_equals_beats_either() -> None:
    """SCIENCE 3.3: +.0129 nats for the blend by halves, +.0006 for the model alone."""
    found = [history(replace(EQUAL, days=2_500), seed) for seed in range(10)]

    half = np.mean([advantage(each, log_pool(each.model, each.market, 0.5)[0]) for each in found])
    alone = np.mean([advantage(each, each.model) for each in found])

    assert half == pytest.approx(0.0129, abs=0.003)
    assert alone == pytest.approx(0.0, abs=0.006)


def test_a_better_model_earns_normal_size() -> None:
    sizes = [gate_of(replace(BETTER, days=500), seed).size for seed in range(10)]

    assert sizes.count("normal") >= 8
    assert "none" not in sizes


def test_a_worse_model_realises_nothing_of_what_it_claims() -> None:
    found = history(replace(WORSE, days=1_000), 2)

    told = evidence(found, log_pool(found.model, found.market, 0.3)[0])

    assert (told.claimed > 0).all()
    assert len(told.claimed) > 1_000
    assert told.realised.mean() < 0.3 * told.claimed.mean()


def test_at_the_learned_weight_the_worse_model_would_stay_at_probe() -> None:
    """Why the gate is fed with the pool at its first weight: the learned one goes to 0, and so does what can be seen."""
    sizes = [gate_of(replace(WORSE, days=1_000), seed, learned=True).size for seed in range(8)]

    assert sizes.count("none") <= 4
