"""Weeks of trading, written by the real writers: each evening a YES and a NO of the next day's ladder, settled the day after.

The YES of bracket 2 (100 shares at 30¢) wins on every third day, else bracket 3 does; the NO of bracket 1 (50 at 70¢) always pays.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from core.days import desk_day
from core.journal.changes import Execution
from core.journal.durable import DurableJournal
from core.model.account import Account
from core.model.cycle import Cause, Cycle
from core.model.event import Side
from core.model.settlement import Finality
from core.store.evaluations import EvaluationStore
from core.units import micros
from tests.api import world

FIRST = date(2026, 9, 1)
N_DAYS = 45
WIN, LOSS = 100 - 30 + 50 - 35 - 0.5, -30 + 50 - 35 - 0.5  # of an event, two fees of 25¢ each
RISK = 65.5


def days(n: int = N_DAYS) -> list[date]:
    """Return the event days that are decided."""
    return [FIRST + timedelta(days=i) for i in range(n)]


def won(day: date) -> bool:
    return (day - FIRST).days % 3 == 0


def build(folder: Path, n: int = N_DAYS) -> None:
    """Write `n` decided events and two that are open."""
    journal, store = world.open_journal(folder), EvaluationStore(folder, "weather")
    account = journal.account("weather")
    for number, day in enumerate(days(n + 2), 1):
        account = _evening(journal, account, number, day)
        _evaluated(store, day)
    store.close()
    journal.close()
    world.beat(folder, at_evening(days(n + 2)[-1]), cycle=n + 2)


def go_on(folder: Path, n: int) -> None:
    """Add the evening after those of `n` decided events."""
    journal, store = world.open_journal(folder), EvaluationStore(folder, "weather")
    day = days(n + 3)[-1]
    _evening(journal, journal.account("weather"), n + 3, day)
    _evaluated(store, day)
    store.close()
    journal.close()
    world.beat(folder, at_evening(day), cycle=n + 3)


def correct(folder: Path, n: int, day: date, winner: int) -> None:
    """Let the venue take its word about a day back, a quarter of an hour after the last cycle."""
    journal = world.open_journal(folder)
    account, at = journal.account("weather"), at_evening(days(n + 2)[-1]) + world.EVERY
    of = Cycle("weather", at, n + 3, Cause.SCHEDULE, (), at, at + timedelta(seconds=2))
    account = journal.commit(of, account, world.intention(of, account, []))
    account = journal.commit(of, account, Execution(world._reports([]), micros(of.fill_at)))
    said = world.payout(day, winner, Finality.FINAL, of)
    word = replace(said.settlement, settlement_id=f"{said.settlement.settlement_id}-again", revision=1)
    world.close(journal, of, journal.commit(of, account, replace(said, settlement=word)))
    journal.close()


def at_evening(day: date) -> datetime:
    """Return when an event day is traded: 17:15Z of the day before, 13:15 in New York."""
    before = day - timedelta(days=1)
    return datetime(before.year, before.month, before.day, 17, 15, tzinfo=UTC)


def _evaluated(store: EvaluationStore, day: date) -> None:
    """Keep what was quoted when the day was traded, an hour later, and at 09:00 in New York, where it is 4¢ dearer.

    The books imply a mean of 45 °F, at 09:00 of 43.8: above both brackets that were traded, 40-41 and 42-43.
    """
    for after in (timedelta(), timedelta(hours=1), timedelta(hours=19, minutes=45)):
        at, columns = at_evening(day) + after, world.brackets((day,), 0.0)
        if after > timedelta(hours=1):
            columns = {**columns, "yes_bid": columns["yes_bid"] + 0.04, "yes_ask": columns["yes_ask"] + 0.04}
        implied = np.array([43.8 if after > timedelta(hours=1) else 45.0])
        store.append(at, {**world.outlooks((day,), at), "market_mean": implied}, columns)


def _evening(journal: DurableJournal, account: Account, number: int, day: date) -> Account:
    """Trade the event of a day and settle the one before the last."""
    at, gone = at_evening(day), day - timedelta(days=2)
    of = Cycle("weather", at, number, Cause.SCHEDULE, (), at + timedelta(seconds=2), at + timedelta(seconds=4))
    wanted = [(world.token(day, 2), 100, 300_000), (world.token(day, 1, Side.NO), 50, 700_000)]
    said = world.intention(of, account, wanted)
    assert said.risk is not None
    account = journal.commit(of, account, replace(said, risk=replace(said.risk, desk_day=desk_day(at).toordinal())))
    rows = zip(said.orders.order_id, said.orders.size_micro.tolist(), said.orders.limit_micro.tolist(), strict=True)
    account = journal.commit(of, account, Execution(world._reports(list(rows), of), micros(of.fill_at)))
    if gone >= FIRST:
        account = journal.commit(of, account, world.payout(gone, 2 if won(gone) else 3, Finality.FINAL, of))
    return world.close(journal, of, account)
