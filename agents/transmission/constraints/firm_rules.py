"""What account rules leave of a purchase: the tightest headroom of all followed accounts rules the size for all.

An account that has ended asks no more; when all have, nothing is bought. Headroom is counted as if all that is open and all
that works were lost: no fill, early or late, can end an account by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.transmission.constraints.firms import floors
from agents.transmission.constraints.profiles import AccountProfile, followed
from agents.transmission.guard.draft import Draft
from agents.transmission.limits import Limit, pass_or_refuse
from core.model.governor import Governor
from core.settings import Settings
from core.units import MICRO, BoolArray, FloatArray, IntArray

LEAST_SHARE_OF_DAYS = 1.0


@dataclass(frozen=True, slots=True)
class Firms:
    """The followed accounts at a cycle, arrays (n_runs, n_firms) [micro-USD]."""

    profiles: tuple[AccountProfile, ...]
    governor: Governor
    equity: IntArray  # (n_runs, 1)

    @property
    def live(self) -> BoolArray:
        return np.equal(self.governor.firm_ended, 0)

    @property
    def profit(self) -> IntArray:
        return self.equity - self.governor.firm_start_micro

    @property
    def today(self) -> IntArray:
        return self.equity - self.governor.firm_day_start_micro

    def each(self, name: str) -> FloatArray:
        """Return an amount of the profiles for the starting balance of each account."""
        start = self.governor.firm_start_micro
        amounts = [getattr(profile, name).micro(start[:, i]) for i, profile in enumerate(self.profiles)]
        return np.stack(amounts, axis=1)

    def day_room(self) -> FloatArray:
        """Return what each account may still lose on its day."""
        return self.each("daily_loss") + np.minimum(self.today, 0)

    def floor_room(self) -> FloatArray:
        """Return what each account may still lose before it ends."""
        return self.equity - floors(self.governor, self.profiles)

    def tightest(self, room: FloatArray) -> FloatArray:
        """Return the least of the accounts that have not ended, (n_runs, 1); inf: none limits it."""
        least: FloatArray = np.where(self.live, room, np.inf).min(axis=1, keepdims=True)
        return least


def firms_of(draft: Draft, settings: Settings) -> Firms:
    """Return the followed accounts of a draft."""
    account = draft.standing.account
    return Firms(followed(settings, draft.cycle.scheduled_at), account.governor, account.equity_micro[:, None])


def firm_ended(draft: Draft, settings: Settings) -> Limit:
    """Refuse when the drawdown of every followed account was breached; value: how many have ended."""
    firms = firms_of(draft, settings)
    ended = (~firms.live).sum(axis=1, keepdims=True).astype(np.float64)
    limit = np.full_like(ended, len(firms.profiles))
    return Limit(ended, limit, pass_or_refuse(ended < limit))


def firm_trade(draft: Draft, settings: Settings) -> Limit:
    """Shrink a purchase to `trade_share_pct` of the daily loss limit [USD]."""
    firms = firms_of(draft, settings)
    share = np.array([profile.trade_share_pct for profile in firms.profiles]) / 100.0
    per_firm = np.where(np.isnan(share), np.inf, share) * firms.each("daily_loss")
    most = firms.tightest(np.where(np.isnan(per_firm), np.inf, per_firm))
    worst, cost = _worst(draft), _cost(draft)
    allowed = np.where(cost <= most, np.inf, np.floor(np.maximum(most, 0.0) / np.maximum(worst, 1e-6)) / MICRO)
    return _where_set(most, cost / MICRO, most / MICRO, allowed)


def firm_day_loss(draft: Draft, settings: Settings) -> Limit:
    """Shrink all purchases alike to what the firm's day may still lose, everything open lost [USD]."""
    firms = firms_of(draft, settings)
    return _within(draft, firms.tightest(firms.day_room()))


def firm_drawdown(draft: Draft, settings: Settings) -> Limit:
    """Shrink all purchases alike to what is left above the floor, everything open lost [USD]."""
    firms = firms_of(draft, settings)
    return _within(draft, firms.tightest(firms.floor_room()))


