from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.errors import LadderError, WireError
from core.model.record import Record
from tests.venues.kalshi_answers import DAY, EVENT, NOW, book, event, markets, settled, trade
from venues.kalshi.books import parse_book, parse_books
from venues.kalshi.events import min_size_of, parse_event, strike_of, tick_of
from venues.kalshi.outcomes import parse_outcome
from venues.kalshi.trades import by_minute, parse_candles, parse_trades, print_columns, shown_price
from venues.kalshi.wire import members, parse_cutoff, parse_page
from venues.numbers import micro_of

COLD, WARM = f"{EVENT}-T75", f"{EVENT}-T82"


@pytest.fixture(scope="module")
def kalshi(captures: Path) -> Callable[[str], bytes]:
    return lambda name: (captures / "fixtures" / "kalshi" / name).read_bytes()


# Captured answers of other series


def test_an_event_of_another_kind_is_no_event_of_a_temperature(kalshi: Callable[[str], bytes]) -> None:
    page = parse_page(kalshi("events_page_2026-08-28_trimmed.json"), "events", "/events")

    ((span, other),) = page.elements
    assert (page.cursor, other["event_ticker"]) == ("CgYI8Mzn4AsSDEtYTkVXUE9QRS03MA", "KXELONMARS-99")
    assert json.loads(span) == other
    with pytest.raises(WireError, match="not of a temperature series"):
        parse_event(other, span, NOW)


def test_a_page_of_markets_tells_ticks_and_fractions(kalshi: Callable[[str], bytes]) -> None:
    page = parse_page(kalshi("markets_page_2026-06-20.json"), "markets", "/markets")
    single = members(kalshi("market_single_2026-06-20.json"), "/markets")["market"][1]

    assert (len(page.elements), page.cursor) == (2, "")
    assert [tick_of(each) for _, each in page.elements] == [10_000, 1_000]
    assert {min_size_of(each) for _, each in page.elements} == {10_000}
    assert single == page.elements[0][1]
    with pytest.raises(LadderError, match="has no strike_type"):
        strike_of(single)


def test_a_market_with_a_broken_strike_is_no_bracket_of_whole_degrees(kalshi: Callable[[str], bytes]) -> None:
    xrp = members(kalshi("market_xrp_strike_2026-08-28_trimmed.json"), "/markets")["market"][1]

    assert (xrp["strike_type"], xrp["floor_strike"], tick_of(xrp), min_size_of(xrp)) == ("greater", 2.1399, 10_000, 1_000_000)
    with pytest.raises(LadderError, match=r"floor_strike 2\.1399 is no whole degree"):
        strike_of(xrp)


def test_the_captured_settled_market_lost_above_95(kalshi: Callable[[str], bytes]) -> None:
    found = json.loads(kalshi("kxhighny_settled_market_2026-08-07_selected_fields.json"))
    winner = {"ticker": "KXHIGHNY-26AUG06-B94.5", "status": "finalized", "result": "yes", "expiration_value": "94"}
    named = {"event_ticker": found["event_ticker"], "markets": [{**found, "status": "finalized"}, winner]}

    record = parse_outcome(named, b"{}", NOW)

    assert dict(zip(record.rows["market_id"], record.rows["won"].tolist(), strict=True))["KXHIGHNY-26AUG06-T95"] is False
    assert (record.facts["final"], record.facts["winner"], record.facts["value"]) == (True, "KXHIGHNY-26AUG06-B94.5", 94.0)


def test_the_historical_tier_begins_two_months_back(kalshi: Callable[[str], bytes]) -> None:
    cutoff = parse_cutoff(kalshi("historical_cutoff_2026-08-28.json"))

    assert cutoff.settled == cutoff.traded == datetime(2026, 6, 28, tzinfo=UTC)
    with pytest.raises(WireError):
        parse_cutoff(b'{"market_settled_ts": "soon"}')


# Books


def levels(record: Record, token: str, side: str) -> list[tuple[int, int]]:
    rows = record.rows
    mine = (rows["token"] == token) & (rows["side"] == side)
    return list(zip(rows["price_micro"][mine].tolist(), rows["size_micro"][mine].tolist(), strict=True))


