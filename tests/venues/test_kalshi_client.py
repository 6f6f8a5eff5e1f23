from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from core.clock import SteppedClock
from core.events import event_of
from core.model.record import Ask, Kind, Record
from tests.venues.kalshi_answers import DAY, EVENT, NOW, SERIES, asked, book, event, markets, routed, settings, settled, trade
from tests.venues.servers import Script, Scripted, reply, serving, truncated
from venues.kalshi.client import Kalshi

TOMORROW = DAY + timedelta(days=1)
NEXT = "KXHIGHNY-26JUN04"
COLD, WARM = f"{EVENT}-T75", f"{EVENT}-T82"
FEES = reply(200, {"series": {"ticker": SERIES, "fee_type": "quadratic", "fee_multiplier": 1}})
TOKENS = tuple(f"{each['ticker']}:{side}" for each in markets() for side in ("YES", "NO"))


@contextmanager
def kalshi(routes: dict[str, Any], now: datetime = NOW) -> Iterator[tuple[Kalshi, Scripted, SteppedClock]]:
    clock = SteppedClock(now)
    with serving(routed({"/series/": FEES, **routes})) as server:
        yield Kalshi(settings(server.url), clock), server, clock


def page(key: str, *elements: Any, cursor: str = "") -> Script:
    return reply(200, {key: list(elements), "cursor": cursor})


def events(source: Kalshi, *days: date, series: str = SERIES) -> list[Record]:
    return list(source.fetch([Ask(Kind.EVENTS, series, days)]))


# Events


def test_the_events_of_a_series_are_found_on_all_pages() -> None:
    pages = [page("events", event(), cursor="more"), page("events", event(), event(TOMORROW))]
    with kalshi({"/events": pages}) as (source, server, _):
        records = events(source)

    assert [(record.subject, record.error) for record in records] == [(EVENT, None), (NEXT, None)]
    first, second = asked(server.paths, "/events")
    assert first == {"series_ticker": [SERIES], "status": ["open"], "with_nested_markets": ["true"], "limit": ["200"]}
    assert second == {**first, "cursor": ["more"]}
    assert event_of(records[0].facts, records[0].rows).rule.station == "KNYC"
    assert json.loads(records[0].raw) == event()
    assert source.health["kalshi"].healthy


def test_only_events_of_the_days_asked_for_are_told() -> None:
    with kalshi({"/events": page("events", event(), event(TOMORROW))}) as (source, _, _):
        assert [record.subject for record in events(source, TOMORROW)] == [NEXT]
        assert events(source, date(2026, 7, 1)) == []


def test_a_series_that_is_not_known_has_no_events() -> None:
    with kalshi({"/events": reply(404, {"error": {"code": "not_found", "message": "series not found"}})}) as (source, _, _):
        assert events(source) == []
    with kalshi({"/events": page("events")}) as (source, server, _):
        assert events(source) == []
        assert asked(server.paths, f"/series/{SERIES}") == []


def test_an_event_without_meaning_is_told_beside_the_others() -> None:
    twice = event(TOMORROW, listed=[*markets(TOMORROW), markets(TOMORROW)[0]])
    stranger = event() | {"event_ticker": "KXLOWTNYC-26JUN03"}
    with kalshi({"/events": page("events", twice, {"event_ticker": "KXRAINNYC-26JUN03"}, stranger, event())}) as (source, _, _):
        records = events(source)

    assert [(record.subject, record.error is None) for record in records] == [
        (SERIES, False), (SERIES, False), (SERIES, False), (EVENT, True),
    ]  # fmt: skip
    said = [record.error or "" for record in records]
    assert "stands 2 times" in said[0]
    assert "not of a temperature series" in said[1]
    assert "was not asked for" in said[2]
    assert json.loads(records[0].raw) == twice


def test_one_event_in_two_versions_is_an_error_and_the_first_holds() -> None:
    with kalshi({"/events": page("events", event(), event(title="Other"))}) as (source, _, _):
        first, second = events(source)

    assert (first.error, first.facts["title"]) == (None, "Highest temperature in NYC on Jun 3, 2026?")
    assert "stands twice and differs" in (second.error or "")


def test_what_a_later_page_fails_with_leaves_the_earlier_ones() -> None:
    pages = [page("events", event(), cursor="more"), reply(400, {"error": {"code": "bad_cursor", "message": "invalid cursor"}})]
    with kalshi({"/events": pages}) as (source, _, _):
        failure, found = events(source)

    assert (failure.subject, found.subject, found.error) == (SERIES, EVENT, None)
    assert "answered 400 (invalid cursor)" in (failure.error or "")


