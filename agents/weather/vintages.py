"""One state of knowledge about one window: curves of the models, their centre and what is left of the day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from agents.weather.climate import UNKNOWN, Shape, middle_of_peak
from agents.weather.listed import Listed
from core.model.rule import Extreme
from core.units import Columns, FloatArray, InstantArray, IntArray, Unit, fahrenheit

HOUR = 3_600_000_000
DAY = 24 * HOUR
HOURLY, DAILY = "hourly", {Extreme.HIGH: "daily_max", Extreme.LOW: "daily_min"}
END_SLACK, LONGEST_STEP = HOUR, 3 * HOUR  # what a curve may lack at the ends of the window, and inside it
APART = 6  # hours between two turns of the curve that may each be the day's extreme: two ends of a night, two warm fronts
MEDIAN_FROM, MEDIAN_RANGE_FAHRENHEIT = 4, 8.0  # one of several models may have lost its way; SCIENCE 1.10
PEAK_NEAR_FAHRENHEIT = 1.5  # hours of a climatological curve within that of its highest are its peak
LATEST_OF_DAY = 3 * HOUR  # how far the start of a source's day may lie from that of the window
# Fall below the day's maximum by hour of standard time [kelvin], for a place whose own is not known yet.
CLIMATE_FALL = 8.0 * np.array([
    0.76, 0.81, 0.86, 0.91, 0.96, 1.00, 0.98, 0.88, 0.70, 0.50, 0.33, 0.20, 0.10, 0.04, 0.01, 0.00, 0.03, 0.10, 0.22, 0.36,
    0.48, 0.58, 0.66, 0.72,
])  # fmt: skip
CLIMATE = {Extreme.HIGH: CLIMATE_FALL, Extreme.LOW: CLIMATE_FALL.max() - CLIMATE_FALL}  # distance from the extreme


class Model(NamedTuple):
    """One model's hourly curve, or its daily maxima or minima [degrees Celsius]."""

    name: str
    gives: str  # "hourly", "daily_max", "daily_min"
    hours: InstantArray
    values: FloatArray

    @property
    def daily(self) -> bool:
        return self.gives != HOURLY


@dataclass(frozen=True, slots=True)
class Turns:
    """Where the rest of a day's curves turns, from each hour on; signed."""

    curves: FloatArray  # (n_models + 1, n_hours), the mean is the last
    rest: FloatArray  # (n_models + 1, n_hours + 1), the highest value from that hour on; -inf after the last
    rest_first: IntArray  # (n_hours + 1,) where the mean curve has it; 0 after the last
    second: FloatArray  # (n_hours + 1,) highest of the mean curve from there on that lies APART from `rest_first`; -inf: none
    second_first: IntArray  # (n_hours + 1,) where it has that


@dataclass(frozen=True, slots=True)
class Vintage:
    """One state of knowledge about one window; temperatures in the rule's unit, times their sign for a lowest one."""

    extreme: float  # unsigned
    n_models: int
    disagreement: float
    curve_sd: float
    sign: float
    wide: float  # range of the models from which their median counts
    hours: InstantArray  # of the window
    curves: FloatArray  # (n_models, n_hours), signed
    mean: FloatArray  # (n_hours,), signed
    peak_at: int
    names: tuple[str, ...]  # of the models
    extremes: FloatArray  # (n_models,) of each, unsigned
    lift: float  # signed, of a climatological curve beyond the mean of such days, so that it reaches the forecast extreme
    shape_sd: FloatArray  # of a climatological curve from day to day, by hour of standard time, (24,); 0: an hourly forecast
    turns: list[Turns] = field(default_factory=list, compare=False)  # once the day runs: most vintages never see it


def centre(values: FloatArray) -> FloatArray:
    """Return the mean over the first axis, added up one by one so that company does not change a bit."""
    added = np.zeros(values.shape[1:])
    for row in values:
        added = added + row
    mean: FloatArray = added / len(values)
    return mean


def models_of(rows: Columns) -> tuple[Model, ...]:
    """Return the models of one record: of each name the hourly curve first, then daily extremes."""
    found = []
    name, variable, finite = rows["model"], rows["variable"], np.isfinite(rows["celsius"])
    for model in dict.fromkeys(name.tolist()):
        for gives in (HOURLY, *DAILY.values()):
            mine = np.flatnonzero((name == model) & (variable == gives) & finite)
            if len(mine):
                mine = mine[np.argsort(rows["valid_at"][mine], kind="stable")]
                found.append(Model(model, gives, rows["valid_at"][mine], rows["celsius"][mine]))
    return tuple(found)


