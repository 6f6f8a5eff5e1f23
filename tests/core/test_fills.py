"""What decisions stated of their resting orders, read back from the journal beside what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from core.journal.changes import Execution, Intention
from core.journal.durable import DurableJournal
from core.model.orders import Level, Orders, Reports, Status
from core.services.fills import Resting, resting
from core.services.journal_rows import JournalRows
from core.units import MICRO, micros
from tests.agents.transmission.builders import NORMAL, START, Market, cycle_of, instrument_of, look, settings_of

PLACES = [instrument_of(city, city=city, region=city, source=city) for city in ("london", "paris")]
WIDE = [Market(each, wanted=50.0, asks=((0.38, 1e4),), bids=((0.28, 1e4),)) for each in PLACES]


def lived(where: Path, markets: Sequence[Market], filled: Sequence[str]) -> Resting:
    """Return what /performance says after one look whose orders rested, of which those about `filled` were filled."""
    journal = DurableJournal(where / "hermes.db", desk="weather", world="test", start_micro=10_000 * MICRO)
    cycle = cycle_of()
    seen = look(markets, journal.account("weather"), settings_of(NORMAL, {"resting": True}), cycle=cycle)
    named = tuple(each.instrument for each in markets)
    account = journal.commit(cycle, seen.account, Intention(seen.decisions, seen.orders, named))
    later = cycle_of(START + timedelta(minutes=20), 2)
    journal.commit(later, account, Execution(_words(seen.orders, filled, micros(later.fill_at)), micros(later.fill_at)))
    journal.close()
    rows = JournalRows(where / "hermes.db")
    try:
        return resting(rows, None, START + timedelta(hours=1))
    finally:
        rows.close()


def _words(orders: Orders, filled: Sequence[str], at: int) -> Reports:
    hit = np.array([token in filled for token in orders.token])
    size = np.where(hit, orders.size_micro, 0)
    levels = [(Level(int(p), int(s), int(s)),) if s else () for p, s in zip(orders.limit_micro, size, strict=True)]
    return Reports(
        orders.order_id, tuple(f"x-{name}" if s else "" for name, s in zip(orders.order_id, size, strict=True)),
        np.where(hit, Status.FILLED, Status.EXPIRED).astype(np.int64), np.full(len(orders), at, np.int64), size,
        size * orders.limit_micro // MICRO, np.zeros(len(orders), np.int64), tuple(levels),
        tuple("" if s else "time_over" for s in size),
    )  # fmt: skip


def test_what_a_decision_stated_stands_beside_what_came_of_its_order(tmp_path: Path) -> None:
    """Nobody recorded a tape: half a print in six hours, in a life of 16 minutes 2.2 %."""
    found = lived(tmp_path, WIDE, filled=[PLACES[0].token])

    (step,) = found.steps
    assert (found.n, found.stated, found.filled, found.reason) == (2, 2, 0.5, "")
    assert (step.n, step.filled) == (2, 0.5)
    assert step.stated == pytest.approx(1.0 - np.exp(-0.5 * 960 / 21_600), abs=1e-5)


def test_where_nothing_rested_nothing_is_said(tmp_path: Path) -> None:
    taken = [Market(each, wanted=50.0) for each in PLACES]

    assert lived(tmp_path, taken, filled=[each.token for each in PLACES]) == Resting()
