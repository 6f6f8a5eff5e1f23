"""Settled days as they ran: what the law of the running day would have said of each, hour by hour, and what that teaches.

A pure function of the archive. Each settled day is looked at again once, when its outcome is read, with what was known at each
of its hours; bias and shape are those of the two months before it. An outcome counts from when it was received, for event
days that lie `EMBARGO_DAYS` later or more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from agents.weather.climate import ClimateMemory
from agents.weather.excess import at_most, is_official, mean_excess
from agents.weather.forecasts import FREQUENT, LOOKBACK, ForecastMemory, Forecasts, empty_forecasts, read_running
from agents.weather.hold import habit, hold_of, local_hours
from agents.weather.intraday import base_law, hours_from_newest, hours_to_peak, terms_of
from agents.weather.law import Features, Progress
from agents.weather.listed import Listed
from agents.weather.models.residual import filtered, issued_law, learned_spread
from agents.weather.observations import LOOKBACK as REPORTS_LOOKBACK
from agents.weather.observations import FloorMemory, Seen, empty_seen, read_observations
from agents.weather.remaining import BUCKETS, N_TERMS, NONE, Cases, Correction, at_hours, learned_correction
from agents.weather.series import CHECKPOINT_SD, Book, Series, climate, degree_of, expected_bias, series_of
from agents.weather.vintages import HOUR
from core.days import standard_offset
from core.model.record import Kind
from core.model.rule import Extreme
from core.store.archive import Stack, View
from core.units import BoolArray, FloatArray, InstantArray, Unit, instant, total

WINDOW_DAYS = 110  # of event days that teach
EMBARGO_DAYS = 2
BIAS_DAYS = 60  # behind the bias with which a settled day is looked at
FRESH = 75.0 / 60.0  # hours: an older report is none
HOURS = {Extreme.HIGH: range(5, 20), Extreme.LOW: range(1, 12)}  # of standard time at which a settled day is looked at
LOOK_MINUTE = 2
_REMEMBERED = 512

Place = tuple[str, Extreme, Unit, str]  # station, and the statistic that settles
Books = Mapping[Series, Book]


class Outcome(NamedTuple):
    """An event that was settled, and when that was received first."""

    listed: Listed
    reading: float
    since: int


@dataclass(frozen=True, slots=True)
class _Day:
    day: int
    since: int
    climatology: bool  # the curve was one
    columns: FloatArray  # (n_buckets, 3 + N_TERMS - 1): location, sd, floor, loose, terms; NaN: no look
    settled: float  # signed
    stood: FloatArray  # (24,) by hour of the station's clock: 1 where the floor stood, else 0
    counts: FloatArray  # (24,) chance that nothing beyond it had come unseen before; 0: no floor


class _Lesson(NamedTuple):
    correction: Correction
    days: FloatArray  # (24,) on which the floor could stand
    stood: FloatArray  # (24,) on which it stood


@dataclass(slots=True)
class _Place:
    days: dict[int, _Day] = field(default_factory=dict)
    lessons: dict[tuple[int, int, bool], _Lesson] = field(default_factory=dict)
    received: InstantArray = field(default_factory=lambda: np.empty(0, np.int64))  # of all days, ascending


class RunningMemory:
    """The looks at each place's settled days."""

    def __init__(self) -> None:
        self._books: dict[Place, _Place] = {}

    def take_in(
        self, view: View, outcomes: Sequence[Outcome], forecasts: ForecastMemory, climates: ClimateMemory, floors: FloorMemory,
        books: Books,
    ) -> None:  # fmt: skip
        """Look at settled days again; of several events of a place and day the one that was settled first counts.

        Args:
            view: of the archive.
            outcomes: that were not taken in before, oldest first.
            forecasts, climates, floors: what was decoded and learned already.
            books: the cases of all series.
        """
        for outcome in outcomes:
            book, day = self._books.setdefault(_place(outcome.listed), _Place()), outcome.listed.event.event_day.toordinal()
            if day in book.days and book.days[day].since <= outcome.since:
                continue
            found = _looked_at(view, outcome, forecasts, climates, floors, books)
            if found is not None:
                book.days[day] = found
                newest = max(book.days)  # who scores a year of events at once must find what was known at each of them
                book.days = {each: kept for each, kept in book.days.items() if each > newest - 6 * WINDOW_DAYS}
                book.received = np.sort(np.array([each.since for each in book.days.values()], np.int64))
                book.lessons.clear()

    def known(
        self, events: Sequence[Listed], looks: InstantArray, hours: FloatArray, climatology: BoolArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return terms (n_looks, n_events, N_TERMS) and factor (n_looks, n_events) of each law's correction, and the habit of floors.

        Args:
            events: whose laws.
            looks: when.
            hours: from the newest report to the forecast peak, shape (n_looks, n_events); NaN: the day does not run.
            climatology: whether the curve is one, same shape.
        """
        terms, factor, stands = np.zeros((*hours.shape, N_TERMS)), np.ones(hours.shape), np.full(hours.shape, np.nan)
        for column, listed in enumerate(events):
            book, rows = self._books.get(_place(listed)), np.flatnonzero(np.isfinite(hours[:, column]))
            clock = local_hours(looks[rows], listed.station.tz)
            if book is None or not len(rows):
                stands[rows, column] = habit(listed.station.code, clock)
                continue
            last = listed.event.event_day.toordinal() - EMBARGO_DAYS
            received = book.received
            known = np.searchsorted(received, looks[rows], "right")
            for count, is_climate in sorted(set(zip(known.tolist(), climatology[rows, column].tolist(), strict=True))):
                chosen = (known == count) & (climatology[rows, column] == is_climate)
                mine = rows[chosen]
                until = int(received[count - 1]) if count else 0
                lesson = _lesson(book, last, until, climatology=is_climate)
                terms[mine, column] = at_hours(lesson.correction.terms, hours[mine, column])
                if listed.event.extreme is Extreme.LOW:  # learned of negated temperatures: the bias changes its sign with them
                    terms[mine, column, 0] = -terms[mine, column, 0]
                factor[mine, column] = at_hours(lesson.correction.factor, hours[mine, column])
                stands[mine, column] = habit(listed.station.code, clock[chosen], lesson.days, lesson.stood)
        return terms, factor, stands


def progress_of(
    memory: RunningMemory, events: Sequence[Listed], looks: InstantArray, forecasts: Forecasts, seen: Seen, high: BoolArray
) -> Progress:
    """Return how the running days have been doing and what counts for them, shape (n_looks, n_events)."""
    climatology, at = (forecasts.shape_sd > 0) & high, looks[:, None]
    start, end = (np.array([getattr(each, name) for each in events], np.int64) for name in ("start", "end"))
    runs = (at >= start) & (at < end) & (seen.newest_at >= start)
    hours = hours_to_peak(forecasts.peak_at, forecasts.rest_peak_at, seen.newest_at, climatology)
    terms, factor, stands = memory.known(events, looks, np.where(runs, hours, np.nan), climatology)
    clock = np.stack([local_hours(looks, each.station.tz) for each in events], axis=-1) if events else np.zeros(runs.shape)
    hold = hold_of(np.where(high, stands, np.nan), clock, runs & (hours <= 0))
    return Progress(seen.growth, seen.ahead, np.broadcast_to(high, runs.shape), terms, factor, hold.chance, hold.most)


def _place(listed: Listed) -> Place:
    rule = listed.event.rule
    return listed.station.code, listed.event.extreme, rule.unit, str(rule.statistic)


def _lesson(book: _Place, last: int, until: int, *, climatology: bool) -> _Lesson:
    key = (last, until, climatology)
    if key not in book.lessons:
        if len(book.lessons) > _REMEMBERED:
            book.lessons.clear()
        known = [
            book.days[day] for day in sorted(book.days) if last - WINDOW_DAYS < day <= last and book.days[day].since <= until
        ]
        alike = [day for day in known if day.climatology == climatology]
        stood, counts = (
            np.stack([getattr(day, name) for day in known]) if known else np.zeros((1, 24)) for name in ("stood", "counts")
        )
        book.lessons[key] = _Lesson(_learned(alike, last) if alike else NONE, total(counts.T), total(stood.T))
    return book.lessons[key]


def _learned(days: Sequence[_Day], last: int) -> Correction:
    each = np.stack([day.columns for day in days])
    settled = np.broadcast_to(np.array([day.settled for day in days])[:, None], each.shape[:2])
    cases = Cases(
        location=each[..., 0], sd=each[..., 1], terms=each[..., 4:], settled=settled, floor=each[..., 2], loose=each[..., 3],
        half=np.full(settled.shape, 0.5),
    )  # fmt: skip
    return learned_correction(cases, last - np.array([day.day for day in days], np.int64))


def _looked_at(
    view: View, outcome: Outcome, forecasts: ForecastMemory, climates: ClimateMemory, floors: FloorMemory, books: Books
) -> _Day | None:
    """Return what the law before learning said at each hour of a settled day; None where it said nothing."""
    listed, high = outcome.listed, outcome.listed.event.extreme is Extreme.HIGH
    offset = int(standard_offset(listed.station.tz, listed.event.event_day.year).total_seconds()) * 1_000_000
    looks = _looks(listed, offset)
    if not len(looks) or outcome.since <= looks[-1]:
        return None
    stack = view.span(Kind.FORECAST, listed.station.code, instant(int(looks[0])) - LOOKBACK, instant(int(looks[-1])))
    if not FREQUENT.isdisjoint(stack.source):
        looks = looks[::2]  # each hour may have a forecast of its own to decode
    features = _features(view, stack, listed, looks, offset, forecasts, climates, floors, books)
    if features is None:
        return None
    found, floor, loose = features
    issued = issued_law(found)
    location, sd = base_law(found, issued)
    terms = terms_of(found, issued.location, location, sd)[:, 0, 0]
    sign, hours = 1.0 if high else -1.0, hours_from_newest(found)[:, 0]
    usable = found.running[:, 0] & np.isfinite(location[:, 0, 0]) & np.isfinite(hours)
    usable &= (hours >= BUCKETS[0] - 0.5) & (hours < BUCKETS[-1] + 0.5)
    if not usable.any():
        return None
    columns = np.full((len(BUCKETS), 4 + N_TERMS - 1), np.nan)
    for row in np.flatnonzero(usable)[::-1].tolist():
        bound = -np.inf if np.isnan(floor[row]) else sign * floor[row]
        place = int(np.floor(hours[row] - BUCKETS[0] + 0.5))
        columns[place] = sign * location[row, 0, 0], sd[row, 0, 0], bound, sign * loose[row], *(sign * terms[row])
    is_climate = bool((found.shape_sd[usable, 0] > 0).any())
    stood, clock = np.zeros(24), np.floor(local_hours(looks, listed.station.tz) + 0.5).astype(np.int64) % 24
    seen = np.isfinite(floor)
    stood[clock[seen]] = np.where(sign * outcome.reading <= sign * floor[seen], 1.0, 0.0)
    counts = np.zeros(24)
    counts[clock[seen]] = at_most(sign * (floor[seen] - loose[seen]))
    return _Day(listed.event.event_day.toordinal(), outcome.since, is_climate, columns, sign * outcome.reading, stood, counts)


def _looks(listed: Listed, offset: int) -> InstantArray:
    midnight = listed.start + (-(listed.start + offset)) % HOUR  # the window begins within hours of standard midnight
    midnight -= ((midnight + offset) // HOUR % 24) * HOUR if (midnight + offset) // HOUR % 24 < 12 else 0
    midnight += 24 * HOUR - ((midnight + offset) // HOUR % 24) * HOUR if (midnight + offset) // HOUR % 24 >= 12 else 0
    hours = np.array([*HOURS[listed.event.extreme]], np.int64)
    looks = midnight + hours * HOUR + LOOK_MINUTE * HOUR // 60
    within: InstantArray = looks[(looks > listed.start) & (looks < listed.end)]
    return within


def _features(
    view: View, stack: Stack, listed: Listed, looks: InstantArray, offset: int, forecasts: ForecastMemory, climates: ClimateMemory,
    floors: FloorMemory, books: Books,
) -> tuple[Features, FloatArray, FloatArray] | None:  # fmt: skip
    """Return what was known at each look as a desk would have seen it, floor and loose; None without forecasts or reports."""
    code, first, last = listed.station.code, instant(int(looks[0])), instant(int(looks[-1]))
    told, seen = empty_forecasts(len(looks), 1), empty_seen(len(looks), 1)
    reports = view.span(Kind.METAR, code, first - REPORTS_LOOKBACK, last)
    if not len(stack) or not len(reports):
        return None
    current = read_running(forecasts, climates, stack, listed, looks, offset, told)
    read_observations(reports, [(0, listed)], looks, {0: current}, seen, floors)
    centre, spread = _bias(books.get(series_of(listed)), listed, looks, told.n_models[:, 0] >= 2, told.daily[:, 0])
    high, degree = np.array([listed.event.extreme is Extreme.HIGH]), np.array([degree_of(listed)])
    official = np.array([is_official(listed.event.rule.statistic)])
    age = (looks[:, None] - seen.newest_at) / HOUR
    shape, at = (len(looks), 1), looks[:, None]
    features = Features(
        forecast=told.extreme, n_models=told.n_models, disagreement=told.disagreement, curve_sd=told.curve_sd,
        lead_hours=(listed.start - told.first_at) / HOUR, bias=centre[:, None], spread=spread[:, None], n_residuals=np.zeros(shape),
        running=(seen.newest_at >= listed.start) & (age <= FRESH), remaining=told.remaining,
        hours_to_peak=hours_to_peak(told.peak_at, told.rest_peak_at, at, (told.shape_sd > 0) & high),
        second_gap=told.second_gap, hours_to_second=(told.second_at - at) / HOUR,
        error=seen.error, error_age_hours=age, excess=mean_excess(official & ~told.daily, high, degree),
        shape_sd=told.shape_sd, degree=degree,
        progress=Progress(seen.growth, seen.ahead, np.broadcast_to(high, shape)),
    )  # fmt: skip
    return features, seen.floor[:, 0], seen.loose[:, 0]


def _bias(
    book: Book | None, listed: Listed, looks: InstantArray, several: BoolArray, daily: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Return bias and sd of the forecast at each look by the settled days of the two months before the event."""
    last, table = (
        listed.event.event_day.toordinal() - EMBARGO_DAYS,
        degree_of(listed) * climate(listed.station, listed.event.event_day),
    )
    cases = list(
        zip(
            (np.zeros_like(looks) if book is None else book.known(looks)).tolist(),
            several.tolist(),
            daily.tolist(),
            strict=True,
        )
    )
    found = {}
    for known, many, once in dict.fromkeys(cases):
        start, sd = 0.0 if once else expected_bias(listed, degree_of(listed)), CHECKPOINT_SD[many] * table
        chosen = book.chosen(known, last, BIAS_DAYS) if book is not None else np.empty(0, np.int64)
        state = filtered(book.day[chosen], book.residual[chosen], sd * sd, start) if book is not None and len(chosen) else None
        found[known, many, once] = (start, sd) if state is None else learned_spread(state, sd * sd, start)
    centre, spread = zip(*(found[case] for case in cases), strict=True)
    return np.array(centre), np.array(spread)
