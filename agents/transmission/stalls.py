"""Orders that work longer than they may: nobody waits for a broker in silence.

Trap: forty hours of standing still on orders whose answers had been lost.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from core.model.account import Account
from core.model.activity import Action, Activity, Severity
from core.model.cycle import Cycle
from core.model.orders import Status
from core.settings import Settings
from core.units import InstantArray, instant, iso, micros

PATIENCE = timedelta(hours=1)
"""How long after its end, and two looks, a broker may still owe the last word of an order."""


def stalls(cycle: Cycle, account: Account, settings: Settings) -> tuple[Activity, ...]:
    """Return one line for each working order that should long have ended."""
    working = account.working
    due = last_words(account, settings)
    late = np.flatnonzero(due < micros(cycle.sealed_at))
    instruments = {instrument.token: instrument for instrument in account.instruments}
    lines = []
    for i in late.tolist():
        order_id, status = working.order_id[i], Status(int(working.status[i])).name
        instrument = instruments[working.token[i]]
        lines.append(
            Activity(
                at=cycle.sealed_at, action=Action.RISK, severity=Severity.ERROR, type="order_stalled",
                message=f"order {order_id} is {status} and should have ended by {iso(instant(int(due[i])))}: ask its broker; "
                "it counts as filled until then",
                station=instrument.station, event_day=instrument.event_day, event_id=instrument.event_id,
                data={"order_id": order_id, "status": status, "token": working.token[i]},
            )
        )  # fmt: skip
    return tuple(lines)


def last_words(account: Account, settings: Settings) -> InstantArray:
    """Return by when the last word of each working order is due [microseconds]."""
    working = account.working
    ends = np.where(working.good_until > 0, working.good_until, working.placed_at)
    ends = np.where(working.cancel_at > 0, np.minimum(ends, working.cancel_at), ends)
    looks = timedelta(seconds=2 * settings.interval_seconds) + PATIENCE
    due: InstantArray = np.maximum(ends, working.placed_at) + looks // timedelta(microseconds=1)
    return due
