"""The proof finds every row that was changed behind the journal's back, and holds for any session."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from core.journal.address import url_of
from core.journal.buffered import BufferedJournal, SilentJournal
from core.journal.durable import DurableJournal
from core.journal.proof import prove
from core.journal.reader import JournalReader
from core.journal.state import account_text
from core.journal.tables import METADATA
from core.model.account import new_account
from core.model.orders import Status
from core.units import MICRO
from tests.journal.builders import DESK, INSTRUMENTS, START_MICRO, WORLD
from tests.journal.sessions import FIXED, Step, corrupt, play, rows_of

CORRUPTIONS = {
    "schema": ["UPDATE schema SET world = 'live'"],
    "cycles": [
        "DELETE FROM cycles WHERE number = 1",
        "UPDATE cycles SET phase = 'intended' WHERE number = 0",
        "UPDATE cycles SET heard_at = NULL WHERE number = 0",
        "UPDATE cycles SET scheduled_at = scheduled_at + 1 WHERE number = 3",
    ],
    "decisions": [
        "DELETE FROM decisions WHERE token = '00YES'",
        "UPDATE decisions SET order_micro = order_micro + 1 WHERE token = '01NO'",
        "UPDATE decisions SET token = '02NO' WHERE token = '01NO'",
    ],
    "orders": [
        "DELETE FROM orders WHERE token = '10YES'",
        "UPDATE orders SET size_micro = size_micro + 1 WHERE token = '12NO'",
        "UPDATE orders SET filled_micro = filled_micro - 1 WHERE token = '12NO'",
        f"UPDATE orders SET status = {Status.FILLED:d} WHERE token = '01NO'",
        f"UPDATE orders SET status = {Status.WORKING:d} WHERE token = '12NO'",
        "UPDATE orders SET run = 1 WHERE token = '12NO'",
    ],
    "fills": [
        "DELETE FROM fills WHERE token = '12NO'",
        "UPDATE fills SET size_micro = size_micro - 1 WHERE token = '12NO'",
        "UPDATE fills SET notional_micro = notional_micro + 1 WHERE token = '00YES'",
        "UPDATE fills SET fee_micro = fee_micro + 1 WHERE token = '12NO'",
        "UPDATE fills SET token = '11NO' WHERE token = '12NO'",
        "UPDATE fills SET at = at + 1 WHERE token = '12NO'",
        "UPDATE fills SET levels = '[[390000,500000000,1]]' WHERE token = '12NO'",
        "INSERT INTO fills SELECT 'x-twice', order_id, desk, scheduled_at, line, run, token, venue, event_id, station, "
        "event_day, at, size_micro, notional_micro, fee_micro, levels FROM fills WHERE token = '12NO' LIMIT 1",
    ],
    "ledger": [
        "DELETE FROM ledger WHERE account = 'fees'",
        "UPDATE ledger SET amount_micro = amount_micro + 1 WHERE account = 'cash' AND tx = 'opening/weather'",
        "UPDATE ledger SET amount_micro = 2 * amount_micro WHERE tx = 'opening/weather'",
        "UPDATE ledger SET amount_micro = 2 * amount_micro WHERE tx IN (SELECT execution_id FROM fills WHERE token = '12NO')",
        "UPDATE ledger SET token = '11NO' WHERE token = '12NO'",
        "DELETE FROM ledger WHERE tx LIKE '%/final/1'",
    ],
    "balances": [
        "UPDATE balances SET amount_micro = amount_micro + 1 WHERE account = 'cash'",
        "DELETE FROM balances WHERE account = 'fees'",
    ],
    "conversions": [
        "DELETE FROM conversions",
        "UPDATE conversions SET size_micro = size_micro + 1",
        "UPDATE conversions SET freed_micro = freed_micro + 1",
        "UPDATE conversions SET fee_bips = fee_bips + 1",
        "UPDATE conversions SET given = replace(given, '10NO', '11NO')",
        "UPDATE conversions SET taken = '[]'",
    ],
    "settlements": [
        "DELETE FROM settlements WHERE finality = 'final'",
        "UPDATE settlements SET winner = 'm01' WHERE settlement_id LIKE '%london-0/final/0'",
        "UPDATE settlements SET revision = 3 WHERE settlement_id LIKE '%london-1/final/0'",
        "UPDATE settlements SET finality = 'final' WHERE finality = 'provisional'",
    ],
    "risk": [
        "UPDATE risk SET cash_micro = cash_micro + 1 WHERE scheduled_at = (SELECT max(scheduled_at) FROM risk)",
        "UPDATE risk SET fees_micro = fees_micro + 1 WHERE scheduled_at = (SELECT min(scheduled_at) FROM risk)",
        "UPDATE risk SET high_water_micro = 0",
    ],
    "instruments": [
        "DELETE FROM instruments WHERE token = '00YES'",
        "UPDATE instruments SET market_id = 'm99' WHERE token = '00YES'",
        "UPDATE instruments SET side = 'NO' WHERE token = '10YES'",
        "UPDATE instruments SET event_id = 'another' WHERE token = '12NO'",
    ],
    "activity": ["DELETE FROM activity WHERE seq = 3", "DELETE FROM activity WHERE seq = 1"],
    "accounts": [
        "DELETE FROM accounts",
        "UPDATE accounts SET seq = seq + 1",
        "UPDATE accounts SET state = replace(state, '\"fees_micro\":[', '\"fees_micro\":[1')",
        "UPDATE accounts SET state = replace(state, '\"winner\":\"m02\"', '\"winner\":\"m01\"')",
        "UPDATE accounts SET state = '{}'",
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of the first four cycles: a correction behind it, positions and working orders open."""
    where = tmp_path_factory.mktemp("played") / "hermes.db"
    with closing(DurableJournal(where, desk=DESK, world=WORLD, start_micro=START_MICRO)) as writer:
        play(writer, FIXED[:4])
        last = FIXED[4]
        play(writer, [Step(last.words[:1], last.wanted, last.answers, last.price)], first=4)
    return where


