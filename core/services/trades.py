"""What was bought and sold, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, true

from core.errors import NotAllowedError, UnknownIdError
from core.journal.tables import FILLS
from core.services.journal_rows import JournalRows, Row
from core.services.results import Fill, Result, results
from core.services.shelves import Shelves
from core.services.values import day as day_of
from core.services.values import in_fahrenheit, number, pct, price_of, usd
from core.units import MICRO, instant

SOURCE = "journal: fills, orders, decisions, settlements"
DAY_MICROS = 86_400_000_000
FIRST_DAY = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Trade:
    """One execution. `action` "buy" opened shares, "sell" is an exit row of shares that another row opened.

    A final settlement decides `outcome`; what we concluded from METAR before it stands in the `provisional_*` fields. A buy
    whose shares were all sold again is "closed": what came of them stands in the rows of the sales.
    `edge` of a buy is fair value less price with fee; of a sell the gain over fair value: its price less fee, less fair value.
    `realized_pnl` is net of this row's own fee: of a buy, what its shares that were not sold paid; of a sell, its proceeds less
    their cost. The rows of a token add up to what the journal realised.
    """

    trade_id: str
    timestamp: datetime
    desk: str
    station_code: str
    city: str
    venue: str
    event_id: str
    event_day: date
    extreme: str
    bracket_name: str
    bracket_lower_f: float | None
    bracket_upper_f: float | None
    bracket_lower: int | None
    bracket_upper: int | None
    unit: str
    side: str  # "YES" or "NO"
    action: str  # "buy" or "sell"
    market_id: str
    token_id: str
    price: Decimal  # average, fees apart [USD per share]
    shares: Decimal
    fee_usd: Decimal
    size_usd: Decimal  # price x shares
    edge: float | None
    edge_pct: float | None
    f_kelly: float | None
    p_zeus: float | None
    p_pooled: float | None
    p_mkt: float | None
    sigma_z: float | None
    model: str
    regime_at_entry: str
    reason: str
    outcome: str  # "win", "loss", "pending" or "closed" (a buy that was sold again)
    status: str  # "open", "closed" (sold) or "settled"
    realized_pnl: Decimal | None
    pnl_gross: Decimal | None
    result_r: float | None  # realised net P&L in units of this row's own worst case at entry
    resolved_at: datetime | None
    winner_bracket: str | None
    settlement_reading: float | None
    provisional_outcome: str | None
    provisional_winner: str | None
    provisional_reading: float | None
    order_id: str
    decision_id: str
    mode: str  # "live" or "demo": the journal's world


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


@dataclass(frozen=True, slots=True)
class Count:
    """What is counted of an execution without reading it whole: enough to filter, sort and add up."""

    row: Row
    result: Result

    @property
    def net_micro(self) -> int | None:
        gross = self.result.gross_micro
        return None if gross is None else gross - int(self.row["fee_micro"])


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
    """Answers from the journal alone. Whole rows are read for one page only; what is counted stands per version."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def recent(
        self, *, trade_date: date | None = None, station_code: str | None = None, event_id: str | None = None,
        limit: int = 50, offset: int = 0,
    ) -> Trades:  # fmt: skip
        """Return executions newest first; `trade_date` is the UTC day of the execution."""
        self._shelves.check_station(station_code)
        conditions = list(_equal(station=station_code, event_id=event_id))
        start = 0
        if trade_date is not None:
            start = (trade_date - FIRST_DAY) // timedelta(microseconds=1)
            conditions += [FILLS.c.at >= start, FILLS.c.at < start + DAY_MICROS]
        found = self._counts(("recent", trade_date, station_code, event_id), conditions)
        kept = [one for one in found if trade_date is None or start <= one.row["at"] < start + DAY_MICROS]
        return self._page(kept, limit, offset)

    def history(
        self, *, start_date: date | None = None, end_date: date | None = None, station_code: str | None = None,
        venue: str | None = None, extreme: str | None = None, side: str | None = None, outcome: str | None = None,
        mode: str | None = None, sort: str = "newest", limit: int = 100, offset: int = 0,
    ) -> Trades:  # fmt: skip
        """Return the same rows of a span of event days, both ends included."""
        self._shelves.check_station(station_code)
        self._shelves.check_venue(venue)
        if start_date is not None and end_date is not None and end_date < start_date:
            raise NotAllowedError(f"end_date {end_date} is before start_date {start_date}", "end_date")
        if sort not in SORTS:
            raise NotAllowedError(f"sort is one of {', '.join(SORTS)}; got {sort[:40]!r}", "sort")
        conditions = list(_equal(station=station_code, venue=venue))
        if start_date is not None:
            conditions.append(FILLS.c.event_day >= start_date.isoformat())
        if end_date is not None:
            conditions.append(FILLS.c.event_day <= end_date.isoformat())
        found = self._counts(("history", start_date, end_date, station_code, venue), conditions)
        wanted = {"extreme": extreme, "side": side}
        kept = [
            one
            for one in found
            if outcome in (None, one.result.outcome) and all(value in (None, one.row[name]) for name, value in wanted.items())
        ]
        world = self._world()
        return self._page(sorted(kept, key=SORTS[sort]) if mode in (None, world) else [], limit, offset)

    def one(self, trade_id: str) -> Trade:
        """Return one execution; UnknownIdError when there is none of that name."""
        journal = self._shelves.journal()
        if journal is not None:
            found = self._counts(("one", trade_id), [FILLS.c.execution_id == trade_id])
            for trade in self._whole(journal, [one for one in found if one.row["execution_id"] == trade_id]):
                return trade
        raise UnknownIdError(f"there is no trade {trade_id[:60]!r} in this journal")

    def booked(self, event_ids: Collection[str]) -> Mapping[str, Booked]:
        """Return what the journal booked of each of some events; one that was never traded is absent."""
        if not event_ids:
            return {}
        found: dict[str, list[Count]] = {}
        for one in self._counts(("booked", frozenset(event_ids)), [FILLS.c.event_id.in_(list(event_ids))]):
            found.setdefault(one.row["event_id"], []).append(one)
        return {event_id: _booked(counts) for event_id, counts in found.items()}

    def _counts(self, key: object, conditions: Sequence[ColumnElement[bool]]) -> Sequence[Count]:
        journal = self._shelves.journal()
        if journal is None:
            return ()
        return journal.keep(key, lambda: _counts_of(journal, and_(true(), *conditions)))

    def _page(self, counts: Sequence[Count], limit: int, offset: int) -> Trades:
        journal, ended = self._shelves.journal(), Counter(one.result.outcome for one in counts)
        return Trades(
            as_of=self._shelves.present().now, source=SOURCE, n=len(counts), total=len(counts), limit=limit, offset=offset,
            trades=tuple(self._whole(journal, counts[offset : offset + limit])) if journal else (),
            total_size_usd=usd(sum(one.row["notional_micro"] for one in counts)),
            total_fee_usd=usd(sum(one.row["fee_micro"] for one in counts)),
            total_realized_pnl=usd(sum(one.net_micro for one in counts if one.net_micro is not None)),
            wins=ended["win"], losses=ended["loss"], pending=ended["pending"], closed=ended["closed"],
            missing="" if journal else self._shelves.missing(),
        )  # fmt: skip

    def _whole(self, journal: JournalRows, counts: Sequence[Count]) -> Iterator[Trade]:
        rows, world = journal.executions([one.row["execution_id"] for one in counts]), self._world()
        finals, provisionals = journal.finals(), journal.provisionals()
        for one in counts:
            row = rows[one.row["execution_id"]]
            said = finals.get(row["event_id"]), provisionals.get(row["event_id"])
            yield _trade(row, one.result, *said, world)

    def _world(self) -> str:
        journal = self._shelves.journal()
        return "demo" if journal and journal.world().startswith("demo") else "live"


