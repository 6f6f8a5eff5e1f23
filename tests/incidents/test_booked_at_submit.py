"""Trap of TRANSMISSION 1.8: a trade journalled when it is submitted, not when it is filled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.journal.changes import Execution
from core.journal.reader import JournalReader
from core.journal.trade_copies import TradeCopies
from core.model.orders import Reports, Status
from core.services import Services
from core.units import MICRO, micros
from core.wiring.faces import build_services
from tests.api import world
from tests.api.conftest import settings_of

OF = world.cycle(4, world.NOW)


def figures(folder: Path) -> tuple[int, object, object, int, int]:
    """Return all that a person or a rule would take for a trade."""
    services: Services = build_services(settings_of(folder))
    reader = JournalReader(folder / "hermes.db")
    money = services.status.strip().money
    copies = len(TradeCopies(folder).follow(reader))
    ledger = len(reader.ledger("weather"))
    return services.trades.page().total, money.cash_usd, services.positions.portfolio().cash_usd, ledger, copies


def test_an_order_that_was_sent_is_no_trade_until_it_is_filled(tmp_path: Path) -> None:
    """Guard: an Intention books no entry (core/journal/fold.py); only an Execution with a size does."""
    world.build(tmp_path)
    before = figures(tmp_path)
    journal = world.open_journal(tmp_path)
    account = journal.account("weather")
    intended = world.intention(OF, account, [(world.token(world.TOMORROW, 1), 40, 220_000)])
    account = journal.commit(OF, account, intended)

    assert figures(tmp_path) == (*before[:4], 0)
    filled = world._reports([(intended.orders.order_id[0], 40 * MICRO, 220_000)], OF)
    journal.commit(OF, account, Execution(filled, micros(OF.fill_at)))
    journal.close()
    after = figures(tmp_path)
    assert (after[0], after[4]) == (before[0] + 1, 1)
    assert after[1] < before[1]  # type: ignore[operator]


def test_an_order_that_was_refused_never_becomes_a_trade(tmp_path: Path) -> None:
    world.build(tmp_path)
    before = figures(tmp_path)
    journal = world.open_journal(tmp_path)
    account = journal.account("weather")
    intended = world.intention(OF, account, [(world.token(world.TOMORROW, 1), 40, 220_000)])
    account = journal.commit(OF, account, intended)
    none = np.zeros(1, np.int64)
    refused = Reports(
        intended.orders.order_id,
        ("",),
        np.array([int(Status.REJECTED)]),
        none + micros(OF.fill_at),
        none,
        none,
        none,
        ((),),
        ("off_tick",),
    )
    journal.commit(OF, account, Execution(refused, micros(OF.fill_at)))
    journal.close()

    assert figures(tmp_path) == (*before[:4], 0)
