"""Kalshi's taker fee: 0.07 x contracts x price x (1 - price), up to the next cent once per execution."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.errors import WireError
from core.model.event import FeeRounding, Fees
from venues.numbers import decimal_of, rate_of

TAKER_RATE = 0.07
STANDARD = Fees(TAKER_RATE, 1.0, FeeRounding.UP_CENT)
_QUADRATIC = ("quadratic", "quadratic_with_maker_fees")


def taker_fees(series: Mapping[str, Any] | None = None) -> Fees:
    """Return the fee of a series: the standard one times its `fee_multiplier`; WireError for another schedule."""
    if series is None:
        return STANDARD
    kind = str(series.get("fee_type") or "quadratic")
    if kind not in _QUADRATIC:
        raise WireError(f"kalshi series {series.get('ticker')}: fee type {kind!r} is not known; do not trade its events")
    try:
        rate = rate_of(str(Decimal(str(TAKER_RATE)) * decimal_of(series.get("fee_multiplier", 1))))
    except ValueError as error:
        raise WireError(
            f"kalshi series {series.get('ticker')}: fee_multiplier is no number that can be ({error}); do not trade its events"
        ) from error
    return Fees(rate, 1.0, FeeRounding.UP_CENT)
