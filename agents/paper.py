"""The paper broker: fills from the recorded books, a pure function of orders, account and archive.

An order meets the newest book around its `placed_at`, up to its limit price, less what we took of that book before; what
is not filled expires. Where an archive has prints and no books, an order waits for the next look and is filled by later
prints only. Nothing is ever filled at a midpoint, and no price is better than the one shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from agents.collect import answers_of, published
from agents.transmission.identity import execution_id
from agents.transmission.standing import SHARE_LOT
from core.clock import Clock
from core.failpoints import failpoint
from core.model.account import Account
from core.model.event import FeeRounding, Fees, Instrument, Side
from core.model.orders import Level, Orders, Reports, Status, join_orders, no_reports, take_orders
from core.model.record import Ask, Kind, Record
from core.ports import Source
from core.prices import fee_micro, walk
from core.settings import Settings
from core.store.archive import Archive, View
from core.store.snapshots import SnapshotStore
from core.units import MICRO, Columns, instant, micros

GRACE = timedelta(seconds=30)
"""How long after its moment the book of an order may still be collected."""
_LISTED_WITHIN = timedelta(days=12)
_BOOKS_WITHIN = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Listed:
    """What a fill needs to know of an event."""

    fees: Fees
    tick_micro: int
    min_size_micro: int
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Print:
    """One trade of others, in the price of our token."""

    valid_at: int
    price_micro: int
    size_micro: int


@dataclass(slots=True)
class Words:
    """Reports while they are gathered."""

    rows: list[tuple[str, str, int, int, int, int, int, tuple[Level, ...], str]] = field(default_factory=list)

    def say(self, order_id: str, status: Status, at: int, reason: str = "") -> None:
        """Add a bare status."""
        self.rows.append((order_id, "", int(status), at, 0, 0, 0, (), reason))

    def fill(
        self, order_id: str, number: int, status: Status, at: int, levels: Sequence[Level], fees: Fees, *, buys: bool
    ) -> None:
        """Add an execution: its exact cost, and one fee for the whole of it."""
        price = np.array([level.price_micro for level in levels], np.int64)
        size = np.array([level.taken_micro for level in levels], np.int64)
        exact = sum(level.price_micro * level.taken_micro for level in levels)
        notional = -(-exact // MICRO) if buys else exact // MICRO  # a part of a millionth is against us
        n_micro, fee = int(size.sum()), fee_micro(price, size, fees)
        self.rows.append((order_id, execution_id(order_id, number), int(status), at, n_micro, notional, fee, tuple(levels), ""))

    def reports(self) -> Reports:
        """Return all that was said, in its order."""
        if not self.rows:
            return no_reports()
        ids, executions, status, at, size, notional, fee, levels, reason = zip(*self.rows, strict=True)
        return Reports(
            order_id=ids, execution_id=executions, status=np.array(status, np.int64), at=np.array(at, np.int64),
            size_micro=np.array(size, np.int64), notional_micro=np.array(notional, np.int64),
            fee_micro=np.array(fee, np.int64), levels=levels, reason=reason,
        )  # fmt: skip


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
        matching = _Matching(self._settings, micros(at), self.grace, account, archive.as_of([at]))
        for row in range(len(asked)):
            matching.answer(asked, row)
        return matching.words.reports(), at


def pending(orders: Orders, account: Account) -> Orders:
    """Return the orders given and those that are working, each once."""
    given = set(orders.order_id)
    rows = [i for i, order_id in enumerate(account.working.order_id) if order_id not in given]
    return join_orders(orders, take_orders(account.working, np.array(rows, np.int64)))


class _Matching:
    """One call: what was read of the archive, and what its own orders have taken so far."""

    def __init__(self, settings: Settings, at: int, grace: timedelta, account: Account, view: View) -> None:
        self._settings, self._at, self._view = settings, at, view
        self._grace = grace // timedelta(microseconds=1)
        self._instruments = {instrument.token: instrument for instrument in account.instruments}
        self._listed: dict[str, Listed | None] = {}
        self._taken: dict[tuple[int, str, int], dict[int, tuple[int, int]]] = {
            key: {level.price_micro: (level.shown_micro, level.taken_micro) for level in levels}
            for key, levels in account.taken.items()
        }
        self.words = Words()

    def answer(self, orders: Orders, row: int) -> None:
        """Say what became of one order."""
        order_id, placed = orders.order_id[row], int(orders.placed_at[row])
        instrument = self._instruments[orders.token[row]]
        listed = self._listing(instrument.event_id)
        if listed is None:
            self.words.say(order_id, Status.EXPIRED, self._at, "not_listed")
            return
        book = self._book(instrument.event_id, placed)
        if book is not None:
            self._meet(orders, row, listed, book)
        elif not self._prints_only(instrument.event_id, placed):
            late = self._at > placed + self._grace
            self.words.say(order_id, Status.EXPIRED, self._at, "book_late" if late else "book_missing")
        elif int(orders.status[row]) == Status.SUBMITTING or self._at <= placed:
            self.words.say(order_id, Status.WORKING, max(self._at, placed), "waits_for_print")
        else:
            self._wait(orders, row, listed, instrument)

    def _listing(self, event_id: str) -> Listed | None:
        if event_id not in self._listed:
            self._listed[event_id] = listed_of(self._view, event_id)
        return self._listed[event_id]

    def _book(self, event_id: str, placed: int) -> tuple[int, Columns, Mapping[str, object]] | None:
        """Return the newest book around the moment of an order: when it was received, its rows, its tokens.

        A book of before counts while it is young enough; an order that is asked about late needs one of after.
        """
        oldest = placed - round(self._settings.weather.book_age_seconds * MICRO)
        last = min(self._at, placed + self._grace)
        read = self._view.newest if last == int(self._view.instants[-1]) else self._view.stack
        stack = read(Kind.BOOKS, event_id, instant(oldest))
        index = int(stack.newest(np.array([last]))[0])
        if index < 0:
            return None
        received = int(stack.received_at[index])
        if self._at > placed + self._grace and received < placed:
            return None
        return received, stack.rows(index), stack.facts[index]["tokens"]

    def _prints_only(self, event_id: str, placed: int) -> bool:
        since = instant(placed) - _BOOKS_WITHIN
        return not len(self._view.stack(Kind.BOOKS, event_id, since)) and bool(
            len(self._view.stack(Kind.PRINTS, event_id, since))
        )

    def _meet(self, orders: Orders, row: int, listed: Listed, book: tuple[int, Columns, Mapping[str, object]]) -> None:
        received, rows, tokens = book
        order_id, token = orders.order_id[row], orders.token[row]
        signed, limit = int(orders.size_micro[row]), int(orders.limit_micro[row])
        wanted = abs(signed) - int(orders.filled_micro[row])
        terms = tokens.get(token)
        terms = terms if isinstance(terms, Mapping) else {}
        tick, minimum = int(terms.get("tick_micro", listed.tick_micro)), int(terms.get("min_size_micro", listed.min_size_micro))
        if wanted < minimum or limit % tick:
            self.words.say(order_id, Status.REJECTED, self._at, "minimum_size" if wanted < minimum else "off_tick")
            return
        levels = self._take(int(orders.run[row]), token, signed, wanted, limit, rows, self._lot(token, minimum))
        n_filled = sum(level.taken_micro for level in levels)
        if n_filled:
            status = Status.FILLED if n_filled == wanted else Status.PARTIALLY_FILLED
            at = max(received, int(orders.placed_at[row]))
            self.words.fill(order_id, 0, status, at, levels, listed.fees, buys=signed > 0)
        if n_filled < wanted:
            self.words.say(order_id, Status.EXPIRED, self._at, "part_depth" if n_filled else "no_depth")

    def _lot(self, token: str, minimum: int) -> int:
        whole = self._instruments[token].venue == "kalshi" and minimum >= MICRO
        return minimum if whole else SHARE_LOT

    def _take(self, run: int, token: str, signed: int, wanted: int, limit: int, rows: Columns, lot: int) -> list[Level]:
        """Walk one side of a book and remember what was taken of it."""
        buys = signed > 0
        mine = (rows["token"] == token) & (rows["side"] == ("ask" if buys else "bid"))
        price, shown = np.asarray(rows["price_micro"][mine], np.int64), np.asarray(rows["size_micro"][mine], np.int64)
        known = self._taken.setdefault((run, token, 1 if buys else -1), {})
        before = np.array(
            [
                known[p][1] if p in known and known[p][0] == s else 0
                for p, s in zip(price.tolist(), shown.tolist(), strict=True)
            ],
            np.int64,
        )
        left = np.maximum(shown - before, 0)
        sign, worst = np.array(1 if buys else -1), np.array(limit)
        reach = int(walk(price, left, sign * wanted, worst).sum())
        got = walk(price, left, sign * (reach // lot * lot), worst)
        levels = []
        for i in np.flatnonzero(got).tolist():
            levels.append(Level(int(price[i]), int(shown[i]), int(got[i])))
            known[int(price[i])] = int(shown[i]), int(before[i] + got[i])
        return levels

    def _wait(self, orders: Orders, row: int, listed: Listed, instrument: Instrument) -> None:
        """Fill from later prints on our side, at our reference price or worse, a tenth of each; then it is over."""
        order_id, signed = orders.order_id[row], int(orders.size_micro[row])
        buys, limit, reference = signed > 0, int(orders.limit_micro[row]), int(orders.reference_micro[row])
        left, lot, number = abs(signed) - int(orders.filled_micro[row]), self._lot(instrument.token, listed.min_size_micro), 0
        lowest, highest = (reference, limit) if buys else (limit, reference)
        for each in prints_of(self._view, instrument, int(orders.placed_at[row]), buys=buys):
            part = int(each.size_micro * self._settings.weather.max_print_share) // lot * lot
            size = min(left, part)
            if not size or not lowest <= each.price_micro <= highest:
                continue
            left -= size
            status = Status.PARTIALLY_FILLED if left else Status.FILLED
            level = Level(each.price_micro, each.size_micro, size)
            self.words.fill(order_id, number, status, each.valid_at, (level,), listed.fees, buys=buys)
            number += 1
            if not left:
                return
        self.words.say(order_id, Status.EXPIRED, self._at, "part_print" if number else "no_print")


def listed_of(view: View, event_id: str) -> Listed | None:
    """Return the newest listing of an event, or None."""
    stack = view.newest(Kind.EVENTS, event_id, instant(int(view.instants[-1])) - _LISTED_WITHIN)
    if not len(stack):
        return None
    facts, rows = stack.facts[0], stack.columns
    fees = facts["fees"]
    return Listed(
        Fees(fees["rate"], fees["exponent"], FeeRounding(fees["rounding"])), int(facts["tick_micro"]),
        int(facts["min_size_micro"]), (*map(str, rows["yes"]), *map(str, rows["no"])),
    )  # fmt: skip


def prints_of(view: View, instrument: Instrument, after: int, *, buys: bool) -> Iterator[Print]:
    """Yield the prints later than `after` in which takers did what we want to do, oldest first.

    A taker who sells YES is one who buys NO. Records overlap: the same trade in two of them is one trade.
    """
    stack = view.stack(Kind.PRINTS, instrument.event_id, instant(after))
    is_yes = instrument.side is Side.YES
    taker = "yes" if is_yes == buys else "no"
    seen: Counter[tuple[int, int, int]] = Counter()
    for index in range(len(stack)):
        rows = stack.rows(index)
        mine = (rows["market_id"] == instrument.market_id) & (rows["taker"] == taker) & (rows["valid_at"] > after)
        columns = (np.asarray(rows[name])[mine].tolist() for name in ("valid_at", "yes_price_micro", "size_micro"))
        seen |= Counter(zip(*columns, strict=True))
    for valid_at, yes_price, size in sorted(seen.elements()):
        yield Print(valid_at, yes_price if is_yes else MICRO - yes_price, size)


class LivePaperBroker:
    """Waits for the moment of the orders, collects and records their books, then answers as `PaperBroker` does.

    Books that are recorded already are not collected again, so that a process killed between the two gives the same
    fills; killed before it, and back too late, the orders expire.
    """

    def __init__(
        self, paper: PaperBroker, sources: Mapping[str, Source], snapshots: SnapshotStore, clock: Clock,
        grace: timedelta = GRACE,
    ) -> None:  # fmt: skip
        self._paper, self._sources, self._snapshots, self._clock = paper, sources, snapshots, clock
        self._grace = max(grace, paper.grace)

    def execute(self, orders: Orders, account: Account, archive: Archive, at: datetime) -> tuple[Reports, datetime]:
        """Say what is known of the orders once their books are recorded; the instant is that of the last book."""
        asked = pending(orders, account)
        tokens = {asked.token[i] for i in range(len(asked)) if int(asked.status[i]) == Status.SUBMITTING}
        if not tokens:
            return self._paper.execute(orders, account, archive, at)
        while self._clock.now() < at:
            self._clock.wait_until(at)
        events = {i.event_id: i.venue for i in account.instruments if i.token in tokens}
        return self._paper.execute(orders, account, archive, self._heard_at(sorted(events.items()), archive, at))

    def _heard_at(self, events: Sequence[tuple[str, str]], archive: Archive, at: datetime) -> datetime:
        now = self._clock.now()
        view = archive.as_of([now])
        asked = {event_id for event_id, _ in events}
        just_before = at - timedelta(microseconds=1)
        recorded = [each.received_at for each in view.heard(Kind.BOOKS, just_before) if each.subject in asked]
        if recorded:
            return instant(max(recorded))
        if now > at + self._grace:
            return now
        records = self._collect(events, view)
        return max([at, *(record.received_at for record in records)]) if records else self._clock.now()

    def _collect(self, events: Sequence[tuple[str, str]], view: View) -> list[Record]:
        asks: dict[str, list[Ask]] = {}
        for event_id, venue in events:
            listed = listed_of(view, event_id)
            if listed is not None and venue in self._sources:
                asks.setdefault(venue, []).append(Ask(Kind.BOOKS, event_id, tokens=listed.tokens))
        records = [r for venue, wanted in asks.items() for r in answers_of(self._sources[venue], wanted, self._clock)]
        failpoint("before:books")
        kept = published(records, self._snapshots)
        failpoint("after:books")
        return list(kept)
