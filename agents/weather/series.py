"""Cases of each series of events, and what they teach: the filter's state, the prior of its kin, the lesson of a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np

from agents.weather.cases import Case, Prior, cases_of
from agents.weather.excess import is_official, mean_excess
from agents.weather.law import FAHRENHEIT_PER_CELSIUS, checkpoint_sd
from agents.weather.listed import Listed
from agents.weather.models import Model
from agents.weather.models.residual import Sums, fading_sums, filtered, learned_spread, pooled
from agents.weather.vintages import DAY
from core.model.rule import Extreme
from core.model.station import Station
from core.units import FloatArray, InstantArray, IntArray, Unit

WINDOW_DAYS = 180  # older residuals weigh less than a ten-thousandth
EMBARGO_DAYS = 2
USUAL_FROM = 10  # cases from which a station's own disagreement of models is its usual one
# How much more (or less) a place's highs miss than the tables say; SCIENCE 1.9.
TROPIC_LATITUDE, TROPICAL, INTERIOR_COOL = 26.0, 0.7, 1.3
INTERIOR = frozenset({"KDEN", "KBKF", "KDFW", "KDAL", "KORD", "KMDW", "KOKC", "KMSP"})
COOL_MONTHS = frozenset({10, 11, 12, 1, 2, 3, 4})
CHECKPOINT_SD = tuple(float(checkpoint_sd(np.array(n))) for n in (1.0, 2.0))  # of one model, of several
_REMEMBERED, _LESSONS = 1_024, 16

Series = tuple[str, str, str, str, str]  # venue, station, extreme, unit, statistic


class State(NamedTuple):
    """What the residuals of a series say at a look [rule's unit]."""

    bias: float
    spread: float
    n: int
    usual_disagreement: float


def series_of(listed: Listed) -> Series:
    """Return the series that an event belongs to."""
    rule = listed.event.rule
    return listed.event.venue, rule.station, str(listed.event.extreme), str(rule.unit), str(rule.statistic)


def climate(station: Station, event_day: date) -> float:
    """Return the factor on the sd of a place and season: small near the equator, large inland in the cool half year."""
    if abs(station.latitude) < TROPIC_LATITUDE:
        return TROPICAL
    return INTERIOR_COOL if station.code in INTERIOR and event_day.month in COOL_MONTHS else 1.0


def degree_of(listed: Listed) -> float:
    """Return the rule's degrees in one degree Fahrenheit."""
    return 1.0 if listed.event.rule.unit is Unit.FAHRENHEIT else 1.0 / FAHRENHEIT_PER_CELSIUS


def expected_bias(listed: Listed, degree: float) -> float:
    """Return the bias of an hourly forecast before anything of the series was settled [rule's unit]; see `excess`."""
    official, high = is_official(listed.event.rule.statistic), listed.event.extreme is Extreme.HIGH
    return float(mean_excess(np.array(official), np.array(high), np.array(degree)))


class Book:
    """The cases of one series."""

    def __init__(self, example: Listed, cases: Sequence[Case]) -> None:
        """Take the cases in any order; `example` is any event of the series."""
        self.example = example
        self.cases = sorted(cases, key=lambda case: (case.day, case.since))
        self.day = np.array([case.day for case in self.cases], np.int64)
        self.since = np.array([case.since for case in self.cases], np.int64)
        self.residual = np.array([case.residual for case in self.cases], np.float64)
        self.disagreement = np.array([case.told.disagreement for case in self.cases], np.float64)
        self.received = np.sort(self.since)
        self.states: dict[tuple[object, ...], State] = {}
        self.lessons: dict[tuple[object, ...], Any] = {}

    def known(self, looks: InstantArray) -> InstantArray:
        """Return when the newest case known at each look was received, 0: none was."""
        place = np.searchsorted(self.received, looks, "right") - 1
        return np.where(place >= 0, self.received[np.maximum(place, 0)], 0) if len(self.received) else np.zeros_like(looks)

    def chosen(self, until: int, last: int, days: int) -> IntArray:
        """Return which cases count: received by then, of the days up to a last one, the newest word about each."""
        known = np.flatnonzero((self.since <= until) & (self.day <= last) & (self.day > last - days))
        newest = np.append(self.day[known[1:]] != self.day[known[:-1]], np.ones(min(len(known), 1), np.bool_))
        chosen: IntArray = known[newest]
        return chosen


class Library:
    """The books of all series."""

    def __init__(self) -> None:
        self.books: dict[Series, Book] = {}
        self._pools: dict[tuple[object, ...], dict[Series, Sums]] = {}
        self._priors: dict[tuple[object, ...], Prior] = {}

    def keep(self, series: Series, book: Book) -> None:
        """Put a book in the place of the one before."""
        self.books[series] = book
        self._pools.clear()
        self._priors.clear()

    def state(self, listed: Listed, known: int, day: int, *, several: bool, daily: bool) -> State:
        """Return what the residuals of an event's series say.

        Args:
            listed: the event.
            known: when the newest case that counts was received, 0: none was.
            day: of the look, in days UTC since 1970; the other series count as known when it began.
            several: models stand behind the current forecast.
            daily: that forecast is one of daily extremes.
        """
        prior = self.prior(listed, day, daily=daily)
        table = CHECKPOINT_SD[several] * degree_of(listed)
        before = State(prior.mean, prior.sd_new if several else prior.sd_new_alone, 0, table)
        book = self.books.get(series_of(listed))
        if book is None or not known:
            return before
        scale = prior.sd if several else prior.sd_alone
        found: State = _remembered(book.states, (known, several, prior), lambda: _state(book, known, prior, scale, before))
        return found

    def lesson(self, listed: Listed, known: int, day: int, model: Model) -> Any:
        """Return what a model learned of an event's series; None where too little is known."""
        book = self.books.get(series_of(listed))
        if book is None or not known or model.learn is None:
            return None
        prior, learn = self.prior(listed, day, daily=False), model.learn

        def learned() -> Any:
            chosen = [book.cases[i] for i in book.chosen(known, prior.last_day, model.days).tolist()]
            return learn(cases_of(chosen, listed.event.rule.unit), prior) if chosen else None

        return _remembered(book.lessons, (model, known, prior), learned, _LESSONS)

    def prior(self, listed: Listed, day: int, *, daily: bool) -> Prior:
        """Return what holds of a series before its own cases: the table, moved by what the others of its kind did."""
        last = listed.event.event_day.toordinal() - EMBARGO_DAYS
        key = (series_of(listed), day, last, daily)
        found: Prior = _remembered(self._priors, key, lambda: self._prior(listed, day, last, daily=daily))
        return found

    def _prior(self, listed: Listed, day: int, last: int, *, daily: bool) -> Prior:
        degree = degree_of(listed)
        pool = pooled(self._others(listed, day, last, daily=daily))
        alone, several = (sd * degree * climate(listed.station, listed.event.event_day) for sd in CHECKPOINT_SD)
        scale, new = float(np.sqrt(pool.variance)), float(np.sqrt(pool.variance * (1.0 + pool.share)))
        start = 0.0 if daily else expected_bias(listed, degree)
        return Prior(start + pool.mean * several, scale * several, scale * alone, new * several, new * alone, last)

    def _others(self, listed: Listed, day: int, last: int, *, daily: bool) -> list[Sums]:
        kin, series = _kin(listed), series_of(listed)
        key = (kin, day, last, daily)
        if key not in self._pools:
            if len(self._pools) > _REMEMBERED:
                self._pools.clear()
            self._pools[key] = {
                other: fading_sums(*_compared(book, day * DAY, last, daily=daily), last)
                for other, book in sorted(self.books.items()) if _kin(book.example) == kin
            }  # fmt: skip
        return [sums for other, sums in self._pools[key].items() if other != series]


def _kin(listed: Listed) -> tuple[Extreme, bool]:
    return listed.event.extreme, is_official(listed.event.rule.statistic)


def _compared(book: Book, until: int, last: int, *, daily: bool) -> tuple[IntArray, FloatArray]:
    """Return days and residuals of a series, as multiples of the sd that the tables give the place."""
    listed, chosen = book.example, book.chosen(until, last, WINDOW_DAYS)
    degree = degree_of(listed)
    start = 0.0 if daily else expected_bias(listed, degree)
    table = np.where(np.isnan(book.disagreement[chosen]), *CHECKPOINT_SD)
    usual = table * degree * climate(listed.station, date.fromordinal(last))
    return book.day[chosen], (book.residual[chosen] - start) / usual


def _state(book: Book, known: int, prior: Prior, scale: float, before: State) -> State:
    chosen = book.chosen(known, prior.last_day, WINDOW_DAYS)
    if not len(chosen):
        return before
    variance = scale * scale
    state = filtered(book.day[chosen], book.residual[chosen], variance, prior.mean)
    bias, spread = learned_spread(state, variance, prior.mean)
    apart = book.disagreement[chosen]
    apart = apart[~np.isnan(apart)]
    usual = float(np.median(apart)) if len(apart) >= USUAL_FROM else before.usual_disagreement
    return State(bias, spread, len(chosen), usual)


def _remembered(
    known: dict[tuple[object, ...], Any], key: tuple[object, ...], find: Callable[[], Any], most: int = _REMEMBERED
) -> Any:
    if key not in known:
        if len(known) > most:
            known.clear()
        known[key] = find()
    return known[key]
