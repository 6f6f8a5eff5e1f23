"""Index of the snapshot files, rebuildable from them and never the only copy of anything."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import date
from operator import attrgetter
from pathlib import Path
from typing import Any

import orjson

from core.errors import StoreError
from core.model.record import Kind
from core.store.durable import writing
from core.store.encoding import Entry, tie_of
from core.store.heads import closed_end
from core.store.layout import CATALOGUE, QUARANTINE, SNAPSHOTS, closed_days, start_of
from core.store.placing import settle
from core.store.runs import DAY_MICROS, HotRecord, Run, Thread, begun
from core.store.scan import scan_snapshots

_LOG = logging.getLogger("hermes.store")
_FIELDS = [field.name for field in fields(Entry)]
_NAMES = ", ".join(_FIELDS)
_GIVEN = [name for name in _FIELDS if name != "first_at"]
_INSERT = f"insert or ignore into snapshots ({', '.join(_GIVEN)}, first_at) values ({', '.join('?' * len(_FIELDS))})"
_values = attrgetter(*_GIVEN)
# Of each origin that is asked for, the newest entry under a condition: one question for a whole batch.
_NEWEST = """
    select {names} from snapshots where seq in (select (
        select seq from snapshots where kind = json_extract(asked.value, '$[0]') and subject = json_extract(asked.value, '$[1]')
            and source = json_extract(asked.value, '$[2]') and {condition} json_extract(asked.value, '$[3]')
        order by received_at desc, identity desc limit 1
    ) from json_each(?) as asked)
