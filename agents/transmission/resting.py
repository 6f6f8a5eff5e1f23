"""Resting where taking is too dear: a bid of ours behind all others, until the next news may come.

Where the guard refuses to take (the spread, the cost of getting in, or the limit price) but a passive price leaves the
edge that the desk asks for, the order that was ruled rests there: never above the limit price, below the best ask, and at
most one tick above the best bid. It counts as filled in every cap while it works. It ends with the next quiet minutes, or
when a session ends, news come near or an account must be flat, at the latest a minute after the next look; a look that wants
less, may take no risk, or finds the price gone takes it back. Its decision states how likely it is filled in that life.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from agents.transmission.constraints.hours import barred, barred_from
from agents.transmission.constraints.instruments import instruments
from agents.transmission.fill_chance import chances
from agents.transmission.guard.draft import Draft
from agents.transmission.guard.limit_price import highest_price
from agents.transmission.guard.quiet import is_climate, next_quiet
from agents.transmission.limits import Cuts, Limit
from agents.transmission.offers import Offer, ticks_below
from agents.transmission.standing import Standing
from agents.transmission.verdicts import Guarded, Ruling
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.quotes import Quotes
from core.prices import fees_micro
from core.registry import load_stations
from core.settings import Settings
from core.units import MICRO, BoolArray, FloatArray, IntArray, instant, micros

TOO_DEAR = frozenset({"spread", "limit_price", "estimated_cost"})
"""Checks whose refusal means that taking costs too much, not that the purchase is wrong."""
OF_TAKERS = TOO_DEAR | {"depth", "rounded_fee", "quiet_minutes"}
"""Checks that do not speak of an order that rests, or that are asked of it here."""
SHORTEST = timedelta(seconds=60)
"""A venue takes no order that ends within a minute (FACTS II 3.6)."""
OVERLAP = timedelta(seconds=60)
"""How long an order outlives the next look, so that there is no gap between it and the next."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What rests: sizes (n_runs, n), 0 where nothing does; its price (n,), its last instant and its chance (n_runs, n)."""

    size: IntArray
    limit: IntArray  # [micro-USD per share]
    until: IntArray  # [microseconds]
    fill_chance: FloatArray  # that anything of it is filled by then [1]; NaN where nothing rests

    @property
    def columns(self) -> BoolArray:
        """Return in which columns anything rests, (n,)."""
        return np.asarray((self.size > 0).any(axis=0))

    @property
    def lives(self) -> IntArray:
        """Return the last instant of each order that rests, (n_runs, n); 0 where none does."""
        return np.where(self.size > 0, self.until, 0)

    def among(self, size: IntArray) -> IntArray:
        """Return what is taken and what rests."""
        return np.where(self.size > 0, self.size, size)

    def offer(self, asks: Offer) -> Offer:
        """Return the offer with the price of what rests as its limit."""
        return replace(asks, limit=np.where(self.size > 0, self.limit, asks.limit))


