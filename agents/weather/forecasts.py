"""The newest forecasts of a station, made into what an event needs of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
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
from core.model.rule import Extreme
from core.store.archive import Stack, View
from core.units import BoolArray, FloatArray, InstantArray, IntArray, Unit, instant

# A forecast that was not received again for so long is none: of a source with several runs a day, and of one with one.
FREQUENT_FOR, DAILY_FOR = 12 * HOUR, 36 * HOUR
LEAD_IN = 12 * HOUR  # before a window from which on earlier forecasts are sought for its hours that a newer one leaves out
LOOKBACK = timedelta(hours=61)  # a day of vintages, and what was valid at its start
FREQUENT = frozenset({"open_meteo", "zeus", "nws"})  # sources with four or more runs a day
_REMEMBERED, _WINDOWS = 4_096, 512

Content = tuple[tuple[str, int], ...]  # what was current: (source, first received) of each source
_OfWindow = tuple[str, int, int, Extreme, Unit]  # station, start, end
_OfContent = tuple[str, int, int, Extreme, Unit, Content, int]  # and number of the shape


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
        self._vintages: OrderedDict[_OfContent, Vintage | None] = OrderedDict()
        self._extremes: OrderedDict[_OfWindow, dict[Content, float]] = OrderedDict()
        self._forgotten = 0  # day

    @property
    def size(self) -> int:
        """Return how many contents and windows are remembered."""
        return len(self._models) + len(self._vintages) + len(self._extremes)

    def forget(self, looks: InstantArray) -> None:
        """Let go, once a day, of what no look at a listed event needs any more; whoever does ask for it gets it again."""
        before = int(looks.min()) - (LOOKBACK // timedelta(microseconds=1)) - LEAD_IN
        if before // DAY == self._forgotten:
            return
        self._forgotten = before // DAY
        for part in [part for part in self._models if part[2] < before]:
            del self._models[part]
        for content in [content for content in self._vintages if content[2] < before]:
            del self._vintages[content]
        for window in [window for window in self._extremes if window[2] < before]:
            del self._extremes[window]

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
        found = [known.get(content) for content in contents]
        for place, (content, extreme) in enumerate(zip(contents, found, strict=True)):
            if extreme is None:
                vintage = self.vintage(stack, content, listed, offset)
                found[place] = known[content] = float("nan") if vintage is None else vintage.extreme
        return [extreme for extreme in found if extreme is not None]

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


Records = Mapping[str, IntArray]  # of a stack, by source


def by_source(stack: Stack) -> Records:
    """Return which records of a stack each source gave."""
    names = sorted(set(stack.source))
    if len(names) == 1:
        return {names[0]: np.arange(len(stack))}
    number = {name: i for i, name in enumerate(names)}
    giver = np.fromiter(map(number.__getitem__, stack.source), np.int64, len(stack))
    return {name: np.flatnonzero(giver == i) for name, i in number.items()}


def timeline(stack: Stack, records: Records, instants: InstantArray, listed: Listed) -> Timeline:
    """Return what was current about an event at each instant, given in any order.

    A source that gives one forecast a day may say nothing of today in its newest: the newest that does counts.
    """
    sources = tuple(records)
    newest = np.zeros((len(sources), len(instants)), np.int64)
    for row, (source, own) in enumerate(records.items()):
        newest[row] = _newest_of(stack, own if source in FREQUENT else _speaking(stack, own, listed), instants)
    there = newest >= 0
    received = np.where(there, stack.received_at[newest], 0) if len(stack) else newest
    lasts = np.array([FREQUENT_FOR if source in FREQUENT else DAILY_FOR for source in sources], np.int64)
    there &= received >= instants - lasts[:, None]
    first = np.where(there, stack.first_at[newest], 0) if len(stack) else newest
    columns = list(map(tuple, first.T.tolist()))
    number = {column: i for i, column in enumerate(column for column in dict.fromkeys(columns) if any(column))}
    return Timeline(
        tuple(tuple((source, at) for source, at in zip(sources, column, strict=True) if at) for column in number),
        np.array([number.get(column, -1) for column in columns], np.int64),
        np.where(there, received, 0).max(axis=0, initial=0), first.max(axis=0, initial=0),
    )  # fmt: skip


def _speaking(stack: Stack, own: IntArray, listed: Listed) -> IntArray:
    """Return those of a source's records that speak of the window."""
    speaks = (stack.columns["valid_at"] > listed.start - LATEST_OF_DAY) & (
        stack.columns["valid_at"] < listed.end - LATEST_OF_DAY
    )
    reach = np.concatenate([np.zeros(1, np.int64), np.cumsum(speaks)])
    return own[reach[stack.offsets[own + 1]] > reach[stack.offsets[own]]]


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
    """Which vintage of an event's window was current at each look; None: none."""

    place: IntArray  # (n_looks,) into `vintages`
    vintages: tuple[Vintage | None, ...]


