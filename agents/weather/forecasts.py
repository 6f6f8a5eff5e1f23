"""The newest forecasts of a station, made into what an event needs of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.weather.listed import Listed
from core.model.record import Kind
from core.model.rule import Extreme
from core.store.archive import Stack, View
from core.units import BoolArray, Columns, FloatArray, InstantArray, IntArray, Unit, fahrenheit, instant

HOUR = 3_600_000_000
DAY = 24 * HOUR
VALID_FOR = 36 * HOUR  # a forecast that was not received again for so long is none
LOOKBACK = timedelta(hours=61)  # a day of vintages, and what was valid at its start
COVERAGE = 0.8  # of the window's hours that a model must know
MEDIAN_FROM, MEDIAN_RANGE_FAHRENHEIT = 4, 8.0  # one of several models may have lost its way; SCIENCE 1.10
_REMEMBERED = 4_096
# Fall below the day's maximum by hour of standard time, as a share of the day's range: for sources that give the maximum
# alone. One shape for all places: it says when the peak comes, hardly how high the morning is.
CLIMATE_FALL = np.array([
    0.76, 0.81, 0.86, 0.91, 0.96, 1.00, 0.98, 0.88, 0.70, 0.50, 0.33, 0.20, 0.10, 0.04, 0.01, 0.00, 0.03, 0.10, 0.22, 0.36,
    0.48, 0.58, 0.66, 0.72,
])  # fmt: skip
CLIMATE_RANGE_KELVIN = 8.0
LATEST_OF_DAY = 3 * HOUR  # how far the start of a source's day may lie from that of the window

Content = tuple[tuple[str, int], ...]  # what was current: (source, first received) of each source


class Model(NamedTuple):
    """One model's hourly curve or its daily maxima [degrees Celsius]."""

    hours: InstantArray
    values: FloatArray
    daily: bool


@dataclass(frozen=True, slots=True)
class Vintage:
    """One state of knowledge about one window; temperatures in the rule's unit, times their sign for a lowest one.

    `rest` holds, for each hour, the highest signed value from that hour on; -inf after the last.
    """

    extreme: float  # unsigned
    n_models: int
    disagreement: float
    curve_sd: float
    sign: float
    wide: float  # range of the models from which their median counts
    hours: InstantArray  # of the window
    curves: FloatArray  # (n_models, n_hours), signed
    rest: FloatArray  # (n_models, n_hours + 1), signed
    mean: FloatArray  # (n_hours,), signed
    rest_mean: FloatArray  # (n_hours + 1,)
    rest_first: IntArray  # (n_hours + 1,) where the mean curve has it; 0 after the last
    peak_at: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Which contents of a station's forecasts were current at given instants."""

    contents: tuple[Content, ...]
    index: IntArray  # (n_instants,) into `contents`, -1: none
    received_at: InstantArray  # newest receipt of the sources that count, 0: none
    first_at: InstantArray  # newest of their first receipts, 0: none


def centre(values: FloatArray) -> FloatArray:
    """Return the mean over the first axis, added up one by one so that company does not change a bit."""
    added = np.zeros(values.shape[1:])
    for row in values:
        added = added + row
    mean: FloatArray = added / len(values)
    return mean


