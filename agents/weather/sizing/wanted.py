"""How many shares of each token an account should hold, and the numbers that say why.

A share of the wealth is staked as if it were all there is: full growth-optimal stakes on lambda x wealth, the rest is never
touched. What is held belongs to that share. It is counted at what it would cost to buy it anew from the books that are
shown, so that a flat desk and one that has just bought what it wanted solve the same problem: on a frozen book nothing is
wanted a second time. Buying costs the ask and selling pays the bid: what lies between is neither bought nor sold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from agents.weather.evaluation import BASIS_POINT, WeatherEvaluation, dead_brackets, never_impossible
from agents.weather.panel import WeatherPanel
from agents.weather.sizing.correlation import correlation_scale
from agents.weather.sizing.days import jointly
from agents.weather.sizing.growth import Optimum, optimum
from agents.weather.sizing.held import anew, held_of, wealth_of, worth_of
from agents.weather.sizing.ladder import Holding, Levels
from agents.weather.sizing.offered import Offered, kept_below, levels_of, offered_of, sets_of, taken_from
from agents.weather.sizing.stakes import LEAST_GROWTH, worth_alone
from core.model.account import Account
from core.settings import Settings
from core.units import BoolArray, FloatArray, IntArray, total

TOLD = ("lambda", "correlation_scale", "lockup_cost", "growth_alone", "optimum", "marginal_value", "certificate_gap")
OF_ACCOUNT = frozenset({"correlation_scale", "optimum", "marginal_value", "certificate_gap"})
LEAST_CHANGE = 1e-6  # [nats] of the staked share: what a change must bring on its own, after its costs
MOST_LEFT = 1e-5  # [nats] of it: what all changes may bring that are left out
CONVERTING = frozenset({"polymarket"})  # venues that give m - 1 dollars and YES of the others for NO of m brackets
_NOISE = 1e-9


@dataclass(frozen=True, slots=True)
class Wanted:
    """Over the panel's events, (n_runs, n_events, n_brackets, YES/NO) unless said."""

    target: FloatArray  # [shares]
    held: FloatArray
    view: BoolArray  # (n_events, n_brackets, YES/NO) worth buying for its own edge
    arbitrage: FloatArray  # [shares] bought as part of a set that pays more than it costs
    limit: FloatArray  # (n_events, n_brackets, YES/NO) raw price that a leg without a view may cost; 0: none such
    kept_below: FloatArray  # bid less fee for which less is not held yet [USD per share]; NaN: unknown
    reason: Mapping[str, FloatArray]  # numbers that say why

    @property
    def told(self) -> Mapping[str, FloatArray]:
        """Return what decisions tell, (n_events, n_brackets, YES/NO): of several accounts only what is true of each."""
        own = {name: part[0] for name, part in self.reason.items() if len(self.target) == 1 or name not in OF_ACCOUNT}
        hedge = ~self.view & (self.limit > 0) & ~(self.arbitrage > 0).any(axis=0)
        return {**own, "view": self.view * 1.0, "hedge": hedge * 1.0, "arbitrage": self.arbitrage.max(axis=0)}


def wanted_of(evaluation: WeatherEvaluation, row: int, account: Account, settings: Settings) -> Wanted:
    """Return the positions of each account at one look, before any limit."""
    panel, offers = evaluation.panel, evaluation.offers
    exists = panel.lattice.exists
    fair, price = offers.fair[row], offers.price[row]
    view = (offers.edge[row] >= settings.edge_min - _NOISE) & (worth_alone(fair, price) >= LEAST_GROWTH)
    view &= evaluation.heard[row][:, None, None]
    held, cost = held_of(panel, account)
    known = panel.present[row] & (~np.isnan(fair) | ~exists[..., None]).all(axis=(-2, -1))
    asked = view.any(axis=(-2, -1)) | (settings.weather.arbitrage & evaluation.heard[row])
    active = np.flatnonzero((asked & known) | (held > 0).any(axis=(0, 2, 3)))
    shape = (account.n_runs, *exists.shape, 2)
    numbers = {name: np.full(shape, np.nan) for name in TOLD}
    wanted = Wanted(held.copy(), held, view, np.zeros(shape), np.zeros(shape[1:]), np.full(shape, np.nan), numbers)
    if len(active):
        _fill(wanted, active, known[active], cost[:, active], evaluation, row, account, settings)
    return wanted


