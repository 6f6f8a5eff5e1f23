"""The exchange: which events exist, what its makers believe of them, how and when they resolve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import erf, floor, sqrt
from zoneinfo import ZoneInfo

from venues.demo.contracts import BY_SERIES, CONTRACTS, DEFAULT_CONTRACTS, FIRST_DAY, KALSHI, POLYMARKET, Contract
from venues.demo.events import MONTHS, Event, ladder, opened, sealed
from venues.demo.forecasts import Forecasts
from venues.demo.noise import between, lasting_key, smooth_at, uniform
from venues.demo.stations import Station
from venues.demo.truth import Course, Truth

_FIRST_NUMBER = 700_000
_EVENTS = 384  # that are kept
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
_EXCHANGE_ZONE = ZoneInfo("America/New_York")  # Kalshi's clock
_DETERMINES_MINUTES = (678, 725)  # of the UTC day in which the day ends: 11:18 to 12:05
_AMENDS_HOURS = (1, 6)
_REPORT_MS = 12_300_000  # from the end of the day until its climate report is surely out
_SETTLEMENT_TIMER_MS = 1_800_000
_WHOLE, _EXTRACT = 0.5, 0.95  # from a reading to the upper edge of what it stands for


@dataclass(frozen=True, slots=True)
class _Hours:
    """Instants of an event, in milliseconds."""

    closed: int
    settled: int
    corrected: int
    final_after: int  # ms from the last word to its being final


class Exchange:
    """Events of both venues in one world, each a pure function of seed, contract and day."""

    def __init__(self, seed: int, truth: Truth, forecasts: Forecasts) -> None:
        self._seed = seed
        self._truth = truth
        self._forecasts = forecasts
        self._event: Callable[[Contract, date], Event] = lru_cache(maxsize=_EVENTS)(self._build_event)
        self._error: Callable[[Contract, date, int, int, int], float] = lru_cache(maxsize=4_096)(self._error_of)
        self._habit: Callable[[str, int], tuple[int, float]] = lru_cache(maxsize=512)(self._habit_of)

    def find(self, slug: str, at: int) -> Event | None:
        """Return Polymarket's event of that name if it is listed by `at`."""
        series, _, tail = slug.partition("-on-")
        parts = tail.split("-")
        if len(parts) != 3 or parts[0] not in MONTHS:
            return None
        return self._named(POLYMARKET, series, slug, parts[2], MONTHS.index(parts[0]) + 1, parts[1], at)

    def ticket(self, ticker: str, at: int) -> Event | None:
        """Return Kalshi's event of that ticker if it is listed by `at`."""
        series, _, tail = ticker.partition("-")
        month = next((i for i, name in enumerate(MONTHS, 1) if name[:3].upper() == tail[2:5]), None)
        if month is None or len(tail) != 7:
            return None
        return self._named(KALSHI, series, ticker, f"20{tail[:2]}", month, tail[5:], at)

    def _named(self, venue: str, series: str, name: str, year: str, month: int, of_month: str, at: int) -> Event | None:
        contract = BY_SERIES.get(series)
        if contract is None or contract.venue != venue:
            return None
        try:
            event = self.listed(contract, date(int(year), month, int(of_month)), at)
        except ValueError:
            return None
        return event if event is not None and event.slug == name else None

    def numbered(self, number: int, at: int) -> Event | None:
        """Return the event with that number if it is listed by `at`."""
        days, index = divmod(number - _FIRST_NUMBER, len(CONTRACTS))
        if not 0 <= days < 100_000:
            return None
        return self.listed(CONTRACTS[index], FIRST_DAY + timedelta(days=days), at)

    def listed(self, contract: Contract, day: date, at: int) -> Event | None:
        """Return the event if it is listed by `at`; what lies further ahead is not even computed."""
        return self._event(contract, day) if self.exists(contract, day, at) else None

    def exists(self, contract: Contract, day: date, at: int) -> bool:
        """Say whether the event is listed by `at`, without making it."""
        return day >= contract.first_day and _created(self._seed, contract, day) <= at and not self._is_gap(contract, day)

    def around(self, at: int, back: int = 3, venue: str = POLYMARKET) -> list[Event]:
        """Return a venue's events listed by `at` whose day began at most `back` days ago, by number."""
        contracts = [contract for contract in CONTRACTS if contract.venue == venue]
        found = [event for contract in contracts for event in self.of_series(contract, at, back)]
        return sorted(found, key=lambda event: event.number)

    def of_series(self, contract: Contract, at: int, back: int) -> list[Event]:
        """Return a contract's events listed by `at`, oldest first."""
        today = datetime.fromtimestamp(at // 1000, UTC).date()
        days = [today + timedelta(days=n) for n in range(-back, 4)]
        return [event for day in days if (event := self.listed(contract, day, at)) is not None]

    def beliefs(self, event: Event, at: int) -> list[tuple[float, float]]:
        """Return each maker's mean and standard deviation of the day's extreme, in the event's unit, at `at`."""
        return self._views(event.contract, event.day, event.course, at)

    def probabilities(self, event: Event, at: int) -> list[float]:
        """Return what the makers together hold each bracket to be worth."""
        dead = event.dead_at(at)
        alive = [place for place, gone in enumerate(dead) if not gone]
        lift = _EXTRACT if event.contract.extract else _WHOLE
        edges = [(event.brackets[place].high or 0) + lift for place in alive[:-1]]
        total = [0.0] * len(dead)
        for mean, sd in self.beliefs(event, at):
            below, scale = 0.0, sd * sqrt(2.0)
            for place, edge in zip(alive, edges, strict=False):
                upto = 0.5 + 0.5 * erf((edge - mean) / scale)
                total[place] += (upto - below) / MAKERS
                below = upto
            total[alive[-1]] += (1.0 - below) / MAKERS
        doubt = _UNCERTAIN if at < event.known_at else _UNCERTAIN / 8 if at < event.end else 0.0
        share = doubt / len(alive)
        return [0.0 if gone else p * (1.0 - doubt) + share for p, gone in zip(total, dead, strict=True)]

    def flow(self, event: Event, bracket: int, at: int) -> float:
        """Return how far takers have pushed a bracket, as a multiple of p(1 − p)."""
        return 0.06 * smooth_at(lasting_key(self._seed, "flow", event.number, bracket), at / 4_500_000.0)

    def token(self, event: Event, bracket: int, side: int) -> str:
        """Return the id of a side of a bracket; `holder_of_token` reads it back."""
        return str(sealed(self._seed, "token", event.contract.index, event.day, bracket, side))

    def condition(self, event: Event, bracket: int) -> str:
        """Return the id of a bracket's market; `holder_of_condition` reads it back."""
        return f"0x{sealed(self._seed, 'condition', event.contract.index, event.day, bracket, 0):064x}"

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

    def exceptions(self, year: int, month: int) -> Exceptions:
        """Return the events of a month that end in an unusual way; never one that may not exist."""
        plain = [c for c in DEFAULT_CONTRACTS if c.venue == POLYMARKET and not c.extract and not c.city.gaps]
        plain = [c for c in plain if c.first_day <= date(year, month, 1)] or plain[:1]
        official = [c for c in DEFAULT_CONTRACTS if c.venue == KALSHI]

        def pick(what: str, among: list[Contract]) -> tuple[Contract, date]:
            place = int(uniform(self._seed, what, year, month) * len(among))
            return among[place], date(year, month, 3 + int(uniform(self._seed, what, "day", year, month) * 23))

        corrected, disagreed = pick("correction", plain), pick("disagreement", plain)
        if corrected == disagreed:
            disagreed = (plain[(plain.index(corrected[0]) + 1) % len(plain)], disagreed[1])
        return Exceptions(corrected, disagreed, pick("amendment", official))

    def _holder(self, kind: str, value: int, at: int) -> tuple[Event, int, int] | None:
        found = opened(self._seed, kind, value)
        event = None if found is None else self.listed(CONTRACTS[found[0]], found[1], at)
        return None if event is None or found is None else (event, found[2], found[3])

    def _is_gap(self, contract: Contract, day: date) -> bool:
        if contract.venue != POLYMARKET or not contract.city.gaps:
            return False
        return uniform(self._seed, "gap", contract.series, day.toordinal()) < contract.city.gaps

    def _build_event(self, contract: Contract, day: date) -> Event:
        course = self._truth.course(contract, day)
        start, end = contract.window(day)
        created = _created(self._seed, contract, day)
        opens = _opens(contract, day, created)
        views = self._views(contract, day, course, opens)
        brackets = ladder(contract, floor(sum(mean for mean, _ in views) / MAKERS + 0.5))
        number = _FIRST_NUMBER + (day - FIRST_DAY).days * len(CONTRACTS) + contract.index
        won = next(i for i, bracket in enumerate(brackets) if bracket.high is None or course.extreme <= bracket.high)
        hours = self._hours(contract, number, course, end)
        unusual = self.exceptions(day.year, day.month)
        first, last, corrected = won, won, None
        if (contract, day) in (unusual.corrected, unusual.amended):
            first, corrected = (won - 1 if won else 1), hours.corrected
        elif (contract, day) == unusual.disagreed:
            # the official list holds a more extreme special report that the public one never carried
            first = last = _further(contract, won, len(brackets))
        final = (hours.settled if corrected is None else corrected) + hours.final_after
        return Event(
            contract, day, number, created, opens, start * 1000, end * 1000, course.published, hours.closed, hours.settled,
            corrected, final, first, last, course, brackets,
        )  # fmt: skip

    def _hours(self, contract: Contract, number: int, course: Course, end: int) -> _Hours:
        luck, later = uniform(self._seed, "closes", number), uniform(self._seed, "corrected", number)
        if contract.venue == KALSHI:
            settled = end // 86_400 * 86_400_000 + int(_within(_DETERMINES_MINUTES, luck) * 60_000)
            settled = max(settled, end * 1000 + _REPORT_MS) // 1000 * 1000
            corrected = settled + int(_within(_AMENDS_HOURS, later) * 3_600) * 1000
            return _Hours((end - 60) * 1000, settled, corrected, _SETTLEMENT_TIMER_MS)
        closed = (course.published + int(_within(_RESOLVES_MINUTES, luck) * 60) * 1000) // 1000 * 1000
        return _Hours(closed, closed, closed + int(_within(_CORRECTS_HOURS, later) * 3600) * 1000, 0)

    def _views(self, contract: Contract, day: date, course: Course, at: int) -> list[tuple[float, float]]:
        unit = 1.0 if contract.fahrenheit else 1.8
        second, station, known_at = at // 1000, contract.station, course.known_at
        sd = max(_spread(station, known_at, second), 0.05) / unit
        out = []
        for maker in range(MAKERS):
            phase, claim = self._habit(station.code, maker)
            thought = (second - phase) // _RETHINK_SECONDS * _RETHINK_SECONDS + phase
            out.append((course.value + self._error(contract, day, known_at, maker, thought) / unit, sd * claim))
        return out

    def _habit_of(self, code: str, maker: int) -> tuple[int, float]:
        phase = int(_RETHINK_SECONDS * uniform(self._seed, "phase", code, maker))
        return phase, 0.9 + 0.2 * uniform(self._seed, "claim", code, maker)

    def _error_of(self, contract: Contract, day: date, known_at: int, maker: int, second: int) -> float:
        # of a maker's mean [°F]; makers are the truth plus a mistake, so that their mistakes have the size intended
        station = contract.station
        sd = _spread(station, known_at, second)
        start, _ = contract.window(day)
        hours = second / 3600.0
        name = (self._seed, station.code, "low") if contract.low else (self._seed, station.code)
        hour = start // 3600 + (5 if contract.low else 15)
        common = _READS_FORECAST * self._forecasts.shared_error(station, hour, second) * min(1.0, sd / 0.65)
        herd = _HERD * sd * smooth_at(lasting_key(*name, "herd", day.toordinal()), hours / 14.0)
        opinion = _OPINION * sd * smooth_at(lasting_key(*name, "opinion", day.toordinal(), maker, contract.venue), hours / 9.0)
        bias = _MAKER_BIAS * min(1.0, sd / 2.0) * smooth_at(lasting_key(*name, "maker", maker), hours / 400.0)
        return common + herd + opinion + bias


@dataclass(frozen=True, slots=True)
class Exceptions:
    """A month's unusual endings."""

    corrected: tuple[Contract, date]  # Polymarket's first published winner is replaced
    disagreed: tuple[Contract, date]  # the official list differs from the public one
    amended: tuple[Contract, date]  # Kalshi's determined winner is replaced before it is final


def _further(contract: Contract, won: int, count: int) -> int:
    step = -1 if contract.low else 1
    return won + step if 0 <= won + step < count else won - step


def _spread(station: Station, known_at: int, second: int) -> float:
    return between((known_at / 1000.0 - second) / 3600.0, _BELIEF) * station.climate.skill


def _within(span: tuple[int, int], share: float) -> float:
    return span[0] + (span[1] - span[0]) * share


@lru_cache(maxsize=4_096)
def _created(seed: int, contract: Contract, day: date) -> int:
    # Asia and Europe at four o'clock UTC two days before; America on the evening two local days ahead; Kalshi half past
    # nine UTC the day before
    late = uniform(seed, "listing hour", day.toordinal()) < 0.3
    before, hour, minute = 2, 4, 1
    if contract.venue == KALSHI:
        before, hour, minute = 1, 9, 30
    elif -9 < contract.station.utc_hours < -2:
        before, hour = 1, 2 if late else 1
    at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - timedelta(days=before)
    return int(at.timestamp()) * 1000 + int(120_000 * uniform(seed, "created", contract.series, day.toordinal()))


def _opens(contract: Contract, day: date, created: int) -> int:
    if contract.venue != KALSHI:
        return created + 14_000
    at = datetime(day.year, day.month, day.day, 10, tzinfo=_EXCHANGE_ZONE) - timedelta(days=1)
    return int(at.timestamp()) * 1000
