"""Forecast runs: the predictable part of the weather, plus errors that later runs take back step by step.

The error of a run is the sum of what the runs after it will learn. So errors of successive runs belong together, and a
later run is better: the variance of the sum follows the table of `_LEADS`.
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
# hours from a run to the hour it speaks of, and the standard deviation of the three-model mean [°F]
_LEADS = ((0.0, 0.0), (6.0, 0.2), (9.0, 0.40), (12.0, 0.90), (14.0, 1.70), (18.0, 1.95), (24.0, 2.12), (30.0, 2.32),
          (54.0, 2.82), (78.0, 3.32), (168.0, 4.8), (420.0, 6.5))  # fmt: skip
_SHARED = math.sqrt(0.52)  # of that, common to all models; own: 1.44 in three makes up the rest
_OWN = math.sqrt(1.44)
_KNOT_HOURS = 24.0  # an error has the size of a weather system
_STATION_BIAS = 0.6  # °C, common to the models
_MODEL_BIAS = 0.5  # °C


@dataclass(frozen=True, slots=True)
class Model:
    """A forecast model under the name that the service gives it."""

    name: str
    delay_seconds: int  # from the run's instant to its appearance


MODELS = {
    model.name: model
    for model in (
        Model("ecmwf_ifs025", 27_000),
        Model("gfs_seamless", 21_600),
        Model("icon_seamless", 16_200),
    )
}
SHARED_DELAY_SECONDS = 21_600  # after which everyone has seen what the models have in common


class Forecasts:
    """Hourly curves of one world; one run of one model at one station is the unit that is computed and kept."""

    def __init__(self, seed: int, weather: Weather) -> None:
        self._seed = seed
        self._weather = weather
        self.curve: Callable[[Station, str, int], Floats] = lru_cache(maxsize=256)(self._curve)
        self.shared: Callable[[Station, int], Floats] = lru_cache(maxsize=128)(self._shared)
        self._truth: Callable[[Station, int], Floats] = lru_cache(maxsize=256)(self._truth_of_day)

    def newest_run(self, model: str, second: int) -> int:
        """Return the newest run of a model that is visible at `second`, in steps of six hours since 1970."""
        return (second - MODELS[model].delay_seconds) // (RUN_HOURS * 3600)

    def hourly(self, station: Station, model: str, first: int, count: int, second: int) -> list[float | None]:
        """Return [°C] for `count` hours from `first` (hours since 1970) as the service showed it at `second`.

        Hours before the newest run come from the run that was newest when they began; hours beyond its horizon are None.
        """
        newest = self.newest_run(model, second)
        ahead = min(max(newest * RUN_HOURS, first), first + count)
        out = [self._value(station, model, hour // RUN_HOURS, hour) for hour in range(first, ahead)]
        begin = ahead - newest * RUN_HOURS
        seen: list[float | None] = [*self.curve(station, model, newest)[begin : begin + first + count - ahead].tolist()]
        return out + seen + [None] * (count - len(out) - len(seen))

    def previous(self, station: Station, model: str, first: int, count: int, second: int, days: int) -> list[float | None]:
        """Return what the service said `days` times 24 hours before each hour."""
        newest = self.newest_run(model, second)
        return [
            self._value(station, model, min(newest, hour // RUN_HOURS - 4 * days), hour) for hour in range(first, first + count)
        ]

    def shared_error(self, station: Station, hour: int, second: int) -> float:
        """Return the error [°F] that all models have in common for `hour`, by the newest run seen at `second`."""
        run = min((second - SHARED_DELAY_SECONDS) // (RUN_HOURS * 3600), hour // RUN_HOURS)
        ahead = hour - run * RUN_HOURS
        return float(self.shared(station, run)[ahead]) if ahead < HORIZON_HOURS else 0.0

    def _value(self, station: Station, model: str, run: int, hour: int) -> float | None:
        ahead = hour - run * RUN_HOURS
        return float(self.curve(station, model, run)[ahead]) if ahead < HORIZON_HOURS else None

    def _curve(self, station: Station, model: str, run: int) -> Floats:
        hours = np.arange(run * RUN_HOURS, run * RUN_HOURS + HORIZON_HOURS, dtype=np.int64)
        own = self._learned_later(key(self._seed, "own", station.code, model), run, hours, _OWN * station.climate.skill)
        bias = _STATION_BIAS * normal(self._seed, "bias", station.code)
        bias += _MODEL_BIAS * normal(self._seed, "bias", station.code, model)
        wobble = 0.25 * smooth(key(self._seed, "wobble", station.code, model), hours / 9.0)
        truth = np.concatenate([self._truth(station, int(day)) for day in range(int(hours[0]) // 24, int(hours[-1]) // 24 + 1)])
        truth = truth[int(hours[0]) % 24 :][:HORIZON_HOURS]
        out: Floats = truth + bias + wobble + (self.shared(station, run) + own) / 1.8
        return out

    def _shared(self, station: Station, run: int) -> Floats:
        hours = np.arange(run * RUN_HOURS, run * RUN_HOURS + HORIZON_HOURS, dtype=np.int64)
        return self._learned_later(key(self._seed, "shared", station.code), run, hours, _SHARED * station.climate.skill)

    def _learned_later(self, stream: int, run: int, hours: Ints, scale: float) -> Floats:
        # what each coming run changes about each hour ahead of it: sizes in `_steps`, signs smooth in the valid hour
        count = HORIZON_HOURS // RUN_HOURS
        knots = hours / _KNOT_HOURS + 0.4
        first = int(knots[0])
        places = knots.astype(np.int64) - first
        within = knots - np.floor(knots)
        weight = within * within * (3.0 - 2.0 * within)
        rest = 1.0 - weight
        width = int(places[-1]) + 2
        slots = np.arange(run, run + count, dtype=np.int64)
        counters = slots[:, None] * 65_536 + (first + np.arange(width, dtype=np.int64))[None, :]
        at_knots = normals(stream, counters)
        size = np.sqrt(weight * weight + rest * rest)
        total = np.zeros(len(hours))
        for j in range(count):
            row = at_knots[j]
            begin = j * RUN_HOURS
            part = (row[places[begin:]] * rest[begin:] + row[places[begin:] + 1] * weight[begin:]) / size[begin:]
            total[begin:] += part * _steps()[: len(hours) - begin]
        out: Floats = total * scale
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
