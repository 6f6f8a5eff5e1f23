"""Pooling model and market, and the weight that settled events earn the model."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import cvxpy
import numpy as np
import pytest

from agents.weather import pool
from agents.weather.pool import LEAST_EVENTS, PRIOR, Slopes, learned_weight, log_pool, weights_as_of
from core.units import FloatArray, IntArray
from tests.flipped import unnoticed

NAN = float("nan")
SCORED = 0.002  # a probability below counts as this much: SCIENCE 3.1


def test_the_pool_lies_between_model_and_market() -> None:
    model, market = np.array([[0.1, 0.3, 0.6]]), np.array([[0.3, 0.4, 0.3]])

    pooled, heard = log_pool(model, market, 0.3)

    weights = model**0.3 * market**0.7
    assert pooled == pytest.approx(weights / weights.sum(), abs=1e-12)
    assert heard.all()


@pytest.mark.parametrize(("weight", "same_as"), [(0.0, 1), (1.0, 0)])
def test_the_ends_of_the_weight_are_one_of_both(weight: float, same_as: int) -> None:
    both = np.array([[0.1, 0.3, 0.6]]), np.array([[0.3, 0.4, 0.3]])

    assert log_pool(*both, weight)[0] == pytest.approx(both[same_as])


def test_without_a_market_the_model_stands_alone_and_says_so() -> None:
    model = np.array([[0.1, 0.3, 0.6]])

    pooled, heard = log_pool(model, np.full((1, 3), NAN), 0.3)

    assert np.array_equal(pooled, model)
    assert not heard.any()


def test_what_one_rules_out_the_pool_rules_out() -> None:
    pooled, _ = log_pool(np.array([[0.0, 0.4, 0.6]]), np.array([[0.2, 0.4, 0.4]]), 0.3)

    assert pooled[0, 0] == 0.0
    assert pooled.sum() == pytest.approx(1.0)


def test_each_event_may_have_a_weight_of_its_own() -> None:
    model, market = np.array([[0.1, 0.3, 0.6]] * 3), np.array([[0.3, 0.4, 0.3]] * 3)
    weight = np.array([0.0, 0.3, 0.7])

    together, _ = log_pool(model, market, weight)

    alone = [log_pool(model[i], market[i], float(weight[i]))[0] for i in range(3)]
    assert all(np.array_equal(row, one) for row, one in zip(together, alone, strict=True))


def events(n: int, lean: float, seed: int = 3, brackets: int = 7) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return model, market and winners drawn from a pool in which the model has weight `lean`."""
    rng = np.random.default_rng(seed)
    model, market = (rng.dirichlet(np.full(brackets, 2.0), n) for _ in range(2))
    model, market = (np.maximum(each, 0.004) / np.maximum(each, 0.004).sum(axis=1, keepdims=True) for each in (model, market))
    true, _ = log_pool(model, market, lean)
    return model, market, (rng.random(n)[:, None] > np.cumsum(true, axis=1)).sum(axis=1).clip(0, brackets - 1)


def by_cvxpy(model: FloatArray, market: FloatArray, winner: IntArray, prior: float, pseudo_events: float) -> float:
    """The same concave problem, written out for a solver that knows nothing of its solution."""
    gap, base = np.log(model) - np.log(market), np.log(market)
    at_prior = model**0.3 * market**0.7
    at_prior /= at_prior.sum(axis=1, keepdims=True)
    curvature = ((at_prior * gap**2).sum(axis=1) - (at_prior * gap).sum(axis=1) ** 2).mean()
    weight, rows = cvxpy.Variable(), np.arange(len(winner))
    summed = cvxpy.sum([cvxpy.log_sum_exp(base[i] + weight * gap[i]) for i in rows])
    told = base[rows, winner].sum() + weight * gap[rows, winner].sum() - summed
    held = told - 0.5 * pseudo_events * curvature * cvxpy.square(weight - prior)
    cvxpy.Problem(cvxpy.Maximize(held), [weight >= 0, weight <= 1]).solve(solver=cvxpy.CLARABEL)
    return float(weight.value)


CASES = [(events(60, 0.6), 0.3, 20.0), (events(60, 0.1, seed=5), 0.3, 100.0), (events(60, 0.9, seed=8), 0.5, 0.0)]
TRUTH = [by_cvxpy(*case, prior, pseudo) for case, prior, pseudo in CASES]


def check_weight(module: ModuleType) -> None:
    for ((model, market, winner), prior, pseudo), truth in zip(CASES, TRUTH, strict=True):
        found = module.learned_weight(model, market, winner, prior, pseudo, least_events=60)
        np.testing.assert_allclose(found.optimum, truth, atol=3e-5)
        np.testing.assert_allclose(found.weight, min(truth, 0.7), atol=3e-5)
        assert found.n == 60
        assert found.used


