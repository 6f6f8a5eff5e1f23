"""What a desk owns, as arrays with a leading run axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from core.model.event import Instrument
from core.model.governor import Governor, new_governor
from core.model.orders import Level, Orders, no_orders
from core.model.settlement import Settlement
from core.units import IntArray

Depth = Mapping[tuple[int, str, int], tuple[Level, ...]]
"""What we took from the newest book, by (run, token, +1 asks or -1 bids), micro-shares: recorded depth is not filled twice."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The newest word about an event, and what was held when it was paid: a correction pays the difference."""

    settlement: Settlement
    instruments: tuple[Instrument, ...]  # held in at least one run when the final word came; empty before
    held_micro: IntArray  # (n_runs, len(instruments))
    cost_micro: IntArray
    claim_micro: IntArray


@dataclass(frozen=True, slots=True)
class Account:
    """Money and holdings: rows are runs (one when live), columns the instruments held or ordered.

    Settled instruments leave the columns, so the size of an account does not grow with its history.
    """

    desk: str
    world: str
    instruments: tuple[Instrument, ...]
    cash_micro: IntArray  # (n_runs,)
    owed_micro: IntArray  # (n_runs,) taken back by a correction beyond the cash that was there
    held_micro: IntArray  # (n_runs, n_instruments) shares
    cost_micro: IntArray  # (n_runs, n_instruments) paid for what is held, fees apart
    claim_micro: IntArray  # (n_runs, n_instruments) what it was said to be worth when it was bought
    fees_micro: IntArray  # (n_runs,) all fees so far
    realised_micro: IntArray  # (n_runs,) all realised P&L so far, fees apart
    start_micro: IntArray  # (n_runs,) opening cash
    equity_micro: IntArray  # (n_runs,) at the last mark
    desk_day: int  # ordinal of the desk day that the next three belong to; 0 before the first cycle
    unit_r_micro: IntArray  # (n_runs,) R0 of the desk day
    day_start_micro: IntArray  # (n_runs,) equity at the start of the desk day
    week_start_micro: IntArray  # (n_runs,) equity at the start of the desk week
    high_water_micro: IntArray  # (n_runs,)
    tripped: IntArray  # (n_runs,) bit per tripwire, see agents.transmission.tripwires
    governor: Governor
    working: Orders = field(default_factory=no_orders)
    taken: Depth = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)  # by event id, while a correction may still come
    seq: int = 0  # of the newest journal change folded in

    @property
    def n_runs(self) -> int:
        return len(self.cash_micro)

    def column(self) -> dict[str, int]:
        """Return the column of each token."""
        return {instrument.token: i for i, instrument in enumerate(self.instruments)}


def new_account(desk: str, world: str, start_micro: int, n_runs: int = 1) -> Account:
    """Return an account that holds nothing but its opening cash."""
    cash = np.full(n_runs, start_micro, np.int64)
    nothing, none = np.zeros(n_runs, np.int64), np.zeros((n_runs, 0), np.int64)
    return Account(
        desk=desk, world=world, instruments=(), cash_micro=cash, owed_micro=nothing, held_micro=none, cost_micro=none,
        claim_micro=none, fees_micro=nothing, realised_micro=nothing, start_micro=cash, equity_micro=cash,
        desk_day=0, unit_r_micro=nothing, day_start_micro=cash, week_start_micro=cash,
        high_water_micro=cash, tripped=nothing, governor=new_governor(cash),
    )  # fmt: skip
