"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("desk"),
    )
    op.create_table(
        "activity",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("cycle", sa.BigInteger(), nullable=False),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("event_day", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("command_id", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("measured", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("activity_by_action", "activity", ["action", "seq"])
    op.create_index("activity_by_at", "activity", ["at"])
    op.create_index("activity_by_command", "activity", ["command_id", "desk"])
    op.create_index("activity_by_day", "activity", ["event_day", "seq"])
    op.create_index("activity_by_desk", "activity", ["desk", "seq"])
    op.create_index("activity_by_event", "activity", ["event_id", "seq"])
    op.create_index("activity_by_severity", "activity", ["severity", "seq"])
    op.create_index("activity_by_station", "activity", ["station", "seq"])
    op.create_index("activity_by_type", "activity", ["type", "seq"])
    op.create_table(
        "cycles",
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("subjects", sa.Text(), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.Column("fill_at", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=True),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("desk", "scheduled_at"),
    )
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("event_day", sa.Text(), nullable=False),
        sa.Column("held_micro", sa.BigInteger(), nullable=False),
        sa.Column("wanted_micro", sa.BigInteger(), nullable=False),
        sa.Column("allowed_micro", sa.BigInteger(), nullable=False),
        sa.Column("order_micro", sa.BigInteger(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("checks", sa.Text(), nullable=False),
        sa.Column("belief", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id"),
    )
    op.create_index("decisions_by_day", "decisions", ["event_day", "scheduled_at"])
    op.create_index("decisions_by_desk", "decisions", ["desk", "scheduled_at"])
    op.create_index("decisions_by_event", "decisions", ["event_id", "scheduled_at"])
    op.create_index("decisions_by_station", "decisions", ["station", "scheduled_at"])
    op.create_index("decisions_by_time", "decisions", ["scheduled_at"])
    op.create_index("decisions_by_token", "decisions", ["token", "scheduled_at"])
    op.create_table(
        "fills",
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("event_day", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("size_micro", sa.BigInteger(), nullable=False),
        sa.Column("notional_micro", sa.BigInteger(), nullable=False),
        sa.Column("fee_micro", sa.BigInteger(), nullable=False),
        sa.Column("levels", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("execution_id"),
    )
    op.create_index("fills_by_day", "fills", ["event_day", "scheduled_at"])
    op.create_index("fills_by_desk", "fills", ["desk", "scheduled_at", "line"])
    op.create_index("fills_by_event", "fills", ["event_id", "scheduled_at"])
    op.create_index("fills_by_order", "fills", ["order_id"])
    op.create_index("fills_by_station", "fills", ["station", "scheduled_at"])
    op.create_index("fills_by_time", "fills", ["scheduled_at", "line"])
    op.create_index("fills_by_token", "fills", ["token", "scheduled_at"])
    op.create_index("fills_by_venue", "fills", ["venue", "scheduled_at"])
    op.create_table(
        "instruments",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("event_day", sa.Text(), nullable=False),
        sa.Column("extreme", sa.Text(), nullable=False),
        sa.Column("bracket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("lower", sa.Integer(), autoincrement=False, nullable=True),
        sa.Column("upper", sa.Integer(), autoincrement=False, nullable=True),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("market_id", sa.Text(), nullable=False),
        sa.Column("settlement_source", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("token"),
    )
    op.create_index("instruments_by_day", "instruments", ["event_day"])
    op.create_index("instruments_by_event", "instruments", ["event_id", "bracket"])
    op.create_index("instruments_by_station", "instruments", ["station", "event_day"])
    op.create_table(
        "ledger",
        sa.Column("tx", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("amount_micro", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tx", "line"),
    )
    op.create_index("ledger_by_desk", "ledger", ["desk", "at"])
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("event_day", sa.Text(), nullable=False),
        sa.Column("role", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parent", sa.Text(), nullable=False),
        sa.Column("size_micro", sa.BigInteger(), nullable=False),
        sa.Column("limit_micro", sa.BigInteger(), nullable=False),
        sa.Column("reference_micro", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("filled_micro", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("order_id"),
    )
    op.create_index("orders_by_day", "orders", ["event_day", "scheduled_at"])
    op.create_index("orders_by_decision", "orders", ["decision_id"])
    op.create_index("orders_by_desk", "orders", ["desk", "scheduled_at"])
    op.create_index("orders_by_event", "orders", ["event_id", "scheduled_at"])
    op.create_index("orders_by_station", "orders", ["station", "scheduled_at"])
    op.create_index("orders_by_status", "orders", ["status", "scheduled_at"])
    op.create_index("orders_by_time", "orders", ["scheduled_at"])
    op.create_index("orders_by_token", "orders", ["token", "scheduled_at"])
    op.create_index("orders_by_venue", "orders", ["venue", "scheduled_at"])
    op.create_table(
        "risk",
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("desk_day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("equity_micro", sa.BigInteger(), nullable=False),
        sa.Column("unit_r_micro", sa.BigInteger(), nullable=False),
        sa.Column("day_start_micro", sa.BigInteger(), nullable=False),
        sa.Column("week_start_micro", sa.BigInteger(), nullable=False),
        sa.Column("high_water_micro", sa.BigInteger(), nullable=False),
        sa.Column("tripped", sa.BigInteger(), nullable=False),
        sa.Column("cash_micro", sa.BigInteger(), nullable=False),
        sa.Column("realised_micro", sa.BigInteger(), nullable=False),
        sa.Column("fees_micro", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("desk", "scheduled_at", "run"),
    )
    op.create_index("risk_by_day", "risk", ["desk", "desk_day", "scheduled_at"])
    op.create_table(
        "schema",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "settlements",
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("settlement_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("event_day", sa.Text(), nullable=False),
        sa.Column("finality", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("winner", sa.Text(), nullable=False),
        sa.Column("winner_label", sa.Text(), nullable=False),
        sa.Column("reading", sa.Double(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("desk", "settlement_id"),
    )
    op.create_index("settlements_by_day", "settlements", ["event_day", "scheduled_at"])
    op.create_index("settlements_by_desk", "settlements", ["desk", "scheduled_at", "line"])
    op.create_index("settlements_by_event", "settlements", ["event_id", "scheduled_at"])
    op.create_index("settlements_by_finality", "settlements", ["finality", "scheduled_at"])
    op.create_index("settlements_by_station", "settlements", ["station", "scheduled_at"])
    op.create_index("settlements_by_time", "settlements", ["scheduled_at", "line"])


def downgrade() -> None:
    raise NotImplementedError("a journal is never taken back: restore the copy made before")
