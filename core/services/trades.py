"""What was bought and sold, and what became of it."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.errors import NotAllowedError, UnknownIdError
from core.metrics.results import symbol_of
from core.services.journal_rows import JournalRows
from core.services.shelves import Shelves
from core.services.trade_book import Count, TradeBook
from core.services.trade_rows import FIRST_DAY, Excursion, Told, Trade, trade_of
from core.services.values import usd
from core.units import instant

__all__ = ["SORTS", "Booked", "Count", "Trade", "TradeService", "Trades"]
SOURCE = "journal: fills, orders, decisions, settlements; evaluations: bids since"
DAY_MICROS = 86_400_000_000
REGIMES = ("STABLE", "TRENDING", "VOLATILE", "NOTRADE", "TREND", "RANGE")  # of the weather desk, and of bars
OUTCOMES = ("win", "loss", "pending", "closed")
MOST_STOOD = 20_000  # trades that are over, whose lowest and highest bid is kept


@dataclass(frozen=True, slots=True)
class Trades:
    """`total` rows match; the sums are over all of them, `trades` is one page, newest first."""

    as_of: datetime
    source: str
    n: int
    total: int
    limit: int
    offset: int
    trades: tuple[Trade, ...]
    total_size_usd: Decimal
    total_fee_usd: Decimal
    total_realized_pnl: Decimal
    wins: int
    losses: int
    pending: int
    missing: str = ""
    closed: int = 0  # buys whose shares were all sold again


# How a table of trades can be ordered; ties go to the newest.
SORTS: Mapping[str, Callable[[Count], Any]] = {
    "newest": lambda one: (),
    "oldest": lambda one: one.row["at"],
    "largest": lambda one: -one.row["notional_micro"],
    "best": lambda one: (one.net_micro is None, -(one.net_micro or 0)),
    "worst": lambda one: (one.net_micro is None, one.net_micro or 0),
    "station": lambda one: one.row["station"],
    "event day": lambda one: one.row["event_day"],
}


@dataclass(frozen=True, slots=True)
class Booked:
    """What the journal booked of one event; fees stand apart."""

    n: int  # executions
    fees_usd: Decimal
    sold_usd: Decimal  # realised by sells
    realized_usd: Decimal  # by sells and by its end


class TradeService:
    """Answers from the journal, and from the evaluations what a token could be sold for since.

    Whole rows are read for one page only; what is counted is kept in memory and grows with what is booked.
    """

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves
        self._stood: OrderedDict[tuple[str, int], Excursion | None] = OrderedDict()

    def recent(
        self, *, trade_date: date | None = None, station_code: str | None = None, event_id: str | None = None,
        limit: int = 50, offset: int = 0,
    ) -> Trades:  # fmt: skip
        """Return executions newest first; `trade_date` is the UTC day of the execution."""
        self._shelves.check_station(station_code)
        return self._page(self._of_day(trade_date, station_code, event_id), limit, offset)

    def history(
        self, *, start_date: date | None = None, end_date: date | None = None, station_code: str | None = None,
        venue: str | None = None, extreme: str | None = None, side: str | None = None, outcome: str | None = None,
        mode: str | None = None, sort: str = "newest", limit: int = 100, offset: int = 0,
    ) -> Trades:  # fmt: skip
        """Return the same rows of a span of event days, both ends included."""
        if start_date is not None and end_date is not None and end_date < start_date:
            raise NotAllowedError(f"end_date {end_date} is before start_date {start_date}", "end_date")
        if sort not in SORTS:
            raise NotAllowedError(f"sort is one of {', '.join(SORTS)}; got {sort[:40]!r}", "sort")
        wanted = {"station": station_code, "venue": venue, "extreme": extreme, "side": side}
        found = self._among(wanted, outcome=outcome, first_day=start_date, last_day=end_date)
        kept = found if mode in (None, self._world()) else []
        return self._page(sorted(kept, key=SORTS[sort]), limit, offset)

    def page(
        self, *, strategy: str | None = None, regime: str | None = None, symbol: str | None = None, desk: str | None = None,
        station_code: str | None = None, event_day: date | None = None, venue: str | None = None, outcome: str | None = None,
        limit: int = 100, offset: int = 0,
    ) -> Trades:  # fmt: skip
        """Return executions newest first; what is named must exist, or it is an error."""
        wanted = {"strategy": strategy, "regime": regime, "desk": desk, "station": station_code, "venue": venue}
        self._check(strategy, regime, symbol, desk)
        found = self._among(wanted, outcome=outcome, first_day=event_day, last_day=event_day, symbol=symbol)
        return self._page(found, limit, offset)

    def found(
        self, *, start_date: date | None = None, end_date: date | None = None, station_code: str | None = None,
        venue: str | None = None, desk: str | None = None,
    ) -> Sequence[Count]:  # fmt: skip
        """Return what is counted of the executions of a span of event days, newest first."""
        self._check(None, None, None, desk)
        wanted = {"station": station_code, "venue": venue, "desk": desk}
        return self._among(wanted, first_day=start_date, last_day=end_date)

    def of_day(self, trade_date: date | None, station_code: str | None) -> Sequence[Count]:
        """Return what is counted of the executions of a UTC day, newest first."""
        self._shelves.check_station(station_code)
        return self._of_day(trade_date, station_code, None)

    def one(self, trade_id: str) -> Trade:
        """Return one execution; UnknownIdError when there is none of that name."""
        return trade_of(self.told(trade_id))

    def told(self, trade_id: str) -> Told:
        """Return everything that is read of one execution; UnknownIdError when there is none of that name."""
        journal, book = self._shelves.journal(), self._book()
        count = book.count(trade_id) if book else None
        if journal is None or count is None:
            raise UnknownIdError(f"there is no trade {trade_id[:60]!r} in this journal")
        return next(self._told(journal, [count]))

    def booked(self, event_ids: Collection[str]) -> Mapping[str, Booked]:
        """Return what the journal booked of each of some events; one that was never traded is absent."""
        book, found = self._book(), dict[str, list[Count]]()
        for one in book.of_events(event_ids) if book else ():
            found.setdefault(one.row["event_id"], []).append(one)
        return {event_id: _booked(counts) for event_id, counts in found.items()}

    def _book(self) -> TradeBook | None:
        journal = self._shelves.journal()
        return None if journal is None else journal.once("trades", lambda: TradeBook(journal))

    def _of_day(self, trade_date: date | None, station_code: str | None, event_id: str | None) -> Sequence[Count]:
        book = self._book()
        if book is None:
            return ()
        found: Iterable[Count] = book.counts() if event_id is None else sorted(book.of_events([event_id]), key=_newest)
        start = 0 if trade_date is None else (trade_date - FIRST_DAY) // timedelta(microseconds=1)
        return [
            one
            for one in found
            if station_code in (None, one.row["station"])
            and (trade_date is None or start <= one.row["at"] < start + DAY_MICROS)
        ]

    def _among(
        self, wanted: Mapping[str, str | None], *, outcome: str | None = None, first_day: date | None = None,
        last_day: date | None = None, symbol: str | None = None,
    ) -> Sequence[Count]:  # fmt: skip
        """Return the executions of which every given field is as wanted, newest first."""
        self._shelves.check_station(wanted.get("station"))
        self._shelves.check_venue(wanted.get("venue"))
        book, journal = self._book(), self._shelves.journal()
        if book is None or journal is None:
            return ()
        asked = {name: value for name, value in wanted.items() if value is not None}
        first, last = (day.isoformat() if day else "" for day in (first_day, last_day))

        def found() -> Sequence[Count]:
            return [
                one
                for one in book.counts()
                if all(one.row[name] == value for name, value in asked.items())
                and outcome in (None, one.result.outcome)
                and first <= one.row["event_day"] <= (last or "9")
                and symbol in (None, symbol_of(one.row["station"], one.row["extreme"]))
            ]

        return journal.keep(("trades", *sorted(asked.items()), outcome, first, last, symbol), found)

    def _check(self, strategy: str | None, regime: str | None, symbol: str | None, desk: str | None) -> None:
        """Raise for a name that nothing here can have: a filter that cannot match is an error, not an empty answer."""
        self._shelves.check_desk(desk)
        book = self._book()
        counts = book.counts() if book and strategy is not None else ()
        strategies = {self._shelves.settings.model, *(one.row["strategy"] for one in counts)} - {""}
        for name, value, known in (("strategy", strategy, strategies), ("regime", regime, REGIMES)):
            if value is not None and value not in known:
                raise NotAllowedError(f"{name} {value[:40]!r} is none of {', '.join(sorted(known))}", name)
        if symbol is not None and symbol.rpartition("-")[0] not in self._shelves.stations():
            raise UnknownIdError(f"symbol {symbol[:40]!r} is of no station in data/registry/stations.csv; such as KLGA-HIGH")

    def _page(self, counts: Sequence[Count], limit: int, offset: int) -> Trades:
        journal, ended = self._shelves.journal(), Counter(one.result.outcome for one in counts)
        return Trades(
            as_of=self._shelves.present().now, source=SOURCE, n=len(counts), total=len(counts), limit=limit, offset=offset,
            trades=tuple(map(trade_of, self._told(journal, counts[offset : offset + limit]))) if journal else (),
            total_size_usd=usd(sum(one.row["notional_micro"] for one in counts)),
            total_fee_usd=usd(sum(one.row["fee_micro"] for one in counts)),
            total_realized_pnl=usd(sum(one.net_micro for one in counts if one.net_micro is not None)),
            wins=ended["win"], losses=ended["loss"], pending=ended["pending"], closed=ended["closed"],
            missing="" if journal else self._shelves.missing(),
        )  # fmt: skip

    def _told(self, journal: JournalRows, counts: Sequence[Count]) -> Iterator[Told]:
        named = (name for one in counts for name in (one.trade_id, one.entry_id, one.exit_id) if name)
        rows, world, book = journal.executions(list(dict.fromkeys(named))), self._world(), self._book()
        assert book is not None  # the counts are its own
        for one in counts:
            final = book.finals.get(one.row["event_id"])
            told = Told(
                rows[one.trade_id], one.result, rows[one.entry_id], rows[one.exit_id] if one.exit_id else None, final,
                book.provisionals.get(one.row["event_id"]), None, world,
            )  # fmt: skip
            yield replace(told, excursion=self._excursion(journal, told))

    def _excursion(self, journal: JournalRows, told: Told) -> Excursion | None:
        """Return the lowest and highest bid while a trade was open; of one that is over it never changes again."""
        store, start = self._shelves.evaluations(), told.entry["at"]
        end = told.exit["at"] if told.exit else told.final["at"] if told.final and told.result.status == "settled" else None
        if store is None:
            return None
        key = (told.row["execution_id"], end or 0)
        if key in self._stood:
            return self._stood[key]

        def asked() -> Excursion | None:
            until = None if end is None else instant(end)
            found = store.bids_between(told.row["event_id"], told.row["bracket"], told.row["side"], instant(start), until)
            return Excursion(*found) if found else None

        if end is None:
            return journal.keep(("stood", *key), asked)
        self._stood[key] = asked()
        while len(self._stood) > MOST_STOOD:
            self._stood.popitem(last=False)
        return self._stood[key]

    def _world(self) -> str:
        journal = self._shelves.journal()
        return "demo" if journal and journal.world().startswith("demo") else "live"


def _newest(one: Count) -> tuple[int, int, int]:
    row = one.row
    return -row["at"], -row["scheduled_at"], -row["line"]


def _booked(counts: Sequence[Count]) -> Booked:
    sold = (one.result.gross_micro for one in counts if one.row["size_micro"] < 0)
    return Booked(
        fees_usd=usd(sum(one.row["fee_micro"] for one in counts)), sold_usd=usd(sum(gross for gross in sold if gross)),
        realized_usd=usd(sum(one.result.gross_micro or 0 for one in counts)), n=len(counts),
    )  # fmt: skip
