"""What the exchange lists: events, their brackets, and ids that carry what they name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import blake2b

from venues.demo.contracts import CONTRACTS, KALSHI, Contract
from venues.demo.noise import key
from venues.demo.stations import Station
from venues.demo.truth import Course

BRACKETS = 11  # at most; Kalshi lists six
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
    """The highest or lowest temperature of one contract on one of its days. Instants are milliseconds since 1970."""

    contract: Contract
    day: date
    number: int
    created: int
    accepting: int  # orders, from then on
    start: int  # of its day
    end: int
    frozen: int  # what it settles on is public
    closed: int  # no more orders
    settled: int  # a winner is published
    corrected: int | None  # when the published winner is replaced
    final: int  # nothing changes any more
    first_winner: int
    winner: int
    course: Course
    brackets: tuple[Bracket, ...]

    @property
    def station(self) -> Station:
        """Return where it is measured."""
        return self.contract.station

    @property
    def extreme(self) -> int:
        """Return what the day came to by its public source, in whole degrees."""
        return self.course.extreme

    @property
    def known_at(self) -> int:
        """Return when the day's extreme is settled in practice."""
        return self.course.known_at

    @property
    def slug(self) -> str:
        """Return the exchange's name for it."""
        series, day = self.contract.series, self.day
        if self.contract.venue == KALSHI:
            return f"{series}-{day:%y}{MONTHS[day.month - 1][:3].upper()}{day:%d}"
        return f"{series}-on-{MONTHS[day.month - 1]}-{day.day}-{day.year}"

    def is_closed(self, at: int) -> bool:
        """Say whether orders are no longer taken."""
        return at >= self.closed

    def winner_at(self, at: int) -> int | None:
        """Return the bracket that is published as winner at `at`."""
        if at < self.settled:
            return None
        return self.winner if self.corrected is None or at >= self.corrected else self.first_winner

    def floor_at(self, at: int) -> int | None:
        """Return the highest (of a low: the lowest) reading that is public by `at`."""
        reading = None
        for instant, value in self.course.steps:
            if instant > at:
                break
            reading = value
        return reading

    def dead_at(self, at: int) -> list[bool]:
        """Say of each bracket whether what is public by `at` rules it out."""
        so_far = self.floor_at(at)
        if so_far is None:
            return [False] * len(self.brackets)
        if self.contract.low:
            return [bracket.low is not None and bracket.low > so_far for bracket in self.brackets]
        return [bracket.high is not None and bracket.high < so_far for bracket in self.brackets]

    def place_of(self, reading: int) -> int:
        """Return the bracket that holds a reading."""
        return next(i for i, bracket in enumerate(self.brackets) if bracket.high is None or reading <= bracket.high)


def ladder(contract: Contract, centre: int) -> tuple[Bracket, ...]:
    """Return the brackets, coldest first, around `centre`: eleven at Polymarket, six at Kalshi."""
    if contract.venue == KALSHI:
        return _strikes(centre - 3)
    unit, letter, width = ("°F", "f", 2) if contract.fahrenheit else ("°C", "c", 1)
    first = centre // width * width - 4 * width
    last = first + 9 * width
    out = [Bracket(None, first - 1, f"{first - 1}{unit} or below", f"{first - 1}{letter}orbelow")]
    for low in range(first, last, width):
        label = f"{low}-{low + 1}" if contract.fahrenheit else f"{low}"
        out.append(Bracket(low, low + width - 1, label + unit, label + letter))
    return (*out, Bracket(last, None, f"{last}{unit} or higher", f"{last}{letter}orhigher"))


def _strikes(base: int) -> tuple[Bracket, ...]:
    # a T strike is exclusive: T90 above pays from 91 on, T83 below up to 82
    inner = [Bracket(low, low + 1, f"{low}° to {low + 1}°", f"B{low + 0.5:g}") for low in range(base, base + 8, 2)]
    below = Bracket(None, base - 1, f"{base - 1}° or below", f"T{base}")
    return (below, *inner, Bracket(base + 8, None, f"{base + 8}° or above", f"T{base + 7}"))


@lru_cache(maxsize=4_096)
def sealed(seed: int, kind: str, index: int, day: date, bracket: int, side: int) -> int:
    """Return the 256-bit id of a thing: the low 64 bits carry it under a mask made of the rest, so no register is needed."""
    code = (((index * _DAYS + day.toordinal()) * 16 + bracket) * 2 + side) * _CHECK
    head = blake2b(f"{seed} {kind} {code}".encode(), digest_size=24).digest()
    return int.from_bytes(head) << 64 | (code ^ _mask(seed, head))


@lru_cache(maxsize=4_096)
def opened(seed: int, kind: str, value: int) -> tuple[int, date, int, int] | None:
    """Return contract index, day, bracket and side of an id; None if this world never made it."""
    if not 0 <= value < 1 << 256:
        return None
    code = (value & (1 << 64) - 1) ^ _mask(seed, (value >> 64).to_bytes(24))
    rest, check = divmod(code, _CHECK)
    rest, side = divmod(rest, 2)
    rest, bracket = divmod(rest, 16)
    index, ordinal = divmod(rest, _DAYS)
    if check or index >= len(CONTRACTS) or bracket >= BRACKETS or not 1 <= ordinal <= date.max.toordinal():
        return None
    found = (index, date.fromordinal(ordinal), bracket, side)
    return found if sealed(seed, kind, *found) == value else None


def _mask(seed: int, head: bytes) -> int:
    return key(seed, "mask", head.hex())
