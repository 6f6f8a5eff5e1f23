"""What every writer does with a change: check it against what is kept, fold it, make its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.errors import JournalError
from core.journal.changes import Change, Closing, Conversion, Execution, Intention, Obedience, Payout
from core.journal.fold import booked
from core.journal.rows import COMPLETE, EXECUTED, INTENDED, Rows, rows_of
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.orders import Reports
from core.units import iso, micros

PHASES: Mapping[type, frozenset[str | None]] = {
    Intention: frozenset({None}),
    Execution: frozenset({None, INTENDED, EXECUTED, COMPLETE}),  # a venue may speak late, also before the next intention
    Payout: frozenset({None, INTENDED, EXECUTED, COMPLETE}),
    Conversion: frozenset({None, INTENDED, EXECUTED, COMPLETE}),
    Obedience: frozenset({None, INTENDED, EXECUTED, COMPLETE}),
    Closing: frozenset({INTENDED, EXECUTED}),
}
"""What may happen to a cycle in which phase; None: nothing was intended yet."""


@dataclass(frozen=True, slots=True)
class Stand:
    """What a journal knows of a desk when a change of a cycle comes."""

    desk: str  # the one that the journal writes for
    seq: int  # of the account
    version: int  # newest activity row
    phase: str | None  # of this cycle
    newest: int | None  # newest intended cycle [microseconds]
    bookings: int  # fills, settlements and conversions of this cycle
    executions: frozenset[str]  # those of the change that are booked already
    obeyed: bool  # the change's command was carried out before


def book(cycle: Cycle, account: Account, change: Change, stand: Stand) -> tuple[Account, Rows]:
    """Return the account after a change and the rows to write; JournalError when it must not be booked."""
    _check(cycle, account, change, stand)
    if isinstance(change, Obedience) and stand.obeyed:  # a restart reads the same command again
        return account, Rows({})
    if isinstance(change, Execution):
        said = tuple(line for line in change.activity if line.data.get("trade_id") not in stand.executions)
        change = replace(change, reports=without_executions(change.reports, stand.executions), activity=said)
    done = booked(cycle, account, change)
    return done.account, rows_of(cycle, account, change, done, version=stand.version, line=stand.bookings)


def without_executions(reports: Reports, known: frozenset[str]) -> Reports:
    """Return the reports without executions that were booked before: a venue may say them again after a restart."""
    if not known:
        return reports
    rows = np.flatnonzero([execution_id not in known for execution_id in reports.execution_id])
    picked = rows.tolist()
    return Reports(
        tuple(reports.order_id[i] for i in picked), tuple(reports.execution_id[i] for i in picked), reports.status[rows],
        reports.at[rows], reports.size_micro[rows], reports.notional_micro[rows], reports.fee_micro[rows],
        tuple(reports.levels[i] for i in picked), tuple(reports.reason[i] for i in picked),
    )  # fmt: skip


def _check(cycle: Cycle, account: Account, change: Change, stand: Stand) -> None:
    name, at = type(change).__name__.lower(), iso(cycle.scheduled_at)
    if not cycle.desk == account.desk == stand.desk:
        raise JournalError(f"a cycle of {cycle.desk} and an account of {account.desk} in the journal of desk {stand.desk}")
    if account.seq != stand.seq:
        raise JournalError(
            f"the account of {account.desk} is at change {account.seq}, its journal at {stand.seq}: read it again"
        )
    if stand.phase not in PHASES[type(change)]:
        raise JournalError(f"cycle {at} of {cycle.desk} is {stand.phase or 'not intended'}: no {name} can follow")
    if isinstance(change, Intention | Execution | Payout | Conversion) and micros(cycle.scheduled_at) < (stand.newest or 0):
        raise JournalError(f"cycle {at} of {cycle.desk} is older than the newest in the journal: no {name} can follow")
