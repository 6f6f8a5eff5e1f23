"""Leaving a position: only where the desk wants less, and the bid pays more than the position is worth.

No multiplier, cap, regime or tripwire comes here: they never sell, and they never stand in the way of a sale. A sale of
everything (`governor.flatten`) wants nothing and takes any bid, but still none that is old, crossed or too thin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from agents.transmission.guard.depth import depth_limit
from agents.transmission.limits import Cuts, Limit, pass_or_refuse
from agents.transmission.offers import Offer, bids_of
from agents.transmission.standing import Standing
from core.model.quotes import Quotes
from core.settings import Settings
from core.units import MICRO, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Sale:
    """Sales of one cycle, (n_runs, n); `best_bid` is NaN where nothing can be sold."""

    standing: Standing
    bids: Offer
    age: FloatArray  # of what the price is read from [s]
    sane: FloatArray
    oldest: FloatArray
    size: IntArray


def lowest_price(standing: Standing, best_bid: FloatArray, settings: Settings) -> FloatArray:
    """Return the lowest price of an exit, fee apart: fair value, the fee, and the gain that makes it worth while."""
    own = standing.own
    fee = np.maximum(best_bid - standing.targets.sell_price[own], 0.0)
    lowest = standing.targets.fair[own] + settings.weather.exit_edge_min + fee
    all_out = standing.account.governor.flatten > 0
    if not all_out.any():
        return lowest
    return np.where(all_out[:, None], standing.targets.tick_micro[own] / MICRO, lowest)


def exit_edge(sale: Sale, settings: Settings) -> Limit:
    """Refuse unless the bid less fee is above fair value by `exit_edge_min` [USD per share]; a sale of everything takes any bid."""
    targets, own = sale.standing.targets, sale.standing.own
    gain = targets.sell_price[own] - targets.fair[own]
    all_out = (sale.standing.account.governor.flatten > 0)[:, None] & ~np.isnan(targets.sell_price[own])
    reached = (gain >= settings.weather.exit_edge_min - 1e-9) | all_out
    reached &= sale.bids.best * MICRO >= sale.bids.limit - 0.5
    return Limit(gain, np.full_like(gain, settings.weather.exit_edge_min), pass_or_refuse(reached))


def bid_sanity(sale: Sale, settings: Settings) -> Limit:
    """Refuse a book that is crossed or full of placeholders."""
    return Limit(sale.sane, np.ones_like(sale.sane), pass_or_refuse(sale.sane > 0))


def bid_age(sale: Sale, settings: Settings) -> Limit:
    """Refuse a price that nobody may still pay [s]."""
    return Limit(sale.age, sale.oldest, pass_or_refuse(sale.age <= sale.oldest))


def bid_depth(sale: Sale, settings: Settings) -> Limit:
    """Shrink to `max_depth_share` of the bids within the limit price, less what we took from them."""
    return depth_limit(sale.bids, sale.size, settings)


EXIT_CHECKS: Mapping[str, Callable[[Sale, Settings], Limit]] = {
    "exit_edge": exit_edge,
    "book_sanity": bid_sanity,
    "book_age": bid_age,
    "depth": bid_depth,
}


def exits(standing: Standing, quotes: Quotes, row: int, settings: Settings) -> tuple[Cuts, Offer]:
    """Return what is left of the sales that the desk wants, and the bids that they meet."""
    own = standing.own
    tokens = {standing.axis.instruments[int(column)].token: i for i, column in enumerate(own)}
    prints = quotes.prints_only[row, own]
    best = np.where(prints, quotes.print_price[row, own] - settings.weather.print_slip, quotes.bid_price[row, own, 0])
    bids = bids_of(
        quotes, row, own, standing.account, tokens, lowest=lowest_price(standing, best, settings),
        tick_micro=standing.targets.tick_micro[own], settings=settings,
    )  # fmt: skip
    wanted = np.where(standing.leaving, standing.held - standing.selling - standing.wanted, 0)
    cuts = Cuts(wanted // standing.lot * standing.lot)
    crossed = quotes.bid_price[row, own, 0] >= quotes.ask_price[row, own, 0]
    age = np.where(prints, quotes.print_age[row, own], quotes.age[row, own])
    oldest = np.where(prints, 60.0 * settings.weather.print_age_minutes, settings.weather.book_age_seconds)
    sane = (prints | (quotes.sane[row, own] & ~crossed)).astype(np.float64)
    for name, check in EXIT_CHECKS.items():
        cuts.apply(name, check(Sale(standing, bids, age, sane, oldest, cuts.size), settings))
    return cuts, bids
