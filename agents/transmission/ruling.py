"""From what a desk wants to what may be sent: every check runs, as arrays; the smallest size wins.

Order of the table: may anything be opened, flat shares of the caps, multipliers, tripwires, caps again as they stand,
then the guard on the order. A size is multipliers x min(wanted, caps); caps and multipliers lower what increases a
position, they never sell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce

import numpy as np

from agents.market_rules import least_sizes
from agents.prints import Tape
from agents.transmission import governor
from agents.transmission.constraints import ceilings, exposure
from agents.transmission.constraints import min_cash as cash
from agents.transmission.constraints.ceilings import trade_ceiling
from agents.transmission.constraints.exposure import CAPS, flat_share, headroom
from agents.transmission.constraints.instruments import instruments
from agents.transmission.constraints.min_cash import min_cash
from agents.transmission.constraints.openness import open_event, priced
from agents.transmission.constraints.rules import COUNTS, RULES, Rule, asked
from agents.transmission.decisions import decisions_of
from agents.transmission.equity import marks_of
from agents.transmission.exits import exits
from agents.transmission.governor import WIRES, fresh_marks, worst_day
from agents.transmission.guard.book_age import book_age, print_age
from agents.transmission.guard.book_sanity import book_sanity
from agents.transmission.guard.depth import depth
from agents.transmission.guard.draft import Draft
from agents.transmission.guard.duplicate import duplicate
from agents.transmission.guard.estimated_cost import estimated_cost
from agents.transmission.guard.fat_finger import fat_finger
from agents.transmission.guard.host import HOST_CHECKS
from agents.transmission.guard.limit_price import highest_price, limit_price
from agents.transmission.guard.quiet import quiet_minutes
from agents.transmission.guard.rounded_fee import rounded_fee
from agents.transmission.guard.spread import spread
from agents.transmission.guard.venue_hours import venue_hours
from agents.transmission.limits import Cuts, Limit, pass_or_refuse
from agents.transmission.multipliers import MULTIPLIERS
from agents.transmission.offers import Offer, asks_of
from agents.transmission.orders import orders_of
from agents.transmission.resting import cancels_of, resting
from agents.transmission.standing import Standing, standing_of
from agents.transmission.tripwires import mark
from agents.transmission.verdicts import Entries, Guarded, Ruling
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.host import WELL, Host
from core.model.quotes import Quotes
from core.model.targets import Targets
from core.settings import Settings
from core.units import MICRO, IntArray

__all__ = ["Guarded", "Ruling", "cancels_of", "decisions_of", "guard", "mark", "orders_of", "rule"]

BLOCK_CHECKS: Mapping[str, Callable[[Quotes, Settings], Limit]] = {
    "book_sanity": book_sanity,
    "book_age": book_age,
    "print_age": print_age,
    "spread": spread,
}
"""On the order, known before any account is."""

OPENINGS: Mapping[str, Callable[[Standing, IntArray, Settings], Limit]] = {
    "open_event": open_event,
    "priced": priced,
    "instruments": instruments,
}
"""On the target, before anything is shared out: what cannot be opened takes nobody's share."""

TARGET_CHECKS: Mapping[str, Callable[[Standing, IntArray, Settings], Limit]] = {
    **WIRES,
    "fresh_marks": fresh_marks,
}
"""On the target: tripwires. The caps of `CAPS` follow, then `LAST_CHECKS`."""

LAST_CHECKS: Mapping[str, Callable[[Standing, IntArray, Settings], Limit]] = {
    "min_cash": min_cash,
    "trade_ceiling": trade_ceiling,
    "worst_day": worst_day,  # of what every cap has left
}

ORDER_CHECKS: Mapping[str, Callable[[Draft, Settings], Limit]] = {
    "limit_price": limit_price,
    "depth": depth,
    "estimated_cost": estimated_cost,
    "rounded_fee": rounded_fee,  # of what every check before has left
    "fat_finger": fat_finger,
    "duplicate": duplicate,
    "quiet_minutes": quiet_minutes,
    "venue_hours": venue_hours,
}
"""On the order, once its size is known. `BLOCK_CHECKS` come before."""


DEAREST = (exposure.dearest, cash.dearest, ceilings.dearest, governor.dearest)
"""What a purchase may come to cost, in times of its price, before a limit in dollars is passed."""


def guard(quotes: Quotes, settings: Settings, hosts: tuple[Host, ...] = (), tape: Tape | None = None) -> Guarded:
    """Ask every check that needs no account, for all instants at once; `hosts`: what the machine said at each."""
    return Guarded(quotes, {name: check(quotes, settings) for name, check in BLOCK_CHECKS.items()}, hosts, tape)


def rule(targets: Targets, guarded: Guarded, row: int, account: Account, cycle: Cycle, settings: Settings) -> Ruling:
    """Return what may be held and what may be sent; the account has been marked at this cycle."""
    standing = standing_of(targets, account)
    nothing = np.zeros_like(standing.wanted)
    ruling = Ruling(standing, standing.base, nothing, nothing, nothing, nothing)
    if standing.entering.any():
        standing = replace(standing, marks=marks_of(account, targets, guarded.quotes, row, settings))
        ruling = _with_entries(replace(ruling, standing=standing), guarded, row, cycle, settings)
    if standing.leaving.any():
        ruling = _with_sales(ruling, guarded.quotes, row, settings)
    return ruling