class ForecastMemory:
    """Decodes each content once and keeps what events needed of it. What it answers follows from the view alone."""

    def __init__(self) -> None:
        self._models: OrderedDict[tuple[str, str, int], Mapping[str, Model]] = OrderedDict()
        self._vintages: OrderedDict[tuple[object, ...], Vintage | None] = OrderedDict()

    def timeline(self, stack: Stack, instants: InstantArray) -> Timeline:
        """Return what was current at each instant, given in any order."""
        sources = sorted(set(stack.source))
        newest = np.zeros((len(sources), len(instants)), np.int64)
        for row, source in enumerate(sources):
            newest[row] = _newest_of(stack, source if len(sources) > 1 else "", instants)
        there = newest >= 0
        received = np.where(there, stack.received_at[newest], 0) if len(stack) else newest
        there &= received >= instants - VALID_FOR
        received = np.where(there, received, 0)
        first = np.where(there, stack.first_at[newest], 0) if len(stack) else newest
        number: dict[Content, int] = {}
        index = np.full(len(instants), -1, np.int64)
        for place, column in enumerate(first.T.tolist()):
            content = tuple((sources[i], at) for i, at in enumerate(column) if at)
            if content:
                index[place] = number.setdefault(content, len(number))
        self._decode(stack, number)
        nothing = np.zeros(len(instants), np.int64)
        return Timeline(
            tuple(number), index, received.max(axis=0, initial=0) if len(sources) else nothing,
            first.max(axis=0, initial=0) if len(sources) else nothing,
        )  # fmt: skip

    def vintage(self, station: str, content: Content, listed: Listed, offset: int) -> Vintage | None:
        """Return what a content says of an event's window; None where no model covers it.

        Args:
            offset: of standard time at the station [microseconds].
        """
        rule = listed.event.rule
        key = (station, listed.start, listed.end, listed.event.extreme, rule.unit, content)
        if key not in self._vintages:
            models = [m for part in content for m in self._models[(station, *part)].values()]
            self._vintages[key] = _vintage(models, listed, offset)
            if len(self._vintages) > _REMEMBERED:
                self._vintages.popitem(last=False)
        self._vintages.move_to_end(key)
        return self._vintages[key]

    def _decode(self, stack: Stack, contents: Mapping[Content, int]) -> None:
        for part in {part for content in contents for part in content}:
            key = (stack.subject, *part)
            if key not in self._models:
                same = np.flatnonzero(stack.first_at == part[1]).tolist()
                self._models[key] = models_of(stack.rows(next(i for i in same if stack.source[i] == part[0])))
        while len(self._models) > _REMEMBERED:
            self._models.popitem(last=False)


def _newest_of(stack: Stack, source: str, instants: InstantArray) -> IntArray:
    if not source:
        return np.asarray(np.searchsorted(stack.received_at, instants, "right"), np.int64) - 1
    own = np.flatnonzero(np.array([name == source for name in stack.source], np.bool_))
    place = np.searchsorted(stack.received_at[own], instants, "right") - 1
    return np.where(place >= 0, own[place], -1)


def models_of(rows: Columns) -> Mapping[str, Model]:
    """Return the models of one record by name; one that gives both an hourly curve and maxima counts with the curve."""
    found: dict[str, Model] = {}
    name, variable = rows["model"], rows["variable"]
    for model in dict.fromkeys(name.tolist()):
        for kind, daily in (("hourly", False), ("daily_max", True)):
            mine = np.asarray((name == model) & (variable == kind), bool) & np.isfinite(rows["celsius"])
            if mine.any():
                order = np.argsort(rows["valid_at"][mine], kind="stable")
                found[model] = Model(rows["valid_at"][mine][order], rows["celsius"][mine][order], daily)
                break
    return found


