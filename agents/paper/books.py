"""The recorded books around an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from agents.paper.queue import Shown
from core.model.record import Kind
from core.store.archive import View
from core.units import Columns, instant


@dataclass(frozen=True, slots=True)
class Book:
    """One record of an event: when it came, its levels, and what it says of its tokens."""

    received_at: int
    rows: Columns
    tokens: Mapping[str, object]

    def terms(self, token: str) -> Mapping[str, int]:
        """Return what it says of a token."""
        terms = self.tokens.get(token)
        return terms if isinstance(terms, Mapping) else {}

    def best(self, token: str, side: str) -> int | None:
        """Return the best price of one side; None: nobody is there."""
        price = np.asarray(self.rows["price_micro"][_mine(self.rows, token, side)], np.int64)
        if not len(price):
            return None
        return int(price.min() if side == "ask" else price.max())


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when a book answers an order, as far as it is known at `at`."""

    oldest: int
    placed_at: int
    last: int  # latest receipt that may fill
    at: int

    @property
    def until(self) -> int:
        return min(self.at, self.last)


def book_in(view: View, event_id: str, window: Window) -> Book | None:
    """Return the newest book around the moment of an order.

    A book of before counts while it is young enough; an order that is asked about late needs one of after.
    """
    read = view.newest if window.until == int(view.instants[-1]) else view.stack
    stack = read(Kind.BOOKS, event_id, instant(window.oldest))
    index = int(stack.newest(np.array([window.until]))[0])
    if index < 0:
        return None
    received = int(stack.received_at[index])
    if window.at > window.last and received < window.placed_at:
        return None
    return Book(received, stack.rows(index), stack.facts[index]["tokens"])


def failed_at(view: View, event_id: str, window: Window, book: Book | None = None) -> int | None:
    """Return when the newest question about the books of an event failed; None where it was answered, or none was asked.

    `book` is the newest answer, from whoever has it already.
    """
    asked = view.asked(Kind.BOOKS, event_id, instant(window.oldest))
    place = int(np.searchsorted(asked, window.until, "right")) - 1
    if place < 0 or (book is not None and int(asked[place]) <= book.received_at):
        return None
    read = view.newest if window.until == int(view.instants[-1]) else view.stack
    answers = read(Kind.BOOKS, event_id, instant(window.oldest)).received_at
    answered = int(np.searchsorted(answers, window.until, "right")) - 1
    return None if answered >= 0 and int(answers[answered]) >= int(asked[place]) else int(asked[place])


def shown_at(view: View, event_id: str, token: str, price: int, side: str, window: Window) -> tuple[int, list[Shown]]:
    """Return the size ahead of an order that joins a price, and what every book displayed there since it joined.

    It joins with the last book before it or, where one was recorded right after it, with that one: what came in between
    is taken to stand ahead.
    """
    stack = view.stack(Kind.BOOKS, event_id, instant(window.oldest))
    before = int(np.searchsorted(stack.received_at, window.placed_at, "right")) - 1
    after = before + 1
    sizes = [_displayed(stack.rows(i), token, price, side) for i in range(max(before, 0), len(stack))]
    shown = [Shown(int(stack.received_at[i]), size) for i, size in zip(range(max(before, 0), len(stack)), sizes, strict=True)]
    if before < 0:
        return (shown[0].size_micro if shown else 0), shown
    joins = after < len(stack) and int(stack.received_at[after]) <= window.last
    first = Shown(window.placed_at, shown[0].size_micro)
    if not joins:
        return first.size_micro, [first, *shown[1:]]
    return max(shown[0].size_micro, shown[1].size_micro), shown[1:]


def _displayed(rows: Columns, token: str, price: int, side: str) -> int:
    at_price = _mine(rows, token, side) & np.asarray(rows["price_micro"] == price)
    return int(np.asarray(rows["size_micro"][at_price], np.int64).sum())


def _mine(rows: Columns, token: str, side: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray((rows["token"] == token) & (rows["side"] == side))
