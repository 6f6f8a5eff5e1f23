"""Two desks, a venue that answers late, a person who speaks in between: one world whose every order of events can be tried.

Real are the rules (`agents.cycle.step`), the word of a person (`agents.commands.obey`), the fold and what the journal does
with doubles. The venue is the worst that may be met: half of an order at once, the rest whenever it likes, at the limit price.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from agents.commands import commands_record, obey
from agents.cycle import Block, execute, hear, step
from agents.transmission.profiles import KILL
from agents.transmission.ruling import guard
from core.errors import JournalError
from core.journal.booking import without_executions
from core.journal.buffered import SilentJournal
from core.journal.changes import Change, Execution, Intention, Obedience
from core.journal.durable import DurableJournal
from core.journal.state import account_text
from core.model.account import Account, new_account
from core.model.command import Command, To, Verb
from core.model.cycle import Cause, Cycle
from core.model.ids import CommandId
from core.model.orders import Orders, Reports
from core.ports import Broker
from core.settings import Settings
from core.store.archive import Archive
from core.units import MICRO, micros
from tests.agents.transmission.builders import NORMAL, START, Market, instrument_of, quotes_of, settings_of, targets_of
from tests.agents.transmission.late_venue import Venue, late_reports

EVERY = timedelta(minutes=15)
SETTINGS = settings_of(NORMAL, {"resting": True})
MARKETS = (
    Market(instrument_of(bracket=0), wanted=100.0),
    Market(instrument_of(bracket=1), wanted=100.0, fair=0.52),
    Market(  # too wide to take: its order rests in the book
        instrument_of("paris", city="Paris", region="france"), wanted=100.0, asks=((0.40, 1e5),), bids=((0.28, 1e5),)
    ),
)
VERBS: Mapping[str, tuple[Verb, str]] = {
    "K": (Verb.KILL, "{}"), "L": (Verb.LIFT, "{}"), "D": (Verb.DIAL, '{"level": 2}'), "F": (Verb.FLATTEN, "{}"),
}  # fmt: skip


class Crash(BaseException):
    """The process is gone: nothing may catch it."""


class Kept(SilentJournal):
    """Folds, and lets no execution and no command through twice, as the durable journal does."""

    def __init__(self, account: Account, executions: frozenset[str], commands: frozenset[str]) -> None:
        super().__init__(account)
        self.executions, self.commands = executions, commands
        self.changes: list[Change] = []

    def commit(self, cycle: Cycle, account: Account, change: Change) -> Account:
        if isinstance(change, Obedience) and change.command_id in self.commands:
            return account
        if isinstance(change, Execution):
            change = replace(change, reports=without_executions(change.reports, self.executions))
        after = super().commit(cycle, account, change)
        if isinstance(change, Execution):
            self.executions |= {each for each in change.reports.execution_id if each}
        if isinstance(change, Obedience):
            self.commands |= {change.command_id}
        self.changes.append(change)
        return after


class Watched(DurableJournal):
    """The durable journal, with the changes of its hour."""

    executions: frozenset[str] = frozenset()
    commands: frozenset[str] = frozenset()

    def __init__(self, path: Path, desk: str) -> None:
        super().__init__(path, desk=desk, world="test", start_micro=10_000 * MICRO)
        self.changes: list[Change] = []

    def commit(self, cycle: Cycle, account: Account, change: Change) -> Account:
        after = super().commit(cycle, account, change)
        self.changes.append(change)
        return after


class FakeDesk:
    """Always wants the same."""

    def __init__(self, name: str) -> None:
        self.name = name

    def propose(self, evaluation: object, row: int, account: Account, settings: Settings) -> Any:
        return targets_of(MARKETS, account.n_runs)

    def columns(self, evaluation: object, row: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        events = {"regime": np.array(["STABLE"], dtype=object), "event_id": np.array(["london"], dtype=object)}
        return events, {"event_id": np.empty(0, dtype=object)}


@dataclass(frozen=True)
class Side:
    """One desk between two events, and what is known of it from outside."""

    account: Account
    executions: frozenset[str] = frozenset()
    commands: frozenset[str] = frozenset()
    taken: int = 0  # commands that it has read
    looks: int = 0
    last: tuple[Cycle, Change | None, Execution | None] | None = None  # newest cycle, its intention, what was heard last
    crashed: bool = False  # between intention and execution
    killed: bool = False  # by what it has read, counted here and not there
    bought: tuple[str, ...] = ()  # purchases of the newest look
    faults: tuple[str, ...] = ()

    def cycle(self) -> Cycle:
        at = START + self.looks * EVERY
        return Cycle(
            self.account.desk, at, self.looks + 1, Cause.SCHEDULE, (), at + timedelta(seconds=1), at + timedelta(seconds=3)
        )


@dataclass(frozen=True)
class World:
    """Both desks and what people have asked so far."""

    sides: tuple[Side, Side]
    posted: tuple[Command, ...] = ()
    path: str = field(default="", compare=False)

    @property
    def key(self) -> tuple[object, ...]:
        """Return what tells two worlds apart that came to be in different ways."""
        return (
            tuple((account_text(s.account), s.taken, s.looks, s.crashed, s.killed) for s in self.sides),
            tuple(command.verb for command in self.posted),
        )


def new_world() -> World:
    return World((
        Side(new_account("weather", "test", 10_000 * MICRO)), Side(new_account("second", "test", 10_000 * MICRO)),
    ))  # fmt: skip


class Ground:
    """Where a world stands: its journals and its venue. This one keeps nothing but accounts."""

    archive: Archive | None = None

    def journal(self, side: Side) -> Any:
        return Kept(side.account, side.executions, side.commands)

    def broker(self) -> Broker:
        return Venue()


class Dying:
    """A process that dies before it sends anything."""

    def execute(self, orders: Orders, account: Account, archive: object, at: datetime) -> tuple[Reports, datetime]:
        raise Crash


GROUND = Ground()


def looked(side: Side, posted: tuple[Command, ...], ground: Ground, *, crashes: bool = False) -> Side:
    """Return a desk after one cycle: it finishes what a crash left, obeys, hears, decides, sends; or dies before sending."""
    side = finished(side, ground)
    cycle, journal = side.cycle(), ground.journal(side)
    news = posted[side.taken :]
    record = commands_record(side.account.desk, news, False, side.account, cycle.sealed_at)
    stack = SimpleNamespace(rows=lambda i: record.rows, facts=[record.facts if record else {}])
    view = SimpleNamespace(stack=lambda *_: _Stack(stack, 1 if record else 0))
    account = side.account
    for obedience in obey(cycle, account, view, cycle.sealed_at):  # type: ignore[arg-type]
        account = journal.commit(cycle, account, obedience)
    killed = side.killed
    for command in news:
        killed = command.verb is Verb.KILL or (killed and command.verb is not Verb.LIFT)
    broker: Any = Dying() if crashes else ground.broker()
    account = hear(cycle, account, archive=ground.archive, broker=ground.broker(), journal=journal)  # type: ignore[arg-type]
    desk, quotes = FakeDesk(account.desk), quotes_of(MARKETS)
    block = Block(None, quotes, guard(quotes, SETTINGS))
    died = False
    try:
        account = step(
            desk, block, 0, cycle, account, archive=ground.archive, broker=broker, journal=journal, settings=SETTINGS,  # type: ignore[arg-type]
        )  # fmt: skip
    except Crash:
        account, died = journal.account(account.desk), True
    intention = next(change for change in reversed(journal.changes) if isinstance(change, Intention))
    heard = next((change for change in reversed(journal.changes) if isinstance(change, Execution)), None)
    sizes = zip(intention.orders.token, intention.orders.size_micro.tolist(), strict=True)
    return replace(
        side, account=account, executions=journal.executions, commands=journal.commands, taken=len(posted),
        looks=side.looks + 1, last=(cycle, intention, None if died else heard), crashed=died, killed=killed,
        bought=tuple(token for token, size in sizes if size > 0),
    )  # fmt: skip


class _Stack:
    def __init__(self, stack: Any, n: int) -> None:
        self.rows, self.facts, self._n = stack.rows, stack.facts, n

    def __len__(self) -> int:
        return self._n


def finished(side: Side, ground: Ground) -> Side:
    """Return a desk that has started again after a crash: the newest intention is sent, once."""
    if not side.crashed or side.last is None:
        return side
    journal = ground.journal(side)
    account = execute(side.last[0], side.account, archive=ground.archive, broker=ground.broker(), journal=journal)  # type: ignore[arg-type]
    heard = next((change for change in reversed(journal.changes) if isinstance(change, Execution)), None)
    return replace(side, account=account, executions=journal.executions, crashed=False, last=(*side.last[:2], heard))


def retried(side: Side, ground: Ground) -> Side:
    """Return a desk to which the venue says everything again, and the same executions under the same names."""
    if side.last is None or side.last[2] is None:
        return side
    journal = ground.journal(side)
    try:
        account = journal.commit(side.last[0], side.account, side.last[2])
    except JournalError:  # an order that is over takes no more words
        return side
    faults = side.faults if account_text(replace(account, seq=0)) == account_text(replace(side.account, seq=0)) else (
        *side.faults, "a retry changed the account"
    )  # fmt: skip
    return replace(side, account=account, faults=faults)


def filled_late(side: Side, ground: Ground) -> Side:
    """Return a desk to which the venue reports the fill of everything that was sent and is still open."""
    if side.last is None or not len(side.account.working):
        return side
    cycle, journal = side.last[0], ground.journal(side)
    change = Execution(late_reports(side.account.working, micros(cycle.fill_at) + 1), micros(cycle.fill_at) + 1)
    account = journal.commit(cycle, side.account, change)
    return replace(side, account=account, executions=journal.executions, last=(*side.last[:2], change))


def posted(world: World, letter: str) -> World:
    verb, arguments = VERBS[letter]
    number = len(world.posted)
    command = Command(CommandId(f"c-{number}"), To.ENGINE, verb, arguments, "a person", START)
    return replace(world, posted=(*world.posted, command))


Turn = Callable[["Side", "World", Ground], "Side"]


def _first(change: Turn) -> Callable[[World, Ground], World]:
    return lambda world, ground: replace(world, sides=(change(world.sides[0], world, ground), world.sides[1]))


def _second(change: Turn) -> Callable[[World, Ground], World]:
    return lambda world, ground: replace(world, sides=(world.sides[0], change(world.sides[1], world, ground)))


def _asked(letter: str) -> Callable[[World, Ground], World]:
    return lambda world, ground: posted(world, letter)


EVENTS: Mapping[str, Callable[[World, Ground], World]] = {
    "A": _first(lambda side, world, ground: looked(side, world.posted, ground)),
    "B": _second(lambda side, world, ground: looked(side, world.posted, ground)),
    "X": _first(lambda side, world, ground: looked(side, world.posted, ground, crashes=True)),
    "S": _first(lambda side, world, ground: finished(side, ground)),
    "R": _first(lambda side, world, ground: retried(side, ground)),
    "T": _first(lambda side, world, ground: filled_late(side, ground)),
    "U": _second(lambda side, world, ground: filled_late(side, ground)),
    **{letter: _asked(letter) for letter in VERBS},
}
"""A, B: a cycle of each desk. X: one of A that dies before it sends. S: A starts again. R: the venue repeats itself.
T, U: late fills of A, B. K, L, D, F: a person kills, lifts, dials 2, flattens."""


def happened(world: World, event: str, ground: Ground = GROUND) -> World:
    """Return the world after one event."""
    return replace(EVENTS[event](world, ground), path=world.path + event)


def faults_of(before: World, world: World) -> list[str]:
    """Return what must never be, judged with nothing but money, sizes and the words of people."""
    found = []
    for was, side in zip(before.sides, world.sides, strict=True):
        found += [*side.faults, *_money(side.account), *_caps(side.account), *_kill(was, side)]
    return [f"{world.path}: {fault}" for fault in found]


def _money(account: Account) -> list[str]:
    spent = account.cost_micro.sum(axis=1) + account.fees_micro - account.realised_micro
    found = []
    if (account.start_micro - spent != account.cash_micro).any():
        found.append(f"{account.desk}: cash {account.cash_micro} is not start less what was spent")
    if (account.cash_micro < 0).any() or (account.held_micro < 0).any():
        found.append(f"{account.desk}: cash or holdings below zero")
    return found


GROUPS: Mapping[str, tuple[Callable[[Any], object], float]] = {
    "bracket": (lambda i: (i.event_id, i.bracket), SETTINGS.risk.bracket_r),
    "city_day": (lambda i: (i.city, i.event_day), SETTINGS.risk.city_day_r),
    "region_day": (lambda i: (i.region, i.event_day), SETTINGS.risk.region_day_r),
    "desk_day": (lambda i: i.event_day, SETTINGS.risk.desk_day_r),
    "open": (lambda i: None, SETTINGS.risk.open_r),
    "source": (lambda i: i.settlement_source, SETTINGS.risk.source_r),
}


def _caps(account: Account) -> list[str]:
    """Return the caps that what is held and what works pass together, every working order filled at its limit price."""
    working, unit = account.working, int(account.unit_r_micro[0])
    at_risk = {instrument.token: int(account.cost_micro[0, i]) for i, instrument in enumerate(account.instruments)}
    for i, token in enumerate(working.token):
        left = max(int(working.size_micro[i]), 0) - int(working.filled_micro[i]) * (int(working.size_micro[i]) > 0)
        at_risk[token] += -(-left * int(working.limit_micro[i]) // MICRO)
    found = []
    for name, (group, limit_r) in GROUPS.items():
        sums: dict[object, int] = {}
        for instrument in account.instruments:
            sums[group(instrument)] = sums.get(group(instrument), 0) + at_risk[instrument.token]
        over = [total for total in sums.values() if unit and total > limit_r * unit]
        found += [f"{account.desk}: {name} {total} of {limit_r * unit:.0f} micro-USD" for total in over]
    return found


def _kill(was: Side, side: Side) -> list[str]:
    found = []
    if side.looks > was.looks and side.killed and side.bought:
        found.append(f"{side.account.desk}: bought {side.bought} while killed")
    if side.looks > was.looks and side.killed and not (side.account.tripped & KILL).all():
        found.append(f"{side.account.desk}: the kill switch does not hold")
    if side.looks > was.looks and side.killed:
        working = side.account.working
        rests = [
            order_id
            for i, order_id in enumerate(working.order_id)
            if int(working.size_micro[i]) > 0 and int(working.good_until[i]) and not int(working.cancel_at[i])
        ]
        found += [f"{side.account.desk}: {order_id} still rests while killed" for order_id in rests]
    return found


def explore(length: int, events: str = "ABXSRTUKLDF", ground: Ground = GROUND) -> tuple[int, int, list[str]]:
    """Return how many worlds there are, how many steps lead between them and every fault, up to so many events.

    All orders of all events: two that lead to the same world are the same from there on.
    """
    first = new_world()
    seen, frontier, steps, faults = {first.key}, [first], 0, []
    for _ in range(length):
        fresh = []
        for world in frontier:
            for event in events:
                after = happened(world, event, ground)
                steps += 1
                faults += faults_of(world, after)
                if after.key not in seen:
                    seen.add(after.key)
                    fresh.append(after)
        frontier = fresh
    return len(seen), steps, faults
