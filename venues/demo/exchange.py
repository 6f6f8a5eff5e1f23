"""The exchange: which events exist, what its makers believe of them, how and when they resolve."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import erf, floor, sqrt

from venues.demo.events import BRACKETS, MONTHS, Event, ladder, opened, sealed
from venues.demo.forecasts import Forecasts
from venues.demo.noise import between, key, smooth_at, uniform
from venues.demo.reports import Reports
from venues.demo.stations import BY_TOKEN, STATIONS, Station

FIRST_DAY = date(2026, 3, 16)  # the exchange has listed ladders of eleven since
_FIRST_NUMBER = 700_000
MAKERS = 5
# hours until the day's maximum is known, and the standard deviation of a maker's belief [°F]
_BELIEF = ((-6.0, 0.05), (-4.0, 0.10), (-2.0, 0.28), (0.0, 0.65), (3.0, 1.15), (6.0, 1.6), (9.0, 1.85), (21.0, 2.25),
           (48.0, 2.8), (72.0, 3.2))  # fmt: skip
_READS_FORECAST = 0.8  # share of the models' common error that every maker inherits
_HERD = 0.66  # of the spread: a mistake that all makers make, besides the forecast's
_OPINION = 0.40  # of the spread: each maker's own
_MAKER_BIAS = 0.3  # °F, changes over weeks
_RETHINK_SECONDS = 5400
_UNCERTAIN = 0.004  # weight of "anything may still happen" before the maximum is known
_RESOLVES_MINUTES = (40, 90)  # after the first data point of the next day
_CORRECTS_HOURS = (4, 40)


class Exchange:
    """Events of one world, each a pure function of seed, station and day."""

    def __init__(self, seed: int, reports: Reports, forecasts: Forecasts) -> None:
        self._seed = seed
        self._reports = reports
        self._forecasts = forecasts
        self._event: Callable[[Station, date], Event] = lru_cache(maxsize=128)(self._build_event)
        self._error: Callable[[Station, date, int, int, int], float] = lru_cache(maxsize=4096)(self._error_of)

    def find(self, slug: str, at: int) -> Event | None:
        """Return the event of that name if it is listed by `at`."""
        head, _, tail = slug.partition("-on-")
        station = BY_TOKEN.get(head.removeprefix("highest-temperature-in-"))
        parts = tail.split("-")
        if station is None or len(parts) != 3 or parts[0] not in MONTHS:
            return None
        try:
            day = date(int(parts[2]), MONTHS.index(parts[0]) + 1, int(parts[1]))
        except ValueError:
            return None
        event = self.listed(station, day, at)
        return event if event is not None and event.slug == slug else None

    def numbered(self, number: int, at: int) -> Event | None:
        """Return the event with that number if it is listed by `at`."""
        days, index = divmod(number - _FIRST_NUMBER, len(STATIONS))
        if not 0 <= days < 100_000:
            return None
        return self.listed(STATIONS[index], FIRST_DAY + timedelta(days=days), at)

    def listed(self, station: Station, day: date, at: int) -> Event | None:
        """Return the event if it is listed by `at`; what lies further ahead is not even computed."""
        if day < FIRST_DAY or _created(self._seed, station, day) > at:
            return None
        return self._event(station, day)

    def around(self, at: int, back: int = 3) -> list[Event]:
        """Return the events listed by `at` whose day began at most `back` days ago, by number."""
        today = datetime.fromtimestamp(at // 1000, UTC).date()
        days = [today + timedelta(days=n) for n in range(-back, 4)]
        found = [self.listed(station, day, at) for station in STATIONS for day in days]
        return sorted((event for event in found if event is not None), key=lambda event: event.number)

    def beliefs(self, event: Event, at: int) -> list[tuple[float, float]]:
        """Return each maker's mean and standard deviation of the day's highest reading, in the event's unit, at `at`."""
        return self._views(event.station, event.day, event.known_at, event.extreme, at)

    def probabilities(self, event: Event, at: int) -> list[float]:
        """Return what the makers together hold each bracket to be worth."""
        so_far = event.floor_at(at)
        dead = [so_far is not None and bracket.high is not None and bracket.high < so_far for bracket in event.brackets]
        total = [0.0] * BRACKETS
        for mean, sd in self.beliefs(event, at):
            below = 0.0
            for place, bracket in enumerate(event.brackets):
                if dead[place]:
                    continue
                upto = 1.0 if bracket.high is None else 0.5 + 0.5 * erf((bracket.high + 0.5 - mean) / (sd * sqrt(2.0)))
                total[place] += (upto - below) / MAKERS
                below = upto
        doubt = _UNCERTAIN if at < event.known_at else _UNCERTAIN / 8 if at < event.end else 0.0
        share = doubt / dead.count(False)
        return [0.0 if gone else p * (1.0 - doubt) + share for p, gone in zip(total, dead, strict=True)]

    def flow(self, event: Event, bracket: int, at: int) -> float:
        """Return how far takers have pushed a bracket, as a multiple of p(1 − p)."""
        return 0.06 * smooth_at(key(self._seed, "flow", event.number, bracket), at / 4_500_000.0)

    def token(self, event: Event, bracket: int, side: int) -> str:
        """Return the id of a side of a bracket; `holder_of_token` reads it back."""
        return str(sealed(self._seed, "token", event.station.index, event.day, bracket, side))

    def condition(self, event: Event, bracket: int) -> str:
        """Return the id of a bracket's market; `holder_of_condition` reads it back."""
        return f"0x{sealed(self._seed, 'condition', event.station.index, event.day, bracket, 0):064x}"

    def holder_of_token(self, token: str, at: int) -> tuple[Event, int, int] | None:
        """Return event, bracket and side of a listed token."""
        if not (token.isascii() and token.isdigit() and len(token) <= 78):
            return None
        return self._holder("token", int(token), at)

    def holder_of_condition(self, condition: str, at: int) -> tuple[Event, int] | None:
        """Return event and bracket of a listed condition."""
        try:
            found = self._holder("condition", int(condition.removeprefix("0x")[:65], 16), at)
        except ValueError:
            return None
        return found[:2] if found else None

    def exceptions(self, year: int, month: int) -> tuple[tuple[Station, date], tuple[Station, date]]:
        """Return a month's event whose first published winner is replaced, and the one whose official list differs."""

        def pick(what: str) -> tuple[int, date]:
            place = int(uniform(self._seed, what, year, month) * len(STATIONS))
            return place, date(year, month, 3 + int(uniform(self._seed, what, "day", year, month) * 23))

        correction, disagreement = pick("correction"), pick("disagreement")
        if correction == disagreement:
            disagreement = ((correction[0] + 1) % len(STATIONS), disagreement[1])
        return (STATIONS[correction[0]], correction[1]), (STATIONS[disagreement[0]], disagreement[1])

    def _holder(self, kind: str, value: int, at: int) -> tuple[Event, int, int] | None:
        found = opened(self._seed, kind, value)
        event = None if found is None else self.listed(STATIONS[found[0]], found[1], at)
        return None if event is None or found is None else (event, found[2], found[3])

    def _build_event(self, station: Station, day: date) -> Event:
        start, end = station.day_window(day)
        first_next = min(report.received for report in self._reports.between(station, end, end + 7200))
        steps = tuple(self._reports.listed_steps(station, start, end, first_next))
        extreme = steps[-1][1]
        reached = next(instant for instant, value in steps if value == extreme)
        known_at = max(reached, (start + int((station.climate.peak_hour + 1.0) * 3600)) * 1000)
        created = _created(self._seed, station, day)
        views = self._views(station, day, known_at, extreme, created)
        brackets = ladder(station, floor(sum(mean for mean, _ in views) / MAKERS + 0.5))
        listed = next(i for i, bracket in enumerate(brackets) if bracket.high is None or extreme <= bracket.high)
        number = _FIRST_NUMBER + (day - FIRST_DAY).days * len(STATIONS) + station.index
        closed = first_next + int(_within(_RESOLVES_MINUTES, uniform(self._seed, "closes", number)) * 60) * 1000
        closed = closed // 1000 * 1000
        correction, disagreement = self.exceptions(day.year, day.month)
        first_winner, winner, corrected = listed, listed, None
        if (station, day) == correction:
            first_winner = listed - 1 if listed else 1
            hours = _within(_CORRECTS_HOURS, uniform(self._seed, "corrected", number))
            corrected = closed + int(hours * 3600) * 1000
        elif (station, day) == disagreement:
            # the official list holds a warmer special report that the public one never carried
            first_winner = winner = listed + 1 if listed < BRACKETS - 1 else listed - 1
        return Event(
            station, day, number, created, created + 14_000, start * 1000, end * 1000, first_next, closed, corrected,
            first_winner, winner, extreme, known_at, steps, brackets,
        )  # fmt: skip

    def _views(self, station: Station, day: date, known_at: int, extreme: int, at: int) -> list[tuple[float, float]]:
        unit = 1.0 if station.fahrenheit else 1.8
        second = at // 1000
        sd = max(_spread(station, known_at, second), 0.05) / unit
        out = []
        for maker in range(MAKERS):
            phase = int(_RETHINK_SECONDS * uniform(self._seed, "phase", station.code, maker))
            thought = (second - phase) // _RETHINK_SECONDS * _RETHINK_SECONDS + phase
            claim = 0.9 + 0.2 * uniform(self._seed, "claim", station.code, maker)
            out.append((extreme + self._error(station, day, known_at, maker, thought) / unit, sd * claim))
        return out

    def _error_of(self, station: Station, day: date, known_at: int, maker: int, second: int) -> float:
        # of a maker's mean [°F]; makers are the truth plus a mistake, so that their mistakes have the size intended
        sd = _spread(station, known_at, second)
        start, _ = station.day_window(day)
        hours = second / 3600.0
        name = (self._seed, station.code)
        common = _READS_FORECAST * self._forecasts.shared_error(station, start // 3600 + 15, second) * min(1.0, sd / 0.65)
        herd = _HERD * sd * smooth_at(key(*name, "herd", day.toordinal()), hours / 14.0)
        opinion = _OPINION * sd * smooth_at(key(*name, "opinion", day.toordinal(), maker), hours / 9.0)
        bias = _MAKER_BIAS * min(1.0, sd / 2.0) * smooth_at(key(*name, "maker", maker), hours / 400.0)
        return common + herd + opinion + bias


def _spread(station: Station, known_at: int, second: int) -> float:
    return between((known_at / 1000.0 - second) / 3600.0, _BELIEF) * station.climate.skill


def _within(span: tuple[int, int], share: float) -> float:
    return span[0] + (span[1] - span[0]) * share


@lru_cache(maxsize=256)
def _created(seed: int, station: Station, day: date) -> int:
    # Asia and Europe at four o'clock UTC two days before; America on the evening two local days ahead
    late = uniform(seed, "listing hour", day.toordinal()) < 0.3
    before, hour = (1, 2 if late else 1) if station.fahrenheit else (2, 4)
    at = datetime(day.year, day.month, day.day, hour, 1, tzinfo=UTC) - timedelta(days=before)
    return int(at.timestamp()) * 1000 + int(120_000 * uniform(seed, "created", station.code, day.toordinal()))