def books(*payloads: dict[str, Any], tickers: tuple[str, ...] = (COLD,)) -> Record:
    (record,) = parse_books(json.dumps({"orderbooks": payloads}).encode(), {EVENT: tickers}, NOW)
    return record


def test_the_captured_book_gives_bids_and_asks_of_both_tokens(kalshi: Callable[[str], bytes]) -> None:
    """FACTS II 6.2: NO bid 0.88 x 1967.33 is a YES ask of 0.12 x 1967.33."""
    captured = json.loads(kalshi("orderbook_2026-06-20.json"))
    record = books({"ticker": COLD, **captured})

    yes, no = f"{COLD}:YES", f"{COLD}:NO"
    assert levels(record, yes, "bid")[:2] == [(80_000, 444_320_000), (70_000, 3_195_840_000)]
    assert levels(record, yes, "ask")[:2] == [(120_000, 1_967_330_000), (130_000, 118_850_000)]
    assert levels(record, no, "bid")[0] == (880_000, 1_967_330_000)
    assert levels(record, no, "ask")[0] == (920_000, 444_320_000)
    assert [len(levels(record, token, side)) for token in (yes, no) for side in ("bid", "ask")] == [8, 18, 18, 8]
    assert record.facts == {"tokens": {yes: {"changed_at": "", "hash": ""}, no: {"changed_at": "", "hash": ""}}}
    assert record.issued_at is None


def test_a_captured_book_without_yes_bids_has_asks_of_yes_alone(kalshi: Callable[[str], bytes]) -> None:
    record = books({"ticker": COLD, **json.loads(kalshi("orderbook_empty_yes_side_2026-08-28.json"))})

    assert levels(record, f"{COLD}:YES", "bid") == levels(record, f"{COLD}:NO", "ask") == []
    assert levels(record, f"{COLD}:YES", "ask") == [(10_000, 29_000_000_000), (990_000, 1_000_000)]


def test_a_book_reads_the_same_whatever_order_its_levels_come_in() -> None:
    up = [["0.0100", "1.00"], ["0.3000", "2.00"], ["0.2000", "3.00"]]

    assert parse_book(book(COLD, up, up), COLD) == parse_book(book(COLD, up[::-1], sorted(up)), COLD)


def test_null_sides_and_null_books_are_empty() -> None:
    assert len(books(book(COLD, None, None)).rows["token"]) == 0
    empty = books({"ticker": COLD, "orderbook_fp": None})
    assert (len(empty.rows["token"]), list(empty.facts["tokens"])) == (0, [f"{COLD}:YES", f"{COLD}:NO"])
    assert books().facts["tokens"] == {}  # left out of the answer: no book is known


def test_the_older_book_of_whole_cents_is_understood() -> None:
    legacy = parse_book({"orderbook": {"yes": [[8, 44]], "no": None}}, COLD)

    assert (legacy.yes, legacy.no) == (((80_000, 44_000_000),), ())


def test_levels_that_are_none_are_left_out_and_named() -> None:
    record = books(
        book(COLD, [["0.0000", "5.00"], ["0.4000", "5.00"], ["1.0000", "1.00"]], [["0.5000", "0.00"], ["0.5500", "-2"]])
    )

    assert levels(record, f"{COLD}:YES", "bid") == [(400_000, 5_000_000)]
    assert levels(record, f"{COLD}:YES", "ask") == []
    assert record.facts["quarantined"] == [
        f"{COLD} yes bid: a price of 0 is none", f"{COLD} yes bid: a price of 1 is none",
        f"{COLD} no bid: a size of 0 is none", f"{COLD} no bid: a size of -2 is none",
    ]  # fmt: skip


def test_a_crossed_book_stays_and_is_named() -> None:
    record = books(book(COLD, [["0.6000", "5.00"]], [["0.4500", "5.00"]]))

    assert levels(record, f"{COLD}:YES", "bid")[0][0] > levels(record, f"{COLD}:YES", "ask")[0][0]
    assert record.facts["quarantined"] == [f"{COLD}: the book crosses: bid 0.6, ask 0.55"]


