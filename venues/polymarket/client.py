"""Polymarket, read only: listings and outcomes from Gamma, books from the CLOB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from requests.adapters import BaseAdapter

from core.clock import Clock
from core.days import window_of
from core.errors import RuleError, SourceError, WireError
from core.model.record import Ask, Kind, Record
from core.model.rule import DayWindow, Extreme, SettlementRule
from core.registry import load_stations
from core.settings import Settings
from venues.http import Answer, Health, Http
from venues.polymarket.clob import parse_books, parse_winner
from venues.polymarket.gamma import Words, event_day_of, event_slug, parse_event
from venues.polymarket.outcomes import parse_outcome, undecided
from venues.polymarket.rules import parse_rule
from venues.records import failed
from venues.spans import joined, json_elements

GAMMA, CLOB = "https://gamma-api.polymarket.com", "https://clob.polymarket.com"
GAMMA_PER_MINUTE, CLOB_PER_MINUTE = 1_500, 3_000  # half of what is published, the sliding window allowed for
TOKENS_PER_BOOKS = 100
EXTREMES = (Extreme.HIGH,)  # which events an EVENTS ask looks for
SOURCE = "polymarket"


class Polymarket:
    """Events of a city (subject: its slug token), books and outcomes of an event (subject: its slug)."""

    name = SOURCE
    gives = frozenset({Kind.EVENTS, Kind.BOOKS, Kind.OUTCOMES})

    def __init__(
        self, settings: Settings, clock: Clock, adapter: BaseAdapter | None = None, *, simulated: bool = False
    ) -> None:
        def http(name: str, most: int) -> Http:
            return Http(
                name, settings.source(name), clock, user_agent=settings.user_agent, adapter=adapter, simulated=simulated,
                most_per_minute=most,
            )  # fmt: skip

        self._gamma, self._clob = http("polymarket_gamma", GAMMA_PER_MINUTE), http("polymarket_clob", CLOB_PER_MINUTE)
        self._gamma_base = (settings.source("polymarket_gamma").base_url or GAMMA).rstrip("/")
        self._clob_base = (settings.source("polymarket_clob").base_url or CLOB).rstrip("/")
        self._words = rule_words()

    @property
    def health(self) -> Mapping[str, Health]:
        """Return what is known of both services."""
        return {"polymarket_gamma": self._gamma.health, "polymarket_clob": self._clob.health}

    def fetch(self, asks: Sequence[Ask]) -> Iterator[Record]:
        """Yield a record per event found, per books ask and per outcome ask; a failed one carries its error."""
        yield from self._events([ask for ask in asks if ask.kind is Kind.EVENTS])
        yield from self._books([ask for ask in asks if ask.kind is Kind.BOOKS])
        yield from self._outcomes([ask for ask in asks if ask.kind is Kind.OUTCOMES])

    def _events(self, asks: Sequence[Ask]) -> Iterator[Record]:
        wanted = list(dict.fromkeys((ask.subject, day, extreme) for ask in asks for day in ask.days for extreme in EXTREMES))
        listed = [_Listed(event_slug(city, day, extreme), day) for city, day, extreme in wanted]
        answers = self._by_slug([listing.slug for listing in listed])
        # Up to February 2026 slugs had no year; such a slug is used again every year, so the day is checked.
        again = [i for i, answer in enumerate(answers) if answer.error is None and not _holds(answer)]
        bare = [event_slug(city, day, extreme, with_year=False) for city, day, extreme in (wanted[i] for i in again)]
        for i, answer in zip(again, self._by_slug(bare), strict=True):
            if answer.error is None:
                answers[i] = answer
        for listing, answer in zip(listed, answers, strict=True):
            yield from self._event_records(listing, answer)

    def _event_records(self, listing: _Listed, answer: Answer) -> Iterator[Record]:
        if answer.error is not None:
            yield failed(SOURCE, Kind.EVENTS, listing.slug, answer.received_at, answer.error, answer.content)
            return
        try:
            for span, event in json_elements(answer.content, "polymarket /events"):
                if isinstance(event, dict) and event_day_of(event) == listing.day:
                    yield parse_event(event, joined([span]), answer.received_at, self._words)
        except WireError as error:
            yield failed(SOURCE, Kind.EVENTS, listing.slug, answer.received_at, error, answer.content)

    def _by_slug(self, slugs: Sequence[str], **more: str) -> list[Answer]:
        return self._gamma.get_all(f"{self._gamma_base}/events", [{"slug": slug, **more} for slug in slugs])

    def _books(self, asks: Sequence[Ask]) -> Iterator[Record]:
        tokens_of: dict[str, tuple[str, ...]] = {}
        for ask in asks:
            tokens_of[ask.subject] = tuple(dict.fromkeys((*tokens_of.get(ask.subject, ()), *ask.tokens)))
        for event_ids in _batches(tokens_of):
            yield from self._books_of({event_id: tokens_of[event_id] for event_id in event_ids})

    def _books_of(self, tokens_of: Mapping[str, Sequence[str]]) -> list[Record]:
        tokens = [token for listed in tokens_of.values() for token in listed]
        chunks = [tokens[i : i + TOKENS_PER_BOOKS] for i in range(0, len(tokens), TOKENS_PER_BOOKS)]
        answers = [self._clob.post(f"{self._clob_base}/books", [{"token_id": token} for token in chunk]) for chunk in chunks]
        received_at = answers[-1].received_at
        try:
            for answer in answers:
                if answer.error is not None:
                    raise answer.error
            return parse_books([answer.content for answer in answers], tokens_of, received_at)
        except SourceError as error:
            raw = b"\n".join(answer.content for answer in answers)
            return [failed(SOURCE, Kind.BOOKS, event_id, received_at, error, raw) for event_id in tokens_of]

    def _outcomes(self, asks: Sequence[Ask]) -> Iterator[Record]:
        slugs = list(dict.fromkeys(ask.subject for ask in asks))
        answers = self._by_slug(slugs)
        # Without `closed` only open events are listed; a closed one is found by asking for it.
        again = [i for i, answer in enumerate(answers) if answer.error is None and not _holds(answer)]
        for i, answer in zip(again, self._by_slug([slugs[i] for i in again], closed="true"), strict=True):
            answers[i] = answer
        for slug, answer in zip(slugs, answers, strict=True):
            yield self._outcome_record(slug, answer)

    def _outcome_record(self, slug: str, answer: Answer) -> Record:
        try:
            if answer.error is not None:
                return failed(SOURCE, Kind.OUTCOMES, slug, answer.received_at, answer.error, answer.content)
            found = [part for part in json_elements(answer.content, "polymarket /events") if _slug_of(part[1]) == slug]
            if not found:
                raise WireError(f"polymarket /events: {slug} is listed neither open nor closed; ask again later")
            span, event = found[0]
            return parse_outcome(event, joined([span]), answer.received_at, self._clob_verdicts(event))
        except WireError as error:
            return failed(SOURCE, Kind.OUTCOMES, slug, answer.received_at, error, answer.content)

    def _clob_verdicts(self, event: Mapping[str, Any]) -> dict[str, bool | None]:
        verdicts: dict[str, bool | None] = {}
        for condition in undecided(event):
            answer = self._clob.get(f"{self._clob_base}/markets/{condition}")
            verdicts[condition] = parse_winner(answer.content) if answer.error is None else None
        return verdicts


@dataclass(frozen=True, slots=True)
class _Listed:
    slug: str
    day: date


def _holds(answer: Answer) -> bool:
    return answer.content.strip() not in (b"", b"[]")


def _slug_of(event: Any) -> str:
    return str(event.get("slug")) if isinstance(event, dict) else ""


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


def rule_words() -> Words:
    """Return how an event's own words are read: the rule parser, and the committed tables for zone and city."""
    stations = load_stations()

    def rule(text: str, day: date, resolution_source: str) -> SettlementRule:
        return parse_rule(text, event_day=day, resolution_source=resolution_source)

    def start(found: SettlementRule, day: date) -> datetime:
        if found.station not in stations:
            raise RuleError(f"station {found.station} is not in stations.csv; add it before its events are traded")
        return window_of(DayWindow.CIVIL, stations[found.station].tz, day)[0]

    def city(found: SettlementRule) -> str:
        return stations[found.station].city if found.station in stations else ""

    return Words(rule, start, city)
