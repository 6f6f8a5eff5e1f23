"""Schema changes, one file per revision in `versions`, named 1, 2, 3...; run by whoever opens a journal for writing."""

from __future__ import annotations

from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def upgrade(connection: Connection) -> None:
    """Bring the schema to the newest revision, in the transaction that `connection` is in."""
    script = ScriptDirectory(str(Path(__file__).parent))
    # `alembic.command.upgrade` does the same, but wants an alembic.ini and an env.py around it.
    context = MigrationContext.configure(
        connection,
        opts={"fn": lambda revision, _: script._upgrade_revs("head", revision)},
    )
    with Operations.context(context):
        context.run_migrations()
