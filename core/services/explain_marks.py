"""What the token of a trade could be sold for since: from the looks of the desk, or from the records where it kept none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np

from core.model.record import Kind
from core.services.shelves import Shelves
from core.services.trade_rows import Trade
from core.services.values import number
from core.store.archive import View
from core.units import MICRO, Columns, instant, micros

MOST_MARKS = 200
LOOKS, RECORDS, PRINTS = "evaluations", "recorded books", "recorded prints"
Series = tuple[Sequence[datetime], Sequence[float | None]]
NOTHING: Series = ((), ())


@dataclass(frozen=True, slots=True)
class Marks:
    """The best bid of the token at each look since; at most `MOST_MARKS` of `n`. `value` ends when the position does."""

    n: int
    at: tuple[datetime, ...]
    bid: tuple[float | None, ...]
    value: tuple[Decimal | None, ...] = ()  # of the shares of this trade at that bid [USD]
    source: str = ""
    mae: float | None = None  # worst and best that the trade stood at, its end included [R]
    mfe: float | None = None


def marks_of(shelves: Shelves, trade: Trade) -> Marks:
    """Return the marks of a trade since it was entered."""
    for source, found in (
        (LOOKS, _looks(shelves, trade)),
        (RECORDS, _books(shelves, trade)),
        (PRINTS, _prints(shelves, trade)),
    ):
        if any(bid is not None for bid in found[1]):
            return _marks(trade, *found, source)
    at, bid = _looks(shelves, trade)
    return _marks(trade, at, bid, LOOKS if at else "")


def _marks(trade: Trade, at: Sequence[datetime], bid: Sequence[float | None], source: str) -> Marks:
    kept = range(len(at))[:: -max(1, -(-len(at) // MOST_MARKS))][::-1]  # the newest is always shown
    end = trade.timestamp_exit
    open_bids = [one for moment, one in zip(at, bid, strict=True) if one is not None and (end is None or moment <= end)]
    stood = [_in_r(trade, one) for one in open_bids] if trade.max_loss_usd else []
    stood += [trade.result_r] if stood and trade.result_r is not None and trade.outcome != "closed" else []
    return Marks(
        len(at), tuple(at[i] for i in kept), tuple(bid[i] for i in kept),
        tuple(_worth(trade, at[i], bid[i]) for i in kept), source,
        round(min(stood), 6) if stood else None, round(max(stood), 6) if stood else None,
    )  # fmt: skip


def _worth(trade: Trade, at: datetime, bid: float | None) -> Decimal | None:
    if bid is None or (trade.timestamp_exit is not None and at > trade.timestamp_exit):
        return None
    return (trade.shares * Decimal(repr(bid))).quantize(Decimal("0.000001"))


def _in_r(trade: Trade, bid: float) -> float:
    fee = trade.fee_usd if trade.action == "buy" else Decimal(0)
    cost = trade.max_loss_usd - fee
    return float((trade.shares * Decimal(repr(bid)) - cost - fee) / trade.max_loss_usd)


def _entered(trade: Trade) -> datetime:
    return trade.timestamp_entry or trade.timestamp


def _looks(shelves: Shelves, trade: Trade) -> Series:
    store = shelves.evaluations()
    if store is None:
        return NOTHING
    _, columns = store.history(trade.event_id, trade.timestamp)
    own = np.flatnonzero(np.asarray(columns["market_id"] == trade.market_id, bool))
    bids = columns["yes_bid" if trade.side == "YES" else "no_bid"]
    return [instant(int(columns["scheduled_at"][i])) for i in own], [number(bids[i]) for i in own]


def _view(shelves: Shelves) -> View | None:
    archive = shelves.archive()
    return archive.as_of([shelves.present().now]) if archive else None


def _books(shelves: Shelves, trade: Trade) -> Series:
    view = _view(shelves)
    if view is None:
        return NOTHING
    stack = view.span(Kind.BOOKS, trade.event_id, _entered(trade), shelves.present().now)
    columns = stack.columns
    if not len(stack) or "token" not in columns:
        return NOTHING
    rows = np.asarray((columns["token"] == trade.token_id) & (columns["side"] == "bid"), bool)
    best = np.maximum.reduceat(np.where(np.r_[rows, False], np.r_[columns["price_micro"], 0], 0), stack.offsets[:-1])
    empty = stack.offsets[1:] == stack.offsets[:-1]
    bids = [None if gone or not price else price / MICRO for price, gone in zip(best.tolist(), empty.tolist(), strict=True)]
    return [instant(int(at)) for at in stack.received_at], bids


def _prints(shelves: Shelves, trade: Trade) -> Series:
    """Return the prints of the market as the desk marks them: the price of our side less the slip."""
    view = _view(shelves)
    if view is None:
        return NOTHING
    stack = view.span(Kind.PRINTS, trade.event_id, _entered(trade), shelves.present().now)
    columns: Columns = stack.columns
    if not len(stack) or "market_id" not in columns:
        return NOTHING
    mine = (columns["market_id"] == trade.market_id) & (columns["valid_at"] > micros(_entered(trade)))
    at, first = np.unique(columns["valid_at"][mine], return_index=True)
    yes = columns["yes_price_micro"][mine][first] / MICRO
    price = yes if trade.side == "YES" else 1.0 - yes
    bids = np.maximum(price - shelves.settings.weather.print_slip, 0.0)
    return [instant(int(one)) for one in at], [round(one, 6) for one in bids.tolist()]
