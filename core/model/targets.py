"""What a desk wants, before any limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.model.event import Fees, Instrument
from core.units import BoolArray, FloatArray, IntArray

EARNED = ("none", "probe", "normal")  # sizes that a record can earn


@dataclass(frozen=True, slots=True)
class Targets:
    """Arrays (n_runs, n_instruments) or (n_instruments,) as said; the account holds what is."""

    instruments: tuple[Instrument, ...]
    target: FloatArray  # (n_runs, n_instruments) position wanted [shares]
    fair: FloatArray  # (n_instruments,) fair value [USD per share]
    price: FloatArray  # (n_instruments,) executable all-in price to buy a reference size; NaN: cannot be bought
    limit_price: FloatArray  # (n_instruments,) highest price of an entry, fee apart [USD per share]
    sell_price: FloatArray  # (n_instruments,) best bid less fee [USD per share]; NaN: cannot be sold
    kept_below: FloatArray  # (n_runs, n_instruments) bid less fee for which less is not held yet [USD per share]; NaN: unknown
    worst_loss: FloatArray  # (n_instruments,) loss when it settles wrongly [USD per share]
    edge: FloatArray  # (n_instruments,) fair - executable price [USD per share]
    multiplier: FloatArray  # (n_instruments,) regime multiplier
    earned: IntArray  # (n_instruments,) index into EARNED; what size that is says Transmission
    tick_micro: IntArray  # (n_instruments,)
    min_size_micro: IntArray  # (n_instruments,)
    fees: tuple[Fees, ...]  # of each instrument
    open: BoolArray  # (n_instruments,) False: nothing may be opened, `closed_reason` says why
    closed_reason: tuple[str, ...]  # reason code, "" where open
    belief: tuple[dict[str, object], ...]  # what the decision row keeps: p_model, p_market, p_pooled, sd, regime, ...
    view: BoolArray  # (n_instruments,) its own edge is positive; False: it hedges others
    stress: Mapping[str, FloatArray] = field(default_factory=dict)  # (n_runs,) P&L of targets and holdings by stress [USD]
