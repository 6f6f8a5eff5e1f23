"""Leaving a position: only where the desk wants less, and the bid pays more than the position is worth to the account.

What a share is worth is its marginal value to the account: a holding that has become too large goes for less than fair
value. The sizing states the price from which it sells, the gain of an exit in it, so that both ask the same. Where it states
none, fair value and that gain count.

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
from core.prices import fee_per_share
from core.settings import Settings
from core.units import MICRO, FloatArray, IntArray

FEE_STEPS = 6  # a fee hardly changes with its price: each takes a digit and more off the error
_NOISE = 1e-9


@dataclass(frozen=True, slots=True)
class Sale:
    """Sales of one cycle, (n_runs, n); `best_bid` is NaN where nothing can be sold."""

    standing: Standing
    bids: Offer
    age: FloatArray  # of what the price is read from [s]
    sane: FloatArray
    oldest: FloatArray
    size: IntArray


def least_proceeds(standing: Standing, settings: Settings) -> FloatArray:
    """Return what a share must fetch, fee paid [USD per share], (n_runs, n): what the sizing says, else above fair value."""
    kept_below = standing.targets.kept_below[:, standing.own]
    above_fair = standing.targets.fair[standing.own] + settings.weather.exit_edge_min
    return np.where(np.isnan(kept_below), above_fair, kept_below)


def lowest_price(standing: Standing, settings: Settings) -> FloatArray:
    """Return the lowest price of an exit, fee apart, (n_runs, n): it leaves the least proceeds after its own fee."""
    least = least_proceeds(standing, settings)
    fees = [standing.targets.fees[int(column)] for column in standing.own]
    lowest = least.copy()
    for each in dict.fromkeys(fees):
        mine = np.array([one == each for one in fees])
        for _ in range(FEE_STEPS):
            lowest[:, mine] = least[:, mine] + fee_per_share(np.clip(lowest[:, mine], 0.0, 1.0), each)
    all_out, tick = standing.account.governor.flatten > 0, standing.targets.tick_micro[standing.own] / MICRO
    return np.where(all_out[:, None], tick, np.maximum(lowest, tick))


def exit_edge(sale: Sale, settings: Settings) -> Limit:
    """Refuse unless the bid less fee reaches the least proceeds [USD per share]; a sale of everything takes any bid."""
    proceeds, least = sale.standing.targets.sell_price[sale.standing.own], least_proceeds(sale.standing, settings)
    all_out = (sale.standing.account.governor.flatten > 0)[:, None] & ~np.isnan(proceeds)
    reached = (proceeds >= least - _NOISE) | all_out
    reached &= sale.bids.best * MICRO >= sale.bids.limit - 0.5
    return Limit(proceeds, least, pass_or_refuse(reached))


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
    bids = bids_of(
        quotes, row, own, standing.account, tokens, lowest=lowest_price(standing, settings),
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
