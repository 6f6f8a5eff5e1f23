"""What the exchange lists: events, their brackets, and ids that carry what they name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import blake2b

from venues.demo.noise import key
from venues.demo.stations import STATIONS, Station

BRACKETS = 11
YES, NO = 0, 1
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_DAYS = 1 << 23  # room for the ordinal of any date
_CHECK = 65_521  # a number that a made-up id is unlikely to be a multiple of


@dataclass(frozen=True, slots=True)
class Bracket:
    """Whole degrees from `low` to `high`, both included; None is open."""

    low: int | None
    high: int | None
    label: str
    slug: str


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """The highest temperature of one station on one civil day. Instants are milliseconds since 1970."""

    station: Station
    day: date
    number: int
    created: int
    accepting: int  # orders, from then on
    start: int  # of the civil day
    end: int
    frozen: int  # the first data point of the next day is public
    closed: int
    corrected: int | None  # when the published winner is replaced
    first_winner: int
    winner: int
    extreme: int  # highest reading in the public reports, whole degrees
    known_at: int  # when the day's maximum is settled in practice
    steps: tuple[tuple[int, int], ...]  # highest listed reading, from each instant on
    brackets: tuple[Bracket, ...]

    @property
    def slug(self) -> str:
        """Return the exchange's name for it."""
        month = MONTHS[self.day.month - 1]
        return f"highest-temperature-in-{self.station.token}-on-{month}-{self.day.day}-{self.day.year}"

    def is_closed(self, at: int) -> bool:
        """Say whether the exchange has resolved it."""
        return at >= self.closed

    def winner_at(self, at: int) -> int | None:
        """Return the bracket that is published as winner at `at`."""
        if at < self.closed:
            return None
        return self.winner if self.corrected is None or at >= self.corrected else self.first_winner

    def floor_at(self, at: int) -> int | None:
        """Return the highest reading listed by `at`."""
        reading = None
        for instant, value in self.steps:
            if instant > at:
                break
            reading = value
        return reading


def ladder(station: Station, centre: int) -> tuple[Bracket, ...]:
    """Return eleven brackets, coldest first, the middle one holding `centre`."""
    unit, letter, width = ("°F", "f", 2) if station.fahrenheit else ("°C", "c", 1)
    first = centre // width * width - 4 * width
    last = first + 9 * width
    out = [Bracket(None, first - 1, f"{first - 1}{unit} or below", f"{first - 1}{letter}orbelow")]
    for low in range(first, last, width):
        label = f"{low}-{low + 1}" if station.fahrenheit else f"{low}"
        out.append(Bracket(low, low + width - 1, label + unit, label + letter))
    return (*out, Bracket(last, None, f"{last}{unit} or higher", f"{last}{letter}orhigher"))


@lru_cache(maxsize=2_048)
def sealed(seed: int, kind: str, index: int, day: date, bracket: int, side: int) -> int:
    """Return the 256-bit id of a thing: the low 64 bits carry it under a mask made of the rest, so no register is needed."""
    code = (((index * _DAYS + day.toordinal()) * 16 + bracket) * 2 + side) * _CHECK
    head = blake2b(f"{seed} {kind} {code}".encode(), digest_size=24).digest()
    return int.from_bytes(head) << 64 | (code ^ _mask(seed, head))


@lru_cache(maxsize=2_048)
def opened(seed: int, kind: str, value: int) -> tuple[int, date, int, int] | None:
    """Return station index, day, bracket and side of an id; None if this world never made it."""
    if not 0 <= value < 1 << 256:
        return None
    code = (value & (1 << 64) - 1) ^ _mask(seed, (value >> 64).to_bytes(24))
    rest, check = divmod(code, _CHECK)
    rest, side = divmod(rest, 2)
    rest, bracket = divmod(rest, 16)
    index, ordinal = divmod(rest, _DAYS)
    if check or index >= len(STATIONS) or bracket >= BRACKETS or not 1 <= ordinal <= date.max.toordinal():
        return None
    found = (index, date.fromordinal(ordinal), bracket, side)
    return found if sealed(seed, kind, *found) == value else None


def _mask(seed: int, head: bytes) -> int:
    return key(seed, "mask", head.hex())
