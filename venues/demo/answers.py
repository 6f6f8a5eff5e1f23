"""A request and its answer, the same whether they travel over a socket or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

import orjson

JSON = "application/json"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadRequest(Exception):
    """A parameter that the real service would refuse; caught where the answer is made."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What was asked for, and when by the world's clock."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: bytes
    at: int  # milliseconds since 1970
    headers: tuple[tuple[str, str], ...] = ()  # names in small letters

    @property
    def second(self) -> int:
        """Return the instant in whole seconds."""
        return self.at // 1000

    def one(self, name: str, default: str = "") -> str:
        """Return the last value of a parameter."""
        return next((value for key, value in reversed(self.query) if key == name), default)

    def all(self, name: str) -> list[str]:
        """Return all values of a parameter; comma lists count as several."""
        return [part.strip() for key, value in self.query if key == name for part in value.split(",") if part.strip()]

    def header(self, name: str) -> str:
        """Return a header's value; empty if it was not sent."""
        return next((value for key, value in self.headers if key == name), "")

    def number(self, name: str, default: float) -> float:
        """Return a parameter as a number; BadRequest if it is none."""
        text = self.one(name)
        try:
            return float(text) if text else default
        except ValueError:
            raise BadRequest(f"{name} must be a number, not {text!r}") from None


class Carriage(StrEnum):
    """How an answer travels; whoever carries it does what the name says."""

    WHOLE = "whole"
    HANG = "hang"  # nothing is ever said
    DRIP = "drip"  # so slowly that nobody waits for the end
    CUT_OFF = "cut off"  # the connection ends before the body does


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, kind and bytes, and what else is sent."""

    status: int
    body: bytes
    kind: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    carriage: Carriage = Carriage.WHOLE


Room = Callable[[Ask], Answer]  # answers a request of one service


def reply(content: object, status: int = 200) -> Answer:
    """Return an answer with JSON."""
    return Answer(status, orjson.dumps(content))


def lasting_json(content: object) -> bytes:
    """Return JSON that is kept: orjson leaves its working space, five times the text, at the end of what it returns."""
    return bytes(memoryview(orjson.dumps(content)))


def read_ask(method: str, target: str, body: bytes, at: int, headers: Mapping[str, str] | None = None) -> Ask:
    """Return the request of a target as it stands in the request line."""
    parts = urlsplit(target)
    named = tuple((name.lower(), value) for name, value in (headers or {}).items())
    return Ask(method, parts.path, tuple(parse_qsl(parts.query, keep_blank_values=True)), body, at, named)


def milliseconds(text: str) -> int:
    """Return the instant of an ISO-8601 text with zone, in whole milliseconds; BadRequest if it is none."""
    try:
        at = datetime.fromisoformat(text)
        span = at - _EPOCH
    except (ValueError, TypeError):
        raise BadRequest(f"not an instant with a time zone: {text!r}") from None
    return (span.days * 86_400 + span.seconds) * 1000 + span.microseconds // 1000


def iso(at: int, *, digits: int = 3) -> str:
    """Return an instant of milliseconds as ISO-8601 with Z and 0, 3 or 6 digits; six are made up from the instant itself."""
    head = datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    if digits == 0:
        return f"{head}Z"
    return f"{head}.{at % 1000:03d}Z" if digits == 3 else f"{head}.{at % 1000:03d}{at // 1000 * 389 % 1000:03d}Z"
