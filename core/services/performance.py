"""What trading came to: figures in R, by kind, claimed against realised, part by part, and the tear sheet of the equity."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np

from core.errors import NotAllowedError
from core.metrics.claims import claim_of_return
from core.metrics.events import DECAY_LEAST, Decay, Events, decay, event_figures, realised_edge_slope
from core.metrics.figures import Figure, finite
from core.metrics.tear_sheet import tear_sheet
from core.services.choice import Choice, Choices, choices_of, chosen
from core.services.equity import Equity, EquityBook
from core.services.fills import Resting, resting
from core.services.journal_rows import JournalRows
from core.services.performed import (
    COUNTED,
    Attribution,
    Closing,
    EventResult,
    Group,
    Moved,
    PnlDay,
    attribution,
    closing_values,
    daily,
    edge_points,
    event_results,
    groups,
    markouts,
    slope,
)  # fmt: skip
from core.services.scored import EdgePoint
from core.services.shelves import Shelves
from core.services.traded import Traded, TradedBook
from core.services.values import usd
from core.units import BoolArray

SOURCE = "journal: fills, orders, decisions, settlements, risk; evaluations: quotes"
EXTREMES, SIDES = ("high", "low"), ("YES", "NO")
MOST_KEPT = 64
ANNUAL = "daily returns of the equity at the bid, √365 to a year, days without a trade included, the running day left out"
NOTHING = "No event that was traded has been decided yet: the first are the day after the first trade"
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Performance:
    """Figures of the events that were chosen; `total` events pass without the window."""

    as_of: datetime
    source: str
    n: int
    n_dates: int
    total: int
    open_events: int  # traded, not decided
    counted: str
    verdict: str  # "enough", or what is missing before anything may be claimed
    figures: tuple[Figure, ...]
    decay: Decay
    choices: Choices
    first: date | None  # event days
    last: date | None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Pnl:
    """Results by desk day, oldest first; `start_usd` is the money of the desk where `days` carry its equity."""

    as_of: datetime
    source: str
    n: int  # events
    counted: str
    start_usd: Decimal | None
    days: tuple[PnlDay, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class TearSheet:
    """Figures of daily equity; `n` days."""

    as_of: datetime
    source: str
    n: int
    annual: str
    figures: tuple[Figure, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Groups:
    as_of: datetime
    source: str
    n: int
    counted: str
    groups: tuple[Group, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Edges:
    """Claimed against realised edge [USD per share bought], and the slope through the origin with its 90 % interval by dates."""

    as_of: datetime
    source: str
    n: int
    n_dates: int
    points: tuple[EdgePoint, ...]
    slope: float | None
    slope_low: float | None
    slope_high: float | None
    verdict: str
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Attributed:
    as_of: datetime
    source: str
    n: int
    attribution: Attribution
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Followed:
    """What prices did after executions, also of events that are open; `n` executions."""

    as_of: datetime
    source: str
    n: int
    markouts: tuple[Moved, ...]
    closing: tuple[Closing, ...]
    resting: Resting
    missing: str = ""


@dataclass(frozen=True, slots=True)
class EventResults:
    """One page of decided events, as ordered."""

    as_of: datetime
    source: str
    n: int
    total: int
    limit: int
    offset: int
    events: tuple[EventResult, ...]
    missing: str = ""


ORDERS: Mapping[str, Callable[[Events], Any]] = {
    "worst": lambda events: np.argsort(events.money.net, kind="stable"),
    "best": lambda events: np.argsort(-events.money.net, kind="stable"),
    "newest": lambda events: np.arange(len(events))[::-1],
    "luckiest": lambda events: np.argsort(-events.money.luck, kind="stable"),
    "unluckiest": lambda events: np.argsort(events.money.luck, kind="stable"),
}


class PerformanceService:
    """Each answer is worked out once for each state of the trades: a cycle that decides nothing costs nothing."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves, self._lock = shelves, threading.RLock()
        self._books: tuple[JournalRows, TradedBook, EquityBook] | None = None
        self._kept: dict[object, Any] = {}  # by state of the trades
        self._worked: dict[object, Any] = {}  # by decided events, or days that are over
        self._kept_of: Traded | None = None

    def summary(self, choice: Choice | None = None) -> Performance:
        """Return the figures of TRANSMISSION 1.10 and of the backtest summary."""
        choice = choice or Choice()
        traded, rows, now = self._asked(choice)
        whole, events = self._events(traded, rows, choice)
        window = choice.window or DECAY_LEAST

        def worked() -> tuple[str, tuple[Figure, ...], Decay]:
            return claim_of_return(events), event_figures(events), decay(whole, window)

        def made() -> Performance:
            days = [date.fromordinal(int(each)) for each in (events.ordinal.min(), events.ordinal.max())] if len(events) else []
            touched = len(np.unique(traded.columns["event"][rows])) if traded else 0
            return Performance(
                now, SOURCE, len(events), events.n_dates, len(whole), touched - len(whole), COUNTED,
                *self._decided("figures", whole, choice, worked), choices_of(traded), *(days or (None, None)),
            )  # fmt: skip

        return replace(self._keep("summary", choice, made), as_of=now, missing=self._missing(traded))

    def won_and_lost(self, choice: Choice) -> tuple[int, int]:
        """Return how many decided events gained and how many lost."""
        traded, rows, _ = self._asked(choice)
        _, events = self._events(traded, rows, choice)
        return int((events.money.net > 0).sum()), int((events.money.net < 0).sum())

    def pnl(self, choice: Choice | None = None) -> Pnl:
        """Return the results by desk day, with the equity where all trades of a desk are meant."""
        choice = choice or Choice()
        traded, rows, now = self._asked(choice)
        whole, events = self._events(traded, rows, choice)
        days = self._decided("pnl", whole, choice, lambda: daily(events))
        equity = self._equity(choice.desk) if choice.of_desk else None
        start = None if equity is None else usd(equity.start_micro)
        return Pnl(now, SOURCE, len(events), COUNTED, start, _with_equity(days, equity, choice.days), self._missing(traded))

    def tear_sheet(self, desk: str | None = None) -> TearSheet:
        """Return the tear sheet of the equity of a desk, or of the account as a whole."""
        self._shelves.check_desk(desk)
        equity, now = self._equity(desk), self._shelves.present().now
        if equity is None or len(equity) < 2:
            return TearSheet(now, SOURCE, 0, ANNUAL, (), self._shelves.missing() or "No desk day is over yet")
        key = ("sheet", desk, len(equity), int(equity.end_micro[:-1].sum()), int(equity.end_micro[-2]))
        found = self._stay(key, lambda: tear_sheet(equity.daily))
        return TearSheet(now, SOURCE, len(equity) - 1, ANNUAL, found)

    def groups(self, choice: Choice | None = None) -> Groups:
        """Return the tables by station, venue, lead, regime, strategy, symbol, extreme, weekday, hour, side and bracket."""
        choice = choice or Choice()
        traded, rows, now = self._asked(choice)
        whole, events = self._events(traded, rows, choice)
        if traded is not None and len(events) < len(whole):
            rows = rows & np.isin(traded.columns["event"], events.money.event)
        found = self._decided("groups", whole, choice, lambda: tuple(groups(traded, rows, events)) if traded else ())
        return Groups(now, SOURCE, len(events), COUNTED, found, self._missing(traded))

    def edges(self, choice: Choice | None = None) -> Edges:
        """Return claimed against realised edge."""
        choice = choice or Choice()
        traded, rows, now = self._asked(choice)
        whole, events = self._events(traded, rows, choice)
        points, interval, verdict = self._decided(
            "edges", whole, choice, lambda: (edge_points(events), slope(events), claim_of_return(events))
        )  # fmt: skip
        low, high = interval or (None, None)
        n = sum(point.n for point in points)
        return Edges(
            now, SOURCE, n, events.n_dates, points, finite(realised_edge_slope(events)), low, high, verdict,
            self._missing(traded),
        )  # fmt: skip

    def attribution(self, choice: Choice | None = None) -> Attributed:
        """Return what the result is made of."""
        choice = choice or Choice()
        traded, rows, now = self._asked(choice)
        _, events = self._events(traded, rows, choice)
        found = self._keep("parts", choice, lambda: attribution(events))
        return Attributed(now, SOURCE, len(events), found, self._missing(traded))

    def followed(self, choice: Choice | None = None) -> Followed:
        """Return how prices moved after executions, the value against the declared checkpoints, and what rested."""
        choice = choice or Choice()
        traded, rows, now = self._asked(choice)

        def made() -> tuple[tuple[Moved, ...], tuple[Closing, ...]]:
            return (tuple(markouts(traded, rows)), tuple(closing_values(traded, rows))) if traded else ((), ())

        after, closing = self._keep("followed", choice, made)
        journal = self._shelves.journal()
        rested = resting(journal, choice.desk, now) if journal else Resting()
        return Followed(now, SOURCE, int(rows.sum()), after, closing, rested, self._missing(traded))

    def events(self, choice: Choice | None = None, *, sort: str = "worst", limit: int = 10, offset: int = 0) -> EventResults:
        """Return a page of decided events."""
        choice = choice or Choice()
        if sort not in ORDERS:
            raise NotAllowedError(f"sort is one of {', '.join(ORDERS)}; got {sort[:40]!r}", "sort")
        traded, rows, now = self._asked(choice)
        _, events = self._events(traded, rows, choice)
        places = ORDERS[sort](events)[offset : offset + limit].tolist()
        found = event_results(traded, events, places) if traded else ()
        return EventResults(now, SOURCE, len(found), len(events), limit, offset, found, self._missing(traded))

    def _asked(self, choice: Choice) -> tuple[Traded | None, BoolArray, datetime]:
        """Return the state of the trades, which executions are chosen, and the world's now."""
        self._check(choice)
        now, books = self._shelves.present().now, self._opened()
        traded = books[1].traded(now) if books else None
        with self._lock:
            if traded is not self._kept_of:
                self._kept, self._kept_of = {}, traded
        if traded is None:
            return None, np.empty(0, np.bool_), now
        return traded, self._keep("rows", replace(choice, window=None), lambda: chosen(traded, choice)), now

    def _events(self, traded: Traded | None, rows: BoolArray, choice: Choice) -> tuple[Events, Events]:
        """Return the decided events of a choice, and those of its window."""
        of_all = replace(choice, window=None)
        whole = self._keep("events", of_all, lambda: (traded or EMPTY).events(rows))
        return whole, whole.newest(choice.window)

    def _keep(self, name: str, key: object, make: Callable[[], Answer]) -> Answer:
        with self._lock:
            if (name, key) not in self._kept:
                if len(self._kept) >= MOST_KEPT:
                    self._kept.clear()
                self._kept[name, key] = make()
            found: Answer = self._kept[name, key]
            return found

    def _decided(self, name: str, whole: Events, choice: Choice, make: Callable[[], Answer]) -> Answer:
        """Return what follows from decided events alone: it stays for as long as they do, whatever is traded meanwhile."""
        state = hash((whole.money.event.tobytes(), whole.money.net.tobytes(), whole.decided_at.tobytes()))
        return self._stay((name, choice, state), make)

    def _stay(self, key: object, make: Callable[[], Answer]) -> Answer:
        with self._lock:
            if key not in self._worked:
                if len(self._worked) >= MOST_KEPT:
                    self._worked.clear()
                self._worked[key] = make()
            found: Answer = self._worked[key]
            return found

    def _opened(self) -> tuple[JournalRows, TradedBook, EquityBook] | None:
        journal = self._shelves.journal()
        if journal is None:
            return None
        with self._lock:
            if self._books is None or self._books[0] is not journal:
                self._worked = {}
                self._books = journal, TradedBook(journal, self._shelves), EquityBook(journal)
            return self._books

    def _equity(self, desk: str | None) -> Equity | None:
        books = self._opened()
        return books[2].equity(desk) if books else None

    def _check(self, choice: Choice) -> None:
        self._shelves.check_station(choice.station_code)
        self._shelves.check_venue(choice.venue)
        self._shelves.check_desk(choice.desk)
        for name, value, allowed in (("extreme", choice.extreme, EXTREMES), ("side", choice.side, SIDES)):
            if value is not None and value not in allowed:
                raise NotAllowedError(f"{name} is one of {', '.join(allowed)}; got {value[:40]!r}", name)
        for name, number in (("window", choice.window), ("days", choice.days)):
            if number is not None and number < 1:
                raise NotAllowedError(f"{name} is at least 1; got {number}", name)
        if choice.first and choice.last and choice.last < choice.first:
            raise NotAllowedError(f"end_date {choice.last} is before start_date {choice.first}", "end_date")

    def _missing(self, traded: Traded | None) -> str:
        if traded is None:
            return self._shelves.missing()
        return "" if traded.facts and (traded.decided_any) else NOTHING


def _with_equity(days: tuple[PnlDay, ...], equity: Equity | None, newest: int | None) -> tuple[PnlDay, ...]:
    """Return the days with the equity at their end; days on which nothing was decided are put in between."""
    if equity is None:
        return days
    of_day, ends = {one.day: one for one in days}, equity.on()
    found, before, high = [], None, equity.start_micro
    for day in sorted({*ends, *of_day}):
        end = ends.get(day)
        high = max(high, end or high)
        quiet = _quiet(day, before)
        before = of_day.get(day, quiet)
        below = None if end is None else end / high - 1.0
        found.append(replace(before, equity_usd=None if end is None else usd(end), equity_drawdown=below))
    return tuple(found[-newest:] if newest else found)


def _quiet(day: date, before: PnlDay | None) -> PnlDay:
    if before is None:
        return PnlDay(day, 0, Decimal(0), 0.0, Decimal(0), 0.0, 0.0, 0.0, 0.0, 0.0)
    return replace(before, day=day, n=0, net_usd=Decimal(0), net_r=0.0)


EMPTY = Traded(0, TradedBook.nothing(), (), np.empty(0, np.int64), np.empty(0, np.int64))