def _equal(**wanted: str | None) -> Iterator[ColumnElement[bool]]:
    for name, value in wanted.items():
        if value is not None:
            yield FILLS.c[name] == value


def _counts_of(journal: JournalRows, condition: ColumnElement[bool]) -> Sequence[Count]:
    """Return the counts of every fill of the tokens concerned, newest first."""
    holdings: dict[tuple[str, int, str], list[Row]] = {}
    for row in journal.fills(condition):
        holdings.setdefault((row["desk"], row["run"], row["token"]), []).append(row)
    finals = journal.finals()
    counts: list[Count] = []
    for rows in holdings.values():
        final = finals.get(rows[0]["event_id"])
        pays = None if final is None else MICRO * _wins(rows[0], final)
        fills = [Fill(row["size_micro"], row["notional_micro"], row["fee_micro"]) for row in rows]
        counts += [Count(row, result) for row, result in zip(rows, results(fills, pays), strict=True)]
    counts.sort(key=lambda one: (one.row["at"], one.row["scheduled_at"], one.row["line"]), reverse=True)
    return counts


def _booked(counts: Sequence[Count]) -> Booked:
    sold = (one.result.gross_micro for one in counts if one.row["size_micro"] < 0)
    return Booked(
        fees_usd=usd(sum(one.row["fee_micro"] for one in counts)), sold_usd=usd(sum(gross for gross in sold if gross)),
        realized_usd=usd(sum(one.result.gross_micro or 0 for one in counts)), n=len(counts),
    )  # fmt: skip


