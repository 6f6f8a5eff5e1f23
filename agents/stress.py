"""What the desk's stresses would bring now, as one line of the activity: the faces show it beside the limits."""

from __future__ import annotations

from core.model.activity import Action, Activity
from core.model.cycle import Cycle
from core.model.targets import Targets

TYPE = "stress"


def stressed(cycle: Cycle, targets: Targets) -> tuple[Activity, ...]:
    """Return one line with the P&L of holdings and targets in each stress, of the first run; none where nothing is at stake."""
    found = {name: round(float(pnl[0]), 6) for name, pnl in targets.stress.items()}
    told = dict(sorted(((name, pnl) for name, pnl in found.items() if pnl), key=lambda pair: (pair[1], pair[0])))
    if not told:
        return ()
    worst, pnl = next(iter(told.items()))
    sign = "−" if pnl < 0 else "+"
    return (
        Activity(
            at=cycle.sealed_at, action=Action.RISK, type=TYPE,
            message=f"worst of {len(found)} stresses: {worst.replace('_', ' ')} {sign}{abs(pnl):.2f} $", data={"pnl_usd": told},
        ),
    )  # fmt: skip
