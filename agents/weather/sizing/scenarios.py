"""Days that may come: which bracket settles each event, together, in 512 scenarios that follow from nothing but beliefs."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from core.units import FloatArray, IntArray, total

SCENARIOS = 512
SEED = 20_260_101
LEAST_OWN = 0.005  # part of an event's error that no other event shares: two events are never the same bet
FITTINGS = 200
CLOSE = 1e-13


def scenarios(probability: FloatArray, correlation: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the bracket of each event in each scenario, (n_events, 512), and how likely each scenario is, (512,).

    A Gaussian copula over fixed quasi-random numbers, cold to warm. Scenarios are weighed so that every bracket of every
    event is exactly as likely as it is believed to be.

    Args:
        probability: of each bracket, cold to warm [1], (n_events, n_brackets), sums to 1; 0 is no bracket.
        correlation: of the errors of two events, (n_events, n_events).

    Source: SCIENCE 4.5.
    """
    normal = _correlated(correlation)
    place = np.empty(normal.shape, np.int64)
    ladder = np.arange(probability.shape[-1])
    for event, row in enumerate(normal):
        place[event, np.argsort(row, kind="stable")] = np.repeat(ladder, _counts(probability[event]))
    return place, _weights(probability, place)


@lru_cache(maxsize=16)
def _numbers(n_events: int) -> FloatArray:
    drawn = qmc.Sobol(n_events, scramble=True, rng=np.random.default_rng(SEED)).random(SCENARIOS)
    normal: FloatArray = ndtri(np.clip(drawn, 1e-9, 1.0 - 1e-9))
    return np.ascontiguousarray(normal.T)


def _correlated(correlation: FloatArray) -> FloatArray:
    """Return normal numbers, (n_events, 512), with the given correlation of all but the part that each has alone."""
    n = len(correlation)
    shared = (1.0 - LEAST_OWN) * correlation + LEAST_OWN * np.eye(n)
    root, numbers = np.linalg.cholesky(shared), _numbers(n)
    return np.stack([total(numbers[: i + 1].T * root[i, : i + 1]) for i in range(n)])


def _counts(probability: FloatArray) -> IntArray:
    """Return in how many scenarios each bracket settles: in proportion, once at least where it can."""
    there = probability > 0
    spare = SCENARIOS - int(there.sum())
    exact = np.where(there, probability * spare / total(probability), 0.0)
    counts = np.floor(exact).astype(np.int64)
    most = np.argsort(-(exact - counts), kind="stable")[: spare - int(counts.sum())]
    counts[most] += 1
    counts[there] += 1
    return counts


def _weights(probability: FloatArray, place: IntArray) -> FloatArray:
    """Return the weights under which every event has its own distribution: fitted to one event after the other."""
    weight = np.full(SCENARIOS, 1.0 / SCENARIOS)
    n = probability.shape[-1]
    for _ in range(FITTINGS):
        worst = 0.0
        for event, at in enumerate(place):
            now = np.bincount(at, weights=weight, minlength=n)
            ratio = np.where(now > 0, probability[event] / np.where(now > 0, now, 1.0), 1.0)
            worst = max(worst, float(np.abs(now - probability[event]).max()))
            weight = weight * ratio[at]
        if worst < CLOSE:
            break
    return weight
