"""The newest forecasts of a station, made into what an event needs of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from agents.weather.climate import UNKNOWN, ClimateMemory, Shape
from agents.weather.listed import Listed
from agents.weather.vintages import (
    DAY,
    HOUR,
    LATEST_OF_DAY,
    Model,
    Vintage,
    begins_late,
    led_in,
    models_of,
    rest_of,
    vintage_of,
)
from core.model.record import Kind
from core.store.archive import Stack, View
from core.units import BoolArray, FloatArray, InstantArray, IntArray, instant

# A forecast that was not received again for so long is none: of a source with several runs a day, and of one with one.
FREQUENT_FOR, DAILY_FOR = 12 * HOUR, 36 * HOUR
LEAD_IN = 12 * HOUR  # before a window from which on earlier forecasts are sought for its hours that a newer one leaves out
LOOKBACK = timedelta(hours=61)  # a day of vintages, and what was valid at its start
FREQUENT = frozenset({"open_meteo", "zeus", "nws"})  # sources with four or more runs a day
_REMEMBERED, _WINDOWS = 4_096, 512

Content = tuple[tuple[str, int], ...]  # what was current: (source, first received) of each source


@dataclass(frozen=True, slots=True)
class Timeline:
    """Which contents of a station's forecasts were current at given instants."""

    contents: tuple[Content, ...]
    index: IntArray  # (n_instants,) into `contents`, -1: none
    received_at: InstantArray  # newest receipt of the sources that count, 0: none
    first_at: InstantArray  # newest of their first receipts, 0: none


class ForecastMemory:
    """Decodes each content once and keeps what events needed of it. What it answers follows from the view alone."""

    def __init__(self) -> None:
        self._models: OrderedDict[tuple[str, str, int], tuple[Model, ...]] = OrderedDict()
        self._vintages: OrderedDict[tuple[object, ...], Vintage | None] = OrderedDict()
        self._extremes: OrderedDict[tuple[object, ...], dict[Content, float]] = OrderedDict()

    def timeline(self, stack: Stack, instants: InstantArray, listed: Listed) -> Timeline:
        """Return what was current about an event at each instant, given in any order.

        A source that gives one forecast a day may say nothing of today in its newest: the newest that does counts.
        """
        sources = sorted(set(stack.source))
        newest = np.zeros((len(sources), len(instants)), np.int64)
        for row, source in enumerate(sources):
            newest[row] = _newest_of(stack, _records_of(stack, source, listed), instants)
        there = newest >= 0
        received = np.where(there, stack.received_at[newest], 0) if len(stack) else newest
        lasts = np.array([FREQUENT_FOR if source in FREQUENT else DAILY_FOR for source in sources], np.int64)
        there &= received >= instants - lasts[:, None]
        received = np.where(there, received, 0)
        first = np.where(there, stack.first_at[newest], 0) if len(stack) else newest
        number: dict[Content, int] = {}
        index = np.full(len(instants), -1, np.int64)
        for place, column in enumerate(first.T.tolist()):
            content = tuple((sources[i], at) for i, at in enumerate(column) if at)
            if content:
                index[place] = number.setdefault(content, len(number))
        nothing = np.zeros(len(instants), np.int64)
        return Timeline(
            tuple(number), index, received.max(axis=0, initial=0) if len(sources) else nothing,
            first.max(axis=0, initial=0) if len(sources) else nothing,
        )  # fmt: skip

    def vintage(self, stack: Stack, content: Content, listed: Listed, offset: int, shape: Shape = UNKNOWN) -> Vintage | None:
        """Return what a content says of an event's window; None where no model covers it.

        Args:
            stack: the station's forecasts.
            content: what was current.
            listed: the event.
            offset: of standard time at the station [microseconds].
            shape: how the station's days run, for sources without an hourly curve.
        """
        key = (stack.subject, listed.start, listed.end, listed.event.extreme, listed.event.rule.unit, content, shape.number)
        if key not in self._vintages:
            models = [model for part in content for model in self._models_for(stack, part, listed)]
            self._vintages[key] = vintage_of(models, listed, offset, shape)
            if len(self._vintages) > _REMEMBERED:
                self._vintages.popitem(last=False)
        self._vintages.move_to_end(key)
        return self._vintages[key]

    def extremes(self, stack: Stack, contents: Sequence[Content], listed: Listed, offset: int) -> list[float]:
        """Return what each content says of the extreme; no shape of the day is needed for it. NaN: nothing."""
        key = (stack.subject, listed.start, listed.end, listed.event.extreme, listed.event.rule.unit)
        known = self._extremes.setdefault(key, {})
        self._extremes.move_to_end(key)
        if len(self._extremes) > _WINDOWS:
            self._extremes.popitem(last=False)
        for content in contents:
            if content not in known:
                vintage = self.vintage(stack, content, listed, offset)
                known[content] = float("nan") if vintage is None else vintage.extreme
        return [known[content] for content in contents]

    def _models_for(self, stack: Stack, part: tuple[str, int], listed: Listed) -> tuple[Model, ...]:
        """Return the models of a source's content; hours of the window that it leaves out come from its earlier ones."""
        models = self._decoded(stack, part)
        if not any(begins_late(model, listed.start, listed.end) for model in models):
            return models
        source, first_at = part
        span = np.searchsorted(stack.received_at, [listed.start - LEAD_IN, first_at], "left")
        before = {int(stack.first_at[i]) for i in range(*span.tolist()) if stack.source[i] == source}
        found = {(model.name, model.gives): model for model in models}
        for earlier in sorted(before - {first_at}, reverse=True):
            for model in self._decoded(stack, (source, earlier)):
                known = found.get((model.name, model.gives))
                if known is not None and begins_late(known, listed.start, listed.end):
                    found[model.name, model.gives] = led_in(known, model)
        return tuple(found.values())

    def _decoded(self, stack: Stack, part: tuple[str, int]) -> tuple[Model, ...]:
        key = (stack.subject, *part)
        if key not in self._models:
            same = np.flatnonzero(stack.first_at == part[1]).tolist()
            self._models[key] = models_of(stack.rows(next(i for i in same if stack.source[i] == part[0])))
            if len(self._models) > _REMEMBERED:
                self._models.popitem(last=False)
        return self._models[key]


