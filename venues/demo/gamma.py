"""The exchange's catalogue: events with their rules, rounded quotes that lag the books, and outcomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import orjson

from venues.demo.answers import Answer, Ask, BadRequest, iso, lasting_json, reply
from venues.demo.books import Book, Books, price_text
from venues.demo.contracts import BY_SERIES, CONTRACTS, FIRST_DAY, POLYMARKET
from venues.demo.events import BRACKETS, Event
from venues.demo.exchange import Exchange
from venues.demo.listing import HIGHEST, TAG_SLUGS, WEATHER, event_fields, market_fields, tag_ids
from venues.demo.noise import between, uniform

_REFRESH_MS = 300_000  # quotes are this coarse
_MOST = 100  # events in one answer, whatever is asked
_SURELY_CLOSED_DAYS = 4  # after which an event has resolved, whatever it is about
_DEEPEST = 2_000  # offset; beyond, only a cursor leads on
_HOUR_MS = 3_600_000
_KEPT = 144  # events that are kept as printed
_VOLUMES = (
    "volume", "volumeNum", "volumeClob", "volume24hr", "volume1wk", "volume1mo", "volume1yr",
    "volume24hrClob", "volume1wkClob", "volume1moClob", "volume1yrClob",
)  # fmt: skip
_TRADING = ((0.0, 0.0), (0.3, 0.06), (0.6, 0.3), (0.85, 0.8), (1.0, 1.0))  # share of life, share of volume


@dataclass(frozen=True, slots=True)
class Zombie:
    """A stale event, and the one that lends it its form."""

    slug: str
    number: str
    model: str  # series
    day: date
    words: tuple[tuple[str, str], ...]


def _zombie(city: str, code: str, airport: str, number: str, day: date) -> Zombie:
    words = (
        ("Beijing Capital International Airport", airport), ("Beijing", city), ("beijing", city.lower()), ("ZBAA", code),
    )  # fmt: skip
    slug = f"highest-temperature-in-{city.lower()}-on-may-{day.day}-{day.year}"
    return Zombie(slug, number, "highest-temperature-in-beijing", day, words)


ZOMBIES = (
    _zombie("Jinan", "ZSJN", "Jinan Yaoqiang International Airport", "497034", date(2026, 5, 20)),
    _zombie("Zhengzhou", "ZHCC", "Zhengzhou Xinzheng International Airport", "497102", date(2026, 5, 22)),
)


class Gamma:
    """Answers under /gamma."""

    def __init__(self, seed: int, exchange: Exchange, books: Books) -> None:
        self._seed = seed
        self._exchange = exchange
        self._books = books
        self._fixed: Callable[[Event], tuple[dict[str, Any], list[dict[str, Any]]]] = lru_cache(maxsize=_KEPT)(self._fixed_of)
        self._event: Callable[[Event, int], bytes] = lru_cache(maxsize=_KEPT)(self._print)

    def answer(self, ask: Ask, path: str) -> Answer | None:
        """Answer a request for `path` below /gamma; None if there is no such path."""
        try:
            if path == "/events":
                return self._list(ask)
            if path == "/events/keyset":
                return self._keyset(ask)
            if path.startswith("/events/slug/"):
                return self._single(self._exchange.find(path.removeprefix("/events/slug/"), ask.at), ask)
            if path.startswith("/events/") and path.removeprefix("/events/").isdigit():
                return self._single(self._exchange.numbered(int(path.removeprefix("/events/")), ask.at), ask)
        except BadRequest as error:
            return reply({"type": "validation error", "error": str(error)}, 422)
        return None

    def _single(self, event: Event | None, ask: Ask) -> Answer:
        if event is None or event.contract.venue != POLYMARKET:
            return reply({"type": "not found error", "error": "event not found"}, 404)
        return Answer(200, self._text(event, ask.at))

    def _list(self, ask: Ask) -> Answer:
        limit, offset = min(_count(ask, "limit", _MOST), _MOST), _count(ask, "offset", 0)
        if offset > _DEEPEST:
            raise BadRequest(f"offset {offset} is too deep, use keyset pagination")
        return Answer(200, b"[" + b",".join(self._page(ask, offset, limit)) + b"]")

    def _keyset(self, ask: Ask) -> Answer:
        limit = max(min(_count(ask, "limit", _MOST), _MOST), 1)
        cursor = ask.one("after_cursor") or ask.one("cursor")
        try:
            start = int(cursor, 36) if cursor else 0
        except ValueError:
            raise BadRequest("invalid cursor") from None
        texts = self._page(ask, start, limit + 1)
        following = b"null" if len(texts) <= limit else orjson.dumps(np.base_repr(start + limit, 36).lower())
        return Answer(200, b'{"events":[' + b",".join(texts[:limit]) + b'],"next_cursor":' + following + b"}")

    def _page(self, ask: Ask, start: int, count: int) -> list[bytes]:
        wanted = _flag(ask, "closed")  # not said means open ones only, also when asked by name
        slugs = [value for name, value in ask.query if name == "slug"]
        if slugs:
            stale = [zombie for slug in dict.fromkeys(slugs) if (zombie := self._stale(slug, ask.at)) and not wanted]
            found = [event for slug in dict.fromkeys(slugs) if (event := self._exchange.find(slug, ask.at)) is not None]
            shown = [event for event in found if event.is_closed(_refreshed(event, ask.at)) == wanted]
            texts = [*stale, *(self._text(event, ask.at) for event in shown[start : start + count])]
            return texts[:count]
        tag = ask.one("tag_id") or next((number for number, slug in TAG_SLUGS.items() if slug == ask.one("tag_slug")), WEATHER)
        if tag not in TAG_SLUGS or ask.one("tag_slug", "weather") not in TAG_SLUGS.values():
            return []
        return self._closed(ask, tag, start, count) if wanted else self._open(ask, tag, start, count)

    def _open(self, ask: Ask, tag: str, start: int, count: int) -> list[bytes]:
        events = [
            event
            for event in self._exchange.around(ask.at, _SURELY_CLOSED_DAYS)
            if tag in tag_ids(event) and not event.is_closed(_refreshed(event, ask.at)) and _within(ask, event.day)
        ]
        stale = [text for zombie in ZOMBIES if (text := self._stale(zombie.slug, ask.at)) is not None]
        first = stale[start : start + count]
        begin = max(start - len(stale), 0)
        return [*first, *(self._text(event, ask.at) for event in events[begin : begin + count - len(first)])]

    def _closed(self, ask: Ask, tag: str, start: int, count: int) -> list[bytes]:
        # what is surely closed is counted, not made: the whole spring is long
        today = datetime.fromtimestamp(ask.second, UTC).date()
        sure = today - timedelta(days=_SURELY_CLOSED_DAYS)
        cities = [c for c in CONTRACTS if c.venue == POLYMARKET and not (c.low and tag == HIGHEST)]
        days = [FIRST_DAY + timedelta(days=n) for n in range((today - FIRST_DAY).days + 1)]
        out: list[Event] = []
        passed = 0
        for day in days:
            if not _within(ask, day):
                continue
            for contract in cities:
                if not self._exchange.exists(contract, day, ask.at):
                    continue
                if day >= sure:
                    event = self._exchange.listed(contract, day, ask.at)
                    if event is None or not event.is_closed(_refreshed(event, ask.at)):
                        continue
                if passed >= start:
                    found = self._exchange.listed(contract, day, ask.at)
                    out += [found] if found is not None else []
                passed += 1
                if len(out) == count:
                    return [self._text(event, ask.at) for event in out]
        return [self._text(event, ask.at) for event in out]

    def _stale(self, slug: str, at: int) -> bytes | None:
        # an event of May that the catalogue never took down: still active, without conditions and tokens
        zombie = next((zombie for zombie in ZOMBIES if zombie.slug == slug), None)
        model = None if zombie is None else self._exchange.listed(BY_SERIES[zombie.model], zombie.day, at)
        if zombie is None or model is None or at < model.settled:
            return None
        body = orjson.loads(self._event(model, model.accepting + _HOUR_MS))
        body["id"] = zombie.number
        for place, market in enumerate(body["markets"]):
            market |= {"id": f"{zombie.number}{place:02d}", "conditionId": "", "clobTokenIds": "[]", "questionID": ""}
        text = orjson.dumps(body)
        for theirs, ours in zombie.words:
            text = text.replace(theirs.encode(), ours.encode())
        return text

    def _text(self, event: Event, at: int) -> bytes:
        return self._event(event, _refreshed(event, at))

    def _print(self, event: Event, at: int) -> bytes:
        head, fixed = self._fixed(event)
        markets = [self._market(event, place, dict(fixed[place]), at) for place in _order(event)]
        volumes = [market.get("volumeNum", 0) for market in markets]
        day_volumes = [market.get("volume24hr", 0) for market in markets]
        liquidity = round(sum(market["liquidityNum"] for market in markets), 5)
        out = dict(head)
        out |= {
            "closed": event.is_closed(at),
            "liquidity": liquidity,
            "liquidityClob": liquidity,
            "volume": _whole(sum(volumes)),
            "openInterest": _whole(sum(volumes) * 0.41),
            "updatedAt": iso(at, digits=6),
            "competitive": max(market["competitive"] for market in markets),
            "volume24hr": _whole(sum(day_volumes)),
            "volume1wk": _whole(sum(volumes)),
            "volume1mo": _whole(sum(volumes)),
            "volume1yr": _whole(sum(volumes)),
            "markets": markets,
        }
        out["series"] = [out["series"][0] | {"updatedAt": iso(at - at % 3_600_000, digits=6)}]
        if event.is_closed(at):
            out |= {"closedTime": iso(event.closed, digits=0), "automaticallyResolved": True}
        return lasting_json(out)

    def _market(self, event: Event, place: int, out: dict[str, Any], at: int) -> dict[str, Any]:
        winner = event.winner_at(at)
        # once closed, the quotes of the last book stay as they were
        book = self._books.book(event, place, min(at, event.closed - 1))
        bid, ask = (None, None) if book is None else (book.bid, book.ask)
        middle = ((bid or 0) + (1000 if ask is None else ask)) / 2000.0
        prices = [price_text(1000 if place == winner else 0), price_text(0 if place == winner else 1000)]
        if winner is None:
            prices = [f"{value:.4f}".rstrip("0") for value in (middle, 1.0 - middle)]
        liquidity = round(_depth(book), 5)
        out |= {
            "liquidity": f"{liquidity}",
            "liquidityNum": liquidity,
            "liquidityClob": liquidity,
            "outcomePrices": orjson.dumps(prices).decode().replace(",", ", "),
            "updatedAt": iso(at, digits=6),
            "closed": winner is not None,
            "acceptingOrders": winner is None,
            "orderPriceMinTickSize": 0.001 if self._books.tick(event, place, at) == 1 else 0.01,
            "competitive": 1.0 / (1.0 + (middle - 0.5) ** 2),
            "spread": ((1000 if ask is None else ask) - (bid or 0)) / 1000.0,
        }
        optional = {"lastTradePrice": book.last if book else None, "bestBid": bid, "bestAsk": ask}
        for name, mills in optional.items():
            if mills is None:
                del out[name]
            else:
                out[name] = mills / 1000.0
        self._volumes(event, place, out, at)
        if not 0.05 <= middle <= 0.95 or winner is not None:
            del out["clobRewards"]
        if winner is None:
            del out["closedTime"], out["umaEndDate"], out["umaResolutionStatus"], out["automaticallyResolved"]
        else:
            out["umaResolutionStatuses"] = '["proposed"]'
        return out

    def _volumes(self, event: Event, place: int, out: dict[str, Any], at: int) -> None:
        total = 600.0 * 2.0 ** (4.0 * uniform(self._seed, "volume", event.number, place))
        now, before = (
            round(total * between((min(t, event.closed) - event.accepting) / (event.closed - event.accepting), _TRADING), 6)
            for t in (at, at - 86_400_000)
        )
        if now < 5.0:
            for name in _VOLUMES:
                del out[name]
            return
        out["volume"] = f"{_whole(now)}"
        for name in _VOLUMES[1:]:
            out[name] = _whole(now - before if "24hr" in name else now)

    def _fixed_of(self, event: Event) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        head = event_fields(self._seed, event)
        return head, [market_fields(event, head, place, self._exchange) for place in range(BRACKETS)]


def _refreshed(event: Event, at: int) -> int:
    # quotes are as old as the last refresh; a closed event stays as its closing, or its correction, left it
    at = max(at // _REFRESH_MS * _REFRESH_MS, event.created)
    if event.corrected is not None and at >= event.corrected:
        return -(-event.corrected // _REFRESH_MS) * _REFRESH_MS
    return -(-event.closed // _REFRESH_MS) * _REFRESH_MS if at >= event.closed else at


def _order(event: Event) -> list[int]:
    # not by temperature: the wire does not promise it
    turn = event.number % 5
    return [*range(turn, BRACKETS), *range(turn)]


def _depth(book: Book | None) -> float:
    # value of the resting orders [USD]
    if book is None:
        return 0.0
    return sum(mills * size for mills, size in (*book.bids, *book.asks)) / 100_000.0


def _whole(value: float) -> float | int:
    # a number without decimals has no point on the wire
    value = round(value, 6)
    return int(value) if value == int(value) else value


def _within(ask: Ask, day: date) -> bool:
    # of `end_date_min` and `end_date_max`; every event nominally ends at noon of its day
    noon = f"{day}T12:00:00Z"
    return ask.one("end_date_min", "0") <= noon <= (ask.one("end_date_max") or "9")


def _count(ask: Ask, name: str, default: int) -> int:
    number = ask.number(name, default)
    if number < 0 or number != int(number):
        raise BadRequest(f"{name} must be a whole number of at least 0")
    return int(number)


def _flag(ask: Ask, name: str) -> bool:
    text = ask.one(name)
    if text not in ("", "true", "false"):
        raise BadRequest(f"{name} must be true or false, not {text!r}")
    return text == "true"
