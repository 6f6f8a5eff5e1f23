"""What an account may buy and sell of the events of one look: every level, at its own price, no more than an order may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from agents.transmission.guard.depth import MOST
from agents.transmission.offers import ASKS, BIDS, siblings_of, taken_of
from agents.weather.books import ASK, BID
from agents.weather.evaluation import WeatherEvaluation, by_fees, margin
from agents.weather.panel import WeatherPanel
from agents.weather.sizing.arbitrage import may_pay, scan
from agents.weather.sizing.ladder import Levels
from core.model.account import Account
from core.prices import fee_per_share
from core.settings import Settings
from core.units import MICRO, BoolArray, FloatArray, IntArray, total

UNLIMITED = 1e9  # [shares] of a print: what it may fill is known once it is there
DAY = 86_400 * MICRO
HAIR = 1e-6  # [USD per share]
NEAR = 1e-3  # [USD per share] an optimum of many events at once is no more exact
_NOISE = 1e-9


@dataclass(frozen=True, slots=True)
class Offered:
    """Levels of some events, best first, (n_events, n_brackets, YES/NO, n_levels); NaN and 0 pad."""

    ask: FloatArray  # raw [USD per share]
    shown: FloatArray  # [shares]
    cost: FloatArray  # all-in, as an order pays it
    bid: FloatArray
    wanted: FloatArray  # [shares] shown on the bids
    net: FloatArray  # of a sale, fee taken off
    least: FloatArray  # the same at the tick at or below the bid: what an order may fetch that reaches so far
    buying: BoolArray  # levels that an entry may reach
    selling: BoolArray  # levels that an exit may reach
    lockup: FloatArray  # (n_events,) what tying money up costs, as a share of the price
    margin: float  # the same of the safety margins
    fair: FloatArray  # (n_events, n_brackets, YES/NO)
    reach: FloatArray  # (n_events, n_brackets, YES/NO) highest raw price that an order reaches in one look
    books: BoolArray  # (n_events,) False: only prints exist

    @property
    def price(self) -> FloatArray:
        """Return what a purchase is counted as: all-in, with the margins and what the money costs until the event is paid."""
        dear: FloatArray = self.cost * (1.0 + self.margin) * (1.0 + self.lockup[:, None, None, None])
        return dear


def offered_of(
    evaluation: WeatherEvaluation, row: int, events: IntArray, view: BoolArray, hedging: BoolArray, settings: Settings
) -> Offered:
    """Return the levels of some events at one look.

    Args:
        evaluation: what is believed.
        row: of the look.
        events: which.
        view: (n_events of the panel, n_brackets, YES/NO) what may be bought up to its limit price.
        hedging: what may be bought at whatever is asked.
        settings: margins, reach and rate.
    """
    panel, offers = evaluation.panel, evaluation.offers
    books, prints = panel.books, panel.books.prints_only[row, events][:, None, None]
    ask, bid = (books.price[row, events][..., side, :].copy() for side in (ASK, BID))
    shown, wanted = (books.size[row, events][..., side, :].copy() for side in (ASK, BID))
    tick = np.maximum(panel.listings.tick_micro[row, events], 1)[:, None, None] / MICRO
    on_tick = np.floor(bid / tick[..., None] + _NOISE) * tick[..., None]
    cost, net, least = ask.copy(), bid.copy(), on_tick.copy()
    for fees, columns in by_fees(panel).items():
        mine = np.isin(events, columns)
        cost[mine] += fee_per_share(ask[mine], fees)
        net[mine] -= fee_per_share(bid[mine], fees)
        least[mine] -= fee_per_share(on_tick[mine], fees)
    spread = margin(settings)
    if prints.any():
        whole = offers.price[row, events] / (1.0 + spread)
        _printed(prints, whole, (ask, cost), shown)
        _printed(prints, offers.sell_price[row, events], (bid, net), wanted)
        least = np.where(prints[..., None], net - tick[..., None], least)
    reach = settings.weather.chase_ticks * tick
    fair, limit = offers.fair[row, events], offers.limit[row, events]
    reached = np.where(prints, np.inf, ask[..., 0] + reach)
    highest = np.where(view[events], np.minimum(reached, np.where(prints, np.inf, limit)), reached)
    lowest = np.where(prints, -np.inf, bid[..., 0] - reach)
    takes = takes_orders(panel, row)[events][:, None, None, None]
    days = np.ceil(np.maximum(panel.end[events] - panel.instants[row], 0) / DAY)
    return Offered(
        ask=ask, shown=shown, cost=cost, bid=bid, wanted=wanted, net=net, least=least,
        buying=(ask <= highest[..., None] + _NOISE) & (shown > 0) & (view | hedging)[events][..., None],
        selling=(bid >= lowest[..., None] - _NOISE) & (wanted > 0) & (net > 0) & takes,
        lockup=settings.weather.lockup_rate * days, margin=spread, fair=fair,
        reach=reached, books=~prints[:, 0, 0],
    )  # fmt: skip


def _printed(prints: BoolArray, price: FloatArray, levels: tuple[FloatArray, FloatArray], size: FloatArray) -> None:
    """Put one level without an end in place where only prints exist."""
    there = np.broadcast_to(prints, price.shape)
    for part in levels:
        part[there] = np.nan
        part[..., 0] = np.where(there, price, part[..., 0])
    size[there] = 0.0
    size[..., 0] = np.where(there & ~np.isnan(price), UNLIMITED, size[..., 0])


def takes_orders(panel: WeatherPanel, row: int) -> BoolArray:
    """Return which events the venue takes orders for, in either direction."""
    listings = panel.listings
    taken: BoolArray = listings.accepting[row] & (
        (listings.closes_at[row] == 0) | (panel.instants[row] < listings.closes_at[row])
    )
    return taken


def levels_of(offered: Offered, held: FloatArray, taken: tuple[FloatArray, FloatArray], settings: Settings) -> Levels:
    """Return what each run may trade, rows by run and then event.

    An order takes no more than its share of what is shown within its limit price, less what was taken of it already, and it
    takes the best level whole before the next; a sale is counted as less by the gain that an exit must leave.

    Args:
        offered: levels of the events.
        held: (n_runs, n_events, n_brackets, YES/NO) [shares].
        taken: asks and bids that are ours already, (n_runs, n_events, n_brackets, YES/NO, n_levels) [shares].
        settings: the share, and the least gain of an exit.
    """
    share = min(settings.weather.max_depth_share, MOST)
    buys = _room(offered.shown, offered.buying, taken[0], share, np.inf)
    sells = _room(offered.wanted, offered.selling, taken[1], share, held)
    n_runs, n_events, n_brackets, _, n = buys.shape
    price = np.concatenate([np.broadcast_to(offered.price, buys.shape), _exit_price(offered, buys, settings)], axis=-1)
    size = np.concatenate([buys, sells], axis=-1)
    shape = n_runs * n_events, n_brackets, 4 * n
    size = np.where(np.isnan(price) | (price <= 0), 0.0, size)
    side = np.repeat([False, True], 2 * n)
    return Levels(
        price=np.ascontiguousarray(np.where(np.isnan(price), 1.0, price)).reshape(shape), size=size.reshape(shape), no=side,
        sale=np.tile(np.repeat([False, True], n), 2),
    )  # fmt: skip


def _exit_price(offered: Offered, buys: FloatArray, settings: Settings) -> FloatArray:
    """Return what a sale is counted as, shaped like `buys`.

    Less by the gain that an exit must leave; but who would go further, and buy the other side, sells first what he has.
    """
    other = np.where(buys > 0, offered.price, np.inf).min(axis=-1)[..., ::-1, None]
    net = np.broadcast_to(offered.net, buys.shape)
    least: FloatArray = np.maximum(net - settings.weather.exit_edge_min, np.minimum(net, 1.0 - other + HAIR))
    return least


def kept_below(value: FloatArray, offered: Offered, levels: Levels, trade: FloatArray, settings: Settings) -> FloatArray:
    """Return the bid less fee for which no more is sold at the optimum [USD per share], (n_rows, n_brackets, YES/NO).

    The value of a share at the margin and the gain that the levels have taken off a sale; no more than an order may fetch that
    reaches the bids that were sold to, for who buys the other side asks no gain. A sale below both that value and fair value,
    for want of money alone, is not counted: what is staked on an event is a share of what there is, and the rest is there.

    Args:
        value: of a share at the margin [USD], (n_rows, n_brackets, YES/NO).
        offered: levels of the events.
        levels: the same for each run, as `levels_of` returns them.
        trade: of each level [shares], unsigned.
        settings: the least gain of an exit.
    """
    n, n_runs = offered.net.shape[-1], len(value) // len(offered.net)
    counted, sold = (part.reshape(*value.shape, 2 * n)[..., n:] for part in (levels.price, trade))
    least = np.broadcast_to(offered.least, (n_runs, *offered.least.shape)).reshape(counted.shape)
    worth = np.fmin(value - NEAR, np.broadcast_to(offered.fair, (n_runs, *offered.fair.shape)).reshape(value.shape))
    worst = np.where((sold > 0) & (counted >= worth[..., None]), least, np.inf).min(axis=-1)
    kept: FloatArray = np.minimum(value + settings.weather.exit_edge_min, np.maximum(worst, worth))
    return kept


def _room(shown: FloatArray, within: BoolArray, taken: FloatArray, share: float, most: FloatArray | float) -> FloatArray:
    """Return what is left for an order of each level, best first."""
    shown = np.where(within, shown, 0.0)
    ours = np.where(within, np.minimum(taken, shown), 0.0)
    room = np.maximum(total(shown) * share - total(ours), 0.0)
    unlimited = shown[..., 0] >= UNLIMITED
    room = np.minimum(np.where(unlimited, np.inf, room), most)
    left = shown - ours
    before = np.cumsum(left, axis=-1) - left
    return np.clip(room[..., None] - before, 0.0, left)


def sets_of(
    offered: Offered, taken: FloatArray, cash: FloatArray, exists: BoolArray, alive: BoolArray, settings: Settings
) -> FloatArray:
    """Return what of each level stands in a set that pays more than it costs [shares], shaped like `taken`.

    A quarter of what is shown, as of every order, and no more sets than `cash`, (n_runs, n_events), pays for.
    """
    share = min(settings.weather.max_depth_share, MOST)
    whole = (offered.shown > 0) & offered.books[:, None, None, None]
    room = _room(offered.shown, whole, taken, share, np.inf)
    best = np.where(room > 0, offered.price, np.inf).min(axis=-1)
    sets = np.zeros_like(taken)
    for run, event in np.argwhere(may_pay(best, exists, alive)).tolist():
        _, left = scan(offered.price[event], room[run, event], exists[event], alive[event])
        found = np.where(np.isnan(offered.price[event]), 0.0, room[run, event] - left)
        cost = total(total(total(np.where(found > 0, found * offered.price[event], 0.0))))
        sets[run, event] = found * min(1.0, max(float(cash[run, event]), 0.0) / max(float(cost), 1e-9))
    return sets


def taken_from(
    evaluation: WeatherEvaluation, events: IntArray, account: Account, offered: Offered
) -> tuple[FloatArray, FloatArray]:
    """Return what each run took of the asks and of the bids that are shown, (n_runs, n_events, n_brackets, YES/NO, n_levels)."""
    shape = (account.n_runs, *offered.ask.shape)
    nothing = np.zeros(shape)
    if not account.taken:
        return nothing, nothing
    siblings = siblings_of(account.instruments)
    ours = {token for _, token, _ in account.taken}
    places = places_of(evaluation.panel, events, ours | {siblings[token] for token in ours if token in siblings})
    found = []
    for side, price, shown in ((ASKS, offered.ask, offered.shown), (BIDS, offered.bid, offered.wanted)):
        flat = (-1, price.shape[-1])
        exact = np.where(np.isnan(price), -1, np.rint(np.where(np.isnan(price), 0.0, price) * MICRO)).astype(np.int64)
        size = np.rint(shown * MICRO).astype(np.int64)
        taken = taken_of(account.taken, account.n_runs, exact.reshape(flat), size.reshape(flat), places, side, siblings)
        found.append(taken.reshape(shape) / MICRO)
    return found[0], found[1]


def places_of(panel: WeatherPanel, events: IntArray, tokens: set[str]) -> Mapping[str, int]:
    """Return the place of some tokens among (n_events, n_brackets, YES/NO) of some events, counted flat."""
    width = 2 * panel.lattice.exists.shape[-1]
    found: dict[str, int] = {}
    for rank, event in enumerate(events.tolist()):
        for bracket, each in enumerate(panel.events[event].event.ladder):
            for side, token in enumerate((each.yes, each.no)):
                if token in tokens:
                    found[token] = rank * width + 2 * bracket + side
    return found
