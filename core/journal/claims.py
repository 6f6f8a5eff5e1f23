"""What settled events paid against what was claimed of them when they were bought: the arithmetic of one event, and its ring.

The brackets of an event exclude each other, so its legs win and lose together: an event is one observation, whose mean and
variance come from the states that its brackets can end in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.model.governor import CLAIM_DAYS, Governor
from core.units import MICRO, BoolArray, FloatArray, IntArray, total


@dataclass(frozen=True, slots=True)
class Claim:
    """One event against what was claimed of it, (n_runs,)."""

    diff_micro: IntArray  # paid less claimed [micro-USD]
    var: IntArray  # variance of what it pays, as claimed [USD^2 x 1e6]


def claim_of_event(held: IntArray, claim: IntArray, paid: IntArray, brackets: IntArray, yes: BoolArray) -> Claim:
    """Return what an event paid against what was claimed of it.

    The probability of a bracket is what its legs claim, weighted by their sizes; what is left is a state in which no bracket
    that is held wins. Columns are taken in the order of brackets: a run has the same bits alone or among others.

    Args:
        held: shares at the end [micro-shares], shape (n_runs, n).
        claim: what they were claimed to be worth [micro-USD], shape (n_runs, n).
        paid: what they were paid [micro-USD], shape (n_runs,).
        brackets: which bracket each leg is about, shape (n,).
        yes: whether a leg is paid when its bracket wins, else when it loses, shape (n,).
    """
    order = np.lexsort((~yes, brackets))
    held, claim, brackets, yes = held[:, order], claim[:, order], brackets[order], yes[order]
    diff = paid - claim.sum(axis=1, dtype=np.int64)
    if not len(order):
        return Claim(diff, np.zeros_like(diff))
    starts = np.flatnonzero(np.r_[True, brackets[1:] != brackets[:-1]])
    legs, wins = _by_state(held, starts), _by_state(np.where(yes, claim, held - claim), starts)
    chance = np.clip(wins / np.maximum(legs, 1), 0.0, 1.0)
    pays = _by_state(np.where(yes, held, -held), starts) + np.where(yes, 0, held).sum(axis=1, dtype=np.int64)[:, None]
    return Claim(diff, _variance(chance, pays, np.where(yes, 0, held).sum(axis=1, dtype=np.int64)))


def with_claim(governor: Governor, day: int, claim: Claim, ended: IntArray) -> Governor:
    """Return the governor after events were paid on a desk day; `ended` counts them, (n_runs,), 0 for a correction.

    A day older than the newest of the ring counts as the newest: the ring never runs backwards.
    """
    day = max(day, int(governor.claim_day.max()))
    slot = day % CLAIM_DAYS
    fresh = int(governor.claim_day[slot]) != day
    days, diff, var = governor.claim_day.copy(), governor.claim_diff_micro.copy(), governor.claim_var.copy()
    days[slot] = day
    diff[:, slot] = (0 if fresh else diff[:, slot]) + claim.diff_micro
    var[:, slot] = (0 if fresh else var[:, slot]) + claim.var
    return replace(governor, claim_day=days, claim_diff_micro=diff, claim_var=var, settled=governor.settled + ended)


def _by_state(amount: IntArray, starts: IntArray) -> IntArray:
    """Return sums over the legs of each bracket, (n_runs, n_states)."""
    added: IntArray = np.add.reduceat(amount, starts, axis=1)
    return added


def _variance(chance: FloatArray, pays: IntArray, otherwise: IntArray) -> IntArray:
    """Return the variance of what an event pays [USD^2 x 1e6], (n_runs,); more certainty than there is is shared out."""
    certain = total(chance)[:, None]
    chance = chance / np.maximum(certain, 1.0)
    left = np.maximum(1.0 - certain, 0.0)
    weight = np.concatenate([chance, left], axis=1)
    usd = np.concatenate([pays, otherwise[:, None]], axis=1) / MICRO
    mean = total(weight * usd)[:, None]
    variance: IntArray = np.rint(total(weight * np.square(usd - mean)) * MICRO).astype(np.int64)
    return variance
