"""The track record: what was believed of every settled event at the checkpoints, and what came.

A pure function of the archive: an event is scored once its final outcome was received, with the beliefs of each checkpoint
evaluated again from what was known then. What was scored may be kept as rows and given back after a restart: the same bits.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from agents.weather.pool import PRIOR, log_pool
from core.checkpoints import CHECKPOINTS, LOOKS
from core.model.rule import Extreme
from core.units import FloatArray, InstantArray, IntArray, Unit

N = len(CHECKPOINTS)
_MARKS = ("lower", "upper", "raw_lower", "raw_upper", "claimed", "realised", "closing")


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
    p_pooled: FloatArray  # (n_checkpoints, n_brackets), as it was traded on
    lower: FloatArray  # (n_checkpoints,) span of the probability integral transform of what settled
    upper: FloatArray  # (n_checkpoints,)
    raw_lower: FloatArray  # (n_checkpoints,) the same before the correction that settled events had earned
    raw_upper: FloatArray  # (n_checkpoints,)
    rps: FloatArray  # (n_checkpoints,) on whole degrees; NaN where only the bracket is known
    width: FloatArray  # (n_checkpoints,) of the central 80 % of the law on whole degrees
    market_age: FloatArray  # (n_checkpoints,) of the book or of the last prints [s]
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


@dataclass(slots=True)
class TrackMemory:
    """Scored events by the receipt of their outcome; a corrected outcome is one more and replaces the earlier from then on."""

    _scored: list[Scored] = field(default_factory=list)  # by since, then event
    _known: dict[tuple[str, int], Scored] = field(default_factory=dict)
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

    def until(self, instant: int) -> tuple[Scored, ...]:
        """Return the events whose outcome was received before an instant: of each its newest outcome by then, oldest first."""
        newest = {each.event_id: each for each in self._scored[: self._count(instant)]}
        return tuple(newest.values())

    def track(self, venue: str, checkpoint: int, instant: int) -> Track:
        """Return the settled events of a venue at a checkpoint as known before an instant."""
        key = venue, checkpoint, self._count(instant)
        if key not in self._tracks:
            if len(self._tracks) > 64:
                self._tracks.clear()
            self._tracks[key] = track_of([each for each in self.until(instant) if each.venue == venue], checkpoint)
        return self._tracks[key]

    @property
    def venues(self) -> tuple[str, ...]:
        """Return the venues of which anything was scored, sorted."""
        return tuple(sorted({each.venue for each in self._scored}))

    def _count(self, instant: int) -> int:
        return bisect_left(self._scored, (instant, ""), key=_order)

    def _insert(self, scored: Scored) -> bool:
        key = scored.event_id, scored.since
        if key in self._known:
            return False
        self._known[key] = scored
        self._scored.insert(bisect_left(self._scored, _order(scored), key=_order), scored)
        self._tracks.clear()
        return True


def _order(scored: Scored) -> tuple[int, str]:
    return scored.since, scored.event_id


def track_of(scored: Sequence[Scored], checkpoint: int) -> Track:
    """Return some settled events at one checkpoint."""
    width = max((each.p_model.shape[-1] for each in scored), default=1)
    return Track(
        ordinal=np.array([each.event_day.toordinal() for each in scored], np.int64),
        winner=np.array([each.winner for each in scored], np.int64),
        model=_padded([each.p_model[checkpoint] for each in scored], width),
        market=_padded([each.p_market[checkpoint] for each in scored], width),
        **{name: np.array([getattr(each, name)[checkpoint] for each in scored], np.float64) for name in _MARKS},
    )


def _padded(rows: Sequence[FloatArray], width: int) -> FloatArray:
    found = np.zeros((len(rows), width))
    for i, row in enumerate(rows):
        found[i, : len(row)] = row
    return found


def place_of(checkpoint: int) -> int:
    """Return where a checkpoint stands among all looks."""
    return len(LOOKS) - N + checkpoint