def begins_late(model: Model, start: int, end: int) -> bool:
    """Return whether an hourly curve lacks the first hours of a window that it speaks of."""
    return not model.daily and start + END_SLACK < model.hours[0] < end


def led_in(model: Model, earlier: Model) -> Model:
    """Return a curve with the hours before it as they were forecast earlier: some sources say nothing of hours that are gone."""
    until = int(np.searchsorted(earlier.hours, model.hours[0], "left"))
    hours, values = (np.concatenate([one[:until], other]) for one, other in zip(earlier[2:], model[2:], strict=True))
    return Model(model.name, model.gives, hours, values)


def vintage_of(models: Sequence[Model], listed: Listed, offset: int, shape: Shape = UNKNOWN) -> Vintage | None:
    """Return what models say of an event's window; None where none of them covers it.

    A model counts once: with its hourly curve where that covers the window without a hole, else with its daily extreme.

    Args:
        models: hourly curves and daily extremes.
        listed: the event.
        offset: of standard time at the station [microseconds].
        shape: how the station's days run, for sources that give the extreme alone.
    """
    hours = np.arange(-(-listed.start // HOUR) * HOUR, listed.end, HOUR, dtype=np.int64)
    extreme = listed.event.extreme
    counted: dict[str, tuple[Model, FloatArray]] = {}
    for model in models:
        curve = _curve(model, hours, listed, offset, shape) if model.gives in (HOURLY, DAILY[extreme]) else None
        if curve is not None and (model.name not in counted or counted[model.name][0].daily):
            counted[model.name] = model, curve
    if not counted:
        return None
    used, curves = zip(*counted.values(), strict=True)
    sign, in_fahrenheit = (1.0 if extreme is Extreme.HIGH else -1.0), listed.event.rule.unit is Unit.FAHRENHEIT
    celsius = np.stack(curves)
    signed = sign * (fahrenheit(celsius) if in_fahrenheit else celsius)
    wide = MEDIAN_RANGE_FAHRENHEIT * (1.0 if in_fahrenheit else 1.0 / 1.8)
    extremes, mean = signed.max(axis=1), centre(signed)
    n, middle = len(curves), centre(mean)
    apart = np.sqrt(centre(np.square(extremes - centre(extremes))) * (n / max(n - 1, 1)))
    return Vintage(
        extreme=sign * float(_centre_of_models(extremes, wide)), n_models=n, disagreement=float(apart) if n > 1 else float("nan"),
        curve_sd=float(np.sqrt(centre(np.square(mean - middle)))), sign=sign, wide=wide, hours=hours, curves=signed,
        mean=mean, peak_at=_peak_at(used, hours, mean, sign, 1.0 if in_fahrenheit else 1.0 / 1.8),
        names=tuple(counted), extremes=sign * extremes,
        lift=_lift(used, shape, in_fahrenheit=in_fahrenheit), shape_sd=_shape_sd(used, shape, in_fahrenheit=in_fahrenheit),
    )  # fmt: skip


def _turns_of(vintage: Vintage) -> Turns:
    """Return where the rest of the day turns; found once."""
    if not vintage.turns:
        curves = np.vstack([vintage.curves, vintage.mean])
        rest = np.full((len(curves), curves.shape[1] + 1), -np.inf)
        rest[:, :-1] = np.maximum.accumulate(curves[:, ::-1], axis=1)[:, ::-1]
        first = _first_highest(vintage.mean, rest[-1, :-1])
        vintage.turns.append(Turns(curves, rest, first, *_second_turns(vintage.mean, first)))
    return vintage.turns[0]


def _peak_at(models: Sequence[Model], hours: InstantArray, mean: FloatArray, sign: float, degree: float) -> int:
    if sign > 0 and all(model.daily for model in models):
        return middle_of_peak(hours, mean, PEAK_NEAR_FAHRENHEIT * degree)
    return int(hours[mean.argmax()])


def _lift(models: Sequence[Model], shape: Shape, *, in_fahrenheit: bool) -> float:
    if shape.distance is None or any(not model.daily for model in models):
        return 0.0
    return float(shape.distance.min()) * (1.8 if in_fahrenheit else 1.0)


def _shape_sd(models: Sequence[Model], shape: Shape, *, in_fahrenheit: bool) -> FloatArray:
    """Return how far the shape of the curve varies; NaN where it is not even that of the station."""
    if any(not model.daily for model in models):
        return np.zeros(24)
    return np.full(24, np.nan) if shape.distance_sd is None else shape.distance_sd * (1.8 if in_fahrenheit else 1.0)


def _centre_of_models(values: FloatArray, wide: float) -> FloatArray:
    """Return the mean over the first axis; the median where many models lie far apart."""
    mean = centre(values)
    if len(values) < MEDIAN_FROM:
        return mean
    apart = values.max(axis=0) - values.min(axis=0) > wide
    return np.where(apart, np.median(values, axis=0), mean) if apart.any() else mean


def _first_highest(mean: FloatArray, highest: FloatArray) -> IntArray:
    """Return, from each hour on, where the curve first has the highest value that is left; 0 after the last."""
    there = np.where(mean == highest, np.arange(len(mean)), len(mean))
    return np.append(np.minimum.accumulate(there[::-1])[::-1], 0)


def _second_turns(mean: FloatArray, first: IntArray) -> tuple[FloatArray, IntArray]:
    """Return, from each hour on, the highest value that lies apart from the highest of all, and where it stands."""
    n = len(mean)
    place = np.arange(n)
    far = (place >= place[:, None]) & (np.abs(place - first[:n, None]) >= APART)
    ranked = np.where(far, mean, -np.inf)
    return np.append(ranked.max(axis=1), -np.inf), np.append(ranked.argmax(axis=1), 0)


def _curve(model: Model, hours: InstantArray, listed: Listed, offset: int, shape: Shape) -> FloatArray | None:
    if model.daily:
        return _climate_curve(model, hours, listed, offset, shape)
    begin = int(np.searchsorted(model.hours, hours[0]))
    part = slice(begin, begin + len(hours))
    if np.array_equal(model.hours[part], hours):
        return model.values[part]
    if not _covers(model.hours, hours):
        return None
    curve: FloatArray = np.interp(hours, model.hours, model.values)
    return curve


def _covers(known: InstantArray, hours: InstantArray) -> bool:
    """Return whether a curve runs through the whole window without a hole."""
    if known[0] > hours[0] + END_SLACK or known[-1] < hours[-1] - END_SLACK:
        return False
    inside = known[
        max(int(np.searchsorted(known, hours[0], "right")) - 1, 0) : int(np.searchsorted(known, hours[-1], "left")) + 1
    ]
    return bool((np.diff(inside) <= LONGEST_STEP).all())


def _climate_curve(model: Model, hours: InstantArray, listed: Listed, offset: int, shape: Shape) -> FloatArray | None:
    near = np.flatnonzero(np.abs(model.hours - listed.start) <= LATEST_OF_DAY)
    if not len(near):
        return None
    usual = CLIMATE[listed.event.extreme] if shape.distance is None else shape.distance
    distance = usual[((hours + offset) // HOUR) % 24]
    distance = distance - distance.min()
    curve: FloatArray = model.values[near[0]] + (-distance if listed.event.extreme is Extreme.HIGH else distance)
    return curve


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a day's curves from some instants on; each (n_instants,)."""

    extreme: FloatArray
    peak_at: InstantArray  # when the mean curve has it
    gap: FloatArray  # by how much the mean curve's next best turn, hours apart, falls short of it; NaN: there is none
    second_at: InstantArray  # when it has that


def rest_of(vintage: Vintage, at: InstantArray) -> Rest:
    """Return what is left of the curves from `at` on."""
    turns, hours, after = _turns_of(vintage), vintage.hours, vintage.hours.searchsorted(at, "right")
    now, rest = _ahead(vintage, turns, at, after)
    rises = rest[-1] > now[-1]
    peak = np.where(rises, hours[turns.rest_first[after]], at)  # where the curve only falls its peak is now
    later = np.minimum(after + APART, len(hours))
    second = np.where(rises, turns.second[after], turns.rest[-1, later])
    second_at = hours[np.where(rises, turns.second_first[after], turns.rest_first[later])]
    highest = np.maximum(rest, now)
    gap = np.where(np.isinf(second), np.nan, highest[-1] - second)
    return Rest(vintage.sign * _centre_of_models(highest[:-1], vintage.wide), peak, gap, second_at)


def extreme_after(vintage: Vintage, at: InstantArray) -> FloatArray:
    """Return the extreme of what is left of the curves from `at` on: that of `rest_of` alone."""
    highest = np.maximum(*_ahead(vintage, _turns_of(vintage), at, vintage.hours.searchsorted(at, "right")))
    extreme: FloatArray = vintage.sign * _centre_of_models(highest[:-1], vintage.wide)
    return extreme


def _ahead(vintage: Vintage, turns: Turns, at: InstantArray, after: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the curves at some instants, and the highest values of the hours `after` them."""
    hours, before = vintage.hours, np.maximum(after - 1, 0)
    told = turns.curves[:, before]
    slope = (turns.curves[:, np.minimum(after, len(hours) - 1)] - told) / HOUR  # hour by hour
    return slope * (at - hours[before]) + told, turns.rest[:, after]
