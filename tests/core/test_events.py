"""Events as facts and rows, and back; ladders that do not partition."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from core.errors import LadderError, RuleError
from core.events import NO_DATA, ROUNDINGS, STATISTICS, WINDOWS, differences, event_facts, event_of, rule_facts, rule_of
from core.model.event import Bracket, Event, FeeRounding, Fees, Side, checked_ladder, instruments_of
from core.model.rule import DayWindow, Extreme, Grade, Precision, Rounding, Statistic
from core.units import Unit
from tests.core.rules import a_rule


def bracket(lower: int | None, upper: int | None) -> Bracket:
    label = f"{lower}-{upper}"
    return Bracket(lower, upper, label, f"m{label}", f"y{label}", f"n{label}")


LADDER = (bracket(None, 67), bracket(68, 69), bracket(70, 71), bracket(72, None))


def an_event() -> Event:
    return Event(
        venue="kalshi", event_id="KXHIGHNY-26OCT06", title="Highest temperature in NYC?", city="New York",
        event_day=date(2026, 10, 6), extreme=Extreme.HIGH,
        rule=replace(a_rule(Statistic.OFFICIAL_MAX, window=DayWindow.STANDARD_TIME), text="Text.", grade=Grade.INFERRED),
        ladder=LADDER, fees=Fees(0.07, 1.0, FeeRounding.UP_CENT), tick_micro=10_000, min_size_micro=1_000_000,
        liquidity_usd=None, opens_at=None, closes_at=datetime(2026, 10, 7, 4, 59, tzinfo=UTC), accepting=True,
    )  # fmt: skip


def test_an_event_comes_back_as_it_went() -> None:
    facts, rows = event_facts(an_event())

    assert event_of(json.loads(json.dumps(facts)), rows) == an_event()


def test_a_rule_comes_back_as_it_went() -> None:
    rule = a_rule(Statistic.MIN_LISTED_REPORT, Unit.CELSIUS)

    assert rule_of(json.loads(json.dumps(rule_facts(rule)))) == rule


def test_brackets_below_zero_and_in_any_order_are_understood() -> None:
    event = replace(an_event(), ladder=(bracket(None, -3), bracket(-2, -2), bracket(-1, 0), bracket(1, None)))
    facts, rows = event_facts(event)
    shuffled = {name: column[[2, 3, 0, 1]] for name, column in rows.items()}

    assert event_of(facts, shuffled).ladder == event.ladder


def test_an_event_without_a_rule_or_with_a_refusal_is_not_traded() -> None:
    facts, rows = event_facts(an_event())

    with pytest.raises(RuleError, match="KXHIGHNY-26OCT06: no source"):
        event_of({**facts, "refusal": "no source"}, rows)
    with pytest.raises(RuleError, match="KXHIGHNY-26OCT06: no rule"):
        event_of({**facts, "rule": None}, rows)


@pytest.mark.parametrize(
    ("ladder", "told"),
    [
        ((bracket(None, 67), bracket(69, 70), bracket(71, None)), "gap or overlap"),
        ((bracket(None, 67), bracket(67, 70), bracket(71, None)), "gap or overlap"),
        ((bracket(None, 67), bracket(68, None), bracket(70, None)), "gap or overlap"),
        ((bracket(None, 67), bracket(None, 66), bracket(68, None)), "gap or overlap"),
        ((bracket(66, 67), bracket(68, None)), "lacks a tail"),
        ((bracket(None, 67), bracket(68, 69)), "lacks a tail"),
        ((bracket(None, 67),), "two brackets at least"),
        ((), "two brackets at least"),
    ],
)
def test_a_ladder_that_does_not_partition_is_refused_and_never_renormalised(ladder: tuple[Bracket, ...], told: str) -> None:
    with pytest.raises(LadderError, match=told):
        checked_ladder(ladder)


def test_a_gap_in_a_record_names_its_event() -> None:
    facts, rows = event_facts(an_event())
    without = {name: np.delete(column, 1) for name, column in rows.items()}

    with pytest.raises(LadderError, match=r"KXHIGHNY-26OCT06: .*gap or overlap"):
        event_of(facts, without)


@pytest.mark.parametrize(("lower", "upper"), [(None, None), (70, 69)])
def test_a_bracket_without_sense_is_refused(lower: int | None, upper: int | None) -> None:
    with pytest.raises(LadderError, match="bracket"):
        bracket(lower, upper)


@pytest.mark.parametrize(("reading", "rank"), [(-40, 0), (67, 0), (68, 1), (69, 1), (71, 2), (72, 3), (130, 3)])
def test_every_reading_has_one_winner(reading: int, rank: int) -> None:
    assert an_event().winner_of(reading) == LADDER[rank]
    assert sum(b.holds(reading) for b in LADDER) == 1


def test_the_instruments_of_an_event_run_from_cold_to_warm_yes_before_no() -> None:
    instruments = instruments_of(an_event(), "us-northeast")

    assert [(i.bracket, i.side) for i in instruments] == [(rank, side) for rank in range(4) for side in (Side.YES, Side.NO)]
    assert instruments[1].token == LADDER[0].no


CLIMATE_RULE = replace(
    a_rule(Statistic.OFFICIAL_MAX, window=DayWindow.STANDARD_TIME), station="KNYC", source="nws_climate_report",
    no_data="last_fair_price",
)  # fmt: skip
LISTED_RULE = a_rule()


def test_two_rules_of_one_city_say_why_they_may_differ() -> None:
    told = differences(LISTED_RULE, CLIMATE_RULE)

    assert [each.split(":")[0] for each in told] == ["Station", "Number", "Day", "Source", "Without data"]
    assert told[0] == "Station: KLGA; the other: KNYC."
    assert "highest of all listed reports; the other: the official maximum" in told[1]
    assert "clock" in told[2]
    assert told[4] == "Without data: its text does not say; the other: last fair price."


def test_the_days_are_named_in_utc_where_they_are_known() -> None:
    mine = datetime(2026, 6, 12, 4, tzinfo=UTC), datetime(2026, 6, 13, 4, tzinfo=UTC)
    theirs = datetime(2026, 6, 12, 5, tzinfo=UTC), datetime(2026, 6, 13, 5, tzinfo=UTC)

    told = differences(LISTED_RULE, CLIMATE_RULE, (mine, theirs))

    assert "Day: 12 June 04:00 to 13 June 04:00 UTC; the other: 12 June 05:00 to 13 June 05:00 UTC." in told
    assert not any(each.startswith("Day") for each in differences(LISTED_RULE, CLIMATE_RULE, (mine, mine)))


def test_unit_rounding_and_fallback_are_differences() -> None:
    tenths = replace(
        LISTED_RULE, unit=Unit.CELSIUS, precision=Precision.TENTH, rounding=Rounding.FLOOR, fallback_source="weather.gov"
    )

    assert differences(LISTED_RULE, tenths) == (
        "Unit: °F; the other: °C.",
        "Source: wunderground; the other: wunderground, else weather.gov.",
        "Rounding: whole degrees are printed, what counts is the nearest whole degree, halves up; the other: tenths are "
        "printed, what counts is the whole degree below.",
    )


def test_a_rule_does_not_differ_from_itself() -> None:
    assert differences(LISTED_RULE, replace(LISTED_RULE, text="other words", sha256="1")) == ()


def test_every_part_of_a_rule_has_its_words() -> None:
    assert set(STATISTICS) == set(Statistic)
    assert set(WINDOWS) == set(DayWindow)
    assert set(ROUNDINGS) == set(Rounding)
    assert "" in NO_DATA
