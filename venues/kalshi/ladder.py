"""Kalshi's strikes: `B74.5` is {74, 75}; a `T` strike is exclusive, and only the text says on which side."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.errors import LadderError, RuleError
from core.model.rule import Extreme

_TICKER = re.compile(
    r"(?P<series>(?:KX)?(?:HIGH|LOW)[A-Z]+)-(?P<day>\d{2}[A-Z]{3}\d{2})(?:-(?P<kind>[BT])(?P<strike>-?\d{1,3}(?:\.5)?))?",
    re.ASCII,
)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True, slots=True)
class Ticker:
    """What a ticker names: never the side of a `T` strike."""

    series: str
    event_day: date
    kind: str  # "B" between, "T" tail, "" an event without a strike
    strike: Decimal | None

    @property
    def extreme(self) -> Extreme:
        return Extreme.LOW if self.series.removeprefix("KX").startswith("LOW") else Extreme.HIGH


def parse_ticker(text: str) -> Ticker:
    """Return the parts of an event or market ticker; RuleError when it is none of a temperature series."""
    found = _TICKER.fullmatch(text)
    if found is None:
        raise RuleError(f"kalshi ticker {text!r} is not of a temperature series; do not trade the event")
    year, month, day = found["day"][:2], found["day"][2:5], found["day"][5:]
    try:
        event_day = date(2000 + int(year), _MONTHS.index(month) + 1, int(day))
    except ValueError:
        raise RuleError(f"kalshi ticker {text!r} names no date; do not trade the event") from None
    return Ticker(found["series"], event_day, found["kind"] or "", Decimal(found["strike"]) if found["strike"] else None)


def bracket_of(kind: str, floor: int | None, cap: int | None) -> tuple[int | None, int | None]:
    """Return lower and upper settlement integer, both included, of a strike.

    `less` than 95 pays at 94 and below, `greater` than 90 at 91 and above, `between` 74 and 75 at both.
    """
    if kind == "less" and cap is not None:
        return None, cap - 1
    if kind == "greater" and floor is not None:
        return floor + 1, None
    if kind == "between" and floor is not None and cap is not None and floor <= cap:
        return floor, cap
    raise LadderError(f"kalshi strike {kind!r} with floor {floor} and cap {cap} is no bracket; do not trade the event")


def check_strike(ticker: Ticker, lower: int | None, upper: int | None) -> None:
    """Raise RuleError unless the bracket of the text is the one that the ticker names."""
    if ticker.kind == "B" and (lower is None or upper is None or ticker.strike != Decimal(lower + upper) / 2):
        raise RuleError(f"ticker strike B{ticker.strike} is not the bracket {lower} to {upper} of the text")
    if ticker.kind == "T":
        edge = upper + 1 if lower is None and upper is not None else lower - 1 if upper is None and lower is not None else None
        if edge is None or ticker.strike != edge:
            raise RuleError(f"ticker strike T{ticker.strike} is not the bracket {lower} to {upper} of the text")
