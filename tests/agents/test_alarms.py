"""What the governor says when something changes, and when it says nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from agents.alarms import governed
from agents.transmission.tripwires import mark
from core.model.account import Account
from core.model.host import Host
from core.model.regime import regime_of_most
from tests.agents.transmission.builders import (
    START,
    Market,
    account_of,
    cycle_of,
    instrument_of,
    quotes_of,
    settings_of,
    targets_of,
)
from tests.agents.transmission.test_traps import DAY, behind, lost, marked

HERE = Market(instrument_of())


def said(before: Account, after: Account, **more: object) -> list[str]:
    return [line.message for line in governed(cycle_of(), before, after, settings_of(), **more)]  # type: ignore[arg-type]


def test_a_trip_and_its_end_are_said_once_with_their_numbers() -> None:
    start = marked(account_of())
    tripped = marked(lost(start, 205))
    later = marked(tripped, START + DAY)

    lines = governed(cycle_of(), start, tripped, settings_of())
    assert [line.message for line in lines] == [
        "day loss trips at 2.05 R0, limit 2 R0: no new risk, it ends with the next desk day, at 16:00Z"
    ]
    assert lines[0].type == "risk_update"
    assert lines[0].data == {"name": "day_loss", "value": 2.05, "limit": 2.0, "state": "tripped", "action": "FLAT"}
    assert said(tripped, tripped) == []
    assert said(tripped, later) == ["day loss ended"]


def test_a_sick_machine_is_named() -> None:
    host = Host(sick=("clock: 9.0 s off", "journal: not writable"))
    start = marked(account_of())

    assert said(start, marked(start, host=host), host=host) == [
        "infrastructure trips: clock: 9.0 s off; journal: not writable: no new risk, it ends by itself, with its cause"
    ]


def test_a_step_is_said_with_why() -> None:
    start = marked(account_of())

    assert said(start, marked(behind(start, 2.5))) == [
        "size steps from 1 to 0.5: results against claims -2.50 sd, drawdown 0.00 R0"
    ]


def test_the_third_red_day_is_announced_and_stops_nothing_here() -> None:
    start = marked(account_of())
    two = replace(start, governor=replace(start.governor, red_days=np.full(1, 2, np.int64)))
    third = marked(lost(two, 10), START + DAY - timedelta(hours=2))

    after = marked(third, START + DAY)

    assert said(third, after) == ["3 losing days in a row"]
    assert after.tripped.tolist() == [0]


def test_a_turn_of_the_regime_is_said_with_its_reason() -> None:
    first, second = (_in(account_of(), name) for name in ("STABLE", "VOLATILE"))
    regimes = ["VOLATILE", "STABLE", "VOLATILE", ""]

    (line,) = governed(cycle_of(), first, second, settings_of(), regimes=regimes)

    assert line.type == "regime_change"
    assert line.data == {"regime": "VOLATILE", "previous": "STABLE", "reason": "2 of 3 events are VOLATILE"}
    assert said(account_of(), first) == []


def _in(account: Account, regime: str) -> Account:
    risk = mark(account, cycle_of(), targets_of([HERE]), quotes_of([HERE]), 0, settings_of(), regime=regime)
    return replace(account, governor=risk.governor)


def test_ties_of_regimes_go_to_the_stricter() -> None:
    assert regime_of_most(["STABLE", "VOLATILE"]) == "VOLATILE"
    assert regime_of_most(["NOTRADE", "STABLE", "STABLE"]) == "STABLE"
    assert regime_of_most([]) == ""
