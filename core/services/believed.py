"""The newest evaluation of each event, read once for each state of the store and shared by every answer."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from core.services.values import rows_of
from core.store.evaluations import EvaluationStore
from core.units import Columns, micros

Row = Mapping[str, Any]
Mark = tuple[tuple[int, int], ...]


class Believed:
    """One state of the evaluations: nothing in it changes, what was not asked before is read on demand."""

    def __init__(self, store: EvaluationStore) -> None:
        self._store, self._lock = store, threading.Lock()
        self.at, outlooks, bulk = store.newest()
        self._brackets: dict[str, Sequence[Row]] = dict(_by_event(bulk)) if self.at else {}
        self._outlooks: dict[date | None, Sequence[Row]] = {}
        at = {"scheduled_at": micros(self.at)} if self.at else {}
        self._alone: dict[str, Row | None] = {row["event_id"]: {**at, **row} for row in rows_of(outlooks)}

    def outlooks(self, first_day: date | None) -> Sequence[Row]:
        """Return the newest outlook of each event from an event day on."""
        with self._lock:
            if first_day not in self._outlooks:
                self._outlooks[first_day] = tuple(rows_of(self._store.events(first_day)))
            return self._outlooks[first_day]

    def outlook(self, event_id: str) -> Row | None:
        """Return the newest outlook of an event, None when it was never evaluated."""
        self._read(event_id)
        return self._alone[event_id]

    def brackets(self, event_id: str) -> Sequence[Row]:
        """Return the newest brackets of an event, from cold to warm."""
        if event_id not in self._brackets:
            self._read(event_id)
        return self._brackets.get(event_id, ())  # of an event that is refused there are none

    def _read(self, event_id: str) -> None:
        with self._lock:
            if event_id in self._alone:
                return
            at, outlooks, brackets = self._store.newest(event_id)
            found = next((row for row in rows_of(outlooks) if row["event_id"] == event_id), None) if at else None
            self._alone[event_id] = None if found is None or at is None else {"scheduled_at": micros(at), **found}
            self._brackets[event_id] = _by_event(brackets).get(event_id, ())


def mark_of(path: Path) -> Mark:
    """Return what changes whenever somebody wrote to an SQLite file."""
    return tuple(_stamp(one) for one in (path, path.with_name(f"{path.name}-wal")))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except OSError:
        return 0, 0
    return (state.st_mtime_ns, state.st_size) if state.st_size else (0, 0)  # a reader leaves an empty one behind


def _by_event(brackets: Columns) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = {}
    for row in rows_of(brackets):
        grouped.setdefault(row["event_id"], []).append(row)
    return grouped
