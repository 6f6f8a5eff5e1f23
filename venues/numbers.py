"""Numbers of others, read in one way: exact, finite and no greater than anything is; ValueError says what is none."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from core.units import MICRO

MOST = 10**12  # more dollars or shares than there are; in millionths still a whole number of 64 bits
MOST_MIN_SIZE = 10_000  # shares
MOST_EXPONENT = 4
_DIGITS = 6  # of a millionth
_PLAIN = re.compile(r"(?=\.?\d)(\d{0,12})(?:\.(\d*))?", re.ASCII)  # documented examples drop the zero: ".48"
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_NONE = frozenset({"nan", "inf", "infinity"})
_MOST_POWER = 400  # of ten, beyond which nothing is calculated


class NoNumber(ValueError):
    """Infinite, not a number or beyond all numbers, in a place for one."""


def decimal_of(value: Any, most: int = MOST) -> Decimal:
    """Return a number that may be text; NoNumber for one that nothing can have, ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{str(value)[:60]!r} is no number")
    text = str(value)
    if text.lstrip("+-").lower() in _NONE:
        raise NoNumber(f"{text} is no number")
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:60]!r} is no number")
    power = text.lower().partition("e")[2].lstrip("+-").lstrip("0") or "0"
    if len(power) > len(str(_MOST_POWER)) or int(power) > _MOST_POWER or abs(number := Decimal(text)) > most:
        raise NoNumber(f"{text[:60]} is beyond all that is")
    return number if number else Decimal(0)


def micro_of(value: Any) -> int:
    """Return a price in dollars in millionths; ValueError where it is none or has finer parts."""
    plain = _PLAIN.fullmatch(value) if isinstance(value, str) else None
    if plain is not None and len(plain[2] or "") <= _DIGITS:
        return _of_digits(plain)
    scaled = decimal_of(value) * MICRO
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{value} has parts below one millionth")
    return int(scaled)


def size_of(value: Any) -> int:
    """Return a size in millionths of a share; what lies below one cannot be taken and is cut off."""
    plain = _PLAIN.fullmatch(value) if isinstance(value, str) else None
    return _of_digits(plain) if plain is not None else int(decimal_of(value) * MICRO)


def _of_digits(plain: re.Match[str]) -> int:
    # Thousands of levels in a cycle: whole numbers are exact too, and a third of the price of decimals.
    return int((plain[1] or "0") + (plain[2] or "")[:_DIGITS].ljust(_DIGITS, "0"))


def whole_of(value: Any, most: int = MOST) -> int:
    """Return a whole number; ValueError for anything else."""
    if type(value) is int and abs(value) <= most:
        return value
    number = decimal_of(value, most)
    if number != number.to_integral_value():
        raise ValueError(f"{value} is no whole number")
    return int(number)


def tick_of(value: Any) -> int:
    """Return a price step in millionths of a dollar; ValueError where prices cannot go by it."""
    tick = micro_of(value)
    if not 0 < tick < MICRO:
        raise ValueError(f"a price step of {value} is none")
    return tick


def min_size_of(value: Any) -> int:
    """Return the least size of an order in millionths of a share; ValueError where it is none."""
    size = micro_of(value)
    if not 0 < size <= MOST_MIN_SIZE * MICRO:
        raise ValueError(f"a least size of {value} is none")
    return size


def rate_of(value: Any) -> float:
    """Return the rate of a fee; ValueError where it would pay the taker, or take all of the share."""
    rate = decimal_of(value)
    if not 0 <= rate < 1:
        raise ValueError(f"a fee rate of {value} is none")
    return float(rate)


def exponent_of(value: Any) -> float:
    """Return the exponent of a fee's price (1 - price); ValueError for one that no schedule has."""
    exponent = decimal_of(value)
    if not 0 < exponent <= MOST_EXPONENT:
        raise ValueError(f"a fee exponent of {value} is none")
    return float(exponent)