def test_pages_that_lead_in_circles_end() -> None:
    with kalshi({"/events": page("events", event(), cursor="round")}) as (source, server, _):
        failure, found = events(source)

    assert "its pages do not end" in (failure.error or "")
    assert (found.subject, len(asked(server.paths, "/events"))) == (EVENT, 2)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (reply(403, {"error": {"code": "forbidden", "message": "geography"}}), "answered 403 (geography)"),
        (reply(400, {"error": "flat words"}), "answered 400 (flat words)"),
        (reply(400, {"error": {"code": "bare"}}), "answered 400 (bare)"),
        (reply(200, {"error": {"code": "x", "message": "inside"}}), "it says"),
        (reply(200, b"<html>", kind="text/html"), "in place of JSON"),
        (reply(200, b'{"events":[{"event_ticker":'), "not a JSON object"),
        (reply(200, {"events": "none"}), "not a JSON array"),
        (reply(200, [1]), "not a JSON object"),
    ],
)
def test_a_bad_answer_is_a_record_with_its_reason_and_bytes(answer: Script, why: str) -> None:
    with kalshi({"/events": answer}) as (source, _, _):
        (record,) = events(source)

    assert (record.kind, record.subject, record.rows) == (Kind.EVENTS, SERIES, {})
    assert why in (record.error or "")
    assert record.raw != b""


def test_too_many_requests_are_asked_again_and_a_cut_answer_too() -> None:
    limited = reply(429, {"error": "too many requests"})
    for first in (limited, truncated(500, b'{"events":[')):
        with kalshi({"/events": [first, page("events", event())]}) as (source, server, _):
            (record,) = events(source)

        assert (record.error, len(asked(server.paths, "/events"))) == (None, 2)


# Fees


def test_a_series_is_asked_once_a_day_what_it_charges() -> None:
    half = reply(200, {"series": {"ticker": SERIES, "fee_type": "quadratic_with_maker_fees", "fee_multiplier": 0.5}})
    with kalshi({"/events": page("events", event()), "/series/": half}) as (source, server, clock):
        rates = [events(source)[0].facts["fees"]["rate"], events(source)[0].facts["fees"]["rate"]]
        assert len(asked(server.paths, f"/series/{SERIES}")) == 1
        clock.wait_until(NOW + timedelta(days=1))
        events(source)
        assert len(asked(server.paths, f"/series/{SERIES}")) == 2

    assert rates == [0.035, 0.035]


def test_a_fee_that_is_not_known_keeps_an_event_from_being_traded() -> None:
    flat = reply(200, {"series": {"ticker": SERIES, "fee_type": "flat"}})
    with kalshi({"/events": page("events", event()), "/series/": flat}) as (source, _, _):
        assert "fee type 'flat' is not known" in events(source)[0].facts["refusal"]
    with kalshi({"/events": page("events", event()), "/series/": reply(403, {"error": "closed"})}) as (source, _, _):
        assert "answered 403 (closed)" in (events(source)[0].error or "")
    with kalshi({"/events": page("events", event()), "/series/": reply(404)}) as (source, _, _):
        assert events(source)[0].facts["fees"]["rate"] == 0.07
    own = event(fee_type_override="quadratic", fee_multiplier_override=2)
    odd = event(TOMORROW, fee_multiplier_override="NaN")
    with kalshi({"/events": page("events", own, odd)}) as (source, _, _):
        first, second = events(source)
    assert first.facts["fees"]["rate"] == 0.14
    assert "fee_multiplier is no number" in second.facts["refusal"]


# Books


def answering_books(empty: frozenset[str] = frozenset()) -> Script:
    def answer(handler: Any) -> None:
        (query,) = asked([handler.path], "/markets/orderbooks")
        found = [book(each, [["0.4000", "10.00"]], [["0.5000", "8.00"]]) for each in query["tickers"] if each not in empty]
        reply(200, {"orderbooks": found[::-1]})(handler)

    return answer


