"""Stored columns as answers: NaN, 0 and "" become None, millionths become exact decimals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.metrics.results import average_micro
from core.units import Columns, Unit, decimal_of, instant, number

__all__ = [
    "day", "in_fahrenheit", "moment", "number", "pct", "price_of", "rows_of", "usd", "whole",
]  # fmt: skip

EARLIEST_MICROS = 1_000_000  # an instant column holds 0, or less, where there is none


def whole(value: Any) -> int | None:
    """Return an integer, None for NaN and for what is not there."""
    found = number(value)
    return None if found is None else int(found)


def moment(value: Any) -> datetime | None:
    """Return the instant of a column of microseconds, None where there is none."""
    found = number(value)
    return instant(int(value)) if found is not None and found >= EARLIEST_MICROS else None


def day(value: Any) -> date | None:
    """Return the date of an ISO text, None for ""."""
    return date.fromisoformat(str(value)) if value else None


def usd(micro_amount: Any) -> Decimal:
    """Return micro-dollars, or micro-shares, as an exact decimal."""
    return decimal_of(int(micro_amount))


def price_of(notional_micro: int, size_micro: int) -> Decimal:
    """Return the average price of an execution [USD per share], to a millionth, half up."""
    return decimal_of(average_micro(notional_micro, size_micro))


def pct(fraction: float | None) -> float | None:
    """Return a fraction times 100."""
    return None if fraction is None else round(100 * fraction, 6)


def in_fahrenheit(value: float | None, unit: str) -> float | None:
    """Return a temperature of `unit` in degrees Fahrenheit."""
    if value is None or unit == Unit.FAHRENHEIT:
        return None if value is None else float(value)
    return round(float(value) * 1.8 + 32.0, 6)


def rows_of(columns: Columns) -> Iterator[dict[str, Any]]:
    """Yield the rows of columns of equal length."""
    names = tuple(columns)
    for values in zip(*(columns[name].tolist() for name in names), strict=True):
        yield dict(zip(names, values, strict=True))