def firm_contracts(draft: Draft, settings: Settings) -> Limit:
    """Shrink all purchases alike to the contracts that the profit allows, held and working ones counted."""
    firms = firms_of(draft, settings)
    most = np.stack([each.most_contracts(firms.profit[:, i]) for i, each in enumerate(firms.profiles)], axis=1)
    limit = firms.tightest(most)
    account = draft.standing.account
    working = account.working
    left = np.where(working.size_micro > 0, working.size_micro - working.filled_micro, 0)
    waiting = np.zeros(account.n_runs, np.int64)
    np.add.at(waiting, working.run, left)
    there = (account.held_micro.sum(axis=1, dtype=np.int64) + waiting)[:, None] / MICRO
    need = draft.size.sum(axis=1, keepdims=True, dtype=np.int64) / MICRO
    return _where_set(limit, there + need, limit, _shared(draft, np.maximum(limit - there, 0.0), need))


def firm_flat_by(draft: Draft, settings: Settings) -> Limit:
    """Refuse after an account has to be flat, until its next day; value 1: too late."""
    firms = firms_of(draft, settings)
    late = np.array([profile.is_late(draft.cycle.fill_at) for profile in firms.profiles])
    refused = (firms.live & late).any(axis=1, keepdims=True)
    none = all(profile.flat_by is None for profile in firms.profiles)
    allowed = np.full(refused.shape, np.nan) if none else pass_or_refuse(~refused)
    return Limit(refused.astype(np.float64), np.zeros(refused.shape), allowed)


def firm_consistency(draft: Draft, settings: Settings) -> Limit:
    """Refuse when the day has won its share of the total profit: more would make it too large a part [USD].

    Total is the target where that is more. Without a target a first profit is always all of it: the rule then begins once
    there were so many active days that it can be met.
    """
    firms = firms_of(draft, settings)
    share = np.array([profile.consistency_pct for profile in firms.profiles]) / 100.0
    target = firms.each("profit_target")
    total = np.maximum(firms.profit, np.where(np.isinf(target), 0.0, target))
    counts = ~np.isnan(share) & (~np.isinf(target) | (firms.governor.firm_active_days * share >= LEAST_SHARE_OF_DAYS))
    room = np.where(counts, share * total - firms.today, np.inf)
    tightest = firms.tightest(room)
    return _where_set(tightest, -tightest / MICRO, np.zeros(tightest.shape), pass_or_refuse(tightest > 0))


def firm_target(draft: Draft, settings: Settings) -> Limit:
    """Refuse when every account has its profit and its active days: there is nothing to win that could not be lost [USD]."""
    firms = firms_of(draft, settings)
    days = np.array([profile.active_days for profile in firms.profiles])
    target = firms.each("profit_target")
    missing = np.where(firms.governor.firm_active_days >= days, target - firms.profit, np.inf)
    most = np.where(firms.live, missing, -np.inf).max(axis=1, keepdims=True)
    applies = ~np.isinf(target).all(axis=1, keepdims=True)
    least = np.where(np.isinf(most), np.nan, most / MICRO)
    return Limit(least, np.zeros(most.shape), np.where(applies, pass_or_refuse(most > 0), np.nan))


def _worst(draft: Draft) -> FloatArray:
    """Return the worst loss of a share [USD]: all that the order may pay for it."""
    return np.maximum(draft.standing.loss, draft.asks.limit / MICRO)


def _cost(draft: Draft) -> FloatArray:
    cost: FloatArray = np.ceil(draft.size * _worst(draft))
    return cost


def _within(draft: Draft, room: FloatArray) -> Limit:
    """Return what is left when all that is open, all that works and all that is new may be lost; `room` (n_runs, 1)."""
    standing, account = draft.standing, draft.standing.account
    assert standing.marks is not None
    held = standing.marks.value_micro.sum(axis=1, dtype=np.int64)
    waiting = standing.existing.sum(axis=1, dtype=np.int64) - account.cost_micro.sum(axis=1, dtype=np.int64)
    there = (held + waiting)[:, None]
    need = _cost(draft).sum(axis=1, keepdims=True)
    allowed = _shared(draft, np.maximum(room - there, 0.0), need)
    return _where_set(room, (there + need) / MICRO, room / MICRO, allowed)


def _shared(draft: Draft, room: FloatArray, need: FloatArray) -> FloatArray:
    """Return what each purchase keeps of a room that all share; both (n_runs, 1) in one unit."""
    with np.errstate(invalid="ignore"):
        share = room / np.maximum(need, 1e-9)
    return np.where(need <= room, np.inf, np.floor(draft.size * np.where(np.isfinite(share), share, 1.0)) / MICRO)


def _where_set(limit: FloatArray, value: FloatArray, shown: FloatArray, allowed: FloatArray) -> Limit:
    """Return a limit that does not apply where nobody sets it."""
    return Limit(value, np.broadcast_to(shown, value.shape), np.where(np.isinf(limit), np.nan, allowed))
