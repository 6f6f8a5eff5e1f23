from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from core.clock import SteppedClock
from core.events import event_of
from core.model.record import Ask, Kind, Record
from core.units import micros
from tests.venues.kalshi_answers import DAY, EVENT, SERIES, asked, event, markets, routed, settings, settled, trade
from tests.venues.servers import Script, Scripted, reply, serving
from venues.kalshi.client import Kalshi

LONG_AFTER = datetime(2026, 7, 20, tzinfo=UTC)
BEFORE = DAY - timedelta(days=1)
COLD = f"{EVENT}-T75"
LIVE = {"market_settled_ts": "2026-05-01T00:00:00Z", "trades_created_ts": "2026-05-01T00:00:00Z"}
ARCHIVED = {"market_settled_ts": "2026-07-01T00:00:00Z", "trades_created_ts": "2026-07-01T00:00:00Z"}


@contextmanager
def kalshi(routes: Mapping[str, Any], cutoff: Mapping[str, str] = LIVE) -> Iterator[tuple[Kalshi, Scripted]]:
    standard = {"/series/": reply(200, {"series": {"fee_type": "quadratic"}}), "/historical/cutoff": reply(200, cutoff)}
    with serving(routed({**standard, **routes})) as server:
        yield Kalshi(settings(server.url), SteppedClock(LONG_AFTER)), server


def page(key: str, *elements: Any) -> Script:
    return reply(200, {key: list(elements), "cursor": ""})


def past(source: Kalshi, *days: date) -> list[Record]:
    return list(source.past(Ask(Kind.EVENTS, SERIES, days)))


def live(*found: Mapping[str, Any]) -> dict[str, Script]:
    return {f"/events/{each['event_ticker']}": reply(200, {"event": each}) for each in found}


TRADES = page("trades", trade("a", COLD, "2026-06-02T17:00:10Z"), trade("b", COLD, "2026-06-02T17:00:40Z", taker="no"),
              trade("c", COLD, "2026-06-03T09:30:00Z", "0.2000"))  # fmt: skip


def answering_trades(handler: Any) -> None:
    (query,) = (each for path in ("/markets/trades", "/historical/trades") for each in asked([handler.path], path))
    (TRADES if query["ticker"] == [COLD] else page("trades"))(handler)


def test_a_settled_event_is_told_as_it_came() -> None:
    routes = {**live(event(listed=settled(DAY, "B77.5"))), "/markets/trades": answering_trades}
    with kalshi(routes) as (source, server):
        records = past(source, DAY)

    assert [(record.kind, record.subject, record.error) for record in records] == [
        (Kind.EVENTS, EVENT, None), (Kind.PRINTS, EVENT, None), (Kind.PRINTS, EVENT, None), (Kind.OUTCOMES, EVENT, None),
    ]  # fmt: skip
    assert [record.received_at for record in records] == [
        datetime(2026, 6, 2, 14, 2, tzinfo=UTC), datetime(2026, 6, 2, 17, 0, 45, tzinfo=UTC),
        datetime(2026, 6, 3, 9, 30, 5, tzinfo=UTC), datetime(2026, 6, 4, 12, 5, tzinfo=UTC),
    ]  # fmt: skip
    listing, first, second, outcome = records
    assert (listing.facts["backfilled"], listing.facts["accepting"], listing.facts["refusal"]) == (True, True, "")
    assert [b.lower for b in event_of(listing.facts, listing.rows).ladder] == [None, 75, 77, 79, 81, 83]
    assert first.rows["taker"].tolist() == ["yes", "no"]
    assert second.rows["yes_price_micro"].tolist() == [200_000]
    assert (outcome.facts["final"], outcome.facts["winner"], outcome.facts["value"]) == (True, f"{EVENT}-B77.5", 78.0)
    assert asked(server.paths, f"/events/{EVENT}") == [{"with_nested_markets": ["true"]}]
    assert asked(server.paths, "/historical/trades") == []


def test_nothing_is_known_before_it_was() -> None:
    with kalshi({**live(event(listed=settled(DAY, "B77.5"))), "/markets/trades": answering_trades}) as (
        source, _,
    ):  # fmt: skip
        records = past(source, DAY)

    listing = records[0]
    for word in (b"finalized", b'"yes"', b"78.00", b"settlement", b"strike_type"):
        assert word not in listing.raw
    for record in records:
        if record.kind is Kind.PRINTS:
            assert (record.rows["valid_at"] <= micros(record.received_at) - 5_000_000).all()


