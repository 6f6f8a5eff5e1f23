"""The record of a ruling: one row per instrument whose position was to change, with every check, also when the answer is no."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

import numpy as np

from agents.transmission.identity import decision_id
from agents.transmission.limits import Cuts
from agents.transmission.reasons import AS_WANTED, ON_TARGET
from agents.transmission.verdicts import Ruling
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.decision import Check, Decision, Verdict
from core.model.targets import Targets
from core.units import MICRO, FloatArray, IntArray

NOT_BUILT: Mapping[str, str] = {
    "drawdown_reference": "Drawdown from the reference high",
    "drawdown_all_time": "Drawdown from the all-time high",
    "red_days": "Red days in a row",
    "results_z": "Results against claims",
    "step": "Step of the desk's size",
    "operator_dial": "Operator dial",
    "infrastructure": "Sick source, clock, journal or broker",
    "trades_per_day": "User rule: trades per day and week",
    "sessions": "User rule: sessions",
    "news_blackout": "User rule: news blackout before and after",
    "account_rules": "Account rules of a prop firm",
    "quiet_minutes": "Quiet minutes before METAR, climate report and model releases",
    "clock_skew": "Clock skew",
    "decision_age": "Age of the decision",
    "order_latency": "Latency of orders and gaps in data",
}
"""Stages of the specification that do not exist yet: a decision says so instead of passing them."""

NOT_APPLICABLE: Mapping[str, str] = {
    "heat": "Sum of stop losses: the weather desk has no stops",
    "one_position": "One position per instrument: a rule of the futures desk",
    "working_age": "Age of a working order: a rule of the futures desk",
}

LISTED: tuple[str, ...] = (
    "open_event", "priced", "regime", "fair_gap", "earned_size",
    "kill_switch", "day_loss", "week_loss", "fresh_marks",
    "bracket", "city_day", "region_day", "desk_day", "open_risk", "source", "market_cap", "bankroll", "kelly_cap",
    "min_cash", "trade_ceiling", "worst_day",
    "book_sanity", "book_age", "print_age", "spread", "limit_price", "depth", "estimated_cost", "duplicate",
    "minimum_size", "exit_edge",
)  # fmt: skip
"""The checks of a decision in the order in which they are shown."""

_ABSENT = (
    *(Check(name, None, None, Verdict.NOT_APPLICABLE) for name in NOT_APPLICABLE),
    *(Check(name, None, None, Verdict.NOT_BUILT) for name in NOT_BUILT),
)
_VERDICTS = (Verdict.NOT_APPLICABLE, Verdict.PASS, Verdict.SHRINK, Verdict.REFUSE)  # from mild to strict
_SEVERITY = {verdict: place for place, verdict in enumerate(_VERDICTS)}


def decisions_of(ruling: Ruling, targets: Targets, account: Account, cycle: Cycle) -> tuple[Decision, ...]:
    """Return the rows of a ruling, by run and instrument."""
    standing = ruling.standing
    runs, columns = np.nonzero(standing.changed)
    if not len(runs):
        return ()
    checks = _checks(ruling, runs, columns)
    entering = standing.entering[runs, columns].tolist()
    reasons = [
        _entry_reason(ruling, run, column, targets) if enters else _exit_reason(ruling, run, column)
        for run, column, enters in zip(runs.tolist(), columns.tolist(), entering, strict=True)
    ]
    numbers = (part[runs, columns].tolist() for part in (standing.held, standing.wanted, ruling.allowed, ruling.order))
    own = standing.own[columns].tolist()
    rows = zip(runs.tolist(), own, *numbers, reasons, checks, strict=True)
    return tuple(
        Decision(
            decision_id=decision_id(cycle.desk, cycle.scheduled_at, run, targets.instruments[column].token), run=run,
            token=targets.instruments[column].token, held_micro=held, wanted_micro=wanted, allowed_micro=allowed,
            order_micro=order, reason_code=reason, checks=listed, belief=targets.belief[column],
        )
        for run, column, held, wanted, allowed, order, reason, listed in rows
    )  # fmt: skip


def _entry_reason(ruling: Ruling, run: int, column: int, targets: Targets) -> str:
    entries = ruling.entries
    assert entries is not None
    guarded = int(entries.order.bound[run, column])
    if guarded >= 0:
        return entries.order.limits[guarded][0]
    bound = int(entries.position.bound[run, column])
    if bound < 0:
        return AS_WANTED
    name, limit, _ = entries.position.limits[bound]
    if name == "open_event":
        return targets.closed_reason[int(ruling.standing.own[column])] or name
    allowed = float(np.broadcast_to(limit.allowed, ruling.order.shape)[run, column])
    enough = allowed > 0 and ruling.standing.base[run, column] > 0 and ruling.order[run, column] == 0
    return ON_TARGET if enough and bound < entries.n_scaling else name


def _exit_reason(ruling: Ruling, run: int, column: int) -> str:
    sales = ruling.sales
    assert sales is not None
    bound = int(sales.bound[run, column])
    return AS_WANTED if bound < 0 else sales.limits[bound][0]


def _checks(ruling: Ruling, runs: IntArray, columns: IntArray) -> list[tuple[Check, ...]]:
    """Return the checks of each changed position: of its purchase or of its sale, then what is not there."""
    entering = ruling.standing.entering[runs, columns]
    bought = _listed(ruling.entries.position, ruling, runs, columns) if ruling.entries else {}
    if ruling.entries:
        bought |= _listed(ruling.entries.order, ruling, runs, columns)
    sold = _listed(ruling.sales, ruling, runs, columns) if ruling.sales else {}
    listed = []
    for i, enters in enumerate(entering.tolist()):
        asked = bought if enters else sold
        checks = (asked[name][i] if name in asked else Check(name, None, None, Verdict.NOT_APPLICABLE) for name in LISTED)
        listed.append((*checks, *_ABSENT))
    return listed


def _listed(cuts: Cuts, ruling: Ruling, runs: IntArray, columns: IntArray) -> dict[str, list[Check]]:
    """Return the checks of each position by name; a cap that was asked twice answers once, the stricter."""
    shape = ruling.order.shape
    listed: dict[str, list[Check]] = {}
    for name, limit, before in cuts.limits:
        parts = (limit.value, limit.limit, limit.allowed, before / MICRO)
        new = _answers(name, *(np.broadcast_to(part, shape)[runs, columns] for part in parts))
        listed[name] = [_stricter(*pair) for pair in zip(listed[name], new, strict=True)] if name in listed else new
    return listed


def _answers(name: str, value: FloatArray, limit: FloatArray, allowed: FloatArray, asked: FloatArray) -> list[Check]:
    verdict = np.select([np.isnan(allowed), allowed <= 0, allowed >= asked], [0, 3, 1], 2)
    numbers = np.round(value, 6), np.round(limit, 6), allowed * MICRO
    if all(_one(each) for each in (*numbers, verdict)):  # most checks say the same of every position
        first, bound, size = (float(each[0]) for each in numbers)
        return [_check(name, first, bound, size, int(verdict[0]))] * len(verdict)
    rows = zip(*(each.tolist() for each in numbers), verdict.tolist(), strict=True)
    return [_check(name, *row) for row in rows]


def _one(numbers: FloatArray) -> bool:
    return bool((numbers == numbers[0]).all() or np.isnan(numbers).all())


def _check(name: str, value: float, limit: float, allowed: float, verdict: int) -> Check:
    return Check(
        name, value if isfinite(value) else None, limit if isfinite(limit) else None, _VERDICTS[verdict],
        round(allowed) if isfinite(allowed) else None,
    )  # fmt: skip


def _stricter(first: Check, second: Check) -> Check:
    """Return the stricter of two answers of one check."""
    return second if _SEVERITY[second.verdict] > _SEVERITY[first.verdict] else first
