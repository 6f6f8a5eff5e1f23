"""How a day really went, as each statistic counts it, and when the public could know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from venues.demo.contracts import Contract
from venues.demo.noise import Ints
from venues.demo.reports import Reports
from venues.demo.weather import Weather, whole_fahrenheit

_SIX_HOURS = 6 * 3600
_AFTER_SIX_HOURS = 300_000  # ms after the full hour until the groups of its report are public
_EXTRACT_STEP = 10  # minutes between the observatory's own readings on its page
_EXTRACT_LAG = 180_000
_EXTRACT_HOURS = 9.4  # after midnight, the day's extract is published
_COLDEST_HOUR = 5.0


@dataclass(frozen=True, slots=True)
class Course:
    """What a day came to."""

    steps: tuple[tuple[int, int], ...]  # (ms, extreme reading that is public from then on)
    extreme: int  # whole degrees, as brackets take them
    value: float  # as the source prints it
    known_at: int  # ms; when the extreme is settled in practice
    published: int  # ms; the first data point of the next day, or the day's extract


class Truth:
    """Courses of one world."""

    def __init__(self, weather: Weather, reports: Reports) -> None:
        self._weather = weather
        self._reports = reports

    def course(self, contract: Contract, day: date) -> Course:
        """Return how `day` went by the contract's own statistic, unit and window."""
        if contract.official:
            return self._official(contract, day)
        return self._extract(contract, day) if contract.extract else self._listed(contract, day)

    def _listed(self, contract: Contract, day: date) -> Course:
        station, (start, end) = contract.station, contract.window(day)
        published = min(report.received for report in self._reports.between(station, end, end + 7200))
        listed = self._reports.listed_steps(station, start, end, published, low=contract.low, fahrenheit=contract.fahrenheit)
        extreme = listed[-1][1]
        reached = next(instant for instant, value in listed if value == extreme)
        return Course(tuple(listed), extreme, float(extreme), max(reached, _usual(contract, start)), published)

    def _official(self, contract: Contract, day: date) -> Course:
        station, (start, end) = contract.station, contract.window(day)
        degrees = whole_fahrenheit(self._weather.two_minute_means(station, start // 60, end // 60))
        place = int(degrees.argmin() if contract.low else degrees.argmax())
        extreme = int(degrees[place])
        # a report that a correction takes back does not count here: whoever trades this looks at both
        clip = max if contract.low else min
        listed = self._reports.listed_steps(station, start, end, end * 1000 + 3_600_000, low=contract.low)
        told = -(-(start + place * 60) // _SIX_HOURS) * _SIX_HOURS * 1000 + _AFTER_SIX_HOURS
        steps = [(instant, clip(value, extreme)) for instant, value in listed if instant < told]
        return Course((*steps, (told, extreme)), extreme, float(extreme), max(told, _usual(contract, start)), end * 1000)

    def _extract(self, contract: Contract, day: date) -> Course:
        start, end = contract.window(day)
        means = self._weather.two_minute_means(contract.station, start // 60, end // 60)
        tenths: Ints = np.floor(means * 10.0 + 0.5).astype(np.int64)
        running = (np.minimum if contract.low else np.maximum).accumulate(tenths)
        steps: list[tuple[int, int]] = []
        for minute in range(_EXTRACT_STEP, len(tenths) + 1, _EXTRACT_STEP):
            whole = int(running[minute - 1]) // 10
            if not steps or steps[-1][1] != whole:
                steps.append(((start + minute * 60) * 1000 + _EXTRACT_LAG, whole))
        last = int(running[-1])
        known_at = max(steps[-1][0], _usual(contract, start))
        return Course(tuple(steps), last // 10, last / 10.0, known_at, end * 1000 + int(_EXTRACT_HOURS * 3_600_000))


def _usual(contract: Contract, start: int) -> int:
    # before this hour of the day nobody calls it settled
    hour = _COLDEST_HOUR + 1.5 if contract.low else contract.station.climate.peak_hour + 1.0
    return (start + int(hour * 3600)) * 1000
