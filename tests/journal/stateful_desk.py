"""A desk that wants anything, a broker that says everything twice, and a venue without a plan."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

import numpy as np

from agents import announce
from agents.commands import obey
from agents.cycle import close, convert_due, execute, hear, look, settle_due, step
from agents.transmission.identity import order_id
from core.journal.changes import Closing, Intention
from core.model.account import Account
from core.model.cycle import Cycle
from core.model.event import Instrument
from core.model.orders import Level, Orders, Reports, Role, Status, no_orders, no_reports
from core.model.quotes import Quotes
from core.model.targets import Targets
from core.settings import Settings
from core.units import MICRO, Columns, micros
from tests.agents.transmission.builders import quotes_of, targets_of
from tests.journal.stateful_world import STATIONS, World

Row = tuple[str, str, int, int, int, int, int, tuple[Level, ...], str]


@dataclass
class RandomDesk:
    """Looks at the world and wants a random position in every token."""

    world: World
    name: str = "weather"

    def observe(self, view: object) -> list[Any]:
        return self.world.markets()

    def evaluate(self, panel: list[Any], settings: Settings) -> list[Any]:
        return panel

    def quotes(self, panel: list[Any]) -> Quotes:
        return quotes_of(panel)

    def propose(self, evaluation: list[Any], row: int, account: Account, settings: Settings) -> Targets:
        return targets_of(evaluation, account.n_runs)

    def columns(self, evaluation: list[Any], row: int) -> tuple[Columns, Columns]:
        nothing = np.empty(0, object)
        outlooks = ("event_id", "city", "event_day", "forecast", "unit", "regime", "station")
        brackets = ("event_id", "edge", "decision", "yes", "no")
        return dict.fromkeys(outlooks, nothing), dict.fromkeys(brackets, nothing)

    def finish(self, session: Any, last: Cycle) -> Account:
        """Do the second half of a cycle that was cut, as an engine does when it comes back."""
        parts = {"archive": session.archive, "broker": session.broker, "journal": session.journal}
        account = execute(last, session.account, **parts)
        return close(last, account, journal=session.journal, measured={})


def traded(session: Any, cycle: Cycle) -> Account:
    """Run one cycle in the order of the engine."""
    view = session.archive.as_of([cycle.sealed_at])
    account, journal, archive, broker = session.account, session.journal, session.archive, session.broker
    for obedience in obey(cycle, account, view, session.since):
        account = session.account = journal.commit(cycle, account, obedience)
    account = session.account = hear(cycle, account, archive=archive, broker=broker, journal=journal)
    account = session.account = settle_due(cycle, account, view, session.since, journal=journal, stations=STATIONS)
    account = session.account = convert_due(
        cycle, account, view, journal=journal, stations=STATIONS, settings=session.settings
    )  # fmt: skip
    if session.wild:
        return _wild_step(session, cycle, account)
    block = look(session.desk, view, session.settings)
    account = step(
        session.desk, block, 0, cycle, account, archive=archive, broker=broker, journal=journal, settings=session.settings,
        lines=announce.warnings(cycle, view, session.since),
    )  # fmt: skip
    return close(cycle, account, journal=journal, measured={})


def _wild_step(session: Any, cycle: Cycle, account: Account) -> Account:
    """Send orders without any ruling, and hear whatever comes."""
    random: Random = session.random
    known = {i.token: i for event_id in session.world.traded() for i in session.world.events[event_id].instruments}
    ended = {event_id for event_id, outcome in account.outcomes.items() if str(outcome.settlement.finality) == "final"}
    column, rows = account.column(), []
    selling = {
        (int(run), token)
        for run, token, size in zip(account.working.run, account.working.token, account.working.size_micro, strict=True)
        if size < 0
    }
    for token, instrument in known.items():
        if instrument.event_id in ended:
            continue
        for run in range(account.n_runs):
            held = int(account.held_micro[run, column[token]]) if token in column else 0
            if random.random() < 0.25:
                price = random.randint(1, 99) * 10_000
                most = int(account.cash_micro[run]) * MICRO // price
                size = min(int(most * random.choice((0.02, 0.2, 0.9))), 10**10)
                rows += [(run, instrument, size, price)] if size else []
            elif held and random.random() < 0.3 and (run, token) not in selling:
                size = random.choice((held, held // 3 + 1, random.randint(1, held)))
                rows.append((run, instrument, -size, random.randint(1, 90) * 10_000))
    intention = Intention((), _orders(cycle, rows), tuple({i.token: i for _, i, _, _ in rows}.values()))
    account = session.account = session.journal.commit(cycle, account, intention)
    account = session.account = execute(
        cycle, account, archive=session.archive, broker=session.broker, journal=session.journal
    )  # fmt: skip
    return session.journal.commit(cycle, account, Closing())


def _orders(cycle: Cycle, rows: list[tuple[int, Instrument, int, int]]) -> Orders:
    if not rows:
        return no_orders()
    n, nothing = len(rows), np.zeros(len(rows), np.int64)
    size, limit = (np.array([row[place] for row in rows], np.int64) for place in (2, 3))
    return Orders(
        order_id=tuple(order_id(cycle.desk, cycle.scheduled_at, run, i.token) for run, i, _, _ in rows),
        decision_id=("",) * n, run=np.array([row[0] for row in rows], np.int64), token=tuple(i.token for _, i, _, _ in rows),
        role=np.where(size > 0, Role.ENTRY, Role.EXIT).astype(np.int64), parent=np.full(n, -1, np.int64), size_micro=size,
        limit_micro=limit, reference_micro=limit, fair_micro=np.minimum(limit + 70_000, MICRO),
        status=np.full(n, Status.SUBMITTING, np.int64), filled_micro=nothing, placed_at=nothing + micros(cycle.fill_at),
        good_until=nothing, cancel_at=nothing,
    )  # fmt: skip


class Wild:
    """A venue that fills what it likes of what can be paid for: in parts, late, or not at all."""

    def __init__(self, random: Random) -> None:
        self._random, self._n = random, 0

    def execute(self, orders: Orders, account: Account, archive: object, at: datetime) -> tuple[Reports, datetime]:
        random, rows = self._random, list[Row]()
        working, column = account.working, account.column()
        cash = account.cash_micro.tolist()
        sold: dict[tuple[int, str], int] = {}
        for i, name in enumerate(working.order_id):
            run, token, size = int(working.run[i]), working.token[i], int(working.size_micro[i])
            left, limit = abs(size) - int(working.filled_micro[i]), int(working.limit_micro[i])
            if size < 0:
                left_to_sell = int(account.held_micro[run, column[token]]) - sold.get((run, token), 0)
                if left_to_sell < left:
                    rows.append(_bare(name, Status.REJECTED, at))
                    continue
            last = random.random()
            for _ in range(random.choice((0, 1, 1, 2))):
                part = left if random.random() < 0.5 else random.randint(1, left)
                better = random.choice((0, 0, 3_333, 20_000))
                price = max(limit - better, 1) if size > 0 else min(limit + better, MICRO)
                money = part * price // MICRO
                fee = min(money // 20, part // 50)
                if size > 0 and money + fee > cash[run]:
                    break
                cash[run] -= money + fee if size > 0 else 0  # what a sale brings is not spent before it is heard of
                if size < 0:
                    sold[run, token] = sold.get((run, token), 0) + part
                left -= part
                self._n += 1
                status = Status.PARTIALLY_FILLED if left else Status.FILLED
                rows.append((name, f"x{self._n}-{name}", status, micros(at), part, money, fee, (), ""))
                if not left:
                    break
            if left and last < 0.6:
                rows.append(_bare(name, random.choice((Status.EXPIRED, Status.CANCELLED)), at))
            elif left and last < 0.8:
                rows.append(_bare(name, random.choice((Status.WORKING, Status.UNKNOWN)), at))
        return _reports(rows), at


def _bare(name: str, status: Status, at: datetime) -> Row:
    return name, "", status, micros(at), 0, 0, 0, (), "because"


def _reports(rows: list[Row]) -> Reports:
    if not rows:
        return no_reports()
    ids, executions, *numbers, levels, reason = zip(*rows, strict=True)
    return Reports(ids, executions, *(np.array(column, np.int64) for column in numbers), levels, reason)


class Doubling:
    """Says what a broker says, some of it twice and out of order; `repeats` also what was said in an earlier cycle."""

    def __init__(self, broker: Any, random: Random, booked: Container[str], *, repeats: bool) -> None:
        self._broker, self._random, self._booked, self._repeats = broker, random, booked, repeats
        self._said: list[Row] = []

    def execute(self, orders: Orders, account: Account, archive: Any, at: datetime) -> tuple[Reports, datetime]:
        reports, heard_at = self._broker.execute(orders, account, archive, at)
        rows: list[Row] = list(
            zip(
                reports.order_id, reports.execution_id, reports.status.tolist(), reports.at.tolist(), reports.size_micro.tolist(),
                reports.notional_micro.tolist(), reports.fee_micro.tolist(), reports.levels, reports.reason, strict=True,
            )
        )  # fmt: skip
        fills = [row for row in rows if row[4]]
        if self._random.random() < 0.3:
            rows += self._random.sample(fills, self._random.randint(0, len(fills)))
        if self._random.random() < 0.3:
            self._random.shuffle(rows)
        heard = [row for row in self._said if row[1] in self._booked]  # a word lost on the way comes from the venue itself
        if self._repeats and heard and self._random.random() < 0.3:
            rows.insert(self._random.randrange(len(rows) + 1), self._random.choice(heard))
        self._said = (self._said + fills)[-50:]
        return _reports(rows), heard_at
