"""What settled events teach: residuals of the forecast at the checkpoint, and the filter's state at each look.

A pure function of the view: an outcome counts from when it was received, a correction replaces it from when that was
received, and an event learns only from days that lie `EMBARGO_DAYS` before its own. One state per series of events, at
17:45 standard time of the day before; other leads are scaled by the table (see `models.residual`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from agents.weather.climate import ClimateMemory, fall_of
from agents.weather.forecasts import ForecastMemory
from agents.weather.law import FAHRENHEIT_PER_CELSIUS, checkpoint_sd
from agents.weather.listed import LOOKBACK, Listed, ListingMemory
from agents.weather.models.residual import filtered, learned_spread
from agents.weather.observations import reports_of
from agents.weather.vintages import DAY, Vintage
from core.days import ONE_DAY, standard_offset
from core.model.event import Bracket
from core.model.record import Kind
from core.model.rule import Extreme
from core.model.station import Station
from core.readings import listed_extreme, received_per_row
from core.store.archive import Stack, View
from core.units import FloatArray, InstantArray, Unit, celsius, instant, micros

WINDOW_DAYS = 180  # older residuals weigh less than a ten-thousandth
EMBARGO_DAYS = 2
CHECKPOINT = timedelta(hours=17, minutes=45)  # standard time of the day before
SHORT_LOOK, LONG_LOOK = timedelta(hours=3), timedelta(hours=36)  # how far back a forecast of the checkpoint is sought
LATE_REPORTS = timedelta(hours=3)
USUAL_FROM = 10  # residuals from which a station's own disagreement of models is its usual one
# How much more (or less) a place's highs miss than the tables say; SCIENCE 1.9.
TROPIC_LATITUDE, TROPICAL, INTERIOR_COOL = 26.0, 0.7, 1.3
INTERIOR = frozenset({"KDEN", "KBKF", "KDFW", "KDAL", "KORD", "KMDW", "KOKC", "KMSP"})
COOL_MONTHS = frozenset({10, 11, 12, 1, 2, 3, 4})

Series = tuple[str, str, str, str, str]  # venue, station, extreme, unit, statistic
Word = tuple[int, float | None]  # received at, reading; None: not final


@dataclass(frozen=True, slots=True)
class Learned:
    """Shape (n_looks, n_events), in the rule's unit."""

    bias: FloatArray
    spread: FloatArray
    n: FloatArray  # residuals behind it
    usual_disagreement: FloatArray  # median sd of the models at the checkpoint; the table's sd below USUAL_FROM


@dataclass(frozen=True, slots=True)
class _Residual:
    day: int
    value: float
    disagreement: float
    since: int  # received


@dataclass(slots=True)
class _Settled:
    listed: Listed
    day: int
    words: tuple[Word, ...] = ()
    vintage: Vintage | None = None  # forecast at the checkpoint, once `compared`
    compared: bool = False


@dataclass(slots=True)
class _Book:
    residuals: list[_Residual] = field(default_factory=list)
    states: dict[tuple[int, int, bool, float], tuple[float, float, int, float]] = field(default_factory=dict)


def checkpoint(tz: str, event_day: date) -> datetime:
    """Return the instant at which the forecast of an event day is compared with what came."""
    midnight = datetime(event_day.year, event_day.month, event_day.day, tzinfo=UTC) - standard_offset(tz, event_day.year)
    return midnight - ONE_DAY + CHECKPOINT


def climate(station: Station, event_day: date) -> float:
    """Return the factor on the sd of a place and season: small near the equator, large inland in the cool half year."""
    if abs(station.latitude) < TROPIC_LATITUDE:
        return TROPICAL
    return INTERIOR_COOL if station.code in INTERIOR and event_day.month in COOL_MONTHS else 1.0


