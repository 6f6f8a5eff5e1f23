"""Events, their ladders and their fees."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from core.errors import LadderError
from core.model.rule import Extreme, SettlementRule
from core.units import Unit


class Side(StrEnum):
    YES = "YES"
    NO = "NO"


class FeeRounding(StrEnum):
    """How a venue rounds the fee of one execution."""

    HALF_UP_5 = "half_up_5"  # to 0.00001 USD (Polymarket)
    UP_CENT = "up_cent"  # up to the next cent (Kalshi)


@dataclass(frozen=True, slots=True)
class Fees:
    """Taker fee of one execution: sum of size x rate x (price x (1 - price)) ** exponent, rounded once; a maker's likewise."""

    rate: float
    exponent: float = 1.0
    rounding: FeeRounding = FeeRounding.HALF_UP_5
    maker_rate: float = 0.0

    @property
    def of_maker(self) -> Fees:
        """Return what whoever rested is charged."""
        return replace(self, rate=self.maker_rate)


NO_FEES = Fees(0.0)


@dataclass(frozen=True, slots=True)
class Bracket:
    """Settlement integers `lower`..`upper`, both included; None is an open end."""

    lower: int | None
    upper: int | None
    label: str  # as the venue prints it
    market_id: str
    yes: str  # token
    no: str  # token

    def __post_init__(self) -> None:
        if self.lower is None and self.upper is None:
            raise LadderError(f"bracket {self.label!r} has no edge")
        if self.lower is not None and self.upper is not None and self.upper < self.lower:
            raise LadderError(f"bracket {self.label!r} ends at {self.upper} before it starts at {self.lower}")

    def holds(self, reading: int) -> bool:
        """Return whether `reading` settles this bracket as YES."""
        return (self.lower is None or reading >= self.lower) and (self.upper is None or reading <= self.upper)


def checked_ladder(brackets: tuple[Bracket, ...]) -> tuple[Bracket, ...]:
    """Return the brackets from cold to warm; LadderError unless they partition the integers."""
    if len(brackets) < 2:
        raise LadderError(f"a ladder needs two brackets at least, got {len(brackets)}")
    ladder = tuple(sorted(brackets, key=lambda b: (b.lower is not None, b.lower or 0)))
    if ladder[0].lower is not None or ladder[-1].upper is not None:
        raise LadderError(f"the ladder lacks a tail: it runs from {ladder[0].label!r} to {ladder[-1].label!r}")
    for cold, warm in itertools.pairwise(ladder):
        if cold.upper is None or warm.lower is None or warm.lower != cold.upper + 1:
            raise LadderError(f"brackets {cold.label!r} and {warm.label!r} leave a gap or overlap")
    return ladder


@dataclass(frozen=True, slots=True)
class Event:
    """Venue x station x event day x high or low: one rule, one ladder from cold to warm."""

    venue: str
    event_id: str
    title: str
    city: str
    event_day: date
    extreme: Extreme
    rule: SettlementRule
    ladder: tuple[Bracket, ...]
    fees: Fees
    tick_micro: int
    min_size_micro: int
    liquidity_usd: float | None
    opens_at: datetime | None
    closes_at: datetime | None  # None where the venue names no moment that can be trusted
    accepting: bool

    def winner_of(self, reading: int) -> Bracket:
        """Return the one bracket that holds `reading`."""
        return next(bracket for bracket in self.ladder if bracket.holds(reading))


@dataclass(frozen=True, slots=True)
class Instrument:
    """One token with all that limits, journal and faces need to know of it."""

    token: str
    venue: str
    event_id: str
    station: str
    city: str
    event_day: date
    extreme: Extreme
    bracket: int  # rank in the ladder, 0 is the coldest
    label: str
    lower: int | None
    upper: int | None
    unit: Unit
    side: Side
    market_id: str
    settlement_source: str
    region: str


def instruments_of(event: Event, region: str) -> tuple[Instrument, ...]:
    """Return the tokens of an event: brackets cold to warm, YES before NO in each."""
    return tuple(
        Instrument(
            token=token, venue=event.venue, event_id=event.event_id, station=event.rule.station, city=event.city,
            event_day=event.event_day, extreme=event.extreme, bracket=rank, label=bracket.label,
            lower=bracket.lower, upper=bracket.upper, unit=event.rule.unit, side=side,
            market_id=bracket.market_id, settlement_source=event.rule.source, region=region,
        )
        for rank, bracket in enumerate(event.ladder)
        for side, token in ((Side.YES, bracket.yes), (Side.NO, bracket.no))
    )  # fmt: skip
