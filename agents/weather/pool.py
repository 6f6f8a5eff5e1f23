"""One probability from two, the model's and the market's, and the weight that settled events earned the model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.metrics.scores import LOG_FLOOR
from core.units import BoolArray, FloatArray, InstantArray, IntArray, total

LEAST = 1e-12
PRIOR, PSEUDO_EVENTS, LEAST_EVENTS, CAP = 0.3, 100.0, 200, 0.7
CURVED_AT = 0.3  # where the curvature of a pseudo-event is taken
STEPS = 100
_AT_ONCE = 32  # events, at all weights: what fits the processor's memory
WEIGHTS: FloatArray = np.linspace(0.0, 1.0, STEPS + 1)  # the slope is so smooth that a line between two is right to 2e-5


@dataclass(frozen=True, slots=True)
class LearnedWeight:
    """Weight of the model: what is used, and the best one of `n` events, held toward the prior, before cap and minimum."""

    weight: float
    n: int
    used: bool
    optimum: float


class Slopes:
    """What `_told` said of some events: of those that come again, first and in the same order, it is taken over."""

    def __init__(self) -> None:
        self._events: tuple[FloatArray, FloatArray, IntArray] = (np.empty((0, 0)), np.empty((0, 0)), np.empty(0, np.int64))
        self._told: tuple[FloatArray, FloatArray] = (np.empty((0, len(WEIGHTS))), np.empty(0))

    def of(self, model: FloatArray, market: FloatArray, winner: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return slope and curvature of each event."""
        n = self._alike(model, market, winner)
        if n < len(winner):
            more = _told(model[n:], market[n:], winner[n:])
            slope, curvature = (np.concatenate([old[:n], new]) for old, new in zip(self._told, more, strict=True))
            self._events, self._told = (model, market, winner), (slope, curvature)
        return self._told[0][: len(winner)], self._told[1][: len(winner)]

    def _alike(self, model: FloatArray, market: FloatArray, winner: IntArray) -> int:
        """Return how many of the first events were told before."""
        before, n = self._events, min(len(self._events[2]), len(winner))
        if before[0].shape[1] != model.shape[1]:
            return 0
        alike = (before[0][:n] == model[:n]).all(axis=1) & (before[1][:n] == market[:n]).all(axis=1)
        alike &= before[2][:n] == winner[:n]
        return n if alike.all() else int(alike.argmin())


@dataclass(frozen=True, slots=True)
class LearnedWeights:
    """The same as it was known at each instant, shape (n_instants,)."""

    weight: FloatArray
    n: IntArray
    used: BoolArray
    optimum: FloatArray


def log_pool(model: FloatArray, market: FloatArray, weight: FloatArray | float) -> tuple[FloatArray, BoolArray]:
    """Return p ~ model ** weight x market ** (1 - weight), and where the market could be asked.

    Where it could not, the model stands alone. What one of both rules out, the pool rules out.

    Args:
        model: probability of each bracket [1], shape (..., n_brackets), 0 pads; NaN stays NaN.
        market: the same by the market; a row of NaN: not known.
        weight: of the model, 0 to 1, shape that broadcasts to (...).

    Source: SCIENCE 0.7 and 4.5.
    """
    heard: BoolArray = np.asarray(np.isfinite(market).all(axis=-1))
    share = np.asarray(weight, np.float64)[..., None]
    possible = (model > 0) & (market > 0) & heard[..., None]
    logs = share * np.log(np.where(possible, np.maximum(model, LEAST), 1.0)) + (1.0 - share) * np.log(
        np.where(possible, np.maximum(market, LEAST), 1.0)
    )
    part = np.where(possible, np.exp(logs), 0.0)
    summed = total(part)[..., None]
    agreed = heard[..., None] & (summed > 0)
    pooled = np.where(agreed, part / np.where(summed > 0, summed, 1.0), model)
    return np.where(np.isnan(model), np.nan, pooled), heard


