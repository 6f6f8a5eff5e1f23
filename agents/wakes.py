"""Why to look between two ticks: a new report, or a person's word. Asked while the schedule waits on the machine's clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from agents.collect import answers_of, published
from core.clock import Clock
from core.control.commands import Commands
from core.model.command import KILL_FILE, To
from core.model.cycle import Cause
from core.model.record import Ask, Kind
from core.ports import Source
from core.store.snapshots import SnapshotStore

Wake = tuple[Cause, tuple[str, ...]]  # why, and which stations it is about (none: all)
POLL = timedelta(minutes=1)


class ReportWatch:
    """One request a minute for all stations; wakes the desk for those whose newest report is new."""

    def __init__(self, source: Source, stations: Sequence[str], snapshots: SnapshotStore, clock: Clock) -> None:
        self._source, self._snapshots, self._clock = source, snapshots, clock
        self._asks = [Ask(Kind.METAR, code, source=source.name) for code in stations]
        self._asked_at: datetime | None = None
        self._newest: dict[str, int] = {}

    def __call__(self) -> Wake | None:
        now = self._clock.now()
        if self._asked_at is not None and now - self._asked_at < POLL:
            return None
        self._asked_at = now
        said = answers_of(self._source, self._asks, self._clock)
        records = [record for record in said if record.error is None and len(record.rows["valid_at"])]
        published(records, self._snapshots)
        fresh = [record.subject for record in records if self._is_new(record.subject, int(record.rows["valid_at"].max()))]
        return (Cause.METAR, tuple(sorted(fresh))) if fresh else None

    def _is_new(self, station: str, valid_at: int) -> bool:
        known, self._newest[station] = self._newest.get(station), max(valid_at, self._newest.get(station, 0))
        return known is not None and valid_at > known  # the first answer after a start is news to nobody


class CommandWatch:
    """Wakes the desk when a person has asked something, and once when the kill file appears."""

    def __init__(self, commands: Commands, desk: str, data_dir: Path) -> None:
        self._commands, self._desk, self._kill_file = commands, desk, data_dir / KILL_FILE
        self._seen = False

    def __call__(self) -> Wake | None:
        appeared, self._seen = self._kill_file.exists() and not self._seen, self._kill_file.exists()
        if appeared or self._commands.pending(To.ENGINE, taker=self._desk):
            return Cause.COMMAND, ()
        return None


def first_of(*watches: Callable[[], Wake | None]) -> Callable[[], Wake | None]:
    """Return a watch that asks the others in order."""

    def asked() -> Wake | None:
        return next((wake for watch in watches if (wake := watch()) is not None), None)

    return asked
