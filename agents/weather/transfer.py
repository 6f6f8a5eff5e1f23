"""What a station's settled days say of how far its official extreme lies beyond its listed reports.

A law over 0, 1, 2 and 3 or more whole degrees: counts of settled days added to the table of six stations (`excess`), which
weighs as much as 30 days. The six differ in the share of zeros with a standard deviation of 5.5 points, as laws drawn
around 75 days would; a park or another season may lie further out, so that the table gets less. In Miami before 2024-08-16
every weight from 25 to 150 days scored within 0.006 nats of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from agents.weather.climate import EMBARGO_DAYS
from agents.weather.excess import AT_MOST, MEAN_FAHRENHEIT, is_official
from agents.weather.listed import Listed
from agents.weather.vintages import DAY
from core.model.record import Kind
from core.model.rule import DayWindow, Extreme, Precision, Rounding, SettlementRule, Statistic
from core.model.station import Station
from core.readings import received_per_row, running_extreme
from core.store.archive import Stack, View
from core.units import MISSING, FloatArray, InstantArray, Unit, instant

PRIOR_DAYS = 30.0
MOST = 3  # degrees that are told apart; more counts as so many
WINDOW_DAYS = 150  # less than the days back that a new desk reads outcomes: one that ran for a year must say the same
LEAST_REPORTS = 18
LATE_REPORTS = timedelta(hours=3)
LAST_WORD = 14 * DAY  # after its day from which on an event is settled for good: nothing more is learned of it
_NEVER = np.iinfo(np.int64).max
_TABLE = np.diff(AT_MOST)

Place = tuple[str, Extreme]  # station, and which extreme of its days


class Word(NamedTuple):
    """What was said of a settled day, and from when on."""

    since: int
    value: float


class SaidDay(NamedTuple):
    """A settled day of a station: its official extreme as it was told, with all corrections."""

    station: Station
    extreme: Extreme
    day: int  # ordinal
    start: int
    end: int
    words: tuple[Word, ...]


class Transfer(NamedTuple):
    """Of each event at each look."""

    law: FloatArray  # as `AT_MOST`, shape (n_looks, n_events, 5)
    mean: FloatArray  # [degrees Fahrenheit] (n_looks, n_events)


def _listed(statistic: Statistic) -> SettlementRule:
    return SettlementRule(
        station="", source="", source_url="", statistic=statistic, unit=Unit.FAHRENHEIT, precision=Precision.WHOLE,
        rounding=Rounding.HALF_UP, window=DayWindow.STANDARD_TIME, revision_cutoff="", fallback_source="", no_data="", text="",
        sha256="",
    )  # fmt: skip


LISTED = {Extreme.HIGH: _listed(Statistic.MAX_LISTED_REPORT), Extreme.LOW: _listed(Statistic.MIN_LISTED_REPORT)}


def table(n_looks: int, n_events: int) -> Transfer:
    """Return the law of six stations for every event."""
    return Transfer(np.tile(AT_MOST, (n_looks, n_events, 1)), np.full((n_looks, n_events), MEAN_FAHRENHEIT))


class SettledDays:
    """What was said of each settled day of some place, by when; a correction replaces what was said before."""

    def __init__(self) -> None:
        self._said: dict[int, tuple[Word, ...]] = {}

    def add(self, day: int, since: int, value: float) -> None:
        """Take in a word about a day (ordinal), in whatever order they come; of several at one instant the first counts."""
        said = self._said.get(day, ())
        if all(word.since != since for word in said):
            self._said[day] = tuple(sorted((*said, Word(since, value))))

    def until(self, day: int) -> tuple[FloatArray, InstantArray, InstantArray]:
        """Return the words about the days up to one: values, since and until when they hold, oldest day first."""
        rows = [
            (word.value, word.since, later.since if later else _NEVER)
            for own in sorted(self._said)
            if day - WINDOW_DAYS < own <= day
            for word, later in zip(self._said[own], (*self._said[own][1:], None), strict=True)
        ]
        values, since, until = zip(*rows, strict=True) if rows else ((), (), ())
        return np.array(values, np.float64), np.array(since, np.int64), np.array(until, np.int64)


class TransferMemory:
    """How far the official extreme of each station's settled days lay beyond its listed reports."""

    def __init__(self) -> None:
        self._places: dict[Place, SettledDays] = {}

    def add(self, place: Place, day: int, since: int, beyond: float) -> None:
        """Take in a settled day (ordinal) whose outcome was received at `since`."""
        self._places.setdefault(place, SettledDays()).add(day, since, beyond)

    def take_in(self, view: View, said: SaidDay) -> None:
        """Take in what was said of a day, where the station reports itself."""
        reported = listed_reading(view, said, said.station)
        if reported is not None:
            sign = 1.0 if said.extreme is Extreme.HIGH else -1.0
            for word in said.words:
                self.add((said.station.code, said.extreme), said.day, word.since, sign * (word.value - reported))

    def known(self, events: Sequence[Listed], looks: InstantArray) -> Transfer:
        """Return the law of each event at each look, the table where nothing of the station was settled."""
        found = table(len(looks), len(events))
        for column, listed in enumerate(events):
            days = self._places.get((listed.station.code, listed.event.extreme))
            if days is not None and is_official(listed.event.rule.statistic):
                values, since, until = days.until(listed.event.event_day.toordinal() - EMBARGO_DAYS)
                law, mean = _law_of(values, (since <= looks[:, None]) & (looks[:, None] < until))
                found.law[:, column], found.mean[:, column] = law, mean
        return found