def read_forecasts(
    memory: ForecastMemory, climates: ClimateMemory, stack: Stack, events: Sequence[tuple[int, Listed]], looks: InstantArray,
    offset: int, out: Forecasts,
) -> dict[int, Current]:  # fmt: skip
    """Fill in the columns of one station's events (index, event) at each look; return what was current about each."""
    records = by_source(stack)
    changes = _changes(stack, records, looks)
    instants = np.concatenate([looks, looks - DAY, changes, changes - 1])
    current: dict[int, Current] = {}
    # Sources that speak every few hours always speak of all events.
    for alike in [events] if records.keys() <= FREQUENT else [[each] for each in events]:
        found = timeline(stack, records, instants, alike[0][1])
        hourly = all(name in FREQUENT for content in found.contents for name, _ in content)
        columns = [column for column, _ in alike]
        out.received_at[:, columns], out.first_at[:, columns] = (
            at[: len(looks), None] for at in (found.received_at, found.first_at)
        )
        out.sources[:, columns], out.daily[:, columns] = (part[:, None] for part in _sources_of(found, len(looks)))
        # No shape of the day is needed for an extreme; index -1: nothing known.
        told = np.array([[*memory.extremes(stack, found.contents, each, offset), np.nan] for _, each in alike])[:, found.index]
        moved, one_way = _trend(told, len(changes), looks, changes)
        out.extreme[:, columns], out.moved[:, columns], out.one_way[:, columns] = told[:, : len(looks)].T, moved.T, one_way.T
        for column, listed in alike:
            versions = None if hourly else climates.shapes((stack.subject, listed.event.extreme), listed.event.event_day, looks)
            current[column] = _current(memory, stack, listed, found, looks, offset, versions)
            _fill(out, column, current[column], looks, listed, offset)
    return current


def read_running(
    memory: ForecastMemory, climates: ClimateMemory, stack: Stack, listed: Listed, looks: InstantArray, offset: int,
    out: Forecasts,
) -> Current:  # fmt: skip
    """Fill in what the law of a running day needs of one event, the only column; nothing of how its forecasts moved."""
    found = timeline(stack, by_source(stack), looks, listed)
    out.received_at[:, 0], out.first_at[:, 0] = found.received_at, found.first_at
    out.sources[:, 0], out.daily[:, 0] = _sources_of(found, len(looks))
    out.extreme[:, 0] = np.array([*memory.extremes(stack, found.contents, listed, offset), np.nan])[found.index]
    versions = climates.shapes((stack.subject, listed.event.extreme), listed.event.event_day, looks)
    current = _current(memory, stack, listed, found, looks, offset, versions)
    _fill(out, 0, current, looks, listed, offset)
    return current


def _sources_of(timeline: Timeline, n: int) -> tuple[NDArray[np.object_], BoolArray]:
    """Return which sources count at each of the first instants of a timeline, and whether all of them speak once a day."""
    used = timeline.index[:n]
    names = {i: [name for name, _ in timeline.contents[i]] if i >= 0 else [] for i in set(used.tolist())}
    joined = np.array([",".join(names[i]) for i in used.tolist()], dtype=object)
    return joined, np.array([FREQUENT.isdisjoint(names[i]) for i in used.tolist()], np.bool_)


