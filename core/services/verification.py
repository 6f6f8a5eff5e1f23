"""Forecasts and markets against what settled: scores, calibration, errors, the settlement record, and what was earned by them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, TypeVar

import numpy as np

from core.checkpoints import CHECKPOINTS, reached
from core.errors import NotAllowedError
from core.services.calibrated import Calibrated, Errors, calibrated, errors
from core.services.comparisons import Comparison, Comparisons, SettledRow, Settlements, comparison, settled_row
from core.services.earned import Earned, Gates, States, earned, every, states_of
from core.services.listings import Listings
from core.services.scored import MIXED, PLACES, EdgeCurve, Scores, edge_points, place_of, score_rows
from core.services.settled import Question, Settled, chosen, settled_of
from core.services.shelves import START, Shelves
from core.store.columns import DTYPES
from core.store.track import TRACK, TrackStore
from core.units import instant

SOURCE = "track record: beliefs at the checkpoints of each settled event"
BACKFILL = "python -m core.orchestrator --mode backfill --days 60"
WAIT = f"No event has settled here yet: the first do the day after {START} began, and past ones after {BACKFILL}"
MOST_KEPT, MOST_PARTS = 256, 8
EXTREMES = ("high", "low")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Record:
    """How much has settled, and what can be asked for."""

    as_of: datetime
    source: str
    n: int  # events that match
    n_dates: int
    first: date | None
    last: date | None
    newest_at: datetime | None  # receipt of the newest outcome
    venues: tuple[str, ...]  # of everything, as are the stations
    stations: tuple[str, ...]
    missing: str = ""


@dataclass(slots=True)
class _State:
    """One state of the track record, and what was answered from it."""

    version: int
    settled: Settled
    states: States
    answers: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    parts: dict[Question, Settled] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def keep(self, key: tuple[Any, ...], make: Callable[[], Answer]) -> Answer:
        """Return an answer that is made once for this state."""
        with self.lock:
            if key not in self.answers:
                if len(self.answers) >= MOST_KEPT:
                    self.answers.clear()
                self.answers[key] = make()
            found: Answer = self.answers[key]
            return found

    def chosen(self, question: Question) -> Settled:
        """Return the events that a question is about; the newest few questions are remembered, they may be large."""
        with self.lock:
            if question not in self.parts:
                if len(self.parts) >= MOST_PARTS:
                    del self.parts[next(iter(self.parts))]
                self.parts[question] = chosen(self.settled, question)
            return self.parts[question]


class VerificationService:
    """Answers from the track record; each is worked out once for each version of it, so that a refresh costs nothing."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves, self._listings = shelves, Listings(shelves)
        self._lock = threading.Lock()
        self._kept: tuple[TrackStore, _State] | None = None

    def record(self, question: Question | None = None) -> Record:
        """Return how much has settled."""
        question = question or Question()
        state, settled, now = self._asked(question)
        found = state.keep(("record", question), lambda: _record(settled, state.settled, now))
        return replace(found, as_of=now, missing=self._missing(state))

    def scores(self, question: Question | None = None) -> Scores:
        """Return a row of scores for each checkpoint, over all events and over what the desk would have traded."""
        question = question or Question()
        state, settled, now = self._asked(question)
        alone = question.station_code is not None
        rows = state.keep(("scores", question), lambda: score_rows(settled, alone=alone))
        traded = state.keep(("traded", question), lambda: score_rows(settled, traded=True, alone=alone))
        return Scores(now, SOURCE, len(settled), rows, traded, self._missing(state))

    def calibration(self, question: Question | None = None, checkpoint: str | None = None) -> Calibrated:
        """Return reliability, integral transform and coverage at one checkpoint; the first where none is named."""
        question, name = question or Question(), _checked(checkpoint) or CHECKPOINTS[0].name
        state, settled, now = self._asked(question)
        found = state.keep(("calibration", question, name), lambda: calibrated(settled, name, now, SOURCE))
        return replace(found, as_of=now, missing=self._missing(state))

    def errors(self, question: Question | None = None) -> Errors:
        """Return errors by station, look and source."""
        question = question or Question()
        state, settled, now = self._asked(question)
        found = state.keep(("errors", question), lambda: errors(settled, now, SOURCE))
        return replace(found, as_of=now, missing=self._missing(state))

    def edges(self, question: Question | None = None, checkpoint: str | None = None) -> EdgeCurve:
        """Return claimed against realised edge of one checkpoint, or of all."""
        question, name = question or Question(), _checked(checkpoint)
        state, settled, now = self._asked(question)
        place = None if name is None else place_of(name)
        every_one, points, verdict = state.keep(("edges", question, name), lambda: edge_points(settled, place))
        n, n_dates = (every_one.n, every_one.n_dates) if every_one else (0, 0)
        return EdgeCurve(now, SOURCE, n, n_dates, name or MIXED, every_one, points, verdict, self._missing(state))

    def settlements(
        self, question: Question | None = None, *, disagreements: bool = False, limit: int = 50, offset: int = 0
    ) -> Settlements:  # fmt: skip
        """Return settled events beside what the station's own METAR reports gave, newest first."""
        question = question or Question()
        state, settled, now = self._asked(question)
        told, apart = state.keep(("apart", question), lambda: _apart(settled))
        rows = apart if disagreements else range(len(settled))
        page = tuple(self._settled_row(settled, int(row)) for row in rows[offset : offset + limit])
        return Settlements(
            now, SOURCE, len(settled), len(rows), limit, offset, page, told, told - len(apart), self._missing(state)
        )  # fmt: skip

    def gates(self, *, venue: str | None = None, checkpoint: str | None = None) -> Gates:
        """Return what is earned at each checkpoint of each venue of which anything settled."""
        name = _checked(checkpoint)
        state, _, now = self._asked(Question(venue=venue))
        everything = state.keep(("gates",), lambda: every(state.states, _venues(state)))
        rows = tuple(each for each in everything if venue in (None, each.venue) and name in (None, each.checkpoint))
        return Gates(now, SOURCE, len(rows), rows, self._missing(state))

    def earned(self, venue: str, station_code: str, event_day: date) -> Earned:
        """Return what is earned at the checkpoint that counts for an event now."""
        self._shelves.check_station(station_code)
        station, now = self._shelves.stations()[station_code], self._shelves.present().now
        return earned(self._state().states, venue, reached(station.tz, event_day, now).name)

    def compare(self, question: Question | None = None, *, limit: int = 50, offset: int = 0) -> Comparisons:
        """Return the forecast of the evening before beside the METAR of the day, newest first."""
        question = question or Question()
        state, settled, now = self._asked(question)
        page = tuple(self._comparison(settled, row) for row in range(len(settled))[offset : offset + limit])
        usable = any(each.available for each in page)
        reason = "" if usable else self._nothing(question, state, page)
        return Comparisons(
            now, SOURCE, len(settled), len(settled), limit, offset, page, usable, reason, self._missing(state)
        )  # fmt: skip

    def _nothing(self, question: Question, state: _State, page: tuple[Comparison, ...]) -> str:
        if page:
            return page[0].reason
        return self._missing(state) or f"No settled event of {question.station_code or 'any station'} passes these filters"

    def _settled_row(self, settled: Settled, row: int) -> SettledRow:
        code, day = str(settled.station[row]), settled.day(row)
        station = self._shelves.stations().get(code)
        listing = self._listings.of(str(settled.event_id[row]), station.tz if station else "UTC", day)
        return settled_row(settled, row, station.city if station else code, listing)

    def _comparison(self, settled: Settled, row: int) -> Comparison:
        code, day, event_id = str(settled.station[row]), settled.day(row), str(settled.event_id[row])
        station = self._shelves.stations().get(code)
        listing = self._listings.of(event_id, station.tz if station else "UTC", day)
        reports = self._listings.reports(event_id, code, listing)
        return comparison(settled, row, station.city if station else code, listing, reports)

    def _asked(self, question: Question) -> tuple[_State, Settled, datetime]:
        """Return the state, the events that are asked for, and the world's now."""
        self._shelves.check_station(question.station_code)
        self._shelves.check_venue(question.venue)
        if question.extreme not in (None, *EXTREMES):
            raise NotAllowedError(f"extreme is high or low; got {question.extreme!r}", "extreme")
        if question.days is not None and question.days < 1:
            raise NotAllowedError(f"a span has at least 1 day; got {question.days}", "days")
        if question.first and question.last and question.last < question.first:
            raise NotAllowedError(f"end_date {question.last} is before start_date {question.first}", "end_date")
        state = self._state()
        return state, state.chosen(question), self._shelves.present().now

    def _state(self) -> _State:
        store = self._shelves.track()
        if store is None:
            return _State(0, NOTHING_SETTLED, {})
        version = store.version
        with self._lock:
            if self._kept is None or self._kept[0] is not store or self._kept[1].version != version:
                self._kept = store, _State(version, settled_of(store.track(), store.maker), states_of(store))
            return self._kept[1]

    def _missing(self, state: _State) -> str:
        if len(state.settled):
            return ""
        return f"{self._shelves.missing()} {WAIT}".strip()


