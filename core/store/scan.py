"""The snapshot files as they lie on disk, for the day the index is lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterator
from datetime import timedelta
from pathlib import Path

import orjson

from core.errors import StoreError
from core.store.encoding import FORMAT, Entry, decoded
from core.store.layout import REFERENCES, SNAPSHOTS, day_of

Report = Callable[[str, str], None]


def reference_bytes(entries: list[Entry]) -> bytes:
    """Return the file that says of several records that their payload is an earlier one."""
    names = [name for name in Entry.__dataclass_fields__ if name not in ("first_at", "reference")]
    lines = [{name: getattr(entry, name) for name in names} for entry in entries]
    return orjson.dumps({"format": FORMAT, "references": lines}) + b"\n"


def scan_snapshots(data_dir: Path, *, report: Report, newer_than: int | None = None, known: Container[str] = ()) -> list[Entry]:
    """Return the entries of all files, or of those not `known` of the days around `newer_than`, in no order."""
    found: dict[str, Entry] = {}
    batches: list[str] = []
    for path in _files(data_dir, "" if newer_than is None else (day_of(newer_than) - timedelta(days=1)).isoformat()):
        if path in known:
            continue
        if path.startswith(f"{SNAPSHOTS}/{REFERENCES}/"):
            batches.append(path)
            continue
        try:
            entry = decoded((data_dir / path).read_bytes(), path).entry(path)
        except (OSError, StoreError) as error:
            report(path, str(error))
            continue
        found[entry.identity] = entry
    payloads = {entry.path for entry in found.values()}
    for path in batches:
        for entry in _references(data_dir, path, report):
            if entry.path in payloads or entry.path in known:
                found.setdefault(entry.identity, entry)
    return list(found.values())


def _references(data_dir: Path, path: str, report: Report) -> list[Entry]:
    try:
        lines = orjson.loads((data_dir / path).read_bytes())["references"]
        return [Entry(**line, first_at=0, reference=path) for line in lines]
    except (OSError, ValueError, KeyError, TypeError) as error:
        report(path, f"torn or foreign ({error!r})")
        return []


def _files(data_dir: Path, first_day: str) -> Iterator[str]:
    """Walk source, subject and day folders; the references have no subject level."""
    top = data_dir / SNAPSHOTS
    for source in _folders(top):
        subjects = [""] if source == REFERENCES else _folders(top / source)
        for subject in subjects:
            folder = top / source / subject
            for day in _folders(folder):
                if day >= first_day:
                    names = sorted(name for name in os.listdir(folder / day) if name.endswith(".json"))
                    yield from (str((folder / day / name).relative_to(data_dir)) for name in names)


def _folders(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir())
