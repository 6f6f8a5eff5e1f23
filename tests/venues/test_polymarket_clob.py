from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from core.errors import WireError
from core.model.record import Kind, Record
from venues.polymarket.clob import books_record, parse_book, parse_winner, polled_records, read_books
from venues.polymarket.gamma import tokens_of
from venues.polymarket.ladder import parse_label

HEARD = datetime(2026, 9, 4, 3, 4, tzinfo=UTC)


@pytest.fixture
def clob(captures: Path) -> Path:
    return captures / "fixtures" / "polymarket_clob"


def parse_books(answers: list[bytes], tokens_of: dict[str, tuple[str, ...]], heard: datetime) -> list[Record]:
    return polled_records(read_books(answers), tokens_of, heard)


def load(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def test_a_book_of_the_wire_is_worst_first_and_ours_best_first(clob: Path) -> None:
    payload = load(clob / "book_full_weather_2026-09-04.json")
    book = parse_book(payload)

    assert payload["bids"][0]["price"] == "0.01"  # what the wire lists first is the worst
    assert payload["bids"][-1] == {"price": "0.4", "size": "1655.95"}
    assert payload["asks"][-1] == {"price": "0.41", "size": "299.47"}
    assert book.bids[0] == (400_000, 1_655_950_000)
    assert book.asks[0] == (410_000, 299_470_000)
    assert list(book.bids) == sorted(book.bids, reverse=True)
    assert list(book.asks) == sorted(book.asks)
    assert (len(book.bids), len(book.asks)) == (len(payload["bids"]), len(payload["asks"]))
    assert (book.tick_micro, book.min_size_micro) == (10_000, 5_000_000)
    assert book.changed_at == "2026-09-04T03:03:06.713000Z"  # 1788490986713 ms: README, server time


def test_the_recorded_hash_is_that_of_the_book_we_read(clob: Path) -> None:
    """FACTS II 3.2: SHA-1 of the compact JSON with an empty hash, in the order of the wire."""
    payload = load(clob / "book_full_weather_2026-09-04.json")
    names = (
        "market",
        "asset_id",
        "timestamp",
        "hash",
        "bids",
        "asks",
        "min_order_size",
        "tick_size",
        "neg_risk",
        "last_trade_price",
    )
    compact = json.dumps({name: "" if name == "hash" else payload[name] for name in names}, separators=(",", ":"))

    assert hashlib.sha1(compact.encode()).hexdigest() == parse_book(payload).hash


def test_a_short_book_of_2024_takes_the_tick_and_size_of_weather(clob: Path) -> None:
    book = parse_book(load(clob / "book_2024-10-13_short_shape.json"))

    assert (book.bids[0], book.asks[0]) == ((100_000, 125_000_000), (140_000, 705_000_000))
    assert (book.tick_micro, book.min_size_micro) == (10_000, 5_000_000)


def test_a_one_sided_book_has_no_asks(clob: Path) -> None:
    payload = load(clob / "book_one_sided_normalized_mexico_city_2026-08-30.json")
    book = parse_book({**payload, "tick_size": payload["dynamic_tick_size"], "asks": None})

    assert book.asks == ()
    assert book.bids[0] == (999_000, 125_060_000)
    assert Decimal(book.bids[0][0]) / 1_000_000 == Decimal(payload["best_bid"])
    assert book.tick_micro == 1_000


def test_a_two_sided_book_reads_the_same_whatever_order_its_levels_come_in(clob: Path) -> None:
    payload = load(clob / "book_two_sided_normalized_toronto_2026-08-30.json")
    turned = {**payload, "bids": payload["bids"][::-1], "asks": payload["asks"][::-1]}
    book = parse_book(payload)

    assert (book.bids[0][0], book.asks[0][0]) == (280_000, 310_000)
    assert (payload["best_bid"], payload["best_ask"]) == ("0.28", "0.31")
    assert parse_book(turned) == book


def a_book(token: str = "7", **fields: Any) -> dict[str, Any]:
    book = {
        "asset_id": token,
        "bids": [{"price": "0.4", "size": "10"}],
        "asks": [{"price": "0.5", "size": "2.5"}],
        "timestamp": "1",
    }
    return {**book, **fields}


@pytest.mark.parametrize("fields", [{"bids": None, "asks": None}, {"bids": [], "asks": []}, {"bids": None, "asks": []}])
def test_an_empty_book_is_a_book(fields: dict[str, Any]) -> None:
    book = parse_book(a_book(**fields))

    assert (book.bids, book.asks) == ((), ())


def test_a_crossed_book_is_read_as_it_is_for_the_guard_to_see() -> None:
    book = parse_book(a_book(bids=[{"price": "0.6", "size": "1"}]))

    assert book.bids[0][0] > book.asks[0][0]


def test_a_level_of_no_size_is_no_level_and_dust_below_a_millionth_cannot_be_taken() -> None:
    book = parse_book(a_book(bids=[{"price": "0.4", "size": "0"}, {"price": "0.3", "size": "1.0000019"}]))

    assert book.bids == ((300_000, 1_000_001),)
    assert book.faults == ("a size of 0 is none",)


@pytest.mark.parametrize(
    ("level", "why"),
    [
        ({"price": "1.2", "size": "1"}, "a price of 1.2 is none"), ({"price": "0", "size": "1"}, "a price of 0 is none"),
        ({"price": "1", "size": "1"}, "a price of 1 is none"), ({"price": "-0.1", "size": "1"}, "a price of -0.1 is none"),
        ({"price": "NaN", "size": "1"}, "NaN is no number"), ({"price": "0.5", "size": "-1"}, "a size of -1 is none"),
        ({"price": "0.5", "size": "Infinity"}, "Infinity is no number"),
    ],
)  # fmt: skip
def test_a_level_that_lies_is_left_out_and_named_and_the_rest_stays(level: dict[str, str], why: str) -> None:
    raw = json.dumps([a_book("1", asks=[level, {"price": "0.6", "size": "3"}]), a_book("2")]).encode()
    (record,) = parse_books([raw], {"e": ("1", "2")}, HEARD)

    assert record.facts["quarantined"] == [f"1: {why}"]
    assert record.rows["price_micro"].tolist() == [400_000, 600_000, 400_000, 500_000]
    assert json.dumps(level).encode() in record.raw


def test_a_crossed_book_is_data_and_is_named() -> None:
    raw = json.dumps([a_book("1", bids=[{"price": "0.6", "size": "1"}])]).encode()
    (record,) = parse_books([raw], {"e": ("1",)}, HEARD)

    assert record.facts["quarantined"] == ["1: the book crosses: bid 0.6, ask 0.5"]
    assert len(record.rows["token"]) == 2


def test_a_token_that_comes_twice_spoils_its_event_and_no_other() -> None:
    raw = json.dumps([a_book("1"), a_book("1", bids=[]), a_book("2")]).encode()
    twice, once = parse_books([raw], {"twice": ("1",), "once": ("2",)}, HEARD)

    assert "the book of token 1 stands 2 times" in (twice.error or "")
    assert json.loads(twice.raw) == [a_book("1"), a_book("1", bids=[])]
    assert (once.error, "quarantined" in once.facts) == (None, False)


def test_a_price_without_its_zero_is_a_price() -> None:
    """The venue's documentation writes ".48"."""
    assert parse_book(a_book(bids=[{"price": ".48", "size": "30"}])).bids == ((480_000, 30_000_000),)


@pytest.mark.parametrize(
    "fields",
    [
        {"asks": [{"price": "0.5"}]}, {"bids": [{"price": "", "size": "1"}]}, {"bids": [{"price": ".", "size": "1"}]},
        {"asks": [{"price": "x", "size": "1"}]}, {"asks": "none"}, {"timestamp": "noon"}, {"timestamp": "99999999999999999999"},
        {"bids": [{"price": "0.4", "size": "1"}, {"price": "0.40", "size": "2"}]},
        {"bids": [{"price": "0.1234567", "size": "1"}]},
        {"asset_id": None}, {"bids": [{"price": True, "size": "1"}]},
    ],
)  # fmt: skip
def test_a_book_without_meaning_is_a_wire_error(fields: dict[str, Any]) -> None:
    with pytest.raises(WireError, match="the bytes are kept"):
        parse_book(a_book(**fields))


def test_books_are_given_to_their_events_whatever_order_they_come_in() -> None:
    first, second = json.dumps([a_book("3"), a_book("1")]).encode(), json.dumps([a_book("2", bids=None)], indent=1).encode()
    london, nyc = parse_books([first, second], {"london": ("1", "2"), "nyc": ("3", "4")}, HEARD)

    assert (london.kind, london.subject, london.received_at) == (Kind.BOOKS, "london", HEARD)
    assert london.rows["token"].tolist() == ["1", "1", "2"]
    assert london.rows["side"].tolist() == ["bid", "ask", "ask"]
    assert london.rows["price_micro"].tolist() == [400_000, 500_000, 500_000]
    assert london.rows["size_micro"].tolist() == [10_000_000, 2_500_000, 2_500_000]
    assert list(london.facts["tokens"]) == ["1", "2"]
    assert list(nyc.facts["tokens"]) == ["3"]  # token 4 is unknown to the venue and was left out of the answer
    assert json.loads(london.raw) == [a_book("1"), a_book("2", bids=None)]
    assert london.raw.startswith(b"[" + json.dumps(a_book("1")).encode() + b",{\n")  # byte for byte, spaces too


def test_an_empty_book_stays_in_the_facts() -> None:
    (record,) = parse_books([json.dumps([a_book("1", bids=[], asks=[])]).encode()], {"e": ("1",)}, HEARD)

    assert len(record.rows["token"]) == 0
    assert record.facts["tokens"]["1"]["tick_micro"] == 10_000


def test_a_malformed_book_spoils_its_event_and_no_other() -> None:
    raw = json.dumps([a_book("1", bids="?"), a_book("2")]).encode()
    bad, good = parse_books([raw], {"bad": ("1",), "good": ("2",)}, HEARD)

    assert bad.error is not None
    assert bad.rows == {}
    assert b'"1"' in bad.raw
    assert (good.error, len(good.rows["token"])) == (None, 2)


@pytest.mark.parametrize("raw", [b'{"error":"No orderbook"}', b"[1]", b"[{}]", b"nonsense"])
def test_an_answer_that_is_no_list_of_books_is_a_wire_error(raw: bytes) -> None:
    with pytest.raises(WireError):
        parse_books([raw], {"e": ("1",)}, HEARD)


@pytest.mark.parametrize(
    ("name", "won"),
    [
        ("market_by_condition_id_resolved_2026-03.json", False),
        ("market_by_condition_id_closed_accepting_true_2026-05.json", True),  # Gamma contradicts itself here, the CLOB does not
        ("market_by_condition_id_open_2024.json", None),
    ],
)
def test_a_market_of_the_clob_names_its_winner(clob: Path, name: str, won: bool | None) -> None:
    assert parse_winner((clob / name).read_bytes()) is won


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"tokens":[{}],"closed":true}'])
def test_a_market_of_another_shape_is_a_wire_error(raw: bytes) -> None:
    with pytest.raises(WireError):
        parse_winner(raw)


