"""What this machine is asked about itself before a look: the rim of `agents.host`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agents.host import facts_of, host_record, p99_seconds
from core.clock import monotonic_seconds
from core.journal.reader import JournalReader
from core.model.record import Record
from core.ports import Source

ORDERS = 50  # newest executions whose latency counts
REMEMBERED = timedelta(hours=6)  # slow answers of yesterday stop nobody: while they do, no new ones come
BYTES_PER_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Probe:
    """Asks the journal, the disk and the sources. In a simulated world only what its own clock says counts."""

    desk: str
    journal: JournalReader
    sources: Mapping[str, Source]
    data_dir: Path
    simulated: bool
    writable: Callable[[], bool]

    def record(
        self, records: Sequence[Record], at: datetime, *, before: Mapping[str, Any] | None, looked_at: datetime | None
    ) -> Record:
        """Return the HOST record of a look; `before` are the facts of the one before, sealed at `looked_at`."""
        measured = {"order_seconds": self._order_seconds(at), "others": self._others()} | self._machine()
        return host_record(self.desk, at, facts_of(records, at, before=before, looked_at=looked_at, measured=measured))

    def _order_seconds(self, at: datetime) -> float | None:
        """Return the p99 from the moment of an order until something was heard of it."""
        lines = self.journal.cycle_lines(self.desk, at - REMEMBERED, at)
        heard = [(line.heard_at - line.cycle.fill_at).total_seconds() for line in lines if line.heard_at is not None]
        return p99_seconds(heard[-ORDERS:])

    def _others(self) -> dict[str, int]:
        """Return the last known equity of the other desks."""
        newest = {
            desk: self.journal.risk(desk, limit=1, newest_first=True) for desk in self.journal.desks() if desk != self.desk
        }
        return {desk: lines[0].equity_micro for desk, lines in newest.items() if lines}

    def _machine(self) -> dict[str, Any]:
        if self.simulated:
            return {}
        begun = monotonic_seconds()
        ok = self.writable()
        journal_ms = round(1000 * (monotonic_seconds() - begun), 3)
        return {
            "journal_ok": ok, "journal_ms": journal_ms, "skew_seconds": skews_of(self.sources),
            "disk_free_mb": round(shutil.disk_usage(self.data_dir).free / BYTES_PER_MB, 1),
        }  # fmt: skip


def skews_of(sources: Mapping[str, Source]) -> dict[str, float]:
    """Return by service how far its clock is ahead of ours [s], as it last said; nothing of one that did not say."""
    found = {
        f"{name}/{service}": getattr(health, "skew_seconds", None)
        for name, source in sources.items()
        for service, health in getattr(source, "health", {}).items()
    }
    return {service: skew for service, skew in found.items() if skew is not None}
