"""Kalshi's fees: 0.07 x contracts x price x (1 - price), up to the next cent once per execution; a maker's where a series asks."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.errors import WireError
from core.model.event import FeeRounding, Fees
from venues.numbers import decimal_of, rate_of

TAKER_RATE, MAKER_RATE = 0.07, 0.0175
STANDARD = Fees(TAKER_RATE, 1.0, FeeRounding.UP_CENT)
_MAKER_RATES: Mapping[str, float] = {"quadratic": 0.0, "quadratic_with_maker_fees": MAKER_RATE}


def series_fees(series: Mapping[str, Any] | None = None) -> Fees:
    """Return the fees of a series: the standard ones times its `fee_multiplier`; WireError for another schedule."""
    if series is None:
        return STANDARD
    kind = str(series.get("fee_type") or "quadratic")
    if kind not in _MAKER_RATES:
        raise WireError(f"kalshi series {series.get('ticker')}: fee type {kind!r} is not known; do not trade its events")
    try:
        times = decimal_of(series.get("fee_multiplier", 1))
        taker, maker = (rate_of(str(Decimal(str(rate)) * times)) for rate in (TAKER_RATE, _MAKER_RATES[kind]))
    except ValueError as error:
        raise WireError(
            f"kalshi series {series.get('ticker')}: fee_multiplier is no number that can be ({error}); do not trade its events"
        ) from error
    return Fees(taker, 1.0, FeeRounding.UP_CENT, maker)
