"""A record as the bytes of its snapshot file, and back."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import orjson

from core.errors import StoreError
from core.model.record import Kind, Record
from core.store.columns import DTYPES, canonical, dtype_name, texts
from core.store.layout import REFERENCES
from core.units import Columns, instant, iso, micros, parse_iso, writable

FORMAT = 1
_JSON = orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY
UNNAMED = "unnamed"  # the subject of a record whose own cannot be one
_NAME = re.compile(r"[A-Za-z0-9._-]{1,120}")
_load_facts = lru_cache(maxsize=512)(orjson.loads)


class Facts(Mapping[str, Any]):
    """Facts kept as their JSON text, parsed when looked at: a day of books would fill the memory as dictionaries."""

    __slots__ = ("json",)

    def __init__(self, json: bytes) -> None:
        self.json = json

    def __getitem__(self, name: str) -> Any:
        return _load_facts(self.json)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_load_facts(self.json))

    def __len__(self) -> int:
        return len(_load_facts(self.json))

    def __repr__(self) -> str:
        return repr(_load_facts(self.json))


NO_FACTS = Facts(b"{}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the catalogue: all of a record but its rows, facts and raw bytes."""

    identity: str
    kind: str
    subject: str
    source: str
    received_at: int
    issued_at: int  # 0: not known
    first_at: int  # when this content was first received in its unbroken run
    sha256: str  # of raw
    content: str  # hash of facts and rows
    error: str | None
    decoder: int
    path: str  # relative to the data folder: where raw, facts and rows are
    reference: str  # the batch file that says "the same again", empty for a file of its own

    @property
    def order(self) -> tuple[int, str, int]:
        """Sort key in a stack."""
        return self.received_at, self.source, tie_of(self.identity)


def tie_of(identity: str) -> int:
    """Return the first 60 bits of a hash: they order records of one source and instant."""
    return int(identity[:15], 16)


def checked_name(what: str, name: str) -> str:
    """Return a name that is safe as a file name; StoreError otherwise."""
    if not _is_name(what, name):
        raise StoreError(f"{what} {name!r} cannot be a folder's name: 1 to 120 of A-Z a-z 0-9 . _ - are allowed")
    return name


