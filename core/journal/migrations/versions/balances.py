"""The laws of money, kept by the database: whoever writes to it, by whatever program.

- A line of the ledger, a fill, a settlement and a conversion is never changed and never removed.
- Balances follow from the lines of the ledger and from nothing else; cash and cost are never below zero.
- The lines of a transaction sum to zero: in PostgreSQL when the database transaction ends, in SQLite, which has no triggers
  at its end, before the first line of another transaction and before any state of an account is written.
- The state of an account says of cash, cost, fees, gains and debts what the ledger says. It never goes back.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"

APPENDED = ("ledger", "fills", "settlements", "conversions")
KEYS = {
    "ledger": "tx = NEW.tx AND line = NEW.line", "fills": "execution_id = NEW.execution_id",
    "settlements": "desk = NEW.desk AND settlement_id = NEW.settlement_id", "conversions": "conversion_id = NEW.conversion_id",
}  # fmt: skip
BALANCE = "desk = NEW.desk AND run = NEW.run AND account = NEW.account"
STATED = ("cash_micro", "owed_micro", "realised_micro", "fees_micro", "start_micro", "cost_micro")
NAMES = ("cash", "owed", "realised", "fees", "opening", "position")
SIGNS = (1, -1, -1, 1, -1, 1)
KEPT = (
    "SELECT run, CASE account WHEN 'conversion_fees' THEN 'fees' ELSE account END AS account, -amount_micro AS amount "
    "FROM balances WHERE desk = NEW.desk"
)


def upgrade() -> None:
    _tables()
    sqlite = op.get_bind().dialect.name == "sqlite"
    newest = "max(rowid)" if sqlite else "count(*)"
    op.execute(
        "INSERT INTO balances (desk, run, account, amount_micro, entry) "
        f"SELECT desk, run, account, sum(amount_micro), {newest} FROM ledger GROUP BY desk, run, account"
    )
    for statement in _sqlite() if sqlite else _postgres():
        op.get_bind().exec_driver_sql(statement)


def _tables() -> None:
    op.create_table(
        "balances",
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("amount_micro", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("desk", "run", "account"),
        sa.CheckConstraint("account NOT IN ('cash', 'position') OR amount_micro >= 0", name="never_below_zero"),
        sa.CheckConstraint("account NOT IN ('owed', 'opening') OR amount_micro <= 0", name="never_above_zero"),
    )
    op.create_table(
        "conversions",
        sa.Column("conversion_id", sa.Text(), nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("event_day", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("given", sa.Text(), nullable=False),
        sa.Column("taken", sa.Text(), nullable=False),
        sa.Column("size_micro", sa.BigInteger(), nullable=False),
        sa.Column("fee_bips", sa.BigInteger(), nullable=False),
        sa.Column("fee_micro", sa.BigInteger(), nullable=False),
        sa.Column("freed_micro", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("conversion_id"),
    )
    op.create_index("conversions_by_desk", "conversions", ["desk", "scheduled_at", "line"])
    op.create_index("conversions_by_event", "conversions", ["event_id", "scheduled_at"])


def _sqlite() -> list[str]:
    newest = "(SELECT max(rowid) FROM ledger)"
    last = f"(SELECT tx FROM ledger WHERE rowid = {newest})"
    unbalanced = f"(SELECT sum(amount_micro) FROM ledger WHERE tx = {last}) <> 0"
    amount = f"(SELECT amount_micro FROM ledger WHERE rowid = NEW.entry AND {BALANCE})"
    signed = " ".join(f"WHEN {i} THEN {sign} * cell.value" for i, sign in enumerate(SIGNS[:5]))
    named = " ".join(f"WHEN {i} THEN '{name}'" for i, name in enumerate(NAMES))
    paths = ", ".join(f"'$.{name}'" for name in STATED)
    said = (
        f"SELECT cell.key AS run, CASE stated.key {named} END AS account, "
        f"CASE stated.key {signed} ELSE (SELECT coalesce(sum(each.value), 0) FROM json_each(cell.value) AS each) END AS amount "
        f"FROM json_each(json_extract(NEW.state, {paths})) AS stated, json_each(stated.value) AS cell"
    )
    differs = f"EXISTS (SELECT 1 FROM ({said} UNION ALL {KEPT}) GROUP BY run, account HAVING sum(amount) <> 0)"
    found: list[str] = []
    for table in APPENDED:
        found += [
            _refused(f"{table}_unchanged", f"BEFORE UPDATE ON {table}", f"{table}: a row is never changed"),
            _refused(f"{table}_kept", f"BEFORE DELETE ON {table}", f"{table}: a row is never removed"),
            # REPLACE removes a row without asking the trigger above.
            _refused(
                f"{table}_once", f"BEFORE INSERT ON {table}", f"{table}: a row is never replaced",
                f"EXISTS (SELECT 1 FROM {table} WHERE {KEYS[table]} OR rowid = NEW.rowid)",
            ),
        ]  # fmt: skip
    found += [
        _refused(
            "ledger_whole", "BEFORE INSERT ON ledger", "ledger: the transaction before does not sum to zero",
            f"{last} <> NEW.tx AND {unbalanced}",
        ),
        "CREATE TRIGGER ledger_counted AFTER INSERT ON ledger BEGIN "
        "INSERT INTO balances (desk, run, account, amount_micro, entry) SELECT NEW.desk, NEW.run, NEW.account, 0, 0 "
        f"WHERE NOT EXISTS (SELECT 1 FROM balances WHERE {BALANCE}); "
        f"UPDATE balances SET amount_micro = amount_micro + NEW.amount_micro, entry = NEW.rowid WHERE {BALANCE}; END",
        _refused(
            "balances_begun", "BEFORE INSERT ON balances", "balances: they follow from the ledger",
            f"NEW.amount_micro <> 0 OR NEW.entry <> 0 OR EXISTS (SELECT 1 FROM balances WHERE {BALANCE})",
        ),
        _refused(
            "balances_follow", "BEFORE UPDATE ON balances", "balances: they follow from the ledger",
            "NEW.desk <> OLD.desk OR NEW.run <> OLD.run OR NEW.account <> OLD.account OR NEW.entry <= OLD.entry "
            f"OR NEW.entry IS NOT {newest} OR NEW.amount_micro IS NOT OLD.amount_micro + {amount}",
        ),
        _refused("balances_kept", "BEFORE DELETE ON balances", "balances: they follow from the ledger"),
        _refused("accounts_kept", "BEFORE DELETE ON accounts", "accounts: a state is never removed"),
        _refused("accounts_forward", "BEFORE UPDATE ON accounts", "accounts: a state never goes back", "NEW.seq < OLD.seq"),
    ]  # fmt: skip
    for moment in ("INSERT", "UPDATE"):
        found += [
            _refused(
                f"accounts_whole_{moment.lower()}", f"AFTER {moment} ON accounts",
                "ledger: the newest transaction does not sum to zero", unbalanced,
            ),
            _refused(
                f"accounts_agree_{moment.lower()}", f"AFTER {moment} ON accounts",
                "accounts: the money of the state is not what the ledger makes", differs,
            ),
        ]  # fmt: skip
    return found


def _refused(name: str, moment: str, why: str, when: str = "") -> str:
    condition = f" WHERE {when}" if when else ""
    return f"CREATE TRIGGER {name} {moment} BEGIN SELECT RAISE(ABORT, '{why}'){condition}; END"


def _postgres() -> list[str]:
    signed = " ".join(f"WHEN {i} THEN {sign} * CAST(cell.said AS numeric)" for i, sign in enumerate(SIGNS[:5], 1))
    named = " ".join(f"WHEN {i} THEN '{name}'" for i, name in enumerate(NAMES, 1))
    parts = ", ".join(f"NEW.state::jsonb -> '{name}'" for name in STATED)
    said = (
        f"SELECT cast(cell.place - 1 AS integer) AS run, CASE stated.place {named} END AS account, "
        f"CASE stated.place {signed} ELSE (SELECT coalesce(sum(each.said::numeric), 0) "
        "FROM jsonb_array_elements(cell.said) AS each(said)) END AS amount "
        f"FROM unnest(ARRAY[{parts}]) WITH ORDINALITY AS stated(said, place), "
        "jsonb_array_elements(stated.said) WITH ORDINALITY AS cell(said, place)"
    )
    differs = f"EXISTS (SELECT 1 FROM ({said} UNION ALL {KEPT}) AS both_sides GROUP BY run, account HAVING sum(amount) <> 0)"
    mine = "(txid_current() % 4294967296)::text"
    found = [
        _function(
            "never_changed",
            "RAISE EXCEPTION '%: a row is never changed and never removed', TG_TABLE_NAME USING ERRCODE = LAW;",
        ),
        *(
            f"CREATE TRIGGER {table}_{when.lower()} BEFORE {what} ON {table} FOR EACH {each} EXECUTE FUNCTION never_changed()"
            for table in (*APPENDED, "balances", "accounts")
            for when, what, each in (("kept", "DELETE", "ROW"), ("emptied", "TRUNCATE", "STATEMENT"))
        ),
        *(
            f"CREATE TRIGGER {table}_unchanged BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION never_changed()"
            for table in APPENDED
        ),
        _function(
            "ledger_counted",
            "INSERT INTO balances (desk, run, account, amount_micro, entry) VALUES (NEW.desk, NEW.run, NEW.account, 0, 0) "
            "ON CONFLICT DO NOTHING; "
            f"UPDATE balances SET amount_micro = amount_micro + NEW.amount_micro, entry = entry + 1 WHERE {BALANCE}; "
            "RETURN NULL;",
        ),
        "CREATE TRIGGER ledger_counted AFTER INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION ledger_counted()",
        _function(
            "ledger_whole",
            "IF (SELECT sum(amount_micro) FROM ledger WHERE tx = NEW.tx AND run = NEW.run) <> 0 THEN "
            "RAISE EXCEPTION 'ledger: transaction % does not sum to zero', NEW.tx USING ERRCODE = LAW; END IF; "
            f"IF NOT EXISTS (SELECT 1 FROM accounts WHERE desk = NEW.desk AND xmin::text = {mine}) THEN "
            "RAISE EXCEPTION 'ledger: % moves money without the state of its account', NEW.tx USING ERRCODE = LAW; END IF; RETURN NULL;",
        ),
        "CREATE CONSTRAINT TRIGGER ledger_whole AFTER INSERT ON ledger DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION ledger_whole()",
        _function(
            "balances_follow",
            "IF pg_trigger_depth() < 2 THEN RAISE EXCEPTION 'balances: they follow from the ledger' USING ERRCODE = LAW; END IF; RETURN NEW;",
        ),
        "CREATE TRIGGER balances_follow BEFORE INSERT OR UPDATE ON balances FOR EACH ROW EXECUTE FUNCTION balances_follow()",
        _function(
            "accounts_agree",
            "IF TG_OP = 'UPDATE' AND NEW.seq < OLD.seq THEN RAISE EXCEPTION 'accounts: a state never goes back' USING ERRCODE = LAW; END IF; "
            f"IF {differs} THEN "
            "RAISE EXCEPTION 'accounts: the money of the state is not what the ledger makes' USING ERRCODE = LAW; END IF; RETURN NULL;",
        ),
        "CREATE TRIGGER accounts_agree AFTER INSERT OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION accounts_agree()",
    ]
    return [statement.replace("LAW;", "'23000';").replace("%", "%%") for statement in found]  # a constraint is violated


def _function(name: str, body: str) -> str:
    return f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $law$ BEGIN {body} END $law$"


def downgrade() -> None:
    raise NotImplementedError("a journal is never taken back: restore the copy made before")
