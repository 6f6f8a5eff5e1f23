"""One line for what stresses would bring, the worst first; nothing where nothing is at stake."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from agents.stress import stressed
from agents.transmission.gauges import _nothing_wanted
from core.model.account import new_account
from core.model.cycle import Cause, Cycle

AT = datetime(2026, 6, 1, 17, tzinfo=UTC)
CYCLE = Cycle("weather", AT, 1, Cause.SCHEDULE, (), AT, AT + timedelta(seconds=2))
NOTHING = _nothing_wanted(new_account("weather", "demo:7", 0))


def test_the_worst_stands_first_and_what_changes_nothing_is_left_out() -> None:
    stress = {"region us +2sd": np.array([3.5]), "source_outage": np.array([-12.25]), "disputed_settlement": np.array([0.0])}

    (line,) = stressed(CYCLE, replace(NOTHING, stress=stress))

    assert line.type == "stress"
    assert list(line.data["pnl_usd"].items()) == [("source_outage", -12.25), ("region us +2sd", 3.5)]  # type: ignore[attr-defined]
    assert line.message == "worst of 3 stresses: source outage −12.25 $"


def test_a_desk_with_nothing_at_stake_says_nothing() -> None:
    assert stressed(CYCLE, replace(NOTHING, stress={"source_outage": np.array([0.0])})) == ()
    assert stressed(CYCLE, NOTHING) == ()
