"""The hidden truth: what each sensor would have read in every minute."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate

import numpy as np

from venues.demo.noise import Floats, Ints, ease, key, normals, smooth, uniforms
from venues.demo.stations import Station

_DAY = 1440  # minutes
_STEP = 5  # minutes between two states of the short-range noise
_WARM_UP = 72  # steps after which the noise has forgotten its start: 0.9 ** 72 < 0.001
_MEMORY = 0.9  # of the short-range noise, per step
_SHORT_RANGE = 0.36  # °C
_MINUTE = 0.16  # °C, of one minute
_SLOW = ((96.0, 0.74), (38.0, 0.55), (14.0, 0.387))  # hours between knots, share; squares sum to 1
_FRONT_BLOCK = 72 * 60  # minutes; at most one cold front in each
_WARM_SEASON = (110, 290)  # days of the northern year with showers
_HALF_YEAR = 182.6
_LOCAL = 0.5  # °C by which a place differs from the weather it shares with a neighbour
_BLOCKS = 200  # of a station and a day that are kept: those that live events and their reports rest on


class Weather:
    """Temperatures of one world [°C]; fixed blocks of one station and one UTC day, each a pure function of the seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.sensor: Callable[[Station, int], Floats] = lru_cache(maxsize=_BLOCKS)(self._sensor)

    def official_of_span(self, station: Station, start: int, end: int) -> tuple[int, int]:
        """Return the highest and the lowest whole degree Fahrenheit of the two-minute means in [start, end), in seconds."""
        degrees = whole_fahrenheit(self.two_minute_means(station, start // 60, end // 60))
        return int(degrees.max()), int(degrees.min())

    def two_minute_means(self, station: Station, start: int, end: int) -> Floats:
        """Return the means ending in the minutes [start, end) since 1970."""
        first, last = (start - 1) // _DAY, (end - 1) // _DAY
        minutes = np.concatenate([self.sensor(station, day) for day in range(first, last + 1)])
        here = minutes[start - first * _DAY : end - first * _DAY]
        before = minutes[start - 1 - first * _DAY : end - 1 - first * _DAY]
        out: Floats = (here + before) * 0.5
        return out

    def predictable(self, station: Station, minutes: Ints) -> Floats:
        """Return the part of the temperature that forecasts aim at: season, day, weather systems, no short-range noise."""
        climate = station.climate
        day = minutes / _DAY
        season, summer = _season(station, minutes)
        clouds = smooth(key(self._seed, "clouds", station.air), day)
        swing = climate.swing * np.minimum(np.maximum(1.0 + 0.45 * clouds, 0.15), 1.7) * (0.85 + 0.25 * summer)
        shape = _shape(climate.peak_hour)[(minutes + station.utc_hours * 60) % _DAY]
        weather = np.zeros(len(minutes))
        for hours, share in _SLOW:
            weather = weather + share * smooth(key(self._seed, "slow", station.air, int(hours)), day * (24.0 / hours))
        winter_sd, summer_sd = climate.synoptic
        out: Floats = season + swing * shape + weather * (winter_sd + (summer_sd - winter_sd) * summer)
        if station.air != station.code:
            out = out + _LOCAL * smooth(key(self._seed, "local", station.code), day * 2.2)
        return out + self._fronts(station, minutes, 1.2 - 0.5 * summer)

    def _fronts(self, station: Station, minutes: Ints, strength: Floats) -> Floats:
        parts = []
        block = minutes // _FRONT_BLOCK
        for back in (0, 1):
            number = block - back
            arrives = number * _FRONT_BLOCK + uniforms(key(self._seed, "front at", station.air), number) * _FRONT_BLOCK
            fall: Floats = np.maximum(normals(key(self._seed, "front", station.air), number), 0.0) * station.climate.front
            since: Floats = minutes - arrives
            parts.append(strength * fall * ease(since / 150.0) * (1.0 - ease((since - 150.0) / 3300.0)))
        out: Floats = -(parts[0] + parts[1])
        return out

    def _sensor(self, station: Station, day: int) -> Floats:
        grid = np.arange(day * _DAY, (day + 1) * _DAY + _STEP, _STEP, dtype=np.int64)
        coarse = self.predictable(station, grid) + self._short_range(station, day)
        minutes = np.arange(day * _DAY, (day + 1) * _DAY, dtype=np.int64)
        index = np.arange(_DAY) // _STEP
        within = (np.arange(_DAY) % _STEP) / _STEP
        fine = coarse[index] + (coarse[index + 1] - coarse[index]) * within
        jitter = _MINUTE * normals(key(self._seed, "minute", station.code), minutes)
        out: Floats = fine + jitter - self._showers(station, minutes)
        return out

    def _short_range(self, station: Station, day: int) -> Floats:
        # a first-order autoregression, started far enough before the block that its start does not matter
        count = _DAY // _STEP + 1
        first = day * (_DAY // _STEP) - _WARM_UP
        kicks = normals(key(self._seed, "short", station.code), np.arange(first, first + _WARM_UP + count, dtype=np.int64))
        scale = _SHORT_RANGE * math.sqrt(1.0 - _MEMORY * _MEMORY)
        states = accumulate((kicks * scale).tolist(), lambda state, kick: _MEMORY * state + kick)
        return np.array(list(states)[_WARM_UP:])

    def _showers(self, station: Station, minutes: Ints) -> Floats:
        # an afternoon shower cools by several degrees within a quarter of an hour; the earlier maximum stands
        local = minutes + station.utc_hours * 60
        day = local // _DAY
        code = station.code
        wet = uniforms(key(self._seed, "wet", code), day) < station.climate.shower
        if not station.tropical:
            of_year = _day_of_year(day + int(_HALF_YEAR) if station.southern else day)
            wet &= (of_year > _WARM_SEASON[0]) & (of_year < _WARM_SEASON[1])
        begins = (13.8 + 4.0 * uniforms(key(self._seed, "shower at", code), day)) * 60.0
        depth = 2.5 + 3.5 * uniforms(key(self._seed, "shower", code), day)
        since = local % _DAY - begins
        out: Floats = wet * depth * ease(since / 15.0) * (1.0 - ease((since - 15.0) / 150.0))
        return out


def whole_fahrenheit(celsius: Floats) -> Ints:
    """Return whole degrees Fahrenheit, halves toward warmer."""
    out: Ints = np.floor(celsius * 1.8 + 32.5).astype(np.int64)
    return out


def _day_of_year(day: Ints) -> Floats:
    # to within a day; the year's angle needs no more
    return np.asarray((day % 1461) % 365.25, dtype=np.float64)


def _season(station: Station, minutes: Ints) -> tuple[Floats, Floats]:
    # means between whole days, so that the tables, not the arrays, hold the cosines
    day = minutes // _DAY
    within = (minutes - day * _DAY) / _DAY
    table = _year(station.climate.middle, station.southern)
    place = (day % 1461) % len(table[0])
    after = (place + 1) % len(table[0])
    middle, summer = ((part[place] + (part[after] - part[place]) * within) for part in table)
    return middle, summer


@lru_cache(maxsize=64)
def _year(terms: tuple[float, float, float], southern: bool) -> tuple[Floats, Floats]:
    angles = [2.0 * math.pi * (day % 365.25) / 365.25 for day in range(1461)]
    mean, cosine, sine = terms
    middle = np.array([mean + cosine * math.cos(a) + sine * math.sin(a) for a in angles])
    half = math.pi if southern else 0.0
    summer = np.array([0.5 - 0.5 * math.cos(a - 0.35 - half) for a in angles])
    return middle, summer


@lru_cache(maxsize=64)
def _shape(peak_hour: float) -> Floats:
    # one day of a curve between 0.5 and -0.5: coldest at 5, steep morning, slower evening
    out = []
    for minute in range(_DAY):
        hour = (minute / 60.0 - 5.0) % 24.0
        rise = peak_hour - 5.0
        angle = hour / rise if hour < rise else 1.0 + ((hour - rise) / (24.0 - rise)) ** 0.8
        out.append(-0.5 * math.cos(math.pi * angle))
    return np.array(out)