def test_without_an_instant_of_settlement_the_outcome_is_known_the_morning_after() -> None:
    bare = settled(DAY, "B77.5")
    del bare[0]["settlement_ts"]
    with kalshi({**live(event(listed=bare)), "/markets/trades": answering_trades}) as (source, _):
        outcome = past(source, DAY)[-1]

    assert outcome.received_at == datetime(2026, 6, 4, 13, tzinfo=UTC)


def test_archived_events_and_their_trades_come_from_the_historical_tier() -> None:
    routes = {
        f"/events/{EVENT}": reply(200, {"event": event(listed=[])}),
        "/historical/markets": page("markets", *settled(DAY, "B77.5")),
        "/historical/trades": answering_trades,
    }
    with kalshi(routes, ARCHIVED) as (source, server):
        records = past(source, DAY)

    assert [record.kind for record in records] == [Kind.EVENTS, Kind.PRINTS, Kind.PRINTS, Kind.OUTCOMES]
    assert len(asked(server.paths, "/historical/trades")) == 6
    assert asked(server.paths, "/markets/trades") == []


def test_where_the_cutoff_lies_inside_an_event_both_tiers_are_asked() -> None:
    inside = {**LIVE, "trades_created_ts": "2026-06-03T00:00:00Z"}
    routes = {
        **live(event(listed=settled(DAY, "B77.5"))),
        "/historical/trades": answering_trades, "/markets/trades": answering_trades,
    }  # fmt: skip
    for cutoff in (inside, {"market_settled_ts": "?"}):
        with kalshi(routes, cutoff) as (source, server):
            records = past(source, DAY)

        assert sum(record.rows["valid_at"].size for record in records if record.kind is Kind.PRINTS) == 3  # each trade once
        assert (len(asked(server.paths, "/historical/trades")), len(asked(server.paths, "/markets/trades"))) == (6, 6)


def candles(*points: tuple[str, str, str]) -> list[dict[str, Any]]:
    return [
        {"end_period_ts": int(datetime.fromisoformat(at).timestamp()), "price": {}, "yes_bid": {"close_dollars": bid},
         "yes_ask": {"close_dollars": ask}}
        for at, bid, ask in points
    ]  # fmt: skip


def test_where_nothing_traded_candles_show_prices() -> None:
    shown = candles(("2026-06-02T15:00:00Z", "0.40", "0.50"), ("2026-06-02T16:00:00Z", "0.40", "0.50"),
                    ("2026-06-02T18:00:00Z", "0.30", "0.50"))  # fmt: skip
    routes = {
        **live(event(listed=settled(DAY, "B77.5"))), "/markets/trades": page("trades"),
        "/markets/candlesticks": reply(200, {"markets": [{"market_ticker": COLD, "candlesticks": shown}]}),
    }  # fmt: skip
    with kalshi(routes) as (source, server):
        points = [record for record in past(source, DAY) if record.kind is Kind.PRINTS]

    assert [record.received_at for record in points] == [
        datetime(2026, 6, 2, 15, 0, 5, tzinfo=UTC), datetime(2026, 6, 2, 18, 0, 5, tzinfo=UTC),
    ]  # fmt: skip
    assert [record.rows["yes_price_micro"].tolist() for record in points] == [[450_000], [400_000]]
    assert {
        (size, taker) for record in points for size, taker in zip(record.rows["size_micro"], record.rows["taker"], strict=True)
    } == {(0, "")}
    (query,) = asked(server.paths, "/markets/candlesticks")
    assert (len(query["market_tickers"][0].split(",")), query["period_interval"]) == (6, ["60"])


