"""Units and array types: micro-dollars, micro-shares, microseconds, degrees; and how a value is written down."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
InstantArray = NDArray[np.int64]  # microseconds since 1970-01-01T00:00Z
Columns = dict[str, NDArray[Any]]  # one-dimensional, equal lengths

MICRO = 1_000_000
MISSING = -32_768  # stands for "no value" in integer columns of tenths of a degree
RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "\n")  # a cell that begins so may be taken for a formula
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING = np.array(None, dtype=object)


class Unit(StrEnum):
    CELSIUS = "C"
    FAHRENHEIT = "F"


def micros(at: datetime) -> int:
    """Return microseconds since 1970 UTC; ValueError for a naive datetime."""
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone")
    return (at - _EPOCH) // timedelta(microseconds=1)


def instant(microseconds: int) -> datetime:
    """Return the aware UTC datetime of `microseconds` since 1970."""
    return _EPOCH + timedelta(microseconds=int(microseconds))


def iso(at: datetime) -> str:
    """Return ISO-8601 in UTC with a `Z`; fractions of a second only where there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def writable(text: str) -> str:
    """Return a text that can be written as UTF-8: half of a character, which JSON may spell, becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def inert(text: str) -> str:
    """Return a text as a cell that no spreadsheet runs: an apostrophe stands before what begins like a formula."""
    return f"'{text}" if text.startswith(RUN_BY_SPREADSHEETS) else text


def parse_iso(text: str) -> datetime:
    """Return the aware UTC instant of an ISO-8601 text; ValueError without an offset."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999 in UTC") from None


def micro(amount: Decimal | str | int) -> int:
    """Return a decimal amount (USD, shares, price) in millionths; ValueError when it has finer parts."""
    scaled = Decimal(amount) * MICRO
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} has parts below one millionth")
    return int(scaled)


def decimal_of(micro_amount: int) -> Decimal:
    """Return millionths as an exact decimal."""
    return Decimal(int(micro_amount)) / MICRO


def number(value: Any) -> float | None:
    """Return a float, None for NaN, for what is infinite and for what is not there."""
    if value is None:
        return None
    found = float(value)
    return found if math.isfinite(found) else None


def nullable(values: FloatArray | IntArray) -> list[Any]:
    """Return an array as lists of lists in its shape, None where `number` says so."""
    found: list[Any] = np.where(np.isfinite(values), values, _NOTHING).tolist()
    return found


def half_up(value: FloatArray) -> IntArray:
    """Round to whole numbers, halves toward warmer, also below zero: -0.5 -> 0, -1.5 -> -1."""
    return np.floor(np.asarray(value, np.float64) + 0.5).astype(np.int64)


def fahrenheit(celsius: FloatArray) -> FloatArray:
    """Convert degrees Celsius to Fahrenheit."""
    return np.asarray(celsius, np.float64) * 1.8 + 32.0


def celsius(fahrenheit_degrees: FloatArray) -> FloatArray:
    """Convert degrees Fahrenheit to Celsius."""
    return (np.asarray(fahrenheit_degrees, np.float64) - 32.0) / 1.8


def total(values: FloatArray) -> FloatArray:
    """Sum along the last axis so that padding zeros do not change a bit.

    `.sum(-1)` adds in an order that depends on the length of the row; `cumsum` adds left to right.
    """
    added: FloatArray = np.cumsum(values, axis=-1)[..., -1]
    return added
