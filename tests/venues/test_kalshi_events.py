from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.errors import HermesError, WireError
from core.events import event_of
from core.model.event import Event, FeeRounding, Fees
from core.model.record import Record
from core.model.rule import DayWindow, Extreme, Grade
from tests.venues.kalshi_answers import DAY, EVENT, NOW, event, market, markets, settled
from venues.kalshi.events import Terms, parse_event, strike_of, tick_of

COLD, WARM = f"{EVENT}-T75", f"{EVENT}-T82"


def listed(changed: dict[str, Any] | None = None, **terms: Any) -> Record:
    return parse_event(event() if changed is None else changed, b"{}", NOW, Terms(**terms) if terms else None)


def read(record: Record) -> Event:
    return event_of(record.facts, record.rows)


def test_an_event_is_a_rule_a_ladder_and_its_terms() -> None:
    found = read(listed())

    assert (found.event_id, found.event_day, found.extreme) == (EVENT, DAY, Extreme.HIGH)
    assert (found.rule.station, found.rule.source, found.rule.window) == ("KNYC", "nws_climate_report", DayWindow.STANDARD_TIME)
    assert found.rule.grade is Grade.CAPTURED
    assert [(b.lower, b.upper) for b in found.ladder] == [(None, 74), (75, 76), (77, 78), (79, 80), (81, 82), (83, None)]
    assert [b.label for b in found.ladder][::5] == ["74° or below", "83° or above"]
    assert (found.ladder[0].market_id, found.ladder[0].yes, found.ladder[0].no) == (COLD, f"{COLD}:YES", f"{COLD}:NO")
    assert found.fees == Fees(0.07, 1.0, FeeRounding.UP_CENT)
    assert (found.tick_micro, found.min_size_micro, found.liquidity_usd) == (10_000, 10_000, None)
    assert (found.opens_at, found.closes_at) == (datetime(2026, 6, 2, 14, tzinfo=UTC), datetime(2026, 6, 4, 4, 59, tzinfo=UTC))
    assert found.accepting
    assert found.title == "Highest temperature in NYC on Jun 3, 2026?"


def test_the_text_is_that_of_the_coldest_bracket_in_whatever_order_the_markets_come() -> None:
    one, other = listed(), listed(event(listed=markets()[::-1]))

    assert "is less than 75° fahrenheit" in one.facts["text"]
    assert one.facts["sha256"] == hashlib.sha256(one.facts["text"].encode()).hexdigest()
    assert (one.facts, read(one)) == (other.facts, read(other))


def test_a_text_that_changes_in_one_market_or_in_all_is_another_text() -> None:
    first = listed()
    of_all = listed(event(listed=markets(rules_secondary="")))
    of_one = event()
    of_one["markets"][2]["rules_secondary"] = ""

    assert (of_all.facts["refusal"], of_all.facts["sha256"] != first.facts["sha256"]) == ("", True)
    assert listed(of_one).facts["refusal"] == "its markets carry different rule texts"
    assert "{strike}" in listed(of_one).facts["text"]
    assert listed(of_one).facts["sha256"] not in (first.facts["sha256"], of_all.facts["sha256"])


def test_markets_that_settle_by_two_rules_are_no_event() -> None:
    mixed = event()
    mixed["markets"][1]["rules_primary"] = mixed["markets"][1]["rules_primary"].replace("New York City", "Chicago")

    assert "its markets settle by different rules" in listed(mixed).facts["refusal"]
    assert listed(mixed).facts["rule"] is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"strike_type": "less", "cap_strike": 82}, "strike fields say None to 81"),
        ({"strike_type": "greater_or_equal"}, "is no bracket"),
        ({"strike_type": ""}, "has no strike_type"),
        ({"floor_strike": 82.5}, "is no whole degree"),
        ({"floor_strike": "warm"}, "is no whole degree"),
        ({"floor_strike": None}, "is no bracket"),
        ({"yes_sub_title": "82° or above"}, "is printed as"),
        ({"status": "sleeping"}, "unknown status 'sleeping'"),
        ({"rules_primary": "It will be warm."}, "not understood"),
        ({"ticker": f"{EVENT}-T83"}, "is not the bracket"),
        ({"ticker": "KXHIGHNY-26JUN04-T82"}, "is no market of"),
    ],
)
def test_a_market_that_contradicts_itself_is_a_refusal(change: dict[str, Any], why: str) -> None:
    changed = event()
    changed["markets"][0] |= change

    record = listed(changed)

    assert why in record.facts["refusal"]
    with pytest.raises(HermesError, match=EVENT):
        read(record)


