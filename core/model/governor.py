"""What the risk governor remembers of a desk between two cycles; it is part of the account and lives as long."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from core.units import MICRO, IntArray

CLAIM_DAYS = 30
"""Desk days whose settled events are held against what was claimed of them."""
FULL_DIAL = 5
MOST_REBASES = 2  # of the drawdown's reference high, by a person


@dataclass(frozen=True, slots=True)
class Governor:
    """Integers, (n_runs,) unless said; money in micro-USD, days as ordinals.

    `claim_*` is a ring of desk days: slot `day % CLAIM_DAYS`, empty where `claim_day` is another day or 0.
    `firm_*` are the accounts of `firms` whose rules are followed, (n_runs, n_firms).
    """

    reference_micro: IntArray  # high of equity that the drawdown is counted from; a person rebases it
    rebases: IntArray  # how often that was done
    reference_limit_micro: IntArray  # limit of that drawdown [R0 x 1e6] when it tripped; 0: it has not
    all_time_limit_micro: IntArray  # the same of the drawdown from the highest equity ever
    account_high_micro: IntArray  # highest equity of all desks together; 0: counted anew from the next mark on
    others_micro: IntArray  # equity of the other desks, as last heard
    red_days: IntArray  # losing desk days in a row
    step_micro: IntArray  # share of full size that results have left; a million is all
    judged: IntArray  # `settled` when the step was judged last
    dial: IntArray  # a person's, 5 (all) to 1 (pause)
    flatten: IntArray  # 1: everything that can be sold is to be sold
    entries_day: IntArray  # purchases since the desk day began
    entries_week: IntArray
    settled: IntArray  # events that ended while something of them was held
    regime: IntArray  # of most open events at the last look, a place in core.model.regime.REGIMES; 0: none yet
    claim_day: IntArray  # (CLAIM_DAYS,)
    claim_diff_micro: IntArray  # (n_runs, CLAIM_DAYS) paid less claimed
    claim_var: IntArray  # (n_runs, CLAIM_DAYS) variance of it [USD^2 x 1e6]
    firms: tuple[str, ...]
    firm_day: IntArray
    firm_start_micro: IntArray
    firm_day_start_micro: IntArray
    firm_high_micro: IntArray  # highest equity at the end of a day
    firm_peak_micro: IntArray  # highest equity at any mark
    firm_active_days: IntArray
    firm_traded: IntArray  # 1: something was bought on its day
    firm_entries: IntArray  # `entries_week` at the last mark
    firm_best_day_micro: IntArray
    firm_ended: IntArray  # 1: its drawdown was breached


NUMBERS = tuple(field.name for field in fields(Governor) if field.name != "firms")
"""Fields that are arrays of integers."""


def new_governor(start_micro: IntArray) -> Governor:
    """Return the state of a desk that has not looked yet; `start_micro` is its opening cash, (n_runs,)."""
    n_runs = len(start_micro)
    nothing = np.zeros(n_runs, np.int64)
    by_day = np.zeros((n_runs, CLAIM_DAYS), np.int64)
    by_firm = np.zeros((n_runs, 0), np.int64)
    return Governor(
        reference_micro=start_micro, rebases=nothing, reference_limit_micro=nothing, all_time_limit_micro=nothing,
        account_high_micro=start_micro, others_micro=nothing, red_days=nothing,
        step_micro=np.full(n_runs, MICRO, np.int64), judged=nothing, dial=np.full(n_runs, FULL_DIAL, np.int64),
        flatten=nothing, entries_day=nothing, entries_week=nothing, settled=nothing, regime=nothing,
        claim_day=np.zeros(CLAIM_DAYS, np.int64), claim_diff_micro=by_day, claim_var=by_day, firms=(), firm_day=by_firm,
        firm_start_micro=by_firm, firm_day_start_micro=by_firm, firm_high_micro=by_firm, firm_peak_micro=by_firm,
        firm_active_days=by_firm, firm_traded=by_firm, firm_entries=by_firm, firm_best_day_micro=by_firm, firm_ended=by_firm,
    )  # fmt: skip