def _is_name(what: str, name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and name.strip(".") != "" and (what, name) != ("source", REFERENCES)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A record ready to be written; `record` has the types that a reader of the file will get."""

    record: Record
    facts: bytes
    rows: bytes
    sha256: str
    content: str
    identity: str

    def file(self) -> bytes:
        """Return the snapshot file."""
        record = self.record
        valid = record.rows.get("valid_at")
        return orjson.dumps({
            "format": FORMAT, "source": record.source, "kind": str(record.kind), "subject": record.subject,
            "valid_at": iso(instant(valid.max())) if valid is not None and len(valid) else None,
            "issued_at": iso(record.issued_at) if record.issued_at else None, "received_at": iso(record.received_at),
            "decoder": record.decoder, "error": record.error, "sha256": self.sha256, "content": self.content,
            "raw": _raw_json(record.raw), "facts": orjson.Fragment(self.facts), "rows": orjson.Fragment(self.rows),
        }, option=orjson.OPT_APPEND_NEWLINE)  # fmt: skip

    def entry(self, path: str, *, first_at: int = 0, reference: str = "") -> Entry:
        """Return the line of the catalogue."""
        record = self.record
        return Entry(
            self.identity, str(record.kind), record.subject, record.source, micros(record.received_at),
            micros(record.issued_at) if record.issued_at else 0, first_at, self.sha256, self.content, record.error,
            record.decoder, path, reference,
        )  # fmt: skip


def encoded(record: Record) -> Encoded:
    """Bring a record into its stored form; StoreError when a name or a column cannot be stored."""
    checked_name("subject", record.subject)
    checked_name("source", record.source)
    rows = canonical(record.rows, record.kind)
    facts_json, rows_json = facts_bytes(record), rows_bytes(rows)
    sha256, content = hashlib.sha256(record.raw).hexdigest(), content_hash(facts_json, rows_json)
    issued = micros(record.issued_at) if record.issued_at else 0
    words = (
        record.source, record.kind, record.subject, micros(record.received_at), issued, record.error or "", record.decoder,
        sha256, content,
    )  # fmt: skip
    try:
        identity = hashlib.sha256("|".join(map(str, words)).encode()).hexdigest()[:32]
    except UnicodeEncodeError as fault:
        raise StoreError(f"the error of {record.source} {record.kind} {record.subject} is no text: {fault}") from fault
    kept = Record(
        record.source, record.kind, record.subject, record.received_at, record.issued_at, record.raw, rows,
        Facts(facts_json) if facts_json != b"{}" else NO_FACTS, record.error, record.decoder,
    )  # fmt: skip
    return Encoded(kept, facts_json, rows_json, sha256, content, identity)


def storable(record: Record) -> Record:
    """Return a record that can be stored: itself, or a failed one with the bytes that came and the reason."""
    try:
        encoded(record)
    except StoreError as error:
        subject = record.subject if _is_name("subject", record.subject) else UNNAMED
        why = writable("; ".join(filter(None, (record.error, f"the answer cannot be kept as it was read: {error}"))))
        return replace(record, subject=subject, issued_at=None, rows={}, facts={}, error=why)
    return record


def facts_bytes(record: Record) -> bytes:
    """Return the facts as JSON in a fixed key order."""
    if isinstance(record.facts, Facts):
        return record.facts.json
    try:
        return _packed(orjson.dumps(dict(record.facts), option=_JSON))
    except TypeError as error:
        raise StoreError(f"facts of {record.source} {record.kind} {record.subject} are no JSON: {error}") from error


def rows_bytes(rows: Columns) -> bytes:
    """Return canonical columns as JSON; NaN is null, infinities are text."""
    return _packed(orjson.dumps(
        {name: {"dtype": dtype_name(values), "values": _values(values)} for name, values in rows.items()}, option=_JSON
    ))  # fmt: skip


def _packed(json: bytes) -> bytes:
    """Return a copy: orjson leaves its working space, five times the text, at the end of what it returns."""
    return bytes(memoryview(json))


def _values(values: Any) -> Any:
    if values.dtype.kind == "O":
        return values.tolist()
    if values.dtype.kind == "f" and np.isinf(values).any():
        return [str(value) if np.isinf(value) else value for value in values.tolist()]
    return values


def content_hash(facts_json: bytes, rows_json: bytes) -> str:
    """Return the hash that tells whether anything that is read has changed."""
    return hashlib.sha256(facts_json + b"\n" + rows_json).hexdigest()


def _raw_json(raw: bytes) -> dict[str, str]:
    try:
        return {"text": raw.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode("ascii")}


def decoded(blob: bytes, name: str) -> Encoded:
    """Return the record of a snapshot file; StoreError when the file is torn or was changed."""
    try:
        parts = orjson.loads(blob)
        raw = base64.b64decode(parts["raw"]["base64"]) if "base64" in parts["raw"] else parts["raw"]["text"].encode()
        rows = {column: _decoded_column(part) for column, part in parts["rows"].items()}
        facts_json = _packed(orjson.dumps(parts["facts"], option=_JSON))
        record = Record(
            source=parts["source"], kind=Kind(parts["kind"]), subject=parts["subject"],
            received_at=parse_iso(parts["received_at"]), issued_at=_parse(parts["issued_at"]), raw=raw, rows=rows,
            facts=Facts(facts_json) if facts_json != b"{}" else NO_FACTS, error=parts["error"], decoder=parts["decoder"],
        )  # fmt: skip
        claimed = parts["sha256"], parts["content"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"snapshot {name} is torn or foreign ({error!r})") from error
    found = encoded(record)
    if (found.sha256, found.content) != claimed:
        raise StoreError(f"snapshot {name} does not match its own hash")
    return found


def _decoded_column(part: Mapping[str, Any]) -> Any:
    stored, values = part["dtype"], part["values"]
    if stored == "str":
        return texts(values)
    return np.array(values, DTYPES[stored])  # of floats, None is NaN and "inf" infinite


def _parse(text: str | None) -> datetime | None:
    return parse_iso(text) if text else None
