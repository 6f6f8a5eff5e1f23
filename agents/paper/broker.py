"""The paper broker and one look of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from agents.market_rules import Grid, grid_of, pausing
from agents.paper.books import Book, Window, book_in, failed_at, shown_at
from agents.paper.depth import Depths
from agents.paper.listed import Listed, Listings
from agents.paper.order import Order, order_of
from agents.paper.queue import reached
from agents.paper.words import Words
from agents.prints import prints_of
from core.model.account import Account
from core.model.event import Instrument
from core.model.orders import Level, Orders, Reports, Status, join_orders, no_reports, take_orders
from core.model.record import Kind
from core.registry import Pausing
from core.settings import Settings
from core.store.archive import Archive, View
from core.units import MICRO, instant, micros

GRACE = timedelta(seconds=30)
"""How long after its moment the book of an order may still be collected."""
TAPE_LAG = timedelta(seconds=60)
"""How much later a venue may tell of a trade; an order that has ended does not wait longer for the trades of its life."""
TAPE_WITHIN = timedelta(minutes=30)
"""How long the end of a resting order waits for the trades of its life to be told."""
_BOOKS_WITHIN = timedelta(days=2)
_MICROSECOND = timedelta(microseconds=1)
Word = tuple[Status, str]


class PaperBroker:
    """Keeps nothing between calls: the same orders, account and records give the same fills, also after a restart."""

    def __init__(self, settings: Settings, grace: timedelta = GRACE) -> None:
        self._settings = settings
        self.grace = grace

    def execute(self, orders: Orders, account: Account, archive: Archive, at: datetime) -> tuple[Reports, datetime]:
        """Say what is known at `at` of the orders and of all that are working."""
        asked = pending(orders, account)
        if not len(asked):
            return no_reports(), at
        matching = _Matching(self._settings, micros(at), self.grace, account, archive.as_of([at]), asked)
        for row in range(len(asked)):
            matching.answer(row)
        return matching.words.reports(), at


def pending(orders: Orders, account: Account) -> Orders:
    """Return the orders given and those that are working, each once."""
    given = set(orders.order_id)
    rows = [i for i, order_id in enumerate(account.working.order_id) if order_id not in given]
    return join_orders(orders, take_orders(account.working, np.array(rows, np.int64)))


class _Matching:
    """One look: what was read of the archive, and what its own orders have taken so far."""

    def __init__(
        self, settings: Settings, at: int, grace: timedelta, account: Account, view: View, asked: Orders
    ) -> None:  # fmt: skip
        self._settings, self._at, self._view = settings, at, view
        self._grace = grace // _MICROSECOND
        self._oldest_book = round(settings.weather.book_age_seconds * MICRO)
        self._decision_age = round(settings.weather.decision_age_seconds * MICRO) if account.world == "live" else self._grace
        self._instruments = {instrument.token: instrument for instrument in account.instruments}
        self._listings, self._depths = Listings(view), Depths(account)
        self._orders = [order_of(asked, row) for row in range(len(asked))]
        self._sellable = _Sellable(account)
        self._books: dict[tuple[str, int], tuple[Book | None, int | None]] = {}
        self._pausing: dict[tuple[str, int], Pausing | None] = {}
        self.words = Words()

    def answer(self, row: int) -> None:
        """Say what became of one order."""
        order = self._orders[row]
        instrument = self._instruments[order.token]
        if order.unheard:
            self._receive(order, row, instrument)
        elif order.rests:
            self._look(order, instrument)
        else:
            self._wait(order, instrument)

    def _receive(self, order: Order, row: int, instrument: Instrument) -> None:
        """Take an order in, or say why not."""
        found = self._found(order, instrument)
        if isinstance(found, Book):
            self._meet(order, row, instrument, found)
        elif found is not None:
            self._say(order, *found)

    def _found(self, order: Order, instrument: Instrument) -> Book | Word | None:
        """Return the book that an order meets, what is said where it meets none, or None: nothing new."""
        if self._listings.at(instrument.event_id, self._at) is None:
            return Status.EXPIRED, "not_listed"
        if fault := self._not_taken(order, instrument):
            return Status.REJECTED, fault
        window = self._window(order)
        book, failed = self._shown(instrument.event_id, window)
        if book is not None and book.received_at >= order.placed_at:
            return book
        if failed is not None:
            return _unanswered(order, failed, window)
        if book is not None:
            return book
        if not self._prints_only(instrument.event_id, order.placed_at):
            late = "never_answered" if order.status == Status.UNKNOWN else "book_late"
            return Status.EXPIRED, late if self._at > window.last else "book_missing"
        # Without a book there is no queue to join.
        return (Status.REJECTED, "book_missing") if order.rests else (Status.WORKING, "waits_for_print")

    def _shown(self, event_id: str, window: Window) -> tuple[Book | None, int | None]:
        """Return the book of an event around a moment, and when the newest question about it failed; many runs ask the same."""
        key = event_id, window.placed_at
        if key not in self._books:
            book = book_in(self._view, event_id, window)
            failed = failed_at(self._view, event_id, window, book)
            self._books[key] = book, failed
        return self._books[key]

    def _say(self, order: Order, status: Status, reason: str) -> None:
        self.words.say(order.order_id, status, max(self._at, order.placed_at), reason)

    def _not_taken(self, order: Order, instrument: Instrument) -> str:
        """Return why the venue takes no such order at that moment; "" where it does."""
        key = instrument.venue, order.placed_at
        if key not in self._pausing:
            self._pausing[key] = pausing(instrument.venue, instant(order.placed_at))
        if self._pausing[key] is Pausing.HALTED:
            return "venue_paused"
        if self._pausing[key] is Pausing.POST_ONLY and not order.rests:
            return "post_only"
        listed = self._listings.at(instrument.event_id, order.placed_at)
        assert listed is not None
        over = listed.closes_at is not None and listed.closes_at <= order.placed_at
        return "event_closed" if over or instrument.market_id in listed.closed else ""

    def _window(self, order: Order) -> Window:
        """Return when the book of an order must have come."""
        return Window(order.placed_at - self._oldest_book, order.placed_at, order.placed_at + self._grace, self._at)

    def _prints_only(self, event_id: str, placed: int) -> bool:
        since = instant(placed) - _BOOKS_WITHIN
        return not len(self._view.stack(Kind.BOOKS, event_id, since)) and bool(
            len(self._view.stack(Kind.PRINTS, event_id, since))
        )

    def _meet(self, order: Order, row: int, instrument: Instrument, book: Book) -> None:
        """Hold an order against the book that it found."""
        listed = self._listings.at(instrument.event_id, max(book.received_at, order.placed_at))
        assert listed is not None
        grid = _grid_of(order, instrument, listed, book)
        fault = grid.fault(order.size if order.buys else -order.size, order.limit, rests=order.rests)
        if book.received_at > order.placed_at + self._decision_age:
            self._say(order, Status.EXPIRED, "decision_old")
        elif fault:
            self._say(order, Status.REJECTED, fault)
        elif order.rests:
            self._join(order, row, book)
        else:
            self._take(order, listed, book, grid)

    def _take(self, order: Order, listed: Listed, book: Book, grid: Grid) -> None:
        """Take what the book shows within the limit; the rest is over."""
        levels = self._depths.take(order, book.rows, grid.lot_micro)
        n_filled = sum(level.taken_micro for level in levels)
        if n_filled:
            status = Status.FILLED if n_filled == order.left else Status.PARTIALLY_FILLED
            at = max(book.received_at, order.placed_at)
            self._sellable.sold(order, n_filled)
            self.words.fill(order.order_id, 0, status, at, levels, listed.fees, buys=order.buys)
        if n_filled < order.left:
            self._say(order, Status.EXPIRED, "part_depth" if n_filled else "no_depth")

    def _join(self, order: Order, row: int, book: Book) -> None:
        """Let an order rest behind all that is shown, unless it would take, or stands where another of ours does."""
        other = book.best(order.token, "ask" if order.buys else "bid")
        if other is not None and (other <= order.limit if order.buys else other >= order.limit):
            self._say(order, Status.REJECTED, "would_cross")
        elif any(_shares_prints(order, each, before=i < row) for i, each in enumerate(self._orders) if i != row):
            self._say(order, Status.REJECTED, "own_order_ahead")
        else:
            self._say(order, Status.WORKING, "rests")

    def _look(self, order: Order, instrument: Instrument) -> None:
        """Say what came to a resting order since the last look, and whether its time is over."""
        window = replace(self._window(order), last=order.placed_at + self._decision_age)
        if self._at <= window.last:
            return  # the book that it joined may still come
        side = "bid" if order.buys else "ask"
        ahead, books = shown_at(self._view, instrument.event_id, order.token, order.limit, side, window)
        closing = self._listings.closing(instrument.event_id, instrument.market_id, order.placed_at)
        ends_at = order.ends_at if closing is None else min(order.ends_at, closing)
        left = order.left
        if books:  # without a book nobody knows who was ahead: nothing came to it
            joined = max(books[0].at, order.placed_at)
            came = reached(
                order.size, order.limit, ahead, books,
                prints_of(self._view, instrument, joined, buys=not order.buys), buys=order.buys, until=min(ends_at, self._at),
            )  # fmt: skip
            left -= self._rest(order, instrument, came.filled_micro, came.offered_micro, came.at)
        if left and self._at >= ends_at and self._told(instrument.event_id, ends_at):
            if ends_at == order.cancel_at:
                self._say(order, Status.CANCELLED, "taken_back")
            else:
                self._say(order, Status.EXPIRED, "event_closed" if ends_at == closing else "time_over")

    def _rest(self, order: Order, instrument: Instrument, filled: int, offered: int, at: int) -> int:
        """Fill what has come to a resting order beyond what it had; return how much that is."""
        if filled <= order.filled:
            return 0
        listed = self._listings.at(instrument.event_id, at)
        assert listed is not None
        lot = _grid_of(order, instrument, listed).lot_micro
        whole = filled if filled == order.size else filled // lot * lot
        new = min(max(whole - order.filled, 0), self._sellable.most(order))
        if new:
            status = Status.FILLED if new == order.left else Status.PARTIALLY_FILLED
            self._sellable.sold(order, new)
            level = Level(order.limit, offered, new)
            self.words.fill(order.order_id, self._at, status, at, (level,), listed.fees.of_maker, buys=order.buys)
        return new

    def _told(self, event_id: str, until: int) -> bool:
        """Return whether the venue has told its trades up to an instant, or will hardly do so any more."""
        if self._at >= until + TAPE_WITHIN // _MICROSECOND:
            return True
        since = instant(until) + TAPE_LAG
        return bool(len(self._view.stack(Kind.PRINTS, event_id, since)))

    def _wait(self, order: Order, instrument: Instrument) -> None:
        """Fill from later prints on our side, at our reference price or worse, a tenth of each; then it is over."""
        if self._at <= order.placed_at:
            self._say(order, Status.WORKING, "waits_for_print")
            return
        left, number, until = order.left, 0, order.cancel_at or self._at
        lowest, highest = (order.reference, order.limit) if order.buys else (order.limit, order.reference)
        for each in prints_of(self._view, instrument, order.placed_at, buys=order.buys):
            listed = self._listings.at(instrument.event_id, each.valid_at)
            assert listed is not None
            lot = _grid_of(order, instrument, listed).lot_micro
            part = int(each.size_micro * self._settings.weather.max_print_share) // lot * lot
            size = min(left, part)
            if not size or not lowest <= each.price_micro <= highest or each.valid_at > until:
                continue
            left -= size
            status = Status.PARTIALLY_FILLED if left else Status.FILLED
            level = Level(each.price_micro, each.size_micro, size)
            self.words.fill(order.order_id, number, status, each.valid_at, (level,), listed.fees, buys=order.buys)
            number += 1
            if not left:
                return
        if order.cancel_at and self._at >= order.cancel_at:
            self._say(order, Status.CANCELLED, "taken_back")
        else:
            self._say(order, Status.EXPIRED, "part_print" if number else "no_print")


def _unanswered(order: Order, failed: int, window: Window) -> Word | None:
    """The newest question about a book failed: before the order came, it is refused; after, its fate is not known."""
    if failed < order.placed_at:
        return Status.REJECTED, "venue_unreachable"
    if window.at > window.last:
        return Status.EXPIRED, "never_answered"
    return None if order.status == Status.UNKNOWN else (Status.UNKNOWN, "no_answer")


def _grid_of(order: Order, instrument: Instrument, listed: Listed, book: Book | None = None) -> Grid:
    """Return the grid of a token: as its book says, else as the listing does."""
    terms = book.terms(order.token) if book is not None else {}
    tick, minimum = terms.get("tick_micro", listed.tick_micro), terms.get("min_size_micro", listed.min_size_micro)
    return grid_of(instrument.venue, int(tick), int(minimum))


class _Sellable:
    """What a run still holds of a token while its orders are answered: nothing is sold twice."""

    def __init__(self, account: Account) -> None:
        self._account, self._column, self._sold = account, account.column(), dict[tuple[int, str], int]()

    def most(self, order: Order) -> int:
        """Return the most that an order may fill."""
        if order.buys:
            return order.left
        held = int(self._account.held_micro[order.run, self._column[order.token]])
        return max(min(order.left, held - self._sold.get((order.run, order.token), 0)), 0)

    def sold(self, order: Order, size: int) -> None:
        """Remember a sale."""
        if not order.buys:
            self._sold[order.run, order.token] = self._sold.get((order.run, order.token), 0) + size


def _shares_prints(order: Order, other: Order, *, before: bool) -> bool:
    """Return whether another resting order of ours lives on the same prints: a second would count them twice."""
    same = (other.run, other.token, other.buys) == (order.run, order.token, order.buys)
    there = before or not other.unheard
    return same and other.rests and there and other.ends_at > order.placed_at