"""
_END = "kind, subject, source, error is null, received_at, identity, content, first_at"
Origin = tuple[str, str, str]  # kind, subject, source
_SCHEMA = """
create table if not exists snapshots (
    seq integer primary key autoincrement, identity text not null unique, kind text not null, subject text not null,
    source text not null, received_at integer not null, issued_at integer not null, first_at integer not null,
    sha256 text not null, content text not null, error text, decoder integer not null, path text not null,
    reference text not null
);
create index if not exists by_subject on snapshots (kind, subject, received_at);
create index if not exists by_receipt on snapshots (kind, received_at, subject);
drop index if exists by_path;
create index if not exists failed on snapshots (received_at) where error is not null;
create table if not exists set_apart (
    identity text primary key, received_at integer not null, kind text not null, subject text not null,
    source text not null, reasons text not null
);
create index if not exists set_apart_by_receipt on set_apart (received_at);
create table if not exists generation (one integer primary key check (one = 1), number integer not null);
insert or ignore into generation values (1, 1);
"""


class Catalogue:
    """What was received, without the payloads; a reader without it reads the files themselves."""

    def __init__(self, data_dir: Path, *, readonly: bool = False) -> None:
        self._data_dir, self._path, self._readonly = data_dir, data_dir / CATALOGUE, readonly
        self._lock = threading.RLock()
        self._inode = 0
        self._database = self._open_readonly() if readonly else self._open_writable()
        if not readonly:
            self._reconcile()

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def add(self, entries: Sequence[Entry]) -> None:
        """Index a batch in one transaction; what is known already stays as it is."""
        with self._lock, self._writing():
            self._insert(entries)

    def discard(self, path: str) -> None:
        """Forget a damaged file and all references to it."""
        with self._lock, self._writing():
            self._database.execute("delete from snapshots where path = ?", (path,))

    def rebuild(self) -> int:
        """Read every snapshot file anew; return how many records there are. Damaged files are moved aside."""
        entries = sorted(scan_snapshots(self._data_dir, report=self._set_aside), key=lambda entry: entry.order)
        with self._lock, self._writing():
            self._database.execute("delete from snapshots")
            self._database.execute("update generation set number = number + 1")
            self._insert(entries)
        return len(entries)

    def known(self, identities: Iterable[str]) -> set[str]:
        """Return which of some records are indexed."""
        query = "select identity from snapshots where identity in (select value from json_each(?))"
        return {identity for (identity,) in self._rows(query, _json(identities))}

    def newest(self, until: Mapping[Origin, int]) -> dict[Origin, Entry]:
        """Return the newest entry of each origin received up to an instant of its own, of those that have one."""
        found = self._rows(
            _NEWEST.format(names=_NAMES, condition="received_at <="), _json((*origin, last) for origin, last in until.items())
        )
        return {(entry.kind, entry.subject, entry.source): entry for entry in (Entry(*row) for row in found)}

    def entries(self, kind: Kind, subject: str, start: int, stop: int, seq: int) -> list[Entry]:
        """Return the entries received in [start, stop), in the order of a stack, among the first `seq` of the index."""
        found = self._rows(
            f"select {_NAMES} from snapshots where kind = ? and subject = ? and received_at >= ? and received_at < ?"
            " and seq <= ?",
            str(kind), subject, start, stop, seq,
        )  # fmt: skip
        return sorted((Entry(*row) for row in found), key=lambda entry: entry.order)

    def all(self) -> list[Entry]:
        """Return every entry, oldest received first."""
        return sorted((Entry(*row) for row in self._rows(f"select {_NAMES} from snapshots")), key=lambda entry: entry.order)

    def before(self, day: date) -> list[Entry]:
        """Return every entry received before a UTC day, oldest first."""
        stop = start_of(day)
        kinds = _json(Kind)  # by them the index finds what is old without a look at what is not
        query = f"select {_NAMES} from snapshots where kind in (select value from json_each(?)) and received_at < ?"
        found = self._rows(query, kinds, stop)
        return sorted((Entry(*row) for row in found), key=lambda entry: entry.order)

    def move_on(self, identities: Iterable[str]) -> None:
        """Forget entries whose records stand in a closed day; readers begin anew."""
        with self._lock, self._writing():
            self._database.executemany("delete from snapshots where identity = ?", ((identity,) for identity in identities))
            self._database.execute("update generation set number = number + 1")

    def subjects(self, kind: Kind, start: int, until: int) -> set[str]:
        """Return the subjects with a record received in [start, until]."""
        found = self._rows(
            "select distinct subject from snapshots where kind = ? and received_at between ? and ?", str(kind), start, until
        )
        return {subject for (subject,) in found}

    def newest_of(self, kind: Kind) -> dict[str, int]:
        """Return when the newest record of each subject was received."""
        return dict(self._rows("select subject, max(received_at) from snapshots where kind = ? group by subject", str(kind)))

    def heard(self, kind: Kind, start: int, until: int, seq: int) -> list[Entry]:
        """Return the entries of a kind received in [start, until], among the first `seq` of the index."""
        found = self._rows(
            f"select {_NAMES} from snapshots where kind = ? and received_at between ? and ? and seq <= ?",
            str(kind), start, until, seq,
        )  # fmt: skip
        return [Entry(*row) for row in found]

    def after(self, seq: int) -> tuple[int, list[Entry]]:
        """Return the highest number of the index and the entries that came after `seq`."""
        found = self._rows(f"select seq, {_NAMES} from snapshots where seq > ? order by seq", seq)
        return (found[-1][0] if found else seq), [Entry(*row[1:]) for row in found]

    def count(self, start: int = 0, until: int = 2**62) -> int:
        """Return how many records were received in [start, until]."""
        found = self._rows("select count(*) from snapshots where received_at between ? and ?", start, until)
        return int(str(found[0][0]))

    def set_apart(self, rows: Sequence[tuple[str, int, str, str, str, str]]) -> None:
        """Note that rows of some answers were not used: identity, received at, kind, subject, source, and why."""
        if not rows:
            return
        with self._lock, self._writing():
            self._database.executemany("insert or ignore into set_apart values (?, ?, ?, ?, ?, ?)", rows)

    def doubted(self, start: int, until: int) -> list[tuple[int, str, str, str, str, bool]]:
        """Return what was quarantined in [start, until], newest first: received at, kind, subject, source, why, as a whole.

        Answers that are bad as a whole stand in the index by their error; what was left out of good ones is noted when it
        is published, and a catalogue that was rebuilt has forgotten it.
        """
        whole = self._rows(
            "select received_at, kind, subject, source, error from snapshots"
            " where error is not null and received_at between ? and ?",
            start, until,
        )  # fmt: skip
        try:
            parts = self._rows(
                "select received_at, kind, subject, source, reasons from set_apart where received_at between ? and ?",
                start, until,
            )  # fmt: skip
        except StoreError:  # an index of before, opened for reading: nothing was noted in it
            parts = []
        return sorted([*((*row, True) for row in whole), *((*row, False) for row in parts)], reverse=True)

    def last(self) -> int:
        """Return the highest number of the index."""
        return int(self._rows("select coalesce(max(seq), 0) from snapshots")[0][0])

    def generation(self) -> tuple[int, int]:
        """Return a mark that changes when numbers of the index no longer mean what they did."""
        with self._lock:
            if self._readonly:
                self._follow()
            try:
                return self._inode, int(self._database.execute("select number from generation").fetchone()[0])
            except sqlite3.DatabaseError:
                return self._inode, 0

    def _rows(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            try:
                return self._database.execute(query, values).fetchall()
            except sqlite3.DatabaseError as error:
                raise StoreError(
                    f"cannot read {self._path}: {error}; remove that file, it is rebuilt at the next start"
                ) from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self._database.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._database.execute("rollback")
                raise
            self._database.execute("commit")
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"cannot write {self._path}: {error}; free space there, or remove that file: it is rebuilt"
            ) from error

    def _insert(self, entries: Sequence[Entry]) -> None:
        """Add entries, each to the run of equal content with which its origin ends."""
        asked = dict.fromkeys((entry.kind, entry.subject, entry.source, entry.error is None) for entry in entries)
        found = self._rows(_NEWEST.format(names=_END, condition="(error is null) ="), _json(asked))
        ends = {(kind, subject, source, bool(own)): _run(*end) for kind, subject, source, own, *end in found}
        closed_until = {kind: self._closed_until(Kind(kind)) for kind, *_ in asked}
        late: dict[str, dict[Thread, int]] = defaultdict(dict)  # whose runs are to be found anew, and from when on
        rows = []
        for entry in sorted(entries, key=attrgetter("received_at", "identity")):
            thread = entry.subject, entry.source, entry.error is None
            key, at, tie = (entry.kind, *thread), entry.received_at, tie_of(entry.identity)
            end = ends.get(key)
            if at < closed_until[entry.kind] or thread in late[entry.kind] or (end is not None and end[:2] >= (at, tie)):
                late[entry.kind].setdefault(thread, at)
                rows.append((*_values(entry), at))
                continue
            if end is None or end.received_at < closed_until[entry.kind]:
                closed = closed_end(self._data_dir, Kind(entry.kind), thread, at)
                end = max((one for one in (end, closed) if one is not None), default=None)
            first_at = begun(end, at, entry.content)
            rows.append((*_values(entry), first_at))
            ends[key] = Run(at, tie, entry.content, first_at)
        self._database.executemany(_INSERT, rows)
        for kind, since in late.items():
            if since:
                self._settle(Kind(kind), since)

    def settle(self, kind: Kind, since: Mapping[Thread, int]) -> None:
        """Find the runs of threads anew, each from an instant on: records came to its closed days."""
        with self._lock, self._writing():
            self._settle(kind, since)

    def _settle(self, kind: Kind, since: Mapping[Thread, int]) -> None:
        """Go through hot and closed records together, and correct those of either tier whose run began otherwise."""
        changed = settle(self._data_dir, kind, since, lambda thread: self._hot(kind, thread), write=not self._readonly)
        if changed:
            self._database.executemany("update snapshots set first_at = ? where seq = ?", changed)
            self._database.execute("update generation set number = number + 1")

    def _hot(self, kind: Kind, thread: Thread) -> list[HotRecord]:
        found = self._rows(
            "select seq, received_at, identity, content, first_at from snapshots where kind = ? and subject = ? and source = ?"
            " and (error is null) = ? order by received_at, identity",
            str(kind), *thread,
        )  # fmt: skip
        return [HotRecord(seq, at, tie_of(identity), *rest) for seq, at, identity, *rest in found]

    def _closed_until(self, kind: Kind) -> int:
        """Return the end of the newest closed day of a kind, 0 where none is closed."""
        days = closed_days(self._data_dir, kind)
        return start_of(days[-1]) + DAY_MICROS if days else 0

    def _open_writable(self) -> sqlite3.Connection:
        with writing(self._data_dir):
            self._data_dir.mkdir(parents=True, exist_ok=True)
        try:
            return self._connect_writable()
        except sqlite3.DatabaseError as error:
            if not self._path.exists() or isinstance(error, sqlite3.OperationalError):
                raise StoreError(f"cannot open {self._path}: {error}") from error
            _LOG.warning("%s is damaged (%s): it is set aside and rebuilt from the snapshots", self._path, error)
            with writing(self._data_dir):
                for name in (CATALOGUE, f"{CATALOGUE}-wal", f"{CATALOGUE}-shm"):
                    if (self._data_dir / name).exists():
                        (self._data_dir / QUARANTINE).mkdir(exist_ok=True)
                        os.replace(self._data_dir / name, self._data_dir / QUARANTINE / name)
            return self._connect_writable()

    def _connect_writable(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=5.0, isolation_level=None, check_same_thread=False)
        try:
            database.execute("pragma journal_mode = wal")
            database.execute("pragma synchronous = normal")
            if database.execute("pragma quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("it fails its own check")
            database.executescript(_SCHEMA)
        except BaseException:
            database.close()
            raise
        return database

    def _open_readonly(self) -> sqlite3.Connection:
        """Open without a right to write; where there is no sound catalogue, read the files into memory."""
        found = self._connect_readonly()
        if found is not None:
            return found
        self._inode = 0
        database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        database.executescript(_SCHEMA)
        self._database = database
        entries = scan_snapshots(self._data_dir, report=lambda path, reason: _LOG.warning("%s is left out: %s", path, reason))
        self._insert(entries)
        return database

    def _connect_readonly(self) -> sqlite3.Connection | None:
        uri = self._path.resolve().as_uri()
        for option in ("mode=ro", "immutable=1"):  # the second where not even the lock file may be written
            with contextlib.suppress(OSError, sqlite3.DatabaseError):
                inode = self._path.stat().st_ino
                database = sqlite3.connect(
                    f"{uri}?{option}", uri=True, timeout=5.0, isolation_level=None, check_same_thread=False
                )
                try:
                    database.execute("select number from generation").fetchone()[0]
                    database.execute("select 1 from snapshots limit 1").fetchone()
                except (sqlite3.DatabaseError, TypeError):
                    database.close()
                    continue
                self._inode = inode
                return database
        return None

    def _follow(self) -> None:
        """Open the catalogue again when its file was replaced or has appeared."""
        try:
            inode = self._path.stat().st_ino
        except OSError:
            return
        if inode != self._inode and (found := self._connect_readonly()) is not None:
            self._database.close()
            self._database = found

    def _reconcile(self) -> None:
        """Index what was renamed into place right before a crash: only the newest days can hold such files."""
        newest = self._rows("select max(received_at) from snapshots")[0][0]
        if newest is None:
            if (self._data_dir / SNAPSHOTS).is_dir():
                self.rebuild()
            return
        known = {path for row in self._rows("select path, reference from snapshots") for path in row}
        found = scan_snapshots(self._data_dir, report=self._set_aside, newer_than=newest, known=known)
        lost = sorted(found, key=lambda entry: entry.order)
        if lost:
            self.add(lost)

    def _set_aside(self, path: str, reason: str) -> None:
        """Move a damaged file out of the way, so that it is reported once."""
        _LOG.warning("%s is damaged and moved to %s: %s", path, QUARANTINE, reason)
        with writing(self._data_dir), contextlib.suppress(FileNotFoundError):
            (self._data_dir / QUARANTINE).mkdir(exist_ok=True)
            os.replace(self._data_dir / path, self._data_dir / QUARANTINE / path.replace("/", "__"))

    def quarantine(self, path: str, reason: str) -> None:
        """Move a damaged file aside and forget it."""
        self._set_aside(path, reason)
        self.discard(path)


def _run(received_at: int, identity: str, content: str, first_at: int) -> Run:
    return Run(received_at, tie_of(identity), content, first_at)


def _json(values: Iterable[object]) -> str:
    return orjson.dumps(list(values)).decode()