def _moved(day: date, kind: str, floor: int | None, cap: int | None) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    return lambda found: [*found[:-1], market(day, kind, floor, cap)]


LADDERS: dict[str, tuple[Callable[[list[dict[str, Any]]], list[dict[str, Any]]], str]] = {
    "gap": (lambda found: [m for m in found if not m["ticker"].endswith("B79.5")], "leave a gap"),
    "overlap": (lambda found: [*found, market(DAY, "between", 76, 77)], "gap or overlap"),
    "no cold tail": (lambda found: found[:-1], "lacks a tail"),
    "no warm tail": (lambda found: found[1:], "lacks a tail"),
    "cold tail too low": (_moved(DAY, "less", None, 74), "leave a gap"),
    "cold tail too high": (_moved(DAY, "less", None, 77), "overlap"),
    "two warm tails": (lambda found: [*found, market(DAY, "greater", 90, None)], "gap or overlap"),
    "one bracket": (lambda found: found[:1], "two brackets at least"),
}


@pytest.mark.parametrize("name", LADDERS)
def test_brackets_that_are_no_partition_are_a_refusal(name: str) -> None:
    change, why = LADDERS[name]

    record = listed(event(listed=change(markets())))

    assert why in record.facts["refusal"]


def test_the_side_of_a_tail_comes_from_its_fields_and_text_and_never_from_its_ticker() -> None:
    """FACTS I.3: `T75` is below or above; both ends of one ladder may carry the same letter."""
    below, above = market(DAY, "less", None, 75), market(DAY, "greater", 75, None)

    assert below["ticker"] == above["ticker"]
    assert (strike_of(below), strike_of(above)) == ((None, 74), (76, None))


def test_no_altered_listing_passes_as_another_ladder() -> None:
    """Every field that names a strike, of every market, moved or swapped: refused, or the ladder stays what it was."""
    right = [(b.lower, b.upper) for b in read(listed()).ladder]
    altered = refused = 0
    for place in range(len(markets())):
        for key, values in (
            ("floor_strike", (-1, +1, +10)), ("cap_strike", (-1, +1, +10)),
            ("strike_type", ("less", "greater", "between", "custom", None)), ("ticker", ("T", "B", "5")),
            ("rules_primary", ("less than", "greater than", "between")),
        ):  # fmt: skip
            for value in values:
                changed = event()
                original = changed["markets"][place]
                before = deepcopy(original)
                _alter(original, key, value)
                if original == before:
                    continue
                altered += 1
                record = listed(changed)
                if record.facts["refusal"]:
                    refused += 1
                    continue
                assert [(b.lower, b.upper) for b in read(record).ladder] == right, (key, value)

    assert (altered >= 60, refused >= 50) == (True, True)


def _alter(of: dict[str, Any], key: str, value: Any) -> None:
    if key in ("floor_strike", "cap_strike"):
        of[key] = of.get(key, 80) + value
    elif key == "ticker":
        head, _, tail = of[key].rpartition("-")
        of[key] = f"{head}-{value}{tail[1:]}" if value != "5" else f"{head}-{tail}5"
    elif key == "rules_primary":
        words = of[key].partition(", is ")[2].partition("°")[0]
        number = words.split()[-1].split("-")[0]
        strike = f"{value} {number}-{int(number) + 1}" if value == "between" else f"{value} {number}"
        of[key] = of[key].replace(words, strike)
    else:
        of[key] = value


def test_zombies_accept_nothing() -> None:
    closed = event(listed=markets(status="closed"))
    over = parse_event(event(), b"{}", datetime(2026, 6, 4, 4, 59, 1, tzinfo=UTC))
    stale = parse_event(event(), b"{}", NOW + timedelta(days=4))

    assert (listed(closed).facts["accepting"], listed(closed).facts["refusal"]) == (False, "")
    assert (over.facts["accepting"], over.facts["refusal"]) == (False, "")  # its close is over, its status a moment late
    assert "a stale listing" in stale.facts["refusal"]
    assert not listed(closed).rows["accepting"].any()