def test_archived_candles_are_asked_one_market_at_a_time() -> None:
    flat = {"ticker": COLD, "candlesticks": [
        {"end_period_ts": 1_780_412_400, "yes_bid": {"close": "0.4000"}, "yes_ask": {"close": "0.5000"}, "price": {"close": None}}
    ]}  # fmt: skip
    routes = {
        **live(event(listed=settled(DAY, "B77.5"))), "/markets/trades": page("trades"),
        f"/historical/markets/{COLD}/candlesticks": reply(200, flat),
    }  # fmt: skip
    with kalshi(routes) as (source, _):
        (point,) = [record for record in past(source, DAY) if record.kind is Kind.PRINTS]

    assert point.rows["yes_price_micro"].tolist() == [450_000]


def test_days_come_in_their_order_and_a_day_without_an_event_is_no_failure() -> None:
    routes = {
        **live(event(listed=settled(DAY, "B77.5")), event(BEFORE, listed=settled(BEFORE, "T75", "70"))),
        "/markets/trades": page("trades"),
    }  # fmt: skip
    with kalshi(routes) as (source, _):
        records = past(source, DAY, BEFORE, date(2026, 6, 20))

    assert [record.subject for record in records if record.kind is Kind.OUTCOMES] == ["KXHIGHNY-26JUN02", EVENT]
    assert [record.error for record in records] == [None] * 4


def test_an_event_that_is_not_over_has_no_past() -> None:
    listed = settled(DAY, "B77.5")
    listed[0]["status"] = "determined"
    with kalshi({**live(event(listed=listed))}) as (source, _):
        assert past(source, DAY) == []
    with kalshi({f"/events/{EVENT}": reply(200, {"event": event()})}) as (source, _):
        assert past(source, DAY) == []
    with kalshi({}) as (source, _):
        assert past(source) == list(source.past(Ask(Kind.BOOKS, SERIES, (DAY,)))) == []


def test_a_failure_ends_one_event_and_is_told() -> None:
    odd = settled(BEFORE, "T75", "70", result="")
    for each in odd:
        each["result"] = "scalar"
    unopened = settled(DAY + timedelta(days=1), "B77.5")
    del unopened[3]["open_time"]
    routes = {
        **live(
            event(BEFORE, listed=odd), event(listed=settled(DAY, "B77.5")), event(DAY + timedelta(days=1), listed=unopened)
        ),
        "/markets/trades": answering_trades,
    }  # fmt: skip
    with kalshi(routes) as (source, _):
        records = past(source, BEFORE, DAY, DAY + timedelta(days=1))

    failures = [record for record in records if record.error]
    assert [record.subject for record in failures] == [SERIES] * 2
    assert "neither yes nor no" in (failures[0].error or "")
    assert "without open_time" in (failures[1].error or "")
    assert [record.kind for record in records if not record.error] == [Kind.EVENTS, Kind.PRINTS, Kind.PRINTS, Kind.OUTCOMES]
    assert json.loads(failures[0].raw)["event"]["event_ticker"] == "KXHIGHNY-26JUN02"


def test_trades_that_are_not_told_leave_the_event_for_another_time() -> None:
    routes = {**live(event(listed=settled(DAY, "B77.5"))), "/markets/trades": reply(403, {"error": "no"})}
    with kalshi(routes) as (source, _):
        (record,) = past(source, DAY)

    assert "answered 403 (no)" in (record.error or "")
    with kalshi({**routes, "/series/": reply(403, {"error": "closed"})}) as (source, _):
        (record,) = past(source, DAY)
    assert "answered 403 (closed)" in (record.error or "")


def test_a_bad_trade_of_the_past_is_named_once() -> None:
    bad = trade("z", COLD, "2026-06-02T17:00:00Z", count="0.00")
    routes = {
        **live(event(listed=settled(DAY, "B77.5"))),
        "/markets/trades": page("trades", bad, trade("a", COLD, "2026-06-02T17:00:10Z")),
    }
    with kalshi(routes) as (source, _):
        named = [record.facts["quarantined"] for record in past(source, DAY) if "quarantined" in record.facts]

    assert len(named) == 1
    assert "trade z: a size of 0 is none" in named[0]


def test_a_market_listed_in_the_past_accepts_whatever_its_close() -> None:
    with kalshi({**live(event(listed=settled(DAY, "B77.5"))), "/markets/trades": page("trades")}) as (
        source,
        _,
    ):
        listing = past(source, DAY)[0]

    assert listing.rows["accepting"].all()
    assert listing.facts["closes_at"] == markets()[0]["close_time"]
