"""The database itself refuses what would break the money, whoever writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, exc

import core.journal.migrations
from core.errors import JournalError, StoreError
from core.journal.address import url_of
from core.journal.durable import DurableJournal
from core.journal.proof import prove
from core.journal.reader import JournalReader
from core.journal.state import account_text
from core.journal.tables import VERSION
from core.journal.writing import bring_forward
from core.model.account import new_account
from tests.journal.builders import DESK, START_MICRO, WORLD, cycle, filled, intention, orders
from tests.journal.sessions import FIXED, play

COLUMNS = "(tx, line, desk, run, at, account, token, amount_micro)"
A_FILL = "SELECT tx FROM ledger WHERE account = 'fees' ORDER BY tx LIMIT 1"


@pytest.fixture
def played(journal: str) -> str:
    with closing(DurableJournal(journal, desk=DESK, world=WORLD, start_micro=START_MICRO)) as writer:
        play(writer, FIXED[:4])
    return journal


@pytest.fixture
def connection(played: str) -> Iterator[Connection]:
    engine = create_engine(url_of(played))
    with engine.connect() as opened:
        yield opened
    engine.dispose()


ALWAYS = {
    "a line changed": "UPDATE ledger SET amount_micro = amount_micro + 1 WHERE account = 'cash'",
    "a line moved to another account": "UPDATE ledger SET account = 'fees' WHERE account = 'position'",
    "a line removed": f"DELETE FROM ledger WHERE tx = ({A_FILL})",
    "a fill changed": "UPDATE fills SET size_micro = size_micro + 1",
    "a fill removed": "DELETE FROM fills",
    "a settlement changed": "UPDATE settlements SET winner = 'm01'",
    "a settlement removed": "DELETE FROM settlements",
    "a conversion changed": "UPDATE conversions SET freed_micro = freed_micro + 1",
    "a conversion removed": "DELETE FROM conversions",
    "a balance raised": "UPDATE balances SET amount_micro = amount_micro + 1 WHERE account = 'cash'",
    "a balance counted again": "UPDATE balances SET amount_micro = amount_micro + 5, entry = entry + 1 WHERE account = 'cash'",
    "a balance removed": "DELETE FROM balances WHERE account = 'cash'",
    "a balance made": "INSERT INTO balances VALUES ('weather', 7, 'cash', 5, 0)",
    "a state removed": "DELETE FROM accounts",
    "a state of more cash": """UPDATE accounts SET state = replace(state, '"cash_micro":[', '"cash_micro":[1')""",
    "a state of a debt": """UPDATE accounts SET state = replace(state, '"owed_micro":[0', '"owed_micro":[1')""",
    "a state of another cost": """UPDATE accounts SET state = replace(state, '"cost_micro":[[', '"cost_micro":[[1')""",
    "a state of one gain more": """UPDATE accounts SET state = replace(state, '"realised_micro":[-', '"realised_micro":[-1')""",
    "a state of two runs": """UPDATE accounts SET state = replace(state, '"start_micro":[', '"start_micro":[5,')""",
    "a state of nothing": "UPDATE accounts SET state = '{}'",
    "a state of an earlier change": "UPDATE accounts SET seq = seq - 1",
    "more spent than there is": f"INSERT INTO ledger {COLUMNS} VALUES ('x', 0, 'weather', 0, 1, 'cash', '', -{2 * START_MICRO})",
    "more cost taken than there is": f"INSERT INTO ledger {COLUMNS} VALUES ('x', 0, 'weather', 0, 1, 'position', '', -{10**12})",
    "a debt below nothing": f"INSERT INTO ledger {COLUMNS} VALUES ('x', 0, 'weather', 0, 1, 'owed', '', 1)",
}
SQLITE = {
    "a line replaced": f"INSERT OR REPLACE INTO ledger {COLUMNS} SELECT tx, line, desk, run, at, account, token, 0 FROM ledger",
    "a line replaced by its place": f"INSERT OR REPLACE INTO ledger (rowid, {COLUMNS[1:]} "
    "SELECT rowid, 'another', line, desk, run, at, account, token, 0 FROM ledger WHERE rowid = 3",
    "a fill replaced": "INSERT OR REPLACE INTO fills SELECT * FROM fills",
    "a balance begun anew": "INSERT OR REPLACE INTO balances VALUES ('weather', 0, 'cash', 0, 0)",
    "a state replaced": "INSERT OR REPLACE INTO accounts VALUES ('weather', 99, '{}')",
}
POSTGRES = {
    "a ledger emptied": "TRUNCATE ledger",
    "balances emptied": "TRUNCATE balances",
    "a line alone": f"INSERT INTO ledger {COLUMNS} VALUES ('x', 0, 'weather', 0, 1, 'cash', '', 5)",
    "two lines without the state": f"INSERT INTO ledger {COLUMNS} VALUES ('x', 0, 'weather', 0, 1, 'cash', '', 5), "
    "('x', 1, 'weather', 0, 1, 'realised', '', -5)",
}


@pytest.mark.parametrize("what", ALWAYS)
def test_no_program_can_write(played: str, connection: Connection, what: str) -> None:
    _refuses(connection, ALWAYS[what])


@pytest.mark.parametrize("what", SQLITE)
def test_no_program_can_write_into_a_file(sqlite_journal: str, what: str) -> None:
    with closing(DurableJournal(sqlite_journal, desk=DESK, world=WORLD, start_micro=START_MICRO)) as writer:
        play(writer, FIXED[:4])
    engine = create_engine(url_of(sqlite_journal))
    with engine.connect() as opened:
        _refuses(opened, SQLITE[what])
    engine.dispose()


@pytest.mark.parametrize("what", POSTGRES)
def test_no_program_can_write_into_a_server(postgres_journal: str, what: str) -> None:
    with closing(DurableJournal(postgres_journal, desk=DESK, world=WORLD, start_micro=START_MICRO)) as writer:
        play(writer, FIXED[:4])
    engine = create_engine(url_of(postgres_journal))
    with engine.connect() as opened:
        _refuses(opened, POSTGRES[what])
    engine.dispose()


def _refuses(connection: Connection, statement: str) -> None:
    before = _money(connection)

    with pytest.raises(exc.IntegrityError):
        _written(connection, statement)
    connection.rollback()

    assert _money(connection) == before


def _written(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)
    connection.commit()


def _money(connection: Connection) -> list[list[tuple[object, ...]]]:
    tables = ("ledger", "fills", "settlements", "conversions", "balances", "accounts")
    return [sorted(map(tuple, connection.exec_driver_sql(f"SELECT * FROM {table}"))) for table in tables]


def test_a_file_takes_nothing_more_once_a_transaction_was_left_in_the_middle(sqlite_journal: str) -> None:
    """SQLite has no triggers at the end of a transaction: a line alone can be written, and stops all that would follow."""
    with closing(DurableJournal(sqlite_journal, desk=DESK, world=WORLD, start_micro=START_MICRO)) as writer:
        account = play(writer, FIXED[:1])
        raw = sqlite3.connect(sqlite_journal)
        raw.execute(f"INSERT INTO ledger {COLUMNS} VALUES ('x', 0, 'weather', 0, 1, 'fees', '', 5)")
        raw.commit()

        with pytest.raises(sqlite3.IntegrityError, match="does not sum to zero"):
            raw.execute(f"INSERT INTO ledger {COLUMNS} VALUES ('y', 0, 'weather', 0, 1, 'cash', '', 5)")
        raw.close()
        with pytest.raises(JournalError, match=r"does not sum to zero|not what the ledger makes"):
            writer.commit(cycle(1), account, intention(cycle(1), account, []))
    with closing(JournalReader(sqlite_journal)) as reader:
        assert any("sums to 5" in fault for fault in prove(reader, DESK).faults)


def test_a_state_written_without_its_ledger_is_refused(played: str, connection: Connection) -> None:
    richer = account_text(new_account(DESK, WORLD, 2 * START_MICRO)).replace("'", "''").replace("%", "%%")

    with pytest.raises(exc.DBAPIError, match="not what the ledger makes"):
        connection.exec_driver_sql(f"UPDATE accounts SET seq = seq + 1, state = '{richer}'")


LATER = {"1": ("governor", "claim_micro", "owed_micro"), "2": ()}
"""What the state of an account did not hold yet, by schema."""


@pytest.mark.parametrize("schema", LATER)
def test_a_journal_of_an_earlier_schema_is_brought_forward_and_goes_on(journal: str, schema: str) -> None:
    engine = create_engine(url_of(journal))
    with engine.begin() as connection:
        script = ScriptDirectory(str(Path(core.journal.migrations.__file__).parent))
        context = MigrationContext.configure(
            connection, opts={"fn": lambda revision, _: script._upgrade_revs(schema, revision)}
        )  # fmt: skip
        with Operations.context(context):
            context.run_migrations()
        connection.exec_driver_sql(f"INSERT INTO schema VALUES ({schema}, '{WORLD}', 1)")
        for line, account, amount in ((0, "cash", START_MICRO), (1, "opening", -START_MICRO)):
            values = f"('opening/{DESK}', {line}, '{DESK}', 0, 1, '{account}', '', {amount})"
            connection.exec_driver_sql(f"INSERT INTO ledger {COLUMNS} VALUES {values}")
        kept = orjson.loads(account_text(replace(new_account(DESK, WORLD, START_MICRO), seq=1)))
        state = orjson.dumps({name: part for name, part in kept.items() if name not in LATER[schema]}).decode()
        connection.exec_driver_sql(f"INSERT INTO accounts VALUES ('{DESK}', 1, '{state.replace('%', '%%')}')")
    engine.dispose()
    with closing(JournalReader(journal)) as reader, pytest.raises(StoreError, match="--mode doctor --upgrade"):
        reader.world()

    assert bring_forward(journal) == (int(schema), VERSION)
    assert bring_forward(journal) == (VERSION, VERSION)

    with closing(DurableJournal(journal, desk=DESK, world=WORLD, start_micro=START_MICRO)) as writer:
        account = play(writer, FIXED)
    with closing(JournalReader(journal)) as reader:
        proof = prove(reader, DESK)

    assert proof.faults == ()
    assert proof.cash_micro == tuple(account.cash_micro.tolist())


def test_a_purchase_beyond_the_cash_is_refused_and_leaves_no_trace(journal: str) -> None:
    with closing(DurableJournal(journal, desk=DESK, world=WORLD, start_micro=1_000_000)) as writer:
        account = writer.account(DESK)
        account = writer.commit(cycle(0), account, intention(cycle(0), account, [(0, "00YES", 10_000_000)]))
        with pytest.raises(JournalError, match="costs 3901250 micro-USD, run 0 has 1000000"):
            writer.commit(cycle(0), account, filled(cycle(0), orders(cycle(0), [(0, "00YES", 10_000_000)])))
    with closing(JournalReader(journal)) as reader:
        proof = prove(reader, DESK)

    assert (proof.faults, proof.fills, proof.cash_micro) == ((), 0, (1_000_000,))