def test_an_event_that_closes_on_another_day_is_a_refusal() -> None:
    record = listed(event(listed=markets(close_time="2026-06-07T04:59:00Z")))

    assert "its day ends at 2026-06-04T05:00:00Z" in record.facts["refusal"]


@pytest.mark.parametrize(
    "change",
    [{"markets": []}, {"markets": None}, {"event_ticker": "KXELONMARS-99"}, {"event_ticker": COLD}, {"event_ticker": None},
     {"markets": [market(DAY, "less", None, 75)] * 2}, {"markets": [{}]}, {"markets": ["x"]}],
)  # fmt: skip
def test_what_is_no_event_is_an_error(change: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        listed(event() | change)


def test_a_fee_that_is_not_understood_is_a_refusal() -> None:
    assert listed(None, refusal="fee type 'flat' is not known").facts["refusal"] == "fee type 'flat' is not known"


def test_the_coarsest_step_and_the_largest_minimum_of_an_event_hold() -> None:
    """FACTS II 6.1: `tapered_deci_cent` is 0.001 at the ends and 0.01 between; use `price_ranges`."""
    ranges = [{"step": "0.0010"}, {"step": "0.0100"}, {"step": "0.0010"}]

    assert tick_of({"price_ranges": ranges}) == 10_000
    assert [tick_of({"price_level_structure": name}) for name in ("deci_cent", "tapered_deci_cent", "", "new")] == [
        1_000, 10_000, 10_000, 10_000,
    ]  # fmt: skip
    whole = event()
    whole["markets"][3]["fractional_trading_enabled"] = False
    assert listed(whole).facts["min_size_micro"] == 1_000_000
    for step in ("0", "-0.01", "x", None, "1.0"):
        with pytest.raises(WireError):
            tick_of({"ticker": "X", "price_ranges": [{"step": "0.0100"}, {"step": step}]})


def test_the_captured_texts_of_one_event_are_one_rule_and_one_text(captures: Path) -> None:
    """New York, 2026-10-06: both tails and one bracket were captured, the others differ from it in their strike alone."""
    folder, day = captures / "fixtures" / "rules", date(2026, 10, 6)
    said = {
        name: json.loads((folder / f"kalshi_twc-high_KXHIGHNY-26OCT06-{name}.json").read_text("utf-8"))
        for name in ("T63", "B69.5", "T70")
    }
    found = [market(day, "less", None, 63), market(day, "greater", 70, None)]
    found += [market(day, "between", low, low + 1) for low in (63, 65, 67, 69)]
    for each in found:
        name = each["ticker"].rpartition("-")[2]
        text = said.get(name, said["B69.5"])
        strike = f"{each.get('floor_strike')}-{each.get('cap_strike')}°"
        each["rules_primary"] = text["rules_primary"].replace("69-70°", strike)
        each["rules_secondary"] = text["rules_secondary"]

    record = parse_event(event(day, listed=found), b"{}", datetime(2026, 10, 5, 18, tzinfo=UTC))

    rule = read(record).rule
    assert (record.facts["refusal"], rule.station, rule.source) == ("", "KNYC", "weather_company")
    assert (rule.grade, rule.no_data) == (Grade.CAPTURED, "last_fair_price")
    assert record.facts["text"] == f"{said['T63']['rules_primary']}\n\n{said['T63']['rules_secondary']}"


def test_a_listing_of_a_settled_event_says_nothing_of_its_end() -> None:
    opened = datetime(2026, 6, 2, 14, 2, tzinfo=UTC)
    bare = settled(DAY, "B77.5")
    for each in bare:
        if each["result"] == "yes":
            del each["strike_type"]

    then = parse_event(event(), b"", opened, at_opening=True)
    later = parse_event(event(listed=bare), b"", opened, at_opening=True)

    assert then.facts == later.facts
    assert then.raw == later.raw
    assert replace(then, rows={}) == replace(later, rows={})
    assert all((then.rows[name] == later.rows[name]).all() for name in then.rows)
