"""The track record: what was believed of every settled event at the checkpoints, and what came.

A pure function of the archive: an event is scored once its final outcome was received, with the beliefs of each checkpoint
evaluated again from what was known then. What was scored may be kept as rows and given back after a restart: the same bits.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

import numpy as np

from agents.weather.pool import PRIOR, log_pool
from core.checkpoints import CHECKPOINTS, LOOKS
from core.model.rule import Extreme
from core.units import FloatArray, InstantArray, IntArray, Unit

N = len(CHECKPOINTS)
_MARKS = ("lower", "upper", "raw_lower", "raw_upper", "claimed", "realised", "closing", "booked")


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """One settled event. Probabilities are those of its ladder, cold to warm, NaN: no opinion; temperatures in the rule's unit."""

    event_id: str
    venue: str
    station: str
    event_day: date
    extreme: Extreme
    unit: Unit
    since: int  # when this final outcome was received [microseconds]
    winner: int  # rank in the ladder
    reading: float  # that settled; NaN: only its bracket is known
    exact: bool  # the venue named the reading
    own: float  # what the station's reports alone give; NaN: it has none
    own_winner: int  # -1: none
    at: InstantArray  # (n_looks,) of LOOKS
    forecast: FloatArray  # (n_looks,)
    sources: Mapping[str, FloatArray]  # (n_looks,) forecast extreme of each model
    mean: FloatArray  # (n_looks,) of the distribution of the reading
    sd: FloatArray  # (n_looks,)
    floor: FloatArray  # (n_looks,)
    n_residuals: IntArray  # (n_looks,)
    p_model: FloatArray  # (n_checkpoints, n_brackets)
    p_market: FloatArray  # (n_checkpoints, n_brackets)
    p_pooled: FloatArray  # (n_checkpoints, n_brackets), as the desk pools it with what it knew then
    lower: FloatArray  # (n_checkpoints,) span of the probability integral transform of what settled
    upper: FloatArray  # (n_checkpoints,)
    raw_lower: FloatArray  # (n_checkpoints,) the same before the correction that settled events had earned
    raw_upper: FloatArray  # (n_checkpoints,)
    rps: FloatArray  # (n_checkpoints,) on whole degrees; NaN where only the bracket is known
    width: FloatArray  # (n_checkpoints,) of the central 80 % of the law on whole degrees
    market_age: FloatArray  # (n_checkpoints,) of the book or of the last prints [s]
    booked: FloatArray  # (n_checkpoints,) 1 where the market was an order book, 0 where it was prints
    claimed: FloatArray  # (n_checkpoints,) fair value less all-in price, one share of each side wanted [USD]; NaN: none was
    realised: FloatArray  # (n_checkpoints,) what those shares paid less their price
    closing: FloatArray  # (n_checkpoints,) what the market's price of them gained until the declared closing line


@dataclass(frozen=True, slots=True)
class Track:
    """Settled events of one venue at one checkpoint as known at one instant, oldest outcome first; NaN: could not speak.

    Shape (n_events,) or (n_events, n_brackets), brackets padded with 0.
    """

    ordinal: IntArray  # event day
    winner: IntArray
    model: FloatArray
    market: FloatArray
    lower: FloatArray
    upper: FloatArray
    raw_lower: FloatArray
    raw_upper: FloatArray
    claimed: FloatArray
    realised: FloatArray
    closing: FloatArray
    booked: FloatArray

    @property
    def advantage(self) -> FloatArray:
        """Return ln p - ln q of what settled [nats], p the pool at the weight of the start; NaN where one could not speak.

        At a learned weight a bad model's loss would vanish as its weight does, and no gate could close on it.
        """
        pooled, heard = log_pool(self.model, self.market, PRIOR)
        gain = log_of(pooled, self.winner) - log_of(self.market, self.winner)
        return np.where(heard, gain, np.nan)


LEAST_PROBABILITY = 0.002  # that is charged; SCIENCE 3.1


def log_of(pmf: FloatArray, winner: IntArray) -> FloatArray:
    """Return the logarithm of the probability of what settled [nats], floored; NaN stays NaN."""
    settled: FloatArray = np.take_along_axis(pmf, winner[:, None], axis=-1)[:, 0] if len(winner) else np.empty(0)
    return np.log(np.maximum(settled, LEAST_PROBABILITY))


class _Kept(NamedTuple):
    """What states need of a settled event."""

    since: int
    event_id: str
    venue: str
    ordinal: int
    winner: int
    numbers: FloatArray  # (n_checkpoints, marks, then model and market of each bracket)