@pytest.mark.parametrize("city", ["nyc", "london"])
def test_quotes_of_the_same_minute_belong_to_the_yes_tokens_and_show_sentinels(captures: Path, city: str) -> None:
    """FACTS II 3.3: BUY answers with the bid, SELL with the ask; an empty side says 0 or 1 where Gamma has no field."""
    fixtures = captures / "fixtures"
    quotes = load(fixtures / "polymarket_clob" / f"quotes_{city}_2026-07-03T0001Z.json")["by_yes_token"]
    (event,) = load(fixtures / "polymarket_gamma" / f"event_by_slug_{city}_2026-07-03_open.json")

    by_token = {tokens_of(market)[0]: market for market in event["markets"]}
    assert set(by_token) <= set(quotes)  # events of other days were quoted too
    assert len(by_token) == 11
    for token, market in by_token.items():
        bid, ask = (Decimal(quotes[token][key]["price"]) for key in ("price_buy", "price_sell"))
        assert bid <= ask
        if "bestBid" not in market:
            assert bid == 0
        assert Decimal(quotes[token]["midpoint"]["mid"]) == (bid + ask) / 2  # the sentinel is averaged too: never executable


@pytest.mark.parametrize(
    "name",
    [
        "prices_history_london_2026-03-01_all_brackets.json",
        "prices_history_london_2026-06-20_all_brackets.json",
        "prices_history_nyc_2026-06-20_all_brackets.json",
    ],
)
def test_a_price_history_is_of_a_whole_ladder_with_one_winner_and_no_final_hours(clob: Path, name: str) -> None:
    body = load(clob / name)
    brackets = [parse_label(bucket["bucket"]) for bucket in body["buckets"]]
    ends = datetime.fromisoformat(body["endDate"]).timestamp()

    assert sum(bucket["resolved_yes"] for bucket in body["buckets"]) == 1
    assert len(set(brackets)) == len(brackets)
    assert sum(lower is None for lower, _, _ in brackets) == sum(upper is None for _, upper, _ in brackets) == 1
    for bucket in body["buckets"]:
        times = [point["t"] for point in bucket["history"]]
        assert times == sorted(times)
        assert all(t <= ends + 60 for t in times)  # seconds, not milliseconds; nothing of the day's last hours
        assert all(0 <= point["p"] <= 1 for point in bucket["history"])


