"""Reads settled events: what was forecast of each at its checkpoint, and what is known of each series at a look.

A pure function of the view: an outcome counts from when it was received, a correction replaces it from when that was
received, and an event learns only from days that lie `EMBARGO_DAYS` before its own. The checkpoint is 17:45 standard time
of the day before; other leads are scaled by the table (see `models.residual`).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from agents.weather.cases import Case, Told
from agents.weather.climate import ClimateMemory, distance_of
from agents.weather.forecasts import ForecastMemory, by_source, timeline
from agents.weather.listed import LOOKBACK, Listed, ListingMemory
from agents.weather.members import LOOKBACK as MEMBERS_LOOK
from agents.weather.members import MemberMemory
from agents.weather.models import Model
from agents.weather.neighbours import NeighbourMemory
from agents.weather.observations import reports_of, rows_of
from agents.weather.running_days import Outcome
from agents.weather.series import WINDOW_DAYS, Book, Library, Series, State, series_of
from agents.weather.transfer import LAST_WORD, TransferMemory, said_by_venue
from agents.weather.vintages import DAY
from core.days import ONE_DAY, standard_offset
from core.model.event import Bracket
from core.model.record import Kind
from core.readings import listed_extreme, received_per_row
from core.store.archive import Stack, View
from core.units import BoolArray, FloatArray, InstantArray, IntArray, Unit, celsius, instant, micros

CHECKPOINT = timedelta(hours=17, minutes=45)  # standard time of the day before
SHORT_LOOK, LONG_LOOK = timedelta(hours=3), timedelta(hours=36)  # how far back a forecast of the checkpoint is sought
LATE_REPORTS = timedelta(hours=3)

Word = tuple[int, float | None]  # received at, reading; None: not final


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known of each event's series, shape (n_looks, n_events), in the rule's unit."""

    bias: FloatArray
    spread: FloatArray
    n: FloatArray  # cases behind it
    usual_disagreement: FloatArray  # median sd of the models at the checkpoint; the table's sd where there are few


@dataclass(slots=True)
class _Settled:
    listed: Listed
    day: int
    words: tuple[Word, ...] = ()
    told: Told | None = None  # forecast at the checkpoint, once `compared`
    compared: bool = False


def checkpoint(tz: str, event_day: date) -> datetime:
    """Return the instant at which the forecast of an event day is compared with what came."""
    midnight = datetime(event_day.year, event_day.month, event_day.day, tzinfo=UTC) - standard_offset(tz, event_day.year)
    return midnight - ONE_DAY + CHECKPOINT


