"""What no honest source says: checks of single values, each answering with why it cannot be, or nothing.

A row that fails one is left out of `rows` and named under `facts["quarantined"]`; its bytes stay in the raw.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from core.errors import WireError
from core.units import MICRO, MISSING, BoolArray, FloatArray, decimal_of, iso, micros, parse_iso, writable
from venues.numbers import whole_of

COLDEST_CELSIUS, WARMEST_CELSIUS = -90.0, 60.0  # the records at screen height are -89.2 and 56.7
MOST_AHEAD = timedelta(minutes=10)  # of our clock: two clocks differ, hours are a lie
OLDEST_REPORT = timedelta(hours=36)  # of a report, where no past day was asked for
FIRST_YEAR, LAST_YEAR = 2015, 2099  # of anything that a venue says: none of them is older
MOST_NAMED = 20  # sentences of one answer; the rest is counted
_END = micros(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC))


def temperature_fault(celsius: float) -> str:
    """Return why a temperature is none."""
    if not math.isfinite(celsius):
        return f"{celsius} is no number"
    return "" if COLDEST_CELSIUS <= celsius <= WARMEST_CELSIUS else f"{celsius:.1f} °C is no temperature on Earth"


def tenths_fault(*tenths: int) -> str:
    """Return why one of some temperatures in tenths of a degree is none; a missing one is no fault."""
    faults = (temperature_fault(value / 10) for value in tenths if value != MISSING)
    return next((fault for fault in faults if fault), "")


def believable(celsius: FloatArray) -> BoolArray:
    """Return, elementwise, whether a temperature can be one: finite, and possible on Earth."""
    mask: BoolArray = (celsius >= COLDEST_CELSIUS) & (celsius <= WARMEST_CELSIUS)  # NaN compares as False
    return mask


def year_fault(day: date) -> str:
    """Return why a day or an instant is of no event."""
    return "" if FIRST_YEAR <= day.year <= LAST_YEAR else f"the year {day.year} is none of an event"


def instant_of(value: object) -> datetime | None:
    """Return the instant that an ISO-8601 text names; None for none, for one that cannot be read and one of no sane year."""
    try:
        at = parse_iso(value) if isinstance(value, str) and value else None
    except ValueError:
        return None
    return at if at is not None and not year_fault(at) else None


def unread(listed: Mapping[str, object], *names: str) -> list[str]:
    """Return a sentence about each instant of a listing that stands there and is none."""
    return [
        f"{name} {str(listed[name])[:60]!r} is no instant"
        for name in names
        if listed.get(name) and not instant_of(listed[name])
    ]


def ticks_of(value: object, per_second: int) -> int:
    """Return whole seconds, milliseconds... since 1970; ValueError where they are none of a sane year."""
    ticks = whole_of(value, MICRO * MICRO * MICRO)
    if not 0 <= ticks * MICRO // per_second < _END:
        raise ValueError(f"{value} is no instant")
    return ticks


def future_fault(at: datetime, received_at: datetime) -> str:
    """Return why a report, price or issue cannot have been known when it was received."""
    return f"{iso(at)} was still to come at {iso(received_at)}" if at - received_at > MOST_AHEAD else ""


def age_fault(at: datetime, received_at: datetime, oldest: timedelta = OLDEST_REPORT) -> str:
    """Return why something is too old to be an answer to a question about now."""
    age = received_at - at
    return f"it is {age / timedelta(hours=1):.0f} hours old, {oldest / timedelta(hours=1):.0f} at most" if age > oldest else ""


def price_fault(price_micro: int) -> str:
    """Return why a price per share is none: 0 and 1 are certainties, nobody sells them."""
    return "" if 0 < price_micro < MICRO else f"a price of {decimal_of(price_micro)} is none"


def level_fault(price_micro: int, size_micro: int) -> str:
    """Return why a level of a book is none."""
    return price_fault(price_micro) or ("" if size_micro > 0 else f"a size of {decimal_of(size_micro)} is none")


def crossed_fault(bids_micro: Sequence[int], asks_micro: Sequence[int]) -> str:
    """Return how the bids and asks of one token cross, in any order; such a book stays data and is named."""
    if not bids_micro or not asks_micro or max(bids_micro) < min(asks_micro):
        return ""
    return f"the book crosses: bid {decimal_of(max(bids_micro))}, ask {decimal_of(min(asks_micro))}"


def refuse_repeated(what: str, values: Iterable[Hashable]) -> None:
    """Raise WireError when something that identifies stands twice: which of the two holds, nobody knows."""
    counted = Counter(values)
    if twice := [value for value, times in counted.items() if times > 1]:
        raise WireError(f"{what} {twice[0]} stands {counted[twice[0]]} times in one answer; the bytes are kept")


def report_fault(
    station: str, valid_at: datetime, tenths: Sequence[int], received_at: datetime, oldest: timedelta | None = OLDEST_REPORT
) -> str:
    """Return the sentence about a weather report that cannot be; `oldest` is None where a past day was asked for."""
    fault = tenths_fault(*tenths) or future_fault(valid_at, received_at)
    if not fault and oldest is not None:
        fault = age_fault(valid_at, received_at, oldest)
    return f"{station} {valid_at:%Y-%m-%dT%H:%MZ}: {fault}" if fault else ""


def quarantine(sentences: Sequence[str]) -> dict[str, list[str]]:
    """Return what to add to the facts of a record; nothing when nothing was left out."""
    if not sentences:
        return {}
    left = len(sentences) - MOST_NAMED
    return {"quarantined": [*map(writable, sentences[:MOST_NAMED]), *([f"and {left} more"] if left > 0 else [])]}


def believable_part(celsius: FloatArray, what: str) -> tuple[BoolArray, str]:
    """Return which temperatures of a column stay, and one sentence about all that do not."""
    mask = believable(celsius)
    bad = np.flatnonzero(~mask)
    if not len(bad):
        return mask, ""
    return mask, f"{what}: {len(bad)} of {len(mask)} values are left out, {temperature_fault(float(celsius[bad[0]]))}"


def number_or_none(value: object) -> float | None:
    """Return a JSON number, infinite where it is beyond all numbers; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf
