"""A fee is rounded once for the whole order: what a large one hardly feels, a small one may not earn back."""

from __future__ import annotations

import numpy as np

from agents.transmission.guard.draft import Draft
from agents.transmission.limits import Limit, pass_or_refuse
from core.prices import fees_micro
from core.settings import Settings
from core.units import MICRO, IntArray

_NOISE = 1e-9  # [USD]


def rounded_fee(draft: Draft, settings: Settings) -> Limit:
    """Refuse where the fee, rounded as the venue rounds it, leaves nothing of the expected gain of the order [USD].

    At the limit price: whatever better price the order meets, it gains more. A leg without a view gains by others.
    """
    paid = np.broadcast_to(draft.asks.limit, draft.size.shape)
    gain = draft.size / MICRO * (draft.fair - paid / MICRO) - _fee(draft, paid) / MICRO
    asked = (draft.size > 0) & draft.standing.targets.view[draft.standing.own]
    allowed = np.where(asked, pass_or_refuse(gain > _NOISE), np.nan)
    return Limit(gain, np.zeros_like(gain), allowed)


def _fee(draft: Draft, paid: IntArray) -> IntArray:
    """Return the fee of each order [micro-USD], (n_runs, n)."""
    fee, own = np.zeros_like(draft.size), draft.standing.own
    asked = np.flatnonzero((draft.size > 0).any(axis=0))
    terms = [draft.standing.targets.fees[column] for column in own[asked].tolist()]
    for fees in dict.fromkeys(terms):
        columns = asked[[each == fees for each in terms]]
        fee[:, columns] = fees_micro(paid[:, columns], draft.size[:, columns], fees)
    return fee
