"""What Gamma lists: events of a series and day, whatever else is alive, and how events ended."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core.clock import Clock
from core.days import window_of
from core.errors import RuleError, SourceError, SourceRefusedError, WireError
from core.model.record import Ask, Kind, Record
from core.model.rule import DayWindow, SettlementRule
from core.registry import load_series, load_stations
from venues.http import Answer, Http, Query
from venues.polymarket.clob import parse_winner
from venues.polymarket.discovery import (
    DISCOVER,
    MOST_PAGES,
    PAGE,
    TAGS,
    is_not_yet,
    living_events,
    next_cursor,
    page_events,
    series_of,
)
from venues.polymarket.gamma import Words, event_day_of, event_slug, is_series, parse_event, told_again, words_of
from venues.polymarket.outcomes import parse_outcome, undecided
from venues.polymarket.rules import parse_rule
from venues.records import failed
from venues.sanity import refuse_repeated
from venues.spans import joined

SOURCE = "polymarket"
SLUGS = 20  # of one request
MOST_READ = 200  # events that are not read again while they say the same
_SUBJECT = re.compile(r"[A-Za-z0-9._-]+")  # becomes the name of a file


@dataclass(frozen=True, slots=True)
class Wanted:
    """An event by its series and day."""

    series: str
    day: date


@dataclass(frozen=True, slots=True)
class Found:
    """An event as it was listed."""

    wanted: Wanted
    raw: bytes
    event: Mapping[str, Any]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class _Said:
    raw: bytes
    event: Mapping[str, Any] | None
    answer: Answer
    error: SourceError | None = None


class Listings:
    """Gamma, asked for many slugs at once."""

    def __init__(self, gamma: Http, base: str, clob: Http, clob_base: str, clock: Clock) -> None:
        self._gamma, self._base, self._clob, self._clob_base, self._clock = gamma, base, clob, clob_base, clock
        self.words = rule_words()
        self._read: dict[str, tuple[object, Record]] = {}  # slug → what its record depends on, and the record
        self._lock = threading.Lock()
        self._page: tuple[Answer, list[tuple[bytes, dict[str, Any]]]] | None = None

    def events(self, asks: Sequence[Ask]) -> Iterator[Record]:
        """Yield a record per event found. None listed, or listed without the ids of its tokens yet, is no failure."""
        if any(ask.subject == DISCOVER for ask in asks):
            yield from self._discover()
        wanted: dict[Wanted, None] = {}
        for ask in asks:
            if is_series(ask.subject):
                wanted.update(dict.fromkeys(Wanted(ask.subject, day) for day in ask.days))
            elif ask.subject != DISCOVER:
                error = SourceRefusedError(f"polymarket: {ask.subject!r} is no series like highest-temperature-in-nyc")
                subject = ask.subject if _SUBJECT.fullmatch(ask.subject) else "unnamed"
                yield failed(SOURCE, Kind.EVENTS, subject, self._clock.now(), error)
        yield from self.listed(list(wanted))

    def listed(self, wanted: Sequence[Wanted]) -> Iterator[Record]:
        """Yield a record per event found, and one per series that could not be asked for."""
        found, failures = self.find(wanted)
        yield from failures
        for listing in found:
            if is_not_yet(listing.event):
                continue
            yield self._read_of(listing.wanted.series, listing.event, listing.raw, listing.received_at)

    def _read_of(self, asked_for: str, event: Mapping[str, Any], span: bytes, received_at: datetime) -> Record:
        """Return the record of an event, a failed one where it has no meaning: the others of its answer go on."""
        try:
            return self._parsed(event, span, received_at)
        except WireError as error:
            return failed(SOURCE, Kind.EVENTS, asked_for, received_at, error, joined([span]))

    def _parsed(self, event: Mapping[str, Any], span: bytes, received_at: datetime) -> Record:
        """Return the record of an event; one that says what it said before is not read again."""
        slug, words = slug_of(event), words_of(event)
        with self._lock:
            known = self._read.pop(slug, None)
        if known is None or known[0] != words or known[1].received_at.date() != received_at.date():
            known = words, parse_event(event, joined([span]), received_at, self.words)
        with self._lock:  # listings, trades and outcomes are asked for at the same time
            self._read[slug] = known
            while len(self._read) > MOST_READ:
                self._read.pop(next(iter(self._read)))
        return told_again(known[1], event, joined([span]), received_at)

    def _events_of(self, answer: Answer) -> list[tuple[bytes, dict[str, Any]]]:
        """Return the events of a page; its turning and its reading ask one after the other."""
        if self._page is None or self._page[0] is not answer:
            self._page = answer, page_events(answer.content)
        return self._page[1]

    def _n_events(self, answer: Answer) -> int:
        try:
            return len(self._events_of(answer))
        except WireError:
            return 0

    def find(self, wanted: Sequence[Wanted], **more: str) -> tuple[list[Found], list[Record]]:
        """Return what is listed, and a failed record for each series that could not be asked for."""
        found, failures = self._find({event_slug(each.series, each.day): each for each in wanted}, more)
        known = {listing.wanted for listing in found}
        tried = {record.subject for record in failures}
        # Up to February 2026 slugs had no year; such a slug is used again every year, so the day is checked.
        rest = [each for each in wanted if each not in known and each.series not in tried]
        for bare in _by_bare_slug(rest):
            again, failed_again = self._find(bare, more)
            found, failures = found + again, failures + failed_again
        return found, failures

    def _find(self, wanted: Mapping[str, Wanted], more: Mapping[str, str]) -> tuple[list[Found], list[Record]]:
        found: list[Found] = []
        failures: list[Record] = []
        for slugs, answer in self._by_slugs(list(wanted), more):
            try:
                if answer.error is not None:
                    raise answer.error
                parts = [part for part in _named(answer.content) if slug_of(part[1]) in slugs]
                refuse_repeated("polymarket /events: event", (slug_of(event) for _, event in parts))
            except SourceError as error:
                series = dict.fromkeys(wanted[slug].series for slug in slugs)
                failures += [failed(SOURCE, Kind.EVENTS, each, answer.received_at, error, answer.content) for each in series]
                continue
            for span, event in parts:
                each = wanted[slug_of(event)]
                if _is_of(event, each.day):
                    found.append(Found(each, span, event, answer.received_at))
        return found, failures

    def _by_slugs(self, slugs: Sequence[str], more: Mapping[str, str]) -> Iterator[tuple[Sequence[str], Answer]]:
        chunks = [slugs[i : i + SLUGS] for i in range(0, len(slugs), SLUGS)]
        queries: list[Query] = [{"slug": chunk, "limit": str(PAGE), **more} for chunk in chunks]
        return zip(chunks, self._gamma.get_all(f"{self._base}/events", queries), strict=True)

    def _discover(self) -> Iterator[Record]:
        """Yield living events of series that the registry does not know: the others are asked for by their names."""
        seen: set[str] = set()
        known = {each.series for each in load_series() if each.venue == SOURCE}
        for tag in TAGS:
            for answer in self._pages(tag):
                try:
                    if answer.error is not None:
                        raise answer.error
                    for span, event in living_events(self._events_of(answer), answer.received_at):
                        if slug_of(event) not in seen and series_of(event) not in known:
                            seen.add(slug_of(event))
                            yield self._read_of(DISCOVER, event, span, answer.received_at)
                except SourceError as error:
                    yield failed(SOURCE, Kind.EVENTS, DISCOVER, answer.received_at, error, answer.content)

    def _pages(self, tag: str) -> Iterator[Answer]:
        """Yield the pages of a tag by count, or by cursor where counting is refused."""
        query = {"tag_id": tag, "closed": "false", "limit": str(PAGE)}
        for page in range(MOST_PAGES):
            answer = self._gamma.get(f"{self._base}/events", {**query, "offset": str(page * PAGE)})
            if page == 0 and isinstance(answer.error, SourceRefusedError):
                yield from self._cursor_pages(query)
                return
            yield answer
            if answer.error is not None or self._n_events(answer) < PAGE:
                return

    def _cursor_pages(self, query: Mapping[str, str]) -> Iterator[Answer]:
        cursor = ""
        for _ in range(MOST_PAGES):
            more = {"after_cursor": cursor} if cursor else {}
            answer = self._gamma.get(f"{self._base}/events/keyset", {**query, **more})
            yield answer
            before, cursor = cursor, _cursor_of(answer)
            if not cursor or cursor == before:
                return

    def by_slug(self, event_ids: Sequence[str]) -> Iterator[Record]:
        """Yield the records of events that are listed, open or closed, by their ids; a failed one where the answer is none."""
        for slug, each in self._open_or_closed(event_ids).items():
            if each.error is not None:
                yield failed(SOURCE, Kind.EVENTS, slug, each.answer.received_at, each.error, each.raw)
            elif each.event is not None and not is_not_yet(each.event):
                try:
                    yield self._parsed(each.event, each.raw, each.answer.received_at)
                except WireError:
                    continue  # its own ask tells of it

    def outcomes(self, event_ids: Sequence[str]) -> Iterator[Record]:
        """Yield how each event ended, as far as is known."""
        said = self._open_or_closed(event_ids)
        for slug in event_ids:
            yield self._outcome(slug, said[slug])

    def _open_or_closed(self, slugs: Sequence[str]) -> dict[str, _Said]:
        """Return what is said of events: without `closed` only open ones are listed, a closed one is found by asking for it."""
        said = self._said_of(slugs, {})
        rest = [slug for slug, each in said.items() if each.event is None and each.error is None]
        return {**said, **self._said_of(rest, {"closed": "true"})}

    def _said_of(self, slugs: Sequence[str], more: Mapping[str, str]) -> dict[str, _Said]:
        said: dict[str, _Said] = {}
        for chunk, answer in self._by_slugs(slugs, more):
            try:
                if answer.error is not None:
                    raise answer.error
                listed = {slug_of(event): _Said(span, event, answer) for span, event in _named(answer.content)}
                said |= {slug: listed.get(slug, _Said(answer.content, None, answer)) for slug in chunk}
            except SourceError as error:
                said |= {slug: _Said(answer.content, None, answer, error) for slug in chunk}
        return said

    def _outcome(self, slug: str, said: _Said) -> Record:
        at = said.answer.received_at
        if said.event is None:
            why = said.error or WireError(f"polymarket /events: {slug} is listed neither open nor closed; ask again later")
            return failed(SOURCE, Kind.OUTCOMES, slug, at, why, said.raw)
        try:
            return parse_outcome(said.event, joined([said.raw]), at, self.clob_verdicts(said.event))
        except WireError as error:
            return failed(SOURCE, Kind.OUTCOMES, slug, at, error, joined([said.raw]))

    def clob_verdicts(self, event: Mapping[str, Any]) -> dict[str, bool | None]:
        """Return whether YES won, by condition id, of the closed markets that Gamma is not sure about."""
        verdicts: dict[str, bool | None] = {}
        for condition in undecided(event):
            answer = self._clob.get(f"{self._clob_base}/markets/{condition}")
            verdicts[condition] = parse_winner(answer.content) if answer.error is None else None
        return verdicts


def slug_of(event: Mapping[str, Any]) -> str:
    """Return the slug of an event, its id for us."""
    return str(event.get("slug") or "")


def _named(content: bytes) -> list[tuple[bytes, dict[str, Any]]]:
    """Return the events of a page that was asked for by name; WireError where one has none: it might be ours."""
    parts = page_events(content)
    if not all(isinstance(event.get("slug"), str) for _, event in parts):
        raise WireError("polymarket /events: an event has no slug, whose it is nobody knows; the bytes are kept")
    return parts


def _is_of(event: Mapping[str, Any], day: date) -> bool:
    try:
        return event_day_of(event) == day
    except WireError:
        return False


def _by_bare_slug(wanted: Iterable[Wanted]) -> Iterator[dict[str, Wanted]]:
    # Two years' events of one day have the same bare slug: they are asked for one after the other.
    rounds: list[dict[str, Wanted]] = []
    for each in wanted:
        slug = event_slug(each.series, each.day, with_year=False)
        place = next((known for known in rounds if slug not in known), None)
        if place is None:
            rounds.append(place := {})
        place[slug] = each
    yield from rounds


def _cursor_of(answer: Answer) -> str:
    try:
        return next_cursor(answer.content) if answer.error is None else ""
    except WireError:
        return ""


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
