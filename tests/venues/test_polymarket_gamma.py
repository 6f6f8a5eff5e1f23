from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from core.errors import LadderError, RuleError, WireError
from core.events import event_of
from core.model.event import FeeRounding
from core.model.record import Kind, Record
from core.model.rule import Extreme
from core.units import Unit
from venues.polymarket.gamma import event_day_of, event_slug, parse_event
from venues.polymarket.ladder import parse_label
from venues.polymarket.listings import rule_words
from venues.polymarket.outcomes import market_verdict, parse_outcome, undecided

HEARD = datetime(2026, 7, 3, 2, 1, tzinfo=UTC)


@pytest.fixture
def gamma(captures: Path) -> Path:
    return captures / "fixtures" / "polymarket_gamma"


def load(path: Path) -> Any:
    body = json.loads(path.read_text("utf-8"))
    return body[0] if isinstance(body, list) else body


def decoded(event: Mapping[str, Any], heard: datetime = HEARD) -> Record:
    return parse_event(event, b"[]", heard, rule_words())


# Read by hand from each capture: station, city, unit, first and last bracket, coarsest tick, midnight of the day.
OPEN_EVENTS: dict[str, tuple[str, str, Unit, str, str, int]] = {
    "event_by_slug_nyc_2026-07-03_open.json": ("KLGA", "New York", Unit.FAHRENHEIT, "97°F or below", "116°F or higher", 10_000),
    "event_by_slug_nyc_2026-07-02_past_enddate_still_trading.json": (
        "KLGA", "New York", Unit.FAHRENHEIT, "97°F or below", "116°F or higher", 1_000,
    ),
    "event_by_slug_nyc_2026-07-04_one_hour_after_listing.json": (
        "KLGA", "New York", Unit.FAHRENHEIT, "93°F or below", "112°F or higher", 10_000,
    ),
    "event_by_slug_london_2026-07-03_open.json": ("EGLC", "London", Unit.CELSIUS, "22°C or below", "32°C or higher", 10_000),
    "event_by_slug_tokyo_2026-07-04_open.json": ("RJTT", "Tokyo", Unit.CELSIUS, "21°C or below", "31°C or higher", 10_000),
}  # fmt: skip


@pytest.mark.parametrize("name", OPEN_EVENTS)
def test_an_open_event_is_a_rule_and_a_whole_ladder(gamma: Path, name: str) -> None:
    payload = load(gamma / name)
    record = decoded(payload)
    event = event_of(record.facts, record.rows)

    station, city, unit, first, last, tick = OPEN_EVENTS[name]
    assert (record.kind, record.subject, record.facts["refusal"]) == (Kind.EVENTS, payload["slug"], "")
    assert (event.rule.station, event.city, event.rule.unit, event.extreme) == (station, city, unit, Extreme.HIGH)
    assert event.event_day == date.fromisoformat(payload["eventDate"])
    assert (event.ladder[0].label, event.ladder[-1].label, len(event.ladder)) == (first, last, 11)
    assert (event.tick_micro, event.min_size_micro, event.accepting) == (tick, 5_000_000, True)
    assert (event.fees.rate, event.fees.exponent, event.fees.rounding) == (0.05, 1.0, FeeRounding.HALF_UP_5)
    assert event.liquidity_usd == payload["liquidity"]
    assert event.closes_at is None  # endDate is noon of the day, and trading went on


@pytest.mark.parametrize("name", OPEN_EVENTS)
def test_brackets_come_in_the_order_of_group_item_threshold_with_their_own_tokens(gamma: Path, name: str) -> None:
    payload = load(gamma / name)
    rows = decoded(payload).rows

    by_rank = sorted(payload["markets"], key=lambda market: int(market["groupItemThreshold"]))
    assert rows["label"].tolist() == [market["groupItemTitle"] for market in by_rank]
    assert rows["market_id"].tolist() == [market["id"] for market in by_rank]
    assert rows["yes"].tolist() == [json.loads(market["clobTokenIds"])[0] for market in by_rank]
    assert rows["no"].tolist() == [json.loads(market["clobTokenIds"])[1] for market in by_rank]
    assert all(isinstance(token, str) and len(token) > 70 for token in rows["yes"])  # 256 bits: never a number


