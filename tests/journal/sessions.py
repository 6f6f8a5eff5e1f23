"""Random and fixed sessions of a desk, and the rows that a journal holds after them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import create_engine

from core.journal.address import url_of
from core.journal.changes import Change, Closing, Execution, Obedience
from core.journal.tables import METADATA
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.orders import Status
from core.model.settlement import Finality
from core.units import MICRO, micros
from tests.journal.builders import conversion, cycle, filled, intention, reports, said, word


class Writer(Protocol):
    def account(self, desk: str) -> Account: ...

    def commit(self, cycle: Cycle, account: Account, change: Change) -> Account: ...


@dataclass(frozen=True)
class Step:
    """One cycle: who is paid first, what is wanted (token, share of what is possible), how the venue answers."""

    words: tuple[tuple[int, int, bool], ...]  # (event, winner, final)
    wanted: tuple[tuple[str, int], ...]  # (token, micro-shares; below 0 sells at most what is held)
    answers: tuple[int, ...]  # per order: 0 whole, 1 a part then expired, 2 expired, 3 goes on working, 4 a part, goes on
    price: int
    obeys: bool = False
    converts: tuple[tuple[int, tuple[int, ...], int, int], ...] = ()  # (event, brackets given, micro-shares, bips)


FIXED = (
    Step((), (("00YES", 100 * MICRO), ("01NO", 70 * MICRO), ("10YES", 33_333_333)), (0, 1, 3), 390_000),
    Step(((0, 0, False),), (("00YES", -40 * MICRO), ("11YES", 5 * MICRO)), (0, 2), 410_000, obeys=True),
    Step(((0, 0, True),), (("10NO", 8 * MICRO), ("12NO", 6 * MICRO)), (4, 0), 300_000),
    Step(((0, 2, True),), (("12NO", 9 * MICRO),), (0,), 700_001, converts=((1, (0, 2), 2_000_001, 30),)),
    Step(((1, 1, True), (1, 0, True)), (), (), 500_000),
)


def play(journal: Writer, steps: Sequence[Step], desk: str = "weather", first: int = 0) -> Account:
    """Commit a session and return the account after it."""
    account = journal.account(desk)
    for number, step in enumerate(steps, first):
        for of, change in changes(account, cycle(number, desk=desk), step):
            account = journal.commit(of, account, change(account))
    return account


class Made(Protocol):
    def __call__(self, account: Account) -> Change: ...


def changes(account: Account, of: Cycle, step: Step) -> Iterator[tuple[Cycle, Made]]:
    """Return the changes of a cycle, each made from the account that it meets."""
    for place, (event, winner, final) in enumerate(step.words):
        ours = 10 * of.number + place  # a provisional word's revision: higher than any before
        yield of, lambda a, event=event, winner=winner, final=final, ours=ours: _word(a, event, winner, final, ours)
    for place, (event, given, size, bips) in enumerate(step.converts):
        held = {i.token: int(account.held_micro[0, c]) for c, i in enumerate(account.instruments)}
        if most := min(size, *(held.get(f"{event}{bracket}NO", 0) for bracket in given)):
            yield of, lambda a, e=event, g=given, s=most, b=bips, p=place: conversion(of, e, g, s, b, f"{p}")
    if step.obeys:
        yield of, lambda a: Obedience(f"c{of.number}", a.tripped + 1, (said(of, "risk_update"),))
    yield of, lambda a: intention(of, a, _possible(a, step.wanted))
    yield of, lambda a: _answer(a, of, step)
    yield of, lambda a: Closing((said(of, "cycle_complete"), said(of)))


_COLUMNS = {"balances": "desk, run, account, amount_micro"}  # each engine counts the lines of the ledger in its own way


def rows_of(where: str, *, without: Sequence[str] = ("schema",)) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table, ordered by key."""
    engine = create_engine(url_of(where))
    with engine.connect() as connection:
        found = {
            name: [
                tuple(row)
                for row in connection.exec_driver_sql(f"SELECT {_COLUMNS.get(name, '*')} FROM {name} ORDER BY 1, 2, 3")
            ]
            for name in METADATA.tables
            if name not in without
        }
    engine.dispose()
    return found


def corrupt(where: str, statement: str) -> None:
    """Change a row behind the journal's back."""
    connection = sqlite3.connect(where)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")  # they would not let it happen
    changed = connection.execute(statement).rowcount
    connection.commit()
    connection.close()
    assert changed >= 1, f"nothing to corrupt: {statement}"


def _word(account: Account, event: int, winner: int, final: bool, ours: int) -> Change:
    known = account.outcomes.get(word(event).settlement.event_id)
    if not final:
        return word(event, winner, ours, Finality.PROVISIONAL)
    again = known is not None and known.settlement.finality is Finality.FINAL
    return word(event, winner, known.settlement.revision + 1 if known and again else 0)


def _possible(account: Account, wanted: Sequence[tuple[str, int]]) -> list[tuple[int, str, int]]:
    ended = {e for e, outcome in account.outcomes.items() if outcome.settlement.finality is Finality.FINAL}
    held = {i.token: int(account.held_micro[0, c]) for c, i in enumerate(account.instruments)}
    for row in range(len(account.working)):
        if account.working.size_micro[row] < 0:
            held[account.working.token[row]] = 0  # what is being sold is not sold twice
    sizes = [(token, size if size > 0 else -min(-size, held.get(token, 0))) for token, size in wanted]
    return [(0, token, size) for token, size in sizes if size and word(int(token[0])).settlement.event_id not in ended]


def _answer(account: Account, of: Cycle, step: Step) -> Execution:
    rows: list[tuple[str, str, Status, int, int, int]] = []
    for row, order_id in enumerate(account.working.order_id):
        answer = (*step.answers, 0, 0, 0)[row % (len(step.answers) + 1)]
        left = abs(int(account.working.size_micro[row])) - int(account.working.filled_micro[row])
        part, x = max(left // 3, 1), f"x-{order_id[2:]}-{of.number}"
        if answer == 0 or (answer in (1, 4) and part == left):
            rows.append((order_id, x, Status.FILLED, left, step.price, left // 1000))
        elif answer in (1, 4):
            rows.append((order_id, x, Status.PARTIALLY_FILLED, part, step.price, part // 1000))
            rows += [(order_id, "", Status.EXPIRED, 0, 0, 0)] if answer == 1 else []
        else:
            rows.append((order_id, "", Status.EXPIRED if answer == 2 else Status.WORKING, 0, 0, 0))
    return Execution(reports(rows, micros(of.fill_at)), micros(of.fill_at), (said(of, "trade_placed", n=len(rows)),))


__all__ = ["FIXED", "Step", "Writer", "corrupt", "filled", "play", "rows_of"]
