"""What checks said, before it is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agents.transmission.limits import Cuts, Limit
from agents.transmission.standing import Standing
from core.model.quotes import Quotes
from core.units import IntArray


@dataclass(frozen=True, slots=True)
class Guarded:
    """The quotes of a block and what every account-free check says of them, (n_instants, n_instruments)."""

    quotes: Quotes
    limits: Mapping[str, Limit]


@dataclass(frozen=True, slots=True)
class Entries:
    """The checks of purchases: on the position, then on the order."""

    position: Cuts
    order: Cuts
    n_scaling: int  # how many checks of the position share out and scale before the first that refuses


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is left of the targets, over the columns of `standing` that can be traded, (n_runs, n).

    `entries` and `sales` hold the checks that were asked; None where no position was to change.
    """

    standing: Standing
    allowed: IntArray  # position after limits [micro-shares]
    order: IntArray  # signed [micro-shares]
    limit: IntArray  # worst price of the order [micro-USD per share]
    reference: IntArray  # average price that was shown for it [micro-USD per share]
    entries: Entries | None = None
    sales: Cuts | None = None
