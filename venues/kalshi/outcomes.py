"""How an event of Kalshi ended: exactly one bracket won once all are finalized, or it has not ended for us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from core.errors import LadderError, RuleError, WireError
from core.model.record import Kind, Record
from venues.kalshi.events import STATUSES, markets_of, strike_of
from venues.kalshi.rules import parse_strike
from venues.kalshi.wire import DECODER, SOURCE
from venues.numbers import decimal_of
from venues.sanity import instant_of, quarantine

FINAL = frozenset({"finalized", "settled"})
RESULTS: Mapping[str, bool | None] = {"yes": True, "no": False, "": None}


def parse_outcome(event: Mapping[str, Any], raw: bytes, received_at: datetime) -> Record:
    """Return the `outcomes` record of an event; WireError where statuses and results contradict each other."""
    markets, event_id = markets_of(event), str(event.get("event_ticker"))
    if strangers := [name for market in markets if not (name := str(market["ticker"])).startswith(f"{event_id}-")]:
        raise WireError(f"kalshi /events: {strangers[0]!r} is no market of {event_id}; the bytes are kept")
    verdicts = [_verdict(market) for market in markets]
    final = all(market.get("status") in FINAL for market in markets)
    if final and (None in verdicts or verdicts.count(True) != 1):
        raise WireError(
            f"kalshi /events: {event_id} is finalized with {verdicts.count(True)} winners and {verdicts.count(None)} brackets"
            " without a result; the bytes are kept"
        )
    won = [final and verdict is True for verdict in verdicts]
    value, faults = _value(markets, won) if final else (None, [])
    facts = {
        "final": final, "winner": str(markets[won.index(True)]["ticker"]) if final else "", "value": value,
        "accepting": any(_accepts(market, received_at) for market in markets), **quarantine(faults),
    }  # fmt: skip
    return Record(
        source=SOURCE, kind=Kind.OUTCOMES, subject=event_id, received_at=received_at, issued_at=None, raw=raw,
        rows={
            "market_id": np.array([str(market["ticker"]) for market in markets], dtype=object),
            "won": np.array(won, np.bool_),
        },
        facts=facts, decoder=DECODER,
    )  # fmt: skip


def settled_at(markets: Sequence[Mapping[str, Any]]) -> datetime | None:
    """Return when the last market of an event was settled, where the venue says so of each."""
    named = [instant_of(market.get("settlement_ts")) for market in markets]
    known = [at for at in named if at is not None]
    return max(known) if len(known) == len(named) else None


def _verdict(market: Mapping[str, Any]) -> bool | None:
    status, result = str(market.get("status") or ""), str(market.get("result") or "")
    if status not in STATUSES:
        raise WireError(f"kalshi /events: {market.get('ticker')} has the unknown status {status!r}; the bytes are kept")
    if result not in RESULTS:
        raise WireError(f"kalshi /events: {market.get('ticker')} ended {result!r}, neither yes nor no; the bytes are kept")
    return RESULTS[result]


def _accepts(market: Mapping[str, Any], received_at: datetime) -> bool:
    closes_at = instant_of(market.get("close_time"))
    return market.get("status") == "active" and (closes_at is None or closes_at > received_at)


def _value(markets: Sequence[Mapping[str, Any]], won: Sequence[bool]) -> tuple[float | None, list[str]]:
    """Return the settlement value; none where it contradicts the winner, whose word is money."""
    winner = markets[won.index(True)]
    name, told = winner["ticker"], sorted({number for market in markets if (number := _number(market)) is not None})
    if not told:
        return None, []
    if len(told) > 1:
        return None, [f"{name}: its event was settled at {' and '.join(f'{number:g}' for number in told)}"]
    lower, upper = _bracket(winner)
    if (lower is not None and told[0] < lower) or (upper is not None and told[0] > upper):
        return None, [f"{name}: it won, and the settlement value {told[0]:g} is not in it"]
    return told[0], []


def _number(market: Mapping[str, Any]) -> float | None:
    # Empty on losers of old events; one of 2024 explains itself in words.
    try:
        return float(decimal_of(str(market.get("expiration_value") or "").strip()))
    except ValueError:
        return None


def _bracket(market: Mapping[str, Any]) -> tuple[int | None, int | None]:
    try:
        return parse_strike(str(market.get("rules_primary") or ""))
    except (RuleError, LadderError):
        pass
    try:
        return strike_of(market)
    except LadderError:
        return None, None
