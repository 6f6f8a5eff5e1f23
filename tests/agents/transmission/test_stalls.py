"""An order that works longer than it may is announced (trap: a stall of forty hours on orders whose answers were lost)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from agents.transmission.stalls import stalls
from core.journal.changes import Intention
from core.journal.fold import apply
from core.model.account import Account
from core.model.orders import Status
from core.units import micros
from tests.agents.transmission.builders import START, Market, cycle_of, instrument_of, look, settings_of

HOUR = timedelta(hours=1)


@pytest.fixture
def lost() -> Account:
    """One order that was sent and never answered."""
    market = Market(instrument_of(), wanted=50.0)
    seen = look([market])
    account = apply(cycle_of(), seen.account, Intention(seen.decisions, seen.orders, (market.instrument,)))
    return replace(account, working=replace(account.working, status=np.array([Status.UNKNOWN])))


@pytest.mark.parametrize(("hours", "n"), [(1.0, 0), (1.4, 0), (1.6, 1), (40.0, 1)])
def test_an_order_without_a_last_word_is_announced_after_two_looks_and_an_hour(lost: Account, hours: float, n: int) -> None:
    lines = stalls(cycle_of(START + hours * HOUR), lost, settings_of())

    assert len(lines) == n
    for line in lines:
        assert (line.type, line.severity, line.event_id) == ("order_stalled", "ERROR", "london")
        assert lost.working.order_id[0] in line.message


def test_a_resting_order_may_work_until_its_end(lost: Account) -> None:
    until = replace(lost.working, good_until=np.array([micros(START + 10 * HOUR)]))
    ended = replace(until, cancel_at=np.array([micros(START + HOUR)]))
    at = cycle_of(START + 3 * HOUR)

    assert len(stalls(at, replace(lost, working=until), settings_of())) == 0
    assert len(stalls(at, replace(lost, working=ended), settings_of())) == 1