def test_books_of_many_events_are_asked_for_in_few_requests() -> None:
    days = [DAY + timedelta(days=n) for n in range(20)]
    asks = [
        Ask(Kind.BOOKS, f"{SERIES}-{day:%y%b%d}".upper(), tokens=tuple(f"{each['ticker']}:YES" for each in markets(day)))
        for day in days
    ]
    with kalshi({"/markets/orderbooks": answering_books()}) as (source, server, _):
        records = list(source.fetch(asks))

    assert [record.subject for record in records] == [ask.subject for ask in asks]
    assert [len(query["tickers"]) for query in asked(server.paths, "/markets/orderbooks")] in ([96, 24], [24, 96])
    assert {len(record.rows["token"]) for record in records} == {24}  # six markets, two tokens, a bid and an ask of each
    assert {len(record.facts["tokens"]) for record in records} == {12}


def test_a_market_without_a_book_is_absent_and_lost_books_are_no_failure() -> None:
    ask = Ask(Kind.BOOKS, EVENT, tokens=TOKENS)
    with kalshi({"/markets/orderbooks": answering_books(frozenset({COLD}))}) as (source, _, _):
        (record,) = source.fetch([ask])
    with kalshi({}) as (source, _, _):
        (lost,) = source.fetch([ask])

    assert (len(record.facts["tokens"]), f"{COLD}:YES" in record.facts["tokens"]) == (10, False)
    assert (lost.error, lost.facts["tokens"], len(lost.rows["token"])) == (None, {}, 0)


def test_books_that_cannot_be_asked_for_say_why() -> None:
    with kalshi({"/markets/orderbooks": reply(400, {"error": "no"})}) as (source, _, _):
        none, strange, failure = source.fetch([
            Ask(Kind.BOOKS, NEXT), Ask(Kind.BOOKS, "KXHIGHNY-26JUN05", tokens=("123",)), Ask(Kind.BOOKS, EVENT, tokens=TOKENS),
        ])  # fmt: skip

    assert "no token of" in (none.error or "")
    assert "'123' is no token of" in (strange.error or "")
    assert (failure.subject, failure.raw) == (EVENT, b'{"error": "no"}')


# Trades


def prints(source: Kalshi, *tokens: str) -> Record:
    (record,) = source.fetch([Ask(Kind.PRINTS, EVENT, tokens=tokens)])
    return record


def test_only_trades_that_were_not_told_before_are_told() -> None:
    first, second, late = (trade(name, COLD, f"2026-06-02T17:59:{at}Z") for name, at in (("a", 10), ("b", 50), ("c", 30)))
    answers = [page("trades", second, first), page("trades", second), page("trades", late, second)]
    with kalshi({"/markets/trades": answers}) as (source, server, clock):
        told = [prints(source, f"{COLD}:YES", f"{COLD}:NO")]
        for seconds in (20, 40):
            clock.wait_until(NOW + timedelta(seconds=seconds))
            told.append(prints(source, f"{COLD}:NO"))

    assert [record.rows["valid_at"].size for record in told] == [2, 0, 1]
    assert [json.loads(record.raw) for record in told] == [[first, second], [], [late]]
    assert told[0].rows["market_id"].tolist() == [COLD, COLD]
    since = [int(query["min_ts"][0]) for query in asked(server.paths, "/markets/trades")]
    assert since == [int((NOW + timedelta(seconds=ahead)).timestamp()) for ahead in (-86_400, -120, -100)]


def test_trades_come_on_pages_and_a_failed_question_is_asked_again_in_full() -> None:
    ids = [trade(name, COLD, "2026-06-02T17:59:10Z") for name in "abc"]
    gone = reply(400, {"error": "no"})
    answers = [page("trades", *ids[:2], cursor="x"), gone, page("trades", *ids[:2], cursor="x"), page("trades", *ids[1:])]
    with kalshi({"/markets/trades": answers}) as (source, _, _):
        failure, record = prints(source, f"{COLD}:YES"), prints(source, f"{COLD}:YES")

    assert (failure.error is not None, failure.rows) == (True, {})
    assert record.rows["valid_at"].size == 3


def test_prints_may_be_asked_for_by_market() -> None:
    with kalshi({"/markets/trades": page("trades", trade("a", COLD, "2026-06-02T17:59:10Z"))}) as (source, server, _):
        record = prints(source, COLD)

    assert record.error is None
    assert [query["ticker"] for query in asked(server.paths, "/markets/trades")] == [[COLD]]


def test_without_tokens_the_markets_of_the_event_are_asked() -> None:
    routes = {f"/events/{EVENT}": reply(200, {"event": event()}), "/markets/trades": page("trades")}
    with kalshi(routes) as (source, server, _):
        record = prints(source)

    assert (record.error, record.rows["valid_at"].size) == (None, 0)
    assert {query["ticker"][0] for query in asked(server.paths, "/markets/trades")} == {m["ticker"] for m in markets()}


