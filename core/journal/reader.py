"""The journal for everyone who must not write it: opened read-only, paged, filtered by indexes.

A journal that does not exist yet is an empty one: faces may start before the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from core.journal.address import check_schema, is_file, reading_engine, schema_of, told, url_of
from core.journal.lines import (
    ALL_SAID,
    EVERYTHING,
    Among,
    CycleLine,
    DecisionLine,
    FillLine,
    LedgerLine,
    OrderLine,
    RiskLine,
    Said,
    SettlementLine,
    VerdictLine,
    activity_line,
    cycle_line,
    decision_line,
    fill_line,
    instrument_line,
    ledger_line,
    order_line,
    risk_line,
    settlement_line,
)  # fmt: skip
from core.journal.questions import Question, activity_page, count_of, day_bounds, page_of, rows_where
from core.journal.state import account_of
from core.model.account import Account
from core.model.activity import Activity
from core.model.cycle import Cycle
from core.model.event import Instrument
from core.model.settlement import Finality
from core.units import instant, micros

T = TypeVar("T")
_Row = Sequence[Any]


class JournalReader:
    """Asks the journal; safe to share between threads. Pages are newest first unless said."""

    def __init__(self, where: str | Path) -> None:
        self.url = url_of(where)
        self._engine = reading_engine(self.url)
        self._checked = False

    def close(self) -> None:
        """Let go of the file or server."""
        self._engine.dispose()

    def world(self) -> str:
        """Return the world of the journal, "" before there is one."""
        rows = self._rows(Question("SELECT world FROM schema"))
        return str(rows[0][0]) if rows else ""

    def version(self) -> int:
        """Return the seq of the newest activity row, 0 before the first."""
        rows = self._rows(Question("SELECT max(seq) FROM activity"))
        return int(rows[0][0] or 0) if rows else 0

    def desks(self) -> tuple[str, ...]:
        """Return the desks that have an account."""
        return tuple(row[0] for row in self._rows(Question("SELECT desk FROM accounts ORDER BY desk")))

    def account(self, desk: str) -> Account | None:
        """Return the folded account of a desk, None before its first change."""
        rows = self._rows(Question("SELECT state FROM accounts WHERE desk = ?", (desk,)))
        return account_of(rows[0][0]) if rows else None

    # cycles

    def cycles(self, desk: str, start: datetime | None = None, end: datetime | None = None) -> tuple[Cycle, ...]:
        """Return the cycles scheduled in [start, end), oldest first."""
        return tuple(line.cycle for line in self.cycle_lines(desk, start, end))

    def cycle_lines(self, desk: str, start: datetime | None = None, end: datetime | None = None) -> tuple[CycleLine, ...]:
        """Return the cycles scheduled in [start, end) with their phase, oldest first."""
        question = page_of("cycles", Among(desk=desk, start=start, end=end), "number", 10_000_000, 0, newest_first=False)
        return self._lines(question, cycle_line)

    def last_cycle(self, desk: str) -> CycleLine | None:
        """Return the newest cycle with its phase: what is not complete must be finished after a restart."""
        return self._first(page_of("cycles", Among(desk=desk), "number", 1, 0, newest_first=True), cycle_line)

    # activity

    def after(self, seq: int, limit: int, said: Said = ALL_SAID) -> tuple[Activity, ...]:
        """Return the activity that came after a row, oldest first."""
        return self._lines(activity_page(said, limit, 0, newest_first=False, after=seq), activity_line)

    def activity(self, said: Said = ALL_SAID, limit: int = 100, offset: int = 0) -> tuple[Activity, ...]:
        """Return a page of the activity, newest first."""
        return self._lines(activity_page(said, limit, offset, newest_first=True), activity_line)

    def activity_days(self, limit: int = 60, before: date | None = None) -> tuple[tuple[date, int], ...]:
        """Return the newest UTC days with activity and how many rows each has, newest first."""
        days: list[tuple[date, int]] = []
        with self._connection() as connection:
            bound = day_bounds(before)[0] if before else 2**62
            while connection is not None and len(days) < limit:
                newest = _ask(connection, Question("SELECT max(at) FROM activity WHERE at < ?", (bound,)))[0][0]
                if newest is None:
                    break
                day = instant(newest).astimezone(UTC).date()
                bound, end = day_bounds(day)
                count = _ask(connection, Question("SELECT count(*) FROM activity WHERE at >= ? AND at < ?", (bound, end)))
                days.append((day, int(count[0][0])))
        return tuple(days)

    def answer(self, command_id: str) -> tuple[Activity, ...]:
        """Return what was said when a command was carried out; nothing while it waits."""
        return self._lines(rows_where("activity", "command_id = ? ORDER BY seq", command_id), activity_line)

    # decisions, orders, fills

    def decisions(
        self, among: Among = EVERYTHING, limit: int = 100, offset: int = 0, *, newest_first: bool = True
    ) -> tuple[DecisionLine, ...]:
        """Return a page of decisions."""
        return self._lines(page_of("decisions", among, "decision_id", limit, offset, newest_first=newest_first), decision_line)

    def verdicts(self, desk: str) -> tuple[VerdictLine, ...]:
        """Return how often each reason let a wish pass, shrank it or refused it, the most frequent reason first; reads all."""
        question = Question(
            "SELECT reason_code, sum(CASE WHEN order_micro = 0 THEN 0 WHEN abs(order_micro) >= abs(wanted_micro - held_micro) "
            "THEN 1 ELSE 0 END), sum(CASE WHEN order_micro <> 0 AND abs(order_micro) < abs(wanted_micro - held_micro) THEN 1 "
            "ELSE 0 END), sum(CASE WHEN order_micro = 0 THEN 1 ELSE 0 END) FROM decisions WHERE desk = ? "
            "GROUP BY reason_code ORDER BY count(*) DESC, reason_code",
            (desk,),
        )
        return self._lines(question, lambda row: VerdictLine(str(row[0]), int(row[1]), int(row[2]), int(row[3])))

    def decision(self, decision_id: str) -> DecisionLine | None:
        """Return one decision."""
        return self._first(rows_where("decisions", "decision_id = ?", decision_id), decision_line)

    def orders(
        self, among: Among = EVERYTHING, limit: int = 100, offset: int = 0, *, newest_first: bool = True
    ) -> tuple[OrderLine, ...]:
        """Return a page of orders."""
        return self._lines(page_of("orders", among, "order_id", limit, offset, newest_first=newest_first), order_line)

    def order(self, order_id: str) -> OrderLine | None:
        """Return one order."""
        return self._first(rows_where("orders", "order_id = ?", order_id), order_line)

    def orders_of(self, decision_id: str) -> tuple[OrderLine, ...]:
        """Return the orders that a decision led to."""
        return self._lines(rows_where("orders", "decision_id = ? ORDER BY order_id", decision_id), order_line)

    def fills(
        self, among: Among = EVERYTHING, limit: int = 100, offset: int = 0, *, newest_first: bool = True
    ) -> tuple[FillLine, ...]:
        """Return a page of fills in the order in which they were booked."""
        return self._lines(page_of("fills", among, "line, execution_id", limit, offset, newest_first=newest_first), fill_line)

    def count_fills(self, among: Among = EVERYTHING) -> int:
        """Return how many fills there are."""
        return self._count(count_of("fills", among))

    def fill(self, execution_id: str) -> FillLine | None:
        """Return one fill."""
        return self._first(rows_where("fills", "execution_id = ?", execution_id), fill_line)

    def fills_of(self, order_id: str) -> tuple[FillLine, ...]:
        """Return the fills of an order, oldest first."""
        return self._lines(rows_where("fills", "order_id = ? ORDER BY scheduled_at, line", order_id), fill_line)

    # money

    def ledger(
        self, desk: str, start: datetime | None = None, end: datetime | None = None, limit: int = 1000, offset: int = 0
    ) -> tuple[LedgerLine, ...]:
        """Return a page of the ledger lines of an instant in [start, end), oldest first."""
        bounds = (micros(start) if start else -(2**62), micros(end) if end else 2**62)
        where = "desk = ? AND at >= ? AND at < ? ORDER BY at, tx, line LIMIT ? OFFSET ?"
        return self._lines(rows_where("ledger", where, desk, *bounds, limit, offset), ledger_line)

    def settlements(
        self, among: Among = EVERYTHING, limit: int = 100, offset: int = 0, *, finality: Finality | None = None,
        newest_first: bool = True,
    ) -> tuple[SettlementLine, ...]:  # fmt: skip
        """Return a page of words about events; `venue` and `token` cannot narrow them."""
        also = {"finality": str(finality)} if finality else {}
        question = page_of("settlements", among, "line, settlement_id", limit, offset, newest_first=newest_first, also=also)
        return self._lines(question, settlement_line)

    def settlements_of(self, event_ids: Sequence[str]) -> Mapping[str, tuple[SettlementLine, ...]]:
        """Return all words about each of some events, oldest first; an event without any has none."""
        lines = self._in("settlements", "event_id", event_ids, "scheduled_at, line", settlement_line)
        return {e: tuple(line for line in lines if line.settlement.event_id == e) for e in dict.fromkeys(event_ids)}

    def risk(
        self, desk: str, start: datetime | None = None, end: datetime | None = None, limit: int = 1000, offset: int = 0,
        *, run: int = 0, newest_first: bool = False,
    ) -> tuple[RiskLine, ...]:  # fmt: skip
        """Return a page of the risk states of one run: the equity curve."""
        among = Among(desk=desk, start=start, end=end)
        question = page_of("risk", among, "run", limit, offset, newest_first=newest_first, also={"run": run})
        return self._lines(question, risk_line)

    def risk_days(self, desk: str, limit: int = 400, *, run: int = 0) -> tuple[RiskLine, ...]:
        """Return the last risk state of each of the newest desk days, oldest first."""
        lines: list[RiskLine] = []
        day = 2**31 - 1
        with self._connection() as connection:
            while connection is not None and len(lines) < limit:
                where = "desk = ? AND desk_day < ? AND run = ? ORDER BY desk_day DESC, scheduled_at DESC LIMIT 1"
                rows = _ask(connection, rows_where("risk", where, desk, day, run))
                if not rows:
                    break
                lines.append(risk_line(rows[0]))
                day = lines[-1].desk_day
        return tuple(reversed(lines))

    def instruments(self, tokens: Sequence[str]) -> Mapping[str, Instrument]:
        """Return what is known of some tokens; unknown ones are left out."""
        return {i.token: i for i in self._in("instruments", "token", tokens, "token", instrument_line)}

    def instruments_of(self, event_id: str) -> tuple[Instrument, ...]:
        """Return the tokens of an event that were ever decided on, cold to warm."""
        return self._lines(rows_where("instruments", "event_id = ? ORDER BY bracket, side DESC", event_id), instrument_line)

    def connection(self) -> Connection:
        """Return a connection of one's own that cannot write; the caller closes it."""
        with told(self.url):
            return self._engine.connect()

    @contextmanager
    def _connection(self) -> Iterator[Connection | None]:
        if is_file(self.url) and not Path(str(self.url.database)).exists():
            yield None
            return
        with told(self.url), self._engine.connect() as connection:
            if not self._checked:
                schema = schema_of(connection)
                if schema is None:
                    yield None
                    return
                check_schema(self.url, schema[0], reads=True)
                self._checked = True
            yield connection

    def _rows(self, question: Question) -> Sequence[_Row]:
        with self._connection() as connection:
            return [] if connection is None else _ask(connection, question)

    def _lines(self, question: Question, line: Callable[[_Row], T]) -> tuple[T, ...]:
        return tuple(line(row) for row in self._rows(question))

    def _first(self, question: Question, line: Callable[[_Row], T]) -> T | None:
        return next(iter(self._lines(question, line)), None)

    def _count(self, question: Question) -> int:
        rows = self._rows(question)
        return int(rows[0][0]) if rows else 0

    def _in(self, name: str, column: str, values: Sequence[str], order: str, line: Callable[[_Row], T]) -> tuple[T, ...]:
        found: list[T] = []
        asked = list(dict.fromkeys(values))
        for start in range(0, len(asked), 500):
            some = asked[start : start + 500]
            found += self._lines(rows_where(name, f"{column} IN ({', '.join('?' * len(some))}) ORDER BY {order}", *some), line)
        return tuple(found)


def _ask(connection: Connection, question: Question) -> Sequence[_Row]:
    text = question.text if connection.dialect.name == "sqlite" else question.text.replace("?", "%s")
    return connection.exec_driver_sql(text, question.values).fetchall()