def _records_of(stack: Stack, source: str, listed: Listed) -> IntArray:
    """Return a source's records; of one that is not frequent those that speak of the window."""
    if source in FREQUENT:
        alone = stack.source.count(source) == len(stack)
        return np.arange(len(stack)) if alone else np.flatnonzero(np.array([name == source for name in stack.source], np.bool_))
    speaks = (stack.columns["valid_at"] > listed.start - LATEST_OF_DAY) & (
        stack.columns["valid_at"] < listed.end - LATEST_OF_DAY
    )
    reach = np.concatenate([np.zeros(1, np.int64), np.cumsum(speaks)])
    about = reach[stack.offsets[1:]] > reach[stack.offsets[:-1]]
    return np.flatnonzero(np.array([name == source for name in stack.source], np.bool_) & about)


def _newest_of(stack: Stack, own: IntArray, instants: InstantArray) -> IntArray:
    if not len(own):
        return np.full(len(instants), -1, np.int64)
    place = np.searchsorted(stack.received_at[own], instants, "right") - 1
    return np.where(place >= 0, own[np.maximum(place, 0)], -1)


@dataclass(frozen=True, slots=True)
class Forecasts:
    """What the current forecasts say of each event, shape (n_looks, n_events); NaN and 0 where there is none."""

    extreme: FloatArray
    n_models: FloatArray
    disagreement: FloatArray
    curve_sd: FloatArray
    remaining: FloatArray  # extreme of the rest of the day; NaN outside the window
    peak_at: InstantArray
    rest_peak_at: InstantArray  # of the rest of the day
    second_gap: FloatArray  # by how much the next best turn of that rest, hours apart, falls short of its extreme; NaN: none
    second_at: InstantArray  # when it comes
    shape_sd: FloatArray  # of the curve's shape at this hour; 0: an hourly forecast, NaN: a shape that is not the station's
    moved: FloatArray  # by how much the extreme moved in a day of vintages
    one_way: BoolArray  # two of its last three moves had that sign
    received_at: InstantArray
    first_at: InstantArray
    daily: BoolArray  # every source gives one forecast a day
    sources: NDArray[np.object_]  # names of the sources that count, with commas