def check_ends(module: ModuleType) -> None:
    """A winner that one side always foresaw, pads, silence, dates."""
    sure, unsure = np.tile([0.96, 0.02, 0.02, 0.0], (300, 1)), np.tile([0.2, 0.4, 0.4, 0.0], (300, 1))
    winner = np.zeros(300, np.int64)
    assert module.learned_weight(sure, unsure, winner, pseudo_events=0.0).optimum == 1.0
    assert module.learned_weight(unsure, sure, winner, pseudo_events=0.0).optimum == 0.0
    assert module.learned_weight(unsure, unsure, winner).optimum == 0.3
    assert module.learned_weight(sure[:0], unsure[:0], winner[:0]).weight == 0.3
    silent = np.vstack([np.full((50, 4), NAN), unsure])
    found = module.learned_weight(np.vstack([sure[:50], sure]), silent, np.zeros(350, np.int64), pseudo_events=0.0)
    assert (found.n, found.weight) == (300, 0.7)
    model, market, won = (each.copy() for each in CASES[0][0])
    padded = [np.c_[each, np.zeros((60, 2))] for each in (model, market)]
    assert module.learned_weight(*padded, won) == module.learned_weight(model, market, won)
    for nought in (0.0, SCORED):  # what one side alone rules out counts as the least that is charged
        model[:, 1], market[:, 2] = SCORED, nought
        one = module.learned_weight(model, market, won, pseudo_events=0.0).optimum
        model[:, 1] = nought
        assert one == module.learned_weight(model, market, won, pseudo_events=0.0).optimum
        market[:, 2] = SCORED
        assert one == module.learned_weight(model, market, won, pseudo_events=0.0).optimum
    days = module.weights_as_of(sure, unsure, winner, np.arange(300), np.array([300, 0, 199, 200, 201]), pseudo_events=0.0)
    assert days.n.tolist() == [300, 0, 199, 200, 201]
    assert days.used.tolist() == [True, False, False, True, True]
    assert days.weight.tolist() == [0.7, 0.3, 0.3, 0.7, 0.7]
    # log_pool, where the oracle of the weight cannot see it
    pooled, heard = module.log_pool(np.array([[0.0, 0.4, 0.6], [0.2, 0.0, 0.8]]), np.array([[0.2, 0.5, 0.3], [NAN] * 3]), 0.3)
    parts = np.array([0.0, 0.4**0.3 * 0.5**0.7, 0.6**0.3 * 0.3**0.7])
    np.testing.assert_allclose(pooled, [parts / parts.sum(), [0.2, 0.0, 0.8]], atol=1e-12)
    assert heard.tolist() == [True, False]
    assert module.log_pool(np.array([0.3, 0.7]), np.array([0.5, 0.5]), 0.3)[1].shape == ()
    np.testing.assert_allclose(module.log_pool(np.array([0.3, 0.7]), np.array([0.7, 0.0]), 0.3)[0], [1.0, 0.0])
    np.testing.assert_allclose(module.log_pool(np.array([0.0, 1.0]), np.array([1.0, 0.0]), 0.3)[0], [0.0, 1.0])


def test_the_learned_weight_is_the_optimum_of_the_concave_problem() -> None:
    check_weight(pool)


def test_the_ends_of_what_can_be_learned() -> None:
    check_ends(pool)


def test_below_two_hundred_events_the_prior_is_used_and_the_optimum_shown() -> None:
    model, market, winner = events(LEAST_EVENTS - 1, 0.9)

    found = learned_weight(model, market, winner)

    assert found.weight == PRIOR
    assert not found.used
    assert found.optimum > 0.4


def test_the_prior_is_worth_a_hundred_events() -> None:
    """Where curvature hardly changes, n events at optimum w and 100 at .3 meet at (n w + 30) / (n + 100)."""
    model, market, winner = events(400, 0.45)

    free = learned_weight(model, market, winner, pseudo_events=0.0).optimum
    held = learned_weight(model, market, winner).optimum

    assert held == pytest.approx((400 * free + 30) / 500, abs=0.01)


def test_one_surprise_counts_no_more_than_the_score_charges() -> None:
    model, market, winner = events(300, 0.4)
    shocked = model.copy()
    shocked[0, winner[0]] = 1e-300
    floored = model.copy()
    floored[0, winner[0]] = SCORED

    assert learned_weight(shocked, market, winner) == learned_weight(floored, market, winner)


def test_a_weight_knows_only_what_had_settled_before() -> None:
    """Walk-forward in one pass gives the bits of a fit on each date's own past."""
    model, market, winner = events(500, 0.6)
    settled_at = np.random.default_rng(4).integers(0, 100, 500)
    asked_at = np.array([0, 30, 50, 99, 100, 250])

    found = weights_as_of(model, market, winner, settled_at, asked_at)

    order = np.argsort(settled_at, kind="stable")
    for place, day in enumerate(asked_at.tolist()):
        past = order[settled_at[order] < day]
        alone = learned_weight(model[past], market[past], winner[past])
        assert (found.weight[place], found.n[place], found.optimum[place]) == (alone.weight, len(past), alone.optimum)


def test_what_settles_later_changes_nothing_earlier() -> None:
    model, market, winner = events(500, 0.6)
    settled_at, asked_at = np.arange(500), np.array([250])
    other = np.where(settled_at < 250, winner, (winner + 1) % 7)

    assert np.array_equal(
        weights_as_of(model, market, winner, settled_at, asked_at).weight,
        weights_as_of(model, market, other, settled_at, asked_at).weight,
    )


def test_a_flipped_sign_does_not_pass_unnoticed() -> None:
    assert unnoticed(Path(pool.__file__), [check_weight, check_ends]) == []


def test_slopes_that_were_told_before_give_the_same_weight_to_the_bit() -> None:
    chance = np.random.default_rng(5)
    model, market = (chance.dirichlet(np.ones(9), 300) for _ in range(2))
    winner, slopes = chance.integers(0, 9, 300), Slopes()
    corrected = winner.copy()
    corrected[20] = (winner[20] + 1) % 9

    for n, came in ((0, winner), (40, winner), (41, winner), (300, winner), (300, corrected), (120, corrected), (250, winner)):
        given = model[:n], market[:n], came[:n]
        assert learned_weight(*given, slopes=slopes) == learned_weight(*given)
    wider = np.pad(model, ((0, 0), (0, 2))), np.pad(market, ((0, 0), (0, 2))), winner
    assert learned_weight(*wider, slopes=slopes) == learned_weight(model, market, winner)
