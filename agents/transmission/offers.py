"""The side of the books that an order would meet, in exact numbers, with what we took of it already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from core.model.account import Account, Depth
from core.model.event import Instrument
from core.model.quotes import Quotes
from core.prices import walk
from core.settings import Settings
from core.units import MICRO, BoolArray, FloatArray, IntArray

ASKS, BIDS = 1, -1


@dataclass(frozen=True, slots=True)
class Offer:
    """Levels best first (n, n_levels), what is left of them for each run, and the worst price that an order accepts.

    Where only prints exist there is one level without an end: the last print, worse by the slip.
    """

    side: int
    price: IntArray  # (n, n_levels) [micro-USD per share]
    shown: IntArray  # (n, n_levels) [micro-shares]
    taken: IntArray  # (n_runs, n, n_levels)
    best: FloatArray  # (n,) [USD per share], NaN: none
    mid: FloatArray  # (n,) NaN: none
    limit: IntArray  # (n,) or (n_runs, n) [micro-USD per share], 0: none
    prints: BoolArray  # (n,)

    @property
    def within(self) -> BoolArray:
        """Return the levels that the limit price reaches."""
        limit = self.limit[..., None]
        return (self.price <= limit) if self.side == ASKS else (self.price >= limit)

    def shown_within(self) -> IntArray:
        """Return the size shown within the limit price, with the shape of the limit."""
        shown: IntArray = np.where(self.within, self.shown, 0).sum(axis=-1, dtype=np.int64)
        return shown

    def taken_within(self) -> IntArray:
        """Return what we took of it already, (n_runs, n)."""
        taken: IntArray = np.where(self.within, self.taken, 0).sum(axis=-1, dtype=np.int64)
        return taken

    def held_to(self, times: FloatArray, tick_micro: IntArray) -> Offer:
        """Return the offer with a limit price of no more than so many times the best price, (n_runs, n)."""
        best = np.where(np.isnan(self.best), 0.0, np.rint(self.best * MICRO))
        ticks = np.floor(best * np.minimum(times, MICRO) / tick_micro).astype(np.int64)
        return replace(self, limit=np.minimum(self.limit, ticks * tick_micro))

    def average(self, size: IntArray) -> IntArray:
        """Return the average price of a size [micro-USD per share], (n_runs, n); 0 where nothing can be had."""
        left = np.maximum(self.shown - self.taken, 0)
        got = walk(self.price, left, self.side * size, np.broadcast_to(self.limit, size.shape))
        paid = (got * self.price).sum(axis=-1, dtype=np.int64)
        average: IntArray = paid // np.maximum(got.sum(axis=-1, dtype=np.int64), 1)
        return average


def asks_of(
    quotes: Quotes, row: int, columns: IntArray, account: Account, tokens: Mapping[str, int],
    *, highest: FloatArray, tick_micro: IntArray, settings: Settings,
) -> Offer:  # fmt: skip
    """Return the asks; an order never pays more than `highest`, nor more than a few ticks beyond the best ask."""
    price, size, prints = _side(quotes, row, columns, settings.weather.print_slip, ASKS)
    best = price[:, 0]
    chased = best + settings.weather.chase_ticks * tick_micro / MICRO
    limit = ticks_below(np.minimum(highest, chased), tick_micro)
    return _offer(ASKS, price, size, best, _mid(quotes, row, columns), limit, prints, account, tokens)


def bids_of(
    quotes: Quotes, row: int, columns: IntArray, account: Account, tokens: Mapping[str, int],
    *, lowest: FloatArray, tick_micro: IntArray, settings: Settings,
) -> Offer:  # fmt: skip
    """Return the bids; an order never takes less than `lowest`, nor less than a few ticks below the best bid."""
    price, size, prints = _side(quotes, row, columns, -settings.weather.print_slip, BIDS)
    best = price[:, 0]
    chased = best - settings.weather.chase_ticks * tick_micro / MICRO
    limit = -ticks_below(-np.maximum(lowest, chased), tick_micro)
    return _offer(BIDS, price, size, best, _mid(quotes, row, columns), limit, prints, account, tokens)


def _side(quotes: Quotes, row: int, columns: IntArray, slip: float, side: int) -> tuple[FloatArray, FloatArray, BoolArray]:
    levels, sizes = (quotes.ask_price, quotes.ask_size) if side == ASKS else (quotes.bid_price, quotes.bid_size)
    price, size, prints = levels[row, columns], sizes[row, columns], quotes.prints_only[row, columns]
    if not prints.any():
        return price, size, prints
    price, size = price.copy(), size.copy()
    price[prints], size[prints] = np.nan, 0.0
    price[prints, 0] = np.clip(quotes.print_price[row, columns][prints] + slip, 0.0, 1.0)
    size[prints, 0] = 1e9
    return price, size, prints


def _mid(quotes: Quotes, row: int, columns: IntArray) -> FloatArray:
    """Return the middle of best bid and ask; no bid is a bid of nothing; where only prints exist, the last print."""
    bid, ask = quotes.bid_price[row, columns, 0], quotes.ask_price[row, columns, 0]
    mid: FloatArray = (np.where(np.isnan(bid), 0.0, bid) + ask) / 2.0
    return np.where(quotes.prints_only[row, columns], quotes.print_price[row, columns], mid)


def ticks_below(price: FloatArray, tick_micro: IntArray) -> IntArray:
    """Return the tick at or below each price; a hair of rounding noise does not cost a tick. NaN becomes 0."""
    exact = np.rint(np.where(np.isnan(price), 0.0, price) * MICRO)
    ticks: IntArray = np.floor(exact / tick_micro).astype(np.int64) * tick_micro
    return ticks


def _offer(
    side: int, price: FloatArray, size: FloatArray, best: FloatArray, mid: FloatArray, limit: IntArray, prints: BoolArray,
    account: Account, tokens: Mapping[str, int],
) -> Offer:  # fmt: skip
    missing = np.isnan(price)
    beyond = 2 * MICRO if side == ASKS else -MICRO
    exact = np.where(missing, beyond, np.rint(np.where(missing, 0.0, price) * MICRO).astype(np.int64))
    shown = np.rint(np.where(missing, 0.0, size) * MICRO).astype(np.int64)
    siblings = siblings_of(account.instruments) if account.taken else {}
    taken = taken_of(account.taken, account.n_runs, exact, shown, tokens, side, siblings)
    return Offer(side, exact, shown, taken, best, mid, limit, prints)


def taken_of(
    depth: Depth, n_runs: int, price: IntArray, shown: IntArray, tokens: Mapping[str, int], side: int,
    siblings: Mapping[str, str] = MappingProxyType({}),
) -> IntArray:  # fmt: skip
    """Return what each run took of levels that still show what they showed then, (n_runs, n, n_levels).

    An offer of YES at p is a bid for NO at 1 - p: `siblings` names the other token of each bracket.
    """
    taken = np.zeros((n_runs, *price.shape), np.int64)
    for (run, token, at), levels in depth.items():
        own = at == side
        column = tokens.get(token if own else siblings.get(token, ""))
        if column is None:
            continue
        known = {
            (level.price_micro if own else MICRO - level.price_micro, level.shown_micro): level.taken_micro for level in levels
        }
        met = zip(price[column].tolist(), shown[column].tolist(), strict=True)
        taken[run, column] += np.array([known.get(level, 0) for level in met], np.int64)
    return np.minimum(taken, shown)


def siblings_of(instruments: Sequence[Instrument]) -> dict[str, str]:
    """Return the other token of each bracket of which both are there."""
    pairs: dict[tuple[str, str], list[str]] = {}
    for instrument in instruments:
        pairs.setdefault((instrument.event_id, instrument.market_id), []).append(instrument.token)
    return {token: other for pair in pairs.values() if len(pair) == 2 for token, other in (pair, pair[::-1])}
