"""The migrations make what the tables say; a journal knows its world and its age."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

import core.journal.migrations
from core.errors import StoreError
from core.journal.address import url_of
from core.journal.buffered import BufferedJournal
from core.journal.durable import DurableJournal
from core.journal.reader import JournalReader
from core.journal.tables import METADATA, VERSION
from tests.journal.builders import DESK, START_MICRO, WORLD


def opened(where: str, world: str = WORLD) -> DurableJournal:
    return DurableJournal(where, desk=DESK, world=world, start_micro=START_MICRO)


def test_the_migrated_schema_equals_the_tables(journal: str) -> None:
    opened(journal).close()

    engine = create_engine(url_of(journal))
    with engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA)
        indexes = {
            name: {index["name"] for index in inspect(connection).get_indexes(name)} for name in METADATA.tables
        }  # fmt: skip
    engine.dispose()

    assert difference == []
    assert indexes == {name: {index.name for index in table.indexes} for name, table in METADATA.tables.items()}


def test_the_newest_revision_is_the_version_of_the_tables() -> None:
    script = ScriptDirectory(str(Path(core.journal.migrations.__file__).parent))

    assert script.get_heads() == [str(VERSION)]


def test_opening_twice_migrates_once(journal: str) -> None:
    opened(journal).close()
    opened(journal).close()

    with closing(JournalReader(journal)) as reader:
        assert reader.world() == WORLD


@pytest.mark.parametrize("kind", [DurableJournal, BufferedJournal])
def test_a_journal_of_another_world_is_refused_with_both_names_and_the_way_out(journal: str, kind: type) -> None:
    opened(journal).close()

    with pytest.raises(StoreError, match=r"'demo:7'.*'live'.*HERMES_DATA_DIR"):
        kind(journal, desk=DESK, world="live", start_micro=START_MICRO)


def test_a_newer_schema_is_refused_by_writer_and_reader(journal: str) -> None:
    opened(journal).close()
    engine = create_engine(url_of(journal))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE schema SET version = {VERSION + 1}")
    engine.dispose()

    with pytest.raises(StoreError, match=f"schema {VERSION + 1}, this Hermes knows {VERSION}.*newer Hermes"):
        opened(journal)
    with closing(JournalReader(journal)) as reader, pytest.raises(StoreError, match=f"knows {VERSION}.*newer Hermes"):
        reader.version()


def test_a_file_that_is_no_database_is_named_damaged(tmp_path: Path) -> None:
    (tmp_path / "hermes.db").write_bytes(b"this was written by somebody else" * 100)

    with pytest.raises(StoreError, match=r"hermes\.db.*damaged"):
        opened(str(tmp_path / "hermes.db"))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match=r"file.*HERMES_DATA_DIR"):
        opened(str(tmp_path / "file" / "hermes.db"))


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1/hermes") as refusal:
        opened("postgresql://me:secret@127.0.0.1:1/hermes")

    assert "secret" not in str(refusal.value)