def learned_weight(
    model: FloatArray,
    market: FloatArray,
    winner: IntArray,
    prior: float = PRIOR,
    pseudo_events: float = PSEUDO_EVENTS,
    least_events: int = LEAST_EVENTS,
    cap: float = CAP,
    slopes: Slopes | None = None,
) -> LearnedWeight:
    """Return the weight that would have given the winners most, held toward a prior: events of one venue and lead bucket.

    It maximises the sum of ln pooled probability of the winner, less c / 2 * pseudo_events * (w - prior)^2, where c is the
    mean curvature of a real event at CURVED_AT: both parts are concave.

    Args:
        model, market: probability of each bracket [1], shape (n, n_brackets), 0 pads; rows that are NaN do not count.
        winner: index of the bracket that settled, shape (n,).
        prior: weight before anything is known.
        pseudo_events: real events that the prior is worth.
        least_events: below this many the prior is used.
        cap: most that is used.
        slopes: of the events that were told before.

    Source: SCIENCE 4.5; Ranjan, Gneiting (2010), J. R. Stat. Soc. B 72, 71-91, on pools that are fitted.
    """
    at = np.zeros(1, np.int64)
    found = weights_as_of(
        model, market, winner, np.zeros(len(winner), np.int64), at + 1, prior, pseudo_events, least_events, cap, slopes
    )
    return LearnedWeight(float(found.weight[0]), int(found.n[0]), bool(found.used[0]), float(found.optimum[0]))


def weights_as_of(
    model: FloatArray,
    market: FloatArray,
    winner: IntArray,
    settled_at: InstantArray,
    asked_at: InstantArray,
    prior: float = PRIOR,
    pseudo_events: float = PSEUDO_EVENTS,
    least_events: int = LEAST_EVENTS,
    cap: float = CAP,
    slopes: Slopes | None = None,
) -> LearnedWeights:
    """Return `learned_weight` of the events settled before each of many instants: walk-forward, in one pass.

    Args:
        model, market, winner, prior, pseudo_events, least_events, cap, slopes: see `learned_weight`.
        settled_at: from when each event counts, any increasing clock, shape (n,).
        asked_at: instants or days of the same clock, any order, shape (n_instants,); what settles then does not count yet.
    """
    valid = np.isfinite(model).all(axis=1) & np.isfinite(market).all(axis=1)
    order = np.flatnonzero(valid)[np.argsort(settled_at[valid], kind="stable")]
    slope, curvature = (slopes or Slopes()).of(model[order], market[order], winner[order])
    known = np.searchsorted(settled_at[order], asked_at, side="left").astype(np.int64)
    added, curved = _summed(slope)[known], _summed(curvature[:, None])[known]
    count = np.maximum(known, 1)[:, None]
    held = added - pseudo_events * curved / count * (WEIGHTS - prior)
    optimum = np.where(curved[:, 0] > 0, _root(held), prior)
    used = known >= least_events
    return LearnedWeights(np.where(used, np.clip(optimum, 0.0, cap), prior), known, used, optimum)


def _told(model: FloatArray, market: FloatArray, winner: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the slope of each event's ln pooled probability at WEIGHTS, (n, n_weights), and its curvature, (n,).

    A probability below what the log score charges counts as that much: no single surprise decides a weight.
    """
    real = (model > 0) | (market > 0) | (np.arange(model.shape[1]) == winner[:, None])
    rival = np.where(real, np.log(np.maximum(market, LOG_FLOOR)), 0.0)
    gap = np.where(real, np.log(np.maximum(model, LOG_FLOOR)) - rival, 0.0)
    of_winner = gap[np.arange(len(winner)), winner]
    slope = np.empty((len(winner), len(WEIGHTS)))
    for begin in range(0, len(winner), _AT_ONCE):
        rows = slice(begin, begin + _AT_ONCE)
        _, mean = _mean(real[rows], rival[rows], gap[rows], WEIGHTS[:, None, None])
        slope[rows] = (of_winner[rows] - mean).T
    pooled, mean = _mean(real, rival, gap, CURVED_AT)
    return slope, total(pooled * np.square(gap - mean[..., None]))


def _mean(real: BoolArray, rival: FloatArray, gap: FloatArray, weight: FloatArray | float) -> tuple[FloatArray, FloatArray]:
    """Return the pool and the mean of the log ratio under it: with the variance its first derivatives in the weight."""
    part = np.where(real, np.exp(rival + weight * gap), 0.0)
    pooled = part / total(part)[..., None]
    return pooled, total(pooled * gap)


def _summed(values: FloatArray) -> FloatArray:
    """Return the sums of the first 0, 1, ... rows: one more row than given."""
    return np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])


def _root(slope: FloatArray) -> FloatArray:
    """Return where each falling row crosses 0 between WEIGHTS, an end where it does not."""
    rising = (slope > 0).sum(axis=1)  # how many weights lie before the top
    row, before = np.arange(len(slope)), np.clip(rising - 1, 0, STEPS - 1)
    high, low = slope[row, before], slope[row, before + 1]
    part = np.clip(high / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    return np.where(rising == 0, 0.0, np.where(rising > STEPS, 1.0, WEIGHTS[before] + part / STEPS))
