"""A replay is a backtest over the recorded cycles, whose rows are then compared with the recorded ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from sqlalchemy import text

from core.journal.reader import JournalReader
from core.model.account import Account
from core.model.orders import Orders, Reports
from core.ports import Broker
from core.store.archive import Archive
from core.units import micros

_UNTIL = "scheduled_at <= :until"
QUESTIONS: Mapping[str, str] = {
    "cycles": f"SELECT * FROM cycles WHERE {_UNTIL} ORDER BY scheduled_at",
    "decisions": f"SELECT * FROM decisions WHERE {_UNTIL} ORDER BY scheduled_at, decision_id",
    "orders": f"SELECT * FROM orders WHERE {_UNTIL} ORDER BY scheduled_at, order_id",
    "fills": f"SELECT * FROM fills WHERE {_UNTIL} ORDER BY scheduled_at, line, execution_id",
    "ledger": f"""SELECT * FROM ledger WHERE tx IN (SELECT execution_id FROM fills WHERE {_UNTIL})
        OR tx IN (SELECT desk || '/' || settlement_id FROM settlements WHERE {_UNTIL})
        OR tx IN (SELECT conversion_id FROM conversions WHERE {_UNTIL}) OR tx LIKE 'opening/%'
        ORDER BY at, tx, line""",
    "conversions": f"SELECT * FROM conversions WHERE {_UNTIL} ORDER BY scheduled_at, line, conversion_id",
    "settlements": f"SELECT * FROM settlements WHERE {_UNTIL} ORDER BY scheduled_at, line, settlement_id",
    "risk": f"SELECT * FROM risk WHERE {_UNTIL} ORDER BY scheduled_at, run",
    "instruments": f"SELECT * FROM instruments WHERE token IN (SELECT token FROM decisions WHERE {_UNTIL}) ORDER BY token",
    "activity": f"SELECT * FROM activity WHERE {_UNTIL} ORDER BY seq",
}
"""Every table that money or belief reaches, in the order in which its rows were written."""
COMPARED = tuple(QUESTIONS)
MEASURED = frozenset({"measured"})  # wall-clock facts stand beside the rows and are not compared


@dataclass(frozen=True, slots=True)
class RecordedBroker:
    """The paper broker, asked at the instants at which the recorded session heard of its fills."""

    paper: Broker
    heard_at: Mapping[datetime, datetime]  # by the cycle's `fill_at`

    def execute(self, orders: Orders, account: Account, archive: Archive, at: datetime) -> tuple[Reports, datetime]:
        """Answer as of the recorded instant."""
        return self.paper.execute(orders, account, archive, self.heard_at.get(at, at))


@dataclass(frozen=True, slots=True)
class Difference:
    """One table, compared row by row in its own order."""

    rows: int
    recorded: Mapping[str, object] | None  # the first row that differs
    replayed: Mapping[str, object] | None

    @property
    def same(self) -> bool:
        return self.recorded is None and self.replayed is None

    def sentence(self) -> str:
        """Return what was found in words."""
        if self.same:
            return f"{self.rows} rows"
        if self.recorded is None or self.replayed is None:
            return f"row {self.rows}: recorded {self.recorded}, replayed {self.replayed}"
        fields = [name for name in self.recorded if self.recorded[name] != self.replayed.get(name)]
        parts = ", ".join(f"{name} {self.recorded[name]!r} against {self.replayed.get(name)!r}" for name in fields)
        return f"row {self.rows}: {parts}"


def differences(recorded: JournalReader, replayed: JournalReader, until: datetime) -> dict[str, Difference]:
    """Return what differs in each table up to the cycle scheduled at `until`."""
    return {table: _difference(recorded, replayed, table, until) for table in COMPARED}


def _difference(recorded: JournalReader, replayed: JournalReader, table: str, until: datetime) -> Difference:
    n_rows = 0
    for left, right in zip_longest(_rows(recorded, table, until), _rows(replayed, table, until)):
        if left is None or right is None or _compared(left) != _compared(right):
            return Difference(n_rows, left or {}, right or {})
        n_rows += 1
    return Difference(n_rows, None, None)


def _rows(reader: JournalReader, table: str, until: datetime) -> Iterator[Mapping[str, object]]:
    connection = reader.connection()
    try:
        yield from connection.execute(text(QUESTIONS[table]), {"until": micros(until)}).mappings()  # type: ignore[misc]
    finally:
        connection.close()


def _compared(row: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in MEASURED}