def _law_of(values: FloatArray, known: np.ndarray) -> tuple[FloatArray, FloatArray]:
    """Return the law at each look, (n_looks, 5), and its mean, of the days known then, (n_looks, n_days)."""
    degrees = np.clip(values, 0, MOST).astype(np.int64)
    counts = np.stack([(known & (degrees == k)).sum(axis=-1) for k in range(MOST + 1)], axis=-1).astype(np.float64)
    n = known.sum(axis=-1)[:, None]
    summed = np.cumsum((counts + PRIOR_DAYS * _TABLE) / (n + PRIOR_DAYS), axis=-1)
    law = np.concatenate([np.zeros_like(summed[:, :1]), summed[:, :-1], np.ones_like(summed[:, :1])], axis=-1)
    mean = MOST - np.cumsum(law[:, 1:-1], axis=-1)[:, -1]
    nothing = n == 0
    return np.where(nothing, AT_MOST, law), np.where(nothing[:, 0], MEAN_FAHRENHEIT, mean)


def said_by_venue(listed: Listed, outcomes: Stack) -> SaidDay | None:
    """Return the day of an event of an official extreme in Fahrenheit, if final answers published its value.

    A bracket without a value would be read through the reports, and the law would learn itself.
    """
    rule, words = listed.event.rule, list[Word]()
    for since, facts in zip(outcomes.received_at.tolist(), outcomes.facts, strict=True):
        told = facts["value"] if facts["final"] and since <= listed.end + LAST_WORD else None
        if told is not None and (not words or words[-1].value != told):
            words.append(Word(since, float(told)))
    if not words or not is_official(rule.statistic) or rule.unit is not Unit.FAHRENHEIT:
        return None
    day = listed.event.event_day.toordinal()
    return SaidDay(listed.station, listed.event.extreme, day, listed.start, listed.end, tuple(words))


def listed_reading(view: View, said: SaidDay, station: Station) -> float | None:
    """Return the extreme of a station's reports over a day [F]; None where they are few or leave doubt of a degree."""
    window = instant(said.start), instant(said.end)
    stack = view.span(Kind.METAR, station.code, window[0], min(window[1] + LATE_REPORTS, instant(said.words[0].since)))
    if not len(stack):
        return None
    received, last = received_per_row(stack.received_at, stack.offsets), stack.received_at[-1:]
    found = running_extreme(stack.columns, received, last, LISTED[said.extreme], station, window)
    if found.count[0] < LEAST_REPORTS or not found.exact[0] or found.reading[0] == MISSING:
        return None
    return float(found.reading[0])
