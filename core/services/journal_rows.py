"""What the faces ask of the journal, as selects: read-only, and cached for as long as the journal's version stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from core.journal.address import told
from core.journal.lines import CycleLine, RiskLine
from core.journal.reader import JournalReader
from core.journal.tables import ACTIVITY, CYCLES, DECISIONS, FILLS, INSTRUMENTS, ORDERS, SETTLEMENTS
from core.model.account import Account
from core.model.activity import Activity
from core.model.settlement import Finality
from core.units import micros

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
MOST_KEPT = 500  # answers: a resting engine's version never moves


class JournalRows:
    """One journal, opened for reading; what it says of a version is kept until the version moves."""

    def __init__(self, where: str | Path) -> None:
        self._reader = JournalReader(where)
        self._kept: dict[object, Any] = {}
        self._kept_version = -1
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

    def fills(self, condition: ColumnElement[bool]) -> Sequence[Row]:
        """Return what is counted of every fill of each token that has a fill under `condition`, oldest first."""
        tokens = select(FILLS.c.token).where(condition).distinct()
        asked = (
            select(*COUNTED, INSTRUMENTS.c.market_id, INSTRUMENTS.c.side, INSTRUMENTS.c.extreme)
            .join(INSTRUMENTS, INSTRUMENTS.c.token == FILLS.c.token)
            .where(FILLS.c.token.in_(tokens))
            .order_by(FILLS.c.scheduled_at, FILLS.c.desk, FILLS.c.line)
        )
        return self._ask(asked)

    def executions(self, ids: Sequence[str]) -> Mapping[str, Row]:
        """Return some fills with order, decision and instrument, by id."""
        asked = (
            select(
                *FILLS.c, ORDERS.c.decision_id, ORDERS.c.role, DECISIONS.c.reason_code, DECISIONS.c.belief,
                *(column for column in INSTRUMENTS.c if column.name not in FILLS.c),
            )
            .outerjoin(ORDERS, ORDERS.c.order_id == FILLS.c.order_id)
            .outerjoin(DECISIONS, DECISIONS.c.decision_id == ORDERS.c.decision_id)
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
                *ORDERS.c, *(column for column in DECISIONS.c if column.name not in own), CYCLES.c.number, CYCLES.c.cause,
                CYCLES.c.sealed_at, CYCLES.c.fill_at, CYCLES.c.heard_at,
            )
            .outerjoin(DECISIONS, DECISIONS.c.decision_id == ORDERS.c.decision_id)
            .outerjoin(CYCLES, and_(CYCLES.c.desk == ORDERS.c.desk, CYCLES.c.scheduled_at == ORDERS.c.scheduled_at))
            .where(ORDERS.c.order_id == order_id)
        )  # fmt: skip
        return self._first(asked)

    def fills_of(self, order_id: str) -> Sequence[Row]:
        """Return the fills of one order, oldest first."""
        return self._ask(select(*FILLS.c).where(FILLS.c.order_id == order_id).order_by(FILLS.c.at, FILLS.c.line))

    def words(self, event_id: str) -> Sequence[Row]:
        """Return all that was said of how an event ended, oldest first."""
        asked = select(SETTLEMENTS).where(SETTLEMENTS.c.event_id == event_id)
        return self._ask(asked.order_by(SETTLEMENTS.c.scheduled_at, SETTLEMENTS.c.line))

    def logs(self, conditions: Iterable[ColumnElement[bool]], limit: int, offset: int) -> tuple[int, Sequence[Row]]:
        """Return how many rows match, and one page of them, newest first."""
        given = tuple(conditions)
        page = select(ACTIVITY).where(*given).order_by(ACTIVITY.c.seq.desc()).limit(limit).offset(offset)
        total = self._first(select(func.count().label("n")).select_from(ACTIVITY).where(*given))
        return (total["n"] if total else 0), self._ask(page)

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
