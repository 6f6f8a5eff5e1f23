"""The record of a ruling: one row per instrument whose position was to change, with every check, also when the answer is no."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from agents.transmission.constraints.rules import COUNTS, RULES
from agents.transmission.governor import WIRES
from agents.transmission.guard.host import HOST_CHECKS
from agents.transmission.identity import decision_id
from agents.transmission.limits import Cuts
from agents.transmission.reasons import AS_WANTED, ON_TARGET, RESTS
from agents.transmission.verdicts import Ruling
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.decision import STATED_FILL, Check, Decision, Verdict
from core.model.targets import Targets
from core.units import MICRO, BoolArray, FloatArray, IntArray, nullable

NOT_APPLICABLE: Mapping[str, str] = {
    "heat": "Sum of stop losses: the weather desk has no stops",
    "one_position": "One position per instrument: a rule of the futures desk",
    "market_order": "Market orders at a spread of one tick only: the weather desk sends limit orders alone",
    "connection": "Latency and life of the line to the broker: a rule of the futures desk",
    "working_age": "Age of a working order: a rule of the futures desk",
    "decision_age": "Age of the decision: asked by the live broker when it sends, and told as the reason of the order",
}

LISTED: tuple[str, ...] = tuple(dict.fromkeys((
    "open_event", "priced", "instruments",
    "regime", "fair_gap", "gap_rule", "gap_metar", "step", "operator_dial", "earned_size",
    *WIRES, "fresh_marks", *HOST_CHECKS,
    "bracket", "city_day", "region_day", "desk_day", "open_risk", "source", "market_cap", "bankroll", "kelly_cap",
    "min_cash", "trade_ceiling", "worst_day",
    "book_sanity", "book_age", "print_age", "spread", "limit_price", "depth", "estimated_cost", "rounded_fee", "fat_finger",
    "duplicate", "quiet_minutes", "venue_hours",
    *(rule.name for rule in RULES), "minimum_size", *(rule.name for rule in COUNTS), "exit_edge",
)))  # fmt: skip
"""The checks of a decision in the order in which they are shown."""

_ABSENT = tuple(Check(name, None, None, Verdict.NOT_APPLICABLE) for name in NOT_APPLICABLE)
_NOT_ASKED = {name: Check(name, None, None, Verdict.NOT_APPLICABLE) for name in LISTED}
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
    rows = zip(runs.tolist(), own, *numbers, reasons, checks, _beliefs(ruling, runs, columns, targets), strict=True)
    return tuple(
        Decision(
            decision_id=decision_id(cycle.desk, cycle.scheduled_at, run, targets.instruments[column].token), run=run,
            token=targets.instruments[column].token, held_micro=held, wanted_micro=wanted, allowed_micro=allowed,
            order_micro=order, reason_code=reason, checks=listed, belief=belief,
        )
        for run, column, held, wanted, allowed, order, reason, listed, belief in rows
    )  # fmt: skip


def _beliefs(ruling: Ruling, runs: IntArray, columns: IntArray, targets: Targets) -> list[Mapping[str, object]]:
    """Return what the desk believes of each instrument and, where an order rests, how likely it is filled."""
    beliefs: list[Mapping[str, object]] = [targets.belief[column] for column in ruling.standing.own[columns].tolist()]
    if ruling.fill_chance is not None:
        for i in np.flatnonzero(ruling.until[runs, columns]).tolist():
            beliefs[i] = {**beliefs[i], STATED_FILL: round(float(ruling.fill_chance[runs[i], columns[i]]), 6)}
    return beliefs


def _entry_reason(ruling: Ruling, run: int, column: int, targets: Targets) -> str:
    entries = ruling.entries
    assert entries is not None
    if ruling.until[run, column]:
        return RESTS
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
    entries, sales = ruling.entries, ruling.sales
    entering = ruling.standing.entering[runs, columns]
    bought, sold = (entries.position, entries.order) if entries else (), (sales,) if sales else ()
    found: list[tuple[Check, ...]] = [()] * len(runs)
    for mine, asked in ((entering, bought), (~entering, sold)):
        rows = np.flatnonzero(mine)
        if not len(rows):
            continue
        listed = {name: checks for cuts in asked for name, checks in _listed(cuts, runs[rows], columns[rows]).items()}
        for row, checks in zip(rows.tolist(), zip(*_in_order(listed, len(rows)), strict=True), strict=True):
            found[row] = (*checks, *_ABSENT)
    return found


def _in_order(asked: Mapping[str, list[Check]], n: int) -> list[list[Check]]:
    """Return the checks of every position by name, as they are shown; what was not asked does not apply."""
    return [asked[name] if name in asked else [_NOT_ASKED[name]] * n for name in LISTED]


def _listed(cuts: Cuts, runs: IntArray, columns: IntArray) -> dict[str, list[Check]]:
    """Return the checks of each position by name; a cap that was asked twice answers once, the stricter."""
    answers = [(limit.value, limit.limit, limit.allowed) for _, limit, _ in cuts.limits]
    value, bound, allowed = (np.stack([_at(part, runs, columns) for part in parts]) for parts in zip(*answers, strict=True))
    asked = np.stack([before[runs, columns] for *_, before in cuts.limits]) / MICRO
    verdict = np.where(np.isnan(allowed), 0, np.where(allowed <= 0, 3, np.where(allowed >= asked, 1, 2)))
    numbers = np.round(value, 6), np.round(bound, 6), verdict, np.rint(allowed * MICRO)
    alike = np.logical_and.reduce([_one(each) for each in numbers]).tolist()  # most checks say the same of every position
    listed: dict[str, list[Check]] = {}
    rows = zip(cuts.limits, alike, *(nullable(each) for each in numbers), strict=True)
    for (name, _, _), same, *said in rows:
        asked_of = [tuple(each[0] for each in said)] if same else zip(*said, strict=True)
        new = [Check(name, a, b, _VERDICTS[c], None if d is None else int(d)) for a, b, c, d in asked_of]
        new *= len(runs) if same else 1
        listed[name] = [_stricter(*pair) for pair in zip(listed[name], new, strict=True)] if name in listed else new
    return listed


def _at(part: FloatArray, runs: IntArray, columns: IntArray) -> FloatArray:
    """Return the numbers of some positions from an array that broadcasts to (n_runs, n)."""
    if part.size == 1:
        return np.full(len(runs), part.flat[0])
    table = part.reshape(1, -1) if part.ndim < 2 else part
    row = runs if table.shape[0] > 1 else np.zeros_like(runs)
    return table[row, columns if table.shape[1] > 1 else np.zeros_like(columns)]


def _one(numbers: FloatArray | IntArray) -> BoolArray:
    """Return which rows say the same of every position."""
    same: BoolArray = (numbers == numbers[:, :1]).all(axis=1) | np.isnan(numbers).all(axis=1)
    return same


def _stricter(first: Check, second: Check) -> Check:
    """Return the stricter of two answers of one check."""
    return second if _SEVERITY[second.verdict] > _SEVERITY[first.verdict] else first