class ResidualMemory:
    """Reads each settled event once; later words about it are read when they come."""

    def __init__(self, listings: ListingMemory, forecasts: ForecastMemory) -> None:
        self._listings, self._forecasts = listings, forecasts
        self.climates = ClimateMemory()
        self._settled: dict[str, _Settled | None] = {}  # None: no event of ours
        self._members: dict[Series, list[_Settled]] = {}
        self._books: dict[Series, _Book] = {}
        self._read: tuple[int, int] | None = None
        self._within: dict[tuple[str, str, datetime], float | None] = {}

    def learned(self, events: Sequence[Listed], looks: InstantArray, n_models: FloatArray) -> Learned:
        """Return what was known of each event's series at each look; `take_in` comes before."""
        shape = (len(looks), len(events))
        bias, spread, n, usual = np.zeros(shape), np.empty(shape), np.zeros(shape), np.empty(shape)
        for column, listed in enumerate(events):
            book = self._books.get(_series(listed))
            several = n_models[:, column] >= 2
            known = np.searchsorted(_received(book), looks, "right") if book else np.zeros(len(looks), np.int64)
            cases, place = np.unique(known * 2 + several, return_inverse=True)
            found = [self._state(book, listed, int(case) // 2, bool(case % 2)) for case in cases]
            for out, part in zip((bias, spread, n, usual), zip(*found, strict=True), strict=True):
                out[:, column] = np.array(part, np.float64)[place]
        return Learned(bias, spread, n, usual)

    def _state(self, book: _Book | None, listed: Listed, known: int, several: bool) -> tuple[float, float, int, float]:
        degree = 1.0 if listed.event.rule.unit is Unit.FAHRENHEIT else 1.0 / FAHRENHEIT_PER_CELSIUS
        table = float(checkpoint_sd(np.array(2.0 if several else 1.0))) * degree
        prior = table * climate(listed.station, listed.event.event_day)
        if book is None or not known:
            return 0.0, prior, 0, table
        last = listed.event.event_day.toordinal() - EMBARGO_DAYS
        key = (known, last, several, prior)
        if key not in book.states:
            if len(book.states) > 256:
                book.states.clear()
            book.states[key] = _filtered(book.residuals, known, last, prior, table)
        return book.states[key]

    def take_in(self, view: View, looks: InstantArray) -> None:
        """Read what was received about outcomes since the last view."""
        since, until = int(looks.min()) - WINDOW_DAYS * DAY, int(view.instants[-1])
        changed: set[Series] = set()
        for begin, _ in _missing(self._read, (since, until)):
            for event_id in view.subjects(Kind.OUTCOMES, instant(begin)):
                changed |= self._read_event(view, event_id, since)
        before = self._read or (since, until)
        self._read = min(before[0], since), max(before[1], until)
        for series in changed:
            residuals = [each for settled in self._members[series] for each in _residuals_of(settled)]
            self._books[series] = _Book(sorted(residuals, key=lambda each: (each.since, each.day)))

    def _read_event(self, view: View, event_id: str, since: int) -> set[Series]:
        """Take in what was said of an event; return its series if that is news."""
        outcomes = view.span(Kind.OUTCOMES, event_id, instant(since), instant(int(view.instants[-1])))
        if not len(outcomes):
            return set()
        if event_id not in self._settled:
            self._settled[event_id] = self._new(view, event_id, instant(int(outcomes.received_at[0])))
        settled = self._settled[event_id]
        if settled is None:
            return set()
        told = self._words(view, settled.listed, outcomes)
        later = tuple(word for word in settled.words if word[0] > int(outcomes.received_at[-1]))
        if (*told, *later) == settled.words or all(reading is None for _, reading in told):
            return set()
        settled.words = (*told, *later)
        if not settled.compared:
            settled.vintage, settled.compared = self._checkpoint_vintage(view, settled.listed), True
            self._learn_shape(view, settled)
        return {_series(settled.listed)}

    def _new(self, view: View, event_id: str, heard_at: datetime) -> _Settled | None:
        listed = self._listings.listed(view.span(Kind.EVENTS, event_id, heard_at - 2 * LOOKBACK, heard_at))
        if listed is None or not listed.event.ladder:
            return None
        settled = _Settled(listed, listed.event.event_day.toordinal())
        self._members.setdefault(_series(listed), []).append(settled)
        return settled

    def _checkpoint_vintage(self, view: View, listed: Listed) -> Vintage | None:
        station, year = listed.station, listed.event.event_day.year
        at = checkpoint(station.tz, listed.event.event_day)
        offset = int(standard_offset(station.tz, year).total_seconds()) * 1_000_000
        for look in (SHORT_LOOK, LONG_LOOK):
            stack = view.span(Kind.FORECAST, station.code, at - look, at)
            timeline = self._forecasts.timeline(stack, np.array([micros(at)], np.int64), listed)
            if timeline.index[0] >= 0:
                return self._forecasts.vintage(station.code, timeline.contents[int(timeline.index[0])], listed, offset)
        return None

    def _learn_shape(self, view: View, settled: _Settled) -> None:
        if settled.listed.event.extreme is not Extreme.HIGH:
            return
        listed, since = settled.listed, settled.words[0][0]
        window = instant(listed.start), instant(listed.end)
        stack = view.span(Kind.METAR, listed.station.code, window[0], min(window[1] + LATE_REPORTS, instant(since)))
        reports = reports_of(stack)
        inside = (reports.valid_at >= listed.start) & (reports.valid_at < listed.end) & (reports.until > since)
        offset = int(standard_offset(listed.station.tz, listed.event.event_day.year).total_seconds()) * 1_000_000
        reading = next(reading for _, reading in settled.words if reading is not None)
        value = np.array(reading, np.float64)
        settled_celsius = float(celsius(value) if listed.event.rule.unit is Unit.FAHRENHEIT else value)
        fall = fall_of(reports.valid_at[inside], reports.celsius[inside], settled_celsius, listed.start, offset)
        self.climates.add(listed.station.code, settled.day, since, fall)

    def _words(self, view: View, listed: Listed, stack: Stack) -> tuple[Word, ...]:
        words: list[Word] = []
        for index, received_at in enumerate(stack.received_at.tolist()):
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


def _series(listed: Listed) -> Series:
    rule = listed.event.rule
    return listed.event.venue, rule.station, str(listed.event.extreme), str(rule.unit), str(rule.statistic)


def _received(book: _Book) -> InstantArray:
    return np.array([residual.since for residual in book.residuals], np.int64)


def _residuals_of(settled: _Settled) -> Iterator[_Residual]:
    vintage = settled.vintage
    for since, reading in settled.words:
        if reading is not None and vintage is not None:
            yield _Residual(settled.day, reading - vintage.extreme, vintage.disagreement, since)


def _filtered(
    residuals: Sequence[_Residual], known: int, last: int, prior: float, table: float
) -> tuple[float, float, int, float]:
    newest = {each.day: each for each in residuals[:known] if last - WINDOW_DAYS < each.day <= last}
    chosen = [newest[day] for day in sorted(newest)]
    if not chosen:
        return 0.0, prior, 0, table
    days = np.array([each.day for each in chosen], np.int64)
    values = np.array([each.value for each in chosen], np.float64)
    bias, spread = learned_spread(filtered(days, values, prior * prior), prior * prior)
    apart = [each.disagreement for each in chosen if not np.isnan(each.disagreement)]
    usual = float(np.median(np.array(apart))) if len(apart) >= USUAL_FROM else table
    return bias, spread, len(chosen), usual


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