def _fill(
    wanted: Wanted, active: IntArray, known: BoolArray, cost: FloatArray, evaluation: WeatherEvaluation, row: int,
    account: Account, settings: Settings,
) -> None:  # fmt: skip
    """Size the events in which anything is wanted or held, in place."""
    panel, held = evaluation.panel, wanted.held[:, active]
    price = evaluation.offers.price[row, active]
    hedging = settings.weather.hedges & (evaluation.heard[row] & wanted.view.any(axis=(-2, -1)))[:, None, None] & ~wanted.view
    offered = offered_of(evaluation, row, active, wanted.view, hedging, settings)
    taken = taken_from(evaluation, active, account, offered)
    value = anew(offered, held, cost)
    scale = correlation_scale(panel, _staked(evaluation, row) | (wanted.held > 0).any(axis=(-2, -1)), settings)[:, active]
    share = settings.weather.kelly_fraction * panel.skills.factor[row, active] * scale
    dear = (1.0 + offered.margin) * (1.0 + offered.lockup)
    wealth, share_of_day = wealth_of(account, panel, value), settings.weather.kelly_fraction
    cash = share * wealth[:, None] - total(total(value)) * dear
    sets = np.zeros((*held.shape, taken[0].shape[-1]))
    if settings.weather.arbitrage:
        sets = sets_of(offered, taken[0], cash, panel.lattice.exists[active], ~dead_brackets(panel, row)[active], settings)
        sets = np.where(known[:, None, None, None], sets, 0.0)
        cash = cash - total(total(total(sets * np.where(np.isnan(offered.price), 0.0, offered.price))))
    of_day = _of_day(panel, active, share_of_day * wealth[:, None], share * wealth[:, None] - cash)
    believed = _believed(evaluation, row, active)
    part = _solve(
        evaluation, row, active, offered, believed, held + total(sets), (taken[0] + sets, taken[1]), cash, of_day, known, settings
    )  # fmt: skip
    change = np.where(known[:, None, None], part.change, 0.0)
    wanted.target[:, active] = held + total(sets) + change
    wanted.arbitrage[:, active] = total(sets)
    # A record that grew worse and more cities that are bought take less of the account: they lower purchases and never sell.
    worth = worth_of(believed, share_of_day * wealth[:, None] - total(total(value)) * dear, held)
    unshrunk = worth + settings.weather.exit_edge_min
    kept = np.where((share < share_of_day)[..., None, None], np.fmax(part.kept_below, unshrunk), part.kept_below)
    wanted.kept_below[:, active] = np.where(known[:, None, None], kept, np.nan)
    bought = (change > 0) & ~wanted.view[active]
    wanted.limit[active] = np.where(bought.any(axis=0), offered.reach, np.where(sets > 0, offered.ask, 0.0).max(axis=(0, -1)))
    whole = np.where(share > 0, share, np.nan)[..., None, None]
    told = {
        **part.reason, "lambda": settings.weather.kelly_fraction, "correlation_scale": scale[..., None, None],
        "lockup_cost": offered.lockup[:, None, None] * price, "optimum": wanted.target[:, active] / whole,
        "growth_alone": worth_alone(evaluation.offers.fair[row, active], price),
    }  # fmt: skip
    for name, numbers in told.items():
        wanted.reason[name][:, active] = numbers


@dataclass(frozen=True, slots=True)
class _Solved:
    change: FloatArray  # (n_runs, n_events, n_brackets, YES/NO) [shares]
    kept_below: FloatArray  # shaped like it; NaN where no trade avoids ruin: there is no optimum
    reason: Mapping[str, FloatArray]


def _solve(
    evaluation: WeatherEvaluation, row: int, events: IntArray, offered: Offered, believed: FloatArray, held: FloatArray,
    taken: tuple[FloatArray, FloatArray], cash: FloatArray, of_day: FloatArray, known: BoolArray, settings: Settings,
) -> _Solved:  # fmt: skip
    """Return what to buy and sell of some events; `cash` is what is left of the wealth staked on each, `of_day` on its day."""
    exists = evaluation.panel.lattice.exists[events]
    n_runs, n_events, n_brackets = held.shape[:3]
    flat = n_runs * n_events, n_brackets
    probability = np.broadcast_to(believed, held.shape[:3]).reshape(flat)
    levels = levels_of(offered, held, taken, settings)
    holding = Holding(cash.reshape(-1), *(np.ascontiguousarray(held[..., i]).reshape(flat) for i in (0, 1)))
    found = optimum(probability, levels, holding, _conversion(evaluation, events, n_runs, settings))
    if settings.sizing == "joint":
        found = jointly(found, probability, levels, held, of_day, known, evaluation, row, events, settings)
    trade = np.where(found.sound[:, None, None], found.trade, _dumped(levels, probability))
    change = _worth_it(probability, levels, trade, found)
    shape = n_runs, n_events, n_brackets
    value = np.stack([found.value, 1.0 - found.value], axis=-1)
    kept = np.where(found.sound[:, None, None], kept_below(value, offered, levels, trade, settings), np.nan)
    return _Solved(
        change.reshape(*shape, 2),
        kept.reshape(*shape, 2),
        {
            "marginal_value": np.where(exists[..., None], value.reshape(*shape, 2), np.nan),
            "certificate_gap": np.broadcast_to(found.gap.reshape(n_runs, n_events, 1, 1), (*shape, 2)),
        },
    )


