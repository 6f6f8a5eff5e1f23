"""What holdings and targets would lose if something went wrong for many events at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.units import BoolArray, FloatArray, IntArray, total

DEVIATIONS = 2.0


def payoffs(position: FloatArray) -> FloatArray:
    """Return what positions (..., n_brackets, YES/NO) [shares] pay in each outcome [USD], (..., n_brackets)."""
    yes, no = position[..., 0], position[..., 1]
    paid: FloatArray = total(no)[..., None] - no + yes
    return paid


def settled_at(value: FloatArray, edges: FloatArray, exists: BoolArray) -> IntArray:
    """Return the bracket of a value: the first whose upper edge is not below it; (...).

    Args:
        value: [rule's unit], (...).
        edges: upper edge of each bracket, cold to warm, (..., n_brackets); inf for the last and for pads.
        exists: (..., n_brackets).
    """
    last = exists.sum(axis=-1) - 1
    found: IntArray = np.minimum((value[..., None] > edges).sum(axis=-1), np.maximum(last, 0))
    return found


def stresses(
    gain: FloatArray, exists: BoolArray, *, mean: FloatArray, sd: FloatArray, floor: FloatArray, high: BoolArray,
    edges: FloatArray, likely: IntArray, regions: Sequence[str], sources: Sequence[str],
) -> Mapping[str, FloatArray]:  # fmt: skip
    """Return the P&L of all positions in each stress [USD], (n_runs,).

    Args:
        gain: P&L of an event's positions in each outcome [USD], (n_runs, n_events, n_brackets).
        exists: (n_events, n_brackets) False pads.
        mean, sd: of the extreme [rule's unit], (n_events,); NaN: no opinion, the worst is counted.
        floor: observed so far, NaN: nothing; a highest temperature cannot end below it, a lowest not above.
        high: (n_events,).
        edges: upper edges, (n_events, n_brackets).
        likely: most likely bracket, (n_events,).
        regions, sources: of each event.

    `region`: every station of it ends 2 sd warmer, or colder, than expected. `source_outage`: the source on which most can
    be lost fails, and its events end as badly as they can. `disputed_settlement`: the event that loses most by it pays a
    neighbour of its most likely bracket.
    """
    possible = np.where(exists, gain, np.inf)
    worst = np.where(exists.any(axis=-1), possible.min(axis=-1), 0.0)
    found: dict[str, FloatArray] = {}
    for sign, word in ((DEVIATIONS, "+2sd"), (-DEVIATIONS, "-2sd")):
        value = mean + sign * sd
        value = np.where(np.isnan(floor), value, np.where(high, np.fmax(value, floor), np.fmin(value, floor)))
        place = settled_at(np.where(np.isnan(value), 0.0, value), edges, exists)
        ended = np.take_along_axis(gain, np.broadcast_to(place[None, :, None], (*worst.shape, 1)), -1)[..., 0]
        ended = np.where(np.isnan(value), worst, ended)
        for region in dict.fromkeys(regions):
            found[f"region {region} {word}"] = _of(ended, regions, region)
    by_source = [_of(worst, sources, source) for source in dict.fromkeys(sources)]
    n_runs = len(gain)
    found["source_outage"] = np.min(by_source, axis=0) if by_source else np.zeros(n_runs)
    found["disputed_settlement"] = _disputed(gain, exists, likely)
    return found


def _of(amount: FloatArray, names: Sequence[str], name: str) -> FloatArray:
    """Return the sum over the events of one name, (n_runs,)."""
    return total(np.where(np.array([each == name for each in names]), amount, 0.0))


def _disputed(gain: FloatArray, exists: BoolArray, likely: IntArray) -> FloatArray:
    n_brackets = gain.shape[-1]
    beside = np.full(gain.shape[:2], np.inf)
    for step in (-1, 1):
        place = likely + step
        there = (place >= 0) & (place < n_brackets)
        there &= np.take_along_axis(exists, np.clip(place, 0, n_brackets - 1)[:, None], -1)[:, 0]
        at = np.broadcast_to(np.clip(place, 0, n_brackets - 1)[None, :, None], (*gain.shape[:2], 1))
        beside = np.where(there, np.minimum(beside, np.take_along_axis(gain, at, -1)[..., 0]), beside)
    worst: FloatArray = np.where(np.isinf(beside), 0.0, beside).min(axis=-1, initial=0.0)
    return worst
