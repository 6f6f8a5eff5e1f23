"""Far from the market: half the size, and rule and report are asked again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.transmission.ruling import decisions_of, guard, rule
from tests.agents.transmission.builders import (
    NORMAL,
    Look,
    Market,
    cycle_of,
    instrument_of,
    look,
    quotes_of,
    settings_of,
    targets_of,
)

FAR, NEAR = Market(instrument_of(), wanted=50.0, fair=0.60), Market(instrument_of(), wanted=50.0, fair=0.50)
FRESH = {"regime_reason": "wanted", "metar_age": 900.0, "metar_age_limit": 4_800.0, "floor": 11.0}


def believed(market: Market, **belief: object) -> Look:
    """Look at a market of whose event so much is believed."""
    settings, account = settings_of(NORMAL), look([market], settings=settings_of(NORMAL)).account
    targets = replace(targets_of([market]), belief=({**FRESH, **belief},))
    ruling = rule(targets, guard(quotes_of([market]), settings), 0, account, cycle_of(), settings)
    return Look(account, ruling, look([market]).orders, decisions_of(ruling, targets, account, cycle_of()))


def test_far_from_the_market_both_are_asked_and_recorded() -> None:
    seen = believed(FAR)
    checks = {check.name: check for check in seen.decisions[0].checks}

    assert seen.ruling.order.tolist() == [[25_000_000]]
    assert (checks["gap_rule"].value, checks["gap_rule"].limit) == (1.0, 1.0)
    assert (checks["gap_metar"].value, checks["gap_metar"].limit) == (900.0, 4_800.0)


@pytest.mark.parametrize(
    ("belief", "reason"),
    [
        ({"regime_reason": "listing_changed"}, "gap_rule"),
        ({"regime_reason": "rule_inferred"}, "gap_rule"),
        ({"metar_age": 4_801.0}, "gap_metar"),
    ],
)
def test_what_does_not_hold_any_more_is_refused(belief: dict[str, object], reason: str) -> None:
    seen = believed(FAR, **belief)

    assert seen.ruling.order.tolist() == [[0]]
    assert seen.reason == reason


def test_near_the_market_and_before_the_day_begins_nothing_is_asked() -> None:
    assert believed(NEAR, metar_age=9e9).check("gap_metar") == "not_applicable"
    assert believed(NEAR, regime_reason="listing_changed").check("gap_rule") == "not_applicable"
    assert believed(FAR, metar_age=9e9, floor=None).check("gap_metar") == "not_applicable"
