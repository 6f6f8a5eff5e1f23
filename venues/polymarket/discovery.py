"""Which listings are alive: `active=true&closed=false` is no proof of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from core.errors import WireError
from venues.polymarket.gamma import event_day_of, is_open, is_series, json_list, markets_of
from venues.sanity import instant_of
from venues.spans import json_elements, json_value

DISCOVER = "discover"  # the subject of an ask for whatever is listed, known series or not
TAGS = ("104596", "103040")  # highest-temperature; daily-temperature, which holds the lows too
PAGE, MOST_PAGES = 100, 20  # more is cut silently; offsets beyond 2,000 are refused


def page_events(content: bytes) -> list[tuple[bytes, dict[str, Any]]]:
    """Return bytes and value of each event of a page: an array, or `{"events": [...], "next_cursor": ...}`."""
    if content.lstrip().startswith(b"{"):
        content = _events_span(content)
    return [(span, event) for span, event in json_elements(content, "polymarket /events") if isinstance(event, dict)]


def next_cursor(content: bytes) -> str:
    """Return where the next page starts; "" after the last one and for pages that are counted."""
    if not content.lstrip().startswith(b"{"):
        return ""
    try:
        return str(json_value(content).get("next_cursor") or "")
    except ValueError as error:
        raise WireError(f"polymarket /events: the page is no JSON ({error}); the bytes are kept") from error


def series_of(event: Mapping[str, Any]) -> str:
    """Return the series an event belongs to by its slug; "" when it is about something else."""
    series = str(event.get("slug") or "").rpartition("-on-")[0]
    return series if is_series(series) else ""


def is_not_yet(event: Mapping[str, Any]) -> bool:
    """Return whether an open event waits for the ids of a market: minutes after its creation, later a ghost."""
    try:
        return is_open(event) and any(_lacks_ids(market) for market in markets_of(event))
    except WireError:
        return False  # what they are is not understood: refused aloud


def why_not_alive(event: Mapping[str, Any], now: datetime) -> str:
    """Return why a listing is no living weather event; "" for one that is."""
    yesterday = now.date() - timedelta(days=1)
    if not series_of(event):
        return "it is about something else"
    if not is_open(event) or not event.get("markets"):
        return "it is closed or empty"
    try:
        day = event_day_of(event)
    except WireError:
        return "it names no day"
    if day < yesterday:
        return f"its day {day} is over, though it is called active"
    if (end := instant_of(event.get("endDate"))) is None or not _is_near(end.date(), day):
        return f"its endDate {event.get('endDate')} is not of its day {day}"
    if is_not_yet(event):
        return "it has no condition or tokens (yet)"
    try:
        accepts = any(is_open(market) and market.get("acceptingOrders") is True for market in markets_of(event))
    except WireError:
        return ""  # it may be alive, and is refused aloud
    return "" if accepts else "it accepts no orders"


def living_events(parts: Iterable[tuple[bytes, dict[str, Any]]], now: datetime) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Yield the events of a page that are alive."""
    return (part for part in parts if not why_not_alive(part[1], now))


def _is_near(end: date, day: date) -> bool:
    return abs(end - day) <= timedelta(days=1)


def _lacks_ids(market: Mapping[str, Any]) -> bool:
    listed = market.get("clobTokenIds")
    if "clobTokenIds" not in market and market.get("conditionId") and market.get("acceptingOrders") is True:
        return False  # who takes orders has tokens: the field was renamed, and that is refused aloud
    try:
        tokens = json_list(listed, "clobTokenIds") if listed else []
    except WireError:
        return False  # it has something that is not understood: refused aloud
    return not market.get("conditionId") or not tokens or not all(tokens)


def _events_span(content: bytes) -> bytes:
    try:
        text = content.decode("utf-8")
        listed = json_value(text)["events"]
        if not isinstance(listed, list):
            raise TypeError(f"events is {type(listed).__name__}")
        start = text.index("[", text.index('"events"'))
        end = json.JSONDecoder().raw_decode(text, start)[1]
    except (ValueError, KeyError, TypeError) as error:
        raise WireError(f"polymarket /events: the page has no list of events ({error!r}); the bytes are kept") from error
    return text[start:end].encode("utf-8")
