"""What all answers of Kalshi share: objects with one list and a cursor, numbers as text, instants in ISO-8601."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.errors import WireError
from core.units import parse_iso
from venues.spans import json_elements, json_members

SOURCE = "kalshi"
DECODER = 1
CENT_MICRO = 10_000
YES, NO = ":YES", ":NO"


@dataclass(frozen=True, slots=True)
class Page:
    """The elements of one answer with their very bytes; `cursor` leads to the next one, "" ends."""

    elements: tuple[tuple[bytes, Mapping[str, Any]], ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class Cutoff:
    """What was settled or traded before these instants is in the historical tier only."""

    settled: datetime
    traded: datetime


def members(raw: bytes, what: str) -> dict[str, tuple[bytes, Any]]:
    """Return (bytes, value) of each member of a JSON object; WireError when it is none, or names one twice."""
    found: dict[str, tuple[bytes, Any]] = {}
    try:
        for key, span, value in json_members(raw.decode("utf-8")):
            if key in found:
                raise ValueError(f"{key!r} stands twice")
            found[key] = span.encode("utf-8"), value
    except (ValueError, IndexError, RecursionError) as error:
        raise WireError(f"kalshi {what}: the answer is not a JSON object ({error}); the bytes are kept") from error
    return found


def parse_page(raw: bytes, key: str, what: str) -> Page:
    """Return the list of an answer; an absent or null one is empty, an answer of another shape is a WireError."""
    found = members(raw, what)
    if key not in found and "error" in found:
        raise WireError(f"kalshi {what}: it says {str(found['error'][1])[:120]}; the bytes are kept")
    if key not in found:
        raise WireError(f"kalshi {what}: there is no {key!r} in the answer; the bytes are kept")
    span, listed = found[key]
    elements = tuple(json_elements(span, f"kalshi {what}")) if listed is not None else ()
    if any(not isinstance(element, dict) for _, element in elements):
        raise WireError(f"kalshi {what}: an element of {key!r} is no object; the bytes are kept")
    cursor = found.get("cursor", (b"", ""))[1]
    return Page(elements, cursor if isinstance(cursor, str) else "")


def parse_cutoff(raw: bytes) -> Cutoff:
    """Return from when on the live tier answers."""
    found = members(raw, "/historical/cutoff")
    try:
        return Cutoff(*(parse_iso(found[key][1]) for key in ("market_settled_ts", "trades_created_ts")))
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"kalshi /historical/cutoff: unexpected shape ({error!r}); the bytes are kept") from error