def _wins(row: Row, word: Row) -> bool:
    """Return whether the token pays by a word about its event."""
    return bool((row["market_id"] == word["winner"]) == (row["side"] == "YES"))


def _trade(row: Row, result: Result, final: Row | None, provisional: Row | None, world: str) -> Trade:
    belief: Mapping[str, Any] = orjson.loads(row["belief"] or "{}")
    edge = _edge(row, belief)
    fee, net = row["fee_micro"], None if result.gross_micro is None else result.gross_micro - row["fee_micro"]
    event_day, unit = day_of(row["event_day"]), row["unit"]
    return Trade(
        trade_id=row["execution_id"], timestamp=instant(row["at"]), desk=row["desk"], station_code=row["station"],
        city=row["city"], venue=row["venue"], event_id=row["event_id"], event_day=event_day or FIRST_DAY,
        extreme=row["extreme"], bracket_name=row["label"], bracket_lower_f=in_fahrenheit(row["lower"], unit),
        bracket_upper_f=in_fahrenheit(row["upper"], unit), bracket_lower=row["lower"], bracket_upper=row["upper"], unit=unit,
        side=row["side"], action="buy" if row["size_micro"] > 0 else "sell", market_id=row["market_id"],
        token_id=row["token"], price=price_of(row["notional_micro"], row["size_micro"]), shares=usd(abs(row["size_micro"])),
        fee_usd=usd(fee), size_usd=usd(row["notional_micro"]), edge=edge, edge_pct=pct(edge),
        f_kelly=number(belief.get("fraction", belief.get("f_kelly"))), p_zeus=number(belief.get("p_model")),
        p_pooled=number(belief.get("p_pooled")),
        p_mkt=number(belief.get("p_market")), sigma_z=number(belief.get("sd")), model=str(belief.get("model", "")),
        regime_at_entry=str(belief.get("regime", "")), reason=row["reason_code"] or "", outcome=result.outcome,
        status=result.status, realized_pnl=None if net is None else usd(net),
        pnl_gross=None if result.gross_micro is None else usd(result.gross_micro),
        result_r=None if net is None or not result.risk_micro else round(net / result.risk_micro, 6),
        resolved_at=_resolved_at(row, result, final), winner_bracket=final["winner_label"] if final else None,
        settlement_reading=number(final["reading"]) if final else None,
        provisional_outcome=None if provisional is None else ("win" if _wins(row, provisional) else "loss"),
        provisional_winner=provisional["winner_label"] if provisional else None,
        provisional_reading=number(provisional["reading"]) if provisional else None, order_id=row["order_id"],
        decision_id=row["decision_id"] or "", mode=world,
    )  # fmt: skip


def _edge(row: Row, belief: Mapping[str, Any]) -> float | None:
    """Return what the trade was expected to gain [USD per share]: of a sale, what it fetched over fair value."""
    if row["size_micro"] > 0:
        return number(belief.get("edge"))
    pooled = number(belief.get("p_pooled"))
    if pooled is None:
        return None
    fair = pooled if row["side"] == "YES" else 1.0 - pooled
    return float((row["notional_micro"] - row["fee_micro"]) / -row["size_micro"] - fair)


def _resolved_at(row: Row, result: Result, final: Row | None) -> datetime | None:
    if result.status == "settled" and final is not None:
        return instant(final["at"])
    return instant(row["at"]) if row["size_micro"] < 0 else None