@pytest.mark.parametrize(
    "yes",
    [[["0.4000", "1.00"], ["0.40", "2.00"]], [["0.4000"]], [["forty", "1.00"]], [["NaN", "1.00"]], [[None, "1"]], [["0.4", "inf"]],
     ["0.4"], {"0.4": "1"}, [["0.40000001", "1.00"]]],
)  # fmt: skip
def test_a_book_without_meaning_fails_its_event_alone(yes: Any) -> None:
    other = "KXHIGHNY-26JUN04-T75"
    raw = json.dumps({"orderbooks": [book(COLD, yes, []), book(other, [["0.1000", "1.00"]], [])]}).encode()

    bad, good = parse_books(raw, {EVENT: (COLD,), "KXHIGHNY-26JUN04": (other,)}, NOW)

    assert (bad.error is not None, bad.rows, bad.facts) == (True, {}, {})
    assert json.loads(bad.raw) == [book(COLD, yes, [])]
    assert good.error is None


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{", b'{"orderbooks":{}}', b'{"orderbooks":[1]}', b'{"orderbooks":[]} x', b"\xff", b"{}"]
)
def test_an_answer_of_another_shape_is_an_error(raw: bytes) -> None:
    with pytest.raises(WireError, match="the bytes are kept"):
        parse_books(raw, {EVENT: (COLD,)}, NOW)


def test_a_book_that_was_not_asked_for_or_comes_twice_is_an_error() -> None:
    with pytest.raises(WireError, match="was not asked for"):
        books(book(f"{COLD},{WARM}", [], []), tickers=(COLD, WARM))
    with pytest.raises(WireError, match="stands 2 times"):
        books(book(COLD, [], []), book(COLD, [], []))


# Trades and candles


def test_the_captured_trades_tell_who_took(kalshi: Callable[[str], bytes]) -> None:
    page = parse_page(kalshi("trades_page_2026-06-12.json"), "trades", "/markets/trades")
    tape = parse_trades(page.elements, ("KXELONMARS-99",), datetime(2026, 6, 12, 18, tzinfo=UTC))

    assert page.cursor
    assert [(each.yes_price_micro, each.size_micro, each.taker) for each in tape.prints] == [
        (80_000, 9_400_000, "no"), (100_000, 940_000, "yes"), (100_000, 9_400_000, "yes"),
    ]  # fmt: skip
    assert tape.prints[0].at == int(datetime(2026, 6, 12, 14, 45, 56, 123182, UTC).timestamp() * 1_000_000)
    assert tape.quarantined == ()


def tape_of(*trades: dict[str, Any]) -> Any:
    return parse_trades([(json.dumps(each).encode(), each) for each in trades], (COLD, WARM), NOW)


def test_a_trade_that_comes_twice_is_one_and_the_older_name_of_the_taker_is_understood() -> None:
    one = trade("a", COLD, "2026-06-02T17:00:00Z", taker="no")
    older = {key: value for key, value in one.items() if key != "taker_outcome_side"} | {"trade_id": "b", "taker_side": "yes"}

    tape = tape_of(one, older, one)

    assert [(each.trade_id, each.taker) for each in tape.prints] == [("a", "no"), ("b", "yes")]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"yes_price_dollars": "0.0000", "no_price_dollars": "1.0000"}, "a price of 0 is none"),
        ({"yes_price_dollars": "1.0000", "no_price_dollars": "0.0000"}, "a price of 1 is none"),
        ({"yes_price_dollars": "nan"}, "is no number"),
        ({"no_price_dollars": "0.7000"}, "not one dollar together"),
        ({"count_fp": "0.00"}, "a size of 0 is none"),
        ({"count_fp": None}, "is no number"),
        ({"taker_outcome_side": "maybe"}, "its taker bought 'maybe'"),
        ({"created_time": "2026-06-02T19:00:00Z"}, "was still to come"),
        ({"created_time": "yesterday"}, "is no instant"),
        ({"ticker": "KXHIGHNY-26JUN04-T75"}, "was not asked for"),
        ({"trade_id": ""}, "it has no id"),
    ],
)
def test_a_trade_that_cannot_be_is_left_out_and_named(change: dict[str, Any], why: str) -> None:
    good = trade("good", COLD, "2026-06-02T17:00:00Z")

    tape = tape_of(good, trade("bad", COLD, "2026-06-02T17:00:00Z") | change)

    assert [each.trade_id for each in tape.prints] == ["good"]
    assert len(tape.quarantined) == 1
    assert why in tape.quarantined[0]


