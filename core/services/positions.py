"""What is held, what it fetches now, and what each outcome pays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from core.model.account import Account
from core.model.event import Instrument, Side
from core.model.record import Kind
from core.prices import walk
from core.services.shelves import Shelves
from core.services.trades import TradeService
from core.services.values import number, price_of, usd
from core.services.weather import is_dead
from core.store.archive import Archive
from core.units import MICRO, Columns, IntArray, instant

SOURCE = "journal: account; archive: books"
# How far back the newest book is looked for: an older bid than the last is no bid; its age is shown.
BOOK_AGES = (timedelta(hours=1), timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Holding:
    """One token held. The bid is what the whole holding would fetch in the newest book, level by level, fees apart."""

    token_id: str
    market_id: str
    bracket: str
    rank: int
    side: str
    shares: Decimal
    average_price: Decimal
    cost_usd: Decimal
    bid: float | None  # average over the levels that the holding would take; None: the book is not deep enough
    bid_at: datetime | None
    bid_age_seconds: float | None
    value_usd: Decimal | None
    unrealised_usd: Decimal | None
    sellable_usd: Decimal = Decimal(0)  # what the book takes of it now, the rest counts as nothing
    unit: str = ""  # of the bracket


@dataclass(frozen=True, slots=True)
class OutcomeState:
    """If this bracket wins: what all holdings of the event pay, and the P&L against their cost (fees apart)."""

    rank: int
    bracket: str
    pays_usd: Decimal
    pnl_usd: Decimal
    p_pooled: float | None
    possible: bool  # False: the observed extreme excludes it


@dataclass(frozen=True, slots=True)
class EventPosition:
    as_of: datetime
    source: str
    n: int  # holdings
    event_id: str
    venue: str
    station_code: str
    city: str
    event_day: date | None
    extreme: str
    holdings: tuple[Holding, ...]
    cost_usd: Decimal
    value_usd: Decimal | None  # at the bid; None when a holding has no bid
    unrealised_usd: Decimal | None
    fees_usd: Decimal
    realized_usd: Decimal  # of sells so far, fees apart
    worst_usd: Decimal  # P&L of the worst outcome that is still possible
    best_usd: Decimal
    outcomes: tuple[OutcomeState, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Every desk's money together and its open events."""

    as_of: datetime
    source: str
    n: int
    cash_usd: Decimal | None
    equity_usd: Decimal | None
    at_risk_usd: Decimal  # sum over events of the worst case
    events: tuple[EventPosition, ...]
    missing: str = ""


class PositionService:
    """Answers from the folded account and the newest books."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves, self._trades = shelves, TradeService(shelves)

    def event(self, event_id: str) -> EventPosition:
        """Return what is held of one event; empty holdings when nothing is."""
        now = self._shelves.present().now
        held = [one for one in self._held() if one.instrument.event_id == event_id]
        return self._position(event_id, held, now)

    def portfolio(self, desk: str | None = None) -> Portfolio:
        """Return every open position of a desk, of all for None, by event, soonest event day first."""
        self._shelves.check_desk(desk)
        now, journal = self._shelves.present().now, self._shelves.journal()
        if journal is None:
            return Portfolio(now, SOURCE, 0, None, None, Decimal(0), (), self._shelves.missing())
        held = list(self._held(desk))
        ids = sorted({(one.instrument.event_day, one.instrument.event_id) for one in held})
        events = tuple(
            self._position(event_id, [one for one in held if one.instrument.event_id == event_id], now) for _, event_id in ids
        )
        accounts = tuple(one for one in journal.accounts() if desk in (None, one.desk))
        return Portfolio(
            as_of=now, source=SOURCE, n=sum(event.n for event in events),
            cash_usd=usd(sum(int(account.cash_micro[0]) for account in accounts)),
            equity_usd=usd(sum(int(account.equity_micro[0]) for account in accounts)),
            at_risk_usd=at_risk(accounts), events=events,
        )  # fmt: skip

    def _held(self, desk: str | None = None) -> Iterable[_Held]:
        journal = self._shelves.journal()
        for account in journal.accounts() if journal else ():
            if desk in (None, account.desk):
                yield from _held_of(account)

    def _position(self, event_id: str, held: Sequence[_Held], now: datetime) -> EventPosition:
        books = self._bids(event_id, now) if held else _Bids({}, None)
        ordered = sorted(held, key=lambda one: (one.instrument.bracket, one.instrument.side))
        holdings = tuple(_holding(one, books, now) for one in ordered)
        outcomes = self._outcomes(event_id, held)
        pnl = [one.pnl_usd for one in outcomes if one.possible] or [Decimal(0)]
        values = [one.value_usd for one in holdings]
        cost = usd(sum(one.cost_micro for one in held))
        value = sum((one for one in values if one is not None), Decimal(0)) if None not in values else None
        about = held[0].instrument if held else None
        booked = self._trades.booked((event_id,)).get(event_id)
        return EventPosition(
            as_of=now, source=SOURCE, n=len(held), event_id=event_id, venue=about.venue if about else "",
            station_code=about.station if about else "", city=about.city if about else "",
            event_day=about.event_day if about else None, extreme=str(about.extreme) if about else "", holdings=holdings,
            cost_usd=cost, value_usd=value, unrealised_usd=None if value is None else value - cost,
            fees_usd=booked.fees_usd if booked else Decimal(0), realized_usd=booked.sold_usd if booked else Decimal(0),
            worst_usd=min(pnl), best_usd=max(pnl), outcomes=outcomes,
            missing="" if self._shelves.journal() else self._shelves.missing(),
        )  # fmt: skip

    def _bids(self, event_id: str, now: datetime) -> _Bids:
        """Return the bids of the newest book: read once for each version of the journal."""
        archive, journal = self._shelves.archive(), self._shelves.journal()
        if archive is None or journal is None:
            return _Bids({}, None)
        return journal.keep(("bids", event_id), lambda: _newest_bids(archive, event_id, now))

    def _outcomes(self, event_id: str, held: Sequence[_Held]) -> tuple[OutcomeState, ...]:
        believed = self._shelves.believed()
        outlook = believed.outlook(event_id) if believed else None
        ladder: list[Mapping[str, Any]] = list(believed.brackets(event_id)) if believed and outlook else []
        if not ladder:
            ladder = [{"bracket": rank, "label": label} for rank, label in _known(held)]
        floor, extreme = (number(outlook["floor"]), outlook["extreme"]) if outlook else (None, "")
        cost = sum(one.cost_micro for one in held)
        return tuple(_outcome(row, held, cost, floor, extreme) for row in sorted(ladder, key=lambda row: row["bracket"]))


@dataclass(frozen=True, slots=True)
class _Held:
    instrument: Instrument
    size_micro: int
    cost_micro: int


@dataclass(frozen=True, slots=True)
class _Bids:
    """Bids of one event's newest book by token, best first."""

    levels: Mapping[str, tuple[IntArray, IntArray]]
    at: datetime | None