def test_an_event_past_its_end_date_still_accepts_orders(gamma: Path) -> None:
    """FACTS II.0: endDate 2026-07-02T12:00Z, captured 14 h later with 11 of 11 accepting."""
    record = decoded(load(gamma / "event_by_slug_nyc_2026-07-02_past_enddate_still_trading.json"))

    assert record.facts["accepting"] is True
    assert record.rows["accepting"].all()


def test_munich_on_its_own_day_is_understood_and_a_zombie_three_weeks_later(gamma: Path) -> None:
    payload = load(gamma / "event_by_slug_munich_2026-06-16_midday.json")
    then, later = decoded(payload, datetime(2026, 6, 16, 9, 7, tzinfo=UTC)), decoded(payload)

    assert (then.facts["rule"]["station"], then.facts["rule"]["unit"]) == ("EDDM", "C")
    assert then.facts["refusal"] == ""
    assert "a stale listing: its day 2026-06-16 is over" in later.facts["refusal"]


def test_a_keyset_page_holds_a_partial_event_and_a_zombie_and_neither_is_traded(gamma: Path) -> None:
    page = json.loads((gamma / "events_keyset_page_partial_2026-08-29.json").read_text("utf-8"))
    nyc, jinan = (decoded(event, datetime(2026, 8, 29, tzinfo=UTC)) for event in page["events"])

    assert page["next_cursor"] is None
    assert "ladder" in nyc.facts["refusal"]
    assert nyc.facts["accepting"] is False  # nobody says that it accepts orders
    assert "a stale listing" in jinan.facts["refusal"]
    assert "0 tokens" in jinan.facts["refusal"]
    with pytest.raises(RuleError):
        event_of(jinan.facts, jinan.rows)


def test_an_event_of_another_kind_is_stored_and_refused(gamma: Path) -> None:
    record = decoded(load(gamma / "event_negrisk_politics_2026-03-11_trimmed.json"))

    assert "is neither a range, a degree nor a tail" in record.facts["refusal"]
    assert record.facts["rule"] is None


def test_a_search_answer_is_no_listing_of_weather(gamma: Path) -> None:
    page = json.loads((gamma / "public_search_response_trimmed.json").read_text("utf-8"))

    assert set(page) == {"events", "pagination"}
    assert all(decoded(event).facts["rule"] is None for event in page["events"])


def changed(gamma: Path, **fields: Any) -> dict[str, Any]:
    return {**load(gamma / "event_by_slug_nyc_2026-07-03_open.json"), **fields}


def with_markets(gamma: Path, **fields: Any) -> dict[str, Any]:
    event = changed(gamma)
    return {**event, "markets": [{**market, **fields} for market in event["markets"]]}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"clobTokenIds": "[]"}, "0 tokens"),
        ({"clobTokenIds": "token1,token2"}, "is no JSON list"),
        ({"conditionId": ""}, "no condition or tokens"),
        ({"outcomes": '["Long", "Short"]'}, "has outcomes"),
        ({"groupItemTitle": "warm"}, "is neither a range"),
        ({"groupItemTitle": "98-99°C"}, "ladder"),
        ({"description": "Another text."}, "different rule texts"),
        ({"gameStartTime": "2026-07-03 05:00:00+00"}, "is not the midnight that starts the day at KLGA"),
    ],
)
def test_markets_that_do_not_fit_are_refused_and_stored(gamma: Path, fields: dict[str, Any], why: str) -> None:
    record = decoded(with_markets(gamma, **fields))

    assert why in record.facts["refusal"]
    assert record.error is None


def test_a_missing_bracket_is_a_gap_and_not_renormalised(gamma: Path) -> None:
    event = changed(gamma)
    record = decoded({**event, "markets": [m for m in event["markets"] if m["groupItemTitle"] != "102-103°F"]})

    assert "leave a gap or overlap" in record.facts["refusal"]
    assert len(record.rows["label"]) == 10


def test_celsius_labels_under_a_fahrenheit_rule_are_refused(gamma: Path) -> None:
    event = changed(gamma)
    markets = [{**m, "groupItemTitle": m["groupItemTitle"].replace("°F", "°C")} for m in event["markets"]]

    assert "brackets in °C under a rule in °F" in decoded({**event, "markets": markets}).facts["refusal"]


def test_a_title_of_the_other_extreme_is_refused(gamma: Path) -> None:
    event = changed(gamma, title="Lowest temperature in NYC on July 3?", slug="lowest-temperature-in-nyc-on-july-3-2026")

    assert "the title says low, the rule high" in decoded(event).facts["refusal"]