def test_one_id_for_two_trades_is_named_and_a_block_trade_is_a_price_that_was_shown() -> None:
    first, second = trade("a", COLD, "2026-06-02T17:00:00Z"), trade("a", COLD, "2026-06-02T17:00:00Z", "0.9000")
    block = trade("b", COLD, "2026-06-02T17:00:01Z") | {"is_block_trade": True}

    tape = tape_of(first, second, block)

    assert [(each.yes_price_micro, each.size_micro, each.taker) for each in tape.prints] == [
        (400_000, 5_000_000, "yes"), (400_000, 0, ""),
    ]  # fmt: skip
    assert tape.quarantined == ("trade a: it is told in two ways, the first holds",)


def test_prints_of_one_minute_are_known_at_its_last() -> None:
    tape = tape_of(*(trade(str(n), COLD, f"2026-06-02T17:0{n // 2}:{20 * (n % 2) + 10}Z") for n in range(4)))

    assert [(f"{at:%M:%S}", len(part.prints)) for at, part in by_minute(tape)] == [("00:30", 2), ("01:30", 2)]


def test_the_captured_minute_candle_shows_half_a_cent_where_nobody_bids(kalshi: Callable[[str], bytes]) -> None:
    ticker = "KXXRPD-26AUG2721-T2.1399"
    tape = parse_candles(kalshi("candlesticks_batch_1min_2026-08-28.json"), (ticker,))

    (point,) = tape.prints
    assert (point.market_id, point.yes_price_micro, point.size_micro, point.taker) == (ticker, 5_000, 0, "")
    assert point.at == 1_787_875_260_000_000


def test_captured_hourly_candles_show_the_middle_and_a_point_only_where_it_changes(kalshi: Callable[[str], bytes]) -> None:
    """0.08 against 0.10 in both hours, eight hours apart: nothing traded, `previous_dollars` is no price of the hour."""
    tape = parse_candles(kalshi("candlesticks_series_hourly_2026-06-11.json"), ("KXELONMARS-99",))

    assert [(each.at, each.yes_price_micro) for each in tape.prints] == [(1_781_143_200_000_000, 90_000)]
    assert print_columns(tape.prints)["taker"].tolist() == [""]


def test_a_candle_shows_the_middle_else_the_trade_else_the_bound() -> None:
    def candle(bid: str, ask: str, traded: str | None = None) -> dict[str, Any]:
        price = {"close_dollars": traded} if traded else {}
        return {"yes_bid": {"close_dollars": bid}, "yes_ask": {"close_dollars": ask}, "price": price}

    assert shown_price(candle("0.4000", "0.5000", "0.4100")) == 450_000
    assert shown_price(candle("0.0000", "0.5000", "0.4100")) == 410_000
    assert shown_price(candle("0.0000", "0.5000")) == 250_000
    assert shown_price(candle("0.0000", "1.0000")) is None
    archived = {"yes_bid": {"close": "0.4000"}, "yes_ask": {"close": "0.5000"}, "price": {}}
    assert shown_price(archived) == 450_000
    assert shown_price({"yes_bid": {"close": 40}, "yes_ask": {"close": 50}}) == 450_000


def test_candles_without_meaning_are_named_and_of_strangers_refused() -> None:
    good = {"end_period_ts": 60, "yes_bid": {"close_dollars": "0.4"}, "yes_ask": {"close_dollars": "0.5"}}
    bad = [{}, "x", {"end_period_ts": "noon"}, {"end_period_ts": 120, "price": {"close_dollars": "1.2000"}}]
    raw = json.dumps({"markets": [{"market_ticker": COLD, "candlesticks": [good, *bad[:3]]}]}).encode()

    tape = parse_candles(raw, (COLD,))

    assert (len(tape.prints), len(tape.quarantined)) == (1, 3)
    with pytest.raises(WireError, match="was not asked for"):
        parse_candles(raw, (WARM,))
    beyond = parse_candles(json.dumps({"ticker": COLD, "candlesticks": bad[3:]}).encode(), (COLD,))
    assert beyond.quarantined == (f"{COLD}: a price of 1.2 is none",)


