"""Events that wait for their final word longer than they should, or whose word nobody understood, as the engine said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from core.journal.tables import ACTIVITY
from core.services.journal_rows import JournalRows, Row
from core.units import micros

STALLED, UNKNOWN = "settlement_stalled", "settlement_unknown"
SAID_WITHIN = timedelta(hours=25)  # it is said once a day
MOST = 50


def waiting(journal: JournalRows | None, now: datetime) -> tuple[Row, ...]:
    """Return the newest line about each such event that has no final word since, oldest first."""
    if journal is None:
        return ()
    since = micros(now - SAID_WITHIN) // 3_600_000_000 * 3_600_000_000
    said = (ACTIVITY.c.type.in_((STALLED, UNKNOWN)), ACTIVITY.c.at >= since)
    _, rows = journal.keep(("waiting", since), lambda: journal.logs(said, MOST, 0))
    if not rows:
        return ()
    finals: Mapping[str, Row] = journal.finals()
    newest = {row["event_id"]: row for row in reversed(rows)}
    return tuple(row for row in newest.values() if row["event_id"] not in finals)