@dataclass(slots=True)
class TrackMemory:
    """Scored events by the receipt of their outcome; a corrected outcome is one more and replaces the earlier from then on.

    What counts in no state any more is let go.
    """

    _kept: list[_Kept] = field(default_factory=list)  # by since, then event
    _known: set[tuple[str, int]] = field(default_factory=set)
    _fresh: list[Scored] = field(default_factory=list)
    _tracks: dict[tuple[str, int, int], Track] = field(default_factory=dict)

    def give(self, scored: Iterable[Scored]) -> None:
        """Take in events that were scored and kept before."""
        for each in scored:
            self._insert(each)

    def add(self, scored: Scored) -> None:
        """Take in an event that was scored just now."""
        if self._insert(scored):
            self._fresh.append(scored)

    def has(self, event_id: str, since: int) -> bool:
        """Return whether that final outcome was scored."""
        return (event_id, since) in self._known

    def fresh(self) -> tuple[Scored, ...]:
        """Return what was scored since this was asked last."""
        found, self._fresh = tuple(self._fresh), []
        return found

    def forget(self, before: int) -> None:
        """Let go of outcomes that were received before an instant."""
        gone = bisect_left(self._kept, (before, ""), key=_order)
        if gone:
            self._known.difference_update((each.event_id, each.since) for each in self._kept[:gone])
            del self._kept[:gone]
            self._tracks.clear()

    def forget_from(self, since: int, event_id: str) -> None:
        """Let go of an outcome and of all later ones: they are scored again."""
        first = bisect_left(self._kept, (since, event_id), key=_order)
        if first < len(self._kept):
            self._known.difference_update((each.event_id, each.since) for each in self._kept[first:])
            del self._kept[first:]
            self._tracks.clear()

    def track(self, venue: str, checkpoint: int, instant: int) -> Track:
        """Return the settled events of a venue at a checkpoint as known before an instant: of each its newest outcome by then."""
        known = bisect_left(self._kept, (instant, ""), key=_order)
        key = venue, checkpoint, known
        if key not in self._tracks:
            if len(self._tracks) > 64:
                self._tracks.clear()
            newest = {each.event_id: each for each in self._kept[:known] if each.venue == venue}
            self._tracks[key] = _track_of(tuple(newest.values()), checkpoint)
        return self._tracks[key]

    @property
    def venues(self) -> tuple[str, ...]:
        """Return the venues of which anything was scored, sorted."""
        return tuple(sorted({each.venue for each in self._kept}))

    def _insert(self, scored: Scored) -> bool:
        key = scored.event_id, scored.since
        if key in self._known:
            return False
        self._known.add(key)
        kept = _kept_of(scored)
        self._kept.insert(bisect_left(self._kept, _order(kept), key=_order), kept)
        self._tracks.clear()
        return True


def newest_of(scored: Iterable[Scored]) -> tuple[Scored, ...]:
    """Return each event once, with its newest outcome."""
    newest: dict[str, Scored] = {}
    for each in sorted(scored, key=lambda each: each.since):
        newest[each.event_id] = each
    return tuple(newest.values())


def _order(kept: _Kept) -> tuple[int, str]:
    return kept.since, kept.event_id


def _kept_of(scored: Scored) -> _Kept:
    marks = np.stack([getattr(scored, name) for name in _MARKS], axis=-1)
    numbers = np.concatenate([marks, scored.p_model, scored.p_market], axis=-1)
    return _Kept(scored.since, scored.event_id, scored.venue, scored.event_day.toordinal(), scored.winner, numbers)


def _track_of(kept: Sequence[_Kept], checkpoint: int) -> Track:
    n, rows = len(_MARKS), [each.numbers[checkpoint] for each in kept]
    brackets = [(len(row) - n) // 2 for row in rows]
    width = max(brackets, default=1)
    marks = np.array([row[:n] for row in rows]).reshape(len(rows), n)
    return Track(
        ordinal=np.array([each.ordinal for each in kept], np.int64), winner=np.array([each.winner for each in kept], np.int64),
        model=_padded([row[n : n + k] for row, k in zip(rows, brackets, strict=True)], width),
        market=_padded([row[n + k :] for row, k in zip(rows, brackets, strict=True)], width),
        **{name: marks[:, i].copy() for i, name in enumerate(_MARKS)},
    )  # fmt: skip


def _padded(rows: Sequence[FloatArray], width: int) -> FloatArray:
    found = np.zeros((len(rows), width))
    for i, row in enumerate(rows):
        found[i, : len(row)] = row
    return found


def place_of(checkpoint: int) -> int:
    """Return where a checkpoint stands among all looks."""
    return len(LOOKS) - N + checkpoint
