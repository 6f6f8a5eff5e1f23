"""A change folded into an account: the arithmetic of money, pure, all runs at once.

Buying adds shares and cost and pays notional + fee, which the cash must be able to pay. Selling takes cost away pro rata
(floor; all of it with the last share). A final word pays 1 USD per winning share. What comes in repays first what is owed.
`booked` also says what moved, so that rows are written from the very numbers that the account took.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from core.days import desk_day
from core.errors import JournalError
from core.journal.changes import Change, Closing, Conversion, Execution, Intention, Obedience, Payout, Risk
from core.journal.conversion import converted, with_columns
from core.journal.entries import Booked
from core.journal.execution import executed
from core.journal.payout import paid_out, without_columns
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.event import Instrument
from core.model.orders import Orders, Role, Status, join_orders
from core.model.settlement import Finality
from core.units import micros

MEMORY = timedelta(days=10)
"""How long after its day an event's outcome is remembered for a correction."""


def apply(cycle: Cycle, account: Account, change: Change) -> Account:
    """Return the account after a change."""
    return booked(cycle, account, change).account


def booked(cycle: Cycle, account: Account, change: Change) -> Booked:
    """Return the account after a change and what moved; JournalError for what the rules of money do not allow."""
    moved = _moved(cycle, account, change)
    return replace(moved, account=replace(moved.account, seq=account.seq + 1))


def _moved(cycle: Cycle, account: Account, change: Change) -> Booked:
    match change:
        case Intention():
            return Booked(_intended(_forgetful(account, cycle), change, micros(cycle.fill_at)))
        case Execution():
            return executed(account, change.reports)
        case Payout():
            _check_age(account, change, cycle)
            day = desk_day(cycle.scheduled_at).toordinal()
            return paid_out(_forgetful(account, cycle), change.settlement, micros(cycle.sealed_at), day)
        case Conversion():
            return converted(account, change, micros(cycle.sealed_at))
        case Obedience():
            return Booked(_obeyed(account, change))
        case Closing():
            return Booked(account)


def _obeyed(account: Account, change: Obedience) -> Account:
    tripped = account.tripped if change.tripped is None else np.array(change.tripped, np.int64)
    return replace(account, tripped=tripped, governor=change.governor or account.governor)


def _intended(account: Account, change: Intention, fill_at: int) -> Account:
    _check_orders(account, change)
    described = {instrument.token: instrument for instrument in change.instruments}
    account = with_columns(account, tuple(described[token] for token in dict.fromkeys(change.orders.token)))
    account = replace(account, working=_taken_back(account.working, change.cancels, fill_at))
    orders = replace(change.orders, parent=_shifted(change.orders, len(account.working)))
    account = replace(account, working=join_orders(account.working, orders))
    return account if change.risk is None else _at_risk(account, change.risk)


def _taken_back(working: Orders, cancels: tuple[str, ...], at: int) -> Orders:
    if not cancels:
        return working
    unknown = set(cancels) - set(working.order_id)
    if unknown:
        raise JournalError(f"the intention takes back {', '.join(sorted(unknown))}, which is not working")
    mine = np.isin(working.order_id, cancels) & (working.cancel_at == 0)
    return replace(working, cancel_at=np.where(mine, at, working.cancel_at))


def _check_orders(account: Account, change: Intention) -> None:
    orders = change.orders
    described = {instrument.token: instrument for instrument in change.instruments}
    missing = {*orders.token, *(decision.token for decision in change.decisions)} - described.keys()
    if missing:
        raise JournalError(f"the intention does not describe {', '.join(sorted(missing))}")
    if len({*orders.order_id, *account.working.order_id}) != len(orders) + len(account.working):
        raise JournalError("the intention places an order that is placed already")
    if (orders.status != Status.SUBMITTING).any() or orders.filled_micro.any():
        raise JournalError("an order of the intention is not SUBMITTING and unfilled")
    if ((orders.run < 0) | (orders.run >= account.n_runs)).any():
        raise JournalError(f"an order of the intention is of a run beyond the account's {account.n_runs}")
    if ((orders.size_micro == 0) & (orders.role != Role.CANCEL)).any():
        raise JournalError("an order of the intention is of no size")
    for token in dict.fromkeys(orders.token):
        if _ended(account, described[token]):
            raise JournalError(f"an order is for {described[token].event_id}, which the venue has settled")


def _ended(account: Account, instrument: Instrument) -> bool:
    outcome = account.outcomes.get(instrument.event_id)
    return outcome is not None and outcome.settlement.finality is Finality.FINAL


def _shifted(orders: Orders, rows: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.where(orders.parent < 0, -1, orders.parent + rows)


def _at_risk(account: Account, risk: Risk) -> Account:
    return replace(
        account, desk_day=int(risk.desk_day), equity_micro=risk.equity_micro, unit_r_micro=risk.unit_r_micro,
        day_start_micro=risk.day_start_micro, week_start_micro=risk.week_start_micro,
        high_water_micro=risk.high_water_micro, tripped=risk.tripped, governor=risk.governor,
    )  # fmt: skip


def _check_age(account: Account, change: Payout, cycle: Cycle) -> None:
    word = change.settlement
    forgotten = word.event_day < _oldest(cycle) and word.event_id not in account.outcomes
    if word.revision > 0 and word.finality is Finality.FINAL and forgotten:
        raise JournalError(f"{word.settlement_id} corrects an outcome of {word.event_day}, {MEMORY.days} days are remembered")


def _forgetful(account: Account, cycle: Cycle) -> Account:
    """Drop old outcomes of which nothing is held, and flat columns of old events that were never settled."""
    oldest = _oldest(cycle)
    flat = ~((account.held_micro != 0) | (account.cost_micro != 0)).any(axis=0)
    open_events = {account.instruments[i].event_id for i in np.flatnonzero(~flat).tolist()}
    outcomes = {
        key: kept for key, kept in account.outcomes.items() if kept.settlement.event_day >= oldest or key in open_events
    }
    if len(outcomes) < len(account.outcomes):
        account = replace(account, outcomes=outcomes)
    old = np.array([instrument.event_day < oldest for instrument in account.instruments], np.bool_)
    if not old.any():
        return account
    working = np.isin([instrument.token for instrument in account.instruments], account.working.token)
    return without_columns(account, np.flatnonzero(old & flat & ~working))


def _oldest(cycle: Cycle) -> date:
    return (cycle.scheduled_at - MEMORY).date()
