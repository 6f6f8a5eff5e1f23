"""The demo world's second exchange: captured shapes, captured words, its own clock, and official numbers."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.model.rule import DayWindow, Extreme
from tests.venues.test_demo_shapes import Shape, captured, kind
from venues.demo.contracts import CONTRACTS, DEFAULT_CONTRACTS, KALSHI, POLYMARKET, Contract
from venues.demo.events import Event
from venues.demo.kalshi_listing import market_ticker, rules
from venues.demo.listing import rule_text
from venues.demo.reports import raw_text
from venues.demo.world import START, World
from venues.kalshi.rules import parse_rule
from venues.polymarket.rules import parse_rule as parse_polymarket_rule

WORLD = World(7)
START_MS, HOUR, FOREVER = int(START.timestamp()) * 1000, 3_600_000, 10**14
SERIES = [c for c in CONTRACTS if c.venue == KALSHI]
TRADED = [c for c in DEFAULT_CONTRACTS if c.venue == KALSHI]
# FACTS 6.1 names these; no capture of a market has them together with the fields of June
STRIKES = frozenset({"strike_type", "floor_strike", "cap_strike", "settlement_ts"})


def asked(path: str, at: int = START_MS, status: int = 200) -> Any:
    instant = f"{datetime.fromtimestamp(at // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}Z"
    answer = WORLD.answer("GET", f"/kalshi/trade-api/v2{path}", b"", instant)
    assert answer.status == status, (path, answer)
    return json.loads(answer.body)


def event(contract: Contract, day: date) -> Event:
    found = WORLD.exchange.listed(contract, day, FOREVER)
    assert found is not None
    return found


def series(name: str) -> Contract:
    return next(c for c in SERIES if c.series == name)


def markets_of(found: Event, at: int) -> list[dict[str, Any]]:
    body = asked(f"/events/{found.slug}?with_nested_markets=true", at)["event"]
    return list(body["markets"])


def at_every_stage(found: Event) -> Iterator[tuple[str, int]]:
    yield "initialized", found.accepting - 1
    yield "active", found.accepting
    yield "active", found.closed - 1
    yield "closed", found.closed
    yield "determined", found.settled
    yield "finalized", found.final


# --- shapes -------------------------------------------------------------------------------------------------------------


def test_a_market_has_the_captured_keys_and_kinds(captures: Path) -> None:
    folder = captures / "fixtures/kalshi"
    theirs = captured(folder, "market_single_2026-06-20.json")[0]["market"]
    theirs |= {"settlement_timer_seconds": 1800}  # quoted in the capture; a number on the wire
    strike = captured(folder, "market_xrp_strike_*.json")[0]["market"]
    selected = captured(folder, "kxhighny_settled_market_*.json")[0]

    listed = asked("/markets?series_ticker=KXHIGHNY&limit=1000")["markets"]
    settled = asked("/markets?series_ticker=KXHIGHNY&status=settled&limit=50")["markets"]

    for market in (*listed, *settled):
        assert Shape([theirs]).faults(market, extra=STRIKES) == []
        assert kind(market["strike_type"]) == kind(strike["strike_type"])
        assert all(
            kind(market[name]) == kind(strike["floor_strike"]) for name in ("floor_strike", "cap_strike") if name in market
        )
        assert {name: kind(market[name]) for name in selected} == {name: kind(value) for name, value in selected.items()}
        for name, value in market.items():
            if name.endswith("_dollars"):
                assert re.fullmatch(r"\d\.\d{4}", value), (name, value)
            if name.endswith("_fp"):
                assert re.fullmatch(r"\d+\.\d\d", value), (name, value)
    assert asked(f"/markets/{listed[0]['ticker']}") == {"market": listed[0]}


def test_titles_and_tickers_are_formed_like_the_captured_ones(captures: Path) -> None:
    theirs = captured(captures / "fixtures/kalshi", "kxhighny_settled_market_*.json")[0]
    shape = re.sub(r"\d+", "N", theirs["title"])

    found = event(series("KXHIGHNY"), date(2026, 8, 6))
    above = markets_of(found, found.final)[-1]

    assert theirs["event_ticker"] == found.slug
    assert theirs["close_time"] == above["close_time"]
    assert theirs["created_time"][:13] == above["created_time"][:13]  # half past nine, the day before
    assert len(theirs["created_time"]) == len(above["created_time"])
    assert re.sub(r"\d+", "N", above["title"]) == shape
    assert re.sub(r"\d+", "N", above["ticker"]) == re.sub(r"\d+", "N", theirs["ticker"])


def test_an_event_has_the_captured_keys_and_kinds(captures: Path) -> None:
    page = captured(captures / "fixtures/kalshi", "events_page_*.json")[0]

    bare = asked("/events?series_ticker=KXLOWTNYC&status=open")
    nested = asked("/events?series_ticker=KXLOWTNYC&status=open&with_nested_markets=true")

    assert Shape([page]).faults(bare) == []
    assert Shape([page]).faults(nested, extra=frozenset({"markets"})) == []
    assert [len(body["markets"]) for body in nested["events"]] == [6] * len(nested["events"])
    assert [body["event_ticker"] for body in bare["events"]] == ["KXLOWTNYC-26JUN02", "KXLOWTNYC-26JUN01"]


def test_books_have_the_captured_shape_best_bid_last(captures: Path) -> None:
    folder = captures / "fixtures/kalshi"
    shape = Shape(captured(folder, "orderbook_*.json"))
    tickers = [m["ticker"] for c in TRADED for m in asked(f"/markets?series_ticker={c.series}&status=open")["markets"]][:100]

    several = asked("/markets/orderbooks?" + "&".join(f"tickers={ticker}" for ticker in tickers))["orderbooks"]

    assert [book.pop("ticker") for book in several] == tickers
    assert shape.faults(several[0]) == []
    assert several[7] == asked(f"/markets/{tickers[7]}/orderbook")
    for book in several:
        for side in book["orderbook_fp"].values():
            assert [float(price) for price, _ in side] == sorted({float(price) for price, _ in side})
            assert all(re.fullmatch(r"0\.\d\d00", price) and re.fullmatch(r"\d+\.\d\d", size) for price, size in side)
            assert all(float(size) > 0 for _, size in side)


def test_several_tickers_in_one_parameter_are_taken_for_one_market() -> None:
    first, second = (m["ticker"] for m in asked("/markets?series_ticker=KXHIGHNY&status=open&limit=2")["markets"])

    (book,) = asked(f"/markets/orderbooks?tickers={first},{second}")["orderbooks"]

    assert book == {"ticker": f"{first},{second}", "orderbook_fp": {"no_dollars": [], "yes_dollars": []}}


def test_trades_have_the_captured_shape_and_pages_meet(captures: Path) -> None:
    theirs = captured(captures / "fixtures/kalshi", "trades_page_*.json")[0]
    found = event(series("KXHIGHNY"), date(2026, 6, 1))
    ticker = market_ticker(found, 3)

    whole = asked(f"/markets/trades?ticker={ticker}&limit=1000", found.closed)
    paged: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = asked(f"/markets/trades?ticker={ticker}&limit=7&cursor={cursor}", found.closed)
        paged += page["trades"]
        cursor = page["cursor"]
        if not cursor:
            break

    assert Shape([theirs]).faults(whole) == []
    assert paged == whole["trades"]
    assert len({trade["trade_id"] for trade in paged}) == len(paged) > 10
    assert len(paged[0]["trade_id"]) == len(theirs["trades"][0]["trade_id"])
    assert [t["created_time"] for t in paged] == sorted((t["created_time"] for t in paged), reverse=True)
    for trade in paged:
        assert float(trade["yes_price_dollars"]) + float(trade["no_price_dollars"]) == pytest.approx(1)
        assert trade["taker_side"] == trade["taker_outcome_side"]
        assert trade["taker_book_side"] == {"yes": "bid", "no": "ask"}[trade["taker_side"]]
    since = int(found.closed / 1000) - 6 * 3600
    late = asked(f"/markets/trades?ticker={ticker}&limit=1000&min_ts={since}", found.closed)["trades"]
    assert late == [t for t in paged if datetime.fromisoformat(t["created_time"]).timestamp() >= since]


def test_candles_have_the_captured_shape(captures: Path) -> None:
    folder = captures / "fixtures/kalshi"
    found = event(series("KXHIGHNY"), date(2026, 6, 1))
    ticker = market_ticker(found, 3)
    span = f"start_ts={found.accepting // 1000}&end_ts={found.closed // 1000}"

    one = asked(f"/series/KXHIGHNY/markets/{ticker}/candlesticks?{span}&period_interval=60", found.closed)
    several = asked(f"/markets/candlesticks?market_tickers={ticker}&{span}&period_interval=60", found.closed)
    odd = asked(f"/markets/candlesticks?market_tickers={ticker}&{span}&period_interval=5", found.closed)

    captured_kinds = captured(folder, "candlesticks_series_*.json")[0]
    assert set(one) == set(captured_kinds)
    assert several["markets"] == [{"market_ticker": ticker, "candlesticks": one["candlesticks"]}]
    assert odd["markets"][0]["candlesticks"] == []  # FACTS 6.3: an empty list, not an error
    quiet = [candle for candle in one["candlesticks"] if candle["volume_fp"] == "0.00"]
    busy = [candle for candle in one["candlesticks"] if candle["volume_fp"] != "0.00"]
    assert quiet
    assert busy
    kinds = Shape(
        [c for body in captured(folder, "candlesticks_batch_*.json") for m in body["markets"] for c in m["candlesticks"]]
    )
    for candle in quiet:
        assert kinds.faults(candle, extra=frozenset({"previous_dollars"})) == []
    for candle in busy:
        assert set(candle["price"]) >= {f"{name}_dollars" for name in ("open", "high", "low", "close", "mean")}
    for candle in one["candlesticks"]:
        assert set(candle) == set(captured_kinds["candlesticks"][0])
        assert set(candle["yes_bid"]) == set(candle["yes_ask"]) == set(captured_kinds["candlesticks"][0]["yes_bid"])


def test_the_cutoff_has_the_captured_keys(captures: Path) -> None:
    theirs = captured(captures / "fixtures/kalshi", "historical_cutoff_*.json")[0]

    ours = asked("/historical/cutoff")

    assert Shape([theirs]).faults(ours) == []
    assert all(len(ours[name]) == len(theirs[name]) for name in theirs)


def test_a_series_names_its_fee() -> None:
    body = asked("/series/KXHIGHNY")["series"]

    assert (body["fee_type"], body["fee_multiplier"]) == ("quadratic", 1)
    assert body["ticker"] == "KXHIGHNY"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/events/KXHIGHNY-26JUN99", 404), ("/events/KXHIGHZZ-26JUN02", 404), ("/markets/KXHIGHNY-26JUN02-B999.5", 404),
     ("/markets/nothing/orderbook", 404), ("/series/KXNONE", 404), ("/events?status=strange", 400), ("/events?limit=x", 400),
     ("/events?limit=999", 400), ("/events?cursor=zz", 400), ("/markets/trades", 400), ("/markets/orderbooks", 400),
     ("/markets/candlesticks?market_tickers=KXHIGHNY-26JUN02-B75.5", 400), ("/nothing", 404)],
)  # fmt: skip
def test_a_wrong_request_is_refused(path: str, status: int) -> None:
    body = asked(path, status=status)

    assert "error" in body


def test_a_series_without_events_is_an_empty_list() -> None:
    """The registry knows lows of Denver; this world lists none."""
    assert asked("/events?series_ticker=KXLOWTDEN&status=open&with_nested_markets=true") == {"cursor": "", "events": []}


def test_a_cursor_leads_through_all_events() -> None:
    tickers: list[str] = []
    cursor = ""
    while True:
        page = asked(f"/events?series_ticker=KXHIGHMIA&limit=20&cursor={cursor}")
        tickers += [body["event_ticker"] for body in page["events"]]
        cursor = page["cursor"]
        if not cursor:
            break

    assert len(tickers) == len(set(tickers)) == (date(2026, 6, 2) - date(2026, 3, 16)).days + 1
    assert tickers[0] == "KXHIGHMIA-26JUN02"
    assert tickers[-1] == "KXHIGHMIA-26MAR16"


# --- words --------------------------------------------------------------------------------------------------------------


def test_the_words_of_a_high_are_the_captured_ones(captures: Path) -> None:
    theirs = captured(captures / "fixtures/rules", "kalshi_nws-high_KXHIGHTSFO-26JUN03-B72.5.json")[0]
    found = event(series("KXHIGHTSFO"), date(2026, 6, 3))

    for market in markets_of(found, found.accepting):
        ours = re.sub(r"is .*° fahrenheit", "is between 72-73° fahrenheit", market["rules_primary"])
        assert ours == theirs["rules_primary"]
        assert market["rules_secondary"] == theirs["rules_secondary"]
        assert re.sub(r"be .*° on", "be 72-73° on", market["title"]) == theirs["title"]


@pytest.mark.parametrize("city", ["NYC", "CHI", "HOU"])
def test_the_words_of_a_low_are_the_captured_ones(captures: Path, city: str) -> None:
    theirs = captured(captures / "fixtures/rules", f"kalshi_nws-low_KXLOWT{city}-26MAY22-*.json")[0]
    found = event(series(f"KXLOWT{city}"), date(2026, 5, 22))

    texts = [rules(found, place) for place in range(6)]

    strike = re.compile(r"is (?:between|less than|greater than) [\d-]+°")
    assert {strike.sub("X", primary) for primary, _ in texts} == {strike.sub("X", theirs["rules_primary"])}
    assert all(secondary.startswith(theirs["rules_secondary"]) for _, secondary in texts)


@pytest.mark.parametrize("file", ["B69.5", "T63", "T70"])
def test_from_august_on_another_publisher_is_named(captures: Path, file: str) -> None:
    theirs = captured(captures / "fixtures/rules", f"kalshi_twc-high_KXHIGHNY-26OCT06-{file}.json")[0]
    found = event(series("KXHIGHNY"), date(2026, 10, 6))

    primary, secondary = rules(found, 2)

    strike = re.compile(r"is (?:between|less than|greater than) [\d-]+°")
    assert strike.sub("X", primary) == strike.sub("X", theirs["rules_primary"])
    assert secondary == theirs["rules_secondary"]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.series)
@pytest.mark.parametrize("day", [date(2026, 4, 22), date(2026, 6, 2), date(2026, 8, 13), date(2026, 8, 14)], ids=str)
def test_every_rule_is_understood(contract: Contract, day: date) -> None:
    found = event(contract, day)
    extreme = Extreme.LOW if contract.low else Extreme.HIGH

    if contract.venue == POLYMARKET:
        page = contract.city.page if contract.city.source == "wunderground" else ""
        rule = parse_polymarket_rule(rule_text(found), event_day=day, resolution_source=page)
        assert rule.window is DayWindow.CIVIL
        assert (rule.station, rule.statistic.extreme) == (contract.station.code, extreme)
        assert str(rule.unit) == ("F" if contract.fahrenheit else "C")
        return
    for place in range(6):
        rule = parse_rule(*rules(found, place), event_day=day, ticker=market_ticker(found, place))
        assert rule.window is DayWindow.STANDARD_TIME
        assert (rule.station, rule.statistic.extreme) == (contract.station.code, extreme)


# --- life ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("contract", SERIES, ids=lambda c: c.series)
def test_a_ladder_is_four_two_degree_brackets_between_two_tails(contract: Contract) -> None:
    for n in range(15):
        markets = markets_of(event(contract, date(2026, 6, 2) + timedelta(days=n)), FOREVER // 50)

        assert [m["strike_type"] for m in markets] == ["less", *["between"] * 4, "greater"]
        low = markets[0]["cap_strike"]
        assert [(m["floor_strike"], m["cap_strike"]) for m in markets[1:-1]] == [(low + k, low + k + 1) for k in (0, 2, 4, 6)]
        assert markets[-1]["floor_strike"] == low + 7
        assert markets[0]["ticker"].endswith(f"-T{low}")
        assert markets[1]["ticker"].endswith(f"-B{low + 0.5:g}")
        assert markets[-1]["ticker"].endswith(f"-T{low + 7}")


@pytest.mark.parametrize(
    ("name", "day", "opens", "closes"),
    [("KXHIGHNY", date(2026, 6, 2), "2026-06-01T14:00:00Z", "2026-06-03T04:59:00Z"),
     ("KXHIGHNY", date(2026, 12, 2), "2026-12-01T15:00:00Z", "2026-12-03T04:59:00Z"),
     ("KXLOWTCHI", date(2026, 6, 2), "2026-06-01T14:00:00Z", "2026-06-03T05:59:00Z"),
     ("KXHIGHDEN", date(2026, 6, 2), "2026-06-01T14:00:00Z", "2026-06-03T06:59:00Z"),
     ("KXHIGHLAX", date(2026, 6, 2), "2026-06-01T14:00:00Z", "2026-06-03T07:59:00Z"),
     ("KXHIGHTPHX", date(2026, 6, 2), "2026-06-01T14:00:00Z", "2026-06-03T06:59:00Z")],
)  # fmt: skip
def test_a_day_is_traded_from_ten_in_new_york_to_the_last_minute_of_standard_time(
    name: str, day: date, opens: str, closes: str
) -> None:
    """FACTS I.4."""
    found = event(series(name), day)

    market = markets_of(found, found.accepting)[0]

    assert (market["open_time"], market["close_time"]) == (opens, closes)


def test_a_market_lives_through_its_states_and_filters_find_it() -> None:
    amended = {WORLD.exchange.exceptions(2026, month).amended for month in (5, 6)}
    found = next(e for c in TRADED if (e := event(c, date(2026, 6, 2))) and (c, e.day) not in amended)
    filters = {"initialized": "unopened", "active": "open", "closed": "closed", "determined": "closed", "finalized": "settled"}
    for status, at in at_every_stage(found):
        markets = markets_of(found, at)
        told = status in ("determined", "finalized")

        assert {m["status"] for m in markets} == {status}
        assert Counter(m["result"] for m in markets) == ({"yes": 1, "no": 5} if told else {"": 6})
        assert [m["expiration_value"] != "" for m in markets] == [m["result"] == "yes" for m in markets]
        assert any(float(m["yes_bid_dollars"]) > 0 for m in markets) is (at == found.closed - 1)
        for name in ("unopened", "open", "closed", "settled"):
            listed = asked(f"/events?series_ticker={found.contract.series}&status={name}", at)["events"]
            assert (found.slug in [body["event_ticker"] for body in listed]) is (filters[status] == name)


def test_events_settle_the_next_morning_by_the_official_number() -> None:
    """FACTS I.4: 11:18 to 12:05Z; an own account of the two-minute means in the standard-time day."""
    higher = Counter[int]()
    for contract in TRADED:
        for n in range(25):
            found = event(contract, date(2026, 5, 20) + timedelta(days=n))
            midnight = datetime(found.day.year, found.day.month, found.day.day, tzinfo=UTC) - timedelta(
                hours=contract.station.utc_hours
            )
            first = int(midnight.timestamp()) // 60
            means = WORLD.weather.two_minute_means(contract.station, first, first + 1440)
            official = math.floor(float(means.min() if contract.low else means.max()) * 1.8 + 32.5)
            winner = next(m for m in markets_of(found, found.final) if m["result"] == "yes")
            settled = datetime.fromtimestamp(found.settled / 1000, UTC)

            assert float(winner["expiration_value"]) == official
            assert winner.get("floor_strike", -999) + (winner["strike_type"] == "greater") <= official
            assert official <= winner.get("cap_strike", 999) - (winner["strike_type"] == "less")
            assert settled.date() == (midnight + timedelta(days=1)).date()
            assert (11, 18) <= (settled.hour, settled.minute) <= (12, 5)
            if contract.series == "KXHIGHMIA":
                civil = WORLD.exchange.find(
                    f"highest-temperature-in-miami-on-{found.day:%B}-{found.day.day}-2026".lower(), FOREVER
                )
                assert civil is not None
                higher[official - civil.extreme] += 1
    # FACTS I.5: the official maximum is 0 to 2 above the listed one
    assert sum(higher.values()) == 25
    assert higher[0] + higher[1] + higher[2] >= 23
    assert higher[1] + higher[2] >= 5


def test_the_day_group_of_the_midnight_report_agrees_with_the_settlement() -> None:
    """The report before standard midnight carries the day's extremes; it looks some minutes earlier than the day ends."""
    agree = []
    for contract in TRADED:
        for n in range(15):
            found = event(contract, date(2026, 6, 2) + timedelta(days=n))
            texts = [
                raw_text(found.station, report)
                for report in WORLD.reports.between(found.station, found.end // 1000 - 1200, found.end // 1000)
                if not report.special
            ]
            group = re.search(r" 4([01])(\d{3})([01])(\d{3})", texts[-1])
            assert group is not None
            sign, value = (group[3], group[4]) if contract.low else (group[1], group[2])
            tenths = int(value) * (-1 if sign == "1" else 1)
            agree.append((tenths * 18 + 3250) // 100 == found.extreme)

    assert np.mean(agree) > 0.9


def test_one_determination_a_month_is_amended_before_it_is_final() -> None:
    contract, day = WORLD.exchange.exceptions(2026, 6).amended
    found = event(contract, day)
    assert found.corrected is not None

    said = [markets_of(found, at) for at in (found.settled, found.corrected, found.final)]

    assert [markets[0]["status"] for markets in said] == ["determined", "amended", "finalized"]
    winners = [next(m["ticker"] for m in markets if m["result"] == "yes") for markets in said]
    assert winners[0] != winners[1] == winners[2]
    amended = [e for c in TRADED for n in range(30) if (e := event(c, date(2026, 6, 1 + n))).corrected is not None]
    assert amended == [found]


# --- books --------------------------------------------------------------------------------------------------------------


def test_a_book_is_thin_and_both_its_sides_agree_with_the_market() -> None:
    """FACTS I.6: about 14 $ within two cents; YES ask = 1 − NO bid, with its size."""
    near: list[float] = []
    one_sided = two_sided = 0
    for hour in range(0, 120, 5):
        at = START_MS + hour * HOUR
        for contract in TRADED:
            for found in WORLD.exchange.of_series(contract, at, 2):
                if not found.accepting <= at < found.closed:
                    continue
                for market in markets_of(found, at):
                    book = asked(f"/markets/{market['ticker']}/orderbook", at)["orderbook_fp"]
                    yes, no = ([(float(p), float(s)) for p, s in book[f"{name}_dollars"]] for name in ("yes", "no"))
                    bid, ask = float(market["yes_bid_dollars"]), float(market["yes_ask_dollars"])
                    assert bid == (yes[-1][0] if yes else 0.0)
                    assert ask == pytest.approx(1.0 - no[-1][0] if no else 1.0)
                    assert bid < ask
                    assert float(market["no_bid_dollars"]) == pytest.approx(1.0 - ask)
                    assert float(market["yes_ask_size_fp"]) == (no[-1][1] if no else 0.0)
                    if yes and no and 0.1 < bid < 0.9:
                        two_sided += 1
                        assert ask - bid <= 0.08
                        near.append(sum(p * s for p, s in yes if p > bid - 0.021))
                    elif 0.1 < bid < 0.9:
                        one_sided += 1
    assert two_sided > 200
    assert 0 < one_sided < two_sided / 4
    assert 3 < np.median(near) < 40


def test_what_both_venues_say_of_one_city_hangs_together() -> None:
    """New York: two stations and two kinds of day, one weather."""
    apart = []
    for n in range(40):
        day = date(2026, 6, 1) + timedelta(days=n)
        official = event(series("KXHIGHNY"), day)
        listed = WORLD.exchange.find(f"highest-temperature-in-nyc-on-{day:%B}-{day.day}-2026".lower(), FOREVER)
        assert listed is not None
        apart.append(official.extreme - listed.extreme)

    assert np.std(apart) < 3.5
    assert len(set(apart)) > 3
    assert np.corrcoef(apart, np.arange(40))[0, 1] < 0.9