def empty_forecasts(n_looks: int, n_events: int) -> Forecasts:
    """Return the columns of events without a forecast."""
    shape = (n_looks, n_events)

    def none() -> FloatArray:
        return np.full(shape, np.nan)

    def never() -> InstantArray:
        return np.zeros(shape, np.int64)

    return Forecasts(
        extreme=none(), n_models=np.zeros(shape), disagreement=none(), curve_sd=none(), remaining=none(), shape_sd=none(),
        peak_at=never(), rest_peak_at=never(), second_gap=none(), second_at=never(), moved=none(),
        one_way=np.zeros(shape, np.bool_), received_at=never(), first_at=never(),
        daily=np.zeros(shape, np.bool_), sources=np.full(shape, "", dtype=object),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Current:
    """Which vintage of an event's window was current at each look; -1: none."""

    place: IntArray  # (n_looks,)
    vintages: tuple[Vintage | None, ...]


def read_forecasts(
    memory: ForecastMemory, climates: ClimateMemory, stack: Stack, events: Sequence[tuple[int, Listed]], looks: InstantArray,
    offset: int, out: Forecasts,
) -> dict[int, Current]:  # fmt: skip
    """Fill in the columns of one station's events (index, event) at each look; return what was current about each."""
    changes = _changes(stack, looks)
    instants = np.concatenate([looks, looks - DAY, changes, changes - 1])
    shared = memory.timeline(stack, instants, events[0][1]) if set(stack.source) <= FREQUENT else None
    named = _sources_of(shared, len(looks)) if shared is not None else None
    current = {}
    for column, listed in events:
        timeline = shared or memory.timeline(stack, instants, listed)
        out.received_at[:, column], out.first_at[:, column] = (
            timeline.received_at[: len(looks)],
            timeline.first_at[: len(looks)],
        )
        told = _told(memory, stack, listed, timeline, offset)
        out.moved[:, column], out.one_way[:, column] = _trend(told, len(looks), len(changes), looks, changes)
        out.extreme[:, column] = told[: len(looks)]
        names, daily = named if named is not None else _sources_of(timeline, len(looks))
        out.sources[:, column], out.daily[:, column] = names, daily
        current[column] = _current(memory, climates, stack, listed, timeline, looks, offset)
        for place in sorted(set(current[column].place.tolist())):
            vintage = current[column].vintages[place] if place >= 0 else None
            if vintage is not None:
                _fill(out, column, vintage, np.flatnonzero(current[column].place == place), looks, listed, offset)
    return current


def _told(memory: ForecastMemory, stack: Stack, listed: Listed, timeline: Timeline, offset: int) -> FloatArray:
    """Return the extreme that was forecast at each instant of a timeline; no shape of the day is needed for it."""
    value = np.array([*memory.extremes(stack, timeline.contents, listed, offset), np.nan])  # index -1: nothing known
    return value[timeline.index]


def _sources_of(timeline: Timeline, n: int) -> tuple[NDArray[np.object_], BoolArray]:
    """Return which sources count at each of the first instants of a timeline, and whether all of them speak once a day."""
    frequent = np.array([*(any(name in FREQUENT for name, _ in content) for content in timeline.contents), False])
    names = np.array([*(",".join(name for name, _ in content) for content in timeline.contents), ""], dtype=object)
    return names[timeline.index[:n]], ~frequent[timeline.index[:n]]


def _current(
    memory: ForecastMemory,
    climates: ClimateMemory,
    stack: Stack,
    listed: Listed,
    timeline: Timeline,
    looks: InstantArray,
    offset: int,
) -> Current:
    contents, now = timeline.contents, timeline.index[: len(looks)]
    if all(name in FREQUENT for content in contents for name, _ in content):
        used = frozenset(now.tolist())
        return Current(
            now,
            tuple(memory.vintage(stack, each, listed, offset) if i in used else None for i, each in enumerate(contents)),
        )
    version, shapes = climates.shapes((stack.subject, listed.event.extreme), listed.event.event_day, looks)
    pairs, place = np.unique(np.stack([now, version]), axis=1, return_inverse=True)
    vintages = tuple(
        memory.vintage(stack, contents[index], listed, offset, shapes[shape]) if index >= 0 else None
        for index, shape in pairs.T.tolist()
    )
    return Current(place.reshape(-1), vintages)


def _fill(
    out: Forecasts, column: int, vintage: Vintage, rows: IntArray, looks: InstantArray, listed: Listed, offset: int
) -> None:
    out.n_models[rows, column] = vintage.n_models
    out.disagreement[rows, column] = vintage.disagreement
    out.curve_sd[rows, column] = vintage.curve_sd
    out.peak_at[rows, column] = vintage.peak_at
    out.shape_sd[rows, column] = vintage.shape_sd[((looks[rows] + offset) // HOUR) % 24]
    inside = rows[(looks[rows] >= listed.start) & (looks[rows] < listed.end)]
    if len(inside):
        rest = rest_of(vintage, looks[inside])
        out.remaining[inside, column], out.rest_peak_at[inside, column] = rest.extreme, rest.peak_at
        out.second_gap[inside, column], out.second_at[inside, column] = rest.gap, rest.second_at


def _changes(stack: Stack, looks: InstantArray) -> InstantArray:
    """Return when a source's content changed, within a day before the looks."""
    changed: list[int] = []
    before: dict[str, int] = {}
    for source, received_at, first_at in zip(stack.source, stack.received_at.tolist(), stack.first_at.tolist(), strict=True):
        if source in before and before[source] != first_at:
            changed.append(received_at)
        before[source] = first_at
    found = np.unique(np.array(changed, np.int64))
    within: InstantArray = found[(found > looks.min() - DAY) & (found <= looks.max())]
    return within


def _trend(told: FloatArray, n: int, k: int, looks: InstantArray, changes: InstantArray) -> tuple[FloatArray, BoolArray]:
    moved = told[:n] - told[n : 2 * n]
    if not k:
        return moved, np.zeros(n, np.bool_)
    steps = told[2 * n : 2 * n + k] - told[2 * n + k :]
    steps = np.where(np.isnan(steps), 0.0, steps)
    counts = (steps != 0) & (changes <= looks[:, None]) & (changes > looks[:, None] - DAY)
    last_three = counts & (np.cumsum(counts[:, ::-1], axis=1)[:, ::-1] <= 3)
    same = (last_three & (np.sign(steps) == np.sign(moved)[:, None])).sum(axis=1)
    return moved, same >= 2


def forecast_stack(view: View, station: str, looks: InstantArray) -> Stack:
    """Return the forecasts of a station that looks at these instants may need."""
    return view.stack(Kind.FORECAST, station, instant(int(looks.min())) - LOOKBACK)
