"""What settled events teach: residuals of the forecast at the checkpoint, and the filter's state at each look.

A pure function of the view: an outcome counts from when it was received, a correction replaces it from when that was
received, and an event learns only from days that lie `EMBARGO_DAYS` before its own. One state per series of events, at
17:45 standard time of the day before; other leads are scaled by the table (see `models.residual`).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from agents.weather.climate import ClimateMemory, distance_of
from agents.weather.excess import is_official, mean_excess
from agents.weather.forecasts import ForecastMemory, by_source, timeline
from agents.weather.law import FAHRENHEIT_PER_CELSIUS, checkpoint_sd
from agents.weather.listed import LOOKBACK, Listed, ListingMemory
from agents.weather.models.residual import filtered, learned_spread
from agents.weather.observations import reports_of, rows_of
from agents.weather.vintages import DAY, Vintage
from core.days import ONE_DAY, standard_offset
from core.model.event import Bracket
from core.model.record import Kind
from core.model.rule import Extreme
from core.model.station import Station
from core.readings import listed_extreme, received_per_row
from core.store.archive import Stack, View
from core.units import BoolArray, FloatArray, InstantArray, Unit, celsius, instant, micros

WINDOW_DAYS = 180  # older residuals weigh less than a ten-thousandth
EMBARGO_DAYS = 2
CHECKPOINT = timedelta(hours=17, minutes=45)  # standard time of the day before
SHORT_LOOK, LONG_LOOK = timedelta(hours=3), timedelta(hours=36)  # how far back a forecast of the checkpoint is sought
LATE_REPORTS = timedelta(hours=3)
LAST_WORD = 14 * DAY  # after its day from which on an event is settled for good, and its ladder forgotten
USUAL_FROM = 10  # residuals from which a station's own disagreement of models is its usual one
# How much more (or less) a place's highs miss than the tables say; SCIENCE 1.9.
TROPIC_LATITUDE, TROPICAL, INTERIOR_COOL = 26.0, 0.7, 1.3
INTERIOR = frozenset({"KDEN", "KBKF", "KDFW", "KDAL", "KORD", "KMDW", "KOKC", "KMSP"})
COOL_MONTHS = frozenset({10, 11, 12, 1, 2, 3, 4})

CHECKPOINT_SD = tuple(float(checkpoint_sd(np.array(n))) for n in (1.0, 2.0))  # of one model, of several

Series = tuple[str, str, str, str, str]  # venue, station, extreme, unit, statistic
Word = tuple[int, float | None]  # received at, reading; None: not final
Told = tuple[float, float]  # forecast extreme and disagreement of the models


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
    told: Told | None = None  # forecast at the checkpoint, once `compared`
    compared: bool = False


@dataclass(slots=True)
class _Book:
    residuals: list[_Residual] = field(default_factory=list)
    received: InstantArray = field(init=False)  # of each residual
    states: dict[tuple[int, int, bool, float, float], tuple[float, float, int, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.received = np.array([residual.since for residual in self.residuals], np.int64)


def checkpoint(tz: str, event_day: date) -> datetime:
    """Return the instant at which the forecast of an event day is compared with what came."""
    midnight = datetime(event_day.year, event_day.month, event_day.day, tzinfo=UTC) - standard_offset(tz, event_day.year)
    return midnight - ONE_DAY + CHECKPOINT


def climate(station: Station, event_day: date) -> float:
    """Return the factor on the sd of a place and season: small near the equator, large inland in the cool half year."""
    if abs(station.latitude) < TROPIC_LATITUDE:
        return TROPICAL
    return INTERIOR_COOL if station.code in INTERIOR and event_day.month in COOL_MONTHS else 1.0


def expected_bias(listed: Listed, degree: float) -> float:
    """Return the bias of an hourly forecast before anything of the series was settled [rule's unit]; see `excess`."""
    official, high = is_official(listed.event.rule.statistic), listed.event.extreme is Extreme.HIGH
    return float(mean_excess(np.array(official), np.array(high), np.array(degree)))


class ResidualMemory:
    """Reads each settled event once; later words about it are read when they come."""

    def __init__(self, listings: ListingMemory, forecasts: ForecastMemory) -> None:
        self._listings, self._forecasts = listings, forecasts
        self.climates = ClimateMemory()
        self._settled: dict[str, _Settled | None] = {}  # None: no event of ours
        self._members: dict[Series, list[_Settled]] = {}
        self._books: dict[Series, _Book] = {}
        self._waiting: list[_Settled] = []  # with a ladder, by the end of their days
        self._read: tuple[int, int] | None = None
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
            book = self._books.get(_series(listed))
            several = n_models[:, column] >= 2
            known = np.searchsorted(book.received, looks, "right") if book else np.zeros(len(looks), np.int64)
            cases = (known * 4 + 2 * daily[:, column] + several).tolist()
            found = {
                case: self._state(book, listed, case // 4, several=bool(case & 1), daily=bool(case & 2)) for case in set(cases)
            }
            for row, case in enumerate(cases):
                bias[row, column], spread[row, column], n[row, column], usual[row, column] = found[case]
        return Learned(bias, spread, n, usual)

    def _state(
        self, book: _Book | None, listed: Listed, known: int, *, several: bool, daily: bool
    ) -> tuple[float, float, int, float]:
        degree = 1.0 if listed.event.rule.unit is Unit.FAHRENHEIT else 1.0 / FAHRENHEIT_PER_CELSIUS
        table = CHECKPOINT_SD[several] * degree
        prior = table * climate(listed.station, listed.event.event_day)
        start = 0.0 if daily else expected_bias(listed, degree)
        if book is None or not known:
            return start, prior, 0, table
        last = listed.event.event_day.toordinal() - EMBARGO_DAYS
        key = (known, last, several, prior, start)
        if key not in book.states:
            if len(book.states) > 256:
                book.states.clear()
            book.states[key] = _filtered(book.residuals, known, last, prior, table, start)
        return book.states[key]

    def take_in(self, view: View, looks: InstantArray) -> None:
        """Read what was received about outcomes since the last view."""
        since, until = int(looks.min()) - WINDOW_DAYS * DAY, int(view.instants[-1])
        changed: set[Series] = set()
        for begin, _ in _missing(self._read, (since, until)):
            span = instant(since), instant(until)
            told = [view.span(Kind.OUTCOMES, event_id, *span) for event_id in view.subjects(Kind.OUTCOMES, instant(begin))]
            # oldest first: what stands together in time is read together, else each closed day would be read for every event
            for outcomes in sorted(filter(len, told), key=lambda each: (int(each.received_at[0]), each.subject)):
                changed |= self._read_event(view, outcomes)
        before = self._read or (since, until)
        self._read = min(before[0], since), max(before[1], until)
        self._slim(until)
        for series in changed:
            residuals = [each for settled in self._members[series] for each in _residuals_of(settled)]
            self._books[series] = _Book(sorted(residuals, key=lambda each: (each.since, each.day)))

    def _slim(self, until: int) -> None:
        """Forget text and ladder of events that are settled for good: a long run must not carry them."""
        while self._waiting and self._waiting[0].listed.end + LAST_WORD < until:
            settled = self._waiting.pop(0)
            event = settled.listed.event
            bare = replace(event, ladder=(), rule=replace(event.rule, text=""))
            settled.listed = Listed(bare, settled.listed.station, settled.listed.start, settled.listed.end, settled.listed.flaw)

    def _read_event(self, view: View, outcomes: Stack) -> set[Series]:
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
        if not settled.compared:
            vintage = self._checkpoint_vintage(view, settled.listed)
            settled.told = None if vintage is None else (vintage.extreme, vintage.disagreement)
            settled.compared = True
            self._learn_shape(view, settled)
        return {_series(settled.listed)}

    def _new(self, view: View, event_id: str, heard_at: datetime) -> _Settled | None:
        listed = self._listings.listed(view.span(Kind.EVENTS, event_id, heard_at - 2 * LOOKBACK, heard_at))
        if listed is None or not listed.event.ladder:
            return None
        settled = _Settled(listed, listed.event.event_day.toordinal())
        insort(self._waiting, settled, key=lambda each: each.listed.end)
        self._members.setdefault(_series(listed), []).append(settled)
        return settled

    def _checkpoint_vintage(self, view: View, listed: Listed) -> Vintage | None:
        station, year = listed.station, listed.event.event_day.year
        at = checkpoint(station.tz, listed.event.event_day)
        offset = int(standard_offset(station.tz, year).total_seconds()) * 1_000_000
        for look in (SHORT_LOOK, LONG_LOOK):
            stack = view.span(Kind.FORECAST, station.code, at - look, at)
            found = timeline(stack, by_source(stack), np.array([micros(at)], np.int64), listed)
            if found.index[0] >= 0:
                return self._forecasts.vintage(stack, found.contents[int(found.index[0])], listed, offset)
        return None

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


def _series(listed: Listed) -> Series:
    rule = listed.event.rule
    return listed.event.venue, rule.station, str(listed.event.extreme), str(rule.unit), str(rule.statistic)


def _residuals_of(settled: _Settled) -> Iterator[_Residual]:
    for since, reading in settled.words:
        if reading is not None and settled.told is not None:
            yield _Residual(settled.day, reading - settled.told[0], settled.told[1], since)


def _filtered(
    residuals: Sequence[_Residual], known: int, last: int, prior: float, table: float, start: float
) -> tuple[float, float, int, float]:
    newest = {each.day: each for each in residuals[:known] if last - WINDOW_DAYS < each.day <= last}
    chosen = [newest[day] for day in sorted(newest)]
    if not chosen:
        return start, prior, 0, table
    days = np.array([each.day for each in chosen], np.int64)
    values = np.array([each.value for each in chosen], np.float64)
    bias, spread = learned_spread(filtered(days, values, prior * prior, start), prior * prior, start)
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
