"""What was bought and sold, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, true

from core.errors import NotAllowedError
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

    A final settlement decides `outcome`; what we concluded from METAR before it stands in the `provisional_*` fields.
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
    outcome: str  # "win", "loss" or "pending"
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


class TradeService:
    """Answers from the journal alone."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def recent(
        self, *, trade_date: date | None = None, station_code: str | None = None, event_id: str | None = None,
        limit: int = 50, offset: int = 0,
    ) -> Trades:  # fmt: skip
        """Return executions newest first; `trade_date` is the UTC day of the execution."""
        self._shelves.check_station(station_code)
        conditions = []
        if trade_date is not None:
            start = (trade_date - FIRST_DAY) // timedelta(microseconds=1)
            conditions += [FILLS.c.at >= start, FILLS.c.at < start + DAY_MICROS]
        if station_code is not None:
            conditions.append(FILLS.c.station == station_code)
        if event_id is not None:
            conditions.append(FILLS.c.event_id == event_id)
        found = self._trades(("recent", trade_date, station_code, event_id), conditions)
        kept = [trade for trade in found if trade_date in (None, trade.timestamp.date())]
        return self._page(kept, limit, offset)

    def history(
        self, *, start_date: date | None = None, end_date: date | None = None, station_code: str | None = None,
        venue: str | None = None, outcome: str | None = None, mode: str | None = None, limit: int = 100, offset: int = 0,
    ) -> Trades:  # fmt: skip
        """Return the same rows of a span of event days, both ends included."""
        self._shelves.check_station(station_code)
        if start_date is not None and end_date is not None and end_date < start_date:
            raise NotAllowedError(f"end_date {end_date} is before start_date {start_date}", "end_date")
        conditions = []
        if start_date is not None:
            conditions.append(FILLS.c.event_day >= start_date.isoformat())
        if end_date is not None:
            conditions.append(FILLS.c.event_day <= end_date.isoformat())
        if station_code is not None:
            conditions.append(FILLS.c.station == station_code)
        if venue is not None:
            conditions.append(FILLS.c.venue == venue)
        found = self._trades(("history", start_date, end_date, station_code, venue), conditions)
        kept = [trade for trade in found if outcome in (None, trade.outcome) and mode in (None, trade.mode)]
        return self._page(kept, limit, offset)

    def _trades(self, key: object, conditions: Sequence[ColumnElement[bool]]) -> Sequence[Trade]:
        journal = self._shelves.journal()
        if journal is None:
            return ()
        return journal.keep(key, lambda: _trades_of(journal, and_(true(), *conditions)))

    def _page(self, trades: Sequence[Trade], limit: int, offset: int) -> Trades:
        entries = [trade.outcome for trade in trades if trade.action == "buy"]
        return Trades(
            as_of=self._shelves.present().now, source=SOURCE, n=len(trades), total=len(trades), limit=limit, offset=offset,
            trades=tuple(trades[offset : offset + limit]),
            total_size_usd=sum((trade.size_usd for trade in trades), Decimal(0)),
            total_fee_usd=sum((trade.fee_usd for trade in trades), Decimal(0)),
            total_realized_pnl=sum((trade.realized_pnl for trade in trades if trade.realized_pnl is not None), Decimal(0)),
            wins=entries.count("win"), losses=entries.count("loss"), pending=entries.count("pending"),
            missing="" if self._shelves.journal() else self._shelves.missing(),
        )  # fmt: skip


def _trades_of(journal: JournalRows, condition: ColumnElement[bool]) -> tuple[Trade, ...]:
    """Return the executions of every token that `condition` meets, newest first."""
    rows = sorted(journal.executions(condition), key=_holding)
    world = "demo" if journal.world().startswith("demo") else "live"
    trades = [
        (row["at"], row["scheduled_at"], row["line"], trade)
        for _, holding in groupby(rows, key=_holding)
        for row, trade in _of_holding(list(holding), journal, world)
    ]
    trades.sort(key=lambda one: one[:3], reverse=True)
    return tuple(trade for *_, trade in trades)


def _holding(row: Row) -> tuple[str, int, str]:
    return row["desk"], row["run"], row["token"]


def _of_holding(rows: Sequence[Row], journal: JournalRows, world: str) -> Iterator[tuple[Row, Trade]]:
    """Yield each fill of one token with what became of it."""
    first = rows[0]
    final, provisional = journal.finals().get(first["event_id"]), journal.provisionals().get(first["event_id"])
    pays = None if final is None else MICRO * _wins(first, final)
    fills = [Fill(row["size_micro"], row["notional_micro"], row["fee_micro"]) for row in rows]
    for row, result in zip(rows, results(fills, pays), strict=True):
        yield row, _trade(row, result, final, provisional, world)


def _wins(row: Row, word: Row) -> bool:
    """Return whether the token pays by a word about its event."""
    return bool((row["market_id"] == word["winner"]) == (row["side"] == "YES"))


def _trade(row: Row, result: Result, final: Row | None, provisional: Row | None, world: str) -> Trade:
    belief: Mapping[str, Any] = orjson.loads(row["belief"] or "{}")
    edge = number(belief.get("edge"))
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
        f_kelly=number(belief.get("f_kelly")), p_zeus=number(belief.get("p_model")), p_pooled=number(belief.get("p_pooled")),
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


def _resolved_at(row: Row, result: Result, final: Row | None) -> datetime | None:
    if result.status == "settled" and final is not None:
        return instant(final["at"])
    return instant(row["at"]) if row["size_micro"] < 0 else None
