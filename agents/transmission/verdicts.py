"""What checks said, before it is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agents.prints import Tape
from agents.transmission.limits import Cuts, Limit
from agents.transmission.standing import Standing
from core.model.host import WELL, Host
from core.model.quotes import Quotes
from core.units import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Guarded:
    """The quotes of a block and what every account-free check says of them, (n_instants, n_instruments)."""

    quotes: Quotes
    limits: Mapping[str, Limit]
    hosts: tuple[Host, ...] = ()  # what the host said of itself at each instant; empty: nothing is known
    tape: Tape | None = None  # where orders may rest: the prints that were known

    def host(self, row: int) -> Host:
        """Return what the host said at one instant."""
        return self.hosts[row] if self.hosts else WELL


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
    until: IntArray  # last instant of an order that rests [microseconds]; 0: what is not filled at once is over
    fill_chance: FloatArray | None = None  # of an order that rests [1], NaN where none does; None: nothing was to rest
    entries: Entries | None = None
    sales: Cuts | None = None
