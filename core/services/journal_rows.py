"""What the faces ask of the journal, as selects: read-only, and cached for as long as the journal's version stands still."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson
from sqlalchemy import Column, ColumnElement, Select, Table, and_, func, inspect, or_, select, tuple_

from core.journal.address import told
from core.journal.lines import CycleLine, RiskLine
from core.journal.reader import JournalReader
from core.journal.tables import (
    ACTIVITY,
    CONVERSIONS,
    CYCLES,
    DECISIONS,
    FILLS,
    INSTRUMENTS,
    LEDGER,
    ORDERS,
    RISK,
    SETTLEMENTS,
    columns_of,
)
from core.model.account import Account
from core.model.activity import Activity
from core.model.settlement import Finality
from core.units import instant, micros

Row = Mapping[str, Any]
Found = TypeVar("Found")
LIVE_RUN = 0
MOST_DAYS = 400
MOST_AT_ONCE = 500  # ids in one question
COUNTED = tuple(
    FILLS.c[name]
    for name in (
        "execution_id", "desk", "run", "token", "venue", "event_id", "station", "event_day", "scheduled_at", "line", "at",
        "size_micro", "notional_micro", "fee_micro",
    )
)  # fmt: skip
OF_ORDER = (
    "decision_id", "role", "parent", "limit_micro", "reference_micro", "fair_micro", "good_until", "cancel_at", "placed_at",
    "status",
)  # fmt: skip
MOST_KEPT = 500  # answers: a resting engine's version never moves


class JournalRows:
    """One journal, opened for reading; what it says of a version is kept until the version moves."""

    def __init__(self, where: str | Path) -> None:
        self._reader = JournalReader(where)
        self._kept: dict[object, Any] = {}
        self._kept_version = -1
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._world = ""

    def close(self) -> None:
        """Let go of the file or server."""
        self._reader.close()

    def version(self) -> int:
        """Return the highest activity `seq`, 0 before the first row."""
        return self._reader.version()

    def after(self, seq: int, limit: int) -> Sequence[Activity]:
        """Return activity with a higher `seq`, oldest first."""
        return self._reader.after(seq, limit)

    def world(self) -> str:
        """Return the world the journal belongs to, "" before there is one."""
        self._world = self._world or self._reader.world()
        return self._world

    def desks(self) -> tuple[str, ...]:
        """Return the desks that have an account."""
        return self.keep("desks", self._reader.desks)

    def accounts(self) -> tuple[Account, ...]:
        """Return the folded account of every desk."""

        def asked() -> tuple[Account, ...]:
            accounts = (self._reader.account(desk) for desk in self._reader.desks())
            return tuple(account for account in accounts if account is not None)

        return self.keep("accounts", asked)

    def newest_cycle(self) -> CycleLine | None:
        """Return the newest cycle of any desk."""

        def asked() -> CycleLine | None:
            lines = [line for desk in self._reader.desks() if (line := self._reader.last_cycle(desk))]
            return max(lines, key=lambda line: line.cycle.scheduled_at, default=None)

        return self.keep("cycle", asked)

    def newest_risk(self) -> tuple[RiskLine, ...]:
        """Return the newest risk row of each desk."""

        def asked() -> tuple[RiskLine, ...]:
            return tuple(line for desk in self._reader.desks() for line in self._reader.risk(desk, limit=1, newest_first=True))

        return self.keep("risk", asked)

    def red_days(self) -> int:
        """Return how many desk days in a row, the running one apart, ended below their start; of the worst desk."""

        def asked() -> int:
            return max((_red_in_a_row(self._reader.risk_days(desk, 30)[:-1]) for desk in self._reader.desks()), default=0)

        return self.keep("red", asked)

    def finals(self) -> Mapping[str, Row]:
        """Return the newest final word about each event of any desk."""
        return self.keep("finals", lambda: self._words(Finality.FINAL))

    def provisionals(self) -> Mapping[str, Row]:
        """Return the newest provisional word about each event."""
        return self.keep("provisionals", lambda: self._words(Finality.PROVISIONAL))

    def rulings(self, scheduled_at: datetime) -> Mapping[str, Mapping[str, Row]]:
        """Return the decisions of one cycle by event and token, with the price that an order referred to."""
        return self.keep(("rulings", scheduled_at), lambda: self._rulings(scheduled_at))

    def _rulings(self, scheduled_at: datetime) -> dict[str, dict[str, Row]]:
        price = func.coalesce(ORDERS.c.reference_micro, 0).label("price_micro")
        asked = (
            select(
                DECISIONS.c.event_id, DECISIONS.c.token, DECISIONS.c.allowed_micro, DECISIONS.c.order_micro,
                DECISIONS.c.reason_code, price,
            )
            .outerjoin(ORDERS, ORDERS.c.decision_id == DECISIONS.c.decision_id)
            .where(DECISIONS.c.scheduled_at == micros(scheduled_at), DECISIONS.c.run == LIVE_RUN)
        )  # fmt: skip
        found: dict[str, dict[str, Row]] = {}
        for row in self._ask(asked):
            found.setdefault(row["event_id"], {})[row["token"]] = row
        return found

    def fills_after(self, desk: str, place: tuple[int, int]) -> Sequence[Row]:
        """Return what is counted of the fills that a desk booked after (cycle, line), oldest first."""
        asked = (
            select(*COUNTED, INSTRUMENTS.c.market_id, INSTRUMENTS.c.side, INSTRUMENTS.c.extreme, DECISIONS.c.belief)
            .join(INSTRUMENTS, INSTRUMENTS.c.token == FILLS.c.token)
            .outerjoin(ORDERS, ORDERS.c.order_id == FILLS.c.order_id)
            .outerjoin(DECISIONS, DECISIONS.c.decision_id == ORDERS.c.decision_id)
            .where(FILLS.c.desk == desk, tuple_(FILLS.c.scheduled_at, FILLS.c.line) > place)
            .order_by(FILLS.c.scheduled_at, FILLS.c.line)
        )
        return self._ask(asked)

    def words_after(self, desk: str, place: tuple[int, int]) -> Sequence[Row]:
        """Return what a desk booked of how events ended after (cycle, line), oldest first."""
        asked = select(*(column for column in SETTLEMENTS.c if column.name != "evidence"))
        asked = asked.where(SETTLEMENTS.c.desk == desk, tuple_(SETTLEMENTS.c.scheduled_at, SETTLEMENTS.c.line) > place)
        return self._ask(asked.order_by(SETTLEMENTS.c.scheduled_at, SETTLEMENTS.c.line))

    def traded_after(self, desk: str, place: tuple[int, int]) -> Sequence[Row]:
        """Return the fills of the live run that a desk booked after (cycle, line), oldest first, with order and instrument."""
        of_order = ("reference_micro", "fair_micro", "good_until", "placed_at")
        asked = (
            select(
                *COUNTED, *self._there(ORDERS, of_order), ORDERS.c.scheduled_at.label("ordered_at"), DECISIONS.c.belief,
                *(INSTRUMENTS.c[name] for name in ("market_id", "side", "extreme", "city", "bracket", "lower", "upper")),
            )
            .join(INSTRUMENTS, INSTRUMENTS.c.token == FILLS.c.token)
            .outerjoin(ORDERS, ORDERS.c.order_id == FILLS.c.order_id)
            .outerjoin(DECISIONS, DECISIONS.c.decision_id == ORDERS.c.decision_id)
            .where(FILLS.c.desk == desk, FILLS.c.run == LIVE_RUN, tuple_(FILLS.c.scheduled_at, FILLS.c.line) > place)
            .order_by(FILLS.c.scheduled_at, FILLS.c.line)
        )  # fmt: skip
        return self._ask(asked)

    def rested_after(self, desk: str, scheduled_at: int) -> Sequence[Row]:
        """Return the orders that a desk let rest in cycles from an instant on, with what came of them; none of old journals."""
        if "good_until" not in {column.name for column in self._there(ORDERS, ("good_until",))}:
            return ()
        asked = (
            select(
                ORDERS.c.order_id, ORDERS.c.scheduled_at, ORDERS.c.status, ORDERS.c.filled_micro, ORDERS.c.size_micro,
                ORDERS.c.event_id, DECISIONS.c.belief,
            )
            .outerjoin(DECISIONS, DECISIONS.c.decision_id == ORDERS.c.decision_id)
            .where(
                ORDERS.c.desk == desk, ORDERS.c.run == LIVE_RUN, ORDERS.c.scheduled_at >= scheduled_at, ORDERS.c.good_until > 0
            )
            .order_by(ORDERS.c.scheduled_at, ORDERS.c.order_id)
        )  # fmt: skip
        return self._ask(asked)

    def equities_since(self, desk: str, day: int) -> Mapping[int, int]:
        """Return the last equity of each desk day of the live run from a day number on [micro-USD]."""
        of_desk = and_(RISK.c.desk == desk, RISK.c.run == LIVE_RUN, RISK.c.desk_day >= day)
        newest = select(RISK.c.desk_day, func.max(RISK.c.scheduled_at)).where(of_desk).group_by(RISK.c.desk_day)
        asked = select(RISK.c.desk_day, RISK.c.equity_micro).where(
            of_desk, tuple_(RISK.c.desk_day, RISK.c.scheduled_at).in_(newest)
        )
        return {row["desk_day"]: row["equity_micro"] for row in self._ask(asked)}

    def executions(self, ids: Sequence[str]) -> Mapping[str, Row]:
        """Return some fills with order, decision, cycle of the decision, risk of that moment and instrument, by id."""
        asked = (
            select(
                *FILLS.c, *self._there(ORDERS, OF_ORDER), DECISIONS.c.reason_code, DECISIONS.c.belief, DECISIONS.c.checks,
                CYCLES.c.sealed_at, *self._there(RISK, ("equity_micro", "unit_r_micro", "governor")),
                *(column for column in INSTRUMENTS.c if column.name not in FILLS.c),
            )
            .outerjoin(ORDERS, ORDERS.c.order_id == FILLS.c.order_id)
            .outerjoin(DECISIONS, DECISIONS.c.decision_id == ORDERS.c.decision_id)
            .outerjoin(CYCLES, and_(CYCLES.c.desk == ORDERS.c.desk, CYCLES.c.scheduled_at == ORDERS.c.scheduled_at))
            .outerjoin(
                RISK,
                and_(RISK.c.desk == ORDERS.c.desk, RISK.c.scheduled_at == ORDERS.c.scheduled_at, RISK.c.run == ORDERS.c.run),
            )
            .join(INSTRUMENTS, INSTRUMENTS.c.token == FILLS.c.token)
        )  # fmt: skip
        found: dict[str, Row] = {}
        for start in range(0, len(ids), MOST_AT_ONCE):
            some = ids[start : start + MOST_AT_ONCE]
            found |= {row["execution_id"]: row for row in self._ask(asked.where(FILLS.c.execution_id.in_(some)))}
        return found

    def order(self, order_id: str) -> Row | None:
        """Return one order with its decision's checks and numbers and the cycle it belongs to."""
        own = {column.name for column in ORDERS.c}
        asked = (
            select(
                *self._there(ORDERS, tuple(own)), *(column for column in DECISIONS.c if column.name not in own), CYCLES.c.number,
                CYCLES.c.cause, CYCLES.c.sealed_at, CYCLES.c.fill_at, CYCLES.c.heard_at,
            )
            .outerjoin(DECISIONS, DECISIONS.c.decision_id == ORDERS.c.decision_id)
            .outerjoin(CYCLES, and_(CYCLES.c.desk == ORDERS.c.desk, CYCLES.c.scheduled_at == ORDERS.c.scheduled_at))
            .where(ORDERS.c.order_id == order_id)
        )  # fmt: skip
        return self._first(asked)

    def _there(self, table: Table, names: Sequence[str]) -> tuple[Column[Any], ...]:
        """Return the columns that this journal has: one that an older engine wrote lacks the newest, or all of a table."""

        def asked() -> frozenset[str]:
            with told(self._reader.url), self._reader.connection() as connection:
                looked = inspect(connection)
                found = looked.get_columns(table.name) if looked.has_table(table.name) else []
            return frozenset(str(column["name"]) for column in found)

        there = self.keep(("columns", table.name), asked)
        return tuple(table.c[name] for name in names if name in there)

    def fills_of(self, order_id: str) -> Sequence[Row]:
        """Return the fills of one order, oldest first."""
        return self._ask(select(*FILLS.c).where(FILLS.c.order_id == order_id).order_by(FILLS.c.at, FILLS.c.line))

    def words(self, event_id: str) -> Sequence[Row]:
        """Return all that was said of how an event ended, oldest first."""
        asked = select(SETTLEMENTS).where(SETTLEMENTS.c.event_id == event_id)
        return self._ask(asked.order_by(SETTLEMENTS.c.scheduled_at, SETTLEMENTS.c.line))

    def paid(self, tx: str, token: str) -> int | None:
        """Return what one transaction moved to cash for a token [micro-USD], None where it moved nothing."""
        asked = select(func.sum(LEDGER.c.amount_micro).label("paid")).where(
            LEDGER.c.tx == tx, LEDGER.c.token == token, LEDGER.c.account.in_(("cash", "owed")), LEDGER.c.run == LIVE_RUN
        )
        row = self._first(asked)
        return None if row is None or row["paid"] is None else int(row["paid"])

    def conversions(self, event_id: str) -> Sequence[Row]:
        """Return what of an event was given to the venue for dollars and other tokens, oldest first."""
        if not self._there(CONVERSIONS, ("given",)):
            return ()
        asked = select(CONVERSIONS).where(CONVERSIONS.c.event_id == event_id, CONVERSIONS.c.run == LIVE_RUN)
        return self._ask(asked.order_by(CONVERSIONS.c.scheduled_at, CONVERSIONS.c.line))

    def logs(self, conditions: Iterable[ColumnElement[bool]], limit: int, offset: int) -> tuple[int, Sequence[Row]]:
        """Return how many rows match, and one page of them, newest first."""
        given = tuple(conditions)
        page = select(ACTIVITY).where(*given).order_by(ACTIVITY.c.seq.desc()).limit(limit).offset(offset)
        total = self._first(select(func.count().label("n")).select_from(ACTIVITY).where(*given))
        return (total["n"] if total else 0), self._ask(page)

    def tripped_since(self, desk: str, bit: int) -> datetime | None:
        """Return since when a tripwire that holds now has held without a break, None where it does not hold."""

        def asked() -> datetime | None:
            own = (RISK.c.desk == desk, RISK.c.run == LIVE_RUN)
            held = RISK.c.tripped.op("&")(bit) != 0
            free = select(RISK.c.scheduled_at).where(*own, ~held).order_by(RISK.c.scheduled_at.desc()).limit(1)
            last = self._first(free)
            after = [RISK.c.scheduled_at > last["scheduled_at"]] if last else []
            first = self._first(select(func.min(RISK.c.scheduled_at).label("at")).where(*own, *after))
            return instant(first["at"]) if first and first["at"] is not None else None

        return self.keep(("tripped", desk, bit), asked)

    def newest_data(self, desk: str, kind: str) -> Mapping[str, Any]:
        """Return the data of a desk's newest activity row of a type, empty before the first."""

        def asked() -> Mapping[str, Any]:
            own = (ACTIVITY.c.type == kind, ACTIVITY.c.desk == desk)
            row = self._first(select(ACTIVITY.c.data).where(*own).order_by(ACTIVITY.c.seq.desc()).limit(1))
            found: Mapping[str, Any] = orjson.loads(row["data"] or "{}") if row else {}
            return found

        return self.keep(("data", desk, kind), asked)

    def measured(self, kind: str, most: int) -> Sequence[Mapping[str, Any]]:
        """Return what was measured beside the newest activity rows of a type, newest first."""

        def asked() -> Sequence[Mapping[str, Any]]:
            newest = select(ACTIVITY.c.measured).where(ACTIVITY.c.type == kind).order_by(ACTIVITY.c.seq.desc()).limit(most)
            return [orjson.loads(row["measured"] or "{}") for row in self._ask(newest)]

        return self.keep(("measured", kind, most), asked)

    def orders(self, conditions: Iterable[ColumnElement[bool]], limit: int, offset: int) -> tuple[int, Sequence[Row]]:
        """Return how many orders match, and one page of them with instrument and average price, newest first."""
        given = tuple(conditions)
        paid = (
            select(FILLS.c.order_id, func.sum(FILLS.c.notional_micro).label("notional_micro"), func.sum(FILLS.c.fee_micro).label("fee_micro"))
            .group_by(FILLS.c.order_id)
        )  # fmt: skip
        page = (
            select(
                *self._there(ORDERS, columns_of(ORDERS)), INSTRUMENTS.c.city, INSTRUMENTS.c.extreme, INSTRUMENTS.c.label,
                INSTRUMENTS.c.side, INSTRUMENTS.c.unit,
            )
            .outerjoin(INSTRUMENTS, INSTRUMENTS.c.token == ORDERS.c.token)
            .where(*given)
            .order_by(ORDERS.c.scheduled_at.desc(), ORDERS.c.order_id)
            .limit(limit)
            .offset(offset)
        )  # fmt: skip
        total = self._first(select(func.count().label("n")).select_from(ORDERS).where(*given))
        rows = self._ask(page)
        sums = {row["order_id"]: row for row in self._ask(paid.where(FILLS.c.order_id.in_([row["order_id"] for row in rows])))}
        none = {"notional_micro": 0, "fee_micro": 0}
        return (total["n"] if total else 0), [{**row, **none, **sums.get(row["order_id"], {})} for row in rows]

    def answers(self, command_id: str) -> Sequence[Row]:
        """Return what was said when a command was carried out; nothing while it waits."""
        return self._ask(select(ACTIVITY).where(ACTIVITY.c.command_id == command_id).order_by(ACTIVITY.c.seq))

    def log_days(self) -> tuple[tuple[date, int], ...]:
        """Return UTC days with rows and how many, newest first."""
        return self.keep("days", lambda: self._reader.activity_days(MOST_DAYS))

    def _words(self, finality: Finality) -> dict[str, Row]:
        asked = select(SETTLEMENTS).where(SETTLEMENTS.c.finality == str(finality)).order_by(SETTLEMENTS.c.revision)
        return {row["event_id"]: row for row in self._ask(asked)}

    def _ask(self, asked: Select[Any]) -> Sequence[Row]:
        with told(self._reader.url), self._reader.connection() as connection:
            return [dict(row) for row in connection.execute(asked).mappings()]

    def _first(self, asked: Select[Any]) -> Row | None:
        found = self._ask(asked)
        return found[0] if found else None

    def once(self, name: str, made: Callable[[], Found]) -> Found:
        """Return what is made once for an opened journal and follows its versions by itself."""
        with self._lock:
            if name not in self._made:
                self._made[name] = made()
            found: Found = self._made[name]
            return found

    def keep(self, key: object, answer: Callable[[], Found]) -> Found:
        version = self.version()
        if version != self._kept_version or len(self._kept) > MOST_KEPT:
            self._kept, self._kept_version = {}, version
        kept = self._kept
        if key not in kept:
            kept[key] = answer()
        found: Found = kept[key]
        return found


def _red_in_a_row(days: Sequence[RiskLine]) -> int:
    red = 0
    for line in reversed(days):
        if line.equity_micro >= line.day_start_micro:
            break
        red += 1
    return red


def like(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Return whether a text column contains `text`, in upper or lower case, its % and _ taken as they are."""
    return column.icontains(text, autoescape=True)


def any_of(conditions: Iterable[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Return whether one of the conditions holds."""
    return or_(*conditions)
