"""The journal's tables: instants int64 microseconds, money int64 millionths, JSON as canonical text.

Text is never NULL: "" stands for none. `migrations` makes the same schema; a test compares the two.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Double, Index, Integer, MetaData, Table, Text

METADATA = MetaData()
VERSION = 3
"""Of this schema: the number of the newest file in `migrations/versions`."""


def _integer(name: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger, nullable=options.pop("nullable", False), **options)


def _small(name: str, **options: Any) -> Column[int]:
    return Column(name, Integer, nullable=options.pop("nullable", False), autoincrement=False, **options)


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, Text, nullable=False, **options)


SCHEMA = Table("schema", METADATA, _small("version", primary_key=True), _text("world"), _integer("created_at"))

CYCLES = Table(
    "cycles",
    METADATA,
    _text("desk", primary_key=True),
    _integer("scheduled_at", primary_key=True),
    _integer("number"),
    _text("cause"),
    _text("subjects"),
    _integer("sealed_at"),
    _integer("fill_at"),
    _integer("heard_at", nullable=True),
    _text("phase"),  # intended, executed, complete
)

DECISIONS = Table(
    "decisions",
    METADATA,
    _text("decision_id", primary_key=True),
    _text("desk"),
    _integer("scheduled_at"),
    _small("run"),
    _text("token"),
    _text("venue"),
    _text("event_id"),
    _text("station"),
    _text("event_day"),
    _integer("held_micro"),
    _integer("wanted_micro"),
    _integer("allowed_micro"),
    _integer("order_micro"),
    _text("reason_code"),
    _text("checks"),
    _text("belief"),
    Index("decisions_by_time", "scheduled_at"),
    Index("decisions_by_desk", "desk", "scheduled_at"),
    Index("decisions_by_station", "station", "scheduled_at"),
    Index("decisions_by_day", "event_day", "scheduled_at"),
    Index("decisions_by_event", "event_id", "scheduled_at"),
    Index("decisions_by_token", "token", "scheduled_at"),
)

ORDERS = Table(
    "orders",
    METADATA,
    _text("order_id", primary_key=True),
    _text("decision_id"),
    _text("desk"),
    _integer("scheduled_at"),
    _small("run"),
    _text("token"),
    _text("venue"),
    _text("event_id"),
    _text("station"),
    _text("event_day"),
    _small("role"),
    _text("parent"),  # order id of the entry that a stop or goal belongs to
    _integer("size_micro"),  # signed
    _integer("limit_micro"),
    _integer("reference_micro"),
    _small("status"),
    _integer("filled_micro"),
    _integer("placed_at"),
    _text("reason"),
    _integer("fair_micro", server_default="0"),
    _integer("good_until", server_default="0"),
    _integer("cancel_at", server_default="0"),
    Index("orders_by_time", "scheduled_at"),
    Index("orders_by_desk", "desk", "scheduled_at"),
    Index("orders_by_station", "station", "scheduled_at"),
    Index("orders_by_day", "event_day", "scheduled_at"),
    Index("orders_by_event", "event_id", "scheduled_at"),
    Index("orders_by_token", "token", "scheduled_at"),
    Index("orders_by_venue", "venue", "scheduled_at"),
    Index("orders_by_status", "status", "scheduled_at"),
    Index("orders_by_decision", "decision_id"),
)

FILLS = Table(
    "fills",
    METADATA,
    _text("execution_id", primary_key=True),
    _text("order_id"),
    _text("desk"),
    _integer("scheduled_at"),
    _small("line"),  # the how-manieth booking of its cycle, settlements counted too
    _small("run"),
    _text("token"),
    _text("venue"),
    _text("event_id"),
    _text("station"),
    _text("event_day"),
    _integer("at"),
    _integer("size_micro"),  # signed
    _integer("notional_micro"),
    _integer("fee_micro"),
    _text("levels"),
    Index("fills_by_time", "scheduled_at", "line"),
    Index("fills_by_desk", "desk", "scheduled_at", "line"),
    Index("fills_by_station", "station", "scheduled_at"),
    Index("fills_by_day", "event_day", "scheduled_at"),
    Index("fills_by_event", "event_id", "scheduled_at"),
    Index("fills_by_token", "token", "scheduled_at"),
    Index("fills_by_venue", "venue", "scheduled_at"),
    Index("fills_by_order", "order_id"),
)

LEDGER = Table(
    "ledger",
    METADATA,
    _text("tx", primary_key=True),
    _small("line", primary_key=True),
    _text("desk"),
    _small("run"),
    _integer("at"),
    _text("account"),  # cash, position, fees, conversion_fees, realised, owed, opening; every tx sums to 0
    _text("token"),
    _integer("amount_micro"),
    Index("ledger_by_desk", "desk", "at"),
)

BALANCES = Table(
    "balances",
    METADATA,
    _text("desk", primary_key=True),
    _small("run", primary_key=True),
    _text("account", primary_key=True),
    _integer("amount_micro"),
    _integer("entry"),  # newest ledger line counted: its place in SQLite, how many there were in PostgreSQL
    CheckConstraint("account NOT IN ('cash', 'position') OR amount_micro >= 0", name="never_below_zero"),
    CheckConstraint("account NOT IN ('owed', 'opening') OR amount_micro <= 0", name="never_above_zero"),
)
"""Sums of the ledger, kept by the database itself as each line is written: see `migrations/versions/balances`."""

CONVERSIONS = Table(
    "conversions",
    METADATA,
    _text("conversion_id", primary_key=True),
    _text("desk"),
    _integer("scheduled_at"),
    _small("line"),  # the how-manieth booking of its cycle
    _small("run"),
    _text("venue"),
    _text("event_id"),
    _text("station"),
    _text("event_day"),
    _integer("at"),
    _text("given"),  # NO tokens, so many shares of each
    _text("taken"),  # YES tokens of every other bracket
    _integer("size_micro"),
    _integer("fee_bips"),
    _integer("fee_micro"),  # [micro-shares] that the venue keeps of what comes back
    _integer("freed_micro"),  # dollars that come back
    Index("conversions_by_desk", "desk", "scheduled_at", "line"),
    Index("conversions_by_event", "event_id", "scheduled_at"),
)

SETTLEMENTS = Table(
    "settlements",
    METADATA,
    _text("desk", primary_key=True),
    _text("settlement_id", primary_key=True),
    _integer("at"),
    _integer("scheduled_at"),
    _small("line"),  # the how-manieth booking of its cycle, fills counted too
    _text("venue"),
    _text("event_id"),
    _text("station"),
    _text("event_day"),
    _text("finality"),
    _small("revision"),
    _text("winner"),
    _text("winner_label"),
    Column("reading", Double, nullable=True),
    _text("evidence"),
    Index("settlements_by_time", "scheduled_at", "line"),
    Index("settlements_by_desk", "desk", "scheduled_at", "line"),
    Index("settlements_by_event", "event_id", "scheduled_at"),
    Index("settlements_by_station", "station", "scheduled_at"),
    Index("settlements_by_day", "event_day", "scheduled_at"),
    Index("settlements_by_finality", "finality", "scheduled_at"),
)

RISK = Table(
    "risk",
    METADATA,
    _text("desk", primary_key=True),
    _integer("scheduled_at", primary_key=True),
    _small("run", primary_key=True),
    _small("desk_day"),
    _integer("equity_micro"),
    _integer("unit_r_micro"),
    _integer("day_start_micro"),
    _integer("week_start_micro"),
    _integer("high_water_micro"),
    _integer("tripped"),
    _integer("cash_micro"),
    _integer("realised_micro"),
    _integer("fees_micro"),
    _integer("owed_micro", server_default="0"),
    _text("governor", server_default="{}"),
    Index("risk_by_day", "desk", "desk_day", "scheduled_at"),
)

INSTRUMENTS = Table(
    "instruments",
    METADATA,
    _text("token", primary_key=True),
    _text("venue"),
    _text("event_id"),
    _text("station"),
    _text("city"),
    _text("event_day"),
    _text("extreme"),
    _small("bracket"),
    _text("label"),
    _small("lower", nullable=True),
    _small("upper", nullable=True),
    _text("unit"),
    _text("side"),
    _text("market_id"),
    _text("settlement_source"),
    _text("region"),
    Index("instruments_by_event", "event_id", "bracket"),
    Index("instruments_by_station", "station", "event_day"),
    Index("instruments_by_day", "event_day"),
)

ACTIVITY = Table(
    "activity",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),  # gap-free
    _integer("at"),
    _text("desk"),
    _integer("cycle"),
    _integer("scheduled_at"),
    _text("action"),
    _text("severity"),
    _text("type"),
    _text("station"),
    _text("event_day"),
    _text("event_id"),
    _text("command_id"),
    _text("message"),
    _text("data"),
    _text("measured"),  # wall-clock facts: differ from run to run, never compared
    Index("activity_by_at", "at"),
    Index("activity_by_desk", "desk", "seq"),
    Index("activity_by_action", "action", "seq"),
    Index("activity_by_severity", "severity", "seq"),
    Index("activity_by_type", "type", "seq"),
    Index("activity_by_station", "station", "seq"),
    Index("activity_by_day", "event_day", "seq"),
    Index("activity_by_event", "event_id", "seq"),
    Index("activity_by_command", "command_id", "desk"),
)

ACCOUNTS = Table("accounts", METADATA, _text("desk", primary_key=True), _integer("seq"), _text("state"))

BOOKED = ("fills", "settlements", "conversions")
"""Tables whose rows move money; `line` counts them together within a cycle."""
TABLES = tuple(METADATA.tables.values())
"""All of them; every one holds something that the proof looks at."""


def columns_of(table: Table) -> tuple[str, ...]:
    """Return the column names in the order in which rows are written."""
    return tuple(column.name for column in table.columns)
