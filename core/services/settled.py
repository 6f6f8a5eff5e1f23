"""Settled events as arrays: what was believed of each at its looks and what came, read once for each state of the track record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import numpy as np
import orjson

from core.checkpoints import CHECKPOINTS, EARLIER, LOOKS
from core.units import BoolArray, Columns, FloatArray, InstantArray, IntArray

_OF_EVENT = ("event_id", "venue", "station", "extreme", "unit", "since", "winner", "own_winner", "reading", "own", "exact")
_OF_LOOK = ("at", "forecast", "mean", "sd", "floor")
_OF_CHECKPOINT = ("lower", "upper", "rps", "width", "market_age", "claimed", "realised")
_PMFS = {"model": "p_model", "market": "p_market", "pooled": "p_pooled"}


@dataclass(frozen=True, slots=True)
class Question:
    """Which settled events are meant; None: all."""

    station_code: str | None = None
    venue: str | None = None
    extreme: str | None = None  # "high" or "low"
    days: int | None = None  # up to the newest event day that is settled
    day: date | None = None  # one event day
    first: date | None = None  # a span of event days, both included
    last: date | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """Settled events, newest event day first, each by its newest outcome; temperatures in each event's unit.

    Shapes (n,), by look (n, n_looks), by checkpoint (n, n_checkpoints), probabilities (n, n_checkpoints, n_brackets),
    padded with 0; NaN: there was none.
    """

    event_id: np.ndarray
    venue: np.ndarray
    station: np.ndarray
    extreme: np.ndarray
    unit: np.ndarray
    ordinal: IntArray  # event day
    since: InstantArray  # when this outcome was received
    winner: IntArray  # rank in the ladder
    own_winner: IntArray  # by the station's own reports, -1: none
    reading: FloatArray  # that settled
    own: FloatArray
    exact: BoolArray  # the venue named the reading
    n_brackets: IntArray
    at: InstantArray
    forecast: FloatArray
    mean: FloatArray  # of the law of what may still come
    sd: FloatArray
    floor: FloatArray  # extreme observed by then
    sources: Mapping[str, FloatArray]
    model: FloatArray
    market: FloatArray
    pooled: FloatArray
    lower: FloatArray
    upper: FloatArray
    rps: FloatArray
    width: FloatArray
    market_age: FloatArray  # [s]
    claimed: FloatArray
    realised: FloatArray

    def __len__(self) -> int:
        return len(self.ordinal)

    def taken(self, rows: IntArray) -> Settled:
        """Return some of the events."""
        return Settled(**{field.name: _rows(getattr(self, field.name), rows) for field in fields(self)})

    def day(self, row: int) -> date:
        """Return the event day of one event."""
        return date.fromordinal(int(self.ordinal[row]))


def settled_of(track: Columns, maker: str) -> Settled:
    """Return the settled events of the rows of one maker; an event that lacks a look is left out."""
    rows = np.flatnonzero(track["maker"] == maker)
    ids, since = track["event_id"][rows].tolist(), track["since"][rows].tolist()
    newest: dict[str, int] = {}
    for event_id, received in zip(ids, since, strict=True):
        newest[event_id] = max(received, newest.get(event_id, received))
    of_event: dict[str, list[int]] = {}
    for row, event_id, received in zip(rows.tolist(), ids, since, strict=True):
        if received == newest[event_id]:
            of_event.setdefault(event_id, []).append(row)  # by look, as the store gives them
    whole = [each for each in of_event.values() if track["look"][each].tolist() == list(range(len(LOOKS)))]
    whole.sort(key=lambda each: (str(track["event_day"][each[0]]), str(track["event_id"][each[0]])), reverse=True)
    return _settled(track, np.array(whole, np.int64).reshape(len(whole), len(LOOKS)))


def chosen(settled: Settled, question: Question) -> Settled:
    """Return the events that a question is about."""
    wanted: BoolArray = np.ones(len(settled), np.bool_)
    for name, value in (("station", question.station_code), ("venue", question.venue), ("extreme", question.extreme)):
        if value is not None:
            wanted &= getattr(settled, name) == value
    if question.days is not None and len(settled):
        wanted &= settled.ordinal > settled.ordinal.max() - question.days
    if question.day is not None:
        wanted &= settled.ordinal == question.day.toordinal()
    if question.first is not None:
        wanted &= settled.ordinal >= question.first.toordinal()
    if question.last is not None:
        wanted &= settled.ordinal <= question.last.toordinal()
    return settled if wanted.all() else settled.taken(np.flatnonzero(wanted))


def _settled(track: Columns, place: IntArray) -> Settled:
    first, marked = place[:, 0], place[:, len(EARLIER) :]
    ladders = {name: [[_floats(text) for text in row] for row in track[column][marked]] for name, column in _PMFS.items()}
    width = max((len(each) for row in ladders["model"] for each in row), default=1)
    said = [[orjson.loads(text) if text else {} for text in row] for row in track["sources"][place]]
    names = sorted({name for row in said for each in row for name in each})
    parts: dict[str, Any] = {
        name: track[name][where]
        for names, where in ((_OF_EVENT, first), (_OF_LOOK, place), (_OF_CHECKPOINT, marked))
        for name in names
    }
    return Settled(
        ordinal=np.array([date.fromisoformat(text).toordinal() for text in track["event_day"][first]], np.int64),
        n_brackets=np.array([max((len(each) for each in row), default=0) for row in ladders["model"]], np.int64),
        sources={name: _matrix([[each.get(name) for each in row] for row in said], len(LOOKS)) for name in names},
        model=_padded(ladders["model"], width), market=_padded(ladders["market"], width),
        pooled=_padded(ladders["pooled"], width),
        **parts,
    )  # fmt: skip


def _rows(value: Any, rows: IntArray) -> Any:
    return {name: each[rows] for name, each in value.items()} if isinstance(value, Mapping) else value[rows]


def _floats(text: str) -> list[float]:
    return [np.nan if value is None else float(value) for value in (orjson.loads(text) if text else ())]


def _matrix(rows: Sequence[Sequence[float | None]], width: int) -> FloatArray:
    filled = [[np.nan if value is None else value for value in row] for row in rows]
    return np.array(filled, np.float64).reshape(len(rows), width)


def _padded(rows: Sequence[Sequence[Sequence[float]]], width: int) -> FloatArray:
    """Return ladders side by side; a look that was not scored is NaN throughout."""
    found = np.zeros((len(rows), len(CHECKPOINTS), width))
    for i, row in enumerate(rows):
        for j, ladder in enumerate(row):
            found[i, j, : len(ladder)] = ladder
            if not ladder:
                found[i, j] = np.nan
    return found
