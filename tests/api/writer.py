"""An engine that does nothing but write cycles, until it is killed: `python -m tests.api.writer FOLDER`."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from core.journal.reader import JournalReader
from tests.api import world


def write(folder: Path, cycles: int = 1_000_000) -> None:
    """Go on from the newest cycle of the journal."""
    newest = JournalReader(folder / "hermes.db").last_cycle("weather")
    number = newest.cycle.number + 1 if newest else 1
    at = newest.cycle.scheduled_at if newest else world.NOW
    journal = world.open_journal(folder)
    account = journal.account("weather")
    for step in range(cycles):
        of = world.cycle(3, at + (step + 1) * timedelta(seconds=1))
        of = type(of)(of.desk, of.scheduled_at, number + step, of.cause, (), of.sealed_at, of.fill_at)
        account = world.trade(journal, of, account, [])
    journal.close()


if __name__ == "__main__":
    write(Path(sys.argv[1]))
