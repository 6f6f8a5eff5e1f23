"""Reports as a station issues them, through its own rounding chain, and when the public can see each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np

from venues.demo.noise import Floats, key, normals, smooth, uniforms
from venues.demo.stations import Station
from venues.demo.weather import Weather, whole_fahrenheit

_DAY = 86_400
_DAYS_KEPT = 200  # of a station, with their reports
_MISSING = 0.002  # chance of a report without temperature
_CORRECTED = 0.003  # chance of a second report that changes the temperature of the first
_LAG_SECONDS = (120, 360)  # from observation to the public list
_CORRECTION_SECONDS = (900, 2400)
_SIX_HOURLY = (0, 6, 12, 18)  # UTC, nominal
_TREND = ("RKSI", "RJTT", "WSSS", "LFPB", "LTFM", "LTAC", "ZSPD", "ZBAA", "VHHH", "EHAM", "LEMD", "EDDM")  # end with a trend
_COVERS = (("FEW", 250), ("FEW", 45), ("SCT", 40), ("BKN", 35), ("OVC", 28))


@dataclass(frozen=True, slots=True)
class Group:
    """Extremes of a span, in tenths of a degree Celsius."""

    hours: int  # 6 or 24
    high: int
    low: int


@dataclass(frozen=True, slots=True)
class Report:
    """One METAR or SPECI."""

    valid: int  # second of the observation
    received: int  # millisecond at which the public list has it
    special: bool
    corrected: bool
    tenths: int | None  # °C × 10 as listed; whole degrees where the station knows no tenths
    fahrenheit: int | None  # whole degrees, where the sensor chain begins with them
    dew: int  # °C × 10
    wind: int | None  # degrees, None is variable
    knots: int
    pressure: int  # hundredths of an inch of mercury
    cover: tuple[str, int]  # amount, hundreds of feet
    groups: tuple[Group, ...]

    def reading(self, fahrenheit: bool) -> int | None:
        """Return the whole degree that the settlement page lists."""
        if self.tenths is None:
            return None
        return self.fahrenheit if fahrenheit else half_up(self.tenths, 10)


def half_up(numerator: int, denominator: int) -> int:
    """Return the nearest whole number, halves toward warmer."""
    return (2 * numerator + denominator) // (2 * denominator)


def tenths_of(fahrenheit: int) -> int:
    """Return tenths of a degree Celsius of a whole degree Fahrenheit."""
    return half_up((fahrenheit - 32) * 50, 9)


class Reports:
    """All reports of a station whose observation lies in one UTC day, oldest first; a correction follows its original."""

    def __init__(self, seed: int, weather: Weather) -> None:
        self._seed = seed
        self._weather = weather
        self.of_day: Callable[[Station, int], tuple[Report, ...]] = lru_cache(maxsize=_DAYS_KEPT)(self._of_day)

    def between(self, station: Station, start: int, end: int) -> list[Report]:
        """Return reports observed in [start, end), in seconds."""
        days = range(start // _DAY, (end - 1) // _DAY + 1)
        return [report for day in days for report in self.of_day(station, day) if start <= report.valid < end]

    def listed_steps(
        self, station: Station, start: int, end: int, freeze: int, *, low: bool = False, fahrenheit: bool | None = None
    ) -> list[tuple[int, int]]:
        """Return (millisecond, extreme reading in the list) for each change before `freeze`; the newest correction counts."""
        best, unit = (min if low else max), station.tenths if fahrenheit is None else fahrenheit
        steps: list[tuple[int, int]] = []
        listed: dict[int, int | None] = {}
        for report in sorted(self.between(station, start, end), key=lambda report: report.received):
            if report.received > freeze:
                continue
            listed[report.valid] = report.reading(unit)
            known = [reading for reading in listed.values() if reading is not None]
            if known and (not steps or steps[-1][1] != best(known)):
                steps.append((report.received, best(known)))
        return steps

    def _of_day(self, station: Station, day: int) -> tuple[Report, ...]:
        if not station.minutes:
            return ()
        means = self._weather.two_minute_means(station, day * 1440 - 1440, day * 1440 + 1440)
        times = self._times(station, day)
        count = len(times)
        counters = np.array([minute for minute, _ in times], dtype=np.int64) + day * 1440
        name = (self._seed, station.code)
        lags, lucks, changes = (uniforms(key(*name, what), counters).tolist() for what in ("lag", "luck", "change"))
        conditions = self._conditions(station, counters)
        out = []
        for i in range(count):
            minute, special = times[i]
            value = float(means[minute + 1440])
            received = (int(counters[i]) * 60 + _LAG_SECONDS[0]) * 1000 + int(
                lags[i] * 1000 * (_LAG_SECONDS[1] - _LAG_SECONDS[0])
            )
            groups = () if special or not station.tenths else self._groups(station, minute, means)
            missing = lucks[i] < _MISSING
            first = _report(station, int(counters[i]) * 60, received, special, value, missing, conditions[i], groups)
            local_hour = (minute // 60 + station.utc_hours) % 24
            if lucks[i] > 1.0 - _CORRECTED and 2 <= local_hour <= 20:
                wrong = value + (1.1 if changes[i] < 0.5 else -1.1)  # a degree off in either unit
                later = received + int(
                    (_CORRECTION_SECONDS[0] + changes[i] * (_CORRECTION_SECONDS[1] - _CORRECTION_SECONDS[0])) * 1000
                )
                out.append(_report(station, first.valid, received, special, wrong, False, conditions[i], groups))
                out.append(_report(station, first.valid, later, special, value, False, conditions[i], groups, corrected=True))
            else:
                out.append(first)
        return tuple(out)

    def _times(self, station: Station, day: int) -> list[tuple[int, bool]]:
        # minutes of the day; a SPECI keeps its distance from the routine reports around it
        routine = [hour * 60 + minute for hour in range(24) for minute in station.minutes]
        gap = 60 // len(station.minutes)
        counters = np.arange(len(routine), dtype=np.int64) + day * 64
        luck = uniforms(key(self._seed, "special", station.code), counters).tolist()
        place = uniforms(key(self._seed, "special at", station.code), counters).tolist()
        specials = [
            minute + 5 + int(place[i] * (gap - 14))
            for i, minute in enumerate(routine)
            if luck[i] < station.special and minute + gap < 1440
        ]
        return sorted([(minute, False) for minute in routine] + [(minute, True) for minute in specials])

    def _groups(self, station: Station, minute: int, means: Floats) -> tuple[Group, ...]:
        # the report before the full hour carries the groups of that hour; `means` begins a day earlier
        hour = minute // 60 + 1
        spans = [6] if hour % 24 in _SIX_HOURLY else []
        if (hour + station.utc_hours) % 24 == 0:
            spans.append(24)
        groups = []
        for hours in spans:
            span = whole_fahrenheit(means[minute + 1441 - hours * 60 : minute + 1441])
            groups.append(Group(hours, tenths_of(int(span.max())), tenths_of(int(span.min()))))
        return tuple(groups)

    def _conditions(self, station: Station, minutes: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[tuple[float, ...]]:
        hours = minutes / 60.0
        name = (self._seed, station.code)
        rows = [
            smooth(key(*name, "dew"), hours / 18.0),
            smooth(key(*name, "wind"), hours / 10.0),
            smooth(key(*name, "knots"), hours / 7.0) + 0.3 * normals(key(*name, "gust"), minutes),
            smooth(key(*name, "pressure"), hours / 40.0),
            smooth(key(*name, "cover"), hours / 9.0),
        ]
        return list(zip(*(row.tolist() for row in rows), strict=True))


def _report(
    station: Station,
    valid: int,
    received: int,
    special: bool,
    celsius: float,
    missing: bool,
    conditions: tuple[float, ...],
    groups: tuple[Group, ...],
    *,
    corrected: bool = False,
) -> Report:
    dew, wind, knots, pressure, cover = conditions
    fahrenheit = int((celsius * 1.8 + 32.5) // 1)
    tenths = tenths_of(fahrenheit) if station.tenths else int((celsius + 0.5) // 1) * 10
    depression = max(0.3, 6.0 + 3.5 * dew)
    speed = max(0, int(8 + 4.0 * knots))
    direction = None if speed < 4 else (int(18 + 11 * wind) % 36 + 1) * 10
    step = 1 if station.tenths else 10
    return Report(
        valid=valid,
        received=received,
        special=special,
        corrected=corrected,
        tenths=None if missing else tenths,
        fahrenheit=fahrenheit if station.tenths and not missing else None,
        dew=half_up(tenths - int(depression * 10), step) * step,
        wind=direction,
        knots=speed,
        pressure=2992 + int(22 * pressure),
        cover=_COVERS[min(4, max(0, int(1.7 + 1.3 * cover)))],
        groups=groups,
    )


def raw_text(station: Station, report: Report) -> str:
    """Return the report as the station sent it."""
    at = datetime.fromtimestamp(report.valid, UTC)
    wind = "000" if report.knots == 0 else "VRB" if report.wind is None else f"{report.wind:03d}"
    cover, hundreds = report.cover
    head = [
        "SPECI" if report.special else "METAR",
        *(["COR"] if report.corrected and not station.tenths else []),
        station.code,
        f"{at:%d%H%M}Z",
        *(["COR"] if report.corrected and station.tenths else []),
        *(["AUTO"] if station.code == "EGLC" else []),
        f"{wind}{report.knots:02d}KT",
        "10SM" if station.tenths else "9999",
        f"{cover}{hundreds:03d}",
    ]
    if report.tenths is not None:
        head.append(f"{_whole(report.tenths)}/{_whole(report.dew)}")
    elif not station.tenths:
        head.append("/////")
    if station.tenths:
        return " ".join([*head, f"A{report.pressure}", *_remarks(report)])
    tail = ["NOSIG"] if station.code in _TREND else []
    if station.code == "RJTT":
        tail += ["RMK", f"A{report.pressure}"]
    return " ".join([*head, f"Q{int(hectopascals(report.pressure)):04d}", *tail])


def hectopascals(hundredths: int) -> float:
    """Return a pressure in hPa to one decimal."""
    return half_up(hundredths * 338_639, 100_000) / 10.0


def _remarks(report: Report) -> list[str]:
    out = ["RMK", "AO2", f"SLP{int(hectopascals(report.pressure) * 10) % 1000:03d}"]
    if report.tenths is not None:
        out.append(f"T{_signed(report.tenths)}{_signed(report.dew)}")
    for group in report.groups:
        if group.hours == 6:
            out += [f"1{_signed(group.high)}", f"2{_signed(group.low)}"]
        else:
            out.append(f"4{_signed(group.high)}{_signed(group.low)}")
    return out


def _whole(tenths: int) -> str:
    # anything below zero keeps its sign, also when it rounds to M00
    value = abs(half_up(tenths, 10))
    return f"M{value:02d}" if tenths < 0 else f"{value:02d}"


def _signed(tenths: int) -> str:
    return f"{1 if tenths < 0 else 0}{abs(tenths):03d}"