def test_a_bad_trade_is_named_and_the_others_are_told() -> None:
    future = trade("f", COLD, "2026-06-02T19:59:10Z")
    with kalshi({"/markets/trades": page("trades", future, trade("a", COLD, "2026-06-02T17:59:10Z"))}) as (source, _, _):
        record = prints(source, f"{COLD}:YES")

    assert record.rows["valid_at"].size == 1
    assert record.facts["quarantined"] == ["trade f: 2026-06-02T19:59:10Z was still to come at 2026-06-02T18:00:00Z"]


# Outcomes


def outcome(source: Kalshi) -> Record:
    (record,) = source.fetch([Ask(Kind.OUTCOMES, EVENT)])
    return record


@pytest.mark.parametrize("nested", [True, False])
def test_a_settled_event_names_its_winner_and_value(nested: bool) -> None:
    found = event(listed=settled(DAY, "B77.5"))
    beside = {"event": {key: value for key, value in found.items() if key != "markets"}, "markets": found["markets"]}
    with kalshi({f"/events/{EVENT}": reply(200, {"event": found} if nested else beside)}) as (source, server, _):
        record = outcome(source)

    assert (record.facts["final"], record.facts["winner"], record.facts["value"]) == (True, f"{EVENT}-B77.5", 78.0)
    assert asked(server.paths, f"/events/{EVENT}") == [{"with_nested_markets": ["true"]}]


@pytest.mark.parametrize("live", [reply(404), reply(200, {"event": event(listed=[])})])
def test_an_archived_event_is_found_among_the_historical_ones(live: Script) -> None:
    archived = page("markets", *settled(DAY, "T75", "71"))
    with kalshi({f"/events/{EVENT}": live, "/historical/markets": archived}) as (source, server, _):
        record = outcome(source)

    assert (record.facts["final"], record.facts["winner"], record.facts["value"]) == (True, COLD, 71.0)
    assert len(json.loads(record.raw)["markets"]) == 6
    assert asked(server.paths, "/historical/markets") == [{"event_ticker": [EVENT], "limit": ["1000"]}]


def test_an_outcome_that_is_not_learned_says_why() -> None:
    routes: dict[str, tuple[dict[str, Script], str]] = {
        "nowhere": ({}, "is not listed"),
        "other": ({f"/events/{EVENT}": reply(200, {"event": event(TOMORROW)})}, "is not about"),
        "other archive": ({"/historical/markets": page("markets", *markets(TOMORROW))}, "is not about"),
        "scalar": ({"/events/": reply(200, {"event": event(listed=settled(DAY, "B77.5", result="x"))})}, "2 winners|neither"),
        "refused": ({"/events/": reply(403, {"error": {"message": "no"}})}, "answered 403"),
        "archive refused": ({"/historical/markets": reply(403, {"error": "no"})}, "answered 403"),
    }
    routes["scalar"][0]["/events/"] = reply(200, {"event": event(listed=markets(result="scalar"))})
    for name, (answers, why) in routes.items():
        with kalshi(answers) as (source, _, _):
            record = outcome(source)
        assert (record.kind, record.subject, record.rows) == (Kind.OUTCOMES, EVENT, {}), name
        assert any(part in (record.error or "") for part in why.split("|")), (name, record.error)


def test_a_revised_settlement_is_told_as_it_is_found() -> None:
    answers = [reply(200, {"event": event(listed=settled(DAY, winner))}) for winner in ("B77.5", "B79.5")]
    amended = settled(DAY, "B79.5")
    for each in amended:
        each["status"] = "amended"
    with kalshi({f"/events/{EVENT}": [answers[0], reply(200, {"event": event(listed=amended)}), answers[1]]}) as (source, _, _):
        told = [outcome(source).facts for _ in range(3)]

    assert [(facts["final"], facts["winner"]) for facts in told] == [
        (True, f"{EVENT}-B77.5"), (False, ""), (True, f"{EVENT}-B79.5"),
    ]  # fmt: skip


def test_a_dead_service_is_a_failed_record() -> None:
    source = Kalshi(settings("http://127.0.0.1:9"), SteppedClock(NOW))

    (record,) = source.fetch([Ask(Kind.BOOKS, EVENT, tokens=TOKENS)])

    assert (record.kind, record.subject, record.rows) == (Kind.BOOKS, EVENT, {})
    assert "no answer from 127.0.0.1:9" in (record.error or "")
    assert not source.health["kalshi"].healthy