def faults_of(where: str | Path) -> tuple[str, ...]:
    with closing(JournalReader(where)) as reader:
        return prove(reader, DESK).faults


def test_every_table_has_a_corruption_that_must_be_found() -> None:
    assert set(CORRUPTIONS) == set(METADATA.tables)


def test_an_honest_journal_is_proven(played: Path) -> None:
    with closing(JournalReader(played)) as reader:
        proof = prove(reader, DESK)
        account = reader.account(DESK)

    assert proof.faults == ()
    assert proof.proven
    assert account is not None
    assert (proof.cash_micro, proof.fees_micro) == (tuple(account.cash_micro), tuple(account.fees_micro))
    rows = rows_of(str(played))
    assert (proof.fills, proof.settlements, proof.ledger_lines) == tuple(
        len(rows[name]) for name in ("fills", "settlements", "ledger")
    )


@pytest.mark.parametrize(("table", "statement"), [(table, s) for table, all_of in CORRUPTIONS.items() for s in all_of])
def test_a_corrupted_row_is_found(played: Path, tmp_path: Path, table: str, statement: str) -> None:
    copy = shutil.copy(played, tmp_path / "hermes.db")
    corrupt(str(copy), statement)

    assert faults_of(copy) != (), f"{table}: {statement}"


def test_the_proof_holds_on_both_databases_and_on_a_bare_connection(journal: str) -> None:
    with closing(DurableJournal(journal, desk=DESK, world=WORLD, start_micro=START_MICRO)) as writer:
        play(writer, FIXED)

    engine = create_engine(url_of(journal))
    with engine.connect() as connection:
        proof = prove(connection, DESK)
    engine.dispose()

    assert proof.faults == ()


def test_an_unknown_desk_has_nothing_to_prove(played: Path) -> None:
    with closing(JournalReader(played)) as reader:
        assert prove(reader, "futures").faults == ()


def test_the_proof_shares_no_code_with_the_writers() -> None:
    import core.journal.proof as proof
    import core.journal.recount as recount

    modules = {getattr(value, "__module__", "") for module in (proof, recount) for value in vars(module).values()}

    assert modules & {f"core.journal.{name}" for name in ("fold", "rows", "entries", "execution", "payout", "state")} == set()


TOKENS = sorted(INSTRUMENTS)
SIZES = st.integers(-60 * MICRO, 60 * MICRO) | st.integers(-3, 3) | st.just(7 * MICRO)
STEPS = st.builds(
    Step,
    words=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2), st.booleans()), max_size=2).map(tuple),
    wanted=st.lists(st.tuples(st.sampled_from(TOKENS), SIZES), max_size=5, unique_by=lambda wish: wish[0]).map(tuple),
    answers=st.lists(st.integers(0, 4), max_size=5).map(tuple),
    price=st.integers(1_000, 999_000),
    obeys=st.booleans(),
)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, max_size=8))
def test_any_session_is_proven_and_its_rebuilt_account_equals_the_folded_one(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder) / "hermes.db"
        with closing(BufferedJournal(where, desk=DESK, world=WORLD, start_micro=START_MICRO)) as writer:
            after = play(writer, steps)
        with closing(JournalReader(where)) as reader:
            proof, kept = prove(reader, DESK), reader.account(DESK)

    rebuilt = play(SilentJournal(new_account(DESK, WORLD, START_MICRO)), steps)
    assert proof.faults == ()
    assert account_text(rebuilt) == account_text(after)
    assert kept is None or account_text(kept) == account_text(after)


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, min_size=2, max_size=6))
def test_any_session_gives_the_same_rows_from_every_writer(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one, many = f"{folder}/one.db", f"{folder}/many.db"
        with closing(DurableJournal(one, desk=DESK, world=WORLD, start_micro=START_MICRO)) as durable:
            play(durable, steps)
        with closing(BufferedJournal(many, desk=DESK, world=WORLD, start_micro=START_MICRO)) as buffered:
            play(buffered, steps)
        assert rows_of(one) == rows_of(many)
