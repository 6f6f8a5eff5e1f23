"""How each outside service is, and which of its answers were not believed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.services.shelves import Present, Shelves
from core.units import instant, micros, parse_iso

SOURCE = "heartbeat of the engine; index of the snapshots"
SPAN = timedelta(hours=24)
MOST_SHOWN = 60  # of one source and kind: what one says at length does not hide the others
_NO_KEY = re.compile(r"\bno (api )?key\b|\bkey is (not set|missing)|\bwithout a key\b", re.IGNORECASE)

# What is said of a source, from well to ill.
STATES: Mapping[str, str] = {
    "ok": "answers",
    "waiting": "was not asked yet",
    "no key": "has no key: it is left out, the others go on",
    "limited": "asks to be left alone for a while",
    "unreadable": "answers what cannot be read",
    "down": "does not answer",
}


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One service behind a source; counts of the last 24 h are of the world's clock."""

    name: str
    source: str  # the source that it belongs to
    state: str  # of STATES
    last_success: datetime | None
    age_seconds: float | None
    last_error: str
    last_error_at: datetime | None
    successes: int  # since the engine started
    failures: int
    retries: int


@dataclass(frozen=True, slots=True)
class Doubt:
    """Answers of one source about one subject that were quarantined for the same reason; raw bytes are kept."""

    source: str
    kind: str
    subject: str
    reason: str
    whole: bool  # the whole answer; else some of its rows
    count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class SourceHealth:
    as_of: datetime
    source: str
    n: int  # quarantined answers of the span, before they were grouped
    sources: tuple[SourceRow, ...]
    doubts: tuple[Doubt, ...]  # newest first
    quarantined: Mapping[str, int]  # by source
    since: datetime
    missing: str = ""


class SourceService:
    """Answers from the engine's heartbeat and the index of the snapshots; no file is looked into."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def health(self) -> SourceHealth:
        """Return every service, and what was quarantined in the last 24 hours."""
        present = self._shelves.present()
        since = present.now - SPAN
        rows = self._doubted(since, present)
        doubts = sorted(_grouped(rows), key=lambda one: (one.last_at, one.source, one.subject, one.reason), reverse=True)
        return SourceHealth(
            present.now, SOURCE, len(rows), tuple(source_rows(present)), tuple(_newest(doubts)),
            dict(Counter(source for _, _, _, source, _, _ in rows)), since, self._shelves.missing(),
        )  # fmt: skip

    def _doubted(self, since: datetime, present: Present) -> list[tuple[int, str, str, str, str, bool]]:
        catalogue, journal = self._shelves.catalogue(), self._shelves.journal()
        if catalogue is None:
            return []
        span = micros(since), micros(present.now)
        return journal.keep(("doubted",), lambda: catalogue.doubted(*span)) if journal else catalogue.doubted(*span)


def source_rows(present: Present) -> Iterator[SourceRow]:
    """Yield the services that the engine last spoke of; a source may hold several."""
    told = present.beat.facts.get("sources", {}) if present.beat else {}
    for source, services in told.items() if isinstance(told, Mapping) else ():
        for name, health in services.items() if isinstance(services, Mapping) else ():
            yield _row(str(source), str(name), health, present.now)


def _row(source: str, name: str, health: Mapping[str, Any], now: datetime) -> SourceRow:
    success, error_at = (_moment(health.get(field)) for field in ("last_success_at", "last_error_at"))
    error = str(health.get("last_error") or health.get("note") or "")  # a note: nothing is asked, and that is no failure
    age = None if success is None else max(0.0, (now - success).total_seconds())
    counts = (int(health.get(field) or 0) for field in ("successes", "failures", "retries"))
    state = _state(error, str(health.get("trouble") or ""), success)
    return SourceRow(name, source, state, success, age, error, error_at, *counts)


def _state(error: str, trouble: str, success: datetime | None) -> str:
    if error:
        return "no key" if _NO_KEY.search(error) else trouble if trouble in STATES else "down"
    return "ok" if success is not None else "waiting"


def _moment(text: object) -> datetime | None:
    return parse_iso(str(text)) if text else None


def _newest(doubts: Sequence[Doubt]) -> Iterator[Doubt]:
    told: Counter[tuple[str, str]] = Counter()
    for doubt in doubts:
        told[doubt.source, doubt.kind] += 1
        if told[doubt.source, doubt.kind] <= MOST_SHOWN:
            yield doubt


def _grouped(rows: list[tuple[int, str, str, str, str, bool]]) -> Iterator[Doubt]:
    groups: dict[tuple[str, str, str, str, bool], list[int]] = {}
    for received_at, kind, subject, source, reasons, whole in rows:
        for reason in reasons.split("\n") if not whole else (reasons,):
            groups.setdefault((source, kind, subject, reason, whole), []).append(received_at)
    for (source, kind, subject, reason, whole), at in groups.items():
        yield Doubt(source, kind, subject, reason, whole, len(at), instant(min(at)), instant(max(at)))
