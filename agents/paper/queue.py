"""The place of a resting order in the queue at its price, and what reaches it there.

It stands behind all that was shown when it came. A print at the price first serves who stood ahead, then us; a print
through the price has emptied the queue, and serves us with its own size and no more. What vanished from the book without
a print was taken back by somebody: half of it, pro rata, is taken to have stood ahead. A mere touch fills nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from agents.prints import Print

CREDIT = 2  # one part in so many of what was taken back is counted as having stood ahead


class Shown(NamedTuple):
    """The size that a recorded book displayed at our price and side."""

    at: int
    size_micro: int


class Reached(NamedTuple):
    """What has come to an order: its whole filled size, how much was on offer to it, and the last print that filled it."""

    filled_micro: int
    offered_micro: int
    at: int


@dataclass(slots=True)
class Queue:
    """One order at one price while its time passes."""

    ahead: int
    shown: int
    left: int
    traded: int = 0  # printed at the price since the last book
    filled: int = 0
    offered: int = 0
    last: int = 0

    def print_at(self, each: Print) -> None:
        """Serve who stands ahead, then us."""
        served = min(self.ahead, each.size_micro)
        self.ahead -= served
        self.traded += each.size_micro
        self._serve(each, each.size_micro - served)

    def print_through(self, each: Print) -> None:
        """Everyone ahead is gone."""
        self.ahead = 0
        self._serve(each, each.size_micro)

    def show(self, size: int) -> None:
        """Credit what vanished without a print."""
        expected = max(self.shown - self.traded, 0)
        gone = max(expected - size, 0)
        if gone:
            self.ahead -= gone * min(self.ahead, expected) // expected // CREDIT
        self.shown, self.traded = size, 0

    def _serve(self, each: Print, size: int) -> None:
        taken = min(self.left, size)
        if taken:
            self.left -= taken
            self.filled += taken
            self.offered += size
            self.last = each.valid_at


def reached(
    size: int, limit: int, ahead: int, books: Sequence[Shown], prints: Iterable[Print], *, buys: bool, until: int
) -> Reached:
    """Return what has come to an order that stands behind `ahead` since the first of `books`, up to `until`.

    `prints` are those whose takers did the opposite of what the order does, later than the first book, oldest first.
    """
    queue = Queue(ahead, books[0].size_micro, size)
    later = iter(books[1:])
    book = next(later, None)
    for each in prints:
        if each.valid_at > until:
            break
        while book is not None and book.at < each.valid_at:
            queue.show(book.size_micro)
            book = next(later, None)
        if each.price_micro == limit:
            queue.print_at(each)
        elif (each.price_micro < limit) == buys:
            queue.print_through(each)
    return Reached(queue.filled, queue.offered, queue.last)
