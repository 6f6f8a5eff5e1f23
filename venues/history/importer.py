"""Bring sets of real history into the archive: once, in parts, with an account of what was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from core.errors import NotAllowedError, RuleError, StoreError
from core.store.durable import write_durable, writing
from core.store.layout import ARCHIVE, INCOMING, QUARANTINE
from core.store.parquet import write_closed_days, write_closed_table
from venues.history.listings import read_derived_listings, read_listings
from venues.history.moments import read_fetched_forecasts, read_moment_forecasts, read_page_readings
from venues.history.points import read_inferred_listings, read_points, read_quotes
from venues.history.prints import read_early_prints, read_prints
from venues.history.rows import Found, History, UnreadableError
from venues.history.sets import SETS, Part
from venues.history.weather import read_forecasts, read_reports

MANIFEST = f"{ARCHIVE}/imported.json"
Progress = Callable[[str, int, int], None]  # what comes next, parts done, parts in all

Reader = Callable[[History, Any], Found]  # of what the part says it is of

# Groups are written in one go: a closed day that several cities share is then written once.
READERS: Sequence[Mapping[str, Reader]] = (
    {"forecasts": read_forecasts, "moment forecasts": read_moment_forecasts, "fetched forecasts": read_fetched_forecasts},
    {"reports": read_reports, "page readings": read_page_readings},
    {"listings": read_listings, "derived listings": read_derived_listings, "inferred listings": read_inferred_listings},
    {"prints": read_prints, "early prints": read_early_prints, "price points": read_points},
    {"quotes": read_quotes},
)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did."""

    sets: tuple[str, ...]
    rows: Mapping[str, int]  # part → records written, this time
    already: tuple[str, ...]  # parts that had been imported from the same files before
    failed: tuple[str, ...]  # parts that could not be read
    bad_rows: int
    messages: tuple[str, ...]
    quarantine: Path | None  # folder of the rows that could not be read

    def lines(self) -> tuple[str, ...]:
        """Return the report in words."""
        words = [f"{name}: {count:,} records" for name, count in self.rows.items()]
        words += [f"{name}: already imported" for name in self.already]
        words += [f"set {name}: {SETS[name].grade}" for name in self.sets]
        words += self.messages
        if self.quarantine:
            words.append(f"{self.bad_rows} rows could not be read; they are in {self.quarantine}")
        return tuple(words)


def import_history(real_dir: Path, data_dir: Path, sets: Sequence[str], progress: Progress | None = None) -> ImportReport:
    """Import some sets; a part that is there already is not imported again.

    Raises:
        NotAllowedError: a set of another name.
        StoreError: `real_dir` is not a folder of real history, or the archive cannot be written.
    """
    unknown = [name for name in sets if name not in SETS]
    if unknown or not sets:
        raise NotAllowedError(f"no set {', '.join(unknown) or 'named'}; there are {', '.join(SETS)}", "sets")
    parts = {part.name: part for name in sets for part in SETS[name].parts}
    _check_folder(real_dir, list(parts.values()))
    history = History(real_dir, data_dir / QUARANTINE / "import")
    grades = {part.name: SETS[name].grade for name in sets for part in SETS[name].parts}
    work = _Work(history, data_dir, parts, grades, progress or (lambda what, done, of: None))
    for readers in READERS:
        work.group(readers)
    work.progress("done", len(parts), len(parts))
    return ImportReport(
        tuple(sets), work.written, tuple(work.already), tuple(work.failed), history.bad_rows, tuple(history.messages),
        history.quarantine if history.bad_rows else None,
    )  # fmt: skip


class _Work:
    """One import under way."""

    def __init__(
        self, history: History, data_dir: Path, parts: Mapping[str, Part], grades: Mapping[str, str], progress: Progress
    ) -> None:
        self.history, self.data_dir, self.parts, self.grades, self.progress = history, data_dir, parts, grades, progress
        self.manifest = read_manifest(data_dir)
        self.written: dict[str, int] = {}
        self.already: list[str] = []
        self.failed: list[str] = []

    def group(self, readers: Mapping[str, Reader]) -> None:
        """Read the parts of some kinds, write them together, then note them as done."""
        found: dict[str, Found] = {}
        digests: dict[str, dict[str, str]] = {}
        for part in (part for part in self.parts.values() if part.what in readers):
            self.progress(part.name, len(self.written) + len(found) + len(self.already) + len(self.failed), len(self.parts))
            try:
                digests[part.name] = self.history.digests(part.files)
                if self.manifest.get(part.name, {}).get("files") == digests[part.name]:
                    self.already.append(part.name)
                    continue
                with writing(self.data_dir):
                    found[part.name] = readers[part.what](self.history, part.of)
            except (UnreadableError, RuleError) as error:
                self.failed.append(part.name)
                self.history.tell(f"{error}: {part.name} left out")
        if not found:
            return
        write_closed_days(self.data_dir, (record for each in found.values() for record in each.records))
        write_closed_table(self.data_dir, *(each.table for each in found.values() if each.table))
        self.written |= {name: len(each) for name, each in found.items()}
        self.manifest |= {
            name: {"files": digests[name], "records": len(each), "grade": self.grades[name]} for name, each in found.items()
        }
        with writing(self.data_dir):
            content = orjson.dumps(self.manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
            write_durable({self.data_dir / MANIFEST: content}, self.data_dir / INCOMING)


def read_manifest(data_dir: Path) -> dict[str, Any]:
    """Return what was imported: part → files with their hashes, number of records, grade."""
    path = data_dir / MANIFEST
    try:
        manifest: dict[str, Any] = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read: {error}; remove it, and what it lists is imported again") from error
    return manifest


def _check_folder(real_dir: Path, parts: Sequence[Part]) -> None:
    if not real_dir.is_dir():
        raise StoreError(f"{real_dir} is no folder; give the folder of the real history")
    files = {file for part in parts for file in part.files}
    if not any((real_dir / file).is_file() for file in files):
        raise StoreError(f"{real_dir} holds none of {', '.join(sorted(files)[:3])}, ...: it is not a folder of real history")
