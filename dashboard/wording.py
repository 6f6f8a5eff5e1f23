"""How numbers, times, brackets and reasons are said: one way everywhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal

MINUS = "−"
NONE = "—"
Number = float | Decimal
LABEL = re.compile(
    r"(?P<low>-?\d+)°?(?P<first>[CF]?)(?: ?(?:-|–|to) ?(?P<high>-?\d+))?°?(?P<unit>[CF]?)"
    r"(?:(?P<below> or below)|(?P<above> or (?:above|higher)))?"
)
LENGTHS = (("d", 86_400, 2), ("h", 3_600, 1), ("min", 60, 1))  # unit, seconds, least number of it

# Reason codes in a trader's words; a code that is not here is said as it is written.
REASONS: Mapping[str, str] = {
    "as_wanted": "as wanted",
    "on_target": "on target",
    "deciding": "deciding…",
    "rule_unreadable": "rule not understood",
    "listing_changed": "listing changed",
    "rule_inferred": "rule inferred, not read",
    "window_closed": "day over or orders closed",
    "forecast_missing": "no forecast of this day",
    "forecast_old": "forecast too old",
    "forecast_unconfirmed": "forecast not confirmed",
    "metar_old": "METAR too old",
    "book_missing": "no book",
    "book_old": "book too old",
    "liquidity_low": "too little liquidity",
    "no_opinion": "no distribution",
    "no_price": "no executable price",
    "print_old": "last print too old",
    "edge_small": "edge below minimum",
    "growth_small": "too little growth",
    "not_optimal": "others carry it better",
    "regime": "regime: no new risk",
    "earned_size": "probe size only",
    "fair_gap": "far from market: half size",
    "kill_switch": "kill switch: exits only",
    "day_loss": "day's loss limit",
    "week_loss": "week's loss limit",
    "bracket": "cap on one bracket",
    "city_day": "cap on city and day",
    "region_day": "cap on region and day",
    "desk_day": "cap on one event day",
    "open_risk": "cap on open risk",
    "source": "cap on one source",
    "market_cap": "dollar cap on bracket",
    "bankroll": "dollar cap on the day",
    "kelly_cap": "cap on one event",
    "min_cash": "cash reserve",
    "trade_ceiling": "cap on one trade",
    "book_age": "book too old",
    "print_age": "last print too old",
    "spread": "spread too wide",
    "depth": "too little depth",
    "estimated_cost": "would cost half the edge",
    "rounded_fee": "fee would eat the gain",
    "minimum_size": "below minimum order",
    "priced": "no executable price",
    "open_event": "closed to new positions",
}


def signed(value: Number, digits: int) -> str:
    """Return a number with a sign, a true minus; what rounds to nothing carries none."""
    text = f"{abs(value):,.{digits}f}"
    if not text.strip("0.,"):
        return text
    return f"{MINUS if value < 0 else '+'}{text}"


def trimmed(value: Number, digits: int) -> str:
    """Return a number with at most so many decimals."""
    text = f"{abs(value):,.{digits}f}"
    short = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{MINUS}{short}" if value < 0 and short != "0" else short


def percent(probability: float | None) -> str:
    """Return a probability in whole percent, one decimal below 5, `<0.1` below that; without the sign."""
    if probability is None:
        return NONE
    value = 100 * probability
    if 0 < value < 0.1:
        return "<0.1"
    return trimmed(value, 1) if round(value, 1) < 5 else f"{value:.0f}"


def cents(price: Number | None) -> str:
    """Return a price in cents, without the sign."""
    return NONE if price is None else trimmed(100 * price, 1)


def edge_cents(edge: float | None) -> str:
    """Return an edge in cents with its sign, after fees."""
    if edge is None:
        return NONE
    return f"{signed(100 * edge, 1).removesuffix('.0')}¢"


def edge_of(side: str, edge: float | None) -> str:
    """Return the better side with its edge: `NO +7.2¢`."""
    return NONE if edge is None or not side else f"{side} {edge_cents(edge)}"


def gain(amount: Number | None) -> str:
    """Return money that was made or lost: `−1.20 $`."""
    return NONE if amount is None else f"{signed(amount, 2)} $"


def dollars(amount: Number | None) -> str:
    """Return an amount of money without a sign: whole dollars from ten on."""
    if amount is None:
        return NONE
    return f"{amount:,.0f} $" if not -10 < amount < 10 else f"{trimmed(amount, 2)} $"


def shares(size: Number | None) -> str:
    """Return a number of shares; what is held is never 0."""
    if size is None:
        return NONE
    return trimmed(size, 2 if -1 < size < 1 else 1 if -10 < size < 10 else 0)


def bracket(lower: int | None, upper: int | None) -> str:
    """Return a bracket as the ladder shows it: `79–80`, `≥ 83`, `≤ 74`."""
    if lower is None or upper is None:
        return f"≤ {whole(upper)}" if lower is None else f"≥ {whole(lower)}"
    return whole(lower) if lower == upper else f"{whole(lower)}–{whole(upper)}"


def spelled(label: str, unit: str = "") -> str:
    """Return a venue's name of a bracket as the ladder writes it, with its unit; another text as it is."""
    found = LABEL.fullmatch(label.strip())
    if found is None:
        return label
    low, high = int(found["low"]), int(found["high"] or found["low"])
    side = (None, low) if found["below"] else (low, None) if found["above"] else (low, high)
    return f"{bracket(*side)}°{found['unit'] or found['first'] or unit}"


def whole(value: int | None) -> str:
    """Return a settlement reading."""
    return NONE if value is None else str(value).replace("-", MINUS)


def span(seconds: float) -> str:
    """Return a length of time in words."""
    for unit, length, least in LENGTHS:
        if seconds >= least * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


def ago(seconds: float | None) -> str:
    """Return an age in words."""
    return NONE if seconds is None else f"{span(seconds)} ago"


def until(seconds: float | None) -> str:
    """Return a countdown: `0:48`, `1:02:10`."""
    if seconds is None:
        return NONE
    left = max(0, int(seconds))
    minutes, rest = divmod(left, 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"


def freshness(age: float | None, limit: float) -> str:
    """Return the tone of an age: amber past half of its limit, red past it."""
    if age is None or age <= limit / 2:
        return ""
    return "amber" if age <= limit else "red"


def clock(at: datetime, zone: tzinfo, *, seconds: bool = True) -> str:
    """Return a time of day in a zone that the panel names once."""
    return f"{at.astimezone(zone):%H:%M:%S}" if seconds else f"{at.astimezone(zone):%H:%M}"


def day(on: date) -> str:
    """Return a date: `Mon 9 Dec`."""
    return f"{on:%a} {on.day} {on:%b}"


def offset(shift: timedelta) -> str:
    """Return a distance to UTC: `UTC−5`, `UTC+5:30`."""
    minutes = round(shift.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    tail = f":{rest:02d}" if rest else ""
    return f"UTC{MINUS if minutes < 0 else '+'}{hours}{tail}"


def extreme(kind: str) -> str:
    """Return what an event is about."""
    return "lowest temperature" if kind == "low" else "highest temperature"


def reason(code: str) -> str:
    """Return a reason code in words."""
    return REASONS.get(code, code.replace("_", " ")) or NONE
