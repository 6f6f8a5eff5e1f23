"""Forecast runs: the predictable part of the weather, plus errors that later runs take back step by step.

The error of a run is the sum of what the runs after it will learn. So errors of successive runs belong together, and a
later run is better: the variance of the sum follows the table of `_LEADS`. What all runs say of one day stands in one table.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from venues.demo.noise import Floats, Ints, between, key, normal, normals, smooth, uniform
from venues.demo.stations import Station
from venues.demo.weather import Weather

RUN_HOURS = 6
HORIZON_HOURS = 17 * 24
_RUNS = HORIZON_HOURS // RUN_HOURS  # that speak of an hour
# hours from a run to the hour it speaks of, and the standard deviation of the three-model mean [°F]
_LEADS = ((0.0, 0.0), (6.0, 0.2), (9.0, 0.40), (12.0, 0.90), (14.0, 1.70), (18.0, 1.95), (24.0, 2.12), (30.0, 2.32),
          (54.0, 2.82), (78.0, 3.32), (168.0, 4.8), (420.0, 6.5))  # fmt: skip
_SHARED = math.sqrt(0.52)  # of that, common to all models; own: 1.44 in three makes up the rest
_OWN = math.sqrt(1.44)
_KNOT_HOURS = 24.0  # an error has the size of a weather system
_STATION_BIAS = 0.6  # °C, common to the models
_MODEL_BIAS = 0.5  # °C
_MEMBER_SPREAD = 0.8  # of a model's error: ensembles are too sure of themselves


@dataclass(frozen=True, slots=True)
class Model:
    """A forecast model under the name that its service gives it."""

    name: str
    delay_seconds: int  # from the run's instant to its appearance
    own: float = 1.0  # its own error, as a multiple of what is usual


MODELS = {
    model.name: model
    for model in (
        Model("ecmwf_ifs025", 27_000),
        Model("gfs_seamless", 21_600),
        Model("icon_seamless", 16_200),
    )
}
OWN_MODELS = {model.name: model for model in (Model("zeus", 25_200, 0.85), Model("nws", 18_000, 0.95))}  # of other services
_ALL = MODELS | OWN_MODELS
SHARED_DELAY_SECONDS = 21_600  # after which everyone has seen what the models have in common


class Forecasts:
    """Hourly values of one world; what all runs of one model say of one station's UTC day is computed and kept at once."""

    def __init__(self, seed: int, weather: Weather) -> None:
        self._seed = seed
        self._weather = weather
        self._table: Callable[[Station, str, int], Floats] = lru_cache(maxsize=1024)(self._table_of_day)
        self._shared: Callable[[Station, int], Floats] = lru_cache(maxsize=512)(self._shared_of_day)
        self._truth: Callable[[Station, int], Floats] = lru_cache(maxsize=512)(self._truth_of_day)
        self._members: Callable[[Station, str, int, int, int], Floats] = lru_cache(maxsize=512)(self._members_of_day)

    def newest_run(self, model: str, second: int) -> int:
        """Return the newest run of a model that is visible at `second`, in steps of six hours since 1970."""
        return (second - _ALL[model].delay_seconds) // (RUN_HOURS * 3600)

    def hourly(self, station: Station, model: str, first: int, count: int, second: int) -> list[float | None]:
        """Return [°C] for `count` hours from `first` (hours since 1970) as the service showed it at `second`.

        Hours before the newest run come from the run that was newest when they began; hours beyond its horizon are None.
        """
        hours = np.arange(first, first + count, dtype=np.int64)
        return self._read(station, model, hours, np.minimum(hours // RUN_HOURS, self.newest_run(model, second)))

    def previous(self, station: Station, model: str, first: int, count: int, second: int, days: int) -> list[float | None]:
        """Return what the service said `days` times 24 hours before each hour."""
        hours = np.arange(first, first + count, dtype=np.int64)
        runs = hours // RUN_HOURS - days * 24 // RUN_HOURS
        return self._read(station, model, hours, np.minimum(runs, self.newest_run(model, second)))

    def members(
        self, station: Station, model: str, first: int, count: int, second: int, number: int
    ) -> list[list[float | None]]:
        """Return the control's hours, as `hourly`, and those of `number` perturbed members of its newest run."""
        control, run = self.hourly(station, model, first, count, second), self.newest_run(model, second)
        days = range(first // 24, (first + count - 1) // 24 + 1)
        apart = np.concatenate([self._members(station, model, run, day, number) for day in days], axis=1)
        apart = apart[:, first - days[0] * 24 :][:, :count]
        return [control, *([None if v is None else v + d for v, d in zip(control, row, strict=True)] for row in apart.tolist())]

    def shared_error(self, station: Station, hour: int, second: int) -> float:
        """Return the error [°F] that all models have in common for `hour`, by the newest run seen at `second`."""
        run = min((second - SHARED_DELAY_SECONDS) // (RUN_HOURS * 3600), hour // RUN_HOURS)
        back = hour // RUN_HOURS - run
        return float(self._shared(station, hour // 24)[hour % 24, back]) if back < _RUNS else 0.0

    def _read(self, station: Station, model: str, hours: Ints, runs: Ints) -> list[float | None]:
        back = hours // RUN_HOURS - runs
        known = back < _RUNS
        within = np.where(known, back, 0)
        first = int(hours[0]) // 24
        days = range(first, int(hours[-1]) // 24 + 1)
        tables = np.concatenate([self._table(station, model, day) for day in days])
        values: list[float] = tables[hours - first * 24, within].tolist()
        if known.all():
            return list(values)
        return [value if there else None for value, there in zip(values, known.tolist(), strict=True)]

    def _table_of_day(self, station: Station, model: str, day: int) -> Floats:
        # [°C], shape (24 hours, runs back from the newest before the hour)
        hours = np.arange(day * 24, day * 24 + 24, dtype=np.int64)
        scale = _OWN * station.climate.skill * _ALL[model].own
        own = self._learned_later(key(self._seed, "own", station.air, model), hours) * scale
        bias = _STATION_BIAS * normal(self._seed, "bias", station.code)
        bias += _MODEL_BIAS * normal(self._seed, "bias", station.code, model)
        wobble = 0.25 * smooth(key(self._seed, "wobble", station.code, model), hours / 9.0)
        out: Floats = (self._truth(station, day) + bias + wobble)[:, None] + (self._shared(station, day) + own) / 1.8
        return out

    def _shared_of_day(self, station: Station, day: int) -> Floats:
        hours = np.arange(day * 24, day * 24 + 24, dtype=np.int64)
        return self._learned_later(key(self._seed, "shared", station.air), hours) * (_SHARED * station.climate.skill)

    def _learned_later(self, stream: int, hours: Ints) -> Floats:
        # what each run changes about each hour ahead of it: sizes in `_steps`, signs smooth in the valid hour; the error
        # of a run is the sum over it and those after it
        knots = hours / _KNOT_HOURS + 0.4
        first = int(knots[0])
        places = knots.astype(np.int64) - first
        within = knots - np.floor(knots)
        weight = within * within * (3.0 - 2.0 * within)
        rest = 1.0 - weight
        oldest = int(hours[0]) // RUN_HOURS - _RUNS + 1
        slots = np.arange(oldest, int(hours[-1]) // RUN_HOURS + 1, dtype=np.int64)
        counters = slots[:, None] * 65_536 + (first + np.arange(int(places[-1]) + 2, dtype=np.int64))[None, :]
        at_knots = normals(stream, counters)
        back = np.arange(_RUNS, dtype=np.int64)
        rows = (hours // RUN_HOURS - oldest)[:, None] - back[None, :]
        learned = at_knots[rows, places[:, None]] * rest[:, None] + at_knots[rows, places[:, None] + 1] * weight[:, None]
        learned = learned / np.sqrt(weight * weight + rest * rest)[:, None]
        sizes = _steps()[(hours % RUN_HOURS)[:, None] + back[None, :] * RUN_HOURS]
        out: Floats = np.cumsum(learned * sizes, axis=1)
        return out

    def _members_of_day(self, station: Station, model: str, run: int, day: int, number: int) -> Floats:
        # distances from the control [°C], shape (members, 24 hours)
        hours = np.arange(day * 24, day * 24 + 24, dtype=np.int64)
        lead = np.maximum(hours - run * RUN_HOURS, 0)
        size = np.array([spread(float(hour)) for hour in lead.tolist()]) * (_MEMBER_SPREAD * station.climate.skill / 1.8)
        stream = (self._seed, "member", station.air, model, run)
        out: Floats = np.array([smooth(key(*stream, n), hours / _KNOT_HOURS) for n in range(number)]) * size
        return out

    def _truth_of_day(self, station: Station, day: int) -> Floats:
        return self._weather.predictable(station, (np.arange(24, dtype=np.int64) + day * 24) * 60)


def spread(lead_hours: float) -> float:
    """Return the intended standard deviation [°F] of the three-model mean, without bias, at a lead."""
    return between(lead_hours, _LEADS)


def generation_milliseconds(*parts: int | str) -> float:
    """Return a plausible computing time for an answer."""
    return 0.02 + 0.3 * uniform("generation", *parts)


@lru_cache(maxsize=1)
def _steps() -> Floats:
    # standard deviation of what a run learns about the hour `lead` ahead, compared to the run before it
    variance = [spread(float(lead)) ** 2 for lead in range(HORIZON_HOURS + RUN_HOURS)]
    learned = [variance[lead] - (variance[lead - RUN_HOURS] if lead >= RUN_HOURS else 0.0) for lead in range(HORIZON_HOURS)]
    steps: Floats = np.sqrt(np.array(learned))
    return steps