def _vintage(models: Sequence[Model], listed: Listed, offset: int) -> Vintage | None:
    hours = np.arange(-(-listed.start // HOUR) * HOUR, listed.end, HOUR, dtype=np.int64)
    high = listed.event.extreme is Extreme.HIGH
    curves = [curve for model in models if (curve := _curve(model, hours, listed, offset, high=high)) is not None]
    if not curves:
        return None
    sign, in_fahrenheit = (1.0 if high else -1.0), listed.event.rule.unit is Unit.FAHRENHEIT
    celsius = np.stack(curves)
    signed = sign * (fahrenheit(celsius) if in_fahrenheit else celsius)
    wide = MEDIAN_RANGE_FAHRENHEIT * (1.0 if in_fahrenheit else 1.0 / 1.8)
    extremes, mean = signed.max(axis=1), centre(signed)
    n, middle = len(curves), centre(mean)
    apart = np.sqrt(centre(np.square(extremes - centre(extremes))) * (n / max(n - 1, 1)))
    rest_mean = _highest_from(mean)
    return Vintage(
        extreme=sign * float(_centre_of_models(extremes, wide)), n_models=n, disagreement=float(apart) if n > 1 else float("nan"),
        curve_sd=float(np.sqrt(centre(np.square(mean - middle)))), sign=sign, wide=wide, hours=hours, curves=signed,
        rest=np.stack([_highest_from(curve) for curve in signed]), mean=mean, rest_mean=rest_mean,
        rest_first=np.array([*(k + int(mean[k:].argmax()) for k in range(len(mean))), 0], np.int64),
        peak_at=int(hours[mean.argmax()]),
    )  # fmt: skip


def _centre_of_models(values: FloatArray, wide: float) -> FloatArray:
    """Return the mean over the first axis; the median where many models lie far apart."""
    mean = centre(values)
    if len(values) < MEDIAN_FROM:
        return mean
    return np.where(values.max(axis=0) - values.min(axis=0) > wide, np.median(values, axis=0), mean)


def _highest_from(curve: FloatArray) -> FloatArray:
    highest = np.full(len(curve) + 1, -np.inf)
    highest[:-1] = np.maximum.accumulate(curve[::-1])[::-1]
    return highest


def _curve(model: Model, hours: InstantArray, listed: Listed, offset: int, *, high: bool) -> FloatArray | None:
    if model.daily:
        return _climate_curve(model, hours, listed, offset) if high else None
    inside = int(np.searchsorted(model.hours, listed.end)) - int(np.searchsorted(model.hours, listed.start))
    if inside < COVERAGE * len(hours):
        return None
    curve: FloatArray = np.interp(hours, model.hours, model.values)
    return curve


def _climate_curve(model: Model, hours: InstantArray, listed: Listed, offset: int) -> FloatArray | None:
    near = np.flatnonzero(np.abs(model.hours - listed.start) <= LATEST_OF_DAY)
    if not len(near):
        return None
    fall = CLIMATE_FALL[((hours + offset) // HOUR) % 24]
    curve: FloatArray = model.values[near[0]] - CLIMATE_RANGE_KELVIN * (fall - fall.min())
    return curve


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
        extreme=none(), n_models=np.zeros(shape), disagreement=none(), curve_sd=none(), remaining=none(), peak_at=never(),
        rest_peak_at=never(), moved=none(), one_way=np.zeros(shape, np.bool_), received_at=never(), first_at=never(),
        daily=np.zeros(shape, np.bool_), sources=np.full(shape, "", dtype=object),
    )  # fmt: skip


FREQUENT = frozenset({"open_meteo", "zeus", "nws"})  # sources with four or more runs a day


def read_forecasts(
    memory: ForecastMemory, stack: Stack, events: Sequence[tuple[int, Listed]], looks: InstantArray, offset: int, out: Forecasts
) -> Timeline:
    """Fill in the columns of one station's events (index, event) at each look; return what was current then."""
    changes = _changes(stack, looks)
    timeline = memory.timeline(stack, np.concatenate([looks, looks - DAY, changes, changes - 1]))
    n, k = len(looks), len(changes)
    frequent = np.array([any(source in FREQUENT for source, _ in content) for content in timeline.contents], np.bool_)
    names = np.array([*(",".join(source for source, _ in content) for content in timeline.contents), ""], dtype=object)
    now = timeline.index[:n]
    for column, listed in events:
        vintages = [memory.vintage(stack.subject, content, listed, offset) for content in timeline.contents]
        value = np.array([np.nan if v is None else v.extreme for v in vintages] + [np.nan])  # index -1: nothing known
        told = value[timeline.index]
        out.moved[:, column], out.one_way[:, column] = _trend(told, n, k, looks, changes)
        out.extreme[:, column] = told[:n]
        out.received_at[:, column], out.first_at[:, column] = timeline.received_at[:n], timeline.first_at[:n]
        out.sources[:, column] = names[now]
        out.daily[:, column] = ~np.append(frequent, False)[now]
        for place in np.unique(now[now >= 0]).tolist():
            vintage = vintages[place]
            if vintage is not None:
                _fill(out, column, vintage, np.flatnonzero(now == place), looks, listed)
    return timeline


def _fill(out: Forecasts, column: int, vintage: Vintage, rows: IntArray, looks: InstantArray, listed: Listed) -> None:
    out.n_models[rows, column] = vintage.n_models
    out.disagreement[rows, column] = vintage.disagreement
    out.curve_sd[rows, column] = vintage.curve_sd
    out.peak_at[rows, column] = vintage.peak_at
    inside = rows[(looks[rows] >= listed.start) & (looks[rows] < listed.end)]
    if len(inside):
        out.remaining[inside, column], out.rest_peak_at[inside, column] = _rest(vintage, looks[inside])


def _rest(vintage: Vintage, at: InstantArray) -> tuple[FloatArray, InstantArray]:
    """Return the extreme of what is left of the curves from `at` on, and when the mean curve has it."""
    after = np.searchsorted(vintage.hours, at, "right")
    each = np.empty((vintage.n_models, len(at)))
    for row, curve in enumerate(vintage.curves):
        each[row] = np.maximum(vintage.rest[row][after], np.interp(at, vintage.hours, curve))
    rises = vintage.rest_mean[after] > np.interp(at, vintage.hours, vintage.mean)
    peak = np.where(rises, vintage.hours[vintage.rest_first[after]], at)  # where the curve only falls its peak is now
    return vintage.sign * _centre_of_models(each, vintage.wide), peak


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
