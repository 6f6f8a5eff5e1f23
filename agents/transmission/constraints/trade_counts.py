"""How many purchases a day and a week may have: filled ones, those that work, and the ones at hand, dearest edge first."""

from __future__ import annotations

import numpy as np

from agents.transmission.guard.draft import Draft
from agents.transmission.limits import Limit, pass_or_refuse
from core.settings import Settings
from core.units import IntArray

CEILING = 10
"""Purchases of a day that no setting of the futures desk passes."""


def trades_per_day(draft: Draft, settings: Settings) -> Limit:
    """Refuse purchases beyond `trades_per_day` of the desk day."""
    return _counted(draft, draft.standing.account.governor.entries_day, settings.rules.trades_per_day)


def trades_per_week(draft: Draft, settings: Settings) -> Limit:
    """Refuse purchases beyond `trades_per_week` of the desk week."""
    return _counted(draft, draft.standing.account.governor.entries_week, settings.rules.trades_per_week)


def trades_ceiling(draft: Draft, settings: Settings) -> Limit:
    """Refuse purchases of the futures desk beyond ten a day, whatever is set."""
    return _counted(draft, draft.standing.account.governor.entries_day, CEILING)


def _counted(draft: Draft, filled: IntArray, most: int) -> Limit:
    """Return what each purchase would be the how-manieth of; a working one without a fill counts as made."""
    asked = draft.size > 0
    before = (filled + _waiting(draft))[:, None]
    number = before + _place(draft, asked)
    allowed = np.where(asked, pass_or_refuse(number <= most), np.nan)
    return Limit(number.astype(np.float64), np.full(number.shape, float(most)), allowed)


def _waiting(draft: Draft) -> IntArray:
    """Return, (n_runs,), how many working purchases have no fill yet."""
    working = draft.standing.account.working
    waits = (working.size_micro > 0) & (working.filled_micro == 0)
    return np.bincount(working.run[waits], minlength=draft.standing.account.n_runs).astype(np.int64)


def _place(draft: Draft, asked: np.ndarray) -> IntArray:
    """Return the place of each purchase among those at hand, from 1, the largest edge first."""
    edge = draft.standing.targets.edge[draft.standing.own]
    order = np.argsort(-np.where(np.isnan(edge), -np.inf, edge), kind="stable")
    place = np.empty(asked.shape, np.int64)
    place[:, order] = np.cumsum(asked[:, order], axis=1)
    return place
