"""One cycle: the same functions live, in replay, in a backtest and in a sweep.

`look` is all that can be known without an account, for one instant or a day of them; `catch_up` brings the account up to
date; `step` is the only path to an order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from agents import announce
from agents.alarms import governed
from agents.conversion import conversions
from agents.host import hosts_of
from agents.prints import Tape
from agents.settlement import settle
from agents.stress import stressed
from agents.transmission.constraints.firm_words import firm_lines
from agents.transmission.ruling import Guarded, cancels_of, decisions_of, guard, mark, orders_of, rule
from agents.transmission.stalls import stalls
from agents.unsettled import unsettled
from core.journal.changes import Closing, Execution, Intention
from core.model.account import Account
from core.model.activity import Activity
from core.model.cycle import Cycle
from core.model.orders import no_orders
from core.model.quotes import Quotes
from core.model.regime import regime_of_most
from core.model.station import Station
from core.ports import Broker, Desk, Journal
from core.settings import Settings
from core.store.archive import Archive, View
from core.units import Columns, micros

Panel = TypeVar("Panel")
Evaluation = TypeVar("Evaluation")


@dataclass(frozen=True, slots=True)
class Block(Generic[Evaluation]):
    """What is known and believed at each instant, and what every account-free check says of it."""

    evaluation: Evaluation
    quotes: Quotes
    guarded: Guarded


def look(desk: Desk[Panel, Evaluation], view: View, settings: Settings) -> Block[Evaluation]:
    """Observe and evaluate every instant of the view, and ask the checks that need no account."""
    panel = desk.observe(view)
    quotes = desk.quotes(panel)
    tape = Tape(view) if settings.weather.resting else None
    return Block(desk.evaluate(panel, settings), quotes, guard(quotes, settings, hosts_of(view, desk.name, settings), tape))


def hear(cycle: Cycle, account: Account, *, archive: Archive, broker: Broker, journal: Journal) -> Account:
    """Ask for news of the orders that were still working when the last cycle ended."""
    if not len(account.working):
        return account
    reports, heard_at = broker.execute(no_orders(), account, archive, cycle.sealed_at)
    return journal.commit(cycle, account, Execution(reports, micros(heard_at), announce.trades(cycle, account, reports)))


def settle_due(
    cycle: Cycle, account: Account, view: View, since: datetime, *, journal: Journal, stations: Mapping[str, Station]
) -> Account:
    """Book what was received after `since` about events that are over."""
    for payout in settle(account, view, since, stations):
        account = journal.commit(cycle, account, payout)
    return account


def convert_due(
    cycle: Cycle, account: Account, view: View, *, journal: Journal, stations: Mapping[str, Station], settings: Settings
) -> Account:
    """Free the money of events that are no longer traded and have no final word yet."""
    for conversion in tuple(conversions(cycle, account, view, stations, settings)):
        account = journal.commit(cycle, account, conversion)
    return account


def catch_up(
    cycle: Cycle, account: Account, view: View, since: datetime,
    *, archive: Archive, broker: Broker, journal: Journal, stations: Mapping[str, Station], settings: Settings,
) -> Account:  # fmt: skip
    """Bring the account up to date before the look: orders that worked, events that are over, money that can be freed."""
    account = hear(cycle, account, archive=archive, broker=broker, journal=journal)
    account = settle_due(cycle, account, view, since, journal=journal, stations=stations)
    return convert_due(cycle, account, view, journal=journal, stations=stations, settings=settings)


def news(
    cycle: Cycle, account: Account, view: View, since: datetime, stations: Mapping[str, Station]
) -> tuple[Activity, ...]:  # fmt: skip
    """Return what went wrong outside after `since`, and the events that wait for a word; told with the intention."""
    return (*announce.warnings(cycle, view, since), *unsettled(cycle, account, view, since, stations))


def step(
    desk: Desk[Panel, Evaluation], block: Block[Evaluation], row: int, cycle: Cycle, account: Account,
    *, archive: Archive, broker: Broker, journal: Journal, settings: Settings, lines: tuple[Activity, ...] = (),
    told: tuple[Columns, Columns] | None = None,
) -> Account:  # fmt: skip
    """Go from block to order: propose, rule, intend, execute. `lines` are announced with the intention.

    `told` are the desk's columns of this row, from whoever has them already.
    """
    targets = desk.propose(block.evaluation, row, account, settings)
    told = told or desk.columns(block.evaluation, row)
    host, regimes, before = block.guarded.host(row), told[0]["regime"].tolist(), account
    risk = mark(account, cycle, targets, block.quotes, row, settings, host, regime_of_most(regimes))
    account = replace(account, **{name: getattr(risk, name) for name in risk.__slots__})
    ruling = rule(targets, block.guarded, row, account, cycle, settings)
    orders = orders_of(ruling, targets, account, cycle)
    decisions = decisions_of(ruling, targets, account, cycle)
    named = {decision.token for decision in decisions}
    intention = Intention(
        decisions, orders, tuple(each for each in targets.instruments if each.token in named), risk,
        (
            *lines, *stalls(cycle, account, settings),
            *firm_lines(before, account, cycle, settings),
            *governed(cycle, before, account, settings, host=host, regimes=regimes), *stressed(cycle, targets),
            *announce.look(cycle, *told, decisions),
        ),
        cancels_of(ruling, block.guarded, row, account, cycle, settings),
    )  # fmt: skip
    account = journal.commit(cycle, account, intention)
    return execute(cycle, account, archive=archive, broker=broker, journal=journal)


def execute(cycle: Cycle, account: Account, *, archive: Archive, broker: Broker, journal: Journal) -> Account:
    """Send what the cycle intends and book what comes back; the second half of `step`, also after a restart."""
    if not len(account.working):
        return account
    reports, heard_at = broker.execute(account.working, account, archive, cycle.fill_at)
    return journal.commit(cycle, account, Execution(reports, micros(heard_at), announce.trades(cycle, account, reports)))


def close(cycle: Cycle, account: Account, *, journal: Journal, measured: Mapping[str, object]) -> Account:
    """Announce that the cycle is complete."""
    return journal.commit(cycle, account, Closing(announce.complete(cycle, account, measured)))
