"""Kalshi, read only: events of a series, books and trades by market, settled values, and what has been."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from requests.adapters import BaseAdapter

from core.clock import Clock
from core.errors import SourceError, WireError
from core.model.record import Ask, Kind, Record
from core.settings import Settings
from venues.http import Answer, Health, Http
from venues.kalshi.books import parse_books
from venues.kalshi.events import Terms, event_ticker, markets_of, parse_event
from venues.kalshi.fees import series_fees
from venues.kalshi.lookup import events_of
from venues.kalshi.outcomes import parse_outcome
from venues.kalshi.pages import NOT_FOUND, Paged, Pages
from venues.kalshi.past import past_of
from venues.kalshi.prints import Heard
from venues.kalshi.wire import NO, SOURCE, YES, members
from venues.records import failed

TRADE_API = "https://api.elections.kalshi.com/trade-api/v2"
PER_MINUTE = 600  # 20 reads a second are allowed
TICKERS_PER_BOOKS = 100
EVENTS_PER_PAGE = 200
TERMS_HOLD = timedelta(days=1)  # after which a series is asked anew what it charges


class Kalshi:
    """Events of a series (subject: its ticker); books, trades and outcomes of an event (subject: its ticker)."""

    name = SOURCE
    gives = frozenset({Kind.EVENTS, Kind.BOOKS, Kind.PRINTS, Kind.OUTCOMES})
    gives_past = frozenset({Kind.EVENTS})

    def __init__(
        self, settings: Settings, clock: Clock, adapter: BaseAdapter | None = None, *, simulated: bool = False
    ) -> None:
        self._http = Http.of(SOURCE, settings, clock, adapter, simulated=simulated, most_per_minute=PER_MINUTE)
        self._pages = Pages(self._http, settings.address(SOURCE, TRADE_API))
        self._clock = clock
        self._terms: dict[str, tuple[datetime, Terms]] = {}
        self._heard = Heard(self._pages)

    @property
    def health(self) -> Mapping[str, Health]:
        """Return what is known of the service."""
        return {SOURCE: self._http.health}

    def fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        """Yield a record per event found, and one per books, prints and outcome ask; a failed one carries its error."""
        yield from self._http.judge(self._fetch(asks))

    def _fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        yield from self._events([ask for ask in asks if ask.kind is Kind.EVENTS])
        yield from self._books([ask for ask in asks if ask.kind is Kind.BOOKS])
        yield from self._prints([ask for ask in asks if ask.kind is Kind.PRINTS])
        yield from self._outcomes([ask for ask in asks if ask.kind is Kind.OUTCOMES])

    def past(self, ask: Ask) -> Iterator[Record]:
        """Yield listings, outcomes and prints of the settled events of a series, each as it could have been known."""
        if ask.kind not in self.gives_past or not ask.days:
            return
        terms = self._terms_of([ask.subject])[ask.subject]
        if isinstance(terms, SourceError):
            yield failed(SOURCE, Kind.EVENTS, ask.subject, self._clock.now(), terms)
            return
        yield from past_of(self._pages, ask, terms)

    def _events(self, asks: Sequence[Ask]) -> Iterator[Record]:
        days: dict[str, set[date | None]] = {}
        for ask in asks:
            days.setdefault(ask.subject, set()).update(ask.days or (None,))
        query = {"status": "open", "with_nested_markets": "true", "limit": str(EVENTS_PER_PAGE)}
        listed = self._pages.lists("/events", "events", [{"series_ticker": series, **query} for series in days])
        found = dict(zip(days, listed, strict=True))
        terms = self._terms_of([series for series, paged in found.items() if paged.elements])
        for series, paged in found.items():
            yield from _event_records(series, paged, days[series], terms.get(series, Terms()))

    def _terms_of(self, wanted: Sequence[str]) -> dict[str, Terms | SourceError]:
        """Return what each series charges, remembered for a day; why where that could not be learned."""
        now = self._clock.now()
        due = [series for series in wanted if series not in self._terms or self._terms[series][0] <= now - TERMS_HOLD]
        answers = self._pages.each([(f"/series/{quote(series, safe='')}", {}) for series in due])
        said: dict[str, Terms | SourceError] = {series: _terms(answer) for series, answer in zip(due, answers, strict=True)}
        for series, terms in said.items():
            if isinstance(terms, Terms):
                self._terms[series] = now, terms
        return {series: self._terms[series][1] if series in self._terms else said[series] for series in wanted}

    def _books(self, asks: Sequence[Ask]) -> Iterator[Record]:
        tickers_of: dict[str, dict[str, None]] = {}
        for ask in asks:
            try:
                tickers_of.setdefault(ask.subject, {}).update(dict.fromkeys(tickers_asked(ask, needed=True)))
            except WireError as error:
                yield failed(SOURCE, Kind.BOOKS, ask.subject, self._clock.now(), error)
        batches = list(_batches({event_id: tuple(tickers) for event_id, tickers in tickers_of.items() if tickers}))
        # One parameter per ticker: several in one are taken for a single market.
        queries = [{"tickers": [ticker for tickers in batch.values() for ticker in tickers]} for batch in batches]
        answers = self._pages.each([("/markets/orderbooks", query) for query in queries])
        for batch, answer in zip(batches, answers, strict=True):
            yield from _book_records(batch, answer)

    def _prints(self, asks: Sequence[Ask]) -> Iterator[Record]:
        for ask in asks:
            now = self._clock.now()
            try:
                yield self._heard.prints(ask.subject, tickers_asked(ask) or self._tickers(ask.subject), now)
            except SourceError as error:
                yield failed(SOURCE, Kind.PRINTS, ask.subject, now, error)

    def _tickers(self, event_id: str) -> tuple[str, ...]:
        (found,) = events_of(self._pages, [event_id])
        return tuple(str(market["ticker"]) for market in markets_of(found.listed(event_id)))

    def _outcomes(self, asks: Sequence[Ask]) -> Iterator[Record]:
        wanted = list(dict.fromkeys(ask.subject for ask in asks))
        for event_id, found in zip(wanted, events_of(self._pages, wanted), strict=True):
            try:
                yield parse_outcome(found.listed(event_id), found.raw, found.received_at)
            except SourceError as error:
                yield failed(SOURCE, Kind.OUTCOMES, event_id, found.received_at, error, found.raw)


def tickers_asked(ask: Ask, *, needed: bool = False) -> tuple[str, ...]:
    """Return the markets of the tokens of an ask, or of the markets named; WireError for what is none of ours."""
    for token in ask.tokens:
        if not token.endswith((YES, NO)) and not token.startswith(f"{ask.subject}-"):
            raise WireError(f"kalshi: {token!r} is no token of {ask.subject}; a market's ticker with {YES} or {NO} is")
    if needed and not ask.tokens:
        raise WireError(f"kalshi: no token of {ask.subject} was named; its books cannot be asked for")
    return tuple(dict.fromkeys(token.removesuffix(YES).removesuffix(NO) for token in ask.tokens))


def _terms(answer: Answer) -> Terms | SourceError:
    """Return what a series charges: the standard fee where it is not listed, a refusal where its fee is not understood."""
    if answer.status == NOT_FOUND:
        return Terms()
    if answer.error is not None:
        return answer.error
    try:
        series = members(answer.content, "/series").get("series", (b"", None))[1]
        if not isinstance(series, dict):
            raise WireError("kalshi /series: the answer holds no series; its fee is not known")
    except WireError as error:
        return error
    try:
        return Terms(series_fees(series))
    except WireError as error:
        return Terms(refusal=str(error))


def _event_records(series: str, paged: Paged, days: set[date | None], terms: Terms | SourceError) -> Iterator[Record]:
    """Yield a record per event of the days asked for; one that has no meaning does not take the others with it."""
    if paged.error is not None:
        yield failed(SOURCE, Kind.EVENTS, series, paged.received_at, paged.error, paged.raw)
    seen: dict[str, bytes] = {}
    for span, event in paged.elements:
        try:
            named = event_ticker(event)
            event_id = str(event["event_ticker"])
            if named.series != series:
                raise WireError(f"kalshi /events: {event_id} was not asked for, {series} was; the bytes are kept")
            if seen.setdefault(event_id, span) is not span:
                if seen[event_id] == span:
                    continue  # pages overlap while the list grows
                raise WireError(f"kalshi /events: {event_id} stands twice and differs; the first holds, the bytes are kept")
            if None not in days and named.event_day not in days:
                continue
            if isinstance(terms, SourceError):
                raise terms
            yield parse_event(event, span, paged.received_at, overridden(event, terms))
        except SourceError as error:
            yield failed(SOURCE, Kind.EVENTS, series, paged.received_at, error, span)


def overridden(event: Mapping[str, Any], terms: Terms) -> Terms:
    """Return the terms of an event that names its own fee, else those of its series."""
    kind, multiplier = event.get("fee_type_override"), event.get("fee_multiplier_override")
    if kind is None and multiplier is None:
        return terms
    own = {"ticker": event.get("event_ticker"), "fee_type": kind, "fee_multiplier": 1 if multiplier is None else multiplier}
    try:
        return Terms(series_fees(own))
    except WireError as error:
        return Terms(refusal=str(error))


def _book_records(batch: Mapping[str, Sequence[str]], answer: Answer) -> list[Record]:
    content = b'{"orderbooks":[]}' if answer.status == NOT_FOUND else answer.content
    try:
        if answer.error is not None and answer.status != NOT_FOUND:
            raise answer.error
        return parse_books(content, batch, answer.received_at)
    except SourceError as error:
        return [failed(SOURCE, Kind.BOOKS, event_id, answer.received_at, error, answer.content) for event_id in batch]


def _batches(tickers_of: Mapping[str, Sequence[str]]) -> Iterator[dict[str, Sequence[str]]]:
    # Whole events per request, as one that fails takes its events with it.
    batch: dict[str, Sequence[str]] = {}
    for event_id, tickers in tickers_of.items():
        if batch and sum(map(len, batch.values())) + len(tickers) > TICKERS_PER_BOOKS:
            yield batch
            batch = {}
        batch[event_id] = tickers
    if batch:
        yield batch