def _checked(checkpoint: str | None) -> str | None:
    if checkpoint is not None and checkpoint not in PLACES:
        raise NotAllowedError(f"checkpoint {checkpoint[:40]!r} is none of {', '.join(PLACES)}", "checkpoint")
    return checkpoint


def _record(settled: Settled, everything: Settled, now: datetime) -> Record:
    ordinal = settled.ordinal
    first, last = (date.fromordinal(int(each)) for each in (ordinal.min(), ordinal.max())) if len(ordinal) else (None, None)
    return Record(
        now, SOURCE, len(settled), len(np.unique(ordinal)), first, last,
        instant(int(settled.since.max())) if len(settled) else None, tuple(sorted(set(everything.venue.tolist()))),
        tuple(sorted(set(everything.station.tolist()))),
    )  # fmt: skip


def _apart(settled: Settled) -> tuple[int, tuple[int, ...]]:
    """Return how many events have METAR reports, and which of them settled at another bracket."""
    told = settled.own_winner >= 0
    return int(told.sum()), tuple(np.flatnonzero(told & (settled.own_winner != settled.winner)).tolist())


def _venues(state: _State) -> list[str]:
    return sorted({*state.settled.venue.tolist(), *(venue for venue, _ in state.states.get("gate", {}))})


NOTHING_SETTLED = settled_of({name: np.empty(0, DTYPES[stored]) for name, stored in TRACK.items()}, "")