def at_risk(accounts: Iterable[Account]) -> Decimal:
    """Return the sum over open events of the most that their outcome can cost, fees apart."""
    worst = 0
    for account in accounts:
        events: dict[str, list[_Held]] = {}
        for one in _held_of(account):
            events.setdefault(one.instrument.event_id, []).append(one)
        worst += sum(_worst_micro(held) for held in events.values())
    return usd(worst)


def _worst_micro(held: Sequence[_Held]) -> int:
    """Return the loss if the worst bracket wins; one that nothing is held of counts as a bracket too."""
    ranks = {one.instrument.bracket for one in held}
    paid = min(_pays_micro(held, rank) for rank in (*ranks, -1))
    return max(0, sum(one.cost_micro for one in held) - paid)


def _pays_micro(held: Sequence[_Held], rank: int) -> int:
    """Return what all holdings of an event pay if the bracket of that rank wins."""
    return sum(one.size_micro for one in held if (one.instrument.bracket == rank) == (one.instrument.side is Side.YES))


def _held_of(account: Account) -> Iterable[_Held]:
    for column, instrument in enumerate(account.instruments):
        size = int(account.held_micro[0, column])
        if size:
            yield _Held(instrument, size, int(account.cost_micro[0, column]))


def _known(held: Sequence[_Held]) -> list[tuple[int, str]]:
    return sorted({(one.instrument.bracket, one.instrument.label) for one in held})


def _newest_bids(archive: Archive, event_id: str, now: datetime) -> _Bids:
    view = archive.as_of([now])
    for age in BOOK_AGES:
        stack = view.span(Kind.BOOKS, event_id, now - age, now)
        if len(stack):
            break
    else:
        return _Bids({}, None)
    rows = stack.rows(len(stack) - 1)
    bids = np.asarray(rows["side"] == "bid", bool)
    tokens = set(rows["token"][bids].tolist())
    levels = {token: _levels(rows, bids & np.asarray(rows["token"] == token, bool)) for token in tokens}
    return _Bids(levels, instant(int(stack.received_at[-1])))


def _levels(rows: Columns, which: np.ndarray) -> tuple[IntArray, IntArray]:
    return np.asarray(rows["price_micro"][which], np.int64), np.asarray(rows["size_micro"][which], np.int64)


def _holding(held: _Held, books: _Bids, now: datetime) -> Holding:
    instrument = held.instrument
    sold, proceeds_micro = _sold(books.levels.get(instrument.token), held.size_micro)
    proceeds = proceeds_micro if sold == held.size_micro else None
    value = None if proceeds is None else usd(proceeds)
    cost = usd(held.cost_micro)
    return Holding(
        token_id=instrument.token, market_id=instrument.market_id, bracket=instrument.label, rank=instrument.bracket,
        side=str(instrument.side), shares=usd(held.size_micro), average_price=price_of(held.cost_micro, held.size_micro),
        cost_usd=cost, bid=None if proceeds is None else proceeds / held.size_micro,
        bid_at=books.at, bid_age_seconds=(now - books.at).total_seconds() if books.at else None, value_usd=value,
        unrealised_usd=None if value is None else value - cost, sellable_usd=usd(proceeds_micro),
        unit=str(instrument.unit),
    )  # fmt: skip


def _sold(levels: tuple[IntArray, IntArray] | None, size_micro: int) -> tuple[int, int]:
    """Return how much of a holding the book takes, and what that fetches."""
    if levels is None:
        return 0, 0
    price, size = levels
    taken = walk(price, size, np.array(-size_micro), np.array(0))
    fetched = sum(int(one) * int(part) for one, part in zip(price, taken, strict=True))
    return int(taken.sum()), fetched // MICRO


def _outcome(row: Mapping[str, Any], held: Sequence[_Held], cost: int, floor: float | None, extreme: str) -> OutcomeState:
    pays = _pays_micro(held, int(row["bracket"]))
    dead = is_dead(number(row.get("lower")), number(row.get("upper")), floor, extreme)
    return OutcomeState(int(row["bracket"]), row["label"], usd(pays), usd(pays - cost), number(row.get("p_pooled")), not dead)
