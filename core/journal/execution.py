"""A venue's words folded in: order states by their arrows, fills once each, depth that we took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from core.errors import JournalError
from core.journal.entries import Booked, Entry, Fill, OrderWord, Purse
from core.model.account import Account, Depth
from core.model.governor import Governor
from core.model.orders import FINAL, Level, Move, Orders, Reports, Role, Status, advance, take_orders
from core.units import MICRO, IntArray

MOVE_TO: Mapping[Status, Move] = {
    Status.SUBMITTED: Move.ACKNOWLEDGE,
    Status.WORKING: Move.WORK,
    Status.PARTIALLY_FILLED: Move.FILL_PART,
    Status.FILLED: Move.FILL,
    Status.CANCELLED: Move.CANCEL,
    Status.REJECTED: Move.REJECT,
    Status.EXPIRED: Move.EXPIRE,
    Status.UNKNOWN: Move.LOSE,
}
"""The arrow that a word of a venue stands for; the other states are ours to give."""


_IS_FINAL = np.array([status in FINAL for status in Status], np.bool_)


def executed(account: Account, reports: Reports) -> Booked:
    """Return the account after the reports; JournalError for one that no working order can explain."""
    working, column = account.working, account.column()
    row_of = {order_id: row for row, order_id in enumerate(working.order_id)}
    run, size, role = working.run.tolist(), working.size_micro.tolist(), working.role.tolist()
    status, filled, fair = working.status.tolist(), working.filled_micro.tolist(), working.fair_micro.tolist()
    good_until = working.good_until.tolist()
    entered = np.zeros(account.n_runs, np.int64)  # purchases filled for the first time
    purse, taken = Purse(account), dict(account.taken)
    reasons: dict[int, str] = {}
    fills: dict[str, Fill] = {}
    entries: list[Entry] = []
    for said in _words(reports):
        row = _row(row_of, said.order_id)
        if said.size_micro or said.notional_micro or said.fee_micro:
            if said.execution_id in fills:
                continue
            fill = _fill(said, run[row], working.token[row], 1 if size[row] > 0 else -1, fair[row])
            fills[fill.execution_id] = fill
            entered[run[row]] += role[row] == Role.ENTRY and filled[row] == 0
            filled[row] += said.size_micro
            entries.append(_trade(purse, fill, column[fill.token]))
            if good_until[row] == 0:  # what came to a resting order was no depth of a book
                _remember(taken, fill)
        status[row] = _moved(status[row], said.status, said.size_micro == 0)
        reasons[row] = said.reason or reasons.get(row, "")
        _check_filled(said.order_id, abs(size[row]), status[row], filled[row], role[row])
    words = tuple(OrderWord(working.order_id[row], status[row], filled[row], reasons[row]) for row in sorted(reasons))
    orders = replace(working, status=np.array(status, np.int64), filled_micro=np.array(filled, np.int64))
    account = replace(
        purse.account(account), taken=taken, working=still_working(orders), governor=_with_entries(account.governor, entered)
    )
    return Booked(account, tuple(fills.values()), tuple(entries), words)


def _with_entries(governor: Governor, entered: IntArray) -> Governor:
    if not entered.any():
        return governor
    return replace(governor, entries_day=governor.entries_day + entered, entries_week=governor.entries_week + entered)


def still_working(orders: Orders) -> Orders:
    """Return the orders that may still change, `parent` pointing at their new rows (-1 where the parent is done)."""
    rows: IntArray = np.flatnonzero(~_IS_FINAL[orders.status])
    new_row = np.full(len(orders) + 1, -1, np.int64)  # the last place answers parent -1
    new_row[rows] = np.arange(len(rows))
    return replace(take_orders(orders, rows), parent=new_row[orders.parent[rows]])


def expired(account: Account, gone: IntArray, reason: str) -> tuple[Orders, tuple[OrderWord, ...]]:
    """Return what still works after the given rows expired, and the words about them."""
    status = account.working.status.copy()
    for row in gone.tolist():
        status[row] = advance(Status(int(status[row])), Move.EXPIRE)
    words = tuple(
        OrderWord(account.working.order_id[row], int(status[row]), int(account.working.filled_micro[row]), reason)
        for row in gone.tolist()
    )
    return still_working(replace(account.working, status=status)), words


class _Word(NamedTuple):
    order_id: str
    execution_id: str
    status: int
    at: int
    size_micro: int
    notional_micro: int
    fee_micro: int
    levels: tuple[Level, ...]
    reason: str


def _words(reports: Reports) -> list[_Word]:
    numbers = (reports.status, reports.at, reports.size_micro, reports.notional_micro, reports.fee_micro)
    columns = (reports.order_id, reports.execution_id, *(n.tolist() for n in numbers), reports.levels, reports.reason)
    words = [_Word._make(row) for row in zip(*columns, strict=True)]
    first: dict[str, int] = {}
    for place, word in enumerate(words):
        first.setdefault(word.order_id, place)
    return sorted(words, key=lambda word: (first[word.order_id], _LATENESS.get(word.status, 0)))


_LATENESS: Mapping[int, int] = {
    Status.PARTIALLY_FILLED: 1, Status.FILLED: 2, Status.CANCELLED: 3, Status.REJECTED: 3, Status.EXPIRED: 3,
}  # fmt: skip
"""What is heard together may come in any order: of one order its parts come before its whole, and its end comes last."""


def _row(row_of: Mapping[str, int], order_id: str) -> int:
    try:
        return row_of[order_id]
    except KeyError:
        raise JournalError(f"a report names order {order_id}, which is not working: reconcile with the venue") from None


@cache
def _moved(status: int, heard: int, bare: bool) -> int:
    if bare and status == heard:
        return status  # the same word again says nothing
    if heard not in MOVE_TO:
        raise JournalError(f"a venue cannot say {Status(heard).name}")
    return int(advance(Status(status), MOVE_TO[Status(heard)]))


def _fill(said: _Word, run: int, token: str, sign: int, fair_micro: int) -> Fill:
    if said.size_micro <= 0 or said.notional_micro < 0 or not said.execution_id:
        raise JournalError(
            f"order {said.order_id}: execution {said.execution_id!r} of {said.size_micro} micro-shares for "
            f"{said.notional_micro} micro-USD, fee {said.fee_micro}, cannot be booked"
        )
    return Fill(
        said.execution_id, said.order_id, run, token, said.at, sign * said.size_micro, said.notional_micro, said.fee_micro,
        said.levels, claim_micro=said.size_micro * fair_micro // MICRO if sign > 0 else 0,
    )  # fmt: skip


def _trade(purse: Purse, fill: Fill, column: int) -> Entry:
    if fill.size_micro > 0:
        return purse.buy(fill, column)
    if -fill.size_micro > int(purse.held[fill.run, column]):
        raise JournalError(
            f"order {fill.order_id} sold {-fill.size_micro} micro-shares of {fill.token}, "
            f"run {fill.run} holds {int(purse.held[fill.run, column])}"
        )
    return purse.sell(fill, column)


def _check_filled(order_id: str, size: int, status: int, filled: int, role: int) -> None:
    if filled > size:
        raise JournalError(f"order {order_id} of {size} micro-shares was filled with {filled}")
    if status == Status.FILLED and filled < size and role != Role.CANCEL:
        raise JournalError(f"order {order_id} of {size} micro-shares is said to be filled with {filled}")


def _remember(taken: dict[tuple[int, str, int], tuple[Level, ...]], fill: Fill) -> None:
    key = (fill.run, fill.token, 1 if fill.size_micro > 0 else -1)
    levels = {level.price_micro: level for level in taken.get(key, ())}
    for met in fill.levels:
        known = levels.get(met.price_micro)
        same_book = known is not None and known.shown_micro == met.shown_micro
        before = known.taken_micro if known is not None and same_book else 0
        levels[met.price_micro] = Level(met.price_micro, met.shown_micro, before + met.taken_micro)
    if levels:
        taken[key] = tuple(levels[price] for price in sorted(levels))


def without_tokens(taken: Depth, tokens: frozenset[str]) -> Depth:
    """Return the remembered depth without some tokens."""
    return {key: levels for key, levels in taken.items() if key[1] not in tokens}
