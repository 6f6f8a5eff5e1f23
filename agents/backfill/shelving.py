"""Where the past is kept: closed days, and for what came in today the place of today's records; what is finished is noted after.

A kill between the two leaves records whose day is not noted: they are asked for again, recognised, and not kept twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

import orjson

from core.errors import StoreError
from core.failpoints import failpoint
from core.model.record import Kind, Record
from core.store.durable import write_durable, writing
from core.store.heads import heads_of, subjects_in
from core.store.layout import ARCHIVE, INCOMING, closed_path, start_of
from core.store.parquet import write_closed_days
from core.store.runs import Thread
from core.store.snapshots import SnapshotStore
from core.units import micros

MANIFEST = f"{ARCHIVE}/backfilled.json"
Key = tuple[str, str, int]  # source, subject, received at
_ALL = 2**62
_DAY_MICROS = 86_400_000_000


class Shelving:
    """Keeps records of the past in a data folder that no engine writes to, and knows which days are finished."""

    def __init__(self, data_dir: Path, now: datetime, recorded_until: datetime | None = None) -> None:
        """Open a folder; where a desk recorded until an instant, nothing is added that its cycles would have known."""
        self._data_dir, self._now, self._recorded_until = data_dir, now, recorded_until
        self._snapshots: SnapshotStore | None = None
        self._known: dict[tuple[Kind, date], set[Key]] = {}  # what stands in the closed days that were touched
        self.done: dict[str, frozenset[date]] = _read(data_dir)
        self.kept: Counter[str] = Counter()  # kind → records
        self.repeated = 0  # were there before
        self.later = 0  # would not be known yet
        self.before = 0  # would change what recorded cycles knew

    def keep(self, answers: Iterable[tuple[str, Sequence[Record], Sequence[date]]]) -> None:
        """Write the records of some answers (key, records, finished days), then note the days as finished."""
        past: list[Record] = []
        today: list[Record] = []
        finished: list[tuple[str, Sequence[date]]] = []
        for key, records, days in answers:
            left_out = self.before
            new = [record for record in records if self._is_new(record)]
            self._note_keys(new)  # what another answer tells again is dropped, equal records of one answer are not
            for record in new:
                (today if record.received_at.date() == self._now.date() else past).append(record)
            finished.append((key, days if self.before == left_out else ()))
        if past:
            write_closed_days(self._data_dir, past)
            self._settle(past)
        if today:
            self._store().publish(today)
        self.kept.update(str(record.kind) for record in (*past, *today))
        failpoint("after:past")
        for key, days in finished:
            if not days:
                continue
            self.done[key] = self.done.get(key, frozenset()) | frozenset(days)
        self._note()

    def close(self) -> None:
        """Let go of the catalogue."""
        if self._snapshots is not None:
            self._snapshots.close()

    def _is_new(self, record: Record) -> bool:
        if record.received_at > self._now:
            self.later += 1
            return False
        if self._recorded_until is not None and record.received_at <= self._recorded_until:
            self.before += 1
            return False
        if _key(record) in self._stands(record):
            self.repeated += 1
            return False
        return True

    def _stands(self, record: Record) -> set[Key]:
        """Return who was heard when on a day, by what stands on disk and what is to be written there.

        The bytes of an answer may differ from run to run; who was heard when does not.
        """
        day = record.received_at.date()
        key = (record.kind, day)
        if key not in self._known:
            path = closed_path(self._data_dir, *key)
            self._known[key] = (_keys(path) if path.exists() else set()) | self._hot_keys(record.kind, day)
        return self._known[key]

    def _hot_keys(self, kind: Kind, day: date) -> set[Key]:
        start = start_of(day)
        stop, catalogue = start + _DAY_MICROS, self._store().catalogue
        entries = (
            entry
            for subject in catalogue.subjects(kind, start, stop - 1)
            for entry in catalogue.entries(kind, subject, start, stop, _ALL)
        )
        return {(entry.source, entry.subject, entry.received_at) for entry in entries}

    def _settle(self, past: Iterable[Record]) -> None:
        """Let hot records know of the closed ones that came before, between or after them."""
        since: dict[Kind, dict[Thread, int]] = defaultdict(dict)
        for record in past:
            thread, at = (record.subject, record.source, record.error is None), micros(record.received_at)
            since[record.kind][thread] = min(at, since[record.kind].get(thread, at))
        for kind, threads in since.items():
            self._store().catalogue.settle(kind, threads)

    def _note_keys(self, records: Iterable[Record]) -> None:
        for record in records:
            self._stands(record).add(_key(record))

    def _store(self) -> SnapshotStore:
        if self._snapshots is None:
            self._snapshots = SnapshotStore(self._data_dir)
        return self._snapshots

    def _note(self) -> None:
        noted = {key: [day.isoformat() for day in sorted(days)] for key, days in self.done.items()}
        with writing(self._data_dir):
            content = orjson.dumps(noted, option=orjson.OPT_SORT_KEYS)
            write_durable({self._data_dir / MANIFEST: content}, self._data_dir / INCOMING)


def _key(record: Record) -> Key:
    return record.source, record.subject, micros(record.received_at)


def _keys(path: Path) -> set[Key]:
    return {(head.thread[1], head.thread[0], head.received_at) for head in heads_of(path, subjects_in(path))}


def _read(data_dir: Path) -> dict[str, frozenset[date]]:
    path = data_dir / MANIFEST
    try:
        noted: dict[str, list[str]] = orjson.loads(path.read_bytes())
        return {key: frozenset(map(date.fromisoformat, days)) for key, days in noted.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise StoreError(f"{path} cannot be read: {error}; remove it, and what it lists is asked for again") from error
