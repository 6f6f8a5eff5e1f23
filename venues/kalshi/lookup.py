"""One event by its ticker, from the live tier or, once it is archived, from the historical one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from core.errors import SourceError, WireError
from venues.http import Answer
from venues.kalshi.pages import NOT_FOUND, Paged, Pages
from venues.kalshi.wire import members
from venues.spans import joined

MARKETS_PER_PAGE = "1000"


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of one event: None where it is not listed, or where `error` says why it was not learned."""

    event: Mapping[str, Any] | None
    raw: bytes
    received_at: datetime
    error: SourceError | None = None

    def listed(self, event_id: str) -> Mapping[str, Any]:
        """Return the event with its markets; the error where there is none."""
        if self.error is not None:
            raise self.error
        if self.event is None:
            raise WireError(f"kalshi /events: {event_id} is not listed, neither live nor archived; ask again later")
        return self.event


def events_of(pages: Pages, event_ids: Sequence[str]) -> list[Found]:
    """Return what is known of each event. An archived one is still listed, but without its markets."""
    answers = pages.each([(f"/events/{quote(name, safe='')}", {"with_nested_markets": "true"}) for name in event_ids])
    found = [_found(answer, name) for name, answer in zip(event_ids, answers, strict=True)]
    bare = [i for i, each in enumerate(found) if each.error is None and not (each.event or {}).get("markets")]
    archived = archived_markets(pages, [event_ids[i] for i in bare])
    for i, markets in zip(bare, archived, strict=True):
        found[i] = _with_markets(found[i], event_ids[i], markets)
    return found


def archived_markets(pages: Pages, event_ids: Sequence[str]) -> list[Paged]:
    """Return the markets of each event that the historical tier holds."""
    queries = [{"event_ticker": name, "limit": MARKETS_PER_PAGE} for name in event_ids]
    return pages.lists("/historical/markets", "markets", queries)


def _found(answer: Answer, event_id: str) -> Found:
    if answer.status == NOT_FOUND:
        return Found(None, b"", answer.received_at)
    if answer.error is not None:
        return Found(None, answer.content, answer.received_at, answer.error)
    try:
        said = members(answer.content, "/events")
        event = said["event"][1] if "event" in said else None
        if not isinstance(event, dict) or event.get("event_ticker") != event_id:
            raise WireError(f"kalshi /events: the answer is not about {event_id}; the bytes are kept")
        # Without the nesting that was asked for, the markets stand beside the event.
        markets = event.get("markets") or said.get("markets", (b"", None))[1] or []
        return Found({**event, "markets": markets}, answer.content, answer.received_at)
    except WireError as error:
        return Found(None, answer.content, answer.received_at, error)


def _with_markets(found: Found, event_id: str, markets: Paged) -> Found:
    if markets.error is not None:
        return replace(found, raw=markets.raw, received_at=markets.received_at, error=markets.error)
    if not markets.elements:
        return replace(found, event=None, received_at=markets.received_at)
    listed = [market for _, market in markets.elements]
    if any(market.get("event_ticker") != event_id for market in listed):
        error = WireError(f"kalshi /historical/markets: the answer is not about {event_id}; the bytes are kept")
        return replace(found, raw=joined(span for span, _ in markets.elements), error=error)
    head = {key: value for key, value in (found.event or {}).items() if key != "markets"}
    text = json.dumps({**head, "event_ticker": event_id}, ensure_ascii=False).encode("utf-8")
    raw = text[:-1] + b',"markets":' + joined(span for span, _ in markets.elements) + b"}"
    return Found({**head, "event_ticker": event_id, "markets": listed}, raw, markets.received_at)
