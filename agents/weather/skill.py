"""What settled events have earned the model, by venue and checkpoint: its weight, its correction, its size. Once a UTC day.

A state of a day rests on the outcomes received before that day began, so that every look of the day has the same, and a day
evaluated as one block the bits of its looks alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from agents.weather.checkpoints import bucket_of
from agents.weather.gates import Evidence, Gate, gate
from agents.weather.listed import Listed
from agents.weather.pool import PRIOR, LearnedWeight, Slopes, learned_weight
from agents.weather.recalibration import Recalibration, recalibrated, recalibration
from agents.weather.shrinkage import Shrinkage, shrinkage
from agents.weather.track import Track, TrackMemory
from agents.weather.vintages import DAY
from core.model.targets import EARNED
from core.units import FloatArray, InstantArray, IntArray


@dataclass(frozen=True, slots=True)
class Skill:
    """What one venue's events at one checkpoint have earned, as known when a UTC day began."""

    venue: str
    checkpoint: int
    day: int  # start of the UTC day [microseconds]
    n: int  # settled events behind it
    weight: LearnedWeight
    recalibration: Recalibration
    shrinkage: Shrinkage
    gate: Gate


def skill_of(track: Track, venue: str, checkpoint: int, day: int, prior: float, slopes: Slopes | None = None) -> Skill:
    """Return what a track record has earned; `prior` is the weight of the model before anything is known."""
    return Skill(
        venue, checkpoint, day, len(track.ordinal), learned_weight(track.model, track.market, track.winner, prior, slopes=slopes),
        recalibration(track.raw_lower, track.raw_upper, track.ordinal), shrinkage(track.claimed, track.realised, track.ordinal),
        gate(Evidence(
            d=track.advantage, ordinal=track.ordinal, lower=track.lower, upper=track.upper, claimed=track.claimed,
            realised=track.realised, traded_ordinal=track.ordinal, closing=track.closing, closing_ordinal=track.ordinal,
            healthy=True,  # the regime asks for health at every look
            n_booked=int(((track.booked > 0) & np.isfinite(track.advantage)).sum()),
        )),
    )  # fmt: skip


@dataclass(slots=True)
class SkillMemory:
    """The states of each UTC day, made once; what did not change since the day before is taken over."""

    track: TrackMemory
    prior: float = PRIOR
    _days: dict[tuple[str, int, int], Skill] = field(default_factory=dict)
    _same: dict[tuple[str, int], tuple[Track, Skill]] = field(default_factory=dict)
    _slopes: dict[tuple[str, int], Slopes] = field(default_factory=dict)
    _fresh: list[Skill] = field(default_factory=list)

    def of(self, venue: str, checkpoint: int, day: int) -> Skill:
        """Return the state of a UTC day (its start)."""
        key = venue, checkpoint, day
        if key not in self._days:
            if len(self._days) > 1_024:
                self._days.clear()
            self._days[key] = self._made(*key)
        return self._days[key]

    def fresh(self) -> tuple[Skill, ...]:
        """Return the states that were made since this was asked last."""
        found, self._fresh = tuple(self._fresh), []
        return found

    def _made(self, venue: str, checkpoint: int, day: int) -> Skill:
        track = self.track.track(venue, checkpoint, day)
        before = self._same.get((venue, checkpoint))
        if before is not None and before[0] is track:
            return before[1]
        slopes = self._slopes.setdefault((venue, checkpoint), Slopes())
        skill = skill_of(track, venue, checkpoint, day, self.prior, slopes)
        self._same[venue, checkpoint] = track, skill
        self._fresh.append(skill)
        return skill


@dataclass(frozen=True, slots=True)
class Skills:
    """The states that hold at each look of each event: `place` into `states`, shape (n_looks, n_events)."""

    place: IntArray
    states: tuple[Skill, ...]

    @property
    def weight(self) -> FloatArray:
        """Return the weight of the model in the pool."""
        return self._each([state.weight.weight for state in self.states])

    @property
    def factor(self) -> FloatArray:
        """Return which part of a claimed edge is thought to be real."""
        return self._each([state.shrinkage.factor for state in self.states])

    @property
    def earned(self) -> IntArray:
        """Return the size that was earned, index into `core.model.targets.EARNED`."""
        return self._each([EARNED.index(state.gate.size) for state in self.states]).astype(np.int64)

    def recalibrated(self, summed: FloatArray) -> FloatArray:
        """Return cumulative probabilities (n_looks, n_events, n) after each state's own correction."""
        if not any(state.recalibration.on for state in self.states):
            return summed
        out = summed.copy()
        for i, state in enumerate(self.states):
            if state.recalibration.on:
                rows = self.place == i
                out[rows] = recalibrated(summed[rows], state.recalibration)
        return out

    def _each(self, values: Sequence[float]) -> FloatArray:
        found: FloatArray = np.array(values, np.float64)[self.place]
        return found


def read_skills(memory: SkillMemory, events: Sequence[Listed], instants: InstantArray) -> Skills:
    """Return the states that hold for events at each instant."""
    buckets, days = bucket_of(instants, events), instants // DAY * DAY
    number: dict[tuple[str, int, int], int] = {}
    place = np.zeros(buckets.shape, np.int64)
    for column, listed in enumerate(events):
        for row, (bucket, day) in enumerate(zip(buckets[:, column].tolist(), days.tolist(), strict=True)):
            place[row, column] = number.setdefault((listed.event.venue, bucket, day), len(number))
    return Skills(place, tuple(memory.of(*key) for key in number))