class CaseMemory:
    """Reads each settled event once; later words about it are read when they come."""

    def __init__(self, listings: ListingMemory, forecasts: ForecastMemory) -> None:
        self._listings, self._forecasts = listings, forecasts
        self.climates = ClimateMemory()
        self.transfers, self.neighbours = TransferMemory(), NeighbourMemory()
        self._settled: dict[str, _Settled | None] = {}  # None: no event of ours
        self._series: dict[Series, list[_Settled]] = {}
        self._library = Library()
        self._members = MemberMemory()
        self._waiting: list[_Settled] = []  # with a ladder, by the end of their days
        self._read: tuple[int, int] | None = None
        self.fresh: list[Outcome] = []  # settled for the first time; whoever looks at their days again empties it
        self._within: dict[tuple[str, str, datetime], float | None] = {}

    def learned(self, events: Sequence[Listed], looks: InstantArray, n_models: FloatArray, daily: BoolArray) -> Learned:
        """Return what was known of each event's series at each look; `take_in` comes before.

        Args:
            events: whose series.
            looks: when.
            n_models: behind the current forecast, shape (n_looks, n_events).
            daily: whether that forecast is one of daily extremes, same shape.
        """
        shape = (len(looks), len(events))
        bias, spread, n, usual = np.zeros(shape), np.empty(shape), np.zeros(shape), np.empty(shape)
        for column, listed in enumerate(events):
            each = (self._known(listed, looks), looks // DAY, n_models[:, column] >= 2, daily[:, column])
            cases = list(zip(*(part.tolist() for part in each), strict=True))
            found = {case: self._state(listed, *case) for case in set(cases)}
            for row, case in enumerate(cases):
                bias[row, column], spread[row, column], n[row, column], usual[row, column] = found[case]
        return Learned(bias, spread, n, usual)

    def lessons(self, events: Sequence[Listed], looks: InstantArray, model: Model) -> tuple[IntArray, tuple[Any, ...]]:
        """Return which of a model's lessons counts for each event at each look, (n_looks, n_events), and the lessons.

        -1: too little is known of the series.
        """
        which = np.full((len(looks), len(events)), -1, np.int64)
        lessons: list[Any] = []
        for column, listed in enumerate(events if model.learn is not None else ()):
            cases = list(zip(self._known(listed, looks).tolist(), (looks // DAY).tolist(), strict=True))
            place = {}
            for case in dict.fromkeys(cases):
                lesson = self._library.lesson(listed, *case, model)
                place[case] = -1 if lesson is None else len(lessons)
                lessons += [] if lesson is None else [lesson]
            which[:, column] = [place[case] for case in cases]
        return which, tuple(lessons)

    @property
    def books(self) -> Mapping[Series, Book]:
        """Return the cases of each series."""
        return self._library.books

    def _known(self, listed: Listed, looks: InstantArray) -> InstantArray:
        book = self._library.books.get(series_of(listed))
        return np.zeros_like(looks) if book is None else book.known(looks)

    def _state(self, listed: Listed, known: int, day: int, several: bool, daily: bool) -> State:
        return self._library.state(listed, known, day, several=several, daily=daily)

    def take_in(self, view: View, looks: InstantArray, model: Model) -> None:
        """Read what was received about outcomes since the last view, as far back as a model learns."""
        since, until = int(looks.min()) - max(WINDOW_DAYS, model.days) * DAY - LAST_WORD, int(view.instants[-1])
        changed: set[Series] = set()
        for begin, _ in _missing(self._read, (since, until)):
            span = instant(since), instant(until)
            told = [view.span(Kind.OUTCOMES, event_id, *span) for event_id in view.subjects(Kind.OUTCOMES, instant(begin))]
            # oldest first: what stands together in time is read together, else each closed day would be read for every event
            for outcomes in sorted(filter(len, told), key=lambda each: (int(each.received_at[0]), each.subject)):
                changed |= self._read_event(view, outcomes, members=model.members)
        before = self._read or (since, until)
        self._read = min(before[0], since), max(before[1], until)
        self._slim(until)
        for series in changed:
            members = self._series[series]
            self._library.keep(series, Book(members[0].listed, [case for settled in members for case in _cases_of(settled)]))

    def _slim(self, until: int) -> None:
        """Forget text and ladder of events that are settled for good: a long run must not carry them."""
        while self._waiting and self._waiting[0].listed.end + LAST_WORD < until:
            settled = self._waiting.pop(0)
            event = settled.listed.event
            bare = replace(event, ladder=(), rule=replace(event.rule, text=""))
            settled.listed = replace(settled.listed, event=bare)

    def _read_event(self, view: View, outcomes: Stack, *, members: bool) -> set[Series]:
        """Take in what was said of an event; return its series if that is news."""
        event_id = outcomes.subject
        if event_id not in self._settled:
            self._settled[event_id] = self._new(view, event_id, instant(int(outcomes.received_at[0])))
        settled = self._settled[event_id]
        if settled is None or not settled.listed.event.ladder:
            return set()
        told = self._words(view, settled.listed, outcomes)
        later = tuple(word for word in settled.words if word[0] > int(outcomes.received_at[-1]))
        if (*told, *later) == settled.words or all(reading is None for _, reading in told):
            return set()
        settled.words = (*told, *later)
        if (said := said_by_venue(settled.listed, outcomes)) is not None:
            self.transfers.take_in(view, said)
            self.neighbours.take_in(view, said)
        if not settled.compared:
            settled.told, settled.compared = self._told(view, settled.listed, members=members), True
            self._learn_shape(view, settled)
            since, reading = next((since, reading) for since, reading in settled.words if reading is not None)
            self.fresh.append(Outcome(settled.listed, reading, since))
        return {series_of(settled.listed)}

    def _new(self, view: View, event_id: str, heard_at: datetime) -> _Settled | None:
        listed = self._listings.listed(view.span(Kind.EVENTS, event_id, heard_at - 2 * LOOKBACK, heard_at))
        if listed is None or not listed.event.ladder:
            return None
        settled = _Settled(listed, listed.event.event_day.toordinal())
        insort(self._waiting, settled, key=lambda each: each.listed.end)
        self._series.setdefault(series_of(listed), []).append(settled)
        return settled

    def _told(self, view: View, listed: Listed, *, members: bool) -> Told | None:
        """Return what was forecast at the checkpoint; None where nothing was."""
        station, year = listed.station, listed.event.event_day.year
        at = checkpoint(station.tz, listed.event.event_day)
        offset = int(standard_offset(station.tz, year).total_seconds()) * 1_000_000
        for look in (SHORT_LOOK, LONG_LOOK):
            stack = view.span(Kind.FORECAST, station.code, at - look, at)
            found = timeline(stack, by_source(stack), np.array([micros(at)], np.int64), listed)
            if found.index[0] >= 0:
                vintage = self._forecasts.vintage(stack, found.contents[int(found.index[0])], listed, offset)
                if vintage is None:
                    return None
                told = Told(vintage.extreme, vintage.disagreement, vintage.names, tuple(vintage.extremes.tolist()))
                return self._with_members(view, listed, at, told) if members else told
        return None

    def _with_members(self, view: View, listed: Listed, at: datetime, told: Told) -> Told:
        stack = view.span(Kind.ENSEMBLE, listed.station.code, at - MEMBERS_LOOK, at)
        members = self._members.at(stack, micros(at), listed)
        if len(members) < 2:
            return told
        return replace(told, ensemble_mean=float(members.mean()), ensemble_spread=float(members.std(ddof=1)))

    def _learn_shape(self, view: View, settled: _Settled) -> None:
        listed, since = settled.listed, settled.words[0][0]
        window = instant(listed.start), instant(listed.end)
        stack = view.span(Kind.METAR, listed.station.code, window[0], min(window[1] + LATE_REPORTS, instant(since)))
        reports = reports_of(rows_of(stack))
        inside = (reports.valid_at >= listed.start) & (reports.valid_at < listed.end) & (reports.until > since)
        offset = int(standard_offset(listed.station.tz, listed.event.event_day.year).total_seconds()) * 1_000_000
        reading = next(reading for _, reading in settled.words if reading is not None)
        value = np.array(reading, np.float64)
        settled_celsius = float(celsius(value) if listed.event.rule.unit is Unit.FAHRENHEIT else value)
        extreme = listed.event.extreme
        distance = distance_of(
            reports.valid_at[inside], reports.celsius[inside], settled_celsius, listed.start, offset, extreme
        )
        self.climates.add((listed.station.code, extreme), settled.day, since, distance)

    def _words(self, view: View, listed: Listed, stack: Stack) -> tuple[Word, ...]:
        words: list[Word] = []
        for index, received_at in enumerate(stack.received_at.tolist()):
            if received_at > listed.end + LAST_WORD:
                break
            reading = self._reading(view, listed, stack.facts[index], received_at)
            if not words or words[-1][1] != reading:
                words.append((received_at, reading))
        return tuple(words)

    def _reading(self, view: View, listed: Listed, facts: Mapping[str, Any], heard_at: int) -> float | None:
        if not facts["final"]:
            return None
        if facts["value"] is not None:
            return float(facts["value"])
        won = next((b for b in listed.event.ladder if b.market_id == facts["winner"]), None)
        if won is None:
            return None
        # The venue repeats itself for days; the reports up to one instant stay what they are.
        until = min(instant(listed.end) + LATE_REPORTS, instant(heard_at))
        key = (listed.event.event_id, won.market_id, until)
        if key not in self._within:
            if len(self._within) > 4_096:
                self._within.clear()
            self._within[key] = _reading_within(view, listed, won, until)
        return self._within[key]


def _reading_within(view: View, listed: Listed, won: Bracket, until: datetime) -> float | None:
    """Return the reading inside the winning bracket: the reported one where it agrees, else the middle."""
    if won.lower is not None and won.lower == won.upper:
        return float(won.lower)
    window = instant(listed.start), instant(listed.end)
    stack = view.span(Kind.METAR, listed.station.code, window[0], until)
    if len(stack):
        received, last = received_per_row(stack.received_at, stack.offsets), instant(int(stack.received_at[-1]))
        seen = listed_extreme(stack.columns, received, listed.event.rule, listed.station, window, last)
        if seen.reading is not None and won.holds(seen.reading):
            return float(seen.reading)
    return (won.lower + won.upper) / 2.0 if won.lower is not None and won.upper is not None else None


def _cases_of(settled: _Settled) -> Iterator[Case]:
    for since, reading in settled.words:
        if reading is not None and settled.told is not None:
            yield Case(settled.day, reading, settled.told, since)


def _missing(read: tuple[int, int] | None, wanted: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the spans of `wanted` that were not read yet."""
    if read is None:
        return [wanted]
    spans = []
    if wanted[0] < read[0]:
        spans.append((wanted[0], min(read[0], wanted[1])))
    if wanted[1] > read[1]:
        spans.append((max(read[1], wanted[0]), wanted[1]))
    return spans
