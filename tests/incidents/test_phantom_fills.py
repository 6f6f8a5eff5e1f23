"""An acknowledgement taken for a fill, and a stall of forty hours on orders that nobody ever answered: FACTS I.10."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from agents.paper import PaperBroker
from agents.transmission.stalls import stalls
from core.journal.changes import Execution, Intention
from core.journal.durable import DurableJournal
from core.model.account import Account
from core.model.orders import Level, Reports, Status
from core.store.archive import Archive
from core.store.snapshots import SnapshotStore
from core.units import MICRO, micros
from tests.agents.paper import builders as paper
from tests.api import world
from venues.polymarket.outcomes import parse_outcome, undecided

ACKNOWLEDGED = (Status.SUBMITTED, Status.WORKING, Status.UNKNOWN)


@pytest.fixture
def journal(tmp_path: Path) -> DurableJournal:
    world.build(tmp_path)
    return world.open_journal(tmp_path)


def sent(journal: DurableJournal) -> tuple[Account, Intention]:
    """One order of 10 shares at 22 cents, durable, unanswered."""
    of, account = world.cycle(4, world.NOW), journal.account("weather")
    intended = world.intention(of, account, [(world.token(world.TOMORROW, 1), 10, 220_000)])
    return journal.commit(of, account, intended), intended


def said(intended: Intention, *words: tuple[Status, str, int]) -> Reports:
    """Reports about one order: status, execution id, shares."""

    def numbers(*values: int) -> np.ndarray:
        return np.array(values, np.int64)

    n, at = len(words), micros(world.cycle(4, world.NOW).fill_at)
    sizes = [shares * MICRO for _, _, shares in words]
    return Reports(
        intended.orders.order_id * n, tuple(name for _, name, _ in words), numbers(*(int(status) for status, _, _ in words)),
        numbers(*[at] * n), numbers(*sizes), numbers(*(size * 220_000 // MICRO for size in sizes)), numbers(*[0] * n),
        tuple((Level(220_000, 500 * MICRO, size),) if size else () for size in sizes), ("",) * n,
    )  # fmt: skip


@pytest.mark.parametrize("status", ACKNOWLEDGED)
def test_an_acknowledgement_moves_neither_money_nor_shares(journal: DurableJournal, status: Status) -> None:
    """Guard: core/journal/execution.py books a row only where `size_micro` is above 0, whatever its status says."""
    before = journal.account("weather")
    account, intended = sent(journal)

    after = journal.commit(world.cycle(4, world.NOW), account, Execution(said(intended, (status, "", 0)), 1))

    assert after.cash_micro.tolist() == before.cash_micro.tolist()
    assert after.held_micro[:, after.column()[intended.orders.token[0]]].tolist() == [0]
    assert after.working.order_id == intended.orders.order_id  # it still counts in every cap


def test_an_execution_that_is_told_three_times_is_booked_once(journal: DurableJournal) -> None:
    """Guard: `without_executions` of core/journal/booking.py, by the venue's own id; within one answer the fold says no."""
    of = world.cycle(4, world.NOW)
    account, intended = sent(journal)
    fill = said(intended, (Status.PARTIALLY_FILLED, "x-1", 4))

    account = journal.commit(of, account, Execution(fill, 1))
    account = journal.commit(of, account, Execution(fill, 2))
    account = journal.commit(of, account, Execution(said(intended, (Status.FILLED, "x-2", 6), (Status.FILLED, "", 0)), 3))
    account = journal.commit(of, account, Execution(fill, 4))

    assert account.held_micro[0, account.column()[intended.orders.token[0]]] == 10 * MICRO
    assert not len(account.working)


@pytest.mark.parametrize("hours", [1, 40])
def test_an_order_whose_answer_was_lost_ends_at_the_next_look(tmp_path: Path, hours: int) -> None:
    """Killed before its book was read, and back hours later: it expires, nothing is filled, nothing stays open.

    Guard: `GRACE` of agents/paper/broker.py: a book of hours later is no book of the order's moment.
    """
    snapshots = SnapshotStore(tmp_path)
    snapshots.publish([paper.listing()])
    back = paper.AT + timedelta(hours=hours)
    snapshots.publish([paper.book(back)])
    order = paper.order(20.0)

    reports, _ = PaperBroker(paper.settings()).execute(
        order, paper.account(order), Archive(tmp_path, snapshots), back + timedelta(seconds=1)
    )
    snapshots.close()

    assert paper.sizes(reports) == []
    assert paper.statuses(reports) == ["EXPIRED"]


def test_an_order_that_nobody_ends_is_announced_long_before_forty_hours() -> None:
    """Guard: `stalls` of agents/transmission/stalls.py, asked in every `step`."""
    lost = paper.account(paper.order(20.0, status=Status.UNKNOWN))
    late = paper.cycle(paper.AT + timedelta(hours=3))

    lines = stalls(late, lost, paper.settings())

    assert [(line.type, str(line.severity)) for line in lines] == [("order_stalled", "ERROR")]
    assert "o-a" in lines[0].message


def test_a_settlement_has_a_second_way_to_be_looked_up() -> None:
    """The first source says closed and no winner; the second decides. Guard: the fallback in `_verdict`, venues/polymarket/outcomes.py."""
    event = {"slug": "e", "markets": [market("m1", "c1"), market("m2", "c2")]}

    assert undecided(event) == ["c1", "c2"]  # these are asked for at the other source
    unheard = parse_outcome(event, b"", world.NOW)
    decided = parse_outcome(event, b"", world.NOW, {"c1": False, "c2": True})
    assert unheard.facts["final"] is False
    assert (decided.facts["final"], decided.facts["winner"]) == (True, "m2")


def market(name: str, condition: str) -> dict[str, object]:
    """A market that is closed, still takes orders and shows no resolution: such one was recorded."""
    return {
        "id": name, "conditionId": condition, "closed": True, "acceptingOrders": True, "outcomes": '["Yes", "No"]',
        "outcomePrices": '["0.4", "0.6"]',
    }  # fmt: skip
