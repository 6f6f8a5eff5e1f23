"""Questions to Kalshi: pages followed by their cursor, several questions a few at once, 404 as nothing found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.errors import SourceError, WireError
from venues.http import Answer, Http, Query
from venues.kalshi.wire import Page, parse_page

MOST_PAGES = 60
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Paged:
    """All elements of a list with their bytes; after a failure those that came before it, why, and what came instead."""

    elements: tuple[tuple[bytes, Mapping[str, Any]], ...]
    received_at: datetime
    error: SourceError | None = None
    raw: bytes = b""


class Pages:
    """The lists of one service."""

    def __init__(self, http: Http, base: str) -> None:
        self._http, self._base = http, base

    def each(self, questions: Sequence[tuple[str, Query]]) -> list[Answer]:
        """Return one answer per (path, query)."""
        return self._http.get_each([(self._base + path, query) for path, query in questions])

    def lists(self, path: str, key: str, queries: Sequence[Query]) -> list[Paged]:
        """Return the whole list `key` of each query."""
        return self.lists_of(key, [(path, query) for query in queries])

    def lists_of(self, key: str, questions: Sequence[tuple[str, Query]]) -> list[Paged]:
        """Return the whole list `key` of each (path, query)."""
        firsts = self.each(questions)
        return [self._followed(path, key, query, answer) for (path, query), answer in zip(questions, firsts, strict=True)]

    def _followed(self, path: str, key: str, query: Query, answer: Answer) -> Paged:
        found: list[tuple[bytes, Mapping[str, Any]]] = []
        seen: set[str] = set()
        while True:
            try:
                page = page_of(answer, key, path)
                found += page.elements
                if not page.cursor or not page.elements:
                    return Paged(tuple(found), answer.received_at)
                if page.cursor in seen or len(seen) == MOST_PAGES:
                    raise WireError(f"kalshi {path}: its pages do not end ({len(seen) + 1} so far); the bytes are kept")
            except SourceError as error:
                return Paged(tuple(found), answer.received_at, error, answer.content)
            seen.add(page.cursor)
            answer = self._http.get(self._base + path, {**query, "cursor": page.cursor})


def page_of(answer: Answer, key: str, what: str) -> Page:
    """Return the page that an answer holds, an empty one where nothing is found; the error where there is one."""
    if answer.status == NOT_FOUND:
        return Page((), "")
    if answer.error is not None:
        raise answer.error
    return parse_page(answer.content, key, what)