def _with_entries(ruling: Ruling, guarded: Guarded, row: int, cycle: Cycle, settings: Settings) -> Ruling:
    standing, own = ruling.standing, ruling.standing.own
    tokens = {standing.axis.instruments[int(column)].token: i for i, column in enumerate(own)}
    tick = standing.targets.tick_micro[own]
    asks = asks_of(
        guarded.quotes, row, own, standing.account, tokens, highest=highest_price(standing, settings), tick_micro=tick,
        settings=settings,
    )  # fmt: skip
    position, n_scaling = _position(standing, asks, guarded.host(row), settings)
    more = np.where(standing.entering, np.maximum(position.size - standing.base, 0), 0)
    drafted = more // standing.lot * standing.lot
    if drafted.any():
        times = reduce(np.minimum, (dearest(standing, drafted, settings) for dearest in DEAREST))
        asks = asks.held_to(times, tick)
    order = Cuts(drafted)
    for name, limit in guarded.limits.items():
        order.apply(name, Limit(*(part[row, own] for part in (limit.value, limit.limit, limit.allowed))))
    for name, check in ORDER_CHECKS.items():
        order.apply(name, check(Draft(standing, cycle, asks, order.size), settings))
        order.size = order.size // standing.lot * standing.lot
    _asked_of(order, RULES, standing, cycle, asks, settings)
    _at_least_minimum(order, standing, asks.limit)
    until, chance = np.zeros_like(order.size), None
    if settings.weather.resting and drafted.any():
        rules = {each.name: each.check for each in asked(RULES, cycle.desk, settings)}
        rest = resting(Draft(standing, cycle, asks, drafted), order, guarded, row, {**ORDER_CHECKS, **rules}, settings)
        order.size, asks, until, chance = rest.among(order.size), rest.offer(asks), rest.lives, rest.fill_chance
        order.apply("quiet_minutes", quiet_minutes(Draft(standing, cycle, asks, order.size, rest.columns), settings))
    _asked_of(order, COUNTS, standing, cycle, asks, settings)
    return replace(
        ruling,
        allowed=np.where(standing.entering, np.maximum(position.size, standing.base), ruling.allowed),
        order=order.size,
        limit=np.where(order.size > 0, asks.limit, 0),
        reference=np.where(order.size > 0, np.where(until > 0, asks.limit, asks.average(order.size)), 0),
        until=np.where(order.size > 0, until, 0),
        fill_chance=chance,
        entries=Entries(position, order, n_scaling),
    )


def _position(standing: Standing, asks: Offer, host: Host, settings: Settings) -> tuple[Cuts, int]:
    cuts = Cuts(standing.wanted)
    for name, check in OPENINGS.items():
        cuts.apply(name, check(standing, cuts.size, settings))
    multiplier = standing.targets.multiplier[standing.own]
    cuts.apply("regime", Limit(multiplier, np.ones_like(multiplier), np.where(multiplier > 0, np.inf, 0.0)))
    for cap in CAPS:
        cuts.apply(cap.name, flat_share(standing, cuts.size, cap, settings))
    for name, scale in MULTIPLIERS.items():
        cuts.apply(name, scale(standing, asks, cuts.size, settings))
    n_scaling = len(cuts.limits)
    for name, check in TARGET_CHECKS.items():
        cuts.apply(name, check(standing, cuts.size, settings))
    for name, well in HOST_CHECKS.items() if host is not WELL else ():
        cuts.apply(name, well(host, settings))
    for cap in CAPS:
        cuts.apply(cap.name, headroom(standing, cuts.size, cap, settings))
    for name, check in LAST_CHECKS.items():
        cuts.apply(name, check(standing, cuts.size, settings))
    return cuts, n_scaling


def _with_sales(ruling: Ruling, quotes: Quotes, row: int, settings: Settings) -> Ruling:
    standing = ruling.standing
    cuts, bids = exits(standing, quotes, row, settings)
    cuts.size = cuts.size // standing.lot * standing.lot
    _at_least_minimum(cuts, standing)
    sold = cuts.size > 0
    return replace(
        ruling,
        allowed=np.where(standing.leaving, standing.held - standing.selling - cuts.size, ruling.allowed),
        order=np.where(sold, -cuts.size, ruling.order),
        limit=np.where(sold, bids.limit, ruling.limit),
        reference=np.where(sold, bids.average(cuts.size), ruling.reference),
        sales=cuts,
    )


def _asked_of(order: Cuts, rules: tuple[Rule, ...], standing: Standing, cycle: Cycle, asks: Offer, settings: Settings) -> None:
    """Ask the rules of people and profiles that are on."""
    for rule in asked(rules, cycle.desk, settings):
        order.apply(rule.name, rule.check(Draft(standing, cycle, asks, order.size), settings))
        order.size = order.size // standing.lot * standing.lot


def _at_least_minimum(order: Cuts, standing: Standing, paid: IntArray | None = None) -> None:
    """Refuse what a venue does not take; `paid`: limit prices of purchases, which some venues want to be worth something."""
    minimum = standing.targets.min_size_micro[standing.own]
    if paid is not None:
        venues = [standing.axis.instruments[int(column)].venue for column in standing.own]
        minimum = least_sizes(venues, np.broadcast_to(paid, order.size.shape), minimum)
    value, limit = order.size / MICRO, minimum / MICRO
    allowed = np.where(order.size > 0, pass_or_refuse(order.size >= minimum), np.nan)
    order.apply("minimum_size", Limit(value, np.broadcast_to(limit, value.shape), allowed))