def test_ranks_that_contradict_the_labels_are_refused(gamma: Path) -> None:
    event = changed(gamma)
    markets = [{**m, "groupItemThreshold": str(10 - int(m["groupItemThreshold"]))} for m in event["markets"]]

    assert "groupItemThreshold ranks" in decoded({**event, "markets": markets}).facts["refusal"]


def test_closed_outranks_accepting_orders(gamma: Path) -> None:
    markets, event = decoded(with_markets(gamma, closed=True, acceptingOrders=True)), decoded(changed(gamma, closed=True))

    assert not markets.rows["accepting"].any()
    assert event.facts["accepting"] is False


def test_without_a_schedule_there_is_no_fee(gamma: Path) -> None:
    """FACTS II 2.8: absent or not enabled means 0; makerBaseFee and takerBaseFee are caps, not fees."""
    assert decoded(with_markets(gamma, feeSchedule=None)).facts["fees"]["rate"] == 0.0
    assert decoded(with_markets(gamma, feesEnabled=False)).facts["fees"]["rate"] == 0.0


@pytest.mark.parametrize("fields", [{"markets": []}, {"slug": ""}, {"eventDate": None, "endDate": None}])
def test_what_is_no_event_is_a_wire_error(gamma: Path, fields: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        decoded(changed(gamma, **fields))


def test_slugs_are_english_and_unpadded_with_and_without_year() -> None:
    assert event_slug("highest-temperature-in-nyc", date(2026, 7, 3)) == "highest-temperature-in-nyc-on-july-3-2026"
    assert (
        event_slug("lowest-temperature-in-hong-kong", date(2026, 1, 26)) == "lowest-temperature-in-hong-kong-on-january-26-2026"
    )
    assert (
        event_slug("highest-temperature-in-nyc", date(2026, 1, 26), with_year=False)
        == "highest-temperature-in-nyc-on-january-26"
    )


def test_an_old_shape_names_its_day_by_the_noon_of_end_date() -> None:
    assert event_day_of({"endDate": "2026-01-26T12:00:00Z"}) == date(2026, 1, 26)


@pytest.mark.parametrize(
    ("label", "bracket"),
    [
        ("98-99°F", (98, 99, Unit.FAHRENHEIT)), ("97°F or below", (None, 97, Unit.FAHRENHEIT)),
        ("116°F or higher", (116, None, Unit.FAHRENHEIT)), ("23°C", (23, 23, Unit.CELSIUS)), ("-3°C", (-3, -3, Unit.CELSIUS)),
        ("−3°C", (-3, -3, Unit.CELSIUS)), ("-5°C or below", (None, -5, Unit.CELSIUS)),
        ("-1°C or higher", (-1, None, Unit.CELSIUS)),
        ("-3--2°F", (-3, -2, Unit.FAHRENHEIT)), ("-1-0°F", (-1, 0, Unit.FAHRENHEIT)), ("98–99°F", (98, 99, Unit.FAHRENHEIT)),
        ("−3–−2°F", (-3, -2, Unit.FAHRENHEIT)), ("0°C", (0, 0, Unit.CELSIUS)),
    ],
)  # fmt: skip
def test_a_label_is_its_inclusive_settlement_integers(label: str, bracket: tuple[int | None, int | None, Unit]) -> None:
    assert parse_label(label) == bracket


@pytest.mark.parametrize("label", ["", "98-99", "99-98°F", "23°K", "about 23°C", "23°C or so", "98-99-100°F", "°C"])
def test_a_label_that_is_no_bracket_is_refused(label: str) -> None:
    with pytest.raises(LadderError):
        parse_label(label)


def test_every_bracket_of_four_months_in_four_cities_is_understood(gamma: Path) -> None:
    """Nine brackets to 2026-03-15, eleven from 03-16 (FACTS II 2.4); the resolved one is among them."""
    cities = json.loads((gamma / "resolved_brackets_4cities_2026-03-01_2026-06-20.json").read_text("utf-8"))
    sizes = set()
    for city in cities:
        for day in city["days"]:
            assert day["slug"] == event_slug(f"highest-temperature-in-{city['city']}", date.fromisoformat(day["date"]))
            parsed = {label: parse_label(label) for label in day["brackets"]}
            assert {str(unit)[0] for _, _, unit in parsed.values()} == {day["unit"][0].upper()}
            ladder = sorted(parsed.values(), key=lambda b: (b[0] is not None, b[0] or 0))
            assert ladder[0][0] is None
            assert ladder[-1][1] is None
            assert all(warm[0] == (cold[1] or 0) + 1 for cold, warm in pairwise(ladder))
            assert day["resolved_bracket"] in parsed
            sizes.add((day["date"] >= "2026-03-16", len(parsed)))

    assert sizes == {(False, 9), (True, 11)}


# Outcomes


def test_a_market_resolved_by_uma_names_its_loser(gamma: Path) -> None:
    assert market_verdict(load(gamma / "market_resolved_uma_2026-03-19.json")) is False


@pytest.mark.parametrize(
    "name",
    [
        "market_closed_but_accepting_orders_true_2026-05.json",  # prices say Yes, but it contradicts itself: ask the CLOB
        "market_closed_scalar_legacy_2020.json",
        "market_closed_prices_zero_zero_legacy_2020.json",
    ],
)
def test_a_market_that_gamma_cannot_decide_is_undecided(gamma: Path, name: str) -> None:
    market = load(gamma / name)

    assert market_verdict(market) is None
    assert undecided({"markets": [market]}) == [market["conditionId"]]


def hong_kong(gamma: Path) -> dict[str, Any]:
    """The projection put back under Gamma's own names, as its note explains them."""
    body = json.loads((gamma / "event_resolved_projection_hong_kong_2026-06-25.json").read_text("utf-8"))
    markets = [
        {
            "id": market["market_id"], "conditionId": market["condition_id"], "groupItemTitle": market["bucket_label"],
            "outcomes": json.dumps(market["outcomes"]), "outcomePrices": json.dumps(market["outcome_prices"]),
            "clobTokenIds": json.dumps(market["token_ids"]), "umaResolutionStatus": market["uma_resolution_status"],
            "closed": True,
        }
        for market in body["markets"]
    ]  # fmt: skip
    return {"slug": body["slug"], "endDate": body["end_date"], "markets": markets}


def test_a_resolved_event_has_exactly_one_winner(gamma: Path) -> None:
    event = hong_kong(gamma)
    record = parse_outcome(event, b"[]", HEARD)

    winner = next(m for m in event["markets"] if json.loads(m["outcomePrices"]) == ["1", "0"])
    assert (record.facts["final"], record.facts["winner"], record.facts["accepting"]) == (True, winner["id"], False)
    assert record.rows["won"].sum() == 1
    assert record.rows["market_id"][record.rows["won"]].tolist() == [winner["id"]]


@pytest.mark.parametrize("prices", ['["0", "1"]', '["0.5", "0.5"]', '["1", "1"]', '["0", "0"]', "", None, '["1"]'])
def test_without_a_clear_winner_nothing_is_final(gamma: Path, prices: str | None) -> None:
    event = hong_kong(gamma)
    markets = [{**m, "outcomePrices": prices} if '"1", "0"' in m["outcomePrices"] else m for m in event["markets"]]
    record = parse_outcome({**event, "markets": markets}, b"[]", HEARD)

    assert (record.facts["final"], record.facts["winner"]) == (False, "")
    assert not record.rows["won"].any()


def test_two_winners_are_none(gamma: Path) -> None:
    event = hong_kong(gamma)
    markets = [{**m, "outcomePrices": '["1", "0"]'} for m in event["markets"][:2]] + event["markets"][2:]

    assert parse_outcome({**event, "markets": markets}, b"[]", HEARD).facts["final"] is False


def test_one_open_market_keeps_the_event_open(gamma: Path) -> None:
    event = hong_kong(gamma)
    event["markets"][0] = {**event["markets"][0], "closed": False, "acceptingOrders": True}
    record = parse_outcome(event, b"[]", HEARD)

    assert (record.facts["final"], record.facts["accepting"]) == (False, True)


def test_the_clob_decides_where_gamma_does_not(gamma: Path) -> None:
    event = hong_kong(gamma)
    winner = next(i for i, m in enumerate(event["markets"]) if '"1", "0"' in m["outcomePrices"])
    event["markets"][winner] = {**event["markets"][winner], "outcomePrices": '["0.5", "0.5"]'}
    (condition,) = undecided(event)

    assert parse_outcome(event, b"[]", HEARD, {condition: True}).facts["final"] is True
    assert parse_outcome(event, b"[]", HEARD, {condition: None}).facts["final"] is False
