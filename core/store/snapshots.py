"""Immutable files, published atomically; raw and decoded side by side."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.model.record import Record
from core.store.catalogue import Catalogue, Origin
from core.store.durable import clear_abandoned, write_durable, writing
from core.store.encoding import Encoded, Entry, decoded, encoded
from core.store.layout import INCOMING, day_of, reference_path, snapshot_path
from core.store.scan import reference_bytes
from core.units import micros

# What one cycle writes is read back in the next; what is unchanged, in every one. The largest would drive out all others.
_REMEMBERED_BYTES, _LARGEST, _REMEMBERED_FACTS = 24_000_000, 1_000_000, 512


class SnapshotStore:
    """`snapshots/{source}/{subject}/{UTC day received}/{received_at}-{hash}.json` under the data folder.

    One process writes. Readers learn of a batch from the catalogue, thus of all of it or of nothing.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._incoming = data_dir / INCOMING
        with writing(data_dir):
            data_dir.mkdir(parents=True, exist_ok=True)
            clear_abandoned(self._incoming)
        self.catalogue = Catalogue(data_dir)
        self._lock = threading.Lock()
        self._recent: OrderedDict[str, Encoded] = OrderedDict()
        self._recent_facts: OrderedDict[str, Mapping[str, Any]] = OrderedDict()
        self._recent_bytes, self._recent_lock = 0, threading.Lock()

    def publish(self, records: Sequence[Record]) -> None:
        """Make a batch durable and visible: write-temp, fsync, rename, fsync directory, then catalogue.

        A payload equal to the newest one of its (source, kind, subject) is stored as a reference to it, within a UTC
        day: each day stands alone, so that it can be closed. Publishing the same record again changes nothing.
        """
        batch = {found.identity: found for found in map(encoded, records)}
        with self._lock, writing(self.data_dir):
            entries, files = self._sorted_out(list(batch.values()))
            if not entries:
                return
            write_durable(files, self._incoming)
            self.catalogue.add(entries)
            self.catalogue.set_apart(list(_set_apart([batch[entry.identity] for entry in entries])))
            self._remember({entry.path: batch[entry.identity] for entry in entries if not entry.reference})

    def load(self, path: str) -> Encoded:
        """Return the record of a snapshot file, from memory if it was written or read here lately."""
        with self._recent_lock:
            recent = self._recent.get(path)
            if recent is not None:
                self._recent.move_to_end(path)
                return recent
        found = decoded((self.data_dir / path).read_bytes(), path)
        self._remember({path: found})
        return found

    def facts(self, path: str) -> Mapping[str, Any]:
        """Return the facts of a snapshot file."""
        with self._recent_lock:
            facts = self._recent_facts.get(path)
        return self.load(path).record.facts if facts is None else facts

    def close(self) -> None:
        self.catalogue.close()

    def _sorted_out(self, batch: list[Encoded]) -> tuple[list[Entry], dict[str, bytes]]:
        """Return the new entries of a batch, and the files to write for them."""
        entries: list[Entry] = []
        again: list[Entry] = []
        files: dict[str, bytes] = {}
        known = self.catalogue.known(one.identity for one in batch)
        new = sorted(
            (one for one in batch if one.identity not in known), key=lambda one: (one.record.received_at, one.identity)
        )
        firsts = {_origin(one.record): micros(one.record.received_at) for one in reversed(new)}
        newest = self.catalogue.newest(firsts)
        for found in new:
            origin = _origin(found.record)
            before = newest.get(origin)
            if before is not None and _unchanged(before, found):
                entry = found.entry(before.path, reference="-")
                again.append(entry)
            else:
                record = found.record
                entry = found.entry(snapshot_path(record.source, record.subject, record.received_at, found.identity))
                entries.append(entry)
                files[f"{self.data_dir}/{entry.path}"] = found.file()
            newest[origin] = entry
        if again:
            content = reference_bytes(again)
            path = reference_path(batch[0].record.received_at, hashlib.sha256(content).hexdigest())
            files[f"{self.data_dir}/{path}"] = content
            entries += [replace(entry, reference=path) for entry in again]
        return entries, files

    def _remember(self, written: dict[str, Encoded]) -> None:
        with self._recent_lock:
            for path, found in written.items():
                self._recent_facts[path] = found.record.facts
                if path not in self._recent and _weight(found) <= _LARGEST:
                    self._recent[path] = found
                    self._recent_bytes += _weight(found)
            while self._recent_bytes > _REMEMBERED_BYTES and len(self._recent) > 1:
                self._recent_bytes -= _weight(self._recent.popitem(last=False)[1])
            while len(self._recent_facts) > _REMEMBERED_FACTS:
                self._recent_facts.popitem(last=False)


def _weight(found: Encoded) -> int:
    """Return about how much memory a record takes: its bytes, and its rows as text and as arrays."""
    return len(found.record.raw) + len(found.facts) + 3 * len(found.rows) + 1_000


def _set_apart(published: Sequence[Encoded]) -> Iterator[tuple[str, int, str, str, str, str]]:
    """Yield what was left out of answers that are good otherwise: their facts say so."""
    for found in published:
        if b'"quarantined":[' in found.facts:
            record = found.record
            reasons = "\n".join(map(str, record.facts["quarantined"]))
            yield found.identity, micros(record.received_at), str(record.kind), record.subject, record.source, reasons


def _origin(record: Record) -> Origin:
    return str(record.kind), record.subject, record.source


def _unchanged(before: Entry, found: Encoded) -> bool:
    record = found.record
    same_payload = (before.sha256, before.content, before.error, before.decoder) == (
        found.sha256, found.content, record.error, record.decoder,
    )  # fmt: skip
    return same_payload and day_of(before.received_at) == day_of(micros(record.received_at))
