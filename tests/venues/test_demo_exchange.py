"""The demo world's market: ladders, books, beliefs, resolutions."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from venues.demo.books import Book
from venues.demo.contracts import DEFAULT_CONTRACTS, POLYMARKET, Contract
from venues.demo.events import BRACKETS, Event
from venues.demo.reports import raw_text
from venues.demo.world import START, World

FOREVER = 10**14
LISTED = [c for c in DEFAULT_CONTRACTS if c.venue == POLYMARKET]  # every contract of Polymarket that a desk asks for
HIGHS = [c for c in LISTED if not c.low]
START_MS = int(START.timestamp()) * 1000
HOUR = 3_600_000


@cache
def world(seed: int = 7) -> World:
    return World(seed)


def event(code: str, day: date, seed: int = 7) -> Event:
    return event_of(next(c for c in HIGHS if c.station.code == code), day, seed)


def event_of(contract: Contract, day: date, seed: int = 7) -> Event:
    """The event of a day, or of the next one that has an event."""
    found = world(seed).exchange.listed(contract, day, FOREVER)
    return event_of(contract, day + timedelta(days=1), seed) if found is None else found


def asked(target: str, at: int, body: bytes = b"", seed: int = 7) -> Any:
    instant = f"{datetime.fromtimestamp(at // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}Z"
    answer = world(seed).answer("POST" if body else "GET", target, body, instant)
    return json.loads(answer.body) if answer.status == 200 else None


@cache
def looks() -> list[tuple[int, Event, int, Book, float]]:
    """Instant, event, bracket, book and worth over ten days."""
    out = []
    for hour in range(0, 240, 13):
        at = START_MS + hour * HOUR + 60_000
        for found in (event for contract in LISTED for event in world().exchange.of_series(contract, at, 3)):
            worth = world().books.worth(found, at)
            books = [world().books.book(found, bracket, at) for bracket in range(BRACKETS)]
            out += [(at, found, place, book, worth[place]) for place, book in enumerate(books) if book is not None]
    return out


@pytest.mark.parametrize("contract", LISTED, ids=lambda c: c.series)
def test_a_ladder_is_a_tail_nine_steps_and_a_tail(contract: Contract) -> None:
    for n in range(20):
        brackets = event_of(contract, date(2026, 6, 1) + timedelta(days=n)).brackets
        width = 2 if contract.fahrenheit else 1

        assert len(brackets) == 11
        assert (brackets[0].low, brackets[-1].high) == (None, None)
        for lower, upper in pairwise(brackets):
            assert lower.high is not None
            assert upper.low == lower.high + 1
        assert {b.high - b.low + 1 for b in brackets[1:-1] if b.low is not None and b.high is not None} == {width}


def test_the_ladder_is_centred_on_what_makers_believe_at_listing() -> None:
    for n in range(60):
        found = event_of(LISTED[n % len(LISTED)], date(2026, 6, 1) + timedelta(days=n))
        mean = np.mean([mean for mean, _ in world().exchange.beliefs(found, found.accepting)])
        middle = found.brackets[5]

        assert middle.low is not None
        assert middle.high is not None
        assert middle.low - 0.5 <= mean <= middle.high + 0.5


@pytest.mark.parametrize("seed", [7, 8])
def test_a_day_ahead_a_maker_errs_by_two_to_two_and_a_half_degrees(seed: int) -> None:
    errors, together = [], []
    for contract in HIGHS:
        for n in range(30):
            found = event_of(contract, date(2026, 6, 2) + timedelta(days=2 * n), seed)
            at = found.start - 6 * HOUR  # the evening before
            scale = 1.0 if contract.fahrenheit else 1.8
            means = [mean for mean, _ in world(seed).exchange.beliefs(found, at)]
            errors += [(mean - found.extreme) * scale for mean in means]
            together.append((float(np.mean(means)) - found.extreme) * scale)

    assert len(together) == 390
    assert 2.0 <= np.std(errors) <= 2.5
    assert 1.7 <= np.std(together) <= np.std(errors)
    assert abs(np.mean(together)) < 0.4


def test_beliefs_shrink_through_the_day_and_change_only_now_and_then() -> None:
    spreads = []
    for hours in (-30, -6, 6, 12, 15, 20):
        errors = []
        for n in range(60):
            found = event(HIGHS[n % 12].station.code, date(2026, 6, 2) + timedelta(days=n))
            errors += [mean - found.extreme for mean, _ in world().exchange.beliefs(found, found.start + hours * HOUR)]
        spreads.append(float(np.std(errors)))
    found = event("KLGA", date(2026, 6, 3))
    means = [tuple(mean for mean, _ in world().exchange.beliefs(found, found.start + n * 60_000)) for n in range(360)]

    assert spreads == sorted(spreads, reverse=True)
    assert spreads[-1] < 0.35
    assert 15 <= len(set(means)) <= 30  # five makers, each thinking again every hour and a half


def test_events_are_listed_when_they_really_are() -> None:
    """FACTS 2.5: Asia and Europe about 04:00Z two days before, New York 01:00 to 02:00Z the day before."""
    for contract in LISTED:
        for n in range(20):
            found = event_of(contract, date(2026, 6, 1) + timedelta(days=n))
            created = datetime.fromtimestamp(found.created / 1000, UTC)
            american = contract.station.zone.startswith("America/")

            assert (found.day - created.date()).days == (1 if american else 2)
            assert created.hour in ((1, 2) if american else (4,))


def test_an_event_is_unknown_before_its_listing_and_open_until_it_resolves() -> None:
    found = event("EGLC", date(2026, 6, 4))
    target = f"/gamma/events?slug={found.slug}"

    before = asked(target, found.created - 1000)
    first = asked(target, found.created + 1000)
    past_the_nominal_end = asked(target, found.end)

    assert before == []
    assert first[0]["closed"] is False
    assert past_the_nominal_end[0]["endDate"] < datetime.fromtimestamp(found.end / 1000, UTC).isoformat()
    assert all(market["acceptingOrders"] for market in past_the_nominal_end[0]["markets"])
    assert asked(f"/clob/book?token_id={world().exchange.token(found, 5, 0)}", found.created - 1000) is None


def test_books_are_never_crossed_and_levels_stand_in_order() -> None:
    seen = 0
    for _, _, _, book, _ in looks():
        bids, asks = [mills for mills, _ in book.bids], [mills for mills, _ in book.asks]
        seen += 1

        assert bids == sorted(set(bids), reverse=True)
        assert asks == sorted(set(asks))
        assert not bids or not asks or bids[0] < asks[0]
        assert all(book.tick <= mills <= 1000 - book.tick and mills % book.tick == 0 for mills in bids + asks)
        assert all(size > 0 for _, size in (*book.bids, *book.asks))
    assert seen > 4000


def test_live_brackets_are_two_sided_with_twenty_shares_at_the_touch_and_a_small_spread() -> None:
    live = [book for _, _, _, book, worth in looks() if 0.05 <= worth <= 0.95]

    spreads = [book.asks[0][0] - book.bids[0][0] for book in live if book.bids and book.asks]

    assert len(live) > 1000
    assert len(spreads) > 0.99 * len(live)
    assert all(side[0][1] >= 2_000 for book in live for side in (book.bids, book.asks) if side)
    assert set(spreads) <= set(range(1, 51))
    assert 15 <= np.mean(spreads) <= 35  # FACTS I.6: 2.3 c on the day, 4 c two days ahead


def test_far_brackets_are_one_sided_and_sometimes_empty() -> None:
    far = [book for _, _, _, book, worth in looks() if worth < 0.001]

    assert all(not book.bids for book in far if book.asks and book.asks[0][0] <= 1)
    assert sum(not book.bids for book in far) > 0.9 * len(far)
    assert any(not book.bids and not book.asks for book in far)


def test_both_ticks_are_in_use_and_the_fine_one_stays() -> None:
    """FACTS I.6: 0.01, and 0.001 above 0.96 or below 0.04; sticky."""
    ticks: dict[tuple[str, int], list[int]] = {}
    for _, found, bracket, book, _ in looks():
        ticks.setdefault((found.slug, bracket), []).append(book.tick)

    assert {tick for series in ticks.values() for tick in series} == {1, 10}
    assert all(series == sorted(series, reverse=True) for series in ticks.values())


def test_yes_and_no_are_one_book_seen_from_both_sides() -> None:
    at = START_MS + 26 * HOUR
    for found in world().exchange.around(at, back=1)[-4:]:
        tokens = [world().exchange.token(found, 5, side) for side in (0, 1)]
        yes, no = asked("/clob/books", at, json.dumps([{"token_id": token} for token in tokens]).encode())

        def mirrored(levels: list[dict[str, str]]) -> list[tuple[int, str]]:
            return [(1000 - round(float(level["price"]) * 1000), level["size"]) for level in levels]

        def plain(levels: list[dict[str, str]]) -> list[tuple[int, str]]:
            return [(round(float(level["price"]) * 1000), level["size"]) for level in levels]

        assert mirrored(yes["bids"]) == plain(no["asks"])
        assert mirrored(yes["asks"]) == plain(no["bids"])
        # FACTS 3.2: worst first
        assert plain(yes["bids"]) == sorted(plain(yes["bids"]))
        assert plain(yes["asks"]) == sorted(plain(yes["asks"]), reverse=True)


def test_the_hash_of_a_book_is_the_documented_one() -> None:
    """FACTS 3.2: SHA-1 of the compact JSON with an empty hash; the captured book confirms the recipe."""
    at = START_MS + 5 * HOUR
    found = world().exchange.around(at)[-1]
    for bracket in range(BRACKETS):
        book = asked(f"/clob/book?token_id={world().exchange.token(found, bracket, 1)}", at)
        text = json.dumps(book | {"hash": ""}, separators=(",", ":"))

        assert book["hash"] == hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def test_an_unchanged_book_repeats_byte_for_byte_and_changes_every_few_minutes() -> None:
    found = event("EGLC", date(2026, 6, 2))
    token = world().exchange.token(found, 5, 0)
    texts = []
    for n in range(0, 6 * 3600, 30):
        at = START_MS + n * 1000
        book = asked(f"/clob/book?token_id={token}", at)
        texts.append(json.dumps(book))
        assert int(book["timestamp"]) <= at

    changes = sum(a != b for a, b in pairwise(texts))

    assert 20 <= changes <= 120  # 2 to 18 minutes between changes
    assert len(set(texts)) == changes + 1


def test_the_price_of_a_dead_bracket_is_nothing() -> None:
    found = event("RJTT", date(2026, 6, 3))
    at = found.end - 2 * HOUR
    so_far = found.floor_at(at)
    probabilities = world().exchange.probabilities(found, at)

    assert so_far is not None
    for bracket, p in zip(found.brackets, probabilities, strict=True):
        if bracket.high is not None and bracket.high < so_far:
            assert p == 0.0
    assert sum(probabilities) == pytest.approx(1.0)


def test_by_the_end_of_the_day_the_market_knows_the_public_maximum() -> None:
    for n in range(30):
        found = event(HIGHS[n % 12].station.code, date(2026, 6, 2) + timedelta(days=n))
        probabilities = world().exchange.probabilities(found, found.closed - 60_000)
        best = found.brackets[int(np.argmax(probabilities))]

        assert max(probabilities) > 0.95
        assert (best.low or -999) <= found.extreme <= (best.high if best.high is not None else 999)


def winner_of_list(found: Event, seed: int) -> int:
    """An own account of the public list: the newest correction of each observation, missing ones left out."""
    readings: dict[int, int] = {}
    reports = world(seed).reports.between(found.station, found.start // 1000, found.end // 1000)
    for report in sorted(reports, key=lambda report: report.received):
        if report.received > found.frozen:
            continue
        text = re.search(r" T([01])(\d{3})", raw_text(found.station, report))
        body = re.search(r" (M?\d\d)/M?\d\d ", raw_text(found.station, report))
        if body is not None and found.contract.fahrenheit:
            assert text is not None
            tenths = int(text[2]) * (-1 if text[1] == "1" else 1)
            readings[report.valid] = (tenths * 18 + 3250) // 100
        elif body is not None:
            readings[report.valid] = int(body[1].replace("M", "-"))
    extreme = min(readings.values()) if found.contract.low else max(readings.values())
    assert extreme == found.extreme
    return next(i for i, b in enumerate(found.brackets) if b.high is None or extreme <= b.high)


@pytest.mark.parametrize("seed", [1, 7, 12])
def test_events_resolve_by_the_public_list_except_for_one_of_each_kind_a_month(seed: int) -> None:
    kinds: Counter[str] = Counter()
    for contract in LISTED:
        if contract.extract:
            continue
        for n in range(30):
            found = world(seed).exchange.listed(contract, date(2026, 6, 1) + timedelta(days=n), FOREVER)
            if found is None:
                kinds["none"] += 1
                assert contract.series == "highest-temperature-in-wellington"
                continue
            won = winner_of_list(found, seed)
            first, last = found.winner_at(found.closed), found.winner_at(found.closed + 48 * HOUR)

            assert found.winner_at(found.closed - 1) is None
            if first != last:
                kinds["corrected"] += 1
                assert last == won
                assert found.corrected is not None
                assert 0 < found.corrected - found.closed <= 48 * HOUR
            else:
                kinds["plain" if last == won else "disagreed"] += 1
    assert (kinds["corrected"], kinds["disagreed"]) == (1, 1)
    assert kinds["plain"] == 17 * 30 - 2 - kinds["none"]
    assert kinds["none"] <= 6  # a day without an event is normal


def test_the_observatory_settles_by_the_floor_of_its_tenths() -> None:
    contract = next(c for c in LISTED if c.extract)
    decided_by_floor = 0
    for n in range(60):
        found = event_of(contract, date(2026, 5, 1) + timedelta(days=n))
        sensor = world().weather.two_minute_means(found.station, found.start // 60_000, found.end // 60_000)
        tenths = math.floor(float(sensor.max()) * 10 + 0.5)
        bracket = found.brackets[found.winner]
        decided_by_floor += tenths % 10 >= 5

        assert found.course.value == tenths / 10
        assert bracket.low is None or bracket.low * 10 <= tenths
        assert bracket.high is None or tenths <= bracket.high * 10 + 9
        assert found.closed > found.end + 9 * HOUR  # the extract comes the next morning
    assert decided_by_floor > 15  # half-up would have said otherwise


def test_a_correction_shows_as_a_changed_closed_event() -> None:
    found = event_of(*world().exchange.exceptions(2026, 6).corrected)
    assert found.corrected is not None

    first, second, later = (
        asked(f"/gamma/events?slug={found.slug}&closed=true", at)[0]
        for at in (found.closed + 600_000, found.corrected + 600_000, found.corrected + 90 * HOUR)
    )

    def winners(body: dict[str, Any]) -> list[str]:
        return [m["groupItemTitle"] for m in body["markets"] if json.loads(m["outcomePrices"]) == ["1", "0"]]

    assert first["closed"] is second["closed"] is True
    assert winners(first) == [found.brackets[found.first_winner].label]
    assert winners(second) == [found.brackets[found.winner].label] != winners(first)
    assert second == later
    market = asked(f"/clob/markets/{world().exchange.condition(found, found.winner)}", found.corrected + 1000)
    assert [token["winner"] for token in market["tokens"]] == [True, False]


def test_a_closed_event_is_shown_to_those_who_ask_for_closed_ones() -> None:
    """FACTS 2.1: `closed` omitted behaves like `closed=false`."""
    found = event("EGLC", date(2026, 6, 2))
    target, at = f"/gamma/events?slug={found.slug}", found.closed + 600_000

    assert asked(target, at) == asked(f"{target}&closed=false", at) == []
    assert [body["slug"] for body in asked(f"{target}&closed=true", at)] == [found.slug]
    assert asked(f"/gamma/events/slug/{found.slug}", at) == asked(f"{target}&closed=true", at)[0]
    assert asked(f"/gamma/events/{found.number}", at)["slug"] == found.slug
    assert asked(f"{target}&closed=true", found.closed - 600_000) == []


def test_a_market_resolves_forty_to_ninety_minutes_after_the_next_day_begins_to_report() -> None:
    for n in range(60):
        found = event(HIGHS[n % 12].station.code, date(2026, 6, 1) + timedelta(days=n))

        assert found.frozen > found.end
        assert 39.9 <= (found.closed - found.frozen) / 60_000 <= 90.1


def test_a_closed_token_has_no_book() -> None:
    found = event("RKSI", date(2026, 6, 2))
    token = world().exchange.token(found, 5, 0)
    body = json.dumps([{"token_id": token}]).encode()

    assert asked(f"/clob/book?token_id={token}", found.closed - 1000)["asset_id"] == token
    assert asked(f"/clob/book?token_id={token}", found.closed) is None
    assert asked("/clob/books", found.closed, body) == []
    assert asked(f"/clob/tick-size?token_id={token}", found.closed) is None


def test_ids_name_exactly_one_thing() -> None:
    exchange = world().exchange
    seen: dict[str, tuple[str, int, int]] = {}
    for found in exchange.around(START_MS):
        for bracket in range(BRACKETS):
            for side in (0, 1):
                token = exchange.token(found, bracket, side)
                seen[token] = (found.slug, bracket, side)
                holder = exchange.holder_of_token(token, FOREVER)
                assert holder is not None
                assert (holder[0].slug, holder[1], holder[2]) == seen[token]
            assert exchange.holder_of_condition(exchange.condition(found, bracket), FOREVER) == (found, bracket)
    assert len(seen) == len(exchange.around(START_MS)) * 22
    assert all(int(token) < 1 << 256 for token in seen)
    assert world(8).exchange.holder_of_token(next(iter(seen)), FOREVER) is None


def test_quotes_of_the_catalogue_follow_the_books_with_a_lag() -> None:
    at = START_MS + 3 * HOUR + 240_000
    (body,) = asked(f"/gamma/events?slug={world().exchange.around(at)[-1].slug}", at)
    found = world().exchange.find(body["slug"], at)
    assert found is not None
    updated = int(datetime.fromisoformat(body["updatedAt"]).timestamp() * 1000)

    assert 0 < at - updated < 300_000
    for market in body["markets"]:
        book = world().books.book(found, int(market["groupItemThreshold"]), updated)
        assert book is not None
        assert market.get("bestBid") == (None if book.bid is None else book.bid / 1000)
        assert market.get("bestAsk") == (None if book.ask is None else book.ask / 1000)
        # FACTS 2.3: the middle with 0 for an empty bid
        middle = ((book.bid or 0) + (1000 if book.ask is None else book.ask)) / 2000
        assert [float(p) for p in json.loads(market["outcomePrices"])] == pytest.approx([middle, 1 - middle])


def test_volume_only_grows() -> None:
    found = event("KORD", date(2026, 6, 3))
    bodies = [asked(f"/gamma/events?slug={found.slug}", found.created + n * HOUR)[0] for n in range(1, 50, 4)]

    assert np.all(np.diff([body["volume"] for body in bodies]) >= 0)
    assert 3_000 < bodies[-1]["volume"] < 300_000  # FACTS I.6: median 28k, up to 287k
