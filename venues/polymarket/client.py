"""Polymarket, read only: listings and outcomes from Gamma, books from the CLOB's stream or its poller, trades."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from requests.adapters import BaseAdapter

from core.clock import Clock, monotonic_seconds
from core.errors import SourceError, SourceRefusedError, WireError
from core.model.record import Ask, Kind, Record
from core.settings import Settings
from venues.http import Answer, Health, Http, Query
from venues.polymarket.clob import Spans, books_record, parse_book, polled_records, read_books
from venues.polymarket.gamma import is_series
from venues.polymarket.listings import SOURCE, Listings
from venues.polymarket.past import Past
from venues.polymarket.stream import LIMITS, Limits, Printed, Stream
from venues.polymarket.stream_wire import Snapshot
from venues.polymarket.tape import (
    MOST_CONDITIONS,
    MOST_PAGES,
    PAGE,
    Lines,
    Market,
    Page,
    Tape,
    Trade,
    merged,
    parse_trades,
    prints_record,
    reaches_back,
    traded,
)
from venues.records import failed
from venues.spans import joined

GAMMA, CLOB, DATA = "https://gamma-api.polymarket.com", "https://clob.polymarket.com", "https://data-api.polymarket.com"
GAMMA_PER_MINUTE, CLOB_PER_MINUTE, DATA_PER_MINUTE = 1_500, 3_000, 600  # half of what is published, windows slide
TOKENS_PER_BOOKS = 100
RESYNC_SECONDS = 300.0  # a streamed event is polled this often all the same
MOST_REMEMBERED = 2_000  # events whose markets are known by heart
MOST_LINES = 2 * PAGE  # trades of an event whose lines are not read again


class Polymarket:
    """Events of a series (subject: `highest-temperature-in-nyc`), books, prints and outcomes of an event (its slug)."""

    name = SOURCE
    gives = frozenset({Kind.EVENTS, Kind.BOOKS, Kind.PRINTS, Kind.OUTCOMES})
    gives_past = frozenset({Kind.EVENTS})

    def __init__(
        self, settings: Settings, clock: Clock, adapter: BaseAdapter | None = None, *, simulated: bool = False,
        limits: Limits = LIMITS,
    ) -> None:  # fmt: skip
        def http(name: str, most: int) -> Http:
            return Http.of(name, settings, clock, adapter, simulated=simulated, most_per_minute=most)

        self._clock = clock
        self._gamma, self._clob = http("polymarket_gamma", GAMMA_PER_MINUTE), http("polymarket_clob", CLOB_PER_MINUTE)
        self._data = http("polymarket_data", DATA_PER_MINUTE)
        self._clob_base = settings.address("polymarket_clob", CLOB)
        # Books of another world have nothing to do with the real trades and the real stream.
        is_elsewhere = bool(settings.source("polymarket_clob").base_url)
        self._data_base = settings.address("polymarket_data", "" if is_elsewhere else DATA)
        self._listings = Listings(self._gamma, settings.address("polymarket_gamma", GAMMA), self._clob, self._clob_base, clock)
        self._past = Past(self._listings, self._clob, self._clob_base)
        streaming = settings.source("polymarket_stream")
        is_streamed = streaming.enabled and not simulated and adapter is None and (streaming.base_url or not is_elsewhere)
        self._stream = Stream(streaming.base_url, clock, user_agent=settings.user_agent, limits=limits) if is_streamed else None
        self._polled_at: dict[str, float] = {}  # event → when its streamed books were last compared
        self._markets: dict[str, tuple[Market, ...]] = {}
        self._tape = Tape()
        self._lines: dict[str, Lines] = {}  # event → lines that were read already

    @property
    def health(self) -> Mapping[str, Health]:
        """Return what is known of each service."""
        known = {"polymarket_gamma": self._gamma.health, "polymarket_clob": self._clob.health}
        if self._data_base:
            known["polymarket_data"] = self._data.health
        if self._stream is not None:
            known["polymarket_stream"] = self._stream.health
        return known

    def fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        """Yield a record per event found and per books, prints and outcomes ask; a failed one carries its error."""
        # Kinds are asked for at the same time, each by a thread of its own: what was not asked for is not touched.
        of_kind: dict[Kind, list[Ask]] = {}
        for ask in asks:
            of_kind.setdefault(ask.kind, []).append(ask)
        answering = {
            Kind.EVENTS: (self._gamma, self._events), Kind.BOOKS: (self._clob, self._books),
            Kind.PRINTS: (self._data, self._prints), Kind.OUTCOMES: (self._gamma, self._outcomes),
        }  # fmt: skip
        for kind, (service, answers) in answering.items():
            if kind is Kind.PRINTS:
                yield from self._learn([*dict.fromkeys(ask.subject for ask in of_kind.get(kind, ()))])
            if kind in of_kind:
                yield from service.judge(answers(of_kind[kind]))

    def past(self, ask: Ask) -> Iterator[Record]:
        """Yield what one would have known of the ended events of a series and some days, each record at its own time."""
        if ask.kind is not Kind.EVENTS or not is_series(ask.subject):
            error = SourceRefusedError(f"polymarket: no history of {ask.kind} {ask.subject!r}; ask for events of a series")
            yield failed(SOURCE, ask.kind, ask.subject, self._clock.now(), error)
            return
        yield from self._past.past(ask, self._clock.now())

    def close(self) -> None:
        """Stop the stream and give the connections back."""
        if self._stream is not None:
            self._stream.close()
        for service in (self._gamma, self._clob, self._data):
            service.close()

    def _events(self, asks: Sequence[Ask]) -> Iterator[Record]:
        for record in self._listings.events(asks):
            self._remember(record)
            yield record

    def _books(self, asks: Sequence[Ask]) -> Iterator[Record]:
        tokens_of: dict[str, tuple[str, ...]] = {}
        for ask in asks:
            tokens_of[ask.subject] = tuple(dict.fromkeys((*tokens_of.get(ask.subject, ()), *ask.tokens)))
        if self._stream is not None and tokens_of:
            self._stream.follow(tokens_of)
        polled = {}
        for event_id, tokens in tokens_of.items():
            record = self._streamed(event_id, tokens)
            if record is not None:
                yield record
            else:
                polled[event_id] = tokens
        for event_ids in _batches(polled):
            yield from self._books_of({event_id: polled[event_id] for event_id in event_ids})

    def _streamed(self, event_id: str, tokens: Sequence[str]) -> Record | None:
        """Return the books as the stream knows them; None where the poller must be asked."""
        polled_at = self._polled_at.get(event_id)
        if self._stream is None or polled_at is None or monotonic_seconds() - polled_at > RESYNC_SECONDS:
            return None
        now = self._clock.now()
        found = self._stream.books(event_id, tokens)
        return books_record(event_id, found.books, joined(found.raw), now, stream=True) if found is not None else None

    def _books_of(self, tokens_of: Mapping[str, Sequence[str]]) -> list[Record]:
        tokens = [token for listed in tokens_of.values() for token in listed]
        chunks = [tokens[i : i + TOKENS_PER_BOOKS] for i in range(0, len(tokens), TOKENS_PER_BOOKS)]
        answers = [self._clob.post(f"{self._clob_base}/books", [{"token_id": token} for token in chunk]) for chunk in chunks]
        received_at = answers[-1].received_at if answers else self._clock.now()
        try:
            for answer in answers:
                if answer.error is not None:
                    raise answer.error
            spans = read_books([answer.content for answer in answers])
        except SourceError as error:
            raw = b"\n".join(answer.content for answer in answers)
            return [failed(SOURCE, Kind.BOOKS, event_id, received_at, error, raw) for event_id in tokens_of]
        records = polled_records(spans, tokens_of, received_at)
        self._resync(records, spans, tokens_of)
        return records

    def _resync(self, records: Sequence[Record], spans: Spans, tokens_of: Mapping[str, Sequence[str]]) -> None:
        if self._stream is None:
            return
        for record in records:
            if record.error is None:
                self._stream.adopt(record.subject, _snapshots(spans, tokens_of[record.subject]))
                self._polled_at[record.subject] = monotonic_seconds()
                _trim(self._polled_at)

    def _prints(self, asks: Sequence[Ask]) -> Iterator[Record]:
        polled: list[str] = []
        for event_id in dict.fromkeys(ask.subject for ask in asks):
            if event_id not in self._markets:
                continue
            record = self._streamed_prints(event_id)
            if record is not None:
                yield record
            else:
                polled.append(event_id)
        yield from self._polled_prints(polled)

    def _outcomes(self, asks: Sequence[Ask]) -> Iterator[Record]:
        return self._listings.outcomes(list(dict.fromkeys(ask.subject for ask in asks)))

    def _learn(self, event_ids: Sequence[str]) -> Iterator[Record]:
        """Learn the markets of events that were not listed in this process; yield a failed record for each that is not known.

        Gamma answers, and is judged by it: what it says is nothing against the service of the trades.
        """
        event_ids = [event_id for event_id in event_ids if event_id not in self._markets]
        if not event_ids:
            return
        broken: dict[str, Record] = {}
        for record in self._gamma.judge(self._listings.by_slug(event_ids)):
            self._remember(record)
            if record.error is not None:
                broken[record.subject] = record
        self._gamma.forgive(Kind.EVENTS, [event_id for event_id in event_ids if event_id not in broken])
        for event_id in event_ids:
            if event_id in broken:
                yield replace(broken[event_id], kind=Kind.PRINTS)
            elif event_id not in self._markets:
                error = WireError(f"polymarket /events: {event_id} is not listed with its conditions; ask again later")
                yield failed(SOURCE, Kind.PRINTS, event_id, self._clock.now(), error)

    def _remember(self, record: Record) -> None:
        conditions: Mapping[str, str] = record.facts.get("conditions") or {}
        if record.error is None and conditions:
            columns = (record.rows[name].tolist() for name in ("market_id", "yes", "no"))
            rows = zip(*columns, strict=True)
            self._markets[record.subject] = tuple(Market(market, conditions[market], yes, no) for market, yes, no in rows)
            _trim(self._markets)

    def _streamed_prints(self, event_id: str) -> Record | None:
        markets = self._markets[event_id]
        tokens = [token for market in markets for token in (market.yes, market.no)]
        found = self._stream.prints(event_id, tokens) if self._stream is not None else None
        if found is None or not self._tape.is_enough(event_id, found.since):
            return None
        now = self._clock.now()
        trades, raw, faults = _trades_of(found, markets, now)
        new = self._tape.of_stream(event_id, trades, now)
        return prints_record(
            event_id, [trades[i] for i in new], joined(raw[i] for i in new), now, faults, stream=True
        )  # fmt: skip

    def _polled_prints(self, event_ids: Sequence[str]) -> Iterator[Record]:
        if event_ids and not self._data_base:
            error = SourceRefusedError("polymarket: trades have no address; set sources.polymarket_data.base_url")
            yield from (failed(SOURCE, Kind.PRINTS, event_id, self._clock.now(), error) for event_id in event_ids)
            return
        asked_at = self._clock.now()
        questions = [(event_id, query) for event_id in event_ids for query in self._trade_queries(event_id)]
        first = self._data.get_all(f"{self._data_base}/trades", [query for _, query in questions])
        answers: dict[str, list[tuple[Query, Answer]]] = {}
        for (event_id, query), answer in zip(questions, first, strict=True):
            answers.setdefault(event_id, []).append((query, answer))
        for event_id in answers:
            self._lines[event_id] = self._lines.pop(event_id, {})  # the last to be asked for is the last to go
        _trim(self._lines, 2 * len(answers))  # of events that are over nothing is kept
        for event_id, said in answers.items():
            yield self._prints_of(event_id, said, asked_at)

    def _trade_queries(self, event_id: str) -> Iterator[Query]:
        conditions = [market.condition for market in self._markets[event_id]]
        for i in range(0, len(conditions), MOST_CONDITIONS):
            chunk = ",".join(conditions[i : i + MOST_CONDITIONS])
            yield {"market": chunk, "limit": str(PAGE), "offset": "0", "takerOnly": "true"}

    def _prints_of(self, event_id: str, said: Sequence[tuple[Query, Answer]], asked_at: datetime) -> Record:
        pages: list[Page] = []
        received_at = asked_at
        try:
            for query, answer in said:
                for heard_at in self._trade_pages(event_id, query, answer, pages):
                    received_at = max(received_at, heard_at)
        except SourceError as error:
            # What a service says about a failure names nobody; an answer that is not understood may.
            raw = said[0][1].content if said[0][1].error is not None and said[0][1].status != 200 else b""
            record = failed(SOURCE, Kind.PRINTS, event_id, received_at, error, raw)
            if isinstance(error, WireError):
                self._data.refute(record)
            return record
        page = merged(pages)
        if page.odd and not page.trades:
            unread = WireError(
                f"polymarket /trades: not one of {len(page.odd)} can be read, {page.faults[0]}; the bytes are kept"
            )
            return failed(SOURCE, Kind.PRINTS, event_id, received_at, unread, joined(page.odd))
        new = self._tape.of_service(event_id, page, asked_at)
        raw = joined([*(page.kept[i] for i in new), *page.odd])
        return prints_record(event_id, [page.trades[i] for i in new], raw, received_at, page.faults)

    def _trade_pages(self, event_id: str, query: Query, first: Answer, pages: list[Page]) -> Iterator[datetime]:
        """Add what is needed of an event to `pages`; yield when each of them was received."""
        answer, known = first, self._lines.get(event_id, {})
        for number in range(1, MOST_PAGES + 1):
            yield answer.received_at
            if answer.error is not None:
                raise answer.error
            pages.append(parse_trades(answer.content, self._markets[event_id], answer.received_at, known))
            _trim(known, MOST_LINES)
            if number == MOST_PAGES or reaches_back(pages[-1], self._tape.told(event_id)):
                return
            answer = self._data.get(f"{self._data_base}/trades", {**query, "offset": str(number * PAGE)})


def _trades_of(found: Printed, markets: Sequence[Market], now: datetime) -> tuple[list[Trade], list[bytes], list[str]]:
    market_of = {token: market for market in markets for token in (market.yes, market.no)}
    trades: dict[Trade, bytes] = {}
    faults = []
    for each in found.prints:
        try:
            trade = traded(
                market_of[each.token], each.token, bought=each.bought, at=each.timestamp * 1_000, price=each.price,
                size=each.size, received_at=now,
            )  # fmt: skip
        except (ValueError, ArithmeticError) as error:
            faults.append(f"a trade of {each.token}: {error}")
            continue
        trades.setdefault(trade, each.raw)  # one that is told of both tokens is one
    return list(trades), list(trades.values()), faults


def _snapshots(spans: Spans, tokens: Sequence[str]) -> Iterator[Snapshot]:
    for token in tokens:
        for span, payload in spans.get(token, ())[:1]:
            stamp = str(payload.get("timestamp") or "")
            if stamp.isdecimal() and not parse_book(payload).faults:
                yield Snapshot(token, int(stamp), str(payload.get("hash") or ""), payload, span)


def _trim(remembered: dict[Any, Any], most: int = MOST_REMEMBERED) -> None:
    for name in list(remembered)[: max(0, len(remembered) - most)]:  # listings and prints remember at the same time
        remembered.pop(name, None)


def _batches(tokens_of: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    # Whole events per request, as one that fails takes its events with it.
    batch: list[str] = []
    size = 0
    for event_id, tokens in tokens_of.items():
        if batch and size + len(tokens) > TOKENS_PER_BOOKS:
            yield batch
            batch, size = [], 0
        batch.append(event_id)
        size += len(tokens)
    if batch:
        yield batch
