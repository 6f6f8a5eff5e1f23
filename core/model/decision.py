"""The stored row of a ruling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

STATED_FILL = "p_fill"
"""In the belief of a decision whose order rests: the probability that anything of it is filled before its life ends."""


class Verdict(StrEnum):
    PASS = "pass"
    SHRINK = "shrink"
    REFUSE = "refuse"
    NOT_APPLICABLE = "not_applicable"
    NOT_BUILT = "not_built"


@dataclass(frozen=True, slots=True)
class Check:
    """One limit that was asked: its number, its limit, what it said. `allowed_micro` None: no bound on size."""

    name: str
    value: float | None
    limit: float | None
    verdict: Verdict
    allowed_micro: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One row per instrument that a desk wanted to change, also when the answer was no."""

    decision_id: str
    run: int
    token: str
    held_micro: int
    wanted_micro: int  # target before limits
    allowed_micro: int  # target after limits
    order_micro: int  # signed order after the guard, 0: none
    reason_code: str
    checks: tuple[Check, ...]
    belief: Mapping[str, object]
