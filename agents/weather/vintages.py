"""One state of knowledge about one window: curves of the models, their centre and what is left of the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from agents.weather.climate import UNKNOWN, Shape
from agents.weather.listed import Listed
from core.model.rule import Extreme
from core.units import Columns, FloatArray, InstantArray, IntArray, Unit, fahrenheit

HOUR = 3_600_000_000
DAY = 24 * HOUR
COVERAGE = 0.8  # of the window's hours that a model must know
MEDIAN_FROM, MEDIAN_RANGE_FAHRENHEIT = 4, 8.0  # one of several models may have lost its way; SCIENCE 1.10
LATEST_OF_DAY = 3 * HOUR  # how far the start of a source's day may lie from that of the window
# Fall below the day's maximum by hour of standard time [kelvin], for a place whose own is not known yet.
CLIMATE_FALL = 8.0 * np.array([
    0.76, 0.81, 0.86, 0.91, 0.96, 1.00, 0.98, 0.88, 0.70, 0.50, 0.33, 0.20, 0.10, 0.04, 0.01, 0.00, 0.03, 0.10, 0.22, 0.36,
    0.48, 0.58, 0.66, 0.72,
])  # fmt: skip


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
    lift: float  # of a climatological curve above the mean of such days, so that it reaches the forecast maximum
    shape_sd: FloatArray  # of a climatological curve from day to day, by hour of standard time, (24,); 0: an hourly forecast


def centre(values: FloatArray) -> FloatArray:
    """Return the mean over the first axis, added up one by one so that company does not change a bit."""
    added = np.zeros(values.shape[1:])
    for row in values:
        added = added + row
    mean: FloatArray = added / len(values)
    return mean


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


def vintage_of(models: Sequence[Model], listed: Listed, offset: int, shape: Shape = UNKNOWN) -> Vintage | None:
    """Return what models say of an event's window; None where none of them covers it.

    Args:
        models: hourly curves and daily maxima.
        listed: the event.
        offset: of standard time at the station [microseconds].
        shape: how the station's days run, for sources that give the maximum alone.
    """
    hours = np.arange(-(-listed.start // HOUR) * HOUR, listed.end, HOUR, dtype=np.int64)
    high = listed.event.extreme is Extreme.HIGH
    curves = [curve for model in models if (curve := _curve(model, hours, listed, offset, shape.fall, high=high)) is not None]
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
        peak_at=int(hours[mean.argmax()]), lift=_lift(models, shape, in_fahrenheit=in_fahrenheit),
        shape_sd=_shape_sd(models, shape, in_fahrenheit=in_fahrenheit),
    )  # fmt: skip


def _lift(models: Sequence[Model], shape: Shape, *, in_fahrenheit: bool) -> float:
    if shape.fall is None or any(not model.daily for model in models):
        return 0.0
    return float(shape.fall.min()) * (1.8 if in_fahrenheit else 1.0)


def _shape_sd(models: Sequence[Model], shape: Shape, *, in_fahrenheit: bool) -> FloatArray:
    """Return how far the shape of the curve varies; NaN where it is not even that of the station."""
    if any(not model.daily for model in models):
        return np.zeros(24)
    return np.full(24, np.nan) if shape.fall_sd is None else shape.fall_sd * (1.8 if in_fahrenheit else 1.0)


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


def _curve(
    model: Model, hours: InstantArray, listed: Listed, offset: int, fall: FloatArray | None, *, high: bool
) -> FloatArray | None:
    if model.daily:
        return _climate_curve(model, hours, listed, offset, fall) if high else None
    inside = int(np.searchsorted(model.hours, listed.end)) - int(np.searchsorted(model.hours, listed.start))
    if inside < COVERAGE * len(hours):
        return None
    curve: FloatArray = np.interp(hours, model.hours, model.values)
    return curve


def _climate_curve(model: Model, hours: InstantArray, listed: Listed, offset: int, own: FloatArray | None) -> FloatArray | None:
    near = np.flatnonzero(np.abs(model.hours - listed.start) <= LATEST_OF_DAY)
    if not len(near):
        return None
    fall = (CLIMATE_FALL if own is None else own)[((hours + offset) // HOUR) % 24]
    curve: FloatArray = model.values[near[0]] - (fall - fall.min())
    return curve


def rest_of(vintage: Vintage, at: InstantArray) -> tuple[FloatArray, InstantArray]:
    """Return the extreme of what is left of the curves from `at` on, and when the mean curve has it."""
    after = np.searchsorted(vintage.hours, at, "right")
    each = np.empty((vintage.n_models, len(at)))
    for row, curve in enumerate(vintage.curves):
        each[row] = np.maximum(vintage.rest[row][after], np.interp(at, vintage.hours, curve))
    rises = vintage.rest_mean[after] > np.interp(at, vintage.hours, vintage.mean)
    peak = np.where(rises, vintage.hours[vintage.rest_first[after]], at)  # where the curve only falls its peak is now
    return vintage.sign * _centre_of_models(each, vintage.wide), peak