def _believed(evaluation: WeatherEvaluation, row: int, events: IntArray) -> FloatArray:
    """Return what is believed of some events, (n_events, n_brackets); 0 is no bracket."""
    exists = evaluation.panel.lattice.exists[events]
    believed = np.where(exists, evaluation.p_pooled[row, events], 0.0)
    return never_impossible(np.where(np.isnan(believed), 0.0, believed), exists)


def _conversion(evaluation: WeatherEvaluation, events: IntArray, n_runs: int, settings: Settings) -> FloatArray | None:
    """Return what it costs to free a dollar of each row by converting NO, NaN where the venue does not; None: not counted on."""
    if not settings.weather.count_conversion:
        return None
    fee = settings.weather.conversion_fee_bp * BASIS_POINT
    venues = [evaluation.panel.events[i].event.venue for i in events.tolist()]
    return np.tile(np.array([fee if venue in CONVERTING else np.nan for venue in venues]), n_runs)


def _dumped(levels: Levels, probability: FloatArray) -> FloatArray:
    """Return the sales of a row whose share of wealth is used up: what is bid for above its fair value."""
    fair = np.where(levels.no, 1.0 - probability[..., None], probability[..., None])
    return np.where(levels.sale & (levels.price >= fair - _NOISE), levels.size, 0.0)


def _worth_it(probability: FloatArray, levels: Levels, trade: FloatArray, found: Optimum) -> FloatArray:
    """Return the change of each token [shares], (n_rows, n_brackets, YES/NO), without those that are hardly missed.

    A change is left out where the others bring nearly the same without it, unless too much would be lost with all of them.
    """
    n_rows, n_brackets, n = trade.shape
    parts = np.where(levels.sale, -trade, trade).reshape(n_rows, n_brackets, 2, n // 2)
    change = total(parts)
    paid = total(parts * levels.price.reshape(parts.shape))
    pays = np.eye(n_brackets, dtype=np.bool_)
    pays = np.stack([pays, ~pays], axis=1)  # (token's bracket, YES/NO, outcome)
    more = np.where(pays, change[..., None], 0.0) - paid[..., None]
    lost = _lost(probability, found, more)
    small = (lost < LEAST_CHANGE) & found.sound[:, None, None]
    all_small = total(np.moveaxis(np.where(small[..., None], more, 0.0).reshape(n_rows, -1, n_brackets), 1, -1))
    small &= (_lost(probability, found, all_small) < MOST_LEFT)[:, None, None]
    return np.where(small | (change == 0), 0.0, change)


def _lost(probability: FloatArray, found: Optimum, more: FloatArray) -> FloatArray:
    """Return the growth that is lost [nats] without wealth `more`, (n_rows, ..., n_brackets); inf where that ruins."""
    shape = (len(probability), *[1] * (more.ndim - 2), probability.shape[-1])
    counts, wealth = (probability > 0).reshape(shape), np.where(probability > 0, found.wealth, 1.0).reshape(shape)
    left = np.where(counts, wealth - more, 1.0)
    alive = left > 0
    logs = np.log(np.where(alive & (wealth > 0), wealth, 1.0) / np.where(alive, left, 1.0))
    lost = total(np.where(counts, probability.reshape(shape) * logs, 0.0))
    return np.where(alive.all(axis=-1), lost, np.inf)


def _of_day(panel: WeatherPanel, events: IntArray, staked: FloatArray, spent: FloatArray) -> FloatArray:
    """Return what is staked on the day of each event less what all events of that day have spent, (n_runs, n_events)."""
    days = np.array([panel.events[i].event.event_day.toordinal() for i in events.tolist()])
    same = days[:, None] == days[None, :]
    return staked - total(np.where(same, spent[:, None, :], 0.0))


def _staked(evaluation: WeatherEvaluation, row: int) -> BoolArray:
    """Return which events have a stake at any wealth; also those that are closed now: nobody else's size jumps with them."""
    staked: BoolArray = ((evaluation.stakes.yes[row] > 0) | (evaluation.stakes.no[row] > 0)).any(axis=-1)
    return staked
