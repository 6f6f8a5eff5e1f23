"""How each outside service is, which of its answers did not come, and which were not believed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from core.services.shelves import Present, Shelves
from core.units import instant, micros, parse_iso

SOURCE = "heartbeat of the engine; index of the snapshots"
SPAN = timedelta(hours=24)
RECENT = timedelta(hours=1)
MOST_SHOWN = 60  # of one source and kind: what one says at length does not hide the others
# What is said where no answer came that could be read or kept: the service was down, asked for rest, or was not asked at all.
_SILENT = re.compile(
    r"try again later|wait before asking again|wait for new ones|left alone for|check address, key and parameters",
    re.IGNORECASE,
)
_NAMED = re.compile(r"^.*?: ")  # whose sentence it is: a service, a report, a market
_ASIDE, _NUMBER = re.compile(r" ?\(.*(\)|$)"), re.compile(r"\S*\d[^\s;,]*")
_RESTS = "left alone for"  # after other failures, which say more
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
SICK = ("limited", "unreadable", "down")
Told = tuple[int, str, str, str, str, bool]  # received at, kind, subject, source, why, as a whole


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
    unanswered_hour: int = 0  # what was wanted of it in the last hour and did not come


@dataclass(frozen=True, slots=True)
class Doubt:
    """Answers of one source that were quarantined for the same kind of reason; raw bytes are kept."""

    source: str
    kind: str
    subject: str  # of the newest
    reason: str  # of the newest, word by word
    whole: bool  # the whole answer; else some of its rows
    count: int
    first_at: datetime
    last_at: datetime
    subjects: int = 1  # how many they are about


@dataclass(frozen=True, slots=True)
class Silence:
    """What was wanted of one service and did not come, for one kind of reason: there are no bytes of it."""

    service: str
    source: str
    reason: str  # of the newest, word by word
    count: int
    recent: int  # of the last hour
    subjects: int
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
    silences: tuple[Silence, ...] = ()  # newest first

    @property
    def sick(self) -> tuple[SourceRow, ...]:
        """Return the services that fail now."""
        return tuple(one for one in self.sources if one.state in SICK)


class SourceService:
    """Answers from the engine's heartbeat and the index of the snapshots; no file is looked into."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def health(self) -> SourceHealth:
        """Return every service, and what did not come or was quarantined in the last 24 hours."""
        present = self._shelves.present()
        since = present.now - SPAN
        told = self._told(since, present)
        sources = tuple(_with_troubles(row, told) for row in source_rows(present))
        return SourceHealth(
            present.now, SOURCE, sum(told.quarantined.values()), sources, told.doubts, told.quarantined, since,
            self._shelves.missing(), told.silences,
        )  # fmt: skip

    def _told(self, since: datetime, present: Present) -> _Sorted:
        """Return what was said against answers, sorted once for each version of the journal."""
        catalogue, journal = self._shelves.catalogue(), self._shelves.journal()
        if catalogue is None:
            return _Sorted((), (), {})

        def asked() -> _Sorted:
            return _sorted(catalogue.doubted(micros(since), micros(present.now)), present.now)

        return journal.keep(("doubted",), asked) if journal else asked()


@dataclass(frozen=True, slots=True)
class _Sorted:
    doubts: tuple[Doubt, ...]
    silences: tuple[Silence, ...]
    quarantined: Mapping[str, int]


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


def _with_troubles(row: SourceRow, told: _Sorted) -> SourceRow:
    """Return a service with what it left unanswered lately; one that answers again keeps its last error in sight."""
    own = [one for one in told.silences if one.service == row.name]
    row = replace(row, unanswered_hour=sum(one.recent for one in own))
    lies = [one for one in told.doubts if one.whole and row.name in (one.source, one.reason.partition(":")[0])]
    troubles: list[Doubt | Silence] = [*own, *lies]
    newest = max(troubles, key=lambda one: (_RESTS not in one.reason, one.last_at), default=None)
    if row.last_error or newest is None:
        return row
    return replace(row, last_error=newest.reason, last_error_at=newest.last_at)


def _sorted(rows: Sequence[Told], now: datetime) -> _Sorted:
    silent = [row for row in rows if row[5] and _SILENT.search(row[4])]
    lies = [row for row in rows if not (row[5] and _SILENT.search(row[4]))]
    doubts = sorted(_doubts(lies), key=lambda one: (one.last_at, one.source, one.subject, one.reason), reverse=True)
    silences = sorted(_silences(silent, now), key=lambda one: (one.last_at, one.service, one.reason), reverse=True)
    return _Sorted(tuple(_newest(doubts)), tuple(silences), dict(Counter(source for _, _, _, source, _, _ in lies)))


def _newest(doubts: Sequence[Doubt]) -> Iterator[Doubt]:
    told: Counter[tuple[str, str]] = Counter()
    for doubt in doubts:
        told[doubt.source, doubt.kind] += 1
        if told[doubt.source, doubt.kind] <= MOST_SHOWN:
            yield doubt


def form_of(reason: str) -> str:
    """Return a sentence without names, numbers and what stands in brackets: what many sentences have in common."""
    return _NUMBER.sub("#", _ASIDE.sub("", _NAMED.sub("", reason)))


def _doubts(rows: Sequence[Told]) -> Iterator[Doubt]:
    groups: dict[tuple[str, str, bool], list[tuple[int, str, str, str]]] = {}
    for received_at, kind, subject, source, reasons, whole in rows:
        for reason in (reasons,) if whole else reasons.split("\n"):
            groups.setdefault((source, form_of(reason), whole), []).append((received_at, kind, subject, reason))
    for (source, _, whole), told in groups.items():
        (last, kind, subject, reason), first = max(told), min(told)[0]
        about = len({subject for _, _, subject, _ in told})
        yield Doubt(source, kind, subject, reason, whole, len(told), instant(first), instant(last), about)


def _silences(rows: Sequence[Told], now: datetime) -> Iterator[Silence]:
    groups: dict[tuple[str, str, str], list[tuple[int, str, str]]] = {}
    for received_at, _, subject, source, reason, _ in rows:
        service = reason.partition(":")[0]
        groups.setdefault((service, source, form_of(reason)), []).append((received_at, subject, reason))
    lately = micros(now - RECENT)
    for (service, source, _), told in groups.items():
        last, _, reason = max(told)
        recent, about = sum(at >= lately for at, _, _ in told), len({subject for _, subject, _ in told})
        yield Silence(service, source, reason, len(told), recent, about, instant(min(told)[0]), instant(last))