def _current(
    memory: ForecastMemory, stack: Stack, listed: Listed, timeline: Timeline, looks: InstantArray, offset: int,
    versions: tuple[IntArray, tuple[Shape, ...]] | None,
) -> Current:  # fmt: skip
    """Return the vintages that were current; `versions`: which shape of the day counts at each look, None: none is needed."""
    contents, now = timeline.contents, timeline.index[: len(looks)]
    version, shapes = versions or (np.zeros_like(now), (UNKNOWN,))
    pairs = list(zip(now.tolist(), version.tolist(), strict=True))
    number = {pair: i for i, pair in enumerate(dict.fromkeys(pairs))}
    vintages = tuple(
        memory.vintage(stack, contents[index], listed, offset, shapes[shape]) if index >= 0 else None for index, shape in number
    )
    return Current(np.array([number[pair] for pair in pairs], np.int64), vintages)


def _fill(out: Forecasts, column: int, current: Current, looks: InstantArray, listed: Listed, offset: int) -> None:
    inside = (looks >= listed.start) & (looks < listed.end)
    for place, vintage in enumerate(current.vintages):
        if vintage is None:
            continue
        rows = slice(None) if len(current.vintages) == 1 else np.flatnonzero(current.place == place)
        out.n_models[rows, column] = vintage.n_models
        out.disagreement[rows, column] = vintage.disagreement
        out.curve_sd[rows, column] = vintage.curve_sd
        out.peak_at[rows, column] = vintage.peak_at
        out.shape_sd[rows, column] = vintage.shape_sd[((looks[rows] + offset) // HOUR) % 24]
        running = np.flatnonzero(inside & (current.place == place))
        if len(running):
            rest = rest_of(vintage, looks[running])
            out.remaining[running, column], out.rest_peak_at[running, column] = rest.extreme, rest.peak_at
            out.second_gap[running, column], out.second_at[running, column] = rest.gap, rest.second_at


def each_model(current: Mapping[int, Current], n_looks: int, n_events: int) -> tuple[tuple[str, ...], FloatArray]:
    """Return the names of all models and the extreme that each forecasts, shape (n_looks, n_events, n_models), NaN-padded."""
    names = tuple(sorted({
        name for each in current.values() for vintage in each.vintages if vintage is not None for name in vintage.names
    }))  # fmt: skip
    place = {name: i for i, name in enumerate(names)}
    extremes = np.full((n_looks, n_events, len(names)), np.nan)
    for column, each in current.items():
        told = np.full((len(each.vintages), len(names)), np.nan)
        for row, vintage in enumerate(each.vintages):
            if vintage is not None:
                told[row, [place[name] for name in vintage.names]] = vintage.extremes
        extremes[:, column] = told[each.place]
    return names, extremes


def _changes(stack: Stack, records: Records, looks: InstantArray) -> InstantArray:
    """Return when a source's content changed, within a day before the looks."""
    changed = [own[1:][stack.first_at[own[1:]] != stack.first_at[own[:-1]]] for own in records.values()]
    found = np.unique(stack.received_at[np.concatenate(changed)]) if changed else np.empty(0, np.int64)
    within: InstantArray = found[(found > looks.min() - DAY) & (found <= looks.max())]
    return within


def _trend(told: FloatArray, k: int, looks: InstantArray, changes: InstantArray) -> tuple[FloatArray, BoolArray]:
    """Return by how much each event's extreme moved in a day, and whether two of its last three moves had that sign."""
    n = len(looks)
    moved = told[:, :n] - told[:, n : 2 * n]
    steps = told[:, 2 * n : 2 * n + k] - told[:, 2 * n + k :]
    steps = np.where(np.isnan(steps), 0.0, steps)[:, None]
    counts = (steps != 0) & (changes <= looks[:, None]) & (changes > looks[:, None] - DAY)  # (n_events, n_looks, n_changes)
    last_three = counts & (np.cumsum(counts[..., ::-1], axis=-1)[..., ::-1] <= 3)
    same = (last_three & (np.sign(steps) == np.sign(moved)[..., None])).sum(axis=-1)
    return moved, same >= 2


def forecast_stack(view: View, station: str, looks: InstantArray) -> Stack:
    """Return the forecasts of a station that looks at these instants may need."""
    return view.stack(Kind.FORECAST, station, instant(int(looks.min())) - LOOKBACK)