def resting(
    draft: Draft, order: Cuts, guarded: Guarded, row: int, checks: Mapping[str, Callable[[Draft, Settings], Limit]],
    settings: Settings,
) -> Rest:  # fmt: skip
    """Return what rests of the purchases that were drafted and not taken.

    Args:
        draft: purchases before any check of the guard.
        order: what the guard made of them.
        checks: the guard's checks on orders; those of `OF_TAKERS` are not asked.
    """
    standing, own = draft.standing, draft.standing.own
    price = passive_price(standing, guarded.quotes, row, settings)
    until = _until(standing, draft.cycle, settings)
    may = (price > 0) & (until - micros(draft.cycle.fill_at) >= SHORTEST // timedelta(microseconds=1))
    cuts = Cuts(np.where(_too_dear(order) & may & ~_rests_already(standing), draft.size, 0))
    for name in guarded.limits.keys() - OF_TAKERS:
        limit = guarded.limits[name]
        cuts.apply(name, Limit(*(part[row, own] for part in (limit.value, limit.limit, limit.allowed))))
    asks, every = replace(draft.asks, limit=np.broadcast_to(price, draft.size.shape)), np.ones(standing.n, np.bool_)
    for name, check in checks.items():
        if name not in OF_TAKERS:
            cuts.apply(name, check(replace(draft, asks=asks, size=cuts.size, rests=every), settings))
    size = cuts.size // standing.lot * standing.lot
    enough = (size >= standing.targets.min_size_micro[own]) & _gains(draft, size, price)
    chance = chances(
        standing, guarded.quotes, row, guarded.tape, rests=enough & (size > 0), price=price,
        life=until - micros(draft.cycle.fill_at),
    )  # fmt: skip
    return Rest(np.where(enough, size, 0), price, until, chance)


def cancels_of(
    ruling: Ruling, guarded: Guarded, row: int, account: Account, cycle: Cycle, settings: Settings
) -> tuple[str, ...]:
    """Return the working orders that rest and are to be taken back."""
    working = account.working
    mine = np.flatnonzero((working.good_until > micros(cycle.fill_at)) & (working.cancel_at == 0))
    if not len(mine):
        return ()
    standing = ruling.standing
    places = {standing.axis.instruments[int(column)].token: i for i, column in enumerate(standing.own)}
    stays = _stays(standing, guarded, row, account, settings) & ~barred(account.governor, cycle.fill_at, settings)[:, None]
    price = passive_price(standing, guarded.quotes, row, settings)
    tick = standing.targets.tick_micro[standing.own]
    gone = []
    for i in mine.tolist():
        place, run, limit = places.get(working.token[i]), int(working.run[i]), int(working.limit_micro[i])
        keeps = place is not None and bool(stays[run, place]) and int(working.size_micro[i]) > 0
        if not keeps or place is None or not int(price[place]) - int(tick[place]) <= limit <= int(price[place]):
            gone.append(working.order_id[i])
    return tuple(gone)


def passive_price(standing: Standing, quotes: Quotes, row: int, settings: Settings) -> IntArray:
    """Return the price at which a purchase would rest, (n,) [micro-USD per share]; 0 where there is no book to rest in."""
    own = standing.own
    tick = standing.targets.tick_micro[own]
    bid, ask = quotes.bid_price[row, own, 0], quotes.ask_price[row, own, 0]
    known = ~(np.isnan(bid) | np.isnan(ask)) & ~quotes.prints_only[row, own] & quotes.sane[row, own] & (bid < ask)
    behind = np.minimum(ticks_below(bid, tick) + tick, ticks_below(ask, tick) - tick)
    price = np.minimum(ticks_below(highest_price(standing, settings), tick), behind)
    inside = known & (price >= tick) & (price <= MICRO - tick)
    found: IntArray = np.where(inside, price, 0)
    return found


def _too_dear(order: Cuts) -> BoolArray:
    """Return where nothing is taken and only its price was the reason, (n_runs, n)."""
    dear = np.array([name in TOO_DEAR for name, _, _ in order.limits] + [False], np.bool_)  # the last place answers bound -1
    refused: BoolArray = dear[order.bound] & (order.size == 0)
    return refused


def _rests_already(standing: Standing) -> BoolArray:
    """Return where a purchase of ours works already, (n_runs, n): a second would stand on the same trades."""
    return standing.buying > 0


def _until(standing: Standing, cycle: Cycle, settings: Settings) -> IntArray:
    """Return the last instant of an order that would begin now, (n_runs, n) [microseconds]."""
    latest = cycle.fill_at + timedelta(seconds=settings.interval_seconds) + OVERLAP
    stations = load_stations()
    ends: dict[tuple[str, bool], datetime] = {}
    found = np.empty(standing.n, np.int64)
    for i, column in enumerate(standing.own.tolist()):
        instrument = standing.axis.instruments[column]
        key = instrument.station, is_climate(instrument.settlement_source)
        if key not in ends:
            quiet = next_quiet(cycle.fill_at, stations[key[0]], settings, climate=key[1]) if key[0] in stations else latest
            ends[key] = min(quiet, latest)
        found[i] = micros(ends[key])
    last = instant(int(found.max(initial=micros(cycle.fill_at))))
    until: IntArray = np.minimum(found, barred_from(standing.account.governor, cycle.fill_at, last, settings)[:, None])
    return until


def _gains(draft: Draft, size: IntArray, price: IntArray) -> BoolArray:
    """Return where the maker's fee of the order, rounded as the venue rounds it, leaves a gain."""
    standing = draft.standing
    fee = np.zeros_like(size)
    for place, column in enumerate(standing.own.tolist()):
        fees = standing.targets.fees[column].of_maker
        if fees.rate:
            fee[:, place] = fees_micro(np.broadcast_to(price[place], size[:, place].shape), size[:, place], fees)
    gain: BoolArray = size * (draft.fair - price / MICRO) > fee
    return gain


def _stays(standing: Standing, guarded: Guarded, row: int, account: Account, settings: Settings) -> BoolArray:
    """Return where a resting purchase may go on: still wanted and allowed, nothing has tripped, and its book can be trusted."""
    own, targets = standing.own, standing.targets
    governor = account.governor
    calm = (account.tripped == 0) & (governor.flatten == 0) & (governor.dial > max(1, settings.rules.min_operator - 1))
    wanted = standing.wanted - standing.base > -standing.lot
    sound = targets.open[own] & (targets.multiplier[own] > 0)
    sound = sound & ~(instruments(standing, standing.wanted, settings).allowed <= 0)
    for name in ("book_sanity", "book_age"):
        if name in guarded.limits:
            sound = sound & ~(guarded.limits[name].allowed[row, own] <= 0)
    stays: BoolArray = calm[:, None] & wanted & sound
    return stays