def test_the_winners_history_is_one_of_the_ladders(clob: Path) -> None:
    body = load(clob / "prices_history_london_2026-06-20_all_brackets.json")
    winner = next(bucket for bucket in body["buckets"] if bucket["resolved_yes"])

    assert load(clob / "prices_history_response_winner_london_2026-06-20.json") == {"history": winner["history"]}


def test_minute_points_have_a_gap_that_no_one_fills(clob: Path) -> None:
    times = [point["t"] for point in load(clob / "prices_history_response_minutely_no_token_nyc_2026-08-12.json")["history"]]

    assert max(later - earlier for earlier, later in pairwise(times)) == 900


def test_a_book_without_a_side_is_none() -> None:
    whole = {"asset_id": "1", "market": "0x1", "bids": [], "asks": [{"price": "0.5", "size": "10"}]}
    renamed = {("buys" if name == "bids" else name): value for name, value in whole.items()}

    assert set(read_books([json.dumps([whole]).encode()])) == {"1"}
    with pytest.raises(WireError, match="is no book"):
        read_books([json.dumps([renamed]).encode()])


def test_books_read_together_are_the_books_read_one_by_one_and_an_odd_one_spoils_nobody() -> None:
    # (price, size) texts of a side; the last of each list is what the quick reading must leave to the careful one
    odd = [("0.4", "1.1234567"), (".4", "1"), ("0.4", "1e3"), ("1", "5"), ("0.4", "NaN"), ("0.4", "123456789012345678.5")]
    for last in [("0.4", "999999999.999999"), *odd]:
        books = [
            {"asset_id": str(token), "timestamp": "1780333200000", "hash": "h", "tick_size": "0.01", "min_order_size": "5",
             "bids": [{"price": p, "size": s} for p, s in (("0.01", "10"), ("0.3", "2.5"), last)],
             "asks": [{"price": "0.99", "size": "7"}, {"price": "0.55", "size": "1.000001"}] if token else None}
            for token in range(3)
        ]  # fmt: skip
        raw = json.dumps(books, separators=(",", ":")).encode()
        at = datetime(2026, 6, 1, 17, tzinfo=UTC)
        together = polled_records(read_books([raw]), {"a": ("0", "1"), "b": ("2",)}, at)
        alone = [books_record(event_id, [parse_book(book) for book in some], b"", at)
                 for event_id, some in (("a", books[:2]), ("b", books[2:]))]  # fmt: skip
        for one, other in zip(together, alone, strict=True):
            assert one.facts == other.facts
            assert {name: values.tolist() for name, values in one.rows.items()} == {
                name: values.tolist() for name, values in other.rows.items()
            }
        assert [record.raw for record in together] == [
            b"[" + b",".join(json.dumps(book, separators=(",", ":")).encode() for book in some) + b"]"
            for some in (books[:2], books[2:])
        ]