# Outcomes


def outcome(found: list[dict[str, Any]]) -> Record:
    return parse_outcome(event(listed=found), b"{}", NOW)


def test_an_event_ends_with_one_winner_once_all_is_finalized() -> None:
    record = outcome(settled(DAY, "B77.5"))

    assert record.facts == {"final": True, "winner": f"{EVENT}-B77.5", "value": 78.0, "accepting": False}
    assert record.rows["won"].sum() == 1


@pytest.mark.parametrize("status", ["active", "closed", "determined", "disputed", "amended", "inactive"])
def test_a_result_is_not_final_before_it_is_paid(status: str) -> None:
    found = settled(DAY, "B77.5")
    found[2]["status"] = status

    record = outcome(found)

    assert (record.facts["final"], record.facts["winner"], record.facts["value"]) == (False, "", None)
    assert not record.rows["won"].any()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"result": "scalar"}, "neither yes nor no"),
        ({"result": "void"}, "neither yes nor no"),
        ({"result": ""}, "1 brackets without a result"),
        ({"result": "yes"}, "2 winners"),
        ({"status": "vanished"}, "unknown status"),
    ],
)
def test_an_end_that_is_not_understood_is_an_error_and_never_left_out(change: dict[str, Any], why: str) -> None:
    found = settled(DAY, "B77.5")
    found[0] |= change

    with pytest.raises(WireError, match=why):
        outcome(found)


def test_a_label_that_is_not_understood_is_an_error_before_the_end_too() -> None:
    with pytest.raises(WireError, match="neither yes nor no"):
        outcome(markets(result="maybe"))


def test_a_settlement_value_that_contradicts_the_winner_is_no_value() -> None:
    outside = outcome(settled(DAY, "B77.5", "91.00"))
    two = settled(DAY, "B77.5")
    two[0]["expiration_value"] = "77.00"

    assert (outside.facts["winner"], outside.facts["value"]) == (f"{EVENT}-B77.5", None)
    assert outside.facts["quarantined"] == [f"{EVENT}-B77.5: it won, and the settlement value 91 is not in it"]
    assert outcome(two).facts["quarantined"] == [f"{EVENT}-B77.5: its event was settled at 77 and 78"]


def test_a_value_in_words_is_none() -> None:
    """One event of 2024 explains itself: "84. Although the Daily Climate Report ..."."""
    record = outcome(settled(DAY, "B77.5", "78. Although the report was late"))

    assert (record.facts["final"], record.facts["value"]) == (True, None)


# Numbers and members


def test_numbers_are_text_or_numbers_and_nothing_else() -> None:
    assert [micro_of(value) for value in ("0.0800", "1", 0.5, "1e-2", "0.12345600")] == [
        80_000,
        1_000_000,
        500_000,
        10_000,
        123_456,
    ]
    for value in ("", "x", None, True, "0.1234567", "²", float("nan"), [1]):
        with pytest.raises(ValueError, match=r"is no number|parts below"):
            micro_of(value)


def test_members_of_an_answer_keep_their_bytes() -> None:
    found = members(b' { "a" : [1, 2] , "b":{"c": "\xc2\xb0"} }\n', "/x")

    assert found == {"a": (b"[1, 2]", [1, 2]), "b": (b'{"c": "\xc2\xb0"}', {"c": "°"})}
    for raw in (b'{"a":1,"a":2}', b"{1:2}", b'{"a" 1}', b'{"a":1 "b":2}', b"null", b'{"a":'):
        with pytest.raises(WireError):
            members(raw, "/x")
    with pytest.raises(WireError, match="it says"):
        parse_page(b'{"error":{"code":"bad_request","message":"no"}}', "events", "/events")
