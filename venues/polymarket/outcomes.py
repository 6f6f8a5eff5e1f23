"""How a Gamma event ended: exactly one bracket won, or it has not ended for us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from core.errors import WireError
from core.model.record import Kind, Record
from venues.numbers import decimal_of
from venues.polymarket.gamma import json_list, markets_of
from venues.sanity import refuse_repeated

DECODER = 1
_WON, _LOST = Decimal("0.999"), Decimal("0.001")


def market_verdict(market: Mapping[str, Any]) -> bool | None:
    """Return whether YES won a market by Gamma's word; None while Gamma cannot be sure.

    A market counts when it is closed and no longer contradicts itself: one closed while it "accepts orders" and shows
    no resolution was recorded, so such a one must be asked for at the CLOB.
    """
    if market.get("closed") is not True:
        return None
    if market.get("umaResolutionStatus") != "resolved" and market.get("acceptingOrders") is not False:
        return None
    try:
        names = [str(name) for name in json_list(market.get("outcomes"), "outcomes")]
        prices = [decimal_of(price) for price in json_list(market.get("outcomePrices"), "outcomePrices")]
    except (WireError, ValueError):
        return None
    if sorted(names) != ["No", "Yes"] or len(prices) != 2 or not (max(prices) >= _WON and min(prices) <= _LOST):
        return None
    return prices[names.index("Yes")] >= _WON


def undecided(event: Mapping[str, Any]) -> list[str]:
    """Return the condition ids of closed markets whose winner Gamma does not name."""
    return [
        str(market["conditionId"])
        for market in markets_of(event)
        if market.get("closed") is True and market_verdict(market) is None and market.get("conditionId")
    ]


def parse_outcome(
    event: Mapping[str, Any], raw: bytes, received_at: datetime, clob: Mapping[str, bool | None] | None = None
) -> Record:
    """Return the `outcomes` record of an event; `clob` decides, by condition id, where Gamma does not."""
    markets: Sequence[Mapping[str, Any]] = markets_of(event)
    slug = event.get("slug")
    if not isinstance(slug, str) or not slug or not markets:
        raise WireError(f"polymarket /events: {slug!r} is no event with markets; the bytes are kept")
    refuse_repeated("polymarket /events: market", (str(market.get("id") or number) for number, market in enumerate(markets)))
    _refuse_other_labels(markets)
    verdicts = [_verdict(market, clob or {}) for market in markets]
    final = verdicts.count(True) == 1 and None not in verdicts
    winner = str(markets[verdicts.index(True)].get("id") or "") if final else ""
    facts = {
        "final": final, "winner": winner, "value": None,
        "accepting": any(market.get("acceptingOrders") is True and market.get("closed") is not True for market in markets),
    }  # fmt: skip
    return Record(
        source="polymarket", kind=Kind.OUTCOMES, subject=slug, received_at=received_at, issued_at=None, raw=raw,
        rows={
            "market_id": np.array([str(market.get("id") or "") for market in markets], dtype=object),
            "won": np.array([final and verdict is True for verdict in verdicts], np.bool_),
        },
        facts=facts, decoder=DECODER,
    )  # fmt: skip


def _refuse_other_labels(markets: Sequence[Mapping[str, Any]]) -> None:
    """WireError where a closed market ended in anything but Yes or No: dropped in silence, it would be a missing loss."""
    for market in markets:
        if market.get("closed") is True and market.get("outcomes"):
            names = sorted(map(str, json_list(market["outcomes"], "outcomes")))
            if names != ["No", "Yes"]:
                raise WireError(
                    f"polymarket /events: market {market.get('id')} ended in {', '.join(names)}, not in Yes or No; the bytes are kept"
                )


def _verdict(market: Mapping[str, Any], clob: Mapping[str, bool | None]) -> bool | None:
    said = market_verdict(market)
    return said if said is not None else clob.get(str(market.get("conditionId")))
