"""An order before it is sent: where it stands, what it meets, how large it still is."""

from __future__ import annotations

from dataclasses import dataclass

from agents.transmission.offers import Offer
from agents.transmission.standing import Standing
from core.model.cycle import Cycle
from core.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Draft:
    """Purchases of one cycle, (n_runs, n)."""

    standing: Standing
    cycle: Cycle
    asks: Offer
    size: IntArray  # [micro-shares]
    rests: BoolArray | None = None  # (n,) what is not filled at once stays in the book; None: nothing does

    @property
    def fair(self) -> FloatArray:
        return self.standing.targets.fair[self.standing.own]
